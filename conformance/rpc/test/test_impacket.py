#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""impacket's DCE/RPC client against the server: fragments both ways, NDR64, alter_context, faults,
the endpoint mapper."""
import struct
import sys

import echo_host
from echo_host import (CLOSE, ECHO_STUB, ECHO_UUID, FAULT, FIND, NDR64_UUID, NDR_UUID, OPEN, OTHER_UUID,
                       REPEAT, TELL)

try:
    from impacket.dcerpc.v5 import epm, transport
    from impacket.dcerpc.v5.rpcrt import DCERPC_RawCall, DCERPCException
    from impacket.uuid import uuidtup_to_bin
except ImportError:
    echo_host.missing("impacket", "python3-impacket")

NDR64 = (NDR64_UUID, "1.0")


def connect(port):
    dce = transport.DCERPCTransportFactory(f"ncacn_ip_tcp:127.0.0.1[{port}]").get_dce_rpc()
    dce.get_rpc_transport().set_connect_timeout(echo_host.SECONDS)
    dce.connect()
    return dce


def bound(port, uuid=ECHO_UUID, version="1.2", **options):
    dce = connect(port)
    dce.bind(uuidtup_to_bin((uuid, version)), **options)
    return dce


def call(dce, opnum, stub=b""):
    dce.send(DCERPC_RawCall(opnum, stub))
    return dce.recv()


def refused(function, *words):
    """What the server says no with."""
    try:
        function(*words)
    except DCERPCException as error:
        return str(error)
    raise AssertionError("nothing was refused")


def test_requests_and_responses_in_fragments(port):
    dce = bound(port)
    for size in (0, 1, 4000, 5816, 5817, 100000, 1 << 20):
        stub = bytes(i * 7 & 255 for i in range(size))
        assert call(dce, ECHO_STUB, stub) == stub, size
    assert call(dce, REPEAT, struct.pack("<IB", 3 << 20, 0x41)) == b"A" * (3 << 20)
    for fragment in (24, 100, 1432):
        dce.set_max_fragment_size(fragment)
        assert call(dce, ECHO_STUB, b"0123456789" * 100) == b"0123456789" * 100
    dce.disconnect()


def test_too_large_a_request(port):
    dce = bound(port)
    assert "access_denied" in refused(call, dce, ECHO_STUB, bytes((4 << 20) + 1))
    assert call(dce, ECHO_STUB, b"alive") == b"alive"
    dce.disconnect()


def test_ndr64(port):
    dce = bound(port, transfer_syntax=NDR64)
    assert call(dce, TELL) == b"ndr64 le none"
    dce.disconnect()


def test_alter_context(port):
    dce = bound(port)
    handle = call(dce, OPEN)
    other = dce.alter_ctx(uuidtup_to_bin((OTHER_UUID, "1.0")))
    assert call(other, TELL) == b"ndr le none"
    assert "mismatch" in refused(call, other, FIND, handle)
    assert call(other, ECHO_STUB, b"x") == b"x"
    dce.disconnect()


def test_contexts_that_nobody_knows(port):
    dce = bound(port, bogus_binds=3)
    assert call(dce, TELL) == b"ndr le none"
    dce.disconnect()
    assert "abstract_syntax_not_supported" in refused(bound, port, ECHO_UUID, "2.0")
    assert "abstract_syntax_not_supported" in refused(bound, port, NDR_UUID, "1.0")


def test_faults_and_handles(port):
    dce = bound(port)
    assert "nca_s_op_rng_error" in refused(call, dce, 9)
    assert "access_denied" in refused(call, dce, FAULT, struct.pack("<I", 5))
    handle = call(dce, OPEN)
    number = call(dce, FIND, handle)
    assert call(dce, CLOSE, handle) == number
    assert "mismatch" in refused(call, dce, FIND, handle)
    dce.disconnect()


def test_tokens_are_refused(port):
    dce = connect(port)
    dce.set_credentials("user", "password")
    dce.set_auth_level(6)
    assert "Authentication type not recognized" in refused(
        dce.bind, uuidtup_to_bin((ECHO_UUID, "1.2")))
    dce.disconnect()


def test_endpoint_mapper(port, mapper):
    dce = connect(mapper)
    interface = uuidtup_to_bin((ECHO_UUID, "1.2"))
    binding = epm.hept_map("127.0.0.1", interface, protocol="ncacn_ip_tcp", dce=dce)
    assert binding == f"ncacn_ip_tcp:127.0.0.1[{port}]", binding
    dce.disconnect()
    dce = connect(mapper)
    nobody = uuidtup_to_bin((NDR_UUID, "1.0"))
    assert "not_registered" in refused(
        lambda: epm.hept_map("127.0.0.1", nobody, protocol="ncacn_ip_tcp", dce=dce))
    dce.disconnect()


def test_endpoint_mapper_tells_all(port, mapper):
    dce = connect(mapper)
    entries = epm.hept_lookup("127.0.0.1", dce=dce)
    told = [(entry["annotation"].decode().rstrip("\0"), epm.PrintStringBinding(
        entry["tower"]["Floors"])) for entry in entries]
    binding = f"ncacn_ip_tcp:127.0.0.1[{port}]"
    assert told == [("Echo for tests", binding)] * 2 + [("", binding)] * 2, told
    dce.disconnect()


if __name__ == "__main__":
    echo_host.play(sys.argv[1], globals())
