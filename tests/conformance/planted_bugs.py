"""Each case of the conformance kit must find the fault that the planted plugin has for it, for the right reason, and
nothing without it.

usage: planted_bugs.py TOCSIN PLANTED_SO EXPORTING_SO MANIFESTLESS_SO
"""
import concurrent.futures
import json
import os
import subprocess
import sys

# How a case ends that does not come to its end: the fault, the case, the time of a case and of a call, the call that is
# named and the words. A time that is long is one that must not be waited for.
RESTART = "lifecycle.start-stop-start"
ENDINGS = [("exit", RESTART, "20", "5", "start", "exit()"),
           ("crash", RESTART, "20", "5", "start", "it crashed: Segmentation fault"),
           ("hang", RESTART, "1", "3600", "start", "it was waiting for start"),
           ("hang", RESTART, "3600", "0.2", "start", "it did not return from start within 200 ms"),
           ("forgotten", "channel.completes-each-once", "3600", "5", "channel.deliver", "complete() was never called for 4 of"),
           ("forgotten", "channel.completes-each-once", "3600", "5", "channel.deliver", "nobody is left who could")]

# Cases that say of their fault what another law says: a part of the words, and the call that they are about.
OTHER_LAW = {
    "lifecycle.create-destroy": ("it crashed: Aborted", "destroy"),
    "lifecycle.start-stop-start": ('start() fails with a friendly host: "it was started before"', ""),
    "host.missing-extensions": ("it crashed: Aborted", "source.open"),
    "host.newer": ("it crashed: Aborted", "source.open"),
    "host.older": ("it used a field that the struct_size of", "source.open"),
    "channel.batch": ("complete() was never called for 7 of the deliveries that came in channel.deliver: one deliver() for two", "channel.deliver"),
    "channel.open-refuses-garbage": ("channel.open answered 1 and gave no reason", ""),
    "channel.deliver-hostile-text": ("it read past the size of what channel.deliver lent it", "channel.deliver"),
    "channel.cancel-at-once": ("the deliveries that came in channel.deliver: cancel() right after deliver()", "channel.deliver"),
    "channel.cancel-during": ("which it never got", "channel.cancel"),
    "channel.cancel-unknown": ("it answered delivery {0, 0}, which it never got", "channel.cancel"),
    "source.recall-failing": ("it crashed: Aborted", "timer.fired"),
    "source.close-stops-publishing": ("which is not open", "timer.fired"),
    "source.answered-after-close": ("which is not open", "source.published"),
    "timer.late-and-unknown-ids": ("it crashed: Aborted", "timer.fired"),
    "doctor.unknown-endpoint": ("done() was never called for a diagnosis", "doctor.diagnose"),
    "config.check-is-pure": ('its finding has the code "SETTINGS_INVALID" and the text ""', "config.check"),
    "subscriber.takes-events": ("it used what subscriber.events had lent it, after that call", "subscriber.events"),
    "threads.several-endpoints-at-once": ("that came in channel.deliver: deliver() and cancel() from several threads", "channel.deliver"),
}

# The kit waits for something that does not come for half of a case's time, and the rest is for a machine that is busy.
# The other cases have more than they need.
WAITS = {"channel.batch": "10", "channel.cancel-at-once": "10", "doctor.unknown-endpoint": "10",
         "secrets.several-at-once": "16", "http_route.several-at-once": "16", "threads.several-endpoints-at-once": "16",
         "outcome.struct_size": "10", "stage.unknown-run": "10", "throws.in-deliver": "10"}

