"""The flags of `tocsin plugin test`, on planted plugins: what each changes, and what it leaves as it is.

usage: flags_test.py TOCSIN PLANTED_SO CLIENT_SO SERVICE_SO
"""
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from tocsin import expect, run_tests  # noqa: E402

TOCSIN, PLANTED, CLIENT, SERVICE = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:5])
NAME = "planted-1234567"  # what the client's schema asks for, and the kit cannot guess


def plugin_test(*arguments, fault="", cwd=None, library=PLANTED):
    return subprocess.run([TOCSIN, "plugin", "test", str(library), *arguments], capture_output=True, text=True, cwd=cwd,
                          env=dict(os.environ, PLANTED_BUG=fault), check=False, timeout=100, stdin=subprocess.DEVNULL)


def report_of(*arguments, **more):
    done = plugin_test(*arguments, "--json", **more)
    expect(done.returncode in (0, 1), done)
    return json.loads(done.stdout)


def names_of(report):
    return [one["case"] for one in report["cases"]]


def whats_of(report):
    return [breach["what"] for one in report["cases"] for breach in one.get("breaches", [])]


def folder():
    return tempfile.TemporaryDirectory(prefix="tocsin-flags-")


def only_chooses_by_name_or_pattern():
    listed = [one["case"] for one in json.loads(plugin_test("--list", "--json").stdout)]
    channel = [name for name in listed if name.startswith("channel.")]
    expect(len(channel) > 3, listed)
    expect(names_of(report_of("--only", "channel.*")) == channel, "not the cases of channel")
    chosen = ["manifest.valid", "preset.pure", "entry.table"]
    ran = names_of(report_of(*[word for name in ("preset.pur?", *chosen[::2]) for word in ("--only", name)]))
    expect(ran == [name for name in listed if name in chosen], f"it ran {ran}")
    shown = [one["case"] for one in json.loads(plugin_test("--list", "--json", "--only", "channel.*").stdout)]
    expect(shown == channel, f"it lists {shown}")


def a_case_that_is_not_there_is_a_wrong_call():
    for name in ("channel.made-up", "channel", "Channel.batch", ""):
        done = plugin_test("--only", name)
        expect(done.returncode == 2 and "no case has a name like that" in done.stderr and not done.stdout, done)


def in_process_comes_to_the_same_verdict():
    for fault in ("channel.completes-each-once", "health.says-why", "log.nul", ""):
        case = fault if "." in fault and not fault.startswith("log") else "lifecycle.start-stop-start"
        apart, inside = (report_of("--only", case, "--seed", "5", *mode, fault=fault) for mode in ((), ("--in-process",)))
        expect(apart["failed"] == inside["failed"] == (1 if fault else 0), f"{fault}: {apart} {inside}")
        expect(whats_of(apart) == whats_of(inside), f"{fault}: {whats_of(apart)}, in process {whats_of(inside)}")


def in_process_has_one_process():
    """Apart, a crash is a result; in process it ends the command: that is what a debugger is for."""
    case = ("--only", "lifecycle.start-stop-start")
    expect(plugin_test(*case, fault="crash").returncode == 1, "a crash is not told")
    expect(plugin_test(*case, "--in-process", fault="crash").returncode == -11, "the crash was in another process")


def a_seed_repeats_a_run_and_another_one_differs():
    def counts(*seed):
        return report_of("--only", "subscriber.takes-events", *seed, fault="counts-aloud")

    first, again, other = counts("--seed", "1"), counts("--seed", "1"), counts("--seed", "2")
    expect(len(whats_of(first)) > 1, first)
    expect(whats_of(first) == whats_of(again), f"{whats_of(first)} {whats_of(again)}")
    expect(whats_of(first) != whats_of(other), whats_of(other))
    expect(first["seed"] == 1 and other["seed"] == 2, f"{first['seed']} {other['seed']}")


