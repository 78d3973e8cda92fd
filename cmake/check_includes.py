#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that includes point downwards. Who may include whom is in the tables of this script.

Reads the C files below codec/ and conformance/ but for folders named test or bench, which may
include what they like, as fuzz/ may. Prints a line with FILE:LINE for each include that may not be.
Exit status: 0 there is none, 1 there are some, 2 nothing to check or an unreadable file."""
import argparse
import pathlib
import re
import sys

# Codec: a module is all MODULE.* and MODULE_*.*; it may include itself and what is in its row.
BASE = "bytes status version export"
CODEC = {
    "export": "", "version": "export",
    "status": "version export",
    "bytes": "status version export",
    "uuid": BASE,
    "change": BASE,
    "ndr": BASE,
    "pdu": f"{BASE} uuid",
    "epm": f"{BASE} ndr uuid",
    "batch": BASE,
    "payload": f"{BASE} ndr",
    "method": f"{BASE} ndr change",
}
CODEC["cmrp"] = " ".join(CODEC)  # the header that includes all
ALIASES = {"methods.def": "method.def", "opnums.def": "method.def"}
# Freestanding headers, and string.h, of which compilers need memcpy and the like anyway.
SYSTEM = "stdint.h stddef.h stdbool.h limits.h stdalign.h stdnoreturn.h stdarg.h string.h".split()

# Conformance: a folder may include itself, util, and what is in its row: folders, one module of the
# codec (cmrp/MODULE), all of it (codec), or everything (*). Libraries are not restricted.
CONFORMANCE = {
    "util": "codec",
    "json": "codec",
    "show": "json codec",
    "assoc": "codec",
    "capture": "assoc cmrp/status cmrp/bytes",
    "rpc": "cmrp/epm cmrp/method cmrp/pdu cmrp/uuid",
    "suite": "json codec",
    "ledger": "suite rules json codec",
    "testee": "suite json codec",
    "voices": "testee suite report json codec",
    "rules": "assoc json codec",
    "cluster": "cmrp/change cmrp/batch",
    "service": "rpc cluster cmrp/method cmrp/payload",
    "control": "cluster show json",
    "serve": "control service rpc cluster show",
    "watch": "rpc json show cmrp/batch cmrp/change cmrp/method cmrp/payload",
    "call": "rpc json show cmrp/method cmrp/uuid",
    "report": "suite judge rules capture show json codec",
    "traffic": "suite json codec",
    "wireshark": "codec",
    "replay": "capture assoc show json codec rules",
    "judge": "replay rules suite assoc capture show json codec",
    "cli": "*",
}
SUFFIXES, FREE = (".c", ".h", ".def", ".inc"), {"test", "bench"}
COMMENT = re.compile(r'("(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')|//[^\n]*|/\*.*?\*/', re.DOTALL)
INCLUDE = re.compile(r'\s*#\s*include\b\s*(?:([<"])([^>"]+))?')


def module_of(name):
    """The codec module that a file name belongs to, or None."""
    stem = ALIASES.get(name, name).split(".")[0]
    return next((module for module in CODEC if stem == module
                 or stem.startswith(module + "_") and module != "cmrp"), None)


def codec_problem(module, name, angled):
    if angled and not name.startswith("cmrp/"):
        return None if name in SYSTEM else f"of system headers only {', '.join(SYSTEM)}"
    target, allowed = module_of(name.removeprefix("cmrp/")), [module, *CODEC[module].split()]
    return None if target in allowed else f"{module} may include only {', '.join(allowed)}"


def conformance_problem(folder, name, angled, root):
    allowed = [folder, "util", *CONFORMANCE[folder].split()]
    first, slash, rest = name.partition("/")
    if angled and first != "cmrp" and not (root / "conformance" / name).exists():
        return None
    if not slash or first not in [*CONFORMANCE, "cmrp"]:
        return "write FOLDER/FILE, with a folder that has a row in check_includes.py"
    needed = {"*", "codec", f"cmrp/{module_of(rest)}"} if first == "cmrp" else {"*", first}
    return None if needed & set(allowed) else f"{folder} may include only {', '.join(allowed)}"


def problems_of(root, path):
    """The broken rules of one file, as lines to print."""
    part, *folders = path.relative_to(root).parts[:-1]
    owner = module_of(path.name) if part == "codec" else "".join(folders[:1])
    if owner not in (CODEC if part == "codec" else CONFORMANCE):
        return [f"{path.relative_to(root)}:1: no row in check_includes.py is about this file"]
    problems = []
    text = COMMENT.sub(lambda match: match[1] or "\n" * match[0].count("\n"),
                       path.read_text(encoding="utf-8", errors="replace"))
    for number, line in enumerate(text.split("\n"), 1):
        if match := INCLUDE.match(line):
            angled, name = match[1] == "<", match[2] or ""
            problem = (codec_problem(owner, name, angled) if part == "codec"
                       else conformance_problem(owner, name, angled, root))
            if problem:
                problems.append(f"{path.relative_to(root)}:{number}: {line.strip()}: {problem}")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, help="the tree (default: that of the script)",
                        default=pathlib.Path(__file__).resolve().parents[1])
    root = parser.parse_args().root
    files = [path for part in ("codec", "conformance") for path in sorted((root / part).rglob("*"))
             if path.suffix in SUFFIXES and not FREE & set(path.relative_to(root).parts)]
    if not files:
        parser.error(f"{root}: there is no C file below codec or conformance")
    try:
        problems = [problem for path in files for problem in problems_of(root, path)]
    except OSError as error:
        parser.error(str(error))
    print("".join(f"{problem}\n" for problem in problems), end="")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
