# SPDX-License-Identifier: Apache-2.0
"""What the witnesses share: tests that hold cmrp against programs that are not ours.

A witness ends with 0 when all agree, 1 when something differs or cannot be compared, and 77
(skipped) when the other program is missing and CMRP_ALLOW_MISSING_WITNESS=1 says that this may be.
"""
import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Batches as octets from code that is not the codec. That folder has folders named like the programs.
sys.path.append(str(ROOT / "conformance" / "testee"))
from third_party import batch_octets  # noqa: E402,F401

VECTORS = ROOT / "vectors"
CHANGED = "changed, to see whether it is noticed"
JOBS = 2


def missing(what, package):
    """Ends the program: the witness cannot be called."""
    print(f"{what} is not installed (Debian package {package})", file=sys.stderr)
    sys.exit(77 if os.environ.get("CMRP_ALLOW_MISSING_WITNESS") == "1" else 1)


def need_program(name, package):
    if shutil.which(name) is None:
        missing(name, package)


def run(*words, text=False, **options):
    """Runs a program; its standard output and error are bytes unless text is set."""
    environment = dict(os.environ, LC_ALL="C.UTF-8", TZ="UTC")
    return subprocess.run([str(word) for word in words], capture_output=True, check=False,
                          env=environment, encoding="utf-8" if text else None, **options)


def joined(pieces, key="hex"):
    """A list of strings and {"repeat", key} written out."""
    if isinstance(pieces, str):
        return pieces
    return "".join(piece if isinstance(piece, str) else piece[key] * piece["repeat"]
                   for piece in pieces)


def expanded(value):
    """A vector's value with its short forms written out."""
    if isinstance(value, dict):
        return {key: expanded(item) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    pieces = [isinstance(item, str) or isinstance(item, dict) and "repeat" in item
              for item in value]
    if value and all(pieces) and not any("element" in item for item in value):
        texts = any("text" in item for item in value if isinstance(item, dict))
        return joined(value, "text" if texts else "hex")
    result = []
    for item in value:
        repeated = isinstance(item, dict) and "repeat" in item
        result += ([expanded(item["element"])] * item["repeat"] if repeated else [expanded(item)])
    return result


def vectors(layer):
    """The tests of a layer that have octets, with hex joined to bytes and the value expanded."""
    found = []
    for path in sorted((VECTORS / layer).glob("*.json")):
        for test in json.loads(path.read_text("utf-8"))["tests"]:
            if "hex" in test:
                test["octets"] = bytes.fromhex(joined(test["hex"]))
                if "value" in test:
                    test["value"] = expanded(test["value"])
                found.append(test)
    if not found:
        sys.exit(f"no vectors in {VECTORS / layer}")
    return found


def without_added(value):
    """The value without the keys that only decoding adds."""
    if isinstance(value, list):
        return [without_added(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: without_added(item) for key, item in value.items()
            if key not in ("offset", "warnings", "buffer_payload")
            and not key.endswith("_names")}


def decode(cmrp, octets, *options):
    """What `cmrp decode -T json` says of octets."""
    result = run(cmrp, "decode", "-T", "json", *options, "-", input=octets)
    if result.returncode not in (0, 1):
        raise RuntimeError(f"cmrp decode ended with {result.returncode}: {result.stderr}")
    return json.loads(result.stdout)


def leaves(value, path=""):
    """{path: leaf} of nested objects and arrays; empty ones are leaves."""
    if isinstance(value, (dict, list)) and value:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        found = {}
        for key, item in items:
            found.update(leaves(item, f"{path}/{key}"))
        return found
    return {path: value}


def differences(ours, theirs, names=("ours", "theirs")):
    """Lines that say where two nested values differ."""
    left, right = leaves(ours), leaves(theirs)
    absent = "absent"
    return [f"{path or '/'}: {names[0]} {left.get(path, absent)!r}, "
            f"{names[1]} {right.get(path, absent)!r}"
            for path in sorted(left.keys() | right.keys())
            if left.get(path, absent) != right.get(path, absent)]


def changed(value):
    """The value with its last leaf changed."""
    if isinstance(value, dict) and value:
        last = list(value)[-1]
        return {**value, last: changed(value[last])}
    if isinstance(value, list) and value:
        return value[:-1] + [changed(value[-1])]
    return CHANGED


def in_parallel(function, items):
    """Calls function on every item, several at a time; results in the order of the items."""
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        return list(pool.map(function, items))


class Verdict:
    """Collects complaints; says at the end how much was compared."""

    def __init__(self):
        self.compared, self.complaints = 0, []

    def compare(self, what, ours, theirs, names=("cmrp", "witness")):
        """Two nested values must be equal; and this comparison must be able to fail."""
        self.compared += len(leaves(theirs))
        self.complaints += [f"{what}: {line}" for line in differences(ours, theirs, names)]
        if not differences(changed(ours), theirs):
            self.complaints.append(f"{what}: a changed value is not noticed")

    def complain(self, what):
        self.complaints.append(what)

    def finish(self, summary):
        """The exit status, after the last lines."""
        if self.compared == 0:
            self.complain("nothing was compared")
        for line in self.complaints[:200]:
            print(line)
        print(f"{summary}; {self.compared} fields compared, {len(self.complaints)} complaints")
        return 1 if self.complaints else 0
