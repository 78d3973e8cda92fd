#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""cmrp conform, list, explain and export: the vectors and what is made of them."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import unittest
import xml.etree.ElementTree

import support
from support import FINDINGS, UNREACHED, USAGE

sys.path.insert(0, str(support.ROOT / "conformance" / "test"))
import witness  # noqa: E402

TESTEE = os.environ.get("CMRP_TESTEE", "")
# A testee that answers whatever it is told to: the answer is the argument.
SCRIPTED = """\
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    answer = {"name": "scripted", "version": "1", "types": ["batch"]}
    if request["op"] != "hello":
        answer = json.loads(sys.argv[1])
    print(json.dumps({"id": request["id"], **answer}), flush=True)
"""


class SuiteTest(support.CliTest):
    def scripted(self, answer):
        """The --testee option of a testee that always gives this answer."""
        path = self.path("testee.py", SCRIPTED)
        return ["--testee", f"/usr/bin/python3 {path} '{json.dumps(answer)}'"]

    def good(self):
        testee = TESTEE or str(pathlib.Path(self.program).with_name("cmrp-testee-c"))
        self.assertTrue(os.access(testee, os.X_OK), f"{testee}: no testee; set CMRP_TESTEE")
        return ["--testee", testee]

    def folder_of_vectors(self, name, content):
        """A folder of vectors with one file of batches."""
        folder = self.folder / name
        (folder / "batch").mkdir(parents=True)
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / "batch" / "file.json").write_text(text, "utf-8")
        return folder

    def one_vector(self, **changes):
        test = {"id": "batch-own", "comment": "one of ours", "type": "batch",
                "hex": support.CREATE_KEY.hex(),
                "value": {"version": 1, "commands": [{"command": "CLUSREG_CREATE_KEY",
                                                      "value_type": 0, "name": "a", "data": ""}]},
                "result": "valid", "provenance": "spec"}
        test.update(changes)
        return {"source": "[MS-CMRP] 2.2.3.17",
                "tests": [{key: item for key, item in test.items() if item is not ...}]}


class Conform(SuiteTest):
    def test_happy(self):
        result = self.cmrp("conform", *self.good(), "batch-notifytest-*", "-j", "2")
        self.assertRegex(result.out, r"(?m)^plan: 6 cases from 3 vectors")
        self.assertRegex(result.out, r"(?m)^PASS +6 +6$")
        self.assertIn("0 findings in 6 cases", result.out)

    def test_failing(self):
        answer = self.scripted({"value": {"version": 1, "commands": []}})
        report, junit = self.folder / "report.json", self.folder / "report.xml"
        result = self.cmrp("conform", *answer, "batch-notifytest-sent/decode", "--json", report,
                           "--junit", junit, code=FINDINGS)
        self.assertRegex(result.out, r"(?m)^FAIL +batch-notifytest-sent/decode")
        self.assertIn("1 finding in 1 case", result.out)
        self.assertIn("FAIL", report.read_text("utf-8"))
        json.loads(report.read_text("utf-8"))
        tree = xml.etree.ElementTree.parse(junit).getroot()
        self.assertEqual(len(list(tree.iter("testcase"))), 1)
        self.assertEqual(len(list(tree.iter("failure"))), 1)

    def test_reports_to_standard_output(self):
        result = self.cmrp("conform", *self.good(), "batch-notifytest-sent", "--json", "-")
        json.loads(result.out)
        result = self.cmrp("conform", *self.good(), "batch-notifytest-sent", "--junit", "-")
        xml.etree.ElementTree.fromstring(result.raw)
        result = self.cmrp("conform", *self.good(), "batch-notifytest-sent", "--html", "-")
        self.assertTrue(result.out.startswith("<!DOCTYPE html>"))
        self.assertTrue(result.out.endswith("</html>\n"))
        for two in (("--json", "--junit"), ("--json", "--html"), ("--junit", "--html")):
            self.cmrp("conform", *self.good(), two[0], "-", two[1], "-", code=USAGE)

    def test_report_on_a_full_disk(self):
        full = self.folder / "full"
        full.symlink_to("/dev/full")  # by a link, which a mistake may remove
        for option in ("--json", "--junit", "--html"):
            result = self.cmrp("conform", *self.good(), "batch-notifytest-sent", option, full,
                               code=USAGE)
            self.assertIn(f"{full}: No space left on device", result.err)

    def test_everything_unsupported(self):
        answer = self.scripted({"unsupported": "not here"})
        result = self.cmrp("conform", *answer, "batch-notifytest-sent", code=USAGE)
        self.assertIn("UNSUPPORTED", result.out)

    def test_selection(self):
        for words in (["no-such-vector"], ["batch-*", "no-such-*"], ["stub-*/nothing"]):
            with self.subTest(words):
                result = self.cmrp("conform", *self.good(), *words, code=USAGE)
                self.assert_one_line(result.err, "matches no vector and no case")

    def test_testee_that_does_not_start(self):
        for words in ("/nonexistent/testee", "false", "true", "/", "cat /nonexistent"):
            with self.subTest(words):
                result = self.cmrp("conform", "--testee", words, "batch-notifytest-sent",
                                   code=UNREACHED)
                self.assertIn("the testee could not be started", result.err)
                self.assertIn("NOTRUN", result.out)

    def test_words_of_a_testee(self):
        for words in ("", "   ", "'unclosed", "\"unclosed", "a\\"):
            with self.subTest(words):
                result = self.cmrp("conform", "--testee", words, "batch-notifytest-sent",
                                   code=USAGE)
                self.assertIn("--testee", result.err)

    def test_no_shell(self):
        mark = self.folder / "mark"
        self.cmrp("conform", "--testee", f"false; touch {mark}", "batch-notifytest-sent",
                  code=UNREACHED)
        self.assertFalse(mark.exists())

    def test_expected_failures(self):
        wrong = self.scripted({"value": {"version": 1, "commands": []}})
        case = "batch-notifytest-sent/decode"
        path = self.path("xfail", f"# known\n{case}  FAIL  it never worked\n")
        result = self.cmrp("conform", *wrong, "--xfail", path, case)
        self.assertIn("XFAIL", result.out)
        result = self.cmrp("conform", *self.good(), "--xfail", path, case, code=FINDINGS)
        self.assertIn("XPASS", result.out)
        for line in (f"{case} BROKEN reason", f"{case}", "no-such-case FAIL reason",
                     f"{case} PASS reason"):
            with self.subTest(line):
                path = self.path("xfail", f"\n{line}\n")
                result = self.cmrp("conform", *wrong, "--xfail", path, case, code=USAGE)
                self.assert_one_line(result.err, f"{path}", "2")
        self.cmrp("conform", *wrong, "--xfail", self.folder / "missing", case, code=USAGE)


