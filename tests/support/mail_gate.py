"""A mail server that takes mails in clear and answers none until the test opens its gate. Standard library only."""

import socket
import threading


class MailGate:
    """Notes each mail's recipient in the order of arrival. Closed at first: the answer to a mail's end waits."""

    def __init__(self):
        self.gate = threading.Event()
        self.lock = threading.Lock()
        self.recipients = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def open(self):
        self.gate.set()

    def arrived(self):
        with self.lock:
            return list(self.recipients)

    def close(self):
        self.gate.set()
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            with connection, connection.makefile("rwb") as lines:
                self._talk(lines)
        except OSError:
            pass  # the host has gone

    def _talk(self, lines):
        def answer(text):
            lines.write(text.encode() + b"\r\n")
            lines.flush()

        answer("220 gate.test ESMTP")
        recipient = ""
        while line := lines.readline():
            verb = line.strip().upper()
            if verb.startswith(b"RCPT"):
                recipient = line[line.index(b"<") + 1:line.index(b">")].decode()
                answer("250 Ok")
            elif verb == b"DATA":
                answer("354 Go on")
                while lines.readline().rstrip(b"\r\n") != b".":
                    pass
                with self.lock:
                    self.recipients.append(recipient)
                self.gate.wait()
                answer("250 Ok")
            elif verb == b"QUIT":
                answer("221 Bye")
                return
            else:
                answer("250 Ok")
