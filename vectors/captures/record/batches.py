# SPDX-License-Identifier: Apache-2.0
"""CLUSTER_REG_BATCH_UPDATE [MS-CMRP 2.2.3.17] between octets and the JSON form of the vectors."""
import struct

# CLUSTER_REG_BATCH_COMMAND (2.2.2.8) as far as the recordings use it, and registry types.
COMMANDS = {1: "CLUSREG_SET_VALUE", 2: "CLUSREG_CREATE_KEY", 3: "CLUSREG_DELETE_KEY",
            4: "CLUSREG_DELETE_VALUE", 6: "CLUSREG_VALUE_DELETED", 7: "CLUSREG_READ_KEY",
            8: "CLUSREG_READ_VALUE", 9: "CLUSREG_READ_ERROR"}
TYPES = {0: "REG_NONE", 1: "REG_SZ", 2: "REG_EXPAND_SZ", 3: "REG_BINARY", 4: "REG_DWORD",
         7: "REG_MULTI_SZ", 11: "REG_QWORD"}
TYPED = ("CLUSREG_SET_VALUE", "CLUSREG_VALUE_DELETED", "CLUSREG_READ_VALUE")


def command(kind, value_type, name, data=b""):
    """The octets of a command."""
    text = (name + "\0").encode("utf-16-le")
    return (struct.pack("<III", kind, value_type, len(text)) + text
            + struct.pack("<I", len(data)) + data + bytes(len(data) % 2))


def batch(*commands):
    """A batch as hex."""
    return (struct.pack("<I", 1) + b"".join(command(*words) for words in commands)).hex()


def number(names, name):
    return next((key for key, value in names.items() if value == name), name)


def octets(value):
    """A batch object as hex."""
    return batch(*((number(COMMANDS, item["command"]), number(TYPES, item["value_type"]),
                    item["name"], bytes.fromhex(item["data"])) for item in value["commands"]))


def value(text):
    """The batch object of hex; the hex itself where it is no batch."""
    data, at, commands = bytes.fromhex(text), 4, []
    try:
        if struct.unpack_from("<I", data)[0] != 1 or len(data) == 4:
            return text
        while at < len(data):
            kind, value_type, size = struct.unpack_from("<III", data, at)
            name = data[at + 12:at + 12 + size].decode("utf-16-le")
            at += 12 + size
            length = struct.unpack_from("<I", data, at)[0]
            content, at = data[at + 4:at + 4 + length], at + 4 + length + length % 2
            word = COMMANDS.get(kind, kind)
            commands.append({
                "command": word,
                "value_type": TYPES.get(value_type, value_type) if word in TYPED else value_type,
                "name": name[:-1], "data": content.hex()})
    except (struct.error, UnicodeDecodeError):
        return text
    result = {"version": 1, "commands": commands}
    return result if octets(result) == text else text