# What the kit's host notices in every case: the case it is shown in, the law, and a part of the words.
TEXT, STRUCT_SIZE = "text is UTF-8", "every struct begins with its own size"
START, SOURCE, CHANNEL = "lifecycle.start-stop-start", "source.open-close", "channel.completes-each-once"
SECRETS, DOCTOR = "secrets.answers-each-once", "doctor.reports-in-order-and-ends"
COMPLETE, STAGE = "every delivery is completed exactly once", "stages come in the manifest's order"
SURVIVES = "a plugin never ends or blocks the process"
ALWAYS = {
    "find.in-create": (START, "services are looked up in start()", "services.find while it was created"),
    "find.after-start": (SOURCE, "services are looked up in start()", 'looked for "org.example.nothing/1" outside of'),
    "timer.in-create": (START, "timers are started while", "timer.start while it was created"),
    "reveal.in-create": (START, "secrets are revealed while", "secrets.reveal while it was created"),
    "log.line-break": (START, "the log takes one line", 'line break or NUL in it: "one\\x0atwo"'),
    "log.nul": (START, "the log takes one line", 'line break or NUL in it: "one\\x00two"'),
    "log.not-utf8": (START, TEXT, "the text of a log line is not UTF-8"),
    "log.null-with-size": (START, TEXT, "the text of a log line has a size of 5 and a null pointer"),
    "log.null-fields": (START, TEXT, "says that it has 3 fields, and they are null"),
    "context": (START, "tocsin_host.context is the first", "it called log.write with another context"),
    "metric.name": (START, "a metric has a name of", 'its metric\'s name is "Bad-Name"'),
    "metric.divisor": (START, "a metric has a name of", "the divisor of its metric ticks_total is below 1"),
    "metric.struct_size": (START, STRUCT_SIZE, "a tocsin_metric says struct_size 4"),
    "metric.unknown-series": (START, "a metric has a name of", "it recorded into series 99"),
    "publish.unknown-source": (START, "events are published for an open source", "source {99, 99}, which is not open"),
    "sink.kept": (START, "a sink is valid for the duration of its call", "after that call had returned"),
    "recall.own-thread": (SOURCE, "recall() is called within a call", "recall() on a thread of its own"),
    "recall.unknown-source": (SOURCE, "recall() is called within a call", "which is not open"),
    "event.no-id": (SOURCE, "an event has an id", 'it published an event with id ""'),
    "event.struct_size": (SOURCE, STRUCT_SIZE, "a tocsin_event says struct_size 4"),
    "outcome.unknown": (START, COMPLETE, "it answered delivery {99, 99}, which it never got"),
    "outcome.null-list": (START, COMPLETE, "its list of outcomes is null"),
    "outcome.transcript": (CHANNEL, "an outcome has a known class", "an outcome's transcript has 9000 bytes"),
    "secret_answer.unknown": (START, "every fetch() is answered", "it answered request {99, 99}, which it never got"),
    "secret_answer.no-reason": (SECRETS, "every fetch() is answered", 'without a secret gives as its reason ""'),
    "secret_answer.value-of-failure": (SECRETS, "every fetch() is answered", "that is not TOCSIN_OK, and a value"),
    "http_answer.unknown": (START, "every call is answered", "it answered call {99, 99}, which it never got"),
    "stage.detail": (DOCTOR, STAGE, "a stage's detail is not one line"),
    "stage.unknown-run": (DOCTOR, STAGE, "which it never got"),
    "throws.in-start": (START, SURVIVES, "an exception crossed from start into the host"),
    "throws.in-deliver": (CHANNEL, SURVIVES, "an exception crossed from channel.deliver into the host"),
    "throws.in-fired": ("timer.late-and-unknown-ids", SURVIVES, "an exception crossed from timer.fired into the host"),
    "throws.in-published": ("source.answered-after-close", SURVIVES,
                            "an exception crossed from source.published into the host"),
    "outcome.struct_size": (CHANNEL, STRUCT_SIZE, "a tocsin_outcome says struct_size 4"),
}
# What looks like a fault and is none, and the case that it is done in; "": nothing is done.
ALLOWED = {"": "*", "allowed.own-event": START}
LATE = "the case did not end within"


