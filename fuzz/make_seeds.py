#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of the fuzz targets, made from the vectors.

Each target gets a folder of files in the form that its fuzz_NAME.c reads: the octets of
vectors of its layer with the selectors in front, their JSON, hex in the forms of common
tools, or conversations as capture files. Saved findings (fuzz/regressions/TARGET/*) come
along. Python 3 standard library only.
"""

import argparse
import gzip
import hashlib
import json
import pathlib
import random
import shutil
import struct
import sys

LIMIT = 8192  # octets of a seed; larger ones make fuzzing slow and add no new paths
CAPTURE_LIMIT = 65536


# ---- vectors ---------------------------------------------------------------


def expand(value):
    """Expands the lists that stand for long hex strings, texts and arrays."""
    if isinstance(value, dict):
        return {key: expand(member) for key, member in value.items()}
    if not isinstance(value, list):
        return value
    pieces = [p for p in value if isinstance(p, str) or repeated(p, ("hex", "text"))]
    if value and len(pieces) == len(value) and any(isinstance(p, dict) for p in value):
        return "".join(piece_text(p) for p in value)
    result = []
    for item in value:
        count = item["repeat"] if repeated(item, ("element",)) else 1
        result += [expand(item["element"] if count != 1 else item)] * count
    return result


def repeated(item, keys):
    return isinstance(item, dict) and "repeat" in item and any(key in item for key in keys)


def piece_text(piece):
    if isinstance(piece, str):
        return piece
    return piece.get("hex", piece.get("text")) * piece["repeat"]


def octets_of(test):
    """The octets of a vector, or None for an encode refusal."""
    if "hex" not in test:
        return None
    pieces = test["hex"] if isinstance(test["hex"], list) else [test["hex"]]
    return bytes.fromhex("".join(piece_text(p) for p in pieces))


def load_vectors(folder):
    tests = []
    for path in sorted(folder.glob("*/*.json")):
        if path.parent.name not in ("captures", "sequence"):
            tests += json.loads(path.read_text(encoding="utf-8"))["tests"]
    return tests


# ---- selectors -------------------------------------------------------------


def load_selectors(path):
    table = {}
    for line in path.read_text(encoding="ascii").splitlines():
        words = line.split()
        table[tuple(words[:-1])] = bytes.fromhex(words[-1])
    return table


def selectors_of(table, test):
    if test["type"] == "change":
        return table["change", test["set"]]
    if test["type"] == "stub":
        return table[
            "stub", test["method"], str(test.get("interface", 3)), test["direction"],
            test.get("syntax", "ndr"), test.get("drep", "le")]
    if test["type"] == "payload":
        return table["payload", test["object_type"], test["flag"]]
    if test["type"] == "tower":  # see fuzz_tower_form
        return bytes([("direction" in test) | (test.get("direction") == "response") << 1
                      | (test.get("syntax") == "ndr64") << 2 | (test.get("drep") == "be") << 3])
    return b""


# ---- hex as people paste it ------------------------------------------------


def printable(octets):
    return "".join(chr(o) if 32 <= o < 127 else "." for o in octets)


def dump(octets, form):
    text = ""
    for at in range(0, len(octets), 16):
        line = octets[at:at + 16]
        pairs = [f"{o:02x}" for o in line]
        if form == "xxd":
            words = " ".join("".join(pairs[i:i + 2]) for i in range(0, len(pairs), 2))
            text += f"{at:08x}: {words:<39}  {printable(line)}\n"
        elif form == "hexdump":
            words = " ".join(pairs[:8]) + "  " + " ".join(pairs[8:])
            text += f"{at:08x}  {words:<48}  |{printable(line)}|\n"
        else:
            text += f"{at:04x}   {' '.join(pairs):<47}   {printable(line)}\n"
    return text + (f"{len(octets):08x}\n" if form == "hexdump" else "")


def hex_seeds(octets):
    plain = octets.hex()
    yield plain
    yield octets.hex(" ").upper()
    yield ", ".join(f"0x{o:02x}" for o in octets)
    yield "# octets\n" + octets.hex(":", 4) + "\n"
    yield plain + "0"
    for form in ("xxd", "hexdump", "wireshark"):
        yield dump(octets, form)
    yield dump(octets, "xxd").replace("\n", "\n*\n", 1)


# ---- conversations ---------------------------------------------------------

CLUSAPI = bytes.fromhex("b2b87db9634ccf11bff608002be23f2f") + struct.pack("<HH", 3, 0)
NDR = bytes.fromhex("045d888aeb1cc9119fe808002b104860") + struct.pack("<HH", 2, 0)
NDR64 = bytes.fromhex("33057171babe37498319b5dbef9ccc36") + struct.pack("<HH", 1, 0)
MAPPER = bytes.fromhex("0883afe11f5dc91191a408002b14a0fa") + struct.pack("<HH", 3, 0)
FIRST, LAST = 1, 2


def pdu(ptype, call_id, body, flags=FIRST | LAST):
    head = struct.pack("<BBBB4sHHI", 5, 0, ptype, flags, b"\x10\0\0\0", 16 + len(body), 0, call_id)
    return head + body


def bind(syntax):
    return pdu(11, 1, struct.pack("<HHIB3x", 4280, 4280, 0, 1)
               + struct.pack("<HBx", 0, 1) + CLUSAPI + syntax)


def bind_ack(syntax):
    return pdu(12, 1, struct.pack("<HHIH6s", 4280, 4280, 7, 6, b"49152\0")
               + struct.pack("<B3xHH", 1, 0, 0) + syntax)


def request(call_id, opnum, stub, size):
    """A request in fragments of `size` octets of stub data."""
    parts = [stub[i:i + size] for i in range(0, len(stub), size)] or [b""]
    return [pdu(0, call_id, struct.pack("<IHH", len(stub), 0, opnum) + part,
                (FIRST if n == 0 else 0) | (LAST if n == len(parts) - 1 else 0))
            for n, part in enumerate(parts)]


def response(call_id, stub, size):
    parts = [stub[i:i + size] for i in range(0, len(stub), size)] or [b""]
    return [pdu(2, call_id, struct.pack("<IHBB", len(stub), 0, 0, 0) + part,
                (FIRST if n == 0 else 0) | (LAST if n == len(parts) - 1 else 0))
            for n, part in enumerate(parts)]


def conversations(tests):
    """Lists of (direction, octets): one for each method and syntax, and some odd ones."""
    stubs = {}
    for test in tests:
        if (test["type"] == "stub" and "hex" in test and test.get("interface", 3) == 3
                and test.get("drep", "le") == "le"):
            key = test["opnum"], test.get("syntax", "ndr")
            found = stubs.setdefault(key, {"request": [], "response": []})
            octets = octets_of(test)
            if len(octets) <= 1024:
                found[test["direction"]].append(octets)
    for (opnum, name), found in sorted(stubs.items()):
        syntax = NDR64 if name == "ndr64" else NDR
        talk = [(0, bind(syntax)), (1, bind_ack(syntax))]
        pairs = list(zip(found["request"] * 12, found["response"]))[:12]
        for n, (question, answer) in enumerate(pairs):
            size = 40 if n % 4 == 3 else 4096  # some in fragments
            talk += [(0, p) for p in request(n + 2, opnum, question, size)]
            talk += [(1, p) for p in response(n + 2, answer, size)]
        if pairs:
            yield talk
    fault = pdu(3, 2, struct.pack("<IHBBII", 0, 0, 0, 0, 0x1C010003, 0))
    yield [(0, bind(NDR)), (1, bind_ack(NDR)), (0, request(2, 65, b"x" * 20, 99)[0]), (1, fault)]
    other = bytes(range(16)) + CLUSAPI[16:]
    yield [(0, bind(NDR).replace(CLUSAPI, other)), (1, bind_ack(NDR)),
           (0, request(2, 65, b"x" * 20, 99)[0])]
    maps = {d: [o for t in by_type(tests, "tower") if t.get("direction") == d
                and "hex" in t and "syntax" not in t and (o := octets_of(t)) is not None]
            for d in ("request", "response")}
    talk = [(0, bind(NDR).replace(CLUSAPI, MAPPER)), (1, bind_ack(NDR))]
    for n, (question, answer) in enumerate(zip(maps["request"], maps["response"])):
        talk += [(0, request(n + 2, 3, question, 4096)[0]), (1, response(n + 2, answer, 4096)[0])]
    yield talk
    yield [(0, b"GET / HTTP/1.0\r\n\r\n"), (1, b"HTTP/1.0 404 Not Found\r\n\r\n")]
    yield [(0, request(2, 65, b"x" * 20, 99)[0])]


def reassembly_seeds():
    """Choices: how much is said, and how it is cut. The first octet says whether faithfully."""
    for n in range(40):
        draw = random.Random(n)
        yield bytes([n % 2, n // 2 % 4]) + draw.randbytes(50 + 40 * n)


def stream_cut_seeds(talks):
    for n, talk in enumerate(talks):
        pieces = [struct.pack("<BH", side, len(octets)) + octets for side, octets in talk]
        if n % 3 == 1:  # octets missing after the bind
            pieces.insert(3, struct.pack("<BH", 2, 17))
        yield bytes([n % 8 * 9, n]) + b"".join(pieces)


def datagram_order_seeds():
    """Plans as fuzz_datagram_order.c describes them."""
    filler = bytes(range(64, 128)) * 4
    for flags in (0, 1, 2, 4, 8, 0x10, 0x20, 0x80, 0x18, 0xA0):
        for counts in (0x00, 0x11, 0x33, 0x77, 0x80, 0x08):
            for lost in (0, 1, 4, 0xFF):
                call = bytes([flags, counts, lost if flags else 0, lost, 8]) + filler[:128]
                again = bytes([flags ^ 8, counts, 0, 0, 16]) + filler
                yield bytes([flags + lost & 255, 0]) + call + again
                yield bytes([counts, 8 * 5 + 3]) + again


# ---- talks ----------------------------------------------------------------


def rules_seeds():
    """Draws for fuzz_rules_talk.c: random ones of several lengths, and some that repeat."""
    lot = random.Random(1)
    for number in range(60):
        size = (8, 40, 200, 1000, 4000)[number % 5]
        yield lot.randbytes(size)
        yield bytes([number]) + (lot.randbytes(40) * 40)[:size]
    yield bytes(2)  # nobody says anything


def cluster_seeds():
    """Draws for fuzz_cluster_talk.c: the first octet chooses limits, then each step what is done."""
    lot = random.Random(2)
    for number in range(160):
        size = (8, 60, 300, 2000, 4000)[number % 5]
        yield bytes([number % 16]) + lot.randbytes(size)
    for step in range(81):  # the same again and again, among others
        some = (bytes([step]) + lot.randbytes(lot.randrange(2, 9)) for _ in range(30))
        yield bytes([step]) + b"".join(some) + lot.randbytes(60)
    yield bytes(2)  # a client connects


# ---- captures --------------------------------------------------------------


def tcp(side, seq, ack, flags, data, version):
    ports = (49200, 135) if side == 0 else (135, 49200)
    segment = struct.pack(">HHIIBBHHH", *ports, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 0x50, flags,
                          8192, 0, 0) + data
    if version == 6:
        hosts = (b"\xfd" + b"\0" * 14 + b"\1", b"\xfd" + b"\0" * 14 + b"\2")
        head = struct.pack(">IHBB", 6 << 28, len(segment), 6, 64)
    else:
        hosts = (bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2]))
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), seq & 0xFFFF, 0, 64, 6, 0)
    return head + hosts[side] + hosts[1 - side] + segment


