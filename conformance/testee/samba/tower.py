# SPDX-License-Identifier: Apache-2.0
"""Towers and the stubs of ept_map as Samba reads them (epmapper.idl), through python3-samba."""
import struct
import uuid

from third_party import Refused
from samba.dcerpc import epmapper

PORTS = {7: "tcp", 8: "udp", 31: "http"}
VERSIONS = {10: "ncadg", 11: "ncacn", 12: "ncalrpc"}
UUID, IP, NAMED_PIPE, NETBIOS = 13, 9, 15, 17  # what Samba calls 15 is smb; 16 is its named pipe


def named(name, text):
    printable = text.isascii() and text.isprintable()
    return {"protocol": name, **({"name": text} if printable
                                 else {"name_hex": text.encode("utf-8", "replace").hex()})}


def floor(item):
    kind, lhs, rhs = item.lhs.protocol, bytes(item.lhs.lhs_data), item.rhs
    if kind == UUID and len(lhs) == 18 and len(rhs.unknown) == 2:
        version, minor = struct.unpack("<HH", lhs[16:] + bytes(rhs.unknown))
        return {"protocol": "uuid", "uuid": str(uuid.UUID(bytes_le=lhs[:16])), "version": version,
                "version_minor": minor}
    if kind == IP and not lhs:
        return {"protocol": "ip", "address": rhs.ipaddr}
    if kind in PORTS and not lhs:
        return {"protocol": PORTS[kind], "port": rhs.port}
    if kind in VERSIONS and not lhs:
        return {"protocol": VERSIONS[kind], "version_minor": rhs.minor_version}
    if kind == NAMED_PIPE and not lhs:
        return named("named_pipe", rhs.unc)
    if kind == NETBIOS and not lhs:
        return named("netbios", rhs.name)
    octets = rhs if isinstance(rhs, bytes) else getattr(rhs, "unknown", b"")
    if hasattr(rhs, "path"):
        octets = rhs.path.encode("utf-8") + b"\0"
    return {"protocol": kind, "lhs": lhs.hex(), "rhs": bytes(octets).hex()}


def tower(item):
    return None if item is None else {"floors": [floor(each) for each in item.tower.floors]}


def handle(item):
    return (struct.pack("<I", item.handle_type) + uuid.UUID(str(item.uuid)).bytes_le).hex()


def request_around(octets):
    """A stub of ept_map that holds a tower."""
    return (bytes(4) + struct.pack("<III", 0x20000, len(octets), len(octets)) + octets
            + bytes(-len(octets) % 4 + 20) + struct.pack("<I", 1))


def decode(request):
    octets, direction = bytes.fromhex(request["hex"]), request.get("direction")
    big, wide = request.get("drep") == "be", request.get("syntax") == "ndr64"
    call = epmapper.epm_Map()
    try:
        if direction is None:
            call.__ndr_unpack_in__(request_around(octets))
            return {"value": tower(call.in_map_tower)}
        if direction == "request":
            call.__ndr_unpack_in__(octets, bigendian=big, ndr64=wide)
            return {"value": {
                "obj": None if call.in_object is None else str(call.in_object),
                "map_tower": tower(call.in_map_tower), "entry_handle": handle(call.in_entry_handle),
                "max_towers": call.in_max_towers}}
        # What the request asked for is not at hand: as much as the response is said to have.
        count = octets[24:32 if wide else 28]
        call.in_max_towers = int.from_bytes(count, "big" if big else "little") & 0xffffffff
        call.__ndr_unpack_out__(octets, bigendian=big, ndr64=wide)
    except (RuntimeError, ValueError) as error:
        raise Refused(str(error)) from error
    return {"value": {"entry_handle": handle(call.out_entry_handle),
                      "num_towers": call.out_num_towers, "max_towers": call.in_max_towers,
                      "ITowers": [tower(item.twr) for item in call.out_towers],
                      "status": call.result}}
