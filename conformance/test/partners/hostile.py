#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Clients that mean harm, or have bad luck, against `cmrp serve`: octet by octet, never reading,
without end, cut off; no room on the disk, no descriptors; SIGTERM in the middle of it all.

All the time an honest client makes calls beside them: each must succeed, and soon.

usage: hostile.py CMRP [SCENE...]    all scenes unless told otherwise
"""
import argparse
import contextlib
import os
import pathlib
import random
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

import by_record  # noqa: F401  puts the folder of the witnesses on the path
import batches
import honest
import interface
import ndr
import pdus
import server
import traffic
import witness
from pdus import LITTLE, Wire

ALL, BINARY, SET, READ_VALUE = 0xF003F, 3, 1, 8
NO_MEMORY, FILE_NOT_FOUND, WRITE_FAULT, DISK_FULL = 0x1C00001B, 2, 29, 112
NODE_SHUTTING_DOWN, MORE_DATA = 5073, 234
MIB = 1 << 20
SLOWEST = 5  # seconds for a call of the honest client; a busy machine is slow
TROUBLE = (EOFError, OSError, ValueError, RuntimeError)


class Direct(server.Server):
    """A server without a program around it, with limits of the system."""

    limits = ()

    def start(self, log):
        return subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=log, preexec_fn=self.restrict)

    def restrict(self):
        for which, soft, hard in self.limits:
            resource.setrlimit(which, (soft, hard))

    def memory(self):
        """Octets that it occupies."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        return int(status.split("VmRSS:")[1].split()[0]) * 1024


class Scene:
    """What is compared, where, and for how long the honest client has waited."""

    def __init__(self, cmrp, verdict):
        self.cmrp, self.verdict, self.name, self.worst, self.calls = cmrp, verdict, "", 0, 0

    def same(self, what, got, expected):
        self.verdict.compare(f"{self.name}: {what}", got, expected, ("cmrp serve", "expected"))

    def holds(self, what, true):
        self.same(what, bool(true), True)

    @contextlib.contextmanager
    def server(self, *options, limits=(), beside=True):
        """A server with an honest client at it."""
        one = Direct(self.cmrp, *options)
        one.limits = limits
        with one:
            if not beside:
                yield one
                return
            with honest.Honest(one.port) as client:
                yield one
            self.same("the honest client", client.trouble, [])
            self.holds(f"its slowest call took {client.worst:.1f} s", client.worst < SLOWEST)
            self.worst, self.calls = max(self.worst, client.worst), self.calls + client.calls


def connect(port):
    return socket.create_connection(("127.0.0.1", port), pdus.WAIT)


def reset(one):
    """Ends a connection as a client that dies does."""
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    one.close()


def until(what, true):
    end = time.monotonic() + pdus.WAIT
    while not true():
        if time.monotonic() > end:
            raise RuntimeError(f"in vain: {what}")
        time.sleep(0.02)


def root_of(wire):
    return wire.ask("ApiGetRootKey", samDesired=ALL)["return"]


def set_value(wire, key, name, data):
    return wire.ask("ApiSetValue", hKey=key, lpValueName=name, dwType=BINARY, lpData=data.hex(),
                    cbData=len(data))["return"]


def stub_of(name, **params):
    return ndr.encode(interface.BY_NAME[name], "request", params)


def many(wire, name, count, **params):
    """Makes a call often, some at a time; the stubs of the answers."""
    opnum, stub, stubs = interface.BY_NAME[name].opnum, stub_of(name, **params), []
    while len(stubs) < count:
        some = min(500, count - len(stubs))
        wire.send(*(LITTLE.request(wire.next(), opnum, stub) for _ in range(some)))
        stubs += [wire.answer()[2] for _ in range(some)]
    return stubs


# ---- input --------------------------------------------------------------------------------------

