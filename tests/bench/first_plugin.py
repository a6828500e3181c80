"""How long a newcomer waits: `plugin new`, build, its test and the conformance kit, in a clean folder with only the
installed SDK and program. Prints the seconds of each step and language, and fails if a language takes longer than the
limit.

usage: first_plugin.py BUILD_FOLDER [--limit SECONDS]        exit status 77: no cargo here; C++ and C were tried
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time


class Newcomer:
    def __init__(self, build, work):
        self.work, self.prefix = work, work / "prefix"
        for part in ("sdk", "program"):
            subprocess.run(["cmake", "--install", build, "--prefix", self.prefix, "--component", part], check=True,
                           stdout=subprocess.DEVNULL)
        # Nothing of another build: no cache, and the crate of this SDK.
        self.environment = dict(os.environ, CCACHE_DISABLE="1", CMAKE_PREFIX_PATH=str(self.prefix))
        self.environment.pop("CARGO_TARGET_DIR", None)

    def run(self, *command, cwd=None):
        """The seconds that it took."""
        began = time.monotonic()
        done = subprocess.run([str(part) for part in command], cwd=cwd or self.work, env=self.environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            sys.exit(f"{command} exited {done.returncode}:\n{done.stdout}")
        return time.monotonic() - began

    def build_with_cmake(self, project, language):
        steps = {"build": self.run("cmake", "-B", "build", "-DCMAKE_BUILD_TYPE=Release", cwd=project)}
        steps["build"] += self.run("cmake", "--build", "build", cwd=project)
        steps["test"] = self.run("ctest", "--test-dir", "build", "--no-tests=error", cwd=project)
        cache = (project / "build/CMakeCache.txt").read_text()
        if str(self.prefix) not in cache.split("Tocsin_DIR:PATH=")[1].splitlines()[0]:
            sys.exit(f"{language}: another SDK than the installed one was used")
        return steps, project / f"build/lib/tocsin/plugins/first-{language}.so"

    def build_with_cargo(self, project):
        if str(self.prefix / "share/tocsin/rust") not in (project / "Cargo.toml").read_text():
            sys.exit("rust: another crate than the installed one is named")
        steps = {"build": self.run("cargo", "build", "--release", "--offline", cwd=project)}
        steps["test"] = self.run("cargo", "test", "--offline", cwd=project)
        return steps, project / "target/release/libplugin.so"

    def first_plugin(self, language):
        project, tocsin = self.work / language, self.prefix / "bin/tocsin"
        steps = {"new": self.run(tocsin, "plugin", "new", f"first-{language}", "--kind", "channel", "--lang", language,
                                 "--directory", project)}
        more, library = self.build_with_cargo(project) if language == "rust" else self.build_with_cmake(project, language)
        steps.update(more)
        steps["conformance"] = self.run(tocsin, "plugin", "test", library)
        return steps


def main():
    words = argparse.ArgumentParser()
    words.add_argument("build", type=pathlib.Path)
    words.add_argument("--limit", type=float, default=float("inf"))
    given = words.parse_args()
    late = []
    has_cargo = shutil.which("cargo") is not None
    with tempfile.TemporaryDirectory(prefix="tocsin-first-") as folder:
        os.chmod(folder, 0o755)
        newcomer = Newcomer(given.build.resolve(), pathlib.Path(folder).resolve())
        for language in ("cpp", "c", "rust") if has_cargo else ("cpp", "c"):
            steps = newcomer.first_plugin(language)
            seconds = sum(steps.values())
            shown = ", ".join(f"{name} {took:.1f}" for name, took in steps.items())
            print(f"{language}: {seconds:.1f} s ({shown})", flush=True)
            if seconds > given.limit:
                late.append(f"{language} took {seconds:.1f} s, and the limit is {given.limit:g} s")
    if late:
        sys.exit("\n".join(late))
    if not has_cargo:
        print("rust: skipped, there is no cargo here")
    return 0 if has_cargo else 77


sys.exit(main())
