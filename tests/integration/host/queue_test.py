"""What an operator does with the queue: look, retry, drop, replay, trace, wait, watch, check and back up.

usage: queue_test.py TOCSIN TOCSIN_INBOX"""

import json
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "support"))
from inbox import Inbox  # noqa: E402
from tocsin import Tocsin, expect, run_tests, wait_until  # noqa: E402

TOCSIN, INBOX = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:3])

SETTINGS = """
[host]
state_dir = "state"
[http]
listen = "127.0.0.1:0"
[channels.email]
plugin = "smtp"
host = "localhost"
port = {port}
username = "tocsin"
password = "file:password"
from_address = "noreply@example.org"
  [channels.email.tls]
  ca_file = "{ca}"
[[routes]]
name = "faults"
types = ["tocsin.job.*"]
severity = "warn"
channels = ["email"]
to = ["ops@example.org"]
"""

FAULT = ["--type", "tocsin.job.faulted", "--severity", "error"]


def inbox_with_account():
    return Inbox(INBOX, "--account", "tocsin:right-password", "--auth-required")


def host_for(inbox, password="right-password\n"):
    return Tocsin(TOCSIN, SETTINGS.format(port=inbox.port, ca=inbox.ca_file), {"password": password})


def state_of(host, delivery):
    return host.run("queue", "show", delivery, json_output=True)["state"]


def paused_host(inbox):
    """A host whose password is wrong, and the delivery that waits for that."""
    host = host_for(inbox, "wrong-password\n").start()
    event = host.run("publish", *FAULT, json_output=True)["events"][0]["id"]
    delivery = wait_until(lambda: [each for each in host.deliveries() if each["paused"]], 30, "the endpoint is paused")[0]
    return host, event, delivery["id"]


def a_list_tells_of_the_pause_and_when_it_is_probed():
    with inbox_with_account() as inbox:
        host, _, delivery = paused_host(inbox)
        with host:
            said = host.run("queue", "list", check=0).stdout
            expect("DELIVERY" in said and delivery in said and "paused, probe in 4 min" in said, said)
            expect("paused: email" in said and "AUTH_REJECTED" in said, said)
            shown = host.run("queue", "show", delivery, check=0).stdout
            expect("paused, probe in 4 min" in shown, shown)


def a_retry_ends_the_pause_and_delivers():
    with inbox_with_account() as inbox:
        host, _, delivery = paused_host(inbox)
        with host:
            again = host.run("queue", "retry", delivery, check=0).stdout
            expect(delivery in again, again)
            wait_until(lambda: host.deliveries()[0]["attempts"] == 2 and host.deliveries()[0]["paused"], 30,
                       "it was tried with the wrong password, and paused again")
            host.write("password", "right-password\n")
            host.reload()
            wait_until(lambda: state_of(host, delivery) == "delivered", 30, "it is delivered")
            host.run("queue", "retry", delivery, check=1)


def what_waits_is_dropped_and_replayed_by_filter():
    with inbox_with_account() as inbox:
        host, _, delivery = paused_host(inbox)
        with host:
            host.run("queue", "drop", check=2)
            made = host.run("queue", "drop", "--recipient", "ops@example.org", json_output=True)
            expect(made == {"matched": 1, "changed": 1, "refused": {}}, made)
            expect(state_of(host, delivery) == "dropped", "it is dropped")
            refused = host.run("queue", "retry", delivery, check=1)
            expect("dropped" in refused.stderr and "Replay" in refused.stderr, refused)
            said = host.run("queue", "replay", "--state", "dropped", check=0).stdout
            expect("1 of 1" in said, said)
            wait_until(lambda: state_of(host, delivery) == "deferred", 30, "it was tried anew")
            history = [line["code"] for line in host.run("queue", "show", delivery, json_output=True)["history"]]
            expect(history[:3] == ["AUTH_REJECTED", "DROPPED", "REPLAYED"], history)


def an_events_identifier_is_not_taken_for_a_deliverys():
    with inbox_with_account() as inbox, host_for(inbox) as host:
        host.start()
        done = host.run("publish", *FAULT, check=0).stdout
        expect("accepted event " in done, done)
        event = done.split()[2]
        inbox.wait_for(1)
        shown = host.run("queue", "show", event, check=0).stdout
        expect("is an event and not a delivery" in shown and "ops@example.org" in shown, shown)
        refused = host.run("queue", "drop", event, check=1)
        expect("is an event and not a delivery" in refused.stderr, refused)


