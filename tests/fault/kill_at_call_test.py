"""kill -9 at every Nth system call with which the host writes, syncs, renames or sends, also while it makes a new store
and while it recovers from the kill before; and the order on disk: nothing is acknowledged before its sync has returned.

usage: kill_at_call_test.py TOCSIN [--all]         --all: every call; else some of each kind, to be done in half a minute"""

import argparse
import collections
import contextlib
import http.client
import pathlib
import re
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from crash import (SETTINGS, Killable, Publishers, check, event, in_flight, skip_without_strace,  # noqa: E402
                   wait_until_drained)
from sink import MailSink  # noqa: E402
from tocsin import expect, run_tests, wait_until  # noqa: E402

options = argparse.ArgumentParser(description=__doc__)
options.add_argument("tocsin", type=pathlib.Path)
options.add_argument("--all", action="store_true")
options = options.parse_args()
TOCSIN = str(options.tocsin.resolve())

PUBLISHERS, EVENTS_EACH = 4, 6
LINKS_BEFORE_CHECK = 50 if options.all else 8
# How many of each call are in a whole run, and the step that the short form takes. strace counts them by thread.
SWEEPS = {"pwrite64": (240, 29), "fdatasync": (20, 5), "fsync": (4, 2), "ftruncate": (6, 5), "rename": (2, 1), "unlink": (4, 3),
          "write": (20, 9), "sendmsg": (20, 9), "sendto": (28, 9), "recvmsg": (40, 13)}
NEW_STORE = {"pwrite64": (70, 23), "fdatasync": (12, 6), "fsync": (10, 5), "rename": (4, 2), "write": (20, 10), "fchmod": (3, 2)}


def steps(sweep):
    return [(call, when) for call, (last, step) in sweep.items() for when in range(1, last + 1, 1 if options.all else step)]


def is_killed(host):
    return host.process.wait(timeout=60) != 0


def run_link(host, publishers, call, when):
    """One start that is killed at its Nth such call, if it comes that far. Returns "start", "work" or "-": where it was."""
    host.start_injected(call, f"signal=SIGKILL:when={when}")
    wait_until(lambda: host.is_gone() or host.answers(), 60, f"the host is ready, or killed at {call} {when}")
    if host.is_gone():
        expect(is_killed(host), f"the host ended by itself:\n{host.log_text()[-2000:]}")
        return "start"
    publishers.start(host, PUBLISHERS, EVENTS_EACH)
    publishers.join()
    with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
        wait_until_drained(host)
    host.stop_traced()
    return "work" if is_killed(host) else "-"


def finish(host, publishers, sink, may_be_doubled):
    """A start without a fault: all of it arrives, and everything is held against each other."""
    host.start()
    host.publish(event(0))
    publishers.acknowledged.add(0)
    wait_until_drained(host)
    status, _ = host.terminate()
    expect(status == 0, f"the host ended with {status}")
    return check(host, publishers.acknowledged, sink.raw_mails(), may_be_doubled)


def killed_at_every_nth_call_it_loses_nothing_and_recovers_from_each_kill_into_the_next():
    """One store goes through all the kills: each start but the first of a chain recovers what the kill before left."""
    todo, ended, copies = steps(SWEEPS), collections.Counter(), 0
    # So that one kind of kill follows another: a recovery is killed at other calls than what it recovers from.
    todo = todo[0::3] + todo[1::3] + todo[2::3]
    while todo:
        chain, todo = todo[:LINKS_BEFORE_CHECK], todo[LINKS_BEFORE_CHECK:]
        publishers, may_be_doubled = Publishers(), set()
        with MailSink() as sink, Killable(TOCSIN, SETTINGS.format(port=sink.port)) as host:
            host.start()
            host.terminate()
            try:
                for call, when in chain:
                    ended[run_link(host, publishers, call, when)] += 1
                    may_be_doubled |= in_flight(host)
                copies += finish(host, publishers, sink, may_be_doubled)
            except BaseException:
                print(f"      this chain of kills failed: {', '.join(f'{call} {when}' for call, when in chain)}")
                raise
    print(f"      {ended['start']} kills while it started, {ended['work']} while it worked, {ended['-']} runs ended before their "
          f"call; {copies} second copies")
    expect(ended["start"] > 0 and ended["work"] > ended["-"], "most of the kills did not happen")


