"""The scriptable SMTP server of sdk/inbox as a test sees it. Standard library only."""

import email
import email.policy
import json
import pathlib
import subprocess
import tempfile
import shutil

from tocsin import wait_until


class Inbox:
    """tocsin-inbox on a port that the system chose; its mails as Python's email package reads them."""

    def __init__(self, program, *arguments):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-inbox-"))
        self.mails_folder = self.folder / "mails"
        self.mails_folder.mkdir()
        self.ca_file = self.folder / "ca.pem"
        self.process = subprocess.Popen(
            [str(program), "--json", "--keep-in", str(self.mails_folder), "--ca-file", str(self.ca_file), *arguments],
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        self.port = json.loads(self.process.stdout.readline())["port"]
        # The lines about mails are not read; they go to a file, so that the pipe never fills.
        self.drain = subprocess.Popen(["cat"], stdin=self.process.stdout, stdout=subprocess.DEVNULL)

    def raw_mails(self):
        """Every message as bytes, in the order of arrival."""
        return [path.read_bytes() for path in sorted(self.mails_folder.glob("*.eml"))]

    def mails(self):
        return [email.message_from_bytes(raw, policy=email.policy.default) for raw in self.raw_mails()]

    def wait_for(self, count, seconds=30):
        wait_until(lambda: len(list(self.mails_folder.glob("*.eml"))) >= count, seconds, f"{count} mails in the inbox")
        return self.mails()

    def close(self):
        """May be called again."""
        self.process.terminate()
        self.process.wait()
        self.drain.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()
