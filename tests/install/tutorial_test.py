"""The tutorial of docs/plugin-authoring.md, done word by word with the installed SDK: from `plugin new` to a message
that a running host handed to the new channel.

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
TUTORIAL = GUIDE[GUIDE.index("## From nothing to a running channel"):]
TUTORIAL = TUTORIAL[:TUTORIAL.index("\n## ", 1)]


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", TUTORIAL, re.S | re.M)


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
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-tutorial-"))
        os.chmod(self.work, 0o755)
        self.prefix = self.work / "prefix"
        subprocess.run(["cmake", "--install", BUILD, "--prefix", self.prefix], check=True, stdout=subprocess.DEVNULL)
        self.folder = self.work
        self.environment = dict(os.environ, CCACHE_DISABLE="1", CMAKE_PREFIX_PATH=str(self.prefix),
                                PATH=f"{self.prefix}/bin:{os.environ['PATH']}")
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


def the_tutorial_leads_to_a_message_of_ones_own_channel():
    make, check, use = blocks("sh")
    (patch,), (settings,) = blocks("diff"), blocks("toml")
    publish = use.splitlines()[0]
    with Author() as author:
        author.shell(make)
        author.folder = author.work / "my-channel"
        code = author.folder / "plugin.cpp"
        code.write_text(edited(code.read_text(), patch))
        author.shell(check)
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


if __name__ == "__main__":
    sys.exit(run_tests([the_tutorial_leads_to_a_message_of_ones_own_channel]))
