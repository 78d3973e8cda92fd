#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Help, versions, unknown words, unreadable files, and output that cannot be written."""
import json
import os
import pathlib
import re
import resource
import signal
import string
import subprocess
import unittest

import support
from support import FINDINGS, OK, USAGE

# Every subcommand with the options that its help must explain.
SELECTORS = ["--type", "--lenient", "--set", "--method", "--direction", "--interface", "--syntax",
             "--drep"]
SUBCOMMANDS = {
    "decode": SELECTORS + ["--hex", "-T", "-V"],
    "encode": SELECTORS + ["--hex", "-o"],
    "replay": ["-r", "-T", "-V", "--method", "--require"],
    "conform": ["--testee", "--vectors", "--level", "--xfail", "--timeout", "-j", "--json",
                "--junit", "--html", "--artifacts", "-r"],
    "list": ["--type", "--requirement", "--flag", "--counts", "--vectors", "-T"],
    "explain": [],
    "coverage": ["--level", "--role", "--status", "--missing", "--counts", "--vectors", "-T"],
    "export": ["--as", "-o", "--vectors"],
    "selftest": ["--vectors", "--testee", "-T", "-v"],
    "serve": ["--listen", "--unauthenticated", "--port-file", "--epmap", "--state",
              "--seed-cluster", "--print-seed", "--control", "--limit", "--log", "-v"],
    "ctl": ["--control", "-T", "-k", "--timeout"],
    "watch": ["--filter", "--registry", "--batches", "--no-batches", "--syntax", "--epmap-port",
              "--count", "--timeout", "-T"],
    "call": ["--script", "--syntax", "--epmap-port", "--timeout", "-T", "-V"],
}
# What keeps a subcommand from doing its work where its words are right, and might go on for ever.
UNABLE = {"serve": ("--seed-cluster", "/nonexistent/cluster.json")}


class Help(support.CliTest):
    def test_no_words(self):
        result = self.cmrp(code=USAGE)
        self.assertEqual(result.out, "")
        self.assertTrue(result.err.startswith("usage: cmrp "))

    def test_program(self):
        for word in ("--help", "-h", "help"):
            result = self.cmrp(word)
            self.assertEqual(result.err, "")
            for name in SUBCOMMANDS:
                self.assertRegex(result.out, rf"(?m)^  {name} +\S")

    def test_every_subcommand_of_the_help_is_tested_here(self):
        names = re.findall(r"(?m)^  ([a-z]+) +\S", self.cmrp("--help").out)
        self.assertEqual(sorted(names), sorted(SUBCOMMANDS))

    def test_version(self):
        text = (support.ROOT / "CMakeLists.txt").read_text("utf-8")
        version = re.search(r"project\(cmrp VERSION ([0-9.]+)", text)[1]
        self.assertEqual(self.cmrp("--version").out, f"cmrp {version}\n")

    def test_subcommands(self):
        for name, options in SUBCOMMANDS.items():
            for word in ("--help", "-h"):
                with self.subTest(name, word=word):
                    result = self.cmrp(name, word)
                    self.assertEqual(result.err, "")
                    self.assertTrue(result.out.startswith(f"usage: cmrp {name} "), result.out)
                    for option in options + ["--help"]:
                        self.assertRegex(result.out, rf"(?m)(^|[ ,]){re.escape(option)}\b")
                    self.assertRegex(result.out, r"(?s)Exit codes?:.*0 .*2 ")
                    self.assertLessEqual(max(map(len, result.out.splitlines())), 100)

    def known_options(self, name):
        """The long options of a subcommand: complaints about abbreviations spell them out."""
        known = set()
        for letter in string.ascii_lowercase:
            for word in (f"--{letter}", f"--{letter}=x"):  # lacks an argument, or has one too many
                done = subprocess.run([self.program, name, *UNABLE.get(name, ()), word],
                                      check=False, timeout=support.SECONDS, capture_output=True,
                                      stdin=subprocess.DEVNULL)
                text = done.stderr.decode()
                if "unrecognized option" not in text and "this version" not in text:
                    known.update(re.findall(r"'--([a-z-]{2,})'", text))
        return known

    def test_help_explains_every_option_that_works(self):
        """An option that the program knows, but --help does not, is a secret or a leftover."""
        for name in SUBCOMMANDS:
            known = self.known_options(name)
            self.assertIn("help", known)
            told = self.cmrp(name, "--help").out
            for option in known - {"to", "serve", "fast", "ignore", "server", "client"}:
                with self.subTest(name, option=option):
                    self.assertRegex(told, rf"--{option}\b")