class BrokenVectors(SuiteTest):
    CASES = [
        ("{", "line 1"),
        ("[]", ""),
        ("{}", ""),
        ('{"source":"s","tests":[],"tests":[]}', "duplicate"),
        ({"source": "s", "tests": [7]}, "/tests/0"),
    ]
    CHANGES = [
        ({"id": ...}, "/tests/0"),
        ({"type": "change"}, "/tests/0"),
        ({"hex": "0"}, "/tests/0/hex"),
        ({"hex": ["00", {"repeat": -1, "hex": "00"}]}, "/tests/0/hex"),
        ({"hex": ["00", {"repeat": 10 ** 9, "hex": "00"}]}, "/tests/0/hex"),
        ({"result": "fine"}, "/tests/0/result"),
        ({"result": "invalid"}, "/tests/0"),
        ({"value": ...}, "/tests/0"),
        ({"error": {"code": "no-such-code", "offset": 0}, "result": "invalid", "value": ...},
         "/tests/0/error"),
        ({"surplus": 1}, "/tests/0"),
        ({"provenance": "guessed"}, "/tests/0/provenance"),
    ]

    def contents(self):
        yield from self.CASES
        for changes, place in self.CHANGES:
            yield self.one_vector(**changes), place
        twice = self.one_vector()
        twice["tests"] *= 2
        yield twice, "/tests/1/id"

    def test_conform(self):
        for number, (content, place) in enumerate(self.contents()):
            folder = self.folder_of_vectors(str(number), content)
            with self.subTest(content):
                result = self.cmrp("conform", *self.good(), "--vectors", folder, code=USAGE)
                self.assert_one_line(result.err, "file.json", place)
                self.assertEqual(result.out, "")

    def test_list(self):
        for number, (content, place) in enumerate(self.contents()):
            folder = self.folder_of_vectors(str(number), content)
            with self.subTest(content):
                result = self.cmrp("list", "--vectors", folder, code=USAGE)
                self.assert_one_line(result.err, "file.json", place)
                self.assertEqual(result.out, "")

    def test_unbroken(self):
        folder = self.folder_of_vectors("good", self.one_vector())
        result = self.cmrp("conform", *self.good(), "--vectors", folder)
        self.assertIn("2 cases from 1 vector", result.out)
        self.assertIn("batch-own", self.cmrp("list", "--vectors", folder).out)

    def test_no_vectors(self):
        (self.folder / "empty").mkdir()
        for folder in (self.folder / "empty", self.folder / "missing"):
            with self.subTest(folder):
                self.assert_one_line(self.cmrp("conform", *self.good(), "--vectors", folder,
                                               code=USAGE).err, str(folder))


