#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compare what `cmrp replay` finds in captures with what tshark finds.

For every call: client and server, call identifier, presentation context, opnum, frames of request
and response, fault status; and the stubs: the octets that tshark has put together, decoded by
`cmrp decode`, must be what `cmrp replay` showed of the call. For every bind: frames, contexts
offered, results. Sealed stubs cannot be compared but for their frames.
"""
import argparse
import collections
import itertools
import json
import pathlib
import struct
import sys
import tempfile
import xml.etree.ElementTree

import traffic
import witness

INTERFACE = "b97db8b2-4c63-11cf-bff6-08002be23f2f"
SYNTAXES = {"8a885d04-1ceb-11c9-9fe8-08002b104860": "ndr",
            "71710533-beba-4937-8319-b5dbef9ccc36": "ndr64"}
REQUEST, RESPONSE, FAULT, BIND, BIND_ACK = 0, 2, 3, 11, 12
ALTER, ALTER_RESPONSE = 14, 15
FIRST, LAST = 1, 2
RESULTS = {0: "acceptance", 1: "user_rejection", 2: "provider_rejection", 3: "negotiate_ack"}


# ---- tshark -------------------------------------------------------------------------------------

def fields(element, name):
    """What tshark shows of every field of this name, in order."""
    return [field.get("show") for field in element.iter("field") if field.get("name") == name]


def number(element, name):
    found = fields(element, name)
    return int(found[0], 0) if found else None


def stub_of(pdu):
    """The octets of the whole stub, in the PDU that completes it; None where they are sealed."""
    for name in ("dcerpc.stub_data", "dcerpc.stub_data_with_sec_vt"):
        found = [field.get("value") for field in pdu.iter("field") if field.get("name") == name]
        if found:
            return bytes.fromhex(found[-1])
    return None if fields(pdu, "dcerpc.encrypted_stub_data") else b""


def pdus(capture, port):
    """The PDUs that tshark sees, each a dict, in the order of frames."""
    words = ["tshark", "-n", "-r", capture, "-T", "pdml", "--disable-protocol", "clusapi",
             "-o", "tcp.desegment_tcp_streams:TRUE", "-o", "dcerpc.desegment_dcerpc:TRUE",
             "-o", "dcerpc.reassemble_dcerpc:TRUE", "-o", "tcp.reassemble_out_of_order:TRUE",
             "-d", f"tcp.port=={port},dcerpc"]
    result = witness.run(*words)
    if result.returncode != 0:
        sys.exit(f"tshark cannot read {capture}: {result.stderr.decode(errors='replace')}")
    for packet in xml.etree.ElementTree.fromstring(result.stdout).iter("packet"):
        ends = None
        for layer in packet.iter("proto"):
            if layer.get("name") == "tcp":
                address = [(fields(packet, f"{family}.{side}") or [None])[0]
                           for side in ("src", "dst") for family in ("ip", "ipv6")]
                source, target = address[0] or f"[{address[1]}]", address[2] or f"[{address[3]}]"
                ends = (f"{source}:{fields(layer, 'tcp.srcport')[0]}",
                        f"{target}:{fields(layer, 'tcp.dstport')[0]}")
                stream = number(layer, "tcp.stream")
            if layer.get("name") == "dcerpc":
                yield {"frame": number(packet, "num") or number(packet, "frame.number"),
                       "stream": stream, "ends": ends, "layer": layer,
                       "type": number(layer, "dcerpc.pkt_type"),
                       "flags": number(layer, "dcerpc.cn_flags"),
                       "call": number(layer, "dcerpc.cn_call_id"),
                       "context": number(layer, "dcerpc.cn_ctx_id"),
                       "opnum": number(layer, "dcerpc.opnum"),
                       "big": number(layer, "dcerpc.drep.byteorder") == 0}


def offers_of(pdu):
    """The contexts of a bind: identifier, interface, version, transfer syntaxes."""
    offers = []
    for item in pdu["layer"].iter("field"):
        if item.get("name") == "dcerpc.cn_ctx_item":
            uuid = fields(item, "dcerpc.cn_bind_to_uuid")[0]
            version = (number(item, "dcerpc.cn_bind_if_ver"),
                       number(item, "dcerpc.cn_bind_if_ver_minor"))
            offers.append({"context": number(item, "dcerpc.cn_ctx_id"), "uuid": uuid,
                           "version": "%d.%d" % version,
                           "offered": fields(item, "dcerpc.cn_bind_trans_id")})
    return offers


def results_of(pdu):
    """The results of a bind_ack: (result, transfer syntax)."""
    return list(zip([int(result, 0) for result in fields(pdu["layer"], "dcerpc.cn_ack_result")],
                    fields(pdu["layer"], "dcerpc.cn_ack_trans_id")))


class Connection:
    """Binds and calls of one TCP connection, as tshark's PDUs tell them."""

    def __init__(self):
        self.offered, self.contexts, self.calls, self.binds = None, {}, [], []
        self.open = {}

    def take(self, pdu):
        kind = pdu["type"]
        if kind in (BIND, ALTER):
            self.offered = (pdu, offers_of(pdu))
        elif kind in (BIND_ACK, ALTER_RESPONSE) and self.offered:
            self.answer(pdu)
        elif kind == REQUEST:
            self.request(pdu)
        elif kind in (RESPONSE, FAULT):
            if pdu["call"] not in self.open:  # nobody asked
                self.open[pdu["call"]] = {"call_id": pdu["call"], "context": pdu["context"],
                                          "client": pdu["ends"][1], "server": pdu["ends"][0]}
                self.calls.append(self.open[pdu["call"]])
            self.response(self.open[pdu["call"]], pdu)

    def answer(self, pdu):
        bind, offers = self.offered
        for offer, (result, transfer) in zip(offers, results_of(pdu)):
            offer["result"] = RESULTS[result]
            if result == 0:
                offer["transfer"] = transfer
                self.contexts[offer["context"]] = offer
        self.binds.append({"client": bind["ends"][0], "request_frame": bind["frame"],
                           "response_frame": pdu["frame"], "call_id": bind["call"],
                           "contexts": offers})
        self.offered = None

    def request(self, pdu):
        if pdu["call"] not in self.open or pdu["flags"] & FIRST:
            call = {"call_id": pdu["call"], "context": pdu["context"], "opnum": pdu["opnum"],
                    "client": pdu["ends"][0], "server": pdu["ends"][1]}
            self.calls.append(call)
            self.open[pdu["call"]] = call
        call = self.open[pdu["call"]]
        call["request_frame"] = pdu["frame"]
        if pdu["flags"] & LAST:
            call["stub request"], call["big request"] = stub_of(pdu["layer"]), pdu["big"]

    def response(self, call, pdu):
        call["response_frame"] = pdu["frame"]
        if pdu["type"] == FAULT:
            call["fault"] = number(pdu["layer"], "dcerpc.cn_status")
        elif pdu["flags"] & LAST:
            call["stub response"], call["big response"] = stub_of(pdu["layer"]), pdu["big"]
        if pdu["flags"] & LAST:
            del self.open[pdu["call"]]