class UnusableWords(support.CliTest):
    def test_subcommand(self):
        for word in ("nonsense", "Decode", "-x", "--decode", "", "decode "):
            with self.subTest(word):
                result = self.cmrp(word, code=USAGE)
                self.assert_usage(result, f'no subcommand "{word}"')

    def test_long_and_hostile_subcommand(self):
        result = self.cmrp("\x1b[31m" + "x" * 5000, code=USAGE)
        self.assertLess(len(result.err), 200)

    def test_option(self):
        for name in SUBCOMMANDS:
            for word in ("--no-such-option", "-Z"):
                with self.subTest(name, word=word):
                    result = self.cmrp(name, word, code=USAGE)
                    self.assertEqual(result.out, "")
                    self.assertIn(f"Try `cmrp {name} --help`.", result.err)

    def test_missing_argument(self):
        for words in (("decode", "--type"), ("encode", "-o"), ("replay", "-r"),
                      ("conform", "--testee"), ("decode", "-T")):
            with self.subTest(words):
                self.assertEqual(self.cmrp(*words, code=USAGE).out, "")

    def test_number_of_files(self):
        path = self.path("a.bin", support.CREATE_KEY)
        for words in (("decode",), ("decode", path, path), ("encode",), ("encode", path, path)):
            with self.subTest(words):
                self.assert_usage(self.cmrp(*words, code=USAGE), "one FILE is expected")
        self.assert_usage(self.cmrp("replay", code=USAGE), "-r CAPTURE is missing")
        self.assert_usage(self.cmrp("replay", path, code=USAGE), "-r CAPTURE is missing")
        self.assert_usage(self.cmrp("replay", "-r", path, path, code=USAGE), "one capture")

    def test_values_of_options(self):
        path = self.path("a.bin", support.CREATE_KEY)
        cases = {
            ("decode", "-T", "xml", path): '-T takes text or json, not "xml"',
            ("decode", "--type", "bind", path):
                "type is none of batch, change, stub, pdu, payload, tower",
            ("decode", "--type", "\udcff", path):
                "type is none of batch, change, stub, pdu, payload, tower",
            ("decode", "--set", "CLUSTER_CHANGE", path): "--set is for --type change",
            ("decode", "--method", "65", path): "--method is for --type stub",
            ("decode", "--type", "pdu", "--drep", "be", path): "--drep is for --type stub",
            ("decode", "--type", "change", "--lenient", path): "--lenient is for --type batch",
            ("list", "\x1b[31m"): r'"\x1b[31m" matches no vector',
            ("decode", "--type", "change", "--set", "CLUSTER", path): "unknown set",
            ("decode", "--type", "stub", path): "direction is missing",
            ("decode", "--type", "stub", "--direction", "request", path): "neither method nor",
            ("decode", "--type", "stub", "--method", "65", path): "direction is missing",
            ("decode", "--type", "stub", "--method", "ApiNothing", "--direction", "request",
             path): "method ApiNothing is not described for interface version 3",
            ("decode", "--type", "stub", "--method", "9999", "--direction", "request",
             path): "is not described for interface version 3",
            ("decode", "--type", "stub", "--method", "139", "--interface", "2", "--direction",
             "request", path): "is not described for interface version 2",
            ("decode", "--type", "stub", "--method", "65", "--interface", "4", "--direction",
             "request", path): "interface is neither 2 nor 3",
            ("decode", "--type", "stub", "--method", "65", "--interface", "three",
             "--direction", "request", path): "interface is neither 2 nor 3",
            ("decode", "--type", "stub", "--method", "65", "--direction", "in", path):
                'direction is neither "request" nor "response"',
            ("decode", "--type", "stub", "--method", "65", "--direction", "request", "--syntax",
             "NDR", path): 'syntax is neither "ndr" nor "ndr64"',
            ("decode", "--type", "stub", "--method", "65", "--direction", "request", "--drep",
             "big", path): 'drep is neither "le" nor "be"',
            ("encode", "--type", "epm", path): "",
            ("replay", "-r", path, "-T", "xml"): '-T takes text, json or none, not "xml"',
            ("replay", "-r", path, "--require", "many"): '"many" is not a usable number',
            ("replay", "-r", path, "--require", "-1"): '"-1" is not a usable number',
            ("replay", "-r", path, "--method", "ApiNothing"): "ApiNothing",
            ("replay", "-r", path, "--to", "127.0.0.1:1"): "--to is not in this version",
            ("conform", "--testee", "true", "--timeout", "0"): "--timeout takes seconds",
            ("conform", "--testee", "true", "--timeout", "1e"): "--timeout takes seconds",
            ("conform", "--testee", "true", "-j", "0"): "-j takes a number",
            ("conform", "--testee", "true", "-j", "100000"): "-j takes a number",
            ("conform", "--testee", "true", "--level", "may"): "--level takes must or should",
            ("conform",): "--testee or -r is missing",
            ("conform", "--server", "127.0.0.1"): "in this version",
        }
        for words, message in cases.items():
            with self.subTest(words):
                result = self.cmrp(*words, code=USAGE)
                self.assertEqual(result.out, "")
                self.assertIn(message, result.err)


