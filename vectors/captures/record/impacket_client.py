#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Sends the plan with impacket, whose NDR engine marshals structures made here from interface.py.

usage: impacket_client.py PORT [ndr64] [protocol2] [fragments]

protocol2: the first calls of protocol 3, then an alter_context for protocol 2 and its calls.
fragments: some requests in small fragments.
"""
import random
import sys

import interface
import plan

try:
    from impacket.dcerpc.v5 import ndr, rpcrt, transport
    from impacket.dcerpc.v5.dtypes import LONG, LPWSTR, NULL, ULONG, ULONGLONG, USHORT, WSTR
    from impacket.uuid import uuidtup_to_bin
except ImportError:
    sys.exit("python3-impacket is not installed")

NDR20 = ("8a885d04-1ceb-11c9-9fe8-08002b104860", "2.0")
FRAGMENT = 48
NDR64 = ("71710533-beba-4937-8319-b5dbef9ccc36", "1.0")


class Handle(ndr.NDRSTRUCT):
    align = 4
    structure = (("Data", "20s=b''"),)

    def getAlignment(self):
        return 4


class Octets(ndr.NDRUniConformantArray):
    item = "c"


class Part(ndr.NDRUniConformantVaryingArray):
    item = "c"


class PointedPart(ndr.NDRPOINTER):
    referent = (("Data", Part),)


NUMBERS = {"u16": USHORT, "u32": ULONG, "i32": LONG, "u64": ULONGLONG}
MADE = {"handle": Handle, "string": WSTR, "*string": LPWSTR, **NUMBERS}


def made(kind):
    """impacket's class for a type of interface.py."""
    if kind not in MADE:
        name, _ = interface.arguments(kind.lstrip("*"))
        if name == "octets":
            MADE[kind] = Octets
        elif name == "part":
            MADE[kind] = PointedPart if kind.startswith("*") else Part
        elif kind.startswith("*"):
            MADE[kind] = type("Pointer", (ndr.NDRPOINTER,),
                              {"referent": (("Data", made(kind[1:])),)})
        else:
            inner = interface.members(interface.STRUCTURES[kind])
            MADE[kind] = type(kind, (ndr.NDRSTRUCT,),
                              {"structure": tuple((name, made(k)) for name, k in inner)})
    return MADE[kind]


def fill(target, name, kind, value):
    """Sets a field of impacket's as a program that uses impacket sets it."""
    if value is None:
        target[name] = NULL
    elif kind == "handle":
        target[name] = bytes.fromhex(value)
    elif kind in ("string", "*string"):
        target[name] = value + "\0"
    elif kind in NUMBERS:
        target[name] = int(value)
    elif interface.arguments(kind.lstrip("*"))[0] in ("octets", "part"):
        target[name] = [bytes([octet]) for octet in bytes.fromhex(value)]
    else:
        for member, inner in interface.members(interface.STRUCTURES[kind.lstrip("*")]):
            fill(target[name], member, inner, value[member])


def call(method, params, version):
    fields = method.parameters("request", version)
    request = type(method.name, (ndr.NDRCALL,), {
        "opnum": method.opnum,
        "structure": tuple((name, made(kind)) for name, kind in fields)})()
    for name, kind in fields:
        fill(request, name, kind, params[name])
    return request


def send(connection, version, calls, syntax):
    """How many of the calls are answered with a fault."""
    faults = 0
    for _, name, params in calls:
        request = call(interface.BY_NAME[name], params, version)
        if syntax == NDR64:
            request.changeTransferSyntax(uuidtup_to_bin(NDR64))
        try:
            connection.call(request.opnum, request)
            connection.recv()
        except rpcrt.DCERPCException:
            faults += 1
    return faults


def main():
    port, options = sys.argv[1], sys.argv[2:]
    random.seed(1)  # impacket draws referents
    syntax = NDR64 if "ndr64" in options else NDR20
    connection = transport.DCERPCTransportFactory(f"ncacn_ip_tcp:127.0.0.1[{port}]").get_dce_rpc()
    connection.connect()
    if "fragments" in options:
        connection.set_max_fragment_size(FRAGMENT)
    sent = faults = 0
    for version, calls in plan.parts(options):
        identity = uuidtup_to_bin((interface.UUID, f"{version}.0"))
        if sent:
            connection = connection.alter_ctx(identity)
        else:
            connection.bind(identity, transfer_syntax=syntax)
        faults += send(connection, version, calls, syntax)
        sent += len(calls)
    connection.disconnect()
    print(f"{sent} calls sent, {faults} of them answered with a fault")


if __name__ == "__main__":
    main()
