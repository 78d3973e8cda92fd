# SPDX-License-Identifier: Apache-2.0
"""What the testees around programs that are not ours share: the lines of the testee protocol, and
the vectors' JSON as plain parameters.

The methods come from vectors/captures/record/interface.py, so that nothing here depends on the
codec. Plain parameters are the JSON of the vectors with all counts there, handles and octets as
bytes, numbers as integers, and text as str, or as the units in bytes where it cannot be.
"""
import json
import pathlib
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "vectors" / "captures" / "record"))
import interface  # noqa: E402


class Unsupported(Exception):
    """The program has no such thing, or the testee cannot say it to the program."""


class Refused(Exception):
    """The program refuses; in its own words where it has any."""


# ---- lines --------------------------------------------------------------------------------------

def hello(name, version, types):
    return {"name": name, "version": version, "types": types}


def answer(respond, line):
    """The answer to a line, as an object."""
    reply = {"id": None}
    try:
        request = json.loads(line)
        reply["id"] = request["id"]
        reply.update(respond(request))
    except Unsupported as why:
        reply["unsupported"] = str(why)
    except Refused as why:
        reply["error"] = str(why)
    return reply


def serve(respond):
    """Answers lines one by one until there are no more."""
    for line in sys.stdin.buffer:
        print(json.dumps(answer(respond, line)), flush=True)


# ---- batches [MS-CMRP 2.2.3.17] -----------------------------------------------------------------

COMMANDS = ("SET_VALUE CREATE_KEY DELETE_KEY DELETE_VALUE - VALUE_DELETED READ_KEY READ_VALUE "
            "READ_ERROR CONTROL_COMMAND CONDITION_EXISTS CONDITION_NOT_EXISTS CONDITION_IS_EQUAL "
            "CONDITION_IS_NOT_EQUAL CONDITION_IS_GREATER_THAN CONDITION_IS_LESS_THAN "
            "CONDITION_KEY_EXISTS CONDITION_KEY_NOT_EXISTS").split()
COMMANDS = {f"CLUSREG_{name}": number for number, name in enumerate(COMMANDS, 1)}
TYPES = {"REG_NONE": 0, "REG_SZ": 1, "REG_EXPAND_SZ": 2, "REG_BINARY": 3, "REG_DWORD": 4,
         "REG_MULTI_SZ": 7, "REG_QWORD": 11}


def batch_octets(value):
    """A batch object as hex."""
    octets = struct.pack("<I", value["version"])
    for command in value["commands"]:
        name = (bytes.fromhex(command["name_hex"]) if "name_hex" in command
                else (command["name"] + "\0").encode("utf-16-le"))
        data = bytes.fromhex(command["data"])
        kind, value_type = command["command"], command["value_type"]
        octets += struct.pack("<III", COMMANDS.get(kind, kind), TYPES.get(value_type, value_type),
                              len(name)) + name + struct.pack("<I", len(data)) + data
        octets += bytes.fromhex(command.get("padding", "00")) if len(data) % 2 else b""
    return octets.hex()


def batch_value(octets):
    """The batch object of octets; None where they are no batch."""
    at, commands = 4, []
    try:
        if struct.unpack_from("<I", octets)[0] != 1 or len(octets) == 4:
            return None
        while at < len(octets):
            kind, value_type, size = struct.unpack_from("<III", octets, at)
            name, at = octets[at + 12:at + 12 + size], at + 12 + size
            length, = struct.unpack_from("<I", octets, at)
            data, pad = octets[at + 4:at + 4 + length], octets[at + 4 + length:][:length % 2]
            at += 4 + length + length % 2
            text = name.decode("utf-16-le", "surrogatepass")
            if at > len(octets) or text.find("\0") != len(text) - 1 or not text:
                return None
            paired = not any("\ud800" <= unit <= "\udfff" for unit in text)
            commands.append({"command": kind, "value_type": value_type,
                             **({"name": text[:-1]} if paired else {"name_hex": name.hex()}),
                             "data": data.hex(), **({"padding": pad.hex()} if any(pad) else {})})
    except (struct.error, UnicodeDecodeError):
        return None
    return {"version": 1, "commands": commands}


# ---- JSON to plain parameters -------------------------------------------------------------------

def need(condition, why):
    if not condition:
        raise Unsupported(f"cannot be put into the program's structures: {why}")


RANGES = {"u16": (0, 0xffff), "u32": (0, 0xffffffff), "room": (0, 0xffffffff),
          "i32": (-1 << 31, (1 << 31) - 1),
          "u64": (0, (1 << 64) - 1), "word": (0, (1 << 64) - 1)}


def digits(value, what):
    need(isinstance(value, str), f"{what} is no hex")
    try:
        return bytes.fromhex(value)
    except ValueError:
        need(False, f"{what} is no hex")


def text_of(value, what):
    """str where the units are UTF-16; otherwise the units as bytes."""
    if isinstance(value, dict):
        need(set(value) == {"utf16"}, f"{what} has other keys than utf16")
        units = digits(value["utf16"], what)
        need(len(units) % 2 == 0, f"{what} is cut inside a unit")
        try:
            return units.decode("utf-16-le")
        except UnicodeDecodeError:
            return units
    need(isinstance(value, str), f"{what} is no text")
    return value


def units_of(value, what):
    """The units of an array of them, as bytes."""
    text = text_of(value, what)
    return text if isinstance(text, bytes) else text.encode("utf-16-le")


