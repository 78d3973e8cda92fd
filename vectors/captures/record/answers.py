# SPDX-License-Identifier: Apache-2.0
"""What the responder answers: parameters worked by hand from [MS-CMRP] 3.1.4.1 and 3.1.4.2.

The answers have no state. A handle is STALE or anything else; a name that begins with "Missing" is
not there. A method that fails returns all its [out] parameters: 0, NULL, the NULL handle.
"""
import struct

import interface
from batches import batch

SUCCESS, NOT_FOUND, INVALID_HANDLE = 0, 2, 6
MORE_DATA, NO_MORE_ITEMS, ALREADY_EXISTS = 0xEA, 0x103, 0x1392
INVALID_PARAMETER = 0x57

KINDS = ["cluster", "key", "group", "node", "resource", "network", "netinterface", "notify",
         "batch_port", "large_key", "notify_0"]
# A handle of each kind: attributes 0, then a GUID whose octets show the byte order.
HANDLE = {kind: f"00000000{number:02x}000000a1a2b1b2c1c2c3c4c5c6c7c8"
          for number, kind in enumerate(KINDS, 1)}
STALE = "00000000eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
NULL = "00" * 20

# Codes for a name that is not there (3.1.4.2.42, .67, .81, .92, .117, .118, .119).
ABSENT = {"group": 0x1395, "node": 0x13B2, "resource": 0x138F, "network": 0x13B5,
          "netinterface": 0x13B7, "key": NOT_FOUND}
WRITE_TIME = {"dwLowDateTime": 0x5A7B1C00, "dwHighDateTime": 0x01DA1D3F}

SUBKEYS = ["Groups", "Nodes", "Größe 木 𝄞"]
VALUES = [
    ("NotifyTest", 1, ("hello world\0").encode("utf-16-le")),
    ("", 4, struct.pack("<I", 3)),
    ("ClusterInstanceID", 1, ("d1b6a2b2-55a4-4f0a-8b8f-1c3a0a4e9a00\0").encode("utf-16-le")),
]
LARGE = ("Large", 3, bytes(range(256)) * 47 + b"end")  # the value of the key "large_key"
NAMES = {1: "NODE1", 2: "Generic Service", 4: "Disk Q", 8: "Group1", 16: "Cluster Network 1",
         32: "NODE1 - Ethernet"}


HELLO = "hello world\0".encode("utf-16-le")
BATCH_NOTIFICATION = batch((2, 0, "Sub\\New"), (1, 1, "NotifyTest", HELLO),
                           (1, 3, "Odd", b"\x01\x02\x03"), (6, 1, "NotifyTest", HELLO),
                           (4, 0, "NotifyTest"), (3, 0, "Sub\\New"))
READ_RESULTS = batch((1, 1, "NotifyTest", HELLO),
                     (9, 0, "MissingValue", struct.pack("<I", NOT_FOUND)))


