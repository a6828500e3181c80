"""Plugins that throw across the binary interface, out of each call that the host makes, before the real program: each throw is
reported with plugin, version, build id and call, and everything else runs on.

usage: thrown_exceptions_test.py TOCSIN HOSTILE_PLUGINS"""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "support"))
from plugin_files import QUICK_CHANNEL, PluginFiles, settings  # noqa: E402
from tocsin import Tocsin, expect, run_tests, wait_until  # noqa: E402

TOCSIN, BUILT = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:3])

# Where the plugin throws -> the call's name in the report.
WHILE_IT_RUNS = {"open": "channel.open", "deliver": "channel.deliver", "source-open": "source.open", "fired": "timer.fired",
                 "published": "source.published", "sub-open": "subscriber.open", "events": "subscriber.events",
                 "call": "http_route.call"}
AT_ITS_END = {"close": "channel.close", "source-close": "source.close", "sub-close": "subscriber.close", "stop": "stop",
              "destroy": "destroy"}
# A throw out of the entry function ends in the trial: containment_test.py.
BEFORE_IT_RUNS = {"create": "create", "get_extension": "create", "start": "start"}

AT_A_SECRET = {"secrets-open": "secrets.open", "fetch": "secrets.fetch", "secrets-close": "secrets.close"}

LOCKED = """
[secrets.vault-{plugin}]
plugin = "{plugin}"
[channels.locked-{plugin}]
plugin = "quick"
key = "vault-{plugin}:it"
"""

SECTIONS = """
[channels.{plugin}]
plugin = "{plugin}"
[sources.{plugin}]
plugin = "{plugin}"
[subscribers.{plugin}]
plugin = "{plugin}"
types = ["test.*"]
[[routes]]
name = "{plugin}"
types = ["to.{plugin}"]
channels = ["{plugin}"]
to = ["somebody"]
"""


def reports_of(host, plugin):
    return [line for line in host.log_text().splitlines() if "plugin is misbehaving" in line and f"plugin={plugin} " in line]


def check_report(host, plugin, call):
    line = wait_until(lambda: [line for line in reports_of(host, plugin) if f" call={call} " in line], 20,
                      f"{plugin}: a report of {call}")[0]
    expect("it threw an exception across the binary interface" in line and "thrown across the ABI" in line, line)
    expect("version=1.0.0" in line and re.search(r"build=[0-9a-f]{40} ", line), line)


def deliver_one(host, number):
    host.publish({"id": str(number), "source": "/thrown", "type": "test.event"})
    wait_until(lambda: [one for one in host.deliveries(event_id=str(number)) if one["state"] == "delivered"], 20,
               "the good plugin delivers")


class Host:
    """A host with the good plugin, and one that throws for each place."""

    def __init__(self, places, sections=SECTIONS):
        self.files = PluginFiles(BUILT)
        self.files.add("quick")
        self.throwing = {self.files.misbehaving(number, place, "throw", built="hostile-many"): call
                         for number, (place, call) in enumerate(places.items(), 1)}
        # A host is not ready without a plugin that its settings name.
        sections = "".join(sections.format(plugin=plugin) for plugin in self.throwing)
        self.host = Tocsin(TOCSIN, settings([self.files.folder], QUICK_CHANNEL + sections))

    def __enter__(self):
        self.files.__enter__()
        self.host.__enter__()
        return self.host.start()

    def __exit__(self, kind, value, trace):
        self.host.__exit__(kind, value, trace)
        self.files.__exit__(kind, value, trace)


