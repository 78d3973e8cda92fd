# SPDX-License-Identifier: Apache-2.0
"""A tshark that runs as long as the testee: packets go in through its standard input as they are
made, and their dissection comes out as PDML, packet by packet."""
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree

import third_party

sys.path.insert(0, str(third_party.ROOT / "conformance" / "test"))
import traffic  # noqa: E402

PORT = 49152
HEADER = traffic.Traffic().pcap()
END = b"</packet>\n"


def version():
    if shutil.which("tshark") is None:
        sys.exit("tshark is not installed (Debian package tshark)")
    said = subprocess.run(["tshark", "--version"], capture_output=True, check=True).stdout
    return re.search(r"\d+\.\d+\.\d+", said.decode())[0]


class Tshark:
    def __init__(self, *options):
        self.process = subprocess.Popen(
            ["tshark", "-n", "-l", "-r", "-", "-T", "pdml", "-d", f"tcp.port=={PORT},dcerpc",
             *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.process.stdin.write(HEADER)
        self.output, self.connections = b"", 0

    def connection(self):
        """(traffic, a connection in it) whose addresses were not used before: no packet is taken
        for a part of an earlier one."""
        self.connections += 1
        made = traffic.Traffic()
        client = (0x0a000000 + self.connections).to_bytes(4, "big")
        return made, made.connection(client, b"\x0b\0\0\1", PORT, opened=False)

    def source(self):
        """An address that was not used before."""
        self.connections += 1
        return (0x0a000000 + self.connections).to_bytes(4, "big")

    def dissect(self, made):
        """The PDML element of the last of these packets."""
        self.process.stdin.write(made.pcap()[len(HEADER):])
        self.process.stdin.flush()
        for _ in made.packets:
            packet = self.packet()
        return xml.etree.ElementTree.fromstring(packet[packet.index(b"<packet>"):])

    def packet(self):
        at, searched = -1, 0
        while at < 0:
            at = self.output.find(END, max(0, searched - len(END)))
            searched = len(self.output)
            if at < 0:
                more = self.process.stdout.read1(1 << 16)
                if not more:
                    sys.exit("tshark ended")
                self.output += more
        packet, self.output = self.output[:at + len(END)], self.output[at + len(END):]
        return packet


def named(element, name):
    """The fields of this name at any depth, in order."""
    return [field for field in element.iter("field") if field.get("name") == name]


def layer(packet, name):
    """The last protocol of this name in a packet, or None."""
    found = [proto for proto in packet.iter("proto") if proto.get("name") == name]
    return found[-1] if found else None


def malformed(packet):
    """Whether one of the protocols asked about says so; a token inside may be anything."""
    return any(re.search("CLUSAPI|DCERPC|DCE/RPC|EPM", proto.get("showname") or "")
               for proto in packet.iter("proto") if proto.get("name") == "_ws.malformed")
