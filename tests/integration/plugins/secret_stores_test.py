"""Secrets that a plugin's store keeps, before the real program: an inbox that wants a password, which the store has, has
not yet, or has changed.

usage: secret_stores_test.py TOCSIN TOCSIN_INBOX JSON_SECRETS_PLUGIN"""

import json
import os
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "support"))
from inbox import Inbox  # noqa: E402
from tocsin import Tocsin, expect, run_tests, wait_until  # noqa: E402

TOCSIN, INBOX, PLUGIN = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:4])
REFERENCE = "smtp/orchestrator#password"
PASSWORD_LINE = 16  # of SETTINGS

SETTINGS = """[host]
state_dir = "state"
plugin_dirs = ["plugins"]
[http]
listen = "127.0.0.1:0"
[secrets.vault]
plugin = "json-secrets"
path = "vault.json"
{store}
[channels.email]
plugin = "smtp"
host = "localhost"
port = {port}
username = "tocsin"
password = "vault:{reference}"
from_address = "noreply@example.org"
  [channels.email.tls]
  ca_file = "{ca}"
  [channels.email.retry]
  first = "100ms"
  max = "1s"
[[routes]]
name = "all"
channels = ["email"]
to = ["ops@example.org"]
"""


class Vault(Tocsin):
    """A host whose password is in a store."""

    def __init__(self, inbox, store="", reference=REFERENCE):
        super().__init__(TOCSIN, "")
        text = SETTINGS.format(port=inbox.port, ca=inbox.ca_file, store=store, reference=reference)
        self.write("tocsin.toml", text)
        expect(text.splitlines()[PASSWORD_LINE - 2].startswith("password"), "the line of the password")
        folder = self.folder / "plugins"
        folder.mkdir(mode=0o755)
        shutil.copy(PLUGIN, folder / "json-secrets.so")
        os.chmod(folder / "json-secrets.so", 0o755)

    def keep(self, member, **more):
        self.write("vault.json", json.dumps({REFERENCE: member, **more}))

    def paused(self):
        return [line for line in self.log_text().splitlines() if "endpoint paused" in line]

    def is_delivered(self, number):
        return [one for one in self.deliveries(event_id=str(number)) if one["state"] == "delivered"]


def inbox_for(password):
    return Inbox(INBOX, "--account", "tocsin:" + password, "--auth-required")


def event(number):
    return {"id": str(number), "source": "/store-test", "type": "test.event"}


def a_password_of_the_store_signs_in_and_is_shown_nowhere():
    with inbox_for("right-password") as inbox, Vault(inbox) as host:
        host.keep({"value": "right-password"})
        host.start(log_level="debug")
        host.publish(event(1))
        inbox.wait_for(1)
        wait_until(lambda: host.is_delivered(1), 10, "it is delivered")
        expect("right-password" not in host.log_text(), "no secret in the log")
        shown = host.run("config", "show", check=0).stdout
        expect("vault:" + REFERENCE in shown and "right-password" not in shown, shown)
        state = b"".join(path.read_bytes() for path in (host.folder / "state").rglob("*") if path.is_file())
        expect(b"right-password" not in state, "no secret on the disk")
        status, seconds = host.terminate()
        expect(status == 0 and seconds < 10, f"status {status} after {seconds:.1f} s")


def a_store_that_is_down_pauses_the_endpoint_until_it_answers():
    with inbox_for("right-password") as inbox, Vault(inbox) as host:
        host.keep({"unavailable": "the vault is sealed"})
        host.start()
        host.publish(event(1))
        paused = wait_until(host.paused, 20, "the endpoint is paused")
        expect("SETTINGS_INVALID" in paused[0] and "the vault is sealed" in paused[0], paused)
        expect(f"tocsin.toml:{PASSWORD_LINE - 1}:" in paused[0] and "channels.email.password" in paused[0], paused)
        host.keep({"value": "right-password"})
        inbox.wait_for(1)
        wait_until(lambda: host.is_delivered(1), 20, "it is delivered")


