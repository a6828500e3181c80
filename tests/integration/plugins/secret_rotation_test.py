"""A secret that changes in its store while events come: what uses it is opened anew, what does not stays as it is, and no
event is lost by it.

usage: secret_rotation_test.py TOCSIN JSON_SECRETS_PLUGIN ROTATION_PLUGIN"""

import json
import os
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "support"))
from tocsin import Tocsin, expect, run_tests, wait_until  # noqa: E402

TOCSIN, STORE, ROTATION = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:4])

SETTINGS = """[host]
state_dir = "state"
plugin_dirs = ["plugins"]
[http]
listen = "127.0.0.1:0"
[secrets.vault]
plugin = "json-secrets"
path = "vault.json"
"""
USES_THE_SECRET = '[subscribers.uses]\nplugin = "rotation"\npath = "uses.txt"\ntoken = "vault:token"\n'
USES_IT_ALONE = USES_THE_SECRET.replace("uses", "alone") + "alone = true\n"
USES_NONE = '[subscribers.plain]\nplugin = "rotation"\npath = "plain.txt"\n'
GATE = 'gate = "gate"\n'
PATIENT = '[plugins]\ncall_limit = "1m"\n'
REFUSED = '[sources.refused]\nplugin = "rotation"\nrefused = true\n[subscribers.refused]\nplugin = "rotation"\nrefused = true\n'
SOURCE = '[sources.uses]\nplugin = "rotation"\ntoken = "vault:token"\n'


class Rotating(Tocsin):
    """A host whose store's secret runs out each second, so that it is asked for again and again."""

    def __init__(self, tables):
        super().__init__(TOCSIN, SETTINGS + tables)
        folder = self.folder / "plugins"
        folder.mkdir(mode=0o755)
        for file, name in ((STORE, "json-secrets.so"), (ROTATION, "rotation.so")):
            shutil.copy(file, folder / name)
            os.chmod(folder / name, 0o755)
        self.keep(1)

    def keep(self, size, **more):
        """The secret has so many letters from now on."""
        self.write("vault.json", json.dumps({"token": {"value": "a" * size, "valid_ms": 1000, **more}}))

    def opened(self, what):
        return [line for line in self.log_text().splitlines() if f"opens {what}" in line]

    def noted(self, name):
        path = self.folder / f"{name}.txt"
        return path.read_text().splitlines() if path.exists() else []

    def stays_in_a_call(self, name):
        """Publishes an event that the subscriber, whose settings have the gate, stays in the call for, and has the secret
        change until the host goes on without the call."""
        os.mkfifo(self.folder / "gate")
        self.start()
        self.publish({"id": "slow", "source": "/rotation", "type": "test.event"})
        wait_until(lambda: f"waits in subscriber {name}" in self.log_text(), 20, "the subscriber is in the call")
        self.keep(2)
        wait_until(lambda: "subscriber is still in a call" in self.log_text(), 20, "the host goes on")

    def open_gate(self):
        with open(self.folder / "gate", "w"):  # waits until the plugin is at it
            (self.folder / "gate").unlink()

    def lost(self):
        connection = self.connection()
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        return {line.split('subscriber="')[1].split('"')[0]: float(line.rsplit(" ", 1)[1])
                for line in text.splitlines() if line.startswith("tocsin_subscriber_events_lost_total{")}


def rotate_under_load(host, name, rotations=3):
    """Publishes all the while; the ids of what was published."""
    ids = []
    connection = host.connection()

    def one_more():
        ids.append(str(len(ids)))
        host.publish({"id": ids[-1], "source": "/rotation", "type": "test.event"}, connection=connection)

    for size in range(2, 2 + rotations):
        host.keep(size)

        def is_open_anew():
            one_more()
            return host.opened(f"subscriber {name} with a token of {size}")
        wait_until(is_open_anew, 20, f"it is opened with the secret number {size}")
    for _ in range(20):
        one_more()
    connection.close()
    return ids


def a_subscriber_that_uses_the_secret_loses_nothing_while_it_changes():
    with Rotating(USES_THE_SECRET + USES_NONE) as host:
        host.start()
        ids = rotate_under_load(host, "uses")
        for name in ("uses", "plain"):
            wait_until(lambda: ids[-1] in host.noted(name), 20, f"the last event reaches {name}")
            expect(host.noted(name) == ids, f"{name} of {len(ids)}: {host.noted(name)}")
        expect(len(host.opened("subscriber plain")) == 1, "what does not use the secret is not touched")
        expect(host.lost() == {"plain": 0, "uses": 0}, str(host.lost()))
        log = host.log_text()
        anew, closed = log.rindex("opens subscriber uses"), log.rindex("closed subscriber uses")
        expect(anew < closed, "the new one is opened before the old one is closed")


