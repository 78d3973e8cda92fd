# SPDX-License-Identifier: Apache-2.0
"""Stubs as Wireshark's dissector of this interface shows them."""
import datetime
import re

import third_party
import tshark
from third_party import Refused, Unsupported, interface
from tshark import named, traffic

FRAGMENT = 32000  # octets of a stub that go into one PDU

NUMBERS = ("u16", "u32", "i32", "u64")


def title(name):
    """How a field's name stands in the text of a line."""
    return name[0].upper() + name[1:].replace("_", " ")


def is_null(element, name):
    found = re.compile(rf"NULL Pointer: Pointer to {title(name)} \(")
    return any(found.match(field.get("showname"))
               for field in named(element, "dcerpc.null_pointer"))


def has_pointer(element, name):
    found = re.compile(rf"Pointer to {title(name)} \(")
    return any(found.match(field.get("show") or "") for field in element.iter("field"))


MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def ticks(show):
    """A FILETIME out of the date that is shown; years may have more than four digits."""
    found = re.match(r"(\w{3}) +(\d+), (\d+) (\d\d):(\d\d):(\d\d)\.(\d{9}) UTC$", show)
    if not found:
        return 0 if show == "No time specified (0)" else None  # where `show` itself says 1970
    month = MONTHS.index(found[1]) + 1
    day, year, hour, minute, second, nano = map(int, found.groups()[1:])
    cycles, year = divmod(year - 1601, 400)  # of 146097 days
    days = 146097 * cycles + (datetime.date(1601 + year, month, day)
                              - datetime.date(1601, 1, 1)).days
    return (((days * 24 + hour) * 60 + minute) * 60 + second) * 10 ** 7 + nano // 100


class Reader:
    """Parameters out of a dissection. What the dissector does not show is left out."""

    def __init__(self, method, big):
        self.method, self.big = method, big

    def field(self, element, owner, name):
        """The name of a field. A return value that is a handle is a parameter of another name."""
        prefix = f"clusapi.{owner or 'clusapi_' + self.method.name[3:]}."
        if name != "return" or owner is not None:
            return prefix + name
        declared = {prefix + other for direction in ("request", "response")
                    for other, _ in self.method.parameters(direction)}
        return next((field.get("name") for field in element.iter("field")
                     if (field.get("name") or "").startswith(prefix)
                     and field.get("name") not in declared), "")

    def number(self, element, owner, name):
        fields = named(element, self.field(element, owner, name))
        if name == "return":
            fields = named(element, "clusapi.werror")
        if name == "samDesired":
            fields = named(element, "winreg.access_mask")
        show = fields[0].get("show") if fields else ""
        return int(show, 0) if re.fullmatch(r"-?\d+|0x[0-9a-f]+", show) else None

    def handle(self, octets):
        """Octets are shown as they are; JSON has those of a little-endian sender."""
        if self.big:
            octets = octets[3::-1] + octets[7:3:-1] + octets[9:7:-1] + octets[11:9:-1] + octets[12:]
        return octets

    def value(self, element, owner, name, kind):
        """A value, or KeyError where it is not shown."""
        head, inner = interface.arguments(kind.lstrip("*"))
        fields = named(element, self.field(element, owner, name))
        if kind in NUMBERS or kind == "word":
            number = self.number(element, owner, name)
            if number is None and kind == "word" and is_null(element, name):
                number = 0
            if number is None:
                raise KeyError(name)
            return str(number) if kind in ("u64", "word") else number
        if kind == "FILETIME":
            number = ticks(fields[0].get("showname").split(": ", 1)[1]) if fields else None
            if number is None:
                raise KeyError(name)
            return {"dwLowDateTime": number & 0xffffffff, "dwHighDateTime": number >> 32}
        if kind == "room":  # as the only array says it
            return int(named(element, "dcerpc.array.max_count")[0].get("show"), 0)
        if head in ("array", "tail"):
            return self.array(element, name, inner[0], fields)
        if fields:
            return self.shown(fields, owner, kind, head, name)
        if is_null(element, name):
            return None
        if head in ("octets", "part") and has_pointer(element, name):
            return b""
        raise KeyError(name)

    def shown(self, fields, owner, kind, head, name):
        if kind == "handle":
            return self.handle(bytes.fromhex(fields[0].get("value")))
        if head == "string":
            return fields[0].get("show")
        if head == "units":
            return b"".join((int(field.get("show"), 0) & 0xffff).to_bytes(2, "little")
                            for field in fields)
        if head in ("octets", "part"):
            return bytes(int(field.get("show"), 0) & 0xff for field in fields)
        return self.members(fields[0], head)

    def array(self, element, name, kind, fields):
        return None if is_null(element, name) else [self.members(field, kind) for field in fields]

    def members(self, element, kind):
        return self.all(element, kind, interface.members(interface.STRUCTURES[kind]))

    def all(self, element, owner, declared):
        found = {}
        for name, kind in declared:
            try:
                value = self.value(element, owner, name, kind)
            except KeyError:
                continue
            if isinstance(value, bytes) and owner is None:
                value = third_party.json_value(self.method, kind, value, name)
            elif isinstance(value, bytes):
                value = value.hex()
            found[name] = value
        return found


def packets(connection, method, direction, octets, wide, big):
    pdus = traffic.BIG if big else traffic.LITTLE
    connection.bound(traffic.NDR64 if wide else traffic.NDR20, pdus=pdus)
    if direction == "request":
        for pdu in pdus.fragments("request", 2, octets, FRAGMENT, opnum=method.opnum):
            connection.client(pdu)
    else:
        connection.client(pdus.request(2, method.opnum, b""))
        for pdu in pdus.fragments("response", 2, octets, FRAGMENT):
            connection.server(pdu)


def dissected(program, method, direction, octets, wide, big):
    """The layer of the interface in the dissection of a stub."""
    made, connection = program.connection()
    packets(connection, method, direction, octets, wide, big)
    packet = program.dissect(made)
    if tshark.malformed(packet):
        raise Refused("Malformed Packet")
    found = tshark.layer(packet, "clusapi")
    if found is None:
        raise Refused("not dissected")
    for field in found.iter("field"):
        if field.get("show") == "Long frame" and field.get("value"):
            raise Refused(f"Long frame: {len(field.get('value')) // 2} octets are left over")
    return found


def decode(program, request):
    method, direction, version, wide, big = third_party.method_of(request)
    if version != 3:
        raise Unsupported("only protocol version 3")
    octets = bytes.fromhex(request["hex"])
    found = dissected(program, method, direction, octets, wide, big)
    reader = Reader(method, big)
    return {"value": {"params": reader.all(found, None, method.parameters(direction, version))}}
