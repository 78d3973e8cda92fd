#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compare PDUs and batch stubs as impacket reads and writes them with the vectors and with cmrp.

PDUs: every little-endian PDU vector that may be accepted is parsed by impacket; header, body and
sec_trailer must be what the vector and `cmrp decode` say. What impacket reads wrongly is listed.

Batches: impacket writes the stubs of ApiExecuteBatch and ApiGetBatchNotification around the octets
of every batch vector, in NDR20 and NDR64; cmrp must find the same octets and status in them. And
impacket must find them in what cmrp writes.
"""
import argparse
import collections
import fnmatch
import json
import sys
import uuid

import witness

try:
    from impacket.dcerpc.v5 import ndr, rpcrt
    from impacket.dcerpc.v5.dtypes import DWORD, ULONG
except ImportError:
    witness.missing("impacket", "python3-impacket")

PTYPES = {"request": 0, "response": 2, "fault": 3, "bind": 11, "bind_ack": 12, "bind_nak": 13,
          "alter_context": 14, "alter_context_resp": 15, "auth3": 16, "shutdown": 17,
          "co_cancel": 18, "orphaned": 19}
PFC_OBJECT_UUID = 0x80
HANDLE = "0000000033221100554477668899aabbccddee03"

# What impacket reads wrongly: patterns of vector ids, the keys that come out wrong, why. A line of
# which the keys come out right is out of date, and a complaint.
WRONG = [
    ("pdu-bind-two-syntaxes-in-one", ["contexts"],
     "a context is taken to have one transfer syntax, whatever its count says"),
    ("pdu-bind-mixed-elements", ["contexts"], "the same"),
    ("pdu-bind-no-syntax", ["contexts"], "the same"),
    ("pdu-request-object-auth", ["auth", "auth_padding", "stub"],
     "the sec_trailer is sought as if there were no object UUID"),
]


# ---- PDUs ---------------------------------------------------------------------------------------

def syntax(octets):
    """A syntax identifier as 20 octets: UUID, version, minor version."""
    return {"uuid": str(uuid.UUID(bytes_le=octets[:16])),
            "version": int.from_bytes(octets[16:18], "little"),
            "version_minor": int.from_bytes(octets[18:20], "little")}


def contexts(bind):
    """The presentation contexts of a bind; impacket knows one transfer syntax in each."""
    octets, result = bind["ctx_items"], []
    for _ in range(bind["ctx_num"]):
        try:
            item = rpcrt.CtxItem(octets)
        except Exception as error:  # impacket raises all kinds of them
            return result + [f"{type(error).__name__}"]
        octets = octets[len(item):]
        result.append({"id": item["ContextID"], "abstract_syntax": syntax(item["AbstractSyntax"]),
                       "transfer_syntaxes": [syntax(item["TransferSyntax"])]})
    return result


def association(body):
    return {"max_xmit_frag": body["max_tfrag"], "max_recv_frag": body["max_rfrag"],
            "assoc_group_id": body["assoc_group"]}


def body_of(kind, octets, header):
    """The body's fields as impacket has them, under our names."""
    if kind == "request":
        pdu = rpcrt.MSRPCRequestHeader(octets)
        body = {"alloc_hint": pdu["alloc_hint"], "context_id": pdu["ctx_id"],
                "opnum": pdu["op_num"]}
        if header["flags"] & PFC_OBJECT_UUID:
            body["object"] = str(uuid.UUID(bytes_le=pdu["uuid"]))
        return {**body, "stub": pdu["pduData"]}
    if kind in ("response", "fault"):
        pdu = rpcrt.MSRPCRespHeader(octets)
        body = {"alloc_hint": pdu["alloc_hint"], "context_id": pdu["ctx_id"],
                "cancel_count": pdu["cancel_count"], "reserved": pdu["padding"]}
        stub = pdu["pduData"]
        if kind == "fault":
            body.update(status=int.from_bytes(stub[:4], "little"), reserved2=stub[4:8].hex())
            stub = stub[8:]
        return {**body, "stub": stub}
    if kind in ("bind", "alter_context"):
        bind = rpcrt.MSRPCBind(header["pduData"])
        return {**association(bind), "contexts": contexts(bind)}
    if kind in ("bind_ack", "alter_context_resp"):
        ack = rpcrt.MSRPCBindAck(octets)
        address = ack["SecondaryAddr"] or b""  # without its NUL
        address = address.decode("latin-1") if isinstance(address, bytes) else address
        results = [{"result": item["Result"], "reason": item["Reason"],
                    "transfer_syntax": syntax(item["TransferSyntax"])}
                   for item in ack.getCtxItems()]
        return {**association(ack), "sec_addr": address, "results": results}
    if kind == "bind_nak":
        nak = rpcrt.MSRPCBindNak(header["pduData"])
        versions = nak["SupportedVersions"]
        end = 1 + 2 * versions[0] if versions else 0
        body = {"reason": nak["RejectedReason"],
                "versions": [{"major": versions[at], "minor": versions[at + 1]}
                             for at in range(1, end, 2)]}
        return {**body, "extension": versions[end:].hex()} if versions[end:] else body
    return {"pad": header["pduData"][:4].hex()} if kind == "auth3" else {}


