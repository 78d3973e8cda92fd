# SPDX-License-Identifier: Apache-2.0
"""PDUs as Wireshark's dissectors of DCE/RPC show them. What the witnesses beside the tests read
out of a dissection is read by their code; here is what makes it whole."""
import tshark
import witness_tshark_pdu
import witness_tshark_udp
from third_party import Refused, Unsupported
from tshark import named

FROM_SERVER = (2, 3, 12, 13, 15, 17)


def number(layer, name):
    fields = named(layer, "dcerpc." + name)
    return int(fields[0].get("show"), 0) if fields else None


def octets_of(layer, name):
    fields = named(layer, "dcerpc." + name)
    return fields[0].get("value") if fields else None


def connected(layer):
    value = witness_tshark_pdu.seen(layer)
    value["drep"] = octets_of(layer, "drep")
    minor = number(layer, "ver_minor")
    if minor:
        value["rpc_vers_minor"] = minor
    for result, reason in zip(value.get("results", []), reasons(layer)):
        result["reason"] = reason
    if value["ptype"] == "bind_nak":
        value["versions"] = [
            {"major": int(major.get("show"), 0), "minor": int(minor_.get("show"), 0)}
            for major, minor_ in zip(named(layer, "dcerpc.cn_protocol_ver_major"),
                                     named(layer, "dcerpc.cn_protocol_ver_minor"))]
    return value


def reasons(layer):
    """The reason of each result, which may be features; it is not shown beside an acceptance."""
    results = [field for field in layer.iter("field")
               if any(below.get("name") == "dcerpc.cn_ack_result" for below in field)]
    return [number(field, "cn_ack_reason") or number(field, "cn_bind_trans_btfn") or 0
            for field in results]


def hidden(value):
    """Why a value cannot be whole: what the dissector never shows."""
    if value["ptype"] in ("response", "fault") and "rpc_vers" not in value:
        return "the reserved octets of a response and a fault are not shown"
    if value["ptype"] == "fack":
        return "the padding of a fack is not shown"
    if value.get("auth_proto"):
        return "neither padding nor token of a trailer are shown as they are"
    return None


def decode(program, request):
    octets = bytes.fromhex(request["hex"])
    if not octets:
        raise Unsupported("a packet without octets holds no PDU")
    if octets[:1] == b"\4":
        made, _ = program.connection()
        made.datagram(program.source(), b"\x0b\0\0\1", (1025, 1055), octets)
    else:
        made, connection = program.connection()
        if len(octets) > 60000:
            raise Unsupported("longer than a packet")
        kind = octets[2] if len(octets) > 2 else 0
        connection.send("s" if kind in FROM_SERVER else "c", octets)
    packet = program.dissect(made)
    layers = [proto for proto in packet.iter("proto") if proto.get("name") == "dcerpc"]
    if layers and number(layers[0], "cn_auth_len"):
        raise Unsupported("neither padding nor token of a trailer are shown as they are")
    if tshark.malformed(packet):
        raise Refused("Malformed Packet")
    if not layers:
        raise Refused("not dissected as DCE/RPC")
    try:
        read = witness_tshark_udp.seen if octets[:1] == b"\4" else connected
        value = read(layers[0])
    except (IndexError, KeyError, ValueError, TypeError) as error:
        raise Refused(f"dissected in part only ({type(error).__name__}: {error})") from error
    why = hidden(value)
    if why:
        raise Unsupported(why)
    if value["ptype"] in ("request", "response"):
        value.setdefault("stub", "")
    return {"value": value}
