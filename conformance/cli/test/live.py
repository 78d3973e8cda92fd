# SPDX-License-Identifier: Apache-2.0
"""A `cmrp serve` of a test's own, on loopback, that ends with the test."""
import contextlib
import json
import queue
import re
import signal
import socket
import subprocess
import threading
import time

import support

SECONDS = 20  # that anything may take, on a busy machine


class Lines:
    """The lines of a pipe, read by a thread, so that waiting for one has an end."""

    def __init__(self, pipe):
        self.queue, self.all = queue.Queue(), []
        self.thread = threading.Thread(target=self.read, args=(pipe,), daemon=True)
        self.thread.start()

    def read(self, pipe):
        for line in pipe:
            self.all.append(line.decode("utf-8"))
            self.queue.put(self.all[-1])
        self.queue.put(None)
        pipe.close()

    def next(self):
        """The next line, or None at the end."""
        return self.queue.get(timeout=SECONDS)

    def until(self, pattern):
        """Skips lines up to one that matches; the match."""
        while (line := self.next()) is not None:
            if match := re.search(pattern, line):
                return match
        raise AssertionError(f"no line matches {pattern}: {self.all}")


class Server:
    """A running server."""

    def __init__(self, test, *words, limits=None):
        self.test = test
        self.control = str(test.folder / "control")
        limit = (lambda: None) if limits is None else limits
        self.process = subprocess.Popen(
            [test.program, "serve", "--control", self.control, *map(str, words)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=test.environment(), preexec_fn=limit)
        self.out, self.err = Lines(self.process.stdout), Lines(self.process.stderr)
        test.addCleanup(self.kill)
        match = self.out.until(r"^listening on (\S+):(\d+)\n$")
        self.host, self.port = match[1], int(match[2])
        self.address = f"{self.host}:{self.port}"

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(SECONDS)
        self.out.thread.join(SECONDS)
        self.err.thread.join(SECONDS)

    def end(self, number=signal.SIGTERM, code=support.OK):
        """Ends it with a signal; it must end with this code."""
        self.process.send_signal(number)
        self.wait(code)

    def wait(self, code=support.OK):
        self.test.assertEqual(self.process.wait(SECONDS), code, self.err.all)
        self.err.thread.join(SECONDS)
        self.out.thread.join(SECONDS)

    def ctl(self, *words, code=support.OK, stdin=b""):
        return self.test.cmrp("ctl", "--control", self.control, *words, code=code, stdin=stdin)

    def call(self, *words, code=support.OK, stdin=b""):
        return self.test.cmrp("call", self.address, *words, code=code, stdin=stdin)

    def script(self, *steps, code=support.OK):
        """Runs steps; the JSON of each call."""
        text = "\n".join(map(json.dumps, steps))
        return self.call("--script", "-", "-T", "json", code=code, stdin=text)

    def status(self):
        return self.test.cmrp("ctl", "--control", self.control, "-T", "json",
                              "status").json["result"]

    @contextlib.contextmanager
    def running(self, *steps):
        """A script that runs beside the test; its process and the lines it prints."""
        path = self.test.path(f"script{time.monotonic_ns()}", "\n".join(map(json.dumps, steps)))
        process = subprocess.Popen([self.test.program, "call", self.address, "--script", str(path),
                                    "-T", "json"], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=self.test.environment())
        lines, errors = Lines(process.stdout), Lines(process.stderr)
        try:
            yield process, lines, errors
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(SECONDS)
            lines.thread.join(SECONDS)
            errors.thread.join(SECONDS)

    def until(self, what, true):
        """Asks for the status until something is true of it."""
        end = time.monotonic() + SECONDS
        while not true(status := self.status()):
            self.test.assertLess(time.monotonic(), end, f"{what}: {status}")
            time.sleep(0.02)
        return status


class Raw:
    """A control connection that sends what it likes."""

    def __init__(self, server):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(server.control)  # waits for room; a time limit would not
        self.socket.settimeout(SECONDS)
        self.input = b""

    def send(self, octets):
        self.socket.sendall(octets)

    def line(self):
        """The next answer, or None where the server hung up."""
        while b"\n" not in self.input:
            with contextlib.suppress(ConnectionResetError):
                if octets := self.socket.recv(65536):
                    self.input += octets
                    continue
            return None
        line, _, self.input = self.input.partition(b"\n")
        return json.loads(line)

    def ask(self, *words):
        self.send(json.dumps({"command": words}).encode() + b"\n")
        return self.line()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.socket.close()


def loopback_port():
    """A socket that has a port of the loopback, so that nobody else gets it."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen(1)
    return taken

