"""TOCSIN_CHECKED=1 before the real program: it says nothing of plugins that keep the law, those of older and newer releases among
them, and names the call of one that does not. What it says of a plugin that goes on after stop(), a host says in any case.

usage: checked_host_test.py TOCSIN HOSTILE_PLUGINS OTHER_ABI_PLUGINS"""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "support"))
from plugin_files import QUICK_CHANNEL, PluginFiles, settings  # noqa: E402
from tocsin import Tocsin, expect, run_tests, wait_until  # noqa: E402

TOCSIN, BUILT, OTHER_ABI = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:4])
LAWFUL_OF_OTHER_RELEASES = ["older-outcome", "older-event", "newer-structs"]

CHANNEL = """
[channels.{plugin}]
plugin = "{plugin}"
[[routes]]
name = "{plugin}"
types = ["test.{plugin}"]
channels = ["{plugin}"]
to = ["somebody"]
"""
SOURCE = """
[sources.{plugin}]
plugin = "{plugin}"
"""
MORE = """
[subscribers.{plugin}]
plugin = "{plugin}"
[secrets.vault]
plugin = "{plugin}"
[channels.locked]
plugin = "quick"
key = "vault:it"
"""


def misdeeds(host):
    return [line for line in host.log_text().splitlines() if "misbehaving" in line]


def publish_to(host, plugin):
    host.publish({"id": plugin, "source": "/checked", "type": f"test.{plugin}"})
    wait_until(lambda: [one for one in host.deliveries(event_id=plugin) if one["state"] == "delivered"], 20,
               f"{plugin} delivers")


def stop(host):
    status, seconds = host.terminate()
    expect(status == 0 and seconds < 10, f"SIGTERM: status {status} after {seconds:.1f} s")


def plugins_of_other_releases_keep_the_law():
    sections = "".join((CHANNEL + SOURCE).format(plugin=plugin) for plugin in LAWFUL_OF_OTHER_RELEASES)
    with Tocsin(TOCSIN, settings([OTHER_ABI], sections)) as host:
        host.environment["TOCSIN_CHECKED"] = "1"
        host.start()
        for plugin in LAWFUL_OF_OTHER_RELEASES:
            # Each publishes one event, number 1, by itself.
            wait_until(lambda: [one for one in host.deliveries(event_id="1")
                                if one["channel"] == plugin and one["state"] == "delivered"], 20, f"{plugin} delivers")
        stop(host)
        expect(not misdeeds(host), misdeeds(host))


def a_plugin_that_uses_everything_lawfully_is_not_reported():
    with PluginFiles(BUILT) as files:
        files.add("quick")
        good = files.misbehaving(1, built="hostile-many")
        sections = QUICK_CHANNEL + (CHANNEL + SOURCE + MORE).format(plugin=good)
        with Tocsin(TOCSIN, settings([files.folder], sections)) as host:
            host.environment["TOCSIN_CHECKED"] = "1"
            host.start()
            publish_to(host, good)
            expect(host.request("GET", f"/v1/sources/{good}/it")[0] == 200, "the request")
            stop(host)
            expect(not misdeeds(host), misdeeds(host))


def a_call_in_the_wrong_state_is_reported_by_a_checked_host_alone():
    for checked in ("1", ""):
        with PluginFiles(BUILT) as files:
            bad = files.misbehaving(1, "deliver", "find")
            with Tocsin(TOCSIN, settings([files.folder], CHANNEL.format(plugin=bad))) as host:
                host.environment["TOCSIN_CHECKED"] = checked
                host.start()
                publish_to(host, bad)
                stop(host)
                # What is wrong with the service that it asks for, a host says in any case.
                lines = [line for line in misdeeds(host) if "start() only" in line]
                expect(len(lines) == (1 if checked else 0), misdeeds(host))
                for line in lines:
                    expect(f"plugin={bad} version=1.0.0" in line and re.search(r"build=[0-9a-f]{40} ", line), line)
                    expect("services.find, from channel.deliver" in line, line)


def a_plugin_that_goes_on_after_stop_is_reported_and_the_host_ends_in_time():
    for deed, reported in (("call-late", True), ("leave-thread", False)):
        with PluginFiles(BUILT) as files:
            bad = files.misbehaving(1, "stop", deed)
            with Tocsin(TOCSIN, settings([files.folder], CHANNEL.format(plugin=bad))) as host:
                host.start()
                publish_to(host, bad)
                stop(host)
                lines = misdeeds(host)
                expect(bool(lines) == reported, f"{deed}: {lines}")
                for line in lines:
                    expect(f"plugin={bad} version=1.0.0" in line and re.search(r"build=[0-9a-f]{40} ", line), line)
                    expect("while it was not running" in line and "timer.start" in line, line)


if __name__ == "__main__":
    sys.exit(run_tests([
        plugins_of_other_releases_keep_the_law,
        a_plugin_that_uses_everything_lawfully_is_not_reported,
        a_call_in_the_wrong_state_is_reported_by_a_checked_host_alone,
        a_plugin_that_goes_on_after_stop_is_reported_and_the_host_ends_in_time,
    ]))