def slowly(scene):
    """Octet by octet; half a bind; requests whose fragments take their time."""
    bind = LITTLE.bind(1, [(0, traffic.CLUSAPI, traffic.NDR20)])
    with scene.server("--limit", "idle=2500") as one:
        wire = Wire(one.port)
        key = root_of(wire)
        data = bytes(range(256)) * 60
        idle = [connect(one.port) for _ in range(400)]
        parts = LITTLE.fragments("request", wire.next(), stub_of(
            "ApiSetValue", hKey=key, lpValueName="slow", dwType=BINARY, lpData=data.hex(),
            cbData=len(data)), 2600, opnum=interface.BY_NAME["ApiSetValue"].opnum)
        for step, part in enumerate(parts):
            wire.send(part)
            for number, other in enumerate(idle):
                with contextlib.suppress(OSError):
                    other.send(bind[step:step + 1] if number % 2 else b"")
            time.sleep(0.5)
        scene.same("a request whose fragments came slowly", wire.answer()[2][-4:], bytes(4))
        until("half binds are closed", lambda: one.ctl("status")["connections"] == 2)
        scene.holds("the reason is logged", "no presentation context after 2500 ms" in one.log())
        for other in [*idle, wire.socket]:
            other.close()


def unfinished(scene):
    """First fragments by the hundred, never finished, then cut off."""
    limit = 8 * MIB
    with scene.server("--limit", f"memory={limit}") as one:
        before = one.memory()
        wires = [Wire(one.port) for _ in range(150)]
        for turn in range(30):
            for wire in wires:
                wire.send(LITTLE.request(7, 32, bytes(5000), 0, 0 if turn else traffic.FIRST))
        scene.same("still answered", one.ctl("status")["connections"], 151)
        scene.holds("the reason is logged", "the oldest is given up" in one.log())
        scene.holds("memory", sanitized(scene.cmrp) or one.memory() < before + 4 * limit)
        for wire in wires:
            reset(wire.socket)
        until("all are gone", lambda: one.ctl("status")["connections"] == 1)


def noise(draw):
    """A PDU of some kind, with something wrong."""
    words = b"".join(struct.pack("<I", draw.choice((0, 1, 2, 4, 0x20000, 0x7FFFFFFF, 0xFFFFFFFF)))
                     for _ in range(draw.randrange(30)))
    pdus_of = draw.choice((LITTLE, LITTLE, traffic.BIG))
    pdu = bytearray(draw.choice((
        lambda: pdus_of.request(draw.randrange(1, 99), draw.randrange(270), words),
        lambda: pdus_of.request(draw.randrange(9), draw.randrange(160), words, draw.randrange(3),
                                draw.randrange(256)),
        lambda: pdus_of.pdu(draw.randrange(25), draw.randrange(9), words, draw.randrange(256)),
        lambda: pdus_of.pdu(draw.choice((pdus.CANCEL, pdus.ORPHANED)), draw.randrange(9), b""),
        lambda: pdus_of.pdu(pdus.ALTER_CONTEXT, draw.randrange(9), LITTLE.pack("HHI", 5840, 5840, 0)
                            + Wire.contexts(*[(draw.randrange(99), traffic.NDR64)
                                              for _ in range(draw.randrange(1, 40))])),
        lambda: draw.randbytes(draw.randrange(60))))())
    for _ in range(draw.randrange(3) if pdu else 0):
        pdu[draw.randrange(min(len(pdu), 32))] = draw.randrange(256)
    return bytes(pdu)


def wrong(scene):
    """Whatever is no PDU, or none that fits, on connections that end in every way."""
    draw = random.Random(5)
    with scene.server() as one:
        for _ in range(1500):
            other = Wire(one.port).socket if draw.random() < 0.5 else connect(one.port)
            with contextlib.suppress(OSError):
                for _ in range(draw.randrange(8)):
                    other.sendall(noise(draw))
                if draw.random() < 0.5:
                    other.shutdown(socket.SHUT_WR)
            (reset if draw.random() < 0.5 else socket.socket.close)(other)
        until("all are gone", lambda: one.ctl("status")["connections"] == 1)
        scene.same("handles that are left", one.ctl("status")["handles"]["all"], 1)