def a_password_that_is_changed_in_the_store_is_used_at_the_next_sign_in():
    in_clear = ("--mode", "none", "--auth-in-clear")
    with Inbox(INBOX, "--account", "tocsin:first-password", "--auth-required", *in_clear) as inbox, Vault(inbox) as host:
        text = host.config.read_text().replace(f'  [channels.email.tls]\n  ca_file = "{inbox.ca_file}"\n', "")
        host.write("tocsin.toml", text.replace(
            "from_address", 'secure_connection = "off"\nallow_plaintext_credentials = true\nfrom_address'))
        host.keep({"value": "first-password", "valid_ms": 1000})
        host.start()
        host.publish(event(1))
        inbox.wait_for(1)
        wait_until(lambda: host.is_delivered(1), 20, "the first is delivered")
        # The same server comes back with another password, which only the store is told.
        inbox.close()
        host.keep({"value": "second-password", "valid_ms": 1000})
        with Inbox(INBOX, "--port", str(inbox.port), "--account", "tocsin:second-password", "--auth-required",
                   *in_clear) as again:
            host.publish(event(2))
            again.wait_for(1)
            wait_until(lambda: host.is_delivered(2), 20, "the second is delivered")


def a_reload_asks_the_store_again():
    with inbox_for("right-password") as inbox, Vault(inbox) as host:
        host.keep({"value": "wrong-password"})
        host.start()
        host.publish(event(1))
        wait_until(host.paused, 20, "the wrong password pauses the endpoint")
        host.keep({"value": "right-password"})
        host.reload()
        inbox.wait_for(1)


def the_stores_own_token_comes_from_the_environment_and_a_reload_may_bring_it():
    with inbox_for("right-password") as inbox, Vault(inbox) as host:
        host.environment["VAULT_TOKEN"] = "token-of-the-store"
        host.keep({"value": "right-password"}, token="token-of-the-store")
        host.start()
        host.publish(event(1))
        paused = wait_until(host.paused, 20, "without the token the store tells nothing")
        expect("the token is wrong" in paused[0], paused)
        text = host.config.read_text().replace('path = "vault.json"\n', 'path = "vault.json"\ntoken = "env:VAULT_TOKEN"\n')
        host.write("tocsin.toml", text)
        host.reload()
        inbox.wait_for(1)
        expect("token-of-the-store" not in host.log_text(), "no secret in the log")


def config_check_and_doctor_ask_the_store_too():
    with inbox_for("right-password") as inbox, Vault(inbox) as host:
        host.keep({"value": "right-password"})
        host.run("config", "check", check=0)
        stages = host.run("doctor", "--channel", "email", "--to", "ops@example.org", json_output=True)
        expect(stages["ok"], stages)
        host.run("send-test", "--channel", "email", "--to", "ops@example.org", check=0)
        host.write("vault.json", "{}")
        found = host.run("config", "check", json_output=True)["errors"]
        expect(len(found) == 1 and "the file has no such member" in found[0]["what"], found)
        expect(found[0]["key"] == "channels.email.password" and found[0]["line"] == PASSWORD_LINE - 1, found)
        stages = host.run("doctor", "--channel", "email", "--to", "ops@example.org", json_output=True)
        expect(not stages["ok"] and REFERENCE in stages["stages"][0]["detail"], stages)


def a_store_that_never_answers_holds_the_start_up_for_10_seconds_and_no_longer():
    with inbox_for("right-password") as inbox, Vault(inbox) as host:
        host.keep({"silent": True})
        host.start()
        host.publish(event(1))
        paused = wait_until(host.paused, 20, "the endpoint is paused")
        expect("did not answer within 10 s" in paused[0], paused)
        host.keep({"value": "right-password"})
        host.reload()
        inbox.wait_for(1)
        status, seconds = host.terminate()
        expect(status == 0 and seconds < 10, f"status {status} after {seconds:.1f} s")


def a_store_without_its_plugin_is_said_where_it_is_named():
    with inbox_for("right-password") as inbox, Vault(inbox) as host:
        shutil.rmtree(host.folder / "plugins")
        (host.folder / "plugins").mkdir(mode=0o755)
        found = host.run("config", "check", json_output=True)["errors"]
        expect(found[0]["key"] == "secrets.vault.plugin" and "no plugin json-secrets" in found[0]["what"], found)
        host.start(ready=False)
        wait_until(lambda: "ready " in host.log_text(), 20, "it serves all the same")


sys.exit(run_tests([a_password_of_the_store_signs_in_and_is_shown_nowhere,
                    a_store_that_is_down_pauses_the_endpoint_until_it_answers,
                    a_password_that_is_changed_in_the_store_is_used_at_the_next_sign_in,
                    a_reload_asks_the_store_again,
                    the_stores_own_token_comes_from_the_environment_and_a_reload_may_bring_it,
                    config_check_and_doctor_ask_the_store_too,
                    a_store_that_never_answers_holds_the_start_up_for_10_seconds_and_no_longer,
                    a_store_without_its_plugin_is_said_where_it_is_named]))
