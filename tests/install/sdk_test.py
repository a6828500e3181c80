"""The installed SDK: where its files are, and that CMake and pkg-config build a plugin with nothing else.

usage: sdk_test.py BUILD_FOLDER SOURCE_FOLDER
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from tocsin import expect, run_tests  # noqa: E402

BUILD, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
EXAMPLE = SOURCE / "tests/install/example"
WORK = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-install-"))
PREFIX = WORK / "prefix"
ENVIRONMENT = dict(os.environ, CCACHE_DISABLE="1")


def run(*command, check=True, cwd=WORK, env=None):
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=env or ENVIRONMENT, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=280)
    expect(not check or done.returncode == 0, f"{command} exited {done.returncode}:\n{done.stdout}")
    return done.stdout


def inspected(library):
    output = run(PREFIX / "bin/tocsin", "plugin", "inspect", library, "--json")
    return json.loads(output)


def exported(library):
    return {line.split()[-1].split("@")[0] for line in run("nm", "-D", "--defined-only", library).splitlines()}


def the_files_lie_where_the_file_hierarchy_wants_them():
    library = next(PREFIX.glob("lib*/**/cmake/Tocsin")).parent.parent
    for path in ("include/tocsin/abi/entry.h", "include/tocsin/abi/ext/channel.h", "include/tocsin/sdk/plugin.hpp",
                 "include/tocsin/c/plugin.h", "share/tocsin/templates/cpp/channel/plugin.cpp",
                 "share/tocsin/templates/c/source/CMakeLists.txt", "share/tocsin/manifest_note.S",
                 "share/tocsin/plugin.map", "share/doc/tocsin/plugin-authoring.md", "bin/tocsin",
                 f"{library}/cmake/Tocsin/TocsinConfig.cmake", f"{library}/cmake/Tocsin/TocsinConfigVersion.cmake",
                 f"{library}/cmake/Tocsin/TocsinPlugin.cmake", f"{library}/cmake/Tocsin/manifest_note.S.in",
                 f"{library}/cmake/Tocsin/plugin.map", f"{library}/pkgconfig/tocsin-sdk.pc"):
        expect((PREFIX / path).is_file(), f"{path} is not installed")


def no_installed_file_names_the_tree_it_was_built_from():
    for path in PREFIX.rglob("*"):
        if not path.is_file() or path.parent.name == "bin":
            continue
        text = path.read_text(errors="replace")
        for folder in (str(BUILD), str(SOURCE) + "/"):
            expect(folder not in text, f"{path} names {folder}")


def a_project_outside_the_tree_builds_with_cmake():
    project = WORK / "example"
    shutil.copytree(EXAMPLE, project)
    run("cmake", "-S", project, "-B", project / "build", f"-DCMAKE_PREFIX_PATH={PREFIX}")
    run("cmake", "--build", project / "build")
    library = project / "build/lib/tocsin/plugins/bell.so"
    found = inspected(library)
    expect((found["id"], found["version"], found["state"]) == ("bell", "1.2.3", "verified"), f"inspect says {found}")
    expect(exported(library) == {"tocsin_plugin_entry_v1"}, f"it exports {exported(library)}")
    # A unique symbol would pin the library in memory, and be shared with a plugin that has another of this name.
    unique = [line for line in run("readelf", "-sW", library).splitlines() if " UNIQUE " in line]
    expect(not unique, f"it has symbols that are unique in a process: {unique}")
    undefined = [line for line in run("ldd", "-r", library).splitlines() if "undefined symbol" in line or "not found" in line]
    expect(not undefined, f"beyond the libraries that it names it needs {undefined}")


def the_program_lends_its_plugins_nothing_of_its_own_libraries():
    names = exported(PREFIX / "bin/tocsin")
    lent = [name for name in names if re.search(r"(^|[^0-9])5boost|^_?(SSL|TLS|EVP|OPENSSL|CRYPTO|X509|BIO|ERR|sqlite3)_", name)]
    expect(names and not lent, f"it exports {lent}")


def a_plugin_builds_with_pkg_config_and_one_compiler_command():
    folder = WORK / "plain"
    shutil.copytree(EXAMPLE, folder)
    pkg_config = dict(ENVIRONMENT, PKG_CONFIG_PATH=str(next(PREFIX.glob("lib*/**/pkgconfig"))))
    words = {what: run("pkg-config", what, "tocsin-sdk", env=pkg_config).split()
             for what in ("--cflags", "--libs", "--variable=manifest_note")}
    run(os.environ.get("CXX", "c++"), "-std=c++17", "-shared", "-DTOCSIN_PLUGIN_ID=\"bell\"",
        "-DTOCSIN_PLUGIN_VERSION=\"1.2.3\"", *words["--cflags"], "bell.cpp", *words["--variable=manifest_note"],
        *words["--libs"], "-o", "bell.so", cwd=folder)
    found = inspected(folder / "bell.so")
    expect((found["id"], found["state"]) == ("bell", "verified"), f"inspect says {found}")
    expect(found["build_id"] != "", "it has no build id")
    expect(exported(folder / "bell.so") == {"tocsin_plugin_entry_v1"}, f"it exports {exported(folder / 'bell.so')}")


def a_component_that_is_not_there_is_refused_in_a_sentence():
    project = WORK / "components"
    project.mkdir()
    (project / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(components LANGUAGES NONE)\n"
        "find_package(Tocsin REQUIRED COMPONENTS ${component})\n")
    for component, sentence in (("host", "The component host (tocsin/host.hpp and its library, to embed a host in a "
                                         "program) is not installed"),
                                ("moon", "Tocsin has no component \"moon\"")):
        output = run("cmake", "-S", project, "-B", project / component, f"-DCMAKE_PREFIX_PATH={PREFIX}",
                     f"-Dcomponent={component}", check=False)
        expect(sentence in " ".join(output.split()), f"find_package said:\n{output}")


def a_new_project_builds_and_passes_with_the_installed_sdk_alone():
    for language in ("cpp", "c"):
        run(PREFIX / "bin/tocsin", "plugin", "new", f"ops-{language}", "--kind", "channel", "--lang", language)
        build = WORK / f"ops-{language}/build"
        run("cmake", "-S", build.parent, "-B", build, f"-DCMAKE_PREFIX_PATH={PREFIX}")
        run("cmake", "--build", build)
        run("ctest", "--test-dir", build, "--output-on-failure")
        library = build / f"lib/tocsin/plugins/ops-{language}.so"
        expect(inspected(library)["state"] == "verified", f"inspect says {inspected(library)}")


try:
    os.chmod(WORK, 0o755)
    for part in ("sdk", "program"):
        run("cmake", "--install", BUILD, "--prefix", PREFIX, "--component", part)
    status = run_tests([the_files_lie_where_the_file_hierarchy_wants_them,
                        no_installed_file_names_the_tree_it_was_built_from,
                        a_project_outside_the_tree_builds_with_cmake,
                        the_program_lends_its_plugins_nothing_of_its_own_libraries,
                        a_plugin_builds_with_pkg_config_and_one_compiler_command,
                        a_component_that_is_not_there_is_refused_in_a_sentence,
                        a_new_project_builds_and_passes_with_the_installed_sdk_alone])
finally:
    shutil.rmtree(WORK, ignore_errors=True)
sys.exit(status)
