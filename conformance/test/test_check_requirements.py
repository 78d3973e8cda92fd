#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of check_requirements.py, run on small trees that are right, and broken in one place."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[1] / "check_requirements.py"
COLUMNS = ["id", "section", "role", "level", "protocol", "methods/structs", "statement", "testable",
           "status"]


def ident(number, group="B"):
    """An id, put together so that this file does not cite what only its trees have."""
    return "-".join(("CMRP", group, f"{number:03}"))


def row(number, status, level="MUST", testable="vector", **cells):
    default = {"id": ident(number), "section": "2.2.3.17", "role": "codec", "level": level,
               "protocol": "v3", "methods/structs": "all", "statement": f"Statement {number}",
               "testable": testable, "status": status}
    return {**default, **cells}


def good_rows():
    return [row(1, "covered: vector"),
            row(2, "planned: vector, live server; no vector yet: nobody has worked one out",
                testable="live-server,vector"),
            row(3, "covered: vector, rule", level="SHOULD", role="server", testable="vector,pcap"),
            row(4, "covered: rule", protocol="both", role="client", testable="pcap,live-client"),
            row(5, "untestable: nothing of it reaches the wire", testable="untestable"),
            row(6, "", level="MAY", role="client", testable="live-client"),
            row(7, "planned: live server", role="server", testable="live-server")]


def rule(number, name, role="CLIENT", level="MUST", section="MS-CMRP 2.2.3.17"):
    return (f'RULE({name.upper()}, "{name}", "{ident(number)}", {level}, {role}, "{section}",\n'
            '     "Do, \\"as\\" told.")\n')


GOOD_RULES = rule(3, "three", "SERVER", "SHOULD") + rule(4, "four")


class Tree(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.table = self.root / "conformance" / "requirements.tsv"
        self.write_table(good_rows())
        self.write_vectors([ident(1)], [ident(3), ident(1)])
        self.write("conformance/rules/a.def", "// rows\n" + GOOD_RULES)
        self.write_sequences("three", "four")

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def write_table(self, rows):
        lines = [COLUMNS] + [[each[name] for name in COLUMNS] for each in rows]
        text = "".join("\t".join(line) + "\n" for line in lines)
        self.write("conformance/requirements.tsv", text)

    def write_vectors(self, *cited, name="vectors/batch/a.json"):
        tests = [{"id": f"batch-{number}", "requirements": ids} for number, ids in enumerate(cited)]
        self.write(name, json.dumps({"source": "", "tests": tests}, indent=1))

    def write_sequences(self, *rules):
        findings = [{"step": 0, "rule": name} for name in (*rules, "encoding")]
        text = json.dumps({"source": "", "sequences": [{"id": "seq-a", "findings": findings},
                                                       {"id": "seq-b"}]})
        self.write("vectors/sequence/a.json", text)

    def run_script(self, *options):
        return subprocess.run([sys.executable, "-EB", str(SCRIPT), "--root", str(self.root),
                               *options], capture_output=True, text=True, timeout=60, check=False)

    def statuses(self):
        lines = self.table.read_text(encoding="utf-8").splitlines()[1:]
        return [line.split("\t")[-1] for line in lines]

    def assert_fine(self, *options):
        done = self.run_script(*options)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout

    def assert_problems(self, *problems, options=()):
        """Exactly these problems: (file:line, part of the text)."""
        done = self.run_script(*options)
        self.assertEqual((done.returncode, done.stderr), (1, ""), done.stdout)
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), len(problems), done.stdout)
        for line, (place, text) in zip(lines, problems):
            self.assertTrue(line.startswith(place + ": "), line)
            self.assertIn(text, line)

    def assert_unusable(self, text):
        done = self.run_script()
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1)
        self.assertIn(text, done.stderr)

    def change_row(self, number, **cells):
        rows = good_rows()
        rows[number - 1].update(cells)
        self.write_table(rows)


