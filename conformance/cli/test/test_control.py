#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""cmrp ctl and the control socket: commands, scripts, and clients that mean no good."""
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import time
import unittest

import jsonschema

import live
import support
from live import Raw, Server
from support import FINDINGS, OK, UNREACHED, USAGE

LIMIT = 16 * 1024 * 1024  # octets of a line
SCHEMA = support.ROOT / "docs" / "schema" / "control.json"


class ServerTest(support.CliTest):
    """A server for each test, which must end well."""

    def setUp(self):
        super().setUp()
        self.server = Server(self)

    def tearDown(self):
        self.server.end()


class Ctl(ServerTest):
    def answer(self, *words, code=OK):
        """The answer to a command, which must be as the schema says."""
        result = self.cmrp("ctl", "--control", self.server.control, "-T", "json", *words, code=code)
        schema = json.loads(SCHEMA.read_text("utf-8"))
        jsonschema.validate(result.json, schema["$defs"]["answer"] | {"$defs": schema["$defs"]})
        return result.json.get("result", result.json.get("error"))

    def state(self, kind, name):
        return self.answer("show", kind, name)["state"]

    def test_groups_and_resources(self):
        self.answer("create", "group", "Shop")
        kind = self.answer("list", "resource-types")["objects"][0]["name"]
        for name in ("Disk", "Server"):
            made = self.answer("create", "resource", name, "Shop", kind)
            self.assertEqual((made["kind"], made["name"], made["group"], made["type"]),
                             ("resource", name, "Shop", kind))
        self.answer("depend", "Server", "Disk")
        self.assertEqual(self.answer("online", "group", "Shop")["state"], "online")
        self.assertEqual(self.state("resource", "Server"), "online")
        self.answer("offline", "resource", "Disk")
        self.assertEqual(self.state("resource", "Server"), "offline")
        self.answer("undepend", "Server", "Disk")
        self.answer("online", "resource", "Server")
        self.assertEqual(self.state("group", "Shop"), "partial-online")
        self.answer("rename", "group", "Shop", "Store")
        self.assertEqual(self.state("group", "Store"), "partial-online")
        self.answer("create", "group", "Other")
        self.answer("offline", "group", "Store")
        self.assertEqual(self.answer("move", "resource", "Disk", "Other")["group"], "Other")
        self.answer("delete", "group", "Store", "force")
        self.assertNotIn(" Server ", self.server.ctl("list", "resources").out)

    def test_moves_and_nodes(self):
        nodes = [node["name"] for node in self.answer("list", "nodes")["objects"]]
        self.assertGreater(len(nodes), 1)
        self.answer("create", "group", "Shop")
        for node in nodes:
            self.assertEqual(self.answer("move", "group", "Shop", node)["owner"], node)
        self.answer("move", "group", "Shop")
        self.assertNotEqual(self.answer("show", "group", "Shop")["owner"], nodes[-1])
        self.answer("move", "group", "Shop", nodes[1])
        self.assertEqual(self.answer("node", "down", nodes[1])["state"], "down")
        self.assertNotEqual(self.answer("show", "group", "Shop")["owner"], nodes[1])
        self.assertEqual(self.answer("node", "up", nodes[1])["state"], "up")
        self.assertEqual(self.answer("node", "pause", nodes[1])["state"], "paused")
        self.assertEqual(self.answer("node", "resume", nodes[1])["state"], "up")

    def test_states(self):
        self.answer("create", "network", "Backup")
        self.assertIn("state", self.answer("show", "network", "Backup"))
        name = self.answer("list", "interfaces")["objects"][0]["name"]
        self.assertEqual(self.answer("state", "interface", name, "failed")["state"], "failed")
        self.assertEqual(self.answer("state", "interface", name, "up")["state"], "up")
        error = self.answer("state", "interface", name, "sideways", code=USAGE)
        self.assertIn("unreachable", error["message"])

    def test_properties(self):
        self.answer("create", "group", "Shop")
        for words in (("group", "Shop"), ("cluster",)):
            self.answer("property", *words, "Description", "all the \u00e4pples")
            self.answer("property", "private", *words, "Number", "17")
            self.answer("property", "private", *words, "Text", "17", "text")
            shown = self.answer("show", *words)
            self.assertEqual(shown["common"]["Description"], "all the \u00e4pples")
            self.assertEqual(shown["private"], {"Number": 17, "Text": "17"})
            self.answer("property", "private", *words, "Number")
            self.assertEqual(self.answer("show", *words)["private"], {"Text": "17"})

    def test_registry(self):
        self.assertTrue(self.answer("registry", "create-key", r"\App\Deep")["created"])
        self.assertFalse(self.answer("registry", "create-key", r"App\Deep")["created"])
        for kind, words, data, text in (
                ("REG_SZ", ["h\u00e4"], "6800e4000000", '"h\u00e4"'),
                ("REG_MULTI_SZ", ["a", "b"], "6100000062000000" "0000", None),
                ("REG_DWORD", ["258"], "02010000", None),
                ("REG_QWORD", ["0x100000000"], "0000000001000000", None),
                ("REG_BINARY", ["00ff"], "00ff", None), ("REG_BINARY", [], "", None)):
            with self.subTest(kind):
                self.answer("registry", "set", r"App\Deep", "V", kind, *words)
                value = self.answer("registry", "get", r"App\Deep", "V")
                self.assertEqual(value["type"], int(kind) if kind.isdigit() else kind)
                self.assertEqual(value["data"], data)
                if text:
                    self.assertEqual(value["text"], text)
        self.assertEqual([key["key"] for key in self.answer("registry", "tree", "App")["keys"]],
                         ["App", r"App\Deep"])
        self.assertEqual(self.answer("registry", "get", "App")["subkeys"], ["Deep"])
        self.assertIn("App", self.answer("registry", "get", "\\")["subkeys"])
        self.answer("registry", "delete", r"App\Deep", "V")
        self.answer("registry", "get", r"App\Deep", "V", code=FINDINGS)
        self.answer("registry", "delete-key", r"App\Deep")
        self.assertEqual(self.answer("registry", "get", "App")["subkeys"], [])
        for kind, words in (("REG_DWORD", ["4294967296"]), ("REG_DWORD", ["-1"]),
                            ("REG_DWORD", []), ("REG_SZ", []), ("REG_SZ", ["a", "b"]),
                            ("REG_MULTI_SZ", [""]), ("REG_BINARY", ["0"]), ("REG_BLOB", ["00"]),
                            ("4294967296", ["00"])):
            with self.subTest(kind, words=words):
                self.answer("registry", "set", "App", "V", kind, *words, code=USAGE)

    def test_batch(self):
        text = self.cmrp("decode", "-T", "json", "-", stdin=support.notify_test()).out
        self.answer("registry", "create-key", "App")
        self.assertEqual(self.server.ctl("batch", "App", "-", stdin=text).out, "")
        self.server.ctl("batch", "App", self.path("batch.json", text))
        result = self.server.ctl("batch", "App", "-", stdin="{", code=USAGE)
        self.assert_one_line(result.err, "standard input")
        result = self.server.ctl("batch", "App", "-", stdin='{"version":1}', code=USAGE)
        self.assertIn("commands", result.err)
        result = self.server.ctl("batch", "None", "-", stdin=text, code=FINDINGS)
        self.assert_one_line(result.err, 'no key "None"')
        wrong = {"version": 1, "commands": [
            {"command": "CLUSREG_SET_VALUE", "value_type": "REG_SZ", "name": "kept", "data": ""},
            {"command": "CLUSREG_SET_VALUE", "value_type": 77, "name": "wrong", "data": ""}]}
        self.server.ctl("batch", "App", "-", stdin=json.dumps(wrong), code=FINDINGS)
        self.answer("registry", "get", "App", "kept", code=FINDINGS)  # whole or not at all

    def test_errors(self):
        for words, code, says in (
                (("online", "group", "None"), FINDINGS, 'no group "None"; groups: '),
                (("online", "resource", "None"), FINDINGS, 'no resource "None"'),
                (("move", "group", "None", "x"), FINDINGS, 'no group "None"'),
                (("show", "network", "None"), FINDINGS, 'no network "None"; networks: '),
                (("online", "network", "None"), USAGE, "does not know a network"),
                (("online", "thing", "None"), USAGE, 'no kind "thing"; kinds: node, '),
                (("online", "group"), USAGE, "usage: online group|resource NAME"),
                (("online", "group", "a", "b"), USAGE, "usage: online"),
                (("fly",), USAGE, 'no command "fly"; commands: status, '),
                (("node", "fly", "x"), FINDINGS, "no node"),
                (("registry", "fly"), USAGE, "no command \"registry fly\""),
                (("registry", "get"), USAGE, "usage: registry get KEY [VALUE]"),
                (("registry", "get", "None"), FINDINGS, 'no key "None"'),
                (("registry", "delete-key", "None"), FINDINGS, 'no key "None"'),
                (("registry", "delete", "\\", "None"), FINDINGS, 'no value "None"'),
                (("create", "group", ""), FINDINGS, "create group"),
                (("create", "resource", "x"), USAGE, "usage: create resource NAME GROUP TYPE"),
                (("create", "interface", "x", "y", "z"), FINDINGS, 'no node "y"'),
                (("delete", "group", "x", "now"), USAGE, "usage: delete"),
                (("rename", "group", "x"), USAGE, "usage: rename"),
                (("owner", "have", "x", "y"), USAGE, "usage: owner"),
                (("property", "group", "x"), USAGE, "usage: property"),
                (("property", "cluster", "x", "1", "number"), USAGE, "usage: property")):
            with self.subTest(words):
                result = self.server.ctl(*words, code=code)
                self.assertEqual(result.out, "")
                self.assert_one_line(result.err, says)
                error = self.answer(*words, code=code)
                self.assertEqual(error["kind"], "refused" if code == FINDINGS else "usage")
                self.assertEqual("code" in error, code == FINDINGS)

    def test_text(self):
        self.server.ctl("create", "group", "Shop")
        line = [line for line in self.server.ctl("list").out.splitlines() if " Shop " in line]
        self.assertRegex(line[0], r"^group +Shop +offline +\S+$")
        self.server.ctl("registry", "create-key", "App")
        self.server.ctl("registry", "set", "App", "V", "REG_SZ", "x")
        self.assertEqual(self.server.ctl("registry", "tree", "App").out,
                         'App\n    "V"  REG_SZ  "x"\n')
        self.assertEqual(self.server.ctl("registry", "get", "App", "V").out, '"V"  REG_SZ  "x"\n')
        self.assertIn("connections", self.server.ctl("status").out)

    def test_columns(self):
        self.server.ctl("create", "group", "x" * 1000)
        self.server.ctl("property", "group", "Web", "APropertyWithARatherLongName", 7)
        self.server.ctl("property", "group", "Web", "Short", 8)
        out = self.server.ctl("list", "groups").out
        self.assertRegex(out, r"(?m)^group  Web {16}online +NODE2$")
        self.assertRegex(out, r"(?m)^group  x{1000}  offline  \S+$")
        lines = self.server.ctl("show", "group", "Web").out.splitlines()
        at = {line.rindex(" ") for line in lines if line[-1] in "78"}
        self.assertEqual(len(at), 1)

    def test_what_is_not_empty_is_deleted_by_force_only(self):
        self.assert_one_line(self.server.ctl("delete", "group", "Web", code=FINDINGS).err,
                             'group "Web" is not empty; with the word force')
        self.server.ctl("delete", "group", "Web", "force")
        self.assertNotIn("Web", self.server.ctl("list").out)

    def test_words_are_told_apart_in_errors(self):
        err = self.server.ctl("move", "resource", "Web Service", "Cluster Group",
                              code=FINDINGS).err
        self.assertIn('move resource "Web Service" "Cluster Group": ERROR_', err)

    def test_hostile_names_are_shown_safely(self):
        self.server.ctl("create", "group", "a\x1b[31m\u202ex")
        out = self.server.ctl("list", "groups").raw
        self.assertNotIn(b"\x1b", out)
        self.assertNotIn("\u202e".encode(), out)

    def test_script(self):
        script = "# comment\n\ncreate group 'My Shop'\n  online group \"My Shop\"\r\n"
        result = self.server.ctl("-", stdin=script)
        self.assertEqual(len(result.out.splitlines()), 2)
        self.assertIn("My Shop", self.server.ctl("list", "groups").out)
        script = "create group A\nonline group None\ncreate group B\n"
        result = self.server.ctl("-", stdin=script, code=FINDINGS)
        self.assertIn("line 2", result.err)
        self.assertNotIn(" B ", self.server.ctl("list", "groups").out)
        result = self.server.ctl("-k", "-", stdin=script.replace(" A", " C"), code=FINDINGS)
        self.assertIn(" B ", self.server.ctl("list", "groups").out)
        result = self.server.ctl("-", stdin="online 'group\n", code=USAGE)
        self.assertIn("line 1", result.err)

    def test_a_thousand_commands(self):
        lines = []
        for n in range(250):
            lines += [f"create group G{n}", f"online group G{n}", f"offline group G{n}",
                      f"delete group G{n}"]
        result = self.server.ctl("-", stdin="\n".join(lines))
        self.assertEqual(len(result.out.splitlines()), 750)
        self.assertNotIn("G1", self.server.ctl("list", "groups").out)

    def test_variable(self):
        env = self.environment(CMRP_CONTROL=self.server.control)
        self.cmrp("ctl", "status", env=env)