class NoPlainFiles(SuiteTest):
    """What is no plain file where data are expected is refused; nobody waits for a writer."""

    def special_files(self, path):
        """Puts a FIFO, a socket and a device where path is, one after the other."""
        os.mkfifo(path)
        yield "a FIFO, not a plain file"
        path.unlink()
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            yield "a socket, not a plain file"
        path.unlink()
        path.symlink_to("/dev/zero")
        yield "a device, not a plain file"
        path.unlink()
        path.mkdir()
        yield "a directory, not a plain file"

    def test_vectors(self):
        folder = self.folder_of_vectors("special", self.one_vector())
        path = folder / "batch" / "other.json"
        for why in self.special_files(path):
            for words in (["list"], ["conform", *self.good()], ["explain", "batch-own"],
                          ["export", "batch-own", "--as", "hex"]):
                with self.subTest(why, words=words):
                    result = self.cmrp(*words, "--vectors", folder, code=USAGE)
                    self.assertEqual(result.err, f"cmrp: {path}: {why}\n")

    def test_vectors_that_are_no_folder(self):
        folder = self.folder / "special"
        folder.mkdir()
        os.mkfifo(folder / "batch")
        result = self.cmrp("list", "--vectors", folder, code=USAGE)
        self.assert_one_line(result.err, f"{folder}/batch: Not a directory")

    def test_other_entries_are_not_looked_at(self):
        folder = self.folder_of_vectors("special", self.one_vector())
        for name in ("batch/.hidden.json", "batch/notes", "README.md", "other.json"):
            os.mkfifo(folder / name)
        for words in (["list"], ["explain", "batch-own"], ["explain", "Flag"]):
            self.cmrp(*words, "--vectors", folder, code=USAGE if "Flag" in words else 0)
        flagged = self.folder_of_vectors("flagged", self.one_vector(flags=["Flag"]))
        os.mkfifo(flagged / "README.md")  # which has the meanings of flags
        self.assertIn("batch-own", self.cmrp("explain", "Flag", "--vectors", flagged).out)

    def test_requirements(self):
        data = self.folder_of_vectors("data/vectors", self.one_vector()).parent
        environment = self.environment(CMRP_DATADIR=str(data))
        for why in self.special_files(data / "requirements.tsv"):
            for words in (["conform", *self.good()], ["explain", "batch-own"]):
                with self.subTest(why, words=words):
                    result = self.cmrp(*words, env=environment, code=USAGE)
                    self.assertEqual(result.err, f"cmrp: {data}/requirements.tsv: {why}\n")

    def test_expected_failures(self):
        path = self.folder / "xfail"
        for why in self.special_files(path):
            with self.subTest(why):
                result = self.cmrp("conform", *self.good(), "--xfail", path, "batch-*", code=USAGE)
                self.assertEqual(result.err, f"cmrp: {path}: {why}\n")

    def test_input_may_come_through_a_fifo(self):
        """What a shell makes of <(command) goes on working: a FIFO by name, a pipe by number."""
        capture = self.cmrp("export", "stub-getnotifyv2-resp-two-ndr", "--as", "pcap").raw
        value = self.cmrp("decode", "-T", "json", "-", stdin=support.CREATE_KEY).raw
        for words, octets in ((["decode"], support.CREATE_KEY), (["encode"], value),
                              (["replay", "-r"], capture)):
            plain = self.cmrp(*words, self.path("plain", octets)).raw
            fifo = self.folder / "fifo"
            os.mkfifo(fifo)
            with self.subTest(words), subprocess.Popen(["cp", self.folder / "plain", fifo]):
                self.assertEqual(self.cmrp(*words, fifo).raw, plain)
            fifo.unlink()
            with self.subTest(words), subprocess.Popen(["cat", self.folder / "plain"],
                                                       stdout=subprocess.PIPE) as writer:
                number = writer.stdout.fileno()
                done = subprocess.run([self.program, *words, f"/dev/fd/{number}"], check=True,
                                      pass_fds=[number], capture_output=True,
                                      timeout=support.SECONDS, env=self.environment())
                self.assertEqual(done.stdout, plain)


