#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The whole way against a real Postfix: a license file on disk becomes a mail in a mailbox, over verified STARTTLS and signed in.
With a wrong CA, a wrong name or a wrong password no mail arrives, the code says why, and the mail arrives once the setting is
mended.

usage: license_to_mailbox_test.py TOCSIN"""

import datetime
import json
import pathlib
import sys

SUPPORT = pathlib.Path(__file__).resolve().parents[2] / "support"
sys.path[:0] = [str(SUPPORT), str(SUPPORT / "postfix")]
from certificates import CertificateAuthority  # noqa: E402
from postfix import Postfix  # noqa: E402
from tocsin import Tocsin, expect, run_tests, wait_until  # noqa: E402

TOCSIN = pathlib.Path(sys.argv[1]).resolve()

SETTINGS = """
[host]
state_dir = "state"
[http]
listen = "127.0.0.1:0"
[channels.email]
plugin = "smtp"
host = "{server}"
port = {port}
secure_connection = "{mode}"
username = "notifier"
password = "file:password"
authentication = "{authentication}"
from_address = "noreply@example.org"
from_name = "Orchestrator – Système"
  [channels.email.tls]
  ca_file = "{ca}"
  server_name = "{name}"
[sources.license]
plugin = "license-status"
path = "license.json"
interval = "100ms"
[[routes]]
name = "operators"
types = ["tocsin.license.*"]
channels = ["email"]
to = ["ops@example.org"]
"""


def license_text(days):
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days, minutes=-1)
    return json.dumps({"product": "Orchestratør <b>&", "holder": "Müller & Söhne", "seats": 100, "used": 83,
                       "expires": end.strftime("%Y-%m-%dT%H:%M:%SZ")})


def settings_for(postfix, **changes):
    values = {"server": "localhost", "port": postfix.port, "mode": "starttls", "ca": postfix.ca_file,
              "authentication": "auto", "name": "", **changes}
    return SETTINGS.format(**values)


def host_for(postfix, password="s3cret of the test", **changes):
    return Tocsin(TOCSIN, settings_for(postfix, **changes),
                  {"password": password + "\n", "license.json": license_text(14),
                   "other-ca.pem": CertificateAuthority("Another CA").certificate_pem})


def a_license_file_that_changes_is_a_mail_in_the_mailbox():
    before = SERVER.mail_count()
    with host_for(SERVER) as host:
        host.start()
        expect(SERVER.wait_for(before + 1), SERVER.logs())
        mail = SERVER.mails()[-1]
        expect(mail["Subject"].endswith("License of Orchestratør <b>& ends in 14 days"), mail["Subject"])
        expect(mail["From"].addresses[0].display_name == "Orchestrator – Système", mail["From"])
        expect(mail["From"].addresses[0].addr_spec == "noreply@example.org", mail["From"])
        expect(mail["To"].addresses[0].addr_spec == "ops@example.org", mail["To"])
        expect(mail["Auto-Submitted"] == "auto-generated" and mail["MIME-Version"] == "1.0", "the headers of a machine's mail")
        for once in ("From", "To", "Date", "Message-ID", "Subject"):
            expect(len(mail.get_all(once)) == 1, f"{once} is there once")
        expect(not mail.defects and not any(part.defects for part in mail.walk()), "it is without defects")
        text = mail.get_body(("plain",)).get_content()
        html = mail.get_body(("html",)).get_content()
        expect("Orchestratør <b>&" in text and "Müller & Söhne" in text and "83" in text, text)
        expect("Orchestratør &lt;b&gt;&amp;" in html and "<b>&" not in html, "values are escaped in HTML")
        received = " ".join(mail.get_all("Received"))
        expect("TLSv1.3" in received and "Authenticated sender: notifier" in received, received)
        host.write("license.json", license_text(400))
        expect(SERVER.wait_for(before + 2), SERVER.logs())
        expect("renewed" in SERVER.mails()[-1]["Subject"], SERVER.mails()[-1]["Subject"])


def implicit_tls_works_as_well():
    before = SERVER.mail_count()
    with host_for(SERVER, mode="implicit", port=SERVER.implicit_port) as host:
        host.start()
        expect(SERVER.wait_for(before + 1), SERVER.logs())


def each_mechanism_signs_in():
    for mechanism in ("plain", "login", "cram-md5", "scram-sha-1", "scram-sha-256"):
        before = SERVER.mail_count()
        with host_for(SERVER, authentication=mechanism) as host:
            answer = host.run("send-test", "--channel", "email", "--to", "ops@example.org", json_output=True)
            expect(answer["ok"] and answer["server_reply"].startswith("250 2.0.0"), (mechanism, answer))
            expect(SERVER.wait_for(before + 1), SERVER.logs())


def mend_settings(host):
    host.write("tocsin.toml", settings_for(SERVER))


def held_back(code, mend, **wrong):
    """No mail while the setting is wrong; the delivery waits with the code; it arrives once the setting is mended."""
    before = SERVER.mail_count()
    with host_for(SERVER, **wrong) as host:
        host.start()

        def waiting():
            found = host.deliveries()
            return found and found[0]["code"] and found[0]

        delivery = wait_until(waiting, 30, f"an attempt has failed as {code}")
        expect(delivery["code"] == code and delivery["state"] == "deferred", delivery)
        expect(delivery["explanation"] and delivery["remedy"], "it says why and what to do")
        expect(SERVER.mail_count() == before, "no mail arrived")
        doctor = host.run("doctor", "--channel", "email", json_output=True)
        expect(doctor["stages"][-1]["code"] == code, doctor)
        mend(host)
        host.reload()
        expect(SERVER.wait_for(before + 1), SERVER.logs() + host.log_text())
        wait_until(lambda: host.queue()["delivered"] == 1, 10, "it is delivered")
        expect(SERVER.mail_count() == before + 1, "it arrived once")


def a_wrong_ca_holds_the_mail_back():
    held_back("CERT_UNKNOWN_ISSUER", mend_settings, ca="other-ca.pem")


def a_wrong_name_holds_the_mail_back():
    held_back("CERT_NAME_MISMATCH", mend_settings, name="mail.example.net")


def a_wrong_password_holds_the_mail_back():
    held_back("AUTH_REJECTED", lambda host: host.write("password", "s3cret of the test\n"), password="a wrong one")


with Postfix() as SERVER:
    SERVER.add_user("notifier", "s3cret of the test")
    sys.exit(run_tests([
        a_license_file_that_changes_is_a_mail_in_the_mailbox,
        implicit_tls_works_as_well,
        each_mechanism_signs_in,
        a_wrong_ca_holds_the_mail_back,
        a_wrong_name_holds_the_mail_back,
        a_wrong_password_holds_the_mail_back,
    ]))
