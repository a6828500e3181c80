"""The running host: its life, its API, its levels, its pauses.

usage: host_test.py TOCSIN TOCSIN_INBOX"""

import datetime
import json
import os
import pathlib
import stat
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
from_name = "Orchestrator"
  [channels.email.tls]
  ca_file = "{ca}"
  [channels.email.retry]
  first = "100ms"
  max = "1s"
[[routes]]
name = "all"
types = ["test.*", "tocsin.license.*"]
channels = ["email"]
to = ["ops@example.org"]
"""

LICENSE_SOURCE = """
[sources.license]
plugin = "license-status"
path = "license.json"
interval = "100ms"
"""


def inbox_with_account():
    return Inbox(INBOX, "--account", "tocsin:right-password", "--auth-required")


def host_for(inbox, more="", files=None):
    settings = SETTINGS.format(port=inbox.port, ca=inbox.ca_file) + more
    return Tocsin(TOCSIN, settings, {"password": "right-password\n", **(files or {})})


def license_text(days, product="Orchestrator"):
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days, minutes=-1)
    return json.dumps({"product": product, "holder": "Example Ltd", "expires": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
                       "seats": 100, "used": 83})


def event(number, **more):
    return {"id": str(number), "source": "/host-test", "type": "test.event", "data": {"number": number}, **more}


def sigterm_ends_it_within_10_seconds_with_status_0():
    with inbox_with_account() as inbox, host_for(inbox) as host:
        host.start()
        for number in range(50):
            host.publish(event(number))
        status, seconds = host.terminate()
        expect(status == 0 and seconds < 10, f"status {status} after {seconds:.1f} s")
        host.start()
        wait_until(lambda: host.queue()["delivered"] == 50, 30, "all 50 are delivered")
        expect(len(inbox.raw_mails()) == 50, f"{len(inbox.raw_mails())} copies of 50 mails after a clean stop")


def sigterm_does_not_wait_for_a_server_that_is_silent():
    with Inbox(INBOX, "--account", "tocsin:right-password", "--fault", "data=stall") as inbox, host_for(inbox) as host:
        host.start()
        host.publish(event(1))
        wait_until(lambda: host.queue()["sending"] == 1, 10, "the delivery is under way")
        status, seconds = host.terminate()
        expect(status == 0 and seconds < 10, f"status {status} after {seconds:.1f} s")
        host.start()
        expect(sum(host.queue()[state] for state in ("pending", "sending", "deferred")) == 1, "the delivery is still there")


def a_second_host_on_the_same_state_is_refused():
    with inbox_with_account() as inbox, host_for(inbox) as host:
        host.start()
        done = host.run("serve", check=1)
        expect(str(host.process.pid) in done.stderr, f"it does not name the running one's process: {done.stderr}")


def secrets_are_private_and_not_in_the_log():
    with inbox_with_account() as inbox, host_for(inbox) as host:
        host.start(log_level="debug")
        host.publish(event(1))
        inbox.wait_for(1)
        token = host.folder / "state" / "admin.token"
        expect(stat.S_IMODE(token.stat().st_mode) == 0o600, "admin.token is mode 0600")
        wait_until(lambda: "delivered" in host.log_text(), 10, "the outcome is in the log")
        expect("request answered" in host.log_text(), "the log says all that it can")
        expect("right-password" not in host.log_text() and host.token() not in host.log_text(), "no secret in the log")
        lines = [line for line in host.log_text().splitlines() if " delivered " in line]
        expect(len(lines) == 1 and "code=OK" in lines[0], f"one line an outcome: {lines}")


def a_state_folder_that_others_may_write_is_refused():
    with inbox_with_account() as inbox, host_for(inbox) as host:
        (host.folder / "state").mkdir()
        (host.folder / "state").chmod(0o777)
        done = host.run("serve", check=1)
        expect("may be written by others" in done.stderr and "0700" in done.stderr, done.stderr)


def a_call_without_the_token_is_401():
    with inbox_with_account() as inbox, host_for(inbox) as host:
        host.start()
        for target in ("/v1/queue", "/v1/deliveries"):
            status, problem = host.request("GET", target, token="wrong")
            expect(status == 401 and problem["code"], (target, status, problem))
        expect(host.request("GET", "/healthz", token="wrong")[0] == 200, "/healthz takes no token")


def an_organization_has_its_own_sender_over_the_hosts_server():
    more = '[organizations.acme.channels.email]\nfrom_name = "Acme Automation"\n'
    with inbox_with_account() as inbox, host_for(inbox, more) as host:
        host.start()
        host.publish(event(1, organization="acme"))
        host.publish(event(2))
        senders = {str(mail["From"].addresses[0].display_name) for mail in inbox.wait_for(2)}
        expect(senders == {"Acme Automation", "Orchestrator"}, senders)


def a_hosts_password_never_reaches_an_organizations_server():
    with inbox_with_account() as inbox, Inbox(INBOX) as own:
        more = (f'[organizations.acme.channels.email]\nhost = "localhost"\nport = {own.port}\n'
                f'  [organizations.acme.channels.email.tls]\n  ca_file = "{own.ca_file}"\n')
        with host_for(inbox, more) as host:
            host.start()
            host.publish(event(1, organization="acme"))
            own.wait_for(1)  # anonymous: it has no user name of its own
            expect(not inbox.raw_mails(), "nothing of acme's went over the host's server")
            shown = json.dumps(json.loads(host.run("config", "show", "--organization", "acme", check=0).stdout))
            expect("file:password" not in shown, f"acme's channel names the host's password: {shown}")


def a_wrong_password_pauses_its_endpoint_alone_and_loses_nothing():
    with inbox_with_account() as inbox, Inbox(INBOX) as own:
        more = (f'[organizations.acme.channels.email]\nhost = "localhost"\nport = {own.port}\n'
                f'  [organizations.acme.channels.email.tls]\n  ca_file = "{own.ca_file}"\n')
        with host_for(inbox, more) as host:
            host.write("password", "wrong-password\n")
            host.start()
            for number in range(3):
                host.publish(event(number))
            wait_until(lambda: any(d["code"] == "AUTH_REJECTED" for d in host.deliveries(source="/host-test")), 20,
                       "AUTH_REJECTED is known")
            host.publish(event(10, organization="acme"))
            own.wait_for(1)
            waiting = [d for d in host.deliveries(source="/host-test") if d["organization"] is None]
            expect(len(waiting) == 3 and all(d["state"] in ("deferred", "pending") for d in waiting), waiting)
            expect(host.log_text().count("AUTH_REJECTED") <= 6, "no retry storm")
            host.write("password", "right-password\n")
            host.reload()
            inbox.wait_for(3)
            wait_until(lambda: host.queue()["delivered"] == 4, 20, "all are delivered")


def a_wrong_file_is_refused_and_the_old_one_keeps_running():
    with inbox_with_account() as inbox, host_for(inbox) as host:
        host.start()
        good = host.config.read_text()
        host.write("tocsin.toml", good.replace("[channels.email]", "[channels.email]\nnonsense = 1"))
        host.reload()
        wait_until(lambda: "nonsense" in host.log_text(), 10, "the fault is in the log")
        host.publish(event(1))
        inbox.wait_for(1)


def a_license_file_that_changes_is_a_mail():
    files = {"license.json": license_text(14)}
    with inbox_with_account() as inbox, host_for(inbox, LICENSE_SOURCE, files) as host:
        host.start()
        first = inbox.wait_for(1)[0]
        expect("Orchestrator" in first["Subject"], first["Subject"])
        host.write("license.json", license_text(400))
        inbox.wait_for(2)
        types = {d["events"][0]["type"] for d in host.deliveries()}
        expect(types == {"tocsin.license.expiring", "tocsin.license.renewed"}, types)


def a_license_step_is_announced_once_also_over_a_restart():
    files = {"license.json": license_text(14)}
    with inbox_with_account() as inbox, host_for(inbox, LICENSE_SOURCE, files) as host:
        host.start()
        # Not only in the inbox: a host that is killed before it noted that sends a second copy.
        wait_until(lambda: host.queue()["delivered"] == 1, 20, "the notice is delivered")
        host.kill()
        host.start()
        # Another license shows that the source has looked at its file again.
        host.write("license.json", license_text(-1))
        inbox.wait_for(2)
        types = sorted(d["events"][0]["type"] for d in host.deliveries())
        expect(types == ["tocsin.license.expired", "tocsin.license.expiring"], types)


def a_server_that_comes_back_gets_what_waited():
    with Inbox(INBOX, "--account", "tocsin:right-password", "--fault", "mail*2=reply:451 4.3.0 try later") as inbox:
        with host_for(inbox) as host:
            host.start()
            host.publish(event(1))
            inbox.wait_for(1)
            wait_until(lambda: host.queue()["delivered"] == 1, 10, "it is delivered")
            delivery = host.deliveries(source="/host-test")[0]
            expect(delivery["attempts"] == 3 and delivery["code"] == "OK", delivery)
            full = host.request("GET", "/v1/deliveries/" + delivery["id"])[1]
            codes = [attempt["code"] for attempt in full["history"]]
            expect(codes == ["SENDER_DEFERRED", "SENDER_DEFERRED", "OK"], codes)
            expect("451 4.3.0" in full["history"][0]["server_reply"], full["history"])


def a_recipient_that_is_refused_is_a_dead_letter():
    with Inbox(INBOX, "--account", "tocsin:right-password", "--fault", "rcpt=reply:550 5.1.1 no such user") as inbox:
        with host_for(inbox) as host:
            host.start()
            host.publish(event(1))
            wait_until(lambda: host.queue()["dead"] == 1, 10, "it is dead")
            delivery = host.deliveries(state="dead")[0]
            expect(delivery["code"] == "RECIPIENT_REJECTED" and "5.1.1" in delivery["server_reply"], delivery)
            expect(delivery["explanation"] and delivery["remedy"], "a dead letter says why and what to do")


def one_bad_plugin_does_not_stop_the_host():
    with inbox_with_account() as inbox, host_for(inbox) as host:
        (host.folder / "plugins").mkdir()
        os.symlink("/etc/passwd", host.folder / "plugins" / "link.so")
        host.write("tocsin.toml", host.config.read_text().replace("[http]", 'plugin_dirs = ["plugins"]\n[http]'))
        host.start()
        host.publish(event(1))
        inbox.wait_for(1)


def a_host_on_a_unix_socket_is_reached_by_its_commands_and_leaves_nothing_behind():
    with inbox_with_account() as inbox, host_for(inbox) as host:
        host.write("tocsin.toml", host.config.read_text().replace("127.0.0.1:0", "unix:api.sock"))
        path = host.folder / "api.sock"
        host.start()
        expect(stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_ISSOCK(path.stat().st_mode), oct(path.stat().st_mode))
        token = host.run("token", "create", "--name", "jobs", "--scope", "publish", check=0).stdout.strip()
        body = json.dumps({"specversion": "1.0", "id": "1", "source": "/test", "type": "test.unix"})
        expect(host.request("POST", "/v1/events", body, "application/cloudevents+json", token=token)[0] == 202, "an event is taken")
        host.run("publish", "--type", "test.unix", "--id", "2", check=0)
        wait_until(lambda: len(inbox.mails()) == 2, 30, "both mails arrive")
        expect(len(host.run("queue", "list", check=0, json_output=True)["deliveries"]) == 2, "the queue is shown")
        host.process.kill()
        host.process.wait()
        expect(path.exists(), "a host that was killed leaves its socket file")
        host.start()
        expect(host.request("GET", "/v1/queue")[0] == 200, "the next one takes its place")
        host.terminate()
        expect(not path.exists(), "a host that was stopped leaves none")


sys.exit(run_tests([
    a_host_on_a_unix_socket_is_reached_by_its_commands_and_leaves_nothing_behind,
    sigterm_ends_it_within_10_seconds_with_status_0,
    sigterm_does_not_wait_for_a_server_that_is_silent,
    a_second_host_on_the_same_state_is_refused,
    secrets_are_private_and_not_in_the_log,
    a_state_folder_that_others_may_write_is_refused,
    a_call_without_the_token_is_401,
    an_organization_has_its_own_sender_over_the_hosts_server,
    a_hosts_password_never_reaches_an_organizations_server,
    a_wrong_password_pauses_its_endpoint_alone_and_loses_nothing,
    a_wrong_file_is_refused_and_the_old_one_keeps_running,
    a_license_file_that_changes_is_a_mail,
    a_license_step_is_announced_once_also_over_a_restart,
    a_server_that_comes_back_gets_what_waited,
    a_recipient_that_is_refused_is_a_dead_letter,
    one_bad_plugin_does_not_stop_the_host,
]))
