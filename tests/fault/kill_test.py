"""kill -9 while events are being published: what was acknowledged arrives after the restart; a second copy only where the
delivery is marked uncertain, byte for byte the same.

usage: kill_test.py TOCSIN TOCSIN_INBOX [ROUNDS]"""

import collections
import http.client
import itertools
import pathlib
import random
import re
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from inbox import Inbox  # noqa: E402
from tocsin import Tocsin, expect, run_tests, wait_until  # noqa: E402

TOCSIN, INBOX = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:3])
ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else 3
KILLED_AFTER = (100, 800)  # events that are acknowledged; publishing goes on until the kill
PUBLISHERS = 4

SETTINGS = """
[host]
state_dir = "state"
[http]
listen = "127.0.0.1:0"
[channels.email]
plugin = "smtp"
host = "localhost"
port = {port}
secure_connection = "starttls"
username = "tocsin"
password = "file:password"
from_address = "noreply@example.org"
  [channels.email.tls]
  ca_file = "{ca}"
  [channels.email.retry]
  first = "200ms"
  max = "1s"
[[routes]]
name = "all"
types = ["test.*"]
channels = ["email"]
to = ["ops@example.org"]
"""


def publish_until_killed(host, numbers, acknowledged, lock):
    """Publishes number after number over one connection; notes what was acknowledged; ends when the host is gone."""
    connection = host.connection()
    try:
        for number in numbers:
            host.publish({"id": f"event-{number}", "source": "/kill-test", "type": "test.kill", "data": {"number": number}},
                         connection=connection)
            with lock:
                acknowledged.add(number)
    except (OSError, http.client.HTTPException):
        pass  # killed, which is the point


def run_round(seed):
    chance = random.Random(seed)
    with Inbox(INBOX, "--account", "tocsin:secret-of-the-test", "--auth-required") as inbox:
        settings = SETTINGS.format(port=inbox.port, ca=inbox.ca_file)
        with Tocsin(TOCSIN, settings, {"password": "secret-of-the-test\n"}) as host:
            host.start()
            acknowledged, lock = set(), threading.Lock()
            threads = [threading.Thread(target=publish_until_killed,
                                        args=(host, itertools.count(first, PUBLISHERS), acknowledged, lock))
                       for first in range(PUBLISHERS)]
            for thread in threads:
                thread.start()
            kill_at = chance.randrange(*KILLED_AFTER)
            wait_until(lambda: len(acknowledged) >= kill_at, 60, f"{kill_at} events are acknowledged")
            host.kill()
            for thread in threads:
                thread.join()
            host.start()
            wait_until(lambda: all(host.queue()[state] == 0 for state in ("pending", "sending", "deferred")), 120,
                       f"the queue is empty ({host.queue()})")
            check(host, inbox, acknowledged)
            print(f"      round {seed}: killed at {kill_at}, {len(acknowledged)} acknowledged, "
                  f"{len(inbox.raw_mails())} copies", flush=True)


def check(host, inbox, acknowledged):
    copies = collections.defaultdict(list)
    for raw, mail in zip(inbox.raw_mails(), inbox.mails()):
        number = int(re.search(r"number\W+(\d+)", mail.get_body(("plain",)).get_content()).group(1))
        copies[number].append((mail["Message-ID"], raw))
    lost = acknowledged - set(copies)
    expect(not lost, f"{len(lost)} acknowledged events were lost: {sorted(lost)[:5]}")
    deliveries = {delivery["events"][0]["id"]: delivery for delivery in host.deliveries(source="/kill-test")}
    for number, several in copies.items():
        delivery = deliveries[f"event-{number}"]
        expect(delivery["state"] == "delivered", f"event {number} is {delivery['state']}")
        expect({"<" + delivery["message_id"].strip("<>") + ">"} == {message_id for message_id, _ in several},
               f"event {number} arrived under {[message_id for message_id, _ in several]}, not {delivery['message_id']}")
        if len(several) > 1:
            expect(delivery["uncertain"], f"event {number} arrived {len(several)} times and is not marked uncertain")
            expect(len({raw for _, raw in several}) == 1, f"the copies of event {number} differ")


def no_acknowledged_event_is_lost_and_copies_are_uncertain():
    for seed in range(1, ROUNDS + 1):
        run_round(seed)


sys.exit(run_tests([no_acknowledged_event_is_lost_and_copies_are_uncertain]))
