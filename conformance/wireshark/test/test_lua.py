#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the Lua dissector, run by tshark, against `cmrp replay` on every capture: the same calls in
the same frames with the same flags, strings, statuses, handles and batch commands; and an error
wherever a stub ends too early.
Then wrong stubs and batches of the vectors, which must give an error, and no error of Lua.
usage: test_lua.py CMRP cmrp.lua FOLDER-OF-VECTORS"""
import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile

FIELDS = ("method", "flag", "object_type", "text", "status", "handle", "batch.command",
          "batch.name", "error")
UNIT = "\x1f"


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"{command}: exit {done.returncode}\n{done.stderr}")
    return done


def dissected(lua, capture):
    """What tshark shows: frame -> field -> values in order."""
    command = ["tshark", "-r", str(capture), "-X", f"lua_script:{lua}", "-Y", "cmrp", "-T", "fields",
               "-E", f"aggregator={UNIT}", "-E", "separator=/t", "-E", "quote=n",
               "-d", "tcp.port==49152,dcerpc", "-e", "frame.number"]
    done = run(command + [word for name in FIELDS for word in ("-e", f"cmrp.{name}")])
    if "Lua" in done.stderr or done.returncode != 0:
        sys.exit(f"{capture}: {done.stderr}")
    frames = {}
    for line in done.stdout.splitlines():
        cells = line.split("\t")
        frames[int(cells[0])] = {name: cell.split(UNIT) if cell else []
                                 for name, cell in zip(FIELDS, cells[1:], strict=True)}
    return frames


def walk(params, key, wanted):
    """Adds what the dissector shows of a value to wanted, in the order of the stub or not."""
    if isinstance(params, dict) and "commands" in params:
        for command in params["commands"]:
            name = command["command"]
            wanted["batch.command"].append(
                name if isinstance(name, str) else f"reserved command {name}")
            if "name" in command:
                wanted["batch.name"].append(command["name"])
    elif isinstance(params, dict):
        for name, value in params.items():
            if name.endswith("_names"):
                # The last member's name only: a nested structure has a path of names.
                field = "object_type" if name == "dwObjectType_names" else "flag"
                wanted[field] += value
            elif name != "buffer_payload":
                walk(value, name, wanted)
    elif isinstance(params, list):
        for element in params:
            walk(element, key, wanted)
    elif isinstance(params, str) and HANDLE.fullmatch(params) and not is_octets(key):
        wanted["handle"].append(params)
    elif isinstance(params, str) and params and key not in DIGITS and not is_octets(key):
        wanted["text"].append(params)


HANDLE = re.compile("[0-9a-f]{40}")
DIGITS = {"FilterFlags", "dwNotifyKey", "filter"}  # 64-bit numbers, decimal strings


def is_octets(key):
    return key in ("buffer", "lpData", "lpSecurityDescriptor", "lpInBuffer", "lpOutBuffer",
                   "Properties", "RoProperties", "pProperties", "pRoProperties", "lpNodeList")


def replayed(cmrp, capture):
    """What cmrp says: frame -> wanted values; frames whose stub is wrong; frames not compared."""
    frames, wrong = {}, set()
    for line in run([cmrp, "replay", "-r", str(capture), "-T", "json"]).stdout.splitlines():
        record = json.loads(line)
        if record["kind"] != "call" or record.get("guessed") or record.get("mapped"):
            continue
        bad = {f["frame"] for f in record["findings"] if f["level"] == "must"}
        wrong |= bad
        for side in ("request", "response"):
            frame = record.get(f"{side}_frame")
            # Of protocol 2, which Wireshark does not know, a stub of no octets is not shown to us.
            if side in record and frame not in bad and (record[side] or record["interface"] == 3):
                wanted = frames.setdefault(frame, collections.defaultdict(list))
                wanted["method"].append(record["method"])
                walk(record[side], "", wanted)
    return frames, wrong


def compare(capture, frames, wrong, shown):
    problems = []
    for frame, wanted in sorted(frames.items()):
        got = shown.get(frame)
        if frame in wrong:
            continue
        if got is None:
            problems.append(f"frame {frame}: {wanted['method']} is not shown")
            continue
        if got["error"]:
            problems.append(f"frame {frame}: {wanted['method']}: {got['error']}")
        for name in FIELDS[:-1]:
            if name == "status":
                continue
            # Strings that no terminal shows are escaped by tshark.
            left, right = (sorted(v for v in values if v and v.isprintable() and "\\" not in v)
                           for values in (wanted[name], got[name]))
            if left != right:
                problems.append(f"frame {frame}: {wanted['method']}: {name}: cmrp {left}, "
                                f"tshark {right}")
    for frame in sorted(wrong & shown.keys()):
        if not shown[frame]["error"]:
            problems.append(f"frame {frame}: {shown[frame]['method']}: no error is shown")
    return [f"{capture.name}: {problem}" for problem in problems]


def tshark(lua, capture, *words):
    return run(["tshark", "-r", str(capture), "-X", f"lua_script:{lua}",
                "-d", "tcp.port==49152,dcerpc", *words]).stdout


def check_views(lua, captures):
    """The Info column, a display filter, the line of a command."""
    capture = captures / "samba-libdcerpc_to_go-msrpc.pcap"
    problems = []
    filtered = tshark(lua, capture, "-Y", 'cmrp.batch.command == "CLUSREG_VALUE_DELETED"')
    if len(filtered.splitlines()) != 1 or "6 commands (DELETE_VALUE, SET_VALUE" not in filtered:
        problems.append(f"filter and Info column: {filtered}")
    detail = tshark(lua, capture, "-V", "-O", "cmrp")
    for line in ('3: CLUSREG_VALUE_DELETED "NotifyTest" REG_SZ "hello world"',
                 "Flag: CLUSTER_CHANGE_GROUP_STATE_V2",
                 "[Expert Info (Error/Malformed): isTargetedAtObject: 4 octets are needed, 1 are left]"):
        if line not in detail:
            problems.append(f"not shown: {line}")
    return problems


SAMPLES = 24


def check_wrong_vectors(cmrp, lua, vectors):
    """Some of the vectors that end too early, or whose counts and lengths lie."""
    wrong = []
    for path in sorted(vectors.glob("*/*.json")):
        for test in json.loads(path.read_text(encoding="utf-8")).get("tests", []):
            code = test.get("error", {}).get("code")
            if "hex" not in test or test.get("interface") == 2:
                continue  # nothing to show, or a datagram that other dissectors take first
            if test["type"] == "stub" and code in ("truncated", "overrun", "count-mismatch"):
                wrong.append(test["id"])
            elif test["type"] == "batch" and code in ("truncated", "name-overrun", "data-overrun"):
                wrong.append(test["id"])
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        capture = pathlib.Path(folder) / "wrong.pcap"
        for ident in wrong[::len(wrong) // SAMPLES]:
            with capture.open("wb") as out:
                done = subprocess.run([cmrp, "export", ident, "--as", "pcap"], stdout=out, check=False)
            shown = tshark(lua, capture, "-V", "-O", "cmrp") if done.returncode == 0 else "no pcap"
            if "Lua Error" in shown or "Expert Info (Error/Malformed)" not in shown:
                problems.append(f"{ident}: {shown[-600:]}")
    return problems, len(wrong)


def main():
    cmrp, lua, vectors = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    folder = vectors / "captures"
    problems, compared = [], collections.Counter()
    for capture in sorted(folder.glob("*.pcap")):
        frames, wrong = replayed(cmrp, capture)
        shown = dissected(lua, capture)
        compared["captures"] += 1
        compared["stubs"] += len(frames)
        compared["wrong"] += len(wrong & shown.keys())
        compared["batch commands"] += sum(len(w["batch.command"]) for w in frames.values())
        compared["flags"] += sum(len(w["flag"]) for w in frames.values())
        problems += compare(capture, frames, wrong, shown)
    more, compared["wrong vectors"] = check_wrong_vectors(cmrp, lua, vectors)
    problems += more + check_views(lua, folder)
    print("\n".join(problems[:60]))
    print(", ".join(f"{number} {what}" for what, number in compared.items()))
    enough = all(compared[w] > 0 for w in ("captures", "stubs", "wrong", "batch commands", "flags"))
    return 1 if problems or not enough else 0


if __name__ == "__main__":
    sys.exit(main())
