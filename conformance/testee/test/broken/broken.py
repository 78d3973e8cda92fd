#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A testee that is broken in one way, for tests of the host: broken.py BEHAVIOUR [ARGUMENT].

It knows 32-bit change values. Where a behaviour concerns one case, it is the decoding of 05000000.
"""
import json
import os
import signal
import sys
import time

BEHAVIOURS = {}
HELLO = {"id": 0, "name": "broken", "version": "1", "types": ["change"]}


def behaviour(function):
    BEHAVIOURS[function.__name__.replace("_", "-")] = function
    return function


def say(text):
    sys.stdout.write(text)
    sys.stdout.flush()


def send(answer):
    say(json.dumps(answer) + "\n")


def requests():
    for line in sys.stdin:
        yield json.loads(line)


def right(request):
    if request["op"] == "hello":
        return HELLO
    if request["op"] == "encode":
        octets = request["value"]["value"].to_bytes(4, "little")
        return {"id": request["id"], "hex": octets.hex()}
    value = int.from_bytes(bytes.fromhex(request["hex"]), "little")
    return {"id": request["id"], "value": {"set": "CLUSTER_CHANGE", "value": value}}


def is_target(request):
    return request.get("hex") == "05000000"


def serve(act):
    """Answers everything rightly; calls act for the target, before or instead of its answer."""
    for request in requests():
        if is_target(request):
            if act(request) != "answer too":
                continue
        send(right(request))


def die():
    os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(60)


@behaviour
def good(_):
    serve(lambda request: "answer too")


@behaviour
def crash(_):
    def act(_request):
        sys.stderr.write("about to fall\n")
        sys.stderr.flush()
        die()
    serve(act)


@behaviour
def leave(_):
    serve(lambda request: os._exit(3))


@behaviour
def crash_late(_):
    """Answers the target, then dies."""
    for request in requests():
        send(right(request))
        if is_target(request):
            time.sleep(0.02)
            die()


@behaviour
def leave_late(_):
    """Answers the target, then ends."""
    for request in requests():
        send(right(request))
        if is_target(request):
            os._exit(3)


@behaviour
def crash_third(_):
    """Dies of the third request, whatever it is."""
    for count, request in enumerate(requests()):
        if count == 3:
            die()
        send(right(request))


@behaviour
def crash_all(_):
    for request in requests():
        if request["op"] != "hello":
            die()
        send(right(request))


@behaviour
def hang(_):
    serve(lambda request: time.sleep(600))


@behaviour
def forget(_):
    """Never answers the target, but all others."""
    serve(lambda request: None)


@behaviour
def garbage(_):
    serve(lambda request: say("Traceback: \x1b[31m oh\n"))


@behaviour
def noise(_):
    """Says something before every answer."""
    for request in requests():
        if request["op"] != "hello":
            say("debug: working\n")
        send(right(request))


@behaviour
def wrong_id(_):
    serve(lambda request: send({**right(request), "id": request["id"] + 1000}))


@behaviour
def no_id(_):
    serve(lambda request: send({"value": {}}))


@behaviour
def twice(_):
    def act(request):
        send(right(request))
        return "answer too"
    serve(act)


@behaviour
def twice_all(_):
    for request in requests():
        send(right(request))
        if request["op"] != "hello":
            send(right(request))


@behaviour
def two_kinds(_):
    serve(lambda request: send({**right(request), "error": "no"}))


@behaviour
def wrong_value(_):
    def act(request):
        for number in range(200000):
            sys.stderr.write(f"line {number}\n")
        sys.stderr.flush()
        send({"id": request["id"], "value": {"set": "CLUSTER_CHANGE", "value": 7}})
    serve(act)


@behaviour
def wrong_kind(_):
    serve(lambda request: send({"id": request["id"], "hex": "05000000"}))


@behaviour
def refuse(_):
    serve(lambda request: send({"id": request["id"], "error": "no \u202e\x07"}))


@behaviour
def unsupported(_):
    serve(lambda request: send({"id": request["id"], "unsupported": "not yet"}))


@behaviour
def reversed_order(_):
    """Answers late and in the reverse order, several at a time."""
    import select
    held, text = [], b""
    while True:
        ready = select.select([0], [], [], 0.05)[0]
        if ready:
            chunk = os.read(0, 65536)
            if not chunk:
                return
            text += chunk
            *lines, text = text.split(b"\n")
            held += [json.loads(line) for line in lines]
        else:
            for request in reversed(held):
                send(right(request))
            held = []


@behaviour
def flood(_):
    """One line without an end."""
    def act(_request):
        while True:
            say("x" * 65536)
    serve(act)


@behaviour
def flood_lines(_):
    def act(_request):
        while True:
            say("{}\n" * 10000)
    serve(act)


@behaviour
def long_line(_):
    serve(lambda request: say('"' + "y" * (17 * 1024 * 1024) + '"\n'))


@behaviour
def deaf(_):
    """Says hello without having been asked, and never listens."""
    send(HELLO)
    time.sleep(600)


@behaviour
def mute(_):
    """Closes its standard output and goes on."""
    def act(_request):
        os.close(1)
        time.sleep(600)
    serve(act)


def leave_child(path, own_session, quiet):
    """Starts a process that stays, in a session of its own or not, holding the pipes or not; a line
    of path gets its id."""
    import subprocess
    pipes = {name: subprocess.DEVNULL for name in ("stdin", "stdout", "stderr") if quiet}
    child = subprocess.Popen(["sleep", "600"], start_new_session=own_session, **pipes)
    if path:
        with open(path, "a", encoding="ascii") as file:
            file.write(f"{child.pid}\n")


@behaviour
def orphan(path):
    """Dies, leaving a child that holds its pipes."""
    def act(_request):
        leave_child(path, own_session=False, quiet=False)
        die()
    serve(act)


@behaviour
def orphan_away(path):
    """The same with a child in a session of its own."""
    def act(_request):
        leave_child(path, own_session=True, quiet=False)
        die()
    serve(act)


@behaviour
def leaves_child(path):
    """Does all right, but a child that holds nothing outlives it."""
    leave_child(path, own_session=False, quiet=True)
    good(path)


@behaviour
def leaves_daemon(path):
    """The same with a daemon: its parent is gone, its session is its own."""
    if os.fork() == 0:
        leave_child(path, own_session=True, quiet=True)
        os._exit(0)
    os.wait()
    good(path)


@behaviour
def hangs_with_daemon(path):
    leave_child(path, own_session=True, quiet=True)
    hang(path)


@behaviour
def bad_end(_):
    good(_)
    os._exit(5)


@behaviour
def no_end(_):
    good(_)
    time.sleep(600)


@behaviour
def dies_at_start(_):
    sys.stderr.write("cannot find\nmy files\n")
    sys.exit(1)


@behaviour
def hangs_at_start(_):
    time.sleep(600)


@behaviour
def starts_once(path):
    """Dies of the target, and cannot be started again; path is where it remembers."""
    if os.path.exists(path):
        sys.exit("not again")
    def act(_request):
        with open(path, "w", encoding="ascii"):
            die()
    serve(act)


@behaviour
def hello(text):
    """Says text in place of the answer to hello."""
    sys.stdin.readline()
    say(text + "\n")
    serve(lambda request: "answer too")


if __name__ == "__main__":
    try:
        BEHAVIOURS[sys.argv[1]](sys.argv[2] if len(sys.argv) > 2 else None)
    except BrokenPipeError:
        os._exit(1)
