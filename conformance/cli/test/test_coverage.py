#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""cmrp coverage, and cmrp explain of requirements, rules and sequences."""
import json
import re

import support
from support import FINDINGS, USAGE

TABLE = support.ROOT / "conformance" / "requirements.tsv"
STATES = ("covered", "planned", "untestable")


def table():
    lines = TABLE.read_text("utf-8").splitlines()
    return [dict(zip(lines[0].split("\t"), line.split("\t"))) for line in lines[1:]]


def rules():
    """The rules as name -> (requirement, advice)."""
    found = {}
    for path in sorted((support.ROOT / "conformance" / "rules").glob("*.def")):
        for match in re.finditer(r'^RULE\(\s*\w+,\s*"([^"]+)",\s*"([^"]+)",[^"]*"[^"]+",\s*"([^"]+)',
                                 path.read_text("utf-8"), re.MULTILINE):
            found[match[1]] = match.groups()[1:]
    return found


class CoverageTest(support.CliTest):
    def data(self, edit):
        """The environment of a data folder whose table `edit` has changed."""
        folder = self.folder / "data"
        folder.mkdir()
        (folder / "vectors").symlink_to(support.VECTORS)
        lines = TABLE.read_text("utf-8").splitlines()
        text = "".join("\t".join(edit(line.split("\t"))) + "\n" for line in lines)
        (folder / "requirements.tsv").write_text(text, "utf-8")
        return self.environment(CMRP_DATADIR=str(folder))

    def document(self, *words, **more):
        return self.cmrp("coverage", "-T", "json", *words, **more).json


class Coverage(CoverageTest):
    def test_the_catalogue_agrees(self):
        result = self.cmrp("coverage")
        self.assertEqual(result.err, "")
        self.assertEqual(self.cmrp("coverage", "--missing").err, "")

    def test_every_row(self):
        document = self.document()
        self.assertEqual([row["id"] for row in document["requirements"]],
                         [row["id"] for row in table()])
        for row, cells in zip(document["requirements"], table()):
            with self.subTest(row["id"]):
                self.assertEqual(row["status"], cells["status"])
                self.assertEqual(row["state"], re.match(r"\w+", cells["status"])[0])
                self.assertEqual(",".join(row["sections"]), cells["section"])
                self.assertEqual("vector" in re.sub(";.*", "", cells["status"])
                                 and row["state"] == "covered", bool(row["vectors"]))

    def test_vectors_are_those_that_cite(self):
        vectors = self.cmrp("list", "-T", "json").json["vectors"]
        for row in self.document("CMRP-B-00*")["requirements"]:
            cited = [v["id"] for v in vectors if row["id"] in v["requirements"]]
            self.assertEqual(row["vectors"], cited)

    def test_rules_are_those_of_the_tables(self):
        found = {rule["name"]: row["id"] for row in self.document()["requirements"]
                 for rule in row["rules"]}
        self.assertEqual(found, {name: ident for name, (ident, _) in rules().items()})

    def test_sums(self):
        for words in ([], ["CMRP-M3-*"], ["--level", "should"], ["3.1.4.2.138*"]):
            document = self.document(*words)
            sums, rows = document["sums"], document["requirements"]
            with self.subTest(words):
                self.assertEqual(sums["all"]["all"], len(rows))
                for state in STATES:
                    self.assertEqual(sums["all"][state],
                                     sum(row["state"] == state for row in rows))
                for kind, member in (("levels", "level"), ("roles", "roles")):
                    for each in sums[kind]:
                        self.assertEqual(each["all"],
                                         sum(each["name"] in row[member] for row in rows))
                for state in ("all", *STATES):
                    self.assertEqual(sum(each[state] for each in sums["sections"]),
                                     sums["all"][state])

    def test_text(self):
        out = self.cmrp("coverage", "CMRP-B-00*").out
        lines = out.splitlines()
        self.assertEqual(len([line for line in lines if line.startswith("CMRP-")]), 9)
        self.assertRegex(lines[0], r"^CMRP-B-001 +2\.2\.3\.17 +MUST +codec +covered +\d+ vectors \(")
        self.assertRegex(lines[-1], r"^requirements: 9, covered \d+, planned \d+, untestable \d+, ")
        counts = self.cmrp("coverage", "--counts").out
        self.assertNotIn("CMRP-", counts)
        for word in ("section", "role", "level", "2.2.3.17", "codec", "SHOULD"):
            self.assertRegex(counts, rf"(?m)^{word} ")

    def test_selection(self):
        rows = self.document("--level", "should", "--role", "client", "--status", "planned")
        for row in rows["requirements"]:
            self.assertEqual((row["level"], row["state"]), ("SHOULD", "planned"))
            self.assertIn("client", row["roles"])
        self.assertTrue(rows["requirements"])
        rows = self.document("3.2.4.6", "CMRP-B-001")["requirements"]
        self.assertEqual({"CMRP-K-001", "CMRP-B-001"} - {row["id"] for row in rows}, set())
        self.assertEqual({row["id"][:7] for row in rows}, {"CMRP-K-", "CMRP-B-"})
        for words in (["no-such-*"], ["CMRP-B-*", "9.9"], ["--level", "MUST"], ["--role", "all"],
                      ["--status", "missing"], ["-T", "xml"], ["--vectors", "/nonexistent"],
                      ["CMRP-B-001", "--status", "untestable"]):
            with self.subTest(words):
                self.assertEqual(self.cmrp("coverage", *words, code=USAGE).out, "")

    def test_disagreement(self):
        env = self.data(lambda row: [*row[:-1], "covered: rule"] if row[0] == "CMRP-B-001" else row)
        result = self.cmrp("coverage", "CMRP-B-0*", env=env, code=FINDINGS)
        self.assert_one_line(result.err, "CMRP-B-001", "covered: vector", "covered: rule")
        self.assertTrue(result.out)
        rows = self.document("CMRP-B-001", env=env, code=FINDINGS)["requirements"]
        self.assertIn("covered: rule", rows[0]["problem"])
        self.cmrp("coverage", "CMRP-B-002", env=env)

    def test_missing(self):
        env = self.data(lambda row: [*row[:7], "live-server,vector", "planned: vector, live server"]
                        if row[0] == "CMRP-P-021" else row)
        result = self.cmrp("coverage", "--missing", env=env, code=FINDINGS)
        self.assertRegex(result.out, r"^CMRP-P-021 ")
        self.assertIn("requirements: 1,", result.out)
        self.cmrp("coverage", env=env)

    def test_vectors_of_ones_own(self):
        folder = self.folder / "own"
        (folder / "batch").mkdir(parents=True)
        test = {"id": "batch-own", "comment": "one of ours", "type": "batch",
                "hex": support.CREATE_KEY.hex(),
                "value": {"version": 1, "commands": [{"command": "CLUSREG_CREATE_KEY",
                                                      "value_type": 0, "name": "a", "data": ""}]},
                "result": "valid", "requirements": ["CMRP-B-001"], "provenance": "spec"}
        (folder / "batch" / "a.json").write_text(json.dumps({"source": "s", "tests": [test]}))
        rows = self.document("--vectors", folder, code=FINDINGS)["requirements"]
        self.assertEqual([row["id"] for row in rows if row["vectors"]], ["CMRP-B-001"])
        self.assertEqual({row["state"] for row in rows if row["rules"]}, {"planned"})
        (folder / "sequence").mkdir()
        (folder / "sequence" / "a.json").write_text("{")
        result = self.cmrp("coverage", "--vectors", folder, code=USAGE)
        self.assert_one_line(result.err, "sequence/a.json", "line 1")


