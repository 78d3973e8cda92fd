#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes vectors/stub/recorded-*.json from the recordings.

The octets are those of Samba and impacket. The values are what these programs were told to send
(plan.py, answers.py); check.py holds the octets against them with a reader of its own. Where they
were not told (served.py) the values are what that reader reads. The codec has no part in it.

usage: extract.py [--check] [CAPTURES [STUBS]]    (default: the folders of this project)

--check: write nothing; exit code 1 where a file is not what it would be.
"""
import argparse
import json
import pathlib
import sys

import answers
import check
import interface
import recorded
import served
import wire

HERE = pathlib.Path(__file__).resolve().parent
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

# One file for each theme: name, opnums, what it is about.
FILES = [
    ("recorded-cluster", {0, 1, 3, 41, 42, 43, 44, 45, 66, 67, 81, 82, 92, 93, 102, 117, 118, 119},
     "the cluster, groups, nodes, networks and network interfaces"),
    ("recorded-registry", {*range(28, 39), 113, 114, 115, 116, 145, 157},
     "the registry, batches and batch ports"),
    ("recorded-notify", {*range(55, 66), 90, 91, 99, 100, 107, 137, 138, 139, 147, 155},
     "notification ports"),
]
PARTNERS = "recorded-partners"


def wanted(entry, source, call, first):
    """Whether a call earns a vector."""
    _, direction, _ = source
    octets = call.request if direction == "request" else call.response
    if call.opnum not in interface.RECORDED or len(octets) > recorded.LARGEST:
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
            item = recorded.Stub(call, direction, who, label, ordered(call, direction, params),
                                 known)
            if item.key in found:
                if who not in found[item.key].speakers:
                    found[item.key].speakers.append(who)
            else:
                found[item.key] = item
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


def worked(folder):
    """Keys of the stubs that were not made here."""
    found = set()
    for path in folder.glob("*.json"):
        tests = json.loads(path.read_text("utf-8"))["tests"]
        if path.stem not in (PARTNERS, *(name for name, _, _ in FILES)):
            found |= {key(test) for test in tests if "hex" in test}
    return found


def key(test):
    pieces = test["hex"] if isinstance(test["hex"], list) else [test["hex"]]
    text = "".join(piece if isinstance(piece, str) else piece["hex"] * piece["repeat"]
                   for piece in pieces)
    return (test["opnum"], test["direction"], test.get("interface", 3),
            test.get("syntax") == "ndr64", test.get("drep") == "be", bytes.fromhex(text))


def documents(captures, folder):
    """(name of the file, what it says about itself, its stubs)"""
    told = ("vectors/captures/README.md tells; written by vectors/captures/record/extract.py. "
            "Values:")
    found = stubs(captures)
    for name, opnums, what in FILES:
        yield (name, f"Stubs about {what}, recorded from Samba 4.17 and impacket 0.10 as {told} "
                     "what these programs were told to send.",
               [item for item in found if item.call.opnum in opnums])
    known = worked(folder) | {item.key for item in found}
    yield (PARTNERS, "Requests of smbtorture, rpcclient, Samba's library (4.17) and impacket 0.10 "
                     f"to cmrp serve, recorded as {told} what the reader of that folder reads.",
           served.requests(captures, found, known))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("captures", nargs="?", type=pathlib.Path, default=HERE.parent)
    parser.add_argument("stubs", nargs="?", type=pathlib.Path, default=HERE.parents[1] / "stub")
    options = parser.parse_args()
    status = 0
    for name, about, items in documents(options.captures, options.stubs):
        path = options.stubs / f"{name}.json"
        citations = cited(path)
        tests = [with_citations(item.test(), citations) for item in items]
        made = document(about, tests)
        if not options.check:
            path.write_text(made, "utf-8")
        elif not path.exists() or path.read_text("utf-8") != made:
            print(f"{path} is not what the captures say: run extract.py")
            status = 1
        print(f"{name}.json: {len(tests)} stubs")
    return status


if __name__ == "__main__":
    sys.exit(main())