class UnreadableFiles(support.CliTest):
    def readers(self, path):
        return [("decode", path), ("decode", "--hex", path), ("encode", path),
                ("replay", "-r", path)]

    def test_missing(self):
        path = self.folder / "missing"
        for words in self.readers(path):
            with self.subTest(words):
                result = self.cmrp(*words, code=USAGE)
                self.assertEqual(result.out, "")
                self.assert_one_line(result.err, f"{path}: No such file or directory")

    def test_directory(self):
        for words in self.readers(self.folder):
            with self.subTest(words):
                result = self.cmrp(*words, code=USAGE)
                self.assertEqual(result.out, "")
                self.assert_one_line(result.err, f"{self.folder}: Is a directory")

    @unittest.skipIf(os.geteuid() == 0, "root reads everything")
    def test_forbidden(self):
        path = self.path("secret", support.CREATE_KEY)
        path.chmod(0)
        for words in self.readers(path):
            with self.subTest(words):
                self.assert_one_line(self.cmrp(*words, code=USAGE).err, "Permission denied")

    def test_empty(self):
        path = self.path("empty", b"")
        result = self.cmrp("decode", path, code=FINDINGS)
        self.assertEqual(result.err,
                         f"{path}: offset 0: VersionNumber is cut short (0 bytes left) "
                         "[MS-CMRP 2.2.3.17]\n")
        result = self.cmrp("decode", "--type", "change", path, code=FINDINGS)
        self.assert_one_line(result.err, "offset 0: ")
        result = self.cmrp("decode", "--type", "pdu", path, code=FINDINGS)
        self.assert_one_line(result.err, "offset 0: ")
        result = self.cmrp("decode", "--type", "stub", "--method", "ApiCreateNotify",
                           "--direction", "request", path)
        self.assertEqual(result.err, "")
        result = self.cmrp("encode", path, code=USAGE)
        self.assert_one_line(result.err, f"{path}: line 1 column 0: ")

    def test_standard_input(self):
        result = self.cmrp("decode", "-T", "json", "-", stdin=support.CREATE_KEY)
        self.assertEqual(result.json["commands"][0]["name"], "a")
        result = self.cmrp("decode", "-", stdin=b"\x02\0\0\0", code=FINDINGS)
        self.assertEqual(result.err, "standard input: offset 0: VersionNumber is 2, not 1 "
                                     "[MS-CMRP 2.2.3.17]\n")
        result = self.cmrp("decode", "--hex", "-", stdin=b"0", code=USAGE)
        self.assert_one_line(result.err, "standard input: line 1: ")
        result = self.cmrp("encode", "-", stdin=b"{", code=USAGE)
        self.assert_one_line(result.err, "standard input: line 1 ")

    def test_file_named_minus(self):
        self.path("-", support.CREATE_KEY)
        self.assertEqual(self.cmrp("decode", "-T", "json", "./-", cwd=self.folder)
                         .json["version"], 1)


class LargeFiles(support.CliTest):
    def sparse(self, megabytes):
        path = self.folder / "sparse"
        with open(path, "wb") as file:
            file.truncate(megabytes * 1024 * 1024)
        return path

    def test_zeros(self):
        path = self.sparse(100)
        result = self.cmrp("decode", path, code=FINDINGS)
        self.assertEqual(result.err,
                         f"{path}: offset 0: VersionNumber is 0, not 1 [MS-CMRP 2.2.3.17]\n")

    def test_limit(self):
        path = self.sparse(300)
        for words in (("decode", path), ("decode", "--hex", path), ("encode", path)):
            with self.subTest(words):
                result = self.cmrp(*words, code=USAGE)
                self.assert_one_line(result.err, f"{path}: more than 268435456 octets")

    def test_little_memory_is_an_internal_error(self):
        path = self.sparse(200)
        limit = 64 * 1024 * 1024
        if self.sanitized():
            self.skipTest("a sanitizer needs more address space than this")
        done = subprocess.run([self.program, "decode", path], capture_output=True, check=False,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS,
                                                                    (limit, limit)))
        self.assertEqual(done.returncode, support.INTERNAL, done.stderr)
        self.assert_one_line(done.stderr.decode(), "out of memory")

    def sanitized(self):
        return b"__asan_init" in pathlib.Path(self.program).read_bytes()


