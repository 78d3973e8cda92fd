# SPDX-License-Identifier: Apache-2.0
"""`cmrp serve` for a test: started, told its end in advance, and ended.

    with Server(cmrp, "--epmap") as server:
        … server.port …
"""
import json
import pathlib
import re
import selectors
import signal
import socket
import subprocess
import tempfile
import time

import network

PORT = 49152  # in a namespace, where nobody else can have it
LIFE = 120  # seconds after which it is killed, whatever happens to the test
START = 20
LISTENING = re.compile(r"listening on (\S+):(\d+)\n")


class Server:
    def __init__(self, cmrp, *options):
        self.folder = tempfile.TemporaryDirectory(prefix="cmrp-partner-")
        self.path = pathlib.Path(self.folder.name)
        self.control = self.path / "control"
        listen = f"127.0.0.1:{PORT if network.inside() else 0}"
        self.words = [str(cmrp), "serve", "--listen", listen, "--control", str(self.control),
                      *map(str, options)]
        self.process = self.port = None

    def __enter__(self):
        with open(self.path / "log", "wb") as log:
            self.process = self.start(log)
        try:
            self.port = self.first_line()
        except BaseException:
            self.process.kill()
            raise
        return self

    def start(self, log):
        return subprocess.Popen(
            ["timeout", "--foreground", "--kill-after=2", str(LIFE), *self.words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)

    def first_line(self):
        """The port of `listening on ADDRESS:PORT`."""
        with selectors.DefaultSelector() as ready:
            ready.register(self.process.stdout, selectors.EVENT_READ)
            line = self.process.stdout.readline().decode() if ready.select(START) else ""
        found = LISTENING.fullmatch(line)
        if not found:
            raise RuntimeError(f"cmrp serve does not listen: {line!r} {self.log()}")
        return int(found[2])

    def log(self):
        return (self.path / "log").read_text("utf-8", "replace")

    def ctl(self, *words):
        """Changes the cluster from outside; the result."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(START)
            control.connect(str(self.control))
            control.sendall(json.dumps({"command": words}).encode() + b"\n")
            answer = json.loads(control.makefile("rb").readline())
        if "error" in answer:
            raise RuntimeError(f"{' '.join(words)}: {answer['error']}")
        return answer["result"]

    def end(self):
        """Ends it as a service is ended; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "killed: it did not end within 10 s of SIGTERM"

    def __exit__(self, kind, *_):
        began = time.monotonic()
        code = self.end()
        self.process.stdout.close()
        log = self.log()
        self.folder.cleanup()
        if kind is None and code != 0:
            raise RuntimeError(f"cmrp serve ended with {code} after "
                               f"{time.monotonic() - began:.1f} s: {log}")
