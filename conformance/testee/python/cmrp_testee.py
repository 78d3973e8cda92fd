#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Example testee: reads one JSON request a line from stdin, answers each with one JSON object a line on stdout. To have
your codec tested, call it in respond(), in place of this one, which is written from [MS-CMRP] (whence the numbers)."""
import binascii, io, json, re, struct, sys

# Tables of names. Those of 2.2.2.8, 2.2.2.11 and 3.1.4.2.33 number them from 0 up ("-" is none); the sets of 2.2.2.7,
# 2.2.2.12 to 2.2.2.21 and 2.2.2.24 to 2.2.2.26 have bits, the lowest first. A name is the first word of its table with
# a further word for its "*", or is whole after "=" where irregular. "~" is CLUSTER_CHANGE_, and A_{B,C} is A_B A_C.
NAMES = """CLUSREG_* - SET_VALUE {CREATE,DELETE}_KEY DELETE_VALUE - VALUE_DELETED READ_{KEY,VALUE,ERROR} CONTROL_COMMAND
CONDITION_{EXISTS,NOT_EXISTS,IS_EQUAL,IS_NOT_EQUAL,IS_GREATER_THAN,IS_LESS_THAN,KEY_EXISTS,KEY_NOT_EXISTS};
CLUSTER_OBJECT_TYPE_* - CLUSTER GROUP RESOURCE RESOURCE_TYPE NETWORK_INTERFACE NETWORK NODE REGISTRY QUORUM
SHARED_VOLUME SPACEPORT UPGRADE GROUPSET SBL_DEVICE CERT AFFINITYRULE; ~QUORUM_*_V2 STATE; ~SHARED_VOLUME_*_V2 STATE;
~* NODE_{STATE,DELETED,ADDED,PROPERTY} REGISTRY_{NAME,ATTRIBUTES,VALUE,SUBTREE} RESOURCE_{STATE,DELETED,ADDED,PROPERTY}
GROUP_{STATE,DELETED,ADDED,PROPERTY} RESOURCE_TYPE_{DELETED,ADDED,PROPERTY} CLUSTER_RECONNECT
NETWORK_{STATE,DELETED,ADDED,PROPERTY} NETINTERFACE_{STATE,DELETED,ADDED,PROPERTY} QUORUM_STATE
CLUSTER_{STATE,PROPERTY} HANDLE_CLOSE; REG_* NONE SZ EXPAND_SZ BINARY DWORD - - MULTI_SZ - - - QWORD;
~CLUSTER_*_V2 RECONNECT STATE GROUP_ADDED HANDLE_CLOSE {NETWORK,NODE,RESOURCE_TYPE}_ADDED {COMMON,PRIVATE}_PROPERTY
LOST_NOTIFICATIONS RENAME MEMBERSHIP UPGRADED; ~REGISTRY_*_V2 ATTRIBUTES NAME SUBTREE VALUE HANDLE_CLOSE;
~GROUP_*_V2 DELETED {COMMON,PRIVATE}_PROPERTY STATE OWNER_NODE PREFERRED_OWNERS RESOURCE_{ADDED,GAINED,LOST}
HANDLE_CLOSE; ~NETINTERFACE_*_V2 DELETED {COMMON,PRIVATE}_PROPERTY STATE HANDLE_CLOSE;
~RESOURCE_*_V2 {COMMON,PRIVATE}_PROPERTY STATE OWNER_GROUP DEPENDENCIES DEPENDENTS POSSIBLE_OWNERS DELETED DLL_UPGRADED
HANDLE_CLOSE; ~NETWORK_*_V2 DELETED {COMMON,PRIVATE}_PROPERTY STATE HANDLE_CLOSE; ~SPACEPORT_*_V2 CUSTOM_PNP;
~RESOURCE_TYPE_*_V2 DELETED {COMMON,PRIVATE}_PROPERTY POSSIBLE_OWNERS DLL_UPGRADED =CLUSTER_RESOURCE_TYPE_SPECIFIC_V2;
~NODE_*_V2 NETINTERFACE_ADDED DELETED {COMMON,PRIVATE}_PROPERTY STATE GROUP_{GAINED,LOST} HANDLE_CLOSE;
~GROUPSET_*_V2 =~GROUPSET_DELETED_v2 {COMMON,PRIVATE}_PROPERTY STATE =~GROUPSET_GROUP_{ADDED,REMOVED} DEPENDENCIES
DEPENDENTS =~GROUPSET_HANDLE_CLOSE_v2; ~NODE_UPGRADE_PHASE_*_V2 =~UPGRADE_NODE_{PREPARE,COMMIT,POSTCOMMIT}"""
NAMES = re.sub(r"(\S*)\{(\S*)\}(\w*)", lambda m: " ".join(m[1] + part + m[3] for part in m[2].split(",")),
               NAMES.replace("~", "CLUSTER_CHANGE_"))
TABLES = {}  # {"CLUSREG": {"CLUSREG_SET_VALUE": 1, ...}, "CLUSTER_CHANGE": {"CLUSTER_CHANGE_NODE_STATE": 1, ...}, ...}
for pattern, *words in map(str.split, NAMES.split(";")):
    words = [word[1:] if word[0] == "=" else pattern.replace("*", word) for word in words]
    TABLES[pattern.replace("_*", "")] = {word: 1 << place if "CHANGE" in pattern else place
                                         for place, word in enumerate(words) if word[-1] != "-"}
COMMANDS = {number: name for name, number in TABLES["CLUSREG"].items()}
UNIONS = {"CLUSTER_CHANGE_UPGRADE_ALL": TABLES["CLUSTER_CHANGE_NODE_UPGRADE_PHASE_V2"]}  # names for several members

def need(condition, code, reason):
    if not condition:
        raise ValueError(f"{code}: {reason}")

def take(item, required, optional=""):
    """The values of the required keys of a JSON object, which may have the optional and no other keys."""
    need(isinstance(item, dict), "value", f"an object with {required} is expected")
    keys = {key for key in item if key not in ("offset", "warnings") and not key.endswith("_names")}  # from decoding
    need(set(required.split()) <= keys <= set(f"{required} {optional}".split()), "value", f"keys are not {required}")
    return [item[key] for key in required.split()]

def octets(text):
    need(isinstance(text, str), "value", "a string of hex digits is expected")
    return binascii.unhexlify(text.encode("ascii"))

def integer(value, size=4, names=()):
    """The number that a JSON integer, or for 8 octets a decimal string, or a name stands for."""
    value = names[value] if isinstance(value, str) and value in names else value
    digits = isinstance(value, str if size == 8 else int) and re.fullmatch("[0-9]{1,20}", str(value))  # no -1, no True
    need(digits and int(value) < 1 << 8 * size, "value", f"an unsigned number of {size} octets is expected")
    return int(value)

def read(stream, size, code, field):
    data = stream.read(size)
    need(len(data) == size, code, f"{field} has {len(data)} of {size} octets")
    return data

def decode_batch(data):  # 2.2.3.17
    stream, commands = io.BytesIO(data), []
    need(read(stream, 4, "truncated", "VersionNumber") == b"\1\0\0\0", "version", "VersionNumber is not 1")
    while stream.tell() < len(data):
        commands.append(decode_command(stream))
    need(commands, "empty", "no command follows VersionNumber")
    return {"version": 1, "commands": commands}

def decode_command(stream):  # 2.2.3.17.1; value_type stays a number, which means the same as its name
    kind, value_type, length = struct.unpack("<III", read(stream, 12, "truncated", "CommandType to NameLength"))
    name = read(stream, length, "name-overrun", "Name")
    need(length > 0 and length % 2 == 0, "name-length", f"NameLength is {length}")
    text = name.decode("utf-16-le", "surrogatepass")
    need(text.find("\0") == len(text) - 1, "name-nul" if text[-1] == "\0" else "name-terminator", "the NUL is last")
    (length,) = struct.unpack("<I", read(stream, 4, "truncated", "DataLength"))
    data = read(stream, length, "data-overrun", "Data")
    padding = read(stream, length % 2, "padding", "Padding")
    # JSON text cannot hold unpaired surrogates, which are all that surrogatepass leaves as such.
    name = {"name_hex": name.hex()} if re.search("[\ud800-\udfff]", text) else {"name": text[:-1]}
    padding = {"padding": padding.hex()} if padding > b"\0" else {}
    return {"command": COMMANDS.get(kind, kind), "value_type": value_type, **name, "data": data.hex(), **padding}

def encode_batch(value):
    version, commands = take(value, "version commands")
    need(isinstance(commands, list), "value", "commands is no list")
    data = struct.pack("<I", integer(version)) + b"".join(map(encode_command, commands))
    decode_batch(data)  # refuses what breaks a rule of the structure
    return data

def encode_command(command):
    key = "name_hex" if isinstance(command, dict) and "name_hex" in command else "name"
    kind, value_type, name, data = take(command, f"command value_type {key} data", "padding")
    need(isinstance(name, str), "value", "a name is text")
    name, data = octets(name) if key == "name_hex" else f"{name}\0".encode("utf-16-le"), octets(data)
    padding = command.get("padding", "00" * (len(data) % 2))
    need("padding" not in command or len(data) % 2 and padding is not None, "padding", "it follows odd Data only")
    need(len(octets(padding)) == len(data) % 2, "value", "padding is one octet")
    head = struct.pack("<III", integer(kind, 4, TABLES["CLUSREG"]), integer(value_type, 4, TABLES["REG"]), len(name))
    return head + name + struct.pack("<I", len(data)) + data + octets(padding)

def decode_change(name, data):
    need(isinstance(name, str) and name.startswith("CLUSTER_") and name in TABLES, "value", "there is no such set")
    size, show = (8, str) if name.endswith("_V2") else (4, int)
    need(len(data) == size, "truncated" if len(data) < size else "trailing", f"value has {len(data)} of {size} octets")
    value = int.from_bytes(data, "little")
    names = [word for word, bit in TABLES[name].items() if (value & bit if "CHANGE" in name else value == bit)]
    unknown = value - sum(TABLES[name][word] for word in names)
    return {"set": name, "value": show(value), "names": names, "unknown": show(unknown)}

def encode_change(value):
    """From value, from names and unknown, or from all of them where they agree."""
    [name] = take(value, "set", "value names unknown")
    words = value.get("names", [])
    need("value" in value or "names" in value, "value", "either value or names is expected")
    need(isinstance(words, list) and all(isinstance(word, str) for word in words), "value", "names is a list of names")
    names = {member for word in words for member in UNIONS.get(word, [word])}
    need(isinstance(name, str) and names <= TABLES.get(name, {}).keys(), "value", "names are not of this set")
    size = 8 if name.endswith("_V2") else 4
    numbers = {key: integer(value[key], size) for key in ("value", "unknown") if key in value}
    number = numbers.get("value", sum(TABLES[name][word] for word in names) | numbers.get("unknown", 0))
    shown = decode_change(name, number.to_bytes(size, "little"))
    need("names" not in value or names == set(shown["names"]), "value", "names are not those of value")
    need(value.get("unknown", shown["unknown"]) == shown["unknown"], "value", "unknown is not the rest of value")
    return number.to_bytes(size, "little")

def respond(request):
    op, kind, mode = request.get("op"), request.get("type"), request.get("mode", "strict")
    if op == "hello" and request.get("format") == 1:
        return {"name": "cmrp-python-example", "version": "1.0", "types": ["batch", "change"]}
    if op not in ("decode", "encode") or kind not in ("batch", "change") or mode != "strict":
        return {"unsupported": f"{op} of {kind} in {mode} mode"}
    if op == "encode":
        return {"hex": (encode_batch if kind == "batch" else encode_change)(request.get("value")).hex()}
    data = octets(request.get("hex"))
    return {"value": decode_batch(data) if kind == "batch" else decode_change(request.get("set"), data)}

for line in sys.stdin.buffer:
    reply = {"id": None}
    try:
        request = json.loads(line)
        need(isinstance(request, dict) and type(request.get("id")) is int, "value", "an object with an id is expected")
        reply["id"] = request["id"]
        reply.update(respond(request))
    except (ValueError, RecursionError) as error:  # need() raises ValueError itself, libraries kinds of it
        reply["error"] = str(error) if type(error) is ValueError else f"value: {error}"
    print(json.dumps(reply), flush=True)