def a_throw_out_of_any_call_is_reported_and_the_host_runs_on():
    hosted = Host(WHILE_IT_RUNS)
    with hosted as host:
        deliver_one(host, 1)  # subscribers get it, too
        for plugin in hosted.throwing:
            host.publish({"id": plugin, "source": "/thrown", "type": f"to.{plugin}"})
            status, answer = host.request("GET", f"/v1/sources/{plugin}/it")
            call = hosted.throwing[plugin]
            wanted = 500 if call == "http_route.call" else 503 if call == "source.open" else 200
            expect(status == wanted, f"{plugin} {call}: {status} {answer}")
        for plugin, call in hosted.throwing.items():
            check_report(host, plugin, call)
        # Those that threw once are called again, and the others go on.
        deliver_one(host, 2)
        shown = {one["id"]: one for one in host.run("plugin", "list", check=0, json_output=True)}
        for plugin, call in hosted.throwing.items():
            expect(shown[plugin]["state"] == "active", shown[plugin])
            if call == "subscriber.events":
                wait_until(lambda: len(reports_of(host, plugin)) == 2, 20, "the second event, too, reaches the subscriber")
            if call not in ("channel.open", "channel.deliver"):
                wait_until(lambda: [one for one in host.deliveries(event_id=plugin) if one["state"] == "delivered"], 20,
                           f"the channel of {plugin}, which throws in {call}, delivers")
        status, seconds = host.terminate()
        expect(status == 0 and seconds < 10, f"SIGTERM: status {status} after {seconds:.1f} s")


def a_throw_at_the_end_is_reported_and_the_host_stops_in_order():
    hosted = Host(AT_ITS_END)
    with hosted as host:
        deliver_one(host, 1)
        for plugin in hosted.throwing:
            host.publish({"id": plugin, "source": "/thrown", "type": f"to.{plugin}"})
            wait_until(lambda: [one for one in host.deliveries(event_id=plugin) if one["state"] == "delivered"], 20,
                       f"the channel of {plugin} delivers")
        status, seconds = host.terminate()
        expect(status == 0 and seconds < 10, f"SIGTERM: status {status} after {seconds:.1f} s")
        for plugin, call in hosted.throwing.items():
            check_report(host, plugin, call)
        expect(" stopped" in host.log_text(), "the host did not stop in order")


def a_throw_before_it_runs_leaves_the_plugin_aside():
    hosted = Host(BEFORE_IT_RUNS, sections="")
    with hosted as host:
        deliver_one(host, 1)
        for plugin, call in hosted.throwing.items():
            check_report(host, plugin, call)
        shown = {one["id"]: one for one in host.run("plugin", "list", check=0, json_output=True)}
        for plugin in hosted.throwing:
            expect(shown[plugin]["state"] == "failed" and "threw an exception in" in shown[plugin]["reason"], shown[plugin])
        status, seconds = host.terminate()
        expect(status == 0 and seconds < 10, f"SIGTERM: status {status} after {seconds:.1f} s")


def a_throw_out_of_a_secret_store_is_reported_and_other_channels_deliver():
    hosted = Host(AT_A_SECRET, sections=LOCKED)
    with hosted as host:
        deliver_one(host, 1)
        status, seconds = host.terminate()
        expect(status == 0 and seconds < 10, f"SIGTERM: status {status} after {seconds:.1f} s")
        for plugin, call in hosted.throwing.items():
            check_report(host, plugin, call)


def a_throw_where_a_plugin_is_asked_about_its_settings_keeps_those_out_of_use():
    hosted = Host({"check": "config.check"})
    with hosted as host:
        deliver_one(host, 1)
        check_report(host, "hostile-0001", "config.check")
        done = host.run("config", "check", check=3)
        for name in ("channels", "sources", "subscribers"):
            expect(f'{name}.hostile-0001: The plugin "hostile-0001" could not be asked' in done.stdout, done.stdout)
        status, _ = host.terminate()
        expect(status == 0, f"SIGTERM: status {status}")