class Kit:
    def __init__(self, tocsin, planted, exporting, manifestless):
        self.tocsin, self.planted = tocsin, planted
        self.other = {"entry.exports-only-the-entry": exporting, "manifest.valid": manifestless}
        self.listed = {one["case"]: one for one in json.loads(self.call("--list", "--json").stdout)}

    def call(self, *arguments, fault=""):
        return subprocess.run([self.tocsin, "plugin", "test", *arguments], capture_output=True, text=True,
                              env=dict(os.environ, PLANTED_BUG=fault), check=False)

    def run(self, case, fault="", timeout=None, call_limit="60"):
        done = self.call(self.other.get(fault, self.planted), "--only", case, "--json", "--seed", "11", "--timeout",
                         timeout or WAITS.get(fault, "60"), "--call-limit", call_limit, fault=fault)
        if done.returncode not in (0, 1):
            sys.exit(f"{case}: exit status {done.returncode}: {done.stderr}")
        report = json.loads(done.stdout)
        return done.returncode, report, report["cases"]


def is_told(breach, law, words, call=""):
    return breach["law"].startswith(law) and words in breach["what"] and call in ("", breach["call"])


def check_case(kit, name):
    """Its own fault: told as its own law, or in the words of the table."""
    status, _, (found,) = kit.run(name, name)
    if status != 1 or found["verdict"] != "failed":
        return f"{name} does not find the fault that is planted for it: {found}"
    breaches = found["breaches"]
    if not all(breach["law"] and breach["header"] and breach["tag"] for breach in breaches):
        return f"{name} does not say which law was broken: {found}"
    if any(LATE in breach["what"] for breach in breaches):
        return f"{name} only ran out of time: {found}"
    own = kit.listed[name]["law"]
    right = [breach for breach in breaches
             if (is_told(breach, "", *OTHER_LAW[name]) if name in OTHER_LAW else breach["law"] == own)]
    return "" if right else f"{name} finds something else than what is planted for it: {found}"


def check_always(kit, fault):
    case, law, words = ALWAYS[fault]
    _, _, (found,) = kit.run(case, fault)
    if any(is_told(breach, law, words) for breach in found.get("breaches", [])):
        return ""
    return f"{fault} is not told as \"{law}\", \"{words}\": {found}"


def check_ending(kit, ending):
    fault, case, timeout, call_limit, call, words = ending
    _, report, (found,) = kit.run(case, fault, timeout, call_limit)
    if not any(is_told(breach, "", words, call) for breach in found.get("breaches", [])):
        return f"{fault}: not told as \"{words}\" in {call}: {found}"
    if (report["id"], report["version"]) != ("planted", "1.0.0") or len(report["build_id"]) < 16:
        return f"{fault}: the report does not name the plugin: {report}"
    return ""


def check_nothing(kit, fault):
    status, _, cases = kit.run(ALLOWED[fault], fault)
    wrong = [f"{found['case']} finds a fault where none is planted: {found}" for found in cases
             if found["verdict"] != "ok"]
    return "\n".join(wrong) or ("" if status == 0 else f"exit status {status} without a fault")


def main():
    kit = Kit(*sys.argv[1:])
    assert len(kit.listed) > 40, kit.listed
    unknown = set(OTHER_LAW) - set(kit.listed)
    assert not unknown, f"the table has cases that are not there: {unknown}"
    work = [(check_case, name) for name in kit.listed] + [(check_always, fault) for fault in ALWAYS]
    work += [(check_ending, ending) for ending in ENDINGS]
    work += [(check_nothing, fault) for fault in ALLOWED]
    work.sort(key=lambda one: one[1] not in WAITS)  # the long ones first
    with concurrent.futures.ThreadPoolExecutor(6) as pool:  # they mostly wait
        wrong = [words for words in pool.map(lambda one: one[0](kit, one[1]), work) if words]
    print(*wrong, sep="\n")
    print(f"{len(work)} faults, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
