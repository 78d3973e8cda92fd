# SPDX-License-Identifier: Apache-2.0
"""PDUs as impacket's structures read them. Its reader is that of the witness beside the tests."""
import sys

import third_party
from third_party import Refused, Unsupported

sys.path.insert(0, str(third_party.ROOT / "conformance" / "test"))
import witness_impacket  # noqa: E402
from impacket.dcerpc.v5 import rpcrt  # noqa: E402

NAMES = {number: name for name, number in witness_impacket.PTYPES.items()}


def decode(request):
    octets = bytes.fromhex(request["hex"])
    if octets[:1] == b"\4":
        raise Unsupported("no connectionless PDUs")
    try:
        number = rpcrt.MSRPCHeader(octets)["type"]
        if number not in NAMES:
            raise Refused(f"no PDU type {number}")
        value = witness_impacket.read_pdu(NAMES[number], octets)
    except Refused:
        raise
    except Exception as error:  # impacket raises all kinds of them
        raise Refused(f"{type(error).__name__}: {error}") from error
    for context in value.get("contexts", []):
        if isinstance(context, str):  # the name of what impacket raised
            raise Refused(context)
    return {"value": {**value, "ptype": NAMES[value["ptype"]]}}
