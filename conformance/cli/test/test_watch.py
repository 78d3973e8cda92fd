#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""cmrp watch: what it shows of a live cluster, how it comes back, and how it ends."""
import contextlib
import itertools
import json
import os
import re
import signal
import subprocess
import time

import live
import old_cluster
import support
import test_schema
from live import Server
from support import INCOMPLETE, OK, UNREACHED, USAGE

HELLO = "hello\0".encode("utf-16-le").hex()
BYE = "bye\0".encode("utf-16-le").hex()
GROUP_STATE = 0x1000


class Watch:
    """A `cmrp watch` that runs beside the test, once it is watching."""

    def __init__(self, test, target, *words, ready=True):
        self.test = test
        self.process = subprocess.Popen(
            [test.program, "watch", str(target), *map(str, words)], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=test.environment())
        self.out, self.err = live.Lines(self.process.stdout), live.Lines(self.process.stderr)
        test.addCleanup(self.kill)
        if ready:
            self.err.until(r"watching cluster")

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(live.SECONDS)
        self.out.thread.join(live.SECONDS)
        self.err.thread.join(live.SECONDS)

    def end(self, number=signal.SIGINT, code=OK):
        self.process.send_signal(number)
        self.wait(code)

    def wait(self, code=OK):
        self.test.assertEqual(self.process.wait(live.SECONDS), code, self.err.all)
        self.out.thread.join(live.SECONDS)
        self.err.thread.join(live.SECONDS)

    def record(self, **wanted):
        """The next JSON object with these members."""
        while (line := self.out.next()) is not None:
            record = json.loads(line)
            if all(record.get(key) == value for key, value in wanted.items()):
                return record
        raise AssertionError(f"no record has {wanted}: {self.out.all}")


class WatchTest(support.CliTest):
    def watch(self, server, *words, **keys):
        return Watch(self, server.address, *words, **keys)

    def batch(self, *commands):
        """A file for `cmrp ctl batch`: commands as (name, value_type, name, data)."""
        keys = ("command", "value_type", "name", "data")
        document = {"version": 1, "commands": [dict(zip(keys, command)) for command in commands]}
        return self.path("batch.json", json.dumps(document))