def seen_by_tshark(capture, port):
    """Binds and calls of the interface, by connection, then in the order of requests."""
    connections = collections.defaultdict(Connection)
    for pdu in pdus(capture, port):
        if pdu["ends"] is not None and pdu["type"] is not None:
            connections[pdu["stream"]].take(pdu)
    binds, calls = [], []
    for _, connection in sorted(connections.items()):
        binds += [bind for bind in connection.binds
                  if any(offer["uuid"] == INTERFACE for offer in bind["contexts"])]
        for call in connection.calls:
            context = connection.contexts.get(call["context"])
            if context and context["uuid"] == INTERFACE:
                call["interface"] = int(context["version"].split(".", 1)[0])
                call["syntax"] = SYNTAXES[context["transfer"]]
                calls.append(call)
    return binds, calls


# ---- cmrp ---------------------------------------------------------------------------------------

def seen_by_cmrp(cmrp, capture, content=None):
    """Binds and calls; content is what "-" stands for."""
    result = witness.run(cmrp, "replay", "-r", capture, "-T", "json", input=content)
    if result.returncode not in (0, 1):
        raise RuntimeError(f"cmrp replay cannot read {capture}: {result.stderr}")
    records = [json.loads(line) for line in result.stdout.splitlines()]
    return ([record for record in records if record["kind"] == "bind"],
            [record for record in records if record["kind"] == "call"])


def sealed(call):
    return any(f"{direction}_frame" in call and call.get(f"stub {direction}", b"") is None
               for direction in ("request", "response"))


