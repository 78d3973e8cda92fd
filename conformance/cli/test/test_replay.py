#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""cmrp replay: captures with and without the protocol, damaged ones, --require, sealed calls."""
import gzip
import struct
import sys

import support
from support import FINDINGS, INCOMPLETE, OK, USAGE

sys.path.insert(0, str(support.ROOT / "conformance" / "test"))
from traffic import BIG, LITTLE, Traffic  # noqa: E402

GET_BATCH, GET_NOTIFY, ADD_NOTIFY_V2 = 115, 65, 138
HANDLE = bytes.fromhex(support.HANDLE)
NO_BATCH = struct.pack("<III", 0, 0, 259)  # ApiGetBatchNotification: nothing, ERROR_NO_MORE_ITEMS


def notify_answer(name):
    """A response of ApiGetNotify."""
    text = name.encode("utf-16-le") + b"\0\0"
    units = len(text) // 2
    return (struct.pack("<IIIIIII", 1, 0x1000, 8, 0x20000, units, 0, units) + text
            + b"\0" * (-len(text) % 4) + struct.pack("<II", 0, 0))


class ReplayTest(support.CliTest):
    def capture(self, traffic, name="a.pcap"):
        return self.path(name, traffic.pcap())

    def calls(self, path, *words, code=OK):
        result = self.cmrp("replay", "-r", path, "-T", "json", *words, code=code)
        return [line for line in result.lines if line["kind"] == "call"]

    @staticmethod
    def one_call():
        traffic = Traffic()
        traffic.connection().bound().call(2, GET_BATCH, HANDLE, NO_BATCH)
        return traffic


class OtherTraffic(ReplayTest):
    def silent(self, path):
        """Exit 0, and a sentence that says that there was nothing."""
        result = self.cmrp("replay", "-r", path)
        self.assertIn("no calls of this protocol", result.out)
        self.assertEqual(result.err, "")
        result = self.cmrp("replay", "-r", path, "-T", "json")
        self.assertEqual(result.out, "")
        self.assert_one_line(result.err, "no calls of this protocol")
        self.cmrp("replay", "-r", path, "--require", "1", code=FINDINGS)
        self.cmrp("replay", "-r", path, "--require", "0")

    def test_web(self):
        traffic = Traffic()
        connection = traffic.connection(server_port=80)
        connection.client(b"GET / HTTP/1.1\r\nHost: example\r\n\r\n")
        connection.server(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000, size=1000)
        connection.close()
        self.silent(self.capture(traffic))

    def test_random_octets(self):
        traffic = Traffic()
        connection = traffic.connection()
        connection.client(bytes(index * index * 7 % 251 for index in range(70000)), size=1400)
        self.silent(self.capture(traffic))

    def test_another_interface(self):
        traffic = Traffic()
        mapper = ("e1af8308-5d1f-11c9-91a4-08002b14a0fa", 3, 0)
        connection = traffic.connection().bound(interface=mapper)
        connection.call(2, 3, bytes(20), bytes(8))
        self.silent(self.capture(traffic))

    def test_no_packets(self):
        self.silent(self.path("a.pcap", Traffic().pcap()))

    def test_empty_connections(self):
        traffic = Traffic()
        traffic.connection().close()
        traffic.connection()
        self.silent(self.capture(traffic))


