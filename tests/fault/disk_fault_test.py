"""Disks that fail, fill up or become read-only under a running host and under one that starts: what is answered, what
the log says, and that nothing acknowledged is lost.

usage: disk_fault_test.py TOCSIN [--all]          --all: a failure at every call, else at some"""

import argparse
import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from crash import (SETTINGS, Killable, Publishers, check, event, in_flight, skip_without_strace,  # noqa: E402
                   wait_until_drained)
from sink import MailSink  # noqa: E402
from small_disk import SmallDisk, enter_own_mounts  # noqa: E402
from tocsin import expect, run_tests, wait_until  # noqa: E402

options = argparse.ArgumentParser(description=__doc__)
options.add_argument("tocsin", type=pathlib.Path)
options.add_argument("--all", action="store_true")
options = options.parse_args()
TOCSIN = str(options.tocsin.resolve())


def ask(host, method, target, body=None):
    """(status, headers, parsed body)."""
    connection = host.connection()
    try:
        connection.request(method, target, body=body, headers={"Authorization": "Bearer " + host.token(),
                                                               "Content-Type": "application/cloudevents+json"})
        answer = connection.getresponse()
        return answer.status, answer.headers, json.loads(answer.read())
    finally:
        connection.close()


def publish(host, number, filling=0):
    """(status, headers, body) of publishing an event of about so many bytes."""
    value = {"specversion": "1.0", **event(number)}
    value["data"] = {"number": number, "filling": "x" * filling}
    return ask(host, "POST", "/v1/events", json.dumps(value))


class Numbers:
    """Publishes one event after another and keeps which of them were acknowledged."""

    def __init__(self, host):
        self.host, self.next, self.acknowledged = host, 1, set()

    def publish(self, filling=0):
        number, self.next = self.next, self.next + 1
        status, headers, body = publish(self.host, number, filling)
        if status == 202:
            self.acknowledged.add(number)
        return status, headers, body

    def publish_until_refused(self, limit, filling=0):
        for _ in range(limit):
            answer = self.publish(filling)
            if answer[0] != 202:
                return answer
        expect(False, f"{limit} events were taken and none was refused")


def expect_problem(answer, status, code, words):
    got, headers, body = answer
    expect(got == status and body["status"] == status and body["code"] == code, f"{got} {body}, not {status} {code}")
    expect(headers["Content-Type"] == "application/problem+json", f"the answer's type is {headers['Content-Type']}")
    expect(int(headers["Retry-After"]) > 0, "the answer does not say when to come again")
    expect(re.search(words, body["detail"]), f"the answer says {body['detail']!r}, nothing of {words!r}")
    expect(body["remedy"], "the answer does not say what to do")


def run_failing(call, error, when, words):
    """The call fails from its Nth time on. Returns how the run ended: "start" or "work"."""
    with MailSink() as sink, Killable(TOCSIN, SETTINGS.format(port=sink.port)) as host:
        host.start()
        numbers = Numbers(host)
        for _ in range(3):
            numbers.publish()
        wait_until_drained(host)
        host.terminate()
        logged_before = len(host.log_text())
        host.start_injected(call, f"error={error}:when={when}+")
        wait_until(lambda: host.is_gone() or host.answers(), 60, "the host is ready, or ended")
        where = "start"
        if not host.is_gone():
            where = "work"
            refused = numbers.publish_until_refused(60)
            expect_problem(refused, 503, "STORE_FAILED", words)
            for _ in range(5):
                expect_problem(numbers.publish(), 503, "STORE_FAILED", words)
            status, _, body = ask(host, "GET", "/readyz")
            expect(status == 503 and "STORE_FAILED" in json.dumps(body), f"/readyz answers {status} {body}")
            expect(ask(host, "GET", "/healthz")[0] == 200, "/healthz does not answer")
            host.stop_traced()
        else:
            expect(host.process.returncode not in (0, None) and host.process.returncode > 0,
                   f"a host whose store cannot be opened ended with {host.process.returncode}")
        said = host.log_text()[logged_before:]
        expect(re.search(words, said) and ("cannot be opened" in said or "the store failed" in said),
               f"the log does not say what happened:\n{said}")
        may_be_doubled = in_flight(host)
        host.start()
        expect(numbers.publish()[0] == 202, "the host takes nothing after its restart")
        wait_until_drained(host)
        host.terminate()
        copies = check(host, numbers.acknowledged, sink.raw_mails(), may_be_doubled)
        print(f"      {call} fails with {error} from the {when}th on, at {where}: {len(numbers.acknowledged)} acknowledged, "
              f"{copies} second copies", flush=True)
        return where


def moments(few, last):
    return range(1, last + 1) if options.all else few


def after_a_sync_that_fails_nothing_is_acknowledged_and_a_restart_has_all_that_was():
    places = {run_failing("fdatasync", "EIO", when, "Input/output error") for when in moments((3, 7, 8, 12), 16)}
    expect(places == {"start", "work"}, f"the failures came only at {places}")


def after_a_write_that_fails_nothing_is_acknowledged_and_a_restart_has_all_that_was():
    places = {run_failing("pwrite64", "EIO", when, "Input/output error")
              for when in moments((3, 9, 30, 47), 60) if when > 1}  # the first is the lock's, which only serves a message
    expect(places == {"start", "work"}, f"the failures came only at {places}")


def a_disk_that_becomes_read_only_is_named_as_that():
    expect(run_failing("pwrite64", "EROFS", 40, "Read-only file system") == "work", "the failure came too early")


