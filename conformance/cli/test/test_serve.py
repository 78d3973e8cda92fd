#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""cmrp serve: its start, what keeps it from starting, its log, and its end."""
import json
import os
import pathlib
import re
import signal
import socket
import stat
import struct
import subprocess
import time

import live
import support
from live import Server
from support import FINDINGS, INCOMPLETE, OK, UNREACHED, USAGE

CREATE_NOTIFY = {"call": "ApiCreateNotify", "as": "port"}
WATCH_GROUPS = {"call": "ApiAddNotifyCluster", "params": {"hNotify": "$port", "dwFilter": 0x4000}}
GET_NOTIFY = {"call": "ApiGetNotify", "params": {"hNotify": "$port"}, "as": "get", "return": "any"}


class Deaf:
    """A client that asks and does not read: PDUs by hand, NDR 2.0, little-endian."""

    INTERFACE = bytes.fromhex("b2b87db9634ccf11bff608002be23f2f03000000")
    NDR = bytes.fromhex("045d888aeb1cc9119fe808002b10486002000000")

    def __init__(self, server):
        self.server = server
        self.socket = socket.create_connection((server.host, server.port), live.SECONDS)
        self.socket.settimeout(live.SECONDS)
        self.send(11, struct.pack("<HHIBxxxHBx", 5840, 5840, 0, 1, 0, 1) + self.INTERFACE + self.NDR)
        self.receive()
        self.request(1, 28, struct.pack("<I", 0x02000000))  # ApiGetRootKey
        self.key = self.receive()[-20:]

    def send(self, kind, body, call=1):
        self.socket.sendall(struct.pack("<BBBBIHHI", 5, 0, kind, 3, 16, 16 + len(body), 0, call)
                            + body)

    def request(self, call, opnum, stub):
        self.send(0, struct.pack("<IHH", len(stub), 0, opnum) + stub, call)

    def receive(self):
        header = self.socket.recv(16, socket.MSG_WAITALL)
        return self.socket.recv(struct.unpack_from("<H", header, 8)[0] - 16, socket.MSG_WAITALL)

    def ask_for_values(self, count):
        """ApiQueryValue of "V", again and again: more than sockets hold."""
        stub = self.key + struct.pack("<III4sI", 2, 0, 2, "V\0".encode("utf-16-le"), 60000)
        for call in range(2, count + 2):
            self.request(call, 34, stub)

    def wait_until_full(self):
        """Until the server has answers that it cannot send: it answers nothing more."""
        made = [-1]

        def stands(status):
            time.sleep(0.3)
            made.append(status["calls"]["made"])
            return made[-2] == made[-1]

        status = self.server.until("it is full", stands)
        self.server.test.assertLess(status["calls"]["made"], 601)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.socket.close()