def compare_call(verdict, cmrp, where, ours, theirs):
    """One call: its envelope, and what replay showed against what tshark's octets decode to; only
    the envelope of a method that is not described, or if cmrp is None."""
    keys = ("call_id", "context", "opnum", "client", "server", "request_frame", "response_frame",
            "fault", "interface", "syntax")
    left = {key: ours[key] for key in keys if key in ours}
    right = {key: theirs[key] for key in keys if key in theirs}
    described = "method" in ours and (ours["state"] != "undecoded" or ours["findings"])
    for direction in ("request", "response"):
        octets = theirs.get(f"stub {direction}")
        if octets is None or not described or cmrp is None:
            continue
        options = ["--type", "stub", "--method", str(theirs["opnum"]), "--direction", direction,
                   "--interface", str(theirs["interface"]), "--syntax", theirs["syntax"],
                   "--drep", "be" if theirs[f"big {direction}"] else "le"]
        decoded = witness.decode(cmrp, octets, *options)
        left[direction] = ours.get(direction, "not decoded")
        right[direction] = decoded.get("params", "not decoded")
        lengths = f"{direction}_octets"
        if lengths in ours:
            left[lengths], right[lengths] = ours[lengths], len(octets)
    left["state"] = "sealed" if ours["state"] == "sealed" else "readable"
    right["state"] = "sealed" if sealed(theirs) else "readable"
    verdict.compare(f"{where}: call {ours['call_id']}", left, right, ("cmrp", "tshark"))


def known(transfers):
    """The names of the transfer syntaxes that both programs name."""
    return [SYNTAXES.get(transfer, transfer) for transfer in transfers or []
            if transfer in SYNTAXES or transfer in SYNTAXES.values()]


def compare_bind(verdict, where, ours, theirs):
    keys = ("request_frame", "response_frame", "call_id")
    sides = []
    for bind in (ours, theirs):
        side = {key: bind.get(key) for key in keys}
        side["contexts"] = [{**{key: context.get(key) for key in ("context", "uuid", "version",
                                                                  "result")},
                             "offered": known(context["offered"]),
                             "syntax": known([context.get("syntax", context.get("transfer"))])}
                            for context in bind["contexts"]]
        sides.append(side)
    verdict.compare(f"{where}: bind", *sides, ("cmrp", "tshark"))


def keyed(records):
    """Records by client, call identifier and how often that was used before."""
    used, result = collections.Counter(), {}
    for record in sorted(records, key=lambda item: item.get("request_frame", 0)):
        key = record.get("client"), record["call_id"]
        result[key + (used[key],)] = record
        used[key] += 1
    return result


def compare_seen(verdict, cmrp, name, ours, theirs):
    """What both saw in a capture: (binds, calls) each."""
    for what, mine, other in zip(("bind", "call"), ours, theirs):
        mine, other = keyed(mine), keyed(other)
        for key in sorted(mine.keys() | other.keys()):
            where = f"{name} {key[0]}"
            if key not in other:
                verdict.complain(f"{where}: only cmrp finds {what} {key[1]}")
            elif key not in mine:
                verdict.complain(f"{where}: only tshark finds {what} {key[1]}, in frame "
                                 f"{other[key].get('request_frame')}")
            elif what == "bind":
                compare_bind(verdict, where, mine[key], other[key])
            else:
                compare_call(verdict, cmrp, where, mine[key], other[key])


# ---- the proof that differences are seen --------------------------------------------------------

def mutants(content, frames):
    """Copies of a classic little-endian Ethernet capture, each with another call identifier in the
    first PDU of one of the frames."""
    magic, = struct.unpack_from("<I", content)
    link, = struct.unpack_from("<I", content, 20)
    if magic not in (0xa1b2c3d4, 0xa1b23c4d) or link != 1:
        return
    at, frame = 24, 0
    while at + 16 <= len(content):
        size, = struct.unpack_from("<I", content, at + 8)
        at, frame = at + 16, frame + 1
        ip = at + 14
        tcp = ip + 4 * (content[ip] & 15)
        payload = tcp + 4 * (content[tcp + 12] >> 4)
        if frame in frames and payload + 16 <= at + size:
            yield frame, content[:payload + 12] + b"\xee" + content[payload + 13:]
        at += size