class Events(WatchTest):
    def test_states_by_name(self):
        server = Server(self)
        watch = self.watch(server, "--filter", "GROUP_STATE,RESOURCE_STATE", "-T", "json")
        server.ctl("offline", "group", "Web")
        record = watch.record(change="CLUSTER_CHANGE_GROUP_STATE_V2", name="Web",
                              payload={"kind": "state", "value": "ClusterGroupOffline"})
        self.assertEqual(record["object_type"], "CLUSTER_OBJECT_TYPE_GROUP")
        self.assertEqual((record["port"], record["flags"]), (2, "8"))
        server.ctl("online", "resource", "Web Address")
        watch.record(change="CLUSTER_CHANGE_RESOURCE_STATE_V2", name="Web Address",
                     type="IP Address",
                     payload={"kind": "state", "value": "ClusterResourceOnline"})
        watch.end()
        changes = {json.loads(line).get("change") for line in watch.out.all}
        self.assertEqual(changes, {None, "CLUSTER_CHANGE_GROUP_STATE_V2",
                                   "CLUSTER_CHANGE_RESOURCE_STATE_V2"})
        server.end()

    def test_everything_unless_told(self):
        server = Server(self)
        watch = self.watch(server)
        server.ctl("create", "group", "New")
        watch.out.until(r'^\d\d:\d\d:\d\d\.\d{3}  CLUSTER_GROUP_ADDED +"New"  ')
        server.ctl("node", "pause", "NODE2")
        watch.out.until(r'NODE_STATE +"NODE2"  ClusterNodePaused \(2\)')
        server.ctl("rename", "cluster", "OTHER")
        watch.out.until(r'CLUSTER_RENAME +"OTHER"')
        server.ctl("property", "group", "Web", "Description", "what it is", "text")
        watch.out.until(r'GROUP_COMMON_PROPERTY +"Web"  1 property: "Description"')
        watch.out.until(r'^    .*"Description"  SZ  "what it is"')
        watch.end()
        server.end()

    def test_values_old_and_new(self):
        server = Server(self)
        server.ctl("registry", "create-key", "Sub")
        server.ctl("registry", "create-key", "Sub\\Deep")
        server.ctl("registry", "set", "Sub\\Deep", "before", "REG_SZ", "hello")
        watch = self.watch(server, "--filter", "REGISTRY_VALUE", "-T", "json", "--no-batches")
        server.ctl("registry", "set", "Sub\\Deep", "Before", "REG_SZ", "bye")
        record = watch.record(kind="notification")
        self.assertEqual((record["old"]["data"], record["new"]["data"]), (HELLO, BYE))
        server.ctl("registry", "set", "Sub\\Deep", "v", "REG_SZ", "hello")
        record = watch.record(kind="notification")
        self.assertEqual((record["name"], record["object_id"]), ("Sub\\Deep", "v"))
        self.assertEqual(record["old"], {})
        self.assertEqual(record["new"], {"type": "REG_SZ", "data": HELLO})
        server.ctl("registry", "set", "Sub\\Deep", "v", "REG_SZ", "bye")
        record = watch.record(kind="notification")
        self.assertEqual(record["old"], {"type": "REG_SZ", "data": HELLO})
        self.assertEqual(record["new"], {"type": "REG_SZ", "data": BYE})
        server.ctl("registry", "delete", "Sub\\Deep", "v")
        record = watch.record(kind="notification")
        self.assertEqual(record["old"], {"type": "REG_SZ", "data": BYE})
        self.assertEqual(record["new"], {})
        server.ctl("registry", "set", "", "big", "REG_BINARY", "ab" * 5000)
        record = watch.record(kind="notification", name="")
        self.assertEqual(record["new"], {"type": "REG_BINARY", "data": "ab" * 5000})
        watch.end()
        self.assertEqual(server.status()["handles"]["all"], 0)
        server.end()

    def test_a_key_that_comes_back_has_no_old_values(self):
        server = Server(self)
        server.ctl("registry", "create-key", "Sub\\Deep")
        server.ctl("registry", "set", "Sub\\Deep", "v", "REG_SZ", "hello")
        watch = self.watch(server, "--filter", "REGISTRY", "-T", "json", "--no-batches")
        server.ctl("registry", "delete-key", "Sub\\Deep")
        server.ctl("registry", "create-key", "Sub\\Deep")
        server.ctl("registry", "set", "Sub\\Deep", "v", "REG_SZ", "bye")
        record = watch.record(object_id="v", new={"type": "REG_SZ", "data": BYE})
        self.assertEqual(record["old"], {})
        watch.end()
        server.end()

    def test_values_as_text(self):
        server = Server(self)
        server.ctl("registry", "create-key", "Sub")
        watch = self.watch(server, "--filter", "registry_value", "--no-batches")
        server.ctl("registry", "set", "Sub", "v", "REG_SZ", "hello")
        watch.out.until(r'REGISTRY_VALUE +"Sub"  value "v"  \(.*\) -> REG_SZ "hello"')
        server.ctl("registry", "set", "Sub", "v", "REG_DWORD", "7")
        watch.out.until(r'"v"  REG_SZ "hello" -> REG_DWORD 7 \(0x00000007\)')
        server.ctl("registry", "delete", "Sub", "v")
        watch.out.until(r'REG_DWORD 7 \(0x00000007\) -> \(no value\)')
        server.ctl("registry", "set", "Sub", "w", "REG_SZ", "hello")
        server.ctl("registry", "set", "Sub", "w", "REG_SZ", "hello")
        watch.out.until(r'"w"  REG_SZ "hello", as before when it was read')
        watch.end()
        server.end()

    def test_batches(self):
        server = Server(self)
        server.ctl("registry", "create-key", "Sub")
        watch = self.watch(server, "--filter", "QUORUM", "--batches", "", "-T", "json")
        text = self.watch(server, "--filter", "QUORUM", "--batches", "Sub")
        for value in (HELLO, BYE):
            server.ctl("batch", "Sub", self.batch(("CLUSREG_SET_VALUE", "REG_SZ", "v", value)))
        first = watch.record(kind="batch")
        self.assertEqual(first["key"], "")
        second = [(one["command"], one["data"])
                  for one in watch.record(kind="batch")["batch"]["commands"]]
        self.assertIn(("CLUSREG_VALUE_DELETED", HELLO), second)
        self.assertIn(("CLUSREG_SET_VALUE", BYE), second)
        text.out.until(r'BATCH +"Sub"  \d+ commands?, \d+ octets$')
        text.out.until(r'^    CLUSREG_SET_VALUE +REG_SZ +"v"  "hello"')
        text.out.until(r'^    CLUSREG_SET_VALUE +REG_SZ +"v"  "bye"')
        watch.end()
        text.end()
        server.end()

    def test_one_key(self):
        server = Server(self)
        for key in ("In", "In\\Below", "Out"):
            server.ctl("registry", "create-key", key)
        watch = self.watch(server, "--registry", "In", "-T", "json", "--filter", "REGISTRY")
        for key in ("Out", "In\\Below", "In"):
            server.ctl("registry", "set", key, "v", "REG_SZ", "hello")
            server.ctl("batch", key, self.batch(("CLUSREG_SET_VALUE", "REG_SZ", "w", HELLO)))
        record = watch.record(kind="notification")
        self.assertEqual((record["registry"], record["name"], record["object_id"]),
                         ("In", "Below", "v"))
        self.assertEqual(record["new"]["data"], HELLO)
        watch.record(kind="notification", name="", object_id="w")
        watch.end()
        records = [json.loads(line) for line in watch.out.all]
        self.assertEqual(len([one for one in records if one["kind"] == "batch"]), 2)
        self.assertNotIn("Out", {one.get("name") for one in records})
        server.end()

    def test_order(self):
        server = Server(self)
        server.ctl("registry", "create-key", "Sub")
        watch = self.watch(server, "--filter", "REGISTRY_VALUE,CLUSTER_GROUP_ADDED", "-T", "json",
                           "--no-batches", "--count", "800")
        lines = []
        for n in range(400):
            lines += [f"registry set Sub v{n} REG_DWORD {n}", f"create group G{n}"]
        server.ctl("-", stdin="\n".join(lines))
        watch.wait()
        order = [one.get("object_id") if "new" in one else one["name"]
                 for one in map(json.loads, watch.out.all)
                 if one["kind"] == "notification" and (one["name"] == "Sub" or
                                                       one["name"].startswith("G"))]
        wanted = [name for n in range(400) for name in (f"v{n}", f"G{n}")]
        order = [name for name in order if re.fullmatch(r"[vG]\d+", name)]
        self.assertEqual(order, wanted[:len(order)])
        self.assertGreater(len(order), 100)
        server.end()

    def test_hostile_names(self):
        server = Server(self)
        name = "\x1b[31mred\u202e\u0007\n\"q\""
        # A control command cannot carry a newline; a method can.
        call = {"call": "ApiCreateGroup", "params": {"lpszGroupName": name}}
        text, lines = self.watch(server, "--filter", "CLUSTER"), self.watch(
            server, "--filter", "CLUSTER", "-T", "json")
        server.script(call)
        line = text.out.until(r"^.*CLUSTER_GROUP_ADDED.*\n$")[0]
        for raw in ("\x1b", "\u202e", "\x07"):
            self.assertNotIn(raw, line)
        self.assertIn("\\x1b[31mred", line)
        self.assertEqual(lines.record(kind="notification")["name"], name)
        text.end()
        lines.end()
        server.end()

    def test_syntaxes(self):
        server = Server(self)
        for syntax, name in (("ndr", "NDR20"), ("ndr64", "NDR64")):
            watch = self.watch(server, "--syntax", syntax, "--filter", "GROUP", "-T", "json")
            self.assertIn(name, json.loads(watch.out.next())["message"])
            server.ctl("offline", "group", "Web")
            server.ctl("online", "group", "Web")
            watch.record(payload={"kind": "state", "value": "ClusterGroupOnline"})
            watch.end()
        server.end()

    def test_endpoint_mapper(self):
        server = Server(self, "--epmap", "127.0.0.1:0")
        port = server.out.until(r"^endpoint mapper on 127\.0\.0\.1:(\d+)")[1]
        watch = Watch(self, "127.0.0.1", "--epmap-port", port)
        server.ctl("create", "group", "New")
        watch.out.until("CLUSTER_GROUP_ADDED")
        watch.end()
        server.end()


