#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks JUnit XML against docs/schema/junit.xsd, and that its counts are right:
check_junit.py FILE..."""
import pathlib
import subprocess
import sys
import xml.etree.ElementTree as ET

SCHEMA = pathlib.Path(__file__).resolve().parents[3] / "docs/schema/junit.xsd"
ELEMENTS = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def wrong_counts(element):
    cases = list(element.iter("testcase"))
    counts = {"tests": len(cases)}
    for attribute, child in ELEMENTS.items():
        counts[attribute] = sum(case.find(child) is not None for case in cases)
    return [f"{element.tag} {element.get('name')}: {key} is {element.get(key)}, there are {count}"
            for key, count in counts.items() if int(element.get(key)) != count]


def complaints(name):
    checked = subprocess.run(["xmllint", "--noout", "--nonet", "--schema", SCHEMA, name],
                             capture_output=True, text=True, check=False)
    if checked.returncode != 0:
        return [checked.stderr.strip()]
    root = ET.parse(name).getroot()
    return [line for element in (root, *root.iter("testsuite")) for line in wrong_counts(element)]


def main(names):
    wrong = [f"{name}: {line}" for name in names for line in complaints(name)]
    print("".join(f"{line}\n" for line in wrong), end="")
    return 1 if wrong or not names else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
