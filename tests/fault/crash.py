"""What the tests of crashes and of failing disks share: a host with one channel, publishers, and the oracle.

The oracle holds what was acknowledged, what arrived, and what the stopped host's store says against each other."""

import collections
import contextlib
import email
import email.policy
import http.client
import itertools
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from tocsin import Tocsin, expect, wait_until  # noqa: E402

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
from_address = "noreply@example.org"
  [channels.email.retry]
  first = "200ms"
  max = "1s"
[[routes]]
name = "all"
types = ["test.*"]
channels = ["email"]
to = ["ops@example.org"]
"""

SOURCE = "/crash-test"
DELIVERED = 4  # as core/model/delivery.hpp numbers the states


def skip_without_strace():
    """Ends the test with status 77 where no process may be traced."""
    try:
        tried = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, text=True)
        why = tried.stderr.strip() if tried.returncode != 0 else ""
    except OSError as missing:
        why = str(missing)
    if why:
        print(f"skipped: strace does not work here: {why}")
        sys.exit(77)


def event(number):
    return {"id": f"event-{number}", "source": SOURCE, "type": "test.crash", "data": {"number": number}}


class Killable(Tocsin):
    """A host that may run under strace, which makes system calls fail or kills the host at one of them."""

    def start_injected(self, calls, inject):
        """Begins `serve` with a fault at the calls; does not wait. `inject` as strace takes it: signal=SIGKILL:when=7."""
        self._start_traced(["-e", f"trace={calls}", "-e", f"inject={calls}:{inject}"])

    def start_observed(self, calls):
        """Begins `serve`; the calls and what they wrote are in the file `trace`, in their order."""
        self._start_traced(["-e", f"trace={calls}", "-s", "5000"])

    def _start_traced(self, arguments):
        with contextlib.suppress(FileNotFoundError):
            (self.folder / "state" / "http.address").unlink()
        self.log = open(self.folder / "host.log", "ab")
        # No --seccomp-bpf: with it, strace 6.1 does not deliver the signals that it is to inject.
        self.process = subprocess.Popen(
            ["strace", "-f", "-qqq", "-o", str(self.folder / "trace"), *arguments, self.program, "serve",
             "--config", str(self.config), "--log-level", "info"],
            stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, env=self.environment)

    def is_gone(self):
        return self.process.poll() is not None

    def answers(self):
        """Whether it takes requests by now."""
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            return self.request("GET", "/readyz")[0] == 200
        return False

    def stop_traced(self):
        """SIGTERM to the host that strace runs; returns once both have ended, or were killed meanwhile."""
        with contextlib.suppress(OSError, ValueError):
            os.kill(int((self.folder / "state" / "lock").read_text()), signal.SIGTERM)
        self.process.wait(timeout=60)

    def close(self):
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(OSError, ValueError):
                os.kill(int((self.folder / "state" / "lock").read_text()), signal.SIGKILL)
        super().close()


class Publishers:
    """Threads that publish number after number, each over a connection of its own, until the host does not answer."""

    def __init__(self):
        self.acknowledged, self._lock = set(), threading.Lock()
        self._next = itertools.count(1)
        self._threads = []

    def start(self, host, count, limit=None):
        """limit: each of them ends after so many."""
        self._threads = [threading.Thread(target=self._run, args=(host, limit)) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def _run(self, host, limit):
        try:
            connection = host.connection()
            for _ in itertools.repeat(None) if limit is None else range(limit):
                with self._lock:
                    number = next(self._next)
                host.publish(event(number), connection=connection)
                with self._lock:
                    self.acknowledged.add(number)
        except (OSError, http.client.HTTPException):
            pass  # killed, which is the point

    def join(self):
        for thread in self._threads:
            thread.join()


@contextlib.contextmanager
def copy_of_store(host):
    """The store as a crash left it, or None where there is none yet; what reads it changes a copy."""
    with tempfile.TemporaryDirectory(prefix="tocsin-store-") as folder:
        for name in ("tocsin.db", "tocsin.db-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(host.folder / "state" / name, folder)
        file = pathlib.Path(folder) / "tocsin.db"
        if not file.exists():
            yield None
            return
        with contextlib.closing(sqlite3.connect(file)) as store:
            has_tables = store.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'delivery'").fetchone()[0]
            yield store if has_tables else None


def in_flight(host):
    """The Message-IDs of the deliveries that were leased when the host ended: only of these may there be a second copy."""
    with copy_of_store(host) as store:
        if store is None:
            return set()
        return {bare(row[0]) for row in store.execute("SELECT message_id FROM delivery WHERE lease_until IS NOT NULL")}


def bare(message_id):
    return message_id.strip().strip("<>")


def wait_until_drained(host, seconds=120):
    wait_until(lambda: all(host.queue()[state] == 0 for state in ("pending", "sending", "deferred")), seconds,
               "nothing waits any more")


def check_store(store, acknowledged):
    """Every acknowledged event and its delivery are there, nothing is stuck, counters equal rows. Returns Message-ID ->
    (number, uncertain) of all deliveries."""
    faults = [row[0] for row in store.execute("PRAGMA integrity_check")]
    expect(faults == ["ok"], f"the store is damaged: {faults}")
    known = {}
    for number, state, uncertain, message_id in store.execute(
            "SELECT e.external_id, d.state, d.uncertain, d.message_id FROM delivery AS d JOIN event AS e ON e.id = d.event"
            " WHERE e.source = ?", (SOURCE,)):
        number = int(number.removeprefix("event-"))
        expect(state == DELIVERED, f"event {number} ended in state {state}, not delivered")
        known[bare(message_id)] = (number, bool(uncertain))
    numbers = [number for number, _ in known.values()]
    expect(len(numbers) == len(set(numbers)), "an event has two deliveries")
    lost = acknowledged - set(numbers)
    expect(not lost, f"{len(lost)} acknowledged events are not in the store: {sorted(lost)[:5]}")
    leased = store.execute("SELECT count(*) FROM delivery WHERE lease_until IS NOT NULL OR due IS NOT NULL").fetchone()[0]
    expect(leased == 0, f"{leased} deliveries are still leased or due")
    kept = dict(store.execute("SELECT state, value FROM counter WHERE organization = 0 AND value <> 0"))
    counted = dict(store.execute("SELECT state, count(*) FROM delivery GROUP BY state"))
    expect(kept == counted, f"the counters say {kept}, the rows {counted}")
    by_organization = dict(store.execute(
        "SELECT state, sum(value) FROM counter WHERE organization <> 0 GROUP BY state HAVING sum(value) <> 0"))
    expect(by_organization == counted, f"the counters of organizations add up to {by_organization}, the rows to {counted}")
    return known


def check(host, acknowledged, raw_mails, may_be_doubled):
    """The whole oracle, on a host that has ended. Returns how many second copies there were."""
    with copy_of_store(host) as store:
        known = check_store(store, acknowledged)
    copies = collections.defaultdict(list)
    for raw in raw_mails:
        copies[bare(email.message_from_bytes(raw, policy=email.policy.default)["Message-ID"])].append(raw)
    unknown = set(copies) - set(known)
    expect(not unknown, f"mails went out before their deliveries were on disk: {sorted(unknown)[:3]}")
    missing = set(known) - set(copies)
    expect(not missing, f"{len(missing)} deliveries are called delivered and never arrived: {sorted(missing)[:3]}")
    for message_id, several in copies.items():
        number, uncertain = known[message_id]
        text = email.message_from_bytes(several[0], policy=email.policy.default).get_body(("plain",)).get_content()
        expect(int(re.search(r"number\W+(\d+)", text).group(1)) == number, f"{message_id} tells of another event than {number}")
        if len(several) == 1:
            continue
        expect(uncertain, f"event {number} arrived {len(several)} times and is not marked uncertain")
        expect(len(set(several)) == 1, f"the copies of event {number} differ")
        expect(message_id in may_be_doubled, f"event {number} arrived {len(several)} times and was not in flight at a kill")
    return len(raw_mails) - len(copies)
