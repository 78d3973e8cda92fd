#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes vectors/stub/recorded-*.json from the recordings.

The octets are those of Samba and impacket. The values are what these programs were told to send
(plan.py, answers.py); check.py holds the octets against them with a reader of its own. The codec
has no part in it.

usage: extract.py [--check] [CAPTURES [STUBS]]    (default: the folders of this project)

--check: write nothing; exit code 1 where a file is not what it would be.
"""
import argparse
import json
import pathlib
import sys

import answers
import batches
import check
import interface
import ndr
import wire

HERE = pathlib.Path(__file__).resolve().parent
LARGEST = 1024  # octets of a stub; larger ones are in the captures only
WIDTH = 100

# capture, direction, who wrote those stubs
SOURCES = [
    ("samba-ndr_to_script", "request", "samba"),
    ("impacket-ndr_to_samba-stubs", "request", "impacket"),
    ("samba-ndr64_to_script", "request", "samba"),
    ("impacket-ndr64_to_samba-stubs", "request", "impacket"),
    ("samba-bigendian_to_script", "request", "samba"),
    ("samba-ndr64-bigendian_to_script", "request", "samba"),
    ("impacket-protocol2_to_script", "request", "impacket"),
    ("impacket-ndr_to_samba-stubs", "response", "samba"),
    ("impacket-ndr64_to_samba-stubs", "response", "samba"),
]
SPEAKERS = {"samba": "Samba 4.17", "impacket": "impacket 0.10"}

# One file for each theme: name, opnums, what it is about.
FILES = [
    ("recorded-cluster", {0, 1, 3, 41, 42, 43, 44, 45, 66, 67, 81, 82, 92, 93, 102, 117, 118, 119},
     "the cluster, groups, nodes, networks and network interfaces"),
    ("recorded-registry", {*range(28, 39), 113, 114, 115, 116, 145, 157},
     "the registry, batches and batch ports"),
    ("recorded-notify", {*range(55, 66), 90, 91, 99, 100, 107, 137, 138, 139, 147, 155},
     "notification ports"),
]


class Stub:
    """A stub and what is to be said about it."""

    def __init__(self, call, direction, who, label, params, known):
        self.call, self.direction, self.label, self.known = call, direction, label, known
        self.speakers, self.params = [who], params
        self.octets = call.request if direction == "request" else call.response
        self.key = (call.opnum, direction, call.version, call.wide, call.big, self.octets)

    def identifier(self):
        parts = ["stub-recorded", self.speakers[0], self.label,
                 "req" if self.direction == "request" else "resp"]
        parts += ["v2"] if self.call.version == 2 else []
        parts += ["ndr64" if self.call.wide else "ndr"] + (["be"] if self.call.big else [])
        return "-".join(parts)

    def comment(self):
        names = " and ".join(SPEAKERS[who] for who in self.speakers)
        if self.known:
            return self.known[5] + "."
        if len(self.speakers) > 1:
            return f"{names} send the same octets."
        wrote = {"samba": "as Samba's library marshals it",
                 "impacket": "as impacket's NDR engine marshals it"}[self.speakers[0]]
        return f"{self.call.method.name}, {wrote}."

    def test(self):
        call, test = self.call, {}
        test.update(id=self.identifier(), comment=self.comment(), type="stub",
                    method=call.method.name, opnum=call.opnum, direction=self.direction)
        if call.version == 2:
            test["interface"] = 2
        if call.wide:
            test["syntax"] = "ndr64"
        if call.big:
            test["drep"] = "be"
        text = self.octets.hex()
        test["hex"] = text if len(text) <= 80 else [text[at:at + 80]
                                                    for at in range(0, len(text), 80)]
        flags = [name for name, holds in (("BigEndian", call.big),
                                          ("Protocol2", call.version == 2)) if holds]
        try:
            _, reader = call.read(self.direction)
        except ndr.Malformed as error:
            code = {"truncated": "Truncated", "count-mismatch": "CountMismatch"}[error.code]
            test.update(result="invalid", error={"code": error.code, "offset": error.offset},
                        flags=[code, "KnownDefect", *flags], provenance="wire")
            return test
        value = shown(call.method.name, self.params)
        test.update(value={"params": value}, result="valid")
        if reader.gaps:
            test["warnings"] = [{"code": "ndr-padding", "offset": offset, "field": field}
                                for offset, field in reader.gaps]
        test["flags"] = self.flags(reader, value) + flags
        if not test["flags"]:
            del test["flags"]
        test["provenance"] = "wire"
        return test

    def flags(self, reader, value):
        leaves = list(flat(value))
        batch = [value[name] for method, name in interface.BATCHES
                 if method == self.call.method.name and value.get(name)]
        failed = self.direction == "response" and any(
            value.get(name) not in (0, None) and isinstance(value.get(name), int)
            for name in ("Status", "rpc_error", "return"))
        used = [referent for referent in reader.referents if referent]
        numbered = used == [0x00020000 + 4 * index for index in range(len(used))]
        found = [("Canonical", ndr.canonical(reader)), ("Failure", failed),
                 ("NonZeroGap", bool(reader.gaps)), ("Referents", not numbered),
                 ("NullPointer", None in leaves), ("NullHandle", answers.NULL in leaves),
                 ("Batch", any(isinstance(item, dict) for item in batch)),
                 ("OpaqueBatch", any(isinstance(item, str) for item in batch))]
        return [name for name, holds in found if holds]


def flat(value):
    if isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from flat(item)
    else:
        yield value


def shown(method, params):
    """Parameters as a vector shows them: batches as objects."""
    return {name: batches.value(value) if (method, name) in interface.BATCHES and value else value
            for name, value in params.items()}


def wanted(entry, source, call, first):
    """Whether a call earns a vector."""
    _, direction, _ = source
    octets = call.request if direction == "request" else call.response
    if call.opnum not in interface.RECORDED or len(octets) > LARGEST:
        return False
    if direction == "request" and entry[1].endswith("-stale"):
        return False  # nothing but another handle
    if call.big:
        return first or entry[1].endswith(("-unicode", "-security"))
    if entry[0] == 3 and "protocol2" in source[0]:
        return False  # on the way to protocol 2
    return call.fault is None or direction == "request"


def ordered(call, direction, params):
    """The parameters in the order of the wire."""
    return {name: params[name] for name, _ in call.method.parameters(direction, call.version)}


def stubs(captures):
    """The stubs that become vectors, the same octets once."""
    found = {}
    for source in SOURCES:
        name, direction, who = source
        calls = wire.calls((captures / f"{name}.pcap").read_bytes())
        seen = set()
        for entry, call in zip(check.told(name), calls, strict=True):
            version, label, method, params = entry
            first = method not in seen
            seen.add(method)
            known = check.defect(name, direction, method, label)
            if not wanted(entry, source, call, first) or known in LEFT_OUT:
                continue
            if direction == "response":
                params = answers.answer(call.method, params, version)
            stub = Stub(call, direction, who, label, ordered(call, direction, params), known)
            if stub.key in found:
                if who not in found[stub.key].speakers:
                    found[stub.key].speakers.append(who)
            else:
                found[stub.key] = stub
    return list(found.values())


# Defects that make no vector: the specification does not say which error comes first, or that
# there is one.
LEFT_OUT = [entry for entry in check.DEFECTS
            if entry[3] == "createkey-security-null" or entry[1] == "response"]


def text(value, indent, room):
    """JSON on one line where it fits, else broken."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) <= room - indent or not isinstance(value, (dict, list)) or not value:
        return line
    inner = " " * (indent + 2)
    if isinstance(value, list):
        items = [text(item, indent + 2, room) for item in value]
        opening, closing = "[]"
    else:
        items = [f"{json.dumps(key)}: {text(item, indent + 2, room - len(key) - 4)}"
                 for key, item in value.items()]
        opening, closing = "{}"
    return (opening + "\n" + ",\n".join(inner + item for item in items)
            + "\n" + " " * indent + closing)


