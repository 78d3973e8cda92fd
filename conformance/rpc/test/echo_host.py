# SPDX-License-Identifier: Apache-2.0
"""Starts echo_server for the tests in Python, and ends it."""
import contextlib
import os
import re
import subprocess
import sys

ECHO_STUB, REPEAT, HOLD, RELEASE, FAULT, OPEN, FIND, CLOSE, TELL = range(9)
ECHO_UUID = "5b2a3f60-8c1d-4e57-9a06-1f7d3c9b2e41"  # version 1.2
OTHER_UUID = "0d9e8c7b-6a59-4f48-8e37-2615a4b3c2d1"  # version 1.0
NDR_UUID = "8a885d04-1ceb-11c9-9fe8-08002b104860"  # version 2.0
NDR64_UUID = "71710533-beba-4937-8319-b5dbef9ccc36"  # version 1.0
SECONDS = 20


def missing(what, package):
    """Ends the program: the test cannot be made."""
    print(f"{what} is not installed (Debian package {package})", file=sys.stderr)
    sys.exit(77 if os.environ.get("CMRP_ALLOW_MISSING_WITNESS") == "1" else 1)


@contextlib.contextmanager
def echo_server(program, *words):
    """A server; yields its port and that of its endpoint mapper. Nothing may be left at its end."""
    process = subprocess.Popen([program, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, encoding="utf-8")
    try:
        ports = [int(re.fullmatch(r"\w+ on 127\.0\.0\.1:(\d+)\n", process.stdout.readline())[1])
                 for _ in range(2)]
        yield ports
        out, log = process.communicate("", timeout=SECONDS)
        assert process.returncode == 0, f"exit status {process.returncode}: {log}"
        assert out.startswith("connections 0 calls 0 held 0 handles 0 "), out
    except BaseException:
        process.kill()
        out, log = process.communicate()
        print(f"the server's log:\n{log}", file=sys.stderr)
        raise


def play(program, names):
    """Calls every test_… with the server's port, and, where it takes two, that of its endpoint
    mapper."""
    with echo_server(program) as ports:
        for name, test in list(names.items()):
            if name.startswith("test_"):
                test(*ports[:test.__code__.co_argcount])
                print("ok", name)