class Start(support.CliTest):
    def test_first_lines(self):
        server = Server(self, "--epmap", "127.0.0.1:0")
        self.assertEqual(server.host, "127.0.0.1")
        self.assertRegex(server.out.next(), r"^endpoint mapper on 127\.0\.0\.1:\d+\n$")
        self.assertIn("nothing is authenticated", server.err.next())
        server.end()
        self.assertEqual(server.err.all[1:], [])

    def test_port_file(self):
        path = self.folder / "port"
        server = Server(self, "--port-file", path)
        self.assertEqual(path.read_text("ascii"), f"{server.port}\n")
        self.assertEqual(os.listdir(self.folder).count("port"), 1)
        self.assertEqual([name for name in os.listdir(self.folder) if name.startswith("port.")], [])
        server.end()
        self.assertFalse(path.exists())

    def test_ipv6(self):
        try:
            with socket.socket(socket.AF_INET6) as probe:
                probe.bind(("::1", 0))
        except OSError:
            self.skipTest("no IPv6 here")
        server = Server(self, "--listen", "[::1]:0")
        self.assertEqual(server.host, "[::1]")
        server.call("ApiGetClusterName")
        server.end()

    def test_epmap_leads_to_the_server(self):
        server = Server(self, "--epmap=127.0.0.1:0")
        port = server.out.until(r":(\d+)\n$")[1]
        result = self.cmrp("call", "127.0.0.1", "--epmap-port", port, "ApiGetClusterName")
        self.assertIn("ApiGetClusterName", result.out)
        server.end()

    def test_the_socket_is_private(self):
        server = Server(self)
        mode = os.stat(server.control).st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(stat.S_IMODE(mode), 0o600)
        server.end()
        self.assertFalse(os.path.exists(server.control))

    def test_other_machines_only_when_asked_for(self):
        result = self.cmrp("serve", "--listen", "0.0.0.0:0", code=USAGE)
        self.assertIn("--unauthenticated", result.err)
        result = self.cmrp("serve", "--listen", "[::]:0", code=USAGE)
        self.assertIn("--unauthenticated", result.err)
        result = self.cmrp("serve", "--epmap", "0.0.0.0:0", code=USAGE)
        self.assertIn("--unauthenticated", result.err)
        server = Server(self, "--listen", "0.0.0.0:0", "--unauthenticated")
        self.assertIn("WARNING", server.err.next())
        server.end()

    def test_print_seed(self):
        seed = self.cmrp("serve", "--print-seed").json
        path = self.path("seed.json", json.dumps(seed))
        server = Server(self, "--seed-cluster", path)
        plain = server.ctl("list").out
        server.end()
        server = Server(self)
        self.assertEqual(server.ctl("list").out, plain)
        server.end()

    def test_state(self):
        path = self.folder / "state"
        server = Server(self, "--state", path)
        server.ctl("create", "group", "Shop")
        server.script({"call": "ApiExecuteBatch", "params": {"lpData": {"version": 1, "commands": [
            {"command": "CLUSREG_CREATE_KEY", "value_type": 0, "name": "App", "data": ""},
            {"command": "CLUSREG_SET_VALUE", "value_type": "REG_SZ", "name": "V",
             "data": "61000000"}]}}})
        listed, tree = server.ctl("list").out, server.ctl("registry", "tree").out
        self.assertIn("Shop", listed)
        self.assertIn('    "V"  REG_SZ  "a"', tree)
        server.end(signal.SIGKILL, -signal.SIGKILL)
        other = self.path("seed.json", "what is not read is not wrong")
        for words in ((), ("--seed-cluster", other)):
            server = Server(self, "--state", path, *words)
            self.assertEqual(server.ctl("list").out, listed)
            self.assertEqual(server.ctl("registry", "tree").out, tree)
            server.end()
        self.assertIn(f"{path} holds a cluster already: {other} is not read",
                      "".join(server.err.all))

    def test_limits(self):
        server = Server(self, "--limit", "connections=1", "--limit", "handles=2")
        steps = [{"call": "ApiOpenCluster", "as": str(n)} for n in range(3)]
        result = server.script(*steps, code=FINDINGS)
        self.assertEqual(len(result.lines), 3)
        self.assertRegex(server.err.until("handle")[0], "handle")
        with socket.create_connection((server.host, server.port), live.SECONDS) as first, \
                socket.create_connection((server.host, server.port), live.SECONDS) as second:
            second.settimeout(live.SECONDS)
            self.assertEqual(second.recv(1), b"")
            self.assertTrue(first)
        server.err.until("connection")
        server.end()

    def test_log(self):
        path = self.path("log", "before\n")
        server = Server(self, "--log", path, "-v")
        server.call("ApiGetClusterName")
        server.call("ApiOpenGroup", "lpszGroupName=None", code=support.FINDINGS)
        server.end()
        lines = path.read_text("utf-8").splitlines()
        self.assertEqual(lines[0], "before")
        self.assertRegex(lines[1], r"Z 127\.0\.0\.1:\d+: ApiGetClusterName: ok$")
        self.assertRegex(lines[2], r": ApiOpenGroup: ERROR_GROUP_NOT_FOUND \(5013\)$")
        for line in lines[1:]:
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \S")
        self.assertEqual(len(server.err.all), 1)


