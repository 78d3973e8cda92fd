# SPDX-License-Identifier: Apache-2.0
"""Requests that carry a filter or an object type, for programs that show these only there."""
from third_party import Unsupported, interface

OBJECT_TYPES = ("- CLUSTER GROUP RESOURCE RESOURCE_TYPE NETINTERFACE NETWORK NODE REGISTRY QUORUM "
                "SHARED_VOLUME SPACEPORT NODE_UPGRADE_PHASE GROUPSET").split()
HANDLES = bytes(40)
GROUP, V2 = interface.BY_NAME["ApiAddNotifyGroup"], interface.BY_NAME["ApiAddNotifyV2"]


def carrier(name, octets):
    """(method, stub, the member) of a request that holds a value of this set. BOOL, which is the
    last of ApiAddNotifyV2, has one octet, as these programs want it."""
    if len(octets) != (8 if name.endswith("_V2") else 4):
        raise Unsupported("a value of another size has no place in a message")
    if name == "CLUSTER_CHANGE":
        return GROUP, HANDLES + octets + bytes(4), "dwFilter"
    kind, flags, member = octets, bytes(8), "dwObjectType"
    if name.endswith("_V2"):
        number = OBJECT_TYPES.index(name[len("CLUSTER_CHANGE_"):-len("_V2")])
        kind, flags, member = number.to_bytes(4, "little"), octets, "FilterFlags"
    return V2, HANDLES + kind + bytes(4) + flags + bytes(9), member


def value(name, number, names):
    return {"set": name, "value": str(number) if name.endswith("_V2") else number, "names": names}
