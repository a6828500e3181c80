"""`tocsin plugin new`: what it makes of every template, and what it refuses.

usage: plugin_new_test.py TOCSIN TEMPLATES
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from tocsin import expect, run_tests  # noqa: E402

TOCSIN, TEMPLATES = sys.argv[1], pathlib.Path(sys.argv[2])
SOURCES = {"c": "plugin.c", "cpp": "plugin.cpp", "rust": "src/lib.rs"}
KINDS = sorted(path.parent.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.glob("*/*/manifest.json"))


def plugin_new(folder, *arguments):
    return subprocess.run([TOCSIN, "plugin", "new", *arguments], cwd=folder, capture_output=True, text=True, timeout=60)


def own_lines(language, text):
    """Lines that are neither blank, nor comments, nor includes, nor a Rust source's tests."""
    if language == "rust":
        text = text.split("#[cfg(test)]")[0]
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return [line for line in text.splitlines() if line.strip() and not re.match(r"\s*(//|#include|use )", line)]


def every_template_becomes_a_project_of_that_name():
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            language, what = kind.split("/")
            name = f"ops-{language}-{what}"
            done = plugin_new(folder, name, "--kind", what, "--lang", language)
            expect(done.returncode == 0, f"{kind}: {done.stderr}")
            made = pathlib.Path(folder) / name
            manifest = json.loads((made / "manifest.json").read_text())
            expect(manifest["id"] == name, f"{kind}: the id is {manifest['id']}")
            expect(manifest["title"] == f"Ops {language} {what}", f"{kind}: the title is {manifest['title']}")
            for path in made.rglob("*"):
                if path.is_file():
                    expect("my-plugin" not in path.read_text() and "My plugin" not in path.read_text(),
                           f"{path} still bears the template's name")
            expect((made / "README.md").is_file(), f"{kind}: no README.md")


def an_author_begins_with_at_most_40_lines():
    for kind in KINDS:
        language = kind.split("/")[0]
        lines = own_lines(language, (TEMPLATES / kind / SOURCES[language]).read_text())
        expect(0 < len(lines) <= 40, f"{kind} has {len(lines)} lines")


def a_name_that_no_manifest_could_bear_is_refused():
    with tempfile.TemporaryDirectory() as folder:
        for name in ("Ops", "1ops", "ops-", "ops--x", "../ops", "ops_x", "o" * 65, ""):
            done = plugin_new(folder, "--kind", "channel", "--", name)
            expect(done.returncode == 2 and "cannot be a plugin's name" in done.stderr, f"{name}: {done}")
        expect(not list(pathlib.Path(folder).iterdir()), "it made something all the same")


def nothing_is_overwritten():
    with tempfile.TemporaryDirectory() as folder:
        inside = pathlib.Path(folder) / "ops"
        inside.mkdir()
        (inside / "manifest.json").write_text("mine")
        done = plugin_new(folder, "ops", "--kind", "channel")
        expect(done.returncode == 2 and "there already" in done.stderr, str(done))
        expect((inside / "manifest.json").read_text() == "mine", "it was overwritten")
        expect([path.name for path in inside.iterdir()] == ["manifest.json"], "something was added")


def the_project_goes_where_directory_says():
    with tempfile.TemporaryDirectory() as folder:
        done = plugin_new(folder, "ops", "--kind", "preset", "--directory", "deep/er/here", "--json")
        expect(done.returncode == 0, done.stderr)
        expect(json.loads(done.stdout)["directory"].endswith("/deep/er/here"), done.stdout)
        expect((pathlib.Path(folder) / "deep/er/here/plugin.cpp").is_file(), "it is not there")


sys.exit(run_tests([every_template_becomes_a_project_of_that_name, an_author_begins_with_at_most_40_lines,
                    a_name_that_no_manifest_could_bear_is_refused, nothing_is_overwritten,
                    the_project_goes_where_directory_says]))
