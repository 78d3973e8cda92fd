#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The schema of seeds against seeds: the one that is built in, and those of seeds.json, of which it
takes what the program takes and refuses what it can see to be wrong."""
import json
import pathlib
import sys

import jsonschema

HERE = pathlib.Path(__file__).resolve().parent
SCHEMA = HERE.parents[2] / "docs/schema/seed.json"


def main():
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    cases = json.loads((HERE / "seeds.json").read_text(encoding="utf-8"))
    cases.append({"name": "built-in",
                  "seed": json.loads((HERE.parent / "seed.json").read_text(encoding="utf-8"))})
    wrong = [case["name"] for case in cases
             if validator.is_valid(case["seed"]) == (case.get("schema") == "refuses")]
    print("".join(f"{name}: the schema says otherwise\n" for name in wrong), end="")
    return 1 if wrong or len(cases) < 2 else 0


if __name__ == "__main__":
    sys.exit(main())
