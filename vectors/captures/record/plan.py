# SPDX-License-Identifier: Apache-2.0
"""What the clients are told to send: (label, method, parameters of the request).

The same list goes to every client that can be told. What it sends is compared with this list.
"""
from answers import HANDLE, STALE
from batches import batch

H = HANDLE
UNICODE = "Größe 木 𝄞"
HELLO = "hello world\0".encode("utf-16-le")
LARGE = bytes(range(251)) * 32  # more than one fragment


def stale_or(kind):
    return (("", H[kind]), ("-stale", STALE))


def registrations():
    """ApiAddNotify* and ApiReAddNotify*: an object, a mask of its own bits, a key."""
    for word, kind, mask in (("Node", "node", 0xF), ("Group", "group", 0xF000),
                             ("Resource", "resource", 0xF00), ("Network", "network", 0xF00000),
                             ("NetInterface", "netinterface", 0xF000000)):
        for suffix, handle in stale_or(kind):
            base = {"hNotify": H["notify"], f"h{word}": handle, "dwFilter": mask,
                    "dwNotifyKey": 0x89ABCDEF if suffix else 7}
            yield f"addnotify{word.lower()}{suffix}", f"ApiAddNotify{word}", base
            yield (f"readdnotify{word.lower()}{suffix}", f"ApiReAddNotify{word}",
                   {**base, "StateSequence": 0xFFFFFFFF if suffix else 4})
    yield "addnotifycluster", "ApiAddNotifyCluster", {
        "hNotify": H["notify"], "hCluster": H["cluster"], "dwFilter": 0x40080000,
        "dwNotifyKey": 1}
    yield "addnotifykey", "ApiAddNotifyKey", {
        "hNotify": H["notify"], "hKey": H["key"], "dwNotifyKey": 9, "Filter": 0x70,
        "WatchSubTree": 1}
    yield "addnotifykey-one-key", "ApiAddNotifyKey", {
        "hNotify": H["notify"], "hKey": H["key"], "dwNotifyKey": 10, "Filter": 0x40,
        "WatchSubTree": 0}
    yield "addnotifyv2", "ApiAddNotifyV2", {
        "hNotify": H["notify"], "hObject": H["group"],
        "filter": {"dwObjectType": 2, "FilterFlags": "31"}, "dwNotifyKey": 7, "dwVersion": 2,
        "isTargetedAtObject": 1}
    yield "addnotifyv2-version-3", "ApiAddNotifyV2", {
        "hNotify": H["notify"], "hObject": H["cluster"],
        "filter": {"dwObjectType": 1, "FilterFlags": str(1 << 40 | 3)}, "dwNotifyKey": 8,
        "dwVersion": 3, "isTargetedAtObject": 0}
    for suffix, name in (("", "Generic Service"), ("-unicode", UNICODE), ("-empty", "")):
        yield f"addnotifyresourcetypev2{suffix}", "ApiAddNotifyResourceTypeV2", {
            "hNotify": H["notify"], "filter": "7", "dwNotifyKey": 11, "resTypeName": name,
            "dwVersion": 2}


def opens():
    for word, kind, name in (("Node", "node", "NODE1"), ("Group", "group", "Group1"),
                             ("Network", "network", "Cluster Network 1"),
                             ("NetInterface", "netinterface", "NODE1 - Ethernet")):
        for suffix, text in (("", name), ("-missing", f"Missing{word}"), ("-unicode", UNICODE)):
            yield f"open{word.lower()}{suffix}", f"ApiOpen{word}", {f"lpsz{word}Name": text}
        for suffix, handle in stale_or(kind):
            yield f"close{word.lower()}{suffix}", f"ApiClose{word}", {word: handle}
    for word in ("Node", "Group"):
        for suffix, name, access in (("", f"{word}1", 0x80000000), ("-all", f"{word}10", 0x3),
                                     ("-missing", f"Missing{word}", 0x02000000)):
            yield f"open{word.lower()}ex{suffix}", f"ApiOpen{word}Ex", {
                f"lpsz{word}Name": name, "dwDesiredAccess": access}
    for suffix, text in (("", "NewGroup"), ("-exists", "Group1"), ("-unicode", UNICODE)):
        yield f"creategroup{suffix}", "ApiCreateGroup", {"lpszGroupName": text}
    for suffix, handle in stale_or("group"):
        yield f"deletegroup{suffix}", "ApiDeleteGroup", {"Group": handle, "force": int(not suffix)}
        yield f"getgroupstate{suffix}", "ApiGetGroupState", {"hGroup": handle}


