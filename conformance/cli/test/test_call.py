#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""cmrp call: single calls, scripts, and servers that are not there or do not answer."""
import json
import signal
import socket
import threading
import time

import jsonschema

import live
import support
from live import Server
from support import FINDINGS, OK, UNREACHED, USAGE

SCHEMA = support.ROOT / "docs" / "schema" / "call.json"
BATCH = {"version": 1, "commands": [
    {"command": "CLUSREG_SET_VALUE", "value_type": "REG_SZ", "name": "V", "data": "61000000"}]}


class CallTest(support.CliTest):
    def setUp(self):
        super().setUp()
        self.server = Server(self)

    def tearDown(self):
        self.server.end()

    def calls(self, *steps, code=OK):
        """Runs a script; its calls, each as the schema says."""
        result = self.server.script(*steps, code=code)
        schema = json.loads(SCHEMA.read_text("utf-8"))
        for line in result.lines:
            jsonschema.validate(line, schema)
        return result


class Single(CallTest):
    def test_parameters(self):
        out = self.server.call("ApiGetClusterName").out
        self.assertEqual(out, 'ApiGetClusterName        ok  => ClusterName "CLUSTER1"  '
                              'NodeName "NODE1"\n')
        out = self.server.call("ApiGetGroupState", 'hGroup={"open":"Web"}').out
        self.assertIn("ClusterGroupOnline", out)
        out = self.server.call("ApiOpenGroup", "lpszGroupName=Web").out
        self.assertIn("=> group#1", out)
        out = self.server.call("ApiOpenGroup", 'lpszGroupName="Web"').out
        self.assertIn("=> group#1", out)

    def test_both_syntaxes(self):
        for syntax in ("ndr", "ndr64"):
            result = self.server.call("-T", "json", "--syntax", syntax, "ApiGetClusterName")
            self.assertEqual(result.json["syntax"], syntax)

    def test_verbose(self):
        out = self.server.call("-V", "ApiGetGroupState", 'hGroup={"open":"Web"}').out
        self.assertIn("ApiOpenGroup", out)
        self.assertRegex(out, r"(?m)^    rpc_status +0$")

    def test_refusals(self):
        result = self.server.call("ApiOpenGroup", "lpszGroupName=None", code=FINDINGS)
        self.assertIn("ERROR_GROUP_NOT_FOUND", result.out)
        self.assert_one_line(result.err, "step 1: ApiOpenGroup: ERROR_GROUP_NOT_FOUND (5013)")
        for words, says in ((("ApiNone",), 'no method "ApiNone"'),
                            (("ApiOpenGroup", "x"), "NAME=VALUE"),
                            (("ApiOpenGroup", "=x"), "NAME=VALUE"),
                            (("ApiOpenGroup", "a=1", "a=2"), "NAME=VALUE"),
                            (("ApiCloseNotify",), "Notify is missing"),
                            (("ApiCloseNotify", 'Notify={"open":"x"}'), "nothing that is opened"),
                            (("ApiCloseKey", 'pKey={"close":"x"}'), "a handle is "),
                            (("ApiGetGroupState", "hGroup=Web"), 'a handle is "$NAME"'),
                            (("ApiGetGroupState", "hGrup=Web"), 'no parameter "hGrup"'),
                            (("ApiOpenGroup", "lpszGroupName=x", "other=1"), '"other"'),
                            (("ApiAddNotifyCluster", 'dwFilter_names=["x"]'), "dwFilter is to be"),
                            (("--syntax", "xdr", "ApiOpenCluster"), "--syntax"),
                            (("--epmap-port", "0", "ApiOpenCluster"), "--epmap-port"),
                            (("--timeout", "x", "ApiOpenCluster"), "--timeout"),
                            ((), "METHOD")):
            with self.subTest(words):
                self.assertIn(says, self.server.call(*words, code=USAGE).err)
        result = self.server.call("ApiOpenGroup", code=FINDINGS)
        self.assertIn("lpszGroupName: missing", result.err)