def killed_at_every_nth_call_while_it_makes_its_store_it_starts_the_next_time():
    ended = collections.Counter()
    with MailSink() as sink, Killable(TOCSIN, SETTINGS.format(port=sink.port)) as host:
        state = host.folder / "state"
        host.start()
        host.terminate()
        verdicts = (state / "plugin-trials.json").read_bytes()
        for call, when in steps(NEW_STORE):
            shutil.rmtree(state)
            state.mkdir(mode=0o700)
            # Else each start would try the plugins in processes of their own, and the kill would be one of those.
            (state / "plugin-trials.json").write_bytes(verdicts)
            (state / "plugin-trials.json").chmod(0o600)
            before = len(sink.raw_mails())
            publishers = Publishers()
            try:
                ended[run_link(host, publishers, call, when)] += 1
                may_be_doubled = in_flight(host)
                finish(host, publishers, FromNowOn(sink, before), may_be_doubled)
            except BaseException:
                print(f"      the kill at {call} {when} of a new store's start failed")
                raise
    print(f"      {ended['start']} kills while it started, {ended['work']} while it worked, {ended['-']} runs ended before")
    expect(ended["start"] > 0, "none of the kills came while the store was made")


class FromNowOn:
    """What arrived at a sink after so many mails."""

    def __init__(self, sink, before):
        self.sink, self.before = sink, before

    def raw_mails(self):
        return self.sink.raw_mails()[self.before:]


def nothing_is_acknowledged_before_the_sync_of_its_own_bytes_has_returned():
    count = 30
    with MailSink() as sink, Killable(TOCSIN, SETTINGS.format(port=sink.port)) as host:
        host.start()
        host.terminate()
        host.start_observed("pwrite64,fdatasync,sendmsg")
        wait_until(host.answers, 60, "the host is ready")
        connection = host.connection()
        for number in range(count):
            host.publish({**event(number), "id": f"ordered-{number:04}."}, connection=connection)
        connection.close()
        host.stop_traced()
        lines = (host.folder / "trace").read_text().splitlines()
    acknowledgements = [at for at, line in enumerate(lines) if "sendmsg(" in line and "HTTP/1.1 202" in line]
    expect(len(acknowledgements) == count, f"{len(acknowledgements)} acknowledgements of {count} were seen")
    syncs = list(finished_syncs(lines))
    for number, acknowledged in enumerate(acknowledgements):
        name = f"ordered-{number:04}."
        written = next((at for at, line in enumerate(lines) if "pwrite64(" in line and name in line), None)
        expect(written is not None and written < acknowledged, f"{name} was acknowledged before it was written")
        expect(any(written < began and ended < acknowledged for began, ended in syncs),
               f"{name} was written, and acknowledged with no sync in between")


def finished_syncs(lines):
    """(line where it began, line where it had succeeded) of each fdatasync."""
    began = {}
    for at, line in enumerate(lines):
        thread = line.split()[0]
        if "fdatasync(" in line:
            began[thread] = at
        if re.search(r"fdatasync(\(| resumed).*= 0$", line) and thread in began:
            yield began.pop(thread), at


skip_without_strace()
sys.exit(run_tests([nothing_is_acknowledged_before_the_sync_of_its_own_bytes_has_returned,
                    killed_at_every_nth_call_it_loses_nothing_and_recovers_from_each_kill_into_the_next,
                    killed_at_every_nth_call_while_it_makes_its_store_it_starts_the_next_time]))
