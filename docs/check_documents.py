#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the commands of the documents and compares what they print.

usage: check_documents.py [--fix] CMRP [FILE...]

A fenced block ```console [exit=N] holds lines `$ COMMAND`, each followed by its output (standard
output and standard error as they come). Commands run from the project's root with the program's
folder first in PATH; N is the exit code of the last one (default 0), the others end with 0. A line
`...` in the expected output stands for any number of lines. `export NAME=VALUE` holds to the end of
the document. --fix writes the real output into blocks that differ. Links to files of the project
are checked as well.

Exit codes: 0 all true, 1 differences, 2 usage.
"""
import difflib
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```console(?: exit=(\d+))?\n(.*?)^```$", re.M | re.S)
EXPORT = re.compile(r"export (\w+)=(\S*)")
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")


def run(command, cmrp, exported):
    if match := EXPORT.fullmatch(command):
        exported[match[1]] = match[2]
    env = dict(os.environ, **exported, PATH=f"{cmrp.parent}:{os.environ['PATH']}", NO_COLOR="1", LC_ALL="C.UTF-8",
               COLUMNS="100")
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, env=env, text=True, timeout=300,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout, done.returncode


def commands(body):
    """The commands of a block, each with the output that is expected of it."""
    found = []
    for line in body.splitlines(keepends=True):
        if line.startswith("$ "):
            found.append([line[2:].rstrip("\n"), ""])
        elif found and found[-1][0].endswith("\\"):
            found[-1][0] += "\n" + line.rstrip("\n")
        elif found:
            found[-1][1] += line
    return found


def matches(expected, output):
    pattern = "".join(r"(?:.*\n)*?" if line.strip() == "..." else re.escape(line)
                      for line in expected.splitlines(keepends=True))
    return re.fullmatch(pattern, output) is not None


def check_block(path, match, cmrp, exported, problems):
    exit_code, body = int(match[1] or 0), match[2]
    real = ""
    steps = commands(body)
    for number, (command, expected) in enumerate(steps):
        output, code = run(command, cmrp, exported)
        wanted = exit_code if number + 1 == len(steps) else 0
        if code != wanted:
            problems.append(f"{path}: `{command}` ends with {code}, not {wanted}:\n{output}")
        if not matches(expected, output):
            diff = difflib.unified_diff(expected.splitlines(), output.splitlines(), "document",
                                        "reality", lineterm="")
            problems.append(f"{path}: `{command}` prints something else:\n" + "\n".join(diff))
            expected = output
        real += f"$ {command}\n{expected}"
    return match[0].replace(body, real)


def main():
    arguments = [a for a in sys.argv[1:] if a != "--fix"]
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__.strip())
        return 0 if arguments else 2
    cmrp = pathlib.Path(arguments[0]).resolve()
    if not os.access(cmrp, os.X_OK):
        print(f"{cmrp}: no such program", file=sys.stderr)
        return 2
    files = [pathlib.Path(f).resolve() for f in arguments[1:]]
    files = files or sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md"),
                             *ROOT.glob("*/*/README.md")])
    files = [f for f in files if "build" not in f.relative_to(ROOT).parts]
    problems, count = [], 0
    for path in files:
        text = path.read_text(encoding="utf-8")
        shown = path.relative_to(ROOT)
        for link in LINK.findall(text):
            if not (path.parent / link).exists():
                problems.append(f"{shown}: link to {link}, which is not there")
        count += len(BLOCK.findall(text))
        exported = {}
        fixed = BLOCK.sub(lambda match: check_block(shown, match, cmrp, exported, problems), text)
        if "--fix" in sys.argv and fixed != text:
            path.write_text(fixed, encoding="utf-8")
    for problem in problems:
        print(problem, file=sys.stderr)
    if count == 0:
        print("no command was found in any document", file=sys.stderr)
        return 1
    print(f"documents: {count} blocks in {len(files)} files, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
