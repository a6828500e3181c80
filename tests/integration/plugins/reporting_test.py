"""What plugins say of themselves, through the real program: metrics.

usage: reporting_test.py TOCSIN REPORTING_PLUGIN_FOLDER METRICS_PAGE"""

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
        expect(value("tocsin_endpoints_paused") == 0, now["tocsin_endpoints_paused"].samples)
        expect(value("tocsin_plugin_active", plugin="reporting") == 1, now["tocsin_plugin_active"].samples)
        taken = now["tocsin_reporting_taken_total"]
        expect(taken.value(kind='a"b\\c d') == 2, taken.samples)
        expect(taken.kind == "counter" and taken.help == 'Messages that were taken. "So\\it" is.', vars(taken))
        sizes = now["tocsin_reporting_message_kibibytes"]
        expect(sizes.value("_bucket", le="0.5") == 0 and sizes.value("_bucket", le="1") == 2, sizes.samples)
        expect(sizes.value("_sum") == 1400 / 1024 and sizes.value("_count") == 2, sizes.samples)


def the_page_for_operators_lists_what_the_host_serves():
    rows = re.findall(r"^\| `(tocsin_\w+)` \| (\w+) \| ([^|]*)\|", PAGE.read_text(), re.MULTILINE)
    listed = {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    with host_with_plugin() as host:
        host.start()
        deliver(host, "1")
        served = {name: (family.kind, {label for _, labels in family.samples for label, _ in labels})
                  for name, family in scrape(host).items() if not name.startswith("tocsin_reporting_")}
    expect(listed == served, f"docs/metrics.md has {sorted(listed.items())}, the host serves {sorted(served.items())}")


if __name__ == "__main__":
    sys.exit(run_tests([
        metrics_count_what_the_host_and_its_plugins_do,
        the_page_for_operators_lists_what_the_host_serves,
    ]))
