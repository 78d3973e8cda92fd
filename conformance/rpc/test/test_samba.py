#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Samba's DCE/RPC client (python3-samba) against the server: both syntaxes and byte orders, fragments
both ways, several interfaces on one connection, association groups, faults, the endpoint mapper."""
import struct
import sys
import uuid

import echo_host
from echo_host import (CLOSE, ECHO_STUB, ECHO_UUID, FAULT, FIND, NDR64_UUID, NDR_UUID, OPEN,
                       OTHER_UUID, REPEAT, TELL)

try:
    import samba.param
    from samba import NTSTATUSError, credentials
    from samba.dcerpc import base, epmapper, misc
except ImportError:
    echo_host.missing("samba for Python", "python3-samba")

ECHO = (ECHO_UUID, 0x00020001)
OTHER = (OTHER_UUID, 1)
LP = samba.param.LoadParm()


def anonymous():
    made = credentials.Credentials()
    made.set_anonymous()
    return made


def connect(port, *options, interface=ECHO, basis=None):
    binding = "ncacn_ip_tcp:127.0.0.1[%s]" % ",".join([str(port), *options])
    words = {"basis_connection": basis} if basis else {"credentials": anonymous()}
    return base.ClientConnection(binding, interface, lp_ctx=LP, **words)


def faults(status, function, *words):
    try:
        function(*words)
    except NTSTATUSError as error:
        assert error.args[0] & 0xffffffff == status, hex(error.args[0] & 0xffffffff)
        return
    raise AssertionError("no fault")


def test_syntaxes_and_byte_orders(port):
    for options, told in (((), b"ndr le none"), (("ndr64",), b"ndr64 le none"),
                          (("bigendian",), b"ndr be none"),
                          (("ndr64", "bigendian"), b"ndr64 be none")):
        connection = connect(port, *options)
        assert connection.request(TELL, b"") == told, (options, connection.request(TELL, b""))


def test_fragments_both_ways(port):
    connection = connect(port)
    for size in (0, 1, 4000, 5816, 5817, 100000, 1 << 20):
        stub = bytes(i * 5 & 255 for i in range(size))
        assert connection.request(ECHO_STUB, stub) == stub, size
    assert connection.request(REPEAT, struct.pack("<IB", 3 << 20, 0x42)) == b"B" * (3 << 20)


def test_two_interfaces_on_one_connection(port):
    first = connect(port)
    second = connect(port, interface=OTHER, basis=first)  # alter_context
    handle = first.request(OPEN, b"")
    assert second.request(TELL, b"") == b"ndr le none"
    number = first.request(FIND, handle)
    faults(0xc0030005, second.request, FIND, handle)  # NT_STATUS_RPC_SS_CONTEXT_MISMATCH
    assert first.request(CLOSE, handle) == number


def test_object(port):
    connection = connect(port)
    name = "01020304-0506-0708-090a-0b0c0d0e0f10"
    assert connection.request(TELL, b"", name) == b"ndr le " + name.encode()


def test_faults(port):
    connection = connect(port)
    faults(0xc002002e, connection.request, 9, b"")  # NT_STATUS_RPC_PROCNUM_OUT_OF_RANGE
    faults(0xc0000022, connection.request, FAULT, struct.pack("<I", 5))  # ACCESS_DENIED
    assert connection.request(ECHO_STUB, b"alive") == b"alive"


def test_what_is_not_served(port):
    for interface in ((ECHO_UUID, 2), (NDR_UUID, 1)):
        try:
            connect(port, interface=interface)
        except NTSTATUSError:
            continue
        raise AssertionError("bound to what is not there")


def floor(protocol, lhs=b"", **rhs):
    made = epmapper.epm_floor()
    made.lhs = epmapper.epm_lhs()
    made.lhs.protocol = protocol
    made.lhs.lhs_data = lhs
    for name, value in rhs.items():
        setattr(made.rhs, name, value)
    return made


def uuid_floor(name, version):
    made = floor(epmapper.EPM_PROTOCOL_UUID, uuid.UUID(name).bytes_le + struct.pack("<H", version))
    made.rhs = epmapper.epm_rhs_uuid()
    made.rhs.unknown = b"\0\0"
    return made


def mapped(mapper, interface, version, transfer, bigendian):
    """What the endpoint mapper answers: a status, and ports and addresses. Not asked in NDR64, in
    which Samba puts four octets between a tower's length and the tower."""
    floors = [uuid_floor(interface, version), uuid_floor(*transfer),
              floor(epmapper.EPM_PROTOCOL_NCACN, minor_version=0),
              floor(epmapper.EPM_PROTOCOL_TCP, port=0),
              floor(epmapper.EPM_PROTOCOL_IP, ipaddr="0.0.0.0")]
    question = epmapper.epm_Map()
    question.in_object = misc.GUID()
    question.in_map_tower = epmapper.epm_twr_t()
    question.in_map_tower.tower = epmapper.epm_tower()
    question.in_map_tower.tower.num_floors = len(floors)
    question.in_map_tower.tower.floors = floors
    question.in_entry_handle = misc.policy_handle()
    question.in_max_towers = 4
    connection = connect(mapper, *(["bigendian"] if bigendian else []),
                         interface=("e1af8308-5d1f-11c9-91a4-08002b14a0fa", 3))
    stub = question.__ndr_pack_in__(bigendian=bigendian)
    question.__ndr_unpack_out__(connection.request(question.opnum(), stub))
    towers = [twr.twr.tower.floors for twr in question.out_towers[:question.out_num_towers]]
    return question.result, [(f[3].rhs.port, f[4].rhs.ipaddr) for f in towers]


def test_endpoint_mapper(port, mapper):
    ndr, ndr64 = (NDR_UUID, 2), (NDR64_UUID, 1)
    for bigendian in (False, True):
        for transfer in (ndr, ndr64):
            told = mapped(mapper, ECHO_UUID, 1, transfer, bigendian)
            assert told == (0, [(port, "127.0.0.1")]), told
        assert mapped(mapper, ECHO_UUID, 2, ndr, bigendian) == (0x16c9a0d6, [])


if __name__ == "__main__":
    echo_host.play(sys.argv[1], globals())
