# SPDX-License-Identifier: Apache-2.0
"""What programs that are not ours sent to `cmrp serve`, as vectors.

Nobody told them octet by octet what to send: the values are what ndr.py reads, and check.py holds
them against the answers. A request is worth a vector where no recorded one of the same program's
marshaling (Samba's library, impacket), syntax and byte order has its shape: which pointers are
NULL, which texts and arrays are empty, what gaps they need behind them. The answers are those of
this project and no evidence.
"""
import interface
import recorded
import samba_marshal
import wire

NULL = "00" * 20

# capture, whose marshaling its requests show, who is the client
SOURCES = [
    ("smbtorture-ndr_to_cmrp-serve", "samba", "smbtorture"),
    ("smbtorture-ndr64_to_cmrp-serve", "samba", "smbtorture"),
    ("smbtorture-bigendian_to_cmrp-serve", "samba", "smbtorture"),
    ("rpcclient_to_cmrp-serve", "samba", "rpcclient"),
    ("impacket-ndr_to_cmrp-serve", "impacket", "impacket"),
    ("python3-samba-ndr64-bigendian_to_cmrp-serve", "samba", "python3-samba"),
]
CLIENTS = {"smbtorture": "smbtorture of Samba 4.17", "rpcclient": "rpcclient of Samba 4.17",
           "impacket": "impacket 0.10",
           "python3-samba": "python3-samba with stubs of Samba 4.17's library"}

# Requests in a client's name that ndr.py has written.
OURS = {"python3-samba": {method for method, _ in samba_marshal.BOOLEAN8}}


def size(count, last):
    """What matters of a size: nothing, where nothing comes behind."""
    return [] if last else [f"size-{count % 4}"]


def leaf(kind, value, last):
    """The words for the shape of a value without members."""
    name, _ = interface.arguments(kind)
    if value is None:
        return ["null"]
    if kind == "handle":
        return ["nullhandle"] if value == NULL else []
    if kind == "string":
        units = len(value.encode("utf-16-le")) // 2
        return (["unicode"] if not value.isascii() else []) + (
            ["empty"] if not units else [] if last else ["odd" if units % 2 else "even"])
    if name in ("octets", "part"):
        return size(len(value) // 2, last) if value else ["empty"]
    if name == "units":
        return size(len(value["utf16"]) // 2, last)
    return []


SAID = {"null": "NULL", "nullhandle": "the NULL handle", "unicode": "beyond ASCII",
        "empty": "empty", "odd": "of odd length", "even": "of even length",
        "size-0": "of 4n octets", "size-1": "of 4n + 1 octets", "size-2": "of 4n + 2 octets",
        "size-3": "of 4n + 3 octets"}


def outline(fields, values, whole=True):
    """[(parameter or member, word)]: the shape of what a request says, gaps apart."""
    found = []
    for number, (name, kind) in enumerate(fields):
        value, bare = values[name], kind.removeprefix("*")
        last = whole and number == len(fields) - 1
        if value is not None and bare in interface.STRUCTURES:
            inner = interface.members(interface.STRUCTURES[bare])
            found += outline(inner, value, whole=False)
        elif bare.startswith(("array", "tail")):
            raise ValueError(f"no request is known that has an array of structures: {name}")
        else:
            found += [(name, word) for word in leaf(bare, value, last)]
    return found


def shape(call):
    params, reader = call.read("request")
    return outline(call.method.parameters("request", call.version), params), bool(reader.gaps)


class Request(recorded.Stub):
    """A request whose id names its shape: another recording has it for the same one."""

    def __init__(self, call, engine, client, form):
        params, _ = call.read("request")
        self.words, gaps = form
        label = [call.method.name.removeprefix("Api").lower(), *(word for _, word in self.words)]
        super().__init__(call, "request", engine, "-".join(label + ["gaps"] * gaps), params, None)
        self.client = client

    def identifier(self):
        return super().identifier().replace(f"stub-recorded-{self.speakers[0]}",
                                            f"stub-partner-{self.client}", 1)

    def comment(self):
        said = ", ".join(f"{name} {SAID[word]}" for name, word in self.words)
        return (f"{self.call.method.name}, as {CLIENTS[self.client]} sends it"
                f"{': ' + said if said else ''}.")


def requests(captures, planned, known):
    """Those that earn a vector. planned: the stubs that are vectors by the plan; known: keys of
    all other vectors."""
    shapes = {(who, item.call.opnum, item.call.wide, item.call.big, str(shape(item.call)))
              for item in planned if item.direction == "request" and not item.known
              and item.call.version == 3 for who in item.speakers}
    found = []
    for name, engine, client in SOURCES:
        made = []
        for call in wire.calls((captures / f"{name}.pcap").read_bytes()):
            if call.method is None or call.method.name in OURS.get(client, ()) \
                    or not 0 < len(call.request) <= recorded.LARGEST:
                continue
            form = shape(call)
            item = Request(call, engine, client, form)
            key = (engine, call.opnum, call.wide, call.big, str(form))
            if key not in shapes and item.key not in known:
                shapes.add(key)
                made.append(item)
        found += sorted(made, key=lambda item: (item.call.opnum, item.identifier()))
    return found
