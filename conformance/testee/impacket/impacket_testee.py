#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Testee: impacket. Its NDR engine reads and writes stubs."""
import importlib.metadata
import logging
import pathlib
import random
import sys

HERE = pathlib.Path(__file__).resolve().parent
# This folder has impacket's name, so that its parent must not be searched before the packages.
sys.path.append(str(HERE.parent))
import third_party  # noqa: E402
import pdu  # noqa: E402
import stub  # noqa: E402
from third_party import Unsupported  # noqa: E402


def respond(request):
    if request["op"] == "hello":
        return third_party.hello("impacket", importlib.metadata.version("impacket"), ["stub", "pdu"])
    if request["type"] == "pdu":
        if request["op"] == "encode":
            raise Unsupported("PDUs are only read here")
        return pdu.decode(request)
    return stub.decode(request) if request["op"] == "decode" else stub.encode(request)


if __name__ == "__main__":
    logging.disable()
    random.seed(1)  # impacket draws referents
    third_party.serve(respond)