def read_pdu(kind, octets):
    """A PDU as impacket reads it, in the form of cmrp."""
    header = rpcrt.MSRPCHeader(octets)
    result = {"ptype": header["type"], "flags": header["flags"],
              "drep": header["representation"].to_bytes(4, "little").hex(),
              "frag_length": header["frag_len"], "auth_length": header["auth_len"],
              "call_id": header["call_id"]}
    if header["ver_minor"]:
        result["rpc_vers_minor"] = header["ver_minor"]
    result.update(body_of(kind, octets, header))
    stub = result.get("stub")
    if header["auth_len"]:
        trailer = rpcrt.SEC_TRAILER(header["sec_trailer"])
        size = trailer["auth_pad_len"]
        result["auth"] = {"type": trailer["auth_type"], "level": trailer["auth_level"],
                          "pad_length": size, "reserved": trailer["auth_rsvrd"],
                          "context_id": trailer["auth_ctx_id"],
                          "token": header["auth_data"].hex()}
        if size:
            result["auth_padding"] = header["pduData"][-size:].hex()
            stub = stub[:-size] if stub is not None else None
    if stub is not None:
        result["stub"] = stub.hex()
    return result


def listed(name):
    return [entry for entry in WRONG if fnmatch.fnmatch(name, entry[0])]


def compare_pdu(verdict, seen, cmrp, test):
    value = witness.without_added(test["value"])
    ours = witness.without_added(witness.decode(cmrp, test["octets"], "--type", "pdu"))
    theirs = read_pdu(value["ptype"], test["octets"])
    for name, side in (("vector", value), ("cmrp", ours)):
        side = {**side, "ptype": PTYPES[side["ptype"]]} if "ptype" in side else dict(side)
        side.pop("trailing", None)  # impacket does not look behind the last field of a body
        wrong = set()
        for pattern, keys, _ in listed(test["id"]):
            different = any(side.get(key) != theirs.get(key) for key in keys)
            seen[pattern] += different
            if not different:
                verdict.complain(f"{test['id']}: impacket reads {keys} right now; the line "
                                 f"{pattern} of WRONG is out of date")
            wrong.update(keys)
        verdict.compare(f"{test['id']}: {name}",
                        {key: item for key, item in side.items() if key not in wrong},
                        {key: item for key, item in theirs.items() if key not in wrong},
                        (name, "impacket"))


def compare_pdus(verdict, cmrp):
    tests = [test for test in witness.vectors("pdu")  # impacket has no connectionless ones
             if test["result"] != "invalid" and "rpc_vers" not in test["value"]]
    little = [test for test in tests if test["value"]["drep"][0] == "1"]
    seen = collections.Counter()
    witness.in_parallel(lambda test: compare_pdu(verdict, seen, cmrp, test), little)
    for pattern, _, _ in WRONG:
        if seen[pattern] == 0:
            verdict.complain(f"no vector matches the line {pattern} of WRONG")
    return f"{len(little)} PDUs, {len(tests) - len(little)} big-endian ones beyond impacket"


# ---- batches ------------------------------------------------------------------------------------

