# SPDX-License-Identifier: Apache-2.0
"""The part of the benchmarks that talks to a running `cmrp serve`; used by bench.py.

A closed loop of calls is compared with the same client on a bare epoll loop that sends as many
octets back. Both ends are pinned to one processor, so that what is measured is the work, not how
the machine wakes up a second one; the two servers take turns and medians are compared."""
import contextlib
import os
import signal
import statistics
import subprocess
import threading

START_SECONDS, END_SECONDS = 20, 20


@contextlib.contextmanager
def server(command, pinned):
    """A server that says `listening on ADDRESS:PORT`; yields the process and the port."""
    cpu = {max(os.sched_getaffinity(0))}
    pin = (lambda: os.sched_setaffinity(0, cpu)) if pinned else None
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True,
                               stderr=subprocess.DEVNULL, preexec_fn=pin)
    watchdog = threading.Timer(START_SECONDS, process.kill)  # ends a server that says nothing
    watchdog.start()
    try:
        line = process.stdout.readline()
        watchdog.cancel()
        if not line.startswith("listening on "):
            raise RuntimeError(f"{command[0]} does not start")
        yield process, line.rpartition(":")[2].strip()
    finally:
        watchdog.cancel()
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def pinned(words):
    return ["taskset", "-c", str(max(os.sched_getaffinity(0))), *words]


def measure(bench, run, numbers):
    """Adds the rows; run and numbers are those of bench.py."""
    client, cmrp = bench.bin / "bench-live", bench.bin / "cmrp"
    serve = [cmrp, "serve", "--listen", "127.0.0.1:0"]
    milliseconds, rounds = (50, 1) if bench.tiny else (1500, 7)

    with server(serve, True) as (_, port):
        for connections in 1, 64:
            calls = pinned([client, "calls", port, "ApiGetClusterName", connections, milliseconds])
            sizes = numbers(run(*calls))
            sizes = [int(sizes[name]) for name in ("request", "response")]
            with server([client, "echo", *sizes], True) as (_, bare_port):
                bare = pinned([client, "bare", bare_port, *sizes, connections, milliseconds])
                ratios = [numbers(run(*calls))["rate"] / numbers(run(*bare))["rate"]
                          for _ in range(rounds)]
            plural = "s" if connections > 1 else ""
            bench.row(f"ApiGetClusterName on {connections} connection{plural}, calls a second, of "
                      "a bare epoll loop with the same sizes",
                      100 * statistics.median(ratios), "{:.0f} %", 70, False)
        small, large = (100, 1000) if bench.tiny else (1000, 10000)
        times = [[numbers(run(client, "batch", port, count, rounds))["microseconds"]
                  for count in (small, large)] for _ in range(3)]
        bench.row(f"a batch of {large} commands executed and its notification fetched, over "
                  f"{small} commands", min(t[1] for t in times) / min(t[0] for t in times),
                  "{:.1f} ×", 11)

    ports, events, pace = (100, 200, 1000) if bench.tiny else (10000, 10000, 1000)
    with server(serve, False) as (process, port):
        found = numbers(run(bench.bin / "bench-live-ports", port, ports, events, pace, process.pid))
    bench.row(f"{ports} ports, {pace} events a second for {events // pace} s, each for 10 ports: "
              "all in order, none lost; slowest of 100", found["slowest_of_100"] / 1000,
              "{:.1f} ms", 50)
    bench.row("memory of the server for a port, its handle and its waiting call",
              found["octets_a_port"] / 1024, "{:.1f} KB", 4)
