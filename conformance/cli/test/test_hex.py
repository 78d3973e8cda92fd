#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""--hex: hex as people paste it, from the programs that print it, and mistakes in it."""
import shutil
import subprocess

import support
from support import USAGE


def text_column(octets):
    return "".join(chr(octet) if 0x20 <= octet < 0x7f else "." for octet in octets)


def lines(octets, size=16):
    return [(at, octets[at:at + size]) for at in range(0, len(octets), size)]


def pairs(octets, size):
    return [octets[at:at + size].hex() for at in range(0, len(octets), size)]


def gap(octets):
    """Octets with two spaces in the middle of a line."""
    left, right = octets[:8].hex(" "), octets[8:].hex(" ")
    return f"{left}  {right}" if right else left


FORMS = {
    "plain": lambda o: o.hex(),
    "upper case": lambda o: o.hex().upper() + "\r\n",
    "spaces": lambda o: o.hex(" "),
    "lines": lambda o: "\n".join(pairs(o, 4)),
    "colons": lambda o: o.hex(":"),
    "0x": lambda o: " ".join(f"0x{octet:02x}" for octet in o),
    "commas": lambda o: ",".join(pairs(o, 1)),
    "C array": lambda o: ",\n".join(f"0x{octet:02X}" for octet in o) + ",",
    "C string": lambda o: '"' + "".join(f"\\x{octet:02x}" for octet in o) + '"',
    "comments": lambda o: "# header\n" + "\n".join(f"{piece} # piece" for piece in pairs(o, 6)),
    "xxd": lambda o: "\n".join(f"{at:08x}: {' '.join(pairs(part, 2)):<39}  {text_column(part)}"
                               for at, part in lines(o)),
    "xxd -g 1": lambda o: "\n".join(f"{at:08x}: {part.hex(' '):<47}  {text_column(part)}"
                                    for at, part in lines(o)),
    "hexdump -C": lambda o: "\n".join(f"{at:08x}  {gap(part):<48}  |{text_column(part)}|"
                                      for at, part in lines(o)) + f"\n{len(o):08x}\n",
    "od -A x -t x1": lambda o: "\n".join(f"{at:06x} {part.hex(' ')}" for at, part in lines(o))
                               + f"\n{len(o):06x}\n",
    "od -A x -t x1z": lambda o: "\n".join(f"{at:06x} {part.hex(' '):<47}  >{text_column(part)}<"
                                          for at, part in lines(o)) + f"\n{len(o):06x}\n",
    "tcpdump -X": lambda o: "\n".join(f"\t0x{at:04x}:  {' '.join(pairs(part, 2)):<39}  "
                                      f"{text_column(part)}" for at, part in lines(o)),
    "Wireshark": lambda o: "\n".join(f"{at:04x}   {part.hex(' '):<47}   {text_column(part)}"
                                     for at, part in lines(o)),
    "Wireshark, double gap": lambda o: "\n".join(f"{at:04x}  {gap(part):<48}  {text_column(part)}"
                                                 for at, part in lines(o)),
    "Wireshark, octets only": lambda o: "\n".join(f"{at:04x}   {part.hex(' ')}"
                                                  for at, part in lines(o)),
}


