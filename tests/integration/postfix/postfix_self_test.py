#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The real Postfix that other tests rely on does what they rely on: STARTTLS, sign-in, delivery, and a clean end."""

import smtplib
import ssl
import subprocess
import sys
import unittest
from email.message import EmailMessage
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support" / "postfix"))
from certificates import CertificateAuthority  # noqa: E402
from postfix import Postfix, environment, fetch, living_members  # noqa: E402


def message(subject="Prüfung"):
    mail = EmailMessage()
    mail["From"] = "from@example.org"
    mail["To"] = "to@example.org"
    mail["Subject"] = subject
    mail.set_content("Grüße\n")
    return mail


class RealPostfix(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postfix()
        cls.server.start()
        cls.addClassCleanup(cls.server.stop)
        cls.server.add_user("user", "password")

    def client(self, authority=None):
        client = smtplib.SMTP("localhost", self.server.port, timeout=30)
        self.addCleanup(client.close)
        client.starttls(context=ssl.create_default_context(cadata=(authority or self.server.authority).certificate_pem))
        client.ehlo()
        return client

    def test_mail_over_starttls_with_sign_in_is_in_the_mailbox(self):
        for mechanism in ("PLAIN", "LOGIN", "CRAM-MD5"):
            before = self.server.mail_count()
            client = self.client()
            client.esmtp_features["auth"] = mechanism
            client.login("user", "password")
            client.send_message(message(f"Prüfung {mechanism}"))
            client.quit()
            self.assertTrue(self.server.wait_for(before + 1), self.server.logs())
            mail = self.server.mails()[-1]
            self.assertEqual(mail["Subject"], f"Prüfung {mechanism}")
            self.assertEqual(mail["Delivered-To"], "to@example.org")
            self.assertEqual(mail["Return-Path"], "<from@example.org>")
            self.assertIn("TLSv1.3", mail["Received"])
            self.assertIn("Authenticated sender: user", mail["Received"])
            self.assertEqual(mail.get_content(), "Grüße\n")

    def test_strong_mechanisms_are_offered(self):
        offered = self.client().esmtp_features["auth"].split()
        self.assertLessEqual({"SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"}, set(offered))

    def test_implicit_tls(self):
        context = ssl.create_default_context(cafile=self.server.ca_file)
        with smtplib.SMTP_SSL("localhost", self.server.implicit_port, context=context, timeout=30) as client:
            client.login("user", "password")

    def test_wrong_password_and_missing_sign_in_are_refused(self):
        client = self.client()
        with self.assertRaises(smtplib.SMTPAuthenticationError) as wrong:
            client.login("user", "wrong")
        self.assertEqual(wrong.exception.smtp_code, 535)
        with self.assertRaises(smtplib.SMTPException):
            client.send_message(message())

    def test_mail_in_clear_is_refused(self):
        with smtplib.SMTP("localhost", self.server.port, timeout=30) as client:
            with self.assertRaises(smtplib.SMTPSenderRefused) as refused:
                client.send_message(message())
            self.assertEqual(refused.exception.smtp_code, 530)

    def test_other_domains_are_relayed_for_nobody(self):
        client = self.client()
        client.login("user", "password")
        with self.assertRaises(smtplib.SMTPRecipientsRefused):
            client.sendmail("from@example.org", ["to@elsewhere.invalid"], b"x\r\n")

    def test_strangers_ca_is_refused_by_the_client(self):
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.client(authority=CertificateAuthority())

    def test_new_password_holds(self):
        self.server.add_user("changing", "first")
        self.server.add_user("changing", "second")
        self.client().login("changing", "second")
        with self.assertRaises(smtplib.SMTPAuthenticationError):
            self.client().login("changing", "first")


class LifeOfPostfix(unittest.TestCase):
    def test_new_certificate_is_shown(self):
        with Postfix() as server:
            server.set_tls_cert(*server.authority.issue(names=("DNS:other.example.org",)))
            with smtplib.SMTP("localhost", server.port, timeout=30) as client:
                with self.assertRaises(ssl.SSLCertVerificationError):
                    client.starttls(context=ssl.create_default_context(cafile=server.ca_file))

    def test_two_run_side_by_side_and_nothing_is_left_of_them(self):
        with Postfix(auth_required=False, tls_required=False) as first, Postfix() as second:
            self.assertNotEqual(first.port, second.port)
            with smtplib.SMTP("localhost", first.port, timeout=30) as client:
                client.send_message(message())
            self.assertTrue(first.wait_for(1), first.logs())
            self.assertEqual(second.mail_count(), 0)
            self.assertTrue(first.wait_until_idle(), first.logs())
            first.halt()
            first.start()
            self.assertEqual(first.mail_count(), 1)
            groups, folders = (first._master.pid, second._master.pid), (first.folder, second.folder)
        for group, folder in zip(groups, folders):
            self.assertEqual(living_members(group), [])
            self.assertFalse(folder.exists())

    def test_sink_and_source_for_benchmarks_run(self):
        root = fetch()
        for program in ("smtp-sink", "smtp-source"):
            result = subprocess.run([root / "usr/sbin" / program], env=environment(root), capture_output=True, text=True)
            self.assertIn("usage", result.stderr)


if __name__ == "__main__":
    unittest.main()
