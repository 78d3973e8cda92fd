# SPDX-License-Identifier: Apache-2.0
"""Notification ports of version 1: ApiCreateNotify and what goes with it, opnums 55 to 65, 90, 91,
99, 100, 107 and 147, by the rules of [MS-CMRP] 3.1.1.8 and 3.1.4.2.56 to .66."""

# CLUSTER_CHANGE [2.2.2.7]
NODE_STATE = 0x1
REGISTRY_NAME, REGISTRY_VALUE = 0x10, 0x40
RESOURCE_STATE = 0x100
GROUP_STATE, GROUP_DELETED, GROUP_ADDED = 0x1000, 0x2000, 0x4000
NETWORK_STATE, NETINTERFACE_STATE = 0x100000, 0x1000000
HANDLE_CLOSE = 0x80000000

INVALID_FUNCTION, INVALID_HANDLE, INVALID_PARAMETER, NO_MORE_ITEMS = 1, 6, 0x57, 0x103
NULL = "00" * 20
NOTHING = {"dwNotifyKey": 0, "dwFilter": 0, "dwStateSequence": 0, "Name": None, "rpc_status": 0}

GROUP, RESOURCE, NODE = "Cluster Group", "Cluster Name", "NODE1"
NETWORK, INTERFACE = "Cluster Network 1", "NODE1 - Ethernet 1"

# kind: method that opens, its name parameter, that of the handle, mask, *_STATE
OBJECTS = {
    "Node": ("lpszNodeName", NODE, NODE_STATE),
    "Group": ("lpszGroupName", GROUP, GROUP_STATE),
    "Resource": ("lpszResourceName", RESOURCE, RESOURCE_STATE),
    "Network": ("lpszNetworkName", NETWORK, NETWORK_STATE),
    "NetInterface": ("lpszNetInterfaceName", INTERFACE, NETINTERFACE_STATE),
}


def opened(one, kind):
    word, name, _ = OBJECTS[kind]
    return one.handle(f"ApiOpen{kind}", **{word: name})


def shown(results):
    return results["dwNotifyKey"], results["dwFilter"], results["Name"]


def next_one(one, port):
    return shown(one.ok("ApiGetNotify", hNotify=port))


def group(actor, name):
    """A new group; its handle."""
    return actor.handle("ApiCreateGroup", lpszGroupName=name)


def delete(actor, handle):
    actor.ok("ApiDeleteGroup", Group=handle, force=0)


def example(stage, reader, waiter, actor):
    """The example of section 4.3, with a call that waits before anything is registered."""
    port = reader.handle("ApiCreateNotify")
    waiter.begin("ApiGetNotify", hNotify=port)
    stage.blocked(1)
    cluster = reader.handle("ApiOpenCluster")
    reader.ok("ApiAddNotifyCluster", hNotify=port, hCluster=cluster,
              dwFilter=GROUP_ADDED | GROUP_DELETED, dwNotifyKey=11)
    resource = opened(reader, "Resource")
    first = reader.ok("ApiAddNotifyResource", hNotify=port, hResource=resource,
                      dwFilter=RESOURCE_STATE, dwNotifyKey=12)["dwStateSequence"]
    new = group(actor, "Partner's group")
    stage.same("a waiting call", shown(waiter.end()), (11, GROUP_ADDED, "Partner's group"))
    delete(actor, new)
    stage.same("a group is deleted", next_one(reader, port),
               (11, GROUP_DELETED, "Partner's group"))
    changes(stage, reader, actor, port, first)
    return port, cluster


def changes(stage, reader, actor, port, sequence):
    """A resource goes offline and online again: each step raises its state sequence by one."""
    resource = opened(actor, "Resource")
    for name in ("ApiOfflineResource", "ApiOnlineResource"):
        stage.same(name, actor.ask(name, hResource=resource)["return"] in (0, 0x3E5), True)
    after = actor.ok("ApiAddNotifyResource", hNotify=actor.handle("ApiCreateNotify"),
                     hResource=resource, dwFilter=RESOURCE_STATE, dwNotifyKey=0)
    after = after["dwStateSequence"]
    stage.same("at least two transitions", after - sequence >= 2, True)
    for step in range(sequence + 1, after + 1):
        got = reader.ok("ApiGetNotify", hNotify=port)
        stage.same(f"state sequence {step}", (shown(got), got["dwStateSequence"]),
                   ((12, RESOURCE_STATE, RESOURCE), step))