class UnreadableCaptures(ReplayTest):
    def test_no_capture(self):
        contents = {"empty": b"", "text": b"this is a text file\n" * 100, "zeros": bytes(1000),
                    "one octet": b"\xd4", "pdu": LITTLE.request(1, 2, b""),
                    "gzip of text": gzip.compress(b"text " * 100)}
        for name, content in contents.items():
            for form in ("text", "json", "none"):
                with self.subTest(name, form=form):
                    path = self.path("a.pcap", content)
                    result = self.cmrp("replay", "-r", path, "-T", form, code=USAGE)
                    self.assertEqual(result.out, "")
                    self.assert_one_line(result.err, f"{path}: ")

    def test_unknown_link_type(self):
        content = bytearray(self.one_call().pcap())
        content[20:24] = struct.pack("<I", 147)
        path = self.path("a.pcap", content)
        self.assert_one_line(self.cmrp("replay", "-r", path, code=USAGE).err, str(path))

    def test_cut_off(self):
        """Exit 4, after everything that the capture holds."""
        traffic = self.one_call()
        traffic.packets.append(traffic.packets[-1])
        content = traffic.pcap()
        last = len(traffic.packets[-1]) + 16
        for cut in (1, 20, last - 17, last - 1):
            with self.subTest(cut):
                path = self.path("a.pcap", content[:-cut])
                self.assertEqual(len(self.calls(path, code=INCOMPLETE)), 1)
                result = self.cmrp("replay", "-r", path, code=INCOMPLETE)
                self.assertIn("ApiGetBatchNotification", result.out)
                self.assert_one_line(result.err, f"{path}: offset ")

    def test_findings_win_over_a_cut(self):
        traffic = Traffic()
        traffic.connection().bound().call(2, GET_BATCH, HANDLE[:-1], NO_BATCH)
        traffic.packets.append(traffic.packets[-1])
        path = self.path("a.pcap", traffic.pcap()[:-1])
        self.assertEqual(len(self.calls(path, code=FINDINGS)), 1)


