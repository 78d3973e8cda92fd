#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""smbtorture's tests of the cluster interface (rpc.clusapi) against `cmrp serve`.

All tests must pass, in NDR20, NDR64 and big-endian NDR20, but those that are listed here with the
reason; one of them that passes is a failure too. Each session is recorded, replayed and judged.

usage: smbtorture.py CMRP [--keep DIR]    DIR: the recordings are left there
"""
import argparse
import pathlib
import re
import sys
import tempfile

import by_record  # noqa: F401  puts the folder of the witnesses on the path
import judge
import network
import recorder
import server
import witness

CASES = ("cluster", "resource", "resourcetype", "node", "group", "network", "netinterface",
         "registry", "groupset")
SYNTAXES = [("smbtorture-ndr", ""), ("smbtorture-ndr64", ",ndr64"),
            ("smbtorture-bigendian", ",bigendian")]
# A cluster with the names that these tests ask for.
SEED = ["--seed-cluster", pathlib.Path(__file__).with_name("smbtorture_seed.json")]

# Tests that change what others rely on; each has a server of its own.
DANGEROUS = ("resource.FailResource", "resource.OfflineResource", "node.PauseNode",
             "node.EvictNode", "group.OfflineGroup")

# Tests that do not pass, and why.
NOT_PASSING = {
    "resource.SetQuorumResource": ("skip", "smbtorture always skips it"),
    "node.EvictNode": ("failure", "evicts the node that the server plays, which is refused"),
}

PREFIX = "rpc.clusapi."
OUTCOME = re.compile(r"^(success|failure|skip|error): \S*?(\w+\.\w+)(?: \[\n(.*?)\n\])?$",
                     re.MULTILINE | re.DOTALL)


def folders(scratch):
    """Options of Samba's programs: folders that anybody may write to."""
    for word, kind in (("lock", "directory"), ("state", "directory"), ("cache", "directory"),
                       ("private", "dir"), ("ncalrpc", "dir")):
        (scratch / word).mkdir(exist_ok=True)
        yield f"--option={word} {kind}={scratch / word}"


def torture(port, binding, scratch, *words):
    """{test: (outcome, what was said)}."""
    done = witness.run("smbtorture", "--fullname", f"--basedir={scratch}", *folders(scratch),
                       f"ncacn_ip_tcp:127.0.0.1[{port}{binding}]", "-U%", *words, text=True,
                       timeout=60)
    return {test: (outcome, said.replace("\n", " "))
            for outcome, test, said in OUTCOME.findall(done.stdout)}


def listed():
    """The tests there are."""
    done = witness.run("smbtorture", "--list", text=True)
    return [line[len(PREFIX):] for line in done.stdout.splitlines() if line.startswith(PREFIX)]


def compare(verdict, name, test, found):
    outcome, said = found.get(test, ("not run", ""))
    wanted, reason = NOT_PASSING.get(test, ("success", ""))
    verdict.compared += 1
    if outcome != wanted:
        verdict.complain(f"{name} {test}: {outcome}{' ' + said if said else ''}"
                         + (f", where {wanted} was known: {reason}" if reason else ""))


def keep(options, name, octets, folder):
    path = (options.keep or folder) / f"{name}_to_cmrp-serve.pcap"
    path.write_bytes(octets)
    return path


def whole(verdict, options, folder, tests, name, binding):
    """All tests of all cases over one server, recorded."""
    with server.Server(options.cmrp, *SEED) as cluster:
        record = recorder.recorder(cluster.port)
        found = torture(record.port, binding, folder,
                        *(PREFIX + case for case in CASES))
        record.close()
    for test in tests:
        if test not in DANGEROUS:
            compare(verdict, name, test, found)
    path = keep(options, name, record.octets(), folder)
    return judge.session(verdict, options.cmrp, name, path, 300, judge.offers(binding))


def dangerous(verdict, options, folder, name, binding):
    for test in DANGEROUS:
        with server.Server(options.cmrp, *SEED) as cluster:
            found = torture(cluster.port, binding, folder, "--dangerous", PREFIX + test)
        compare(verdict, name, test, found)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cmrp", type=pathlib.Path, help="the program")
    parser.add_argument("--keep", type=pathlib.Path, metavar="DIR")
    options = parser.parse_args()
    witness.need_program("smbtorture", "samba-testsuite")
    network.enter()
    verdict, tests, calls = witness.Verdict(), listed(), 0
    for test in {*NOT_PASSING, *DANGEROUS} - set(tests):
        verdict.complain(f"smbtorture has no test {test}")
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        for name, binding in SYNTAXES:
            calls += whole(verdict, options, folder, tests, name, binding)
            dangerous(verdict, options, folder, name, binding)
    return verdict.finish(f"{len(tests)} tests in {len(SYNTAXES)} syntaxes, {calls} calls")


if __name__ == "__main__":
    sys.exit(main())