def a_subscriber_of_which_there_can_be_only_one_loses_nothing_either():
    with Rotating(USES_IT_ALONE) as host:
        host.start()
        ids = rotate_under_load(host, "alone")
        wait_until(lambda: ids[-1] in host.noted("alone"), 20, "the last event arrives")
        expect(host.noted("alone") == ids, f"of {len(ids)}: {host.noted('alone')}")
        expect("subscriber cannot run" not in host.log_text(), "it runs")


def a_subscriber_whose_secret_runs_out_gets_later_what_came_meanwhile():
    with Rotating(USES_THE_SECRET) as host:
        host.start()
        host.publish({"id": "before", "source": "/rotation", "type": "test.event"})
        host.write("vault.json", json.dumps({"token": {"unavailable": "the vault is sealed"}}))
        wait_until(lambda: "closed subscriber uses" in host.log_text(), 20, "the secret runs out")
        expect("subscriber cannot run" in host.log_text(), "and it is said")
        host.publish({"id": "meanwhile", "source": "/rotation", "type": "test.event"})
        host.keep(2)
        host.reload()
        wait_until(lambda: host.opened("subscriber uses with a token of 2"), 20, "it is opened anew")
        host.publish({"id": "after", "source": "/rotation", "type": "test.event"})
        wait_until(lambda: "after" in host.noted("uses"), 20, "the last event arrives")
        expect(host.noted("uses") == ["before", "meanwhile", "after"], str(host.noted("uses")))
        expect(host.lost() == {"uses": 0}, str(host.lost()))


def a_subscriber_that_is_in_a_slow_call_when_it_is_replaced_is_closed_when_it_comes_back():
    with Rotating(PATIENT + USES_THE_SECRET + GATE) as host:
        host.stays_in_a_call("uses")
        expect(len(host.opened("subscriber uses with a token of 2")) == 1, "the next one is open")
        expect("closed subscriber uses" not in host.log_text(), "none is closed within its call")
        host.open_gate()
        wait_until(lambda: "closed subscriber uses" in host.log_text(), 20, "the one before it is closed")
        host.publish({"id": "after", "source": "/rotation", "type": "test.event"})
        wait_until(lambda: "after" in host.noted("uses"), 20, "the next one goes on")
        expect(host.noted("uses") == ["slow", "after"], str(host.noted("uses")))
        expect(host.lost() == {"uses": 0}, str(host.lost()))


def where_there_can_be_only_one_the_next_is_opened_then():
    with Rotating(PATIENT + USES_IT_ALONE + GATE) as host:
        host.stays_in_a_call("alone")
        host.publish({"id": "meanwhile", "source": "/rotation", "type": "test.event"})
        host.open_gate()
        wait_until(lambda: "meanwhile" in host.noted("alone"), 20, "the next one gets what came meanwhile")
        expect(host.noted("alone") == ["slow", "meanwhile"], str(host.noted("alone")))
        expect(host.lost() == {"alone": 0}, str(host.lost()))
        log = host.log_text()
        expect(log.rindex("closed subscriber alone") < log.rindex("opens subscriber alone"), "one after the other")
        expect("subscriber cannot run" not in log, "it runs")


def a_subscriber_taken_out_of_the_settings_within_a_call_is_closed_when_it_comes_back():
    with Rotating(PATIENT + USES_NONE + GATE) as host:
        os.mkfifo(host.folder / "gate")
        host.start()
        host.publish({"id": "slow", "source": "/rotation", "type": "test.event"})
        wait_until(lambda: "waits in subscriber plain" in host.log_text(), 20, "the subscriber is in the call")
        host.write("tocsin.toml", SETTINGS + PATIENT)
        host.reload()
        wait_until(lambda: "subscriber is still in a call" in host.log_text(), 20, "the host goes on")
        host.open_gate()
        wait_until(lambda: "closed subscriber plain" in host.log_text(), 20, "it is closed")
        expect(host.noted("plain") == ["slow"], str(host.noted("plain")))


def a_subscriber_that_cannot_be_opened_at_the_start_gets_later_what_came_meanwhile():
    with Rotating(USES_THE_SECRET + 'types = ["test.*"]\n') as host:
        host.write("vault.json", json.dumps({"token": {"unavailable": "the vault is sealed"}}))
        host.start()
        expect("subscriber cannot run" in host.log_text(), "the start says so")
        expect(host.lost() == {"uses": 0}, str(host.lost()))
        for name, kind in (("meanwhile", "test.event"), ("unwanted", "other.event")):
            host.publish({"id": name, "source": "/rotation", "type": kind})
        host.keep(1)
        host.reload()
        wait_until(lambda: host.opened("subscriber uses"), 20, "the store answers, and it is opened")
        host.publish({"id": "after", "source": "/rotation", "type": "test.event"})
        wait_until(lambda: "after" in host.noted("uses"), 20, "the last event arrives")
        expect(host.noted("uses") == ["meanwhile", "after"], str(host.noted("uses")))
        expect(host.lost() == {"uses": 0}, str(host.lost()))


