"""A delivery that ends the host whenever its channel is given it: the host finds it, and goes on without it.

usage: poison_test.py TOCSIN HOSTILE_PLUGINS"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "support"))
from plugin_files import PluginFiles  # noqa: E402
from tocsin import Tocsin, expect, run_tests, wait_until  # noqa: E402

TOCSIN, BUILT = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:3])

SETTINGS = """
[host]
state_dir = "state"
plugin_dirs = ["{folder}"]
[http]
listen = "127.0.0.1:0"
[channels.poisoned]
plugin = "{poison}"
[channels.good]
plugin = "quick"
[[routes]]
name = "poison"
types = ["test.poison"]
channels = {channels}
to = ["ops@example.org"]
[[routes]]
name = "good"
types = ["test.good"]
channels = ["good"]
to = ["ops@example.org"]
"""


def poisoned_house(files, channels, deed):
    poison = files.misbehaving(1, "deliver", deed)
    files.add("quick")
    return Tocsin(TOCSIN, SETTINGS.format(folder=files.folder, poison=poison, channels=channels))


def publish(host, number, kind):
    host.publish({"id": str(number), "source": "/poison", "type": f"test.{kind}"})


def the_only(host, **filters):
    found = host.deliveries(**filters)
    return found[0] if found else {}


def run_until_it_ends(host):
    host.start(ready=False)
    host.process.wait(timeout=60)


def ends_the_host_three_times(host):
    host.start()
    publish(host, 1, "poison")
    host.process.wait(timeout=60)
    for _ in range(2):
        run_until_it_ends(host)


def a_delivery_that_crashes_the_host_is_dead_after_three_times_and_the_rest_goes_on():
    with PluginFiles(BUILT) as files, poisoned_house(files, '["poisoned"]', "fault") as host:
        ends_the_host_three_times(host)
        host.start()
        wait_until(lambda: the_only(host, event_id="1").get("state") == "dead", 30, "the poison is dead")
        poison = the_only(host, event_id="1")
        expect(poison["code"] == "PLUGIN_CRASHED" and poison["uncertain"], f"it says why: {poison}")
        expect("3 times in a row" in poison["detail"], f"in words: {poison['detail']}")
        publish(host, 2, "good")
        wait_until(lambda: the_only(host, event_id="2").get("state") == "delivered", 30, "others are delivered")


def a_delivery_whose_channel_calls_exit_goes_on_to_the_next_channel():
    with PluginFiles(BUILT) as files, poisoned_house(files, '["poisoned", "good"]', "exit") as host:
        ends_the_host_three_times(host)
        host.start()
        wait_until(lambda: the_only(host, event_id="1", state="delivered"), 30, "the next channel delivers it")
        first = [one for one in host.deliveries(event_id="1") if one["channel"] == "poisoned"][0]
        expect(first["state"] == "superseded" and first["code"] == "PLUGIN_CRASHED", f"the first one says why: {first}")


if __name__ == "__main__":
    sys.exit(run_tests([
        a_delivery_that_crashes_the_host_is_dead_after_three_times_and_the_rest_goes_on,
        a_delivery_whose_channel_calls_exit_goes_on_to_the_next_channel,
    ]))
