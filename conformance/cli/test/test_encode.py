#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""cmrp encode: refusals with code and place, and the way back from what decode prints."""
import json

import support
from support import FINDINGS, USAGE


class NotJson(support.CliTest):
    def test_text_that_is_no_json(self):
        cases = {
            b"": "line 1 column 0",
            b"{": "line 1 column 1",
            b"nonsense": "line 1 column ",
            b'{"version":1,"version":1,"commands":[]}': "duplicate object key",
            b'{"version":1,\n "commands":[{"command":1,"command":2}]}': "line 2 column ",
            b'{"version":1} trailing': "end of file expected",
            b'{"a":"\xff"}': "line 1 column ",
            b'{"a":"\xed\xa0\x80"}': "line 1 column ",
            b'{"a":"\\ud800"}': "line 1 column ",
            b'{"a":\x00}': "line 1 column ",
            b"[" * 100000: "line 1 column ",
            b"\xff\xfe{\x00}\x00": "line 1 column ",
        }
        for text, message in cases.items():
            with self.subTest(text[:40]):
                path = self.path("a.json", text)
                result = self.cmrp("encode", path, code=USAGE)
                self.assertEqual(result.raw, b"")
                self.assert_one_line(result.err, f"{path}: line ", message)

    def test_the_octets_themselves(self):
        """Whoever confuses encode with decode is told so by place and line, not by silence."""
        self.cmrp("encode", self.path("a.bin", support.CREATE_KEY), code=USAGE)


class Refusals(support.CliTest):
    def refused(self, value, pointer, message, *options):
        path = self.path("a.json", value if isinstance(value, str) else json.dumps(value))
        target = self.folder / "out.bin"
        for words in (["encode", *options, path], ["encode", *options, "-o", target, path]):
            result = self.cmrp(*words, code=FINDINGS)
            self.assertEqual(result.raw, b"")
            self.assert_one_line(result.err, f"{path}: at {pointer}: ", message)
        self.assertFalse(target.exists())

    def command(self, **changes):
        command = {"command": "CLUSREG_CREATE_KEY", "value_type": 0, "name": "a", "data": ""}
        command.update(changes)
        return {"version": 1, "commands": [
            {"command": 2, "value_type": 0, "name": "first", "data": ""},
            {key: item for key, item in command.items() if item is not ...}]}

    def test_batches(self):
        cases = [
            ([], "/", "an object is expected"),
            ({"version": 2, "commands": []}, "/", "VersionNumber is 2, not 1"),
            ({"version": "1", "commands": []}, "/version", "an integer is expected"),
            ({"version": 1}, "/commands", "an array is expected"),
            ({"version": 1, "commands": []}, "/", "no command"),
            ({"version": 1, "commands": [], "extra": 0}, "/", 'unknown key "extra"'),
            ({"version": 1, "commands": [self.command()["commands"][0]], "trailing": "0000"}, "/",
             " 2 bytes after the last command"),
            (self.command(command="CLUSREG_NOTHING"), "/commands/1/command", "unknown name"),
            (self.command(command="CLUSREG_CREATE_KEY\0"), "/commands/1/command", "unknown name"),
            (self.command(value_type="REG_SZ\0x"), "/commands/1/value_type", "unknown name"),
            (self.command(command=2 ** 32), "/commands/1/command", "larger than 4294967295"),
            (self.command(command=-1), "/commands/1/command", "-1 is negative"),
            (self.command(value_type="REG_LINK"), "/commands/1/value_type", "unknown name"),
            (self.command(name=...), "/commands/1", "neither name nor name_hex"),
            (self.command(name_hex="61000000"), "/commands/1", "both name and name_hex"),
            (self.command(data=...), "/commands/1", 'key "data" is missing'),
            (self.command(data="0"), "/commands/1/data", "not hex at character 1"),
            (self.command(data="0x00"), "/commands/1/data", "not hex at character 1"),
            (self.command(colour="red"), "/commands/1", 'unknown key "colour"'),
            (self.command(name="a\0b"), "/commands/1", "NUL"),
            (self.command(name=..., name_hex="6100"), "/commands/1", "NUL"),
            (self.command(name=..., name_hex="610000"), "/commands/1", "NameLength"),
            (self.command(padding="00"), "/commands/1", "Padding"),
        ]
        for value, pointer, message in cases:
            with self.subTest(message, pointer=pointer):
                self.refused(value, pointer, message)

    def test_changes(self):
        change = ("--type", "change")
        self.refused({"value": 1, "names": []}, "/", "disagree", *change)
        self.refused({"names": ["NODE_STATE"]}, "/names/0", "not a name of CLUSTER_CHANGE", *change)
        self.refused({"value": "1"}, "/value", "an integer", *change)
        self.refused({"value": 1}, "/value", "decimal string", *change, "--set",
                     "CLUSTER_CHANGE_NODE_V2")
        self.refused({"set": "CLUSTER_CHANGE", "value": 1}, "/", "another set", *change, "--set",
                     "CLUSTER_OBJECT_TYPE")

    def test_stubs(self):
        get = ("--type", "stub", "--method", "ApiGetBatchNotification", "--direction", "response")
        self.refused({"params": {"cbData": 2, "lpData": "00", "return": 0}}, "/", "cbData", *get)
        self.refused({"params": {"lpData": "00"}}, "/params/return", "missing", *get)
        self.refused({"params": {"lpData": "00", "return": 0, "more": 1}}, "/params",
                     'unknown parameter "more"', *get)
        self.refused({"params": {"lpData": {"version": 1, "commands": [{}]}, "return": 0}},
                     "/params/lpData/commands/0", "", *get)
        self.refused({"params": {"hKey": "00", "lpData": ""}}, "/params/hKey", "20 octets",
                     "--type", "stub", "--method", "113", "--direction", "request")
        self.refused({"method": "ApiGetNotify", "params": {}}, "/", "method contradicts",
                     "--type", "stub", "--method", "113", "--direction", "request")

    def test_pdus(self):
        pdu = ("--type", "pdu")
        self.refused({"ptype": "ping"}, "/", "unknown ptype", *pdu)
        self.refused({"ptype": "request", "flags": 3}, "/", '"drep" is missing', *pdu)

    def test_section_of_the_specification(self):
        path = self.path("a.json", json.dumps(self.command(name="a\0b")))
        result = self.cmrp("encode", path, code=FINDINGS)
        self.assertTrue(result.err.endswith(" [MS-CMRP 2.2.3.17.1]\n"), result.err)