class UnwritableOutput(support.CliTest):
    """Whatever was to be written and was not: exit 2, one line, no crash."""

    def commands(self):
        batch = self.path("a.bin", support.CREATE_KEY)
        value = self.path("a.json", self.cmrp("decode", "-T", "json", batch).out)
        capture = next(iter(sorted((support.VECTORS / "captures").glob("*.pcap"))))
        return [("--help",), ("--version",), ("decode", "--help"), ("decode", batch),
                ("decode", "-T", "json", batch), ("encode", value), ("encode", "--hex", value),
                ("replay", "-r", capture), ("replay", "-r", capture, "-T", "json"),
                ("list",), ("export", "batch-notifytest-sent", "--as", "json"),
                ("export", "batch-notifytest-sent", "--as", "frame"),
                ("explain", "batch-notifytest-sent")]

    def assert_output_lost(self, text, reason):
        """One line with the reason, even of a write that failed long before the end."""
        self.assertEqual(text, f"cmrp: standard output: {reason}\n")

    def test_full_disk(self):
        for words in self.commands():
            with self.subTest(words), open("/dev/full", "wb") as full:
                result = self.cmrp(*words, code=USAGE, stdout=full)
                self.assert_output_lost(result.err, "No space left on device")

    def test_closed_pipe(self):
        for words in self.commands():
            with self.subTest(words):
                read, write = os.pipe()
                os.close(read)
                result = self.cmrp(*words, code=USAGE, stdout=write)
                os.close(write)
                self.assert_output_lost(result.err, "Broken pipe")

    def test_reader_that_leaves(self):
        """`cmrp … | head -c1`, with more output than a pipe holds."""
        commands = b"".join([support.CREATE_KEY[:4]] + [support.CREATE_KEY[4:]] * 50000)
        path = self.path("large.bin", commands)
        for words in (("decode", path), ("decode", "-T", "json", path), ("decode", "-V", path)):
            with self.subTest(words):
                process = subprocess.Popen([self.program, *map(str, words)], env=self.environment(),
                                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                self.assertEqual(len(process.stdout.read(1)), 1)
                process.stdout.close()
                error = process.stderr.read().decode()
                process.stderr.close()
                self.assertEqual(process.wait(support.SECONDS), USAGE)
                self.assert_output_lost(error, "Broken pipe")

    def test_findings_and_a_full_disk(self):
        path = self.path("bad.bin", b"\x01\0\0\0\x02\0")
        with open("/dev/full", "wb") as full:
            result = self.cmrp("decode", "-T", "json", path, code=USAGE, stdout=full)
        self.assertRegex(result.err, "(?m)^cmrp: standard output: No space left on device$")

    def test_closed_standard_output(self):
        done = subprocess.run([self.program, "--version"], check=False, stderr=subprocess.PIPE,
                              preexec_fn=lambda: os.close(1))
        self.assertEqual(done.returncode, USAGE, done.stderr)

    def test_closed_descriptors(self):
        """Whoever starts the program without some of the three standard descriptors must not get
        results in other files, nor an abort."""
        conform = ("conform", "--testee", os.environ["CMRP_TESTEE"], "batch-name-empty")
        for closed, expected in (((0,), OK), ((1,), USAGE), ((2,), OK), ((0, 1, 2), USAGE)):
            with self.subTest(closed):
                report = self.folder / "report.json"
                report.unlink(missing_ok=True)
                done = subprocess.run(
                    [self.program, *conform, "--json", str(report)], check=False,
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    timeout=support.SECONDS, env=self.environment(),
                    preexec_fn=lambda closed=closed: [os.close(n) for n in closed])
                self.assertEqual(done.returncode, expected, done.stderr)
                self.assertEqual(json.loads(report.read_text())["summary"]["PASS"], 2)
        done = subprocess.run([self.program, "decode", "-"], check=False, stderr=subprocess.PIPE,
                              preexec_fn=lambda: os.close(0))
        self.assertEqual(done.returncode, USAGE, done.stderr)

    def test_output_option(self):
        value = self.path("a.json", self.cmrp("decode", "-T", "json", "-",
                                              stdin=support.CREATE_KEY).out)
        target = self.folder / "out.bin"
        self.assertEqual(self.cmrp("encode", "-o", target, value).out, "")
        self.assertEqual(target.read_bytes(), support.CREATE_KEY)
        self.assertEqual(self.cmrp("encode", "-o", "-", value).raw, support.CREATE_KEY)
        full = self.folder / "full"
        full.symlink_to("/dev/full")  # by a link, which a mistake may remove
        for bad, reason in ((full, "No space left on device"),
                            (self.folder, "Is a directory"),
                            (self.folder / "missing" / "out", "No such file or directory")):
            with self.subTest(bad):
                self.assert_one_line(self.cmrp("encode", "-o", bad, value, code=USAGE).err,
                                     f"{bad}: {reason}")

    def test_interrupt_of_a_reader_is_no_success(self):
        read, write = os.pipe()
        process = subprocess.Popen([self.program, "decode", "-"], stdin=read,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(read)
        process.send_signal(signal.SIGINT)
        os.close(write)
        self.assertNotEqual(process.wait(support.SECONDS), OK)


if __name__ == "__main__":
    support.main()
