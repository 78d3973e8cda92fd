#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Testee: Samba's ndrdump, whose dumps of stubs are read back into values."""
import concurrent.futures
import datetime
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile
import threading
import traceback
import uuid

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))
import filters  # noqa: E402
import third_party  # noqa: E402
from third_party import Refused, Unsupported, interface  # noqa: E402

sys.path.insert(0, str(third_party.ROOT / "conformance" / "test"))
import witness_ndrdump  # noqa: E402

try:
    from samba import version as VERSION
    from samba import werror
except ImportError:
    sys.exit("python3-samba is not installed")

JOBS = 2  # ndrdump takes one stub a run


def number(value):
    """A number that is printed as one, or as the name of a Win32 error."""
    if isinstance(value, str):
        value = getattr(werror, value, None)
        if value is None:
            raise Unsupported("a name that is not known here is printed for a number")
    return value


def ticks(shown):
    """A FILETIME out of the date that is printed, of whole seconds."""
    if shown == "NTTIME(0)":
        return 0
    moment = datetime.datetime.strptime(shown, "%a %b %d %H:%M:%S %Y UTC")
    since = moment - datetime.datetime(1601, 1, 1)
    return (since.days * 86400 + since.seconds) * 10 ** 7


def plain(kind, shown):
    """The plain value of what stands in a dump."""
    name, inner = interface.arguments(kind.lstrip("*"))
    if shown is None:
        return 0 if kind == "word" else None
    if kind == "handle":
        return shown["handle_type"].to_bytes(4, "little") + uuid.UUID(shown["uuid"]).bytes_le
    if kind == "FILETIME":
        value = ticks(shown)
        return {"dwLowDateTime": value & 0xffffffff, "dwHighDateTime": value >> 32}
    if name == "array":
        return [members(inner[0], item) for item in shown or []]
    if name in ("octets", "part"):
        return bytes.fromhex(shown)
    if name in interface.STRUCTURES:
        return members(name, shown)
    return shown if name == "string" else number(shown)


def members(kind, shown):
    return {name: plain(inner, shown[name])
            for name, inner in interface.members(interface.STRUCTURES[kind])}


def named(method, shown, name, kind):
    """What ndrdump calls a parameter; a handle that is returned has a name of its own."""
    if name != "return":
        return name
    if kind != "handle":
        return "result"
    declared = [other for other, _ in method.parameters("response")]
    return next(other for other in shown if other not in (*declared, "result"))


class Dumper:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def dump(self, request, method, octets):
        test = {**request, "id": str(request["id"])}
        return witness_ndrdump.dump(self.folder, test, octets)

    def decode(self, request):
        method, direction, version, _, big = third_party.method_of(request)
        if version != 3 or big:
            raise Unsupported("only protocol version 3, in little-endian")
        text = self.dump(request, method, bytes.fromhex(request["hex"]))
        if "pull returned Success" not in text:
            said = re.search("pull returned (.*)", text)
            raise Refused(said[1] if said else "no dump")
        unread = witness_ndrdump.dump_unread(text)
        if unread:
            raise Refused(f"{unread} unread bytes")
        shown = witness_ndrdump.plain_struct(witness_ndrdump.tree(text))
        params = {name: plain(kind, shown[named(method, shown, name, kind)])
                  for name, kind in method.parameters(direction)}
        return {"value": third_party.json_params(method, direction, version, params)}

    def decode_change(self, request):
        """A filter or object type in a request that carries it, and the names beside and below."""
        name = request["set"]
        method, octets, member = filters.carrier(name, bytes.fromhex(request["hex"]))
        text = self.dump({"method": method.name, "direction": "request", "id": request["id"]},
                         method, octets)
        found = re.search(rf"^( *){member} *: (.*)\n((?:\1 .*\n)*)", text, re.M)
        if found is None:
            raise Refused("not in the dump")
        names = re.findall(r"\bCLUSTER_\w+", found[2])
        names += re.findall(r"^ *1: (CLUSTER_\w+)", found[3], re.M)
        number_of = re.findall(r"0x[0-9a-f]+|\d+", found[2])[0]
        return {"value": filters.value(name, int(number_of, 0), names)}

    def respond(self, request):
        if request["op"] == "hello":
            return third_party.hello("ndrdump", VERSION, ["stub", "change"])
        if request["op"] == "encode":
            raise Unsupported("ndrdump writes nothing")
        return (self.decode_change if request["type"] == "change" else self.decode)(request)


def main():
    if shutil.which("ndrdump") is None:
        sys.exit("ndrdump is not installed (Debian package samba-testsuite)")
    writing = threading.Lock()
    with tempfile.TemporaryDirectory() as folder, \
            concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        dumper = Dumper(folder)

        def one(line):
            try:
                reply = json.dumps(third_party.answer(dumper.respond, line))
            except Exception:  # as one that is not in a thread, it is to end the testee
                traceback.print_exc()
                os._exit(1)
            with writing:
                print(reply, flush=True)

        waiting = [pool.submit(one, line) for line in sys.stdin.buffer]
        for item in waiting:
            item.result()


if __name__ == "__main__":
    main()
