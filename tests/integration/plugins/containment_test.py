"""Plugins that end the process that loads or starts them, before the real program: the host runs without them at its
second start at the latest, says why, and does not run them again until their file changes.

usage: containment_test.py TOCSIN HOSTILE_PLUGINS"""

import contextlib
import http.client
import json
import pathlib
import re
import signal
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
    "forge": "it ended the process (status 0)",  # though it says on every descriptor that it passed
}
WRONG_SETTINGS = 3  # the exit status
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


def check_quarantined(shown, words, remedy="Install another build"):
    expect(shown["state"] == "quarantined", shown)
    for part in (*words, "version 1.0.0", remedy):
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


def a_trial_that_hangs_is_held_again_until_it_hung_three_times_in_a_row():
    """The machine may have been busy. A plugin that hangs so in earnest costs three starts its limit."""
    short = '[plugins]\ncall_limit = "200ms"\n'
    with house(lambda files: settings([files.folder], short)) as (files, marks, host):
        bad = files.misbehaving(1, "constructor", "hang")
        for times in (1, 2, 3, 3):
            host.start()
            how = "in a trial process" if times == 1 else f"in {times} trials in a row"
            check_quarantined(plugins_of(host)[bad], ("a static constructor within 1 s", how),
                              "give it longer" if times == 3 else "the next start tries it again, 3 times in a row at most")
            stop(host)
            listed = plugins_of(host)[bad]["reason"]
            expect(("the host does not load it" if times == 3 else "the host's next start tries it again") in listed, listed)
            expect(times_run(marks, bad, "constructor") == times, f"it ran {times_run(marks, bad, 'constructor')} times")
            record = next(one for one in remembered(host) if one["plugin"] == bad)
            expect(record["verdict"] == "hung" and record["times"] == times, record)

        files.misbehaving(1)
        host.start()
        expect(plugins_of(host)[bad]["state"] == "active", plugins_of(host)[bad])


def a_trial_that_somebody_ended_is_held_again_and_not_remembered():
    with house() as (files, marks, host):
        bad = {files.misbehaving(number, "constructor", deed): name
               for number, (deed, name) in enumerate((("term", "SIGTERM"), ("kill", "SIGKILL")), 1)}
        for start in (1, 2):
            host.start()
            deliver_one(host, start)
            shown = plugins_of(host)
            for plugin, name in bad.items():
                check_quarantined(shown[plugin], (f"it crashed ({name})", "in a trial process"), "is not remembered: restart")
                expect("take its line out" not in shown[plugin]["reason"], shown[plugin])
                expect(times_run(marks, plugin, "constructor") == start, "it was not tried at each start")
            stop(host)
            expect(not set(bad) & {one["plugin"] for one in remembered(host)}, "it is remembered")


def a_trial_has_the_signals_of_a_host():
    """What a program begins with, but for SIGPIPE, which a host ignores."""
    with house() as (files, marks, host):
        pipe = files.misbehaving(1, "constructor", "sigpipe")
        looks = files.misbehaving(2, "constructor", "look")
        host.start()
        shown = plugins_of(host)
        expect(shown[pipe]["state"] == "active" and times_run(marks, pipe, "sigpipe") == 2, shown[pipe])
        trial = (marks / f"{looks}.trial").read_text() if (marks / f"{looks}.trial").exists() else ""
        expect(trial, sorted(marks.iterdir()))
        status = dict(line.split(":\t", 1) for line in trial.splitlines() if ":\t" in line)
        expect(int(status["SigBlk"], 16) == 0, status["SigBlk"])
        own = (1 << 31) - 1  # without those that the C library keeps to itself
        expect(int(status["SigIgn"], 16) & own == 1 << (signal.SIGPIPE - 1), status["SigIgn"])
        expect(int(status["SigCgt"], 16) == 0, status["SigCgt"])


def a_plugin_that_hangs_while_the_host_loads_it_does_so_once():
    """It holds the system's loader, so that plugins after it are not loaded."""
    short = '[plugins]\ncall_limit = "300ms"\n'
    with house(lambda files: settings([files.folder], short)) as (files, marks, host):
        bad = files.misbehaving(1, "constructor", "hang-in-host")
        host.environment["TOCSIN_TEST_MARKS"] = str(marks)  # which a trial does not get
        host.start()
        shown = plugins_of(host)
        expect(shown[bad]["state"] == "failed" and "did not come back from load() within 300 ms" in shown[bad]["reason"], shown)
        expect("loader is held up by another plugin" in shown["quick"]["reason"], shown["quick"])
        stop(host)
        ran = times_run(marks, bad, "constructor")
        expect(ran == 2, f"it ran {ran} times, once in its trial and once in the host")
        host.start()
        shown = plugins_of(host)
        check_quarantined(shown[bad], ("a static constructor or its entry function within 300 ms, in the host's own process",),
                          "give it longer ([plugins] call_limit)")
        expect(shown["quick"]["state"] == "active", shown["quick"])
        expect(times_run(marks, bad, "constructor") == ran, "it was run again")
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


