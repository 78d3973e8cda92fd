#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""cmrp conform with several testees (who differs?) and cmrp selftest testees (is it noticed?)."""
import json
import os
import pathlib
import re
import subprocess
import sys

import support
from support import FINDINGS, INCOMPLETE, UNREACHED, USAGE

CAPTURE = support.VECTORS / "captures" / "samba-ndr_to_script.pcap"
# A testee that answers all decoding with one answer.
SCRIPTED = """\
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    answer = {"name": sys.argv[1], "version": "1", "types": ["batch", "stub"]}
    if request["op"] != "hello":
        answer = json.loads(sys.argv[2])
    print(json.dumps({"id": request["id"], **answer}), flush=True)
"""


class VoicesTest(support.CliTest):
    def good(self):
        testee = os.environ.get("CMRP_TESTEE") or str(
            pathlib.Path(self.program).with_name("cmrp-testee-c"))
        self.assertTrue(os.access(testee, os.X_OK), f"{testee}: no testee; set CMRP_TESTEE")
        return testee

    def faulty(self, name):
        return ["--testee", f"{self.good()} --fault {name}"]

    def scripted(self, name, answer):
        path = self.path("testee.py", SCRIPTED)
        return ["--testee", f"/usr/bin/python3 {path} {name} '{json.dumps(answer)}'"]

    def check_vectors(self, folder):
        """What check.py says of exported vectors, and what our own testee makes of them."""
        done = subprocess.run([support.VECTORS / "check.py", folder], stdout=subprocess.PIPE,
                              check=False, timeout=support.SECONDS)
        self.assertEqual((done.returncode, done.stdout.decode()), (0, ""))
        self.cmrp("conform", "--vectors", folder, "--testee", self.good())


