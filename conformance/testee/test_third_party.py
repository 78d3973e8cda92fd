#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of what the testees of third parties share; no third party is called."""
import json
import random
import sys
import unittest

import interop
import third_party
from third_party import Unsupported, interface
from xfail_globs import cover, matcher


class Globs(unittest.TestCase):
    def test_covers_all_and_nothing_else(self):
        names = sorted(interop.vectors())
        generator = random.Random(1)
        for size in (1, 5, 40, 200):
            chosen = generator.sample(names, size)
            own = [f"{name}/decode" for name in chosen]
            others = [f"{name}/decode" for name in names if name not in set(chosen)][:2000]
            matches = [matcher(pattern) for pattern in cover(own, others)]
            for name in own:
                self.assertTrue(any(match(name) for match in matches), name)
            for name in others:
                self.assertFalse(any(match(name) for match in matches), name)

    def test_patterns_are_short_where_they_may_be(self):
        self.assertEqual(["stub-a-*/decode"],
                         cover(["stub-a-1-x/decode", "stub-a-2-y/decode"], ["stub-b-1-x/decode"]))

    def test_matcher_is_fnmatch(self):
        import fnmatch
        for pattern in ("a-*/decode", "a-*-b-*/x", "a-b/x", "a-*-a/*"):
            for name in ("a-b/decode", "a-b/x", "a-c-b-d/x", "a-a/x", "a-b-a/y", "a-b-c-b-/x"):
                self.assertEqual(fnmatch.fnmatchcase(name, pattern), matcher(pattern)(name))


class Params(unittest.TestCase):
    def test_batches_and_back(self):
        seen = 0
        for test in interop.vectors().values():
            if test["type"] == "batch" and test["result"] == "valid" and "hex" in test \
                    and not isinstance(test["hex"], dict):
                octets = bytes.fromhex(interop.expanded(test["hex"]))
                value = third_party.batch_value(octets)
                self.assertEqual(octets.hex(), third_party.batch_octets(value), test["id"])
                seen += 1
        self.assertGreater(seen, 50)

    def test_no_batch(self):
        for digits in ("", "02000000", "01000000", "0100000001000000000000000200000041000000"):
            self.assertIsNone(third_party.batch_value(bytes.fromhex(digits)))

    def test_params_and_back(self):
        seen = 0
        for test in interop.vectors().values():
            if test["type"] != "stub" or test["result"] != "valid" or \
                    "AlternativeForm" in test.get("flags", []):
                continue
            request = interop.request_of(test["id"] + "/encode", {test["id"]: test}, 1)
            if "repeat" in json.dumps(test["value"]):
                continue
            method, direction, version, wide, _ = third_party.method_of(request)
            plain = third_party.plain_params(method, direction, version, wide, test["value"])
            value = third_party.json_params(method, direction, version, plain)
            self.assertEqual(normal(test["value"]), normal(value), test["id"])
            seen += 1
        self.assertGreater(seen, 500)

    def refused(self, **params):
        with self.assertRaises(Unsupported):
            third_party.plain_params(interface.BY_NAME["ApiExecuteBatch"], "request", 3, False,
                                     {"params": params})

    def test_what_no_program_can_be_told(self):
        whole = {"hKey": "00" * 20, "cbData": 2, "lpData": "0102"}
        third_party.plain_params(interface.BY_NAME["ApiExecuteBatch"], "request", 3, False,
                                 {"params": whole})
        self.refused(**{**whole, "cbData": 3})
        self.refused(**{**whole, "hKey": "00" * 19})
        self.refused(**{**whole, "lpData": None})
        self.refused(**{**whole, "more": 1})
        self.refused(hKey="00" * 20)


def normal(value):
    """Without what only decoding adds; batches as octets."""
    if isinstance(value, dict) and "commands" in value:
        return third_party.batch_octets(value)
    if isinstance(value, dict):
        return {key: normal(item) for key, item in value.items()
                if not key.endswith("_names") and key != "buffer_payload"}
    return [normal(item) for item in value] if isinstance(value, list) else value


class Sorting(unittest.TestCase):
    PROGRAM = {"name": "x", "deviations": [
        {"id": "one", "cases": ["stub-a-*"], "got": "^3 octets"},
        {"id": "two", "cases": ["stub-*"], "codes": ["overrun"], "operations": ["decode"]}]}
    TESTS = {"stub-a-1": {}, "stub-b": {"error": {"code": "overrun"}}}

    def sorted(self, *cases):
        found, rest = interop.sort(self.PROGRAM, [
            {"id": name, "verdict": verdict, "got": got} for name, verdict, got in cases],
            self.TESTS)
        return {name: len(own) for name, own in found.items()}, [case["id"] for case in rest]

    def test_first_that_matches(self):
        self.assertEqual(({"one": 1, "two": 1}, []), self.sorted(
            ("stub-a-1/decode", "FAIL", "3 octets left"), ("stub-b/decode", "CRASH", "")))

    def test_rest(self):
        self.assertEqual(({"one": 0, "two": 0}, ["stub-a-1/decode", "stub-b/encode"]), self.sorted(
            ("stub-a-1/decode", "FAIL", "4 octets"), ("stub-b/encode", "FAIL", ""),
            ("stub-b/decode", "PASS", "")))

    def test_prose(self):
        for program in interop.load()["programs"]:
            names = [deviation["id"] for deviation in program["deviations"]]
            self.assertEqual(len(names), len(set(names)))
            for deviation in program["deviations"]:
                self.assertLessEqual({"id", "title", "says", "effect", "section"}, set(deviation))
                self.assertEqual("reproduce" in deviation, "shows" in deviation, deviation["id"])


if __name__ == "__main__":
    sys.argv = sys.argv[:1]
    unittest.main()