def filters(stage, reader, actor, port, cluster):
    """Each filter that matches makes an indication of its own."""
    for key in (21, 22):
        reader.ok("ApiAddNotifyCluster", hNotify=port, hCluster=cluster, dwFilter=GROUP_DELETED,
                  dwNotifyKey=key)
    new = group(actor, "Größe 木 𝄞")
    stage.same("added", next_one(reader, port), (11, GROUP_ADDED, "Größe 木 𝄞"))
    seen = reader.handle("ApiOpenGroup", lpszGroupName="GRÖSSE 木 𝄞".replace("SS", "ß"))
    reader.ok("ApiAddNotifyGroup", hNotify=port, hGroup=seen, dwFilter=0xF000, dwNotifyKey=23)
    delete(actor, new)
    got = sorted(next_one(reader, port) for _ in range(4))
    stage.same("four filters match", got,
               [(key, GROUP_DELETED, "Größe 木 𝄞") for key in (11, 21, 22, 23)])


def registry(stage, reader, actor):
    """Keys, values, names below the key that is watched."""
    port = reader.handle("ApiCreateNotify")
    root = reader.handle("ApiGetRootKey", samDesired=0x02000000)
    reader.ok("ApiAddNotifyKey", hNotify=port, hKey=root, dwNotifyKey=31, Filter=0x70,
              WatchSubTree=1)
    theirs = actor.handle("ApiGetRootKey", samDesired=0x02000000)
    made = actor.ok("ApiCreateKey", hKey=theirs, lpSubKey="Partner", samDesired=0x2001F,
                    dwOptions=0)["return"]
    stage.same("a key is made", next_one(reader, port), (31, REGISTRY_NAME, "Partner"))
    seen = reader.handle("ApiOpenKey", hKey=root, lpSubKey="Partner", samDesired=0x20019)
    reader.ok("ApiAddNotifyKey", hNotify=port, hKey=seen, dwNotifyKey=32, Filter=REGISTRY_VALUE,
              WatchSubTree=0)
    actor.ok("ApiSetValue", hKey=made, lpValueName="NotifyTest", dwType=1, cbData=4,
             lpData="41000000")
    got = sorted(next_one(reader, port) for _ in range(2))
    stage.same("a value is set", got, [(31, REGISTRY_VALUE, "Partner"), (32, REGISTRY_VALUE, "")])
    below = actor.ok("ApiCreateKey", hKey=made, lpSubKey="Below", samDesired=0x2001F,
                     dwOptions=0)["return"]
    actor.ok("ApiSetValue", hKey=below, lpValueName="x", dwType=3, cbData=0, lpData="")
    stage.same("a key below", next_one(reader, port), (31, REGISTRY_NAME, "Partner\\Below"))
    stage.same("a value below", next_one(reader, port), (31, REGISTRY_VALUE, "Partner\\Below"))
    actor.ok("ApiDeleteValue", hKey=made, lpValueName="NotifyTest")
    got = sorted(next_one(reader, port) for _ in range(2))
    stage.same("a value is deleted", got,
               [(31, REGISTRY_VALUE, "Partner"), (32, REGISTRY_VALUE, "")])
    actor.ok("ApiDeleteKey", hKey=made, lpSubKey="Below")
    stage.same("a key is deleted", next_one(reader, port), (31, REGISTRY_NAME, "Partner\\Below"))
    reader.ok("ApiCloseNotify", Notify=port)
    actor.ok("ApiDeleteKey", hKey=theirs, lpSubKey="Partner")


def states(stage, reader):
    """Nodes, networks, interfaces: what an administrator or a cable does to them."""
    port = reader.handle("ApiCreateNotify")
    for key, kind in enumerate(OBJECTS, 41):
        _, _, bit = OBJECTS[kind]
        reader.ok(f"ApiAddNotify{kind}", hNotify=port, dwFilter=bit, dwNotifyKey=key,
                  **{f"h{kind}": opened(reader, kind)})
    for words, *expected in (
            (("node", "pause", NODE), (41, NODE_STATE, NODE)),
            (("node", "resume", NODE), (41, NODE_STATE, NODE)),
            # A network takes its interfaces with it, an interface its network.
            (("state", "network", NETWORK, "down"),
             (44, NETWORK_STATE, NETWORK), (45, NETINTERFACE_STATE, INTERFACE)),
            (("state", "network", NETWORK, "up"),
             (44, NETWORK_STATE, NETWORK), (45, NETINTERFACE_STATE, INTERFACE)),
            (("state", "interface", INTERFACE, "unreachable"),
             (44, NETWORK_STATE, NETWORK), (45, NETINTERFACE_STATE, INTERFACE)),
            (("state", "interface", INTERFACE, "up"),
             (44, NETWORK_STATE, NETWORK), (45, NETINTERFACE_STATE, INTERFACE))):
        stage.server.ctl(*words)
        stage.same(" ".join(words), sorted(next_one(reader, port) for _ in expected), expected)
    reader.ok("ApiCloseNotify", Notify=port)


