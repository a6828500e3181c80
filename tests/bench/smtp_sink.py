#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mails a second to Postfix's smtp-sink: our smtp plugin, through its ABI, beside Postfix's smtp-source.

    tests/bench/smtp_sink.py --build build/bench [--rounds 5] [--mails 40000]

Both send mails of 2 kB in clear to the same sink in the same run, in turn (A B A B); the plugin's also are composed
from subject, text and HTML. No durability on either side: the sink forgets. Exits 1 when a ratio is under its goal.
The build folder needs TOCSIN_BUILD_BENCHMARKS=ON and the target smtp_driver."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from measuring import MESSAGE_SIZE, Sink, environment, fetch

GOALS = {8: 1.5, 1: 2.5}  # connections -> the plugin's mails/s over smtp-source's


def run_source(root, port, connections, mails):
    """Mails/s and µs of CPU a mail of smtp-source."""
    command = [root / "usr/sbin/smtp-source", "-s", str(connections), "-l", str(MESSAGE_SIZE), "-m", str(mails), "-f",
               "tocsin@example.org", "-t", "ops@example.org", f"127.0.0.1:{port}"]
    before = time.monotonic()
    process = subprocess.Popen(command, env=environment(root))
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.monotonic() - before
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"smtp-source ended with {process.returncode}")
    return mails / seconds, (used.ru_utime + used.ru_stime) / mails * 1e6


def run_plugin(build, port, connections, mails):
    """Mails/s and µs of CPU a mail of the plugin."""
    result = subprocess.run([build / "bench/smtp_driver", "--plugins", build / "lib/tocsin/plugins", "--port", str(port),
                             "--mails", str(mails), "--connections", str(connections)], capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(f"smtp_driver failed: {result.stderr.strip()}")
    measured = json.loads(result.stdout)
    return mails / measured["seconds"], measured["cpu_seconds"] / mails * 1e6


def describe(name, rates, processor):
    spread = (max(rates) - min(rates)) / statistics.median(rates) * 100
    return (f"  {name:12} {statistics.median(rates):8.0f} mails/s   spread {spread:3.0f} %   "
            f"{statistics.median(processor):5.1f} µs of CPU a mail")


def measure(root, build, connections, mails, rounds):
    """The ratio of the medians."""
    ours, theirs = [], []
    with Sink(root) as sink:
        run_plugin(build, sink.port, connections, max(1, mails // 10))  # both once, unmeasured
        run_source(root, sink.port, connections, max(connections, mails // 10))
        for _ in range(rounds):
            theirs.append(run_source(root, sink.port, connections, mails))
            ours.append(run_plugin(build, sink.port, connections, mails))
    print(f"{connections} connection{'s' if connections > 1 else ''}, {mails} mails of {MESSAGE_SIZE} bytes, {rounds} rounds")
    print(describe("smtp-source", *zip(*theirs)))
    print(describe("smtp plugin", *zip(*ours)))
    ratio = statistics.median(rate for rate, _ in ours) / statistics.median(rate for rate, _ in theirs)
    verdict = "reached" if ratio >= GOALS[connections] else "MISSED"
    print(f"  ratio {ratio:.2f}, goal {GOALS[connections]}: {verdict}", flush=True)
    return ratio


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, required=True, help="build folder, of type Release")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mails", type=int, default=40000, help="a round over 8 connections; a quarter of it over one")
    how = parser.parse_args()
    root, build = fetch(), how.build.resolve()
    if not (build / "bench/smtp_driver").exists():
        parser.error(f"{build} has no bench/smtp_driver: configure with -DTOCSIN_BUILD_BENCHMARKS=ON and build smtp_driver")
    ratios = {connections: measure(root, build, connections, how.mails if connections > 1 else how.mails // 4, how.rounds)
              for connections in GOALS}
    return 0 if all(ratio >= GOALS[connections] for connections, ratio in ratios.items()) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RuntimeError as error:
        sys.exit(f"smtp_sink.py: {error}")
