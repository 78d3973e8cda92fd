#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A client that does no harm, beside those that do: calls again and again until its standard input
ends, and tells as JSON how many calls it made, how long the slowest took, and what went wrong.

usage: honest.py PORT
"""
import json
import select
import subprocess
import sys
import time

import by_record  # noqa: F401  puts the folder of the witnesses on the path
import pdus

ALL, DATA, PAUSE = 0xF003F, "00" * 100, 0.002


class Honest:
    """with Honest(port) as honest: …    honest.calls, honest.worst and honest.trouble afterwards"""

    def __init__(self, port):
        self.port, self.process = port, None
        self.calls, self.worst, self.trouble = 0, 0, []

    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, __file__, str(self.port)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdout.readline()  # it is connected
        return self

    def __exit__(self, *_):
        told = json.loads(self.process.communicate(timeout=60)[0])
        self.calls, self.worst, self.trouble = told["calls"], told["worst"], told["trouble"]


def calls(wire, root):
    """(name, whether its answer is right) of each call, made one by one."""
    yield "ApiGetClusterName", not wire.ask("ApiGetClusterName")["return"]
    yield "ApiSetValue", not wire.ask("ApiSetValue", hKey=root, lpValueName="honest", dwType=3,
                                      lpData=DATA, cbData=len(DATA) // 2)["return"]
    got = wire.ask("ApiQueryValue", hKey=root, lpValueName="honest", cbData=len(DATA) // 2)
    yield "ApiQueryValue", (got["return"], got["lpData"]) == (0, DATA)


def main():
    told = {"calls": 0, "worst": 0, "trouble": []}
    wire = pdus.Wire(int(sys.argv[1]))
    root = wire.ask("ApiGetRootKey", samDesired=ALL)["return"]
    print("connected", flush=True)
    try:
        while not select.select([sys.stdin], [], [], PAUSE)[0]:
            before = time.monotonic()
            for name, right in calls(wire, root):
                now = time.monotonic()
                told["worst"], before = max(told["worst"], now - before), now
                told["calls"] += 1
                if not right:
                    told["trouble"].append(f"{name} failed")
    except (EOFError, OSError, ValueError) as error:
        told["trouble"].append(f"{type(error).__name__}: {error}")
    told["trouble"] = told["trouble"][:5]
    print(json.dumps(told))


if __name__ == "__main__":
    main()
