#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The client against a server that is not of this project: impacket's DCERPCServer, which speaks
NDR 2.0 alone and rejects other contexts as their user. Each fragment of its longer answers says
that it is as long as all of them together, which no client may believe."""
import logging
import struct
import sys

import support
from support import FINDINGS, OK, UNREACHED

try:
    from impacket.dcerpc.v5 import rpcrt
except ImportError:
    sys.exit(77)

INTERFACE = ("b97db8b2-4c63-11cf-bff6-08002be23f2f", "3.0")
WHOLE, LONG = 1000, 30000  # characters of a name that fits into a fragment, and does not


def string(text):
    """A unique pointer's string in NDR 2.0."""
    octets = (text + "\0").encode("utf-16-le")
    count = len(octets) // 2
    return struct.pack("<III", count, 0, count) + octets + bytes(-len(octets) % 4)


class Server(rpcrt.DCERPCServer):
    daemon = True

    def __init__(self):
        super().__init__()
        self.requests, self.name = [], ""
        callbacks = {3: self.cluster_name, 56: self.close_notify}
        self.addCallbacks(INTERFACE, "49664", callbacks)
        self.start()

    def cluster_name(self, _):
        return (struct.pack("<I", 0x20000) + string(self.name) + struct.pack("<I", 0x20004)
                + string("NODE") + struct.pack("<I", 0))

    def close_notify(self, stub):
        self.requests.append(stub)
        return bytes(20) + struct.pack("<I", 6)


class Impacket(support.CliTest):
    def setUp(self):
        super().setUp()
        logging.disable(logging.CRITICAL)
        self.server = Server()
        self.address = f"127.0.0.1:{self.server.getListenPort()}"

    def test_a_response(self):
        self.server.name = "n" * WHOLE
        result = self.cmrp("call", self.address, "ApiGetClusterName", "-T", "json", code=OK)
        response = result.lines[-1]["response"]
        self.assertEqual(response["ClusterName"], "n" * WHOLE)
        self.assertEqual(response["NodeName"], "NODE")

    def test_wrong_lengths(self):
        self.server.name = "n" * LONG
        result = self.cmrp("call", self.address, "ApiGetClusterName", code=UNREACHED)
        self.assertIn("more than the 5840 that were agreed on", result.err)

    def test_the_request_arrives(self):
        handle = "00000000" + "0123456789abcdef" * 2
        result = self.cmrp("call", self.address, "ApiCloseNotify", f'Notify="{handle}"', "-T",
                           "json", code=FINDINGS)
        self.assertEqual(result.lines[-1]["response"]["return"], 6)
        self.assertEqual(self.server.requests[0].hex(), handle)

    def test_no_ndr64(self):
        result = self.cmrp("call", self.address, "--syntax", "ndr64", "ApiGetClusterName",
                           code=UNREACHED)
        self.assertEqual(self.server.requests, [])
        self.assertNotEqual(result.err, "")


if __name__ == "__main__":
    support.main()
