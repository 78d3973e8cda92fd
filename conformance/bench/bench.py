#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the benchmarks of a build and prints a table: what was measured, the goal, met or missed.

All figures are processor time, contenders take turns, and the shortest time of each counts. BENCH_MB
in the environment (default 512) is the size of the inputs, in megabytes; the goals are for 512.
Exit status: 0 the table is complete, whatever it says; 2 something did not run."""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import live

TOP = pathlib.Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- bench: written by the target bench-readme -->", "<!-- /bench -->"
FINDINGS = 1  # the exit status of cmrp, here for want of authentication
DECODE_TARGETS = "batch_strict", "batch_lenient", "change", "stub", "pdu"


class Skip(Exception):
    """A part that cannot be measured here, and why."""


def fail(problem):
    print(f"bench: {problem}", file=sys.stderr)
    sys.exit(2)


def run(*command, accepted=(0,), **options):
    """The output of a program that has to succeed, or to exit as accepted."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False, **options)
    if done.returncode not in accepted:
        fail(f"{' '.join(map(str, command))}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def numbers(text):
    """The lines NAME, tab, NUMBER that the programs of codec/bench print."""
    pairs = dict(line.split("\t") for line in text.splitlines())
    if "skip" in pairs:
        raise Skip(pairs["skip"])
    return {name: float(value) for name, value in pairs.items()}


class Bench:
    def __init__(self, options, work):
        self.bin, self.build, self.work = options.build / "bin", options.build, work
        self.tiny, self.sanitized, self.rows = options.tiny, options.sanitized, []
        self.megabytes = 4 if options.tiny else int(os.environ.get("BENCH_MB", "512"))
        self.rounds = 1 if options.tiny else 5
        self.replay_seconds = 0  # of replay -T none, for a megabyte

    def row(self, what, value, form, goal, at_most=True):
        met = value <= goal if at_most else value >= goal
        sign = "≤" if at_most else "≥"
        verdict = "not judged" if self.tiny else "met" if met else "missed"
        self.rows.append((what, form.format(value), f"{sign} {form.format(goal)}", verdict))

    def skip(self, what, why):
        self.rows.append((what, "–", "", f"skipped: {why}"))

    def part(self, what, measure):
        print(f"bench: {what} …", file=sys.stderr, flush=True)
        try:
            measure()
        except Skip as why:
            self.skip(what, why)

    def race(self, rounds, accepted=(0,), **commands):
        """The shortest time and the least peak memory of each command, which take turns."""
        best = {}
        for _ in range(rounds):
            for name, command in commands.items():
                now = tuple(map(float, run(self.bin / "bench-cost", *command,
                                           accepted=accepted).split("\t")))
                best[name] = tuple(map(min, best.get(name, now), now))
        return best

    # ---- the library ----------------------------------------------------------------------------

    def batches(self):
        found = numbers(run(self.bin / "bench-codec", "batch", self.megabytes, self.rounds))
        walk, size = found["batch-walk"], f"{self.megabytes} MB of small commands"
        self.row(f"{size}: iterating, all lengths checked, over a walk that trusts them",
                 found["batch-next"] / walk, "{:.2f} ×", 1.25)
        self.row("the same with names checked (UTF-16, inner NUL)",
                 found["batch-checked"] / walk, "{:.2f} ×", 2.2)
        self.row("copying large values out of a batch, of the speed of memcpy",
                 100 * found["copy-memcpy"] / found["copy-batch"], "{:.0f} %", 90, False)

    def batches_in_cache(self):
        found = numbers(run(self.bin / "bench-codec", "batch", 1, 20 * self.rounds))
        walk = found["batch-walk"]
        self.row("1 MB of small commands, in the cache: all lengths checked",
                 found["batch-next"] / walk, "{:.2f} ×", 1.25)
        self.row("the same with names checked", found["batch-checked"] / walk, "{:.2f} ×", 2.2)

    def instructions(self, how):
        """Of one more command: what is the same in a short and a longer run cancels out."""
        counts = []
        for commands in (1000, 3000):
            done = subprocess.run(
                ["valgrind", "--tool=callgrind", f"--callgrind-out-file={self.work / 'callgrind'}",
                 "--toggle-collect=bench_batch_read", self.bin / "bench-codec", "once", how,
                 str(commands)], capture_output=True, text=True, check=False)
            found = re.search(r"Collected : (\d+)", done.stderr)
            if done.returncode != 0 or not found:
                fail(f"callgrind: {done.stderr[-2000:]}")
            counts.append(int(found[1]))
        return (counts[1] - counts[0]) / 2000

    def all_instructions(self):
        if not shutil.which("valgrind"):
            raise Skip("valgrind is not installed")
        if self.sanitized:
            raise Skip("a build with sanitizers")
        self.row("instructions a small command, the caller's loop included",
                 self.instructions("next"), "{:.0f}", 75)
        self.row("the same with names checked", self.instructions("checked"), "{:.0f}", 135)

    def samba(self):
        if not (self.bin / "bench-samba").exists():
            raise Skip("built without samba-dev and Samba's libraries")
        found = numbers(run(self.bin / "bench-samba", 1 if self.tiny else 30))
        for side, method in ("request", "ApiExecuteBatch"), ("response", "ApiGetBatchNotification"):
            for size in 200, 8000:
                ours, theirs = (found[f"{who}-{side}-{size}"] for who in ("stub", "samba"))
                self.row(f"decoding an {method} {side} with {size} octets, of Samba's NDR time",
                         100 * ours / theirs, "{:.0f} %", 20)

    # ---- fuzzing --------------------------------------------------------------------------------

    def fuzz(self):
        if not shutil.which("clang"):
            raise Skip("clang is not installed")
        if self.tiny:
            raise Skip("a build of its own is too much for a tiny run")
        build = self.build / "bench-fuzz"
        names = [f"replay_{name}" for name in ("nothing", *DECODE_TARGETS)]
        run("cmake", "-S", TOP, "--preset", "fuzz", "-B", build)
        run("cmake", "--build", build, "--target", *names, "fuzz-corpus")
        for name in DECODE_TARGETS:
            corpus = [build / "fuzz/corpus" / name] * 20
            best = self.race(self.rounds, nothing=[build / "bin/replay_nothing", *corpus],
                        target=[build / "bin" / f"replay_{name}", *corpus])
            self.row(f"fuzz target {name} on its seeds, of an empty harness' executions a second",
                     100 * best["nothing"][0] / best["target"][0], "{:.0f} %", 45, False)

    # ---- conformance ----------------------------------------------------------------------------

    def vectors(self):
        best = self.race(min(self.rounds, 2),
                         all=[self.bin / "cmrp", "conform", "--testee", self.bin / "cmrp-testee-c"])
        self.row("all vectors against our own testee", best["all"][0], "{:.1f} s", 10)

    def rules(self):
        large, legal = self.capture(self.megabytes, 16), self.work / "legal.pcap"
        steps = self.megabytes * 12000
        with open(legal, "wb") as file:
            subprocess.run([self.bin / "legal-traffic", "5", str(steps)], stdout=file, check=True)
        commands = {"off": self.replay_command(large, "none"),
                    "legal-off": self.replay_command(legal, "none"),
                    "conform": [self.bin / "cmrp", "conform", "-r", large]}
        commands["on"] = commands["off"] + ["--rules"]
        commands["legal-on"] = commands["legal-off"] + ["--rules"]
        best = self.race(self.rounds, (0, FINDINGS), **commands)
        self.row(f"{self.megabytes} MB capture, 16 connections: replay -T none --rules over the "
                 "same without rules", best["on"][0] / best["off"][0], "{:.2f} ×", 1.3)
        self.row(f"the same with {legal.stat().st_size >> 20} MB of small calls, of which each "
                 "depends on others", best["legal-on"][0] / best["legal-off"][0], "{:.2f} ×", 1.3)
        self.row("peak memory of conform -r with 16 connections", best["conform"][1] / 1024,
                 "{:.1f} MB", 16)

    # ---- replay ---------------------------------------------------------------------------------

    def capture(self, megabytes, connections):
        path = self.work / f"{megabytes}-{connections}.pcap"
        if not path.exists():
            run(self.bin / "bench-traffic", path, megabytes, connections)
        return path

    def replay_command(self, capture, form):
        return [self.bin / "cmrp", "replay", "-r", capture, "-T", form]

    def replay(self):
        large, many = self.capture(self.megabytes, 16), self.capture(self.megabytes, 1000)
        small = self.capture(max(self.megabytes // 8, 1), 16)
        best = self.race(self.rounds, loop=[self.bin / "bench-packets", large],
                    none=self.replay_command(large, "none"),
                    json=self.replay_command(large, "json"),
                    loop_many=[self.bin / "bench-packets", many],
                    many=self.replay_command(many, "none"),
                    small=self.replay_command(small, "none"))
        loop = best["loop"][0]
        size = f"{self.megabytes} MB capture, 16 connections"
        self.row(f"{size}: replay -T none over a bare pcap_next_ex loop",
                 best["none"][0] / loop, "{:.2f} ×", 1.75)
        self.row("the same, -T json, every parameter of every call", best["json"][0] / loop,
                 "{:.2f} ×", 2.3)
        self.row("the same, -T none, 1,000 connections", best["many"][0] / best["loop_many"][0],
                 "{:.2f} ×", 3.5)
        self.row("peak memory over that of a capture an eighth the size",
                 best["none"][1] / best["small"][1], "{:.2f} ×", 1.1)
        self.row("peak memory with 16 connections", best["none"][1] / 1024, "{:.1f} MB", 16)
        self.replay_seconds = best["none"][0] / self.megabytes

    def tshark(self):
        what = "replay -T none over tshark -Y clusapi"
        if not shutil.which("tshark"):
            raise Skip("tshark is not installed")
        megabytes = min(self.megabytes, 32)
        capture, short = self.capture(megabytes, 16), self.capture(1, 1)
        best = self.race(min(self.rounds, 2), all=["tshark", "-r", capture, "-Y", "clusapi"],
                    start=["tshark", "-r", short, "-c", "1", "-Y", "clusapi"])
        theirs = (best["all"][0] - best["start"][0]) / megabytes
        self.row(f"{what}, of {megabytes} MB, without its start, scaled by size",
                 theirs / self.replay_seconds, "{:.0f} ×", 30, False)

    # ---- the table ------------------------------------------------------------------------------

    def measure(self):
        self.part("batches", self.batches)
        self.part("batches in the cache", self.batches_in_cache)
        self.part("instructions", self.all_instructions)
        self.part("stubs, against Samba", self.samba)
        self.part("replay", self.replay)
        self.part("replay, against tshark", self.tshark)
        self.part("rules", self.rules)
        self.part("vectors", self.vectors)
        self.part("fuzz targets", self.fuzz)
        self.part("the live cluster", lambda: live.measure(self, run, numbers))

    def table(self):
        lines = ["| What | Measured | Goal | |", "|---|---|---|---|"]
        lines += [f"| {' | '.join(row)} |" for row in self.rows]
        return "\n".join(lines)


def write_between_marks(path, text):
    old = path.read_text(encoding="utf-8")
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        fail(f"{path} lacks the marks {BEGIN} and {END}")
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="the build directory")
    parser.add_argument("--built-by", default="", help="compiler and flags, for the table's line")
    parser.add_argument("--sanitized", action="store_true", help="valgrind cannot run the build")
    parser.add_argument("--write", type=pathlib.Path, metavar="FILE",
                        help="also write the table between the marks in FILE")
    parser.add_argument("--tiny", action="store_true",
                        help="a few megabytes, one round: only to see that everything runs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cmrp-bench-") as work:
        bench = Bench(options, pathlib.Path(work))
        bench.measure()
    text = bench.table()
    machine = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo", encoding="ascii")
                    if line.startswith("model name")), os.uname().machine)
    if not options.tiny and bench.megabytes != 512:
        text += f"\n\nThe goals are for 512 MB, not {bench.megabytes}."
    text += f"\n\n{options.built_by.strip()}; {os.cpu_count()} × {machine}."
    print(text)
    if options.write:
        write_between_marks(options.write, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
