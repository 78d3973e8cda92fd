# SPDX-License-Identifier: Apache-2.0
"""What `cmrp replay` and `cmrp conform` say of a recorded session: nothing but what is known."""
import json
import tempfile

import witness

# CASE-GLOB, reason. A case that does not fail any more is a finding of its own.
KNOWN = [
    ("authentication-level-p3/client@*", "partners speak no security here"),
    ("authentication-level-refused-p3/server@*", "the server has no security yet and says so"),
]

# Methods that partners call and cmrp does not describe.
NOT_DESCRIBED = {108}  # ApiSetServiceAccountPassword: not implemented, says the specification


def offers(options=""):
    """Clients that offer NDR only; the rule says nothing of those that offer NDR64 only."""
    rule = "both-transfer-syntaxes-offered/client@*"
    return [] if "ndr64" in options else [(rule, "offers one transfer syntax only")]


def lines(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def replay(verdict, cmrp, name, path, least, tolerated, unanswered):
    """Every call is found, whole, and decoded where it is described; returns how many."""
    done = witness.run(cmrp, "replay", "-r", path, "-T", "json", "--require", least)
    found = [line for line in lines(done) if line["kind"] == "call"]
    for line in found:
        for finding in line["findings"]:
            by_server = finding["frame"] == line.get("response_frame")
            if by_server or not finding["message"].startswith(tolerated):
                verdict.complain(f"{name}: call {line['call_id']} {line.get('method')}: {finding}")
        if line["state"] not in ("complete", "fault", "unanswered") \
                and line["opnum"] not in NOT_DESCRIBED:
            verdict.complain(f"{name}: call {line['call_id']} {line.get('method')} is "
                             f"{line['state']}")
    verdict.compare(f"{name}: calls that are not answered",
                    sum(line["state"] == "unanswered" for line in found), unanswered)
    if done.returncode not in (0, 1):
        verdict.complain(f"{name}: cmrp replay ends with {done.returncode}: "
                         f"{done.stderr.decode()}")
    return len(found)


def rules(verdict, cmrp, name, path, known):
    """`replay --rules` finds what `conform` finds, and that is what is known."""
    done = witness.run(cmrp, "replay", "-r", path, "-T", "json", "--rules", "--complete")
    broken = {finding.get("rule", "encoding") for line in lines(done)
              for finding in line.get("findings", [])
              if finding.get("level") in ("must", "should")}
    expected = {case.split("/")[0] for case, _ in known}
    for rule in sorted(broken - expected):
        verdict.complain(f"{name}: replay --rules: {rule}")
    verdict.compared += 1


def conform(verdict, cmrp, name, path, known):
    with tempfile.NamedTemporaryFile("w", suffix=".xfail") as xfail:
        xfail.write("".join(f"{case} FAIL {reason}\n" for case, reason in known))
        xfail.flush()
        done = witness.run(cmrp, "conform", "-r", path, "--complete", "--level", "should",
                           "--xfail", xfail.name, "--json", "-")
    if done.returncode not in (0, 1):
        verdict.complain(f"{name}: cmrp conform ends with {done.returncode}: "
                         f"{done.stderr.decode()}")
        return
    report = json.loads(done.stdout)
    for case in report["cases"]:
        if case["verdict"] not in ("PASS", "XFAIL"):
            verdict.complain(f"{name}: {case}")
    verdict.compared += report["verdicts"]["PASS"]


def session(verdict, cmrp, name, path, least, known=(), tolerated=(),
            unanswered=0):
    """A session that is recorded in a file, with at least so many calls. known: more of KNOWN;
    tolerated: how messages begin about requests that are not as they should be."""
    known = [*KNOWN, *known]
    count = replay(verdict, cmrp, name, path, least, tolerated, unanswered)
    rules(verdict, cmrp, name, path, known)
    conform(verdict, cmrp, name, path, known)
    return count