class Table(Tree):
    def test_good_tree(self):
        self.assertEqual(self.assert_fine(), "")

    def test_ids(self):
        rows = good_rows()
        rows.append({**rows[4], "statement": "the same again"})
        self.write_table(rows)
        self.assert_problems(("conformance/requirements.tsv:9", "is on line 6 already"))
        self.write_table(rows + rows[4:5])
        self.assert_problems(("conformance/requirements.tsv:9", "is on line 6 already"),
                             ("conformance/requirements.tsv:10", "is on line 6 already"))
        for wrong in (ident(2)[:-1], ident(2) + "2", ident(2, "b"), "B-002", "MS-" + ident(2)):
            self.change_row(2, id=wrong)
            self.assert_problems(("conformance/requirements.tsv:3", f"'{wrong}' is no id"))

    def test_words(self):
        for cell, wrong in (("level", "Must"), ("level", "MUST,SHOULD"), ("role", "Server"),
                            ("role", "server, codec"), ("protocol", "v4"),
                            ("testable", "live-server,tests"), ("testable", "live-server,")):
            self.change_row(7, **{cell: wrong})
            with self.subTest(cell=cell, wrong=wrong):
                self.assert_problems(("conformance/requirements.tsv:8", f"{cell} '"))

    def test_cells(self):
        self.change_row(2, statement="")
        self.assert_problems(("conformance/requirements.tsv:3", "statement is empty"))
        self.change_row(2, section=" 1")
        self.assert_problems(("conformance/requirements.tsv:3", "section is empty or has a space"))
        self.change_row(2, statement="one\ttwo")
        self.assert_problems(("conformance/requirements.tsv:3", "10 columns, not 9"))
        self.write_table(good_rows())
        with self.table.open("a", encoding="utf-8") as table:
            table.write(f"{ident(8)}\n")
        self.assert_problems(("conformance/requirements.tsv:9", "1 columns, not 9"))
        self.assertEqual(self.run_script("--summary", "--fix").returncode, 1)

    def test_status_is_needed_for_must(self):
        self.change_row(2, status="")
        self.assert_problems(("conformance/requirements.tsv:3", "MUST without a status"))

    def test_status_grammar(self):
        for wrong in ("covered", "covered:", "covered: rule,live", "covered: rule; live",
                      "Covered: rule", "planned:  rule", "planned: vector, live server;",
                      "planned: vector, live server; no rule: it is hard to do",
                      "done"):
            self.change_row(2, status=wrong)
            with self.subTest(wrong):
                self.assert_problems(("conformance/requirements.tsv:3", f"status '{wrong}'"))
        for wrong in ("untestable", "untestable: no", "untestable: not at  all, it is", "done"):
            self.change_row(5, status=wrong)
            with self.subTest(wrong):
                self.assert_problems(("conformance/requirements.tsv:6", f"'{wrong}' gives no"))

    def test_status_follows_from_testable(self):
        for number, wrong in ((7, "planned: rule"), (7, "planned: rule, live server"),
                              (7, "covered: live"), (7, "planned: live server, live client"),
                              (1, "covered: vector, rule"), (4, "covered: rule, live"),
                              (4, "planned: rule, live client")):
            self.change_row(number, status=wrong)
            with self.subTest(wrong):
                self.assert_problems((f"conformance/requirements.tsv:{number + 1}", "--fix mends"))
        self.change_row(7, status="untestable: it is a matter of taste")
        self.assert_problems(("conformance/requirements.tsv:8", "but testable names live-server"))

    def test_a_must_has_what_its_testable_names(self):
        self.change_row(2, status="planned: vector, live server")
        self.assert_problems(("conformance/requirements.tsv:3", "wants a vector"))
        self.change_row(2, level="SHOULD", status="planned: vector, live server")
        self.assert_fine()
        self.change_row(1, testable="vector,pcap", role="server")
        self.assert_problems(("conformance/requirements.tsv:2", "wants a rule"))
        self.change_row(1, testable="vector,pcap", role="server",
                        status="covered: vector; no rule yet: its handles are not followed")
        self.assert_fine()
        self.change_row(1, testable="vector,pcap", role="server",
                        status="covered: vector; no rule yet: too hard")
        self.assert_problems(("conformance/requirements.tsv:2", "gives no reason"))
        self.change_row(1, testable="vector,pcap", role="server,codec")  # decoding shows it
        self.assert_fine()

    def test_a_reason_that_holds_no_longer(self):
        reason = "; no vector yet: nobody has worked one out"
        for number, status in ((1, "covered: vector" + reason),
                               (7, "planned: live server" + reason)):
            self.change_row(number, status=status)
            with self.subTest(status):
                self.assert_problems((f"conformance/requirements.tsv:{number + 1}",
                                      "says 'no vector yet'"))