class Data(SuiteTest):
    def test_other_data_folder(self):
        folder = self.folder_of_vectors("data/vectors", self.one_vector())
        shutil.copy(support.ROOT / "conformance" / "requirements.tsv", folder.parent)
        environment = self.environment(CMRP_DATADIR=str(folder.parent))
        self.assertIn("batch-own", self.cmrp("list", env=environment).out)

    def test_missing_data_folder(self):
        environment = self.environment(CMRP_DATADIR=str(self.folder / "missing"))
        result = self.cmrp("list", env=environment, code=USAGE)
        self.assert_one_line(result.err, str(self.folder / "missing"))


class List(SuiteTest):
    def all_ids(self):
        documents = [json.loads(path.read_text("utf-8"))
                     for path in support.VECTORS.glob("*/*.json")]
        return [test["id"] for document in documents
                for test in document.get("tests", document.get("sequences"))]

    def test_every_vector(self):
        out = self.cmrp("list").out
        words = set(out.split())
        self.assertEqual([name for name in self.all_ids() if name not in words], [])

    def test_counts(self):
        out = self.cmrp("list", "--counts").out
        self.assertRegex(out, rf"(?m)^vectors: {len(self.all_ids())}$")
        counts = self.cmrp("list", "--counts", "-T", "json").json["counts"]
        self.assertEqual(counts["all"], len(self.all_ids()))
        self.assertEqual(sum(counts["types"].values()), counts["all"])

    def test_methods(self):
        out = self.cmrp("list", "--methods", "ApiAddNotify*", "ApiNetworkControl").out
        self.assertRegex(out, r"(?m)^ 59  ApiAddNotifyGroup +2 3  described$")
        self.assertRegex(out, r"(?m)^138  ApiAddNotifyV2 +  3  described$")
        self.assertRegex(out, r"(?m)^ 89  ApiNetworkControl +2 3  name only$")
        document = self.cmrp("list", "--methods", "-T", "json").json
        self.assertEqual([row["opnum"] for row in document["methods"]], list(range(265)))
        described = {row["method"] for row in document["methods"] if row["described"]}
        self.assertEqual(described, {test["method"] for path in (support.VECTORS / "stub").glob("*.json")
                                     for test in json.loads(path.read_text("utf-8"))["tests"]})

    def test_methods_refusals(self):
        self.assertIn('"ApiNothing*" matches no method',
                      self.cmrp("list", "--methods", "ApiNothing*", code=USAGE).err)
        self.assertNotIn("\x1b", self.cmrp("list", "--methods", "\x1b[31m*", code=USAGE).err)
        self.cmrp("list", "--methods", "--counts", code=USAGE)

    def test_hostile_comments(self):
        folder = self.folder_of_vectors("hostile", self.one_vector(
            comment="\x1b[31mred\u202e\x9b2J\nnew line"))
        for words in (["list"], ["conform", *self.good(), "-v"]):
            out = self.cmrp(*words, "--vectors", folder).out
            for hostile in "\x1b\x9b\u202e":
                self.assertNotIn(hostile, out)
            self.assertFalse(any(line.startswith("new line") for line in out.splitlines()))

    def test_selections(self):
        cases = {("--type", "pdu"): "pdu-", ("--flag", "NotifyTest"): "batch-notifytest-sent",
                 ("--type", "batch", "--requirement", "CMRP-B-001"): "batch-"}
        for words, part in cases.items():
            with self.subTest(words):
                names = [item["id"] for item in
                         self.cmrp("list", "-T", "json", *words).json["vectors"]]
                self.assertTrue(any(part in name for name in names), names)
                if words[0] == "--type":
                    self.assertTrue(all(name.startswith(part) for name in names), names)
        for words in (("--type", "bind"), ("--flag", "NoSuchFlag"), ("--requirement", "CMRP-X"),
                      ("--type", "change", "batch-*")):
            with self.subTest(words):
                self.assertEqual(self.cmrp("list", *words, code=USAGE).out, "")

    def test_patterns(self):
        out = self.cmrp("list", "batch-notifytest-*").out
        self.assertEqual(len([line for line in out.splitlines() if "batch-notifytest-" in line]), 3)
        self.assertNotIn("stub-", out)
        self.cmrp("list", "no-such-*", code=USAGE)


