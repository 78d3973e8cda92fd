#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What cmrp prints as JSON against docs/schema: each document keeps its schema, and each schema
refuses the document with anything taken away, added or of another type."""
import copy
import json
import os
import pathlib

import jsonschema
import support
from support import FINDINGS, UNREACHED

SCHEMAS = support.ROOT / "docs" / "schema"


def validator_of(name):
    schema = json.loads((SCHEMAS / name).read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def changes(document):
    """Copies of a document, each changed in one place that every schema must notice: a key too
    many in an object, a member of another type. Of a list, the first element stands for all."""
    def visit(node, path):
        yield path, "a list" if not isinstance(node, list) else "no list"
        if isinstance(node, dict):
            yield path + ["surplus"], 1
            for key, item in node.items():
                yield from visit(item, path + [key])
        elif isinstance(node, list) and node:
            yield from visit(node[0], path + [0])

    for path, change in visit(document, []):
        if path:
            changed = copy.deepcopy(document)
            place = changed
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = {"another": "type"} if change == "a list" else change
            yield "/".join(map(str, path)), changed


def without_each_key(document, optional):
    """Copies of a document, each without one key of it, of the objects in it, or of the first
    element of a list in it; optional keys stay."""
    def visit(node, path):
        for key in list(node) if isinstance(node, dict) else [0] if node else []:
            if isinstance(node, dict) and key not in optional:
                yield path + [key]
            if isinstance(node[key], (dict, list)):
                yield from visit(node[key], path + [key])

    for path in visit(document, []):
        changed = copy.deepcopy(document)
        place = changed
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]
        yield "/".join(map(str, path)), changed


class Schema(support.CliTest):
    def assert_valid(self, name, document):
        errors = [f"/{'/'.join(map(str, error.absolute_path))}: {error.message}"
                  for error in validator_of(name).iter_errors(document)]
        self.assertEqual(errors[:5], [])

    def assert_close(self, name, document, optional=()):
        """The schema fits closely: it refuses whatever is not this document's form."""
        validator = validator_of(name)
        self.assertTrue(validator.is_valid(document))
        for what in (changes(document), without_each_key(document, optional)):
            for place, changed in what:
                with self.subTest(place):
                    self.assertFalse(validator.is_valid(changed), f"{name} takes it")

    def test_list(self):
        document = self.cmrp("list", "-T", "json").json
        self.assert_valid("list.json", document)
        counts = document["counts"]
        self.assertEqual(counts["all"], len(document["vectors"]))
        for key, member in (("types", "type"), ("results", "result"),
                            ("provenance", "provenance")):
            found = [vector[member] for vector in document["vectors"]]
            self.assertEqual(counts[key], {word: found.count(word) for word in counts[key]})

    def test_list_counts(self):
        document = self.cmrp("list", "--counts", "-T", "json", "batch-*").json
        self.assert_valid("list.json", document)
        self.assertNotIn("vectors", document)

    def test_list_is_close(self):
        document = self.cmrp("list", "-T", "json", "batch-name-empty").json
        document["vectors"][0].update(flags=["Flag"], requirements=["CMRP-B-001"])
        self.assert_close("list.json", document, optional={"vectors"})

    def test_list_methods(self):
        document = self.cmrp("list", "--methods", "-T", "json").json
        self.assert_valid("list-methods.json", document)
        self.assertEqual({tuple(row["interfaces"]) for row in document["methods"]},
                         {(2, 3), (3,)})
        self.assertEqual({row["described"] for row in document["methods"]}, {True, False})

    def test_a_line_of_replay_may_name_every_method(self):
        methods = self.cmrp("list", "--methods", "-T", "json").json["methods"]
        call = {"kind": "call", "state": "undecoded", "request_frame": 1, "response_frame": 2,
                "client": "192.0.2.1:1", "server": "192.0.2.2:2", "call_id": 1, "context": 0,
                "opnum": 0, "interface": 3, "syntax": "ndr", "findings": []}
        for name in (row["method"] for row in methods):
            with self.subTest(name):
                self.assert_valid("replay.json", {**call, "method": name})
        self.assertFalse(validator_of("replay.json").is_valid({**call, "method": "Opnum111"}))

    def test_list_methods_is_close(self):
        document = self.cmrp("list", "--methods", "-T", "json", "ApiGetNotify").json
        self.assert_close("list-methods.json", document)

    def test_coverage(self):
        document = self.cmrp("coverage", "-T", "json").json
        self.assert_valid("coverage.json", document)
        counts = self.cmrp("coverage", "-T", "json", "--counts").json
        self.assert_valid("coverage.json", counts)
        self.assertEqual(counts, {"format": 1, "sums": document["sums"]})

    def test_coverage_is_close(self):
        document = self.cmrp("coverage", "-T", "json", "CMRP-B-007").json
        row = document["requirements"][0]
        row.update(reason="it is so", problem="it is not so", planned=["live server"])
        self.assertTrue(row["rules"][0]["broken_by"] and row["vectors"])
        self.assert_close("coverage.json", document,
                          optional={"requirements", "reason", "problem"})

    def test_splits(self):
        faulty = f"{self.own_testee()} --fault batch-delete-confused"
        document = self.cmrp("conform", "--testee", faulty, "--testee", "/nonexistent",
                             "batch-command-*", "--json", "-", code=UNREACHED).json
        self.assert_valid("splits.json", document)
        document["splits"] = document["splits"][:1]
        document["splits"][0]["xfail"] = "a reason"
        for opinion in document["splits"][0]["opinions"]:
            opinion.update(kind="error", answer="words")
        self.assert_close("splits.json", document,
                          optional={"name", "version", "command", "failure", "expects", "xfail",
                                    "expected"})

    def own_testee(self):
        path = os.environ.get("CMRP_TESTEE") or pathlib.Path(self.program).with_name(
            "cmrp-testee-c")
        self.assertTrue(os.access(path, os.X_OK), f"{path}: no testee; set CMRP_TESTEE")
        return path

    def test_report(self):
        report = self.folder / "report.json"
        self.cmrp("conform", "--testee", self.own_testee(), "--json", report)
        self.assert_valid("report.json", json.loads(report.read_text("utf-8")))

    def test_report_of_failures(self):
        script = self.path("testee.py", (
            "import json, os, sys\n"
            "for line in sys.stdin:\n"
            "    request = json.loads(line)\n"
            "    answer = {'name': 'n', 'version': 'v', 'types': ['batch', 'tower', 'payload']}\n"
            "    if request['op'] != 'hello':\n"
            "        answer = {'hex': '00'}\n"
            "        print('words', file=sys.stderr, flush=True)\n"
            "    print(json.dumps({'id': request['id'], **answer}), flush=True)\n"
            "os._exit(3)\n"))
        report = self.folder / "report.json"
        words = ("conform", "--testee", f"/usr/bin/python3 {script}", "batch-name-empty",
                 "--json", report)
        self.cmrp(*words, code=FINDINGS)
        document = json.loads(report.read_text("utf-8"))
        self.assertTrue(document["notes"])
        self.assert_valid("report.json", document)
        self.cmrp("conform", "--testee", "false", *words[3:], code=UNREACHED)
        document = json.loads(report.read_text("utf-8"))
        self.assertIn("failure", document["testee"])
        self.assert_valid("report.json", document)

    def judged(self, *words):
        judgement = self.folder / "judgement.json"
        self.cmrp("conform", "-r", support.ROOT / "vectors/captures/rpcclient_to_script.pcap",
                  "--json", judgement, *words, code=FINDINGS)
        return json.loads(judgement.read_text("utf-8"))

    def test_judgement(self):
        for level in ("must", "should"):
            document = self.judged("--level", level)
            self.assert_valid("judgement.json", document)
            self.assertEqual("SHOULD" in document["summary"], level == "should")

    def test_judgement_is_close(self):
        document = self.judged("--level", "should")
        case = next(case for case in document["cases"] if "rule" in case and case["findings"])
        finding = next(one for one in document["findings"] if one["case"] == case["id"])
        self.assertIn("octets", finding)
        document.update(cases=[{**case, "xfail": "known"}], findings=[{**finding, "field": "f"}],
                        notes=[{"frame": 1, "code": "gap", "text": "missing"}],
                        failure="cut off", not_exercised=document["not_exercised"][:1])
        self.assert_close("judgement.json", document, optional={
            "failure", "first", "last", "SHOULD", "rule", "requirement", "section", "statement",
            "xfail", "time", "client", "server", "call_id", "opnum", "method", "syntax", "field",
            "octets", "frame"})

    def test_selftest(self):
        folder = self.folder / "sequence"
        folder.mkdir()
        call = {"call": "ApiCreateNotify", "response_hex": "00"}
        base = {"id": "seq-base", "comment": "A call.", "steps": [call], "findings": [],
                "provenance": "spec"}
        (folder / "own.json").write_text(json.dumps({"source": "own", "sequences": [base]}),
                                         "utf-8")
        document = self.cmrp("selftest", "rules", "-T", "json", "--vectors", self.folder,
                             code=FINDINGS).json
        self.assert_valid("selftest.json", document)
        document["rules"]["rules"] = document["rules"]["rules"][:1]
        self.assert_close("selftest.json", document, optional={"rules", "faults", "difference",
                                                               "requirement"})


if __name__ == "__main__":
    support.main()
