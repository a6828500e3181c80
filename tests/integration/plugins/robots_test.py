"""The robots, a plugin in C and the same in Rust, in the real program: requests, metrics, health, settings and deliveries
of plugins that were made with the helpers of their language.

usage: robots_test.py TOCSIN ROBOTS        ROBOTS: the library in C; or a Rust project with --build FOLDER --crate FOLDER
       exit status 77: there is no cargo here"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "support"))
import prometheus  # noqa: E402
from plugin_files import settings  # noqa: E402
from tocsin import Tocsin, expect, run_tests, wait_until  # noqa: E402

SECTIONS = """
[sources.hall]
plugin = "robots"
first = 8
last = 17
[channels.robots]
plugin = "robots"
[[routes]]
name = "all"
types = ["test.*"]
channels = ["robots"]
to = ["R1"]
"""

arguments = argparse.ArgumentParser()
arguments.add_argument("tocsin", type=pathlib.Path)
arguments.add_argument("robots", type=pathlib.Path)
arguments.add_argument("--build", type=pathlib.Path)
arguments.add_argument("--crate", type=pathlib.Path)
GIVEN = arguments.parse_args()
FOLDER = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-robots-"))


def build_in_rust():
    """The project's own test, then its library; in a copy, so that nothing is written into the sources."""
    project = FOLDER / "project"
    shutil.copytree(GIVEN.robots, project)
    cargo = project / "Cargo.toml"
    cargo.write_text(cargo.read_text().replace("../../../sdk/rust", str(GIVEN.crate)))
    environment = dict(os.environ, CARGO_TARGET_DIR=str(GIVEN.build), RUSTFLAGS="-D warnings")
    for what in ("test", "build"):
        done = subprocess.run(["cargo", what, "--offline"], cwd=project, env=environment, text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=280)
        expect(done.returncode == 0, done.stdout)
    return GIVEN.build / "debug/libplugin.so"


def host_with_robots(sections=SECTIONS):
    return Tocsin(GIVEN.tocsin.resolve(), settings([FOLDER / "plugins"], sections))


def beat(host, body):
    return host.request("POST", "/v1/sources/hall/heartbeat", body=body, content_type="application/json")


def scrape(host):
    connection = host.connection()
    try:
        connection.request("GET", "/metrics")
        return prometheus.parse(connection.getresponse().read())
    finally:
        connection.close()


def a_request_becomes_an_event_and_a_delivery_and_is_counted():
    with host_with_robots() as host:
        host.start()
        status, body = beat(host, json.dumps({"robot": "R\"2\"\n\\ caf\u00e9"}))
        expect(status == 202 and body == {"seen": True}, f"{status} {body}")
        status, body = beat(host, "{}")
        expect(status == 400 and body["detail"] == 'The body has no "robot".', f"{status} {body}")
        wait_until(lambda: [one for one in host.deliveries(event_id="1") if one["state"] == "delivered"], 20, "the delivery")
        now = scrape(host)
        counted = now["tocsin_robots_heartbeats_total"]
        expect((counted.value(result="taken"), counted.value(result="refused")) == (1, 1), counted.samples)
        expect(now["tocsin_robots_robots"].value() == 1, now["tocsin_robots_robots"].samples)
        sizes = now["tocsin_robots_request_bytes"]
        expect(sizes.value("_bucket", le="16") == 1 and sizes.value("_count") == 2, sizes.samples)
        status, listed = host.request("GET", "/v1/plugins")
        one = next(one for one in listed["plugins"] if one["id"] == "robots")
        expect((one["state"], one["health"]) == ("active", {"state": "good", "text": ""}), one)
        expect("misbehaving" not in host.log_text(), host.log_text())


def its_settings_are_checked_in_code_and_older_ones_are_brought_up_to_date():
    with host_with_robots(SECTIONS.replace("first = 8", "first = 17")) as host:
        said = host.run("config", "check").stdout
        expect("The first hour is not before the last." in said, said)
    with host_with_robots(SECTIONS.replace("first = 8\nlast = 17", "begin = 7")) as host:
        said = host.run("config", "check", check=0).stdout
        expect('"begin" became "first"' in said, said)


def inspect_shows_the_codes_that_it_may_report():
    with host_with_robots() as host:
        shown = host.run("plugin", "inspect", "robots", check=0, json_output=True)
        expect(shown["codes"] == [
            {"code": "OK", "stage": "", "class": "delivered", "explanation": "The robot took it.", "remedy": ""},
            {"code": "NO_ROBOT", "stage": "ask", "class": "transient", "explanation": "It is away.", "remedy": "Wait."}],
            str(shown["codes"]))


def the_conformance_kit_finds_nothing():
    done = subprocess.run([GIVEN.tocsin, "plugin", "test", FOLDER / "plugins/robots.so", "--seed", "1", "--timeout", "60"],
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=280)
    expect(done.returncode == 0, done.stdout)


if GIVEN.build and shutil.which("cargo") is None:
    print("skipped: there is no cargo here; tools/packages test installs it")
    sys.exit(77)
try:
    os.chmod(FOLDER, 0o755)
    (FOLDER / "plugins").mkdir(mode=0o755)
    shutil.copy(build_in_rust() if GIVEN.build else GIVEN.robots, FOLDER / "plugins/robots.so")
    status = run_tests([a_request_becomes_an_event_and_a_delivery_and_is_counted,
                        its_settings_are_checked_in_code_and_older_ones_are_brought_up_to_date,
                        inspect_shows_the_codes_that_it_may_report, the_conformance_kit_finds_nothing])
finally:
    shutil.rmtree(FOLDER, ignore_errors=True)
sys.exit(status)
