"""Each case of the conformance kit must find the fault that the planted plugin has for it, and nothing without it.

usage: planted_bugs.py TOCSIN PLANTED_SO EXPORTING_SO MANIFESTLESS_SO
"""
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


def run(tocsin, library, case, fault="", timeout=None, call_limit="60"):
    # A fault may be that nothing comes, and the kit then waits for half of the time; without one it must not hurry.
    environment = dict(os.environ, PLANTED_BUG=fault)
    done = subprocess.run([tocsin, "plugin", "test", library, "--only", case, "--json", "--seed", "11",
                           "--timeout", timeout or ("2" if fault else "60"), "--call-limit", call_limit],
                          capture_output=True, text=True, env=environment, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"{case}: exit status {done.returncode}: {done.stderr}")
    report = json.loads(done.stdout)
    return done.returncode, report, report["cases"][0]


def main():
    tocsin, planted, exporting, manifestless = sys.argv[1:]
    listed = json.loads(subprocess.run([tocsin, "plugin", "test", "--list", "--json"], check=True, capture_output=True,
                                       text=True).stdout)
    names = [one["case"] for one in listed]
    assert len(names) == len(set(names)) > 40, names
    other = {"entry.exports-only-the-entry": exporting, "manifest.valid": manifestless}
    wrong = []
    for name in names:
        status, _, found = run(tocsin, other.get(name, planted), name, name)
        if status != 1 or found["verdict"] != "failed":
            wrong.append(f"{name} does not find the fault that is planted for it: {found}")
        elif not all(breach["law"] and breach["header"] and breach["tag"] for breach in found["breaches"]):
            wrong.append(f"{name} does not say which law was broken: {found}")
    for fault, case, timeout, call_limit, call, words in ENDINGS:
        status, report, found = run(tocsin, planted, case, fault, timeout, call_limit)
        told = [breach for breach in found.get("breaches", []) if words in breach["what"]]
        if status != 1 or not told or told[0]["call"] != call:
            wrong.append(f"{fault}: not told as \"{words}\" in {call}: {found}")
        if (report["id"], report["version"]) != ("planted", "1.0.0") or len(report["build_id"]) < 16:
            wrong.append(f"{fault}: the report does not name the plugin: {report}")
    status, report, _ = run(tocsin, planted, "*")
    for found in report["cases"]:
        if found["verdict"] != "ok":
            wrong.append(f"{found['case']} finds a fault where none is planted: {found}")
    print(*wrong, sep="\n")
    print(f"{len(names)} cases, {len(wrong)} wrong")
    return 1 if wrong or status else 0


if __name__ == "__main__":
    sys.exit(main())
