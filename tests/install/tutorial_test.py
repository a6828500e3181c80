"""What docs/plugin-authoring.md tells an author to type, done word by word with the installed SDK: in each language from
`plugin new` to a message that a running host handed to the new channel, then a build without CMake, signed, and the
manifest's sample.

usage: tutorial_test.py BUILD_FOLDER SOURCE_FOLDER"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from tocsin import expect, run_tests, wait_until  # noqa: E402

BUILD, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
GUIDE = (SOURCE / "docs/plugin-authoring.md").read_text()
TUTORIAL = "## From nothing to a running channel"


def blocks(heading, language):
    """The code of that language between a heading and the next one."""
    begin = GUIDE.index(f"\n{heading}\n") + 1
    section = re.split(r"^#+ ", GUIDE[begin + len(heading):], maxsplit=1, flags=re.M)[0]
    return re.findall(rf"^```{language}\n(.*?)^```", section, re.S | re.M)


def edited(text, patch):
    """Puts the lines with a plus behind the line that stands before them."""
    before = None
    for line in patch.splitlines():
        if line.startswith("+"):
            expect(text.count(before + "\n") == 1, f"the template has no line {before!r}")
            text = text.replace(before + "\n", before + "\n" + line[1:] + "\n")
        else:
            before = line[1:]
    return text


class Author:
    """An empty folder, and a shell that finds the installed Tocsin."""

    def __init__(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-tutorial-", dir=INSTALLED.parent))
        os.chmod(self.work, 0o755)
        self.folder = self.work
        self.environment = dict(os.environ, CCACHE_DISABLE="1", CMAKE_PREFIX_PATH=str(INSTALLED),
                                PKG_CONFIG_PATH=str(next(INSTALLED.glob("lib*/**/pkgconfig"))),
                                PATH=f"{INSTALLED}/bin:{os.environ['PATH']}")
        self.environment.pop("CARGO_TARGET_DIR", None)
        self.host = None

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.host and self.host.poll() is None:
            self.host.kill()
            self.host.wait()
        shutil.rmtree(self.work, ignore_errors=True)

    def shell(self, commands):
        done = subprocess.run(["bash", "-e", "-c", commands], cwd=self.folder, env=self.environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=200)
        expect(done.returncode == 0, f"this exited {done.returncode}:\n{commands}\n{done.stdout}")
        return done.stdout

    def serve(self):
        log = open(self.work / "serve.log", "ab")
        self.host = subprocess.Popen(["tocsin", "serve"], cwd=self.folder, env=self.environment, stdout=log, stderr=log)
        wait_until(self.is_up, 30, "the host is ready")

    def is_up(self):
        expect(self.host.poll() is None, (self.work / "serve.log").read_text())
        return subprocess.run(["tocsin", "queue", "list"], cwd=self.folder, env=self.environment,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

    def stop(self):
        self.host.send_signal(signal.SIGINT)
        expect(self.host.wait(timeout=30) == 0, (self.work / "serve.log").read_text())


def published_and_delivered(author, settings, use):
    """Steps 3 and 4, in the author's folder."""
    publish = use.splitlines()[0]
    config = author.folder / "tocsin.toml"
    config.write_text(settings + '\n[http]\nlisten = "127.0.0.1:0"\n')  # tests share the machine's ports
    author.shell("tocsin config check")
    author.serve()
    author.shell(publish)
    notes = author.folder / "notes.txt"
    wait_until(notes.exists, 20, "the message is in the file")
    wait_until(lambda: "delivered" in author.shell("tocsin queue list"), 20, "it is delivered")
    author.shell(use)
    expect(notes.read_text().startswith("Type: org.example.build.failed\n"), notes.read_text())
    author.stop()

    config.write_text(config.read_text().replace('"notes.txt"', '"nowhere/notes.txt"'))
    author.serve()
    author.shell(publish)
    wait_until(lambda: "FILE_NOT_WRITTEN" in author.shell("tocsin queue list"), 20, "the code is shown")
    listed = json.loads(author.shell("tocsin queue list --json"))
    one, = [one for one in listed["deliveries"] if one["state"] == "deferred"]
    shown = author.shell(f"tocsin queue show {one['id']}")
    for words in ("The file could not be written.", "Check that the folder exists"):
        expect(words in shown, shown)
    author.stop()