class Trouble(support.CliTest):
    """What keeps it from starting: one clear line, and nothing on standard output."""

    def refused(self, *words, code, says):
        result = self.cmrp("serve", *words, code=code)
        self.assertEqual(result.out, "")
        self.assertIn(says, result.err)
        if "Try `cmrp serve --help`" not in result.err:
            self.assert_one_line(result.err)
        return result

    def test_usage(self):
        for words, says in ((("more",), "left over"), (("--listen", "nowhere"), "ADDRESS:PORT"),
                            (("--listen", "localhost:0"), "localhost"),
                            (("--listen", "127.0.0.1:65536"), "ADDRESS:PORT"),
                            (("--listen", "127.0.0.1:"), "ADDRESS:PORT"),
                            (("--listen", "127.0.0.1:1x"), "ADDRESS:PORT"),
                            (("--limit", "connections"), "NAME=VALUE"),
                            (("--limit", "=1"), "no limit"),
                            (("--limit", "connections=0"), "1 to"),
                            (("--limit", "connections=-1"), "1 to"),
                            (("--limit", "connections=99999999999999999999"), "1 to"),
                            (("--limit", "nothing=1"), "nothing"),
                            (("--fault", "x"), "unusable")):
            with self.subTest(words):
                self.refused(*words, code=USAGE, says=says)

    def test_address_in_use(self):
        with live.loopback_port() as taken:
            port = taken.getsockname()[1]
            self.refused("--listen", f"127.0.0.1:{port}", code=UNREACHED, says=str(port))
            self.refused("--epmap", f"127.0.0.1:{port}", "--control", self.folder / "c",
                         "--port-file", self.folder / "p", code=UNREACHED, says=str(port))
        self.assertEqual(os.listdir(self.folder), [])

    def test_seed(self):
        self.refused("--seed-cluster", self.folder / "none", code=USAGE, says="none")
        self.refused("--seed-cluster", self.folder, code=USAGE, says=str(self.folder))
        for number, text in enumerate(("", "{", "[]", '{"cluster":1}', '{"nodes":"x"}', "\0" * 9)):
            path = self.path(f"seed{number}", text)
            self.refused("--seed-cluster", path, code=USAGE, says=path.name)

    def test_state(self):
        self.refused("--state", self.folder / "none" / "state", code=USAGE, says="state")
        self.refused("--state", self.path("text", "no database at all\n" * 100), code=USAGE,
                     says="text")
        Server(self, "--state", self.folder / "state")
        self.refused("--state", self.folder / "state", code=USAGE, says="state")

    def test_port_file(self):
        self.refused("--port-file", self.folder / "none" / "port", code=USAGE, says="port")
        (self.folder / "port").mkdir()
        self.refused("--port-file", self.folder / "port", code=USAGE, says="port")
        self.assertEqual(os.listdir(self.folder), ["port"])

    def test_log(self):
        self.refused("--log", self.folder / "none" / "log", code=USAGE, says="log")

    def test_control(self):
        text = self.path("text", "keep me")
        self.refused("--control", text, code=UNREACHED, says="no socket")
        self.assertEqual(text.read_bytes(), b"keep me")
        self.refused("--control", "", code=UNREACHED, says="path")
        self.refused("--control", "x" * 200, code=UNREACHED, says="path")
        self.refused("--control", self.folder / "none" / "c", code=UNREACHED, says="none")

    def test_living_socket_is_left_alone(self):
        server = Server(self)
        self.refused("--control", server.control, code=UNREACHED, says="another server")
        server.ctl("status")
        server.end()

    def test_stale_socket_is_replaced(self):
        server = Server(self)
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(live.SECONDS)
        self.assertTrue(os.path.exists(server.control))
        result = self.cmrp("ctl", "--control", server.control, "status", code=UNREACHED)
        self.assert_one_line(result.err, "has ended")
        again = Server(self)
        again.ctl("status")
        again.end()

    def test_socket_of_another_is_not_removed(self):
        server = Server(self)
        os.rename(server.control, server.control + "2")
        pathlib.Path(server.control).write_text("mine", "ascii")
        server.end()
        self.assertEqual(pathlib.Path(server.control).read_text("ascii"), "mine")