def document(about, tests):
    lines = ["{", f'  "source": {json.dumps(about)},', '  "tests": [']
    lines.append(",\n".join("    {\n" + ",\n".join(
        f'      "{key}": {text(value, 6, WIDTH - len(key) - 6)}' for key, value in test.items())
        + "\n    }" for test in tests))
    return "\n".join(lines) + "\n  ]\n}\n"


def cited(path):
    """What the file's vectors cite: no recording says that, so it stays as it stands."""
    tests = json.loads(path.read_text("utf-8"))["tests"] if path.exists() else []
    return {test["id"]: test["requirements"] for test in tests if "requirements" in test}


def with_citations(test, citations):
    if test["id"] not in citations:
        return test
    provenance = test.pop("provenance")
    return {**test, "requirements": citations[test["id"]], "provenance": provenance}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("captures", nargs="?", type=pathlib.Path, default=HERE.parent)
    parser.add_argument("stubs", nargs="?", type=pathlib.Path, default=HERE.parents[1] / "stub")
    options = parser.parse_args()
    found, status = stubs(options.captures), 0
    for name, opnums, what in FILES:
        path = options.stubs / f"{name}.json"
        citations = cited(path)
        tests = [with_citations(stub.test(), citations) for stub in found
                 if stub.call.opnum in opnums]
        about = (f"Stubs about {what}, recorded from Samba 4.17 and impacket 0.10 as "
                 "vectors/captures/README.md tells; written by vectors/captures/record/extract.py. "
                 "Values: what these programs were told to send.")
        made = document(about, tests)
        if not options.check:
            path.write_text(made, "utf-8")
        elif path.read_text("utf-8") != made:
            print(f"{path} is not what the captures say: run extract.py")
            status = 1
        print(f"{name}.json: {len(tests)} stubs")
    return status


if __name__ == "__main__":
    sys.exit(main())
