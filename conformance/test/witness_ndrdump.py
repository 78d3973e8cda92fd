#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compare stubs as Samba's ndrdump reads them with the vectors and with `cmrp decode`.

Every little-endian stub vector of protocol 3 is dumped. Of those that may be accepted, each field
of the dump is compared with the vector's value and with what cmrp says: numbers, strings, handles,
arrays, octets, members of notifications. What ndrdump itself does wrong is listed below, as data;
every entry must still be wrong, so that the list cannot outlive its reasons. Of the malformed ones
it is counted whether ndrdump refuses them too; those that it accepts are listed as well.
"""
import argparse
import collections
import datetime
import fnmatch
import pathlib
import re
import sys
import tempfile
import uuid

import witness

# Status codes that ndrdump prints by name.
WERRORS = {"WERR_OK": 0, "WERR_INVALID_FUNCTION": 1, "WERR_FILE_NOT_FOUND": 2,
           "WERR_ACCESS_DENIED": 5, "WERR_INVALID_HANDLE": 6, "WERR_NOT_ENOUGH_MEMORY": 8,
           "WERR_INVALID_PARAMETER": 87, "WERR_DIR_NOT_EMPTY": 145, "WERR_MORE_DATA": 234,
           "WERR_WAIT_TIMEOUT": 258, "WERR_NO_MORE_ITEMS": 259,
           "WERR_INVALID_SECURITY_DESCR": 1338, "WERR_OBJECT_ALREADY_EXISTS": 5010,
           "WERR_GROUP_NOT_AVAILABLE": 5012, "WERR_RESOURCE_NOT_AVAILABLE": 5006,
           "WERR_RESOURCE_NOT_FOUND": 5007,
           "WERR_CALL_NOT_IMPLEMENTED": 120, "WERR_IO_PENDING": 997,
           "WERR_DEPENDENCY_NOT_FOUND": 5002, "WERR_DEPENDENCY_ALREADY_EXISTS": 5003,
           "WERR_HOST_NODE_NOT_AVAILABLE": 5005, "WERR_CANT_EVICT_ACTIVE_NODE": 5009,
           "WERR_RESOURCE_ONLINE": 5019, "WERR_NOT_QUORUM_CAPABLE": 5021,
           "WERR_INVALID_STATE": 5023, "WERR_RESOURCE_PROPERTIES_STORED": 5024,
           "WERR_CLUSTER_NODE_DOWN": 5050, "WERR_CLUSTER_NODE_NOT_PAUSED": 5058,
           "WERR_CLUSTER_RESOURCE_TYPE_NOT_FOUND": 5078,
           "WERR_GROUP_NOT_FOUND": 5013, "WERR_CLUSTER_NODE_NOT_FOUND": 5042,
           "WERR_CLUSTER_NETWORK_NOT_FOUND": 5045, "WERR_CLUSTER_NETINTERFACE_NOT_FOUND": 5047}
# What ndrdump calls a return value that is a handle.
RETURNED = {"ApiGetRootKey": "phKey", "ApiCreateKey": "phKey", "ApiOpenKey": "phKey",
            "ApiCreateNotify": "hNotify", "ApiCreateNotifyV2": "hNotify",
            "ApiOpenCluster": "Cluster", "ApiOpenClusterEx": "hCluster",
            "ApiOpenGroup": "hGroup", "ApiOpenGroupEx": "hGroup", "ApiCreateGroup": "hGroup",
            "ApiOpenNode": "hNode", "ApiOpenNodeEx": "hNode",
            "ApiOpenNetwork": "hNetwork", "ApiOpenNetworkEx": "hNetwork",
            "ApiOpenNetInterface": "hNetInterface", "ApiOpenNetInterfaceEx": "hNetInterface",
            "ApiOpenResource": "hResource", "ApiOpenResourceEx": "hResource",
            "ApiCreateResource": "hResource", "ApiCreateGroupEx": "hGroup",
            "ApiCreateGroupSet": "hGroupSet", "ApiOpenGroupSet": "hGroupSet"}

# Octet arrays, whose hex may be as long as that of a handle.
OCTETS = ("lpData", "lpInData", "lpOutData", "buffer", "lpSecurityDescriptor", "lpInBuffer",
          "lpOutBuffer", "Properties", "RoProperties", "pProperties", "pRoProperties")

# Defects by which ndrdump refuses what is right: patterns of vector ids, what it prints, why.
REFUSES = [
    ("*-lone-*-surrogate-ndr*", "Character Conversion Error",
     "strings are converted while they are read, and an unpaired surrogate cannot be converted"),
    ("*-raw-units-ndr*", "Character Conversion Error", "the same"),
    ("*-high-half-referent*-ndr64", "non-zero upper 32 bits",
     "NDR64 referents are read into 32 bits"),
    ("*-max-count-all-ones-ndr64", "non-zero upper 32 bits", "so are NDR64 counts"),
    ("stub-createkey-req-*-sizes-all-room-ndr", "Allocation Error",
     "memory is reserved for what is not sent"),
    ("stub-queryvalue-req-largest-room-ndr*", "Allocation Error", "or for the answer"),
    ("stub-enumvalue-req-largest-ndr*", "Allocation Error", "the same"),
    ("stub-addnotifyresourcetypev2-req-no-nul*", "Bad Array Size",
     "resTypeName is declared a string, whose NUL is not optional"),
]

# Malformed stubs that ndrdump accepts: patterns of vector ids, why.
ACCEPTS = [
    ("*-null-with-count", "a NULL array is not held against its count"),
    ("stub-getnotifyv2-resp-one-ndr-buffer-size-zero", "nor is an array against a count of 0"),
    ("stub-addnotifyv2-req-*-bool-one-octet", "isTargetedAtObject is read as one octet"),
    ("stub-addnotifyv2-req-*-cut-bool", "the same"),
    ("stub-recorded-samba-libdcerpc-addnotifyv2-req-*", "the same; this one it wrote itself"),
    ("stub-recorded-samba-addnotify*-req-*", "these too, and WatchSubTree likewise"),
    ("stub-recorded-samba-deletegroup-req-*", "and force"),
    ("stub-addnotifykey-req-*-cut-watchsubtree", "so is WatchSubTree"),
    ("stub-deletegroup-req-*-cut-force", "and force"),
    ("stub-createkey-req-*-null-with-length", "nor is NULL held against a length"),
    ("stub-createkey-req-*-inner-null", "the same"),
    ("stub-executereadbatch-resp-*-ndr64-read-as-ndr", "what is read is NULL beside a count"),
]


# ---- ndrdump's own defects that leave the rest comparable ---------------------------------------

BOOLS = {"ApiAddNotifyV2": "isTargetedAtObject", "ApiAddNotifyKey": "WatchSubTree",
         "ApiDeleteGroup": "force"}


def one_octet_bool(test):
    """Every BOOL, which ends its stub, is declared boolean8: three octets are left over."""
    return test["method"] in BOOLS and test["direction"] == "request"


def pointer_for_key(test):
    """dwNotifyKey of NOTIFICATION_RPC is declared a pointer: 0 is printed as NULL, and another
    value misleads the rest of the dump."""
    return (test["method"] == "ApiGetNotifyV2" and test["direction"] == "response"
            and bool(test["value"]["params"]["Notifications"]))


def string_cut_at_nul(test):
    """Strings end at their first NUL, wherever that stands."""
    return "InnerNul" in test["flags"] and "Surrogate" not in test["flags"]


def bool_shows(raw, test):
    return dump_unread(raw) == 3 + trailing_octets(test)


def key_shows(raw, test):
    keys = [int(item["dwNotifyKey"]) for item in test["value"]["params"]["Notifications"]]
    printed = re.findall(r"^ *dwNotifyKey +: (.*)$", raw, re.M)
    if any(keys):
        return "pull returned Success" not in raw or any(line == "*" for line in printed)
    return printed == ["NULL"] * len(keys)


def cut_shows(raw, test):
    """Whether the dump has the text before the NUL, and closes it there."""
    units = [bytes.fromhex(value) for path, value in witness.leaves(test["value"]).items()
             if path.endswith("/utf16")]
    texts = [cut_at_nul(unit.decode("utf-16-le")) for unit in units]
    return bool(texts) and all(f" : '{text}'\n" in raw for text in texts)


DEFECTS = [(one_octet_bool, bool_shows), (pointer_for_key, key_shows),
           (string_cut_at_nul, cut_shows)]


def keys_zeroed(test):
    """The octets with every dwNotifyKey 0, so that ndrdump can read the rest."""
    octets = bytearray(test["octets"])
    wide = test.get("syntax") == "ndr64"
    first, stride, width = (16, 72, 8) if wide else (8, 48, 4)
    for index in range(len(test["value"]["params"]["Notifications"])):
        at = first + stride * index
        octets[at:at + width] = bytes(width)
    return bytes(octets)


# ---- reading a dump -----------------------------------------------------------------------------

def cut_at_nul(text):
    return text.split("\0", 1)[0]


def dump_unread(raw):
    found = re.search(r"^WARNING! (\d+) unread bytes$", raw, re.M)
    return int(found[1]) if found else 0


def entries(raw):
    """(indentation, name, text behind the colon) of every line that names a field; a string may
    run over several lines."""
    lines = iter(raw.splitlines())
    for line in lines:
        found = re.fullmatch(r"( *)(\[\d+\]|\w+) *: (.*)", line, re.S)
        if not found:
            continue
        text = found[3]
        while text.startswith("'") and (len(text) == 1 or not text.endswith("'")):
            text += "\n" + next(lines)
        yield len(found[1]), found[2], text


class Node:
    """A line of the dump and the lines below it."""

    def __init__(self, name, text):
        self.name, self.text, self.below = name, text, []


def tree(raw):
    """The dump as nodes; below the line "in:" or "out:"."""
    stack = [(-1, Node("", ""))]
    for indent, name, text in entries(raw):
        while stack[-1][0] >= indent:
            stack.pop()
        node = Node(name, text)
        stack[-1][1].below.append(node)
        stack.append((indent, node))
    return parameters(stack[0][1]) or Node("", "")


def parameters(node):
    """The node "in" or "out" of the method; a verification trailer has none."""
    for below in node.below:
        found = below if below.name in ("in", "out") else parameters(below)
        if found:
            return found
    return None


def scalar(text):
    """A value as ndrdump prints it: 0x1f (31), -1, WERR_OK, REG_SZ (1), 'text'."""
    if text.startswith("'"):
        return text[1:-1]
    number = re.fullmatch(r"(-?\d+)|(0x[0-9a-fA-F]+)(?: \(-?\d+\))?", text)
    if number:
        return int(number[0].split()[0], 0)
    constant = re.fullmatch(r"\w+ \((-?\d+)\)", text)
    if constant:
        return int(constant[1]) & 0xffffffff
    return WERRORS.get(text, text)


def plain(node):
    """The value below a node: pointers followed, arrays as lists, octets as hex."""
    if node.text == "*":
        return plain(node.below[0])
    if node.text == "NULL":
        return None
    if node.text.startswith("ARRAY("):
        if all(item.name.startswith("[") for item in node.below):
            return bytes(scalar(item.text) for item in node.below).hex()
        return [plain(item) for item in node.below]
    if node.text.startswith("struct "):
        return {item.name: plain(item) for item in node.below}
    return scalar(node.text)


# ---- what the dump must say ---------------------------------------------------------------------

def handle(digits):
    """A handle's attributes, and its GUID as text."""
    octets = bytes.fromhex(digits)
    guid = uuid.UUID(bytes_le=octets[4:])
    return {"handle_type": int.from_bytes(octets[:4], "little"), "uuid": str(guid)}