def what_a_plugin_publishes_when_it_starts_reaches_subscribers():
    with Rotating(USES_NONE) as host:
        host.environment["ROTATION_PUBLISHES"] = "first"
        host.start()
        host.publish({"id": "after", "source": "/rotation", "type": "test.event"})
        wait_until(lambda: "after" in host.noted("plain"), 20, "the last event arrives")
        expect(host.noted("plain") == ["first", "after"], str(host.noted("plain")))


def what_waits_is_chosen_by_the_settings_that_are_refused():
    with Rotating(USES_NONE + 'types = ["first.*"]\n') as host:
        host.start()
        host.write("tocsin.toml", SETTINGS + USES_NONE + 'types = ["second.*"]\nrefused = true\n')
        host.reload()
        wait_until(lambda: "settings reloaded" in host.log_text(), 20, "the settings are in force")
        expect("subscriber cannot run" in host.log_text(), "and refused")
        for kind in ("first", "second"):
            host.publish({"id": kind, "source": "/rotation", "type": f"{kind}.event"})
        host.write("tocsin.toml", SETTINGS + USES_NONE)
        host.reload()
        wait_until(lambda: host.noted("plain"), 20, "what waited arrives")
        expect(host.noted("plain") == ["second"], str(host.noted("plain")))


def what_was_refused_is_left_alone_until_its_settings_change_or_a_reload():
    with Rotating(REFUSED + SOURCE) as host:
        host.start()
        for size in (2, 3):
            host.keep(size)
            wait_until(lambda: host.opened(f"source uses with a token of {size}"), 20, "the source is opened anew")
        for what in ("source refused", "subscriber refused"):
            expect(len(host.opened(what)) == 1, f"{what}: {host.opened(what)}")
        host.reload()
        for what in ("source refused", "subscriber refused"):
            wait_until(lambda: len(host.opened(what)) == 2, 20, f"a reload tries {what} again")


def the_end_of_the_host_ends_the_wait_for_a_store_that_is_silent():
    with Rotating(USES_THE_SECRET) as host:
        host.write("vault.json", json.dumps({"token": {"value": "lasts until it is asked for again"}}))
        host.start()
        host.write("vault.json", json.dumps({"token": {"silent": True}}))
        host.reload()
        wait_until(lambda: "asked and silent" in host.log_text(), 20, "the store is asked")
        status, seconds = host.terminate()
        log = host.log_text()
        expect(status == 0, f"status {status} after {seconds:.1f} s")
        expect("settings not reloaded, since the host is to stop" in log, "the reload is left")
        expect("stopped" in log and "did not stop in time" not in log, "it stopped by itself")


def it_ends_that_of_a_start_too():
    with Rotating(USES_THE_SECRET) as host:
        host.write("vault.json", json.dumps({"token": {"silent": True}}))
        host.start(ready=False)
        wait_until(lambda: "asked and silent" in host.log_text(), 20, "the store is asked")
        status, seconds = host.terminate()
        log = host.log_text()
        expect(status == 0, f"status {status} after {seconds:.1f} s")
        expect("did not answer within 10 s" not in log, "it waits no longer")
        expect("stopped" in log and "did not stop in time" not in log, "it stopped by itself")


sys.exit(run_tests([a_subscriber_that_uses_the_secret_loses_nothing_while_it_changes,
                    a_subscriber_of_which_there_can_be_only_one_loses_nothing_either,
                    a_subscriber_whose_secret_runs_out_gets_later_what_came_meanwhile,
                    a_subscriber_that_is_in_a_slow_call_when_it_is_replaced_is_closed_when_it_comes_back,
                    where_there_can_be_only_one_the_next_is_opened_then,
                    a_subscriber_taken_out_of_the_settings_within_a_call_is_closed_when_it_comes_back,
                    a_subscriber_that_cannot_be_opened_at_the_start_gets_later_what_came_meanwhile,
                    what_a_plugin_publishes_when_it_starts_reaches_subscribers,
                    what_waits_is_chosen_by_the_settings_that_are_refused,
                    what_was_refused_is_left_alone_until_its_settings_change_or_a_reload,
                    the_end_of_the_host_ends_the_wait_for_a_store_that_is_silent,
                    it_ends_that_of_a_start_too]))
