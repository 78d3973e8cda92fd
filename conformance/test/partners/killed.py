#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`cmrp serve --state` killed (SIGKILL) in the middle of batches, again and again on the same file.

Several clients execute batches without a pause until the server dies at a moment drawn by chance.
The next server on the file must hold every batch that was acknowledged, whole; the one of each
client that was under way, whole or not at all; and nothing else.

usage: killed.py CMRP [ROUNDS [SEED]]    100 rounds unless told otherwise
"""
import argparse
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import threading
import time

import by_record  # noqa: F401  puts the folder of the witnesses on the path
import batches
import server
import witness
from pdus import Wire

CLIENTS, VALUES, LONGEST = 4, 24, 600
# A process that dies takes nothing of a file along, on a disk or not; where memory is a file
# system, no round waits for the disk.
MEMORY = next((path for path in ("/dev/shm",) if os.access(path, os.W_OK)), None)
ALL = 0xF003F
SET, CREATE, DELETE_VALUE, READ, BINARY = 1, 2, 4, 8, 3
DEAD = (EOFError, OSError)


def content(client, number, index):
    """The data of a value: nobody else's."""
    return struct.pack("<III", client, number, index) * (1 + (number + index) % LONGEST // 12)


def batch(client, number):
    """Makes a key of its own with values, and counts the batches of this client."""
    values = [(SET, BINARY, f"v{index}", content(client, number, index)) for index in range(VALUES)]
    return batches.batch((SET, BINARY, f"count{client}", struct.pack("<I", number)),
                         (CREATE, 0, f"c{client}\\b{number}", b""), *values,
                         (SET, BINARY, "gone", b"x"), (DELETE_VALUE, 0, "gone", b""))


class Mortal(server.Server):
    """A server that may be killed."""

    def start(self, log):
        return subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=log)

    def end(self):
        self.process.kill()
        self.process.wait()
        return 0


class Client(threading.Thread):
    """Executes batches until the server dies."""

    def __init__(self, index, port, first):
        super().__init__(daemon=True)
        self.index, self.port, self.sent = index, port, first
        self.acknowledged, self.trouble = first, None

    def run(self):
        try:
            wire = Wire(self.port)
            root = wire.ask("ApiGetRootKey", samDesired=ALL)["return"]
            while True:
                self.sent += 1
                data = batch(self.index, self.sent)
                answer = wire.ask("ApiExecuteBatch", hKey=root, lpData=data,
                                  cbData=len(data) // 2)
                if answer["return"]:
                    raise ValueError(f"batch {self.sent} is refused: {answer}")
                self.acknowledged = self.sent
        except DEAD:
            pass
        except ValueError as error:
            self.trouble = str(error)


def opened(wire, root, path):
    answer = wire.ask("ApiOpenKey", hKey=root, lpSubKey=path, samDesired=ALL)
    return None if answer["Status"] else answer["return"]


def holds(wire, key, client, number):
    """What is wrong with the key of a batch, or None."""
    info = wire.ask("ApiQueryInfoKey", hKey=key)
    if (info["return"], info["lpcValues"], info["lpcSubKeys"]) != (0, VALUES, 0):
        return f"{info['lpcValues']} values of {VALUES}"
    names = [f"v{index}" for index in range(VALUES)]
    asked = batches.batch(*((READ, 0, name, b"") for name in names))
    wanted = batches.batch(*((READ, BINARY, name, content(client, number, index))
                             for index, name in enumerate(names)))
    got = wire.ask("ApiExecuteReadBatch", hKey=key, lpInData=asked, cbInData=len(asked) // 2)
    return None if (got["return"], got["lpOutData"]) == (0, wanted) else f"its values: {got}"


def look(wire, client, checked, acknowledged, sent):
    """(batches that are there, complaints) about those after `checked`."""
    root = wire.ask("ApiGetRootKey", samDesired=ALL)["return"]
    there, complaints = checked, []
    for number in range(checked + 1, sent + 1):
        key = opened(wire, root, f"c{client}\\b{number}")
        if key is None and number <= acknowledged:
            complaints.append(f"batch {number} was acknowledged and is not there")
        elif key is not None:
            there = number
            wrong = holds(wire, key, client, number)
            if wrong:
                complaints.append(f"batch {number}: {wrong}")
            wire.ask("ApiCloseKey", pKey=key)
    if there:
        parent = opened(wire, root, f"c{client}")
        keys = wire.ask("ApiQueryInfoKey", hKey=parent)["lpcSubKeys"]
        count = wire.ask("ApiQueryValue", hKey=root, lpValueName=f"count{client}", cbData=4)
        if (keys, count["lpData"]) != (there, struct.pack("<I", there).hex()):
            complaints.append(f"{keys} keys and the count {count['lpData']}, not {there}")
    return there, complaints


def play(cmrp, rounds, draw):
    """[complaints], number of batches, number of batches that died unacknowledged but are whole."""
    complaints, there, lucky = [], [0] * CLIENTS, 0
    with tempfile.TemporaryDirectory(prefix="cmrp-killed-", dir=MEMORY) as folder:
        words = "--state", pathlib.Path(folder) / "state"
        for turn in range(rounds + 1):
            with Mortal(cmrp, *words) as running:
                wire = Wire(running.port)
                for client in clients if turn else ():
                    what = look(wire, client.index, there[client.index], client.acknowledged,
                                client.sent)
                    lucky += what[0] > client.acknowledged
                    there[client.index] = what[0]
                    complaints += [f"round {turn}, client {client.index}: {text}"
                                   for text in what[1] + [client.trouble] if text]
                if turn == rounds or complaints:
                    break
                clients = [Client(index, running.port, there[index]) for index in range(CLIENTS)]
                for client in clients:
                    client.start()
                time.sleep(draw.uniform(0.02, 0.1))
                running.end()
                for client in clients:
                    client.join(server.START)
                    if client.trouble:
                        client.trouble += "; the server's log: " + running.log()
    return complaints, sum(there), lucky


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cmrp", type=pathlib.Path)
    parser.add_argument("rounds", nargs="?", type=int, default=100)
    parser.add_argument("seed", nargs="?", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    verdict = witness.Verdict()
    print(f"seed {options.seed}")
    complaints, count, lucky = play(options.cmrp, options.rounds, random.Random(options.seed))
    for complaint in complaints:
        verdict.complain(complaint)
    verdict.compared = count * VALUES
    if count < 4 * options.rounds:
        verdict.complain(f"only {count} batches in {options.rounds} rounds")
    return verdict.finish(f"{options.rounds} times killed, {count} batches, of which {lucky} were "
                          "whole though never acknowledged")


if __name__ == "__main__":
    sys.exit(main())