def file_time(value):
    """ndrdump shows a FILETIME as a date, rounded to a second."""
    ticks = value["dwHighDateTime"] << 32 | value["dwLowDateTime"]
    if ticks == 0:
        return "NTTIME(0)"
    seconds = (ticks + 5 * 10 ** 6) // 10 ** 7
    moment = datetime.datetime(1601, 1, 1) + datetime.timedelta(seconds=seconds)
    return moment.strftime("%a %b %e %H:%M:%S %Y UTC")


def expected(key, value, test):
    """A vector's value as ndrdump shows it."""
    if key == "multiSzNodeList" and isinstance(value, dict):
        units = bytes.fromhex(value["utf16"])
        return [int.from_bytes(units[at:at + 2], "little") for at in range(0, len(units), 2)]
    if isinstance(value, dict) and "utf16" in value:
        return cut_at_nul(bytes.fromhex(value["utf16"]).decode("utf-16-le", "replace"))
    if isinstance(value, dict) and "commands" in value:
        return witness.batch_octets(value)
    if key == "lpftLastWriteTime":
        return file_time(value)
    if isinstance(value, dict):
        return {renamed(name, item, test): expected(name, item, test)
                for name, item in value.items()
                if (name, test["direction"]) != ("nOutBufferSize", "response")}  # the request's
    if isinstance(value, list):
        return [expected(key, item, test) for item in value] or ""  # printed as no octets are
    if key == "dwNotifyKey" and test["method"] == "ApiGetNotifyV2":
        return None  # pointer_for_key
    if key == BOOLS.get(test["method"]):
        return value & 0xff  # one_octet_bool
    if key in ("FilterFlags", "filter", "dwNotifyKey") and isinstance(value, (int, str)):
        return int(value)
    if is_handle(key, value):
        return handle(value)
    return value


