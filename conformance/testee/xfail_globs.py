# SPDX-License-Identifier: Apache-2.0
"""A few patterns that match all of some names and none of others."""
import itertools

def patterns(name):
    """The name of a case with runs of its words, but for the first and the operation, replaced by
    stars; with any operation, too."""
    identity, operation = name.rsplit("/", 1)
    words = identity.split("-")
    edges = range(1, len(words) + 1)
    found = [words]
    found += [words[:a] + ["*"] + words[b:] for a, b in itertools.combinations(edges, 2)]
    found += [words[:a] + ["*"] + words[b:c] + ["*"] + words[d:]
              for a, b, c, d in itertools.combinations(edges, 4)]
    for end in (operation, "*"):
        for pattern in found:
            yield "-".join(pattern) + "/" + end


def matcher(pattern):
    """A function that says whether a name matches: fnmatch for patterns of stars only."""
    first, *parts = pattern.split("*")
    last = parts.pop() if parts else None

    def match(name):
        if last is None:
            return name == pattern
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
                rank = (sum(map(match, left)), -pattern.count("*"), len(pattern), pattern)
                best = max(best, (rank, pattern)) if best else (rank, pattern)
        chosen.append(best[1])
        left = [name for name in left if not known[best[1]](name)]
    return chosen
