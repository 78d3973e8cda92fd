#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Payloads of version 2 notifications: every vector through decode and encode, their schema, and
payloads inside of stubs."""
import json
import re

import jsonschema
import support
from support import FINDINGS, OK, USAGE, VECTORS

GROUP, STATE = "CLUSTER_OBJECT_TYPE_GROUP", "CLUSTER_CHANGE_GROUP_STATE_V2"
COMMON = "CLUSTER_CHANGE_GROUP_COMMON_PROPERTY_V2"
# The example of [MS-CMRP] 4.1.
ADDRESS = ("01000000" "03000400" "10000000" "41006400640072006500730073000000"
           "03000100" "12000000" "310030002e0031002e0032002e0033000000" "0000" "00000000")


def tests():
    for path in sorted((VECTORS / "payload").glob("*.json")):
        yield from json.loads(path.read_text("utf-8"))["tests"]


class Payload(support.CliTest):
    def of(self, test):
        return "--type", "payload", "--object-type", test["object_type"], "--flag", test["flag"]

    def check_readable(self, validator, test, octets):
        path = self.path("payload", octets)
        value = self.cmrp("decode", *self.of(test), "-T", "json", path).json
        problems = [error.message[:200] for error in validator.iter_errors(value)]
        self.assertEqual(problems, [])
        shown = self.cmrp("decode", *self.of(test), path).out
        self.assertTrue(shown.startswith(test["flag"]), shown)
        words = "properties that changed" if value["kind"] == "property-list" else ": "
        self.assertIn(words, shown)
        # The value says whose it is, so encode needs no more than its type.
        back = self.cmrp("encode", "--type", "payload", self.path("value", json.dumps(value)))
        self.assertEqual(back.raw, octets)

    def check_wrong(self, test, octets):
        path = self.path("payload", octets)
        found = self.cmrp("decode", *self.of(test), "-T", "json", path, code=FINDINGS).json["error"]
        self.assertEqual((found["code"], found["offset"]),
                         (test["error"]["code"], test["error"]["offset"]))
        self.assertRegex(found["section"], r"^MS-CMRP \d")

    def test_vectors(self):
        schema = json.loads((support.ROOT / "docs" / "schema" / "payload.json").read_text("utf-8"))
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        kinds = set()
        for test in tests():
            if "hex" not in test:
                continue
            with self.subTest(test["id"]):
                octets = support.vector_octets(test)
                if test["result"] == "invalid":
                    self.check_wrong(test, octets)
                else:
                    self.check_readable(validator, test, octets)
                    kinds.add(test["value"]["kind"])
        self.assertEqual(kinds, {"opaque", "empty", "state", "dword", "id", "text", "multi-sz",
                                 "property-list", "membership", "shared-volumes"})

    def test_words(self):
        cases = {
            (GROUP, STATE, "01000000"): "new state of the group: ClusterGroupOffline (1)",
            (GROUP, STATE, "09000000"): "9 (0x00000009) not defined",
            (GROUP, COMMON, ADDRESS): '"Address"  SZ  "10.1.2.3"',
            (GROUP, "CLUSTER_CHANGE_GROUP_OWNER_NODE_V2", "32000000"):
                'ID of the new owner node: "2"',
            ("CLUSTER_OBJECT_TYPE_CLUSTER", "CLUSTER_CHANGE_CLUSTER_MEMBERSHIP_V2",
             "01020000000103"): "membership of the cluster: quorum, up: nodes 1, 3",
        }
        for (object_type, flag, octets), words in cases.items():
            with self.subTest(words):
                shown = self.cmrp("decode", "--type", "payload", "--object-type", object_type,
                                  "--flag", flag, "--hex", self.path("hex", octets)).out
                self.assertIn(words, shown)

    def test_usage(self):
        path = self.path("a", "01000000")
        for words, message in (
                (("--type", "payload"), "object_type is missing"),
                (("--type", "payload", "--object-type", GROUP), "flag is missing"),
                (("--type", "payload", "--object-type", "GROUP", "--flag", STATE),
                 'object_type: "GROUP" is none of CLUSTER_OBJECT_TYPE'),
                (("--type", "payload", "--object-type", "CLUSTER_OBJECT_TYPE_NODE", "--flag",
                  STATE), f'flag: "{STATE}" is no event of the object type'),
                (("--flag", STATE), "--flag is for --type payload"),
                (("--type", "payload", "--object-type", GROUP, "--flag", STATE, "--drep", "be"),
                 "--drep is for --type stub")):
            with self.subTest(words):
                self.assertIn(message, self.cmrp("decode", *words, path, code=USAGE).err)

    def test_contradiction(self):
        value = {"object_type": GROUP, "flag": STATE, "kind": "state", "value": 1}
        self.cmrp("encode", "--type", "payload", "--object-type", "CLUSTER_OBJECT_TYPE_NODE",
                  "--flag", "CLUSTER_CHANGE_NODE_STATE_V2", self.path("v", json.dumps(value)),
                  code=FINDINGS)


class InStubs(support.CliTest):
    STUB = ("--type", "stub", "--method", "ApiGetNotifyV2", "--direction", "response")

    def stub(self, flags, buffer, object_type=2):
        notification = {"dwNotifyKey": "1", "NotificationData": {
            "FilterAndType": {"dwObjectType": object_type, "FilterFlags": str(flags)},
            "buffer": buffer, "ObjectId": "g", "ParentId": "n", "Name": "G", "Type": ""}}
        return {"params": {"Notifications": [notification], "return": 0}}

    def encode(self, stub, code=OK):
        return self.cmrp("encode", *self.STUB, self.path("stub.json", json.dumps(stub)), code=code)

    def decode(self, octets):
        value = self.cmrp("decode", *self.STUB, "-T", "json", self.path("stub", octets)).json
        return value["params"]["Notifications"][0]["NotificationData"]

    def test_object_in_place_of_hex(self):
        for flags, payload, octets in (
                (8, {"kind": "state", "value": "ClusterGroupFailed"}, "02000000"),
                (16, {"kind": "id", "text": "2", "nuls": 0}, "3200"),
                (1, {"kind": "empty"}, ""),
                (2, {"kind": "property-list", "properties": [{"name": "Address", "values": [
                    {"syntax": "CLUSPROP_SYNTAX_LIST_VALUE_SZ", "value": "10.1.2.3"}]}]}, ADDRESS)):
            with self.subTest(payload["kind"]):
                stub = self.encode(self.stub(flags, payload)).raw
                self.assertEqual(stub, self.encode(self.stub(flags, octets)).raw)
                data = self.decode(stub)
                self.assertEqual(data["buffer"], octets)
                self.assertEqual(data["dwBufferSize"], len(octets) // 2)
                keys = list(data)
                self.assertEqual(keys.index("buffer_payload"), keys.index("buffer") + 1)
                shown = data["buffer_payload"]
                for member in shown.get("properties", []):
                    del member["offset"]
                self.assertEqual(shown, payload)

    def test_wrong_object(self):
        for flags, payload in ((8, {"kind": "id", "text": "1"}), (8, {"kind": "state"}),
                               (24, {"kind": "state", "value": 1}), (8, [1])):
            with self.subTest(payload):
                failed = self.encode(self.stub(flags, payload), FINDINGS)
                self.assertIn("/params/Notifications/0/NotificationData/buffer", failed.err)

    def test_nothing_is_added(self):
        for what, stub in (("several flags", self.stub(24, "01000000")),
                           ("no flag", self.stub(0, "01000000")),
                           ("an unknown flag", self.stub(1 << 40, "01000000")),
                           ("an unknown type", self.stub(8, "01000000", 77)),
                           ("a type without a table", self.stub(8, "01000000", 13)),
                           ("a client's own event", self.stub(0x200, "01000000")),
                           ("a resource DLL's octets", self.stub(0x20, "01000000", 4)),
                           ("other octets", self.stub(8, "0100")),
                           ("NULL", self.stub(8, None))):
            with self.subTest(what):
                self.assertNotIn("buffer_payload", self.decode(self.encode(stub).raw))

    def test_ignored_on_input(self):
        stub = self.stub(8, "01000000")
        plain = self.encode(stub).raw
        data = stub["params"]["Notifications"][0]["NotificationData"]
        data["buffer_payload"] = {"kind": "state", "value": "ClusterGroupOnline"}
        self.assertEqual(self.encode(stub).raw, plain)

    def test_warnings_go_along(self):
        data = self.decode(self.encode(self.stub(8, "09000000")).raw)
        self.assertEqual([w["code"] for w in data["buffer_payload"]["warnings"]], ["unlisted"])

    def test_in_words(self):
        path = self.path("stub", self.encode(self.stub(2, ADDRESS)).raw)
        shown = self.cmrp("decode", *self.STUB, path).out
        self.assertRegex(shown, r"buffer +60 octets: 01 00")
        self.assertRegex(shown, r'(?m)^ +"Address"  SZ  "10\.1\.2\.3"$')
        broken = self.path("broken", self.encode(self.stub(2, ADDRESS[:-2])).raw)
        shown = self.cmrp("decode", *self.STUB, broken).out
        self.assertIn("CLUSPROP_SYNTAX_ENDMARK is cut short", shown)

    def test_capture(self):
        capture = VECTORS / "captures" / "samba-libdcerpc-ndr64_to_script.pcap"
        # The recorded call before it breaks a rule.
        shown = self.cmrp("replay", "-r", capture, "-V", code=FINDINGS).out
        self.assertRegex(shown, r"ClusterGroupPartialOnline \(3\)")
        lines = self.cmrp("replay", "-r", capture, "-T", "json", code=FINDINGS).out
        self.assertTrue(re.search(r'"buffer_payload":\{"kind":"state"', lines))


if __name__ == "__main__":
    support.main()