class Comings(WatchTest):
    """Reconnecting."""

    def test_the_server_dies_and_returns(self):
        server = Server(self)
        watch = self.watch(server, "--filter", "GROUP_STATE", "-T", "json")
        watch.record(status="watching")
        server.ctl("offline", "group", "Web")
        watch.record(name="Web")
        server.process.kill()
        watch.err.until(r"the connection is lost: .*; reconnecting")
        watch.record(status="lost")
        watch.err.until(r"still no connection: .*RPC_S_SERVER_UNAVAILABLE \(1722\)")
        server.kill()
        os.unlink(server.control)
        again = Server(self, "--listen", server.address)
        watch.err.until(r"reconnected to .* what happened meanwhile was missed")
        watch.record(status="reconnected")
        again.ctl("offline", "group", "Web")
        watch.record(name="Web", payload={"kind": "state", "value": "ClusterGroupOffline"})
        watch.end()
        self.assertEqual(again.status()["handles"]["all"], 0)
        again.end()

    def test_another_server_of_the_port_knows_no_such_key(self):
        server = Server(self)
        server.ctl("registry", "create-key", "Sub")
        watch = self.watch(server, "--registry", "Sub")
        server.process.kill()
        server.kill()
        os.unlink(server.control)
        again = Server(self, "--listen", server.address)
        watch.err.until(r'key "Sub" cannot be opened: ERROR_FILE_NOT_FOUND \(2\)')
        watch.wait(UNREACHED)
        again.end()

    def test_interrupted_while_reconnecting(self):
        server = Server(self)
        watch = self.watch(server)
        server.process.kill()
        watch.err.until("still no connection")
        watch.end()
        server.kill()

    def test_never_reached(self):
        with live.loopback_port() as taken:
            port = taken.getsockname()[1]
        for words in ((f"127.0.0.1:{port}",), ("127.0.0.1", "--epmap-port", port),
                      ("no.such.host.invalid:1",)):
            with self.subTest(words):
                result = self.cmrp("watch", *words, code=UNREACHED)
                self.assertEqual(result.out, "")
                self.assert_one_line(result.err, "RPC_S_SERVER_UNAVAILABLE")

    def test_another_protocol(self):
        with live.loopback_port() as listener:
            process = subprocess.Popen(
                [self.program, "watch", "127.0.0.1:%d" % listener.getsockname()[1]],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env=self.environment())
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                out, err = process.communicate(timeout=live.SECONDS)
        self.assertEqual((process.returncode, out), (UNREACHED, b""))
        self.assert_one_line(err.decode(), "RPC_S_PROTOCOL_ERROR (1728): this is not DCE/RPC")

    def test_no_such_key(self):
        server = Server(self)
        result = self.cmrp("watch", server.address, "--registry", "No\\Such", code=UNREACHED)
        self.assert_one_line(result.err, 'key "No\\Such" cannot be opened', "(2)")
        server.end()


