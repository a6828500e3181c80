# SPDX-License-Identifier: Apache-2.0
"""What the scripts of this folder share: smtp-sink, a host to measure, events in batches, medians beside a goal."""

import argparse
import itertools
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests" / "support"))
sys.path.insert(0, str(REPOSITORY / "tests" / "support" / "postfix"))
from postfix import environment, fetch, free_port  # noqa: E402
from tocsin import Tocsin  # noqa: E402

MESSAGE_SIZE = 2000
START_LIMIT = 10.0  # seconds

SETTINGS = """
[host]
state_dir = "state"
[http]
listen = "127.0.0.1:0"
[channels.email]
plugin = "smtp"
host = "127.0.0.1"
port = {port}
secure_connection = "off"
from_address = "tocsin@example.org"
  [channels.email.limits]
  connections = {connections}
[[routes]]
name = "all"
types = ["bench.*"]
channels = ["email"]
to = ["ops@example.org"]
"""


class Sink:
    """smtp-sink on a port of its own. While it is held, connections to it are taken and hear nothing. With a count it ends
    by itself after so many mails."""

    def __init__(self, root, count=None):
        self.root = root
        self.limit = [] if count is None else ["-M", str(count)]

    def __enter__(self):
        self.port = free_port()
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        self.process = subprocess.Popen([self.root / "usr/sbin/smtp-sink", *user, *self.limit, f"127.0.0.1:{self.port}", "1024"],
                                        env=environment(self.root))
        deadline = time.monotonic() + START_LIMIT
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return self
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    self.__exit__()
                    raise RuntimeError("smtp-sink did not start")
                time.sleep(0.01)

    def wait(self, seconds):
        """Until so many mails have come as it was made for."""
        self.process.wait(timeout=seconds)

    def hold(self):
        self.process.send_signal(signal.SIGSTOP)

    def release(self):
        self.process.send_signal(signal.SIGCONT)

    def __exit__(self, *_):
        self.release()
        self.process.terminate()
        self.process.wait()


def host_for(build, port, connections=8, more=""):
    """A host of the build folder whose one channel goes to the port."""
    return Tocsin(Path(build).resolve() / "bin/tocsin", SETTINGS.format(port=port, connections=connections) + more)


class Events:
    """Bodies of publications; each event is another one."""

    def __init__(self, size=MESSAGE_SIZE):
        self.filling = "x" * size
        self.numbers = itertools.count(1)

    def _one(self):
        number = next(self.numbers)
        return {"specversion": "1.0", "id": f"bench-{number}", "source": "/bench", "type": "bench.event",
                "data": {"number": number, "text": self.filling}}

    def single(self):
        return json.dumps(self._one()).encode(), "application/cloudevents+json"

    def batch(self, count):
        return json.dumps([self._one() for _ in range(count)]).encode(), "application/cloudevents-batch+json"


class Publisher:
    """One connection that is kept; each post waits for its 202. Lean, since it takes its time from what is measured."""

    def __init__(self, host):
        address, port = host.address().rsplit(":", 1)
        self.socket = socket.create_connection((address, int(port)), timeout=120)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.token = host.token()

    def request(self, body, content_type):
        """What post() sends, to be made before the time is taken."""
        head = (f"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.token}\r\n"
                f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n")
        return head.encode() + body

    def post(self, request):
        self.socket.sendall(request)
        answer = self.socket.recv(65536)
        head, _, text = answer.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: *(\d+)", head).group(1))
        while len(text) < length:
            more = self.socket.recv(65536)
            if not more:
                break
            text += more
        if not head.startswith(b"HTTP/1.1 202"):
            raise RuntimeError(f"POST /v1/events was answered {head[:60]!r} {text[:300]!r}")
        return text

    def close(self):
        self.socket.close()


def publish_all(host, bodies, connections):
    """Posts what Events made over so many connections at once; seconds from the first byte to the last 202."""
    publishers = [Publisher(host) for _ in range(connections)]
    requests = [[publisher.request(*body) for body in bodies[at::connections]] for at, publisher in enumerate(publishers)]
    failed = []

    def run(publisher, own):
        try:
            for request in own:
                publisher.post(request)
        except (OSError, RuntimeError) as why:
            failed.append(why)

    threads = [threading.Thread(target=run, args=both) for both in zip(publishers, requests)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - began
    for publisher in publishers:
        publisher.close()
    if failed:
        raise RuntimeError(str(failed[0]))
    return seconds


def waiting(host):
    counts = host.queue()
    return counts["pending"] + counts["sending"] + counts["deferred"]


def memory_of(pid, field="RssAnon"):
    """MiB of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"/proc/{pid}/status has no {field}")


def spread(values):
    return (max(values) - min(values)) / statistics.median(values) * 100


def show(name, values, unit, digits=0):
    print(f"  {name:28} {statistics.median(values):10,.{digits}f} {unit}   spread {spread(values):3.0f} %")


def verdict(what, value, goal, at_most=False):
    """Prints a figure beside its goal; whether it is reached."""
    reached = value <= goal if at_most else value >= goal
    print(f"  {what} {value:.2f}, goal {'at most ' if at_most else ''}{goal}: {'reached' if reached else 'MISSED'}", flush=True)
    return reached


def arguments(description, **more):
    """--build and --rounds, which all scripts take, and further options with their defaults."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, required=True, help="build folder, of type Release")
    parser.add_argument("--rounds", type=int, default=5)
    for name, value in more.items():
        kind = {"action": "store_true"} if value is False else {"type": type(value), "default": value}
        parser.add_argument("--" + name.replace("_", "-"), **kind)
    how = parser.parse_args()
    how.build = how.build.resolve()
    if not (how.build / "bin/tocsin").exists():
        parser.error(f"{how.build} has no bin/tocsin: build the target tocsin there")
    return how
