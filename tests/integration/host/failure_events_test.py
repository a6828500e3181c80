"""The host's own failures, told over another channel: a wrong password, a dead delivery, a plugin that is not there.

usage: failure_events_test.py TOCSIN TOCSIN_INBOX"""

import email.policy
import mailbox
import pathlib
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
  [channels.email.retry]
  first = "100ms"
  max = "1s"
[channels.backup]
plugin = "file"
path = "alerts"
[[routes]]
name = "all"
types = ["test.*"]
channels = ["email"]
to = ["ops@example.org"]
"""

OPERATORS = """
[[routes]]
name = "operators"
types = ["tocsin.channel.*", "tocsin.delivery.*", "tocsin.plugin.*"]
channels = ["email", "backup"]
to = ["root@example.org"]
"""


def host_for(inbox, password, more=OPERATORS):
    return Tocsin(TOCSIN, SETTINGS.format(port=inbox.port, ca=inbox.ca_file) + more, {"password": password + "\n"})


def inbox_with_account(*more):
    return Inbox(INBOX, "--account", "tocsin:right-password", "--auth-required", *more)


def told(host, word):
    """The mails in the backup's Maildir whose subject has this word in it."""
    folder = host.folder / "alerts"
    if not (folder / "new").exists():  # it is made last
        return []
    box = mailbox.Maildir(folder, create=False,
                          factory=lambda file: email.message_from_binary_file(file, policy=email.policy.default))
    return [mail for mail in box if word in mail["Subject"]]


def event(number):
    return {"id": str(number), "source": "/failures", "type": "test.event", "data": {"number": number}}


def a_wrong_password_is_told_over_the_other_channel_and_so_is_its_end():
    with inbox_with_account() as inbox, host_for(inbox, "wrong-password") as host:
        host.start()
        for number in range(5):
            host.publish(event(number))
        [down] = wait_until(lambda: told(host, "is down"), 30, "the news that email is down")
        text = down.get_content()
        entry = host.deliveries(event_id="0")[0]
        expect("AUTH_REJECTED" in down["Subject"] and "AUTH_REJECTED" in text, f"{down['Subject']}\n{text}")
        expect(entry["remedy"] and " ".join(entry["remedy"].split()) in " ".join(text.split()), text)
        expect("wrong-password" not in text, text)
        expect(not inbox.raw_mails(), "no mail got out")

        host.write("password", "right-password\n")
        host.reload()
        mails = inbox.wait_for(6)  # the five, and the news that email is up: over email, which comes first
        up = [mail for mail in mails if "is up" in mail["Subject"]]
        expect(len(up) == 1 and len(told(host, "is down")) == 1, "each is told once")
        expect(up[0]["To"].addresses[0].addr_spec == "root@example.org", f"{up[0]['To']}")


def what_was_told_is_not_told_again_after_kill():
    with inbox_with_account() as inbox, host_for(inbox, "wrong-password") as host:
        host.start()
        host.publish(event(1))
        wait_until(lambda: told(host, "is down"), 30, "the news that email is down")
        host.kill()
        host.write("password", "right-password\n")
        host.start()
        inbox.wait_for(2)  # the event, and the news that email is up
        wait_until(lambda: host.queue()["deferred"] == 0 and host.queue()["pending"] == 0, 30, "all is done")
        expect(len(told(host, "is down")) == 1, "the pause was told twice")


def deliveries_that_die_together_are_told_together():
    with inbox_with_account("--fault", "rcpt=reply:550 5.1.1 no such user") as inbox, \
            host_for(inbox, "right-password") as host:
        host.start()
        for number in range(20):
            host.publish(event(number))
        [failed] = wait_until(lambda: told(host, "not delivered"), 30, "the news of the dead deliveries")
        expect(failed["Subject"].startswith("[Error] 20 not delivered over email"), failed["Subject"])
        expect("RECIPIENT_REJECTED" in failed.get_content(), failed.get_content())
        wait_until(lambda: host.queue()["dead"] == 20, 10, "20 are dead")
        expect(host.queue()["dead"] == 20, f"{host.queue()}")


def a_plugin_that_is_named_and_not_there_is_told():
    with inbox_with_account() as inbox, \
            host_for(inbox, "right-password", OPERATORS + '[channels.chat]\nplugin = "chat-room"\n') as host:
        host.start(ready=False)
        [told_mail] = wait_until(lambda: [mail for mail in inbox.mails() if "chat-room" in mail["Subject"]], 30, "the mail")
        expect("not installed" in told_mail.get_body(("plain",)).get_content(), told_mail.as_string())


if __name__ == "__main__":
    sys.exit(run_tests([
        a_wrong_password_is_told_over_the_other_channel_and_so_is_its_end,
        what_was_told_is_not_told_again_after_kill,
        deliveries_that_die_together_are_told_together,
        a_plugin_that_is_named_and_not_there_is_told,
    ]))