def again(stage, reader, actor):
    """ApiReAddNotify*: an indication at once where the state sequence is another one."""
    for key, kind in enumerate(OBJECTS, 51):
        _, name, bit = OBJECTS[kind]
        port = reader.handle("ApiCreateNotify")
        base = {"hNotify": port, f"h{kind}": opened(reader, kind), "dwFilter": bit}
        sequence = reader.ok(f"ApiAddNotify{kind}", **base, dwNotifyKey=key)["dwStateSequence"]
        reader.ok(f"ApiReAddNotify{kind}", **base, dwNotifyKey=100 + key, StateSequence=sequence)
        reader.ok(f"ApiReAddNotify{kind}", **base, dwNotifyKey=200 + key,
                  StateSequence=sequence + 1 & 0xFFFFFFFF)
        got = reader.ok("ApiGetNotify", hNotify=port)
        stage.same(f"{kind} is added again", (shown(got), got["dwStateSequence"]),
                   ((200 + key, bit, name), sequence))
        reader.ok("ApiCloseNotify", Notify=port)


def asynchronous(stage, reader, actor):
    """ApiGetNotifyAsync: all that wait, in order."""
    port = reader.handle("ApiCreateNotify")
    cluster = reader.handle("ApiOpenCluster")
    reader.ok("ApiAddNotifyCluster", hNotify=port, hCluster=cluster,
              dwFilter=GROUP_ADDED | GROUP_DELETED, dwNotifyKey=61)
    for name in ("One", "Two"):
        delete(actor, group(actor, name))
    got = []
    while len(got) < 4:
        results = reader.ok("ApiGetNotifyAsync", hNotify=port)
        stage.same("a count", results["dwNumNotifications"], len(results["Notifications"]))
        got += [shown(one) for one in results["Notifications"]]
    stage.same("in order", got, [(61, GROUP_ADDED, "One"), (61, GROUP_DELETED, "One"),
                                 (61, GROUP_ADDED, "Two"), (61, GROUP_DELETED, "Two")])
    reader.ok("ApiCloseNotify", Notify=port)


def unblock(stage, reader, waiter, actor, port):
    """ApiUnblockGetNotifyCall ends what waits and changes nothing else."""
    for name, empty in (("ApiGetNotify", NOTHING),
                        ("ApiGetNotifyAsync", {"Notifications": None, "dwNumNotifications": 0})):
        waiter.begin(name, hNotify=port)
        stage.blocked(1)
        reader.ok("ApiUnblockGetNotifyCall", hNotify=port)
        stage.same(f"{name} is unblocked", waiter.end(), {**empty, "return": INVALID_FUNCTION})
    delete(actor, group(actor, "After"))
    stage.same("filters are still there", next_one(waiter, port), (11, GROUP_ADDED, "After"))
    for _ in range(3):
        next_one(waiter, port)


def close(stage, reader, waiter, port):
    """ApiCloseNotify ends what waits on another connection of the association."""
    waiter.begin("ApiGetNotify", hNotify=port)
    stage.blocked(1)
    stage.same("closed", reader.ok("ApiCloseNotify", Notify=port)["Notify"], NULL)
    results = waiter.end()
    stage.same("closed while waiting", results.pop("return") in (INVALID_FUNCTION, NO_MORE_ITEMS),
               True)
    stage.same("nothing delivered", results, NOTHING)


def wrong(stage, reader, waiter, actor):
    """What is refused."""
    stage.name = "version 1, refused"
    port = reader.handle("ApiCreateNotify")
    cluster, node = reader.handle("ApiOpenCluster"), opened(reader, "Node")
    stage.refused("a bit of another class", reader, "ApiAddNotifyNode", (INVALID_PARAMETER,),
                  hNotify=port, hNode=node, dwFilter=GROUP_STATE, dwNotifyKey=0)
    stage.refused("a bit of clients", reader, "ApiAddNotifyCluster", (INVALID_PARAMETER,),
                  hNotify=port, hCluster=cluster, dwFilter=HANDLE_CLOSE, dwNotifyKey=0)
    stage.refused("a handle of another kind", reader, "ApiAddNotifyGroup", (INVALID_HANDLE,),
                  hNotify=port, hGroup=node, dwFilter=GROUP_STATE, dwNotifyKey=0)
    stage.refused("no port", reader, "ApiGetNotify", (INVALID_HANDLE,), hNotify=cluster)
    stage.refused("a handle of another association", actor, "ApiGetNotify", (), hNotify=port)
    reader.ok("ApiCloseNotify", Notify=port)
    stage.refused("a closed port", waiter, "ApiGetNotify", (), hNotify=port)


def play(stage, reader, waiter, actor):
    """reader and waiter are of one association, actor is of another."""
    stage.name = "version 1"
    port, cluster = example(stage, reader, waiter, actor)
    filters(stage, reader, actor, port, cluster)
    unblock(stage, reader, waiter, actor, port)
    close(stage, reader, waiter, port)
    registry(stage, reader, actor)
    states(stage, reader)
    again(stage, reader, actor)
    asynchronous(stage, reader, actor)
