# SPDX-License-Identifier: Apache-2.0
"""NDR20 and NDR64 for the methods of interface.py: parameters as a dict <-> stub octets.

Values have the JSON form of the vectors, but a batch is hex here. Writing gives referents
0x00020000, 0x00020004, … and zero gaps. Reading refuses whatever breaks a rule, octets left over
among it, and says which gaps were not zero.
"""
import struct

import interface


class Malformed(Exception):
    """The octets are no stub of this method: our code for why, and the offset it is about."""

    def __init__(self, code, offset, message):
        super().__init__(f"octet {offset}: {message}")
        self.code, self.offset = code, offset


class Stream:
    """What reading and writing have in common: where things stand."""

    def __init__(self, wide=False, big=False):
        self.wide, self.order = wide, ">" if big else "<"
        self.word = 8 if wide else 4
        self.deferred = None

    def alignment(self, kind):
        """Of a structure or one of its members [C706 14.2.2, MS-RPCE 2.2.5.3.4]."""
        if kind in interface.STRUCTURES:
            inner = interface.members(interface.STRUCTURES[kind])
            return max(self.alignment(member) for _, member in inner)
        if kind.startswith("*") or kind == "word":
            return self.word
        if kind.startswith("tail"):
            return self.alignment(interface.arguments(kind)[1][0])
        return {"u16": 2, "u64": 8}.get(kind, 4)

    def tail(self, inner):
        """(name, structure) of the array at the end of a structure, or None."""
        name, kind = inner[-1]
        return (name, interface.arguments(kind)[1][0]) if kind.startswith("tail") else None

    def run_deferred(self):
        """What embedded pointers point to comes behind the outermost structure or array."""
        waiting, self.deferred = self.deferred, None
        for visit in waiting:
            visit()


SIZES = {"u16": (2, "H"), "u32": (4, "I"), "i32": (4, "i"), "u64": (8, "Q")}


def handle_octets(value, big):
    """Attributes and GUID, whose first three fields take the sender's byte order."""
    octets = bytes.fromhex(value)
    if big:
        return octets[3::-1] + octets[7:3:-1] + octets[9:7:-1] + octets[11:9:-1] + octets[12:]
    return octets


def swapped(units):
    """Units of 16 bits in the other byte order."""
    return bytes(octet for at in range(0, len(units), 2) for octet in units[at:at + 2][::-1])


