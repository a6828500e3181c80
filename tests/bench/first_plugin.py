"""How long a newcomer waits: `plugin new`, build, its test and, where this host has it, the conformance kit, in a clean
folder with only the installed SDK and program. Prints the seconds of each step and language.

usage: first_plugin.py BUILD_FOLDER
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

BUILD = pathlib.Path(sys.argv[1]).resolve()


def main():
    with tempfile.TemporaryDirectory(prefix="tocsin-first-") as folder:
        os.chmod(folder, 0o755)
        work, prefix = pathlib.Path(folder), pathlib.Path(folder) / "prefix"
        environment = dict(os.environ, CCACHE_DISABLE="1", CARGO_TARGET_DIR=str(work / "rust"))

        def run(*command, cwd=work):
            began = time.monotonic()
            done = subprocess.run([str(part) for part in command], cwd=cwd, env=environment, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
            if done.returncode != 0:
                sys.exit(f"{command} exited {done.returncode}:\n{done.stdout}")
            return time.monotonic() - began

        for part in ("sdk", "program"):
            run("cmake", "--install", BUILD, "--prefix", prefix, "--component", part)
        tocsin = prefix / "bin/tocsin"
        helps = subprocess.run([tocsin, "plugin", "--help"], capture_output=True, text=True).stdout
        has_kit = any(line.split()[:1] == ["test"] for line in helps.splitlines())
        for language in ("cpp", "c", "rust"):
            if language == "rust" and shutil.which("cargo") is None:
                print("rust: skipped, there is no cargo here")
                continue
            project = work / language
            steps = {"new": run(tocsin, "plugin", "new", f"first-{language}", "--kind", "channel", "--lang", language,
                                "--directory", project)}
            if language == "rust":
                steps["build"] = run("cargo", "build", "--release", "--offline", cwd=project)
                steps["test"] = run("cargo", "test", "--offline", cwd=project)
                library = work / "rust/release/libplugin.so"
            else:
                steps["build"] = run("cmake", "-S", project, "-B", project / "build", f"-DCMAKE_PREFIX_PATH={prefix}",
                                     "-DCMAKE_BUILD_TYPE=Release")
                steps["build"] += run("cmake", "--build", project / "build")
                steps["test"] = run("ctest", "--test-dir", project / "build")
                library = project / f"build/lib/tocsin/plugins/first-{language}.so"
            if has_kit:
                steps["conformance"] = run(tocsin, "plugin", "test", library)
            else:
                steps["inspect"] = run(tocsin, "plugin", "inspect", library)
            shown = ", ".join(f"{name} {seconds:.1f}" for name, seconds in steps.items())
            print(f"{language}: {sum(steps.values()):.1f} s ({shown})", flush=True)


main()
