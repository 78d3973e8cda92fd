# SPDX-License-Identifier: Apache-2.0
"""Samba's library libndr-samba4 as a codec of stubs, called through ctypes.

It is what Samba's own clients and servers call. Writing is that of vectors/captures/record/
samba_marshal.py, where the structures are laid out; reading is here.
"""
import ctypes
from ctypes import c_char_p, c_int, c_size_t, c_uint8, c_uint32, c_uint64, c_void_p, sizeof

import third_party
from third_party import Refused, Unsupported, interface
import samba_marshal
from samba_marshal import BIG_ENDIAN, BOOLEAN8, IN, NDR64, NUMBERS, OUT, Handle

REF_ALLOC = 1 << 20
PULL = ctypes.CFUNCTYPE(c_int, c_void_p, c_int, c_void_p)


class Pull(ctypes.Structure):
    """The head of struct ndr_pull."""
    _fields_ = [("flags", c_uint32), ("data", c_void_p), ("size", c_uint32), ("offset", c_uint32)]


class Blob(ctypes.Structure):
    _fields_ = [("data", c_char_p), ("length", c_size_t)]


def declared(libndr, talloc):
    libndr.ndr_pull_init_blob.restype = ctypes.POINTER(Pull)
    libndr.ndr_pull_init_blob.argtypes = [ctypes.POINTER(Blob), c_void_p]
    libndr.ndr_map_error2string.restype = c_char_p
    talloc.talloc_named_const.restype = c_void_p
    talloc.talloc_named_const.argtypes = [c_void_p, c_size_t, c_char_p]
    talloc._talloc_free.argtypes = [c_void_p, c_char_p]


class Reader:
    """Plain parameters out of a C structure that Samba has filled."""

    def __init__(self, method):
        self.method = method

    def text(self, address):
        return ctypes.string_at(address).decode("utf-8") if address else None

    def handle(self, value):
        return value.attributes.to_bytes(4, "little") + bytes(value.guid)

    def number(self, kind, name, address):
        kind = c_uint8 if (self.method.name, name) in BOOLEAN8 else NUMBERS[kind]
        return kind.from_address(address).value

    def value(self, kind, name, address, scope):
        """The value that lies at an address; scope: of the numbers that lie beside it."""
        head, inner = interface.arguments(kind.lstrip("*"))
        if kind in NUMBERS:
            return self.number(kind, name, address)
        if kind == "handle":
            return self.handle(Handle.from_address(address))
        if kind == "FILETIME":
            ticks = c_uint64.from_address(address).value
            return {"dwLowDateTime": ticks & 0xffffffff, "dwHighDateTime": ticks >> 32}
        if kind in interface.STRUCTURES:
            return self.members(kind, address)
        pointer = c_void_p.from_address(address).value
        if kind == "word":
            return c_uint32.from_address(pointer).value if pointer else 0
        if head == "string":
            return self.text(pointer)
        if pointer is None:
            return None
        if head in ("octets", "part"):
            return ctypes.string_at(pointer, scope(inner[-1]))
        if head == "units":
            return ctypes.string_at(pointer, 2 * scope(inner[-1]))
        if head in ("array", "tail"):
            size = sizeof(samba_marshal.c_type(inner[0]))
            return [self.members(inner[0], pointer + at * size)
                    for at in range(scope(inner[1]))]
        return self.members(head, pointer)

    def members(self, kind, address):
        layout = samba_marshal.c_type(kind)
        kinds = dict(interface.members(interface.STRUCTURES[kind]))

        def scope(name):
            return self.value(kinds[name], name, address + getattr(layout, name).offset, scope)
        return {name: scope(name) for name in kinds}


