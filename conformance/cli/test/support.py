# SPDX-License-Identifier: Apache-2.0
"""What the tests of the command line share: one process for each case.

The program is given as the first argument of a test file, or in CMRP. Nothing that it prints may
be anything but UTF-8, and no case may end by a signal.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
VECTORS = ROOT / "vectors"
OK, FINDINGS, USAGE, UNREACHED, INCOMPLETE, INTERNAL = range(6)
SECONDS = 120  # that one process may take, on a busy machine

HANDLE = "0000000033221100554477668899aabbccddee01"
# One CLUSREG_CREATE_KEY of "a" as a batch.
CREATE_KEY = bytes.fromhex("01000000" "020000000000000004000000" "61000000" "00000000")


def vector_octets(test):
    """The octets that the hex of a vector stands for."""
    pieces = test["hex"] if isinstance(test["hex"], list) else [test["hex"]]
    return bytes.fromhex("".join(piece if isinstance(piece, str) else piece["hex"] * piece["repeat"]
                                 for piece in pieces))


def vector(layer, name):
    """A test vector; its octets are under "octets"."""
    for path in sorted((VECTORS / layer).glob("*.json")):
        for test in json.loads(path.read_text("utf-8"))["tests"]:
            if test["id"] == name:
                test["octets"] = vector_octets(test)
                return test
    raise LookupError(name)


def notify_test():
    """The batch that the specification's worked example sends: 210 octets."""
    return vector("batch", "batch-notifytest-sent")["octets"]


class Result:
    """How a process ended."""

    def __init__(self, code, out, err):
        self.code, self.raw, self.err = code, out, err.decode("utf-8")

    @property
    def out(self):
        return self.raw.decode("utf-8")

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


class CliTest(unittest.TestCase):
    """A test with the program and a folder of its own."""
    program = os.environ.get("CMRP", "")

    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="cmrp-cli-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)

    def path(self, name, content):
        """A file of the test's folder with this content."""
        path = self.folder / name
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        return path

    @staticmethod
    def environment(**changes):
        """The environment without what changes the program's ways; None removes a variable."""
        result = {key: value for key, value in os.environ.items()
                  if key not in ("NO_COLOR", "CMRP_DATADIR")}
        for key, value in changes.items():
            result.pop(key, None)
            if value is not None:
                result[key] = value
        return result

    def cmrp(self, *words, code=OK, stdin=b"", env=None, stdout=subprocess.PIPE, cwd=None):
        """Runs the program; it must end with this code."""
        done = subprocess.run([self.program, *map(str, words)], stdout=stdout,
                              stderr=subprocess.PIPE, check=False, timeout=SECONDS, cwd=cwd,
                              env=env or self.environment(),
                              input=stdin if isinstance(stdin, bytes) else stdin.encode("utf-8"))
        result = Result(done.returncode, done.stdout or b"", done.stderr)
        self.assertEqual(result.code, code, f"{words}: {result.raw[:2000]}{result.err[:2000]}")
        return result

    def assert_one_line(self, text, *parts):
        """A diagnostic: one line, with these parts."""
        self.assertTrue(text.endswith("\n") and text.count("\n") == 1, repr(text))
        for part in parts:
            self.assertIn(part, text)

    def assert_usage(self, result, *parts):
        """A complaint about usage: what is wrong, and where help is."""
        self.assertEqual(result.out, "")
        self.assertRegex(result.err, r"Try `cmrp( \w+)? --help`\.\n\Z")
        for part in parts:
            self.assertIn(part, result.err)


def main():
    """Runs the tests of the calling file."""
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-") and os.access(sys.argv[1], os.X_OK):
        CliTest.program = sys.argv.pop(1)
    if not CliTest.program:
        sys.exit(f"usage: {sys.argv[0]} CMRP, or CMRP in the environment")
    CliTest.program = os.path.abspath(CliTest.program)
    unittest.main(module="__main__")
