"""Listing 1,000 plugins runs none of their code: the system calls of `tocsin plugin list` show that nothing of a plugin's
file is mapped to be run, and no constructor leaves its mark.

usage: thousand_plugins_test.py TOCSIN HOSTILE_PLUGINS"""

import json
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "support"))
from plugin_files import PluginFiles, settings  # noqa: E402
from tocsin import Tocsin, expect, run_tests  # noqa: E402

TOCSIN, BUILT = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:3])
COUNT = 1000
CALLS = "openat,open,execve,execveat,clone,clone3,fork,vfork,mmap,mprotect,pkey_mprotect"


def listing_a_thousand_plugins_runs_none_of_their_code():
    with PluginFiles(BUILT) as files:
        ids = {files.misbehaving(number) for number in range(1, COUNT + 1)}
        marks = files.root / "marks"
        marks.mkdir()
        trace = files.root / "trace"
        with Tocsin(TOCSIN, settings([files.folder], "")) as host:
            done = subprocess.run(
                ["strace", "-f", "-y", "-qq", "-s", "4096", "-e", f"trace={CALLS}", "-o", str(trace),
                 TOCSIN, "plugin", "list", "--json", "--config", str(host.config)],
                capture_output=True, text=True, timeout=240, env={**os.environ, "TOCSIN_TEST_MARKS": str(marks)})
            expect(done.returncode == 0, f"{done.returncode}: {done.stderr}")
            listed = [one for one in json.loads(done.stdout) if pathlib.Path(one["file"]).parent == files.folder]
            expect({one["id"] for one in listed} == ids and len(listed) == COUNT, f"{len(listed)} are listed")
            expect({one["state"] for one in listed} == {"verified"}, {one["reason"] for one in listed})

            calls = trace.read_text().splitlines()
            opened = [call for call in calls if "openat(" in call and re.search(r'"hostile-\d{4}\.so"', call)]
            expect(len(opened) == COUNT, f"{len(opened)} plugin files were opened")
            runnable = [call for call in calls if "PROT_EXEC" in call]
            expect(any("libc.so" in call for call in runnable), f"the trace shows no library at all: {calls[:20]}")
            for call in runnable:
                expect(str(files.folder) not in call and "memfd" not in call, f"mapped to be run: {call}")
            for call in calls:
                expect('"/proc/self/fd/' not in call, f"opened as the loader would: {call}")
                expect(not re.search(r"\b(fork|vfork|execveat)\(", call), f"another process: {call}")
            expect(len([call for call in calls if "execve(" in call]) == 1, "another program was run")
            expect(not list(marks.iterdir()), f"it ran {sorted(marks.iterdir())[:5]}")

            # The marks prove something: a host that runs one of them leaves its constructor's.
            for number in range(2, COUNT + 1):
                (files.folder / f"hostile-{number:04d}.so").unlink()
            host.environment["TOCSIN_TEST_MARKS"] = str(marks)
            host.start()
            host.terminate()
            expect((marks / "hostile-0001.constructor").exists(), "a plugin that runs leaves no mark")


if __name__ == "__main__":
    sys.exit(run_tests([listing_a_thousand_plugins_runs_none_of_their_code]))
