#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks JSON reports against docs/schema/report.json: check_schema.py FILE..."""
import json
import pathlib
import sys

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[3]


def main(names):
    schema = json.loads((ROOT / "docs/schema/report.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    wrong = 0
    for name in names:
        with open(name, encoding="utf-8") as file:
            document = json.load(file)
        for error in validator.iter_errors(document):
            wrong += 1
            print(f"{name}: /{'/'.join(map(str, error.absolute_path))}: {error.message}")
        verdicts = [case["verdict"] for case in document["cases"]]
        for verdict, count in document["summary"].items():
            if verdicts.count(verdict) != count:
                wrong += 1
                print(f"{name}: /summary/{verdict}: {count}, but {verdicts.count(verdict)} cases")
    return 1 if wrong or not names else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