class ThereAndBack(support.CliTest):
    def identical(self, octets, *options):
        """decode | encode gives the same octets, through files and through pipes."""
        path = self.path("in.bin", octets)
        text = self.cmrp("decode", "-T", "json", *options, path).out
        value = self.path("value.json", text)
        target = self.folder / "out.bin"
        self.cmrp("encode", *options, "-o", target, value)
        self.assertEqual(target.read_bytes(), octets)
        self.assertEqual(self.cmrp("encode", *options, "-", stdin=text).raw, octets)
        self.assertEqual(self.cmrp("encode", *options, "--hex", value).out, octets.hex() + "\n")

    def test_batch_vectors(self):
        for path in sorted((support.VECTORS / "batch").glob("*.json")):
            test = next((test for test in json.loads(path.read_text("utf-8"))["tests"]
                         if test["result"] != "invalid" and "hex" in test), None)
            if test:
                with self.subTest(test["id"]):
                    self.identical(support.vector("batch", test["id"])["octets"])

    def test_changes(self):
        self.identical(b"\x00\x70\0\0", "--type", "change")
        self.identical(b"\xff" * 8, "--type", "change", "--set", "CLUSTER_CHANGE_GROUP_V2")
        # a value names its set itself
        text = self.cmrp("decode", "--type", "change", "--set", "CLUSTER_OBJECT_TYPE", "-T",
                         "json", "-", stdin=b"\3\0\0\0").out
        self.assertEqual(self.cmrp("encode", "--type", "change", "-", stdin=text).raw, b"\3\0\0\0")

    def test_stubs(self):
        for name, method, direction, options in (
                ("stub-getnotifyv2-resp-three-ndr", "139", "response", []),
                ("stub-getnotifyv2-resp-three-ndr64", "139", "response", ["--syntax", "ndr64"]),
                ("stub-getnotifyv2-resp-two-ndr-be", "139", "response", ["--drep", "be"]),
                ("stub-executebatch-req-notifytest-ndr", "ApiExecuteBatch", "request", [])):
            with self.subTest(name):
                octets = support.vector("stub", name)["octets"]
                selectors = ["--type", "stub", "--method", method, "--direction", direction]
                self.identical(octets, *selectors, *options)
                text = self.cmrp("decode", "-T", "json", *selectors, *options, "-",
                                 stdin=octets).out
                self.assertEqual(self.cmrp("encode", "--type", "stub", "-", stdin=text).raw, octets,
                                 "the value's own selectors")

    def test_pdus(self):
        for name in ("pdu-recorded-impacket-request-sealed", "pdu-bind-two-syntaxes-in-one"):
            self.identical(support.vector("pdu", name)["octets"], "--type", "pdu")

    def test_names_of_commands_and_numbers_are_equal_forms(self):
        named = ('{"version":1,"commands":[{"command":"CLUSREG_SET_VALUE",'
                 '"value_type":"REG_DWORD","name":"a","data":"01000000"}]}')
        numbers = ('{"commands":[{"data":"01000000","name_hex":"61000000","value_type":4,'
                   '"command":1,"offset":4}],"version":1,"warnings":[]}')
        self.assertEqual(self.cmrp("encode", "-", stdin=named).raw,
                         self.cmrp("encode", "-", stdin=numbers).raw)


if __name__ == "__main__":
    support.main()