def prove(cmrp, capture, theirs):
    """How many altered copies were made, some 20 of a long capture, and complaints about those
    that were not noticed."""
    frames = sorted({call[key] for call in theirs[1] for key in ("request_frame", "response_frame")
                     if key in call})
    frames = set(frames[::1 + len(frames) // 20])
    made, unnoticed = 0, []
    for frame, content in mutants(pathlib.Path(capture).read_bytes(), frames):
        made += 1
        verdict = witness.Verdict()
        seen = seen_by_cmrp(cmrp, "-", content)
        compare_seen(verdict, None, "", seen, theirs)
        if not verdict.complaints:
            compare_seen(verdict, cmrp, "", seen, theirs)
        if not verdict.complaints:
            unnoticed.append(f"{capture}: another call identifier in frame {frame} is not noticed")
    return made, unnoticed


# ---- captures of our own making: what the recorded ones do not show -----------------------------

def synthetic():
    """Fragments, several PDUs in a segment, PDUs over several segments, segments out of order and
    repeated, interleaved answers, big-endian, NDR64, two contexts, IPv6, a fault, no answer."""
    made = traffic.Traffic()
    little, big = traffic.LITTLE, traffic.BIG
    stubs = {(test["id"]): test["octets"] for test in witness.vectors("stub")}
    batch = stubs["stub-getbatchnotification-resp-notifytest-ndr"]
    notifications = stubs["stub-getnotifyv2-resp-three-ndr"]

    fragmented = made.connection().bound()
    fragmented.client(*little.fragments("request", 2, bytes(20), 7, opnum=115))
    fragmented.server(*little.fragments("response", 2, batch, 100), size=33)
    fragmented.client(little.request(3, 115, bytes(20)), little.request(4, 139, bytes(20)))
    answers = (little.fragments("response", 3, batch, 90),
               little.fragments("response", 4, notifications, 60))
    for piece in [piece for pair in itertools.zip_longest(*answers) for piece in pair if piece]:
        fragmented.server(piece)
    fragmented.close()

    disorder = made.connection().bound()
    disorder.client(little.request(2, 115, bytes(20)))
    disorder.server(little.response(2, batch), size=len(batch) // 4 + 10)
    made.swap(-2, -3)
    disorder.client(little.request(3, 139, bytes(20)))
    disorder.segment("c", little.request(3, 139, bytes(20)), back=44)
    disorder.server(little.response(3, notifications), little.fault(4, 5))
    disorder.client(little.request(5, 28, bytes(4)))
    disorder.server(little.fault(5, 0x1c010003))
    disorder.client(little.request(6, 65, bytes(20)))
    disorder.close()

    wide = made.connection(b"\x20" + bytes(14) + b"\1", b"\x20" + bytes(14) + b"\2")
    wide.client(little.bind(1, [(0, traffic.CLUSAPI, traffic.NDR20, traffic.NDR64),
                                (1, traffic.CLUSAPI, traffic.NDR64),
                                (7, traffic.CLUSAPI_2, traffic.NDR20),
                                (8, traffic.MAPPER, traffic.NDR20)]))
    wide.server(little.bind_ack(1, [traffic.NDR20, traffic.NDR64, traffic.NDR20, None]))
    wide.client(little.request(2, 139, bytes(20), context=1))
    wide.server(little.response(2, stubs["stub-getnotifyv2-resp-three-ndr64"], context=1))
    wide.client(little.request(3, 65, bytes(24), context=7))
    wide.server(little.response(3, stubs["stub-getnotify-resp-group1-ndr"][:-4], context=7))
    wide.client(little.request(4, 3, b"", context=0))
    wide.server(little.response(4, stubs["stub-getclustername-resp-clus1-ndr"], context=0))
    wide.close()

    reverse = made.connection().bound(pdus=big)
    reverse.call(2, 139, bytes(20), stubs["stub-getnotifyv2-resp-two-ndr-be"], pdus=big)
    reverse.call(3, 115, bytes(20), stubs["stub-getbatchnotification-resp-notifytest-ndr-be"],
                 pdus=big)
    return made.pcap()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cmrp", help="the program")
    parser.add_argument("captures", nargs="*", help="more captures than those of vectors/captures")
    parser.add_argument("--port", default="49152", help="the server's TCP port, for tshark")
    parser.add_argument("--self-test", action="store_true",
                        help="alter copies of the captures for cmrp; each must be noticed")
    options = parser.parse_args()
    witness.need_program("tshark", "tshark")
    captures = sorted(path for path in (witness.VECTORS / "captures").glob("*_to_*")
                      if path.name.endswith((".pcap", ".pcapng", ".pcap.gz")))
    captures += [pathlib.Path(path) for path in options.captures]
    folder = tempfile.TemporaryDirectory()
    captures.append(pathlib.Path(folder.name) / "synthetic.pcap")
    captures[-1].write_bytes(synthetic())
    verdict, calls, made = witness.Verdict(), 0, 0
    for capture in captures:
        theirs = seen_by_tshark(capture, options.port)
        compare_seen(verdict, options.cmrp, capture.name, seen_by_cmrp(options.cmrp, capture),
                     theirs)
        calls += len(theirs[1])
        if options.self_test:
            count, unnoticed = prove(options.cmrp, capture, theirs)
            made += count
            verdict.complaints += unnoticed
    if calls == 0:
        verdict.complain("tshark finds no call in any capture")
    if options.self_test and made == 0:
        verdict.complain("no capture could be altered")
    return verdict.finish(f"{len(captures)} captures, {calls} calls"
                          + (f", {made} altered copies" if options.self_test else ""))


if __name__ == "__main__":
    sys.exit(main())
