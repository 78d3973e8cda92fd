#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the expected decodes of vectors/captures with tshark's dissection, field by field.

usage: check_tshark.py [CAPTURE.pcap...]

Every field of a call or bind line is looked up in the frame that the line names. What tshark 4.0
misreads is listed in DIFFERENCES and left out.

Exit codes: 0 all fields agree, 1 differences, 2 nothing to compare, 77 tshark is not installed.
"""
import datetime
import json
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[3]
COMMANDS = {"CLUSREG_SET_VALUE": 1, "CLUSREG_CREATE_KEY": 2, "CLUSREG_DELETE_KEY": 3,
            "CLUSREG_DELETE_VALUE": 4, "CLUSREG_VALUE_DELETED": 6, "CLUSREG_READ_KEY": 7,
            "CLUSREG_READ_VALUE": 8, "CLUSREG_READ_ERROR": 9}
OCTETS = ("lpData", "lpInData", "lpOutData", "buffer", "lpSecurityDescriptor",
          "lpInBuffer", "lpOutBuffer", "pProperties", "pRoProperties", "Properties", "RoProperties")
TYPES = {"REG_NONE": 0, "REG_SZ": 1, "REG_EXPAND_SZ": 2, "REG_BINARY": 3, "REG_DWORD": 4,
         "REG_MULTI_SZ": 7, "REG_QWORD": 11}
SYNTAXES = {"ndr": "8a885d04-1ceb-11c9-9fe8-08002b104860", "ndr64":
            "71710533-beba-4937-8319-b5dbef9ccc36"}
RESULTS = {"acceptance": 0, "user_rejection": 1, "provider_rejection": 2, "negotiate_ack": 3}
AUTH = {"type": {"none": 0, "spnego": 9, "ntlm": 10}, "level": {"none": 1, "integrity": 5,
                                                                "privacy": 6}}
# tshark takes dwNotifyKey of NOTIFICATION_RPC for a pointer. Where it is 0, a NULL pointer, the
# rest comes out right; otherwise its pointees are read from the wrong places, to a malformed end.
DIFFERENCES = {"dwNotifyKey", "buffer", "ObjectId", "ParentId", "Name", "Type",
               "dwNumNotifications", "return"}
# Registry types are not shown. Of a big-endian sender, a FILETIME is taken for one 64-bit number, and
# the first octet of a BOOL for all of it.
NOT_SHOWN = {"dwType", "lpType", "lpValueType"}
BIG_ENDIAN = {"lpftLastWriteTime", "WatchSubTree", "isTargetedAtObject"}


def dissect(capture):
    """Frame number -> list of (field, show, value), in order."""
    xml_text = subprocess.run(
        ["tshark", "-r", str(capture), "-d", "tcp.port==49152,dcerpc", "-T", "pdml",
         "--disable-protocol", "wg"],  # which takes a connectionless request for its own
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    frames = {}
    for packet in xml.etree.ElementTree.fromstring(xml_text):
        fields = [(f.get("name") or "", f.get("show") or "", f.get("value") or "")
                  for protocol in packet for f in protocol.iter("field")]
        fields += [("malformed", "", "") for p in packet.iter() if p.get("name") == "_ws.malformed"]
        frames[int(next(show for name, show, _ in fields if name == "frame.number"))] = fields
    return frames


def values(fields, name):
    return [show for field, show, _ in fields if field == name]


def leaves(params):
    """(name, value) of every parameter, nested ones by their last name."""
    for name, value in params.items():
        if name.endswith(("_names", "_payload")):
            continue
        if name == "lpftLastWriteTime":
            yield name, value["dwHighDateTime"] << 32 | value["dwLowDateTime"]
        elif isinstance(value, dict) and "commands" not in value:
            yield from leaves(value)
        elif isinstance(value, list):
            for row in value:
                yield from leaves(row)
        else:
            yield name, value


def batch(value):
    out = struct.pack("<I", value["version"])
    for command in value["commands"]:
        name = (command["name"] + "\0").encode("utf-16-le")
        data = bytes.fromhex(command["data"])
        kind = command["value_type"]
        out += struct.pack("<III", COMMANDS[command["command"]], TYPES.get(kind, kind), len(name))
        out += name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
    return out


def file_time(ticks):
    """A FILETIME as tshark shows it; 0 is no time to it but the epoch of Unix."""
    if ticks == 0:
        return "Jan  1, 1970 00:00:00.000000000 UTC"
    moment = datetime.datetime(1601, 1, 1) + datetime.timedelta(seconds=ticks // 10 ** 7)
    return moment.strftime("%b %e, %Y %H:%M:%S.") + f"{ticks % 10 ** 7:07}00 UTC"


def handle_octets(value, big):
    """A handle as its sender wrote it."""
    octets = bytes.fromhex(value)
    if big:
        octets = octets[3::-1] + octets[7:3:-1] + octets[9:7:-1] + octets[11:9:-1] + octets[12:]
    return octets


def expected_values(name, value, big):
    """What tshark shows for a value, as a list of strings; None where it shows no field."""
    if value is None:
        return None
    if isinstance(value, dict):
        return [str(octet) for octet in batch(value)]
    if name in OCTETS:
        return [str(octet) for octet in bytes.fromhex(value)]
    if name == "lpftLastWriteTime":
        return [file_time(value)]
    if isinstance(value, str) and re.fullmatch("[0-9a-f]{40}", value):
        return [handle_octets(value, big).hex(":")]
    return [str(value)]


def shown(fields, name, value):
    if name == "return" and isinstance(value, int):
        return [str(int(v, 16)) for v in values(fields, "clusapi.werror")]
    if name == "samDesired":
        return [str(int(v, 16)) for v in values(fields, "winreg.access_mask")]
    if name == "return":  # under another name, but the only handle of the response
        return [show for field, show, _ in fields if field.startswith("clusapi.")
                and re.fullmatch("([0-9a-f]{2}:){19}[0-9a-f]{2}", show)]
    return [str(int(show, 16)) if show.startswith("0x") else show for field, show, _ in fields
            if field.startswith("clusapi.") and field.rsplit(".", 1)[1] == name]


class Comparison:
    def __init__(self, capture):
        self.frames = dissect(capture)
        self.capture = capture.name
        self.problems = []
        self.compared = 0
        self.known = 0

    def equal(self, frame, name, ours, theirs):
        self.compared += 1
        if ours != theirs:
            self.problems.append(
                f"{self.capture} frame {frame}: {name}: {ours}, tshark has {theirs}")

    def stub(self, frame, params, malformed):
        fields = self.frames[frame]
        big = values(fields, "dcerpc.drep.byteorder")[-1:] == ["0"]
        unknown = NOT_SHOWN | (BIG_ENDIAN if big else set())
        if "lpOutBuffer" in params:
            unknown.add("nOutBufferSize")  # of the request; here the room of the array tells it
        rows = {}
        for name, value in leaves(params):
            want = expected_values(name, value, big)
            rows.setdefault(name, (value, []))
            if want is not None:
                rows[name][1].extend(want)
        notification = "FilterFlags" in rows and "dwNumNotifications" in rows
        malformed = malformed or set(rows.get("dwNotifyKey", (0, ["0"]))[1]) != {"0"}
        for name, (value, want) in rows.items():
            if (name in unknown or notification and name in DIFFERENCES
                    and (malformed or name == "dwNotifyKey")):
                self.known += 1
                continue
            self.equal(frame, name, want, shown(fields, name, value))

    def connectionless(self, line):
        """A call over UDP. tshark does not dissect parameters of this version of the interface."""
        seen = [(frame, self.frames[frame]) for key in ("request_frame", "response_frame")
                if (frame := line.get(key)) is not None]
        for frame, fields in seen:
            self.equal(frame, "call_id", [str(line["call_id"])], values(fields, "dcerpc.dg_seqnum"))
            self.equal(frame, "activity", [line["activity"]], values(fields, "dcerpc.dg_act_id"))
            self.equal(frame, "opnum", [str(line["opnum"])], values(fields, "dcerpc.opnum"))
            self.equal(frame, "interface", [str(line["interface"])],
                       values(fields, "dcerpc.dg_if_ver"))
        frame, fields = seen[-1]
        self.equal(frame, "fault", line.get("fault", 0),
                   int((values(fields, "dcerpc.dg_status") or ["0"])[0], 16))
        self.known += sum(1 for key in ("request", "response") for _ in leaves(line.get(key, {})))

    def call(self, line):
        if "activity" in line:
            self.connectionless(line)
            return
        request, response = self.frames[line["request_frame"]], self.frames[line["response_frame"]]
        for frame, fields in ((line["request_frame"], request), (line["response_frame"], response)):
            for key, name in (("call_id", "call_id"), ("context", "ctx_id")):
                self.equal(frame, key, {str(line[key])}, set(values(fields, f"dcerpc.cn_{name}")))
        self.equal(line["request_frame"], "opnum", str(line["opnum"]),
                   values(request, "dcerpc.opnum")[0])
        self.time(line)
        self.equal(line["response_frame"], "fault", line.get("fault", 0),
                   int((values(response, "dcerpc.cn_status") or ["0"])[0], 16))
        if line["state"] == "sealed":
            self.equal(line["request_frame"], "level", ["6"], values(request, "dcerpc.auth_level"))
        for key, fields in (("request", request), ("response", response)):
            if key in line and line["interface"] == 2:
                self.known += len(list(leaves(line[key])))  # tshark knows protocol 3 only
            elif key in line:
                malformed = any(name == "malformed" for name, _, _ in fields)
                self.stub(line[f"{key}_frame"], line[key], malformed)

    def time(self, line):
        fields = self.frames[line["request_frame"]]
        when = datetime.datetime.strptime(line["time"], "%Y-%m-%dT%H:%M:%S.%fZ")
        seconds = when.replace(tzinfo=datetime.timezone.utc).timestamp()
        self.equal(line["request_frame"], "time", round(seconds, 6),
                   round(float(values(fields, "frame.time_epoch")[0]), 6))
        for end, name in (("client", "src"), ("server", "dst")):
            self.equal(line["request_frame"], end, line[end],
                       f"{values(fields, f'ip.{name}')[0]}:{values(fields, f'tcp.{name}port')[0]}")

    def note(self, line):
        """Nothing that tshark says."""

    def endpoint(self, line):
        fields = self.frames[line["frame"]]
        self.equal(line["frame"], "address", line["address"],
                   f"{values(fields, 'epm.proto.ip')[0]}:{values(fields, 'epm.proto.tcp_port')[0]}")
        self.equal(line["frame"], "interface", str(line["interface"] << 8),
                   values(fields, "epm.uuid_version")[0])

    def bind(self, line):
        offer, answer = self.frames[line["request_frame"]], self.frames[line["response_frame"]]
        frame = line["request_frame"]
        contexts = line["contexts"]
        self.time(line)
        self.equal(frame, "contexts", [str(c["context"]) for c in contexts],
                   values(offer, "dcerpc.cn_ctx_id"))
        self.equal(frame, "uuid", [c["uuid"] for c in contexts],
                   values(offer, "dcerpc.cn_bind_to_uuid"))
        self.equal(frame, "version", [c["version"] for c in contexts],
                   [".".join(v) for v in zip(values(offer, "dcerpc.cn_bind_if_ver"),
                                             values(offer, "dcerpc.cn_bind_if_ver_minor"))])
        offered = [SYNTAXES.get(s, s.split("/")[0]) for c in contexts for s in c["offered"]]
        self.equal(frame, "offered", offered, values(offer, "dcerpc.cn_bind_trans_id"))
        frame = line["response_frame"]
        self.equal(frame, "result", [str(RESULTS[c["result"]]) for c in contexts],
                   values(answer, "dcerpc.cn_ack_result"))
        none = "00000000-0000-0000-0000-000000000000"
        accepted = [SYNTAXES[c["syntax"]] if "syntax" in c else none for c in contexts]
        self.equal(frame, "syntax", accepted, values(answer, "dcerpc.cn_ack_trans_id"))
        reasons = [str(c["reason"]) for c in contexts if "reason" in c]
        self.equal(frame, "reason", reasons, [r for r in values(answer, "dcerpc.cn_ack_reason")
                                             if r != "0"])
        for key in ("type", "level"):
            ours = AUTH[key][line["security"][key]]
            theirs = values(offer, f"dcerpc.auth_{key}") or [str(AUTH[key]["none"])]
            self.equal(frame, f"security {key}", [str(ours)], theirs)


def main():
    if len(sys.argv) > 1 and sys.argv[1] in ("-h", "--help"):
        print(__doc__.strip())
        return 0
    if shutil.which("tshark") is None:
        print("tshark is not installed: nothing is compared")
        return 77
    captures = [pathlib.Path(p) for p in sys.argv[1:]]
    captures = captures or sorted((ROOT / "vectors/captures").glob("*_to_*.pcap"))
    problems, compared, known = [], 0, 0
    for capture in captures:
        comparison = Comparison(capture)
        for text in capture.with_suffix(".expected.jsonl").read_text("utf-8").splitlines():
            line = json.loads(text)
            getattr(comparison, line["kind"])(line)
        problems += comparison.problems
        compared += comparison.compared
        known += comparison.known
    print("".join(f"{problem}\n" for problem in problems), end="")
    print(f"{compared} fields of {len(captures)} captures compared, {len(problems)} differ; "
          f"{known} not compared, which tshark is known to misread")
    return 2 if compared == 0 else 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
