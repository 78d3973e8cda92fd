#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compare connectionless PDUs with tshark's dissection of the same octets.

Every PDU vector of version 4 that may be accepted, and every datagram of the constructed capture,
goes into a datagram of its own; the vector's value and what `cmrp decode` says are compared with
what tshark shows.
"""
import argparse
import pathlib
import struct
import sys
import tempfile
import xml.etree.ElementTree

import traffic
import witness

CAPTURE = pathlib.Path(__file__).resolve().parents[2] / "vectors/captures/constructed-udp.pcap"
PTYPES = ("request", "ping", "response", "fault", "working", "nocall", "reject", "ack",
          "cl_cancel", "fack", "cancel_ack")
NUMBERS = {"flags1": "dg_flags1", "flags2": "dg_flags2", "if_vers": "dg_if_ver",
           "seqnum": "dg_seqnum", "opnum": "opnum", "ihint": "dg_ihint", "ahint": "dg_ahint",
           "len": "dg_frag_len", "fragnum": "dg_frag_num", "auth_proto": "dg_auth_proto"}
UUIDS = {"object": "obj_id", "if_id": "dg_if_id", "act_id": "dg_act_id"}
FACK = {"vers": "fack_vers", "window_size": "fack_window_size", "max_tsdu": "fack_max_tsdu",
        "max_frag_size": "fack_max_frag_size", "serial_num": "fack_serial_num"}
CANCEL = {"vers": "dg_cancel_vers", "cancel_id": "dg_cancel_id"}
BODIES = {"fault": {"status": "dg_status"}, "reject": {"status": "dg_status"},
          "cl_cancel": CANCEL, "cancel_ack": CANCEL, "fack": FACK}


def seen_by_heuristics(octets):
    """tshark finds connectionless PDUs by their looks only. Flags that C706 reserves, PF2_UNRELATED
    of [MS-RPCE] among them, and a third octet of drep keep it from seeing one."""
    return octets[2] & 0x81 == 0 and octets[3] & 0xFC == 0 and octets[6] == 0


def shown(layer, name):
    return [field.get("show") for field in layer.iter("field")
            if field.get("name") == "dcerpc." + name]


def number(layer, name):
    return int(shown(layer, name)[0], 0)


def octets_of(layer, name):
    """The octets behind a field, as hex."""
    return [field.get("value") for field in layer.iter("field")
            if field.get("name") == "dcerpc." + name]


def seen(layer):
    """A PDU as tshark sees it, in the form of cmrp."""
    kind = PTYPES[number(layer, "pkt_type")]
    order = "big" if number(layer, "drep.byteorder") == 0 else "little"
    pdu = {"rpc_vers": number(layer, "ver"), "ptype": kind,
           "drep": octets_of(layer, "drep")[0],
           "serial": number(layer, "dg_serial_hi") << 8 | number(layer, "dg_serial_lo"),
           "server_boot": int.from_bytes(
               bytes.fromhex(octets_of(layer, "dg_server_boot")[0]), order)}
    pdu.update({key: number(layer, name) for key, name in NUMBERS.items()})
    pdu.update({key: shown(layer, name)[0] for key, name in UUIDS.items()})
    version = pdu["if_vers"]  # shown as one number
    pdu["if_vers"], pdu["if_vers_minor"] = version & 0xFFFF, version >> 16
    for key, name in BODIES.get(kind, {}).items():
        if shown(layer, name):
            pdu[key] = number(layer, name)
    if shown(layer, "fack_selack_len"):
        pdu["selack"] = [int(mask, 0) for mask in shown(layer, "fack_selack")]
        assert len(pdu["selack"]) == number(layer, "fack_selack_len")
    if shown(layer, "server_accepting_cancels"):
        pdu["server_is_accepting"] = int(octets_of(layer, "server_accepting_cancels")[0], 16)
    for name in ("stub_data", "encrypted_stub_data", "fragment_data"):
        if octets_of(layer, name):
            pdu["stub"] = octets_of(layer, name)[0]
    return pdu


def required(value):
    """The keys that tshark must have shown for a comparison to mean anything."""
    keys = {"rpc_vers", "drep", "serial", "server_boot", "if_vers_minor", *NUMBERS, *UUIDS}
    names = {*BODIES.get(value["ptype"], {}), "selack", "server_is_accepting"}
    # What follows a version that is not known has no fields in ours.
    return keys | (names & value.keys() if value.get("vers", 0) <= 1 else set())


def dissect(tests):
    """What tshark sees of each test's octets, by its id."""
    made = traffic.Traffic()
    for number_of_test, test in enumerate(tests):
        # Each from a host of its own, so that no fragments are put together.
        source = struct.pack(">I", 0x0A000001 + number_of_test)
        made.datagram(source, b"\x0b\0\0\1", (1025, 1055), test["octets"])
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "datagrams.pcap"
        path.write_bytes(made.pcap())
        result = witness.run("tshark", "-n", "-r", path, "-T", "pdml", "-o",
                             "dcerpc.reassemble_dcerpc:FALSE", "--disable-protocol", "clusapi",
                             "--disable-protocol", "wg", "--disable-protocol", "conv")
    if result.returncode != 0:
        sys.exit(f"tshark: {result.stderr.decode(errors='replace')}")
    packets = xml.etree.ElementTree.fromstring(result.stdout).iter("packet")
    found = {}
    for test, packet in zip(tests, packets):
        layers = [layer for layer in packet.iter("proto") if layer.get("name") == "dcerpc"]
        found[test["id"]] = seen(layers[0]) if layers else None
    return found


def datagrams():
    """The payloads of the constructed capture, which cmrp must accept but for one."""
    content, at, frame = CAPTURE.read_bytes(), 24, 0
    while at < len(content):
        size = struct.unpack_from("<I", content, at + 8)[0]
        frame += 1
        octets = content[at + 16 + 14 + 20 + 8:at + 16 + size]
        length = int.from_bytes(octets[74:76], "little" if octets[4] == 0x10 else "big")
        if 80 + length <= len(octets):
            yield {"id": f"{CAPTURE.name} frame {frame}", "octets": octets}
        at += 16 + size


def compare(verdict, cmrp, test, theirs):
    ours = witness.without_added(witness.decode(cmrp, test["octets"], "--type", "pdu"))
    sides = [("cmrp", ours)]
    if "value" in test:
        sides.append(("vector", witness.without_added(test["value"])))
    if theirs is None:
        verdict.complain(f"{test['id']}: tshark does not see a PDU")
        return
    for name, side in sides:
        lost = required(side) - theirs.keys()
        if lost:
            verdict.complain(f"{test['id']}: tshark does not show {sorted(lost)}")
        shared = {key: side[key] for key in theirs if key in side}
        verdict.compare(f"{test['id']}: {name}", shared, {key: theirs[key] for key in shared},
                        (name, "tshark"))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cmrp", help="the program")
    options = parser.parse_args()
    witness.need_program("tshark", "tshark")
    tests = [test for test in witness.vectors("pdu")
             if test["result"] != "invalid" and test["value"].get("rpc_vers") == 4]
    tests += datagrams()
    visible = [test for test in tests if seen_by_heuristics(test["octets"])]
    verdict = witness.Verdict()
    found = dissect(visible)
    witness.in_parallel(
        lambda test: compare(verdict, options.cmrp, test, found.get(test["id"])), visible)
    return verdict.finish(f"{len(visible)} datagrams ({len(tests) - len(visible)} that tshark "
                          "cannot see are left out)")


if __name__ == "__main__":
    sys.exit(main())
