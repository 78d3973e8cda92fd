# SPDX-License-Identifier: Apache-2.0
"""A recorded stub as a vector of vectors/stub."""
import answers
import batches
import interface
import ndr

LARGEST = 1024  # octets of a stub; larger ones are in the captures only
SPEAKERS = {"samba": "Samba 4.17", "impacket": "impacket 0.10"}


class Stub:
    """A stub and what is to be said about it."""

    def __init__(self, call, direction, who, label, params, known):
        self.call, self.direction, self.label, self.known = call, direction, label, known
        self.speakers, self.params = [who], params
        self.octets = call.request if direction == "request" else call.response
        self.key = (call.opnum, direction, call.version, call.wide, call.big, self.octets)

    def identifier(self):
        parts = ["stub-recorded", self.speakers[0], self.label,
                 "req" if self.direction == "request" else "resp"]
        parts += ["v2"] if self.call.version == 2 else []
        parts += ["ndr64" if self.call.wide else "ndr"] + (["be"] if self.call.big else [])
        return "-".join(parts)

    def comment(self):
        names = " and ".join(SPEAKERS[who] for who in self.speakers)
        if self.known:
            return self.known[5] + "."
        if len(self.speakers) > 1:
            return f"{names} send the same octets."
        wrote = {"samba": "as Samba's library marshals it",
                 "impacket": "as impacket's NDR engine marshals it"}[self.speakers[0]]
        return f"{self.call.method.name}, {wrote}."

    def test(self):
        call, test = self.call, {}
        test.update(id=self.identifier(), comment=self.comment(), type="stub",
                    method=call.method.name, opnum=call.opnum, direction=self.direction)
        if call.version == 2:
            test["interface"] = 2
        if call.wide:
            test["syntax"] = "ndr64"
        if call.big:
            test["drep"] = "be"
        text = self.octets.hex()
        test["hex"] = text if len(text) <= 80 else [text[at:at + 80]
                                                    for at in range(0, len(text), 80)]
        flags = [name for name, holds in (("BigEndian", call.big),
                                          ("Protocol2", call.version == 2)) if holds]
        try:
            _, reader = call.read(self.direction)
        except ndr.Malformed as error:
            code = {"truncated": "Truncated", "count-mismatch": "CountMismatch"}[error.code]
            test.update(result="invalid", error={"code": error.code, "offset": error.offset},
                        flags=[code, "KnownDefect", *flags], provenance="wire")
            return test
        value = shown(call.method.name, self.params)
        test.update(value={"params": value}, result="valid")
        if reader.gaps:
            test["warnings"] = [{"code": "ndr-padding", "offset": offset, "field": field}
                                for offset, field in reader.gaps]
        test["flags"] = self.flags(reader, value) + flags
        if not test["flags"]:
            del test["flags"]
        test["provenance"] = "wire"
        return test

    def flags(self, reader, value):
        leaves = list(flat(value))
        batch = [value[name] for method, name in interface.BATCHES
                 if method == self.call.method.name and value.get(name)]
        failed = self.direction == "response" and any(
            value.get(name) not in (0, None) and isinstance(value.get(name), int)
            for name in ("Status", "rpc_error", "return"))
        used = [referent for referent in reader.referents if referent]
        numbered = used == [0x00020000 + 4 * index for index in range(len(used))]
        found = [("Canonical", ndr.canonical(reader)), ("Failure", failed),
                 ("NonZeroGap", bool(reader.gaps)), ("Referents", not numbered),
                 ("NullPointer", None in leaves), ("NullHandle", answers.NULL in leaves),
                 ("Batch", any(isinstance(item, dict) for item in batch)),
                 ("OpaqueBatch", any(isinstance(item, str) for item in batch))]
        return [name for name, holds in found if holds]


def flat(value):
    if isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from flat(item)
    else:
        yield value


def shown(method, params):
    """Parameters as a vector shows them: batches as objects."""
    return {name: batches.value(value) if (method, name) in interface.BATCHES and value else value
            for name, value in params.items()}
