"""Commands, their output and their exit statuses.

usage: command_line_test.py TOCSIN TOCSIN_INBOX"""

import json
import os
import pathlib
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "support"))
from inbox import Inbox  # noqa: E402
from tocsin import Tocsin, expect, run_tests  # noqa: E402

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
"""


def host_for(inbox, **changes):
    values = {"port": inbox.port, "ca": inbox.ca_file, **changes}
    return Tocsin(TOCSIN, SETTINGS.format(**values), {"password": "right-password\n"})


def inbox_with_account():
    return Inbox(INBOX, "--account", "tocsin:right-password", "--auth-required")


def wrong_calls_exit_with_2():
    for arguments in ([], ["nonsense"], ["doctor"], ["queue", "list", "--limit", "0"], ["queue", "list", "--state", "nonsense"], ["publish", "--type"]):
        done = subprocess.run([TOCSIN, *arguments], capture_output=True, text=True)
        expect(done.returncode == 2, f"{arguments} exited {done.returncode}")
        expect(done.stderr, f"{arguments} said nothing on standard error")


def a_misspelt_command_names_the_one_that_was_meant():
    for arguments, meant in ((["sevre"], '"serve"'), (["queue", "lsit"], '"list"'), (["silence", "--help"], "Known here")):
        done = subprocess.run([TOCSIN, *arguments], capture_output=True, text=True)
        expect(done.returncode == 2 and meant in done.stderr, (arguments, done))


def version_and_help_exit_with_0():
    done = subprocess.run([TOCSIN, "--version"], capture_output=True, text=True)
    expect(done.returncode == 0 and done.stdout.startswith("tocsin 0."), done)
    done = subprocess.run([TOCSIN, "doctor", "--help"], capture_output=True, text=True)
    expect(done.returncode == 0 and "--channel" in done.stdout, done)


def wrong_settings_exit_with_3_and_name_the_line():
    with Inbox(INBOX) as inbox, host_for(inbox) as host:
        text = host.config.read_text().replace('port = ', 'prot = ')
        host.write("tocsin.toml", text)
        line = 1 + text[:text.index("prot")].count("\n")
        for command in (["config", "check"], ["serve"], ["doctor", "--channel", "email"]):
            done = host.run(*command, check=3)
            said = done.stdout + done.stderr
            expect(f"tocsin.toml:{line}:" in said, f"{command} does not name line {line}: {said}")
            expect("channels.email.prot" in said and '"port"' in said.replace("'", '"').replace("`", '"'),
                   f"{command} does not name the key and the nearest one: {said}")


def a_missing_settings_file_exits_with_3():
    done = subprocess.run([TOCSIN, "config", "check", "--config", "/nonexistent/tocsin.toml"], capture_output=True, text=True)
    expect(done.returncode == 3 and "/nonexistent/tocsin.toml" in done.stdout + done.stderr, done)
    done = subprocess.run([TOCSIN, "plugin", "list"], capture_output=True, text=True,
                          env={**os.environ, "TOCSIN_CONFIG": "/nonexistent/tocsin.toml"})
    expect(done.returncode == 3 and "/nonexistent/tocsin.toml" in done.stdout + done.stderr, done)


def an_address_that_the_host_cannot_listen_at_is_a_fault_of_the_settings():
    with Inbox(INBOX) as inbox, host_for(inbox) as host:
        good = host.config.read_text()
        for listen in ("::1:8480", "[127.0.0.1]:80", "unix:" + 110 * "x"):
            host.write("tocsin.toml", good.replace("127.0.0.1:0", listen))
            for command in (["config", "check"], ["serve"]):
                done = host.run(*command, check=3)
                expect("http.listen" in done.stdout + done.stderr, done)


def a_token_is_not_sent_to_whoever_took_the_port_of_a_host_that_crashed():
    with Inbox(INBOX) as inbox, host_for(inbox) as host, socket.create_server(("127.0.0.1", 0)) as stranger:
        host.start()
        host.process.kill()
        host.process.wait()
        host.write("state/http.address", f"127.0.0.1:{stranger.getsockname()[1]}\n")
        done = host.run("queue", "list", check=1)
        expect("HOST_UNREACHABLE" in done.stdout + done.stderr or "No host runs" in done.stderr, done)
        stranger.setblocking(False)
        try:
            stranger.accept()
        except BlockingIOError:
            return
        expect(False, "the command went to the stranger")


def a_token_is_printed_once_works_for_what_it_is_and_stops_when_it_is_revoked():
    with Inbox(INBOX) as inbox, host_for(inbox) as host:
        host.start()
        token = host.run("token", "create", "--name", "acme-jobs", "--scope", "publish", "--organization", "acme",
                         "--types", "acme.job.*", "acme.robot.*", check=0).stdout.strip()
        expect(token and "\n" not in token and " " not in token, f"the token alone: {token!r}")
        body = {"specversion": "1.0", "id": "1", "source": "/jobs", "type": "acme.job.faulted"}

        def publish(**changes):
            return host.request("POST", "/v1/events", json.dumps({**body, **changes}), "application/cloudevents+json", token=token)[0]

        expect(publish() == 202, "its type is taken")
        expect(publish(type="tocsin.job.faulted") == 403, "another type is not")
        expect(publish(organization="globex") == 403, "another organization is not")
        expect(host.request("GET", "/v1/queue", token=token)[0] == 403, "it may not read")
        listed = host.run("token", "list", check=0, json_output=True)["tokens"]
        expect([(one["name"], one["organization"], one["types"]) for one in listed] ==
               [("acme-jobs", "acme", ["acme.job.*", "acme.robot.*"])] and token not in json.dumps(listed), listed)
        expect(token not in host.log_text(), "the log holds no token")
        made = host.run("token", "create", "--name", "reader", "--scope", "read", check=0, json_output=True)
        expect(set(made) == {"name", "token"}, made)
        host.kill()
        host.start()
        expect(publish() == 202, "it is known after a restart")
        expect(host.request("GET", "/v1/queue", token=made["token"])[0] == 200, "the reader's, too")
        host.run("token", "revoke", "acme-jobs", check=0)
        expect(publish() == 401, "it was revoked")
        done = host.run("token", "revoke", "acme-jobs", check=1)
        expect("NOT_FOUND" in done.stderr, done)
        done = host.run("token", "create", "--name", "reader", "--scope", "read", check=1)
        expect("TOKEN_EXISTS" in done.stderr, done)
        host.kill()
        host.start()
        expect(publish() == 401, "revoked tokens stay so")


def config_check_says_that_good_settings_are_fine():
    with Inbox(INBOX) as inbox, host_for(inbox) as host:
        host.run("config", "check", check=0)
        expect(host.run("config", "check", check=None, json_output=True)["ok"] is True, "json says ok")
        host.write("tocsin.toml", host.config.read_text() + 'template = "nonsense"\n')
        done = host.run("config", "check", check=3)
        expect("nonsense" in done.stdout + done.stderr and '"all"' in done.stdout + done.stderr, done)


def an_unreadable_secret_is_named_and_starts_all_the_same():
    with Inbox(INBOX) as inbox, host_for(inbox) as host:
        (host.folder / "password").unlink()
        done = host.run("config", "check", check=3)
        expect("password" in done.stdout + done.stderr, done)
        stages = host.run("doctor", "--channel", "email", json_output=True)
        expect(stages["ok"] is False and stages["stages"][0]["stage"] == "settings"
               and stages["stages"][0]["code"] == "SETTINGS_INVALID", stages)
        host.start()  # and is ready


def config_check_asks_the_plugins_too():
    with Inbox(INBOX) as inbox, host_for(inbox) as host:
        text = host.config.read_text()
        host.write("tocsin.toml", text.replace("noreply@example.org", "noreply"))
        line = 1 + text[:text.index("from_address =")].count("\n")
        done = host.run("config", "check", check=3)
        expect(f"tocsin.toml:{line}:" in done.stdout and "channels.email.from_address: " in done.stdout, done)
        host.write("tocsin.toml", text)
        pathlib.Path(inbox.ca_file).write_text("no certificate")
        done = host.run("config", "check", check=3)
        expect("PEM" in done.stdout, done)


def config_show_keeps_secrets():
    with Inbox(INBOX) as inbox, host_for(inbox) as host:
        done = host.run("config", "show", check=0)
        expect("right-password" not in done.stdout, "the password is shown")
        expect("file:password" in done.stdout, f"the reference is not shown: {done.stdout}")


def config_why_names_the_line():
    with Inbox(INBOX) as inbox, host_for(inbox) as host:
        origins = host.run("config", "why", "channels.email.port", json_output=True)
        line = 1 + host.config.read_text().split("port = ")[0].count("\n")
        expect(origins[0]["line"] == line and origins[0]["level"] == "host", origins)


def plugin_list_shows_the_built_in_plugins():
    with Inbox(INBOX) as inbox, host_for(inbox) as host:
        plugins = {plugin["id"]: plugin for plugin in host.run("plugin", "list", json_output=True)}
        expect(set(plugins) >= {"smtp", "secure-connection", "gmail", "license-status"}, plugins)
        for plugin in plugins.values():
            expect(set(plugin) == {"file", "id", "version", "state", "reason", "provides", "health", "signature",
                                   "signed_with"}, plugin)
            expect(plugin["state"] != "refused" and plugin["reason"] == "", plugin)
        inspected = host.run("plugin", "inspect", plugins["smtp"]["file"], json_output=True)
        expect(inspected["id"] == "smtp" and inspected["build_id"] and inspected["settings"]["properties"], inspected)


def plugin_inspect_takes_an_id_and_explains_the_settings():
    with Inbox(INBOX) as inbox, host_for(inbox) as host:
        shown = host.run("plugin", "inspect", "smtp").stdout
        for said in ("tls.ca_file", "integer from 1 to 65535, default 587", "AUTH_REJECTED", "host "):
            expect(said in shown, (said, shown))
        done = host.run("plugin", "inspect", "smpt", check=1)
        expect('no plugin "smpt"' in done.stderr and 'Did you mean "smtp"' in done.stderr, done)


def a_refused_file_is_listed_and_the_host_starts_without_it():
    with Inbox(INBOX) as inbox, host_for(inbox) as host:
        (host.folder / "plugins").mkdir()
        (host.folder / "plugins" / "broken.so").write_bytes(b"\x7fELF and then nothing")
        host.write("tocsin.toml", host.config.read_text().replace("[http]", 'plugin_dirs = ["plugins"]\n[http]'))
        listed = host.run("plugin", "list", json_output=True)
        broken = [plugin for plugin in listed if plugin["file"].endswith("broken.so")]
        expect(len(broken) == 1 and broken[0]["state"] == "refused" and broken[0]["reason"], listed)
        host.start()


def doctor_goes_through_every_stage():
    with inbox_with_account() as inbox, host_for(inbox) as host:
        report = host.run("doctor", "--channel", "email", "--to", "ops@example.org", "--send", json_output=True)
        names = [stage["stage"] for stage in report["stages"]]
        expect(report["ok"] is True, report)
        expect(names == ["settings", "dns", "tcp", "greeting", "ehlo", "starttls", "tls", "certificate", "revocation",
                         "auth", "sender", "recipient", "message"], names)
        for stage in report["stages"]:
            expect(set(stage) >= {"stage", "ok", "code", "detail", "remedy", "ms"} and stage["code"] == "OK", stage)
        expect(len(inbox.wait_for(1)) == 1, "--send sends one message")
        text = host.run("doctor", "--channel", "email", check=0).stdout
        expect("certificate" in text and "auth" in text, text)


def doctor_stops_at_the_stage_that_fails():
    with inbox_with_account() as inbox, host_for(inbox) as host:
        host.write("password", "wrong-password\n")
        report = host.run("doctor", "--channel", "email", json_output=True)
        last = report["stages"][-1]
        expect(report["ok"] is False and last["stage"] == "auth" and last["code"] == "AUTH_REJECTED" and last["remedy"], report)
        expect("wrong-password" not in json.dumps(report), "the password is in the report")
        expect(host.run("doctor", "--channel", "email").returncode == 1, "exit status 1")
    with inbox_with_account() as inbox, Inbox(INBOX) as other, host_for(inbox, ca=other.ca_file) as host:
        last = host.run("doctor", "--channel", "email", json_output=True)["stages"][-1]
        expect(last["stage"] == "certificate" and last["code"] == "CERT_UNKNOWN_ISSUER", last)
    with inbox_with_account() as inbox, host_for(inbox) as host:
        unknown = host.run("doctor", "--channel", "fax", json_output=True)
        expect(unknown["stages"][-1]["stage"] == "settings" and unknown["stages"][-1]["code"] == "CHANNEL_UNKNOWN", unknown)


def doctor_names_a_port_where_nobody_listens():
    with Inbox(INBOX) as inbox:
        port = inbox.port
        ca = inbox.ca_file.read_text()
    with Tocsin(TOCSIN, SETTINGS.format(port=port, ca="ca.pem"), {"password": "x\n", "ca.pem": ca}) as host:
        last = host.run("doctor", "--channel", "email", json_output=True)["stages"][-1]
        expect(last["stage"] == "tcp" and last["code"] == "TCP_REFUSED" and str(port) in last["detail"], last)


def send_test_sends_one_message_past_the_queue():
    with inbox_with_account() as inbox, host_for(inbox) as host:
        answer = host.run("send-test", "--channel", "email", "--to", "someone@example.org", json_output=True)
        expect(answer["ok"] and answer["code"] == "OK" and answer["server_reply"].startswith("250"), answer)
        expect(inbox.wait_for(1)[0]["To"].addresses[0].addr_spec == "someone@example.org", "the recipient")
        host.write("password", "wrong-password\n")
        done = host.run("send-test", "--channel", "email", "--to", "someone@example.org", check=1)
        expect("AUTH_REJECTED" in done.stdout, done)


def commands_without_a_host_say_how_to_start_one():
    with Inbox(INBOX) as inbox, host_for(inbox) as host:
        done = host.run("queue", "list", check=1)
        expect("tocsin serve" in done.stderr, done)


def publish_and_queue_speak_to_the_running_host():
    with inbox_with_account() as inbox, host_for(inbox) as host:
        host.start()
        first = host.run("publish", "--type", "tocsin.job.faulted", "--id", "7", "--data", '{"job":"a"}', json_output=True)
        again = host.run("publish", "--type", "tocsin.job.faulted", "--id", "7", json_output=True)
        expect(first["accepted"] == 1 and again["duplicates"] == 1, (first, again))
        expect(first["events"][0]["id"] == again["events"][0]["id"], "a duplicate bears the first one's id")
        inbox.wait_for(1)
        listed = host.run("queue", "list", "--event", "7", json_output=True)["deliveries"]
        expect(len(listed) == 1 and listed[0]["recipient"] == "ops@example.org", listed)
        shown = host.run("queue", "show", listed[0]["id"], json_output=True)
        expect(shown["state"] in ("delivered", "sending") and isinstance(shown["history"], list), shown)
        expect(host.run("queue", "show", "0000000000000", check=1).stderr, "an unknown id is said to be one")
        expect("no route" not in host.run("publish", "--type", "tocsin.job.faulted").stdout, "it is routed")
        expect("no route matches" in host.run("publish", "--type", "elsewhere").stdout, "nobody is told, and that is said")
        expect(host.run("publish", "--type", "x", "--data", "{", check=2).stderr, "wrong JSON is a wrong call")


sys.exit(run_tests([
    wrong_calls_exit_with_2,
    a_misspelt_command_names_the_one_that_was_meant,
    a_token_is_printed_once_works_for_what_it_is_and_stops_when_it_is_revoked,
    version_and_help_exit_with_0,
    wrong_settings_exit_with_3_and_name_the_line,
    a_missing_settings_file_exits_with_3,
    a_token_is_not_sent_to_whoever_took_the_port_of_a_host_that_crashed,
    an_address_that_the_host_cannot_listen_at_is_a_fault_of_the_settings,
    config_check_says_that_good_settings_are_fine,
    an_unreadable_secret_is_named_and_starts_all_the_same,
    config_check_asks_the_plugins_too,
    config_show_keeps_secrets,
    config_why_names_the_line,
    plugin_list_shows_the_built_in_plugins,
    plugin_inspect_takes_an_id_and_explains_the_settings,
    a_refused_file_is_listed_and_the_host_starts_without_it,
    doctor_goes_through_every_stage,
    doctor_stops_at_the_stage_that_fails,
    doctor_names_a_port_where_nobody_listens,
    send_test_sends_one_message_past_the_queue,
    commands_without_a_host_say_how_to_start_one,
    publish_and_queue_speak_to_the_running_host,
]))
