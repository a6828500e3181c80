#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tocsin-inbox against a foreign client: Python's smtplib and ssl. Usage: smtplib_test.py PATH-OF-tocsin-inbox"""

import base64
import contextlib
import hmac
import json
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest
from email.message import EmailMessage
from pathlib import Path

PROGRAM = ""


@contextlib.contextmanager
def inbox(*arguments):
    """Runs the program and yields it with .port, .ca and .mail()."""
    process = subprocess.Popen([PROGRAM, "--json", *arguments], stdout=subprocess.PIPE, text=True)
    try:
        first = json.loads(process.stdout.readline())
        process.port, process.ca = first["port"], first["ca"]
        process.mail = lambda: json.loads(process.stdout.readline())
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=20)
        process.stdout.close()
    assert code == 0, f"tocsin-inbox ended with {code}"


def trusting(server):
    return ssl.create_default_context(cadata=server.ca)


def message(text="Grüße\n", subject="Lizenz läuft ab: in 7 Tagen, das ist bald, und die Zeile ist lang genug zum Falten"):
    mail = EmailMessage()
    mail["From"] = "Tocsin <from@example.org>"
    mail["To"] = "to@example.org"
    mail["Subject"] = subject
    mail.set_content(text)
    mail.add_alternative(f"<p>{text.strip()}</p>", subtype="html")
    return mail


class ForeignClient(unittest.TestCase):
    def test_starttls_with_each_way_to_sign_in(self):
        with inbox("--account", "user:pässword", "--mechanism", "PLAIN", "--mechanism", "LOGIN", "--mechanism", "CRAM-MD5",
                   "--auth-required") as server:
            for mechanism in ("PLAIN", "LOGIN", "CRAM-MD5"):
                with smtplib.SMTP("localhost", server.port) as client:
                    client.starttls(context=trusting(server))
                    client.ehlo()
                    self.sign_in(client, mechanism)
                    for number in range(3):
                        client.send_message(message(f"Grüße {number}\n"))
                for number in range(3):
                    mail = server.mail()
                    self.assertEqual(mail["mechanism"], mechanism)
                    self.assertEqual(mail["signed_in_as"], "user")
                    self.assertEqual(mail["subject"], message()["Subject"])
                    self.assertEqual(mail["text"], f"Grüße {number}\n")
                    self.assertEqual(mail["html"], f"<p>Grüße {number}</p>\n")
                    self.assertEqual(mail["from"], "from@example.org")
                    self.assertEqual(mail["to"], ["to@example.org"])
                    self.assertTrue(mail["tls"].startswith("TLSv1."))

    def sign_in(self, client, mechanism):
        """By hand, since smtplib sends no password beyond ASCII."""
        password = "pässword".encode()
        if mechanism == "PLAIN":
            code, _ = client.docmd("AUTH", "PLAIN " + base64.b64encode(b"\0user\0" + password).decode())
        elif mechanism == "LOGIN":
            self.assertEqual(client.docmd("AUTH", "LOGIN " + base64.b64encode(b"user").decode())[0], 334)
            code, _ = client.docmd(base64.b64encode(password).decode())
        else:
            code, challenge = client.docmd("AUTH", "CRAM-MD5")
            self.assertEqual(code, 334)
            digest = hmac.new(password, base64.b64decode(challenge), "md5").hexdigest()
            code, _ = client.docmd(base64.b64encode(b"user " + digest.encode()).decode())
        self.assertEqual(code, 235)

    def test_smtplibs_own_login_with_each_mechanism(self):
        for mechanism in ("PLAIN", "LOGIN", "CRAM-MD5"):
            with inbox("--account", "user:password", "--mechanism", mechanism) as server:
                with smtplib.SMTP("localhost", server.port) as client:
                    client.starttls(context=trusting(server))
                    with self.assertRaises(smtplib.SMTPAuthenticationError) as wrong:
                        client.login("user", "wrong")
                    self.assertEqual(wrong.exception.smtp_code, 535)
                    self.assertEqual(client.login("user", "password")[0], 235)
                    client.send_message(message())
                self.assertEqual(server.mail()["mechanism"], mechanism)

    def test_implicit_tls(self):
        with inbox("--mode", "implicit") as server:
            with smtplib.SMTP_SSL("localhost", server.port, context=trusting(server)) as client:
                client.send_message(message())
            self.assertEqual(server.mail()["text"], "Grüße\n")

    def test_certificate_is_refused_by_a_client_with_another_ca(self):
        with inbox() as server, smtplib.SMTP("localhost", server.port) as client:
            with self.assertRaises(ssl.SSLCertVerificationError):
                client.starttls(context=ssl.create_default_context())

    def test_messages_pipelined_by_hand(self):
        envelope = "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n"
        flight = "EHLO x\r\n" + "".join(
            f"{envelope}Subject: {number}\r\n\r\n..\r\n.\r\n" for number in range(100)) + "QUIT\r\n"
        with inbox("--mode", "none") as server:
            with socket.create_connection(("127.0.0.1", server.port)) as connection:
                connection.sendall(flight.encode())
                answers = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
            self.assertEqual(answers.count("queued as"), 100)
            self.assertTrue(answers.endswith("221 2.0.0 Bye\r\n"))
            self.assertEqual([server.mail()["subject"] for _ in range(100)], [str(number) for number in range(100)])

    def test_faults_and_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            ca_file, mails = Path(folder, "ca.pem"), Path(folder, "mails")
            with inbox("--mode", "none", "--fault", r"rcpt*1=reply:451-4.2.1 slow\r\n451 4.2.1 down", "--keep-in", mails) as server:
                with smtplib.SMTP("localhost", server.port) as client:
                    with self.assertRaises(smtplib.SMTPRecipientsRefused) as refused:
                        client.send_message(message())
                    self.assertEqual(refused.exception.recipients["to@example.org"], (451, b"4.2.1 slow\n4.2.1 down"))
                    client.send_message(message())
            self.assertIn(b"Subject: Lizenz =?utf-8?", (mails / "0001.eml").read_bytes())
            with inbox("--ca-file", ca_file) as server:
                self.assertEqual(ca_file.read_text(), server.ca)

    def test_wrong_calls_say_what_is_wrong(self):
        for arguments, word in ((["--fault", "nowhere=drop"], "greeting"), (["--fault", "mail"], "STEP"),
                                (["--fault", "mail*x=drop"], "number"), (["--account", "user"], "USER:PASSWORD"),
                                (["--mode", "off"], "starttls"), (["--mechanism", "MAGIC"], "CRAM-MD5"),
                                (["--certificate", "a"], "--key"), (["--unknown"], "--unknown")):
            result = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=20)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertIn(word, result.stderr)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
