#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the table of fold.c, fold.def: rows RUN(first, last, step, add), the simple upper-case
mapping of the Basic Multilingual Plane.

Fixed in the source and not asked of the C library, because folded names are kept in files. Two
letters that are not ASCII have upper cases that are (U+0131, U+017F); they are left out, so that a
name of ASCII equals only names of ASCII."""
import unicodedata


def simple_upper(char):
    upper = char.upper()
    if len(upper) > 1:  # the full mapping; the simple one is then the title case, if there is one
        upper = char.title()
    return upper if len(upper) == 1 else char


def main():
    pairs = [(c, ord(simple_upper(chr(c)))) for c in range(0x10000) if not 0xD800 <= c <= 0xDFFF]
    pairs = [(c, up) for c, up in pairs if up != c and (up >= 0x80 or c < 0x80) and up < 0x10000]
    runs = []
    for char, up in pairs:
        add = up - char
        if runs:
            first, last, step, added = runs[-1]
            if added == add and char - last <= 2 and (step == 0 or char - last == step):
                runs[-1] = (first, char, char - last, add)
                continue
        runs.append((char, char, 0, add))
    print("// SPDX-License-Identifier: Apache-2.0")
    print(f"// RUN(first, last, step, add): made by fold_table.py of Unicode {unicodedata.unidata_version}.")
    for first, last, step, add in runs:
        print(f"RUN(0x{first:04x}, 0x{last:04x}, {step or 1}, {add})")


if __name__ == "__main__":
    main()