def is_handle(key, value):
    return (isinstance(value, str) and key not in OCTETS
            and re.fullmatch("[0-9a-f]{40}", value) is not None)


def renamed(name, value, test):
    if name != "return":
        return name
    return RETURNED[test["method"]] if is_handle(name, value) else "result"


def trailing_octets(test):
    for warning in test.get("warnings", []):
        if warning["code"] == "trailing":
            # A verification trailer is known to ndrdump and not counted.
            return 0 if "VerificationTrailer" in test["flags"] \
                else len(test["octets"]) - warning["offset"]
    return 0


# ---- one vector ---------------------------------------------------------------------------------

def query_with_room(test, octets):
    """The request that a response to ApiQueryValue answers: its cbData sizes lpData."""
    wide = test.get("syntax") == "ndr64"
    at, width = (8, 8) if wide else (4, 4)
    room = int.from_bytes(octets[at:at + width], "little") & 0xffffffff
    counts = b"".join(count.to_bytes(width, "little") for count in (1, 0, 1))
    gap = 4 if wide else 0  # behind the handle
    return bytes(20 + gap) + counts + bytes(4) + room.to_bytes(4, "little")


def control_with_room(test, octets):
    """The request that a response to a control code answers: its nOutBufferSize sizes
    lpOutBuffer."""
    wide = test.get("syntax") == "ndr64"
    room = octets[:4]
    null = bytes(8 if wide else 4)
    if test["method"] != "ApiResourceTypeControl":
        return bytes(20) + bytes(4) + null + bytes(4) + room
    name = b"".join(count.to_bytes(8 if wide else 4, "little") for count in (1, 0, 1)) + bytes(2)
    return bytes(24 if wide else 20) + name + bytes(2) + bytes(4) + null + bytes(4) + room


