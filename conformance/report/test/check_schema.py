#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks JSON reports against docs/schema/report.json, judgements against docs/schema/
judgement.json, and that their counts are right: check_schema.py FILE..."""
import collections
import json
import pathlib
import sys

import jsonschema

SCHEMAS = pathlib.Path(__file__).resolve().parents[3] / "docs/schema"


def wrong_counts(document):
    """What the cases and findings do not bear out."""
    verdicts = collections.Counter(case["verdict"] for case in document["cases"])
    said = document["summary"] if "testee" in document else document["verdicts"]
    for verdict, count in said.items():
        if verdicts[verdict] != count:
            yield f"/{verdict}: {count}, but {verdicts[verdict]} cases"
    for case in document["cases"]:
        kept = sum(finding["case"] == case["id"] for finding in document.get("findings", []))
        if kept > case.get("findings", 0):
            yield f"{case['id']}: {case['findings']} findings, but {kept} are there"
    for finding in document.get("findings", []):
        octets = finding.get("octets")
        if octets and octets["offset"] + len(octets["hex"]) // 2 > octets["of"]:
            yield f"{finding['id']}: octets past the end"


def complaints(name):
    with open(name, encoding="utf-8") as file:
        document = json.load(file)
    kind = "report.json" if "testee" in document else "judgement.json"
    schema = json.loads((SCHEMAS / kind).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    found = [f"/{'/'.join(map(str, error.absolute_path))}: {error.message}"
             for error in jsonschema.Draft202012Validator(schema).iter_errors(document)]
    return found or list(wrong_counts(document))


def main(names):
    wrong = [f"{name}: {line}" for name in names for line in complaints(name)]
    print("".join(f"{line}\n" for line in wrong), end="")
    return 1 if wrong or not names else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
