#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reads recordings with the reader of this folder and says what is not as it should be.

Every request of a client that was told what to send (plan.py) must say just that; what a client is
known to do wrong is listed, and must be wrong still. Every answer must be readable. With
--expected, the decoded lines beside a capture must say the same as this reader, call by call.

usage: check.py [--expected] [CAPTURE.pcap…] | --closed CAPTURE.pcap

Without captures: all of this project.

--closed: exit code 0 once all connections in the capture are closed.
"""
import argparse
import collections
import json
import pathlib
import re
import sys

import answers
import batches
import interface
import ndr
import plan
import wire

HERE = pathlib.Path(__file__).resolve().parent

# Clients that are told what to send, and how.
TOLD = re.compile("(samba|impacket)(-ndr|-ndr64|-bigendian|-protocol2|-fragments)+_to_")

# What programs do wrong: capture (prefix), direction, method, label (prefix), what this reader
# says, why.
DEFECTS = [
    ("samba-", "request", "ApiDeleteGroup", "", "4 octets wanted, 1 left",
     "Samba sends force as one octet"),
    ("samba-", "request", "ApiAddNotifyKey", "", "4 octets wanted, 1 left",
     "Samba sends WatchSubTree as one octet"),
    ("samba-", "request", "ApiAddNotifyV2", "", "4 octets wanted, 1 left",
     "Samba sends isTargetedAtObject as one octet"),
    ("impacket-ndr", "request", "ApiCreateKey", "createkey-security-room",
     "cbInSecurityDescriptor is 32",
     "impacket sends the octets that are there as max_count, whatever size_is says"),
    ("impacket-ndr64", "request", "ApiCreateKey", "createkey-security-null",
     "4 octets wanted, 0 left",
     "impacket leaves out the gap at the end of a structure of NDR64"),
    ("impacket-ndr", "response", "ApiGetNotifyV2", "getnotifyv2", "",
     "Samba sends a dwNotifyKey as a pointer to it"),
]


def told(name):
    """What the client of a capture was told to send: [(version, label, method, parameters)]."""
    if not name.endswith(("_to_script", "_to_samba-stubs")) or not TOLD.match(name):
        return None
    client, _ = name.split("_to_")
    return [(version, *entry) for version, entries in plan.parts(client.split("-"))
            for entry in entries]


def defect(name, direction, method, label):
    if direction == "response" and label.endswith(("-stale", "-key-0")):
        return None  # nothing there to be wrong
    return next((entry for entry in DEFECTS if name.startswith(entry[0])
                 and entry[1:3] == (direction, method) and label.startswith(entry[3])), None)


class Check:
    def __init__(self):
        self.problems, self.counts = [], collections.Counter()
        self.seen = collections.Counter()

    def complain(self, name, call, what):
        method = call.method.name if call.method else f"opnum {call.opnum}"
        self.problems.append(f"{name}: call {call.identifier} ({method}): {what}")

    def read(self, name, call, direction, expected):
        """The parameters, or None; expected is the call's entry of the plan, or None."""
        label = expected[1] if expected else ""
        known = defect(name, direction, call.method.name, label)
        try:
            params, _ = call.read(direction)
        except ndr.Malformed as error:
            self.counts[f"{direction}s with a known defect"] += known is not None
            self.seen[known] += 1
            if known is None or known[4] not in str(error):
                self.complain(name, call, f"{direction}: {error}")
            return None
        self.counts[f"{direction}s read"] += 1
        if known is not None:
            self.complain(name, call, f"\"{known[5]}\" is out of date")
        return params

    def request(self, name, call, expected):
        params = self.read(name, call, "request", expected)
        if params is not None and expected and (call.version, call.method.name, params) \
                != (expected[0], expected[2], expected[3]):
            self.complain(name, call, f"{params}, not {expected}")
        if params is not None:
            self.again(name, call, params)

    def again(self, name, call, params):
        """What was read, written again: the same octets, where they leave no choice."""
        _, reader = call.read("request")
        if ndr.canonical(reader):
            written = ndr.encode(call.method, "request", params, call.version, call.wide, call.big)
            self.counts["requests written again"] += 1
            if written != call.request:
                self.complain(name, call, f"{call.request.hex()}, written again {written.hex()}")

    def handles(self, name, calls):
        """A handle in a request is one that an earlier answer gave, in whatever byte order. (What
        the script answers has no state.)"""
        given = {answers.NULL}
        for call in calls if name.endswith("_to_cmrp-serve") else ():
            if call.method is None:
                continue
            for value in handles(call, "request"):
                self.counts["handles known from answers"] += 1
                if value not in given:
                    self.complain(name, call, f"no answer gave the handle {value}")
            if call.answered and call.fault is None:
                given.update(handles(call, "response"))

    def response(self, name, call, expected):
        if not call.answered:
            self.complain(name, call, "no answer")
        elif call.fault is not None:
            self.counts["faults"] += 1
        else:
            params = self.read(name, call, "response", expected)
            if params is not None and expected:
                result = answers.answer(call.method, expected[3], call.version)
                if normal(params) != normal(result):
                    self.complain(name, call, f"{params}, not {result}")

    def capture(self, path):
        calls, entries = wire.calls(path.read_bytes()), told(path.stem)
        if not calls and "privacy" not in path.stem:  # sealed
            self.problems.append(f"{path.stem}: no calls")
        if entries is not None and len(entries) != len(calls):
            self.problems.append(f"{path.stem}: {len(calls)} calls, {len(entries)} planned")
            return calls
        for number, call in enumerate(calls):
            if call.method is None:
                self.counts["calls of other methods"] += 1
                continue
            expected = entries[number] if entries else None
            self.request(path.stem, call, expected)
            self.response(path.stem, call, expected)
        self.handles(path.stem, calls)
        return calls

    def expected(self, path, calls):
        """The decoded lines against this reader."""
        lines = [json.loads(line) for line
                 in path.with_suffix(".expected.jsonl").read_text("utf-8").splitlines()]
        found = {(int(line["client"].rsplit(":", 1)[1]), line["call_id"], line["opnum"]): line
                 for line in lines if line["kind"] == "call"}
        for call in calls:
            if call.opnum not in interface.ALL:
                continue
            line = found.get((call.client, call.identifier, call.opnum))
            if line is None:
                self.complain(path.stem, call, "no decoded line")
                continue
            for direction in ("request", "response"):
                self.direction(path.stem, call, direction, line)

    def direction(self, name, call, direction, line):
        if direction == "response" and call.fault is not None:
            if line["state"] != "fault" or line["fault"] != call.fault:
                self.complain(name, call, f"a fault, not {line}")
            return
        try:
            params, _ = call.read(direction)
        except ndr.Malformed:
            if direction in line or not line["findings"]:
                self.complain(name, call, f"malformed {direction}, but decoded: {line}")
            return
        decoded = normal(line.get(direction))
        self.counts["decoded lines compared"] += 1
        if decoded != normal(params):
            self.complain(name, call, f"{direction}: decoded {decoded}, read {params}")


