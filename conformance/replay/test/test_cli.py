#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests `cmrp replay` from outside: output, schema, exit codes, streams.

usage: test_cli.py CMRP
"""
import gzip
import json
import os
import pathlib
import pty
import struct
import subprocess
import sys
import tempfile
import unittest

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[3]
CAPTURES = sorted((ROOT / "vectors/captures").glob("*.pcap"))
SAMBA = ROOT / "vectors/captures/samba-libdcerpc_to_go-msrpc.pcap"
SMBTORTURE = ROOT / "vectors/captures/smbtorture_to_script.pcap"
SCHEMA = json.loads((ROOT / "docs/schema/replay.json").read_text("utf-8"))
PROPERTIES = {definition["properties"]["kind"]["const"]: definition["properties"]
              for definition in SCHEMA["$defs"].values()
              if "kind" in definition.get("properties", {})}
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
CMRP = None


def run(*arguments, data=None, **options):
    options.setdefault("stdout", subprocess.PIPE)
    environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    return subprocess.run([CMRP, "replay", *map(str, arguments)], input=data, timeout=120,
                          stderr=subprocess.PIPE, env=environment, check=False, **options)


def packets(capture):
    """The file header and the packets, each with its record header."""
    data = capture.read_bytes()
    found, at = [], 24
    while at < len(data):
        end = at + 16 + struct.unpack_from("<I", data, at + 8)[0]
        found.append(data[at:end])
        at = end
    return data[:24], found


def without(capture, *numbers):
    header, found = packets(capture)
    return header + b"".join(p for n, p in enumerate(found, 1) if n not in numbers)


class Output(unittest.TestCase):
    def check_lines(self, text):
        lines = [json.loads(line) for line in text.decode("utf-8").splitlines()]
        for line in lines:
            VALIDATOR.validate(line)
            order = list(PROPERTIES[line["kind"]])
            self.assertEqual(list(line), [key for key in order if key in line])
            for finding in line.get("findings", ()):
                order = list(SCHEMA["$defs"]["finding"]["properties"])
                self.assertEqual(list(finding), [key for key in order if key in finding])
        return lines

    def test_rules(self):
        """With --rules findings join the records, and nothing else changes."""
        found = 0
        for capture in CAPTURES:
            plain = self.check_lines(run("-r", capture, "-T", "json").stdout)
            done = run("-r", capture, "-T", "json", "--rules")
            judged = self.check_lines(done.stdout)
            self.assertEqual(len(judged), len(plain))
            must = False
            for line, before in zip(judged, plain):
                must = must or any(f["level"] == "must" for f in line.get("findings", ()))
                mine = [f for f in line.pop("findings", ()) if "rule" in f]
                if line["kind"] in ("call", "bind"):
                    found += len(mine)
                before.pop("findings", None)
                self.assertEqual(line, before)
                for finding in mine:
                    self.assertIn(finding["frame"], (line.get("request_frame"),
                                                     line.get("response_frame")))
            self.assertIn(done.returncode, (1, 4) if must else (0, 4))
        self.assertGreater(found, 100)

    def test_rules_as_text(self):
        done = run("-r", SMBTORTURE, "--rules")
        self.assertRegex(done.stdout.decode(),
                         r"  ! frame 8 PDU offset 10: the authentication level is 1 \(none\)\. "
                         r"Use the authentication level .*\. \[CMRP-T-008, MS-CMRP 2\.1\]\n")

    def test_rules_see_what_is_not_shown(self):
        """--method chooses what is printed and counted, not what is judged."""
        everything = run("-r", SAMBA, "-T", "json", "--rules").stdout
        calls = [c for c in map(json.loads, everything.splitlines()) if c["kind"] == "call"]
        method = calls[-1]["method"]
        some = run("-r", SAMBA, "-T", "json", "--rules", "--method", method).stdout
        self.assertEqual([json.loads(line) for line in some.splitlines()
                          if json.loads(line)["kind"] == "call"],
                         [c for c in calls if c.get("method") == method])

    def test_schema_itself(self):
        jsonschema.Draft202012Validator.check_schema(SCHEMA)
        for broken in ({"kind": "call"}, {"kind": "what"}, {"kind": "note", "frame": 1, "code": "x",
                                                          "message": "m", "client": "1.2.3.4:5"}):
            self.assertFalse(VALIDATOR.is_valid(broken))

    def test_captures(self):
        self.assertGreater(len(CAPTURES), 4)
        for capture in CAPTURES:
            done = run("-r", capture, "-T", "json")
            expected = capture.with_suffix(".expected.jsonl").read_bytes()
            self.assertEqual(done.stdout.decode(), expected.decode())
            lines = self.check_lines(done.stdout)
            broken = any(f["level"] == "must" for line in lines for f in line.get("findings", ()))
            self.assertEqual(done.returncode, 1 if broken else 0)
            self.assertEqual(done.stderr, b"")

    def test_facts(self):
        lines = self.check_lines(run("-r", SAMBA, "-T", "json").stdout)
        calls = {line["method"]: line for line in lines if line["kind"] == "call"}
        finding = calls["ApiAddNotifyV2"]["findings"][0]
        self.assertEqual((finding["field"], finding["section"]),
                         ("isTargetedAtObject", "MS-CMRP 3.1.4.2.137"))
        batch = calls["ApiGetBatchNotification"]["response"]["lpData"]
        self.assertEqual([c["name"] for c in batch["commands"]], ["NotifyTest"] * 6)

    def test_damaged_streams(self):
        """Packets are left out, some 30 of a long capture: everything printed keeps to the schema,
        all kinds are met."""
        kinds, states = set(), set()
        for capture in CAPTURES:
            header, found = packets(capture)
            for number in range(1, len(found) + 1, 1 + len(found) // 40):
                with tempfile.NamedTemporaryFile() as f:
                    f.write(without(capture, number))
                    f.flush()
                    done = run("-r", f.name, "-T", "json")
                self.assertIn(done.returncode, (0, 1))
                for line in self.check_lines(done.stdout):
                    kinds.add(line["kind"])
                    states.add(line.get("state"))
        self.assertEqual(kinds, set(PROPERTIES))
        self.assertGreaterEqual(states, {"complete", "fault", "unanswered", "sealed", "undecoded"})

    def test_forms(self):
        text = run("-r", SAMBA).stdout.decode()
        verbose = run("-r", SAMBA, "-V").stdout.decode()
        self.assertIn('=> 6 commands\n              CLUSREG_DELETE_VALUE   -       "NotifyTest"\n',
                      text)
        self.assertTrue(text.splitlines()[-1].startswith("19 packets, 1 TCP connection, 1 of this"))
        self.assertIn("5 calls: 4 complete, 1 fault; 1 finding", text.splitlines()[-1])
        self.assertNotIn("request: frame", text)
        self.assertIn("request: frame 10, 65 octets in 1 fragment", verbose)
        for output in (text, verbose):
            self.assertNotIn("\x1b", output)
        none = run("-r", SAMBA, "-T", "none")
        self.assertEqual((none.stdout, none.stderr, none.returncode), (b"", b"", 1))

    def test_help(self):
        done = run("--help")
        self.assertEqual(done.returncode, 0)
        for word in (b"--require", b"--method", b"-T text|json|none", b"Exit codes", b"Example"):
            self.assertIn(word, done.stdout)


class Codes(unittest.TestCase):
    def expect(self, code, *arguments, error=b"", **options):
        done = run(*arguments, **options)
        self.assertEqual(done.returncode, code, (arguments, done.stderr))
        self.assertIn(error, done.stderr)
        return done

    def test_usage(self):
        self.expect(2, error=b"-r CAPTURE is missing")
        self.expect(2, SAMBA, error=b"-r CAPTURE is missing")
        self.expect(2, "-r", SAMBA, "more", error=b"left over")
        self.expect(2, "-r", SAMBA, "-T", "xml", error=b"text, json or none")
        self.expect(2, "-r", SAMBA, "--method", "ApiNoSuch", error=b"no method")
        self.expect(2, "-r", SAMBA, "--method", "70000", error=b"no method")
        self.expect(2, "-r", SAMBA, "--require", "-1", error=b"not a usable number")
        self.expect(2, "-r", SAMBA, "--require", "1x", error=b"not a usable number")
        self.expect(2, "-r", SAMBA, "--limit-stub", "0", error=b"not a usable number")
        self.expect(2, "-r", SAMBA, "--no-such", error=b"--help")
        for option in (["--to", "h:1"], ["--serve", "h:1"], ["--fast"], ["--ignore", "x"]):
            self.expect(2, "-r", SAMBA, *option, error=b"is not in this version")

    def test_files(self):
        self.expect(2, "-r", "/no/such/file", error=b"No such file")
        self.expect(2, "-r", "/", error=b"directory")
        self.expect(2, "-r", __file__, error=b"not a pcap")
        self.expect(2, "-r", "-", data=b"", error=b"empty")

    def test_require(self):
        self.expect(0, "-r", SMBTORTURE, "--require", "5")
        self.expect(1, "-r", SMBTORTURE, "--require", "6", error=b"5 calls were found, 6 are")
        self.expect(0, "-r", SMBTORTURE, "--method", "ApiEnumKey", "--require", "1")
        self.expect(1, "-r", SMBTORTURE, "--method", "31", "--require", "2", error=b"1 calls were")
        self.expect(1, "-r", SMBTORTURE, "--method", "ApiGetNotify", "--require", "1")

    def test_method(self):
        done = self.expect(0, "-r", SAMBA, "--method", "115", "-T", "json")
        self.assertEqual([json.loads(line)["method"] for line in done.stdout.splitlines()],
                         ["ApiGetBatchNotification"])

    def test_no_calls(self):
        header, found = packets(SMBTORTURE)
        data = header + found[0] + found[1]
        for form, stream in (("text", "stdout"), ("json", "stderr"), ("none", "stderr")):
            done = self.expect(0, "-r", "-", "-T", form, data=data)
            self.assertIn(b"no calls of this protocol", getattr(done, stream))

    def test_truncated(self):
        data = SMBTORTURE.read_bytes()
        for size in range(0, len(data), 61):
            done = run("-r", "-", "-T", "json", data=data[:size])
            self.assertIn(done.returncode, (0, 2, 4))
            self.assertEqual(done.returncode == 2, size < 24)
        done = self.expect(4, "-r", "-", data=data[:-20], error=b"standard input: offset")
        self.assertIn(b"ApiCloseKey", done.stdout)
        self.expect(1, "-r", "-", data=SAMBA.read_bytes()[:-20])  # a finding weighs more

    def test_limits(self):
        done = self.expect(0, "-r", SMBTORTURE, "--limit-stub", "40")
        self.assertIn(b"a stub of more than 40 octets is not read", done.stdout)
        self.expect(0, "-r", SMBTORTURE, "--limit-flows", "1", "--limit-calls", "1",
                    "--limit-contexts", "1", "--limit-memory", "10000")


class Streams(unittest.TestCase):
    def test_standard_input_and_gzip(self):
        plain = run("-r", SMBTORTURE, "-T", "json").stdout
        data = SMBTORTURE.read_bytes()
        self.assertEqual(run("-r", "-", "-T", "json", data=data).stdout, plain)
        self.assertEqual(run("-r", "-", "-T", "json", data=gzip.compress(data)).stdout, plain)

    def test_calls_are_shown_as_they_come(self):
        header, found = packets(SMBTORTURE)
        with subprocess.Popen([CMRP, "replay", "-r", "-", "-T", "json"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as process:
            process.stdin.write(header + b"".join(found[:9]))
            process.stdin.flush()
            self.assertEqual(json.loads(process.stdout.readline())["kind"], "bind")
            self.assertEqual(json.loads(process.stdout.readline())["method"], "ApiGetClusterName")
            process.stdin.write(b"".join(found[9:]))
            process.stdin.close()
            self.assertEqual(len(process.stdout.read().splitlines()), 4)
            self.assertEqual(process.wait(), 0)

    def test_closed_pipe(self):
        reader, writer = os.pipe()
        os.close(reader)
        done = run("-r", SMBTORTURE, stdout=writer)
        os.close(writer)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr.count(b"\n"), 1)
        self.assertIn(b"Broken pipe", done.stderr)

    def test_full_disk(self):
        with open("/dev/full", "wb") as full:
            done = run("-r", SMBTORTURE, stdout=full)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr.count(b"\n"), 1)
        self.assertIn(b"No space left", done.stderr)

    def on_terminal(self, *arguments, **extra):
        """What the program prints on a terminal."""
        main, side = pty.openpty()
        environment = {**os.environ, "TERM": "xterm", **extra}
        if "NO_COLOR" not in extra:
            environment.pop("NO_COLOR", None)
        with subprocess.Popen([CMRP, "replay", *map(str, arguments)], stdout=side,
                              stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                              env=environment) as process:
            os.close(side)
            text = b""
            try:
                while chunk := os.read(main, 65536):
                    text += chunk
            except OSError:
                pass  # the terminal is gone
            process.wait()
        os.close(main)
        return text

    def test_colour(self):
        self.assertIn(b"\x1b[31mnca_op_rng_error\x1b[0m", self.on_terminal("-r", SAMBA))
        self.assertNotIn(b"\x1b", self.on_terminal("-r", SAMBA, NO_COLOR="1"))
        self.assertNotIn(b"\x1b", self.on_terminal("-r", SAMBA, "-T", "json"))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: test_cli.py CMRP")
    CMRP = sys.argv.pop(1)
    unittest.main()
