"""Organizations and endpoints that share a host: how much of another's comes before one's own, counted in deliveries.

usage: fairness_test.py TOCSIN"""

import contextlib
import json
import pathlib
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "support"))
from mail_gate import MailGate  # noqa: E402
from tocsin import Tocsin, expect, run_tests, wait_until  # noqa: E402

TOCSIN = str(pathlib.Path(sys.argv[1]).resolve())

SETTINGS = """
[host]
state_dir = "state"
{host}
[http]
listen = "127.0.0.1:0"
[channels.email]
plugin = "smtp"
host = "127.0.0.1"
port = {port}
secure_connection = "off"
from_address = "noreply@example.org"
  [channels.email.limits]
  connections = 1
[[routes]]
name = "all"
types = ["test.*"]
channels = ["email"]
to = ["{{{{recipient}}}}"]
"""

OWN_SERVER = """
[organizations.stuck.channels.email]
host = "127.0.0.1"
port = {port}
secure_connection = "off"
"""

IN_HANDS = 4  # what the plugin takes at once for its one connection


def publish(host, organization, count):
    events = [{"specversion": "1.0", "id": f"{organization}-{number}", "source": "/fairness", "type": "test.event",
               "organization": organization, "recipient": f"{organization}@example.org", "data": {}}
              for number in range(count)]
    status, answer = host.request("POST", "/v1/events", json.dumps(events), "application/cloudevents-batch+json")
    expect(status == 202 and answer["accepted"] == count, f"the host answered {status}: {answer}")


@contextlib.contextmanager
def black_hole():
    """A server that takes connections and never speaks. Gives its port."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield listener.getsockname()[1]


def a_flood_of_one_organization_holds_anothers_mail_up_by_no_more_than_its_turn():
    with MailGate() as server, Tocsin(TOCSIN, SETTINGS.format(port=server.port, host="")) as host:
        host.start()
        publish(host, "flood", 3000)
        wait_until(lambda: server.arrived(), 30, "the first mail is under way")
        publish(host, "quiet", 20)
        server.open()
        wait_until(lambda: server.arrived().count("quiet@example.org") == 20, 60, "all of the quiet one's are there")
        places = [place for place, who in enumerate(server.arrived()) if who == "quiet@example.org"]
        expect(places[0] <= 2 * IN_HANDS, f"the first of the quiet one's came after {places[0]} others")
        expect(places[-1] <= 2 * 20 + 3 * IN_HANDS, f"20 of the quiet one's took {places[-1]} mails")


def a_server_that_never_speaks_holds_up_nobody_but_its_own_organization():
    with black_hole() as stuck, MailGate() as server:
        settings = SETTINGS.format(port=server.port, host="") + OWN_SERVER.format(port=stuck)
        with Tocsin(TOCSIN, settings) as host:
            host.start()
            publish(host, "stuck", 3000)
            wait_until(lambda: host.queue()["sending"] > 0, 30, "the silent server has been given something")
            publish(host, "quiet", 20)
            server.open()
            wait_until(lambda: len(server.arrived()) == 20, 60, "all of the quiet one's are there")
            expect(set(server.arrived()) == {"quiet@example.org"}, "nobody else's came to the shared server")
            expect(host.queue()["sending"] <= IN_HANDS, "the silent server holds no more than its endpoint takes")


if __name__ == "__main__":
    sys.exit(run_tests([
        a_flood_of_one_organization_holds_anothers_mail_up_by_no_more_than_its_turn,
        a_server_that_never_speaks_holds_up_nobody_but_its_own_organization,
    ]))