class Disagreement(VoicesTest):
    def test_agreement(self):
        splits = self.folder / "splits"
        result = self.cmrp("conform", "--testee", self.good(), "--testee", self.good(),
                           "--splits", splits, "batch-notifytest-*")
        self.assertRegex(result.out, r"(?m)^ours \S+ +6 +0$")
        self.assertRegex(result.out, r"(?m)^cmrp-testee-c#2 \S+ +6 +0$")
        self.assertIn("6 questions: 6 agreed", result.out)
        self.assertEqual(list(splits.iterdir()), [])

    def test_foreign_folder(self):
        splits = self.folder / "mine"
        splits.mkdir()
        (splits / "letter.txt").write_text("mine")
        result = self.cmrp("conform", "--testee", self.good(), "--testee", self.good(),
                           "--splits", splits, "batch-notifytest-*", code=USAGE)
        self.assertIn("it holds letter.txt", result.err)
        self.assertEqual([path.name for path in splits.iterdir()], ["letter.txt"])

    def test_split(self):
        splits = self.folder / "splits"
        words = ["conform", *self.faulty("batch-delete-confused"), "--testee", self.good(),
                 "batch-command-*", "--splits", splits]
        result = self.cmrp(*words, "--json", self.folder / "out.json", code=FINDINGS)
        self.assertRegex(result.out, r"(?m)^split +batch-command-value-deleted/decode .*\[MS-CMRP")
        self.assertRegex(result.out, r"(?m)^ +\+ ours, cmrp-testee-c#2: value ")
        self.assertRegex(result.out, r"(?m)^ +- cmrp-testee-c: value .*\n +at /commands/0/command:")
        self.assertNotIn("batch-command-create-key", result.out)
        document = json.loads((self.folder / "out.json").read_text("utf-8"))
        found = {split["id"]: split for split in document["splits"]}
        one = found["batch-command-value-deleted/decode"]
        self.assertEqual([o["voices"] for o in one["opinions"]], [[0, 2], [1]])
        self.assertEqual([o["expected"] for o in one["opinions"]], [True, False])
        self.assertEqual(document["counts"]["split"], len(found))
        self.assertEqual(document["voices"][1]["apart"], len(found))
        self.assertEqual(document["voices"][2]["apart"], 0)
        tests = json.loads((splits / "batch" / "splits.json").read_text("utf-8"))["tests"]
        self.assertIn("batch-split-command-value-deleted", [test["id"] for test in tests])
        self.assertIn("cmrp-testee-c: value", tests[0]["comment"])
        self.check_vectors(splits)
        # A run without splits leaves none of an earlier one.
        self.cmrp("conform", "--testee", self.good(), "--testee", self.good(), "--splits", splits,
                  "batch-command-*")
        self.assertFalse((splits / "batch" / "splits.json").exists())

    def test_every_layer_is_exported(self):
        faults = ["stub-accepts-overrun", "batch-delete-confused", "batch-accepts-name-length",
                  "change-accepts-truncated", "change-flag-dropped", "pdu-flags-lost",
                  "pdu-accepts-truncated", "tower-port-order", "tower-accepts-overrun",
                  "payload-accepts-overrun", "payload-last-string-lost", "stub-handle-order"]
        words = [word for fault in faults for word in self.faulty(fault)]
        splits = self.folder / "splits"
        self.cmrp("conform", *words, "--mutate", "4000", "--splits", splits, code=FINDINGS)
        self.assertEqual(sorted(path.name for path in splits.iterdir()),
                         ["batch", "change", "payload", "pdu", "stub", "tower"])
        self.check_vectors(splits)

    def test_two_errors_agree(self):
        words = [*self.scripted("one", {"error": "no"}), "--testee", self.good()]
        result = self.cmrp("conform", *words, "batch-version-2/decode")
        self.assertIn("1 question: 1 agreed", result.out)
        result = self.cmrp("conform", *words, "batch-notifytest-sent/decode", code=FINDINGS)
        self.assertRegex(result.out, r"(?m)^ +- one: error no$")

    def test_who_has_no_voice(self):
        words = self.scripted("mute", {"unsupported": "not here"})
        result = self.cmrp("conform", *words, "--mutate", "0", "batch-notifytest-sent", code=USAGE)
        self.assertIn("2 questions: 2 alone", result.out)
        result = self.cmrp("conform", *words, "--testee", self.good(), "batch-notifytest-sent")
        self.assertIn("2 questions: 2 agreed", result.out)

    def test_nonsense_and_crash(self):
        words = [*self.scripted("odd", {"hex": "00"}), *self.faulty("crashes")]
        result = self.cmrp("conform", *words, "batch-notifytest-sent/decode",
                           "change-v1-node-state/decode", code=FINDINGS)
        self.assertRegex(result.out, r"(?m)^ +- odd: hex 00$")
        self.assertRegex(result.out, r"(?m)^ +- cmrp-testee-c: crash ")

    def test_what_a_vector_allows(self):
        listed = self.cmrp("list", "-T", "json").json
        name = next(v["id"] for v in listed["vectors"]
                    if v["type"] == "batch" and v["result"] == "acceptable") + "/decode"
        words = [*self.scripted("strict", {"error": "no"}), "--testee", self.good(), name]
        result = self.cmrp("conform", *words, "-v")
        self.assertRegex(result.out, rf"(?m)^allowed +{re.escape(name)} ")
        self.assertIn("1 question: 1 allowed", result.out)

    def test_expected_splits(self):
        case = "batch-command-value-deleted/decode"
        xfail = self.path("xfail", f"{case} FAIL it never knew\n")
        words = ["--testee", self.good(), "--xfail", xfail, case]
        result = self.cmrp("conform", *self.faulty("batch-delete-confused"), *words)
        self.assertIn("1 question: 1 excused", result.out)
        result = self.cmrp("conform", "--testee", self.good(), *words, code=FINDINGS)
        self.assertRegex(result.out, rf"(?m)^unsplit +{case} .*it never knew")
        xfail = self.path("xfail", "no-such-case FAIL reason\n")
        result = self.cmrp("conform", *self.faulty("none"), *words[:2], "--xfail", xfail, case,
                           code=USAGE)
        self.assertIn("matches no case", result.err)

    def test_capture(self):
        splits = self.folder / "splits"
        words = ["conform", "-r", CAPTURE, *self.faulty("stub-key-is-pointer"), "--splits", splits]
        result = self.cmrp(*words, code=FINDINGS)
        self.assertRegex(result.out, r"(?m)^split +stub-frame-\d+-response/decode +"
                                     r"response of ApiGetNotifyV2, frame \d+$")
        self.check_vectors(splits)
        result = self.cmrp("conform", "-r", CAPTURE, "--testee", self.good())
        self.assertRegex(result.out, r"(?m)^(\d+) questions: \1 agreed")

    def test_damaged_captures(self):
        cut = self.path("cut.pcap", CAPTURE.read_bytes()[:-5])
        self.cmrp("conform", "-r", cut, "--testee", self.good(), code=INCOMPLETE)
        for content in (b"", b"no capture"):
            with self.subTest(content):
                path = self.path("bad.pcap", content)
                self.cmrp("conform", "-r", path, "--testee", self.good(), code=USAGE)
        result = self.cmrp("conform", "-r", self.folder / "none", "--testee", self.good(),
                           code=USAGE)
        self.assertIn("No such file", result.err)

    def test_draws(self):
        words = ["conform", *self.faulty("batch-accepts-name-length"), "batch-*", "--mutate", "300"]
        first = self.cmrp(*words, "--seed", "7", "--json", "-", code=FINDINGS).json
        again = self.cmrp(*words, "--seed", "7", "--json", "-", code=FINDINGS).json
        other = self.cmrp(*words, "--seed", "8", "--json", "-", code=FINDINGS).json
        ids = [[split["id"] for split in document["splits"]] for document in (first, again, other)]
        self.assertEqual(ids[0], ids[1])
        self.assertNotEqual(ids[0], ids[2])
        self.assertTrue(any("-drawn-7-" in name for name in ids[0]))

    def test_testee_that_does_not_start(self):
        result = self.cmrp("conform", "--testee", self.good(), "--testee", "/nonexistent/testee",
                           "batch-notifytest-sent", code=UNREACHED)
        self.assertIn("/nonexistent/testee: ", result.err)
        self.assertIn("2 questions: 2 agreed", result.out)  # the other was asked all the same

    def test_usage(self):
        two = ["--testee", self.good(), "--testee", self.good()]
        for words, part in (
                (["--splits", "x"], "--testee is missing"),
                ([*two, "--junit", "x"], "--junit"), ([*two, "--html", "x"], "--html"),
                ([*two, "--mutate", "many"], "--mutate"), ([*two, "--seed", "-1"], "--seed"),
                ([*two, "-j", "0"], "-j"), ([*two, "--timeout", "0"], "--timeout"),
                ([*two, "--level", "may"], "--level"), ([*two, "-r", CAPTURE, "batch-*"], "together"),
                (two * 9, "more than 16")):
            with self.subTest(words):
                self.assert_usage(self.cmrp("conform", *words, code=USAGE), part)

    def test_hostile_testee(self):
        words = self.scripted("$(printf)", {"error": "\x1b[31m\u202e"})
        result = self.cmrp("conform", *words, "--testee", self.good(),
                           "batch-notifytest-sent/decode", code=FINDINGS)
        self.assertNotIn("\x1b", result.out)
        self.assertNotIn("\u202e", result.out)