class Library:
    def __init__(self):
        self.marshal = samba_marshal.Marshal()
        self.libndr = self.marshal.libndr
        self.talloc = ctypes.CDLL("libtalloc.so.2")
        declared(self.libndr, self.talloc)
        self.trailer = self.find_trailer()

    def find_trailer(self):
        """The function with which Samba's server takes a verification trailer off a request."""
        found = ctypes.CDLL("libdcerpc-binding.so.0").ndr_pop_dcerpc_sec_verification_trailer
        found.argtypes = [c_void_p, c_void_p, ctypes.POINTER(c_void_p)]
        return found

    def said(self, status):
        return self.libndr.ndr_map_error2string(status).decode()

    # ---- reading ----

    def decode(self, request):
        method, direction, version, wide, big = third_party.method_of(request)
        call = self.call(method, version)
        octets = bytes.fromhex(request["hex"])
        root = self.talloc.talloc_named_const(None, 0, b"cmrp")
        try:
            params = self.pull(call, method, direction, octets, root,
                               (NDR64 if wide else 0) | (BIG_ENDIAN if big else 0))
        finally:
            self.talloc._talloc_free(root, b"cmrp")
        return {"value": third_party.json_params(method, direction, version, params)}

    def call(self, method, version):
        if version != 3:
            raise Unsupported("only protocol version 3")
        call = self.marshal.table.calls[method.opnum]
        whole = samba_marshal.layout(method)
        if call.name.decode() != "clusapi_" + method.name[len("Api"):] or \
                sizeof(whole) != call.size:
            raise samba_marshal.Missing(f"{method.name} is not as it is known here")
        return call

    def pull(self, call, method, direction, octets, root, flags):
        whole = samba_marshal.layout(method)()
        blob = Blob(octets, len(octets))
        ndr = self.libndr.ndr_pull_init_blob(ctypes.byref(blob), root)
        ndr.contents.flags |= flags | REF_ALLOC
        if direction == "request":
            trailer = c_void_p()
            self.trailer(ndr, root, ctypes.byref(trailer))
        elif method.name == "ApiQueryValue":
            whole.given.cbData = room(octets, flags)
        elif "room" in dict(method.parameters("response")).values():
            whole.given.nOutBufferSize = size_at(octets, 0, flags)
        status = PULL(call.pull)(ndr, IN if direction == "request" else OUT,
                                 ctypes.addressof(whole))
        if status:
            raise Refused(self.said(status))
        left = ndr.contents.size - ndr.contents.offset
        if left:
            raise Refused(f"{left} octets are not read")
        return self.params(method, direction, whole)

    def params(self, method, direction, whole):
        reader = Reader(method)
        kinds = dict(method.parameters(direction))
        outs = {name for name, kind in method.parameters("response") if kind != "room"}
        part = whole.given if direction == "request" else whole.made

        def scope(name):
            if name == "?":
                return whole.given.cbData
            if kinds[name] == "room":
                return whole.given.nOutBufferSize
            address = ctypes.addressof(part) + getattr(type(part), name).offset
            kind = kinds[name]
            direct = kind.startswith(("octets", "part")) or (name, kind) == ("return", "u32")
            pointed = name in outs if direction == "request" else not direct
            if direction == "request" and kind.startswith("octets"):
                pointed = False
            if kind in samba_marshal.BY_REFERENCE:
                pointed = True
            if pointed:
                address = c_void_p.from_address(address).value
            return reader.value(kind, name, address, scope)
        return {name: scope(name) for name in kinds}

    # ---- writing ----

    def encode(self, request):
        method, direction, version, wide, big = third_party.method_of(request)
        self.call(method, version)
        plain = third_party.plain_params(method, direction, version, wide, request["value"])
        kinds = dict(method.parameters(direction))
        params = {name: fillable(kinds[name], value) for name, value in plain.items()}
        try:
            if direction == "request":
                octets = self.marshal.request(method, params, wide, big)
            else:
                octets = self.marshal.response(method, nothing(method, params), params, wide, big)
        except ValueError as error:
            raise Refused(self.said(int(str(error).rsplit(" ", 1)[1]))) from error
        return {"hex": octets.hex()}


def room(octets, flags):
    """What cbData was in the request that a response to ApiQueryValue answers, which is not at
    hand: as much as the array in the response is said to have."""
    return size_at(octets, 8 if flags & NDR64 else 4, flags)


def size_at(octets, at, flags):
    """The size of an array there."""
    width = 8 if flags & NDR64 else 4
    return int.from_bytes(octets[at:at + width],
                          "big" if flags & BIG_ENDIAN else "little") & 0xffffffff


def fillable(kind, value):
    """A plain parameter as samba_marshal takes it."""
    name, inner = interface.arguments(kind.lstrip("*"))
    if name == "string" and value is not None:
        if isinstance(value, bytes):
            raise Unsupported("a C string of this charset has no unpaired surrogate")
        if "\0" in value:
            raise Unsupported("a C string has no NUL inside")
        return value
    if name == "units" and value is not None:
        return {"utf16": value.hex()}
    if isinstance(value, dict):
        kinds = dict(interface.members(interface.STRUCTURES[name]))
        return {name: fillable(kinds[name], item) for name, item in value.items()}
    if isinstance(value, list):
        return [fillable(inner[0], item) for item in value]
    return value.hex() if isinstance(value, bytes) else value


EMPTY = {"handle": "00" * 20, "string": ""}


def nothing(method, results):
    """Some request for a response, which Samba's structure of a call has beside it."""
    params = {}
    for name, kind in method.parameters("request"):
        params[name] = (0 if kind in NUMBERS else EMPTY.get(kind, "" if "octets" in kind else None))
        if kind in interface.STRUCTURES:
            params[name] = {member: None if inner.startswith("*") else 0 for member, inner in
                            interface.members(interface.STRUCTURES[kind])}
    if method.name == "ApiQueryValue":
        params["cbData"] = len(results["lpData"]) // 2
    if "nOutBufferSize" in results:
        params["nOutBufferSize"] = results["nOutBufferSize"]
    return params