def nought_is_a_seed_like_any_other():
    first, again = (report_of("--only", "subscriber.takes-events", "--seed", "0", fault="counts-aloud") for _ in "ab")
    expect(first["seed"] == again["seed"] == 0, f"{first['seed']} {again['seed']}")
    expect(whats_of(first) == whats_of(again), f"{whats_of(first)} {whats_of(again)}")
    seeds = {report_of("--only", "manifest.valid")["seed"] for _ in range(4)}
    expect(len(seeds) > 1, f"without --seed it always takes {seeds}")


def the_printed_command_fails_again_with_the_same_words():
    with folder() as work:
        os.chmod(work, 0o755)
        odd = pathlib.Path(work) / "an author's folder"
        odd.mkdir()
        library = pathlib.Path(shutil.copy(PLANTED, odd / "planted; one.so"))
        settings = odd / "settings.json"
        settings.write_text(json.dumps({"name": "it's one"}))
        link = pathlib.Path(work) / "bin"
        link.mkdir()
        (link / "tocsin").symlink_to(TOCSIN)
        for given in ("{\"name\": \"it's $HOME\"}", settings.name):
            arguments = ("--only", "subscriber.*", "--settings", given, "--timeout", "30", "--call-limit", "9")
            first = report_of(*arguments, fault="counts-aloud", cwd=odd, library=library.name)
            printed = next(one["reproduce"] for one in first["cases"] if one["verdict"] == "failed")
            shown = plugin_test(*arguments, "--seed", str(first["seed"]), fault="counts-aloud", cwd=odd,
                                library=library.name).stdout
            expect(printed in shown, f"{printed} is not in {shown}")
            environment = dict(os.environ, PLANTED_BUG="counts-aloud", PATH=f"{link}:{os.environ['PATH']}")
            done = subprocess.run(["sh", "-c", printed + " --json"], capture_output=True, text=True, env=environment,
                                  cwd="/", check=False, timeout=100)
            expect(done.returncode == 1, f"{printed}: {done}")
            again = json.loads(done.stdout)
            expect(again["seed"] == first["seed"] and whats_of(again) == whats_of(first),
                   f"{printed}: {whats_of(again)}, first {whats_of(first)}")
            for words in ("--timeout 30", "--call-limit 9", "--settings", str(odd)):
                expect(any(words in word for word in (printed, *shlex.split(printed))), printed)


def junit_says_what_json_says():
    with folder() as work:
        file = pathlib.Path(work) / "report.xml"
        # subscriber.* fails, the rest of these holds; the client's cases are skipped, since it lacks its service.
        failing = report_of("--only", "subscriber.*", "--only", "entry.*", "--junit", str(file), fault="counts-aloud")
        check_same(file, failing)
        expect(failing["failed"] > 0 and failing["ok"] > 0, failing)
        skipping = report_of("--settings", json.dumps({"name": NAME}), "--only", "lifecycle.*", "--junit", str(file),
                             library=CLIENT)
        check_same(file, skipping)
        expect(skipping["skipped"] > 0, skipping)


def check_same(file, report):
    suite = xml.etree.ElementTree.parse(file).getroot()
    expect(suite.tag == "testsuite" and suite.get("name") == report["id"], suite.attrib)
    for name, count in (("tests", len(report["cases"])), ("failures", report["failed"]), ("skipped", report["skipped"])):
        expect(int(suite.get(name)) == count, f"{name}: {suite.attrib}")
    cases = list(suite.iter("testcase"))
    expect([case.get("name") for case in cases] == names_of(report), "other cases")
    for case, one in zip(cases, report["cases"]):
        failure, skipped = case.find("failure"), case.find("skipped")
        expect((failure is not None) == (one["verdict"] == "failed"), f"{one} {case.attrib}")
        expect((skipped is not None) == (one["verdict"] == "skipped"), f"{one} {case.attrib}")
        if failure is not None:
            first = one["breaches"][0]
            expect(failure.get("message") == first["what"] and first["law"] in failure.text, failure.attrib)
            expect(one["reproduce"] in failure.text, failure.text)
        if skipped is not None:
            expect(skipped.get("message") == one["reason"], skipped.attrib)