def comings_and_goings(scene):
    """Association groups joined and left at speed, with calls that wait, cancelled and orphaned."""
    draw = random.Random(6)
    with scene.server() as one:
        wires = []
        for _ in range(1000):
            wire = Wire(one.port, draw.choice(wires).group if wires and draw.random() < 0.7 else 0)
            wires.append(wire)
            port = wire.ask("ApiCreateNotify")["return"]
            waiting = [wire.begin("ApiGetNotify", hNotify=port) for _ in range(4)]
            for call in [*waiting[:2], draw.randrange(1 << 31)]:
                wire.send(LITTLE.pdu(draw.choice((pdus.CANCEL, pdus.ORPHANED)), call, b""))
            if len(wires) > 20:
                reset(wires.pop(draw.randrange(len(wires))).socket)
        for wire in wires:
            reset(wire.socket)
        until("all are gone", lambda: one.ctl("status")["connections"] == 1)
        status = one.ctl("status")
        scene.same("what is left", (status["handles"]["all"], status["calls"]["waiting"]), (1, 0))


# ---- much ---------------------------------------------------------------------------------------

def handles(scene):
    """Those who have many leave some to those who have few."""
    with scene.server("--limit", "all-handles=20000") as one:
        greedy = [Wire(one.port) for _ in range(4)]
        for wire in greedy:
            many(wire, "ApiOpenCluster", 15000)
        scene.holds("most are taken", one.ctl("status")["handles"]["all"] > 15000)
        modest = Wire(one.port)
        scene.same("a modest one", [modest.ask("ApiOpenCluster")["Status"] for _ in range(20)],
                   [0] * 20)
        time.sleep(1.2)  # there is room for some lines again
        many(greedy[0], "ApiOpenCluster", 1)
        for wire in [*greedy, modest]:
            wire.socket.close()
        until("all are closed", lambda: one.ctl("status")["handles"]["all"] == 1)
        scene.holds("the log is short", len(one.log()) < MIB)
        scene.holds("and says so", "warnings are left out" in one.log())


