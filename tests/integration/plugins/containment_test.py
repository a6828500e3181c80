"""Plugins that end the process that loads or starts them, before the real program: the host runs without them at its
second start at the latest, says why, and does not run them again until their file changes.

usage: containment_test.py TOCSIN HOSTILE_PLUGINS"""

import contextlib
import http.client
import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "support"))
from plugin_files import PluginFiles, settings  # noqa: E402
from tocsin import Tocsin, expect, run_tests, wait_until  # noqa: E402

TOCSIN, BUILT = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:3])

# What a trial sees, with the words of its reason.
IN_TRIAL = {
    "fault": "it crashed (SIGSEGV)",
    "abort": "it crashed (SIGABRT)",
    "exit": "it ended the process (status 0)",
    "exit-3": "it ended the process (status 3)",
    "leave": "it ended the process (status 0)",
    "quick-exit": "it ended the process (status 3)",
    "throw": "threw",
    "hang": "it did not come back",
}
PLACES = {"constructor": "a static constructor", "entry": "its entry function"}


@contextlib.contextmanager
def house(sections=None):
    """A folder of plugins with a good one, a host for it, and a folder where what runs leaves marks."""
    with PluginFiles(BUILT) as files:
        files.add("quick")
        marks = files.root / "tocsin-test-marks"
        marks.mkdir()
        with Tocsin(TOCSIN, settings([files.folder]) if sections is None else sections(files)) as host:
            host.environment["TMPDIR"] = str(files.root)
            yield files, marks, host


def times_run(marks, plugin, place):
    path = marks / f"{plugin}.{place}"
    return len(path.read_bytes()) if path.exists() else 0


def deliver_one(host, number):
    host.publish({"id": str(number), "source": "/contained", "type": "test.event"})
    wait_until(lambda: [one for one in host.deliveries(event_id=str(number)) if one["state"] == "delivered"], 20,
               "the good plugin delivers")


def plugins_of(host):
    return {one["id"]: one for one in host.run("plugin", "list", check=0, json_output=True)}


def stop(host):
    status, seconds = host.terminate()
    expect(status == 0 and seconds < 10, f"SIGTERM: status {status} after {seconds:.1f} s")


def check_quarantined(shown, words):
    expect(shown["state"] == "quarantined", shown)
    for part in (*words, "version 1.0.0", "Install another build"):
        expect(part in shown["reason"], f"{part!r} is not in {shown['reason']!r}")
    expect(re.search(r"build [0-9a-f]{40}", shown["reason"]), shown)


def remembered(host):
    path = host.folder / "state" / "plugin-trials.json"
    expect(path.stat().st_mode & 0o777 == 0o600, oct(path.stat().st_mode))
    return json.loads(path.read_text())["verdicts"]


def what_a_trial_sees_never_reaches_the_host():
    for place, where in PLACES.items():
        with house() as (files, marks, host):
            bad = {files.misbehaving(number, place, deed): deed for number, deed in enumerate(IN_TRIAL, 1)}
            host.start()
            deliver_one(host, 1)
            shown = plugins_of(host)
            expect(shown["quick"]["state"] == "active", shown["quick"])
            for plugin, deed in bad.items():
                said = IN_TRIAL[deed] if deed != "throw" or place == "entry" else ""  # or it ends in terminate()
                check_quarantined(shown[plugin], (said, where, "in a trial process", "take its line out of"))
                expect(times_run(marks, plugin, place) == 1, f"{plugin} ran {times_run(marks, plugin, place)} times")
                expect(f"plugin={plugin} version=1.0.0" in host.log_text(), "the log does not name it")
            stop(host)
            verdicts = {one["plugin"]: one for one in remembered(host)}
            expect(verdicts["quick"]["verdict"] == "passed", verdicts["quick"])
            expect(set(bad) <= set(verdicts), sorted(verdicts))

            listed = plugins_of(host)  # without a host
            for plugin in bad:
                expect(listed[plugin]["state"] == "quarantined" and "the host does not load it" in listed[plugin]["reason"],
                       listed[plugin])

            host.start()
            deliver_one(host, 2)
            for plugin in bad:
                expect(times_run(marks, plugin, place) == 1, f"{plugin} was run again at the second start")
            stop(host)