class Ends(WatchTest):
    def test_signals_close_everything(self):
        server = Server(self)
        for number in (signal.SIGINT, signal.SIGTERM):
            watch = self.watch(server)
            self.assertGreater(server.status()["handles"]["all"], 3)
            watch.end(number)
            self.assertEqual(server.status()["handles"]["all"], 0)
            self.assertEqual(watch.err.all[1:], [])
        server.end()

    def test_the_second_signal_does_not_wait(self):
        server = Server(self)
        watch = self.watch(server)
        server.process.send_signal(signal.SIGSTOP)
        try:
            start = time.monotonic()
            watch.process.send_signal(signal.SIGINT)
            time.sleep(0.3)
            self.assertIsNone(watch.process.poll())
            watch.end(signal.SIGINT)
            self.assertLess(time.monotonic() - start, 2.5)
            watch = self.watch(server, ready=False)  # never gets an answer
            time.sleep(0.3)
            watch.end(signal.SIGTERM)
        finally:
            server.process.send_signal(signal.SIGCONT)
        server.end()

    def test_a_silent_server_is_not_waited_for_long(self):
        server = Server(self)
        watch = self.watch(server)
        server.process.send_signal(signal.SIGSTOP)
        try:
            start = time.monotonic()
            watch.end()
            self.assertLess(time.monotonic() - start, 8)
        finally:
            server.process.send_signal(signal.SIGCONT)
        server.end()

    def test_count(self):
        server = Server(self)
        watch = self.watch(server, "--count", "3", "--filter", "CLUSTER")
        for n in range(5):
            server.ctl("create", "group", f"G{n}")
        watch.wait()
        self.assertEqual(len(watch.out.all), 3)
        server.end()

    def test_timeout(self):
        server = Server(self)
        self.cmrp("watch", server.address, "--timeout", "0.2")
        self.cmrp("watch", server.address, "--timeout", "0.2", "--count", "1", code=INCOMPLETE)
        server.process.send_signal(signal.SIGSTOP)
        try:
            result = self.cmrp("watch", server.address, "--timeout", "0.2", code=UNREACHED)
            self.assert_one_line(result.err, "not watching when the time was over")
        finally:
            server.process.send_signal(signal.SIGCONT)
        server.end()

    def test_nobody_reads(self):
        server = Server(self)
        for event in (True, False):
            watch = self.watch(server, ready=False)
            watch.err.until("watching")
            read, write = os.pipe()
            os.close(read)
            process = subprocess.Popen(
                [self.program, "watch", server.address], stdin=subprocess.DEVNULL, stdout=write,
                stderr=subprocess.PIPE, env=self.environment())
            os.close(write)
            errors = live.Lines(process.stderr)
            with contextlib.suppress(AssertionError):
                errors.until("watching")
            if event:
                server.ctl("create", "group", "New")
            self.assertEqual(process.wait(live.SECONDS), OK)
            errors.thread.join(live.SECONDS)
            self.assertLessEqual(len(errors.all), 1)
            watch.end()
        server.end()

    def test_full_disk(self):
        server = Server(self)
        with open("/dev/full", "wb") as full:
            process = subprocess.Popen(
                [self.program, "watch", server.address, "-T", "json"], stdin=subprocess.DEVNULL,
                stdout=full, stderr=subprocess.PIPE, env=self.environment())
        errors = live.Lines(process.stderr)
        self.assertEqual(process.wait(live.SECONDS), USAGE)
        errors.thread.join(live.SECONDS)
        self.assertIn("No space left", "".join(errors.all))
        server.end()


