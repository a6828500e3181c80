"""Channels over HTTP on a running host: how they are, a test message, a diagnosis; and the settings read again.

usage: channel_calls_test.py TOCSIN TOCSIN_INBOX"""

import json
import pathlib
import socket
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
name = "all"
types = ["tocsin.*"]
channels = ["email"]
to = ["ops@example.org"]
[organizations.acme.channels.email]
host = "localhost"
port = {port}
plugin = "smtp"
username = "acme"
password = "file:password"
  [organizations.acme.channels.email.tls]
  ca_file = "{ca}"
"""


def inbox_with_account():
    return Inbox(INBOX, "--account", "tocsin:right-password", "--auth-required")


def host_for(inbox, password="right-password\n"):
    return Tocsin(TOCSIN, SETTINGS.format(port=inbox.port, ca=inbox.ca_file), {"password": password})


def post(host, target, body=None, token=None):
    text = None if body is None else json.dumps(body)
    return host.request("POST", target, text, "application/json" if text else None, token=token)


def bound_token(host, scope):
    return post(host, "/v1/tokens", {"name": scope, "scope": scope, "organization": "acme"})[1]["token"]


def each_endpoint_is_listed_and_a_tenant_sees_its_own():
    with inbox_with_account() as inbox, host_for(inbox).start() as host:
        status, answer = host.request("GET", "/v1/channels")
        expect(status == 200, answer)
        expect([(one["channel"], one["organization"], one["plugin"], one["state"]) for one in answer["channels"]] ==
               [("email", None, "smtp", "active"), ("email", "acme", "smtp", "active")], answer)
        _, answer = host.request("GET", "/v1/channels", token=bound_token(host, "read"))
        expect([one["organization"] for one in answer["channels"]] == ["acme"], answer)


def a_paused_endpoint_is_shown_with_its_reason_and_next_probe():
    with inbox_with_account() as inbox, host_for(inbox, "wrong-password\n").start() as host:
        host.publish({"id": "1", "source": "/test", "type": "tocsin.test"})

        def paused():
            one = host.request("GET", "/v1/channels")[1]["channels"][0]
            return one if one["state"] == "paused" else None

        one = wait_until(paused, 30, "the endpoint is paused")
        expect(one["pause"]["code"] == "AUTH_REJECTED" and one["pause"]["since"] < one["pause"]["next_probe"], one)
        wait_until(lambda: host.request("GET", "/v1/channels")[1]["channels"][0]["waiting"], 30, "its delivery waits")


def a_test_message_goes_past_the_queue():
    with inbox_with_account() as inbox, host_for(inbox).start() as host:
        status, answer = post(host, "/v1/channels/email/test", {"to": "ops@example.org"})
        expect(status == 200 and answer["ok"] and answer["server_reply"].startswith("250"), answer)
        wait_until(lambda: len(inbox.mails()) == 1, 20, "the message is there")
        expect(host.request("GET", "/v1/deliveries")[1]["deliveries"] == [], "it is no delivery")
        status, answer = post(host, "/v1/channels/email/test", {"to": "ops@example.org", "organization": "acme"})
        expect(status == 200 and not answer["ok"] and answer["code"] == "AUTH_REJECTED", answer)
        expect(post(host, "/v1/channels/nothing/test", {"to": "ops@example.org"})[0] == 404, "no such channel")
        expect("outcome came for a delivery" not in host.log_text(), "the dispatcher is not asked about it")


def a_diagnosis_goes_through_the_stages():
    with inbox_with_account() as inbox, host_for(inbox).start() as host:
        status, answer = post(host, "/v1/channels/email/doctor", {"to": "ops@example.org", "send": True})
        expect(status == 200 and answer["ok"], answer)
        expect(answer["stages"][0]["stage"] == "settings" and answer["stages"][-1]["stage"] == "message", answer)
        status, answer = post(host, "/v1/channels/email/doctor", token=bound_token(host, "operate"))
        expect(status == 200 and answer["stages"][-1]["code"] == "AUTH_REJECTED", answer)


def a_stop_does_not_wait_for_a_diagnosis_of_a_silent_server():
    with inbox_with_account() as inbox, socket.create_server(("127.0.0.1", 0)) as silent:
        text = SETTINGS.format(port=inbox.port, ca=inbox.ca_file)
        text = text.replace(f"port = {inbox.port}", f"port = {silent.getsockname()[1]}", 1)
        with Tocsin(TOCSIN, text, {"password": "right-password\n"}).start() as host:
            connection = host.connection()
            connection.request("POST", "/v1/channels/email/doctor", headers={"Authorization": "Bearer " + host.token()})
            silent.accept()
            status, seconds = host.terminate()
            expect(status == 0 and seconds < 10, f"status {status} after {seconds:.1f} s")


def a_reload_takes_effect_or_names_file_line_and_key():
    with inbox_with_account() as inbox, host_for(inbox).start() as host:
        good = host.config.read_text()
        wrong = good.replace('username = "acme"', 'usrename = "acme"')
        host.write("tocsin.toml", wrong)
        status, answer = post(host, "/v1/reload")
        line = 1 + wrong[:wrong.index("usrename")].count("\n")
        expect(status == 422 and answer["code"] == "SETTINGS_INVALID", answer)
        expect([(one["file"], one["line"], one["key"]) for one in answer["faults"]] ==
               [(str(host.config), line, "organizations.acme.channels.email.usrename")], answer)
        host.write("tocsin.toml", good.replace('username = "acme"', 'username = "tocsin"'))
        status, answer = post(host, "/v1/reload")
        expect(status == 200 and answer["status"] == "reloaded", answer)
        status, answer = post(host, "/v1/channels/email/test", {"to": "ops@example.org", "organization": "acme"})
        expect(status == 200 and answer["ok"], answer)
        expect(post(host, "/v1/reload", token=bound_token(host, "admin"))[0] == 403, "a tenant's administrator")


sys.exit(run_tests([
    each_endpoint_is_listed_and_a_tenant_sees_its_own,
    a_paused_endpoint_is_shown_with_its_reason_and_next_probe,
    a_test_message_goes_past_the_queue,
    a_diagnosis_goes_through_the_stages,
    a_stop_does_not_wait_for_a_diagnosis_of_a_silent_server,
    a_reload_takes_effect_or_names_file_line_and_key,
]))