class Unreached(support.CliTest):
    def test_no_server(self):
        env = self.environment(CMRP_CONTROL=None)
        self.assert_usage(self.cmrp("ctl", "status", code=USAGE, env=env), "CMRP_CONTROL")
        self.assert_usage(self.cmrp("ctl", "--control", "x", code=USAGE), "command is missing")
        self.assert_usage(self.cmrp("ctl", "--control", "x", "--timeout", "0", "status",
                                    code=USAGE), "--timeout")
        for path in (self.folder / "none", self.folder, "x" * 200, self.path("file", "")):
            result = self.cmrp("ctl", "--control", path, "status", code=UNREACHED)
            self.assert_one_line(result.err, str(path)[:80])

    def test_strange_servers(self):
        """A server that says nothing, hangs up, or talks nonsense."""
        path = str(self.folder / "strange")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen(8)
            for answer, says in ((None, "does not answer"), (b"", "hung up"), (b"{}x\n", "no object"),
                                 (b"[]\n", "no object"), (b"{", "hung up"),
                                 (b"\xff\n", "no object")):
                with self.subTest(answer):
                    process = subprocess.Popen([self.program, "ctl", "--control", path,
                                                "--timeout", "1", "status"],
                                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                    connection, _ = listener.accept()
                    if answer is not None:
                        connection.recv(4096)
                        connection.sendall(answer)
                        connection.close()
                    out, err = process.communicate(timeout=live.SECONDS)
                    self.assertEqual((process.returncode, out), (UNREACHED, b""))
                    self.assertIn(says, err.decode())
                    connection.close()


class Hostile(ServerTest):
    """Whoever may open the socket may still send anything."""

    def test_wrong_lines(self):
        with Raw(self.server) as raw:
            for line in (b"{", b"nonsense", b"\xff\xfe", b"\0", b'"text"', b"[]", b"17", b"null",
                         b'{"command":[]}', b'{"command":"status"}', b'{"command":[1]}',
                         b'{"command":["status"],"command":["stop"]}', b'{"words":["stop"]}',
                         b'{"command":["status","\\u0000"]}', b'{"command":[["status"]]}',
                         b'{"command":["list"],"else":1}', b'{"command":["batch","x"],"batch":7}',
                         b'{"command":' + b"[" * 5000, b'{"command":["a' + b"b" * 100000 + b'"]}',
                         json.dumps({"command": ["list"] * 100}).encode(),
                         b'{"command":["batch","x"],"batch":{"version":1,"commands":[]}}'):
                with self.subTest(line[:40]):
                    raw.send(line + b"\n")
                    answer = raw.line()
                    self.assertEqual(answer["error"]["kind"], "usage", answer)
            self.assertIn("result", raw.ask("status"))

    def test_ids_and_order(self):
        with Raw(self.server) as raw:
            raw.send(b"".join(json.dumps({"id": n, "command": ["status"]}).encode() + b"\n\n \r\n"
                              for n in range(500)))
            for n in range(500):
                answer = raw.line()
                self.assertEqual(answer["id"], n)
                self.assertIn("result", answer)

    def test_last_line_without_newline(self):
        with Raw(self.server) as raw:
            raw.send(b'{"command":["create","group","Late"]}')
            raw.socket.shutdown(socket.SHUT_WR)
            self.assertEqual(raw.line()["result"]["name"], "Late")
            self.assertIsNone(raw.line())
        with Raw(self.server) as raw:
            raw.send(b'{"command":["create","group","Lat')
            raw.socket.shutdown(socket.SHUT_WR)
            self.assertIn("error", raw.line())
            self.assertIsNone(raw.line())

    def test_endless_line(self):
        block = b"x" * (1024 * 1024)
        with Raw(self.server) as raw:
            sent = 0
            try:
                for _ in range(100):
                    raw.send(block)
                    sent += len(block)
            except (BrokenPipeError, ConnectionResetError):
                pass
            self.assertGreaterEqual(sent, LIMIT)
            self.assertLess(sent, 3 * LIMIT)
            answer = raw.line()
            if answer is not None:  # a reset may take the answer away
                self.assertIn("16777216", answer["error"]["message"])
        self.server.err.until("too long")
        text = pathlib.Path(f"/proc/{self.server.process.pid}/status").read_text("ascii")
        rss = int(re.search(r"VmRSS:\s+(\d+) kB", text)[1]) * 1024
        self.assertLess(rss, 1024 * 1024 * 1024)
        self.server.ctl("status")

    def test_largest_line(self):
        with Raw(self.server) as raw:
            head, tail = b'{"command":["list","', b'"]}'
            raw.send(head + b"y" * (LIMIT - len(head) - len(tail)) + tail + b"\n")
            self.assertIn("no kind", raw.line()["error"]["message"])
            self.assertIn("result", raw.ask("status"))

    def test_who_never_reads(self):
        """Answers of one client do not pile up, and others are served."""
        with Raw(self.server) as deaf:
            deaf.socket.settimeout(2)
            request = json.dumps({"command": ["registry", "tree"]}).encode() + b"\n"
            with self.assertRaises(TimeoutError):
                while True:
                    deaf.send(request * 100)
            self.server.ctl("status")

    def test_many_clients(self):
        clients = [Raw(self.server) for _ in range(64)]
        with Raw(self.server) as late:
            self.assertIsNone(late.line())
        self.server.err.until("too many")
        for client in clients:
            self.assertIn("result", client.ask("status"))
            client.socket.close()
        end = time.monotonic() + live.SECONDS
        while self.cmrp_ends() != OK and time.monotonic() < end:
            time.sleep(0.05)
        self.server.ctl("status")

    def cmrp_ends(self):
        return subprocess.run([self.program, "ctl", "--control", self.server.control, "status"],
                              check=False, capture_output=True, timeout=live.SECONDS).returncode

    def test_resets(self):
        for n in range(100):
            raw = Raw(self.server)
            raw.send(b'{"command":["list"]}\n' * (n % 7) + b"{" * (n % 5))
            raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raw.socket.close()
        self.server.ctl("status")

    def test_killed_in_the_middle(self):
        process = subprocess.Popen([self.program, "ctl", "--control", self.server.control, "-"],
                                   stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        process.stdin.write(b"create group Half\n")
        process.stdin.flush()
        end = time.monotonic() + live.SECONDS
        while "Half" not in self.server.ctl("list", "groups").out:
            self.assertLess(time.monotonic(), end)
        process.send_signal(signal.SIGKILL)
        process.wait(live.SECONDS)
        process.stdin.close()
        self.server.ctl("delete", "group", "Half")


if __name__ == "__main__":
    os.environ.pop("CMRP_CONTROL", None)
    support.main()
