#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every notification and batch method through impacket and python3-samba against `cmrp serve`.

Their requests, over their connections; the answers are read by the reader of the recordings, and
what they say is compared with the specification. Each session is recorded, replayed and judged.

usage: calls.py CMRP impacket|samba [--keep DIR]    DIR: recordings are left there
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile
import traceback

import by_record  # noqa: F401  puts the folder of the witnesses on the path
import batch_ports
import judge
import network
import stage
import version1
import version2
import witness

PLAYS = (version1, version2, batch_ports)
SESSIONS = {
    "impacket": [("impacket-ndr", []), ("impacket-ndr64", ["ndr64"])],
    "samba": [("python3-samba-ndr", []), ("python3-samba-ndr64", ["ndr64"]),
              ("python3-samba-bigendian", ["bigendian"]),
              ("python3-samba-ndr64-bigendian", ["ndr64", "bigendian"])],
}
MODULES = {"impacket": ("impacket", "python3-impacket"), "samba": ("samba", "python3-samba")}

# What is left with --keep: the other sessions say the same in other syntaxes.
KEPT = ("impacket-ndr", "python3-samba-ndr64-bigendian")

# The methods that each session must call, and be answered without a fault.
METHODS = {*range(55, 66), 90, 91, 99, 100, 107, 113, 114, 115, 116, 137, 138, 139, 145, 147, 155,
           157}


# What the requests that are to be refused break: CASE-GLOB of cmrp conform.
ON_PURPOSE = [(f"{rule}/client@*", "on purpose") for rule in (
    "filter-cluster-p3", "filter-node-p3", "filter-v2", "filter-v2-group", "filter-v2-version",
    "filter-resource-type", "batch-command-reserved", "notify-handle-kind", "notify-handle-unknown",
    "notify-handle-after-close", "group-handle-kind", "batch-port-handle-after-close")]

# Ports are closed while a call waits.
CLOSING = [(f"port-v{version}-unblock/client@*", "on purpose") for version in (1, 2)]

# impacket fills gaps with octets of its own.
TOLERATED = {"impacket": ("the gap before ",), "samba": ()}


def session(verdict, options, words, plays):
    """The recorder of a session in which these plays were played."""
    with stage.Stage(options.cmrp, verdict, options.partner, words) as where:
        reader = where.connect()
        waiter = where.connect(beside=reader)
        actor = where.connect()
        for play in plays:
            play(where, reader, waiter, actor)
    return where.record


def sessions(verdict, options, folder, name, words):
    """What is served, and what is refused; returns the number of calls."""
    record = session(verdict, options, words, [play.play for play in PLAYS])
    served = {call.opnum for call in record.calls() if call.answered and call.fault is None}
    verdict.compare(f"{name}: methods", sorted(METHODS & served), sorted(METHODS),
                    ("served", "expected"))
    kept = options.keep if name in KEPT else None
    path = (kept or folder) / f"{name}_to_cmrp-serve.pcap"
    path.write_bytes(record.octets())
    known, tolerated = judge.offers(words), TOLERATED[options.partner]
    count = judge.session(verdict, options.cmrp, name, path, len(METHODS), [*known, *CLOSING],
                          tolerated)
    record = session(verdict, options, words, [play.wrong for play in PLAYS])
    path = folder / f"{name}-refused.pcap"
    path.write_bytes(record.octets())
    return count + judge.session(verdict, options.cmrp, f"{name}, refused", path, 20,
                                 [*known, *ON_PURPOSE], tolerated)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cmrp", type=pathlib.Path, help="the program")
    parser.add_argument("partner", choices=SESSIONS)
    parser.add_argument("--keep", type=pathlib.Path, metavar="DIR")
    options = parser.parse_args()
    module, package = MODULES[options.partner]
    if subprocess.run(["/usr/bin/python3", "-c", f"import {module}"], check=False,
                      capture_output=True).returncode:
        witness.missing(module, package)
    network.enter()
    verdict, total = witness.Verdict(), 0
    with tempfile.TemporaryDirectory() as scratch:
        for name, words in SESSIONS[options.partner]:
            try:
                total += sessions(verdict, options, pathlib.Path(scratch), name, words)
            except stage.TROUBLE as error:
                verdict.complain(f"{name}: {type(error).__name__}: {error}")
                traceback.print_exc()
    return verdict.finish(f"{len(SESSIONS[options.partner])} sessions, {total} calls")


if __name__ == "__main__":
    sys.exit(main())
