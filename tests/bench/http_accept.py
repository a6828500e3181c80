#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Durable accepts a second through the HTTP API, routing included, beside the store's interface alone in the same run.

    tests/bench/http_accept.py --build build/bench [--rounds 5] [--events 20000] [--singles 5000] [--connections 8]

Events of 2 kB with one delivery each; each is on disk before its 202. The client, in Python, takes its share of the same
cores. The channel's server says nothing meanwhile, so that accepting alone is measured. Beside it: store_bench's
through_the_interface in batches of 100. Singles, an event a request, have no goal of their own. Exits 1 under the goal."""

import json
import statistics
import subprocess
import sys
import tempfile

from measuring import Events, Sink, arguments, fetch, host_for, publish_all, show, verdict

GOAL = 0.5
BATCH = 100


def run_http(build, sink, bodies, events, connections):
    with host_for(build, sink.port) as host:
        sink.hold()
        host.start(log_level="warn")
        rate = events / publish_all(host, bodies, connections)
        if sum(host.queue().values()) != events:
            raise RuntimeError(f"{events} events were acknowledged, and the queue says {host.queue()}")
        return rate


def run_store(build):
    # Below the same temporary folder as the host's, since it writes where it is started.
    with tempfile.TemporaryDirectory(prefix="tocsin-store-bench-") as folder:
        done = subprocess.run([build / "bench/store_bench", f"--benchmark_filter=^through_the_interface/{BATCH}/",
                               "--benchmark_format=json"], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"store_bench failed: {done.stderr.strip()}")
    return json.loads(done.stdout)["benchmarks"][0]["items_per_second"]


def main():
    how = arguments(__doc__, events=20_000, singles=5_000, connections=8)
    if not (how.build / "bench/store_bench").exists():
        sys.exit(f"{how.build} has no bench/store_bench: configure with -DTOCSIN_BUILD_BENCHMARKS=ON and build it")
    store, batches, singles = [], [], []
    with Sink(fetch()) as sink:
        for _ in range(how.rounds):
            made = Events()
            store.append(run_store(how.build))
            count = how.events // BATCH * BATCH
            batches.append(run_http(how.build, sink, [made.batch(BATCH) for _ in range(count // BATCH)], count, how.connections))
            singles.append(run_http(how.build, sink, [made.single() for _ in range(how.singles)], how.singles, how.connections))
    print(f"durable accepts, {how.connections} connections, {how.rounds} rounds")
    show(f"store, batches of {BATCH}", store, "events/s")
    show(f"HTTP, batches of {BATCH}", batches, "events/s")
    show("HTTP, an event a request", singles, "events/s")
    return 0 if verdict("ratio", statistics.median(batches) / statistics.median(store), GOAL) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RuntimeError as error:
        sys.exit(f"http_accept.py: {error}")