class Old(WatchTest):
    """A server without version 2 ports, which takes one call a connection."""

    def test_falls_back(self):
        old = old_cluster.OldCluster(self)
        watch = Watch(self, f"127.0.0.1:{old.port}", "-T", "json")
        said = "".join(watch.err.all)
        self.assertIn("does not know version 2 notification ports", said)
        self.assertIn("does not know batch ports", said)
        old.event(GROUP_STATE, "Group1", 5)
        record = watch.record(kind="notification")
        self.assertEqual((record["port"], record["change"], record["name"],
                          record["state_sequence"]),
                         (1, "CLUSTER_CHANGE_GROUP_STATE", "Group1", 5))
        old.event(1, "NODE1")
        watch.record(change="CLUSTER_CHANGE_NODE_STATE", name="NODE1")
        watch.end()
        self.assertEqual(len(old.calls("ApiUnblockGetNotifyCall")), 1)
        self.assertEqual(len(old.calls("ApiCloseNotify")), 1)
        cluster, = old.calls("ApiAddNotifyCluster")
        self.assertEqual(cluster["dwFilter"] & 0xA0080080, 0)  # nothing that only clients say
        self.assertEqual(cluster["dwFilter"] & GROUP_STATE, GROUP_STATE)
        key, = old.calls("ApiAddNotifyKey")
        self.assertEqual((key["Filter"], key["WatchSubTree"]), (0x70, 1))
        self.assertGreater(old.connections, 1)  # one waits, another one closes

    def test_asked_for(self):
        server = Server(self)
        watch = self.watch(server, "--filter", "CLUSTER_CHANGE_GROUP_STATE", "-T", "json")
        server.ctl("offline", "group", "Web")
        record = watch.record(kind="notification", name="Web")
        self.assertEqual((record["port"], record["change"]), (1, "CLUSTER_CHANGE_GROUP_STATE"))
        watch.end()
        server.end()

    def test_nothing_left(self):
        old = old_cluster.OldCluster(self)
        result = self.cmrp("watch", f"127.0.0.1:{old.port}", "--filter", "SHARED_VOLUME",
                           code=UNREACHED)
        self.assertIn("nothing of the filter can be told by version 1", result.err)