class Citations(Tree):
    def test_what_vectors_cite(self):
        self.change_row(1, status="planned: vector")
        self.assert_problems(("conformance/requirements.tsv:2", "'covered: vector'"))
        self.change_row(2, status="covered: vector")
        self.assert_problems(("conformance/requirements.tsv:3", "'planned: vector, live server'"))
        self.change_row(3, status="covered: rule")
        self.assert_problems(("conformance/requirements.tsv:4", "'covered: vector, rule'"))

    def test_only_the_list_of_a_test_counts(self):
        self.write("vectors/batch/b.json", json.dumps(
            {"source": ident(2), "requirements": [ident(2)],
             "tests": [{"id": "x", "comment": ident(2)}]}))
        self.write("vectors/schema.json", json.dumps({"examples": [{"requirements": [ident(2)]}]}))
        self.write("conformance/rules/a.c", f"// {ident(2)}\n")
        self.assert_fine()
        self.write_vectors([ident(2)], name="vectors/stub/deep/c.json")
        self.assert_problems(("conformance/requirements.tsv:3", "'covered: vector'"))

    def test_vectors_cite_what_octets_can_show(self):
        for wrong in ("live-server", "pcap,live-client"):
            self.change_row(4, testable=wrong)
            self.write_vectors([ident(1)], [ident(3), ident(4)], [ident(4)])
            with self.subTest(wrong):
                lines = self.run_script().stdout.splitlines()
                text = f"{ident(4)} is no matter of vectors, but of {wrong}"
                self.assertIn(f"vectors/batch/a.json:14: {text}", lines)
                self.assertIn(f"vectors/batch/a.json:20: {text}", lines)
        for right in ("static,pcap", "live-server,vector,pcap"):
            self.change_row(4, testable=right, status="covered: vector, rule")
            with self.subTest(right):
                self.assert_fine()

    def test_what_octets_cannot_show_is_not_covered_by_vectors(self):
        self.write_vectors([ident(1)], [ident(3), ident(4)])
        self.change_row(4, testable="pcap", status="covered: vector, rule")
        problem = ("vectors/batch/a.json:14", "no matter of vectors")
        self.assert_problems(("conformance/requirements.tsv:5", "'covered: rule'"), problem)
        self.assert_problems(problem, options=["--fix"])
        self.assertEqual(self.statuses()[3], "covered: rule")

    def test_unknown_ids_in_vectors(self):
        self.write_vectors([ident(1)], [ident(3), ident(8)])
        self.assert_problems(("vectors/batch/a.json:14", f"{ident(8)} is not in"))
        self.write_vectors([ident(1)], [ident(3), "B-002"])
        self.assert_problems(("vectors/batch/a.json:14", "B-002 is not in"))

    def test_unknown_ids_in_the_tree(self):
        for name in ("a.c", "codec/a.h", "codec/a.def", "cmake/a.py", "docs/a.md", "docs/a.json"):
            self.write(name, f"first\n<{ident(2)}> {ident(2)}.slug [{ident(9)}] {ident(9)}\n")
            with self.subTest(name):
                self.assert_problems((f"{name}:2", f"{ident(9)} is not in"))
            (self.root / name).unlink()

    def test_what_is_no_citation(self):
        self.write("a.md", f"CMRP-X-NNN {ident(9)}* {ident(9)[:-1]}? MS-{ident(9)} {ident(9)}x\n")
        self.write("a.txt", ident(9))
        self.write(".git/a.md", ident(9))
        self.write("build/asan/a.c", ident(9))
        self.assert_fine()

    def test_ids_that_tests_make_up(self):
        self.write("a.c", f"{ident(9, 'X')} {ident(9, 'XY')}\n")
        self.assert_problems(("a.c:1", f"{ident(9, 'XY')} is not in"))
        (self.root / "a.c").unlink()
        self.write_vectors([ident(1)], [ident(3), ident(9, "X")])
        self.assert_problems(("vectors/batch/a.json:14", f"{ident(9, 'X')} is not in"))

    def test_a_shortened_id_is_a_citation(self):
        self.write("a.md", f"see {ident(1)[:-1]}.\n")
        self.assert_problems(("a.md:1", f"{ident(1)[:-1]} is not in"))


