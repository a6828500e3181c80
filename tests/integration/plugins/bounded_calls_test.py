"""Plugins whose calls do not come back, throw or fail, before the real program: each is reported once with plugin, version,
build id and call, everything else runs, and SIGTERM ends the host in time.

usage: bounded_calls_test.py TOCSIN HOSTILE_PLUGINS"""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "support"))
from plugin_files import QUICK_CHANNEL, PluginFiles, settings  # noqa: E402
from tocsin import Tocsin, expect, run_tests, wait_until  # noqa: E402

TOCSIN, BUILT = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:3])
SHORT = '[plugins]\ncall_limit = "400ms"\n'

OTHER_CHANNEL = """
[channels.other]
plugin = "{plugin}"
[[routes]]
name = "others"
types = ["other.*"]
channels = ["other"]
to = ["somebody"]
"""


def deliver_one(host, number, kind="test.event"):
    host.publish({"id": str(number), "source": "/bounded", "type": kind})
    wait_until(lambda: [one for one in host.deliveries(event_id=str(number)) if one["state"] == "delivered"], 20,
               "the good plugin delivers")


def plugins_of(host):
    return {one["id"]: one for one in host.run("plugin", "list", check=0, json_output=True)}


def check_report(host, plugin, call):
    reports = [line for line in host.log_text().splitlines() if "plugin hangs" in line and f"plugin={plugin} " in line]
    expect(len(reports) == 1, f"{plugin}: {reports}")
    expect(f"call={call} " in reports[0] and "version=1.0.0" in reports[0] and "code=PLUGIN_HUNG" in reports[0], reports[0])
    expect(re.search(r"build=[0-9a-f]{40}", reports[0]), reports[0])


def ends_in_time(host):
    status, seconds = host.terminate()
    expect(status == 0 and seconds < 10, f"SIGTERM: status {status} after {seconds:.1f} s")


def a_plugin_that_hangs_while_it_starts_is_reported_and_the_others_run():
    with PluginFiles(BUILT) as files:
        files.add("quick")
        bad = files.misbehaving(1, "start", "hang")
        with Tocsin(TOCSIN, settings([files.folder], SHORT + QUICK_CHANNEL)) as host:
            host.start()
            deliver_one(host, 1)
            check_report(host, bad, "start")
            shown = plugins_of(host)
            expect(shown[bad]["state"] == "failed" and "start() within 400 ms" in shown[bad]["reason"], shown[bad])
            expect(shown["quick"]["state"] == "active", shown["quick"])
            ends_in_time(host)


def a_plugin_that_hangs_before_it_starts_is_reported_with_the_call():
    for place in ("create", "get_extension"):
        with PluginFiles(BUILT) as files:
            files.add("quick")
            bad = files.misbehaving(1, place, "hang")
            with Tocsin(TOCSIN, settings([files.folder], SHORT + QUICK_CHANNEL)) as host:
                host.start()
                deliver_one(host, 1)
                check_report(host, bad, "create")
                shown = plugins_of(host)
                expect(shown[bad]["state"] == "failed" and "create() within 400 ms" in shown[bad]["reason"], shown[bad])
                ends_in_time(host)


WORKER_CALLS = {"fired": "timer.fired", "published": "source.published", "events": "subscriber.events",
                "call": "http_route.call", "fetch": "secrets.fetch", "health": "health.check"}
USED = """
[sources.{plugin}]
plugin = "{plugin}"
[subscribers.{plugin}]
plugin = "{plugin}"
[secrets.vault]
plugin = "{plugin}"
[channels.locked]
plugin = "quick"
key = "vault:it"
"""


def a_worker_call_that_hangs_is_reported_and_the_others_run():
    for place, call in WORKER_CALLS.items():
        with PluginFiles(BUILT) as files:
            files.add("quick")
            bad = files.misbehaving(1, place, "hang", built="hostile-many")
            with Tocsin(TOCSIN, settings([files.folder], SHORT + QUICK_CHANNEL + USED.format(plugin=bad))) as host:
                host.start(ready=False)  # /readyz says 503 of a host whose settings name a plugin that hangs
                wait_until(lambda: " ready http=" in host.log_text(), 30, "the host serves")
                deliver_one(host, 1)
                if place == "call":
                    status, answer = host.request("GET", f"/v1/sources/{bad}/it")
                    expect(status in (503, 504), f"{status} {answer}")
                wait_until(lambda: "plugin hangs" in host.log_text(), 20, f"{place}: the report")
                check_report(host, bad, call)
                deliver_one(host, 2)
                expect(plugins_of(host)[bad]["state"] == "failed", plugins_of(host)[bad])
                ends_in_time(host)