CONTEXTS = {"ApiQueryValue": query_with_room, "ApiNodeControl": control_with_room,
            "ApiGroupControl": control_with_room, "ApiClusterControl": control_with_room,
            "ApiResourceTypeControl": control_with_room}


def dump(folder, test, octets):
    """What ndrdump prints of octets."""
    path = folder / test["id"]
    path.write_bytes(octets)
    words = ["ndrdump", "--debug-stdout"] + (["--ndr64"] if test.get("syntax") == "ndr64" else [])
    if test["method"] in CONTEXTS and test["direction"] == "response":
        context = folder / (test["id"] + "-request")
        context.write_bytes(CONTEXTS[test["method"]](test, octets))
        words += ["--context-file", context]
    words += ["clusapi", "clusapi_" + test["method"][len("Api"):],
              "in" if test["direction"] == "request" else "out", path]
    return witness.run(*words).stdout.decode("utf-8", "replace")


def listed(table, name):
    return next((entry for entry in table if fnmatch.fnmatch(name, entry[0])), None)


def decoded(cmrp, test):
    """What cmrp says of a vector's octets."""
    return witness.decode(cmrp, test["octets"], "--type", "stub", "--method", test["method"],
                          "--direction", test["direction"], "--syntax", test.get("syntax", "ndr"))


