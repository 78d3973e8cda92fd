#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes constructed-udp.pcap and constructed-udp.expected.jsonl beside this script.

Protocol version 2 speaks connectionless DCE/RPC, and no program that is at hand still does. So
this capture is worked by hand from [MS-CMRP] 3.1.4.1, [MS-RPCE] 2.2.3 and C706 12.5, octet by
octet, and so are the lines that are expected of it. It is no evidence from the wire.

usage: make_udp.py [--check]

With --check nothing is written: exit code 1 when the files are not what this script makes.
"""
import json
import pathlib
import struct
import sys
import uuid

CLUSAPI = uuid.UUID("b97db8b2-4c63-11cf-bff6-08002be23f2f")
CONVERSATION = uuid.UUID("333a2276-0000-0000-0d00-00809c000000")
NIL = uuid.UUID(int=0)
REQUEST, PING, RESPONSE, FAULT, WORKING, NOCALL, REJECT, ACK, CANCEL, FACK, CANCEL_ACK = range(11)
LASTFRAG, FRAG, NOFACK, IDEMPOTENT = 2, 4, 8, 0x20
UNRELATED = 4
BOOT = 0x5F000001
START, STEP_US = 1700000000, 1000
NTLM, PRIVACY = 10, 6

packets, lines = [], []


# ---- packets ------------------------------------------------------------------------------------

def address(text):
    host, port = text.rsplit(":", 1)
    return bytes(map(int, host.split("."))), int(port)


def checksum(octets):
    octets += bytes(len(octets) % 2)
    total = sum(struct.unpack(f">{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def send(source, target, octets):
    """A datagram over Ethernet and IPv4, a millisecond after the last one; returns its frame."""
    (source_host, source_port), (target_host, target_port) = address(source), address(target)
    size = 8 + len(octets)
    udp = struct.pack(">HHH", source_port, target_port, size)
    pseudo = source_host + target_host + struct.pack(">HH", 17, size)
    udp += struct.pack(">H", checksum(pseudo + udp + b"\0\0" + octets) or 0xFFFF) + octets
    head = struct.pack(">BBHHHBB", 0x45, 0, 20 + size, len(packets), 0, 64, 17)
    ends = source_host + target_host
    head += struct.pack(">H", checksum(head + b"\0\0" + ends)) + ends
    packets.append(b"\2\0\0\0\0\2\2\0\0\0\0\1\x08\0" + head + udp)
    return len(packets)


def pcap():
    content = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
    for number, packet in enumerate(packets):
        content += struct.pack("<IIII", START, number * STEP_US, len(packet), len(packet)) + packet
    return content


def time_of(frame):
    return f"2023-11-14T22:13:20.{(frame - 1) * STEP_US:06d}Z"


# ---- PDUs ---------------------------------------------------------------------------------------

def pdu(kind, activity, call, opnum, body=b"", flags1=0, flags2=0, fragment=0, serial=0, boot=BOOT,
        interface=CLUSAPI, version=2, auth=0, trailer=b"", big=False, size=None):
    def octets(value):
        return value.bytes if big else value.bytes_le
    return (bytes([4, kind, flags1, flags2, 0 if big else 0x10, 0, 0, serial >> 8])
            + octets(NIL) + octets(interface) + octets(activity)
            + struct.pack((">" if big else "<") + "IIIHHHHHBB", boot, version, call, opnum, 0xFFFF,
                          0xFFFF, len(body) if size is None else size, fragment, auth,
                          serial & 0xFF)
            + body + trailer)


class Talk:
    """The datagrams of one activity, and the calls that are expected of them."""

    def __init__(self, client, server, activity, big=False):
        self.client, self.server, self.big = client, server, big
        self.activity = uuid.UUID(activity)

    def ask(self, kind, call, opnum, body=b"", server=None, **rest):
        return send(self.client, server or self.server,
                    pdu(kind, self.activity, call, opnum, body, big=self.big, **rest))

    def answer(self, kind, call, opnum, body=b"", **rest):
        return send(self.server, self.client, pdu(kind, self.activity, call, opnum, body, **rest))

    def expect(self, state, call, opnum, method=None, asked=None, answered=None, request=None,
               response=None, fault=None, cancelled=None, idempotent=None, findings=()):
        line = {"kind": "call", "state": state, "request_frame": asked, "response_frame": answered,
                "time": time_of(asked), "client": self.client, "server": self.server,
                "call_id": call, "activity": str(self.activity), "opnum": opnum, "method": method,
                "interface": 2, "syntax": "ndr", "cancelled": cancelled, "idempotent": idempotent,
                "request": request, "response": response, "fault": fault,
                "findings": list(findings)}
        lines.append({key: value for key, value in line.items() if value is not None})

    def note(self, frame, code, message):
        lines.append({"kind": "note", "frame": frame, "time": time_of(frame), "client": self.client,
                      "server": self.server, "code": code, "message": message})


# ---- stubs --------------------------------------------------------------------------------------

def handle(number):
    """A context handle: attributes 0, then a UUID that ends in this octet."""
    return bytes(4) + bytes.fromhex("3322110055447766 8899aabbccddee") + bytes([number])


def words(*values, order="<"):
    return struct.pack(f"{order}{len(values)}I", *values)


def text(value):
    """A unique pointer to a conformant varying string, and the gap behind it."""
    units = (value + "\0").encode("utf-16-le")
    count = len(value) + 1
    return words(0x00020000, count, 0, count) + units + bytes(-len(units) % 4)


NOTIFY, GROUP = handle(1), handle(2)
GROUP_CHANGES = ["CLUSTER_CHANGE_GROUP_STATE", "CLUSTER_CHANGE_GROUP_DELETED",
                 "CLUSTER_CHANGE_GROUP_ADDED"]
LONG_NAME = "Cluster Group " + "x" * 600


def register_and_wait():
    """The first call goes to the endpoint mapper's port; the answer comes from the server itself,
    which calls back first. ApiGetNotify waits, and its answer takes three fragments."""
    talk = Talk("192.0.2.10:1025", "192.0.2.20:1055", "0f0e0d0c-0b0a-0908-0706-050403020100")
    other = uuid.UUID("a0a1a2a3-a4a5-a6a7-a8a9-aaabacadaeaf")
    callback = talk.activity.bytes_le + words(BOOT)
    asked = talk.ask(REQUEST, 0, 55, server="192.0.2.20:135", boot=0)
    send(talk.server, talk.client, pdu(REQUEST, other, 0, 1, callback, flags1=IDEMPOTENT,
                                       flags2=UNRELATED, interface=CONVERSATION, version=3))
    send(talk.client, talk.server, pdu(RESPONSE, other, 0, 1, words(0) + other.bytes_le + words(0),
                                       interface=CONVERSATION, version=3))
    answered = talk.answer(RESPONSE, 0, 55, words(0) + NOTIFY)
    talk.expect("complete", 0, 55, "ApiCreateNotify", asked, answered, {},
                {"Status": 0, "return": NOTIFY.hex()})

    asked = talk.ask(REQUEST, 1, 59, NOTIFY + GROUP + words(0x7000, 0x12345678))
    answered = talk.answer(RESPONSE, 1, 59, words(7, 0))
    talk.expect("complete", 1, 59, "ApiAddNotifyGroup", asked, answered,
                {"hNotify": NOTIFY.hex(), "hGroup": GROUP.hex(), "dwFilter": 0x7000,
                 "dwFilter_names": GROUP_CHANGES, "dwNotifyKey": 0x12345678},
                {"dwStateSequence": 7, "return": 0})

    asked = talk.ask(REQUEST, 2, 65, NOTIFY + words(60000))
    for serial in (1, 2):
        talk.ask(PING, 2, 65, serial=serial)
        talk.answer(WORKING, 2, 65)
    stub = words(0x12345678, 0x1000, 8) + text(LONG_NAME) + words(0)
    parts = [stub[at:at + 512] for at in range(0, len(stub), 512)]
    assert len(parts) == 3
    talk.answer(RESPONSE, 2, 65, parts[0], flags1=FRAG | NOFACK, fragment=0)
    talk.answer(RESPONSE, 2, 65, parts[2], flags1=FRAG | LASTFRAG, fragment=2, serial=2)
    masks = struct.pack("<BBHIIHHI", 1, 0, 32, 4096, 1464, 2, 1, 2)
    talk.ask(FACK, 2, 65, masks, fragment=0, serial=3)
    talk.answer(RESPONSE, 2, 65, parts[0], flags1=FRAG | NOFACK, fragment=0, serial=3)
    answered = talk.answer(RESPONSE, 2, 65, parts[1], flags1=FRAG, fragment=1, serial=4)
    talk.ask(ACK, 2, 65)
    talk.expect("complete", 2, 65, "ApiGetNotify", asked, answered,
                {"hNotify": NOTIFY.hex(), "Timeout": 60000},
                {"dwNotifyKey": 0x12345678, "dwFilter": 0x1000,
                 "dwFilter_names": ["CLUSTER_CHANGE_GROUP_STATE"], "dwStateSequence": 8,
                 "Name": LONG_NAME, "return": 0})


def failures():
    """A big-endian client's handle is not known; an opnum is out of range; a call is cancelled."""
    talk = Talk("192.0.2.11:1026", "192.0.2.20:1055", "11111111-2222-3333-4444-555555555555",
                big=True)
    big = bytes(4) + bytes.fromhex("00112233445566778899aabbccddee03")
    asked = talk.ask(REQUEST, 40, 56, big, flags1=IDEMPOTENT)
    answered = talk.answer(FAULT, 40, 56, words(0x1C00001A))
    talk.expect("fault", 40, 56, "ApiCloseNotify", asked, answered,
                {"hNotify": handle(3).hex()}, fault=0x1C00001A, idempotent=True)
    asked = talk.ask(REQUEST, 41, 1000)
    answered = talk.answer(REJECT, 41, 1000, words(0x1C010002))
    talk.expect("fault", 41, 1000, None, asked, answered, fault=0x1C010002)

    asked = talk.ask(REQUEST, 42, 65, big + words(0xFFFFFFFF, order=">"))
    cancelled = talk.ask(CANCEL, 42, 65, words(0, 1, order=">"))
    talk.note(cancelled, "cancel", "the client cancels call 42")
    talk.answer(CANCEL_ACK, 42, 65, words(0, 1) + b"\1")
    answered = talk.answer(FAULT, 42, 65, words(0x1C00000D))
    talk.expect("fault", 42, 65, "ApiGetNotify", asked, answered,
                {"hNotify": handle(3).hex(), "Timeout": 0xFFFFFFFF},
                fault=0x1C00000D, cancelled=True)