class Selftest(VoicesTest):
    def test_all_are_caught(self):
        result = self.cmrp("selftest", "testees", "-v")
        self.assertRegex(result.out, r"(?m)^batch-pad-left-out +caught +batch-data-length-1/encode$")
        self.assertRegex(result.out, r"(?m)^testees: \d+ cases passed .* \d+ faults, 0 not caught$")
        self.assertGreater(result.out.count(" caught "), 60)

    def test_json(self):
        document = self.cmrp("selftest", "testees", "-T", "json").json
        faults = document["testees"]["faults"]
        self.assertTrue(document["testees"]["faultless"])
        self.assertEqual({fault["state"] for fault in faults}, {"caught"})
        self.assertEqual(len({fault["name"] for fault in faults}), len(faults))
        listed = subprocess.run([self.good(), "--faults"], stdout=subprocess.PIPE, check=True,
                                timeout=support.SECONDS).stdout.decode().splitlines()
        self.assertEqual([line.split()[0] for line in listed], [fault["name"] for fault in faults])

    def wrapper(self, text):
        path = self.path("testee", text)
        path.chmod(0o755)
        return path

    def test_faults_that_change_nothing(self):
        """Some faults are none: each of them is reported, and not taken for caught."""
        same = self.wrapper('#!/bin/sh\ncase "$2" in change-*|tower-*) set -- ;; esac\n'
                            f"exec {self.good()} \"$@\"\n")
        result = self.cmrp("selftest", "testees", "--testee", same, "-T", "json", code=FINDINGS)
        for fault in result.json["testees"]["faults"]:
            none = fault["name"].startswith(("change-", "tower-"))
            self.assertEqual(fault["state"], "NOTHING" if none else "caught", fault)

    def test_a_fault_that_another_case_notices(self):
        swap = self.wrapper('#!/bin/sh\n[ "$2" != batch-pad-left-out ] || '
                            f"set -- --fault batch-delete-confused\nexec {self.good()} \"$@\"\n")
        result = self.cmrp("selftest", "testees", "--testee", swap, code=FINDINGS)
        self.assertRegex(result.out, r"(?m)^batch-pad-left-out +SURVIVES +batch-data-length-1/encode, "
                                     r"but noticed by batch-\S+$")
        self.assertIn("1 not caught", result.out)

    def test_a_faultless_testee_that_fails(self):
        bad = self.wrapper('#!/bin/sh\n[ $# -gt 0 ] || set -- --fault pdu-flags-lost\n'
                           f"exec {self.good()} \"$@\"\n")
        result = self.cmrp("selftest", "testees", "--testee", bad, code=FINDINGS)
        self.assertIn("the faultless testee does not pass pdu-", result.out)

    def test_no_testee(self):
        result = self.cmrp("selftest", "testees", "--testee", "/nonexistent", code=UNREACHED)
        self.assertIn("/nonexistent", result.err)

    def test_usage_of_the_testee(self):
        for words in (["--fault"], ["--fault", "no-such"], ["--wrong"]):
            with self.subTest(words):
                done = subprocess.run([self.good(), *words], stdin=subprocess.DEVNULL,
                                      stderr=subprocess.PIPE, check=False, timeout=support.SECONDS)
                self.assertEqual(done.returncode, 2)
                self.assertIn(b"usage:", done.stderr)


if __name__ == "__main__":
    sys.exit(support.main())
