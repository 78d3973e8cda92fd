#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Record Samba and impacket anew and let cmrp decode what they send.

The clients and the responder of vectors/captures/record are run here, with a relay between them
that notes what passes; the capture that is made of it has TCP frames of our own, and DCE/RPC of
theirs. Then `cmrp replay` must say of every call what the reader of that folder says and what the
client was told to send, and must find nothing but what is known to be wrong.
"""
import argparse
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

import traffic
import witness

RECORD = witness.VECTORS / "captures" / "record"
sys.path.insert(0, str(RECORD))
import check  # noqa: E402
import ndr  # noqa: E402
import responder  # noqa: E402
import samba_marshal  # noqa: E402

# name, whose stubs the answers have, client and its options
RECORDINGS = [
    ("samba-ndr_to_script", None, ["samba_client.py"]),
    ("samba-ndr64_to_script", None, ["samba_client.py", "ndr64"]),
    ("samba-bigendian_to_script", None, ["samba_client.py", "bigendian"]),
    ("samba-ndr64-bigendian_to_script", None, ["samba_client.py", "ndr64", "bigendian"]),
    ("impacket-ndr_to_samba-stubs", "samba", ["impacket_client.py"]),
    ("impacket-ndr64_to_samba-stubs", "samba", ["impacket_client.py", "ndr64"]),
    ("impacket-protocol2_to_script", None, ["impacket_client.py", "protocol2"]),
    ("impacket-fragments_to_script", None, ["impacket_client.py", "fragments"]),
]

# Labels of the plan whose batch is no batch: cmrp says so.
NO_BATCH = ("executebatch-odd", "executereadbatchex-odd")


class Relay:
    """Passes one connection on and notes what passed, in order."""

    def __init__(self, target):
        self.target, self.passed = target, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        client, _ = self.listener.accept()
        server = socket.create_connection(("127.0.0.1", self.target))
        back = threading.Thread(target=self.copy, args=("server", server, client), daemon=True)
        back.start()
        self.copy("client", client, server)
        back.join()

    def copy(self, side, source, target):
        try:
            while octets := source.recv(1 << 16):
                self.passed.append((side, octets))
                target.sendall(octets)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the other side is gone: what is missing shows in the capture

    def pcap(self):
        self.thread.join(20)
        self.listener.close()
        capture = traffic.Traffic()
        connection = capture.connection()
        for side, octets in self.passed:
            getattr(connection, side)(octets, size=32768)
        connection.close()
        return capture.pcap()


def record(marshal, client):
    """(the capture, what the client printed and its exit code)."""
    server = responder.Server(("127.0.0.1", 0), responder.Connection)
    server.target = server.server_address[1]
    server.say = lambda what: None
    server.marshal = samba_marshal.Marshal() if marshal else None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    relay = Relay(server.target)
    done = subprocess.run(["/usr/bin/python3", RECORD / client[0], str(relay.port), *client[1:]],
                          capture_output=True, text=True, check=False, timeout=120)
    capture = relay.pcap()
    server.shutdown()
    server.server_close()
    return capture, done


def expected_findings(call, label):
    """{(direction, offset, field)} of the gaps that must be found, and whether more may be."""
    found = set()
    for direction in ("request", "response"):
        if direction == "response" and call.fault is not None:
            continue
        try:
            _, reader = call.read(direction)
        except ndr.Malformed:
            return found, True
        found |= {(direction, offset, field) for offset, field in reader.gaps}
    return found, label in NO_BATCH


def compare_findings(verdict, name, call, label, line):
    gaps, more = expected_findings(call, label)
    frames = {line.get("request_frame"): "request", line.get("response_frame"): "response"}
    found, rest = set(), []
    for finding in line["findings"]:
        if finding["message"].startswith("the gap before "):
            found.add((frames.get(finding["frame"]), finding["offset"], finding["field"]))
        else:
            rest.append(finding)
    if not more:
        verdict.compare(f"{name} {label}: gaps", sorted(found), sorted(gaps), ("cmrp", "reader"))
        for finding in rest:
            verdict.complain(f"{name} {label}: {finding}")
    elif not rest:
        verdict.complain(f"{name} {label}: what is known to be wrong is not found")


def examine(cmrp, verdict, name, path):
    """Everything about one recording."""
    done = witness.run(cmrp, "replay", "-r", path, "-T", "json")
    path.with_suffix(".expected.jsonl").write_bytes(done.stdout)
    looked = check.Check()
    calls = looked.capture(path)
    looked.expected(path, calls)
    for problem in looked.problems:
        verdict.complain(problem)
    verdict.compared += sum(looked.counts.values())
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    lines = [line for line in lines if line["kind"] == "call"]
    entries = check.told(name)
    if not len(lines) == len(calls) == len(entries):
        verdict.complain(f"{name}: {len(lines)} calls decoded, {len(calls)} read, "
                         f"{len(entries)} planned")
        return 0
    for line, call, entry in zip(lines, calls, entries):
        compare_findings(verdict, name, call, entry[1], line)
    return len(calls)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cmrp", help="the program")
    options = parser.parse_args()
    for module, package in (("impacket", "python3-impacket"), ("samba", "python3-samba")):
        if subprocess.run(["/usr/bin/python3", "-c", f"import {module}"], check=False,
                          capture_output=True).returncode:
            witness.missing(module, package)
    if shutil.which("ndrdump") is None:
        witness.missing("Samba's library of this interface", "samba-testsuite")
    verdict, total = witness.Verdict(), 0
    with tempfile.TemporaryDirectory() as folder:
        for name, marshal, client in RECORDINGS:
            capture, done = record(marshal, client)
            if done.returncode:
                verdict.complain(f"{name}: the client ended with {done.returncode}: {done.stderr}")
                continue
            path = pathlib.Path(folder) / f"{name}.pcap"
            path.write_bytes(capture)
            total += examine(options.cmrp, verdict, name, path)
    return verdict.finish(f"{len(RECORDINGS)} recordings, {total} calls")


if __name__ == "__main__":
    sys.exit(main())
