#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""cmrp decode: errors by exact line, warnings, JSON, types, lenient reading."""
import json
import struct

import support
from support import FINDINGS


def command(kind, value_type, name, data, pad=None):
    """One BATCH_UPDATE_COMMAND; name is raw."""
    return (struct.pack("<III", kind, value_type, len(name)) + name
            + struct.pack("<I", len(data)) + data + (pad if pad is not None
                                                     else b"\0" * (len(data) % 2)))


def batch(*commands):
    return struct.pack("<I", 1) + b"".join(commands)


class Errors(support.CliTest):
    def refused(self, octets, message, *options):
        """The one line on standard error, and the JSON object."""
        path = self.path("notify.bin", octets)
        text = self.cmrp("decode", *options, path, code=FINDINGS)
        self.assertEqual(text.err, f"{path}: {message}\n")
        as_json = self.cmrp("decode", "-T", "json", *options, path, code=FINDINGS)
        self.assertEqual(as_json.err, text.err)
        error = as_json.json["error"]
        self.assertEqual(list(as_json.json), ["error"])
        self.assertEqual(list(error), ["code", "offset", "field", "section", "message"])
        self.assertEqual(message, f"offset {error['offset']}: {error['message']} "
                                  f"[{error['section']}]")
        return error

    def test_name_length_of_all_ones(self):
        octets = bytearray(support.notify_test())
        octets[12:16] = b"\xff\xff\xff\xff"
        error = self.refused(octets, "offset 12: NameLength 4294967295 runs past the end "
                                     "(194 bytes left) [MS-CMRP 2.2.3.17.1]")
        self.assertEqual(error["code"], "name-overrun")
        self.assertEqual(error["field"], "NameLength")

    def test_relative_name(self):
        octets = bytearray(support.notify_test())
        octets[12:16] = b"\xff\xff\xff\xff"
        self.path("notify.bin", octets)
        result = self.cmrp("decode", "notify.bin", code=FINDINGS, cwd=self.folder)
        self.assertEqual(result.err, "notify.bin: offset 12: NameLength 4294967295 runs past the "
                                     "end (194 bytes left) [MS-CMRP 2.2.3.17.1]\n")

    def test_data_length_of_all_ones(self):
        octets = bytearray(support.CREATE_KEY)
        octets[20:24] = b"\xff\xff\xff\xff"
        error = self.refused(octets, "offset 20: DataLength 4294967295 runs past the end "
                                     "(0 bytes left) [MS-CMRP 2.2.3.17.1]")
        self.assertEqual(error["code"], "data-overrun")

    def test_every_prefix(self):
        """Each shorter piece of a batch is refused, or is a whole batch of fewer commands."""
        octets = support.notify_test()
        whole = {4 + 38, 4 + 38 + 62}
        for size in list(range(0, 20)) + sorted(whole) + [41, 43, len(octets) - 1]:
            with self.subTest(size):
                path = self.path("cut.bin", octets[:size])
                code = 0 if size in whole else FINDINGS
                self.cmrp("decode", path, code=code)

    def test_three_and_four_octets(self):
        self.refused(b"\x01\0\0", "offset 0: VersionNumber is cut short (3 bytes left) "
                                  "[MS-CMRP 2.2.3.17]")
        error = self.refused(b"\x01\0\0\0", "offset 4: there is no command after the version "
                                            "[MS-CMRP 2.2.3.17.1]")
        self.assertEqual((error["code"], error["field"]), ("empty", "CommandType"))

    def test_what_was_read_before_the_error_is_shown(self):
        octets = support.notify_test()[:-1]
        path = self.path("cut.bin", octets)
        result = self.cmrp("decode", path, code=FINDINGS)
        self.assertIn("CLUSREG_DELETE_VALUE", result.out)
        self.assertIn("NotifyTest", result.out)
        self.assert_one_line(result.err, f"{path}: offset ")

    def test_name_errors(self):
        cases = [(command(2, 0, b"", b""), "name-length", 12),
                 (command(2, 0, b"a\0\0", b""), "name-length", 12),
                 (command(2, 0, b"a\0", b""), "name-terminator", 16),
                 (command(2, 0, b"a\0\0\0b\0\0\0", b""), "name-nul", 16),
                 (command(1, 3, b"\0\0", b"\xff", b""), "padding", 23)]
        for octets, code, offset in cases:
            with self.subTest(code):
                path = self.path("a.bin", batch(octets))
                error = self.cmrp("decode", "-T", "json", path, code=FINDINGS).json["error"]
                self.assertEqual((error["code"], error["offset"]), (code, offset))

    def test_stub(self):
        selectors = ("--type", "stub", "--method", "ApiGetNotify", "--direction", "request")
        error = self.refused(bytes(19), "offset 0: hNotify is cut short (19 bytes left) "
                                        "[MS-CMRP 3.1.4.2.66]", *selectors)
        self.assertEqual(error["code"], "truncated")
        self.refused(bytes(21), "offset 20: Timeout is cut short (1 byte left) "
                                "[MS-CMRP 3.1.4.1.66]", *selectors, "--interface", "2")

    def test_change(self):
        self.assertEqual(self.refused(b"\0\0\0", "offset 0: value is cut short "
                                                 "(3 bytes left) [MS-CMRP 2.2.2.7]",
                                      "--type", "change")["code"], "truncated")
        path = self.path("five.bin", bytes(5))
        error = self.cmrp("decode", "-T", "json", "--type", "change", path,
                          code=FINDINGS).json["error"]
        self.assertEqual((error["code"], error["offset"]), ("trailing", 4))

    def test_pdu(self):
        header = bytes.fromhex("05000b03100000001000000001000000")
        path = self.path("pdu.bin", header[:8] + b"\xff\xff" + header[10:])
        error = self.cmrp("decode", "-T", "json", "--type", "pdu", path,
                          code=FINDINGS).json["error"]
        self.assertEqual((error["code"], error["offset"]), ("frag-length", 8))


