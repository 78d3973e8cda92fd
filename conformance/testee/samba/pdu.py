# SPDX-License-Identifier: Apache-2.0
"""PDUs as Samba's NDR reads them (struct ncacn_packet and ncadg_packet of its dcerpc.idl), through
python3-samba, which offers them in little-endian only."""
import struct

from third_party import Refused, Unsupported
import samba.ndr
from samba.dcerpc import dcerpc

NAMES = {0: "request", 1: "ping", 2: "response", 3: "fault", 4: "working", 5: "nocall",
         6: "reject", 7: "ack", 8: "cl_cancel", 9: "fack", 10: "cancel_ack", 11: "bind",
         12: "bind_ack", 13: "bind_nak", 14: "alter_context", 15: "alter_context_resp",
         16: "auth3", 17: "shutdown", 18: "co_cancel", 19: "orphaned"}
OBJECT_UUID = 0x80


def syntax(item):
    return {"uuid": str(item.uuid), "version": item.if_version & 0xffff,
            "version_minor": item.if_version >> 16}


def association(body):
    return {"max_xmit_frag": body.max_xmit_frag, "max_recv_frag": body.max_recv_frag,
            "assoc_group_id": body.assoc_group_id}


def bind(body):
    return {**association(body), "contexts": [
        {"id": item.context_id, "abstract_syntax": syntax(item.abstract_syntax),
         "transfer_syntaxes": [syntax(transfer) for transfer in item.transfer_syntaxes]}
        for item in body.ctx_list]}, body.auth_info


def bind_ack(body):
    return {**association(body), "sec_addr": body.secondary_address, "results": [
        {"result": item.result, "reason": item.reason, "transfer_syntax": syntax(item.syntax)}
        for item in body.ctx_list]}, body.auth_info


def bind_nak(body):
    return {"reason": body.reject_reason,
            "versions": [{"major": item.rpc_vers, "minor": item.rpc_vers_minor}
                         for item in body.versions]}, b""


def request(body):
    return {"alloc_hint": body.alloc_hint, "context_id": body.context_id, "opnum": body.opnum,
            "object": body.object}, body.stub_and_verifier


def response(body):
    return {"alloc_hint": body.alloc_hint, "context_id": body.context_id,
            "cancel_count": body.cancel_count, "reserved": body.reserved}, body.stub_and_verifier


def fault(body):
    return {"alloc_hint": body.alloc_hint, "context_id": body.context_id,
            "cancel_count": body.cancel_count, "reserved": body.flags, "status": body.status,
            "reserved2": struct.pack("<I", body.reserved).hex()}, body.error_and_verifier


def auth3(body):
    return {"pad": struct.pack("<I", body._pad).hex()} if hasattr(body, "_pad") else {}, \
        body.auth_info


def nothing(body):
    return {}, getattr(body, "auth_info", b"")


BODIES = {"bind": bind, "alter_context": bind, "bind_ack": bind_ack, "alter_context_resp": bind_ack,
          "bind_nak": bind_nak, "request": request, "response": response, "fault": fault,
          "auth3": auth3}
WITH_STUB = ("request", "response", "fault")


def unpacked(kind, octets):
    try:
        return samba.ndr.ndr_unpack(kind, octets, allow_remaining=False)
    except (RuntimeError, ValueError) as error:
        raise Refused(str(error)) from error


def connected(octets):
    if len(octets) > 4 and octets[4] >> 4 != 1:
        raise Unsupported("python3-samba reads ncacn_packet in little-endian only")
    size = int.from_bytes(octets[8:10], "little")
    if 16 <= size <= len(octets):  # as many as dcerpc_read_ncacn_packet takes from a stream
        octets = octets[:size]
    packet = unpacked(dcerpc.ncacn_packet, octets)
    if packet.ptype not in NAMES:
        raise Refused(f"no PDU type {packet.ptype}")
    kind = NAMES[packet.ptype]
    value = {"ptype": kind, "flags": packet.pfc_flags, "drep": bytes(packet.drep).hex(),
             "frag_length": packet.frag_length, "auth_length": packet.auth_length,
             "call_id": packet.call_id}
    if packet.rpc_vers_minor:
        value["rpc_vers_minor"] = packet.rpc_vers_minor
    body, rest = BODIES.get(kind, nothing)(packet.u)
    value.update(body)
    if kind == "request":  # without the flag there is an empty union
        value["object"] = str(value["object"])
        if not packet.pfc_flags & OBJECT_UUID:
            del value["object"]
    rest = bytes(rest)
    if packet.auth_length:
        rest, added = trailer(rest, packet.auth_length)
        value.update(added)
    if kind in WITH_STUB:
        value["stub"] = rest.hex()
    elif rest:
        value["trailing"] = rest.hex()
    return value


def trailer(rest, size):
    """The octets before a sec_trailer, as dcerpc_pull_auth_trailer takes them apart, and its
    fields."""
    if len(rest) < 8 + size:
        raise Refused("the auth trailer does not fit")
    auth = unpacked(dcerpc.auth, rest[-8 - size:])
    pad = auth.auth_pad_length
    if pad > len(rest) - 8 - size:
        raise Refused("the auth padding does not fit")
    before = rest[:len(rest) - 8 - size]
    added = {"auth": {"type": auth.auth_type, "level": auth.auth_level, "pad_length": pad,
                      "reserved": auth.auth_reserved, "context_id": auth.auth_context_id,
                      "token": bytes(auth.credentials).hex()}}
    if pad:
        before, padding = before[:-pad], before[-pad:]
        added["auth_padding"] = padding.hex()
    return before, added


def decode(request_):
    octets = bytes.fromhex(request_["hex"])
    if octets[:1] == b"\4":
        raise Unsupported("ncadg_packet of python3-samba does not offer all fields")
    return {"value": connected(octets)}
