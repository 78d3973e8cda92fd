# SPDX-License-Identifier: Apache-2.0
"""Samba's own marshaling of these methods, called in its library through ctypes.

python3-samba has no module for this interface, but Debian's libndr-samba4 exports the table of its
methods. A structure is filled here as a C caller would fill it, and Samba writes the octets. The
structures are laid out from interface.py; that they are Samba's is checked by their sizes, which
the table holds.
"""
import ctypes
import glob
from ctypes import POINTER, Structure, c_char_p, c_int32, c_size_t, c_uint8, c_uint16, c_uint32, \
    c_uint64, c_void_p, sizeof

import interface

IN, OUT = 0x10, 0x20
BIG_ENDIAN, NDR64 = 1, 1 << 29

# Where Samba's declaration is not that of [MS-CMRP] section 6: a BOOL of one octet; and, in
# Filler.value, dwNotifyKey of NOTIFICATION_RPC as a pointer to a number.
BOOLEAN8 = {("ApiAddNotifyKey", "WatchSubTree"), ("ApiAddNotifyV2", "isTargetedAtObject"),
            ("ApiDeleteGroup", "force")}

# Results that do not lie in memory in the order of the wire.
IN_MEMORY = {"ApiEnumValue": ["lpValueName", "lpType", "lpData", "TotalSize", "rpc_status",
                              "lpcbData", "return"],
             "ApiGetKeySecurity": ["rpc_status", "pRpcSecurityDescriptor", "return"]}


# Structures that are parameters by a pointer to them.
BY_REFERENCE = ("RPC_SECURITY_DESCRIPTOR",)


class Missing(Exception):
    """Samba's library is not there, or not as it is known here."""


class Handle(Structure):
    _fields_ = [("attributes", c_uint32), ("guid", c_uint8 * 16)]


class Call(Structure):
    _fields_ = [("name", c_char_p), ("size", c_size_t), ("push", c_void_p), ("pull", c_void_p),
                ("print", c_void_p), ("pipes", c_void_p * 4)]


class Table(Structure):
    _fields_ = [("name", c_char_p), ("uuid", c_uint8 * 16), ("version", c_uint32),
                ("help", c_char_p), ("count", c_uint32), ("calls", POINTER(Call))]


class Blob(Structure):
    _fields_ = [("data", POINTER(c_uint8)), ("length", c_size_t)]


PUSH = ctypes.CFUNCTYPE(ctypes.c_int, c_void_p, ctypes.c_int, c_void_p)
NUMBERS = {"u16": c_uint16, "u32": c_uint32, "i32": c_int32, "u64": c_uint64}


def load():
    try:
        libndr = ctypes.CDLL("libndr.so.3", ctypes.RTLD_GLOBAL)
        found = glob.glob("/usr/lib/*/samba/libndr-samba4.so.0")
        table = Table.in_dll(ctypes.CDLL(found[0]), "ndr_table_clusapi")
    except (OSError, IndexError, ValueError) as error:
        raise Missing(f"Samba's libraries cannot be used: {error}") from error
    libndr.ndr_push_init_ctx.restype = c_void_p
    libndr.ndr_push_init_ctx.argtypes = [c_void_p]
    libndr.ndr_push_blob.restype = Blob
    libndr.ndr_push_blob.argtypes = [c_void_p]
    return libndr, table


def structure(kind):
    """A structure of the interface as C lays it out."""
    inner = interface.members(interface.STRUCTURES[kind])
    return type(kind, (Structure,), {"_fields_": [(name, c_type(k)) for name, k in inner]})


STRUCTURES = {}


def c_type(kind):
    if kind in NUMBERS:
        return NUMBERS[kind]
    if kind in interface.STRUCTURES:
        return STRUCTURES.setdefault(kind, structure(kind))
    return Handle if kind == "handle" else c_void_p


