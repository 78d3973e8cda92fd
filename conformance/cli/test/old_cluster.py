# SPDX-License-Identifier: Apache-2.0
"""A cluster of the years before version 2 notifications, for tests of clients.

It has neither ApiCreateNotifyV2 nor batch ports, takes one call a connection, and answers what
ApiGetNotify waits for only when the test says so. What it knows of DCE/RPC and NDR is the
responder's (vectors/captures/record), nothing of it is cmrp's.
"""
import queue
import sys
import threading

import support

sys.path.insert(0, str(support.VECTORS / "captures" / "record"))

import interface  # pylint: disable=wrong-import-position
import ndr  # pylint: disable=wrong-import-position
import responder  # pylint: disable=wrong-import-position

UNKNOWN = ("ApiCreateNotifyV2", "ApiCreateBatchPort")
ERROR_INVALID_FUNCTION = 1


class Connection(responder.Connection):
    def setup(self):
        super().setup()
        self.server.connections += 1

    def call(self, pdu, context, opnum, stub):
        (_, version), syntax = self.contexts[context]
        method = interface.ALL.get(opnum)
        if method is None or method.name in self.server.unknown:
            return responder.NO_SUCH_OPNUM, b""
        given, _ = ndr.read(method, "request", stub, version, syntax == responder.NDR64, pdu.big)
        self.server.seen.append((method.name, given))
        if method.name == "ApiGetNotify":
            fields = {"dwNotifyKey": 0, "dwFilter": 0, "dwStateSequence": 0, "Name": None,
                      "rpc_status": 0, "return": ERROR_INVALID_FUNCTION}
            fields.update(self.server.events.get())
            return 0, ndr.encode(method, "response", fields, version, syntax == responder.NDR64,
                                 pdu.big)
        if method.name == "ApiUnblockGetNotifyCall":
            self.server.events.put({})
        return super().call(pdu, context, opnum, stub)


class OldCluster(responder.Server):
    def __init__(self, test, unknown=UNKNOWN):
        super().__init__(("127.0.0.1", 0), Connection)
        self.unknown, self.seen, self.events, self.connections = unknown, [], queue.Queue(), 0
        self.port = self.server_address[1]
        thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        test.addCleanup(thread.join, support.SECONDS)
        test.addCleanup(self.server_close)
        test.addCleanup(self.shutdown)
        test.addCleanup(self.events.put, {})  # whoever still waits

    def event(self, change, name, sequence=0):
        """One notification for whoever waits."""
        self.events.put({"dwFilter": change, "Name": name, "dwStateSequence": sequence,
                         "return": 0})

    def calls(self, name):
        """What a method was called with."""
        return [given for method, given in self.seen if method == name]
