#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Testee: Samba. Stubs of this interface are read and written by its library libndr-samba4."""
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))
import third_party  # noqa: E402
import library  # noqa: E402
import pdu  # noqa: E402
import samba_marshal  # noqa: E402
import tower  # noqa: E402
from samba import version as VERSION  # noqa: E402
from third_party import Unsupported  # noqa: E402

ONLY_READ = {"pdu": pdu.decode, "tower": tower.decode}


def main():
    try:
        samba = library.Library()
    except samba_marshal.Missing as why:
        sys.exit(str(why))

    def respond(request):
        if request["op"] == "hello":
            return third_party.hello("Samba", VERSION, ["stub", "pdu", "tower"])
        if request["type"] in ONLY_READ:
            if request["op"] == "encode":
                raise Unsupported("only stubs are written here")
            return ONLY_READ[request["type"]](request)
        return samba.decode(request) if request["op"] == "decode" else samba.encode(request)

    third_party.serve(respond)


if __name__ == "__main__":
    main()
