#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What no partner does, PDU by PDU against `cmrp serve`: several calls on one connection at a time,
cancel and orphaned, both transfer syntaxes on one connection, handles of others, wrong stubs.

The PDUs and stubs are made and read by code of the witnesses and the recordings alone. The session
is recorded, replayed and judged.

usage: pdus.py CMRP [--keep DIR]    DIR: the recording is left there
"""
import argparse
import pathlib
import socket
import struct
import sys
import tempfile

import by_record  # noqa: F401  puts the folder of the witnesses on the path
import interface
import judge
import ndr
import network
import responder
import samba_marshal
import stage
import traffic
import version1
import witness

NAME = "pdus"
WAIT = 20
FRAGMENT = 5840 - 24  # octets of stub in the largest fragment of the bind
LITTLE = traffic.LITTLE
CANCEL, ORPHANED, ALTER_CONTEXT = 18, 19, 14
WHOLE, CONC_MPX = traffic.FIRST | traffic.LAST, 0x10
RESPONSE, FAULT = traffic.RESPONSE, traffic.FAULT
BAD_STUB, NO_OPNUM, MISMATCH, CANCELLED = 0x6F7, 0x1C010002, 0x1C00001A, 0x4C7
NDR, WIDE, FEATURES = 0, 1, 2  # presentation contexts
# Bind-time feature negotiation [MS-RPCE 3.3.1.5.3]: KeepConnectionOnOrphanSupported
KEEP_ON_ORPHAN = ("6cb71c2c-9812-4540-0200-000000000000", 1, 0)

# What is broken on purpose: CASE-GLOB of cmrp conform; how messages about it begin; calls that are
# orphaned, or whose connection ends.
ON_PURPOSE = [(f"{rule}/client@*", "on purpose") for rule in ("encoding", "cluster-handle-unknown")]
WRONG = ("Cluster is cut short", "WatchSubTree is cut short")
UNANSWERED = 2


class Wire:
    """A connection, PDU by PDU."""

    def __init__(self, port, group=0):
        self.socket = socket.create_connection(("127.0.0.1", port), WAIT)
        self.number = 0
        body = LITTLE.pack("HHI", 5840, 5840, group)
        body += self.contexts((NDR, traffic.NDR20), (FEATURES, KEEP_ON_ORPHAN))
        self.send(LITTLE.pdu(traffic.BIND, self.next(), body, WHOLE | CONC_MPX))
        self.ack = self.pdu()
        if self.ack.kind == traffic.BIND_ACK:
            self.group = self.ack.unpack("I", 4)[0]

    @staticmethod
    def contexts(*wanted):
        body = bytes([len(wanted), 0, 0, 0])
        for identifier, transfer in wanted:
            body += LITTLE.pack("HBB", identifier, 1, 0)
            body += LITTLE.syntax(traffic.CLUSAPI) + LITTLE.syntax(transfer)
        return body

    def next(self):
        self.number += 1
        return self.number

    def send(self, *octets):
        self.socket.sendall(b"".join(octets))

    def take(self, size):
        octets = b""
        while len(octets) < size:
            more = self.socket.recv(size - len(octets))
            if not more:
                raise EOFError("the server hung up")
            octets += more
        return octets

    def pdu(self):
        header = self.take(16)
        return responder.Pdu(header + self.take(struct.unpack_from("<H", header, 8)[0] - 16))

    def begin(self, name, context=NDR, **params):
        """Sends a request; its call identifier."""
        method = interface.BY_NAME[name]
        stub = ndr.encode(method, "request", params, wide=context == WIDE)
        return self.begin_stub(method.opnum, stub, context)

    def begin_stub(self, opnum, stub, context=NDR):
        call = self.next()
        self.send(*LITTLE.fragments("request", call, stub, FRAGMENT, opnum=opnum,
                                    context=context))
        return call

    def answer(self):
        """(call identifier, PDU type, stub or fault status) of the next answer."""
        pdu = self.pdu()
        stub = pdu.body[8:]
        while not pdu.flags & traffic.LAST:
            pdu = self.pdu()
            stub += pdu.body[8:]
        return pdu.call, pdu.kind, pdu.unpack("I", 8)[0] if pdu.kind == FAULT else stub

    def ask(self, name, context=NDR, **params):
        call = self.begin(name, context, **params)
        got, kind, stub = self.answer()
        if (got, kind) != (call, RESPONSE):
            raise ValueError(f"{name}: call {got} answered with PDU type {kind}, {stub}")
        return read(name, stub, context)


def read(name, stub, context=NDR):
    return ndr.read(interface.BY_NAME[name], "response", stub, wide=context == WIDE)[0]


def concurrent(where, wire, actor):
    """Calls that wait, on one connection, do not hold up each other nor any other."""
    where.same("concurrent multiplexing", bool(wire.ack.flags & CONC_MPX), True)
    cluster = wire.ask("ApiOpenCluster")["return"]
    ports = [wire.ask("ApiCreateNotify")["return"] for _ in range(4)]
    for key, port in enumerate(ports[:2]):
        wire.ask("ApiAddNotifyCluster", hNotify=port, hCluster=cluster, dwNotifyKey=key,
                 dwFilter=version1.GROUP_ADDED if key else version1.GROUP_DELETED)
    calls = [wire.begin("ApiGetNotify", hNotify=port) for port in ports]
    where.blocked(4)
    where.same("others pass", wire.ask("ApiGetClusterName")["return"], 0)
    group = actor.ask("ApiCreateGroup", lpszGroupName="Concurrent")["return"]
    call, _, stub = wire.answer()
    where.same("the call of the port that has something",
               (call, read("ApiGetNotify", stub)["Name"]), (calls[1], "Concurrent"))
    unblock = wire.begin("ApiUnblockGetNotifyCall", hNotify=ports[2])
    got = sorted((call, struct.unpack("<I", stub[-4:])[0]) for call, _, stub in
                 (wire.answer(), wire.answer()))
    where.same("unblocked on the same connection", got, [(calls[2], 1), (unblock, 0)])
    actor.ask("ApiDeleteGroup", Group=group, force=0)
    where.same("the first one", wire.answer()[0], calls[0])
    return ports, calls[3]


def cancelled(where, wire, ports, waiting):
    """co_cancel is answered, orphaned is not; the connection goes on."""
    wire.send(LITTLE.pdu(CANCEL, waiting, b""))
    call, _, stub = wire.answer()
    where.same("cancelled", (call, read("ApiGetNotify", stub)),
               (waiting, {**version1.NOTHING, "return": CANCELLED}))
    lost = wire.begin("ApiGetNotify", hNotify=ports[3])
    where.blocked(1)
    wire.send(LITTLE.pdu(ORPHANED, lost, b""))
    where.blocked(0)
    where.same("afterwards", wire.ask("ApiGetClusterName")["return"], 0)


def syntaxes(where, wire):
    """NDR64 beside NDR20, after alter_context."""
    body = LITTLE.pack("HHI", 5840, 5840, wire.group) + wire.contexts((WIDE, traffic.NDR64))
    wire.send(LITTLE.pdu(ALTER_CONTEXT, wire.next(), body))
    where.same("alter_context", wire.pdu().kind, responder.ALTER_RESP)
    narrow, wide = wire.ask("ApiGetClusterName"), wire.ask("ApiGetClusterName", WIDE)
    where.same("the same in both", wide, narrow)


def wrong(where, wire, other):
    """Faults: handles of another association, opnums and stubs that are none."""
    handle = wire.ask("ApiOpenCluster")["return"]
    samba = samba_marshal.Marshal()
    root = wire.ask("ApiGetRootKey", samDesired=0x02000000)["return"]
    short = samba.request(interface.BY_NAME["ApiAddNotifyKey"], {
        "hNotify": wire.ask("ApiCreateNotify")["return"], "hKey": root, "dwNotifyKey": 1,
        "Filter": 0x70, "WatchSubTree": 1})
    for what, one, opnum, stub, status in (
            ("a handle of another association", other, 1, bytes.fromhex(handle), MISMATCH),
            ("an opnum beyond the last", wire, 300, b"", NO_OPNUM),
            ("a stub that is cut off", wire, 1, bytes(19), BAD_STUB),
            ("a BOOL of one octet, as Samba sends it", wire, 61, short, BAD_STUB)):
        call = one.begin_stub(opnum, stub)
        where.same(what, one.answer(), (call, FAULT, status))
    where.same("afterwards", wire.ask("ApiCloseCluster", Cluster=handle)["return"], 0)


def rundown(where, port):
    """Handles live as long as one connection of their association does; then ports go too."""
    first = Wire(port)
    second = Wire(port, first.group)
    handle = first.ask("ApiCreateNotify")["return"]
    first.socket.close()
    second.begin("ApiGetNotify", hNotify=handle)
    where.blocked(1)
    second.socket.close()
    where.blocked(0)


def fragments(where, wire):
    """A request in fragments, and an answer in several."""
    root = wire.ask("ApiGetRootKey", samDesired=0x02000000)["return"]
    method, data = interface.BY_NAME["ApiSetValue"], bytes(range(256)) * 60
    stub = ndr.encode(method, "request", {
        "hKey": root, "lpValueName": "Large", "dwType": 3, "lpData": data.hex(),
        "cbData": len(data)})
    call = wire.next()
    wire.send(*LITTLE.fragments("request", call, stub, 4096, opnum=method.opnum))
    got, kind, stub = wire.answer()
    where.same("set", (got, kind, read("ApiSetValue", stub)["return"]), (call, RESPONSE, 0))
    got = wire.ask("ApiQueryValue", hKey=root, lpValueName="Large", cbData=len(data))
    where.same("the same value", got["lpData"], data.hex())
    wire.ask("ApiDeleteValue", hKey=root, lpValueName="Large")


def play(where):
    wire, actor = Wire(where.record.port), Wire(where.record.port)
    where.name = "concurrent calls"
    ports, waiting = concurrent(where, wire, actor)
    cancelled(where, wire, ports, waiting)
    where.name = "syntaxes"
    syntaxes(where, wire)
    where.name = "fragments"
    fragments(where, wire)
    where.name = "faults"
    wrong(where, wire, actor)
    where.name = "rundown"
    rundown(where, where.record.port)
    for one in (wire, actor):
        one.socket.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cmrp", type=pathlib.Path, help="the program")
    parser.add_argument("--keep", type=pathlib.Path, metavar="DIR")
    options = parser.parse_args()
    network.enter()
    verdict, calls = witness.Verdict(), 0
    with tempfile.TemporaryDirectory() as scratch:
        try:
            with stage.Stage(options.cmrp, verdict, "", []) as where:
                play(where)
            path = (options.keep or pathlib.Path(scratch)) / f"{NAME}_to_cmrp-serve.pcap"
            path.write_bytes(where.record.octets())
            calls = judge.session(verdict, options.cmrp, NAME, path, 20,
                                  [*judge.offers(), *ON_PURPOSE], WRONG, UNANSWERED)
        except stage.TROUBLE as error:
            verdict.complain(f"{where.name}: {type(error).__name__}: {error}")
    return verdict.finish(f"{calls} calls")


if __name__ == "__main__":
    sys.exit(main())
