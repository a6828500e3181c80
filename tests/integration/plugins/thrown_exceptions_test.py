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

    def __init__(self, places, used=True):
        self.files = PluginFiles(BUILT)
        self.files.add("quick")
        self.throwing = {self.files.misbehaving(number, place, "throw", built="hostile-many"): call
                         for number, (place, call) in enumerate(places.items(), 1)}
        # A host is not ready without a plugin that its settings name.
        sections = "".join(SECTIONS.format(plugin=plugin) for plugin in self.throwing) if used else ""
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
    hosted = Host(BEFORE_IT_RUNS, used=False)
    with hosted as host:
        deliver_one(host, 1)
        for plugin, call in hosted.throwing.items():
            check_report(host, plugin, call)
        shown = {one["id"]: one for one in host.run("plugin", "list", check=0, json_output=True)}
        for plugin in hosted.throwing:
            expect(shown[plugin]["state"] == "failed" and "threw an exception in" in shown[plugin]["reason"], shown[plugin])
        status, seconds = host.terminate()
        expect(status == 0 and seconds < 10, f"SIGTERM: status {status} after {seconds:.1f} s")


if __name__ == "__main__":
    sys.exit(run_tests([
        a_throw_out_of_any_call_is_reported_and_the_host_runs_on,
        a_throw_at_the_end_is_reported_and_the_host_stops_in_order,
        a_throw_before_it_runs_leaves_the_plugin_aside,
    ]))
