#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests what `cmrp replay` makes of the recorded captures when their binds are taken out: what is
recognised is decoded as it is with the bind, and nothing is recognised in calls of which each has
the form of another method than its number says, as those of another interface would.

usage: test_guess.py CMRP
"""
import json
import pathlib
import struct
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
CAPTURES = sorted((ROOT / "vectors/captures").glob("*_to_*.pcap"))  # recorded over Ethernet, IPv4
REQUEST, BIND, ALTER_CONTEXT_RESP = 0, 11, 15
ETHERNET = 14
OPNUMS = 109  # of protocol version 2; as many as there are, there is always a next one
CMRP = None


def replay(data, *options):
    done = subprocess.run([CMRP, "replay", "-r", "-", *options], input=data, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    return done.returncode, done.stdout, done.stderr


def lines(data):
    return [json.loads(line) for line in replay(data, "-T", "json")[1].splitlines()]


def records(capture):
    """The packets of an Ethernet capture: record header, octets, where TCP's payload starts, the
    two ends."""
    data, at = capture.read_bytes(), 24
    while at < len(data):
        head, size = data[at:at + 16], struct.unpack_from("<I", data, at + 8)[0]
        octets = bytearray(data[at + 16:at + 16 + size])
        tcp = ETHERNET + (octets[ETHERNET] & 15) * 4
        ends = (bytes(octets[26:30] + octets[tcp:tcp + 2]),
                bytes(octets[30:34] + octets[tcp + 2:tcp + 4]))
        yield head, octets, tcp + (octets[tcp + 12] >> 4) * 4, tuple(sorted(ends))
        at += 16 + size


def is_pdu(octets, at, first, last):
    return len(octets) - at >= 16 and octets[at] == 5 and first <= octets[at + 2] <= last


def without_binds(capture, shift=0):
    """Each connection begins with its first request, in a new capture that begins in its middle;
    `shift` is added to every opnum. The mapper's connections are left out."""
    flows = {}
    for head, octets, at, ends in records(capture):
        kept = flows.setdefault(ends, [])
        begins = bool(kept) or is_pdu(octets, at, REQUEST, REQUEST)
        if is_pdu(octets, at, BIND, ALTER_CONTEXT_RESP) or not begins:
            continue
        if shift and is_pdu(octets, at, REQUEST, REQUEST):
            order = "<H" if octets[at + 4] >> 4 else ">H"
            opnum = struct.unpack_from(order, octets, at + 22)[0]
            struct.pack_into(order, octets, at + 22, (opnum + shift) % OPNUMS)
        kept.append(head + octets)
    file_header = capture.read_bytes()[:24]
    for ends, kept in flows.items():
        if kept and not any(end.endswith(struct.pack(">H", 135)) for end in ends):
            yield file_header + b"".join(kept)


class Recognition(unittest.TestCase):
    def test_same_as_with_the_bind(self):
        recognised = 0
        for capture in CAPTURES:
            whole = {}
            for line in lines(capture.read_bytes()):
                if line["kind"] == "call":
                    whole.setdefault((line["client"], line["call_id"], line.get("opnum")), line)
            for data in without_binds(capture):
                for line in lines(data):
                    if line["kind"] != "call" or "opnum" not in line:
                        continue  # a response whose request was in a packet with a bind
                    self.assertTrue(line["guessed"])
                    known = whole[line["client"], line["call_id"], line["opnum"]]
                    for name in ("state", "method", "interface", "syntax", "request", "response",
                                 "fault"):
                        self.assertEqual(line.get(name), known.get(name), (capture.name, name))
                    recognised += 1
        self.assertGreater(recognised, 100)

    def test_other_numbers(self):
        """None of these conversations is of this interface any more."""
        for capture in CAPTURES:
            for shift in (1, 2, 3, 5, 7, 11, 16, 23, 37, 54, 81, 108):
                for data in without_binds(capture, shift):
                    kinds = {line["kind"] for line in lines(data)}
                    self.assertNotIn("call", kinds, (capture.name, shift))

    def test_said_why(self):
        reasons = set()
        for capture in CAPTURES:
            for data in without_binds(capture):
                reasons |= {line["message"].rpartition(": ")[2] for line in lines(data)
                            if line.get("code") == "unbound"}
        self.assertIn("they are encrypted", reasons)
        self.assertIn("they are too few, or too plain, to tell what they are", reasons)


def segment(head, octets, at, skip, payload):
    """A packet's payload from `skip` on, in a packet of its own."""
    tcp = ETHERNET + (octets[ETHERNET] & 15) * 4
    new = bytearray(octets[:at]) + payload
    struct.pack_into(">H", new, ETHERNET + 2, len(new) - ETHERNET)
    sequence = struct.unpack_from(">I", octets, tcp + 4)[0]
    struct.pack_into(">I", new, tcp + 4, (sequence + skip) & 0xFFFFFFFF)
    return head[:8] + struct.pack("<II", len(new), len(new)) + new


class EarlyNotes(unittest.TestCase):
    def test_contradiction_within_the_bind(self):
        """The second half of a bind comes first, and twice with different octets: that is noted
        before anybody knows whose connection it is."""
        capture = next(path for path in CAPTURES if path.name.startswith("smbtorture_"))
        data = capture.read_bytes()[:24]
        for head, octets, at, _ in records(capture):
            if not is_pdu(octets, at, BIND, BIND):
                data += head + octets
                continue
            half = (len(octets) - at) // 2
            rest = bytes(octets[at + half:])
            data += segment(head, octets, at, half, rest)
            data += segment(head, octets, at, half, rest[:-1] + bytes([rest[-1] ^ 1]))
            data += segment(head, octets, at, 0, bytes(octets[at:at + half]))
        found = lines(data)
        self.assertEqual([line.get("code", line["kind"]) for line in found[:2]],
                         ["contradiction", "bind"])
        self.assertEqual(found[0]["client"], found[1]["client"])


class Damage(unittest.TestCase):
    def test_summary_behind_a_damaged_record(self):
        """A record whose length cannot be: what came before it is summed up all the same."""
        data = CAPTURES[0].read_bytes() + struct.pack("<IIII", 0, 0, 0xFFFFFFF0, 0xFFFFFFF0)
        status, out, error = replay(data)
        self.assertEqual(status, 2)
        self.assertIn(b" packets, ", out.splitlines()[-1])
        self.assertIn(b"standard input: offset", error)
        status, out, error = replay(b"nothing of the kind" * 9)
        self.assertEqual((status, out), (2, b""))


if __name__ == "__main__":
    CMRP = sys.argv.pop(1)
    unittest.main()
