#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks conformance/requirements.tsv and every citation of a requirement in the tree.

Columns: id; section of [MS-CMRP], or with a name before it of another document, several with ","
between them; role, who is to keep it; level; protocol; methods/structs; statement, in our words
("[declarative]", "[table]", "[ADM ...]": the specification states it without MUST or SHOULD);
testable, what can show whether it is kept; status, what does.
  testable   vector      octets alone: a codec is judged by them
             static      tables of the codec, which vectors show
             pcap        a capture: a rule judges it, or decoding, where the role has codec
             live-server, live-client   only playing against a running server or client
             untestable  nothing
The column status says what is done about a requirement:
  covered: KINDS      of vector, rule: exactly those that cite it. A rule is a row of
                      conformance/rules/*.def, and counts when a sequence in vectors/sequence
                      has a finding of it
  planned: KINDS      of vector, rule, live server, live client: all that testable names, where
                      nothing cites it
  untestable: REASON  exactly where testable says so
and behind the first two, where a MUST is to have a vector or a rule by its testable, but has none:
  ; no vector yet: REASON
  ; no rule yet: REASON
KINDS are in this order with ", " between them. Vectors may cite only rows whose testable names
vector or static, rules only those with pcap; a rule has level, role and section of its row. Ids of
group X are made up by tests. Each problem is one line on stdout.
Exit status: 0 no problem, 1 problems, 2 unusable input."""
import argparse
import collections
import json
import pathlib
import re
import sys

COLUMNS = "id section role level protocol methods/structs statement testable status".split()
WORDS = {"role": ("server", "client", "codec"), "level": ("MUST", "SHOULD", "MAY"),
         "protocol": ("v2", "v3", "both"),
         "testable": ("vector", "static", "pcap", "live-server", "live-client", "untestable")}
KINDS = {"vector": "vector", "static": "vector", "pcap": "rule", "live-server": "live server",
         "live-client": "live client"}  # what shows what a word in testable names, in order
STATUS = re.compile(r"(?P<core>(?P<word>covered|planned): (?:\w+(?: \w+)?)(?:, \w+(?: \w+)?)*)"
                    r"(?:; no vector yet: (?P<vector>[^;]+))?(?:; no rule yet: (?P<rule>[^;]+))?")
REASON = re.compile(r"(\S+ ){3,}\S+")
UNTESTABLE = "untestable: "
RULE = re.compile(r'^RULE\(\s*\w+,\s*"([^"]+)",\s*"([^"]+)",\s*(\w+),\s*(\w+),\s*"([^"]+)",',
                  re.MULTILINE)
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


def can(cells):
    """The kinds that can show a row, by its testable."""
    words = cells["testable"].split(",")
    kinds = dict.fromkeys(kind for word, kind in KINDS.items() if word in words)
    if "vector" in kinds and "codec" in cells["role"].split(","):
        kinds.pop("rule", None)  # decoding a capture shows what vectors show of the decoder
    return list(kinds)


def wanted(cells, cited):
    """The status up to its excuses; cited: id -> kinds."""
    has = [kind for kind in ("vector", "rule") if kind in cited.get(cells["id"], ())]
    plan = can(cells)
    return f"{'covered' if has else 'planned'}: {', '.join(has or plan)}" if has or plan else ""


def status_problems(cells, cited):
    ident, status, core = cells["id"], cells["status"], wanted(cells, cited)
    if status.startswith(UNTESTABLE) or not core:
        if not core and not REASON.fullmatch(status.removeprefix(UNTESTABLE)):
            return [f"status '{status}' gives no reason of four words or more"]
        return [f"{ident} is '{status}', but testable names {cells['testable']}"] * bool(core)
    match, problems = STATUS.fullmatch(status), []
    if match is None:
        return [f"status '{status}' is none of those that --help describes"]
    if match["core"] != core:
        return [f"{ident} is '{match['core']}', but by its citations and testable '{core}' "
                "(--fix mends this)"]
    for kind in ("vector", "rule"):
        lacks = kind in can(cells) and kind not in cited.get(ident, ())
        if match[kind] and not lacks:
            problems.append(f"{ident} says 'no {kind} yet', but there is one, or none can show it "
                            "(--fix mends this)")
        if match[kind] and not REASON.fullmatch(match[kind]):
            problems.append(f"'no {kind} yet' of {ident} gives no reason of four words or more")
        if lacks and not match[kind] and cells["level"] == "MUST":
            problems.append(f"{ident} is a MUST for which testable wants a {kind}: there is none, "
                            f"and status does not say why ('; no {kind} yet: REASON')")
    return problems


def row_problems(row, lines, cited):
    """What is wrong with a row; lines: where the ids above it are; cited: id -> kinds."""
    if len(row) != len(COLUMNS):
        return [f"{len(row)} columns, not {len(COLUMNS)}"]
    cells = dict(zip(COLUMNS, row))
    ident = cells["id"]
    problems = [f"{name} is empty or has a space around it" for name, cell in cells.items()
                if not cell and name != "status" or cell != cell.strip()]
    problems += [] if ID.fullmatch(ident) else [f"'{ident}' is no id"]
    problems += [f"{ident} is on line {lines[ident]} already"] if ident in lines else []
    problems += [f"{name} '{word}' is not one of {', '.join(words)}"
                 for name, words in WORDS.items()
                 for word in cells[name].split("," if name in ("role", "testable") else "\t")
                 if word not in words]
    if not cells["status"]:
        return problems + [f"{ident} is a MUST without a status"] * (cells["level"] == "MUST")
    return problems + status_problems(cells, cited)


def rule_problems(rule, rows):
    """What is wrong with a row of rules/*.def; rows: id -> cells."""
    name, ident, level, role, section = rule
    cells = rows.get(ident)
    if not cells:
        return []  # an unknown id, reported as a citation
    sections = section.removeprefix("MS-CMRP ").split(", ")
    return ([f"rule {name}: {ident} is a {cells['level']}, not a {level}"]
            * (cells["level"] != level)
            + [f"rule {name}: {ident} is a matter of {cells['role']}, not of the {role.lower()}"]
            * (role.lower() not in cells["role"].split(","))
            + [f"rule {name}: {ident} stands in {cells['section']}, not in {section}"]
            * (not set(sections) <= set(cells["section"].split(",")))
            + [f"rule {name}: testable of {ident} has no pcap"]
            * ("pcap" not in cells["testable"].split(",")))


def fixed(row, cited):
    """The row, its status brought in line with what cites it."""
    if len(row) != len(COLUMNS):
        return row
    cells = dict(zip(COLUMNS, row))
    core, match = wanted(cells, cited), STATUS.fullmatch(row[-1])
    if not core or row[-1].startswith(UNTESTABLE) or not (match or not row[-1]):
        return row
    excuses = [f"; no {kind} yet: {match[kind]}" for kind in ("vector", "rule")
               if match and match[kind] and kind in can(cells)
               and kind not in cited.get(cells["id"], ())]
    return [*row[:-1], core + "".join(excuses)]


def cited_by_tests(path, text):
    try:
        document = json.loads(text)
        tests = document.get("tests", []) if isinstance(document, dict) else []
        return {str(ident) for test in tests for ident in test.get("requirements", [])}
    except (ValueError, TypeError, AttributeError) as error:
        raise Unusable(f"{path}: this is no vector file: {error}") from error


def findings_of(path, text):
    """The names of the rules in the findings that sequences must have."""
    try:
        return {str(finding["rule"]) for sequence in json.loads(text)["sequences"]
                for finding in sequence.get("findings", [])}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Unusable(f"{path}: this is no file of sequences: {error}") from error


def rules_of(root):
    """The rules as (file, line, (name, id, level, role, section)); what sequences find."""
    rules, found = [], {}
    for path in sorted((root / "conformance" / "rules").glob("*.def")):
        text = read(path)
        rules += [(path.relative_to(root).as_posix(), text[:match.start()].count("\n") + 1,
                   match.groups()) for match in RULE.finditer(text)]
    for path in sorted((root / "vectors" / "sequence").glob("*.json")):
        for name in findings_of(path, read(path)):
            found.setdefault(name, path.relative_to(root).as_posix())
    return rules, found


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
    parser.add_argument("--fix", action="store_true", help="first mend what follows from citations")
    parser.add_argument("--summary", action="store_true", help="count rows by status and level")
    options = parser.parse_args()
    name = "conformance/requirements.tsv"
    try:
        rows = read_table(options.root / name)
        found, by_vectors = scan(options.root)
        rules, flagged = rules_of(options.root)
        others = {r[0]: r[7] for r in rows if r[7:] and not re.search("vector|static", r[7])}
        cited = collections.defaultdict(set)
        for *_, ident in by_vectors:
            cited[ident] |= {"vector"} - ({"vector"} if ident in others else set())
        for *_, rule in rules:
            cited[rule[1]] |= {"rule"} if rule[0] in flagged else set()
        if options.fix:
            rows = [fixed(row, cited) for row in rows]
            text = "\n".join("\t".join(row) for row in [COLUMNS, *rows]) + "\n"
            (options.root / name).write_text(text, encoding="utf-8")
    except (Unusable, OSError) as error:
        print(f"check_requirements.py: {error}", file=sys.stderr)
        return 2
    problems, lines = [], {}
    for number, row in enumerate(rows, 2):
        problems += [f"{name}:{number}: {text}" for text in row_problems(row, lines, cited)]
        lines.setdefault(row[0], number)
    cells = {row[0]: dict(zip(COLUMNS, row)) for row in rows}
    problems += [f"{file}:{number}: {ident} is not in {name}"
                 for file, number, ident in found if ident not in lines]
    problems += [f"{file}:{number}: {ident} is no matter of vectors, but of {others[ident]}"
                 for file, number, ident in by_vectors if ident in others]
    problems += [f"{file}:{number}: {text}" for file, number, rule in rules
                 for text in rule_problems(rule, cells)]
    problems += [f"{file}:{number}: rule {rule[0]}: no sequence has a finding of it"
                 for file, number, rule in rules if rule[0] not in flagged]
    problems += [f"{file}: there is no rule {rule}" for rule, file in flagged.items()
                 if rule not in {"encoding", *(known[0] for *_, known in rules)}]
    print("".join(f"{problem}\n" for problem in dict.fromkeys(problems)), end="")
    if options.summary:
        each = [(row[3], re.sub(r"^untestable:.*|; no (\w+) yet: [^;]*",
                                lambda m: f"; no {m[1]} yet" if m[1] else "untestable", row[8]))
                for row in rows if row[8:]]
        for (level, status), number in sorted(collections.Counter(each).items()):
            print(f"{level:8}{status or 'no status':58}{number:5}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