class Script(CallTest):
    def test_values_of_earlier_calls(self):
        steps = [{"call": "ApiGetRootKey", "as": "root"},
                 {"call": "ApiCreateKey", "params": {"hKey": "$root", "lpSubKey": "App"},
                  "as": "key"},
                 {"call": "ApiExecuteBatch", "params": {"hKey": "$key", "lpData": BATCH}},
                 {"call": "ApiQueryValue", "params": {"hKey": "$key.return", "lpValueName": "V",
                                                      "cbData": 100}},
                 {"call": "ApiGetClusterName", "as": "name"},
                 {"call": "ApiOpenNode", "params": {"lpszNodeName": "$name.NodeName"}},
                 {"call": "ApiOpenGroup", "params": {"lpszGroupName": "$$x"}, "return": 5013}]
        calls = self.calls(*steps).lines
        self.assertEqual([call["call"] for call in calls], [step["call"] for step in steps])
        self.assertEqual(calls[3]["response"]["lpValueType"], 1)
        self.assertEqual(calls[5]["request"]["lpszNodeName"], "NODE1")
        self.assertEqual(calls[6]["request"]["lpszGroupName"], "$x")

    def test_calls_that_are_only_started(self):
        steps = [{"call": "ApiCreateNotify", "as": "port"},
                 {"call": "ApiAddNotifyCluster", "params": {"hNotify": "$port", "dwFilter": 0x4000}},
                 {"call": "ApiGetNotify", "params": {"hNotify": "$port"}, "as": "get",
                  "start": True},
                 {"call": "ApiCreateGroup", "params": {"lpszGroupName": "Shop"}},
                 {"await": "get"}, {"await": "get"}]
        calls = self.calls(*steps).lines
        self.assertEqual({call["call"] for call in calls},
                         {step["call"] for step in steps if "call" in step})
        got = [call for call in calls if call["call"] == "ApiGetNotify"][0]
        self.assertEqual(got["response"]["Name"], "Shop")

    def test_cancel(self):
        steps = [{"call": "ApiCreateNotify", "as": "port"},
                 {"call": "ApiGetNotify", "params": {"hNotify": "$port"}, "as": "get",
                  "start": True, "return": "any"},
                 {"wait": 0.1}, {"cancel": "get"}, {"await": "get"},
                 {"call": "ApiGetClusterName"}]
        calls = self.calls(*steps).lines
        self.assertEqual(calls[-1]["call"], "ApiGetClusterName")
        self.assertEqual(len(calls), 3)

    def test_expectations(self):
        missing = {"call": "ApiOpenGroup", "params": {"lpszGroupName": "None"}}
        for expected in (5013, "ERROR_GROUP_NOT_FOUND", "any"):
            self.calls(missing | {"return": expected})
        result = self.calls(missing | {"return": 5}, code=FINDINGS)
        self.assertIn("ERROR_GROUP_NOT_FOUND (5013) instead of ERROR_ACCESS_DENIED (5)", result.err)
        result = self.calls({"call": "ApiOpenCluster", "return": 5}, {"call": "ApiOpenCluster"},
                            code=FINDINGS)
        self.assertEqual(len(result.lines), 1)  # the first that fails ends it
        closed = [{"call": "ApiCreateNotify", "as": "p"},
                  {"call": "ApiCloseNotify", "params": {"Notify": "$p"}},
                  {"call": "ApiCloseNotify", "params": {"Notify": "$p"}, "fault": 0x1c00001a}]
        self.assertEqual(self.calls(*closed).lines[2]["fault"], 0x1c00001a)

    def test_an_array_and_lines(self):
        steps = [{"call": "ApiOpenCluster", "comment": "x"}] * 2
        for text in (json.dumps(steps), "# x\n\n  " + json.dumps(steps[0]) + "\r\n" +
                     json.dumps(steps[1])):
            self.assertEqual(len(self.server.call("--script", "-", stdin=text).out.splitlines()), 2)
        path = self.path("script", json.dumps(steps))
        self.server.call("--script", path)

    def test_wrong_scripts(self):
        for steps, says in (
                (["x"], "step 1: a step is an object"),
                ([{"call": "ApiOpenCluster", "then": 1}], 'step 1: unknown key "then"'),
                ([{"call": 7}], 'step 1: no method ""'), ([{}], "step 1: no method"),
                ([{"call": "ApiOpenCluster", "params": []}], "is no object"),
                ([{"call": "ApiOpenCluster", "as": "a"}] * 2, "step 2: \"a\" is the name"),
                ([{"call": "ApiOpenCluster", "return": "x"}], '"return" is'),
                ([{"call": "ApiOpenCluster", "return": -1}], '"return" is'),
                ([{"call": "ApiOpenCluster", "fault": "x"}], '"fault" is'),
                ([{"call": "ApiOpenCluster", "fault": 1, "return": 1}], "not both"),
                ([{"call": "ApiOpenCluster", "start": True}], "needs a name"),
                ([{"await": "a"}], 'no call "a" was started'), ([{"await": 1}], "was started"),
                ([{"call": "ApiOpenCluster", "as": "a"}, {"cancel": "a"}], "was started"),
                ([{"wait": "x"}], "seconds"), ([{"wait": -1}], "seconds")):
            with self.subTest(steps):
                result = self.server.call("--script", "-", code=USAGE, stdin=json.dumps(steps))
                self.assertEqual(result.out, "")
                self.assert_one_line(result.err, says)
        result = self.server.call("--script", "-", code=USAGE, stdin='{"call"}\n')
        self.assert_one_line(result.err, "standard input: line 1 column")
        for nothing in ("", "# nothing\n\n", "[]"):
            result = self.server.call("--script", "-", code=USAGE, stdin=nothing)
            self.assert_one_line(result.err, "there is no step in it")
        self.server.call("--script", self.folder / "none", code=USAGE)
        self.server.call("--script", "-", "x", code=USAGE)

    def test_references_that_lead_nowhere(self):
        for reference, says in (("$none", "no step before has this name"), ("$", "no step before"),
                                ("$a.none", "has no such parameter"), ("$a", "no single handle"),
                                ("$later", "no step before")):
            steps = [{"call": "ApiGetClusterName", "as": "a"},
                     {"call": "ApiOpenNode", "params": {"lpszNodeName": reference}},
                     {"call": "ApiOpenCluster", "as": "later"}]
            with self.subTest(reference):
                self.assertIn(says, self.calls(*steps, code=FINDINGS).err)

    def test_handles_are_opened_once(self):
        steps = [{"call": "ApiGetGroupState", "params": {"hGroup": {"open": "Web"}}}] * 5
        self.calls(*steps)
        self.assertEqual(self.server.status()["calls"]["made"], 6)

    def test_the_server_ends_meanwhile(self):
        with self.server.running({"call": "ApiCreateNotify", "as": "p"},
                                 {"call": "ApiGetNotify", "params": {"hNotify": "$p"}}) \
                as (process, _, errors):
            self.server.until("it waits", lambda status: status["calls"]["waiting"] == 1)
            self.server.process.send_signal(signal.SIGKILL)
            self.assertEqual(process.wait(live.SECONDS), UNREACHED)
            errors.thread.join(live.SECONDS)
            self.assertIn("step 2: ApiGetNotify: ", errors.all[-1])
        self.server.process.wait(live.SECONDS)
        self.server = Server(self)


