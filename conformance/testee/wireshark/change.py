# SPDX-License-Identifier: Apache-2.0
"""Filters and object types as Wireshark shows them in a request that carries them: the number, and
whatever names stand beside it or below it."""
import re

import filters
import stub
from tshark import named


def names(field):
    """The names that are shown of a value: of an enumeration in its own line, of bits below it."""
    found = re.findall(r"\bCLUSTER_\w+", field.get("showname"))
    for below in field.iter("field"):
        if below is not field and below.get("show") in ("1", "True"):
            found.append(below.get("name").rsplit(".", 1)[1])
    return found


def decode(program, request):
    name = request["set"]
    method, octets, member = filters.carrier(name, bytes.fromhex(request["hex"]))
    layer = stub.dissected(program, method, "request", octets, False, False)
    owner = "clusapi_AddNotifyGroup" if member == "dwFilter" else "NOTIFY_FILTER_AND_TYPE_RPC"
    field = named(layer, f"clusapi.{owner}.{member}")[0]
    return {"value": filters.value(name, int(field.get("show"), 0), names(field))}