def handles(call, direction):
    try:
        params, _ = call.read(direction)
    except ndr.Malformed:
        return []  # which is complained about already
    return [params[name] for name, kind in call.method.parameters(direction, call.version)
            if kind == "handle"]


def normal(value):
    """Without what only decoding adds; a batch as hex."""
    if isinstance(value, list):
        return [normal(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "commands" in value:
        return batches.octets(value)
    return {key: normal(item) for key, item in value.items()
            if not key.endswith(("_names", "_payload"))}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--expected", action="store_true")
    parser.add_argument("--closed", action="store_true")
    parser.add_argument("captures", nargs="*", type=pathlib.Path, metavar="CAPTURE.pcap",
                        default=sorted(HERE.parent.glob("*_to_*.pcap")))
    options = parser.parse_args()
    if options.closed:
        return 0 if wire.closed(options.captures[0].read_bytes()) else 1
    check = Check()
    for path in options.captures:
        calls = check.capture(path)
        if options.expected:
            check.expected(path, calls)
        for entry in DEFECTS:
            planned = [e for e in told(path.stem) or ()
                       if defect(path.stem, entry[1], e[2], e[1]) == entry]
            if planned and not check.seen[entry]:
                check.problems.append(f"{path.stem}: \"{entry[5]}\" is out of date")
    print(*check.problems, sep="\n", end="\n" if check.problems else "")
    print(", ".join(f"{count} {what}" for what, count in sorted(check.counts.items()))
          + f"; {len(check.problems)} problems")
    return 1 if check.problems else 0


if __name__ == "__main__":
    sys.exit(main())