SECRET = "not-for-a-plugins-first-run"
WITH_SECRETS = """
[channels.mail]
plugin = "smtp"
host = "localhost"
username = "tocsin"
password = "file:mail.password"
from_address = "noreply@example.org"
[organizations.acme]
  [organizations.acme.channels.mail]
  password = "env:ACME_PASSWORD"
"""


def a_trial_gets_no_secret_and_leaves_no_process():
    """Looked for where a process could have it: environment, arguments and open files, with their content."""
    short = '[plugins]\ncall_limit = "200ms"\n'
    with house(lambda files: settings([files.folder], short + WITH_SECRETS)) as (files, marks, host):
        files.misbehaving(1, "constructor", "hang")
        looks = files.misbehaving(2, "constructor", "look")
        host.write("mail.password", SECRET + "\n")
        host.environment["ACME_PASSWORD"] = SECRET
        host.environment["TOCSIN_TEST_MARKS"] = str(files.root)  # passed on, the mark would be there
        host.start()
        seen = (marks / f"{looks}.trial").read_text()
        expect("[environment]" in seen and "TMPDIR=" in seen and "plugin-trial" in seen, seen)
        token = host.token()
        for hidden in (SECRET, "ACME_PASSWORD", "TOCSIN_TEST_MARKS", token):
            expect(hidden not in seen, f"{hidden}: {seen}")
        opened = dict(line.split(" ", 1) for line in seen[seen.index("[files]"):].splitlines()[1:])
        kinds = sorted(target.split(":")[0] for target in opened.values())
        expect(len(opened) == 5 and opened["0"] == "/dev/null" and opened["3"].startswith("/memfd:"), opened)
        expect(kinds.count("pipe") == 3, opened)
        expect("4" not in opened, "the pipe of the answers is where a plugin would guess it")
        children = pathlib.Path(f"/proc/{host.process.pid}/task/{host.process.pid}/children").read_text().split()
        expect(not children, f"processes are left: {children}")
        stop(host)


OLD_SETTINGS = """
[channels.old]
plugin = "hostile-conf"
older = true
"""


def with_old_settings(files):
    return settings([files.folder], OLD_SETTINGS)


def a_plugin_that_ends_the_host_while_it_reads_the_settings_does_so_once():
    """Settings of an older version are shown to their plugin, which runs for that before all others are started."""
    for place, deed in (("create", "fault"), ("create", "exit"), ("create", "leave"), ("migrate", "fault"),
                        ("migrate", "leave")):
        with house(with_old_settings) as (files, marks, host):
            files.misbehaving(0, place, deed, name="hostile-conf", built="hostile-conf", keeps_id=True)
            bad = "hostile-conf"
            starts = 0
            while starts < 4 and (starts == 0 or start_ended_by(host)):
                start_once(host)
                starts += 1
            log = host.log_text()
            # One without a trace takes a second host, unless a trial sees it.
            limit = 2 if (place, deed) == ("migrate", "leave") else 1
            ran = times_run(marks, bad, place)
            expect(ran <= limit + (1 if deed == "leave" else 0), f"{place} {deed}: it ran {ran} times in {starts} starts")
            expect("a host or command before this one ended while it started a plugin" in log, log)
            expect("cannot be asked, since it is quarantined: a host or command ended" in log or
                   "cannot be asked, since it is quarantined: it " in log, log)
            expect(host.process.returncode == WRONG_SETTINGS, f"{place} {deed}: {host.process.returncode}")
            expect("channels.old.older" in log, "the setting is not named")

            files.misbehaving(0, name="hostile-conf", built="hostile-conf", keeps_id=True)
            host.start()
            expect(plugins_of(host)[bad]["state"] == "active", plugins_of(host)[bad])
            stop(host)


def start_ended_by(host):
    """The host was ended by a plugin, and not by its own word on the settings."""
    return host.process.returncode != WRONG_SETTINGS


def a_command_that_a_plugin_ends_is_the_last_one():
    channel = '[channels.bad]\nplugin = "hostile-0001"\n'
    with house(lambda files: settings([files.folder], channel)) as (files, marks, host):
        bad = files.misbehaving(1, "create", "fault")
        (host.folder / "state").mkdir(mode=0o700)  # else there is nowhere to remember it
        expect(host.run("doctor", "--channel", "bad").returncode < 0, "the command was not ended")
        done = host.run("doctor", "--channel", "bad")
        expect(done.returncode >= 0 and "quarantined" in done.stdout + done.stderr or
               "a host or command ended (SIGSEGV) in create()" in done.stdout + done.stderr, done)
        expect(times_run(marks, bad, "create") == 1, f"it ran {times_run(marks, bad, 'create')} times")
        host.start(ready=False)  # a channel's plugin is missing
        wait_until(lambda: plugins_of(host)[bad]["state"] == "quarantined", 20, "the host knows of it")
        wait_until(lambda: " ready " in host.log_text(), 20, "the host runs")
        check_quarantined(plugins_of(host)[bad], ("a host or command ended (SIGSEGV) in create()",))
        stop(host)