class Pasted(support.CliTest):
    def buffers(self):
        """Batches whose last line is full, half full, and not; with text that looks like hex."""
        whole = support.notify_test()
        first = whole[:42]
        deceptive = bytes.fromhex("01000000" "010000000300000004000000" "61000000") \
            + b"\x16\0\0\0abcdefabcdefab cd ef 0" + b""
        return [whole, first, deceptive]

    def test_forms(self):
        for octets in self.buffers():
            expected = self.cmrp("decode", "-T", "json", "-", stdin=octets).out
            for name, form in FORMS.items():
                with self.subTest(name, size=len(octets)):
                    path = self.path("dump.txt", form(octets))
                    result = self.cmrp("decode", "--hex", "-T", "json", path)
                    self.assertEqual(result.out, expected)

    def test_programs(self):
        programs = [["xxd"], ["xxd", "-g1"], ["xxd", "-u", "-c", "8"], ["xxd", "-p"],
                    ["xxd", "-i"][:1] + ["-c", "32"], ["hexdump", "-C"], ["hexdump", "-vC"],
                    ["od", "-A", "x", "-t", "x1"], ["od", "-A", "x", "-t", "x1z", "-v"],
                    ["od", "-A", "n", "-t", "x1"]]
        octets = self.buffers()[0]
        expected = self.cmrp("decode", "-T", "json", "-", stdin=octets).out
        tried = 0
        for words in programs:
            if shutil.which(words[0]):
                dumped = subprocess.run(words, input=octets, capture_output=True, check=True).stdout
                with self.subTest(words):
                    tried += 1
                    result = self.cmrp("decode", "--hex", "-T", "json", "-", stdin=dumped)
                    self.assertEqual(result.out, expected)
        self.assertGreater(tried, 0)

    def test_repeated_lines_that_a_dump_leaves_out(self):
        octets = bytes.fromhex("01000000" "010000000300000002000000" "0000" "50000000") + bytes(80)
        self.cmrp("decode", "-", stdin=octets)
        dumped = "\n".join(f"{at:08x}  {part.hex(' ')}" for at, part in lines(octets))
        whole = dumped.splitlines()
        short = "\n".join(whole[:3] + ["*"] + whole[5:])
        path = self.path("dump.txt", short)
        result = self.cmrp("decode", "--hex", path, code=USAGE)
        self.assert_one_line(result.err, f"{path}: line 4: ", "-v")

    def test_mistakes(self):
        cases = {
            "0": (1, "odd number of digits"),
            "01000000\n0200\n000": (3, "odd number of digits"),
            "01000000 xyz": (1, "not hexadecimal"),
            "01 02\n\n# comment\n03 0g": (4, "not hexadecimal"),
            "{ 0x01 }": (1, "not hexadecimal"),
            "00000000: 0100 0000\n00000010: 0200": (1, "fewer than 16 octets"),
            "00000000: 0100 0000\nnonsense": (2, "no offset"),
            "0000000 000001 000000 000004": (1, "odd number of digits"),  # od in octal
            "\x1b[31m01": (1, "not hexadecimal"),
        }
        for text, (number, message) in cases.items():
            with self.subTest(text):
                path = self.path("dump.txt", text)
                result = self.cmrp("decode", "--hex", path, code=USAGE)
                self.assertEqual(result.out, "")
                self.assert_one_line(result.err, f"{path}: line {number}: ", message)
                self.assertNotIn("\x1b", result.err)

    def test_octets_that_are_no_text(self):
        path = self.path("a.bin", support.CREATE_KEY)
        self.assert_one_line(self.cmrp("decode", "--hex", path, code=USAGE).err, "line 1: ")

    def test_nothing(self):
        for text in ("", "\n\n", "# only a comment\n"):
            path = self.path("dump.txt", text)
            result = self.cmrp("decode", "--hex", path, code=support.FINDINGS)
            self.assertIn("offset 0: ", result.err)

    def test_written_hex_is_read(self):
        value = self.path("a.json", self.cmrp("decode", "-T", "json", "-",
                                              stdin=support.notify_test()).out)
        dumped = self.cmrp("encode", "--hex", value).out
        result = self.cmrp("decode", "--hex", "-T", "json", "-", stdin=dumped)
        self.assertEqual(result.out, value.read_text("utf-8"))

    def test_example_of_the_help(self):
        text = "01000000 04000000 00000000 02000000 0000 00000000"
        self.assertIn(text, self.cmrp("decode", "--help").out)
        self.assertIn("CLUSREG_DELETE_VALUE", self.cmrp("decode", "--hex", "-V", "-",
                                                        stdin=text).out)


if __name__ == "__main__":
    support.main()
