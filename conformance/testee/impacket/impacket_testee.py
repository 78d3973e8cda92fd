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
import tower  # noqa: E402
from third_party import Unsupported  # noqa: E402

ONLY_READ = {"pdu": pdu.decode, "tower": tower.decode}


def respond(request):
    if request["op"] == "hello":
        return third_party.hello("impacket", importlib.metadata.version("impacket"),
                                 ["stub", "pdu", "tower"])
    if request["type"] in ONLY_READ:
        if request["op"] == "encode":
            raise Unsupported("only stubs are written here")
        return ONLY_READ[request["type"]](request)
    return stub.decode(request) if request["op"] == "decode" else stub.encode(request)


if __name__ == "__main__":
    logging.disable()
    random.seed(1)  # impacket draws referents
    third_party.serve(respond)
