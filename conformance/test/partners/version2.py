# SPDX-License-Identifier: Apache-2.0
"""Notification ports of version 2: opnums 137, 138, 139, 155 and 107, with the contents of
[MS-CMRP] 3.1.4.2.138."""
import version1
from version1 import INTERFACE, INVALID_HANDLE, INVALID_PARAMETER, NETWORK, NODE, RESOURCE

# CLUSTER_OBJECT_TYPE [2.2.2.11], and flags of them.
CLUSTER, GROUPS, RESOURCES, TYPES, INTERFACES, NETWORKS, NODES, REGISTRY = range(1, 9)
ADDED = 0x4
DELETED, COMMON_PROPERTY, STATE = 0x1, 0x2, 0x8
RESOURCE_STATE, NODE_STATE = 0x4, 0x10
REGISTRY_NAME, REGISTRY_SUBTREE, REGISTRY_VALUE = 0x2, 0x4, 0x8
CLOSE = 0x200
INVALID_FUNCTION, NO_MORE_ITEMS = 1, 0x103
NOTHING = {"Notifications": None, "dwNumNotifications": 0}
TYPE = "Generic Service"


def add(one, port, handle, kind, flags, key, targeted=0):
    one.ok("ApiAddNotifyV2", **registration(port, handle, kind, flags, key, targeted))


def registration(port, handle, kind, flags, key, targeted=0, version=2):
    return {"hNotify": port, "hObject": handle, "dwNotifyKey": key, "dwVersion": version,
            "filter": {"dwObjectType": kind, "FilterFlags": str(flags)},
            "isTargetedAtObject": targeted}


def flat(element):
    """(key, type, flag, buffer, object, parent, name, type name); absent texts are empty."""
    data = element["NotificationData"]
    filtered = data["FilterAndType"]
    return (int(element["dwNotifyKey"]), filtered["dwObjectType"], int(filtered["FilterFlags"]),
            data["buffer"] or "", *(data[word] or "" for word in
                                    ("ObjectId", "ParentId", "Name", "Type")))


def take(stage, one, port, count):
    """So many indications, oldest first."""
    got = []
    while len(got) < count:
        results = one.ok("ApiGetNotifyV2", hNotify=port)
        stage.same("a count", results["dwNumNotifications"], len(results["Notifications"]))
        got += [flat(element) for element in results["Notifications"]]
    return got


def identifier(one, kind):
    word = {"Network": "hNetwork", "NetInterface": "hNetInterface"}.get(kind, f"h{kind}")
    return one.ok(f"ApiGet{kind}Id", **{word: version1.opened(one, kind)})["pGuid"]


def dword(number):
    return number.to_bytes(4, "little").hex()


def groups(stage, reader, waiter, actor, port, cluster):
    """A group comes and goes: a call that waits, indications of two filters."""
    add(reader, port, cluster, CLUSTER, ADDED, 71)
    add(reader, port, cluster, GROUPS, DELETED | STATE, 72)
    waiter.begin("ApiGetNotifyV2", hNotify=port)
    stage.blocked(1)
    new = version1.group(actor, "Gruppe 木")
    name = actor.ok("ApiGetGroupId", hGroup=new)["pGuid"]
    node = identifier(actor, "Node")
    [element] = waiter.end()["Notifications"]
    got = flat(element)
    stage.same("a waiting call", (got[:3], got[4:]),
               ((71, CLUSTER, ADDED), (name, node, "Gruppe 木", "")))
    stage.same("the group type", len(got[3]), 8)
    version1.delete(actor, new)
    stage.same("deleted", take(stage, reader, port, 1),
               [(72, GROUPS, DELETED, "", name, node, "Gruppe 木", "")])


def resources(stage, reader, actor, port):
    """The states of a resource, as numbers; the last one is what it is in."""
    handle = version1.opened(reader, "Resource")
    add(reader, port, handle, RESOURCES, RESOURCE_STATE, 73, 1)
    name, parent = identifier(reader, "Resource"), identifier(reader, "Group")
    kind = reader.ok("ApiGetResourceType", hResource=handle)["lpszResourceType"]
    theirs = version1.opened(actor, "Resource")
    for method, state in (("ApiOfflineResource", 3), ("ApiOnlineResource", 2)):
        stage.same(method, actor.ask(method, hResource=theirs)["return"] in (0, 0x3E5), True)
        buffers = []
        while not buffers or buffers[-1] != dword(state):
            for got in take(stage, reader, port, 1):
                if got[0] == 73:  # not what happens to the group
                    stage.same("of the resource", (got[:3], got[4:]),
                               ((73, RESOURCES, RESOURCE_STATE), (name, parent, RESOURCE, kind)))
                    buffers.append(got[3])
        stage.same("only states on the way", [b for b in buffers[:-1] if b not in
                                              (dword(0x81), dword(0x82))], [])


