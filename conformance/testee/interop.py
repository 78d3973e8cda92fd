#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Run the vectors against programs that are not ours, and write down where these depart.

    interop.py CMRP                  docs/interop.md and the xfail files, as they are to be
    interop.py CMRP --check          compares the document with the one that is there
    interop.py CMRP --run PROGRAM    cmrp conform with the xfail file of one
    interop.py CMRP --list PROGRAM   every failing case with its deviation

PROGRAM is an anchor of deviations.json, which holds the prose. Each failing case belongs to the
first deviation that matches it; one that belongs to none, and a deviation without a case, end the
run with 1. --check and --run end with 77 (skipped) where a program has another version than the
document names, or is missing and CMRP_ALLOW_MISSING_WITNESS=1 says that it may be.
"""
import argparse
import fnmatch
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import third_party
from xfail_globs import cover

HERE = pathlib.Path(__file__).resolve().parent
DOCUMENT = third_party.ROOT / "docs" / "interop.md"
SHOWN = 64  # octets of a stub that are shown
WAIT = "60"  # seconds for an answer, on a machine that has more to do


def load():
    """deviations.json; a deviation "as" that of another program has its words."""
    data = json.loads((HERE / "deviations.json").read_text("utf-8"))
    known = {program["anchor"]: {deviation["id"]: deviation for deviation in program["deviations"]}
             for program in data["programs"]}
    for program in data["programs"]:
        program["deviations"] = [{**known[deviation["as"]][deviation["id"]], **deviation}
                                 if "as" in deviation else deviation
                                 for deviation in program["deviations"]]
    return data


def expanded(pieces, key="hex"):
    if isinstance(pieces, str):
        return pieces
    return "".join(piece if isinstance(piece, str) else piece[key] * piece["repeat"]
                   for piece in pieces)


def vectors():
    """Every test by its id."""
    found = {}
    for path in sorted((third_party.ROOT / "vectors").glob("*/*.json")):
        if path.parent.name not in ("captures", "sequence"):
            for test in json.loads(path.read_text("utf-8")).get("tests", []):
                found[test["id"]] = test
    return found


# ---- runs ---------------------------------------------------------------------------------------

def words(program):
    return ["/usr/bin/python3", str(HERE / program["testee"]), *program.get("options", [])]


def ask(program, requests):
    """The testee's answers to requests, by id."""
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    result = subprocess.run(words(program), input=lines, capture_output=True, encoding="utf-8",
                            check=False, timeout=300)
    if result.returncode != 0 or not result.stdout:
        raise LookupError(result.stderr.strip() or f"{program['name']} does not answer")
    return {reply["id"]: reply for reply in map(json.loads, result.stdout.splitlines())}


