# SPDX-License-Identifier: Apache-2.0
"""Towers and the stubs of ept_map as impacket reads them (impacket.dcerpc.v5.epm)."""
import socket
import uuid

from third_party import Refused, Unsupported
from impacket.dcerpc.v5 import epm

import stub

PORTS = {7: "tcp", 8: "udp", 31: "http"}
VERSIONS = {10: "ncadg", 11: "ncacn", 12: "ncalrpc"}


def named(name, octets):
    text = octets.removesuffix(b"\0")
    printable = text.isascii() and text.decode("latin-1").isprintable()
    return {"protocol": name,
            **({"name": text.decode()} if printable else {"name_hex": text.hex()})}


def syntax(item, kind, identity):
    """One of the first two floors, which impacket takes for UUIDs whatever they are."""
    return {"protocol": "uuid" if item[kind] == 13 else item[kind],
            "uuid": str(uuid.UUID(bytes_le=item[identity])), "version": item["MajorVersion"],
            "version_minor": item["MinorVersion"]}


def floor(item):
    if isinstance(item, epm.EPMRPCInterface):
        return syntax(item, "InterfaceIdent", "InterfaceUUID")
    if isinstance(item, epm.EPMRPCDataRepresentation):
        return syntax(item, "DrepIdentifier", "DataRepUuid")
    kind, octets = item["ProtocolData"][0], item.getData()
    if kind in VERSIONS:
        return {"protocol": VERSIONS[kind],
                "version_minor": epm.EPMProtocolIdentifier(octets)["MinorVersion"]}
    if kind in PORTS:
        return {"protocol": PORTS[kind], "port": epm.EPMPortAddr(octets)["IpPort"]}
    if kind == 9:
        address = epm.EPMHostAddr(octets)["Ip4addr"]
        return {"protocol": "ip", "address": socket.inet_ntoa(address)}
    if kind == 15:
        return named("named_pipe", epm.EPMPipeName(octets)["PipeName"])
    if kind == 17:
        return named("netbios", epm.EPMHostName(octets)["HostName"])
    return {"protocol": kind, "lhs": item["ProtocolData"][1:].hex(),
            "rhs": item["RelatedData"].hex()}


def tower(octets):
    return {"floors": [floor(item) for item in epm.EPMTower(octets)["Floors"]]}


def pointed_tower(field):
    """The tower behind a pointer of a stub; its octets where they are read as no tower."""
    field = stub.pointed(field)
    if field is None:
        return None
    octets = b"".join(field["tower_octet_string"])
    try:
        return tower(octets)
    except Exception:  # impacket raises all kinds of them
        return octets.hex()


def handle(field):
    return (field["context_handle_attributes"].to_bytes(4, "little")
            + field["context_handle_uuid"]).hex()


def stub_value(octets, direction, wide):
    call = (epm.ept_map if direction == "request" else epm.ept_mapResponse)(isNDR64=wide)
    call.fromString(octets)
    if direction == "request":
        obj = stub.pointed(call.fields["obj"])
        return {"obj": None if obj is None else str(uuid.UUID(bytes_le=obj["Data"])),
                "map_tower": pointed_tower(call.fields["map_tower"]),
                "entry_handle": handle(call["entry_handle"]), "max_towers": call["max_towers"]}
    return {"entry_handle": handle(call["entry_handle"]), "num_towers": call["num_towers"],
            "max_towers": call.fields["ITowers"].fields["MaximumCount"],
            "ITowers": [pointed_tower(item) for item in call.fields["ITowers"].fields["Data"]],
            "status": call["status"]}


def decode(request):
    if request.get("drep") == "be":
        raise Unsupported("only little-endian")
    octets, direction = bytes.fromhex(request["hex"]), request.get("direction")
    try:
        if direction is None:
            return {"value": tower(octets)}
        return {"value": stub_value(octets, direction, request.get("syntax") == "ndr64")}
    except Exception as error:  # impacket raises all kinds of them
        raise Refused(f"{type(error).__name__}: {error}") from error