class Explain(CoverageTest):
    def test_every_rule(self):
        names = rules()
        self.assertTrue(names)
        out = self.cmrp("explain", *names).out
        for name, (ident, advice) in names.items():
            with self.subTest(name):
                self.assertRegex(out, rf"(?m)^{name}: rule, (MUST|SHOULD) of the \w+ \[")
                self.assertIn(f"  to change: {advice}", out)
                self.assertIn(ident, out)

    def test_a_requirement_with_a_vector(self):
        out = self.cmrp("explain", "CMRP-D-013").out
        for part in ("requirement, MUST [MS-CMRP 2.2.3.10.1]", "covered: ", "testable by: vector",
                     "vectors that cite it: ", "example: payload-properties-empty-name", "octets: 32",
                     "says:"):
            self.assertIn(part, out)

    def test_a_requirement_with_a_rule(self):
        row = next(row for row in self.document()["requirements"]
                   if any(rule["broken_by"] for rule in row["rules"]))
        rule = next(rule for rule in row["rules"] if rule["broken_by"])
        out = self.cmrp("explain", row["id"]).out
        self.assertIn(f"    {rule['name']} (", out)
        self.assertIn(f"      broken by: {' '.join(rule['broken_by'])}\n", out)
        self.assertRegex(out, r"(?m)^example: seq-[a-z0-9-]+ breaks it$")
        self.assertRegex(out, r"(?m)^  findings:\n    \{")

    def test_a_requirement_without_anything(self):
        self.assertIn("untestable: security QoS is", self.cmrp("explain", "CMRP-T-007").out)
        self.assertIn("  planned: live server\n", self.cmrp("explain", "CMRP-G-016").out)

    def test_a_sequence(self):
        out = self.cmrp("explain", "seq-legal-key-notification").out
        self.assertRegex(out, r"^seq-legal-key-notification: sequence of calls \(sequence/\w+\.json\)")
        self.assertIn("ApiOpenCluster", out)

    def test_names_that_are_close(self):
        name = next(iter(rules()))
        result = self.cmrp("explain", name + "x", code=USAGE)
        self.assertIn(name, result.err)


if __name__ == "__main__":
    support.main()
