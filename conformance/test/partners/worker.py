#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One connection of a program that is not ours, in a process of its own, so that a call may block.

usage: worker.py impacket|samba PORT GROUP [ndr64] [bigendian]     GROUP: association group, 0: new

A line of standard input is a call: {"method", "params"}, or {"opnum", "stub"} for a stub that is
not theirs. A line of standard output answers it: {"stub"}, or {"fault"} as the program puts it. The
first line says {"ready": true}.
"""
import json
import random
import sys

import by_record  # noqa: F401  puts the folder of the recordings on the path
import interface

ADDRESS = "ncacn_ip_tcp:127.0.0.1"


class Impacket:
    def __init__(self, port, group, options):
        from impacket.dcerpc.v5 import rpcrt, transport
        import impacket_client
        self.theirs = impacket_client
        self.failure = rpcrt.DCERPCException
        self.wide = "ndr64" in options
        random.seed(1)  # impacket draws referents
        if group:
            self.found(rpcrt, group)
        connection = transport.DCERPCTransportFactory(f"{ADDRESS}[{port}]")
        self.connection = connection.get_dce_rpc()
        self.connection.connect()
        syntax = impacket_client.NDR64 if self.wide else impacket_client.NDR20
        self.connection.bind(impacket_client.uuidtup_to_bin((interface.UUID, "3.0")),
                             transfer_syntax=syntax)

    @staticmethod
    def found(rpcrt, group):
        """impacket always asks for a new group: its bind is told another one."""
        class Bind(rpcrt.MSRPCBind):
            def __init__(self, data=None, alignment=0):
                super().__init__(data, alignment)
                self["assoc_group"] = group
        rpcrt.MSRPCBind = Bind

    def marshal(self, method, params):
        """The call as impacket knows it: it marshals when it sends."""
        request = self.theirs.call(method, params, 3)
        if self.wide:
            request.changeTransferSyntax(self.theirs.uuidtup_to_bin(self.theirs.NDR64))
        return request

    def call(self, opnum, request):
        self.connection.call(opnum, request)
        return self.connection.recv()


class Samba:
    def __init__(self, port, group, options):
        from samba import NTSTATUSError, credentials, param
        from samba.dcerpc.base import ClientConnection
        import samba_marshal
        self.failure = NTSTATUSError
        self.theirs = samba_marshal.Marshal()
        self.wide, self.big = "ndr64" in options, "bigendian" in options
        settings = param.LoadParm()
        settings.load_default()
        settings.set("interfaces", "127.0.0.1/8")  # there are no others in a namespace
        anonymous = credentials.Credentials()
        anonymous.set_anonymous()
        words = [str(port), *options, *([f"assoc_group_id=0x{group:08x}"] if group else [])]
        self.connection = ClientConnection(f"{ADDRESS}[{','.join(words)}]", (interface.UUID, 3),
                                           settings, anonymous)
        self.connection.request_timeout = 3600

    def marshal(self, method, params):
        return self.theirs.request(method, params, self.wide, self.big)

    def call(self, opnum, stub):
        return self.connection.request(opnum, stub)


def main():
    program, port, group, *options = sys.argv[1:]
    link = {"impacket": Impacket, "samba": Samba}[program](int(port), int(group), options)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        if "stub" in asked:
            opnum, request = asked["opnum"], bytes.fromhex(asked["stub"])
        else:
            method = interface.BY_NAME[asked["method"]]
            opnum, request = method.opnum, link.marshal(method, asked["params"])
        try:
            answer = {"stub": link.call(opnum, request).hex()}
        except link.failure as error:
            answer = {"fault": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