def whatever_a_plugin_says_the_reports_can_be_read():
    with folder() as work:
        file = pathlib.Path(work) / "report.xml"
        case = "lifecycle.start-stop-start"
        report = report_of("--only", case, "--junit", str(file), fault="prints")
        check_same(file, report)
        failure = xml.etree.ElementTree.parse(file).getroot().find("testcase/failure")
        expect('not UTF-8: "<"one" & \\xff"' in failure.get("message"), failure.get("message"))
        said = [line for line in failure.text.splitlines() if "it said" in line]
        expect(any('<"odd" &' in line for line in said), said)
        expect(any("\\xff" in line for line in said), said)
        expect(any(one.startswith('<"odd" & \0') for one in report["cases"][0]["log"]), report["cases"][0]["log"])
        shown = plugin_test("--only", case, fault="prints").stdout
        expect(not set(shown) & set("\0\x1b"), "a terminal would obey the plugin")
        expect("again" in shown.splitlines()[-3], shown)


def a_report_that_cannot_be_written_is_an_error():
    with folder() as work:
        done = plugin_test("--only", "manifest.valid", "--junit", f"{work}/nowhere/report.xml")
        expect(done.returncode == 2 and "cannot write" in done.stderr, done)


def a_setting_that_the_kit_cannot_guess_is_asked_for():
    only = ("--only", "channel.open-close", "--with", SERVICE)
    done = plugin_test(*only, library=CLIENT)
    expect(done.returncode == 2 and 'no value for the required setting "name"' in done.stderr, done)
    expect("--settings" in done.stderr, done)
    with folder() as work:
        file = pathlib.Path(work) / "settings.json"
        file.write_text(json.dumps({"name": NAME}))
        for given in (json.dumps({"name": NAME}), str(file)):
            report = report_of(*only, "--settings", given, library=CLIENT)
            expect(report["ok"] == 1, report)
        for given, words in (('{"name": "planted-1"}', "do not hold the manifest's schema"), ("{", "not a JSON object"),
                             (f"{work}/nowhere.json", "nowhere.json")):
            done = plugin_test(*only, "--settings", given, library=CLIENT)
            expect(done.returncode == 2 and words in done.stderr and not done.stdout, done)


def a_plugin_that_needs_another_one_is_skipped_without_it():
    settings = ("--settings", json.dumps({"name": NAME}))
    only = ("--only", "lifecycle.start-stop-start", "--only", "channel.completes-each-once")
    report = report_of(*settings, *only, library=CLIENT)
    expect(report["skipped"] == 2, report)
    for one in report["cases"]:
        expect("org.example.colour/1" in one["reason"] and "--with" in one["reason"], one)
    expect(report_of(*settings, *only, "--with", SERVICE, library=CLIENT)["ok"] == 2, "not with it")
    expect(report_of(*settings, *only, "--with", PLANTED, library=CLIENT)["skipped"] == 2, "served by one that does not")
    done = plugin_test(*settings, *only, "--with", "nowhere.so", library=CLIENT)
    expect(done.returncode == 2 and "nowhere.so" in done.stderr, done)


def a_number_that_cannot_be_is_a_wrong_call():
    for given in (("--timeout", "0"), ("--timeout", "soon"), ("--seed", "-1"), ("--seed", "x")):
        done = plugin_test("--only", "manifest.valid", *given)
        expect(done.returncode == 2 and not done.stdout, done)


sys.exit(run_tests([only_chooses_by_name_or_pattern, a_case_that_is_not_there_is_a_wrong_call,
                    in_process_comes_to_the_same_verdict, in_process_has_one_process,
                    a_seed_repeats_a_run_and_another_one_differs, nought_is_a_seed_like_any_other,
                    the_printed_command_fails_again_with_the_same_words, junit_says_what_json_says,
                    whatever_a_plugin_says_the_reports_can_be_read, a_report_that_cannot_be_written_is_an_error,
                    a_setting_that_the_kit_cannot_guess_is_asked_for,
                    a_plugin_that_needs_another_one_is_skipped_without_it,
                    a_number_that_cannot_be_is_a_wrong_call]))
