#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compare every connection-oriented PDU vector that may be accepted with tshark's dissection of the same octets.

Each PDU is put into a TCP connection of its own. Both byte orders, contexts with several transfer
syntaxes, object UUIDs, padding and sec_trailers are covered; the vector's value and what `cmrp
decode` says are compared.
"""
import argparse
import pathlib
import sys
import tempfile
import xml.etree.ElementTree

import traffic
import witness

PTYPES = {0: "request", 2: "response", 3: "fault", 11: "bind", 12: "bind_ack", 13: "bind_nak",
          14: "alter_context", 15: "alter_context_resp", 16: "auth3", 17: "shutdown",
          18: "co_cancel", 19: "orphaned"}
SEALED = 6
FROM_SERVER = ("response", "fault", "bind_ack", "bind_nak", "alter_context_resp", "shutdown")

# Our keys and tshark's fields, by the part of a PDU; all are numbers.
HEADER = {"flags": "cn_flags", "frag_length": "cn_frag_len", "auth_length": "cn_auth_len",
          "call_id": "cn_call_id"}
BODY = {
    "request": {"alloc_hint": "cn_alloc_hint", "context_id": "cn_ctx_id", "opnum": "opnum"},
    "response": {"alloc_hint": "cn_alloc_hint", "context_id": "cn_ctx_id",
                 "cancel_count": "cn_cancel_count"},
    "fault": {"alloc_hint": "cn_alloc_hint", "context_id": "cn_ctx_id",
              "cancel_count": "cn_cancel_count", "status": "cn_status"},
    "bind": {"max_xmit_frag": "cn_max_xmit", "max_recv_frag": "cn_max_recv",
             "assoc_group_id": "cn_assoc_group"},
    "bind_nak": {"reason": "cn_reject_reason"},
}
for same in ("bind_ack", "alter_context", "alter_context_resp"):
    BODY[same] = BODY["bind"]
AUTH = {"type": "auth_type", "level": "auth_level", "pad_length": "auth_pad_len",
        "reserved": "auth_rsrvd", "context_id": "auth_ctx_id"}


def shown(element, name):
    return [field.get("show") for field in element.iter("field")
            if field.get("name") == "dcerpc." + name]


def raw(element, name):
    """The octets of the last field of this name, as hex; None without one."""
    found = [field.get("value") for field in element.iter("field")
             if field.get("name") == "dcerpc." + name]
    return found[-1] if found else None


def numbers(element, table):
    return {key: int(found[0], 0) for key, name in table.items()
            if (found := shown(element, name))}


def syntaxes(element, name):
    """Transfer syntaxes; tshark shows both parts of the version as one number."""
    versions = [int(version, 0) for version in shown(element, f"{name}_ver")]
    return [{"uuid": uuid, "version": version & 0xffff, "version_minor": version >> 16}
            for uuid, version in zip(shown(element, f"{name}_id"), versions)]


def contexts(layer):
    items = [field for field in layer.iter("field")
             if field.get("name") == "dcerpc.cn_ctx_item"]
    return [{"id": int(shown(item, "cn_ctx_id")[0], 0),
             "abstract_syntax": {"uuid": shown(item, "cn_bind_to_uuid")[0],
                                 "version": int(shown(item, "cn_bind_if_ver")[0], 0),
                                 "version_minor": int(shown(item, "cn_bind_if_ver_minor")[0], 0)},
             "transfer_syntaxes": syntaxes(item, "cn_bind_trans")} for item in items]


def results(layer):
    codes = [int(code, 0) for code in shown(layer, "cn_ack_result")]
    return [{"result": code, "transfer_syntax": transfer}
            for code, transfer in zip(codes, syntaxes(layer, "cn_ack_trans"))]


def seen(layer):
    """A PDU as tshark sees it, in the form of cmrp."""
    kind = PTYPES[int(shown(layer, "pkt_type")[0], 0)]
    pdu = {"ptype": kind, **numbers(layer, HEADER), **numbers(layer, BODY.get(kind, {}))}
    if shown(layer, "obj_id"):
        pdu["object"] = shown(layer, "obj_id")[0]
    if kind in ("bind", "alter_context"):
        pdu["contexts"] = contexts(layer)
    if kind in ("bind_ack", "alter_context_resp"):
        pdu["results"] = results(layer)
        pdu["sec_addr"] = (shown(layer, "cn_sec_addr") or [""])[0]
    auth = numbers(layer, AUTH)
    if auth:
        pdu["auth"] = auth
    for name in ("stub_data", "encrypted_stub_data", "fragment_data"):
        if raw(layer, name) is not None:
            pdu["stub"] = without_trailer(raw(layer, name), pdu)
    return pdu


def without_trailer(stub, pdu):
    """Where no bind is seen, tshark takes the sec_trailer for a part of the stub. As many octets as
    there are of padding it has cut off already, but for sealed PDUs."""
    if "auth" not in pdu:
        return stub
    padding = pdu["auth"]["pad_length"] if pdu["auth"]["level"] == SEALED else 0
    return stub[:len(stub) - 2 * (padding + 8 + pdu["auth_length"])]


def shaped(value, like):
    """Of a value the members that `like` has too, at every depth."""
    if isinstance(value, dict) and isinstance(like, dict):
        return {key: shaped(value[key], like[key]) for key in like if key in value}
    if isinstance(value, list) and isinstance(like, list) and len(value) == len(like):
        return [shaped(*pair) for pair in zip(value, like)]
    return value


def required(value):
    """The keys of a PDU that tshark must have shown for a comparison to mean anything."""
    keys = {"ptype", *HEADER, *BODY.get(value["ptype"], {})}
    keys.update(key for key in ("contexts", "results", "object", "auth") if key in value)
    # The stub data of a fault, extended error information, is not shown.
    return keys | ({"stub"} if value.get("stub") and value["ptype"] != "fault" else set())


def dissect(tests):
    """What tshark sees of each test's octets, by its id."""
    made, frames = traffic.Traffic(), []
    for test in tests:
        connection = made.connection(opened=False)
        connection.send("s" if test["value"]["ptype"] in FROM_SERVER else "c", test["octets"])
        frames.append(test["id"])
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "pdus.pcap"
        path.write_bytes(made.pcap())
        result = witness.run("tshark", "-n", "-r", path, "-T", "pdml", "-d",
                             "tcp.port==49152,dcerpc", "-o", "dcerpc.reassemble_dcerpc:FALSE",
                             "--disable-protocol", "clusapi")
    if result.returncode != 0:
        sys.exit(f"tshark: {result.stderr.decode(errors='replace')}")
    packets = xml.etree.ElementTree.fromstring(result.stdout).iter("packet")
    found = {}
    for name, packet in zip(frames, packets):
        layers = [layer for layer in packet.iter("proto") if layer.get("name") == "dcerpc"]
        found[name] = seen(layers[0]) if layers else None
    return found


def compare(verdict, cmrp, test, theirs):
    value = witness.without_added(test["value"])
    if theirs is None:
        verdict.complain(f"{test['id']}: tshark does not see a PDU")
        return
    lost = required(value) - theirs.keys()
    if lost:
        verdict.complain(f"{test['id']}: tshark does not show {sorted(lost)}")
    ours = witness.without_added(witness.decode(cmrp, test["octets"], "--type", "pdu"))
    for name, side in (("vector", value), ("cmrp", ours)):
        verdict.compare(f"{test['id']}: {name}", shaped(side, theirs), theirs, (name, "tshark"))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cmrp", help="the program")
    options = parser.parse_args()
    witness.need_program("tshark", "tshark")
    tests = [test for test in witness.vectors("pdu")
             if test["result"] != "invalid" and "rpc_vers" not in test["value"]]
    verdict = witness.Verdict()
    found = dissect(tests)
    witness.in_parallel(
        lambda test: compare(verdict, options.cmrp, test, found.get(test["id"])), tests)
    return verdict.finish(f"{len(tests)} PDUs")


if __name__ == "__main__":
    sys.exit(main())
