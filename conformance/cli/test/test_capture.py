#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""cmrp conform -r and selftest: captures judged, and the proof that faults in them are found."""
import json
import pathlib
import re
import signal
import struct
import subprocess
import time
import xml.etree.ElementTree

import support
from support import FINDINGS, INCOMPLETE, USAGE

FLAG, LEGAL = "seq-encoding-flag-of-one-octet", "seq-legal-key-notification"
BEHIND = "seq-encoding-octets-behind-the-stub"
CLIENT = "encoding/client@192.0.2.1"
EMPTY = struct.pack("<IHHQII", 0xA1B2C3D4, 2, 4, 0, 65535, 1)


def wait_until_caught(pid):
    """Until a process catches SIGINT, by the mask in its status."""
    for _ in range(1000):
        status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        if int(re.search(r"SigCgt:\s*(\w+)", status)[1], 16) >> signal.SIGINT - 1 & 1:
            return
        time.sleep(0.01)
    raise AssertionError("SIGINT is not caught")


class CaptureTest(support.CliTest):
    def capture(self, name=FLAG):
        path = self.folder / f"{name}.pcap"
        self.cmrp("export", name, "--as", "pcap", "-o", path)
        return path


class Judge(CaptureTest):
    def test_finding(self):
        path = self.capture()
        result = self.cmrp("conform", "-r", path, "encoding", code=FINDINGS)
        self.assertRegex(result.out, rf"(?m)^{path}: frame \d+: MUST {CLIENT}: ApiAddNotifyKey "
                                     r"request stub, offset 48, WatchSubTree: .*"
                                     r"\[MS-CMRP 3\.1\.4\.2\.62\]$")
        self.assertRegex(result.out, r"(?m)^    change: \S.*\.$")
        self.assertRegex(result.out, r"(?m)^1 finding in 2 cases")

    def test_nothing_found(self):
        result = self.cmrp("conform", "-r", self.capture(LEGAL), "encoding")
        self.assertRegex(result.out, r"(?m)^0 findings in 2 cases")

    def test_standard_input(self):
        result = self.cmrp("conform", "-r", "-", "encoding", code=FINDINGS,
                           stdin=self.capture().read_bytes())
        self.assertIn("standard input: frame", result.out)

    def test_interrupted(self):
        """Ctrl-C, which the writer of a pipe gets as well: what it has written is judged."""
        command = [self.program, "conform", "-r", "-", "encoding"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as running:
            running.stdin.write(self.capture().read_bytes())
            running.stdin.flush()
            # It has its handler once it waits for the rest: reading has begun.
            wait_until_caught(running.pid)
            running.send_signal(signal.SIGINT)
            out, error = running.communicate(timeout=support.SECONDS)
        self.assertEqual((running.returncode, error), (FINDINGS, b""))
        self.assertIn(b"1 finding in 2 cases", out)

    def test_level(self):
        path = self.capture(BEHIND)
        result = self.cmrp("conform", "-r", path, "encoding")
        self.assertIn("--level should would show 1 more", result.out)
        result = self.cmrp("conform", "-r", path, "encoding", "--level", "should", code=FINDINGS)
        self.assertRegex(result.out, r"(?m): SHOULD encoding/server@192\.0\.2\.2: ")
        self.cmrp("conform", "-r", path, "encoding", "--level", "must")
        self.assert_usage(self.cmrp("conform", "-r", path, "--level", "may", code=USAGE), "--level")

    def test_patterns(self):
        path = self.capture()
        document = self.cmrp("conform", "-r", path, CLIENT, "--json", "-", code=FINDINGS).json
        self.assertIn(CLIENT, json.dumps(document))
        self.cmrp("conform", "-r", path, "encoding/server@*")
        self.cmrp("conform", "-r", path, "CMRP-T-008", code=FINDINGS)
        for pattern in ("no-such-rule", "CMRP-X-999", "encoding/client@203.0.113.1"):
            result = self.cmrp("conform", "-r", path, "encoding", pattern, code=USAGE)
            self.assert_one_line(result.err, f'"{pattern}" matches no rule')
            self.assertEqual(result.out, "")

    def test_xfail(self):
        path = self.capture()
        line = self.path("xfail", f"# known\n{CLIENT}  FAIL  the BOOL of one octet\n")
        result = self.cmrp("conform", "-r", path, "encoding", "--xfail", line)
        self.assertIn("XFAIL", result.out)
        result = self.cmrp("conform", "-r", self.capture(LEGAL), "encoding", "--xfail", line,
                           code=FINDINGS)
        self.assertIn("XPASS", result.out)
        unused = self.path("unused", "encoding/client@203.0.113.1 FAIL nobody\n")
        result = self.cmrp("conform", "-r", path, "--xfail", unused, code=USAGE)
        self.assert_one_line(result.err, "unused: line 1", "matches no case of this capture")

    def test_xfail_of_what_no_capture_shows(self):
        xfail = self.folder / "xfail"
        xfail.write_text("encoding/*  CRASH  never\n")
        result = self.cmrp("conform", "-r", self.capture(), "--xfail", xfail, code=USAGE)
        self.assert_one_line(result.err, "line 1: what a capture shows can only FAIL, not CRASH")

    def test_export_of_a_finding(self):
        result = self.cmrp("export", f"{CLIENT}#1", "--as", "pcap", code=USAGE)
        self.assertIn("cmrp conform -r CAPTURE --artifacts DIR", result.err)

    def test_diagnostics_are_safe_to_show(self):
        hostile = "\x1b[31m\u202e\\"
        xfail = self.path("hostile", f"{hostile} FAIL why\n")
        for words in (("--xfail", xfail), (hostile,), ("--level", hostile)):
            with self.subTest(words):
                result = self.cmrp("conform", "-r", self.capture(), *words, code=USAGE)
                self.assertIn(r'"\x1b[31m\u{202e}' + "\\" + '"', result.err)
                self.assertNotIn("\x1b", result.err)

    def test_reports(self):
        junit, report, page = (self.folder / name for name in ("r.xml", "r.json", "r.html"))
        self.cmrp("conform", "-r", self.capture(), "encoding", "--junit", junit, "--json", report,
                  "--html", page, code=FINDINGS)
        tree = xml.etree.ElementTree.parse(junit).getroot()
        self.assertEqual(len(list(tree.iter("testcase"))), 2)
        self.assertEqual(len(list(tree.iter("failure"))), 1)
        self.assertIn(f"{CLIENT}#1", report.read_text("utf-8"))
        self.assertIn("WatchSubTree", page.read_text("utf-8"))
        self.assertEqual(self.cmrp("conform", "-r", self.capture(), "--json", "-", "--junit", "-",
                                   code=USAGE).out, "")

    def test_artifacts(self):
        kept = self.folder / "kept"
        self.cmrp("conform", "-r", self.capture(), "encoding", "--artifacts", kept, code=FINDINGS)
        again = [path for path in kept.rglob("*.pcap*") if path.stat().st_size > len(EMPTY)]
        self.assertTrue(again, list(kept.rglob("*")))
        for path in again:
            self.cmrp("conform", "-r", path, "encoding", code=FINDINGS)

    def test_nothing_to_judge(self):
        path = self.path("empty.pcap", EMPTY)
        result = self.cmrp("conform", "-r", path, code=USAGE)
        self.assert_one_line(result.err, "nothing was judged", "no call of this protocol")
        self.cmrp("conform", "-r", path, "encoding", code=USAGE)

    def test_unreadable(self):
        self.assert_one_line(self.cmrp("conform", "-r", self.folder, code=USAGE).err, "directory")
        missing = self.folder / "missing"
        self.assert_one_line(self.cmrp("conform", "-r", missing, code=USAGE).err, "No such file")
        text = self.path("text", "no capture at all, but text of some length")
        result = self.cmrp("conform", "-r", text, code=USAGE)
        self.assert_one_line(result.err, "not a pcap")
        self.assertEqual(result.out, "")

    def test_cut_off(self):
        path = self.path("cut.pcap", self.capture().read_bytes()[:-1])
        result = self.cmrp("conform", "-r", path, "encoding/server*", code=INCOMPLETE)
        self.assertIn("0 findings", result.out)
        self.assert_one_line(result.err, "cut.pcap")
        self.cmrp("conform", "-r", path, "encoding", code=FINDINGS)

    def test_usage(self):
        path = self.capture()
        self.assert_usage(self.cmrp("conform", code=USAGE), "--testee or -r")
        self.assert_usage(self.cmrp("conform", "-r", path, "-r", path, code=USAGE), "one capture")
        for words in (["-j", "2"], ["--timeout", "1"], ["--vectors", "x"]):
            self.assert_usage(self.cmrp("conform", "-r", path, *words, code=USAGE), "--testee")


class Export(CaptureTest):
    def test_forms(self):
        document = self.cmrp("export", LEGAL, "--as", "json").json
        self.assertEqual(document["id"], LEGAL)
        result = self.cmrp("replay", "-T", "json", "-r", self.capture(LEGAL))
        calls = [row["method"] for row in result.lines if row["kind"] == "call"]
        self.assertIn("ApiGetNotify", calls)
        for form in ("c", "hex", "frame"):
            self.assert_one_line(self.cmrp("export", LEGAL, "--as", form, code=USAGE).err,
                                 "its forms are pcap and json")
        result = self.cmrp("export", LEGAL[:-1], "--as", "pcap", code=USAGE)
        self.assert_one_line(result.err, f"is it {LEGAL}?")

    def test_listed(self):
        out = self.cmrp("list", "--type", "sequence", "seq-encoding-*", LEGAL).out
        self.assertRegex(out, rf"(?m)^{LEGAL} +kept +spec ")
        self.assertRegex(out, rf"(?m)^{FLAG} +broken +spec ")


def sequences(*edited):
    """A file of sequences: one that keeps all rules of decoding, and others made of it."""
    call = {"call": "ApiCreateNotify", "response": {"return": "@n"}}
    base = {"id": "seq-base", "comment": "A call.", "steps": [call], "findings": [],
            "provenance": "spec"}
    return {"source": "own", "sequences": [base, *edited]}


class Selftest(CaptureTest):
    def vectors(self, *edited):
        folder = self.folder / "vectors"
        (folder / "sequence").mkdir(parents=True)
        (folder / "sequence" / "own.json").write_text(json.dumps(sequences(*edited)), "utf-8")
        return folder

    def edited(self, edit, findings=()):
        return {"id": "seq-edited", "comment": "Edited.", "like": "seq-base", "edits": [edit],
                "findings": list(findings), "provenance": "spec"}

    def rules(self, folder):
        return self.cmrp("selftest", "rules", "-T", "json", "--vectors", folder,
                         code=FINDINGS).json["rules"]

    def test_all_rules(self):
        document = self.cmrp("selftest", "rules", "-T", "json").json["rules"]
        self.assertTrue(document["holds"])
        self.assertEqual([row["rule"] for row in document["rules"] if not row["caught"]], [])
        self.assertEqual(document["faults"], [])

    def test_a_fault_that_changes_nothing(self):
        folder = self.vectors(self.edited({"at": 0, "op": "merge", "step": {"label": "x"}}))
        faults = self.rules(folder)["faults"]
        self.assertIn({"sequence": "seq-edited", "unchanged": True}, faults)
        out = self.cmrp("selftest", "rules", "--vectors", folder, code=FINDINGS).out
        self.assertIn("seq-edited is no other than seq-base\n", out)

    def test_a_fault_that_is_not_found(self):
        folder = self.vectors(self.edited({"op": "append", "step": {"wait": 5}},
                                          [{"step": 0, "rule": "encoding"}]))
        fault = self.rules(folder)["faults"][0]
        self.assertEqual(fault["sequence"], "seq-edited")
        self.assertIn("expected at step 0: encoding", fault["difference"])

    def test_a_finding_that_nobody_expects(self):
        step = {"call": "ApiCreateNotify", "response_hex": "00"}
        fault = self.rules(self.vectors(self.edited({"at": 0, "op": "replace", "step": step})))
        self.assertIn("not expected at step 0: encoding", fault["faults"][0]["difference"])

    def test_survivors(self):
        folder = self.vectors()
        document = self.rules(folder)
        self.assertFalse(document["holds"])
        row = next(row for row in document["rules"] if row["rule"] == "encoding")
        self.assertEqual((row["caught"], row["broken_by"], row["kept_by"]),
                         (False, None, "seq-base"))
        out = self.cmrp("selftest", "rules", "--vectors", folder, code=FINDINGS).out
        self.assertRegex(out, r"(?m)^encoding +SURVIVES +0 +1  -$")

    def test_usage(self):
        self.assert_usage(self.cmrp("selftest", "nothing", code=USAGE), 'no part "nothing"')
        self.assert_usage(self.cmrp("selftest", "-T", "xml", code=USAGE), "-T takes")
        empty = self.folder / "empty"
        empty.mkdir()
        result = self.cmrp("selftest", "rules", "--vectors", empty, code=USAGE)
        self.assert_one_line(result.err, "no sequences")
        (self.folder / "vectors" / "sequence").mkdir(parents=True)
        (self.folder / "vectors" / "sequence" / "x.json").write_text("{}", "utf-8")
        result = self.cmrp("selftest", "rules", "--vectors", self.folder / "vectors", code=USAGE)
        self.assert_one_line(result.err, "source is missing")


if __name__ == "__main__":
    support.main()
