#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Mutants of the codec's source: every small change that a tokenizer can make.

A mutant is one replacement of a stretch of one line. Its key does not hold a line number, so that a
list of keys (survivors.tsv) outlives edits elsewhere in the file. Operators:

  relation    < <= > >= == !=           each becomes two others
  arithmetic  + - * / % << >> & | ^     and the assignments += -= |= …
  logic       && and || change places
  not         a ! or ~ is dropped
  constant    a number is one more, one less
  boolean     true and false change places
  code        an error's code becomes another
  string      a name gets another first character; text for people, which has spaces, is left alone
  condition   of if, while, ?: is negated, or holds always or never (while: never)
  return      true, false, 0, one more, NULL, by the function's type
  delete      a statement is left out: a call, an assignment, break, continue
  swap        two arguments of a call change places
  row         of a .def: the line is left out
  word        of a .def: one of a family of words becomes another
"""
import re
from dataclasses import dataclass

TOKEN = re.compile(r"""
    (?P<comment>//[^\n]*|/\*.*?\*/)
  | (?P<string>"(?:\\.|[^"\\])*")
  | (?P<char>'(?:\\.|[^'\\])*')
  | (?P<number>0[xX][0-9a-fA-F]+[uUlL]*|\d+[uUlL]*)
  | (?P<word>[A-Za-z_]\w*)
  | (?P<space>\s+)
  | (?P<op>->|\+\+|--|<<=|>>=|<<|>>|<=|>=|==|!=|&&|\|\||\+=|-=|\*=|/=|%=|&=|\|=|\^=|\.\.\.|.)