def run(cmrp, program):
    """The cases of the program's run, without xfail lines."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "report.json"
        command = " ".join(f"'{word}'" for word in words(program))
        result = subprocess.run(
            [cmrp, "conform", "--testee", command, "--timeout", WAIT, "--json", path,
             *program["selection"]],
            capture_output=True, encoding="utf-8", check=False, timeout=600)
        if result.returncode not in (0, 1):
            sys.exit(f"{program['name']}: cmrp conform ended with {result.returncode}:\n"
                     f"{result.stderr}")
        return json.loads(path.read_text("utf-8"))["cases"]


FAILED = ("FAIL", "CRASH", "TIMEOUT")


def matches(deviation, case, test):
    """Whether a failing case is an instance of a deviation."""
    identity, operation = case["id"].rsplit("/", 1)
    globs = deviation.get("cases", ["*"])
    if not any(fnmatch.fnmatchcase(case["id"], glob) or fnmatch.fnmatchcase(identity, glob)
               for glob in globs):
        return False
    code = test.get("error", {}).get("code")
    if "codes" in deviation and code not in deviation["codes"]:
        return False
    if "got" in deviation and not re.search(deviation["got"], case.get("got", "")):
        return False
    if "expected" in deviation and not re.search(deviation["expected"], case.get("expected", "")):
        return False
    return operation in deviation.get("operations", ["decode", "encode"])


def sort(program, cases, tests):
    """({deviation's id: its failing cases}, those of none)."""
    found, rest = {deviation["id"]: [] for deviation in program["deviations"]}, []
    for case in cases:
        if case["verdict"] in FAILED:
            test = tests[case["id"].rsplit("/", 1)[0]]
            name = next((deviation["id"] for deviation in program["deviations"]
                         if matches(deviation, case, test)), None)
            (rest if name is None else found[name]).append(case)
    return found, rest


# ---- the xfail file -----------------------------------------------------------------------------

def xfail_text(program, cases, found):
    """Lines that match the failing cases, and no case that passes."""
    passing = [case["id"] for case in cases if case["verdict"] == "PASS"]
    lines = ["# SPDX-License-Identifier: Apache-2.0",
             f"# Where {program['name']} {program['version']} departs: written by interop.py from",
             "# deviations.json, which says more."]
    later = {case["id"] for case in cases if case["verdict"] in FAILED}
    for deviation in program["deviations"]:
        for verdict in FAILED:
            own = [case["id"] for case in found[deviation["id"]] if case["verdict"] == verdict]
            later -= set(own)  # of the lines that match a case the first applies
            lines += [f"{glob} {verdict} {deviation['id']}: {deviation['title']}"
                      for glob in cover(own, passing + sorted(later))]
    return "\n".join(lines) + "\n"


def xfail_path(program):
    return HERE / program["folder"] / program.get("xfail", "xfail.txt")


# ---- the document -------------------------------------------------------------------------------

SELECTORS = {"stub": {"interface": 3, "syntax": "ndr", "drep": "le"}, "change": {}, "pdu": {},
             "tower": {}}


def request_of(case_id, tests, number):
    """The request of the testee protocol for a case."""
    identity, operation = case_id.rsplit("/", 1)
    test = tests[identity]
    request = {"id": number, "op": operation, "type": test["type"], "mode": "strict"}
    request.update(SELECTORS[test["type"]])
    for key in ("set", "method", "opnum", "direction", "interface", "syntax", "drep"):
        if key in test:
            request[key] = test[key]
    if operation == "decode":
        request["hex"] = expanded(test["hex"])
    else:
        request["value"] = test["value"]
    return request


def grouped(text):
    """Hex in groups of four octets."""
    return " ".join(text[at:at + 8] for at in range(0, len(text), 8))


def head(text, around=0):
    """At most SHOWN octets of hex, from near the one that matters."""
    start = max(0, around - SHOWN // 2) // 4 * 4
    part = text[2 * start:2 * (start + SHOWN)]
    return (f"…+{start} " if start else "") + grouped(part) + \
        (" …" if len(text) > 2 * (start + SHOWN) else "")


def differing(left, right):
    """The first octet in which two hex strings differ."""
    return next((at // 2 for at in range(0, min(len(left), len(right)), 2)
                 if left[at:at + 2] != right[at:at + 2]), min(len(left), len(right)) // 2)


def shorter(text, size=110):
    return text if len(text) <= size else text[:size] + "…"


def octets_lines(case, tests, reply):
    """The octets of an example: expected, and what the program makes of them."""
    identity, operation = case["id"].rsplit("/", 1)
    test = tests[identity]
    octets = expanded(test["hex"]) if "hex" in test else None
    if operation == "encode" and "hex" in reply:
        if octets is None:
            return [f"theirs    {len(reply['hex']) // 2} octets: {head(reply['hex'])}"]
        at = differing(octets, reply["hex"])
        return [f"expected  {len(octets) // 2} octets: {head(octets, at)}",
                f"theirs    {len(reply['hex']) // 2} octets: {head(reply['hex'], at)}"]
    said = f"error: {reply['error']}" if "error" in reply else \
        shorter(json.dumps(reply.get("value"), ensure_ascii=False))
    wanted = f"an error ({test['error']['code']}, at offset {test['error'].get('offset', 0)})" \
        if "error" in test else shorter(json.dumps(test["value"], ensure_ascii=False))
    if case["expected"].startswith("/") and test["type"] != "change":  # where a value differs
        wanted, said = case["expected"], case["got"]
    at = test.get("error", {}).get("offset", 0)
    lines = [f"octets    {len(octets) // 2}: {head(octets, at)}"] if octets is not None else []
    return lines + [f"expected  {wanted}", f"theirs    {said}"]


def reproduce(cmrp, line, shows):
    """What a reproducer prints, of which one line must show the deviation."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{pathlib.Path(cmrp).resolve().parent}:/usr/bin:/bin"
        result = subprocess.run(["/bin/bash", "-c", line], cwd=folder, capture_output=True,
                                encoding="utf-8", errors="replace", check=False, timeout=60,
                                env={"PATH": path, "LC_ALL": "C.UTF-8", "TZ": "UTC",
                                     "HOME": folder})
    found = re.search(shows, result.stdout, re.M)
    if not found:
        sys.exit(f"this does not show \"{shows}\":\n{line}\n{result.stdout[-2000:]}{result.stderr}")
    return found[0].strip()


def counts(cases):
    verdicts = {}
    for case in cases:
        verdicts[case["verdict"]] = verdicts.get(case["verdict"], 0) + 1
    return verdicts


def names_missing(found, tests):
    """Names of enumerations in the cases of a deviation, by set."""
    names = {}
    for case in found:
        value = tests[case["id"].rsplit("/", 1)[0]].get("value", {})
        names.setdefault(value.get("set"), set()).update(value.get("names", []))
    return names


def deviation_lines(cmrp, program, deviation, found, tests, replies):
    cases = found[deviation["id"]]
    example = deviation.get("example") or cases[0]["id"]
    lines = [f"### {deviation['id']}: {deviation['title']}", "", deviation["says"], "",
             f"*Effect.* {deviation['effect']}", "",
             f"*Section.* {deviation['section']}. *Cases.* {len(cases)}, "
             f"such as `{example}`:", "", "```text",
             *octets_lines(next(case for case in cases if case["id"] == example), tests,
                           replies[example]), "```"]
    if deviation.get("names"):
        for name, missing in sorted(names_missing(cases, tests).items()):
            lines += ["", f"Names of {name} that are not there ({len(missing)}): "
                      + ", ".join(f"`{item}`" for item in sorted(missing)) + "."]
    if "reproduce" in deviation:
        shown = reproduce(cmrp, deviation["reproduce"], deviation["shows"])
        lines += ["", "```shell-session", f"$ {deviation['reproduce']}", "…", shown, "…", "```"]
    return lines + [""]


def program_lines(cmrp, program, cases, found, tests):
    own = [deviation for deviation in program["deviations"] if "as" not in deviation]
    examples = [deviation.get("example") or found[deviation["id"]][0]["id"] for deviation in own]
    replies = ask(program, [request_of(name, tests, number)
                            for number, name in enumerate(examples, 1)])
    replies = {name: replies[number] for number, name in enumerate(examples, 1)}
    verdicts = counts(cases)
    command = " ".join(["/usr/bin/python3", f"conformance/testee/{program['testee']}",
                        *program.get("options", [])])
    selection = " ".join(f"'{glob}'" for glob in program["selection"])
    xfail = xfail_path(program).relative_to(third_party.ROOT)
    lines = [f"## {program['name']}", "", program["what"], "",
             f"Version: {program['version']}.", "", "```sh", f"cmrp conform --testee '{command}' \\", f"    --xfail {xfail} {selection}",
             "```", "", "| Verdict | Cases |", "|---|---|"]
    lines += [f"| {verdict} | {verdicts[verdict]} |" for verdict in
              ("PASS", "FAIL", "CRASH", "TIMEOUT", "UNSUPPORTED") if verdict in verdicts]
    lines += [""]
    shared = [deviation for deviation in program["deviations"] if "as" in deviation]
    if shared:
        lines += ["| As above | Cases |", "|---|---|"]
        lines += [f"| {deviation['as']}: {deviation['id']} | {len(found[deviation['id']])} |"
                  for deviation in shared] + [""]
    for deviation in own:
        lines += deviation_lines(cmrp, program, deviation, found, tests, replies)
    return lines


def document(parts):
    lines = ["# Third parties", "",
             "What the test vectors say of programs that are not ours. Every number, every octet and "
             "every line of output here was printed by a run:", "", "```sh",
             "conformance/testee/interop.py build/release/bin/cmrp", "```", "",
             "writes this page and the xfail files; CTest checks that they are up to date. A case "
             "that fails belongs to one deviation. A reproducer is a command as it stands, with "
             "`cmrp` in PATH; of what it prints one line is shown.", "",
             "| Program | Version | PASS | FAIL | UNSUPPORTED | Deviations |",
             "|---|---|---|---|---|---|"]
    for program, cases, _ in parts:
        verdicts = counts(cases)
        failed = sum(verdicts.get(verdict, 0) for verdict in FAILED)
        lines.append(f"| [{program['name']}](#{program['anchor']}) | {program['version']} | "
                     f"{verdicts.get('PASS', 0)} | {failed} | {verdicts.get('UNSUPPORTED', 0)} | "
                     f"{len(program['deviations'])} |")
    lines += [""]
    for _, _, text in parts:
        lines += text
    return "\n".join(lines).rstrip("\n") + "\n"


# ---- main ---------------------------------------------------------------------------------------

def version_of(program):
    """What the testee says of the program's version; LookupError where it is missing."""
    return ask(program, [{"id": 0, "op": "hello", "format": 1}])[0]["version"]


def look(cmrp, program, tests):
    """(cases, {deviation: cases}) of a run; ends where they do not fit deviations.json."""
    cases = run(cmrp, program)
    found, rest = sort(program, cases, tests)
    for case in rest:
        print(f"{program['name']}: {case['id']} belongs to no deviation: expected "
              f"{case.get('expected')}; got {case.get('got')}", file=sys.stderr)
    idle = [name for name, own in found.items() if not own]
    for name in idle:
        print(f"{program['name']}: no case shows {name}", file=sys.stderr)
    if rest or idle:
        sys.exit(1)
    return cases, found


def outdated(path, text):
    """Whether a file says something else; the first line that differs goes to stderr."""
    there = path.read_text("utf-8") if path.exists() else ""
    if there == text:
        return False
    old, new = there.splitlines(), text.splitlines()
    at = next((n for n, pair in enumerate(zip(old, new)) if pair[0] != pair[1]),
              min(len(old), len(new)))
    print(f"{path}:{at + 1}: is not what the runs say now:\n"
          f"- {old[at:at + 1]}\n+ {new[at:at + 1]}\nTo write it again: conformance/testee/interop.py CMRP", file=sys.stderr)
    return True


def checked_versions(programs, writing):
    """Ends unless every program is there, in the version that the document is about."""
    may_be_missing = os.environ.get("CMRP_ALLOW_MISSING_WITNESS") == "1"
    for program in programs:
        try:
            version = version_of(program)
        except LookupError as why:
            print(f"{program['name']}: {why}", file=sys.stderr)
            sys.exit(77 if may_be_missing and not writing else 1)
        if version != program["version"]:
            print(f"{program['name']} is {version} here; deviations.json is about "
                  f"{program['version']}", file=sys.stderr)
            sys.exit(1 if writing else 77)


def run_with_xfail(cmrp, program):
    command = " ".join(f"'{word}'" for word in words(program))
    return subprocess.run([cmrp, "conform", "--testee", command, "--timeout", WAIT, "--xfail",
                           xfail_path(program), *program["selection"]],
                          check=False, timeout=600).returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cmrp", help="the program cmrp")
    parser.add_argument("--check", action="store_true", help="compare the document, write nothing")
    parser.add_argument("--list", metavar="PROGRAM", help="list the failing cases of one")
    parser.add_argument("--run", metavar="PROGRAM", help="run one with its xfail file")
    options = parser.parse_args()
    programs, tests = load()["programs"], vectors()
    if options.list or options.run:
        programs = [item for item in programs if item["anchor"] in (options.list, options.run)]
        if len(programs) != 1:
            parser.error("there is no such program")
        [program] = programs
    if options.run:
        checked_versions(programs, False)
        return run_with_xfail(options.cmrp, program)
    if options.list:
        found, rest = sort(program, run(options.cmrp, program), tests)
        for name, own in [*found.items(), ("-", rest)]:
            for case in own:
                print(name, case["id"], case.get("expected"), "|", case.get("got"))
        return 0
    checked_versions(programs, not options.check)
    parts, texts = [], {}
    for program in programs:
        cases, found = look(options.cmrp, program, tests)
        if not options.check:  # --run shows whether these are right
            texts[xfail_path(program)] = xfail_text(program, cases, found)
        parts.append((program, cases,
                      program_lines(options.cmrp, program, cases, found, tests)))
    texts[DOCUMENT] = document(parts)
    if options.check:
        return 1 if any([outdated(path, text) for path, text in texts.items()]) else 0
    for path, text in texts.items():
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
