#!/usr/bin/env python3
"""How long a host takes from its start to `ready` with 100 small plugins: the first start, which tries each of them in a
process of its own, and later ones, which remember. Medians of the rounds; exits 1 if later starts miss the goal.

usage: plugin_start.py BUILD_FOLDER [--plugins 100] [--rounds 5]        (targets: tocsin, hostile_plugins)
"""
import argparse
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from plugin_files import PluginFiles, settings  # noqa: E402

GOAL_MS = 300


def start(tocsin, config, plugins):
    """One start; milliseconds to the line that says that the host is ready."""
    began = time.monotonic()
    host = subprocess.Popen([tocsin, "serve", "--config", config], stderr=subprocess.PIPE, text=True)
    active, took = 0, None
    for line in host.stderr:
        active += " plugin active " in line and "plugin=hostile-" in line
        if " ready " in line:
            took = (time.monotonic() - began) * 1000
            host.send_signal(signal.SIGTERM)
    status = host.wait()
    if took is None or active != plugins or status != 0:
        sys.exit(f"the host ended with {status}; {active} of {plugins} plugins were active, ready: {took is not None}")
    return took


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("build", type=pathlib.Path)
    parse.add_argument("--plugins", type=int, default=100)
    parse.add_argument("--rounds", type=int, default=5)
    options = parse.parse_args()
    tocsin = options.build.resolve() / "bin/tocsin"
    times = {"first start": [], "later start": []}
    for _ in range(options.rounds):
        with PluginFiles(options.build.resolve() / "tests/hostile_plugins") as files, \
                tempfile.TemporaryDirectory(prefix="tocsin-start-") as folder:
            for number in range(options.plugins):
                files.misbehaving(number + 1)
            config = pathlib.Path(folder) / "tocsin.toml"
            config.write_text(settings([files.folder], sections=""))
            for when in times:
                times[when].append(start(tocsin, config, options.plugins))
    print(f"{options.plugins} plugins, {options.rounds} rounds, load {os.getloadavg()[0]:.1f}")
    for when, all_times in times.items():
        spread = (max(all_times) - min(all_times)) / 2 / statistics.median(all_times)
        print(f"{when}: {statistics.median(all_times):.0f} ms ± {spread:.0%}")
    return 0 if statistics.median(times["later start"]) <= GOAL_MS else 1


if __name__ == "__main__":
    sys.exit(main())
