#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the man pages and the bash completion with what the program itself says.

usage: test_man_pages.py CMRP

Subcommands, options, arguments, defaults and exit codes of `cmrp --help` and `cmrp SUB --help` are
those of the pages, and the other way round; the pages pass mandoc's lint; their examples run; the
completion offers every option, and nothing that the program does not take. Lines `$ COMMAND` of a
page's EXAMPLES run one after the other in an empty folder; a comment `.\\" exit=N` or
`.\\" not run: REASON` stands before a display that ends otherwise or cannot be run.

Exit codes: 0 all true, 1 differences, 2 usage.
"""
import functools
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

DOCS = pathlib.Path(__file__).resolve().parent
ROOT = DOCS.parent
PAGES = DOCS / "man"
COMPLETION = DOCS / "completion" / "cmrp"
SECTIONS = ("NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "EXAMPLES", "SEE ALSO")
HELP_OPTION = re.compile(r"^ {2,}(?=-)(-\w)?(?:, )?(--[\w-]+)?"
                         r"(?: ([A-Z]\S*|[^\s|]+\|\S*))?(?: +(.*))?$")


class Problems:
    """What is wrong, and how much was looked at."""

    def __init__(self):
        self.lines, self.checks = [], 0

    def check(self, true, text):
        self.checks += 1
        if not true:
            self.lines.append(text)

    def same(self, where, first_name, first, second_name, second):
        """Two sets that must be equal; each word that is in one only is a problem."""
        self.check(first or second, f"{where}: neither {first_name} nor {second_name} has anything")
        for word in sorted(first - second):
            self.check(False, f"{where}: {word} is in {first_name}, not in {second_name}")
        for word in sorted(second - first):
            self.check(False, f"{where}: {word} is in {second_name}, not in {first_name}")
        self.checks += len(first & second)


class Program:
    """The program under test and its own words about itself."""

    def __init__(self, path):
        self.path = path
        self.env = dict(os.environ, PATH=f"{path.parent}:{os.environ['PATH']}", NO_COLOR="1",
                        LC_ALL="C.UTF-8")

    def run(self, *arguments, cwd=None, stdin=""):
        return subprocess.run(arguments, cwd=cwd, env=self.env, input=stdin, text=True, timeout=120,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)

    @functools.lru_cache(maxsize=None)
    def help(self, subcommand):
        words = [subcommand] if subcommand else []
        done = self.run(str(self.path), *words, "--help")
        if done.returncode != 0:
            raise SystemExit(f"cmrp {subcommand} --help ends with {done.returncode}")
        return done.stdout

    def subcommands(self):
        return re.findall(r"^  ([a-z]+) +[a-z]", self.help(""), re.M)

    def options(self, subcommand):
        """Options of a help text: {name: (all its names, argument or None, description)}."""
        found, last = {}, None
        for line in self.help(subcommand).splitlines():
            match = HELP_OPTION.match(line)
            if match and (match[1] or match[2]):
                names = tuple(name for name in match.groups()[:2] if name)
                last = [names, match[3], match[4] or ""]
                found.update((name, last) for name in names)
            elif last and re.match(r" {12,}\S", line):
                last[2] += " " + line.strip()
            else:
                last = None
        return found

    def exit_codes(self, subcommand):
        text = " ".join(self.help(subcommand).split())
        codes = re.search(r"Exit codes: (.*)", text)
        return set(re.findall(r"(?:^|[;,.] )(\d)(?= )", codes[1])) if codes else set()


class Page:
    """One page, as source."""

    def __init__(self, path):
        self.path = path
        self.lines = path.read_text(encoding="utf-8").splitlines()
        self.sections, section = {}, None
        for line in self.lines:
            if line.startswith(".Sh "):
                section = self.sections.setdefault(line[4:].strip(), [])
            elif section is not None:
                section.append(line)

    @staticmethod
    def names(words):
        """The options among the words behind a macro, with the argument of each or None."""
        found, i = [], 0
        while i < len(words):
            if words[i] == "Fl":
                i += 1
                while i < len(words) and words[i] not in ("Ar", "Cm", ",", "Fl"):
                    if words[i] != "|":
                        name = words[i]
                        letters = [name] if name.startswith("-") or len(name) == 1 else list(name)
                        found += [["-" + letter, None] for letter in letters]
                    i += 1
                argument = []
                while i < len(words) and words[i] not in (",", "Fl"):
                    argument += [words[i]] if words[i] not in ("Ar", "Cm") else []
                    i += 1
                if argument and found:
                    found[-1][1] = "".join(argument)
            else:
                i += 1
        return found

    def synopsis(self):
        return {name for line in self.sections.get("SYNOPSIS", [])
                for name, _ in self.names(line.lstrip(".").split())}

    def options(self):
        """{name: (all its names, argument or None, text)}."""
        found, last = {}, None
        for line in self.sections.get("DESCRIPTION", []):
            if line.startswith(".It Fl "):
                pairs = self.names(line[4:].split())
                arguments = {argument for _, argument in pairs}
                last = [tuple(name for name, _ in pairs), arguments.pop(), ""]
                found.update((name, last) for name, _ in pairs)
            elif last is not None:
                words = line.split()
                if line.startswith((".Ss", ".Pp")):
                    last = None
                elif not line.startswith((".Bl", ".El")):
                    last[2] += " " + " ".join(w for w in words if not re.match(r"\.?[A-Z][a-z]$", w))
        return found

    def exit_codes(self):
        return {line.split()[1] for line in self.sections.get("EXIT STATUS", [])
                if re.match(r"\.It \d", line)}

    def examples(self):
        """(command, exit code or None where it is not to be run)."""
        found, inside, wanted = [], False, 0
        for line in self.sections.get("EXAMPLES", []):
            comment = re.match(r'\.\\" (?:exit=(\d)|(not run): \S)', line)
            if comment:
                wanted = None if comment[2] else int(comment[1])
            elif line.startswith((".Bd", ".Ed")):
                inside = line.startswith(".Bd")
                wanted = wanted if inside else 0
            elif inside and line.startswith("$ "):
                found.append([line[2:], wanted])
            elif inside and found:
                found[-1][0] += "\n" + line
        return [(command.replace("\\e", "\\").replace("\\&", ""), code) for command, code in found]


# ---- pages ----------------------------------------------------------------------------------------

def check_form(page, problems):
    name = page.path.name
    lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", str(page.path)], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    problems.check(lint.returncode == 0 and not lint.stdout, f"{name}: lint: {lint.stdout.strip()}")
    for section in SECTIONS:
        problems.check(page.sections.get(section), f"{name}: no section {section}")
    problems.check(f".Nm {page.path.stem}" in page.sections.get("NAME", []),
                   f"{name}: NAME is not {page.path.stem}")
    for other in re.findall(r"^\.Xr (cmrp\S*) 1", "\n".join(page.lines), re.M):
        problems.check((PAGES / f"{other}.1").exists(), f"{name}: there is no page {other}(1)")
        problems.check(other != page.path.stem, f"{name}: it refers to itself")


def check_options(page, program, subcommand, problems):
    name, of_help, of_page = page.path.name, program.options(subcommand), page.options()
    problems.same(name, "the help", set(of_help), "the page", set(of_page))
    problems.same(name, "the help", set(of_help), "the synopsis",
                  {n for s in page.synopsis() for n in of_page.get(s, [(s,)])[0]})
    problems.same(name, "the help's exit codes", program.exit_codes(subcommand), "EXIT STATUS",
                  page.exit_codes())
    for option in sorted(set(of_help) & set(of_page)):
        names, argument, text = of_help[option]
        page_names, page_argument, page_text = of_page[option]
        where = f"{name}: {option}"
        problems.check(set(names) == set(page_names), f"{where}: its names are {', '.join(names)}")
        problems.check((argument is None) == (page_argument is None),
                       f"{where}: argument {argument} in the help, {page_argument} in the page")
        if argument and re.fullmatch(r"[a-z0-9|]+", argument):
            problems.same(where, "the help", set(argument.split("|")), "the page",
                          set((page_argument or "").split("|")))
        default = re.search(r"\((\d[\d.]*)\)|(\w+) \(default\)|(\w+) is the default", text)
        if default:
            value = next(filter(None, default.groups()))
            problems.check(re.search(rf"\b{re.escape(value)}\b", page_text) and
                           "default" in page_text, f"{where}: the default is {value}")


def check_environment(pages, problems):
    """Every variable that the program asks for is in cmrp(1), and no page makes one up."""
    asked = set()
    for source in (ROOT / "conformance").rglob("*.c"):
        if "test" not in source.relative_to(ROOT).parts:
            asked |= set(re.findall(r'getenv\("(\w+)"\)', source.read_text(encoding="utf-8")))
    for name, page in pages.items():
        known = {m for line in page.sections.get("ENVIRONMENT", [])
                 for m in re.findall(r"^\.(?:It )?Ev (\w+)", line)}
        if name == "cmrp":
            problems.same(name, "the source", asked, "ENVIRONMENT", known)
        for variable in known - asked:
            problems.check(False, f"{name}.1: nothing asks for {variable}")


def check_examples(page, program, problems):
    examples = page.examples()
    problems.check(any(code is not None for _, code in examples),
                   f"{page.path.name}: no example can be run")
    with tempfile.TemporaryDirectory() as folder:
        for command, wanted in examples:
            if wanted is None:
                continue
            done = program.run("bash", "-o", "pipefail", "-c", command, cwd=folder)
            problems.check(done.returncode == wanted, f"{page.path.name}: `{command}` ends with "
                           f"{done.returncode}, not {wanted}:\n{done.stdout}")


# ---- completion -----------------------------------------------------------------------------------

COMPLETE = r"""
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
function=$(complete -p cmrp | sed 's/.*-F \([^ ]*\).*/\1/')
"$function" cmrp "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
"""


def complete(program, *words):
    """What is offered for the last word."""
    done = program.run("bash", "-c", COMPLETE, "bash", str(COMPLETION), "cmrp", *words)
    return set(done.stdout.split("\n")) - {""}


def takes(program, subcommand, *words):
    """Whether a subcommand reads these words without complaint (and then prints its help)."""
    return program.run(str(program.path), subcommand, *words, "--help").returncode == 0


def check_completion(program, problems):
    subcommands = program.subcommands()
    main = set(program.options(""))
    problems.same("completion of cmrp", "the help", set(subcommands) | main, "the completion",
                  complete(program, ""))
    for subcommand in subcommands:
        where = f"completion of cmrp {subcommand}"
        options = program.options(subcommand)
        problems.same(where, "the help", set(options), "the completion",
                      complete(program, subcommand, "-"))
        for option, (_, argument, _) in options.items():
            offered = complete(program, subcommand, option, "") if argument else set()
            if argument and re.fullmatch(r"[a-z0-9|]+", argument):
                problems.same(f"{where} {option}", "the help", set(argument.split("|")),
                              "the completion", offered)
            value = [sorted(offered)[0] if offered and option != "--testee" else "1"]
            problems.check(takes(program, subcommand, option, *(value if argument else [])),
                           f"cmrp {subcommand}: {option} of the help is not taken")


def check_values(program, problems):
    """What the completion offers for options without a list in the help is what they take."""
    sets = complete(program, "decode", "--set", "")
    in_page = set(re.findall(r"^\.Dv (\w+)$", "\n".join(Page(PAGES / "cmrp-decode.1")
                                                         .sections.get("SETS", [])), re.M))
    problems.same("--set", "cmrp-decode.1", in_page, "the completion", sets)
    for name in sorted(sets):
        done = program.run(str(program.path), "encode", "--type", "change", "--set", name, "--hex",
                           "-", stdin='{"names":[]}')
        problems.check(done.returncode == 0, f"--set {name}: {done.stdout}")
    defined = set(re.findall(r"^CMRP_METHOD\(\d+, (\w+)", (ROOT / "codec" / "methods.def").read_text(
        encoding="utf-8"), re.M))
    for subcommand in ("decode", "encode", "replay"):
        problems.same(f"completion of {subcommand} --method", "methods.def", defined,
                      "the completion", complete(program, subcommand, "--method", ""))
    for method in sorted(complete(program, "replay", "--method", "")):
        problems.check(takes(program, "replay", "--method", method), f"--method {method}: not taken")
    for option in ("--type", "--direction", "--interface", "--syntax", "--drep"):
        for value in sorted(complete(program, "decode", option, "")):
            words = {"--type": "stub", "--method": "ApiCloseKey", "--direction": "request",
                     option: value}
            if words["--type"] != "stub":
                words = {"--type": value}
            if value == "payload":
                words |= {"--object-type": "CLUSTER_OBJECT_TYPE_GROUP",
                          "--flag": "CLUSTER_CHANGE_GROUP_STATE_V2"}
            done = program.run(str(program.path), "decode", "--hex",
                               *[w for pair in words.items() for w in pair], "-")
            problems.check(done.returncode == 1, f"{option} {value}: {done.stdout}")
    for level in sorted(complete(program, "conform", "--level", "")):
        problems.check(takes(program, "conform", "--level", level), f"--level {level}: not taken")


def check_prose_values(program, pages, problems):
    """Values that a help text lists in words, as `batch (default), change, stub or pdu`."""
    word = r"\w+(?: \(default\))?"
    for subcommand, options in (("decode", ("type", "direction", "interface", "syntax", "drep")),
                                ("encode", ("type", "direction", "interface", "syntax", "drep")),
                                ("list", ("type",)), ("conform", ("level",))):
        for option in ("--" + name for name in options):
            where, text = f"{subcommand} {option}", program.options(subcommand)[option][2]
            found = re.search(rf"{word}(?:, {word})* or {word}", text)
            values = set(re.findall(r"(\w+):", text) if option == "--level" else
                         re.findall(r"\w+", re.sub(r" or |\(default\)", " ", found[0])) if found
                         else [])
            problems.same(where, "the help", values, "the completion",
                          complete(program, subcommand, option, ""))
            _, argument, prose = pages[f"cmrp-{subcommand}"].options()[option]
            for value in sorted(values):
                problems.check(re.search(rf"\b{value}\b", f"{argument} {prose}"),
                               f"{where}: the page does not say {value}")


def check_ids(program, problems):
    """Ids, flags and requirements, and --option=value, which readline cuts into three words."""
    vectors = json.loads(program.run(str(program.path), "list", "-T", "json").stdout)["vectors"]
    ids = {v["id"] for v in vectors}
    flags = {flag for v in vectors for flag in v["flags"]}
    requirements = {requirement for v in vectors for requirement in v["requirements"]}
    cases = {v["id"] for v in vectors if v["type"] != "sequence"}
    for subcommand, ids_of in (("conform", cases), ("list", ids), ("export", ids)):
        problems.same(f"completion of {subcommand}", "the list", ids_of, "the completion",
                      complete(program, subcommand, ""))
    problems.same("completion of list --flag", "the list", flags, "the completion",
                  complete(program, "list", "--flag", ""))
    problems.same("completion of list --requirement", "the list", requirements, "the completion",
                  complete(program, "list", "--requirement", ""))
    rows = json.loads(program.run(str(program.path), "coverage", "-T", "json").stdout)
    requirements = {row["id"] for row in rows["requirements"]}
    problems.same("completion of coverage", "the program", requirements, "the completion",
                  complete(program, "coverage", ""))
    prefix = "CMRP-B-"
    problems.same(f"completion of explain {prefix}", "the program",
                  {r for r in requirements if r.startswith(prefix)}, "the completion",
                  complete(program, "explain", prefix))
    names = complete(program, "explain", "")
    problems.check(ids | flags | requirements <= names, "completion of explain: something is missing")
    done = program.run(str(program.path), "explain", *sorted(names - ids))
    problems.check(done.returncode == 0, f"completion of explain: {done.stdout[-300:]}")
    problems.same("completion of --type=ch", "the program", {"change"}, "the completion",
                  complete(program, "decode", "--type", "=", "ch"))
    problems.same("completion of --type=", "--type", complete(program, "decode", "--type", ""),
                  "--type=", complete(program, "decode", "--type", "="))
    problems.check(not complete(program, "decode", "--he", "x"), "completion of a file: words")


def report(problems):
    for problem in problems.lines:
        print(problem, file=sys.stderr)
    print(f"man pages and completion: {problems.checks} checks, {len(problems.lines)} problems")
    return 1 if problems.lines else 0


def main():
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__.strip())
        return 0 if sys.argv[1:] in (["-h"], ["--help"]) else 2
    program = Program(pathlib.Path(sys.argv[1]).resolve())
    if not os.access(program.path, os.X_OK):
        print(f"{program.path}: no such program", file=sys.stderr)
        return 2
    problems = Problems()
    pages = {path.stem: Page(path) for path in sorted(PAGES.glob("*.1"))}
    expected = {"cmrp" + (f"-{name}" if name else ""): name for name in ["", *program.subcommands()]}
    problems.same("man pages", "the help", set(expected), "docs/man", set(pages))
    if problems.lines:
        return report(problems)
    for stem, subcommand in expected.items():
        check_form(pages[stem], problems)
        check_options(pages[stem], program, subcommand, problems)
        check_examples(pages[stem], program, problems)
    listed = set(re.findall(r"^\.It Cm (\w+)$", "\n".join(pages["cmrp"].lines), re.M))
    problems.same("cmrp.1", "the help", set(program.subcommands()), "the page", listed)
    check_environment(pages, problems)
    check_completion(program, problems)
    check_values(program, problems)
    check_prose_values(program, pages, problems)
    check_ids(program, problems)
    return report(problems)


if __name__ == "__main__":
    sys.exit(main())