def administration(stage, reader, cluster):
    """What clients cannot do: nodes, networks, interfaces, resource types."""
    port = reader.handle("ApiCreateNotifyV2")
    add(reader, port, cluster, NODES, NODE_STATE, 81)
    add(reader, port, version1.opened(reader, "Network"), NETWORKS, STATE, 82, 1)
    add(reader, port, version1.opened(reader, "NetInterface"), INTERFACES, STATE, 83, 1)
    reader.ok("ApiAddNotifyResourceTypeV2", hNotify=port, filter=str(COMMON_PROPERTY),
              dwNotifyKey=84, resTypeName=TYPE, dwVersion=2)
    node, network = identifier(reader, "Node"), identifier(reader, "Network")
    interface = identifier(reader, "NetInterface")
    for words, *expected in (
            (("node", "pause", NODE), (81, NODES, NODE_STATE, dword(2), node, "", NODE, "")),
            (("node", "resume", NODE), (81, NODES, NODE_STATE, dword(0), node, "", NODE, "")),
            # A network takes its interfaces with it, an interface its network.
            (("state", "network", NETWORK, "down"),
             (82, NETWORKS, STATE, dword(1), network, "", NETWORK, ""),
             (83, INTERFACES, STATE, dword(0), interface, node, INTERFACE, "")),
            (("state", "network", NETWORK, "up"),
             (82, NETWORKS, STATE, dword(3), network, "", NETWORK, ""),
             (83, INTERFACES, STATE, dword(3), interface, node, INTERFACE, "")),
            (("state", "interface", INTERFACE, "unreachable"),
             (82, NETWORKS, STATE, dword(2), network, "", NETWORK, ""),
             (83, INTERFACES, STATE, dword(1), interface, node, INTERFACE, "")),
            (("state", "interface", INTERFACE, "up"),
             (82, NETWORKS, STATE, dword(3), network, "", NETWORK, ""),
             (83, INTERFACES, STATE, dword(3), interface, node, INTERFACE, ""))):
        stage.server.ctl(*words)
        stage.same(" ".join(words), sorted(take(stage, reader, port, len(expected))), expected)
    stage.server.ctl("property", "resource-type", TYPE, "Description", "services")
    [got] = take(stage, reader, port, 1)
    stage.same("a property of a type", (got[:3], got[4:]),
               ((84, TYPES, COMMON_PROPERTY), ("", "", TYPE, "")))
    stage.same("its value", "services".encode("utf-16-le").hex() in got[3], True)
    reader.ok("ApiCloseNotify", Notify=port)


def registry(stage, reader, actor):
    """Keys and values, with the name of the value."""
    port = reader.handle("ApiCreateNotifyV2")
    root = reader.handle("ApiGetRootKey", samDesired=0x02000000)
    add(reader, port, root, REGISTRY, REGISTRY_NAME | REGISTRY_VALUE | REGISTRY_SUBTREE, 91, 1)
    theirs = actor.handle("ApiGetRootKey", samDesired=0x02000000)
    made = actor.ok("ApiCreateKey", hKey=theirs, lpSubKey="Version2", samDesired=0x2001F,
                    dwOptions=0)["return"]
    actor.ok("ApiSetValue", hKey=made, lpValueName="木", dwType=4, cbData=4, lpData="2a000000")
    got = take(stage, reader, port, 2)
    stage.same("a key", (got[0][:4], got[0][6]), ((91, REGISTRY, REGISTRY_NAME, ""), "Version2"))
    stage.same("a value", got[1], (91, REGISTRY, REGISTRY_VALUE, "", "木", "", "Version2", ""))
    actor.ok("ApiDeleteKey", hKey=theirs, lpSubKey="Version2")
    [got] = take(stage, reader, port, 1)
    stage.same("a key is gone", (got[:4], got[6]), ((91, REGISTRY, REGISTRY_NAME, ""), "Version2"))
    reader.ok("ApiCloseNotify", Notify=port)


def ending(stage, reader, waiter, port):
    waiter.begin("ApiGetNotifyV2", hNotify=port)
    stage.blocked(1)
    reader.ok("ApiUnblockGetNotifyCall", hNotify=port)
    stage.same("unblocked", waiter.end(), {**NOTHING, "return": INVALID_FUNCTION})
    waiter.begin("ApiGetNotifyV2", hNotify=port)
    stage.blocked(1)
    stage.same("closed", reader.ok("ApiCloseNotify", Notify=port)["Notify"], version1.NULL)
    results = waiter.end()
    stage.same("closed while waiting", results.pop("return") in (INVALID_FUNCTION, NO_MORE_ITEMS),
               True)
    stage.same("nothing delivered", results, NOTHING)


def wrong(stage, reader, _waiter, _actor):
    """What is refused."""
    stage.name = "version 2, refused"
    port, cluster = reader.handle("ApiCreateNotifyV2"), reader.handle("ApiOpenCluster")
    for what, words in (
            ("version 3", registration(port, cluster, GROUPS, STATE, 0, version=3)),
            ("a flag of clients", registration(port, cluster, GROUPS, CLOSE, 0)),
            ("an unknown type", registration(port, cluster, 0x99, STATE, 0))):
        stage.refused(what, reader, "ApiAddNotifyV2", (INVALID_PARAMETER,), **words)
    stage.refused("no port", reader, "ApiAddNotifyV2", (INVALID_HANDLE,),
                  **registration(cluster, cluster, GROUPS, STATE, 0))
    stage.refused("no such flag", reader, "ApiAddNotifyResourceTypeV2", (INVALID_PARAMETER,),
                  hNotify=port, filter=str(1 << 40), dwNotifyKey=0, resTypeName=TYPE, dwVersion=2)
    reader.ok("ApiCloseNotify", Notify=port)


def play(stage, reader, waiter, actor):
    """reader and waiter are of one association, actor is of another."""
    stage.name = "version 2"
    port, cluster = reader.handle("ApiCreateNotifyV2"), reader.handle("ApiOpenCluster")
    groups(stage, reader, waiter, actor, port, cluster)
    resources(stage, reader, actor, port)
    ending(stage, reader, waiter, port)
    administration(stage, reader, cluster)
    registry(stage, reader, actor)
