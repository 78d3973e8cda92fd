#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What --artifacts keeps does reproduce: test_artifacts.py CMRP"""
import json
import os
import pathlib
import resource
import shlex
import signal
import subprocess
import sys
import tempfile
import unittest

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[3]
CMRP = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else None
CAPTURE = ROOT / "vectors/captures/impacket-ndr_to_samba-stubs.pcap"
HELLO = {"id": 0, "name": "half", "version": "1", "types": ["batch", "change"]}

# Wrong about half of what it is asked, dead of something.
TESTEE = f"""
import json, os, sys
for line in sys.stdin:
    request = json.loads(line)
    answer = {{"id": request["id"], "error": "no"}}
    if request["op"] == "hello":
        answer = {HELLO!r}
    elif request.get("hex") == "00700000":
        sys.stderr.write("falling\\n")
        sys.stderr.flush()
        os.abort()
    elif request["op"] == "encode":
        answer = {{"id": request["id"], "hex": "0100000004"}}
    print(json.dumps(answer), flush=True)
"""
SELECTION = ["batch-notifytest-*", "change-*"]


class Artifacts(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.kept = self.folder / "kept"
        script = self.folder / "testee 'half'.py"
        script.write_text(TESTEE, encoding="utf-8")
        self.testee = f"/usr/bin/python3 {shlex.quote(str(script))}"

    def run_cmrp(self, *arguments, **how):
        return subprocess.run([CMRP, *map(str, arguments)], capture_output=True, text=True,
                              timeout=300, check=False, **how)

    def conform(self, *arguments, **how):
        return self.run_cmrp("conform", "--testee", self.testee, *SELECTION, *arguments, **how)

    def shell(self, readme, word):
        """Runs the first command of a README.txt that begins so."""
        line = next(line for line in readme.splitlines() if line.startswith(f"  {word}"))
        environment = {**os.environ, "PATH": f"{CMRP.parent}:{os.environ['PATH']}"}
        return subprocess.run(line, shell=True, capture_output=True, text=True, timeout=300,
                              check=False, env=environment)

    def test_vectors(self):
        done = self.conform("--artifacts", self.kept, "--json", self.folder / "report.json")
        self.assertEqual(done.returncode, 1, done.stderr)
        report = json.loads((self.folder / "report.json").read_text(encoding="utf-8"))
        failed = {case["id"].replace("/", "_"): case for case in report["cases"]
                  if case["verdict"] in ("FAIL", "CRASH", "TIMEOUT")}
        self.assertGreater(len(failed), 20)
        self.assertIn("CRASH", {case["verdict"] for case in failed.values()})
        self.assertEqual({path.name for path in self.kept.iterdir()} - {".cmrp-artifacts"},
                         set(failed))
        schema = json.loads((ROOT / "docs/schema/report.json").read_text(encoding="utf-8"))
        schema = {"$ref": "#/$defs/case", "$defs": schema["$defs"]}
        for name, case in failed.items():
            self.check_case(self.kept / name, case, schema)

    def check_case(self, folder, case, schema):
        kept = json.loads((folder / "case.json").read_text(encoding="utf-8"))
        jsonschema.validate(kept, schema)
        self.assertEqual(kept, case)
        vector = json.loads((folder / "vector.json").read_text(encoding="utf-8"))
        self.assertEqual(vector["id"], case["vector"])
        names = {path.name for path in folder.iterdir()}
        readme = (folder / "README.txt").read_text(encoding="utf-8")
        for name in names - {"README.txt"}:
            self.assertIn(f"  {name} ", readme)
        if "hex" in vector:
            octets = (folder / "octets.bin").read_bytes()
            self.assertEqual((folder / "octets.hex").read_text().strip(), octets.hex())
            self.assertEqual("octets.pcap" in names, vector["type"] == "batch")
        else:
            self.assertNotIn("octets.bin", names)
        lines = (folder / "request.jsonl").read_text(encoding="utf-8").splitlines()
        self.assertEqual([json.loads(line)["op"] for line in lines], ["hello", case["op"]])
        if case["verdict"] == "FAIL":
            self.assertIn("answer.txt", names)
            self.assertEqual("answer.bin" in names, case["op"] == "encode")
        if case["verdict"] == "CRASH":
            self.assertEqual((folder / "stderr.txt").read_text(), "falling\n")

    def test_commands_of_a_vector(self):
        self.conform("--artifacts", self.kept)
        folder = self.kept / "batch-notifytest-sent_decode"
        readme = (folder / "README.txt").read_text(encoding="utf-8")
        again = self.shell(readme, "cmrp conform")
        self.assertEqual(again.returncode, 1, again.stderr)
        self.assertIn("1 finding in 1 case", again.stdout)
        self.assertEqual(self.shell(readme, "cmrp explain").returncode, 0)
        with open(folder / "request.jsonl", "rb") as lines:
            answers = subprocess.run(shlex.split(self.testee), stdin=lines, capture_output=True,
                                     timeout=60, check=True).stdout.splitlines()
        self.assertEqual([json.loads(line)["id"] for line in answers], [0, 1])

    def test_capture(self):
        done = self.run_cmrp("conform", "-r", CAPTURE, "--level", "should", "--artifacts", self.kept,
                             "--json", self.folder / "judgement.json")
        self.assertEqual(done.returncode, 1, done.stderr)
        judgement = json.loads((self.folder / "judgement.json").read_text(encoding="utf-8"))
        failed = [case for case in judgement["cases"] if case["verdict"] == "FAIL"]
        self.assertGreater(len(failed), 20)
        self.assertEqual({path.name for path in self.kept.iterdir()} - {".cmrp-artifacts"},
                         {case["id"].replace("/", "_") for case in failed})
        for case in failed[::5]:
            self.check_judged(self.kept / case["id"].replace("/", "_"), case, judgement)

    def check_judged(self, folder, case, judgement):
        self.assertEqual(json.loads((folder / "case.json").read_text(encoding="utf-8")), case)
        findings = json.loads((folder / "findings.json").read_text(encoding="utf-8"))
        self.assertEqual(findings, [finding for finding in judgement["findings"]
                                    if finding["case"] == case["id"]])
        readme = (folder / "README.txt").read_text(encoding="utf-8")
        again = self.shell(readme, "cmrp conform")
        self.assertEqual(again.returncode, 1, again.stderr)
        self.assertIn(findings[0]["message"].split("\\")[0], again.stdout.replace("\\", ""))
        if "octets" in findings[0]:
            self.assertEqual((folder / "wrong.bin").read_bytes().hex(),
                             findings[0]["octets"]["hex"])
        # The excerpt shows the same, though its frames have other numbers.
        excerpt = self.run_cmrp("conform", "-r", folder / "connection.pcap", "--level", "should",
                                case["id"])
        self.assertEqual(excerpt.returncode, 1, f"{case['id']}: {excerpt.stdout}{excerpt.stderr}")
        self.assertIn(f" {case['id']}: ", excerpt.stdout)

    def test_in_the_way(self):
        self.kept.mkdir()
        (self.kept / "mine").write_text("")
        for arguments in (["conform", "--testee", self.testee, *SELECTION],
                          ["conform", "-r", CAPTURE]):
            done = self.run_cmrp(*arguments, "--artifacts", self.kept)
            self.assertEqual(done.returncode, 2)
            self.assertIn("is not empty and was not made by cmrp", done.stderr)
            self.assertEqual(done.stdout, "")  # nothing was run
        self.assertEqual([path.name for path in self.kept.iterdir()], ["mine"])

    def test_full(self):
        """Where no more can be written, that is said."""
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))
        done = self.conform("--artifacts", self.kept, preexec_fn=limit, restore_signals=False)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"cmrp: \S*/kept/\S+: File too large\n")


if __name__ == "__main__":
    if CMRP is None:
        sys.exit("usage: test_artifacts.py CMRP")
    unittest.main(argv=sys.argv[:1])