def another_content_is_tried_again():
    with house() as (files, marks, host):
        bad = files.misbehaving(1, "constructor", "fault")
        host.start()
        expect(plugins_of(host)[bad]["state"] == "quarantined", plugins_of(host)[bad])
        stop(host)
        files.misbehaving(1)
        host.start()
        expect(plugins_of(host)[bad]["state"] == "active", plugins_of(host)[bad])
        stop(host)
        files.misbehaving(1, "constructor", "fault")
        host.start()
        check_quarantined(plugins_of(host)[bad], ("it crashed (SIGSEGV)",))
        stop(host)


def without_its_memory_every_plugin_is_tried_again():
    with house() as (files, marks, host):
        bad = files.misbehaving(1, "constructor", "abort")
        host.start()
        stop(host)
        memory = host.folder / "state" / "plugin-trials.json"
        memory.unlink()
        host.start()
        expect(times_run(marks, bad, "constructor") == 2, "it was not tried again")
        stop(host)
        memory.write_text("{ broken")
        host.start()
        deliver_one(host, 1)
        log = host.log_text()
        expect("plugin-trials.json cannot be used" in log and "plugin-trials.json.broken" in log, log)
        expect((host.folder / "state" / "plugin-trials.json.broken").read_text() == "{ broken", "it was not set aside")
        expect(times_run(marks, bad, "constructor") == 3, "it was not tried again")
        stop(host)


def a_plugin_that_nobody_needs_is_not_tried():
    """A command that starts one plugin tries no other."""
    channel = '[channels.quick]\nplugin = "quick"\n'
    with house(lambda files: settings([files.folder], channel)) as (files, marks, host):
        bad = files.misbehaving(1, "constructor", "fault")
        host.run("doctor", "--channel", "quick")
        expect(times_run(marks, bad, "constructor") == 0, "it was run")
        expect(times_run(marks, "quick", "constructor") == 2, "the trial and the command run the one that is needed")


def a_trial_gets_no_secret_and_leaves_no_process():
    with house() as (files, marks, host):
        bad = files.misbehaving(1, "constructor", "hang")
        host.environment["SMTP_PASSWORD"] = "not for a plugin's first run"
        host.environment["TOCSIN_TEST_MARKS"] = str(files.root)  # passed on, the mark would be there
        host.start()
        expect(not (files.root / f"{bad}.constructor").exists(), "the environment was passed on")
        children = pathlib.Path(f"/proc/{host.process.pid}/task/{host.process.pid}/children").read_text().split()
        expect(not children, f"processes are left: {children}")
        stop(host)


def start_once(host):
    """Starts the host where a plugin ends it; returns the exit status."""
    host.start(ready=False)
    return host.process.wait(timeout=30)


def what_a_trial_does_not_run_ends_one_host_at_most():
    for place in ("create", "start"):
        for deed in ("leave", "fault", "abort", "exit", "exit-3", "quick-exit"):
            with house() as (files, marks, host):
                bad = files.misbehaving(1, place, deed)
                start_once(host)
                expect(times_run(marks, bad, place) == 1, f"{place} {deed}: it did not come to the call")

                host.start()
                deliver_one(host, 1)
                shown = plugins_of(host)
                check_quarantined(shown[bad], (f"in {place}()",))
                expect(shown["quick"]["state"] == "active", shown["quick"])
                expect("the host before this one ended while it started a plugin" in host.log_text(), host.log_text())
                stop(host)
                ran = times_run(marks, bad, place)
                expect(ran == (2 if deed == "leave" else 1), f"{place} {deed}: it ran {ran} times")

                host.start()
                deliver_one(host, 2)
                check_quarantined(plugins_of(host)[bad], (f"in {place}()",))
                stop(host)
                expect(times_run(marks, bad, place) == ran, f"{place} {deed}: it was run again at the third start")
                expect(not (host.folder / "state" / "plugin-starting").exists(), "the note of the start is still there")

                files.misbehaving(1)
                host.start()
                expect(plugins_of(host)[bad]["state"] == "active", plugins_of(host)[bad])
                stop(host)


