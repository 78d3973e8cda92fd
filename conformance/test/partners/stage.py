# SPDX-License-Identifier: Apache-2.0
"""Where a session with a partner is played: a server, what records it, connections to it."""
import time

import by_record  # noqa: F401  puts the folder of the witnesses on the path
import link
import recorder
import server

WAIT = 20  # seconds for what must come
TROUBLE = (link.Fault, link.Failed, TimeoutError, RuntimeError, OSError, ValueError)


class Stage:
    """with Stage(cmrp, verdict, "impacket", ["ndr64"]) as stage: …"""

    def __init__(self, cmrp, verdict, program, options):
        self.cmrp, self.verdict, self.program, self.options = cmrp, verdict, program, options
        self.server, self.record, self.links, self.name = None, None, [], ""

    def __enter__(self):
        self.server = server.Server(self.cmrp).__enter__()
        self.record = recorder.recorder(self.server.port)
        return self

    def __exit__(self, kind, *rest):
        for one in self.links:
            one.close() if kind is None else one.kill()
        if kind is None:
            self.record.close()
        self.server.__exit__(kind, *rest)

    def connect(self, beside=None):
        """A connection; beside another one: of its association group."""
        made = link.Link(self.program, self.options, self.record.port,
                         beside.group if beside else 0)
        made.group = self.record.group(len(self.links))
        self.links.append(made)
        return made

    def blocked(self, count):
        """Waits until the server holds so many calls that it has not answered."""
        end = time.monotonic() + WAIT
        while self.server.ctl("status")["calls"]["waiting"] != count:
            if time.monotonic() > end:
                raise TimeoutError(f"the server does not hold {count} calls: "
                                   f"{self.server.ctl('status')}")
            time.sleep(0.02)

    def same(self, what, got, expected):
        self.verdict.compare(f"{self.name}: {what}", got, expected, ("cmrp serve", "expected"))

    def refused(self, what, one, name, codes, **params):
        """A call that is answered with one of these codes, or with a fault where codes is empty."""
        self.verdict.compared += 1
        try:
            results = one.ask(name, **params)
        except link.Fault:
            if codes:
                self.verdict.complain(f"{self.name}: {what}: a fault, not one of {codes}")
            return
        code = results["Status"] if "Status" in results else results["return"]
        if code not in codes:
            self.verdict.complain(f"{self.name}: {what}: {code:#x}, not "
                                  f"{[hex(c) for c in codes] or 'a fault'}")