def a_call_about_an_endpoint_that_hangs_pauses_that_endpoint_only():
    for place, call in (("open", "channel.open"), ("deliver", "channel.deliver")):
        with PluginFiles(BUILT) as files:
            files.add("quick")
            bad = files.misbehaving(1, place, "hang")
            with Tocsin(TOCSIN, settings([files.folder], SHORT + QUICK_CHANNEL + OTHER_CHANNEL.format(plugin=bad))) as host:
                host.start()
                host.publish({"id": "bad", "source": "/bounded", "type": "other.event"})
                wait_until(lambda: "plugin hangs" in host.log_text(), 20, "the report")
                check_report(host, bad, call)
                for number in range(3):
                    deliver_one(host, number)
                shown = plugins_of(host)
                expect(shown[bad]["state"] == "failed" and call in shown[bad]["reason"], shown[bad])
                left = wait_until(lambda: [one for one in host.deliveries(event_id="bad") if one["state"] == "deferred"], 20,
                                  "the delivery waits")
                expect(left[0]["code"] in ("SETTINGS_INVALID", "PLUGIN_HUNG"), left)
                if place == "deliver":
                    expect(left[0]["uncertain"] is True, left)
                    report = next(line for line in host.log_text().splitlines() if "plugin hangs" in line)
                    expect(f"about=\"delivery {left[0]['id']}, attempt 1, event bad\"" in report, report)
                ends_in_time(host)


def a_plugin_that_hangs_at_the_end_holds_the_host_up_no_longer_than_its_limit():
    for place in ("close", "stop", "destroy"):
        with PluginFiles(BUILT) as files:
            files.add("quick")
            bad = files.misbehaving(1, place, "hang")
            with Tocsin(TOCSIN, settings([files.folder], SHORT + QUICK_CHANNEL + OTHER_CHANNEL.format(plugin=bad))) as host:
                host.start()
                deliver_one(host, 1)
                deliver_one(host, 2, "other.event")
                ends_in_time(host)
                check_report(host, bad, "channel.close" if place == "close" else place)
                expect(" stopped" in host.log_text(), "the host did not stop in order")


def a_plugin_that_throws_or_fails_is_left_aside():
    with PluginFiles(BUILT) as files:
        files.add("quick")
        cases = {files.misbehaving(number, place, deed): (place, deed) for number, (place, deed) in enumerate(
            [("entry", "fail"), ("create", "fail"), ("start", "fail"), ("start", "throw")], 1)}
        thrower = files.misbehaving(50, "deliver", "throw")
        with Tocsin(TOCSIN, settings([files.folder], SHORT + QUICK_CHANNEL + OTHER_CHANNEL.format(plugin=thrower))) as host:
            host.start()
            deliver_one(host, 1)
            shown = plugins_of(host)
            for plugin, (place, deed) in cases.items():
                expect(shown[plugin]["state"] in ("failed", "refused"), f"{place} {deed}: {shown[plugin]}")
                said = "threw an exception in" if deed == "throw" else {"entry": "returned nothing"}.get(place, "built to fail")
                expect(said in shown[plugin]["reason"], f"{place} {deed}: {shown[plugin]}")
            host.publish({"id": "thrown", "source": "/bounded", "type": "other.event"})
            wait_until(lambda: [one for one in host.deliveries(event_id="thrown") if one["uncertain"]], 20,
                       "a delivery that was thrown away is uncertain")
            deliver_one(host, 2)
            ends_in_time(host)


def a_service_user_that_hangs_does_not_lose_its_provider():
    """The SMTP plugin's provider runs beside a plugin that hangs, and is stopped in order, since that one does not use it."""
    with PluginFiles(BUILT) as files:
        bad = files.misbehaving(1, "start", "hang")
        with Tocsin(TOCSIN, settings([files.folder], SHORT)) as host:
            host.start()
            ends_in_time(host)
            log = host.log_text()
            expect("plugin stopped plugin=secure-connection" in log, log)
            check_report(host, bad, "start")


if __name__ == "__main__":
    sys.exit(run_tests([
        a_plugin_that_hangs_while_it_starts_is_reported_and_the_others_run,
        a_plugin_that_hangs_before_it_starts_is_reported_with_the_call,
        a_worker_call_that_hangs_is_reported_and_the_others_run,
        a_call_about_an_endpoint_that_hangs_pauses_that_endpoint_only,
        a_plugin_that_hangs_at_the_end_holds_the_host_up_no_longer_than_its_limit,
        a_plugin_that_throws_or_fails_is_left_aside,
        a_service_user_that_hangs_does_not_lose_its_provider,
    ]))
