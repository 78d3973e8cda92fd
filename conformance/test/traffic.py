# SPDX-License-Identifier: Apache-2.0
"""Small captures for tests: TCP connections (and datagrams) that carry DCE/RPC, packet by packet.

    traffic = Traffic()
    connection = traffic.connection()
    connection.client(bind(1, [(0, CLUSAPI, NDR20)]))
    connection.server(bind_ack(1, [NDR20]))
    path.write_bytes(traffic.pcap())
"""
import struct
import uuid

CLUSAPI = ("b97db8b2-4c63-11cf-bff6-08002be23f2f", 3, 0)
CLUSAPI_2 = ("b97db8b2-4c63-11cf-bff6-08002be23f2f", 2, 0)
NDR20 = ("8a885d04-1ceb-11c9-9fe8-08002b104860", 2, 0)
NDR64 = ("71710533-beba-4937-8319-b5dbef9ccc36", 1, 0)
MAPPER = ("e1af8308-5d1f-11c9-91a4-08002b14a0fa", 3, 0)

REQUEST, RESPONSE, FAULT, BIND, BIND_ACK = 0, 2, 3, 11, 12
FIRST, LAST = 1, 2
SYN, FIN, RST, PSH, ACK = 2, 1, 4, 8, 16


# ---- DCE/RPC ------------------------------------------------------------------------------------

class Pdus:
    """Makes PDUs in one byte order."""

    def __init__(self, big=False):
        self.order, self.big = ">" if big else "<", big

    def pack(self, form, *values):
        return struct.pack(self.order + form, *values)

    def syntax(self, syntax):
        name, major, minor = syntax
        octets = uuid.UUID(name).bytes if self.big else uuid.UUID(name).bytes_le
        return octets + self.pack("I", minor << 16 | major)

    def pdu(self, kind, call, body, flags=FIRST | LAST):
        drep = bytes([0 if self.big else 0x10, 0, 0, 0])
        return (struct.pack("BBBB", 5, 0, kind, flags) + drep
                + self.pack("HHI", 16 + len(body), 0, call) + body)

    def bind(self, call, contexts):
        """contexts: (identifier, interface, transfer syntax, …)."""
        body = self.pack("HHI", 5840, 5840, 0) + bytes([len(contexts), 0, 0, 0])
        for identifier, interface, *transfers in contexts:
            body += self.pack("H", identifier) + bytes([len(transfers), 0])
            body += b"".join(map(self.syntax, [interface, *transfers]))
        return self.pdu(BIND, call, body)

    def bind_ack(self, call, results):
        """results: the transfer syntax that is accepted, or None for a rejection."""
        address = b"49152\0"
        body = self.pack("HHIH", 5840, 5840, 1, len(address)) + address
        body += bytes(-(16 + len(body)) % 4) + bytes([len(results), 0, 0, 0])
        for transfer in results:
            accepted = transfer is not None
            body += self.pack("HH", 0 if accepted else 2, 0 if accepted else 1)
            body += self.syntax(transfer) if accepted else bytes(20)
        return self.pdu(BIND_ACK, call, body)

    def request(self, call, opnum, stub, context=0, flags=FIRST | LAST):
        return self.pdu(REQUEST, call, self.pack("IHH", len(stub), context, opnum) + stub, flags)

    def response(self, call, stub, context=0, flags=FIRST | LAST):
        return self.pdu(RESPONSE, call, self.pack("IHBB", len(stub), context, 0, 0) + stub, flags)

    def fault(self, call, status, context=0):
        return self.pdu(FAULT, call, self.pack("IHBBII", 0, context, 0, 0, status, 0))

    def fragments(self, kind, call, stub, size, **options):
        """The PDUs of a call (kind "request" or "response") whose stub is cut every size octets."""
        cuts = range(0, max(len(stub), 1), size)
        make = getattr(self, kind)
        return [make(call, *([options["opnum"]] if kind == "request" else []),
                     stub[at:at + size], options.get("context", 0),
                     (FIRST if at == 0 else 0) | (LAST if at + size >= len(stub) else 0))
                for at in cuts]


LITTLE = Pdus()
BIG = Pdus(big=True)


# ---- packets ------------------------------------------------------------------------------------

class Connection:
    """One TCP connection; "c" is the client, "s" the server."""

    def __init__(self, traffic, client, server, port, server_port, opened):
        self.traffic, self.address = traffic, {"c": client, "s": server}
        self.port = {"c": port, "s": server_port}
        self.next = {"c": 1000, "s": 900000}
        if opened:
            self.segment("c", flags=SYN)
            self.segment("s", flags=SYN | ACK)
            self.segment("c", flags=ACK)

    def segment(self, side, octets=b"", flags=PSH | ACK, back=0):
        """A segment as it comes next in its direction, or `back` octets earlier."""
        other = "s" if side == "c" else "c"
        tcp = struct.pack(">HHIIBBHHH", self.port[side], self.port[other],
                          self.next[side] - back, self.next[other], 0x50, flags, 65535, 0, 0)
        self.traffic.packet(self.address[side], self.address[other], tcp + octets)
        if back == 0:
            self.next[side] += len(octets) + (1 if flags & (SYN | FIN) else 0)

    def skip(self, side, count):
        """Octets that were sent and are not in the capture."""
        self.next[side] += count

    def send(self, side, *pieces, size=1 << 20):
        """Octets, cut into segments of at most `size`."""
        octets = b"".join(pieces)
        for at in range(0, len(octets), size):
            self.segment(side, octets[at:at + size])

    def client(self, *pieces, **options):
        self.send("c", *pieces, **options)

    def server(self, *pieces, **options):
        self.send("s", *pieces, **options)

    def close(self):
        self.segment("c", flags=FIN | ACK)
        self.segment("s", flags=FIN | ACK)
        self.segment("c", flags=ACK)

    def bound(self, transfer=NDR20, interface=CLUSAPI, pdus=LITTLE):
        """Binds context 0."""
        self.client(pdus.bind(1, [(0, interface, transfer)]))
        self.server(pdus.bind_ack(1, [transfer]))
        return self

    def call(self, call, opnum, request, response, pdus=LITTLE):
        self.client(pdus.request(call, opnum, request))
        self.server(pdus.response(call, response))


class Traffic:
    def __init__(self):
        self.packets, self.ports = [], 50000

    def connection(self, client=b"\x7f\0\0\1", server=b"\x7f\0\0\1", server_port=49152,
                   opened=True):
        self.ports += 1
        return Connection(self, client, server, self.ports, server_port, opened)

    def packet(self, source, target, segment, protocol=6):
        """An Ethernet frame of IPv4 or IPv6, by the size of the addresses."""
        if len(source) == 4:
            header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0, 64, protocol, 0)
        else:
            header = struct.pack(">IHBB", 0x60000000, len(segment), protocol, 64)
        kind = b"\x08\x00" if len(source) == 4 else b"\x86\xdd"
        self.packets.append(bytes(12) + kind + header + source + target + segment)

    def datagram(self, source, target, ports, octets):
        """A UDP datagram; ports: (source, target)."""
        head = struct.pack(">HHHH", *ports, 8 + len(octets), 0)
        self.packet(source, target, head + octets, 17)

    def swap(self, first, second):
        """Exchanges two packets (negative: from the end)."""
        packets = self.packets
        packets[first], packets[second] = packets[second], packets[first]

    def pcap(self):
        records = [struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1)]
        for index, octets in enumerate(self.packets):
            records.append(struct.pack("<IIII", 1700000000 + index // 1000, index % 1000 * 1000,
                                       len(octets), len(octets)) + octets)
        return b"".join(records)