class Explain(SuiteTest):
    def test_kinds(self):
        cases = {"batch-notifytest-sent": ["NotifyTest"], "ApiGetNotify": ["65"], "65": [],
                 "name-overrun": ["NameLength"], "CMRP-B-001": [], "NotifyTest": []}
        for name, parts in cases.items():
            with self.subTest(name):
                if name == "CMRP-B-001":
                    name = next(line.split("\t")[0] for line in
                                (support.ROOT / "conformance" / "requirements.tsv")
                                .read_text("utf-8").splitlines()[1:])
                out = self.cmrp("explain", name).out
                for part in [name] + parts:
                    self.assertIn(part, out)

    def test_unknown(self):
        for name in ("no-such-thing", "", "\x1b[31m"):
            result = self.cmrp("explain", name, code=USAGE)
            self.assertNotIn("\x1b", result.err)
        self.cmrp("explain", code=USAGE)


class Export(SuiteTest):
    NAME = "batch-notifytest-sent"

    def test_octets(self):
        octets = support.vector("batch", self.NAME)["octets"]
        self.assertEqual(self.cmrp("export", self.NAME, "--as", "frame").raw, octets)
        dumped = self.cmrp("export", self.NAME, "--as", "hex").out
        result = self.cmrp("decode", "--hex", "-T", "json", "-", stdin=dumped)
        self.assertEqual(result.out, self.cmrp("decode", "-T", "json", "-", stdin=octets).out)

    def test_json(self):
        value = self.cmrp("export", self.NAME, "--as", "json").json
        self.assertIn(self.NAME, json.dumps(value))

    @unittest.skipUnless(shutil.which("cc"), "no compiler")
    def test_c(self):
        octets = support.vector("batch", self.NAME)["octets"]
        source = self.cmrp("export", self.NAME, "--as", "c").out
        array = next(word.split("[")[0] for word in source.split() if "[" in word)
        program = self.path("a.c", "#include <stdio.h>\n" + source + "\nint main(void) {"
                            f" return fwrite({array}, 1, sizeof {array}, stdout) == 0; }}\n")
        subprocess.run(["cc", "-std=c11", "-Wall", "-Werror", "-o", self.folder / "a.out", program],
                       check=True)
        self.assertEqual(subprocess.run([self.folder / "a.out"], check=True,
                                        capture_output=True).stdout, octets)

    def capture(self, name):
        path = self.folder / f"{name}.pcap"
        path.write_bytes(self.cmrp("export", name, "--as", "pcap").raw)
        return path

    def test_capture_is_replayed(self):
        test = support.vector("stub", "stub-getnotifyv2-resp-two-ndr")
        result = self.cmrp("replay", "-r", self.capture(test["id"]), "-T", "json")
        call = next(line for line in result.lines if line["kind"] == "call")
        self.assertEqual(witness.without_added(call["response"]), test["value"]["params"])

    def test_capture_is_opened_by_tshark(self):
        if shutil.which("tshark") is None:
            if os.environ.get("CMRP_ALLOW_MISSING_WITNESS") == "1":
                self.skipTest("tshark is not installed")
            self.fail("tshark is not installed (Debian package tshark)")
        for name in ("stub-getnotifyv2-resp-two-ndr", "stub-getnotifyv2-resp-two-ndr64",
                     "stub-addnotifygroup-req-state-property-ndr", self.NAME):
            with self.subTest(name):
                path = self.capture(name)
                port = self.port_of(path)
                done = subprocess.run(["tshark", "-n", "-r", path, "-d", f"tcp.port=={port},dcerpc",
                                       "-Y", "dcerpc.opnum", "-T", "fields", "-e", "dcerpc.opnum",
                                       "-e", "_ws.malformed"], capture_output=True, check=True,
                                      encoding="utf-8")
                self.assertNotEqual(done.stdout, "")
                if name.startswith("stub-"):
                    layer = support.vector("stub", name)
                    self.assertIn(str(layer["opnum"]), done.stdout.split())

    def port_of(self, path):
        line = self.cmrp("replay", "-r", path, "-T", "json").lines[0]
        return line["server"].rsplit(":", 1)[1]

    def test_refusals(self):
        for words in ((), (self.NAME,), (self.NAME, "--as", "xml"), ("no-such", "--as", "hex"),
                      ("--as", "hex")):
            with self.subTest(words):
                self.assertEqual(self.cmrp("export", *words, code=USAGE).raw, b"")


if __name__ == "__main__":
    support.main()
