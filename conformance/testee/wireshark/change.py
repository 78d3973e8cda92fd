# SPDX-License-Identifier: Apache-2.0
"""Filters and object types as Wireshark shows them in a request that carries them: the number, and
whatever names stand beside it or below it."""
import re

import stub
from third_party import Unsupported, interface
from tshark import named

OBJECT_TYPES = ("- CLUSTER GROUP RESOURCE RESOURCE_TYPE NETINTERFACE NETWORK NODE REGISTRY QUORUM "
                "SHARED_VOLUME SPACEPORT NODE_UPGRADE_PHASE GROUPSET").split()
HANDLES = bytes(40)
GROUP, V2 = interface.BY_NAME["ApiAddNotifyGroup"], interface.BY_NAME["ApiAddNotifyV2"]


def carrier(name, octets):
    """(method, stub, the field) of a request that holds a value of this set."""
    if len(octets) != (8 if name.endswith("_V2") else 4):
        raise Unsupported("a value of another size has no place in a message")
    if name == "CLUSTER_CHANGE":
        return GROUP, HANDLES + octets + bytes(4), "clusapi.clusapi_AddNotifyGroup.dwFilter"
    kind, flags = octets, bytes(8)
    if name.endswith("_V2"):
        number = OBJECT_TYPES.index(name[len("CLUSTER_CHANGE_"):-len("_V2")])
        kind, flags = number.to_bytes(4, "little"), octets
    # The octets behind the filter: key, version and one octet, as this dissector wants it.
    field = "FilterFlags" if name.endswith("_V2") else "dwObjectType"
    return (V2, HANDLES + kind + bytes(4) + flags + bytes(9),
            "clusapi.NOTIFY_FILTER_AND_TYPE_RPC." + field)


def names(field):
    """The names that are shown of a value: of an enumeration in its own line, of bits below it."""
    found = re.findall(r"\bCLUSTER_\w+", field.get("showname"))
    for below in field.iter("field"):
        if below is not field and below.get("show") in ("1", "True"):
            found.append(below.get("name").rsplit(".", 1)[1])
    return found


def decode(program, request):
    name = request["set"]
    method, octets, place = carrier(name, bytes.fromhex(request["hex"]))
    layer = stub.dissected(program, method, "request", octets, False, False)
    field = named(layer, place)[0]
    number = int(field.get("show"), 0)
    return {"value": {"set": name, "value": str(number) if name.endswith("_V2") else number,
                      "names": names(field)}}
