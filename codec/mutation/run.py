#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Mutation testing of the codec: changes its source in one place at a time and looks whether a test
notices.

Each mutant is compiled into a libcmrp.so of its own and meets the unit tests of codec/test and the
vectors (test_vectors, test_vector_cuts), those of its module first. What they all pass is compiled
again with AddressSanitizer and UBSan. A mutant that passes everything survives.

  killed      a test failed, crashed, or took too long
  survived    none did, though the machine code differs
  equivalent  the compiler makes the same machine code of it as of the source, or of a mutant that
              was judged before
  refused     the compiler does not take it

The score is killed / (killed + survived). survivors.tsv explains survivors; a line that is no
mutant any more, or one whose mutant a test kills now, is an error; with --strict so is a survivor
without a line.

Exit codes: 0 the score is reached and the list is right; 1 not; 2 usage, or the build failed.
"""
import argparse
import concurrent.futures
import hashlib
import os
import random
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))
import mutants  # noqa: E402

CODEC = Path(__file__).resolve().parent.parent
ROOT = CODEC.parent
SURVIVORS = Path(__file__).resolve().parent / "survivors.tsv"
HEADERS = ["method_layout.h", "include/cmrp/bytes.h", "include/cmrp/ndr.h"]  # those that hold code
TABLES = ["methods.def", "opnums.def", "payload.def", "include/cmrp/change.def"]
FLAGS = {
    "plain": ["-O1"],
    "sanitized": ["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
}
# A call whose arguments have changed places must still be C; other warnings say nothing here.
COMPILE = ["-std=c11", "-fPIC", "-Werror=int-conversion", "-Werror=incompatible-pointer-types",
           "-Werror=discarded-qualifiers", "-c"]
CPU_SECONDS = {"plain": 4, "sanitized": 30}  # of one test program; the slowest takes one second
WALL_SECONDS = 120
# Which tests know a file best; the others follow.
FIRST = {
    "batch": ["batch", "batch_lenient", "batch_write"], "bytes": ["bytes"], "change": ["change"],
    "epm": ["tower", "epm"], "epm_map": ["epm", "tower"], "ndr": ["ndr", "stub", "stub_refusals"],
    "method": ["method", "stub", "stub_refusals"], "methods": ["method", "stub"],
    "method_encode": ["stub", "stub_refusals", "method"], "method_layout": ["stub", "method"],
    "opnums": ["method"], "payload": ["payload"], "payload_list": ["payload"],
    "payload_volume": ["payload"], "pdu": ["pdu", "pdu_refusals"],
    "pdu_cl": ["pdu_cl", "pdu_cl_refusals"], "status": ["status"], "uuid": ["uuid"],
}


def sources():
    """name -> text of all that is mutated."""
    names = sorted(p.name for p in CODEC.glob("*.c")) + HEADERS + TABLES
    return {name: (CODEC / name).read_text(encoding="utf-8") for name in names}


def all_mutants(texts):
    return [m for name, text in texts.items() for m in mutants.mutants_of(name, text)]


# ---- the list of survivors ----------------------------------------------------------------------

COLUMNS = "file\tfunction\toperator\tline\tchange\tnumber\treason"


def read_survivors(path):
    """key -> reason."""
    found = {}
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else [COLUMNS]
    if lines[0] != COLUMNS:
        raise SystemExit(f"{path}: the first line is not the columns' names")
    for number, line in enumerate(lines[1:], 2):
        key, _, reason = line.rpartition("\t")
        if key.count("\t") != 5 or not reason.strip():
            raise SystemExit(f"{path}: line {number}: not seven columns, or no reason")
        if key in found:
            raise SystemExit(f"{path}: line {number}: a second time")
        found[key] = reason
    return found


def stale_lines(listed, everything):
    known = {m.key() for m in everything}
    return [key for key in listed if key not in known]


# ---- building -----------------------------------------------------------------------------------

def run_quietly(words, cwd=None):
    done = subprocess.run(words, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    if done.returncode != 0:
        sys.stderr.write(done.stdout.decode(errors="replace")[-4000:])
        print(f"run.py: failed: {' '.join(map(str, words))}", file=sys.stderr)
        sys.exit(2)


TESTS = ["vectors", "vector_cuts"]
# Vectors of other types do not come near a file.
TYPES = {
    "batch": "batch stub", "change": "change payload stub", "epm": "tower pdu", "epm_map": "tower",
    "method": "stub", "methods": "stub", "method_encode": "stub", "method_layout": "stub",
    "ndr": "stub tower", "opnums": "stub", "payload": "payload stub", "payload_list": "payload",
    "payload_volume": "payload", "pdu": "pdu", "pdu_cl": "pdu", "uuid": "pdu tower",
}


def build_tests(work, kind, jobs):
    """The test programs, linked with a shared libcmrp, and their list."""
    build = work / f"build-{kind}"
    sanitize = "address,undefined" if kind == "sanitized" else ""
    run_quietly(["cmake", "-G", "Ninja", "-S", str(ROOT), "-B", str(build),
                 "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DCMRP_TEST_SHARED=ON",
                 "-DCMRP_BUILD_TESTS=ON", f"-DCMRP_SANITIZE={sanitize}",
                 "-DCMAKE_BUILD_WITH_INSTALL_RPATH=ON"])
    names = sorted(p.stem[5:] for p in (CODEC / "test").glob("test_*.c") if p.stem != "test_support")
    targets = [f"test_codec_{n}" for n in names] + [f"test_{n}" for n in TESTS]
    run_quietly(["ninja", "-C", str(build), f"-j{jobs}"] + targets)
    return {n: build / "bin" / f"test_codec_{n}" for n in names} | {
        n: build / "bin" / f"test_{n}" for n in TESTS}


class Bench:
    """A copy of the codec's source, its objects, and one place to change at a time."""

    def __init__(self, folder, kind, texts, tests):
        self.folder, self.kind, self.texts, self.tests = folder, kind, texts, tests
        self.version = next((ROOT_WORK / f"build-{kind}").glob("codec/include"))
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(CODEC, folder / "codec",
                        ignore=shutil.ignore_patterns("test", "bench", "mutation"))
        for name, text in texts.items():
            (folder / "codec" / name).write_text(text, encoding="utf-8")
        self.units = sorted(n for n in texts if n.endswith(".c"))
        self.users = {name: self.find_users(name) for name in texts}
        for unit in self.units:
            if not self.compile(unit, self.object(unit)):
                sys.exit("run.py: the source does not compile")
        self.hashes = {u: self.digest(self.object(u)) for u in self.units}

    def object(self, unit):
        return self.folder / (unit + ".o")

    @staticmethod
    def digest(path):
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def find_users(self, name):
        """The sources that have to be compiled again when a file changes."""
        if name.endswith(".c"):
            return [name]
        base = Path(name).name
        if name in HEADERS:
            return [u for u in self.units if base != "method_layout.h" or base in self.texts[u]]
        return [u for u in self.units if f'{base}"' in self.texts[u]]

    def compile(self, unit, into):
        words = ["gcc", *FLAGS[self.kind], *COMPILE, f"-I{self.folder}/codec/include",
                 f"-I{self.version}", unit, "-o", str(into)]
        try:
            return subprocess.run(words, cwd=self.folder / "codec", stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, timeout=WALL_SECONDS,
                                  check=False).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def build(self, mutant):
        """Compiles the changed source. Returns None, or the new objects by unit and what they
        are."""
        path = self.folder / "codec" / mutant.file
        text = self.texts[mutant.file]
        path.write_text(text[:mutant.start] + mutant.after + text[mutant.end:], encoding="utf-8")
        objects, same, seal = {}, True, hashlib.sha256()
        try:
            for unit in self.users[mutant.file]:
                into = self.folder / (unit + ".mutant.o")
                if not self.compile(unit, into):
                    return None
                objects[unit] = into
                digest = self.digest(into)
                same = same and digest == self.hashes[unit]
                seal.update((unit + digest).encode())
        finally:
            path.write_text(text, encoding="utf-8")
        return objects, same, seal.hexdigest()

    def link(self, objects):
        # A new file each time: a mutant before this one may still hold the old one.
        library = self.folder / "lib"
        library.mkdir(exist_ok=True)
        for old in library.iterdir():
            old.unlink()
        words = ["gcc", "-shared", *FLAGS[self.kind][1:], "-Wl,-soname," + SONAME,
                 "-o", str(library / SONAME)]
        words += [str(objects.get(u, self.object(u))) for u in self.units]
        subprocess.run(words, check=True)
        return library

    def passes(self, test, library, file=""):
        def limits():
            cpu = CPU_SECONDS[self.kind]
            resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            if self.kind == "plain":
                resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 24, 1 << 24))
        environment = {"LD_LIBRARY_PATH": str(library), "PATH": os.environ.get("PATH", ""),
                       "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:"
                                       "malloc_context_size=0:quarantine_size_mb=1",
                       "CMRP_TEST_FAIL_FAST": "1",
                       "CMRP_TEST_VECTORS": str(ROOT_WORK / "vectors")}
        if Path(file).stem in TYPES:
            environment["CMRP_TEST_TYPES"] = TYPES[Path(file).stem]
        try:
            done = subprocess.run([str(self.tests[test])], env=environment, preexec_fn=limits,
                                  cwd=self.folder, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  timeout=WALL_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0


def order_of(tests, name, kills):
    """The order of tests for a file: its own, the most deadly so far, the slow ones last."""
    stem = Path(name).stem
    first = [t for t in FIRST.get(stem, []) if t in tests]
    rest = [t for t in tests if t not in first and t not in TESTS]
    rest.sort(key=lambda t: -kills[stem, t])
    return first + TESTS[:1] + rest + TESTS[1:]


# ---- the run ------------------------------------------------------------------------------------

class Run:
    def __init__(self, chosen, texts, tests, jobs, log=None):
        self.log = log  # an open file that gets a line for each outcome
        self.queue = iter(chosen)
        self.total = len(chosen)
        self.texts, self.tests, self.jobs = texts, tests, jobs
        self.lock = threading.Lock()
        self.outcomes = {}  # mutant -> (word, test that killed it)
        self.seen = set()
        self.kills = Counter()
        self.last = time.monotonic()

    def next(self):
        with self.lock:
            return next(self.queue, None)

    def note(self, mutant, word, test=""):
        with self.lock:
            self.outcomes[mutant] = (word, test)
            self.kills[Path(mutant.file).stem, test] += 1
            if self.log:
                self.log.write(f"{word}\t{test}\t{mutant.line}\t{mutant.key()}\n")
                self.log.flush()
            now = time.monotonic()
            if now - self.last > 10:
                self.last = now
                counts = Counter(w for w, _ in self.outcomes.values())
                print(f"run.py: {len(self.outcomes)} of {self.total}: "
                      + ", ".join(f"{n} {w}" for w, n in sorted(counts.items())), file=sys.stderr)

    def is_new(self, seal):
        with self.lock:
            new = seal not in self.seen
            self.seen.add(seal)
            return new

    def judge(self, bench, mutant, deep):
        built = bench.build(mutant)
        if built is None:
            return "refused", ""
        objects, same, seal = built
        if not deep and (same or not self.is_new(seal)):
            return "equivalent", ""
        library = bench.link(objects)
        for test in order_of(self.tests[bench.kind], mutant.file, self.kills):
            if not bench.passes(test, library, mutant.file):
                return "killed", test
        return "survived", ""

    def work(self, number, kind, take, deep):
        bench = Bench(ROOT_WORK / f"bench-{kind}-{number}", kind, self.texts, self.tests[kind])
        library = bench.link({})
        for test in self.tests[kind]:
            if not bench.passes(test, library):
                return f"{test} ({kind}) fails without any change"
        while (mutant := take()) is not None:
            word, test = self.judge(bench, mutant, deep)
            self.note(mutant, word, test + (" (sanitized)" if deep and test else ""))
        for test in self.tests[kind]:
            if not bench.passes(test, bench.link({})):
                return f"{test} ({kind}) fails at the end without any change: nothing was proven"
        return None

    def stage(self, kind, take, deep):
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            for failure in pool.map(lambda n: self.work(n, kind, take, deep), range(self.jobs)):
                if failure:
                    sys.exit(f"run.py: {failure}")

    def everything(self):
        self.stage("plain", self.next, False)
        if "sanitized" not in self.tests:
            return
        # Tables and names move no pointer.
        again = iter([m for m, (w, _) in self.outcomes.items() if w == "survived" and
                      m.file not in TABLES and m.operator not in ("string", "code")])

        def take():
            with self.lock:
                return next(again, None)
        self.stage("sanitized", take, True)


def show(run, listed, strict, goal, seconds):
    """Prints the report; returns whether all is well."""
    by_file = defaultdict(Counter)
    for mutant, (word, _) in run.outcomes.items():
        by_file[mutant.file][word] += 1
        by_file["all"][word] += 1
    words = ["killed", "survived", "equivalent", "refused"]
    print(f"{'file':24}" + "".join(f"{w:>12}" for w in words) + f"{'score':>9}")
    for name in sorted(by_file, key=lambda n: (n == "all", n)):
        c = by_file[name]
        tried = c["killed"] + c["survived"]
        score = f"{100 * c['killed'] / tried:8.1f}%" if tried else f"{'-':>9}"
        print(f"{name:24}" + "".join(f"{c[w]:12}" for w in words) + score)
    survivors = sorted((m for m, (w, _) in run.outcomes.items() if w == "survived"),
                       key=lambda m: (m.file, m.start))
    unexplained = [m for m in survivors if m.key() not in listed]
    for m in unexplained:
        print(f"codec/{m.file}:{m.line}: survived: {m.operator}: {' '.join(m.before.split())} => "
              f"{' '.join(m.after.split())}")
    wrong = [m for m, (w, _) in run.outcomes.items() if w != "survived" and m.key() in listed]
    for m in wrong:
        print(f"codec/{m.file}:{m.line}: listed as a survivor, but {run.outcomes[m][0]}: {m.key()}")
    c = by_file["all"]
    score = 100 * c["killed"] / max(1, c["killed"] + c["survived"])
    print(f"{len(run.outcomes)} mutants, {score:.1f}% killed, {len(unexplained)} of "
          f"{len(survivors)} survivors unexplained, {seconds:.0f} s")
    return score >= goal and not wrong and not (strict and unexplained)


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--work", default=str(ROOT / "build" / "mutation"),
                        help="folder for what is built (build/mutation)")
    parser.add_argument("--sample", type=int, default=300, help="mutants to draw (300)")
    parser.add_argument("--seed", type=int, default=1, help="of the draw (1)")
    parser.add_argument("--all", action="store_true", help="every mutant")
    parser.add_argument("--file", action="append", help="only mutants of this file below codec/")
    parser.add_argument("--only", help="only the mutants whose keys are in this file")
    parser.add_argument("--strict", action="store_true", help="unexplained survivors are an error")
    parser.add_argument("--goal", type=float, default=90, help="score to reach, in percent (90)")
    parser.add_argument("-j", type=int, default=2, dest="jobs", help="mutants at a time (2)")
    parser.add_argument("--outcomes", help="write what became of each mutant into this file; what a "
                        "sanitizer killed later has a second line")
    parser.add_argument("--resume", help="take over what an earlier run wrote so, but for "
                        "survivors: for one that was broken off, or when tests were added")
    parser.add_argument("--plain", action="store_true", help="without the sanitizers: faster")
    parser.add_argument("--report", help="build nothing: only show what --outcomes of an earlier "
                        "run wrote")
    parser.add_argument("--check", action="store_true",
                        help="build nothing: only check survivors.tsv against the source")
    return parser.parse_args()


