#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Colour: on a terminal, never with NO_COLOR, never in files and pipes."""
import json
import os
import pty
import re
import subprocess

import support

CAPTURES = sorted((support.VECTORS / "captures").glob("*.pcap"))


class Colour(support.CliTest):
    def commands(self):
        batch = self.path("a.bin", support.notify_test())
        yield "decode", batch
        yield "decode", "-V", batch
        yield "decode", "-T", "json", batch
        yield "decode", "--help"
        yield ("list",)
        yield "explain", "batch-notifytest-sent"
        yield "explain", "CMRP-B-001"
        for capture in CAPTURES:
            yield "replay", "-r", capture
            yield "replay", "-V", "-r", capture

    def on_terminal(self, words, **changes):
        """What the program writes to a terminal."""
        parent, child = pty.openpty()
        process = subprocess.Popen([self.program, *map(str, words)], stdout=child,
                                   stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env=self.environment(**changes))
        os.close(child)
        pieces = []
        while True:
            try:
                piece = os.read(parent, 65536)
            except OSError:  # Linux says EIO when the other end is closed
                break
            if not piece:
                break
            pieces.append(piece)
        os.close(parent)
        process.wait(support.SECONDS)
        return b"".join(pieces).decode("utf-8")

    def test_files_and_pipes_have_none(self):
        for words in self.commands():
            with self.subTest(words):
                done = subprocess.run([self.program, *map(str, words)], capture_output=True,
                                      check=False, env=self.environment(TERM="xterm-256color"))
                self.assertIn(done.returncode, (support.OK, support.FINDINGS), done.stderr)
                self.assertNotIn(b"\x1b", done.stdout + done.stderr)

    def test_no_color(self):
        for words in self.commands():
            with self.subTest(words):
                self.assertNotIn("\x1b", self.on_terminal(words, TERM="xterm-256color",
                                                          NO_COLOR="1"))

    def test_dumb_terminal(self):
        path = self.path("a.bin", support.notify_test())
        self.assertNotIn("\x1b", self.on_terminal(("decode", path), TERM="dumb"))

    def test_terminal(self):
        """On a terminal the text is the same, and something of it is coloured."""
        reserved = support.CREATE_KEY[:4] + b"\5" + support.CREATE_KEY[5:]  # with a warning
        path = self.path("a.bin", reserved)
        plain = self.cmrp("decode", path).out
        coloured = self.on_terminal(("decode", path), TERM="xterm-256color")
        self.assertIn("\x1b[", coloured)
        self.assertEqual(self.stripped(coloured), plain)
        empty = self.on_terminal(("decode", path), TERM="xterm-256color", NO_COLOR="")
        self.assertIn("\x1b[", empty)  # an empty NO_COLOR counts as none

    def test_json_is_ascii(self):
        """Names may hold what a terminal obeys; in files JSON is UTF-8."""
        name = "\x9b31mä\u202e\0".encode("utf-16-le")
        path = self.path("a.bin", support.CREATE_KEY[:12] + bytes([len(name), 0, 0, 0]) + name
                         + bytes(4))
        shown = self.on_terminal(("decode", "-T", "json", path))
        self.assertTrue(shown.isascii(), shown)
        in_file = self.cmrp("decode", "-T", "json", path)
        self.assertIn("ä", in_file.out)
        self.assertEqual(json.loads(shown), in_file.json)

    @staticmethod
    def stripped(text):
        return re.sub(r"\x1b\[[0-9;]*[mK]", "", text).replace("\r\n", "\n")


if __name__ == "__main__":
    support.main()
