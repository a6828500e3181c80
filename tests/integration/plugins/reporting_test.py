"""What plugins say of themselves, through the real program: metrics, health, and what they find in their settings.

usage: reporting_test.py TOCSIN REPORTING_PLUGIN_FOLDER METRICS_PAGE"""

import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "support"))
import prometheus  # noqa: E402
from plugin_files import settings  # noqa: E402
from tocsin import Tocsin, expect, run_tests, wait_until  # noqa: E402

TOCSIN, FOLDER, PAGE = (pathlib.Path(path).resolve() for path in sys.argv[1:4])

SECTIONS = """
[channels.out]
plugin = "reporting"
[[routes]]
name = "all"
types = ["test.*"]
channels = ["out"]
to = ["somebody"]
"""


def host_with_plugin(sections=SECTIONS, files=None):
    return Tocsin(TOCSIN, settings([FOLDER], sections), files)


def scrape(host):
    connection = host.connection()
    try:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    expect(answer.status == 200, f"GET /metrics answered {answer.status}")
    expect(answer.getheader("Content-Type") == "text/plain; version=0.0.4; charset=utf-8", answer.getheaders())
    return prometheus.parse(body)


def publish(host, identity, kind="test.event"):
    host.publish({"id": identity, "source": "/reporting", "type": kind})


def deliver(host, identity):
    publish(host, identity)
    wait_until(lambda: [one for one in host.deliveries(event_id=identity) if one["state"] == "delivered"], 20, "the delivery")


def metrics_count_what_the_host_and_its_plugins_do():
    with host_with_plugin() as host:
        host.start()
        before = scrape(host)
        expect(before["tocsin_events_accepted_total"].value() == 0, "a counter does not begin at 0")
        deliver(host, "1")
        deliver(host, "2")
        publish(host, "2")
        publish(host, "3", "nobody.wants.it")
        now = scrape(host)

        def value(name, suffix="", **labels):
            return now[name].value(suffix, **labels)

        expect(value("tocsin_events_accepted_total") == 3, now["tocsin_events_accepted_total"].samples)
        expect(value("tocsin_events_duplicates_total") == 1, now["tocsin_events_duplicates_total"].samples)
        expect(value("tocsin_events_unrouted_total") == 1, now["tocsin_events_unrouted_total"].samples)
        expect(value("tocsin_deliveries", state="delivered") == 2, now["tocsin_deliveries"].samples)
        expect(value("tocsin_delivery_attempts_total", channel="out", code="OK") == 2,
               now["tocsin_delivery_attempts_total"].samples)
        expect(value("tocsin_events_routed_total") == 2, now["tocsin_events_routed_total"].samples)
        expect(value("tocsin_deliveries_ended_total", channel="out", state="delivered", code="OK") == 2,
               now["tocsin_deliveries_ended_total"].samples)
        for timed in ("tocsin_delivery_attempt_seconds", "tocsin_delivery_latency_seconds"):
            expect(value(timed, "_count", channel="out") == 2 and value(timed, "_sum", channel="out") < 60,
                   now[timed].samples)
        expect(value("tocsin_deliveries_in_flight") == 0, now["tocsin_deliveries_in_flight"].samples)
        commits = value("tocsin_store_commits_total")
        expect(commits >= 4 and value("tocsin_store_commit_seconds", "_count") == commits, f"{commits} commits")
        expect(value("tocsin_store_commit_calls", "_sum") >= commits, now["tocsin_store_commit_calls"].samples)
        expect(value("tocsin_http_requests_total", route="/v1/events", status="202") == 4,
               now["tocsin_http_requests_total"].samples)
        expect(value("tocsin_endpoints_paused") == 0, now["tocsin_endpoints_paused"].samples)
        expect(value("tocsin_plugin_active", plugin="reporting") == 1, now["tocsin_plugin_active"].samples)
        taken = now["tocsin_reporting_taken_total"]
        expect(taken.value(kind='a"b\\c d') == 2, taken.samples)
        expect(taken.kind == "counter" and taken.help == 'Messages that were taken. "So\\it" is.', vars(taken))
        sizes = now["tocsin_reporting_message_kibibytes"]
        expect(sizes.value("_bucket", le="0.5") == 0 and sizes.value("_bucket", le="1") == 2, sizes.samples)
        expect(sizes.value("_sum") == 1400 / 1024 and sizes.value("_count") == 2, sizes.samples)


def what_is_refused_and_what_is_nowhere_is_counted_without_the_callers_words():
    with host_with_plugin() as host:
        host.start()
        for number in range(3):
            host.request("GET", f"/v1/nowhere/{number}")
        host.request("GET", "/v1/queue", token="wrong")
        counted = scrape(host)["tocsin_http_requests_total"]
        expect(counted.value(route="none", status="404") == 3, counted.samples)
        expect(counted.value(route="/v1/queue", status="401") == 1, counted.samples)


