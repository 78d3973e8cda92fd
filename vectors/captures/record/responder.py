#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A small scripted server of the cluster interface: DCE/RPC over TCP, for recordings.

It takes both protocol versions, NDR20 and NDR64, either byte order, bind-time features,
alter_context and fragments, answers in the client's transfer syntax and byte order, and speaks no
security. It also maps endpoints (ept_map) when told a second port. Answers: answers.py.

With --marshal samba the stubs of protocol 3's answers are written by Samba's library, which
ndr.py writes otherwise: the same answers, in octets that are not ours.

usage: responder.py [--port N] [--mapper N] [--ready FILE] [--marshal samba]
"""
import argparse
import pathlib
import socketserver
import struct
import sys
import threading
import uuid

import answers
import interface
import ndr

REQUEST, RESPONSE, FAULT, BIND, BIND_ACK, ALTER, ALTER_RESP = 0, 2, 3, 11, 12, 14, 15
FIRST, LAST = 1, 2
NDR20 = ("8a885d04-1ceb-11c9-9fe8-08002b104860", 2)
NDR64 = ("71710533-beba-4937-8319-b5dbef9ccc36", 1)
MAPPER = ("e1af8308-5d1f-11c9-91a4-08002b14a0fa", 3)
FEATURES = "6cb71c2c-9812-4540-"
OFFERED_FEATURES = 3
BAD_STUB, NO_SUCH_OPNUM, NO_SUCH_CONTEXT = 0x6F7, 0x1C010002, 0x1C00001A
FRAGMENT = 5840


class Pdu:
    """The header of a PDU, and its body."""

    def __init__(self, octets):
        self.kind, self.flags = octets[2], octets[3]
        self.drep, self.big = octets[4:8], octets[4] >> 4 == 0
        self.order = ">" if self.big else "<"
        self.length, self.auth, self.call = struct.unpack_from(self.order + "HHI", octets, 8)
        self.body = octets[16:]

    def unpack(self, form, at=0):
        return struct.unpack_from(self.order + form, self.body, at)

    def answer(self, kind, body, flags=FIRST | LAST):
        return (struct.pack("BBBB", 5, 0, kind, flags) + self.drep
                + struct.pack(self.order + "HHI", 16 + len(body), 0, self.call) + body)

    def syntax(self, at):
        """(UUID, major version) at an offset of the body."""
        octets = self.body[at:at + 16]
        name = uuid.UUID(bytes=octets) if self.big else uuid.UUID(bytes_le=octets)
        return str(name), self.unpack("I", at + 16)[0] & 0xffff

    def syntax_octets(self, syntax):
        name = uuid.UUID(syntax[0])
        return ((name.bytes if self.big else name.bytes_le)
                + struct.pack(self.order + "I", syntax[1]))


# ---- the endpoint mapper ------------------------------------------------------------------------

def floor(left, right):
    return struct.pack("<H", len(left)) + left + struct.pack("<H", len(right)) + right


def tower(port):
    """Interface 3.0, NDR20, connection-oriented, TCP port, 127.0.0.1 [C706 appendix L]."""
    identity = uuid.UUID(interface.UUID).bytes_le + struct.pack("<H", 3)
    floors = [floor(b"\x0d" + identity, bytes(2)),
              floor(b"\x0d" + uuid.UUID(NDR20[0]).bytes_le + struct.pack("<H", 2), bytes(2)),
              floor(b"\x0b", bytes(2)), floor(b"\x07", struct.pack(">H", port)),
              floor(b"\x09", bytes([127, 0, 0, 1]))]
    return struct.pack("<H", len(floors)) + b"".join(floors)


def mapped(port, wide, most):
    """The response of ept_map: one tower, in an array with room for most."""
    octets = tower(port)
    writer = ndr.Writer(wide)
    writer.octets += bytes(20)
    writer.number(4, "I", 1)
    for number in (most, 0, 1):
        writer.count(number)
    writer.count(3)  # a full pointer: the request had the referents 1 and 2
    writer.count(len(octets))
    writer.number(4, "I", len(octets))
    writer.octets += octets
    writer.number(4, "I", 0)
    return bytes(writer.octets)


# ---- a connection -------------------------------------------------------------------------------

class Connection(socketserver.BaseRequestHandler):
    def setup(self):
        self.contexts, self.stubs, self.size = {}, {}, FRAGMENT

    def take(self, size):
        octets = b""
        while len(octets) < size:
            more = self.request.recv(size - len(octets))
            if not more:
                raise EOFError
            octets += more
        return octets

    def handle(self):
        try:
            while True:
                header = self.take(16)
                length = struct.unpack((">" if header[4] >> 4 == 0 else "<") + "H", header[8:10])[0]
                self.pdu(Pdu(header + self.take(length - 16)))
        except (EOFError, ConnectionError):
            return

    def pdu(self, pdu):
        if pdu.kind in (BIND, ALTER):
            self.bind(pdu)
        elif pdu.kind == REQUEST:
            self.fragment(pdu)

    # bind and alter_context [C706 12.6.4.3, MS-RPCE 2.2.2.4, 3.3.1.5.3]

    def bind(self, pdu):
        transmit, receive = pdu.unpack("HH")
        if pdu.kind == BIND:
            self.size = min(receive, FRAGMENT)
        results, at = b"", 12
        for _ in range(pdu.body[8]):
            identifier, count = pdu.unpack("HB", at)
            interface_id = pdu.syntax(at + 4)
            offers = [pdu.syntax(at + 24 + 20 * n) for n in range(count)]
            results += self.context(pdu, identifier, interface_id, offers)
            at += 24 + 20 * count
        address = str(self.server.server_address[1]).encode() + b"\0"
        if pdu.kind == ALTER:
            address = b""
        body = struct.pack(pdu.order + "HHIH", self.size, min(transmit, FRAGMENT), 1, len(address))
        body += address + bytes(-(2 + len(address)) % 4)
        body += bytes([pdu.body[8], 0, 0, 0]) + results
        self.request.sendall(pdu.answer(BIND_ACK if pdu.kind == BIND else ALTER_RESP, body))

    def context(self, pdu, identifier, interface_id, offers):
        """The result of one presentation context."""
        if offers[0][0].startswith(FEATURES):
            asked = struct.unpack("<H", uuid.UUID(offers[0][0]).bytes[8:10])[0]
            return struct.pack(pdu.order + "HH", 3, asked & OFFERED_FEATURES) + bytes(20)
        known = interface_id in ((interface.UUID, 3), (interface.UUID, 2), MAPPER)
        usable = [offer for offer in offers if offer == NDR20
                  or offer == NDR64 and interface_id != (interface.UUID, 2)]
        if not known or not usable:
            return struct.pack(pdu.order + "HH", 2, 1 if not known else 2) + bytes(20)
        self.contexts[identifier] = (interface_id, usable[0])
        return struct.pack(pdu.order + "HH", 0, 0) + pdu.syntax_octets(usable[0])

    # requests

    def fragment(self, pdu):
        _, context, opnum = pdu.unpack("IHH")
        stub = self.stubs.pop(pdu.call, b"") + pdu.body[8 + 16 * (pdu.flags >> 7):]
        if not pdu.flags & LAST:
            self.stubs[pdu.call] = stub
            return
        status, answer = self.call(pdu, context, opnum, stub)
        if status:
            body = struct.pack(pdu.order + "IHBBII", 0, context, 0, 0, status, 0)
            self.request.sendall(pdu.answer(FAULT, body))
            return
        room = (self.size - 24) // 8 * 8
        for at in range(0, max(len(answer), 1), room):
            flags = (FIRST if at == 0 else 0) | (LAST if at + room >= len(answer) else 0)
            body = struct.pack(pdu.order + "IHBB", len(answer) - at, context, 0, 0)
            self.request.sendall(pdu.answer(RESPONSE, body + answer[at:at + room], flags))

    def call(self, pdu, context, opnum, stub):
        """(fault status, response stub)."""
        if context not in self.contexts:
            return NO_SUCH_CONTEXT, b""
        (name, version), syntax = self.contexts[context]
        wide = syntax == NDR64
        if (name, version) == MAPPER:
            if opnum != 3:
                return NO_SUCH_OPNUM, b""
            most = struct.unpack(pdu.order + "I", stub[-4:])[0]
            return 0, mapped(self.server.target, wide, most)
        if opnum not in interface.ALL:
            return NO_SUCH_OPNUM, b""
        method = interface.ALL[opnum]
        try:
            given, _ = ndr.read(method, "request", stub, version, wide, pdu.big)
        except ndr.Malformed as error:
            self.server.say(f"{method.name}: {error}")
            return BAD_STUB, b""
        result = answers.answer(method, given, version)
        if self.server.marshal and version == 3:
            return 0, self.server.marshal.response(method, given, result, wide, pdu.big)
        return 0, ndr.encode(method, "response", result, version, wide, pdu.big)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    target = marshal = None

    def say(self, what):
        """What is refused, and why."""
        print(what, file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=49152, help="0: any that is free")
    parser.add_argument("--mapper", type=int, help="port of the endpoint mapper, 135 in truth")
    parser.add_argument("--ready", type=pathlib.Path, metavar="FILE",
                        help="the port is written here once it is listened on")
    parser.add_argument("--marshal", choices=["samba"], help="who writes the stubs of answers")
    options = parser.parse_args()
    server = Server(("127.0.0.1", options.port), Connection)
    server.target = server.server_address[1]
    if options.marshal:
        import samba_marshal
        server.marshal = samba_marshal.Marshal()
    if options.mapper is not None:
        mapper = Server(("127.0.0.1", options.mapper), Connection)
        mapper.target = server.target
        threading.Thread(target=mapper.serve_forever, daemon=True).start()
    if options.ready:
        options.ready.write_text(f"{server.target}\n", "utf-8")
    server.serve_forever()


if __name__ == "__main__":
    main()