class Values(support.CliTest):
    def test_notify_test(self):
        test = support.vector("batch", "batch-notifytest-sent")
        path = self.path("notify.bin", test["octets"])
        value = self.cmrp("decode", "-T", "json", path).json
        self.assertEqual([item["offset"] for item in value["commands"]], [4, 42, 104, 172])
        for item in value["commands"]:
            del item["offset"]
        self.assertEqual(value, test["value"])
        text = self.cmrp("decode", path).out
        for part in ("CLUSREG_DELETE_VALUE", "CLUSREG_SET_VALUE", "REG_SZ", "NotifyTest",
                     "hello world", "hello universe"):
            self.assertIn(part, text)

    def test_verbose_shows_offsets_and_raw_fields(self):
        path = self.path("notify.bin", support.notify_test())
        plain, verbose = self.cmrp("decode", path).out, self.cmrp("decode", "-V", path).out
        self.assertGreater(len(verbose), len(plain))
        for part in ("42", "104", "172", "DataLength"):
            self.assertIn(part, verbose)
        self.assertEqual(self.cmrp("decode", "--verbose", path).out, verbose)

    def test_json_is_one_line_and_in_order(self):
        path = self.path("notify.bin", support.notify_test())
        out = self.cmrp("decode", "-T", "json", path).out
        self.assertEqual(out.count("\n"), 1)
        self.assertTrue(out.startswith('{"version":1,"commands":[{"command":"CLUSREG_DELETE_VALUE",'
                                       '"value_type":0,"name":"NotifyTest","data":"","offset":4}'),
                        out[:200])

    def test_change(self):
        path = self.path("filter.bin", bytes.fromhex("00700000"))
        value = self.cmrp("decode", "--type", "change", "-T", "json", path).json
        self.assertEqual(value, {"set": "CLUSTER_CHANGE", "value": 28672, "unknown": 0,
                                 "names": ["CLUSTER_CHANGE_GROUP_STATE",
                                           "CLUSTER_CHANGE_GROUP_DELETED",
                                           "CLUSTER_CHANGE_GROUP_ADDED"]})
        text = self.cmrp("decode", "--type", "change", path).out
        self.assertIn("CLUSTER_CHANGE_GROUP_STATE", text)
        path = self.path("flags.bin", b"\xff" * 8)
        value = self.cmrp("decode", "--type", "change", "--set", "CLUSTER_CHANGE_NODE_V2",
                          "-T", "json", path).json
        self.assertEqual(value["value"], "18446744073709551615")

    def test_stub(self):
        handle = bytes.fromhex(support.HANDLE)
        path = self.path("stub.bin", handle * 2 + struct.pack("<II", 0x7000, 1))
        for method in ("ApiAddNotifyGroup", "59"):
            value = self.cmrp("decode", "--type", "stub", "--method", method, "--direction",
                              "request", "-T", "json", path).json
            self.assertEqual(list(value), ["method", "opnum", "interface", "direction", "syntax",
                                           "params"])
            self.assertEqual(value["params"]["hGroup"], support.HANDLE)
            self.assertEqual(value["params"]["dwFilter"], 28672)
        text = self.cmrp("decode", "--type", "stub", "--method", "59", "--direction", "request",
                         path).out
        self.assertIn("CLUSTER_CHANGE_GROUP_STATE", text)

    def test_stub_forms(self):
        for name, options in (("stub-getnotifyv2-resp-two-ndr", []),
                              ("stub-getnotifyv2-resp-two-ndr64", ["--syntax", "ndr64"]),
                              ("stub-getnotifyv2-resp-two-ndr-be", ["--drep", "be"])):
            with self.subTest(name):
                test = support.vector("stub", name)
                path = self.path("stub.bin", test["octets"])
                words = ["decode", "--type", "stub", "--method", "ApiGetNotifyV2", "--direction",
                         "response", *options, path]
                value = self.cmrp(*words, "-T", "json").json
                notification = value["params"]["Notifications"][0]
                expected = test["value"]["params"]["Notifications"][0]
                self.assertEqual(notification["NotificationData"]["Name"],
                                 expected["NotificationData"]["Name"])
                self.assertIn(expected["NotificationData"]["Name"], self.cmrp(*words).out)

    def test_tower(self):
        vector = support.vector("tower", "tower-clusapi-3-tcp")
        path = self.path("tower.bin", vector["octets"])
        lines = self.cmrp("decode", "--type", "tower", path).out.splitlines()
        self.assertEqual([" ".join(line.split()) for line in lines],
                         ["uuid clusapi 3.0", "uuid NDR 2.0", "ncacn minor version 0",
                          "tcp port 49664", "ip 192.0.2.10"])
        value = self.cmrp("decode", "--type", "tower", "-T", "json", path).json
        self.assertEqual(value["floors"][3], {"protocol": "tcp", "port": 49664})
        path = self.path("cut.bin", vector["octets"][:30])
        cut = self.cmrp("decode", "--type", "tower", path, code=FINDINGS)
        self.assertIn("clusapi 3.0", cut.out)
        self.assertEqual(cut.err, f"{path}: offset 27: floors[1].lhs_length counts 19, more "
                                  "than what follows (1 byte left) [C706 appendix L]\n")

    def test_ept_map(self):
        vector = support.vector("tower", "tower-response-3-ndr64")
        path = self.path("map.bin", vector["octets"])
        options = ("--type", "tower", "--direction", "response", "--syntax", "ndr64")
        value = self.cmrp("decode", "-T", "json", *options, path).json
        self.assertEqual(list(value), ["direction", "syntax", "entry_handle", "num_towers",
                                       "max_towers", "ITowers", "status"])
        out = self.cmrp("decode", *options, path).out
        self.assertIn("port 49664", out)
        self.assertIn("num_towers", out)
        again = self.path("map.json", json.dumps(value).encode())
        self.assertEqual(self.cmrp("encode", "--hex", "--type", "tower", again).out.strip(),
                         vector["octets"].hex())
        stray = self.cmrp("decode", "--type", "tower", "--drep", "be", path, code=support.USAGE)
        self.assertIn("direction is missing", stray.err)

    def test_pdu(self):
        octets = support.vector("pdu", "pdu-recorded-impacket-request-sealed")["octets"]
        path = self.path("pdu.bin", octets)
        value = self.cmrp("decode", "--type", "pdu", "-T", "json", path).json
        self.assertEqual((value["ptype"], value["opnum"], value["auth"]["level"]),
                         ("request", 115, 6))
        self.assertIn("request", self.cmrp("decode", "--type", "pdu", path).out)