BAD_CHANNEL = """
[channels.bad]
plugin = "hostile-0001"
[[routes]]
name = "bad"
types = ["bad.*"]
channels = ["bad"]
to = ["somebody"]
"""


def a_plugin_that_ends_a_running_host_is_named_with_call_and_event():
    for deed, how, statuses in (("fault", "SIGSEGV", (-11,)), ("overflow", "SIGSEGV", (-11,)), ("abort", "SIGABRT", (-6,)),
                                ("crash", "SIGSEGV", (-11,)), ("exit", "exit(0)", (1,)), ("quick-exit", "quick_exit()", (1,))):
        with house(lambda files: settings([files.folder], BAD_CHANNEL)) as (files, marks, host):
            bad = files.misbehaving(1, "deliver", deed)
            host.start()
            event = {"specversion": "1.0", "id": "the-last-event", "source": "/contained", "type": "bad.event"}
            with contextlib.suppress(OSError, http.client.HTTPException):  # the answer may not come any more
                host.request("POST", "/v1/events", json.dumps(event), "application/cloudevents+json")
            status = host.process.wait(timeout=30)
            expect(status in statuses, f"{deed}: the host ended with {status}")
            lines = [line for line in host.log_text().splitlines() if "a plugin ended the host" in line]
            expect(len(lines) == 1, host.log_text())
            for part in (f"plugin={bad} version=1.0.0 build=", "call=channel.deliver", f"how={how} ", "about=delivery",
                         "event=the-last-event"):
                expect(part in lines[0], f"{deed}: {part!r} is not in {lines[0]!r}")
            expect(plugins_of(host)[bad]["state"] == "verified", "what it does while it is active quarantines nothing")
            expect(not (host.folder / "state" / "plugin-starting").exists(), "its start was over")


def note_of_a_start(host, plugin, times=1):
    """What a host leaves that is killed while it starts the plugin."""
    known = {one["plugin"]: one for one in remembered(host)}[plugin]
    note = {"sha256": known["sha256"], "plugin": plugin, "version": known["version"], "build_id": known["build_id"],
            "call": "start", "times": times}
    host.write("state/plugin-starting", json.dumps(note) + "\n")


def a_host_that_is_killed_during_a_start_does_not_cost_a_plugin():
    with house() as (files, marks, host):
        host.start()
        stop(host)
        for number, plugin in enumerate(("quick", "smtp")):  # this one requires another
            note_of_a_start(host, plugin)
            host.start()
            deliver_one(host, number)
            expect(f"plugin={plugin} " in next(line for line in host.log_text().splitlines()[::-1]
                                               if "started again, since it passed a trial" in line), host.log_text())
            expect(plugins_of(host)[plugin]["state"] == "active", plugins_of(host)[plugin])
            stop(host)

        note_of_a_start(host, "quick", times=2)
        host.start(ready=False)
        wait_until(lambda: plugins_of(host)["quick"]["state"] == "quarantined", 20, "the second time is proof enough")


if __name__ == "__main__":
    sys.exit(run_tests([
        what_a_trial_sees_never_reaches_the_host,
        another_content_is_tried_again,
        without_its_memory_every_plugin_is_tried_again,
        a_plugin_that_nobody_needs_is_not_tried,
        a_trial_gets_no_secret_and_leaves_no_process,
        what_a_trial_does_not_run_ends_one_host_at_most,
        a_plugin_that_ends_a_running_host_is_named_with_call_and_event,
        a_host_that_is_killed_during_a_start_does_not_cost_a_plugin,
    ]))