def look(cmrp, folder, test):
    """Everything that is to be known of a vector: the dump, the dump with keys zeroed, cmrp."""
    raw = dump(folder, test, test["octets"])
    if test["result"] == "invalid":
        return test, raw, None, None
    repaired = dump(folder, test, keys_zeroed(test)) if pointer_for_key(test) else raw
    return test, raw, repaired, decoded(cmrp, test)


class Comparison:
    def __init__(self):
        self.verdict = witness.Verdict()
        self.counts = collections.Counter()
        self.seen = collections.Counter()

    def malformed(self, test, raw):
        accepted = "pull returned Success" in raw
        entry = listed(ACCEPTS, test["id"])
        self.counts[test["error"]["code"], "ndrdump accepts" if accepted else "agree"] += 1
        if entry:
            self.seen[entry[0]] += 1
        if accepted and not entry:
            self.verdict.complain(f"{test['id']}: ndrdump accepts what is {test['error']['code']}")
        if entry and not accepted:
            self.verdict.complain(f"{test['id']}: ndrdump refuses this now; \"{entry[1]}\" in "
                                  "ACCEPTS is out of date")

    def acceptable(self, test, raw, repaired, answer):
        entry = listed(REFUSES, test["id"])
        for applies, shows in DEFECTS:
            if applies(test) and not entry:
                self.seen[applies.__name__] += 1
                if not shows(raw, test):
                    self.verdict.complain(f"{test['id']}: the defect {applies.__name__} of ndrdump "
                                          "does not show any more")
        if entry:
            self.seen[entry[0]] += 1
            self.counts["readable", "refused by a known defect"] += 1
            if entry[1] not in repaired:
                self.verdict.complain(f"{test['id']}: the dump does not say \"{entry[1]}\"; this "
                                      "line of REFUSES is out of date")
            return
        if "pull returned Success" not in repaired:
            self.verdict.complain(f"{test['id']}: ndrdump refuses: {repaired[:200]!r}")
            return
        self.counts["readable", "compared"] += 1
        self.compare(test, repaired, answer)

    def compare(self, test, repaired, answer):
        shown = plain_struct(tree(repaired))
        unread = dump_unread(repaired) - (3 if one_octet_bool(test) else 0)
        if unread != trailing_octets(test):
            self.verdict.complain(f"{test['id']}: ndrdump leaves {unread} octets unread")
        for name, params in (("vector", test["value"]["params"]), ("cmrp", answer.get("params"))):
            said = expected("", witness.without_added(params), test) if params is not None else {}
            self.verdict.compare(f"{test['id']}: {name}", said, shown, (name, "ndrdump"))

    def unused(self):
        names = [entry[0] for entry in REFUSES + ACCEPTS]
        names += [applies.__name__ for applies, _ in DEFECTS]
        for name in names:
            if self.seen[name] == 0:
                self.verdict.complain(f"no vector shows the defect {name} of ndrdump")


def plain_struct(node):
    return {item.name: plain(item) for item in node.below}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cmrp", help="the program")
    options = parser.parse_args()
    witness.need_program("ndrdump", "samba-testsuite")
    tests = [test for test in witness.vectors("stub")
             if test.get("interface", 3) == 3 and test.get("drep", "le") == "le"]
    comparison = Comparison()
    with tempfile.TemporaryDirectory() as folder:
        looks = witness.in_parallel(
            lambda test: look(options.cmrp, pathlib.Path(folder), test), tests)
    for test, raw, repaired, answer in looks:
        test.setdefault("flags", [])
        if test["result"] == "invalid":
            comparison.malformed(test, raw)
        else:
            comparison.acceptable(test, raw, repaired, answer)
    comparison.unused()
    for (what, outcome), count in sorted(comparison.counts.items()):
        print(f"{what:18} {outcome:26} {count:4}")
    return comparison.verdict.finish(f"{len(tests)} stubs")


if __name__ == "__main__":
    sys.exit(main())
