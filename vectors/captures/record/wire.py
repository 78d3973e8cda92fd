# SPDX-License-Identifier: Apache-2.0
"""What a capture holds, read without the project's programs: calls of the cluster interface.

Only what these recordings need: pcap with Ethernet, IPv4, TCP without loss, one server port.
"""
import struct

import interface
import ndr
from responder import ALTER, ALTER_RESP, BIND, BIND_ACK, FAULT, NDR64, REQUEST, RESPONSE, Pdu

LAST = 2
FIN, RST = 1, 4


def packets(octets):
    """(TCP flags, source port, target port, sequence number, TCP payload) of each packet."""
    if struct.unpack_from("<I", octets)[0] != 0xA1B2C3D4 \
            or struct.unpack_from("<I", octets, 20)[0] != 1:
        raise ValueError("not a little-endian pcap of Ethernet")
    at = 24
    while at < len(octets):
        size = struct.unpack_from("<I", octets, at + 8)[0]
        packet = octets[at + 16:at + 16 + size]
        at += 16 + size
        header = 14 + (packet[14] & 15) * 4
        end = 14 + struct.unpack_from(">H", packet, 16)[0]
        source, target, sequence = struct.unpack_from(">HHI", packet, header)
        yield (packet[header + 13], source, target, sequence,
               packet[header + (packet[header + 12] >> 4) * 4:end])


def closed(octets):
    """Whether there are connections, and none of them is open at the end."""
    state = {}
    for flags, source, target, _, _ in packets(octets):
        state.setdefault(frozenset((source, target)), True)
        if flags & (FIN | RST):
            state[frozenset((source, target))] = False
    return bool(state) and not any(state.values())


def pdus(octets, port):
    """(client port, whether the client sent it, the PDU), in the order of the capture."""
    streams, expected = {}, {}
    for _, source, target, sequence, payload in packets(octets):
        if port not in (source, target) or not payload:
            continue
        flow = source, target
        if expected.get(flow, sequence) != sequence:
            raise ValueError(f"a segment is missing or came twice between {flow}")
        expected[flow] = (sequence + len(payload)) & 0xFFFFFFFF
        stream = streams.setdefault(flow, bytearray())
        stream += payload
        while len(stream) >= 16:
            size = struct.unpack_from(">H" if stream[4] >> 4 == 0 else "<H", stream, 8)[0]
            if len(stream) < size:
                break
            yield (source if target == port else target), target == port, Pdu(bytes(stream[:size]))
            del stream[:size]


class Call:
    """A call as it went over the wire; response is None where there was a fault."""

    def __init__(self, client, version, wide, pdu, opnum):
        self.client, self.version, self.wide, self.big = client, version, wide, pdu.big
        self.identifier, self.opnum = pdu.call, opnum
        self.request, self.response, self.fault, self.answered = b"", b"", None, False
        self.big_answer = pdu.big

    @property
    def method(self):
        return interface.ALL.get(self.opnum)

    def read(self, direction):
        """The parameters and the reader; ndr.Malformed where the octets are wrong."""
        octets, big = ((self.request, self.big) if direction == "request"
                       else (self.response, self.big_answer))
        return ndr.read(self.method, direction, octets, self.version, self.wide, big)


class Connection:
    def __init__(self):
        self.offered, self.contexts, self.calls = [], {}, {}

    def bind(self, pdu):
        at, self.offered = 12, []
        for _ in range(pdu.body[8]):
            identifier, count = pdu.unpack("HB", at)
            self.offered.append((identifier, pdu.syntax(at + 4)))
            at += 24 + 20 * count

    def bound(self, pdu):
        at = 10 + pdu.unpack("H", 8)[0]
        at += -at % 4 + 4
        for identifier, name in self.offered:
            if pdu.unpack("H", at)[0] == 0:
                self.contexts[identifier] = name, pdu.syntax(at + 4) == NDR64
            at += 24


def calls(octets, port=49152):
    """Every call of the cluster interface in a capture, in the order of the requests."""
    connections, found = {}, []
    for client, sent, pdu in pdus(octets, port):
        connection = connections.setdefault(client, Connection())
        if pdu.kind in (BIND, ALTER):
            connection.bind(pdu)
        elif pdu.kind in (BIND_ACK, ALTER_RESP):
            connection.bound(pdu)
        elif pdu.auth:
            continue  # sealed, or a signature to cut off: no such recording is read here
        elif pdu.kind == REQUEST and sent:
            call = connection.calls.get(pdu.call)
            if call is None or call.answered:
                context, opnum = pdu.unpack("HH", 4)
                (name, version), wide = connection.contexts[context]
                call = Call(client, version, wide, pdu, opnum)
                connection.calls[pdu.call] = call
                if name == interface.UUID:
                    found.append(call)
            call.request += pdu.body[8 + 16 * (pdu.flags >> 7):]
        elif pdu.kind in (RESPONSE, FAULT) and pdu.call in connection.calls:
            call = connection.calls[pdu.call]
            call.response += pdu.body[8:] if pdu.kind == RESPONSE else b""
            call.fault = pdu.unpack("I", 8)[0] if pdu.kind == FAULT else None
            call.answered, call.big_answer = bool(pdu.flags & LAST), pdu.big
    return found