def a_throw_where_a_plugin_is_asked_about_older_settings_leaves_them_wrong():
    with PluginFiles(BUILT) as files:
        files.add("quick")
        bad = files.misbehaving(1, "migrate", "throw", built="hostile-many")
        channel = f'[channels.bad]\nplugin = "{bad}"\nunknown = 1\n'
        with Tocsin(TOCSIN, settings([files.folder], QUICK_CHANNEL + channel)) as host:
            done = host.run("config", "check", check=3)
            expect("channels.bad: it threw an exception in config.migrate()" in done.stdout, done.stdout)
            expect("channels.bad.unknown: There is no setting of this name" in done.stdout, done.stdout)
            host.start(ready=False)
            expect(host.process.wait(timeout=20) == 3, "the host's status")
            check_report(host, bad, "config.migrate")


def a_throw_where_a_plugin_is_asked_how_it_is_makes_it_a_failing_one():
    hosted = Host({"health": "health.check"}, sections="")
    with hosted as host:
        deliver_one(host, 1)
        check_report(host, "hostile-0001", "health.check")
        shown = {one["id"]: one for one in host.run("plugin", "list", check=0, json_output=True)}["hostile-0001"]
        expect(shown["state"] == "active" and shown["health"]["state"] == "failing", shown)
        expect("threw an exception" in shown["health"]["text"], shown)


def a_diagnosis_that_throws_or_fails_says_so():
    for deed, words in (("throw", "threw an exception in doctor.diagnose"), ("fail", "it was built to fail")):
        with PluginFiles(BUILT) as files:
            bad = files.misbehaving(1, "diagnose", deed, built="hostile-many")
            channel = f'[channels.bad]\nplugin = "{bad}"\n'
            with Tocsin(TOCSIN, settings([files.folder], channel)) as host:
                done = host.run("doctor", "--channel", "bad")
                expect(done.returncode not in (0, 2) and words in done.stdout + done.stderr, f"{deed}: {done}")


def a_failure_to_open_leaves_that_source_or_subscriber_or_endpoint_aside():
    """A plugin that answers TOCSIN_FAILED, with its words, is as good as before."""
    with PluginFiles(BUILT) as files:
        files.add("quick")
        places = ("open", "source-open", "sub-open")
        failing = {place: files.misbehaving(number, place, "fail", built="hostile-many")
                   for number, place in enumerate(places, 1)}
        sections = "".join(SECTIONS.format(plugin=plugin) for plugin in failing.values())
        with Tocsin(TOCSIN, settings([files.folder], QUICK_CHANNEL + sections)) as host:
            host.start()
            deliver_one(host, 1)
            host.publish({"id": "open", "source": "/thrown", "type": f"to.{failing['open']}"})
            for place, words in (("open", "endpoint paused"), ("source-open", "source cannot run"),
                                 ("sub-open", "subscriber cannot run")):
                plugin = failing[place]
                wait_until(lambda: [line for line in host.log_text().splitlines() if words in line and plugin in line
                                    and "it was built to fail" in line], 20, f"{place}: \"{words}\" with its reason")
            deliver_one(host, 2)
            shown = {one["id"]: one for one in host.run("plugin", "list", check=0, json_output=True)}
            expect(all(shown[plugin]["state"] == "active" for plugin in failing.values()), shown)
            status, _ = host.terminate()
            expect(status == 0, f"SIGTERM: status {status}")


if __name__ == "__main__":
    sys.exit(run_tests([
        a_throw_out_of_any_call_is_reported_and_the_host_runs_on,
        a_throw_at_the_end_is_reported_and_the_host_stops_in_order,
        a_throw_before_it_runs_leaves_the_plugin_aside,
        a_throw_out_of_a_secret_store_is_reported_and_other_channels_deliver,
        a_throw_where_a_plugin_is_asked_about_its_settings_keeps_those_out_of_use,
        a_throw_where_a_plugin_is_asked_about_older_settings_leaves_them_wrong,
        a_throw_where_a_plugin_is_asked_how_it_is_makes_it_a_failing_one,
        a_diagnosis_that_throws_or_fails_says_so,
        a_failure_to_open_leaves_that_source_or_subscriber_or_endpoint_aside,
    ]))
