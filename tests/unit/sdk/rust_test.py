"""The Rust crate and the Rust templates: their own tests, and libraries that a host reads and that export one symbol.

usage: rust_test.py SOURCE_FOLDER BUILD_FOLDER TOCSIN        exit status 77: there is no cargo here
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "support"))
from tocsin import expect, run_tests  # noqa: E402

SOURCE, BUILD, TOCSIN = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
TEMPLATES = sorted((SOURCE / "sdk/template/rust").glob("*/Cargo.toml"))


def run(*command, cwd=SOURCE, **more):
    environment = dict(os.environ, CARGO_TARGET_DIR=str(BUILD / "rust"), **more)
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=environment, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=550)
    expect(done.returncode == 0, f"{command} in {cwd} exited {done.returncode}:\n{done.stdout}")
    return done.stdout


def copies():
    """The templates as projects, so that nothing is written into the sources."""
    folder = BUILD / "tests/rust_templates"
    shutil.rmtree(folder, ignore_errors=True)
    for cargo in TEMPLATES:
        kind = cargo.parent.name
        run(TOCSIN, "plugin", "new", f"ops-{kind}", "--kind", kind, "--lang", "rust", "--directory", folder / kind)
        yield kind, folder / kind


def the_crate_passes_its_own_tests_and_has_the_layouts_of_the_table():
    shutil.rmtree(BUILD / "tests/rust_crate", ignore_errors=True)
    crate = BUILD / "tests/rust_crate/sdk/rust"
    shutil.copytree(SOURCE / "sdk/rust", crate, ignore=shutil.ignore_patterns("target"))
    (BUILD / "tests/rust_crate/docs").mkdir()
    shutil.copy(SOURCE / "docs/abi-offsets.txt", BUILD / "tests/rust_crate/docs")
    output = run("cargo", "test", "--offline", cwd=crate, RUSTFLAGS="-D warnings")
    expect("every_struct_has_the_recorded_layout ... ok" in output, output)


def the_interface_in_rust_is_what_the_headers_say():
    run(sys.executable, SOURCE / "tools/make-rust-abi", "--check")


def every_template_passes_its_test_and_conforms_and_exports_one_symbol():
    seen = 0
    for kind, project in copies():
        run("cargo", "test", "--offline", cwd=project)
        run("cargo", "build", "--offline", cwd=project)
        library = BUILD / "rust/debug/libplugin.so"
        own = BUILD / f"tests/rust_templates/{kind}.so"
        shutil.copy(library, own)
        found = json.loads(run(TOCSIN, "plugin", "inspect", own, "--json"))
        expect((found["id"], found["state"]) == (f"ops-{kind}", "verified"), f"{kind}: inspect says {found}")
        run(TOCSIN, "plugin", "test", own)
        symbols = {line.split()[-1] for line in run("nm", "-D", "--defined-only", own).splitlines()}
        expect(symbols == {"tocsin_plugin_entry_v1"}, f"{kind} exports {symbols}")
        seen += 1
    expect(seen == 5, f"{seen} templates")


if shutil.which("cargo") is None:
    print("skipped: there is no cargo here; tools/packages test installs it")
    sys.exit(77)
sys.exit(run_tests([the_interface_in_rust_is_what_the_headers_say,
                    the_crate_passes_its_own_tests_and_has_the_layouts_of_the_table,
                    every_template_passes_its_test_and_conforms_and_exports_one_symbol]))
