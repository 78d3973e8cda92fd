#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""rpcclient's commands for clusters against `cmrp serve`, through its endpoint mapper.

rpcclient always asks on port 135, so the server has a network namespace of this test's own, or
port 135 of this machine where that may be bound.

usage: rpcclient.py CMRP [--keep DIR]    DIR: the recording is left there
"""
import argparse
import pathlib
import socket
import sys
import tempfile

import by_record  # noqa: F401  puts the folder of the witnesses on the path
import judge
import network
import recorder
import server
import smbtorture
import witness

NAME = "rpcclient"
MAPPER = 135
SKIPPED = 77

# Commands, and how the lines that are said begin.
COMMANDS = [
    ("open_cluster", ["successfully opened cluster", "successfully closed cluster"]),
    ("get_cluster_name", ["ClusterName: ", "NodeName: node1"]),
    ("get_cluster_version", ["error: WERR_CALL_NOT_IMPLEMENTED",
                             "result was WERR_CALL_NOT_IMPLEMENTED"]),
    ("get_quorum_resource", ["lpszResourceName: ", "lpszDeviceName: ", "pdwMaxQuorumLogSize: ",
                             "rpc_status: WERR_OK"]),
    ("create_enum", ["rpc_status: WERR_OK"]),
    ("create_enum 40", ["error: WERR_INVALID_PARAMETER", "result was WERR_INVALID_PARAMETER"]),
    ("create_enumex", ["rpc_status: WERR_OK"]),
    ("open_resource", ["rpc_status: WERR_OK"]),
    ("open_resource absent", ["Status: WERR_RESOURCE_NOT_FOUND",
                              "result was WERR_RESOURCE_NOT_FOUND"]),
    ("offline_resource", ["rpc_status: WERR_OK"]),
    ("online_resource", ["rpc_status: WERR_OK"]),
    ("get_resource_state", ["rpc_status: WERR_OK"]),
    ("get_cluster_version2", ["rpc_status: WERR_OK"]),
    ("pause_node node1", ["Cluster node node1 has been paused", "rpc_status: WERR_OK"]),
    ("resume_node node1", ["Cluster node node1 has been resumed", "rpc_status: WERR_OK"]),
    ("resume_node node1", ["Failed to resume node node1", "Status: WERR_CLUSTER_NODE_NOT_PAUSED",
                           "result was WERR_CLUSTER_NODE_NOT_PAUSED"]),
    ("pause_node absent", ["Failed to open node absent", "Status: WERR_CLUSTER_NODE_NOT_FOUND",
                           "result was WERR_CLUSTER_NODE_NOT_FOUND"]),
]


def may_bind():
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", MAPPER))
        except OSError as error:
            return error
    return None


def client(folder, command):
    """The lines that rpcclient prints."""
    done = witness.run("rpcclient", *smbtorture.folders(folder), "-U%",
                       "ncacn_ip_tcp:127.0.0.1", "-c", f"clusapi_{command}", text=True, timeout=30)
    return (done.stdout + done.stderr).splitlines()


def compare(verdict, command, wanted, lines):
    verdict.compared += 1
    if len(lines) != len(wanted) or not all(
            line.startswith(start) for line, start in zip(lines, wanted)):
        verdict.complain(f"{command}: said {lines}, not {wanted}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cmrp", type=pathlib.Path, help="the program")
    parser.add_argument("--keep", type=pathlib.Path, metavar="DIR")
    options = parser.parse_args()
    witness.need_program("rpcclient", "smbclient")
    network.enter()
    refused = may_bind()
    if refused:
        print(f"skipped: rpcclient needs port {MAPPER}; a network namespace of its own is not "
              f"allowed here, and the port cannot be bound: {refused}")
        return SKIPPED
    verdict = witness.Verdict()
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        words = [*smbtorture.SEED, "--epmap", f"127.0.0.1:{MAPPER}"]
        with server.Server(options.cmrp, *words) as cluster:
            record = recorder.Sniffer(cluster.port, MAPPER)
            for command, wanted in COMMANDS:
                compare(verdict, command, wanted, client(folder, command))
            record.close()
        path = smbtorture.keep(options, NAME, record.octets(), folder)
        calls = judge.session(verdict, options.cmrp, NAME, path, len(COMMANDS), judge.offers())
    return verdict.finish(f"{len(COMMANDS)} commands, {calls} calls")


if __name__ == "__main__":
    sys.exit(main())