def one_failed_sync_stays_a_failure_although_later_ones_would_succeed():
    with MailSink() as sink, Killable(TOCSIN, SETTINGS.format(port=sink.port)) as host:
        host.start()
        host.terminate()
        host.start_injected("fdatasync", "error=EIO:when=9")
        wait_until(host.answers, 60, "the host is ready")
        numbers = Numbers(host)
        numbers.publish_until_refused(60)
        for _ in range(20):
            expect_problem(numbers.publish(), 503, "STORE_FAILED", "Input/output error")
        host.stop_traced()
        may_be_doubled = in_flight(host)
        host.start()
        wait_until_drained(host)
        host.terminate()
        check(host, numbers.acknowledged, sink.raw_mails(), may_be_doubled)


def fill_and_free(kind):
    with MailSink() as sink, Killable(TOCSIN, SETTINGS.format(port=sink.port)) as host:
        try:
            disk = SmallDisk(kind, host.folder / "state")
        except SmallDisk.Unavailable as why:
            print(f"      skipped: no {kind} can be mounted here: {why}")
            return
        with disk:
            host.start()
            numbers = Numbers(host)
            for _ in range(20):
                expect(numbers.publish()[0] == 202, "an event was refused with the disk nearly empty")
            for _ in range(2):  # once it has recovered, it does so again
                disk.fill()
                expect_problem(numbers.publish_until_refused(2000, filling=20_000), 507, "STORE_FULL", "no space left")
                for _ in range(5):
                    expect_problem(numbers.publish(filling=200_000), 507, "STORE_FULL", "no space left")
                expect(ask(host, "GET", "/v1/queue")[0] == 200, "the queue cannot be looked at while the disk is full")
                expect(ask(host, "GET", "/healthz")[0] == 200, "/healthz does not answer while the disk is full")
                disk.free()
                wait_until(lambda: numbers.publish()[0] == 202, 30, "events are taken again with space freed")
                wait_until_drained(host)
            lines = host.log_text().count("no space left for the store")
            expect(1 <= lines <= 4, f"the log has {lines} lines about a disk that was full for a moment")
            status, _ = host.terminate()
            expect(status == 0, f"the host ended with {status}")
            copies = check(host, numbers.acknowledged, sink.raw_mails(), set())
            expect(copies == 0, f"{copies} mails arrived twice, though nothing was killed")
            print(f"      {kind}: {len(numbers.acknowledged)} acknowledged of {numbers.next - 1}")


def a_full_tmpfs_is_507_and_nothing_is_lost_and_with_space_it_goes_on_by_itself():
    fill_and_free("tmpfs")


def a_full_ext4_is_507_and_nothing_is_lost_and_with_space_it_goes_on_by_itself():
    fill_and_free("ext4")


def a_host_on_a_full_or_read_only_disk_says_so_and_does_not_start():
    with MailSink() as sink, Killable(TOCSIN, SETTINGS.format(port=sink.port)) as host:
        try:
            disk = SmallDisk("tmpfs", host.folder / "state")
        except SmallDisk.Unavailable as why:
            print(f"      skipped: no tmpfs can be mounted here: {why}")
            return
        with disk:
            for damage, words in ((disk.fill, "No space left on device|database or disk is full|no space"),
                                  (disk.read_only, "Read-only file system|readonly database")):
                damage()
                began = len(host.log_text())
                host.start(ready=False)
                status = host.process.wait(timeout=30)
                said = host.log_text()[began:]
                expect(status in (1, 3), f"the host ended with {status}:\n{said}")
                expect(re.search(words, said) and str(host.folder / "state") in said, f"it says:\n{said}")
                expect("begin with an empty store" not in said, f"it says to put a good store away:\n{said}")


def a_write_that_finds_no_space_or_no_quota_is_507_and_later_ones_are_taken():
    for error in ("ENOSPC", "EDQUOT"):
        some_writes_find_no_space(error)


def some_writes_find_no_space(error):
    with MailSink() as sink, Killable(TOCSIN, SETTINGS.format(port=sink.port)) as host:
        host.start()
        host.terminate()
        host.start_injected("pwrite64", f"error={error}:when=30..45")
        wait_until(host.answers, 60, "the host is ready")
        numbers = Numbers(host)
        expect_problem(numbers.publish_until_refused(60), 507, "STORE_FULL", "no space left")
        wait_until(lambda: numbers.publish()[0] == 202, 30, "events are taken again")
        wait_until_drained(host)
        host.stop_traced()
        expect(check(host, numbers.acknowledged, sink.raw_mails(), set()) == 0, "a mail arrived twice")


without_mounts = enter_own_mounts()
if without_mounts:
    print(f"      no disk can be mounted here ({without_mounts}): disks that are really full are left out")
skip_without_strace()
sys.exit(run_tests([
    after_a_sync_that_fails_nothing_is_acknowledged_and_a_restart_has_all_that_was,
    after_a_write_that_fails_nothing_is_acknowledged_and_a_restart_has_all_that_was,
    a_disk_that_becomes_read_only_is_named_as_that,
    one_failed_sync_stays_a_failure_although_later_ones_would_succeed,
    a_write_that_finds_no_space_or_no_quota_is_507_and_later_ones_are_taken,
    a_full_tmpfs_is_507_and_nothing_is_lost_and_with_space_it_goes_on_by_itself,
    a_full_ext4_is_507_and_nothing_is_lost_and_with_space_it_goes_on_by_itself,
    a_host_on_a_full_or_read_only_disk_says_so_and_does_not_start,
]))