def trace_tells_why_somebody_got_it_or_did_not():
    with inbox_with_account() as inbox, host_for(inbox) as host:
        host.start()
        published = host.run("publish", *FAULT, "--id", "7", json_output=True)["events"][0]["id"]
        host.run("publish", *FAULT, "--id", "7", check=0)
        inbox.wait_for(1)
        wait_until(lambda: host.queue()["delivered"] == 1, 30, "it is delivered")
        told = host.run("trace", published, json_output=True)
        expect(told["routed"] and told["event"]["id"] == "7" and told["event"]["duplicates"] == 1, told)
        expect(told["routes"][0]["route"] == "faults" and told["routes"][0]["deliveries"] == [told["deliveries"][0]["id"]], told)
        expect(told["deliveries"][0]["history"][0]["code"] == "OK", told)
        said = host.run("trace", "7", check=0).stdout
        expect("delivered to ops@example.org over email" in said.replace("\x1b", "") and "came again 1 times" in said, said)
        quiet = host.run("publish", "--type", "tocsin.job.faulted", "--severity", "info", json_output=True)["events"][0]["id"]
        said = host.run("trace", quiet, check=0).stdout
        expect("unrouted" in said and "faults" in said and "warn and above" in said, said)
        host.run("trace", "nothing", check=1)


def publish_waits_for_the_outcome():
    with inbox_with_account() as inbox, host_for(inbox) as host:
        host.start()
        done = host.run("publish", *FAULT, "--wait", check=0).stdout
        expect("delivered" in done, done)
        told = host.run("publish", *FAULT, "--wait", json_output=True)
        expect(told["outcome"] == "done" and told["deliveries"][0]["state"] == "delivered", told)
        host.write("password", "wrong-password\n")
        host.reload()
        wait_until(lambda: "reload" in host.log_text() or "settings" in host.log_text(), 30, "the settings are read again")
        told = wait_until(lambda: [one for one in [host.run("publish", *FAULT, "--wait", json_output=True)]
                                   if one["outcome"] == "failed"], 30, "the wrong password is in force")
        expect(told[0]["deliveries"][0]["code"] == "AUTH_REJECTED", told)
        expect(host.run("publish", *FAULT, "--wait").returncode == 1, "exit status 1")
        host.run("publish", *FAULT, "--wait", "--timeout", "soon", check=2)


def watch_prints_lines_until_it_is_interrupted():
    with inbox_with_account() as inbox:
        host, _, _ = paused_host(inbox)
        with host:
            watching = subprocess.Popen([TOCSIN, "queue", "watch", "--json", "--interval", "0.1", "--config", str(host.config)],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            lines = [json.loads(watching.stdout.readline()) for _ in range(2)]
            watching.send_signal(signal.SIGINT)
            watching.communicate(timeout=30)
            expect(watching.returncode == 0, f"Ctrl-C ends it with 0, not {watching.returncode}")
            endpoint = lines[0]["endpoints"][0]
            expect(endpoint["channel"] == "email" and endpoint["paused"]["code"] == "AUTH_REJECTED" and endpoint["waiting"] == 1, lines[0])
            expect(lines[0]["counts"]["deferred"] == 1 and lines[0]["failures"][0]["state"] == "deferred", lines[0])
            expect(lines[1]["delivered_per_second"] == 0, lines[1])
            text = subprocess.Popen([TOCSIN, "queue", "watch", "--config", str(host.config)], stdout=subprocess.PIPE, text=True)
            line = text.stdout.readline()
            text.send_signal(signal.SIGINT)
            text.communicate(timeout=30)
            expect("deferred 1" in line and "paused: email" in line and "\x1b" not in line, line)


def a_store_is_checked_with_and_without_a_host():
    with inbox_with_account() as inbox, host_for(inbox) as host:
        host.start()
        host.run("publish", *FAULT, "--wait", check=0)
        found = host.run("queue", "check", json_output=True)
        expect(found["ok"] and found["events"] == 1 and found["problems"] == [], found)
        host.terminate()
        expect(host.run("queue", "check", check=0).stdout.startswith("ok:"), "the stopped host's store is checked, too")


def a_backup_is_whole_and_a_host_starts_on_it():
    with inbox_with_account() as inbox, host_for(inbox) as host:
        host.start()
        host.run("publish", *FAULT, "--id", "7", "--wait", check=0)
        backup = host.folder / "backup.db"
        made = host.run("queue", "backup", str(backup), json_output=True)
        expect(made["deliveries"] == 1 and pathlib.Path(made["file"]) == backup, made)
        expect(stat.S_IMODE(os.stat(backup).st_mode) == 0o600, "nobody else reads it")
        expect("exists already" in host.run("queue", "backup", str(backup), check=1).stderr, "nothing is overwritten")
        host.terminate()
        shutil.rmtree(host.folder / "state")
        (host.folder / "state").mkdir(mode=0o700)
        shutil.move(backup, host.folder / "state" / "tocsin.db")
        host.start()
        expect(host.queue()["delivered"] == 1, "what was delivered is known")
        expect(host.run("publish", *FAULT, "--id", "7", json_output=True)["duplicates"] == 1, "so are duplicates")


sys.exit(run_tests([
    a_list_tells_of_the_pause_and_when_it_is_probed,
    a_retry_ends_the_pause_and_delivers,
    what_waits_is_dropped_and_replayed_by_filter,
    an_events_identifier_is_not_taken_for_a_deliverys,
    trace_tells_why_somebody_got_it_or_did_not,
    publish_waits_for_the_outcome,
    watch_prints_lines_until_it_is_interrupted,
    a_store_is_checked_with_and_without_a_host,
    a_backup_is_whole_and_a_host_starts_on_it,
]))