class Rules(Tree):
    RULES = "conformance/rules/a.def"

    def write_rules(self, text):
        self.write(self.RULES, "// rows\n" + text)

    def test_a_rule_is_that_of_its_row(self):
        for wrong, text in ((rule(4, "four", "SERVER"), "is a matter of client"),
                            (rule(4, "four", level="SHOULD"), "is a MUST, not a SHOULD"),
                            (rule(4, "four", section="MS-CMRP 2.2.3"), "stands in 2.2.3.17, not"),
                            (rule(4, "four", section="MS-CMRP 2.2.3.17, 3"), "not in MS-CMRP")):
            self.write_rules(rule(3, "three", "SERVER", "SHOULD") + wrong)
            with self.subTest(text):
                self.assert_problems((self.RULES + ":4", text))

    def test_a_rule_of_several_sections(self):
        self.change_row(4, section="3.1.4.1.2,2.2.3.17,3")
        self.write_rules(rule(3, "three", "SERVER", "SHOULD")
                         + rule(4, "four", section="MS-CMRP 2.2.3.17, 3"))
        self.assert_fine()

    def test_unknown_requirement(self):
        self.write_rules(GOOD_RULES + rule(9, "nine"))
        self.write_sequences("three", "four", "nine")
        self.assert_problems((self.RULES + ":6", f"{ident(9)} is not in"))

    def test_captures_show_what_rules_judge(self):
        self.write_rules(GOOD_RULES + rule(7, "seven", "SERVER"))
        self.write_sequences("three", "four", "seven")
        self.assert_problems(("conformance/requirements.tsv:8", "'covered: rule'"),
                             (self.RULES + ":6", f"testable of {ident(7)} has no pcap"))

    def test_a_rule_counts_when_it_fires(self):
        self.write_sequences("three")
        self.assert_problems(("conformance/requirements.tsv:5", "'planned: rule, live client'"),
                             (self.RULES + ":4", "rule four: no sequence"))
        self.write_rules(GOOD_RULES + rule(4, "other"))
        self.write_sequences("three", "other")
        self.assert_problems((self.RULES + ":4", "rule four: no sequence"))

    def test_findings_of_rules_that_are_none(self):
        self.write_sequences("three", "four", "five")
        self.assert_problems(("vectors/sequence/a.json", "there is no rule five"))

    def test_unusable_sequences(self):
        for wrong in ("{", "[]", "{}", '{"sequences": [{"findings": [{"step": 1}]}]}'):
            self.write("vectors/sequence/b.json", wrong)
            with self.subTest(wrong):
                self.assert_unusable("b.json: this is no file of sequences")