def follow(author, make, source, patch, check):
    """Steps 1 and 2."""
    author.shell(make)
    author.folder = author.work / "my-channel"
    code = author.folder / source
    code.write_text(edited(code.read_text(), patch))
    tested = author.shell(check)
    expect(", 0 failed, " in tested, tested)


def the_tutorial_leads_to_a_message_of_ones_own_channel():
    make, check, use, _ = blocks(TUTORIAL, "sh")
    (patch,), (settings,) = blocks(TUTORIAL, "diff"), blocks(TUTORIAL, "toml")
    with Author() as author:
        follow(author, make, "plugin.cpp", patch, check)
        published_and_delivered(author, settings, use)


def so_does_the_one_in_c():
    (make, check), (patch,) = blocks("### In C", "sh"), blocks("### In C", "diff")
    with Author() as author:
        follow(author, make, "plugin.c", patch, check)
        published_and_delivered(author, blocks(TUTORIAL, "toml")[0], blocks(TUTORIAL, "sh")[2])


def so_does_the_one_in_rust():
    if shutil.which("cargo") is None:
        print("there is no cargo here: the tutorial in Rust is left out")
        return
    (make, check), (patch,) = blocks("### In Rust", "sh"), blocks("### In Rust", "diff")
    (folders,), (settings,) = blocks("### In Rust", "toml"), blocks(TUTORIAL, "toml")
    settings, replaced = re.subn(r"^plugin_dirs = .*\n", folders, settings, flags=re.M)
    expect(replaced == 1, settings)
    with Author() as author:
        follow(author, make, "src/lib.rs", patch, check)
        published_and_delivered(author, settings, blocks(TUTORIAL, "sh")[2])


def a_build_without_cmake_can_be_published_signed():
    make, _, _, without_cmake = blocks(TUTORIAL, "sh")
    sign, = blocks("## Publish it signed", "sh")
    with Author() as author:
        author.shell(make.splitlines()[0])
        author.folder = author.work / "my-channel"
        author.shell(without_cmake)
        tested = author.shell("tocsin plugin test my-channel.so --only 'entry.*' --only 'lifecycle.*'")
        expect(", 0 failed, 0 skipped" in tested, tested)
        author.shell("umask 077; " + sign)  # the private key is open to its owner alone
        shown = json.loads(author.shell("tocsin plugin verify my-channel.so --key my-plugins.pem --json"))
        expect(shown["signature"] == "valid", shown)
        tested = author.shell("tocsin plugin test my-channel.so --only lifecycle.start-stop-start")
        expect(" 1 ok, " in tested, tested)


def the_samples_of_the_manifest_are_valid():
    sample, = blocks("## Taking requests", "json")
    with Author() as author:
        author.shell("tocsin plugin new my-source --kind source --lang c")
        author.folder = author.work / "my-source"
        manifest = author.folder / "manifest.json"
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | json.loads("{" + sample + "}")))
        author.shell("cmake -B build && cmake --build build --target plugin")
        shown = json.loads(author.shell("tocsin plugin inspect build/lib/tocsin/plugins/my-source.so --json"))
        expect(shown["state"] == "verified" and "tocsin.http_route/1-draft" in shown["provides"], shown)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="tocsin-tutorial-") as place:
        os.chmod(place, 0o755)
        INSTALLED = pathlib.Path(place) / "prefix"
        subprocess.run(["cmake", "--install", BUILD, "--prefix", INSTALLED], check=True, stdout=subprocess.DEVNULL)
        status = run_tests([the_tutorial_leads_to_a_message_of_ones_own_channel, so_does_the_one_in_c,
                            so_does_the_one_in_rust, a_build_without_cmake_can_be_published_signed,
                            the_samples_of_the_manifest_are_valid])
    sys.exit(status)
