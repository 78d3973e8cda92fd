#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of cmrp_testee.py as a process: every batch and change vector in strict mode, lines that
are wrong, and that it stays one short file to copy."""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

HERE = pathlib.Path(__file__).resolve().parent
VECTORS = HERE.parents[2] / "vectors"
TESTEE = [sys.executable, "-EB", str(HERE / "cmrp_testee.py")]
SECONDS = 30  # until a testee counts as hung


def ask_lines(lines):
    """The answers of one testee to lines, which it must outlive and answer one by one."""
    done = subprocess.run(TESTEE, input=b"".join(line + b"\n" for line in lines),
                          capture_output=True, timeout=SECONDS, check=False)
    if done.returncode != 0 or done.stderr:
        raise AssertionError(f"exit status {done.returncode}, stderr {done.stderr!r}")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if len(answers) != len(lines):
        raise AssertionError(f"{len(lines)} lines in, {len(answers)} out")
    return answers


def ask(requests):
    """Asks in one run; ids are set here and checked."""
    requests = [{"id": number, **request} for number, request in enumerate(requests)]
    answers = ask_lines([json.dumps(request).encode() for request in requests])
    for request, answer in zip(requests, answers):
        if answer.pop("id") != request["id"] or len(answer) != 1 and "name" not in answer:
            raise AssertionError(f"{request}: {answer}")
    return answers


def expand_octets(value):
    """Hex, or a list of hex and {"repeat", "hex"}, as one string."""
    if isinstance(value, list):
        return "".join(part if isinstance(part, str) else part["hex"] * part["repeat"]
                       for part in value)
    return value


def expand_name(value):
    if isinstance(value, list):
        return "".join(part if isinstance(part, str) else part["text"] * part["repeat"]
                       for part in value)
    return value


def expand(value):
    """A vector's value with every list of pieces and every repeated element written out.

    Refusal vectors hold values of the wrong shape: those stay as they are."""
    if not isinstance(value, dict):
        return value
    value = dict(value)
    if isinstance(value.get("commands"), list):
        commands = []
        for command in value["commands"]:
            repeat = isinstance(command, dict) and "repeat" in command
            times, command = (command["repeat"], command["element"]) if repeat else (1, command)
            if isinstance(command, dict):
                command = {key: expand_name(part) if key == "name"
                           else expand_octets(part) if key in ("name_hex", "data") else part
                           for key, part in command.items()}
            commands += [command] * times
        value["commands"] = commands
    return value


def load(kind):
    """All vectors of one type."""
    return [test for path in sorted(VECTORS.glob(f"{kind}/*.json"))
            for test in json.loads(path.read_text(encoding="utf-8"))["tests"]]


COMMANDS = """- SET_VALUE CREATE_KEY DELETE_KEY DELETE_VALUE - VALUE_DELETED READ_KEY READ_VALUE
    READ_ERROR CONTROL_COMMAND CONDITION_EXISTS CONDITION_NOT_EXISTS CONDITION_IS_EQUAL
    CONDITION_IS_NOT_EQUAL CONDITION_IS_GREATER_THAN CONDITION_IS_LESS_THAN CONDITION_KEY_EXISTS
    CONDITION_KEY_NOT_EXISTS"""
TYPES = "NONE SZ EXPAND_SZ BINARY DWORD - - MULTI_SZ - - - QWORD"
NUMBERS = {prefix + word: number for prefix, words in (("CLUSREG_", COMMANDS), ("REG_", TYPES))
           for number, word in enumerate(words.split()) if word != "-"}


def numbers(value):
    """A batch or a change by meaning: numbers for names, without what only decoding adds."""
    value = {key: part for key, part in expand(value).items() if key != "warnings"}
    for command in value.get("commands", []):
        command.pop("offset", None)
        for key in ("command", "value_type"):
            command[key] = NUMBERS.get(command[key], command[key])
    return value


class Vectors(unittest.TestCase):
    def check_equal(self, answer, expected):
        """assertEqual, but for the difference, which takes minutes for the largest vectors."""
        if answer != expected:
            self.fail(f"{str(answer)[:500]} is not {str(expected)[:500]}")

    def check_refusal(self, answer, error):
        """The code word comes first."""
        self.assertTrue(answer.get("error", "").startswith(error["code"] + ": "), answer)

    def test_batch_decode(self):
        cases = [test for test in load("batch") if "hex" in test]
        self.assertEqual({"valid", "acceptable", "invalid"}, {test["result"] for test in cases})
        answers = ask([{"op": "decode", "type": "batch", "mode": "strict",
                        "hex": expand_octets(test["hex"])} for test in cases])
        for test, answer in zip(cases, answers):
            with self.subTest(test["id"]):
                if test["result"] == "invalid":
                    self.check_refusal(answer, test["error"])
                else:
                    self.check_equal(numbers(answer["value"]), numbers(test["value"]))

    def test_commands_are_shown_by_name(self):
        names = [name for name in NUMBERS if name.startswith("CLUSREG_")]
        self.assertEqual(len(names), 17)
        octets = "".join(f"{NUMBERS[name]:02x}0000000000000002000000000000000000" for name in names)
        answer = ask([{"op": "decode", "type": "batch", "hex": "01000000" + octets}])[0]
        self.assertEqual([command["command"] for command in answer["value"]["commands"]], names)

    def test_batch_encode(self):
        cases = [test for test in load("batch") if test["result"] != "invalid"]
        self.assertGreater(len(cases), 0)
        answers = ask([{"op": "encode", "type": "batch", "value": expand(test["value"])}
                       for test in cases])
        for test, answer in zip(cases, answers):
            with self.subTest(test["id"]):
                self.check_equal(answer, {"hex": expand_octets(test["hex"])})

    def test_refusals(self):
        for kind in ("batch", "change"):
            cases = [test for test in load(kind) if "hex" not in test]
            self.assertGreater(len(cases), 0)
            answers = ask([{"op": "encode", "type": kind, "value": expand(test.get("value"))}
                           for test in cases])
            for test, answer in zip(cases, answers):
                with self.subTest(test["id"]):
                    self.check_refusal(answer, test["error"])

    def test_change_decode(self):
        cases = [test for test in load("change") if "hex" in test]
        self.assertLessEqual({"valid", "invalid"}, {test["result"] for test in cases})
        self.assertEqual(len({test["set"] for test in cases}), 15, "a set without a vector")
        answers = ask([{"op": "decode", "type": "change", "set": test["set"],
                        "hex": expand_octets(test["hex"])} for test in cases])
        for test, answer in zip(cases, answers):
            with self.subTest(test["id"]):
                flags = test.get("flags", [])
                if test["result"] == "invalid":
                    self.check_refusal(answer, test["error"])
                    continue
                if "AlternativeForm" not in flags:
                    self.assertEqual(answer["value"], test["value"])
                    continue
                for key, part in test["value"].items():
                    if key != "names":
                        self.assertEqual(answer["value"][key], part)
                    elif "Union" not in flags:
                        self.assertEqual(set(answer["value"][key]), set(part))

    def test_change_encode(self):
        cases = [test for test in load("change") if test["result"] != "invalid"]
        self.assertGreater(len(cases), 0)
        answers = ask([{"op": "encode", "type": "change", "value": test["value"]}
                       for test in cases])
        for test, answer in zip(cases, answers):
            with self.subTest(test["id"]):
                self.check_equal(answer, {"hex": expand_octets(test["hex"])})

    def test_change_forms_that_disagree(self):
        """What the three forms of a change say must be the same change."""
        group, upgrade = "CLUSTER_CHANGE_GROUP_V2", "CLUSTER_CHANGE_NODE_UPGRADE_PHASE_V2"
        state, commit = "CLUSTER_CHANGE_GROUP_STATE_V2", "CLUSTER_CHANGE_UPGRADE_NODE_COMMIT"
        every = "CLUSTER_CHANGE_UPGRADE_ALL"
        right = [({"set": group, "value": "1032", "names": [state]}, "0804"),
                 ({"set": group, "value": "1032", "unknown": "1024"}, "0804"),
                 ({"set": group, "names": [state, state], "unknown": "1024"}, "0804"),
                 ({"set": upgrade, "value": "15", "names": [every, commit]}, "0f"),
                 ({"set": "CLUSTER_OBJECT_TYPE", "names": [], "unknown": 17}, "11"),
                 ({"set": "CLUSTER_OBJECT_TYPE", "value": 1, "value_names": None}, "01")]
        for value, octets in right:
            with self.subTest(value):
                answer = ask([{"op": "encode", "type": "change", "value": value}])[0]
                width = 16 if value["set"].endswith("_V2") else 8
                self.assertEqual(answer, {"hex": octets.ljust(width, "0")})
        wrong = [{"set": group, "unknown": "1024"},
                 {"set": group, "value": "1032", "unknown": "0"},
                 {"set": group, "names": [state], "unknown": "2"},
                 {"set": group, "names": [state], "unknown": "8"},
                 {"set": group, "names": [every]},
                 {"set": upgrade, "value": "6", "names": [every]},
                 {"set": "CLUSTER_OBJECT_TYPE", "value": 17,
                  "names": ["CLUSTER_OBJECT_TYPE_CLUSTER"]},
                 {"set": "CLUSTER_OBJECT_TYPE", "value": 17, "unknown": 1},
                 {"set": "CLUSTER_OBJECT_TYPE", "value": 1, "unknown": False},
                 {"set": "CLUSTER_OBJECT_TYPE", "value": 1, "unknown": 0.0},
                 {"set": "CLUSREG", "value": 1}, {"set": "REG", "names": ["REG_SZ"]},
                 {"set": [group], "value": "8"}, {"set": {}, "names": []}]
        for value in wrong:
            with self.subTest(value):
                answer = ask([{"op": "encode", "type": "change", "value": value}])[0]
                self.check_refusal(answer, {"code": "value"})

    def test_every_truncation_is_answered(self):
        """Cut anywhere, a batch is a value or an error with a code of batches, never more."""
        codes = re.compile("(truncated|empty|name-overrun|data-overrun|padding): ")
        cuts = []
        for test in load("batch"):
            whole = expand_octets(test.get("hex", ""))
            if test["result"] == "valid" and len(whole) <= 1024:
                cuts += [whole[:2 * cut] for cut in range(len(whole) // 2)]
        self.assertGreater(len(cuts), 100)
        answers = ask([{"op": "decode", "type": "batch", "hex": cut} for cut in cuts])
        whole = []
        for cut, answer in zip(cuts, answers):
            with self.subTest(cut):
                if "error" in answer:
                    self.assertRegex(answer["error"], codes)
                else:
                    whole.append((cut, answer["value"]))
        self.assertGreater(len(whole), 0)
        encoded = ask([{"op": "encode", "type": "batch", "value": value} for _, value in whole])
        for (cut, value), answer in zip(whole, encoded):
            with self.subTest(value):
                self.assertEqual(answer, {"hex": cut})


class Protocol(unittest.TestCase):
    def test_hello(self):
        answer = ask([{"op": "hello", "format": 1}])[0]
        self.assertEqual(answer["name"], "cmrp-python-example")
        self.assertTrue(answer["version"])
        self.assertEqual(answer["types"], ["batch", "change"])

    def test_unsupported(self):
        for request in ({"op": "decode", "type": "stub", "method": "ApiGetNotify", "opnum": 65,
                         "direction": "response", "hex": ""},
                        {"op": "encode", "type": "stub", "method": "ApiGetNotify", "value": {}},
                        {"op": "decode", "type": "pdu", "hex": "05"},
                        {"op": "decode", "type": ["batch"], "hex": "05"},
                        {"op": "decode", "type": "batch", "mode": "lenient", "hex": "01000000"},
                        {"op": "encode", "type": "batch", "mode": "lenient", "value": {}},
                        {"op": "decode", "type": "batch", "mode": [], "hex": "01000000"},
                        {"op": "decode", "hex": "01000000"}, {"op": "encode"}, {"type": "batch"},
                        {"op": "explain", "type": "batch"}, {"op": {}}, {"op": "explain"},
                        {"op": "hello"}, {"op": "hello", "format": 2}):
            with self.subTest(request):
                answer = ask([request])[0]
                self.assertEqual(list(answer), ["unsupported"])
                self.assertEqual("lenient mode" in answer["unsupported"], "lenient" in str(request))

    def test_requests_that_are_wrong(self):
        change = {"op": "decode", "type": "change"}
        batch = {"op": "decode", "type": "batch"}
        for request in (batch, {**batch, "hex": None}, {**batch, "hex": 1}, {**batch, "hex": "0"},
                        {**batch, "hex": "0x"}, {**batch, "hex": "01 00 00 00"},
                        {**batch, "hex": "\u0661\u0661"}, {**batch, "hex": ["01000000"]},
                        change, {**change, "hex": "00700000"}, {**change, "set": "CLUSTER_CHANGE"},
                        {**change, "set": "CLUSTER_CHANGE_V2", "hex": "00700000"},
                        {**change, "set": None, "hex": "00700000"},
                        {**change, "set": ["CLUSTER_CHANGE"], "hex": "00700000"},
                        {"op": "encode", "type": "batch"}, {"op": "encode", "type": "change"},
                        {"op": "encode", "type": "batch", "value": {
                            "version": 1, "commands": [{"command": 1, "value_type": 1, "data": "",
                                                        "name": "\ud800"}]}}):
            with self.subTest(request):
                error = ask([request])[0]["error"]
                self.assertTrue(error.startswith("value: "), error)

    def test_lines_that_are_wrong(self):
        lines = [b"", b" ", b"{", b"x", b"null", b"[]", b"1", b"\"hello\"", b"\xff\xfe", b"\0",
                 b"{\"op\":\"hello\",\"format\":1}",
                 b"{\"id\":true,\"op\":\"hello\",\"format\":1}",
                 b"{\"id\":[],\"op\":\"hello\",\"format\":1}",
                 b"{\"id\":NaN,\"op\":\"hello\",\"format\":1}",
                 b"[" * 100000, b"{\"id\":" * 100000, b"\"" + b"a" * (1 << 20),
                 b"{\"id\":" + b"9" * 10000 + b"}",
                 json.dumps({"id": 1, "op": "hello", "format": 1}).encode("utf-16")]
        answers = ask_lines(lines + [b"{\"id\":7,\"op\":\"hello\",\"format\":1}"])
        self.assertEqual(answers[-1]["id"], 7)
        for line, answer in zip(lines, answers[:-1]):
            with self.subTest(line[:40]):
                self.assertEqual(sorted(answer), ["error", "id"])
                self.assertIsNone(answer["id"])
                self.assertTrue(answer["error"], answer)

    def test_a_line_of_one_mebibyte(self):
        large = {"version": 1, "commands": [{
            "command": "CLUSREG_SET_VALUE", "value_type": "REG_BINARY", "name": "A",
            "data": "5a" * (1 << 19)}]}
        answer = ask([{"op": "encode", "type": "batch", "value": large}])[0]
        value = ask([{"op": "decode", "type": "batch", "hex": answer["hex"]}])[0]["value"]
        self.assertEqual(numbers(value), numbers(large))

    def test_answers_at_once_and_ends_with_its_input(self):
        with subprocess.Popen(TESTEE, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            watchdog = threading.Timer(SECONDS, process.kill)
            self.addCleanup(watchdog.cancel)
            watchdog.start()
            for number in range(3):
                request = {"id": number, "op": "hello", "format": 1}
                process.stdin.write(json.dumps(request).encode() + b"\n")
                process.stdin.flush()
                self.assertEqual(json.loads(process.stdout.readline())["id"], number)
            process.stdin.close()
            self.assertEqual(process.stdout.read(), b"")
            self.assertEqual(process.wait(SECONDS), 0)


class Form(unittest.TestCase):
    def test_one_short_file(self):
        """Whoever implements the protocol copies and reads this one file, and nothing else."""
        lines = (HERE / "cmrp_testee.py").read_text(encoding="utf-8").split("\n")
        self.assertEqual(lines.pop(), "")
        self.assertLessEqual(len(lines), 150)
        self.assertEqual([line for line in lines if len(line) > 120 or line != line.rstrip()], [])
        self.assertEqual(sorted(path.name for path in HERE.rglob("*.py")),
                         ["cmrp_testee.py", "test_testee.py"])
        with tempfile.TemporaryDirectory() as folder:
            alone = shutil.copy(HERE / "cmrp_testee.py", folder)
            done = subprocess.run([sys.executable, "-IB", alone], timeout=SECONDS, check=True,
                                  input=b'{"id":0,"op":"hello","format":1}', capture_output=True)
        self.assertEqual(json.loads(done.stdout)["id"], 0)


if __name__ == "__main__":
    unittest.main()
