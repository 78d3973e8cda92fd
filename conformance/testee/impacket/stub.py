# SPDX-License-Identifier: Apache-2.0
"""Stubs as impacket's NDR engine reads and writes them.

impacket has no module for this interface. Its user declares structures; here they are made from
vectors/captures/record/interface.py, as impacket_client.py there makes them.
"""
import struct

import third_party
from third_party import Refused, Unsupported, interface
import impacket_client
from impacket.dcerpc.v5 import ndr

NUMBERS = impacket_client.NUMBERS


class Word(ndr.NDR):
    """DWORD_PTR, which has the size of the transfer syntax."""
    align, align64 = 4, 8
    structure, structure64 = (("Data", "<L=0"),), (("Data", "<Q=0"),)


impacket_client.MADE["word"] = Word


def made(kind):
    """impacket's class for a type."""
    name, inner = interface.arguments(kind.lstrip("*"))
    if name in ("array", "octets") and kind not in impacket_client.MADE and kind[0] == "*":
        item = "c" if name == "octets" else made(inner[0])
        array = type("Array", (ndr.NDRUniConformantArray,), {"item": item})
        impacket_client.MADE[kind] = type("Pointer", (ndr.NDRPOINTER,),
                                          {"referent": (("Data", array),)})
    elif name == "units" and kind not in impacket_client.MADE:
        array = type("Units", (ndr.NDRUniConformantArray,), {"item": "<H"})
        impacket_client.MADE[kind] = type("Pointer", (ndr.NDRPOINTER,),
                                          {"referent": (("Data", array),)})
    elif name == "tail" and kind not in impacket_client.MADE:
        impacket_client.MADE[kind] = type("Array", (ndr.NDRUniConformantArray,),
                                          {"item": made(inner[0])})
    elif kind[0] == "*" and name in interface.STRUCTURES:
        made(name)
    elif kind in interface.STRUCTURES and kind not in impacket_client.MADE:
        members = interface.members(interface.STRUCTURES[kind])
        impacket_client.MADE[kind] = type(kind, (ndr.NDRSTRUCT,), {
            "structure": tuple((member, made(inner)) for member, inner in members)})
    return impacket_client.made(kind)


def declared(method, direction, version):
    return type(method.name, (ndr.NDRCALL,), {
        "opnum": method.opnum,
        "structure": tuple((name, made(kind))
                           for name, kind in method.parameters(direction, version)
                           if kind != "room")})


# ---- reading ------------------------------------------------------------------------------------

def pointed(field):
    """What a pointer points to, or the field itself where it is none; None for NULL."""
    if isinstance(field, ndr.NDRPOINTER):
        return None if field.fields["ReferentID"] == 0 else field.fields["Data"]
    return field


def plain(kind, field):
    """The plain value of a field of impacket's."""
    name, inner = interface.arguments(kind.lstrip("*"))
    field = pointed(field)
    if field is None:
        return None
    if kind in NUMBERS or kind == "word":
        return field["Data"]
    if kind == "handle":
        return field["Data"]
    if name == "string":
        return field["Data"].removesuffix("\0")
    if name in ("octets", "part"):
        return b"".join(field.fields["Data"])
    if name == "units":
        return struct.pack(f"<{len(field.fields['Data'])}H", *field.fields["Data"])
    if name in ("array", "tail"):
        return [plain(inner[0], item) for item in field.fields["Data"]]
    return {member: plain(inner, field.fields[member])
            for member, inner in interface.members(interface.STRUCTURES[name])}


def sized(declared_as, room):
    """The name of the array of which the size is a parameter of the request alone."""
    return next(name for name, kind in declared_as.items() if f"({room}," in kind)


def decode(request):
    method, direction, version, wide, big = third_party.method_of(request)
    if big:
        raise Unsupported("only little-endian")
    call = declared(method, direction, version)(isNDR64=wide)
    try:
        call.fromString(bytes.fromhex(request["hex"]))
        declared_as = dict(method.parameters(direction, version))
        params = {name: (call.fields[sized(declared_as, name)].fields["MaximumCount"]
                         if kind == "room" else plain(kind, call.fields[name]))
                  for name, kind in declared_as.items()}
    except Exception as error:  # impacket raises all kinds of them
        raise Refused(f"{type(error).__name__}: {error}") from error
    return {"value": third_party.json_params(method, direction, version, params)}


# ---- writing ------------------------------------------------------------------------------------

def fill(target, name, kind, value, wide):
    """Sets a field as a program that uses impacket sets it."""
    head, inner = interface.arguments(kind.lstrip("*"))
    if value is None:
        target[name] = ndr.NULL
    elif head == "string":
        if isinstance(value, bytes):
            raise Unsupported("a string of impacket's has no unpaired surrogate")
        target[name] = value + "\0"
    elif head == "units":
        target[name] = list(struct.unpack(f"<{len(value) // 2}H", value))
    elif head in ("octets", "part"):
        target[name] = [value[at:at + 1] for at in range(len(value))]
    elif head in ("array", "tail"):
        target[name] = [element(inner[0], item, wide) for item in value]
    elif isinstance(value, dict):
        for member, of in interface.members(interface.STRUCTURES[head]):
            fill(target[name], member, of, value[member], wide)
    else:
        target[name] = value


def element(kind, value, wide):
    item = made(kind)(isNDR64=wide)
    for member, inner in interface.members(interface.STRUCTURES[kind]):
        fill(item, member, inner, value[member], wide)
    return item


def encode(request):
    method, direction, version, wide, big = third_party.method_of(request)
    if big:
        raise Unsupported("only little-endian")
    params = third_party.plain_params(method, direction, version, wide, request["value"])
    call = declared(method, direction, version)(isNDR64=wide)
    try:
        for name, kind in method.parameters(direction, version):
            if kind != "room":
                fill(call, name, kind, params[name], wide)
        return {"hex": call.getData().hex()}
    except Unsupported:
        raise
    except Exception as error:
        raise Refused(f"{type(error).__name__}: {error}") from error