""", re.VERBOSE | re.DOTALL)

RELATIONS = {"<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"),
             "==": ("!=",), "!=": ("==",)}
ARITHMETIC = {"+": "-", "-": "+", "*": "/", "/": "*", "%": "*", "<<": ">>", ">>": "<<", "&": "|",
              "|": "&", "^": "&", "+=": "-=", "-=": "+=", "*=": "/=", "/=": "*=", "%=": "*=",
              "&=": "|=", "|=": "&=", "^=": "|=", "<<=": ">>=", ">>=": "<<=", "++": "--",
              "--": "++"}
BINARY_OR_UNARY = {"+", "-", "*", "&"}
TYPE_WORDS = {"uint8_t", "uint16_t", "uint32_t", "uint64_t", "size_t", "int", "unsigned", "char",
              "bool", "void", "const", "static", "struct", "inline", "long", "double"}
KEYWORDS = {"if", "while", "for", "switch", "return", "sizeof", "do", "else", "case", "goto"}
FAILING = ("cmrp_fail(", "cmrp_write_fail(")  # these return false
SYMMETRIC = {"strcmp", "memcmp"}  # here only asked whether they are 0
FAMILIES = [["U32", "U64", "WORD", "HANDLE"], ["I32", "U64"], ["STRING", "OCTETS"],
            ["OPEN_STRING", "STRING"], ["VARYING", "OCTETS"], ["REF", "UNIQUE"], ["UNIQUE", "REF"],
            ["INOUT", "IN"], ["OUT", "IN"], ["IN", "OUT"], ["BOTH", "P3"], ["P3", "BOTH"],
            ["P2", "P3"], ["true", "false"], ["false", "true"], ["RET", "CLIENT"],
            ["CLIENT", "RET"], ["V3", "RET"], ["MULTI_SZ", "TEXT"], ["NULL", '"MS-CMRP 1"']]


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    start: int
    depth: int = 0  # of braces
    function: str = ""


@dataclass(frozen=True)
class Mutant:
    file: str      # below codec/
    line: int      # from 1
    function: str  # or "-"
    operator: str
    start: int     # octets of the file that are replaced
    end: int
    after: str
    before: str
    text: str      # the line, without the space around it
    number: int    # among mutants that are otherwise the same

    def key(self):
        before = " ".join(self.before.split())
        after = " ".join(self.after.split())
        return "\t".join([self.file, self.function, self.operator, self.text, f"{before} => {after}",
                          str(self.number)])


def tokens_of(text):
    """The tokens that count, with the functions they stand in. Preprocessor lines are left out."""
    found, at = [], 0
    line_start = True
    while at < len(text):
        if line_start and re.match(r"[ \t]*#", text[at:at + 200]):
            end = at
            while True:
                end = text.find("\n", end)
                if end < 0 or text[end - 1] != "\\":
                    break
                end += 1
            at = len(text) if end < 0 else end + 1
            continue
        match = TOKEN.match(text, at)
        kind = match.lastgroup
        if kind not in ("comment", "space"):
            found.append(Token(kind, match.group(), at))
        line_start = match.group().endswith("\n") or (kind == "space" and "\n" in match.group())
        if kind == "space" and "\n" in match.group():
            # Only the last line's beginning counts.
            at += match.group().rfind("\n") + 1
            continue
        at = match.end()
    return place(found)


def place(tokens):
    """Adds depth and function to the tokens."""
    placed, depth, function, paren, candidate, last_word = [], 0, "", 0, "", ""
    function_depth = None
    for i, t in enumerate(tokens):
        if t.text == "}":
            depth -= 1
            if function and depth == function_depth:
                placed.append(Token(t.kind, t.text, t.start, depth, function))
                function = ""
                continue
        if depth == 0:
            if t.text == "(":
                if paren == 0 and last_word:
                    candidate = last_word
                paren += 1
            elif t.text == ")":
                paren -= 1
            elif t.text in (";", "=") and paren == 0:
                candidate = ""
            last_word = t.text if t.kind == "word" else ""
        if t.text == "{":
            if depth == 0 and candidate and tokens[i - 1].text == ")":
                function, function_depth = candidate, 0
            candidate = ""
        placed.append(Token(t.kind, t.text, t.start, depth, function))
        if t.text == "{":
            depth += 1
    return placed


def return_types(text):
    """function -> the words of its type."""
    types = {}
    for match in re.finditer(r"^((?:[A-Za-z_]\w*[ \n]+\**)+)([A-Za-z_]\w*)\(", text, re.MULTILINE):
        types[match.group(2)] = match.group(1)
    return types


def closing(tokens, i):
    """Index of the bracket that closes the one at i."""
    pairs = {"(": ")", "[": "]", "{": "}"}
    shut = pairs[tokens[i].text]
    level = 0
    for j in range(i, len(tokens)):
        if tokens[j].text == tokens[i].text:
            level += 1
        elif tokens[j].text == shut:
            level -= 1
            if level == 0:
                return j
    raise ValueError("unbalanced")


class Source:
    """Collects the mutants of one file."""

    def __init__(self, name, text):
        self.name = name
        self.text = text
        self.found = []
        self.seen = {}

    def add(self, operator, start, end, after, function="-"):
        before = self.text[start:end]
        if before == after:
            return
        line = self.text.count("\n", 0, start) + 1
        begin = self.text.rfind("\n", 0, start) + 1
        stop = self.text.find("\n", start)
        shown = " ".join(self.text[begin:stop if stop >= 0 else len(self.text)].split())
        base = (function, operator, shown, " ".join(before.split()), " ".join(after.split()))
        number = self.seen.get(base, 0) + 1
        self.seen[base] = number
        self.found.append(Mutant(self.name, line, function or "-", operator, start, end, after,
                                 before, shown, number))


def constant(text):
    """One more and one less than a literal."""
    digits = text.rstrip("uUlL")
    suffix = text[len(digits):]
    value = int(digits, 16) if digits[:2].lower() == "0x" else int(digits, 8 if len(digits) > 1 and
                                                                   digits[0] == "0" else 10)
    form = "0x{:x}" if digits[:2].lower() == "0x" else "{}"
    return [form.format(v) + suffix for v in (value + 1, value - 1) if v >= 0]


def is_operand(token):
    return token.kind in ("number", "string", "char") or token.text in (")", "]") or (
        token.kind == "word" and token.text not in KEYWORDS and token.text not in TYPE_WORDS)


def mutate_tokens(source, tokens):
    """Operators that look at one token and its neighbours."""
    in_case = False
    for i, t in enumerate(tokens):
        before = tokens[i - 1] if i > 0 else Token("op", ";", 0)
        after = tokens[i + 1] if i + 1 < len(tokens) else Token("op", ";", 0)
        end = t.start + len(t.text)
        if t.text == "case":
            in_case = True
        elif t.text == ":":
            in_case = False
        if not t.function and t.kind != "number" and t.kind != "string" and t.text not in (
                "true", "false"):
            continue
        if t.kind == "number" and not (not t.function and before.text == "["):
            for text in constant(t.text):
                source.add("constant", t.start, end, text, t.function)
        elif t.kind == "string":
            if " " in t.text and not t.text.startswith('"MS-') and not t.text.startswith('"C706'):
                continue
            source.add("string", t.start, end, '"~' + t.text[2:] if len(t.text) > 2 else '"~"',
                       t.function)
        elif t.text in ("true", "false"):
            source.add("boolean", t.start, end, "false" if t.text == "true" else "true", t.function)
        elif re.match(r"CMRP_E_[A-Z_]+$", t.text) and not in_case:
            other = "CMRP_E_TRUNCATED" if t.text != "CMRP_E_TRUNCATED" else "CMRP_E_OVERRUN"
            source.add("code", t.start, end, other, t.function)
        elif t.text in RELATIONS:
            for text in RELATIONS[t.text]:
                source.add("relation", t.start, end, text, t.function)
        elif t.text in ("&&", "||"):
            source.add("logic", t.start, end, "||" if t.text == "&&" else "&&", t.function)
        elif t.text in ("!", "~"):
            source.add("not", t.start, end, "", t.function)
        elif t.text in ARITHMETIC:
            if t.text in BINARY_OR_UNARY and not is_operand(before):
                if t.text == "-":
                    source.add("arithmetic", t.start, end, "", t.function)
                continue
            # A declaration's or a cast's star is none, and neither is the type behind it a factor.
            if t.text == "*" and (after.text in (")", "*", ",", "const") or before.text.endswith("_t")
                                  or re.match(r"(cmrp_\w+|reader|writer)$", before.text) and
                                  tokens[i - 2].text in ("(", ",", ";", "{", "}", "const")):
                continue
            if t.text == "&" and before.text in (")",) and after.kind == "word" and \
                    tokens[i - 2].text in TYPE_WORDS:
                continue
            source.add("arithmetic", t.start, end, ARITHMETIC[t.text], t.function)


def split_arguments(tokens, start, stop):
    """The ranges (first, last token) of a call's arguments."""
    ranges, level, first = [], 0, start + 1
    for j in range(start + 1, stop):
        if tokens[j].text in "([{":
            level += 1
        elif tokens[j].text in ")]}":
            level -= 1
        elif tokens[j].text == "," and level == 0:
            ranges.append((first, j - 1))
            first = j + 1
    if first <= stop - 1:
        ranges.append((first, stop - 1))
    return ranges


