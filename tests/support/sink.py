"""An SMTP server in the test's own process that keeps each message as the bytes that came. Standard library only."""

import socketserver
import threading


class _Session(socketserver.StreamRequestHandler):
    """One connection: no TLS, no sign-in, PIPELINING."""

    disable_nagle_algorithm = True
    wbufsize = 0

    def handle(self):
        self.server.owner.open.wait()
        try:
            self._answer("220 sink ready")
            while line := self.rfile.readline(4096):
                if not self._command(line.strip().upper()):
                    return
        except OSError:
            pass  # the client was killed, which the tests do

    def _command(self, line):
        if line.startswith(b"EHLO"):
            self._answer("250-sink", "250 PIPELINING")
        elif line.startswith(b"DATA"):
            self._answer("354 go on")
            message = self._message()
            if message is None:
                return False
            self.server.owner.keep(message)
            self._answer("250 2.0.0 kept")
        elif line.startswith(b"QUIT"):
            self._answer("221 bye")
            return False
        else:
            self._answer("250 ok")
        return True

    def _message(self):
        """The message without its final dot; None where the connection ended before it."""
        lines = []
        while line := self.rfile.readline():
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if line.startswith(b".") else line)
        return None

    def _answer(self, *lines):
        self.connection.sendall("".join(line + "\r\n" for line in lines).encode())


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128


class MailSink:
    """.port, and .raw_mails(): every message whose final dot came, whether or not its client lived to read the reply.
    While it is held, new connections to it are taken and hear nothing."""

    def __init__(self):
        self._mails, self._lock = [], threading.Lock()
        self.open = threading.Event()
        self.open.set()
        self._server = _Server(("127.0.0.1", 0), _Session)
        self._server.owner = self
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def keep(self, message):
        with self._lock:
            self._mails.append(message)

    def raw_mails(self):
        with self._lock:
            return list(self._mails)

    def hold(self):
        self.open.clear()

    def release(self):
        self.open.set()

    def close(self):
        self.release()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()