def a_command_ends_beside_a_plugin_that_hangs():
    channel = '[plugins]\ncall_limit = "300ms"\n[channels.bad]\nplugin = "{}"\n' + BAD_ROUTE
    for number, (place, built) in enumerate((("start", "hostile-0000"), ("check", "hostile-conf")), 1):
        plugin = "hostile-0001" if built == "hostile-0000" else built
        with house(lambda files: settings([files.folder], channel.format(plugin))) as (files, marks, host):
            files.misbehaving(number, place, "hang", name=plugin, built=built, keeps_id=built == "hostile-conf")
            done = host.run("config", "check")
            expect(done.returncode == WRONG_SETTINGS and f"{'config.check' if place == 'check' else place}() " in done.stdout, done)
            expect(times_run(marks, plugin, place) == 1, "it was not asked")


def config_check_reports_a_plugin_that_does_not_load():
    channel = '[channels.bad]\nplugin = "hostile-0001"\n' + BAD_ROUTE
    for place, deed, words in (("constructor", "fault", "it crashed (SIGSEGV) in a static constructor"),
                               ("create", "fail", "it was built to fail")):
        with house(lambda files: settings([files.folder], channel)) as (files, marks, host):
            files.misbehaving(1, place, deed)
            done = host.run("config", "check", check=WRONG_SETTINGS, json_output=True)
            expect([one for one in done["errors"] if words in json.dumps(one)], done)


def start_once(host):
    """Starts the host where a plugin ends it; returns the exit status."""
    host.start(ready=False)
    return host.process.wait(timeout=30)


def what_a_trial_does_not_run_ends_one_host_at_most():
    for place in ("create", "start"):
        for deed in ("leave", "fault", "abort", "exit", "exit-3", "exit-crash", "quick-exit"):
            with house() as (files, marks, host):
                bad = files.misbehaving(1, place, deed)
                start_once(host)
                expect(times_run(marks, bad, place) == 1, f"{place} {deed}: it did not come to the call")

                host.start()
                deliver_one(host, 1)
                shown = plugins_of(host)
                how = {"fault": "(SIGSEGV) ", "exit-3": "(exit(3)) ", "exit-crash": "(exit(3)) "}.get(deed, "")
                check_quarantined(shown[bad], (f"{how}in {place}()",))
                expect(shown["quick"]["state"] == "active", shown["quick"])
                expect("a host or command before this one ended while it started a plugin" in host.log_text(), host.log_text())
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


BAD_ROUTE = """
[[routes]]
name = "bad"
types = ["bad.*"]
channels = ["bad"]
to = ["somebody"]
"""
BAD_CHANNEL = '[channels.bad]\nplugin = "hostile-0001"\n' + BAD_ROUTE


def a_plugin_that_ends_a_running_host_is_named_with_call_and_event():
    for deed, how, statuses in (("fault", "SIGSEGV", (-11,)), ("overflow", "SIGSEGV", (-11,)), ("abort", "SIGABRT", (-6,)),
                                ("crash", "SIGSEGV", (-11,)), ("exit", "exit(0)", (1,)), ("exit-crash", "exit(3)", (1,)), ("quick-exit", "quick_exit()", (1,))):
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


def a_plugin_that_hangs_in_the_second_look_is_started_and_left_behind():
    short = '[plugins]\ncall_limit = "200ms"\n'
    with house(lambda files: settings([files.folder], short)) as (files, marks, host):
        bad = files.misbehaving(1, "start", "hang")
        host.start()
        stop(host)
        note_of_a_start(host, bad)
        host.start()
        said = [line for line in host.log_text().splitlines() if "before this one ended while it started a plugin" in line]
        expect(len(said) == 1 and "started again: it hung in a trial, and a host goes on without a plugin that hangs there"
               in said[0], said)
        shown = plugins_of(host)[bad]
        expect(shown["state"] == "failed" and "did not come back from start()" in shown["reason"], shown)
        stop(host)


if __name__ == "__main__":
    sys.exit(run_tests([
        what_a_trial_sees_never_reaches_the_host,
        a_trial_that_hangs_is_held_again_until_it_hung_three_times_in_a_row,
        a_trial_that_somebody_ended_is_held_again_and_not_remembered,
        a_trial_has_the_signals_of_a_host,
        a_plugin_that_hangs_while_the_host_loads_it_does_so_once,
        another_content_is_tried_again,
        without_its_memory_every_plugin_is_tried_again,
        a_plugin_that_nobody_needs_is_not_tried,
        a_trial_gets_no_secret_and_leaves_no_process,
        what_a_trial_does_not_run_ends_one_host_at_most,
        a_plugin_that_ends_a_running_host_is_named_with_call_and_event,
        a_host_that_is_killed_during_a_start_does_not_cost_a_plugin,
        a_plugin_that_hangs_in_the_second_look_is_started_and_left_behind,
        a_plugin_that_ends_the_host_while_it_reads_the_settings_does_so_once,
        a_command_that_a_plugin_ends_is_the_last_one,
        a_command_ends_beside_a_plugin_that_hangs,
        config_check_reports_a_plugin_that_does_not_load,
    ]))
