#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Nanoseconds from a routed event to the calls of 1 and of 10 subscribers in the process, as dispatch_bench measures them.

    tests/bench/dispatch.py --build build/bench [--rounds 5]

Exits 1 when one is over its goal."""

import json
import subprocess
import sys

from measuring import arguments, verdict

GOALS = {1: 60, 10: 100}  # subscribers -> ns an event


def main():
    how = arguments(__doc__)
    program = how.build / "bench/dispatch_bench"
    if not program.exists():
        sys.exit(f"{program} is missing: configure with -DTOCSIN_BUILD_BENCHMARKS=ON and build dispatch_bench")
    done = subprocess.run([program, f"--benchmark_repetitions={how.rounds}", "--benchmark_format=json"], capture_output=True,
                          text=True)
    if done.returncode != 0:
        sys.exit(f"dispatch_bench failed: {done.stderr.strip()}")
    found = {}
    for one in json.loads(done.stdout)["benchmarks"]:
        if "error_occurred" in one:
            sys.exit(f"dispatch_bench: {one['error_message']}")
        if one.get("aggregate_name", "median") == "median":  # a single repetition has no aggregates
            found[int(one["run_name"].split("/")[1])] = one["per_event"] * 1e9
    print(f"routed event to subscribers in the process, {how.rounds} rounds")
    reached = [verdict(f"{count} subscriber{'s' if count > 1 else ''}, ns an event", found[count], goal, at_most=True)
               for count, goal in GOALS.items()]
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