def packets(talk, version=4, segment=1400):
    """IP packets of a TCP connection with this conversation in it."""
    syn, ack, push, fin = 2, 16, 8, 1
    seq = [1000, 5000]
    yield tcp(0, seq[0] - 1, 0, syn, b"", version)
    yield tcp(1, seq[1] - 1, seq[0], syn | ack, b"", version)
    for side, octets in talk:
        for at in range(0, len(octets), segment):
            part = octets[at:at + segment]
            yield tcp(side, seq[side], seq[1 - side], ack | push, part, version)
            seq[side] += len(part)
    for side in (0, 1):
        yield tcp(side, seq[side], seq[1 - side], fin | ack, b"", version)


def pcap(frames, link=101, order="<", magic=0xA1B2C3D4):
    content = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    for n, frame in enumerate(frames):
        content += struct.pack(order + "IIII", 1700000000 + n, n, len(frame), len(frame)) + frame
    return content


def pcapng(frames, link=101):
    def block(kind, body):
        body += b"\0" * (-len(body) % 4)
        size = 12 + len(body)
        return struct.pack("<II", kind, size) + body + struct.pack("<I", size)
    content = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    content += block(1, struct.pack("<HHI", link, 0, 65535))
    for n, frame in enumerate(frames):
        content += block(6, struct.pack("<IIIII", 0, 0, n, len(frame), len(frame)) + frame)
    return content


