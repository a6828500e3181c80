#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""MiB of memory of an idle host with its plugins in its process: after the start, and after 200 mails.

    tests/bench/memory.py --build build/bench [--rounds 5] [--plugins 5]

VmRSS is all that is resident, files that are mapped included; RssAnon is what is the process's own. Needs at least
--plugins active plugins. Exits 1 when VmRSS, in the median, is over its goal."""

import statistics
import sys

from measuring import Events, Publisher, arguments, host_for, memory_of, show, verdict, waiting
from sink import MailSink
from tocsin import wait_until

GOAL = 25.0  # MiB
MAILS = 200


def main():
    how = arguments(__doc__, plugins=5)
    idle, own, after = [], [], []
    for _ in range(how.rounds):
        with MailSink() as sink, host_for(how.build, sink.port) as host:
            host.start(log_level="warn")
            _, answer = host.request("GET", "/v1/plugins")
            active = [plugin["id"] for plugin in answer["plugins"] if plugin["state"] == "active"]
            if len(active) < how.plugins:
                raise RuntimeError(f"{len(active)} plugins are active ({', '.join(active)}), fewer than {how.plugins}")
            idle.append(memory_of(host.process.pid, "VmRSS"))
            own.append(memory_of(host.process.pid))
            publisher, made = Publisher(host), Events()
            for _ in range(MAILS):
                publisher.post(publisher.request(*made.single()))
            publisher.close()
            wait_until(lambda: waiting(host) == 0, 60, f"{MAILS} mails are delivered")
            after.append(memory_of(host.process.pid, "VmRSS"))
    print(f"an idle host, {how.rounds} rounds, {len(active)} plugins: {', '.join(active)}")
    show("VmRSS after the start", idle, "MiB", 1)
    show("RssAnon after the start", own, "MiB", 1)
    show(f"VmRSS after {MAILS} mails", after, "MiB", 1)
    return 0 if verdict("MiB", statistics.median(idle), GOAL, at_most=True) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RuntimeError as error:
        sys.exit(f"memory.py: {error}")