def cluster():
    yield "opencluster", "ApiOpenCluster", {}
    for suffix, access in (("", 0x80000000), ("-maximum", 0x02000000)):
        yield f"openclusterex{suffix}", "ApiOpenClusterEx", {"dwDesiredAccess": access}
    yield "getclustername", "ApiGetClusterName", {}
    yield "getclusterversion2", "ApiGetClusterVersion2", {}
    for suffix, handle in stale_or("cluster"):
        yield f"closecluster{suffix}", "ApiCloseCluster", {"Cluster": handle}


def security(octets, room):
    return {"nLength": 12, "RpcSecurityDescriptor": {
        "lpSecurityDescriptor": octets, "cbInSecurityDescriptor": room,
        "cbOutSecurityDescriptor": len(octets or "") // 2}, "bInheritHandle": -1}


def registry():
    key = H["key"]
    yield "getrootkey", "ApiGetRootKey", {"samDesired": 0x02000000}
    descriptor = "01000080" + "00" * 16
    for suffix, name, attributes in (
            ("", "Parameters", None), ("-exists", "Groups", None), ("-unicode", UNICODE, None),
            ("-security", "Sub", security(descriptor, 20)),
            ("-security-room", "Odd1", security(descriptor, 32)),
            ("-security-null", "", security(None, 0))):
        yield f"createkey{suffix}", "ApiCreateKey", {
            "hKey": key, "lpSubKey": name, "dwOptions": 0, "samDesired": 0x2001F,
            "lpSecurityAttributes": attributes}
    for suffix, name in (("", "Groups"), ("-missing", "MissingKey"), ("-same-key", ""),
                         ("-unicode", UNICODE)):
        yield f"openkey{suffix}", "ApiOpenKey", {"hKey": key, "lpSubKey": name,
                                                 "samDesired": 0x20019}
    for index in (0, 2, 9):
        yield f"enumkey-{index}", "ApiEnumKey", {"hKey": key, "dwIndex": index}
    for suffix, name, kind, data in (
            ("", "NotifyTest", 1, HELLO), ("-dword", "Dword", 4, b"\3\0\0\0"),
            ("-odd", "Odd", 3, b"\1\2\3"), ("-empty", "", 0, b""),
            ("-unicode", UNICODE, 11, bytes(8)), ("-large", "Large", 3, LARGE)):
        yield f"setvalue{suffix}", "ApiSetValue", {
            "hKey": key, "lpValueName": name, "dwType": kind, "lpData": data.hex(),
            "cbData": len(data)}
    for suffix, name in (("", "NotifyTest"), ("-missing", "MissingValue"), ("-default", "")):
        yield f"deletevalue{suffix}", "ApiDeleteValue", {"hKey": key, "lpValueName": name}
    large = H["large_key"]
    for suffix, handle, name, room in (
            ("", key, "NotifyTest", 64), ("-more-data", key, "NotifyTest", 5),
            ("-no-room", key, "NotifyTest", 0), ("-missing", key, "MissingValue", 3),
            ("-default", key, "", 4), ("-large", large, "Large", 12037)):
        yield f"queryvalue{suffix}", "ApiQueryValue", {"hKey": handle, "lpValueName": name,
                                                       "cbData": room}
    for suffix, name in (("", "Groups"), ("-missing", "MissingKey")):
        yield f"deletekey{suffix}", "ApiDeleteKey", {"hKey": key, "lpSubKey": name}
    for suffix, handle, index, room in (
            ("-0", key, 0, 64), ("-large", large, 0, 16384), ("-more-data", large, 0, 16),
            ("-1-default", key, 1, 4), ("-9", key, 9, 64)):
        yield f"enumvalue{suffix}", "ApiEnumValue", {"hKey": handle, "dwIndex": index,
                                                     "lpcbData": room}
    for suffix, handle in stale_or("key"):
        yield f"queryinfokey{suffix}", "ApiQueryInfoKey", {"hKey": handle}
        yield f"closekey{suffix}", "ApiCloseKey", {"pKey": handle}


def ports():
    yield "createnotify", "ApiCreateNotify", {}
    yield "createnotifyv2", "ApiCreateNotifyV2", {}
    for suffix, handle in stale_or("notify"):
        for method in ("GetNotify", "GetNotifyV2", "GetNotifyAsync", "UnblockGetNotifyCall"):
            yield f"{method.lower()}{suffix}", f"Api{method}", {"hNotify": handle}
        yield f"closenotify{suffix}", "ApiCloseNotify", {"Notify": handle}
    yield "getnotifyv2-key-0", "ApiGetNotifyV2", {"hNotify": H["notify_0"]}


def batches():
    key = H["key"]
    changes = batch((2, 0, "Sub"), (1, 1, "NotifyTest", HELLO), (1, 3, "Odd", b"\1\2\3"),
                    (4, 0, "NotifyTest"), (3, 0, "Sub"))
    for suffix, data in (("", changes), ("-failing", batch((2, 0, "Sub"), (4, 0, "Missing"))),
                         ("-odd", "010000000102030405"), ("-large", batch((1, 3, "Large", LARGE)))):
        yield f"executebatch{suffix}", "ApiExecuteBatch", {
            "hKey": key, "cbData": len(data) // 2, "lpData": data}
    reads = batch((7, 0, "Sub"), (8, 0, "NotifyTest"), (8, 0, "MissingValue"))
    given = {"hKey": key, "cbInData": len(reads) // 2, "lpInData": reads}
    yield "executereadbatch", "ApiExecuteReadBatch", given
    yield "executereadbatchex", "ApiExecuteReadBatchEx", {**given, "flags": 2}
    yield "executereadbatchex-odd", "ApiExecuteReadBatchEx", {
        "hKey": key, "cbInData": 5, "lpInData": "0100000000", "flags": 0}
    yield "createbatchport", "ApiCreateBatchPort", {"hKey": key}
    for suffix, handle in stale_or("batch_port"):
        yield f"getbatchnotification{suffix}", "ApiGetBatchNotification", {"hBatchNotify": handle}
        yield f"closebatchport{suffix}", "ApiCloseBatchPort", {"phBatchPort": handle}


def version3():
    for part in (cluster, registry, opens, registrations, ports, batches):
        yield from part()


# Of protocol 2: what is not the same as in protocol 3, and some of what is.
SAME = ("opencluster", "getclustername", "getclusterversion2", "getrootkey", "openkey", "enumkey-0",
        "setvalue", "enumvalue-0", "opengroup", "creategroup", "getgroupstate", "createnotify",
        "addnotifygroup", "addnotifycluster", "readdnotifygroup", "unblockgetnotifycall",
        "closekey", "closecluster")


def version2():
    for label, method, params in version3():
        if label in SAME:
            yield label, method, params
    yield "deletegroup", "ApiDeleteGroup", {"Group": H["group"]}
    yield "addnotifykey", "ApiAddNotifyKey", {
        "hNotify": H["notify"], "hKey": H["key"], "dwNotifyKey": 9, "dwFilter": 0x70,
        "WatchSubTree": 1}
    for suffix, handle in stale_or("notify"):
        yield f"getnotify{suffix}", "ApiGetNotify", {"hNotify": handle, "Timeout": 60000}
        yield f"closenotify{suffix}", "ApiCloseNotify", {"hNotify": handle}


# What goes out in fragments; no empty stub, of which impacket then sends nothing at all.
FRAGMENTED = ("setvalue", "setvalue-unicode", "executebatch", "addnotifyv2", "queryvalue-large",
              "enumvalue-large", "addnotifyresourcetypev2", "createkey-security")


def parts(options):
    """Lists of calls with the protocol version of each; a list has a context of its own. The
    options are those of the clients."""
    calls = list(version3())
    if "protocol2" in options:
        return [(3, calls[:6]), (2, list(version2()))]
    if "fragments" in options:
        return [(3, [entry for entry in calls if entry[0] in FRAGMENTED])]
    return [(3, calls)]
