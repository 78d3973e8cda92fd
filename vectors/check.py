#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Check vectors and sequences: schema, ids, requirements, flags, and what JSON parsers differ about.

One line for each problem: file#JSON-pointer: message.
Exit status: 0 no problem, 1 problems found, 2 the check could not be made.
"""
import argparse
import json
import pathlib
import re
import sys

LAYERS = ("batch", "change", "stub", "pdu", "payload", "tower")
KEY_ORDER = ("id", "comment", "type", "set", "method", "opnum", "direction", "interface", "syntax",
             "drep", "object_type", "flag", "hex", "value", "result", "error", "warnings",
             "lenient", "flags", "requirements", "provenance")
SEQUENCE = "sequence"
SEQUENCE_ORDER = ("id", "comment", "like", "edits", "steps", "findings", "flags", "requirements",
                  "provenance")
MAX_FILE = 1 << 20
HERE = pathlib.Path(__file__).resolve().parent


class CannotCheck(Exception):
    """Something that the check needs is missing or unusable."""


class Object(dict):
    """A JSON object that remembers which of its keys were given more than once."""

    def __init__(self, pairs):
        super().__init__(pairs)
        keys = [key for key, _ in pairs]
        self.repeated = sorted({key for key in keys if keys.count(key) > 1})


def load(path):
    return json.loads(path.read_text("utf-8"), object_pairs_hook=Object)


def pointer(path):
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def portability(node, path=()):
    """Yield (path, message) for what strict or small JSON parsers refuse or read differently."""
    if isinstance(node, dict):
        for key in node.repeated:
            yield path, f"key {key!r} is given more than once"
    if isinstance(node, (dict, list)):
        for key, item in node.items() if isinstance(node, dict) else enumerate(node):
            yield from portability(item, path + (key,))
    elif isinstance(node, str) and any(0xD800 <= ord(char) < 0xE000 for char in node):
        yield path, "unpaired surrogate escape: use name_hex"
    elif isinstance(node, int) and not -2**63 <= node < 2**63:
        yield path, "integer beyond 64 bits with sign: use a decimal string"


def schema_errors(validator, document):
    from jsonschema.exceptions import best_match
    for error in validator.iter_errors(document):
        best = best_match([error])
        yield tuple(best.absolute_path), best.message[-200:]


def read_flags(path):
    """Return {layer: {flag: line number}} from the tables of README.md."""
    tables, layer = {name: {} for name in LAYERS + (SEQUENCE,)}, None
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line.startswith("#"):
            heading = re.fullmatch(r"#+ Flags of (\w+) vectors", line)
            layer = heading[1] if heading else None
        row = re.match(r"\| `([A-Za-z0-9]+)` \|", line)
        if layer in tables and row:
            tables[layer].setdefault(row[1], number)
    return tables


def check_test(test, at, layer, seen, requirements):
    """Yield (path, message) for what the schema cannot say about the test whose path is at."""
    if test.get("id") in seen:
        yield at + ("id",), f"{test['id']!r} is also the id of {seen[test['id']]}"
    order = SEQUENCE_ORDER if layer == SEQUENCE else KEY_ORDER
    if layer != SEQUENCE and test.get("type") != layer:
        yield at + ("type",), f"a file in {layer}/ holds tests of type {layer!r} only"
    known = [key for key in test if key in order]
    if known != sorted(known, key=order.index):
        yield at, "keys are not in the order that README.md gives"
    for index, item in enumerate(test.get("requirements", [])):
        if item not in requirements:
            yield at + ("requirements", index), f"{item!r} is not in the catalogue"


def beside(root, name):
    """A file of the folder of vectors, or ours where it has none."""
    return root / name if (root / name).is_file() else HERE / name


def check(root, catalogue):
    try:
        from jsonschema import Draft202012Validator
    except ImportError as error:
        raise CannotCheck("python3-jsonschema is not installed") from error
    if not catalogue.is_file():
        raise CannotCheck(f"{catalogue}: no catalogue of requirements; see --requirements")
    requirements = {line.split("\t")[0] for line in catalogue.read_text("utf-8").splitlines()[1:]}
    tests_of, sequences_of = (Draft202012Validator(load(beside(root, name)))
                              for name in ("schema.json", "sequence.schema.json"))
    complete = (root / "README.md").is_file()  # else some vectors in a folder of somebody's own
    tables, seen, found = read_flags(beside(root, "README.md")), {}, 0
    for layer in LAYERS + (SEQUENCE,):
        validator, list_of = ((sequences_of, "sequences") if layer == SEQUENCE
                              else (tests_of, "tests"))
        files, used = sorted((root / layer).glob("*.json")), {}
        found += len(files)
        for path in files:
            label = f"{layer}/{path.name}"
            if path.stat().st_size > MAX_FILE:
                yield f"{label}: larger than {MAX_FILE} octets; use repeat"
            try:
                document = load(path)
            except ValueError as error:
                yield f"{label}: {error}"
                continue
            problems = list(portability(document)) + list(schema_errors(validator, document))
            tests = document.get(list_of) if isinstance(document, dict) else None
            broken = {where[1] for where, _ in problems if len(where) > 1}
            for index, test in enumerate(tests if isinstance(tests, list) else []):
                if index not in broken:
                    problems += check_test(test, (list_of, index), layer, seen, requirements)
                    seen.setdefault(test.get("id"), f"{label}#/{list_of}/{index}")
                    for number, flag in enumerate(test.get("flags", [])):
                        used.setdefault(flag, f"{label}#/{list_of}/{index}/flags/{number}")
            yield from (f"{label}#{pointer(where)}: {text}" for where, text in problems)
        for flag in sorted(set(used) - set(tables[layer])):
            yield f"{used[flag]}: README.md does not explain the {layer} flag {flag!r}"
        for flag in sorted(set(tables[layer]) - set(used)) if files and complete else []:
            yield f"README.md:{tables[layer][flag]}: no {layer} vector uses flag {flag!r}"
    if not found:
        raise CannotCheck(f"{root}: no vector files")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", nargs="?", type=pathlib.Path, default=HERE,
                        help="the folder of vectors (default: the one of this script)")
    parser.add_argument("--requirements", type=pathlib.Path, metavar="FILE",
                        default=HERE.parent / "conformance" / "requirements.tsv",
                        help="the catalogue (default: conformance/requirements.tsv)")
    options = parser.parse_args()
    try:
        problems = list(check(options.directory, options.requirements))
    except (CannotCheck, OSError, ValueError) as error:
        print(f"check.py: {error}", file=sys.stderr)
        return 2
    print(*problems, sep="\n", end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
