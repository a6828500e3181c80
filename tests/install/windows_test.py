"""Plugins for Windows, built here with mingw-w64: they export the entry alone and carry a manifest that is read here.

usage: windows_test.py BUILD_FOLDER TOCSIN        exit status 77: there is no mingw-w64 here
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from tocsin import expect, run_tests  # noqa: E402

BUILD, TOCSIN = sys.argv[1], sys.argv[2]
COMPILER = "x86_64-w64-mingw32-"
WORK = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-windows-"))
PREFIX = WORK / "prefix"
TOOLCHAIN = f"""\
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER {COMPILER}gcc-posix)
set(CMAKE_CXX_COMPILER {COMPILER}g++-posix)
"""


def run(*command):
    done = subprocess.run([str(part) for part in command], cwd=WORK, env=dict(os.environ, CCACHE_DISABLE="1"), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=280)
    expect(done.returncode == 0, f"{command} exited {done.returncode}:\n{done.stdout}")
    return done.stdout


def exported(library):
    table = run(COMPILER + "objdump", "-p", library).split("[Ordinal/Name Pointer] Table")[1].split("\n\n")[0]
    return [line.split("]")[1].split()[-1] for line in table.splitlines() if "]" in line]


def imported(library):
    return {line.split()[-1].lower() for line in run(COMPILER + "objdump", "-p", library).splitlines() if "DLL Name:" in line}


def templates_in_c_and_cpp_become_libraries_for_windows():
    package = next(PREFIX.glob("lib*/**/cmake/Tocsin"))
    templates = sorted(path.parent for path in PREFIX.glob("share/tocsin/templates/c*/*/manifest.json"))
    expect(len(templates) >= 10, f"these are installed: {templates}")
    for template in templates:
        language, kind = template.parent.name, template.name
        name = f"ops-{language}-{kind}"
        run(TOCSIN, "plugin", "new", name, "--kind", kind, "--lang", language)
        run("cmake", "-S", name, "-B", f"{name}/build", "-DCMAKE_TOOLCHAIN_FILE=" + str(WORK / "windows.cmake"),
            f"-DTocsin_DIR={package}")
        run("cmake", "--build", f"{name}/build", "--target", "plugin")
        library = WORK / name / f"build/lib/tocsin/plugins/{name}.dll"
        expect(exported(library) == ["tocsin_plugin_entry_v1"], f"{name} exports {exported(library)}")
        # What every Windows has; the compiler's own libraries would have to be shipped beside the plugin.
        expect(imported(library) <= {"kernel32.dll", "msvcrt.dll"}, f"{name} needs {imported(library)}")
        found = json.loads(run(TOCSIN, "plugin", "inspect", library, "--json"))
        expect((found["id"], found["version"]) == (name, "0.1.0"), f"inspect says {found}")
        expect("it is for Windows (x86_64)" in found["reason"], f"inspect says {found}")
        expect(len(found["build_id"]) == 32, f"inspect says {found}")


if shutil.which(COMPILER + "g++-posix") is None:
    print("skipped: there is no mingw-w64 here; tools/packages test installs it")
    sys.exit(77)
try:
    os.chmod(WORK, 0o755)
    (WORK / "windows.cmake").write_text(TOOLCHAIN)
    run("cmake", "--install", BUILD, "--prefix", PREFIX, "--component", "sdk")
    status = run_tests([templates_in_c_and_cpp_become_libraries_for_windows])
finally:
    shutil.rmtree(WORK, ignore_errors=True)
sys.exit(status)
