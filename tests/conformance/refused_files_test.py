"""`tocsin plugin test` runs nothing of a file that a host would refuse, says why, and never waits for it.

usage: refused_files_test.py TOCSIN HOSTILE_PLUGINS"""

import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from plugin_files import PluginFiles  # noqa: E402
from tocsin import expect, run_tests  # noqa: E402

TOCSIN, BUILT = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:3])
CASES = ("manifest.valid", "entry.*", "lifecycle.start-stop-start")

# Whose place no build can mend: the call was wrong. All others are told as a failed case.
WRONG_PLACE = ("no regular file", "symbolic link", "written by", "belongs to user")


def plugin_test(files, library, *arguments):
    """The exit status, its words, and the names of the calls that the plugin noticed."""
    marks = files.root / "marks"
    marks.mkdir(exist_ok=True)
    for old in marks.iterdir():
        old.unlink()
    environment = dict(os.environ, TOCSIN_TEST_MARKS=str(marks))
    only = [word for case in CASES for word in ("--only", case)]
    done = subprocess.run([TOCSIN, "plugin", "test", str(library), *only, *arguments], env=environment, text=True,
                          capture_output=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
    return done, {path.name for path in marks.iterdir()}


def nothing_of_a_refused_file_runs():
    with PluginFiles(BUILT) as files:
        for name, said in files.add_bad_files().items():
            if "duplicate" in said:
                continue  # alone it is good
            for mode in ((), ("--in-process",)):
                done, ran = plugin_test(files, files.folder / name, "--json", *mode)
                expect(not ran, f"{name}: these calls were made: {ran}")
                if any(words in said[0] for words in WRONG_PLACE):
                    expect(done.returncode == 2 and done.stdout == "", f"{name}: {done}")
                    told = done.stderr
                else:
                    expect(done.returncode == 1, f"{name}: {done}")
                    cases = {one["case"]: one for one in json.loads(done.stdout)["cases"]}
                    told = cases["manifest.valid"]["breaches"][0]["what"]
                    for case in ("entry.table", "lifecycle.start-stop-start"):
                        expect(cases[case]["verdict"] == "skipped", f"{name}: {cases[case]}")
                for words in said:
                    expect(words in told, f"{name}: {words!r} is not in {told!r}")


def a_folder_above_that_everybody_may_write_is_refused():
    with PluginFiles(BUILT) as files, files.open_folder() as (_, below_open):
        done, ran = plugin_test(files, below_open)
        expect(done.returncode == 2 and "above it may be written by everybody" in done.stderr, done)
        expect(not ran, f"these calls were made: {ran}")


def a_refused_provider_is_not_run_either():
    with PluginFiles(BUILT) as files:
        good, other = files.add("quick"), files.add("quick-older")
        os.chmod(other, 0o757)
        done, ran = plugin_test(files, good, "--with", str(other))
        expect(done.returncode == 2 and "quick-older.so: it may be written by everybody" in done.stderr, done)
        expect(not ran, f"these calls were made: {ran}")


def a_good_file_runs_and_is_seen_to():
    with PluginFiles(BUILT) as files:
        for mode in ((), ("--in-process",)):
            done, ran = plugin_test(files, files.add("quick"), *mode)
            expect(done.returncode == 0, done)
            expect({"quick.constructor", "quick.start"} <= ran, f"these calls were made: {ran}")


def a_file_that_its_group_may_write_is_taken_where_a_host_takes_it():
    """Under umask 002 a build folder is so; a group that is the owner's private one is fine."""
    with PluginFiles(BUILT) as files:
        library = files.add("quick")
        os.chmod(library, 0o775)
        os.chmod(files.folder, 0o775)
        shown = subprocess.run([TOCSIN, "plugin", "inspect", str(library), "--json"], text=True, capture_output=True,
                               timeout=60, check=False)
        takes = json.loads(shown.stdout)["state"] == "verified"
        done, ran = plugin_test(files, library)
        expect(done.returncode == (0 if takes else 2) and bool(ran) == takes, f"{shown.stdout}\n{done}")


sys.exit(run_tests([nothing_of_a_refused_file_runs, a_folder_above_that_everybody_may_write_is_refused,
                    a_refused_provider_is_not_run_either, a_good_file_runs_and_is_seen_to,
                    a_file_that_its_group_may_write_is_taken_where_a_host_takes_it]))