def span(source, tokens, first, last):
    start = tokens[first].start
    end = tokens[last].start + len(tokens[last].text)
    return start, end, source.text[start:end]


def mutate_conditions(source, tokens):
    for i, t in enumerate(tokens[:-1]):
        if not t.function:
            continue
        if t.text in ("if", "while") and tokens[i + 1].text == "(":
            stop = closing(tokens, i + 1)
            start, end, text = span(source, tokens, i + 2, stop - 1)
            if t.text == "if":
                # Where another operator does the same this one rests.
                alone = not re.search(r"&&|\|\||\?", text)
                if not (alone and re.search(r"==|!=|^!", text)):
                    source.add("condition", start, end, f"!({text})", t.function)
                source.add("condition", start, end, f"(({text}), true)", t.function)
            source.add("condition", start, end, f"(({text}), false)", t.function)


def mutate_returns(source, tokens, types):
    for i, t in enumerate(tokens):
        if t.text != "return" or not t.function or tokens[i + 1].text == ";":
            continue
        stop = next(j for j in range(i, len(tokens)) if tokens[j].text == ";")
        start, end, text = span(source, tokens, i + 1, stop - 1)
        kind = types.get(t.function, "")
        if text in ("true", "false"):
            continue
        if "*" in kind:
            if text != "NULL":
                source.add("return", start, end, "NULL", t.function)
        elif "bool" in kind:
            source.add("return", start, end, f"(({text}), true)", t.function)
            if not text.startswith(FAILING):
                source.add("return", start, end, f"(({text}), false)", t.function)
        elif re.search(r"\b(u?int\d*_t|size_t|int|unsigned)\b", kind) and not re.match(r"\d+$", text):
            source.add("return", start, end, "0", t.function)
            source.add("return", start, end, f"({text}) + 1", t.function)


