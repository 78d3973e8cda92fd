#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compare property lists as Samba's ndrdump reads them with `cmrp decode --type payload`.

Each readable list of the vectors is dumped, with the end mark behind it that ndrdump wants; names,
syntaxes, sizes and octets must be those that cmrp says. Lists that ndrdump is known not to read are
listed below with the reason, and must still not be read."""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import witness

# What ndrdump cannot read: ids of vectors, why.
REFUSES = {
    "payload-properties-three-values": "it knows one value of a property",
    "payload-properties-four-values": "the same",
    "payload-properties-expand": "the same",
    "payload-properties-expand-then-other": "the same",
    "payload-properties-name-two-nuls": "it takes the size of a name from its text",
    "payload-properties-unpaired-name": "an unpaired surrogate cannot be converted",
}
LARGEST = 4096  # octets of a list: of more the dump is long and says nothing new
# CLUSTER_PROPERTY_SYNTAX, [MS-CMRP] 2.2.2.3.
LIST_VALUES = ("BINARY", "DWORD", "SZ", "EXPAND_SZ", "MULTI_SZ", "ULARGE_INTEGER", "LONG",
               "EXPANDED_SZ", "SECURITY_DESCRIPTOR", "LARGE_INTEGER", "WORD", "FILETIME")
SYNTAXES = {f"CLUSPROP_SYNTAX_LIST_VALUE_{name}": 0x10001 + number
            for number, name in enumerate(LIST_VALUES)}
SYNTAXES |= {f"CLUSPROP_SYNTAX_{name}": number for name, number in (
    ("RESCLASS", 0x20002), ("DISK_SIGNATURE", 0x50002), ("SCSI_ADDRESS", 0x60002),
    ("DISK_NUMBER", 0x70002), ("PARTITION_INFO", 0x80001), ("DISK_SERIALNUMBER", 0xa0003),
    ("DISK_GUID", 0xb0003), ("DISK_SIZE", 0xc0006), ("PARTITION_INFO_EX", 0xd0001),
    ("PARTITION_INFO_EX2", 0xe0001))}
WIDTHS = {"WORD": 2, "DWORD": 4, "LONG": 4, "NUMBER": 4, "SIGNATURE": 4, "RESCLASS": 4}


def units(text):
    return bytes.fromhex(text["utf16"]) if isinstance(text, dict) else text.encode("utf-16-le")


def data_of(value):
    """The octets that a value in cmrp's JSON stands for."""
    content, syntax = value["value"], value["syntax"]
    if isinstance(content, list):
        nuls = value.get("nuls", 2 if content else 1)
        return b"\0\0".join(map(units, content)) + bytes(2 * nuls)
    if isinstance(content, int):
        width = WIDTHS[syntax.rsplit("_", 1)[1]]
        return (content % (1 << 8 * width)).to_bytes(width, "little")
    if syntax.endswith(("INTEGER", "FILETIME", "DISK_SIZE")):
        return (int(content) % (1 << 64)).to_bytes(8, "little")
    if syntax.endswith(("SZ", "SERIALNUMBER", "GUID")):
        return units(content) + bytes(2 * value.get("nuls", 1))
    return bytes.fromhex(content)


def dumped(text):
    """[(name, syntax, size, octets)] of a dump; octets is None where it leaves zeros out."""
    found = []
    for part in text.split("syntax_name ")[1:]:
        field = dict(re.findall(r"^ *(\w+) +: (.*)$", part, re.M))
        blob = part[part.index(" Buffer "):part.index(" Padding ")]
        lines = re.findall(r"^\[[0-9A-F]{4}\] ((?:[0-9A-F]{2} +)+)", blob, re.M)
        octets = None if "skipping" in blob else bytes.fromhex("".join(lines).replace(" ", ""))
        found.append((field["buffer"].strip("'"), int(field["Syntax"].split("(")[1].rstrip(")")),
                      int(field["Size"].split()[0], 16), octets))
    return found


def differences(cmrp, test, path):
    """What is not the same, as lines; nothing where all is."""
    list_ = test["octets"] + (b"" if test["value"].get("end_mark") else bytes(4))
    path.write_bytes(list_)
    dump = witness.run("ndrdump", "clusapi", "clusapi_PROPERTY_LIST", "struct", path)
    text = dump.stdout.decode("utf-8", "replace")
    read = "dump OK" in text and "unread bytes" not in text
    if test["id"] in REFUSES:
        return [f"{test['id']}: ndrdump reads it: take it off the list"] if read else []
    if not read:
        return [f"{test['id']}: ndrdump does not read it: {text[:200]}"]
    path.write_bytes(test["octets"])
    said = witness.run(cmrp, "decode", "--type", "payload", "--object-type", test["object_type"],
                       "--flag", test["flag"], "-T", "json", path)
    properties = json.loads(said.stdout)["properties"]
    theirs = dumped(text)
    if len(theirs) != len(properties):
        return [f"{test['id']}: {len(theirs)} properties, cmrp says {len(properties)}"]
    return [f"{test['id']}: property {n}: ndrdump {theirs[n]}, cmrp {item}"
            for n, item in enumerate(properties) if not same(theirs[n], item)]


def same(theirs, item):
    name, syntax, size, octets = theirs
    [value] = item["values"]
    data = data_of(value)
    plain = isinstance(item["name"], str) and item["name"].isascii() and item["name"].isprintable()
    return ((not plain or name == item["name"]) and syntax == SYNTAXES[value["syntax"]]
            and size == len(data) and octets in (None, data))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cmrp", help="the program")
    options = parser.parse_args()
    witness.need_program("ndrdump", "samba-testsuite")
    tests = [test for test in witness.vectors("payload") if len(test["octets"]) <= LARGEST
             and test.get("value", {}).get("kind") == "property-list"]
    with tempfile.TemporaryDirectory() as folder:
        found = [line for test in tests
                 for line in differences(options.cmrp, test, pathlib.Path(folder) / "list")]
    unknown = set(REFUSES) - {test["id"] for test in tests}
    found += [f"{name}: no such vector" for name in sorted(unknown)]
    print(*found, sep="\n", end="\n" if found else "")
    print(f"{len(tests)} property lists, {len(REFUSES)} of them beyond ndrdump, "
          f"{len(found)} differences")
    return 1 if found or len(tests) <= len(REFUSES) else 0


if __name__ == "__main__":
    sys.exit(main())
