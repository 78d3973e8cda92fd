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
            row(2, "planned: vector, live server", testable="vector,live-server"),
            row(3, "covered: vector, rule", level="SHOULD", role="server,codec"),
            row(4, "covered: rule, live", protocol="both"),
            row(5, "untestable: nothing of it reaches the wire", testable="untestable"),
            row(6, "", level="MAY", role="client", testable="live-client")]


class Tree(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.table = self.root / "conformance" / "requirements.tsv"
        self.write_table(good_rows())
        self.write_vectors([ident(1)], [ident(3), ident(1)])

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
        self.change_row(2, id=ident(4))
        self.assert_problems(("conformance/requirements.tsv:5", "is on line 3 already"))
        rows = good_rows()
        rows[1]["id"] = rows[4]["id"] = ident(4)
        self.write_table(rows)
        self.assert_problems(("conformance/requirements.tsv:5", "is on line 3 already"),
                             ("conformance/requirements.tsv:6", "is on line 3 already"))
        for wrong in (ident(2)[:-1], ident(2) + "2", ident(2, "b"), "B-002", "MS-" + ident(2)):
            self.change_row(2, id=wrong)
            self.assert_problems(("conformance/requirements.tsv:3", f"'{wrong}' is no id"))

    def test_words(self):
        for cell, wrong in (("level", "Must"), ("level", "MUST,SHOULD"), ("role", "Server"),
                            ("role", "server, codec"), ("protocol", "v4"), ("testable", "tests"),
                            ("testable", "vector,")):
            self.change_row(2, **{cell: wrong})
            with self.subTest(cell=cell, wrong=wrong):
                self.assert_problems(("conformance/requirements.tsv:3", f"{cell} '"))

    def test_cells(self):
        self.change_row(2, statement="")
        self.assert_problems(("conformance/requirements.tsv:3", "statement is empty"))
        self.change_row(2, section=" 1")
        self.assert_problems(("conformance/requirements.tsv:3", "section is empty or has a space"))
        self.change_row(2, statement="one\ttwo")
        self.assert_problems(("conformance/requirements.tsv:3", "10 columns, not 9"))
        self.write_table(good_rows())
        with self.table.open("a", encoding="utf-8") as table:
            table.write(f"{ident(7)}\n")
        self.assert_problems(("conformance/requirements.tsv:8", "1 columns, not 9"))
        self.assertEqual(self.run_script("--summary", "--fix").returncode, 1)

    def test_status_is_needed_for_must(self):
        self.change_row(2, status="")
        self.assert_problems(("conformance/requirements.tsv:3", "MUST without a status"))

    def test_status_grammar(self):
        for wrong in ("covered", "covered:", "covered: live server", "covered: rule,live",
                      "covered: rule, rule", "covered: live, rule", "covered: rule; live",
                      "Covered: rule", "planned: live", "planned:  rule", "planned: soon",
                      "planned: live server, vector", "untestable", "untestable: no",
                      "untestable: not at  all, it is said", "done"):
            self.change_row(2, status=wrong)
            with self.subTest(wrong):
                self.assert_problems(("conformance/requirements.tsv:3", f"status '{wrong}'"))
        for right in ("covered: live", "covered: rule, live", "planned: rule, live client",
                      "planned: vector, rule, live server, live client",
                      "untestable: it is a matter of taste"):
            self.change_row(2, status=right)
            with self.subTest(right):
                self.assert_fine()


class Citations(Tree):
    def test_vector_part_of_the_status(self):
        self.change_row(1, status="planned: vector")
        self.assert_problems(("conformance/requirements.tsv:2", "but a vector cites it"))
        self.change_row(2, status="covered: vector")
        self.assert_problems(("conformance/requirements.tsv:3", "but no vector cites it"))
        self.change_row(3, status="covered: rule")
        self.assert_problems(("conformance/requirements.tsv:4", "but a vector cites it"))

    def test_only_the_list_of_a_test_counts(self):
        self.write("vectors/batch/b.json", json.dumps(
            {"source": ident(2), "requirements": [ident(2)],
             "tests": [{"id": "x", "comment": ident(2)}]}))
        self.write("vectors/schema.json", json.dumps({"examples": [{"requirements": [ident(2)]}]}))
        self.write("conformance/rules/a.c", f"// {ident(2)}\n")
        self.assert_fine()
        self.write_vectors([ident(2)], name="vectors/stub/deep/c.json")
        self.assert_problems(("conformance/requirements.tsv:3", "but a vector cites it"))

    def test_vectors_cite_what_octets_can_show(self):
        for wrong in ("live-server", "pcap,live-client", "untestable"):
            self.change_row(4, testable=wrong)
            self.write_vectors([ident(1)], [ident(3), ident(4)], [ident(4)])
            with self.subTest(wrong):
                text = f"{ident(4)} is no matter of vectors, but of {wrong}"
                self.assert_problems(("vectors/batch/a.json:14", text),
                                     ("vectors/batch/a.json:20", text))
        for right in ("static", "pcap,static", "live-server,vector"):
            self.change_row(4, testable=right, status="covered: vector, rule, live")
            with self.subTest(right):
                self.assert_fine()

    def test_what_octets_cannot_show_is_not_covered_by_vectors(self):
        self.write_vectors([ident(1)], [ident(3), ident(4)])
        cell = {"testable": "pcap", "status": "covered: vector, live"}
        self.change_row(4, **cell)
        problem = ("vectors/batch/a.json:14", "no matter of vectors")
        self.assert_problems(("conformance/requirements.tsv:5", "but no vector cites it"), problem)
        self.assert_problems(problem, options=["--fix"])
        self.assertEqual(self.statuses()[3], "covered: live")

    def test_unknown_ids_in_vectors(self):
        self.write_vectors([ident(1)], [ident(3), ident(7)])
        self.assert_problems(("vectors/batch/a.json:14", f"{ident(7)} is not in"))
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


class Fix(Tree):
    def test_cited(self):
        rows = good_rows()
        rows[0]["status"] = "planned: vector, rule"
        rows[2]["status"] = "covered: rule, live"
        self.write_table(rows)
        self.assertEqual(self.assert_fine("--fix"), "")
        self.assertEqual(self.statuses()[:3], [
            "covered: vector", "planned: vector, live server", "covered: vector, rule, live"])
        before = self.table.read_bytes()
        self.assert_fine("--fix")
        self.assertEqual(self.table.read_bytes(), before)

    def test_no_longer_cited(self):
        rows = good_rows()
        rows[0]["testable"] = "live-server,pcap,vector"
        rows[1].update(status="covered: vector", testable="untestable")
        self.write_table(rows)
        self.write_vectors([])
        self.assert_fine("--fix")
        self.assertEqual(self.statuses()[:4], [
            "planned: vector, rule, live server", "planned: vector", "covered: rule",
            "covered: rule, live"])

    def test_nothing_else_is_rewritten(self):
        before = self.table.read_bytes()
        self.assert_fine("--fix")
        self.assertEqual(self.table.read_bytes(), before)
        self.change_row(2, status="covered: soon")
        before = self.table.read_bytes()
        self.assert_problems(("conformance/requirements.tsv:3", "covered: soon"), options=["--fix"])
        self.assertEqual(self.table.read_bytes(), before)


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
            ["MUST", "covered:", "rule,", "live", "1"], ["MUST", "covered:", "vector", "1"],
            ["MUST", "planned:", "vector,", "live", "server", "1"], ["MUST", "untestable", "1"],
            ["SHOULD", "covered:", "vector,", "rule", "1"]])

    def test_help_and_usage(self):
        done = self.run_script("--help")
        self.assertEqual(done.returncode, 0)
        for word in ("--fix", "--summary", "untestable: REASON", "Exit status"):
            self.assertIn(word, done.stdout)
        self.assertEqual(self.run_script("--no-such-option").returncode, 2)


if __name__ == "__main__":
    unittest.main()