class Writer(Stream):
    def __init__(self, wide=False, big=False):
        super().__init__(wide, big)
        self.octets, self.referent = bytearray(), 0x00020000

    def align(self, size):
        self.octets += bytes(-len(self.octets) % size)

    def number(self, size, code, value):
        self.align(size)
        self.octets += struct.pack(self.order + code, value)

    def count(self, value):
        self.number(self.word, "Q" if self.wide else "I", value)

    def text(self, value):
        units = (value + "\0").encode("utf-16-be" if self.order == ">" else "utf-16-le")
        for number in (len(units) // 2, 0, len(units) // 2):
            self.count(number)
        self.octets += units

    def members(self, kind, value):
        inner = interface.members(interface.STRUCTURES[kind])
        tail = self.tail(inner)
        if tail:
            self.count(len(value[tail[0]]))
        self.align(self.alignment(kind))
        for name, member in inner[:-1] if tail else inner:
            self.value(member, value[name], value)
        if self.wide:
            self.align(self.alignment(kind))
        for item in value[tail[0]] if tail else ():
            self.members(tail[1], item)

    def outermost(self, visit):
        if self.deferred is None:
            self.deferred = []
            visit()
            self.run_deferred()
        else:
            visit()

    def pointer(self, kind, value, scope):
        self.count(0 if value is None else self.referent)
        if value is None:
            return
        self.referent += 4
        if self.deferred is None:
            self.value(kind, value, scope)
        else:
            self.deferred.append(lambda: self.value(kind, value, scope))

    def array(self, kind, value):
        self.count(len(value))
        self.outermost(lambda: [self.members(kind, item) for item in value])

    def value(self, kind, value, scope):
        name, inner = interface.arguments(kind)
        if kind.startswith("*"):
            self.pointer(kind[1:], value, scope)
        elif kind in SIZES:
            self.number(*SIZES[kind], int(value))
        elif kind == "word":
            self.count(int(value))
        elif kind == "handle":
            self.align(4)
            self.octets += handle_octets(value, self.order == ">")
        elif kind == "string":
            self.text(value)
        elif kind == "room":
            pass  # the array that it sizes has said it
        elif name == "units":
            units = bytes.fromhex(value["utf16"])
            self.count(len(units) // 2)
            self.octets += units if self.order == "<" else swapped(units)
        elif name == "octets":
            self.count(len(value) // 2)
            self.octets += bytes.fromhex(value)
        elif name == "part":
            for number in (scope[inner[0]], 0, scope[inner[1]]):
                self.count(number)
            self.octets += bytes.fromhex(value)
        elif name == "array":
            self.array(inner[0], value)
        else:
            self.outermost(lambda: self.members(kind, value))


class Reader(Stream):
    """gaps: [(offset, path of the field behind it)] of gaps that are not zero."""

    def __init__(self, octets, wide=False, big=False):
        super().__init__(wide, big)
        self.octets, self.at, self.gaps, self.referents = octets, 0, [], []
        self.counts, self.path, self.gap, self.narrow = [], "", None, True
        self.rooms = {}

    def take(self, size):
        if size > len(self.octets) - self.at:
            raise Malformed("truncated", self.at,
                            f"{size} octets wanted, {len(self.octets) - self.at} left")
        self.at += size
        return self.octets[self.at - size:self.at]

    def align(self, size):
        where, gap = self.at, self.take(-self.at % size)
        if any(gap) and self.gap is None:
            self.gap = where

    def content(self, size):
        """Octets that are no gap; so a gap before them is theirs."""
        if self.gap is not None:
            self.gaps.append((self.gap, self.path))
            self.gap = None
        return self.take(size)

    def number(self, size, code):
        self.align(size)
        return struct.unpack(self.order + code, self.content(size))[0]

    def count(self):
        return self.number(self.word, "Q" if self.wide else "I")

    def text(self):
        most, offset, actual = self.count(), self.count(), self.count()
        if offset or not 0 < actual <= most:
            raise Malformed("string-count", self.at - self.word,
                            f"a string of counts {most}, {offset}, {actual}")
        self.narrow = self.narrow and most == actual
        text = self.content(2 * actual).decode("utf-16-be" if self.order == ">" else "utf-16-le")
        if text.find("\0") != len(text) - 1:
            raise Malformed("string-terminator", self.at - 2, "not one NUL, at the end")
        return text[:-1]

    def members(self, kind):
        inner, value = interface.members(interface.STRUCTURES[kind]), {}
        tail = self.tail(inner)
        if tail:
            size = self.count()
            self.sized(value, interface.arguments(inner[-1][1])[1][1], size, self.at - self.word)
        self.align(self.alignment(kind))
        for name, member in inner[:-1] if tail else inner:
            value[name] = None
            self.value(member, value, name)
        if self.wide:
            self.align(self.alignment(kind))
        if tail:
            value[tail[0]] = self.elements(tail[1], size)
        return value

    def elements(self, kind, count):
        path, result = self.path, []
        for number in range(count):
            self.path = f"{path}[{number}]"
            result.append(self.members(kind))
        self.path = path
        return result

    def outermost(self, visit):
        if self.deferred is not None:
            return visit()
        self.deferred = []
        result = visit()
        self.run_deferred()
        return result

    def pointer(self, kind, scope, name):
        referent = self.count()
        self.referents.append(referent)
        if referent == 0:
            return
        if self.deferred is None:
            self.inner(kind, scope, name)
            return
        path = self.path

        def visit():
            self.path = path
            self.inner(kind, scope, name)
        self.deferred.append(visit)

    def sized(self, scope, count, size, at):
        """A count against the parameter that gives the size; both are known at the end."""
        if count != "?":
            self.counts.append((scope, count, size, at))

    def octet_array(self, scope, count):
        size = self.count()
        self.sized(scope, count, size, self.at - self.word)
        return self.content(size).hex()

    def part(self, scope, counts):
        most, offset, actual = self.count(), self.count(), self.count()
        self.rooms[counts[0]] = most
        self.sized(scope, counts[0], most, self.at - 3 * self.word)
        self.sized(scope, counts[1], actual, self.at - self.word)
        if offset or actual > most:
            raise Malformed("overrun", self.at - self.word,
                            f"an array of counts {most}, {offset}, {actual}")
        return self.content(actual).hex()

    def units(self, scope, count):
        size = self.count()
        self.sized(scope, count, size, self.at - self.word)
        units = self.content(2 * size)
        return {"utf16": (units if self.order == "<" else swapped(units)).hex()}

    def array(self, scope, kind, count):
        size = self.count()
        self.sized(scope, count, size, self.at - self.word)
        return self.outermost(lambda: self.elements(kind, size))

    def value(self, kind, scope, name):
        """Puts a value where it belongs: scope[name]."""
        path, self.path = self.path, f"{self.path}.{name}" if self.path else name
        self.inner(kind, scope, name)
        self.path = path

    def inner(self, kind, scope, name):
        head, inner = interface.arguments(kind)
        if kind.startswith("*"):
            self.pointer(kind[1:], scope, name)
        elif kind in SIZES:
            number = self.number(*SIZES[kind])
            scope[name] = str(number) if kind == "u64" else number
        elif kind == "word":
            scope[name] = str(self.count())
        elif kind == "handle":
            self.align(4)
            scope[name] = handle_octets(self.content(20).hex(), self.order == ">").hex()
        elif kind == "string":
            scope[name] = self.text()
        elif kind == "room":
            scope[name] = self.rooms[name]
        elif head == "units":
            scope[name] = self.units(scope, inner[0])
        elif head == "octets":
            scope[name] = self.octet_array(scope, inner[0])
        elif head == "part":
            scope[name] = self.part(scope, inner)
        elif head == "array":
            scope[name] = self.array(scope, *inner)
        else:
            scope[name] = self.outermost(lambda: self.members(kind))

    def finish(self):
        for scope, count, size, at in self.counts:
            if scope[count] != size:
                raise Malformed("count-mismatch", at,
                                f"{count} is {scope[count]}, the array has {size}")
        if self.at != len(self.octets):
            raise Malformed("trailing", self.at,
                            f"{len(self.octets) - self.at} octets left over")


def encode(method, direction, params, version=3, wide=False, big=False):
    writer = Writer(wide, big)
    for name, kind in method.parameters(direction, version):
        writer.value(kind, params[name], params)
    return bytes(writer.octets)


def read(method, direction, octets, version=3, wide=False, big=False):
    """The parameters, and the reader (gaps, referents)."""
    reader, params = Reader(octets, wide, big), {}
    for name, kind in method.parameters(direction, version):
        params[name] = None
        reader.value(kind, params, name)
    reader.finish()
    return params, reader


def canonical(reader):
    """Whether gaps are zero and referents are numbered as our writer numbers them."""
    used = [referent for referent in reader.referents if referent]
    expected = [0x00020000 + 4 * number for number in range(len(used))]
    return reader.narrow and not reader.gaps and used == expected
