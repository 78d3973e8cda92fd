# SPDX-License-Identifier: Apache-2.0
"""A few patterns that match all of some names and none of others."""
import itertools
import re

def patterns(name):
    """The name with runs of its words replaced by stars."""
    words = re.findall(r"[^-/]+|[-/]", name)
    edges = range(len(words) + 1)
    yield name
    for left, right in itertools.combinations(edges, 2):
        yield "".join(words[:left]) + "*" + "".join(words[right:])
    inner = [edge for edge in edges if edge == 0 or words[edge - 1] in "-/" or edge == len(words)]
    for a, b, c in itertools.combinations(inner, 3):
        if a == 0:
            for d in edges:
                if d > c:
                    yield "*" + "".join(words[b:c]) + "*" + "".join(words[d:])
        yield "".join(words[:a]) + "*" + "".join(words[b:c]) + "*"


def matcher(pattern):
    """A function that says whether a name matches: fnmatch for patterns of stars only."""
    first, *parts = pattern.split("*")
    if not parts:
        return pattern.__eq__
    last = parts.pop()

    def match(name):
        if not name.startswith(first) or not name.endswith(last):
            return False
        at, end = len(first), len(name) - len(last)
        for part in parts:
            found = name.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return at <= end
    return match


def cover(names, others):
    """Patterns for names, the most telling first; always the same for the same names."""
    left, chosen = sorted(names), []
    others, known = sorted(others), {}
    while left:
        best = None
        for pattern in dict.fromkeys(patterns(left[0])):
            if pattern not in known:
                match = matcher(pattern)
                known[pattern] = None if any(map(match, others)) else match
            match = known[pattern]
            if match:
                rank = (sum(map(match, left)), -pattern.count("*"), -len(pattern), pattern)
                best = max(best, (rank, pattern)) if best else (rank, pattern)
        chosen.append(best[1])
        left = [name for name in left if not known[best[1]](name)]
    return chosen