class End(support.CliTest):
    def test_signals(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            server = Server(self)
            server.end(number)

    def test_blocked_calls_complete(self):
        server = Server(self)
        with server.running(CREATE_NOTIFY, WATCH_GROUPS, GET_NOTIFY) as (process, lines, errors):
            server.until("a call waits", lambda status: status["calls"]["waiting"] == 1)
            server.end()
            self.assertEqual(process.wait(live.SECONDS), OK, errors.all)
            lines.thread.join(live.SECONDS)
            last = json.loads(lines.all[-1])
            self.assertEqual(last["call"], "ApiGetNotify")
            self.assertEqual(last["response"]["return"], 5073)
            self.assertIsNone(last["response"]["Name"])

    def test_many_blocked_calls_complete(self):
        server = Server(self)
        steps = []
        for n in range(20):
            steps += [{"call": "ApiCreateNotifyV2", "as": f"p{n}"},
                      {"call": "ApiGetNotifyV2", "params": {"hNotify": f"$p{n}"}, "as": f"g{n}",
                       "start": True, "return": "any"}]
        steps += [{"call": "ApiCreateBatchPort", "as": "b"},
                  {"call": "ApiGetBatchNotification", "params": {"hBatchNotify": "$b"}, "as": "gb",
                   "start": True, "return": "any"}]
        steps += [{"await": f"g{n}"} for n in range(20)] + [{"await": "gb"}]
        with server.running(*steps) as (process, lines, errors):
            server.until("calls wait", lambda status: status["calls"]["waiting"] == 21)
            server.end()
            self.assertEqual(process.wait(live.SECONDS), OK, errors.all)
            lines.thread.join(live.SECONDS)
            calls = [json.loads(line) for line in lines.all]
            answers = [c for c in calls if c["call"].startswith("ApiGet")]
            self.assertEqual(len(answers), 21)
            for call in answers:
                self.assertIn("response", call)
                self.assertNotEqual(call["response"]["return"], 0)

    def test_idle_connections_do_not_hold_it_up(self):
        server = Server(self)
        with socket.create_connection((server.host, server.port), live.SECONDS) as idle:
            idle.sendall(b"\5\0\13\3\x10\0\0\0")  # half a bind
            server.until("it is there", lambda status: status["connections"] == 1)
            server.end()

    def test_a_second_signal_ends_at_once(self):
        server = Server(self)
        for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGINT):  # both come together
            server.process.send_signal(number)
        server.end(signal.SIGCONT, INCOMPLETE)
        self.assertIn("second signal", server.err.all[-1])

    def test_a_client_that_never_reads_does_not_hold_it_up(self):
        server = Server(self, "--limit", "output=1000000000")
        server.ctl("registry", "set", "\\", "V", "REG_BINARY", "00" * 60000)
        with Deaf(server) as client:
            client.ask_for_values(600)
            client.wait_until_full()
            server.end()

    def test_stop_command(self):
        server = Server(self)
        self.assertEqual(server.ctl("stop").out, "")
        server.wait()

    def test_status_by_signal(self):
        server = Server(self)
        server.err.next()
        server.process.send_signal(signal.SIGUSR1)
        match = server.err.until(r"Z (\{.*\})$")
        status = json.loads(match[1])
        self.assertEqual(status["listening"], server.address)
        self.assertEqual(status["handles"]["all"], 0)
        server.end()

    def test_nothing_is_left_behind(self):
        server = Server(self)
        steps = [{"call": "ApiOpenCluster", "as": "a"}, CREATE_NOTIFY,
                 {"call": "ApiGetRootKey", "as": "k"}]
        server.script(*steps)
        status = server.until("the client is gone", lambda s: s["connections"] == 0)
        self.assertEqual(status["handles"]["all"], 0)
        self.assertEqual(status["calls"]["waiting"], 0)
        server.end()

    def test_closed_output(self):
        """Standard output that nobody reads any more does not end it."""
        reader, writer = os.pipe()
        process = subprocess.Popen([self.program, "serve"], stdin=subprocess.DEVNULL, stdout=writer,
                                   stderr=writer, env=self.environment())
        os.close(writer)
        with open(reader, encoding="ascii") as out:
            port = re.search(r":(\d+)\n", out.readline())[1]
        try:
            self.cmrp("call", f"127.0.0.1:{port}", "ApiGetClusterName")
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(live.SECONDS), OK)
        finally:
            process.kill()
            process.wait(live.SECONDS)


class Wire(support.CliTest):
    def test_what_is_no_rpc(self):
        server = Server(self)
        for octets in (b"GET / HTTP/1.0\r\n\r\n", b"\0" * 64, b"\xff" * 64,
                       struct.pack("<BBBBIHHI", 5, 0, 0, 3, 16, 65535, 0, 1) + b"x" * 100):
            with socket.create_connection((server.host, server.port), live.SECONDS) as connection:
                connection.settimeout(live.SECONDS)
                connection.sendall(octets)
                connection.shutdown(socket.SHUT_WR)
                while True:
                    try:
                        if not connection.recv(4096):
                            break
                    except ConnectionResetError:
                        break
        server.call("ApiGetClusterName")
        server.end()


if __name__ == "__main__":
    support.main()
