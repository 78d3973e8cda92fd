#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""In traffic that keeps the specification `cmrp conform -r` finds nothing but missing security.

test_legal_traffic.py CMRP LEGAL_TRAFFIC [FIRST_SEED SEEDS STEPS]: judges generated captures, whole
ones and such with losses. Exit status: 0 as expected, 1 false findings or too few rules applied.
"""

import pathlib
import re
import subprocess
import sys

XFAIL = pathlib.Path(__file__).parent / "legal.xfail"
# The first packets that are left out, and of 10,000 others those that are lost.
LOSSES = ((), (0, 20), (400, 0), (300, 50))
RULES = 190  # applied to a whole capture of STEPS or more, at least
STEPS = 40000


def judged(cmrp, legal, seed, steps, loss):
    """(exit status, summary and findings, rules applied) of a generated capture."""
    with subprocess.Popen([legal, str(seed), str(steps), *map(str, loss)],
                          stdout=subprocess.PIPE) as traffic:
        result = subprocess.run([cmrp, "conform", "-r", "-", "--level", "should", "--xfail", XFAIL],
                                stdin=traffic.stdout, capture_output=True, text=True, check=False)
        traffic.stdout.close()
    text = result.stdout + result.stderr
    applied = re.search(r"(\d+) of \d+ rules exercised", text)
    return result.returncode or traffic.returncode, text, int(applied.group(1)) if applied else 0


def main():
    cmrp, legal = sys.argv[1:3]
    first, seeds, steps = (int(word) for word in sys.argv[3:6] or (1, 3, STEPS))
    bad = 0
    for seed in range(first, first + seeds):
        for loss in LOSSES:
            status, text, applied = judged(cmrp, legal, seed, steps, loss)
            if status != 0 or (not loss and steps >= STEPS and applied < RULES):
                print(f"legal-traffic {seed} {steps} {' '.join(map(str, loss))}: exit status "
                      f"{status}, {applied} rules applied\n{text}")
                bad += 1
    print(f"{seeds * len(LOSSES)} captures, {bad} of them not as expected")
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