class Octets(ndr.NDRUniConformantArray):
    item = "c"


class OctetsPointer(ndr.NDRPOINTER):
    referent = (("Data", Octets),)


class Handle(ndr.NDRSTRUCT):
    structure = (("context_handle_attributes", ULONG), ("context_handle_uuid", "16s=b''"))

    def getAlignment(self):
        return 4


class ExecuteBatch(ndr.NDRCALL):
    opnum = 113
    structure = (("hKey", Handle), ("cbData", DWORD), ("lpData", Octets))


class GetBatchNotificationResponse(ndr.NDRCALL):
    structure = (("cbData", DWORD), ("lpData", OctetsPointer), ("return", DWORD))


METHODS = [("ApiExecuteBatch", "request"), ("ApiGetBatchNotification", "response")]


def written(method, octets, wide):
    """A stub that impacket writes."""
    if method == "ApiExecuteBatch":
        stub = ExecuteBatch(isNDR64=wide)
        raw = bytes.fromhex(HANDLE)
        stub["hKey"]["context_handle_attributes"] = int.from_bytes(raw[:4], "little")
        stub["hKey"]["context_handle_uuid"] = raw[4:]
    else:
        stub = GetBatchNotificationResponse(isNDR64=wide)
        stub["return"] = 0
    stub["cbData"] = len(octets)
    stub["lpData"] = [octets[at:at + 1] for at in range(len(octets))]
    return stub.getData()


def read(method, octets, wide):
    """(count, octets) as impacket reads them."""
    kind = ExecuteBatch if method == "ApiExecuteBatch" else GetBatchNotificationResponse
    stub = kind(octets, isNDR64=wide)
    return stub["cbData"], b"".join(stub["lpData"])


def compare_batch(verdict, cmrp, test, method, direction, wide):
    where = f"{test['id']} in {method} {'ndr64' if wide else 'ndr'}"
    selectors = ["--type", "stub", "--method", method, "--direction", direction,
                 "--syntax", "ndr64" if wide else "ndr"]
    stub = written(method, test["octets"], wide)
    answer = witness.without_added(witness.decode(cmrp, stub, *selectors))
    params = dict(answer.get("params", answer))
    # A batch is shown as an object where it parses; then the object must say these octets.
    whole = isinstance(params.get("lpData"), dict)
    if whole:
        params["lpData"] = witness.batch_octets(params["lpData"])
    if whole == (test["result"] == "invalid"):
        verdict.complain(f"{where}: cmrp {'decodes' if whole else 'does not decode'} the batch")
    expected = {"cbData": len(test["octets"]), "lpData": test["octets"].hex()}
    expected.update({"hKey": HANDLE} if direction == "request" else {"return": 0})
    verdict.compare(where, params, expected, ("cmrp", "impacket"))
    back = witness.run(cmrp, "encode", *selectors, "-", input=json.dumps(answer).encode())
    if back.returncode != 0:
        verdict.complain(f"{where}: cmrp does not encode it: {back.stderr.decode()}")
        return
    count, octets = read(method, back.stdout, wide)
    verdict.compare(f"{where}, encoded", {"cbData": len(test["octets"]),
                                          "lpData": test["octets"].hex()},
                    {"cbData": count, "lpData": octets.hex()}, ("vector", "impacket"))


def compare_batches(verdict, cmrp):
    tests = [test for test in witness.vectors("batch") if len(test["octets"]) <= 4096]
    # Every method and syntax in turn: all vectors meet some of them, each of them many vectors.
    forms = [(method, direction, wide) for method, direction in METHODS for wide in (False, True)]
    work = [(test, *forms[index % len(forms)]) for index, test in enumerate(tests)]
    witness.in_parallel(lambda item: compare_batch(verdict, cmrp, *item), work)
    return f"{len(work)} batches"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cmrp", help="the program")
    options = parser.parse_args()
    verdict = witness.Verdict()
    pdus = compare_pdus(verdict, options.cmrp)
    batches = compare_batches(verdict, options.cmrp)
    return verdict.finish(f"{pdus}; {batches}")


if __name__ == "__main__":
    sys.exit(main())