def sealed():
    """Packet privacy: the stubs are 8 and 24 octets of nothing that can be read."""
    talk = Talk("192.0.2.12:1027", "192.0.2.20:1055", "99999999-8888-7777-6666-555555555555")
    trailer = bytes([PRIVACY, 1, 0, 0]) + bytes(range(16))
    asked = talk.ask(REQUEST, 1, 55, b"\xe7" * 8, auth=NTLM, trailer=trailer)
    answered = talk.answer(RESPONSE, 1, 55, b"\x7e" * 24, auth=NTLM, trailer=trailer)
    talk.expect("sealed", 1, 55, "ApiCreateNotify", asked, answered)


def broken():
    """A response whose len is larger than its datagram, one call that nobody answers, and a
    request of which the second fragment never came."""
    talk = Talk("192.0.2.13:1028", "192.0.2.20:1055", "0badf00d-0000-4000-8000-000000000001")
    asked = talk.ask(REQUEST, 5, 65, NOTIFY + words(1000))
    frame = talk.answer(RESPONSE, 5, 65, words(0, 0), size=24)
    part = Talk("192.0.2.14:1029", "192.0.2.20:1055", "0badf00d-0000-4000-8000-000000000002")
    half = part.ask(REQUEST, 1, 59, (NOTIFY + GROUP)[:32], flags1=FRAG)
    talk.expect("unanswered", 5, 65, "ApiGetNotify", asked, None,
                {"hNotify": NOTIFY.hex(), "Timeout": 1000}, findings=[
                    {"level": "must", "frame": frame, "offset": 74, "field": "len",
                     "section": "C706 12.5.2", "message": "len is 24 with 8 bytes at hand"}])
    part.expect("unanswered", 1, 59, "ApiAddNotifyGroup", half)


def main():
    folder = pathlib.Path(__file__).resolve().parent
    for part in (register_and_wait, failures, sealed, broken):
        part()
    text_lines = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    made = {"constructed-udp.pcap": pcap(),
            "constructed-udp.expected.jsonl": text_lines.encode("utf-8")}
    if sys.argv[1:] == ["--check"]:
        wrong = [name for name, octets in made.items() if (folder / name).read_bytes() != octets]
        print("".join(f"{name} is not what make_udp.py makes\n" for name in wrong), end="")
        return 1 if wrong else 0
    if sys.argv[1:]:
        print(__doc__.strip())
        return 0 if sys.argv[1] in ("-h", "--help") else 2
    for name, octets in made.items():
        (folder / name).write_bytes(octets)
    return 0


if __name__ == "__main__":
    sys.exit(main())