class Warnings(support.CliTest):
    def warned(self, octets, *expected):
        path = self.path("a.bin", octets)
        result = self.cmrp("decode", "-T", "json", path)
        warnings = result.json.get("warnings", [])
        self.assertEqual([(item["code"], item["offset"], item["field"]) for item in warnings],
                         list(expected))
        for item in warnings:
            self.assertEqual(list(item), ["code", "offset", "field", "section", "message"])
        self.cmrp("decode", path)
        return result.json

    def test_kinds(self):
        self.warned(batch(command(5, 0, b"a\0\0\0", b"")), ("reserved-command", 4, "CommandType"))
        self.warned(batch(command(1, 99, b"a\0\0\0", b"")), ("value-type", 8, "ValueType"))
        self.warned(batch(command(2, 1, b"a\0\0\0", b"")), ("value-type", 8, "ValueType"))
        self.warned(batch(command(3, 0, b"a\0\0\0", b"ab")), ("data-unused", 20, "DataLength"))
        self.warned(batch(command(2, 0, b"\0\xd8\0\0", b"")), ("surrogate", 16, "Name"))
        self.warned(batch(command(1, 3, b"a\0\0\0", b"a", b"\x07")), ("padding", 25, "Padding"))
        self.warned(batch(command(6, 99, b"a\0\0\0", b"")))  # any type there was

    def test_reserved_values_are_numbers(self):
        value = self.warned(batch(command(4096, 77, b"a\0\0\0", b"")),
                            ("reserved-command", 4, "CommandType"))
        self.assertEqual(value["commands"][0]["command"], 4096)
        self.assertEqual(value["commands"][0]["value_type"], 77)

    def test_stub_trailing(self):
        path = self.path("stub.bin", bytes(24))
        value = self.cmrp("decode", "--type", "stub", "--method", "65", "--direction", "request",
                          "-T", "json", path).json
        self.assertEqual([(item["code"], item["offset"]) for item in value["warnings"]],
                         [("trailing", 20)])
        text = self.cmrp("decode", "--type", "stub", "--method", "65", "--direction", "request",
                         path)
        self.assertIn("20", text.out + text.err)