def queues(scene):
    """Ports of both kinds that nobody reads."""
    bounds = (f"--limit=all-queues={2 * MIB}", f"--limit=all-batches={4 * MIB}")
    with scene.server(*bounds) as one:
        wire = Wire(one.port)
        root = root_of(wire)
        ports = [ndr.read(interface.BY_NAME["ApiCreateNotify"], "response", stub)[0]["return"]
                 for stub in many(wire, "ApiCreateNotify", 2000)]
        for port in ports:
            wire.ask("ApiAddNotifyKey", hNotify=port, hKey=root, dwNotifyKey=1, Filter=0x70,
                     WatchSubTree=1)
        many(wire, "ApiCreateBatchPort", 2000, hKey=root)
        before = one.memory()
        for _ in range(10):
            batch = batches.batch(*((SET, BINARY, f"v{i}", bytes(2000)) for i in range(100)))
            scene.same("a batch", wire.ask("ApiExecuteBatch", hKey=root, lpData=batch,
                                           cbData=len(batch) // 2)["return"], 0)
        scene.holds("memory", sanitized(scene.cmrp) or one.memory() < before + 20 * MIB)
        scene.holds("the mark", 0x80000 in (wire.ask("ApiGetNotify", hNotify=ports[0])["dwFilter"]
                                            for _ in range(1000)))
        wire.socket.close()


def large(scene):
    """Answers as large as they get; one that is too large costs its call only."""
    with scene.server() as one:
        wire = Wire(one.port)
        root = root_of(wire)
        scene.same("set", set_value(wire, root, "large", bytes(3 * MIB)), 0)
        for room, expected in ((0, MORE_DATA), (3 * MIB, 0)):
            got = wire.ask("ApiQueryValue", hKey=root, lpValueName="large", cbData=room)
            scene.same(f"room for {room}", got["return"], expected)
        for room in (40 * MIB, 0xFFFFFFFF):
            wire.begin("ApiQueryValue", hKey=root, lpValueName="large", cbData=room)
            scene.same(f"room for {room}", wire.answer()[1:], (traffic.FAULT, NO_MEMORY))
        # Much to look at for few octets.
        batch = batches.batch(*[(READ_VALUE, 0, "large", b"")] * 3000)
        wire.socket.settimeout(60)
        wire.begin("ApiExecuteReadBatch", hKey=root, lpInData=batch, cbInData=len(batch) // 2)
        reset(wire.socket)


def unread(scene):
    """Clients that never read what they have asked for."""
    limit = 16 * MIB
    with scene.server("--limit", f"all-output={limit}") as one:
        first = Wire(one.port)
        set_value(first, root_of(first), "large", bytes(2 * MIB))
        before = one.memory()
        wires = [Wire(one.port) for _ in range(50)]
        for wire in wires:
            root = root_of(wire)
            for _ in range(4):
                wire.begin("ApiQueryValue", hKey=root, lpValueName="large", cbData=8 * MIB)
        until("some are closed", lambda: "the client does not read its answers" in one.log())
        scene.same("others go on", first.ask("ApiGetClusterName")["return"], 0)
        scene.holds("memory", sanitized(scene.cmrp) or one.memory() < before + 6 * limit)
        for wire in [*wires, first]:
            reset(wire.socket)


# ---- the machine --------------------------------------------------------------------------------

def descriptors(scene):
    """None are left: who is there goes on, who waits is let in later."""
    with tempfile.TemporaryDirectory() as folder, scene.server(
            "--state", f"{folder}/state", limits=[(resource.RLIMIT_NOFILE, 64, 64)]) as one:
        others = [connect(one.port) for _ in range(200)]
        until("it says so", lambda: "new clients wait" in one.log())
        time.sleep(0.7)
        scene.same("once", one.log().count("new clients wait"), 1)
        for other in others:
            other.close()
        wire = Wire(one.port)
        scene.same("later", wire.ask("ApiGetClusterName")["return"], 0)
        wire.socket.close()


def full_disk(scene):
    """A state file that may not grow: changes fail, nothing has changed; then it goes on."""
    limit = (resource.RLIMIT_FSIZE, 300000, resource.RLIM_INFINITY)
    with tempfile.TemporaryDirectory() as folder:
        state = ("--state", f"{folder}/state")
        with scene.server(*state, limits=[limit], beside=False) as one:
            wire = Wire(one.port)
            root = root_of(wire)
            data, kept = bytes(20000), []
            for number in range(30):
                status = set_value(wire, root, f"v{number}", data)
                got = wire.ask("ApiQueryValue", hKey=root, lpValueName=f"v{number}",
                               cbData=len(data))["return"]
                scene.holds(f"value {number}: {status}, {got}",
                            (status, got) in ((0, 0), (WRITE_FAULT, FILE_NOT_FOUND),
                                              (DISK_FULL, FILE_NOT_FOUND)))
                kept += [f"v{number}"] * (not status)
            scene.holds("some failed, some did not", 0 < len(kept) < 30)
            batch = batches.batch(*((SET, BINARY, f"w{i}", data) for i in range(20)))
            ask = {"hKey": root, "lpData": batch, "cbData": len(batch) // 2}
            scene.holds("a batch", wire.ask("ApiExecuteBatch", **ask)["return"])
            scene.same("nothing of it", wire.ask("ApiQueryValue", hKey=root, lpValueName="w0",
                                                 cbData=4)["return"], FILE_NOT_FOUND)
            scene.same("the reason is logged", one.log().count("changes fail:"), 1)
            resource.prlimit(one.process.pid, limit[0], (limit[2], limit[2]))
            scene.same("with room", wire.ask("ApiExecuteBatch", **ask)["return"], 0)
            kept.append("w19")
        with scene.server(*state, beside=False) as one:
            wire = Wire(one.port)
            root = root_of(wire)
            for name in kept:
                scene.same(name, wire.ask("ApiQueryValue", hKey=root, lpValueName=name,
                                          cbData=len(data))["return"], 0)
            other = subprocess.run([scene.cmrp, "serve", *state], capture_output=True, text=True,
                                   timeout=pdus.WAIT, check=False)
            scene.same("a second server", (other.returncode, "in use" in other.stderr), (2, True))
            shutil.move(f"{folder}/state", f"{folder}/elsewhere")
            scene.same("a file that was moved", set_value(wire, root, "gone", b""), WRITE_FAULT)


# ---- the end ------------------------------------------------------------------------------------

def blocked(wire):
    """Lets calls of all four kinds wait on a connection: {call identifier: method}."""
    root = root_of(wire)
    first, second = (wire.ask(f"ApiCreateNotify{kind}")["return"] for kind in ("", "V2"))
    port = wire.ask("ApiCreateBatchPort", hKey=root)["phBatchPort"]
    return {wire.begin(name, **handle): name for _ in range(5) for name, handle in (
        ("ApiGetNotify", {"hNotify": first}), ("ApiGetNotifyAsync", {"hNotify": first}),
        ("ApiGetNotifyV2", {"hNotify": second}),
        ("ApiGetBatchNotification", {"hBatchNotify": port}))}


def end(scene):
    """SIGTERM: whoever waits is answered first, whoever does not read holds nobody up."""
    with scene.server(beside=False) as one:
        wires = [Wire(one.port) for _ in range(25)]
        waiting = [blocked(wire) for wire in wires]
        until("all wait", lambda: one.ctl("status")["calls"]["waiting"] == 500)
        deaf, half = Wire(one.port), Wire(one.port)
        root = root_of(deaf)
        set_value(deaf, root, "large", bytes(3 * MIB))
        for _ in range(3):
            deaf.begin("ApiQueryValue", hKey=root, lpValueName="large", cbData=3 * MIB)
        half.send(LITTLE.request(half.next(), 113, bytes(1000), 0, traffic.FIRST))
        time.sleep(0.2)
        began = time.monotonic()
        one.process.send_signal(signal.SIGTERM)
        for wire, calls in zip(wires, waiting):
            got = {}
            while len(got) < len(calls):
                call, kind, stub = wire.answer()
                answer = pdus.read(calls[call], stub) if kind == pdus.RESPONSE else {}
                got[call] = answer.get("return")
            scene.same("what waited", got, dict.fromkeys(calls, NODE_SHUTTING_DOWN))
            wire.socket.close()
        scene.same("exit code", one.process.wait(pdus.WAIT), 0)
        scene.holds("within seconds", time.monotonic() - began < 8)


SCENES = (slowly, unfinished, wrong, comings_and_goings, handles, queues, large, unread,
          descriptors, full_disk, end)


def sanitized(cmrp):
    """Whether memory is no measure: what was freed is kept for a while."""
    return b"__asan_init" in pathlib.Path(cmrp).read_bytes()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cmrp", type=pathlib.Path, help="the program")
    parser.add_argument("scenes", nargs="*", metavar="SCENE",
                        help=", ".join(scene.__name__ for scene in SCENES))
    options = parser.parse_args()
    verdict = witness.Verdict()
    scene = Scene(options.cmrp, verdict)
    for play in SCENES:
        if options.scenes and play.__name__ not in options.scenes:
            continue
        scene.name, began = play.__name__, time.monotonic()
        try:
            play(scene)
        except TROUBLE as error:
            verdict.complain(f"{scene.name}: {type(error).__name__}: {error}")
        print(f"{scene.name}: {time.monotonic() - began:.1f} s", flush=True)
    return verdict.finish(f"{scene.calls} honest calls, the slowest {scene.worst * 1000:.0f} ms")


if __name__ == "__main__":
    sys.exit(main())
