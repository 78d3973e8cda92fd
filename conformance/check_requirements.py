#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks conformance/requirements.tsv and every citation of a requirement in the tree.

The column status says what is done about a requirement; a MUST needs one:
  covered: KINDS      of vector, rule, live; "vector" exactly where a test vector cites it
  planned: KINDS      of vector, rule, live server, live client
  untestable: REASON
KINDS are in this order with ", " between them. Vectors may cite only rows whose testable names
vector or static. Ids of group X are made up by tests. Each problem is one line on stdout.
Exit status: 0 no problem, 1 problems, 2 unusable input."""
import argparse
import collections
import itertools
import json
import pathlib
import re
import sys

COLUMNS = "id section role level protocol methods/structs statement testable status".split()
WORDS = {"role": ("server", "client", "codec"), "level": ("MUST", "SHOULD", "MAY"),
         "protocol": ("v2", "v3", "both"),
         "testable": ("vector", "static", "pcap", "live-server", "live-client", "untestable")}
PLANS = {"vector": "vector", "pcap": "rule", "live-server": "live server",
         "live-client": "live client"}  # what a word in testable has planned, in order
STATUSES = {f"{word}: {', '.join(some)}"
            for word, full in (("covered", ["vector", "rule", "live"]), ("planned", PLANS.values()))
            for size in range(1, 5) for some in itertools.combinations(full, size)}
REASON = re.compile(r"untestable: (\S+ ){3,}\S+")
ID = re.compile(r"CMRP-[A-Z][A-Z0-9]*-[0-9]{3}")
CITATION = re.compile(r"(?<![\w-])CMRP-(?!X-)[A-Z][A-Z0-9]*-[0-9]+(?![\w*?])")  # X: for tests
SUFFIXES = (".c", ".h", ".def", ".py", ".md", ".json")


class Unusable(Exception):
    """Input without which nothing can be checked."""


def read(path):
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Unusable(f"{path}: {error}") from error


def read_table(path):
    lines = read(path).removesuffix("\n").split("\n")
    if lines[0].split("\t") != COLUMNS:
        raise Unusable(f"{path}:1: the columns are not: {' '.join(COLUMNS)}")
    return [line.split("\t") for line in lines[1:]]


def row_problems(row, lines, vectors):
    """What is wrong with a row; lines: where the ids above it are, vectors: what they may cite."""
    if len(row) != len(COLUMNS):
        return [f"{len(row)} columns, not {len(COLUMNS)}"]
    cells = dict(zip(COLUMNS, row))
    ident, status = cells["id"], cells["status"]
    problems = [f"{name} is empty or has a space around it" for name, cell in cells.items()
                if not cell and name != "status" or cell != cell.strip()]
    problems += [] if ID.fullmatch(ident) else [f"'{ident}' is no id"]
    problems += [f"{ident} is on line {lines[ident]} already"] if ident in lines else []
    problems += [f"{name} '{word}' is not one of {', '.join(words)}"
                 for name, words in WORDS.items()
                 for word in cells[name].split("," if name in ("role", "testable") else "\t")
                 if word not in words]
    if status and status not in STATUSES and not REASON.fullmatch(status):
        problems.append(f"status '{status}' is none of those that --help lists")
    problems += [f"{ident} is a MUST without a status"] * (cells["level"] == "MUST" and not status)
    if status.startswith("covered: vector") != (ident in vectors):
        problems.append(f"{ident} is '{status}', but {'a' if ident in vectors else 'no'} vector "
                        "cites it (--fix mends this)")
    return problems


def fixed(row, vectors):
    """The row, its status brought in line with what vectors cite."""
    if len(row) != len(COLUMNS) or row[-1].startswith("covered: vector") == (row[0] in vectors):
        return row
    covered = row[-1].removeprefix("covered: ") if row[-1].startswith("covered: ") else ""
    kinds = ["vector"] * (row[0] in vectors) + [k for k in ("rule", "live") if k in covered]
    plan = [kind for word, kind in PLANS.items() if word in row[-2].split(",")] or ["vector"]
    return [*row[:-1], "covered: " + ", ".join(kinds) if kinds else "planned: " + ", ".join(plan)]


def cited_by_tests(path, text):
    try:
        document = json.loads(text)
        tests = document.get("tests", []) if isinstance(document, dict) else []
        return {str(ident) for test in tests for ident in test.get("requirements", [])}
    except (ValueError, TypeError, AttributeError) as error:
        raise Unusable(f"{path}: this is no vector file: {error}") from error


def scan(root):
    """All citations as (file, line, id), and those of them that vectors make."""
    found, cited = [], []
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if path.suffix not in SUFFIXES or any(p[0] == "." or p == "build" for p in parts):
            continue
        name, text = "/".join(parts), read(path)
        found += [(name, number, ident) for number, line in enumerate(text.split("\n"), 1)
                  for ident in CITATION.findall(line)]
        if parts[0] == "vectors" and path.suffix == ".json" and '"tests"' in text:
            cited += [(name, text[:match.start()].count("\n") + 1, ident)
                      for ident in sorted(cited_by_tests(path, text))
                      for match in re.finditer(f'"{re.escape(ident)}"', text)]
    return found + cited, cited


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, help="the tree (default: that of the script)",
                        default=pathlib.Path(__file__).resolve().parents[1])
    parser.add_argument("--fix", action="store_true", help="first mend the vector part of statuses")
    parser.add_argument("--summary", action="store_true", help="count rows by status and level")
    options = parser.parse_args()
    name = "conformance/requirements.tsv"
    try:
        rows = read_table(options.root / name)
        found, cited = scan(options.root)
        others = {r[0]: r[7] for r in rows if r[7:] and not re.search("vector|static", r[7])}
        vectors = {ident for *_, ident in cited} - others.keys()
        if options.fix:
            rows = [fixed(row, vectors) for row in rows]
            text = "\n".join("\t".join(row) for row in [COLUMNS, *rows]) + "\n"
            (options.root / name).write_text(text, encoding="utf-8")
    except (Unusable, OSError) as error:
        print(f"check_requirements.py: {error}", file=sys.stderr)
        return 2
    problems, lines = [], {}
    for number, row in enumerate(rows, 2):
        problems += [f"{name}:{number}: {text}" for text in row_problems(row, lines, vectors)]
        lines.setdefault(row[0], number)
    problems += [f"{file}:{number}: {ident} is not in {name}"
                 for file, number, ident in found if ident not in lines]
    problems += [f"{file}:{number}: {ident} is no matter of vectors, but of {others[ident]}"
                 for file, number, ident in cited if ident in others]
    print("".join(f"{problem}\n" for problem in dict.fromkeys(problems)), end="")
    if options.summary:
        each = [(row[3], re.sub("^untestable:.*", "untestable", row[8])) for row in rows if row[8:]]
        for (level, status), number in sorted(collections.Counter(each).items()):
            print(f"{level:8}{status or 'no status':40}{number:5}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