class Lenient(support.CliTest):
    def test_what_only_lenient_reading_accepts(self):
        cases = [(batch(command(2, 0, b"", b"")), "name-length"),
                 (batch(command(2, 0, b"a\0", b"")), "name-terminator"),
                 (batch(command(2, 0, b"a\0\0\0b\0\0\0", b"")), "name-nul"),
                 (batch(command(1, 3, b"\0\0", b"\xff", b"")), "padding"),
                 (batch(), "empty"),
                 (batch(command(2, 0, b"a\0\0\0", b"")) + b"\x01\x02", "trailing")]
        for octets, code in cases:
            with self.subTest(code):
                path = self.path("a.bin", octets)
                self.cmrp("decode", path, code=FINDINGS)
                value = self.cmrp("decode", "--lenient", "-T", "json", path).json
                self.assertEqual([item["code"] for item in value["warnings"]], [code])
                self.cmrp("decode", "--lenient", path)
                back = self.path("a.json", json.dumps(value))
                self.assertEqual(self.cmrp("encode", "--lenient", back).raw, octets)

    def test_what_is_refused_all_the_same(self):
        for octets in (b"\x02\0\0\0", b"\x01\0\0", batch(command(2, 0, b"a\0\0", b"")),
                       batch(command(2, 0, b"a\0\0\0", b"")) + b"\xff" * 18):
            with self.subTest(octets.hex()):
                self.cmrp("decode", "--lenient", self.path("a.bin", octets), code=FINDINGS)


