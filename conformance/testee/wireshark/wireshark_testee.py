#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Testee: Wireshark's dissectors, asked through tshark."""
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))
import third_party  # noqa: E402
import change  # noqa: E402
import pdu  # noqa: E402
import stub  # noqa: E402
import tshark  # noqa: E402
from third_party import Unsupported  # noqa: E402


class Testee:
    def __init__(self):
        self.programs = {}

    def program(self, name, *options):
        if name not in self.programs:
            self.programs[name] = tshark.Tshark(*options)
        return self.programs[name]

    def respond(self, request):
        if request["op"] == "hello":
            return third_party.hello("Wireshark", tshark.version(), ["stub", "pdu", "change"])
        if request["op"] == "encode":
            raise Unsupported("a dissector writes nothing")
        if request["type"] == "pdu":
            return pdu.decode(self.program("pdus", "--disable-protocol", "clusapi", "-o",
                                           "dcerpc.reassemble_dcerpc:FALSE", "-J",
                                           "dcerpc _ws.malformed"), request)
        decode = change.decode if request["type"] == "change" else stub.decode
        return decode(self.program("stubs", "-J", "clusapi _ws.malformed"), request)


if __name__ == "__main__":
    third_party.serve(Testee().respond)
