# SPDX-License-Identifier: Apache-2.0
"""What passes between a client and a server on loopback, as pcap.

The packets themselves are recorded where that is allowed, as it is in a namespace of the test's
own. Elsewhere a relay stands between the two, and the frames are made from what passed through it.
"""
import os
import socket
import struct
import threading
import time

import traffic
import wire

ETH_P_ALL, SOL_PACKET, PACKET_STATISTICS, PACKET_OUTGOING = 3, 263, 6, 4
SO_RCVBUFFORCE = 33
PROTOCOL_TCP = 6
WAIT = 20  # seconds for what must come


def recorder(port):
    """Records the connections to a port of this machine."""
    if os.environ.get("CMRP_NO_SNIFFING") != "1":
        try:
            return Sniffer(port)
        except PermissionError:
            pass
    return Relay(port)


class Recorder:
    """port: where clients are to connect to."""

    port = None

    def octets(self):
        raise NotImplementedError

    def calls(self):
        """The calls of the cluster interface so far, read by code that is not the project's."""
        return wire.calls(self.octets(), self.server_port())

    def server_port(self):
        return self.port

    def group(self, number):
        """The association group of the connection that was bound after so many others."""
        end = time.monotonic() + WAIT
        while True:
            acks = [pdu for _, _, pdu in wire.pdus(self.octets(), self.server_port())
                    if pdu.kind == wire.BIND_ACK]
            if len(acks) > number:
                return acks[number].unpack("I", 4)[0]
            if time.monotonic() > end:
                raise TimeoutError(f"no bind_ack number {number} after {WAIT} s")
            time.sleep(0.02)


class Sniffer(Recorder):
    """Records what leaves on loopback, which is all that passes, once."""

    def __init__(self, *ports):
        self.port, self.ports = ports[0], ports
        self.records, self.lock = [], threading.Lock()
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 25)
        except PermissionError:
            pass  # packets that are lost for want of room are noticed in close()
        self.socket.bind(("lo", ETH_P_ALL))
        self.stop, self.lost = False, 0
        self.socket.settimeout(0.05)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                frame, (_, _, kind, _, _) = self.socket.recvfrom(1 << 17)
            except TimeoutError:
                if self.stop:
                    return
                continue
            if kind == PACKET_OUTGOING and self.wanted(frame):
                seconds, rest = divmod(time.time_ns(), 10**9)
                head = struct.pack("<IIII", seconds, rest // 1000, len(frame), len(frame))
                with self.lock:
                    self.records.append(head + frame)

    def wanted(self, frame):
        if frame[12:14] != b"\x08\x00" or frame[23] != PROTOCOL_TCP:
            return False
        at = 14 + (frame[14] & 15) * 4
        return not set(struct.unpack_from(">HH", frame, at)).isdisjoint(self.ports)

    def octets(self):
        with self.lock:
            return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1) + b"".join(
                self.records)

    def close(self):
        """Ends when every connection is closed."""
        end = time.monotonic() + WAIT
        while not wire.closed(self.octets()) and time.monotonic() < end:
            time.sleep(0.02)
        self.stop = True
        self.thread.join()
        _, dropped = struct.unpack("II", self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        self.socket.close()
        if dropped:
            raise RuntimeError(f"{dropped} packets were not recorded")


class Relay(Recorder):
    """Passes connections on, each with frames of its own in the capture."""

    def __init__(self, target):
        self.target, self.capture, self.lock = target, traffic.Traffic(), threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.threads, self.sockets = [], []
        threading.Thread(target=self.run, daemon=True).start()

    def server_port(self):
        return 49152  # of traffic's frames

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return  # closed
            server = socket.create_connection(("127.0.0.1", self.target))
            with self.lock:
                connection = self.capture.connection()
                ends = [0]
                self.sockets += [client, server]
            for side, source, other in (("client", client, server), ("server", server, client)):
                thread = threading.Thread(target=self.copy, daemon=True,
                                          args=(connection, side, source, other, ends))
                self.threads.append(thread)
                thread.start()

    def copy(self, connection, side, source, target, ends):
        try:
            while octets := source.recv(1 << 16):
                with self.lock:
                    getattr(connection, side)(octets, size=32768)
                target.sendall(octets)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the other side is gone: what is missing shows in the capture
        with self.lock:
            ends[0] += 1
            if ends[0] == 2:
                connection.close()

    def octets(self):
        with self.lock:
            return self.capture.pcap()

    def close(self):
        self.listener.close()
        for thread in self.threads:
            thread.join(WAIT)
        for one in self.sockets:
            one.close()