class HostileNames(support.CliTest):
    """Text output never holds what a terminal obeys or a reader cannot see."""
    NAMES = ["\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x9b31m", "a\u202egnp.exe", "\u2066x\u2069",
             "line\nbreak\r", "tab\t", "\x7f\x08\x08", "\u200b\ufeff", "\u2028", "\U000e0041"]
    HOSTILE = ([chr(c) for c in range(32) if c != 10] + [chr(c) for c in range(0x7f, 0xa0)]
               + list("\u061c\u200b\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e"
                      "\u2066\u2067\u2068\u2069\ufeff\U000e0041"))

    def assert_harmless(self, text):
        for hostile in self.HOSTILE:
            self.assertNotIn(hostile, text)

    def test_batch_names_and_data(self):
        for name in self.NAMES:
            raw = name.encode("utf-16-le") + b"\0\0"
            path = self.path("a.bin", batch(command(1, 1, raw, raw),
                                            command(1, 7, raw, raw + b"\0\0"),
                                            command(1, 3, raw, name.encode("utf-8"))))
            for options in ([], ["-V"]):
                with self.subTest(repr(name), options=options):
                    result = self.cmrp("decode", *options, path)
                    self.assert_harmless(result.out)
                    self.assertEqual(result.err, "")

    def test_stub_strings(self):
        for name in self.NAMES:
            text = name.encode("utf-16-le") + b"\0\0"
            units = len(text) // 2
            octets = (struct.pack("<III", 1, 2, 3) + struct.pack("<IIII", 0x20000, units, 0, units)
                      + text + b"\0" * (-len(text) % 4) + struct.pack("<II", 0, 0))
            path = self.path("stub.bin", octets)
            for options in ([], ["-V"]):
                with self.subTest(repr(name), options=options):
                    result = self.cmrp("decode", "--type", "stub", "--method", "ApiGetNotify",
                                       "--direction", "response", *options, path)
                    self.assert_harmless(result.out + result.err)

    def test_secondary_address_of_a_pdu(self):
        address = b"\x1b[31m\0"
        body = struct.pack("<HHI", 5840, 5840, 1) + struct.pack("<H", len(address)) + address
        body += b"\0" * (-(16 + len(body)) % 4) + bytes(4)
        header = bytes.fromhex("05000c0310000000") + struct.pack("<HHI", 16 + len(body), 0, 1)
        result = self.cmrp("decode", "--type", "pdu", self.path("pdu.bin", header + body))
        self.assert_harmless(result.out + result.err)

    def test_json_escapes_controls(self):
        raw = "\x1b[31m".encode("utf-16-le") + b"\0\0"
        out = self.cmrp("decode", "-T", "json", self.path("a.bin", batch(
            command(2, 0, raw, b"")))).out
        self.assertNotIn("\x1b", out)
        self.assertEqual(json.loads(out)["commands"][0]["name"], "\x1b[31m")

    def test_errors_of_json_input(self):
        for text in ('{"version":1,"\x1b[31m":1}', '{"\\u001b[31m":1,"version":1,"commands":[]}',
                     '{"\u202e":1,"version":1,"commands":[]}',
                     '{"version":1,"commands":[{"command":"\\u001b[31m"}]}', "\x1b[31m"):
            with self.subTest(repr(text)):
                path = self.path("a.json", text)
                code = FINDINGS if text.startswith('{"') and "\x1b" not in text else support.USAGE
                self.assert_harmless(self.cmrp("encode", path, code=code).err)
        for value, code in (({"method": "\x1b[31m", "direction": "request"}, support.USAGE),
                            ({"opnum": 59, "direction": "request", "params": {"\x1b[31m": 1}},
                             FINDINGS)):
            with self.subTest(value):
                path = self.path("a.json", json.dumps(value))
                self.assert_harmless(self.cmrp("encode", "--type", "stub", path, code=code).err)


if __name__ == "__main__":
    support.main()
