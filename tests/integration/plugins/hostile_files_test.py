"""Files that are no good plugins, beside one that is, before the real program: each is listed with its reason, none of
them runs, the host starts and the good one serves.

usage: hostile_files_test.py TOCSIN HOSTILE_PLUGINS"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "support"))
from plugin_files import PluginFiles, settings  # noqa: E402
from tocsin import Tocsin, expect, run_tests, wait_until  # noqa: E402

TOCSIN, BUILT = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:3])

# Plugins that only show what they are once they run.
AT_ODDS = {
    "newer-entry": ("plugin ABI 1.1", "this host has 1.0", "Update Tocsin"),
    "no-entry": ("does not export tocsin_plugin_entry_v1",),
    "needs-symbol": ("the system cannot load it", "undefined symbol: tocsin_test_nowhere"),
    "other-id": ('calls itself "somebody-else"', 'its manifest says "other-id"'),
    "other-version": ("its version is 9.9.9", "its manifest says 1.0.0"),
    "provides-less": ("its manifest provides tocsin.channel/1-draft", "no such table"),
    "provides-more": ("offers tocsin.timer/1-draft", "does not name"),
}


def by_name(listed, folder):
    return {pathlib.Path(one["file"]).name: one for one in listed if pathlib.Path(one["file"]).parent == folder}


def check_words(said, words, name):
    for part in words:
        expect(part in said, f"{name}: {part!r} is not in {said!r}")


def deliver_one(host, number):
    host.publish({"id": str(number), "source": "/hostile", "type": "test.event"})
    wait_until(lambda: [one for one in host.deliveries(event_id=str(number)) if one["state"] == "delivered"], 20,
               "the good plugin delivers")


def every_bad_file_is_listed_with_its_reason_and_the_good_one_serves():
    with PluginFiles(BUILT) as files, files.open_folder() as (inner, below_open):
        good = files.add("quick", "a-quick")
        words = files.add_bad_files()
        words = {name: tuple(part.replace("quick.so", "a-quick.so") for part in said) for name, said in words.items()}
        marks = files.root / "marks"
        marks.mkdir()
        with Tocsin(TOCSIN, settings([files.folder, inner])) as host:
            host.environment["TOCSIN_TEST_MARKS"] = str(marks)
            listed = host.run("plugin", "list", check=0, json_output=True)
            found = by_name(listed, files.folder)
            expect(set(found) == set(words) | {good.name}, f"listed: {sorted(found)}, not {sorted(words)}")
            for name, said in words.items():
                expect(found[name]["state"] == "refused", f"{name} is {found[name]}")
                check_words(found[name]["reason"], said, name)
            expect(found[good.name]["state"] == "verified", found[good.name])
            other = by_name(listed, inner)[below_open.name]
            expect(other["state"] == "refused" and "above it may be written by everybody" in other["reason"], other)
            for one in listed:
                expect({"file", "id", "version", "state", "reason", "provides"} <= set(one), one)
            expect(not list(marks.iterdir()), f"listing ran plugins: {list(marks.iterdir())}")

            host.start()
            deliver_one(host, 1)
            log = host.log_text()
            for name, said in words.items():
                expect(f"/{name}" in log, f"the log does not name {name}")
            status, seconds = host.terminate()
            expect(status == 0 and seconds < 10, f"SIGTERM: status {status} after {seconds:.1f} s")
            ran = {mark.name.partition(".")[0] for mark in marks.iterdir()}
            expect(ran == {"quick"}, f"serving ran {ran}")
            # Neither its duplicates nor the link to it nor its copy that everybody may write.
            expect((marks / "quick.constructor").read_text() == "x", "the good plugin was loaded more than once")


def inspect_tells_the_reason_of_each_bad_file():
    with PluginFiles(BUILT) as files:
        words = files.add_bad_files()
        with Tocsin(TOCSIN, settings([files.folder])) as host:
            for name, said in words.items():
                if "duplicate" in said:
                    continue  # alone it is good
                shown = host.run("plugin", "inspect", str(files.folder / name), check=1, json_output=True)
                expect(shown["state"] == "refused", f"{name}: {shown}")
                check_words(shown["reason"], said, name)


def a_plugin_at_odds_with_its_manifest_is_left_aside_with_its_reason():
    with PluginFiles(BUILT) as files:
        files.add("quick")
        for name in AT_ODDS:
            files.add(name)
        with Tocsin(TOCSIN, settings([files.folder])) as host:
            host.start()
            deliver_one(host, 1)
            lines = host.log_text().splitlines()
            for name, said in AT_ODDS.items():
                about = [line for line in lines if f"plugin={name} " in line and "failed" in line]
                expect(len(about) == 1, f"{name}: {about}")
                check_words(about[0].replace('\\"', '"'), said, name)
            status, _ = host.terminate()
            expect(status == 0, f"SIGTERM: status {status}")


def a_folder_that_is_not_there_is_a_warning_and_a_file_in_its_place_an_error():
    with PluginFiles(BUILT) as files:
        files.add("quick")
        with Tocsin(TOCSIN, settings([files.folder, files.root / "nowhere"])) as host:
            done = host.run("config", "check", check=0)
            expect("nowhere" in done.stdout + done.stderr, done)
            host.write("tocsin.toml", settings([files.folder / "quick.so"]))
            done = host.run("config", "check", check=3)
            expect("not a folder" in done.stdout + done.stderr, done)


if __name__ == "__main__":
    sys.exit(run_tests([
        every_bad_file_is_listed_with_its_reason_and_the_good_one_serves,
        inspect_tells_the_reason_of_each_bad_file,
        a_plugin_at_odds_with_its_manifest_is_left_aside_with_its_reason,
        a_folder_that_is_not_there_is_a_warning_and_a_file_in_its_place_an_error,
    ]))