def is_label(tokens, i):
    """Whether the colon at i ends a case."""
    if tokens[i].text != ":":
        return False
    while tokens[i].text not in (";", "{", "}", "?", "case", "default"):
        i -= 1
    return tokens[i].text in ("case", "default")


def mutate_statements(source, tokens):
    """Statements that are left out."""
    i = 0
    while i < len(tokens):
        t = tokens[i]
        fresh = i > 0 and t.function and (tokens[i - 1].text in (";", "{", "}", "else") or
                                          is_label(tokens, i - 1))
        if not fresh or t.kind != "word" and t.text not in ("*", "(", "++", "--"):
            i += 1
            continue
        if t.text in KEYWORDS or t.text in TYPE_WORDS or t.text in ("default", "typedef", "enum"):
            i += 1
            continue
        # Inside of an initializer there are no statements: they begin with an operator of C.
        level, stop, has = 0, None, False
        for j in range(i, len(tokens)):
            if tokens[j].text in "([{":
                level += 1
            elif tokens[j].text in ")]}":
                level -= 1
                if level < 0:
                    break
            elif tokens[j].text == ";" and level == 0:
                stop = j
                break
            if level == 0 and tokens[j].text in ("=", "+=", "-=", "|=", "&=", "++", "--"):
                has = True
        if stop is None:
            i += 1
            continue
        call = t.kind == "word" and i + 1 < len(tokens) and tokens[i + 1].text == "("
        declares = (t.kind == "word" and tokens[i + 1].kind == "word") or (
            t.kind == "word" and tokens[i + 1].text == "*" and tokens[i + 2].kind == "word")
        if (has or call or t.text in ("break", "continue")) and not declares:
            start, end, _ = span(source, tokens, i, stop)
            source.add("delete", start, end, ";", t.function)
        i = stop + 1


def mutate_calls(source, tokens):
    for i, t in enumerate(tokens[:-1]):
        if not t.function or t.kind != "word" or t.text in KEYWORDS or tokens[i + 1].text != "(":
            continue
        if t.text in SYMMETRIC:
            continue
        ranges = split_arguments(tokens, i + 1, closing(tokens, i + 1))
        for (a, b), (c, d) in zip(ranges, ranges[1:]):
            start, _, left = span(source, tokens, a, b)
            _, end, right = span(source, tokens, c, d)
            between = source.text[tokens[b].start + len(tokens[b].text):tokens[c].start]
            source.add("swap", start, end, right + between + left, t.function)


def mutants_of_code(name, text):
    source = Source(name, text)
    tokens = tokens_of(text)
    mutate_tokens(source, tokens)
    mutate_conditions(source, tokens)
    mutate_returns(source, tokens, return_types(text))
    mutate_statements(source, tokens)
    mutate_calls(source, tokens)
    return sorted(source.found, key=lambda m: (m.start, m.end, m.operator, m.after))


def mutants_of_table(name, text):
    source = Source(name, text)
    at = 0
    for line in text.splitlines(keepends=True):
        match = re.match(r"\s*(CMRP_MEMBER|CMRP_PARAM|CMRP_OPNUM|CMRP_CHANGE_FLAG|PAYLOAD_NAME|"
                         r"PAYLOAD_ROW|CMRP_METHOD|CMRP_CHANGE_SET)\(", line)
        if match:
            head = match.group(1)
            if head not in ("CMRP_METHOD", "CMRP_CHANGE_SET"):
                source.add("row", at, at + len(line.rstrip("\n")), "")
            mutate_row(source, line, at, at + match.end())
        at += len(line)
    return source.found


def mutate_row(source, line, at, begin):
    for match in TOKEN.finditer(line, begin - at):
        text, kind = match.group(), match.lastgroup
        start, end = at + match.start(), at + match.end()
        if kind == "comment":
            break
        if kind == "number":
            if text != "0":  # what is not there, mostly
                source.add("constant", start, end, constant(text)[0])
        elif kind == "string" and " " in text and not text.startswith('"MS-'):
            pass
        elif kind == "string":
            source.add("string", start, end, '"~' + text[2:])
        else:
            for family in FAMILIES:
                if text == family[0]:
                    source.add("word", start, end, family[1])
                    break


def mutants_of(name, text):
    return mutants_of_table(name, text) if name.endswith(".def") else mutants_of_code(name, text)