def notification(key, kind, flags, buffer, *strings):
    names = dict(zip(("ObjectId", "ParentId", "Name", "Type"), strings))
    data = {"FilterAndType": {"dwObjectType": kind, "FilterFlags": str(flags)}, "buffer": buffer,
            "dwBufferSize": len(buffer or "") // 2, **names}
    return {"dwNotifyKey": str(key), "NotificationData": data}


def version2_notifications(key):
    """A group that comes online, a node without a buffer (2.2.2.7, 2.2.2.12, 2.2.2.19)."""
    group = "d1b6a2b2-55a4-4f0a-8b8f-1c3a0a4e9a01"
    return [notification(key, 2, 8, "00000000", group, "1", "Group1", ""),
            notification(0, 6, 1, None, "1", None, "NODE1", None)]


def asynchronous_notifications():
    return [{"dwNotifyKey": 1, "dwFilter": 0x1000, "Name": "Group1"},
            {"dwNotifyKey": 2, "dwFilter": 1, "Name": "NODE1"},
            {"dwNotifyKey": 3, "dwFilter": 0x80000000, "Name": ""}]


def failed(fields, status):
    """Every [out] parameter of a call that failed."""
    result = {}
    for name, kind in fields:
        if kind in ("handle",):
            result[name] = NULL
        elif kind.startswith("*"):
            result[name] = None
        elif kind in interface.STRUCTURES:
            result[name] = {member: None if inner.startswith("*") else 0 for member, inner
                            in interface.members(interface.STRUCTURES[kind])}
        elif kind.startswith(("octets", "part")):
            result[name] = ""
        else:
            result[name] = 0
    for name in ("Status", "rpc_error", "return"):
        if name in result and result[name] == 0:
            result[name] = status
    return result


# ---- answers of their own -----------------------------------------------------------------------

def enumerate_keys(given):
    if given["dwIndex"] >= len(SUBKEYS):
        return NO_MORE_ITEMS
    return {"KeyName": SUBKEYS[given["dwIndex"]], "lpftLastWriteTime": WRITE_TIME}


def filled(data, room):
    """data in an array of room octets, which is sent whole."""
    return (data[:room] if len(data) <= room else b"").ljust(room, b"\0").hex()


def values(given):
    return [LARGE] if given["hKey"] == HANDLE["large_key"] else VALUES


def query_value(given):
    found = [entry for entry in values(given) if entry[0] == given["lpValueName"]]
    room = min(given["cbData"], 1 << 16)
    if not found:
        return {"lpData": "00" * room, "return": NOT_FOUND}
    _, kind, data = found[0]
    return {"lpValueType": kind, "lpData": filled(data, room), "lpcbRequired": len(data),
            "return": MORE_DATA if room < len(data) else SUCCESS}


def enumerate_values(given):
    if given["dwIndex"] >= len(values(given)):
        return NO_MORE_ITEMS
    name, kind, data = values(given)[given["dwIndex"]]
    if given["lpcbData"] < len(data):
        return {"lpValueName": None, "lpType": kind, "TotalSize": len(data), "return": MORE_DATA}
    return {"lpValueName": name, "lpType": kind, "lpData": data.hex(), "lpcbData": len(data),
            "TotalSize": len(data)}


def query_key(_):
    sizes = [len(data) for _, _, data in VALUES]
    return {"lpcSubKeys": len(SUBKEYS), "lpcbMaxSubKeyLen": max(map(len, SUBKEYS)),
            "lpcValues": len(VALUES), "lpcbMaxValueNameLen": max(len(v[0]) for v in VALUES),
            "lpcbMaxValueLen": max(sizes), "lpcbSecurityDescriptor": 20,
            "lpftLastWriteTime": WRITE_TIME}


def execute_batch(given):
    failing = (given["lpData"].startswith("01000000") and "Missing".encode("utf-16-le").hex()
               in given["lpData"])
    return ({"pdwFailedCommand": 1, "return": NOT_FOUND} if failing
            else {"pdwFailedCommand": 0})


def create_enumeration(given):
    entries = [{"Type": bit, "Name": name} for bit, name in NAMES.items() if given["dwType"] & bit]
    return {"ReturnEnum": {"EntryCount": len(entries), "Entry": entries}}


def open_ex(given):
    return {"lpdwGrantedAccess": 0x10000000 if given["dwDesiredAccess"] & 0x32000002
            else 0x80000000}


def create_group(given):
    return ALREADY_EXISTS if given["lpszGroupName"] == "Group1" else {}


def key_security(given):
    """A self-relative security descriptor of nothing [MS-DTYP 2.4.6]."""
    octets = struct.pack("<BBHIIII", 1, 0, 0x8000, 0, 0, 0, 0)
    room = max(given["pRpcSecurityDescriptor"]["cbInSecurityDescriptor"], len(octets))
    return {"pRpcSecurityDescriptor": {"lpSecurityDescriptor": octets.hex(),
                                       "cbInSecurityDescriptor": room,
                                       "cbOutSecurityDescriptor": len(octets)}}


def constant(**fields):
    return lambda _: dict(fields)


VERSION = {"dwSize": 20, "dwClusterHighestVersion": 0x00080003,
           "dwClusterLowestVersion": 0x00080003, "dwFlags": 0, "dwReserved": 0}
OWN = {
    "ApiGetClusterName": constant(ClusterName="CLUS", NodeName="NODE1"),
    "ApiGetClusterVersion2": constant(
        lpwMajorVersion=6, lpwMinorVersion=3, lpwBuildNumber=9600, lpszVendorId="Vendor",
        lpszCSDVersion="", ppClusterOpVerInfo=VERSION),
    "ApiCreateKey": lambda given: {"lpdwDisposition": 2 if given["lpSubKey"] == "Groups" else 1},
    "ApiEnumKey": enumerate_keys, "ApiQueryValue": query_value, "ApiEnumValue": enumerate_values,
    "ApiQueryInfoKey": query_key, "ApiGetKeySecurity": key_security,
    "ApiExecuteBatch": execute_batch,
    "ApiCreateGroup": create_group, "ApiCreateEnum": create_enumeration,
    "ApiGetGroupState": constant(State=1, NodeName="NODE1"),
    "ApiGetResourceState": constant(State=2, NodeName="NODE1", GroupName="Group1"),
    "ApiGetNotify": constant(dwNotifyKey=0xAABBCCDD, dwFilter=0x1000, dwStateSequence=5,
                             Name="Group1"),
    "ApiGetBatchNotification": constant(cbData=len(BATCH_NOTIFICATION) // 2,
                                        lpData=BATCH_NOTIFICATION),
    "ApiExecuteReadBatch": constant(cbOutData=len(READ_RESULTS) // 2, lpOutData=READ_RESULTS),
    "ApiExecuteReadBatchEx": constant(cbOutData=len(READ_RESULTS) // 2, lpOutData=READ_RESULTS),
    "ApiGetNotifyV2": lambda given: {
        "Notifications": version2_notifications(0 if given["hNotify"] == HANDLE["notify_0"] else 7),
        "dwNumNotifications": 2},
    "ApiGetNotifyAsync": lambda _: {"Notifications": asynchronous_notifications(),
                                    "dwNumNotifications": 3},
}
for _name in ("Cluster", "Node", "Group", "Resource", "Network", "NetInterface"):
    OWN[f"ApiOpen{_name}Ex"] = open_ex
for _name in ("Group", "Node", "Resource"):
    OWN[f"ApiGet{_name}Id"] = constant(pGuid="d1b6a2b2-55a4-4f0a-8b8f-1c3a0a4e9a01")
for _name in ("Network", "NetInterface"):
    OWN[f"ApiGet{_name}Id"] = constant(pGuid="d1b6a2b2-55a4-4f0a-8b8f-1c3a0a4e9a02")


# ---- every method -------------------------------------------------------------------------------

def opened(name):
    """The kind of handle that a method returns."""
    for word, kind in (("CreateNotify", "notify"), ("BatchPort", "batch_port"), ("Key", "key"),
                       ("Cluster", "cluster"), ("Group", "group"), ("NetInterface", "netinterface"),
                       ("Network", "network"), ("Node", "node"), ("Resource", "resource")):
        if word in name:
            return kind
    return None


def refusal(name, given):
    """The code with which a call fails whatever the method, or 0."""
    if STALE in given.values():
        return INVALID_HANDLE
    missing = [value for value in given.values()
               if isinstance(value, str) and value.startswith("Missing")]
    if missing and not name.startswith(("ApiQueryValue", "ApiExecute")):
        return ABSENT.get(opened(name), NOT_FOUND)
    if given.get("dwVersion", 2) != 2:
        return INVALID_PARAMETER
    return SUCCESS


def answer(method, given, version=3):
    """The response's parameters for the request's."""
    fields = method.parameters("response", version)
    status = refusal(method.name, given)
    own = OWN.get(method.name, lambda _: {})(given) if status == SUCCESS else status
    result = failed(fields, own if isinstance(own, int) else SUCCESS)
    closing = [name for name, kind in method.parameters("request", version)
               if kind == "handle" and (name, "handle") in fields]
    if isinstance(own, int):
        for name in closing:  # a handle that could not be closed stays
            result[name] = given[name]
        if method.name == "ApiQueryValue":
            result["lpData"] = "00" * min(given["cbData"], 1 << 16)
        return result
    for name, kind in fields:
        if kind == "handle" and name not in closing:
            result[name] = HANDLE[opened(method.name)]
    if "nOutBufferSize" in result:
        result["nOutBufferSize"] = given["nOutBufferSize"]
    if "dwStateSequence" in result:
        result["dwStateSequence"] = 5
    result.update({name: value for name, value in own.items() if name in result})
    return result