class Calls(ReplayTest):
    def test_expected_of_the_recorded_captures(self):
        captures = sorted((support.VECTORS / "captures").glob("*.pcap"))
        self.assertGreater(len(captures), 0)
        for path in captures:
            with self.subTest(path.name):
                expected = path.with_name(path.stem + ".expected.jsonl").read_text("utf-8")
                done = self.cmrp("replay", "-r", path, "-T", "json",
                                 code=FINDINGS if '"level":"must"' in expected else OK)
                self.assertEqual(done.out, expected)

    def test_require(self):
        path = self.capture(self.one_call())
        for number, code in ((0, OK), (1, OK), (2, FINDINGS), (2 ** 40, FINDINGS)):
            with self.subTest(number):
                result = self.cmrp("replay", "-r", path, "--require", number, code=code)
                if code == FINDINGS:
                    self.assertIn(f"1 calls were found, {number} are required", result.err)

    def test_require_counts_after_method(self):
        path = self.capture(self.one_call())
        self.cmrp("replay", "-r", path, "--method", "ApiGetBatchNotification", "--require", "1")
        self.cmrp("replay", "-r", path, "--method", "115", "--require", "1")
        self.cmrp("replay", "-r", path, "--method", "ApiGetNotify", "--require", "1",
                  code=FINDINGS)

    def test_states(self):
        traffic = Traffic()
        connection = traffic.connection().bound()
        connection.call(2, GET_BATCH, HANDLE, NO_BATCH)
        connection.client(LITTLE.request(3, GET_BATCH, HANDLE))
        connection.server(LITTLE.fault(3, 0x1c010003))
        connection.call(4, 9999, b"abc", b"def")
        connection.client(LITTLE.request(5, GET_NOTIFY, HANDLE))
        calls = self.calls(self.capture(traffic))
        self.assertEqual([(call["call_id"], call["state"]) for call in calls],
                         [(2, "complete"), (3, "fault"), (4, "undecoded"), (5, "unanswered")])
        self.assertEqual(calls[1]["fault"], 0x1c010003)
        self.assertNotIn("response", calls[3])

    def test_sealed(self):
        path = support.VECTORS / "captures" / "impacket-ntlm-privacy_to_script.pcap"
        calls = self.calls(path)
        self.assertEqual([(call["opnum"], call["state"]) for call in calls],
                         [(GET_BATCH, "sealed")] * 2)
        for call in calls:
            self.assertFalse(call.keys() & {"request", "response"})
        text = self.cmrp("replay", "-r", path).out
        self.assertIn("sealed", text)
        self.assertIn("privacy", text)

    def test_finding(self):
        """A request of one octet too few, as one implementation sends it."""
        path = support.VECTORS / "captures" / "samba-libdcerpc_to_go-msrpc.pcap"
        findings = [finding for call in self.calls(path, code=FINDINGS)
                    for finding in call["findings"]]
        self.assertEqual([(item["level"], item["offset"]) for item in findings], [("must", 64)])
        text = self.cmrp("replay", "-r", path, code=FINDINGS).out
        self.assertRegex(text, r"(?m)^ +! .*offset 64: isTargetedAtObject is cut short "
                               r"\(1 byte left\) \[MS-CMRP 3\.1\.4\.2\.137\]$")

    def test_forms(self):
        path = self.capture(self.one_call())
        text = self.cmrp("replay", "-r", path).out
        verbose = self.cmrp("replay", "-V", "-r", path).out
        self.assertGreater(len(verbose), len(text))
        for part in ("ApiGetBatchNotification", "127.0.0.1:50001", "127.0.0.1:49152"):
            self.assertIn(part, text)
        self.assertEqual(self.cmrp("replay", "-T", "none", "-r", path).out, "")

    def test_sources(self):
        content = self.one_call().pcap()
        self.assertEqual(len(self.calls(self.path("a.pcap.gz", gzip.compress(content)))), 1)
        for stdin in (content, gzip.compress(content)):
            result = self.cmrp("replay", "-r", "-", "-T", "json", stdin=stdin)
            self.assertEqual(len(result.lines), 2)

    def test_streams(self):
        """Fragments, a byte order, and segments that do not keep to the PDUs."""
        traffic = Traffic()
        connection = traffic.connection().bound()
        answer = notify_answer("Group1")
        connection.client(*LITTLE.fragments("request", 2, HANDLE, 3, opnum=GET_NOTIFY), size=7)
        connection.server(*LITTLE.fragments("response", 2, answer, 9), size=11)
        reverse = traffic.connection().bound(pdus=BIG)
        reverse.call(2, GET_BATCH, HANDLE, struct.pack(">III", 0, 0, 259), pdus=BIG)
        calls = self.calls(self.capture(traffic))
        self.assertEqual([call["state"] for call in calls], ["complete"] * 2)
        names = {call["method"]: call["response"] for call in calls}
        self.assertEqual(names["ApiGetNotify"]["Name"], "Group1")
        self.assertEqual(names["ApiGetBatchNotification"]["return"], 259)

    def test_missing_octets_are_told(self):
        traffic = Traffic()
        connection = traffic.connection().bound()
        connection.skip("c", 500)
        connection.call(3, GET_BATCH, HANDLE, NO_BATCH)
        result = self.cmrp("replay", "-r", self.capture(traffic), "-T", "json")
        self.assertEqual([line["kind"] for line in result.lines], ["bind", "gap", "call"])
        self.assertEqual(result.lines[1]["bytes"], 500)

    def test_capture_that_begins_late(self):
        traffic = Traffic()
        connection = traffic.connection(opened=False)
        connection.call(7, GET_BATCH, HANDLE, NO_BATCH)
        result = self.cmrp("replay", "-r", self.capture(traffic))
        self.assertIn("without a bind", result.out)


class Hostile(ReplayTest):
    def test_names(self):
        for name in ("\x1b[31mred", "a\u202eb", "\x9b2J", "line\nbreak", "\u2066", "\x07\x7f"):
            traffic = Traffic()
            traffic.connection().bound().call(2, GET_NOTIFY, HANDLE, notify_answer(name))
            path = self.capture(traffic)
            for words in ([], ["-V"], ["-T", "json"]):
                with self.subTest(repr(name), words=words):
                    out = self.cmrp("replay", "-r", path, *words).out
                    for hostile in "\x1b\x9b\x07\x7f" if words[1:] != ["json"] else "\x1b\x07":
                        self.assertNotIn(hostile, out)
                    if words[1:] != ["json"]:
                        self.assertNotIn("\u202e", out)
                        self.assertNotIn("\u2066", out)
                    self.assertFalse(any(line.startswith("break") for line in out.splitlines()))

    def test_file_name(self):
        path = self.folder / "a\x1b[31m.pcap"
        path.write_bytes(self.one_call().pcap()[:-1])
        self.assertNotIn("\x1b", self.cmrp("replay", "-r", path, code=INCOMPLETE).err)


if __name__ == "__main__":
    support.main()