class Unreached(support.CliTest):
    def test_nobody_listens(self):
        with live.loopback_port() as taken:
            port = taken.getsockname()[1]
        for target in (f"127.0.0.1:{port}", f"[::1]:{port}", "host.invalid:1"):
            result = self.cmrp("call", target, "ApiOpenCluster", code=UNREACHED)
            self.assert_one_line(result.err, f"{target}: ")
        result = self.cmrp("call", "--epmap-port", port, "127.0.0.1", "ApiOpenCluster",
                           code=UNREACHED)
        self.assert_one_line(result.err, "127.0.0.1: endpoint mapper: ")

    def test_nobody_answers(self):
        with live.loopback_port() as silent:
            began = time.monotonic()
            self.cmrp("call", f"127.0.0.1:{silent.getsockname()[1]}", "--timeout", "1",
                      "ApiOpenCluster", code=UNREACHED)
            self.assertLess(time.monotonic() - began, 30)

    def test_what_is_no_server(self):
        with live.loopback_port() as strange:
            def answer():
                connection, _ = strange.accept()
                with connection:
                    connection.recv(4096)
                    connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")
                    connection.settimeout(live.SECONDS)
                    try:
                        while connection.recv(4096):
                            pass
                    except (ConnectionResetError, socket.timeout):
                        pass

            thread = threading.Thread(target=answer)
            thread.start()
            result = self.cmrp("call", f"127.0.0.1:{strange.getsockname()[1]}", "ApiOpenCluster",
                               code=UNREACHED)
            self.assert_one_line(result.err)
            thread.join(live.SECONDS)

    def test_targets(self):
        for target in ("", ":1", "host:", "host:0", "host:65536", "host:x", "[::1", "[::1]x",
                       "::1:49664", "a:b:c"):
            with self.subTest(target):
                result = self.cmrp("call", target, "ApiOpenCluster", code=USAGE)
                self.assertIn("HOST[:PORT]", result.err)


if __name__ == "__main__":
    support.main()