def earlier(path, chosen):
    """mutant -> outcome, of an earlier run."""
    by_key = {m.key(): m for m in chosen}
    found = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            word, test, _, key = line.rstrip("\n").split("\t", 3)
            if key in by_key and word != "survived":
                found[by_key[key]] = (word, test)
    return found


class Report:
    """What an earlier run wrote, whole: the last line about a mutant counts."""

    def __init__(self, path, everything):
        by_key = {m.key(): m for m in everything}
        self.outcomes = {}
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                word, test, _, key = line.rstrip("\n").split("\t", 3)
                if key in by_key:
                    self.outcomes[by_key[key]] = (word, test)


def choose(o, everything):
    chosen = [m for m in everything if not o.file or m.file in o.file]
    if o.only:
        keys = {line.rstrip("\n").split("\t", 3)[-1] if line.count("\t") > 7 else
                line.rstrip("\n") for line in open(o.only, encoding="utf-8")}
        return [m for m in chosen if m.key() in keys]
    if o.all or len(chosen) <= o.sample:
        return random.Random(o.seed).sample(chosen, len(chosen))
    return random.Random(o.seed).sample(chosen, o.sample)


def main():
    global ROOT_WORK, SONAME
    o = options()
    texts = sources()
    everything = all_mutants(texts)
    listed = read_survivors(SURVIVORS)
    stale = stale_lines(listed, everything)
    for key in stale:
        print(f"survivors.tsv: no such mutant: {key}")
    if o.check:
        print(f"{len(everything)} mutants, {len(listed)} explained survivors, {len(stale)} stale")
        return 1 if stale else 0
    if o.report:
        return 0 if show(Report(o.report, everything), listed, o.strict, o.goal, 0) else 1
    chosen = choose(o, everything)
    if not chosen:
        print("run.py: no mutant is selected", file=sys.stderr)
        return 2
    os.nice(19 - os.nice(0))
    ROOT_WORK = Path(o.work)
    ROOT_WORK.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    # What the tests read must not change while they run.
    shutil.rmtree(ROOT_WORK / "vectors", ignore_errors=True)
    shutil.copytree(ROOT / "vectors", ROOT_WORK / "vectors",
                    ignore=shutil.ignore_patterns("captures"))
    tests = {kind: build_tests(ROOT_WORK, kind, o.jobs) for kind in FLAGS
             if kind == "plain" or not o.plain}
    cache = (ROOT_WORK / "build-plain" / "lib").glob("libcmrp.so.*")
    SONAME = min((p.name for p in cache), key=len)
    log = open(o.outcomes, "w", encoding="utf-8") if o.outcomes else None
    known = earlier(o.resume, chosen) if o.resume else {}
    run = Run([m for m in chosen if m not in known], texts, tests, o.jobs, log)
    for mutant, (word, test) in known.items():
        run.note(mutant, word, test)
    run.total = len(chosen)
    run.everything()
    fine = show(run, listed, o.strict, o.goal, time.monotonic() - started)
    return 0 if fine and not stale else 1


if __name__ == "__main__":
    sys.exit(main())