def udp(side, data):
    ports = (1025, 1055) if side == 0 else (1055, 1025)
    hosts = (bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2]))
    datagram = struct.pack(">HHHH", *ports, 8 + len(data), 0) + data
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(datagram), 0, 0, 64, 17, 0)
    return head + hosts[side] + hosts[1 - side] + datagram


def pdu_cl(ptype, call, opnum, body, flags=0, number=0):
    """A connectionless PDU of the interface in protocol version 2, its activity all zero."""
    return (struct.pack("<BBBB4s", 4, ptype, flags, 0, b"\x10\0\0\0") + bytes(16) + CLUSAPI[:16]
            + bytes(16) + struct.pack("<IIIHHHHHBB", 7, 2, call, opnum, 0xFFFF, 0xFFFF, len(body),
                                      number, 0, 0) + body)


def connectionless(tests):
    """The packets of a conversation for each method of protocol version 2: calls whole and in
    fragments of 16 octets, the last one first."""
    stubs = {}
    for test in tests:
        if (test["type"] == "stub" and "hex" in test and test.get("interface", 3) == 2
                and test.get("syntax", "ndr") == "ndr" and test.get("drep", "le") == "le"):
            octets = octets_of(test)
            if len(octets) <= 1024:
                found = stubs.setdefault(test["opnum"], {"request": [], "response": []})
                found[test["direction"]].append(octets)
    frag, lastfrag = 4, 2
    for opnum, found in sorted(stubs.items()):
        talk = []
        for call, pair in enumerate(list(zip(found["request"], found["response"]))[:8]):
            for side, stub in enumerate(pair):
                cuts = list(range(0, len(stub), 16))
                if call % 2 == 0 or len(cuts) < 2:
                    talk.append(udp(side, pdu_cl(2 * side, call, opnum, stub)))
                else:
                    talk += [udp(side, pdu_cl(2 * side, call, opnum, stub[at:at + 16],
                                              frag | (lastfrag if at == cuts[-1] else 0), at // 16))
                             for at in reversed(cuts)]
        if talk:
            yield talk


def fragments(packet):
    """An IPv4 packet in two fragments, the second one first."""
    head, body = bytearray(packet[:20]), packet[20:]
    for at, more, part in ((8, 0, body[8:]), (0, 0x2000, body[:8])):
        head[2:4] = struct.pack(">H", 20 + len(part))
        head[6:8] = struct.pack(">H", more | at // 8)
        yield bytes(head) + part


def in_ipv4(protocol, content):
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(content), 1, 0, 64, protocol, 0,
                       bytes([198, 51, 100, 1]), bytes([198, 51, 100, 2])) + content


def in_udp(port, content):
    return in_ipv4(17, struct.pack(">HHHH", 50000, port, 8 + len(content), 0) + content)


def tunnels(packet):
    """An IPv4 packet in every kind of tunnel, as raw IP."""
    frame = b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\0" + packet
    return [in_ipv4(4, packet),
            in_ipv4(47, b"\x30\0\x08\0\0\0\0\1\0\0\0\2" + packet),
            in_ipv4(47, b"\x10\0\x88\xbe\0\0\0\1" + bytes(8) + frame),
            in_ipv4(47, b"\x10\0\x22\xeb\0\0\0\1" + bytes(12) + frame),
            in_udp(4789, b"\x08\0\0\0\0\0\7\0" + frame),
            in_udp(6081, b"\1\0\x65\x58\0\0\7\0opts" + frame)]


def layers(packet):
    """An IPv4 packet behind tags and labels, as Ethernet."""
    return [b"\2\0\0\0\0\1\2\0\0\0\0\2" + layer + packet for layer in (
        b"\x81\0\0\5\x08\0", b"\x88\xa8\0\5\x81\0\0\6\x08\0",
        b"\x88\x64\x11\0\0\1\0\0\0\x21", b"\x88\x47\0\1\0\x40\0\2\1\x40",
        b"\x89\x26\0\0\0\0\x08\0")]


def capture_seeds(talks, datagrams, folder):
    ethernet = b"\2\0\0\0\0\1\2\0\0\0\0\2"
    for n, talk in enumerate(talks):
        plain = list(packets(talk))
        yield pcap(plain)
        if n % 8 == 0:  # every form for some of them
            yield pcap([ethernet + b"\x81\0\0\5\x08\0" + p for p in plain], link=1, order=">")
            yield pcap([ethernet + b"\x86\xdd" + p for p in packets(talk, 6)], link=1)
            yield pcap([b"\0\0\0\1\0\6" + ethernet[:6] + b"\0\0\x08\0" + p for p in plain],
                       link=113, magic=0xA1B23C4D)
            yield pcapng(plain)
            yield gzip.compress(pcap(plain), mtime=0)
            yield pcap(plain)[:-30]
            yield pcap(packets(talk, segment=100))
            yield pcap(plain[:3] + plain[4:2:-1] + plain[5:])
            yield pcap(plain[:3] + plain[5:])
            yield pcap(plain[2:3] + [f for p in plain[3:5] for f in fragments(p)] + plain[5:])
            yield pcap([p[:60] for p in plain])
            yield pcap([tunnels(p)[i % 6] for i, p in enumerate(plain)])
            yield pcap([layers(p)[i % 5] for i, p in enumerate(plain)], link=1)
            yield pcap([p for p in plain for _ in range(2)])  # captured twice
            yield pcap(plain[2:5] + plain[:2] + plain[6:7] + plain[5:6] + plain[7:])
    for talk in datagrams:
        yield pcap(talk)
    yield b""
    yield b"not a capture"
    yield pcap([], link=147)
    yield struct.pack("<I", 0xA1B2C3D4)
    for path in sorted(folder.glob("captures/*.pcap")):
        yield path.read_bytes()


# ---- targets ---------------------------------------------------------------


def by_type(tests, kind):
    return [test for test in tests if test["type"] == kind]


def layer_seeds(tests, kind, table):
    for test in by_type(tests, kind):
        if (octets := octets_of(test)) is not None:
            yield selectors_of(table, test) + octets


SHOW_TYPES = {"batch": 0, "change": 1, "stub": 2, "pdu": 3, "payload": 4, "tower": 5}


def show_seeds(tests, table):
    for n, test in enumerate(tests):
        if (octets := octets_of(test)) is not None:
            style = n % 16 << 3  # lenient, verbose, colour, named handles
            yield bytes([SHOW_TYPES[test["type"]] | style]) + selectors_of(table, test) + octets


def text(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "surrogatepass")


def batch_json_seeds(tests):
    for test in by_type(tests, "batch"):
        for holder in (test, test.get("lenient", {})):
            if "value" in holder:
                yield text(expand(holder["value"]))
    yield b'{"version":1,"commands":['
    yield b'{"version":1,"version":1,"commands":[]}'


def json_request_seeds(tests):
    keys = ("type", "set", "method", "opnum", "interface", "direction", "syntax", "drep",
            "object_type", "flag")
    for test in tests:
        if "value" in test:
            asked = {key: test[key] for key in keys if key in test}
            yield text({**asked, "value": expand(test["value"])})


def seeds_of(target, tests, table, folder):
    if target in ("batch_strict", "batch_lenient", "batch_round_trip"):
        return layer_seeds(tests, "batch", table)
    if target == "stub_json":
        return layer_seeds(tests, "stub", table)
    if target in ("change", "stub", "pdu", "payload", "tower"):
        return layer_seeds(tests, target, table)
    if target == "batch_json":
        return batch_json_seeds(tests)
    if target == "json_request":
        return json_request_seeds(tests)
    if target == "hex":
        some = [o for t in by_type(tests, "batch")[::8] if (o := octets_of(t)) and len(o) < 200]
        return (seed.encode() for octets in some for seed in hex_seeds(octets))
    if target == "show":
        return show_seeds(tests, table)
    if target == "reassembly":
        return reassembly_seeds()
    if target == "stream_cut":
        return stream_cut_seeds(conversations(tests))
    if target == "pdu_cl":
        return layer_seeds(tests, "pdu", table)
    if target == "datagram_order":
        return datagram_order_seeds()
    if target == "rules":
        return rules_seeds()
    if target == "cluster":
        return cluster_seeds()
    if target in ("capture", "replay"):
        return capture_seeds(conversations(tests), connectionless(tests), folder)
    sys.exit(f"make_seeds.py: no seeds for target {target}")


def write_target(target, seeds, regressions, output):
    folder = output / target
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    limit = CAPTURE_LIMIT if target in ("capture", "replay") else LIMIT
    for seed in seeds:
        if len(seed) <= limit:
            (folder / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
    for path in sorted((regressions / target).glob("*")):
        shutil.copyfile(path, folder / f"regression-{path.name}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--selectors", type=pathlib.Path, required=True,
                        help="what the program `selectors` prints")
    parser.add_argument("--vectors", type=pathlib.Path, required=True)
    parser.add_argument("--regressions", type=pathlib.Path, required=True)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("target", nargs="+")
    arguments = parser.parse_args()
    tests = load_vectors(arguments.vectors)
    if not tests:
        sys.exit(f"make_seeds.py: no vectors in {arguments.vectors}")
    table = load_selectors(arguments.selectors)
    for target in arguments.target:
        seeds = seeds_of(target, tests, table, arguments.vectors)
        write_target(target, seeds, arguments.regressions, arguments.output)


if __name__ == "__main__":
    main()