class Fix(Tree):
    def test_cited(self):
        rows = good_rows()
        rows[0]["status"] = "planned: vector, rule"
        rows[2]["status"] = "covered: rule"
        rows[6]["status"] = ""
        self.write_table(rows)
        self.assertEqual(self.assert_fine("--fix"), "")
        self.assertEqual(self.statuses(), [
            "covered: vector", good_rows()[1]["status"], "covered: vector, rule", "covered: rule",
            good_rows()[4]["status"], "planned: live client", "planned: live server"])
        before = self.table.read_bytes()
        self.assert_fine("--fix")
        self.assertEqual(self.table.read_bytes(), before)

    def test_no_longer_cited(self):
        self.change_row(3, testable="live-server,pcap,vector", status="covered: vector, rule")
        self.write_vectors([ident(1)])
        self.write_sequences("four")
        self.assert_problems(("conformance/rules/a.def:2", "no sequence"), options=["--fix"])
        self.assertEqual(self.statuses()[2], "planned: vector, rule, live server")

    def test_reasons(self):
        reason = "nobody has worked one out"
        self.change_row(2, testable="live-server,vector,pcap", role="server",
                        status=f"planned: rule; no vector yet: {reason}; no rule yet: {reason}")
        self.write_vectors([ident(1)], [ident(3), ident(2)])
        self.assert_problems(("conformance/requirements.tsv:3", "'covered: vector'"))
        self.assert_fine("--fix")
        self.assertEqual(self.statuses()[1], f"covered: vector; no rule yet: {reason}")

    def test_nothing_else_is_rewritten(self):
        self.assert_fine("--fix")
        before = self.table.read_bytes()
        self.assert_fine("--fix")
        self.assertEqual(self.table.read_bytes(), before)
        for number, wrong in ((2, "covered; soon"), (5, "untestable: no")):
            self.change_row(number, status=wrong)
            self.run_script("--fix")
            self.assertEqual(self.statuses()[number - 1], wrong)


class Command(Tree):
    def test_unusable_input(self):
        self.write("vectors/batch/b.json", '{"tests": [')
        self.assert_unusable("b.json: this is no vector file")
        self.write("vectors/batch/b.json", '{"tests": [{"requirements": 1}]}')
        self.assert_unusable("b.json: this is no vector file")
        (self.root / "vectors/batch/b.json").write_bytes(b"\xff")
        self.assert_unusable("b.json: ")
        self.write("vectors/batch/b.json", "[]")
        self.write("conformance/requirements.tsv", "id\tstatus\n")
        self.assert_unusable("requirements.tsv:1: the columns")
        self.write("conformance/requirements.tsv", "")
        self.assert_unusable("requirements.tsv:1: the columns")
        self.table.unlink()
        self.assert_unusable("requirements.tsv: ")

    def test_unusable_input_is_not_fixed(self):
        self.change_row(1, status="planned: vector")
        self.write("vectors/batch/b.json", '{"tests": [')
        before = self.table.read_bytes()
        self.assertEqual(self.run_script("--fix").returncode, 2)
        self.assertEqual(self.table.read_bytes(), before)

    def test_summary(self):
        self.assertEqual([line.split() for line in self.assert_fine("--summary").splitlines()], [
            ["MAY", "no", "status", "1"],
            ["MUST", "covered:", "rule", "1"], ["MUST", "covered:", "vector", "1"],
            ["MUST", "planned:", "live", "server", "1"],
            ["MUST", "planned:", "vector,", "live", "server;", "no", "vector", "yet", "1"],
            ["MUST", "untestable", "1"],
            ["SHOULD", "covered:", "vector,", "rule", "1"]])

    def test_help_and_usage(self):
        done = self.run_script("--help")
        self.assertEqual(done.returncode, 0)
        for word in ("--fix", "--summary", "untestable: REASON", "Exit status"):
            self.assertIn(word, done.stdout)
        self.assertEqual(self.run_script("--no-such-option").returncode, 2)


if __name__ == "__main__":
    unittest.main()