class Filler:
    """Makes C values, and keeps what they point to."""

    def __init__(self):
        self.kept = []

    def keep(self, value):
        self.kept.append(value)
        return ctypes.cast(ctypes.pointer(value), c_void_p)

    def octets(self, octets):
        return self.keep(ctypes.create_string_buffer(octets, max(len(octets), 1)))

    def value(self, kind, value):
        name, inner = interface.arguments(kind.lstrip("*"))
        if value is None:
            return None
        if kind in NUMBERS:
            return NUMBERS[kind](int(value))
        if kind == "word":
            return self.keep(c_uint32(int(value))) if int(value) else None
        if kind == "FILETIME":
            return c_uint64(value["dwHighDateTime"] << 32 | value["dwLowDateTime"])
        if kind == "handle":
            octets = bytes.fromhex(value)
            return Handle(int.from_bytes(octets[:4], "little"), (c_uint8 * 16)(*octets[4:]))
        if kind in ("string", "*string"):
            return self.octets(value.encode("utf-8") + b"\0")
        if name in ("octets", "part"):
            return self.octets(bytes.fromhex(value))
        if name == "units":
            return self.octets(bytes.fromhex(value["utf16"]))
        if name in ("array", "tail"):
            items = [self.value(inner[0], item) for item in value]
            return self.keep((c_type(inner[0]) * len(items))(*items))
        if kind.startswith("*"):
            return self.keep(self.value(kind[1:], value))
        filled = c_type(kind)()
        for member, type_ in interface.members(interface.STRUCTURES[kind]):
            setattr(filled, member, self.value(type_, value[member]))
        return filled


def layout(method):
    """The structure of a call: what goes in, then where the results go."""
    outs = {name for name, kind in method.parameters("response") if kind != "room"}
    fields = []
    for name, kind in method.parameters("request"):
        both = name in outs
        boolean = (method.name, name) in BOOLEAN8
        fields.append((name, c_void_p if both or kind in BY_REFERENCE else
                       c_uint8 if boolean else c_type(kind)))
    results = [(name, c_uint32 if (name, kind) == ("return", "u32") else c_void_p)
               for name, kind in method.parameters("response") if kind != "room"]
    order = IN_MEMORY.get(method.name, [name for name, _ in results])
    results.sort(key=lambda field: order.index(field[0]))
    given = type("In", (Structure,), {"_fields_": fields})
    made = type("Out", (Structure,), {"_fields_": results})
    return type("Call", (Structure,), {"_fields_": [("given", given), ("made", made)]})


class Marshal:
    def __init__(self):
        self.libndr, self.table = load()

    def filled(self, method, params, filler):
        """(Samba's entry for a method, the call's structure with the request in it)."""
        call = self.table.calls[method.opnum]
        if call.name.decode() != "clusapi_" + method.name[len("Api"):]:
            raise Missing(f"opnum {method.opnum} is {call.name.decode()} in Samba's table")
        whole = layout(method)()
        if sizeof(whole) != call.size:
            raise Missing(f"{method.name} has {call.size} octets in Samba, {sizeof(whole)} here")
        for name, kind in method.parameters("request"):
            value = filler.value(kind, params[name])
            declared = dict(type(whole.given)._fields_)[name]
            if (method.name, name) in BOOLEAN8:
                value = params[name]
            elif declared is c_void_p and kind in (*NUMBERS, "handle", *interface.STRUCTURES):
                value = filler.keep(value)  # [in, out]
            setattr(whole.given, name, value)
        return call, whole

    def request(self, method, params, wide=False, big=False):
        """The stub of a request as Samba writes it."""
        filler = Filler()
        return self.push(*self.filled(method, params, filler), IN, wide, big)

    def response(self, method, params, results, wide=False, big=False):
        """The stub of the response with these results to a request with these parameters."""
        filler = Filler()
        call, whole = self.filled(method, params, filler)
        for name, kind in method.parameters("response"):
            if kind == "room":
                continue  # the request has it
            value = filler.value(kind, results[name])
            if (name, kind) == ("return", "u32"):
                value = results[name]
            elif not kind.startswith(("octets", "part")):
                value = filler.keep(value if value is not None else c_void_p())
            setattr(whole.made, name, value)
        return self.push(call, whole, OUT, wide, big)

    def push(self, call, whole, direction, wide, big):
        ndr = self.libndr.ndr_push_init_ctx(None)
        flags = c_uint32.from_address(ndr)
        flags.value |= (NDR64 if wide else 0) | (BIG_ENDIAN if big else 0)
        status = PUSH(call.push)(ndr, direction, ctypes.addressof(whole))
        if status:
            raise ValueError(f"{call.name.decode()}: Samba's library says {status}")
        blob = self.libndr.ndr_push_blob(ndr)
        return bytes(blob.data[:blob.length])
