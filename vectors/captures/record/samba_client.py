#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Sends the plan with Samba: stubs from its library, PDUs from python3-samba's connection.

usage: samba_client.py PORT [ndr64] [bigendian]
"""
import sys

import interface
import plan
import samba_marshal

try:
    from samba import NTSTATUSError, credentials, param
    from samba.dcerpc.base import ClientConnection
except ImportError:
    sys.exit("python3-samba is not installed")


def main():
    port, options = int(sys.argv[1]), sys.argv[2:]
    settings = param.LoadParm()
    settings.load_default()
    anonymous = credentials.Credentials()
    anonymous.set_anonymous()
    binding = f"ncacn_ip_tcp:127.0.0.1[{','.join([str(port), *options])}]"
    connection = ClientConnection(binding, (interface.UUID, 3), settings, anonymous)
    marshal, faults = samba_marshal.Marshal(), 0
    [(_, calls)] = plan.parts(options)
    for _, name, params in calls:
        method = interface.BY_NAME[name]
        stub = marshal.request(method, params, "ndr64" in options, "bigendian" in options)
        try:
            connection.request(method.opnum, stub)
        except NTSTATUSError:
            faults += 1
    print(f"{len(calls)} calls sent, {faults} of them answered with a fault")


if __name__ == "__main__":
    main()