class Taker:
    """Plain parameters out of a vector's."""

    def __init__(self, method, wide):
        self.method, self.wide = method, wide

    def number(self, kind, value, what):
        low, high = RANGES[kind]
        if kind == "word" and not self.wide:
            high = 0xffffffff
        fits = str if kind in ("u64", "word") else int
        need(isinstance(value, fits) and not isinstance(value, bool), f"{what} is no number")
        try:
            number = int(value)
        except ValueError:
            number = None
        need(number is not None and low <= number <= high, f"{what} is out of its range")
        return number

    def count(self, scope, given, name, size):
        """A count that an array gives; where it is given as well, it must agree."""
        if name == "?":
            return
        need(name not in given or given[name] == size, f"{name} is {given.get(name)}, not {size}")
        scope[name] = size

    def octets(self, value, what):
        if (self.method.name, what) in interface.BATCHES and isinstance(value, dict):
            octets = bytes.fromhex(batch_octets(value))
            need(batch_value(octets), "no batch; the program does not look into batches")
            return octets
        return digits(value, what)

    def value(self, kind, scope, given, what):
        value = given[what]
        name, inner = interface.arguments(kind.lstrip("*"))
        if value is None:
            need(kind.startswith("*"), f"{what} cannot be NULL")
            for count in inner if name not in ("array", "tail") else inner[1:]:
                scope[count] = given.get(count, 0)  # NULL beside a count may be said
            scope[what] = None
        elif kind in RANGES:
            scope[what] = self.number(kind, value, what)
        elif kind == "handle":
            scope[what] = digits(value, what)
            need(len(scope[what]) == 20, f"{what} has not 20 octets")
        elif name == "string":
            scope[what] = text_of(value, what)
        elif name == "octets":
            scope[what] = self.octets(value, what)
            self.count(scope, given, inner[0], len(scope[what]))
        elif name == "part":
            scope[what] = digits(value, what)
            scope[inner[0]] = given.get(inner[0], len(scope[what]))  # room may be larger
            self.count(scope, given, inner[1], len(scope[what]))
        elif name == "units":
            scope[what] = units_of(value, what)
            self.count(scope, given, inner[0], len(scope[what]) // 2)
        elif name in ("array", "tail"):
            need(isinstance(value, list), f"{what} is no array")
            scope[what] = [self.members(interface.STRUCTURES[inner[0]], item) for item in value]
            self.count(scope, given, inner[1], len(value))
        else:
            scope[what] = self.members(interface.STRUCTURES[kind.lstrip("*")], value)

    def members(self, declared, given):
        return self.all(interface.members(declared), given)

    def all(self, declared, given):
        need(isinstance(given, dict), "no object")
        given = {key: value for key, value in given.items()
                 if not key.endswith("_names") and key not in ("warnings", "buffer_payload")}
        need(set(given) <= {name for name, _ in declared}, "unknown keys")
        arrays = [(name, kind) for name, kind in declared if "(" in kind]
        scope = {}
        for name, kind in arrays + [pair for pair in declared if pair not in arrays]:
            if name not in scope:
                need(name in given, f"{name} is missing")
                self.value(kind, scope, given, name)
        return {name: scope[name] for name, _ in declared}


def method_of(request):
    """(method, direction, version, wide, big) that a request of type stub is about."""
    method = interface.ALL.get(request["opnum"])
    if method is None or method.name != request["method"]:
        raise Unsupported(f"{request['method']} is not described here")
    return (method, request["direction"], request["interface"], request["syntax"] == "ndr64",
            request["drep"] == "be")


def plain_params(method, direction, version, wide, value):
    """The plain parameters of a vector's value."""
    need(isinstance(value, dict) and isinstance(value.get("params"), dict), "no params")
    try:
        return Taker(method, wide).all(method.parameters(direction, version), value["params"])
    except (KeyError, TypeError, ValueError, struct.error) as error:
        raise Unsupported(f"cannot be put into the program's structures: {error}") from error


# ---- plain parameters to JSON -------------------------------------------------------------------

def text_value(text):
    """Text as JSON has it: str, or the units of what is no text."""
    if text is None:
        return None
    units = text if isinstance(text, bytes) else text.encode("utf-16-le", "surrogatepass")
    try:
        text = units.decode("utf-16-le")
    except UnicodeDecodeError:
        return {"utf16": units.hex()}
    return {"utf16": units.hex()} if "\0" in text else text


def json_value(method, kind, value, what):
    name, inner = interface.arguments(kind.lstrip("*"))
    if value is None:
        return None
    if kind in ("u64", "word"):
        return str(value)
    if name in ("string", "units"):
        return text_value(value)
    if isinstance(value, bytes):
        batch = batch_value(value) if (method.name, what) in interface.BATCHES else None
        return batch or value.hex()
    if name in ("array", "tail"):
        return [json_members(method, inner[0], item) for item in value]
    if isinstance(value, dict):
        return json_members(method, name, value)
    return value


def json_members(method, name, value):
    return {member: json_value(method, kind, value[member], member)
            for member, kind in interface.members(interface.STRUCTURES[name])}


def json_params(method, direction, version, params):
    """A vector's value of plain parameters."""
    return {"params": {name: json_value(method, kind, params[name], name)
                       for name, kind in method.parameters(direction, version)}}
