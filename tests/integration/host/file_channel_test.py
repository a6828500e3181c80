"""The file channel in a real host: what it writes is read back by Python's mailbox, email and json packages."""

import email.policy
import json
import mailbox
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from tocsin import Tocsin, expect, run_tests, wait_until

PROGRAM = sys.argv[1]

SETTINGS = """
[host]
language = "en"

[http]
listen = "127.0.0.1:0"

[channels.maildir]
plugin = "file"
path = "alerts"

[channels.lines]
plugin = "file"
path = "alerts.jsonl"
format = "jsonl"
mode = "0640"

[[routes]]
name = "both"
types = ["shop.*"]
channels = ["maildir"]
to = ["{{recipient}}"]

[[routes]]
name = "lines"
types = ["shop.*"]
channels = ["lines"]
to = ["{{recipient}}"]
"""

RECIPIENTS = ["ops@example.org", "team/night \"shift\"", "Équipe 😀", "../../../etc/passwd", "a@b@c"]


def publish_all(host, start=0):
    for number, recipient in enumerate(RECIPIENTS, start):
        host.publish({"id": f"e{number}", "source": "/shop", "type": "shop.order.failed", "recipient": recipient,
                      "severity": "error", "data": {"Grund": "Bestellung größer als Lager 😀", "n": number}})


def all_delivered(host, count):
    def delivered():
        found = host.deliveries()
        return len(found) == count and all(one["state"] == "delivered" for one in found) and found
    return wait_until(delivered, 30, f"{count} deliveries are delivered")


def read_maildir(host):
    box = mailbox.Maildir(host.folder / "alerts", create=False,
                          factory=lambda file: email.message_from_binary_file(file, policy=email.policy.default))
    return list(box)


def read_lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def a_mail_program_reads_what_the_maildir_holds():
    with Tocsin(PROGRAM, SETTINGS) as host:
        host.start()
        publish_all(host)
        found = all_delivered(host, 2 * len(RECIPIENTS))
        mails = read_maildir(host)
        expect(len(mails) == len(RECIPIENTS), f"{len(mails)} mails")
        ids = {one["message_id"] for one in found if one["channel"] == "maildir"}
        expect({mail["Message-ID"] for mail in mails} == ids, "the Message-IDs are those of the deliveries")
        for mail in mails:
            expect(not mail.defects and not any(value.defects for value in mail.values()), f"defects in {mail}")
            expect(mail["Date"].datetime is not None and mail["From"].addresses[0].username == "tocsin",
                   f"wrong headers: {mail.items()}")
            expect("größer als Lager 😀" in mail.get_content(), mail.get_content())
        named = [mail["To"].addresses[0].addr_spec if mail["To"].addresses else mail["To"].groups[0].display_name
                 for mail in mails]
        expect(sorted(named) == sorted(RECIPIENTS), f"recipients: {named}")
        expect(sorted(os.listdir(host.folder / "alerts")) == ["cur", "new", "tmp"], "nothing else is in the Maildir")


def each_delivery_is_one_line_of_json():
    with Tocsin(PROGRAM, SETTINGS) as host:
        host.start()
        publish_all(host)
        found = all_delivered(host, 2 * len(RECIPIENTS))
        path = host.folder / "alerts.jsonl"
        records = read_lines(path)
        expect(sorted(one["recipient"] for one in records) == sorted(RECIPIENTS), f"{records}")
        expect({"<" + one["message_id"] + ">" for one in records} ==
               {one["message_id"] for one in found if one["channel"] == "lines"}, "the Message-IDs are the deliveries'")
        for one in records:
            expect(one["event"]["type"] == "shop.order.failed" and one["event"]["source"] == "/shop", f"{one}")
            expect(one["event"]["data"]["Grund"].endswith("😀") and one["subject"] and one["text"], f"{one}")
        expect(os.stat(path).st_mode & 0o777 == 0o640, "the mode is the one of the settings")


def a_rotated_file_is_made_anew_and_a_torn_line_is_cut_off():
    with Tocsin(PROGRAM, SETTINGS) as host:
        host.start()
        publish_all(host)
        all_delivered(host, 2 * len(RECIPIENTS))
        path = host.folder / "alerts.jsonl"
        path.rename(host.folder / "alerts.jsonl.1")
        publish_all(host, 100)
        all_delivered(host, 4 * len(RECIPIENTS))
        expect(len(read_lines(path)) == len(RECIPIENTS), "the new file has what came after the rotation")
        expect(len(read_lines(host.folder / "alerts.jsonl.1")) == len(RECIPIENTS), "the old one has the rest")
        with open(path, "a") as torn:
            torn.write('{"message_id":"1@x","at":"2025-')
        publish_all(host, 200)
        all_delivered(host, 6 * len(RECIPIENTS))
        expect(len(read_lines(path)) == 2 * len(RECIPIENTS), "every line can be read")


def a_path_that_cannot_work_pauses_its_endpoint_alone_and_doctor_says_why():
    with Tocsin(PROGRAM, SETTINGS.replace('path = "alerts"', 'path = "missing/alerts"')) as host:
        host.start()
        publish_all(host)

        def settled():
            found = host.deliveries()
            lines = [one for one in found if one["channel"] == "lines"]
            mails = [one for one in found if one["channel"] == "maildir"]
            return all(one["state"] == "delivered" for one in lines) and \
                all(one["state"] == "deferred" and one["code"] == "PATH_NOT_FOUND" for one in mails) and mails
        mails = wait_until(settled, 30, "lines are delivered, mails wait")
        expect("missing" in mails[0]["detail"] and mails[0]["remedy"], f"{mails[0]}")
        doctor = host.run("doctor", "--channel", "maildir", check=1, json_output=True)
        expect([stage["code"] for stage in doctor["stages"]] == ["OK", "PATH_NOT_FOUND"], f"{doctor}")
        doctor = host.run("doctor", "--channel", "lines", check=0, json_output=True)
        expect([stage["stage"] for stage in doctor["stages"]] == ["settings", "path", "write"], f"{doctor}")
        host.run("send-test", "--channel", "lines", "--to", "ops", check=0)


if __name__ == "__main__":
    sys.exit(run_tests([
        a_mail_program_reads_what_the_maildir_holds,
        each_delivery_is_one_line_of_json,
        a_rotated_file_is_made_anew_and_a_torn_line_is_cut_off,
        a_path_that_cannot_work_pauses_its_endpoint_alone_and_doctor_says_why,
    ]))
