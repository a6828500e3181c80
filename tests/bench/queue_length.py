#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A long queue beside a short one: memory, time to start, accepted and delivered a second.

    tests/bench/queue_length.py --build build/bench [--events 1000000] [--rounds 5]
    tests/bench/queue_length.py --build BUILD --events 50000 --check [--deliver 3000]

--check: memory and correctness alone, with small events and without Postfix; with --deliver the host ends once so many have been delivered.

Events of 2 kB are accepted in batches of 100 for a server that takes connections and says nothing; then it speaks, and the
queue is delivered. In each round a queue of 1,000 and the long one take turns. Exits 1 when the long queue costs more
than the goals allow. Durable at our end: each batch is on disk before it is acknowledged."""

import contextlib
import re
import sqlite3
import statistics
import sys
import time

from measuring import MESSAGE_SIZE, Events, Publisher, Sink, fetch, host_for, memory_of, show, verdict, waiting, arguments
from sink import MailSink
from tocsin import wait_until

SHORT = 1_000
WINDOW = 5_000  # events over which a rate is taken
BATCH = 100
ALLOWED_LOSS = 0.9  # of a rate at the short queue
ALLOWED_GROWTH = 16.0  # MiB of RssAnon, from the short queue to the long one
ALLOWED_MEMORY = 64.0  # MiB of RssAnon


def fill(host, events, count, batch=BATCH):
    """Accepts so many events; accepted a second."""
    publisher = Publisher(host)
    seconds = 0.0
    for first in range(0, count, batch):
        request = publisher.request(*events.batch(min(batch, count - first)))  # made outside of what is timed
        began = time.monotonic()
        publisher.post(request)
        seconds += time.monotonic() - began
    publisher.close()
    return count / seconds


def restart(host):
    """Kills it and starts it over its queue; seconds to ready."""
    host.kill()
    began = time.monotonic()
    host.start(log_level="warn")
    return time.monotonic() - began


def delivered_a_second(host, first):
    """Of the first deliveries, by the times that the store has of them. The host has ended."""
    with contextlib.closing(sqlite3.connect(host.folder / "state" / "tocsin.db")) as store:
        times = [row[0] for row in store.execute(
            "SELECT tried_at FROM delivery WHERE state = 4 ORDER BY tried_at LIMIT ?", (first,))]
    return (len(times) - 1) * 1000 / max(times[-1] - times[0], 1)


def check_rows(host, events, all_delivered):
    """Message-IDs of what was delivered. The host has ended."""
    with contextlib.closing(sqlite3.connect(host.folder / "state" / "tocsin.db")) as store:
        rows = dict(store.execute("SELECT state, count(*) FROM delivery GROUP BY state"))
        kept = dict(store.execute("SELECT state, value FROM counter WHERE organization = 0 AND value <> 0"))
        delivered = {row[0].strip("<>") for row in store.execute("SELECT message_id FROM delivery WHERE state = 4")}
    if sum(rows.values()) != events or kept != rows or (all_delivered and rows != {4: events}) or not set(rows) <= {0, 2, 4}:
        raise RuntimeError(f"{events} events were accepted; the rows by state are {rows}, the counters {kept}")
    return delivered


def measure(build, sink, events, deliver, size=MESSAGE_SIZE, batch=BATCH):
    """One queue of this length, from empty to where so many are delivered. Returns figures by name, and Message-IDs."""
    made = Events(size)
    figures = {}
    with host_for(build, sink.port) as host:
        sink.hold()
        host.start(log_level="warn")
        fill(host, made, SHORT, batch)
        figures["memory at 1,000"] = memory_of(host.process.pid)
        window = min(events - SHORT, WINDOW)
        if events - SHORT > window:
            fill(host, made, events - SHORT - window, batch)
        figures["accepted/s"] = fill(host, made, window, batch)
        figures["memory"] = memory_of(host.process.pid)
        if waiting(host) != events:
            raise RuntimeError(f"{waiting(host)} deliveries wait, of {events}")
        figures["start"] = restart(host)
        figures["memory after the start"] = memory_of(host.process.pid)
        sink.release()
        wait_until(lambda: host.queue()["delivered"] >= deliver, 60 + deliver / 200, f"{deliver} mails are delivered")
        figures["memory after sending"] = memory_of(host.process.pid)
        host.terminate()
        delivered = check_rows(host, events, deliver == events)
        figures["delivered/s"] = delivered_a_second(host, min(WINDOW, deliver))
    return figures, delivered


def memory_is_bounded(figures):
    highest = max(figures["memory"], figures["memory after the start"], figures["memory after sending"])
    return all([verdict("MiB more than at 1,000 events", highest - figures["memory at 1,000"], ALLOWED_GROWTH, at_most=True),
                verdict("MiB in all (RssAnon)", highest, ALLOWED_MEMORY, at_most=True)])


def check(how):
    with MailSink() as sink:
        figures, delivered = measure(how.build, sink, how.events, how.deliver or how.events, size=200, batch=500)
        arrived = [re.search(rb"^Message-ID:\s*<([^>]+)>", raw, re.M).group(1).decode() for raw in sink.raw_mails()]
    if len(arrived) != len(set(arrived)) or set(arrived) != delivered:
        raise RuntimeError(f"{len(arrived)} mails arrived, {len(set(arrived))} different ones; {len(delivered)} are delivered")
    print(f"{how.events} events: {', '.join(f'{name} {value:.1f}' for name, value in figures.items())}")
    return memory_is_bounded(figures)


def compare(how):
    short, long = [], []
    with Sink(fetch()) as sink:
        for _ in range(how.rounds):
            short.append(measure(how.build, sink, SHORT + WINDOW, SHORT + WINDOW)[0])
            long.append(measure(how.build, sink, how.events, how.events)[0])
    print(f"a queue of {how.events:,} beside one of {SHORT + WINDOW:,}, {how.rounds} rounds")
    for name, unit, digits in (("accepted/s", "events/s", 0), ("delivered/s", "mails/s", 0), ("start", "s", 3), ("memory", "MiB", 1)):
        show(name + ", short", [one[name] for one in short], unit, digits)
        show(name + ", long", [one[name] for one in long], unit, digits)
    reached = []
    for name in ("accepted/s", "delivered/s"):
        ratio = statistics.median(one[name] for one in long) / statistics.median(one[name] for one in short)
        reached.append(verdict(f"{name}, long over short:", ratio, ALLOWED_LOSS))
    return all(reached + [memory_is_bounded(long[-1])])


def main():
    how = arguments(__doc__, events=1_000_000, deliver=0, check=False)
    return 0 if (check if how.check else compare)(how) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RuntimeError as error:
        sys.exit(f"queue_length.py: {error}")
