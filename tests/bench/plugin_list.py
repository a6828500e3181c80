#!/usr/bin/env python3
"""Seconds that `tocsin plugin list` takes with 1,000 plugin files, unsigned and signed; nothing of them is run.

usage: plugin_list.py --build BUILD [--files N] [--rounds N]"""

import argparse
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from plugin_files import PluginFiles, settings  # noqa: E402
from signing import Key  # noqa: E402
from tocsin import Tocsin  # noqa: E402

options = argparse.ArgumentParser()
options.add_argument("--build", required=True, type=pathlib.Path)
options.add_argument("--files", type=int, default=1000)
options.add_argument("--rounds", type=int, default=5)
options = options.parse_args()
program = options.build.resolve() / "bin" / "tocsin"


def measure(host, what):
    seconds = []
    for _ in range(options.rounds):
        began = time.monotonic()
        listed = host.run("plugin", "list", check=0, json_output=True)
        seconds.append(time.monotonic() - began)
    good = sum(one["state"] == "verified" for one in listed)
    print(f"{what}: {statistics.median(seconds):.3f} s of {options.rounds} rounds ({min(seconds):.3f} to {max(seconds):.3f}), "
          f"{good} verified")


with PluginFiles(options.build.resolve() / "tests" / "hostile_plugins") as files:
    key = Key(files.root, "acme")
    for number in range(1, options.files + 1):
        files.misbehaving(number)
    size = files.source("hostile-0000").stat().st_size
    with Tocsin(program, settings([], "")) as host:
        measure(host, "without them")
        host.write("tocsin.toml", settings([files.folder], ""))
        measure(host, f"{options.files} files of {size} bytes")
        for file in files.folder.iterdir():
            subprocess.run([program, "plugin", "sign", file, "--key", key.private], check=True, capture_output=True)
        host.write("tocsin.toml", settings([files.folder], f'[plugins]\nsigned = "required"\ntrusted_keys = ["{key.public}"]\n'))
        measure(host, "the same, signed and checked")
