"""A Tocsin host under test: its folder, its settings, its process, its HTTP API. Standard library only."""

import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time


class Failed(AssertionError):
    """A test's expectation that did not hold."""


def expect(condition, message):
    if not condition:
        raise Failed(message)


def wait_until(condition, seconds, what):
    """Asks condition() until it is true. Its value is returned. The limit is a bound on a failing test, not a time to wait."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failed(f"not within {seconds} s: {what}")
        time.sleep(0.02)


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Tocsin:
    """One host with a private folder. `settings` is TOML text; relative paths in it start at the folder."""

    def __init__(self, program, settings, files=None):
        self.program = str(program)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-test-"))
        os.chmod(self.folder, 0o700)
        self.config = self.folder / "tocsin.toml"
        self.process = None
        self.environment = dict(os.environ)
        for name, text in (files or {}).items():
            self.write(name, text)
        self.write("tocsin.toml", settings)

    def write(self, name, text):
        """Replaces a file in one step; mode 0600."""
        path = self.folder / name
        beside = path.with_name(path.name + ".new")
        beside.write_text(text)
        os.chmod(beside, 0o600)
        os.replace(beside, path)
        return path

    def start(self, ready=True, log_level="info"):
        """Starts `tocsin serve`; returns when it is ready."""
        self.log = open(self.folder / "host.log", "ab")
        self.process = subprocess.Popen(
            [self.program, "serve", "--config", str(self.config), "--log-level", log_level],
            stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, env=self.environment)
        if ready:
            wait_until(self._is_ready, 30, "the host is ready")
        return self

    def _is_ready(self):
        if self.process.poll() is not None:
            raise Failed(f"the host ended with status {self.process.returncode}:\n{self.log_text()}")
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            return self.request("GET", "/readyz")[0] == 200
        return False

    def log_text(self):
        with contextlib.suppress(OSError):
            return (self.folder / "host.log").read_text(errors="replace")
        return ""

    def kill(self):
        """kill -9, as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        with contextlib.suppress(FileNotFoundError):
            (self.folder / "state" / "http.address").unlink()

    def terminate(self):
        """SIGTERM. Returns the exit status and the seconds that it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=30)
        return status, time.monotonic() - began

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            print(f"--- log of the host in {self.folder}\n{self.log_text()}---")
        self.close()

    # HTTP

    def address(self):
        return (self.folder / "state" / "http.address").read_text().strip()

    def token(self):
        return (self.folder / "state" / "admin.token").read_text().strip()

    def connection(self):
        if self.address().startswith("unix:"):
            return UnixConnection(self.address().removeprefix("unix:"))
        host, port = self.address().rsplit(":", 1)
        return http.client.HTTPConnection(host, int(port), timeout=30)

    def request(self, method, target, body=None, content_type=None, token=None, connection=None):
        """Returns (status, parsed body)."""
        use = connection or self.connection()
        headers = {"Authorization": "Bearer " + (token if token is not None else self.token())}
        if content_type:
            headers["Content-Type"] = content_type
        try:
            use.request(method, target, body=body, headers=headers)
            answer = use.getresponse()
            text = answer.read()
        finally:
            if connection is None:
                use.close()
        return answer.status, json.loads(text) if text else None

    def publish(self, event, connection=None):
        """One event as a dict without specversion. Returns our id. The answer must be 202."""
        body = json.dumps({"specversion": "1.0", **event})
        status, answer = self.request("POST", "/v1/events", body, "application/cloudevents+json", connection=connection)
        expect(status == 202, f"POST /v1/events answered {status}: {answer}")
        return answer["events"][0]["id"]

    def deliveries(self, **filters):
        """All deliveries that match, over all pages."""
        from urllib.parse import urlencode
        found, cursor = [], None
        while True:
            query = dict(filters, limit=1000)
            if cursor:
                query["cursor"] = cursor
            status, answer = self.request("GET", "/v1/deliveries?" + urlencode(query))
            expect(status == 200, f"GET /v1/deliveries answered {status}: {answer}")
            found += answer["deliveries"]
            cursor = answer["next"]
            if not cursor:
                return found

    def queue(self):
        status, answer = self.request("GET", "/v1/queue")
        expect(status == 200, f"GET /v1/queue answered {status}: {answer}")
        return answer

    # Command line

    def run(self, *arguments, check=None, json_output=False):
        """Runs a command with this host's settings. Returns the finished process, or its parsed output."""
        command = [self.program, *arguments, "--config", str(self.config)]
        if json_output:
            command.append("--json")
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=self.environment,
                              stdin=subprocess.DEVNULL, cwd=self.folder)
        if check is not None:
            expect(done.returncode == check,
                   f"{' '.join(command)} exited {done.returncode}, not {check}:\n{done.stdout}{done.stderr}")
        return json.loads(done.stdout) if json_output else done


def run_tests(tests):
    """Runs named test functions in order, says which passed, and returns the exit status."""
    failed = 0
    for test in tests:
        name = test.__name__.replace("_", " ")
        try:
            test()
        except Failed as why:
            failed += 1
            print(f"FAIL  {name}: {why}", flush=True)
        except Exception as why:  # a test that breaks has failed, and the others are still run
            failed += 1
            import traceback
            traceback.print_exc()
            print(f"FAIL  {name}: {type(why).__name__}: {why}", flush=True)
        else:
            print(f"ok    {name}", flush=True)
    print(f"{len(tests) - failed} passed, {failed} failed")
    return 1 if failed else 0