class Form(WatchTest):
    """docs/schema/watch.json."""

    def test_schema(self):
        validator = test_schema.validator_of("watch.json")
        server, old = Server(self), old_cluster.OldCluster(self)
        watch = self.watch(server, "-T", "json", "--filter", "*,CLUSTER_CHANGE_GROUP_STATE")
        other = Watch(self, f"127.0.0.1:{old.port}", "-T", "json")
        old.event(GROUP_STATE | 1, None)
        self.assertIsNone(other.record(kind="notification")["change"])
        server.ctl("offline", "group", "Web")
        server.ctl("property", "group", "Web", "Description", "text", "text")
        server.ctl("registry", "set", "", "v", "REG_SZ", "hello")
        server.ctl("batch", "", self.batch(("CLUSREG_SET_VALUE", "REG_SZ", "v", BYE)))
        watch.record(kind="batch")
        server.ctl("delete", "group", "Web", "force")
        watch.record(change="CLUSTER_CHANGE_GROUP_DELETED_V2")
        watch.end()
        other.end()
        kinds = set()
        for line in watch.out.all + other.out.all:
            record = json.loads(line)
            self.assertEqual([error.message for error in validator.iter_errors(record)], [], line)
            keys = (record["kind"], record.get("port"), "old" in record)
            if keys in kinds:
                continue
            kinds.add(keys)
            # The schema fits closely.
            record.pop("payload", None)
            record.pop("batch", None) and record.update(data="00", error={
                "code": "c", "offset": 0, "field": "f", "section": "s", "message": "m"})
            for place, changed in itertools.chain(
                    test_schema.changes(record), test_schema.without_each_key(
                        record, ("payload", "registry"))):
                with self.subTest(place):
                    self.assertFalse(validator.is_valid(changed), f"{changed}")
        self.assertEqual(kinds, {("status", None, False), ("notification", 1, False),
                                 ("notification", 2, False), ("notification", 2, True),
                                 ("batch", None, False)})
        server.end()


class Usage(WatchTest):
    def test_usage(self):
        for words, says in (((), "a server is missing"), (("a:1", "b:2"), "one server"),
                            (("a:0",), "HOST"), (("a:65536",), "HOST"), (("[::1",), "HOST"),
                            ((":1",), "HOST"), (("a", "--filter", "NOTHING"), '"NOTHING"'),
                            (("a", "--filter", ""), "neither"), (("::1:49664",), "HOST"),
                            (("a", "--filter", "GROUP_STATE,*_NO"), '"*_NO"'),
                            (("a", "--filter", "CLUSTER_HANDLE_CLOSE"), "clients only"),
                            (("a", "--filter", "CLUSTER_CHANGE_HANDLE_CLOSE"), "clients only"),
                            (("a", "--count", "0"), "--count"), (("a", "--count", "x"), "--count"),
                            (("a", "--timeout", "-1"), "--timeout"),
                            (("a", "--timeout", "nan"), "--timeout"),
                            (("a", "--syntax", "xdr"), "ndr or ndr64"), (("a", "-T", "xml"), "-T"),
                            (("a", "--epmap-port", "70000"), "--epmap-port"),
                            (("a", "--registry", b"\xff"), "UTF-8"),
                            (("a", "--batches", "x", "--no-batches"), "exclude"),
                            (("a", "--nonsense"), "")):
            with self.subTest(words):
                done = subprocess.run([self.program, "watch", *words], capture_output=True,
                                      check=False, timeout=live.SECONDS, env=self.environment())
                result = support.Result(done.returncode, done.stdout, done.stderr)
                self.assertEqual(result.code, USAGE)
                self.assert_usage(result, says)

    def test_help(self):
        result = self.cmrp("watch", "--help")
        self.assertTrue(result.out.startswith("usage: cmrp watch HOST[:PORT]"))


if __name__ == "__main__":
    support.main()
