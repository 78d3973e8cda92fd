# SPDX-License-Identifier: Apache-2.0
"""Calls through programs that are not ours: parameters in, parameters out.

Requests are marshaled by that program where it does it right; answers are read by the reader of the
recordings, which has nothing in common with the project's codec and takes nothing but whole,
well-formed stubs.
"""
import json
import pathlib
import selectors
import subprocess

import by_record  # noqa: F401  puts the folder of the recordings on the path
import interface
import ndr
import samba_marshal

WORKER = pathlib.Path(__file__).with_name("worker.py")
WAIT = 20  # seconds for an answer

# Samba declares a BOOL as one octet: these requests are written by ndr.py.
OURS = {"samba": {method for method, _ in samba_marshal.BOOLEAN8}, "impacket": set()}


class Fault(Exception):
    """The call was answered with a fault; the text is the partner's."""


class Failed(Exception):
    """A call that should succeed did not."""


class Link:
    """A connection of a partner ("impacket" or "samba"). One call at a time."""

    def __init__(self, program, options, port, group=0):
        self.program = program
        self.wide, self.big = "ndr64" in options, "bigendian" in options
        self.pending = None
        self.process = subprocess.Popen(
            ["/usr/bin/python3", str(WORKER), program, str(port), str(group), *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ready = selectors.DefaultSelector()
        self.ready.register(self.process.stdout, selectors.EVENT_READ)
        if self.line() != {"ready": True}:
            raise RuntimeError(f"{program} does not connect")

    def line(self, wait=WAIT):
        if not self.ready.select(wait):
            raise TimeoutError(f"{self.program}: no answer to {self.pending} after {wait} s")
        text = self.process.stdout.readline()
        if not text:
            raise RuntimeError(f"{self.program} ended at {self.pending}")
        return json.loads(text)

    def begin(self, name, **params):
        """Sends a call that may block."""
        if self.pending:
            raise RuntimeError(f"{self.pending} is not answered yet")
        method = interface.BY_NAME[name]
        given = {word: params.pop(word, None) for word, _ in method.parameters("request")}
        if params:
            raise TypeError(f"{name} has no {', '.join(params)}")
        if name in OURS[self.program]:
            stub = ndr.encode(method, "request", given, 3, self.wide, self.big)
            asked = {"opnum": method.opnum, "stub": stub.hex()}
        else:
            asked = {"method": name, "params": given}
        self.pending = name
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()

    def answered(self, wait=0.0):
        return bool(self.ready.select(wait))

    def end(self, wait=WAIT):
        """The results of the call that was begun."""
        answer = self.line(wait)
        name, self.pending = self.pending, None
        if "fault" in answer:
            raise Fault(f"{name}: {answer['fault']}")
        # An answer has the byte order of the server: little-endian, as the recording shows.
        results, reader = ndr.read(interface.BY_NAME[name], "response",
                                   bytes.fromhex(answer["stub"]), 3, self.wide)
        if reader.gaps:
            raise Failed(f"{name}: gaps that are not zero at {reader.gaps}")
        return results

    def ask(self, name, **params):
        self.begin(name, **params)
        return self.end()

    def ok(self, name, **params):
        """A call that succeeds."""
        results = self.ask(name, **params)
        for word in ("Status", "rpc_error", "rpc_status", "return"):
            if isinstance(results.get(word), int) and results[word]:
                raise Failed(f"{name}({params}): {word} is {results[word]:#x}")
        return results

    def handle(self, name, **params):
        """A call that succeeds and returns a handle."""
        return self.ok(name, **params)["return"]

    def close(self):
        if self.process.poll() is None and self.pending is None:
            self.process.stdin.close()
            self.process.wait(WAIT)
        self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            try:
                pipe.close()
            except OSError:
                pass  # what was still to be sent to a program that is gone
        self.ready.close()
