#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What one organization's dead server costs another: the time from an event to its mail.

    tests/bench/fairness.py --build build/bench [--rounds 5] [--events 500] [--waiting 50000]

Organization "globex" publishes event after event, each once the mail of the one before has arrived at a sink of this
process. In each round once alone, and once while organization "acme" has --waiting deliveries for a server of its own that takes
connections and never says a word. Both wait for a commit that is on disk. Exits 1 when acme's troubles move globex's 99th
percentile by more than 10 %."""

import json
import queue
import socket
import statistics
import sys
import time

from measuring import Events, Publisher, arguments, host_for, show, verdict, waiting
from sink import MailSink

ALLOWED = 1.10  # of the 99th percentile alone
ARRIVAL_LIMIT = 30  # seconds

ORGANIZATIONS = """
[organizations.globex]
[organizations.acme]
  [organizations.acme.channels.email]
  host = "127.0.0.1"
  port = {port}
  secure_connection = "off"
"""


class TimedSink(MailSink):
    """Tells when each mail was whole."""

    def __init__(self):
        self.arrivals = queue.SimpleQueue()
        super().__init__()

    def keep(self, message):
        self.arrivals.put(time.monotonic())


def published_for(events, organization, count=1):
    """A publication of so many events."""
    batch = [dict(json.loads(events.single()[0]), organization=organization) for _ in range(count)]
    return json.dumps(batch).encode(), "application/cloudevents-batch+json"


def times_to_mail(publisher, sink, events, count):
    """Milliseconds from publishing an event to its mail, one after the other."""
    taken = []
    for _ in range(count):
        body = published_for(events, "globex")
        began = time.monotonic()
        publisher.post(*body)
        taken.append((sink.arrivals.get(timeout=ARRIVAL_LIMIT) - began) * 1000)
    return taken


def percentile_99(values):
    return statistics.quantiles(values, n=100)[98]


def round_of(build, events_each, troubled):
    """Median and 99th percentile of globex's times, with so many of acme's deliveries waiting."""
    events = Events(200)
    with TimedSink() as sink, socket.create_server(("127.0.0.1", 0), backlog=128) as silent, \
            host_for(build, sink.port, more=ORGANIZATIONS.format(port=silent.getsockname()[1])) as host:
        host.start(log_level="error")
        publisher = Publisher(host)
        times_to_mail(publisher, sink, events, 20)  # the connection is open, the first commits are made
        for _ in range(0, troubled, 100):
            publisher.post(*published_for(events, "acme", 100))
        taken = times_to_mail(publisher, sink, events, events_each)
        if waiting(host) < troubled:
            raise RuntimeError("acme's deliveries did not wait")
        publisher.close()
        return statistics.median(taken), percentile_99(taken)


def main():
    how = arguments(__doc__, events=500, waiting=50_000)
    figures = {name: [] for name in ("alone, median", "alone, p99", "beside, median", "beside, p99")}
    for _ in range(how.rounds):
        for name, troubled in (("alone", 0), ("beside", how.waiting)):
            median, last = round_of(how.build, how.events, troubled)
            figures[name + ", median"].append(median)
            figures[name + ", p99"].append(last)
    print(f"{how.events} events each, {how.waiting} deliveries of the other organization waiting, {how.rounds} rounds")
    for name, values in figures.items():
        show(name, values, "ms", digits=2)
    ratio = statistics.median(figures["beside, p99"]) / statistics.median(figures["alone, p99"])
    return 0 if verdict("p99 beside / alone", ratio, ALLOWED, at_most=True) else 1


if __name__ == "__main__":
    sys.exit(main())