def the_page_for_operators_lists_what_the_host_serves():
    rows = re.findall(r"^\| `(tocsin_\w+)` \| (\w+) \| ([^|]*)\|", PAGE.read_text(), re.MULTILINE)
    listed = {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    with host_with_plugin(SECTIONS + '[subscribers.seen]\nplugin = "reporting"\n') as host:
        host.start()
        deliver(host, "1")
        served = {name: (family.kind, {label for _, labels in family.samples for label, _ in labels} - {"le"})
                  for name, family in scrape(host).items() if not name.startswith("tocsin_reporting_")}
    listed.pop("tocsin_deliveries_taken_back_total")  # served once a plugin has forgotten a delivery; dispatcher_watch_test
    expect(listed == served, f"docs/metrics.md has {sorted(listed.items())}, the host serves {sorted(served.items())}")


def listed(host):
    """The plugin as `plugin list` shows it."""
    return next(one for one in host.run("plugin", "list", check=0, json_output=True) if one["id"] == "reporting")


def health_is_shown_everywhere_and_a_change_is_logged_once():
    with host_with_plugin(files={"health": "good\n"}) as host:
        host.environment["TOCSIN_TEST_HEALTH"] = str(host.folder / "health")
        expect(listed(host)["health"] is None, "a plugin that does not run has health")
        host.start()
        wait_until(lambda: listed(host)["health"] == {"state": "good", "text": ""}, 20, "it is good")
        expect("plugin health" not in host.log_text(), host.log_text())
        for written, state, text in (("degraded The list is old.", "degraded", "The list is old."),
                                     ("failing The card is out.", "failing", "The card is out."),
                                     ("unheard-of It hums.", "failing", "It hums."),
                                     ("good", "good", "")):
            host.write("health", written + "\n")
            shown = {"state": state, "text": text}
            wait_until(lambda: listed(host)["health"] == shown, 20, f"the plugin is shown as {shown}")
            status, answer = host.request("GET", "/v1/plugins")
            one = next(one for one in answer["plugins"] if one["id"] == "reporting")
            expect(status == 200 and one["health"] == shown and one["state"] == "active", one)
            value = scrape(host)["tocsin_plugin_health"].value(plugin="reporting")
            expect(value == ("good", "degraded", "failing").index(state), value)
            expect(host.request("GET", "/readyz")[0] == 200, "a plugin's own word took the host out of service")
            table = host.run("plugin", "list", check=0).stdout
            expect(state == "good" or (f"active, {state}" in table and text in table), table)
        lines = [line for line in host.log_text().splitlines() if "plugin health" in line]
        expect(len(lines) == 4 and "health=degraded" in lines[0] and "The card is out." in lines[1], lines)


def a_plugin_that_hangs_when_asked_for_its_health_is_left_aside():
    with host_with_plugin("[plugins]\ncall_limit = \"400ms\"\n" + SECTIONS, {"health": "hang\n"}) as host:
        host.environment["TOCSIN_TEST_HEALTH"] = str(host.folder / "health")
        host.start(ready=False)
        wait_until(lambda: "plugin hangs" in host.log_text(), 20, "the report")
        wait_until(lambda: listed(host)["state"] == "failed", 20, "it is shown as failed")
        shown = listed(host)
        expect("health.check() within 400 ms" in shown["reason"] and shown["health"] is None, shown)
        status, seconds = host.terminate()
        expect(status == 0 and seconds < 10, f"SIGTERM: status {status} after {seconds:.1f} s")


WRONG = """
[sources.in]
plugin = "reporting"
from = 9
until = 9
[subscribers.copy]
plugin = "reporting"
from = 8
until = 9
[channels.out]
plugin = "reporting"
[[routes]]
name = "all"
types = ["test.*"]
channels = ["out"]
to = ["somebody"]
[organizations.acme.channels.out]
plugin = "reporting"
from = 20
until = 3
"""


def lines_of(host, key):
    """The line in the settings file where the table's key stands."""
    table, name = key.rsplit(".", 1)
    found = False
    for number, line in enumerate(host.config.read_text().splitlines(), 1):
        if line.startswith("["):
            found = line == f"[{table}]"
        elif found and line.startswith(name + " "):
            return number
    raise AssertionError(key)


def config_check_asks_the_plugins_about_every_table():
    with host_with_plugin(WRONG) as host:
        said = host.run("config", "check", check=3, json_output=True)
        errors = {one["key"]: one for one in said["errors"]}
        expect(set(errors) == {"sources.in.from", "channels.out.from"}, errors)
        expect(errors["sources.in.from"]["line"] == lines_of(host, "sources.in.from"), errors)
        expect(errors["channels.out.from"]["line"] == lines_of(host, "organizations.acme.channels.out.from"), errors)
        expect("nothing is ever taken" in errors["sources.in.from"]["what"], errors)
        warnings = [one for one in said["warnings"] if one["key"] == "subscribers.copy.until"]
        expect(len(warnings) == 1 and warnings[0]["line"] == lines_of(host, "subscribers.copy.until"), said)


def what_a_plugin_finds_closes_that_source_and_pauses_that_endpoint_alone():
    with host_with_plugin(WRONG) as host:
        host.start()
        log = host.log_text()
        place = f"tocsin.toml:{lines_of(host, 'sources.in.from')}:"
        refused = [line for line in log.splitlines() if "source cannot run" in line]
        expect(len(refused) == 1 and place in refused[0] and "sources.in.from" in refused[0], refused)
        expect("subscribers.copy.until: One hour is short." in log, log)
        expect("channel cannot work" in log and "organization=acme" in log, log)
        deliver(host, "1")
        host.publish({"id": "2", "source": "/reporting", "type": "test.event", "organization": "acme"})
        waits = wait_until(lambda: [one for one in host.deliveries(event_id="2") if one["state"] == "deferred"], 20,
                           "the organization's delivery waits")
        expect(waits[0]["code"] == "SETTINGS_INVALID", waits)
        host.write("tocsin.toml", host.config.read_text().replace("until = 3", "until = 21").replace("until = 9", "until = 12"))
        host.reload()
        wait_until(lambda: host.deliveries(event_id="2")[0]["state"] == "delivered", 30, "it goes out once the setting is mended")
        expect(host.log_text().count("source cannot run") == 1, host.log_text())


def a_plugin_that_hangs_over_its_settings_costs_itself_alone():
    with host_with_plugin("[plugins]\ncall_limit = \"400ms\"\n[sources.in]\nplugin = \"reporting\"\nmood = \"hang\"\n") as host:
        host.start(ready=False)
        wait_until(lambda: "source cannot run" in host.log_text(), 20, "the source is closed")
        expect("call=config.check" in host.log_text() and "about=\"source in\"" in host.log_text(), host.log_text())
        status, seconds = host.terminate()
        expect(status == 0 and seconds < 10, f"SIGTERM: status {status} after {seconds:.1f} s")


OLD = """
[channels.out]
plugin = "reporting"
begin = 7
end = 20
[sources.in]
plugin = "reporting"
end = 5
[[routes]]
name = "all"
types = ["test.*"]
channels = ["out"]
to = ["somebody"]
"""


def settings_of_an_older_version_work_and_say_what_to_write():
    with host_with_plugin(OLD) as host:
        before = host.config.read_text()
        said = host.run("config", "check", check=0, json_output=True)
        warned = {one["key"]: one for one in said["warnings"]}
        for key, text in (("channels.out.begin", '"begin" became "from".'), ("channels.out.end", '"end" became "until".'),
                          ("sources.in.end", '"end" became "until".')):
            expect(warned[key]["what"] == text and warned[key]["line"] == lines_of(host, key), warned)
        shown = host.run("config", "show", check=0, json_output=True)
        expect(shown["channels"]["out"]["from"] == 7 and shown["channels"]["out"]["until"] == 20, shown)
        expect(shown["sources"]["in"]["until"] == 5, shown)
        host.start()
        expect("channels.out.begin: \\\"begin\\\" became" in host.log_text() or 'channels.out.begin: "begin" became' in host.log_text(),
               host.log_text())
        deliver(host, "1")
        host.write("tocsin.toml", before.replace("begin = 7", "begin = 21"))
        host.reload()
        wait_until(lambda: "channel cannot work" in host.log_text(), 20, "the reload brings the table up to date, and asks about it")
        expect(host.config.read_text() == before.replace("begin = 7", "begin = 21"), "the file was changed")
        expect(listed(host)["state"] == "active", listed(host))


def settings_that_were_never_right_are_refused_as_ever():
    with host_with_plugin(OLD.replace("begin = 7", "begun = 7").replace("end = 20", "until = 20")) as host:
        said = host.run("config", "check", check=3, json_output=True)
        expect([one["key"] for one in said["errors"]] == ["channels.out.begun"], said)
        expect(listed(host)["state"] != "refused", listed(host))


if __name__ == "__main__":
    sys.exit(run_tests([
        metrics_count_what_the_host_and_its_plugins_do,
        what_is_refused_and_what_is_nowhere_is_counted_without_the_callers_words,
        the_page_for_operators_lists_what_the_host_serves,
        health_is_shown_everywhere_and_a_change_is_logged_once,
        a_plugin_that_hangs_when_asked_for_its_health_is_left_aside,
        config_check_asks_the_plugins_about_every_table,
        what_a_plugin_finds_closes_that_source_and_pauses_that_endpoint_alone,
        a_plugin_that_hangs_over_its_settings_costs_itself_alone,
        settings_of_an_older_version_work_and_say_what_to_write,
        settings_that_were_never_right_are_refused_as_ever,
    ]))
