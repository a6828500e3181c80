"""Folders of plugins for tests: good ones, and files that are broken in every way that a file can be."""

import contextlib
import os
import pathlib
import shutil
import socket
import struct
import tempfile

MACHINE_OFFSET = 18  # e_machine in an ELF header
CLASS_OFFSET = 4     # EI_CLASS
AARCH64 = 183

SETTINGS = """
[host]
state_dir = "state"
plugin_dirs = [{folders}]
{host}
[http]
listen = "127.0.0.1:0"
{sections}
"""

QUICK_CHANNEL = """
[channels.quick]
plugin = "quick"
[[routes]]
name = "all"
types = ["test.*"]
channels = ["quick"]
to = ["somebody"]
"""


def settings(folders, sections=QUICK_CHANNEL, host=""):
    return SETTINGS.format(folders=", ".join(f'"{folder}"' for folder in folders), sections=sections, host=host)


def windows_library(manifest):
    """The least library for Windows that bears a manifest: one section, and nothing that could run."""
    note = struct.pack("<III8s", 7, len(manifest), 1, b"Tocsin\0\0") + manifest
    header = bytearray(64 + 24 + 240 + 40)
    header[0:2] = b"MZ"
    struct.pack_into("<I", header, 0x3C, 64)
    header[64:68] = b"PE\0\0"
    struct.pack_into("<HH12xHH", header, 68, 0x8664, 1, 240, 0x2022)
    struct.pack_into("<H", header, 88, 0x20B)
    struct.pack_into("<8sIIII", header, 88 + 240, b".tocsin", len(note), 0, len(note) + 64, len(header))
    return bytes(header) + note + bytes(64)


class PluginFiles:
    """A private folder to fill with plugins. `built` is the folder of the hostile plugins in the build tree."""

    def __init__(self, built):
        self.built = pathlib.Path(built)
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-plugins-"))
        os.chmod(self.root, 0o755)
        self.folder = self.root / "plugins"
        self.folder.mkdir(mode=0o755)
        self.sockets = []

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        for one in self.sockets:
            one.close()
        shutil.rmtree(self.root, ignore_errors=True)

    def source(self, name):
        """The file of a hostile plugin as it was built."""
        return next((self.built / name).glob("*.so"))

    def add(self, name, as_name=None, folder=None):
        """Copies a built plugin; mode 0755."""
        path = (folder or self.folder) / f"{as_name or name}.so"
        shutil.copyfile(self.source(name), path)
        os.chmod(path, 0o755)
        return path

    def write(self, name, content):
        path = self.folder / f"{name}.so"
        path.write_bytes(content)
        os.chmod(path, 0o755)
        return path

    def good(self):
        return self.source("quick").read_bytes()

    def misbehaving(self, number, place="", deed="", folder=None, name=None, built="hostile-0000", keeps_id=False):
        """A plugin hostile-NNNN that does the deed at the place, or serves well; each number is a file of its own.
        built: "hostile-many" has every extension that the host calls, not only a channel; "hostile-conf" has
        tocsin.config. keeps_id: it is called as it was built."""
        content = self.source(built).read_bytes()
        plugin = built if keeps_id else f"hostile-{number:04d}"
        content = content.replace(built.encode(), plugin.encode())
        for what, word in (("place", place), ("deed", deed)):
            blank = f"{what}=                ;".encode()
            assert content.count(blank) == 1, what
            content = content.replace(blank, f"{what}={word:16};".encode())
        path = (folder or self.folder) / f"{name or plugin}.so"
        path.write_bytes(content)
        os.chmod(path, 0o755)
        return plugin

    def patched(self, name, offset, content):
        bytes_ = bytearray(self.good())
        bytes_[offset:offset + len(content)] = content
        return self.write(name, bytes(bytes_))

    def add_bad_files(self):
        """One of every kind. Returns {file name: words that its reason must have}."""
        good = self.good()
        manifest = good.index(b'{\n  "id": "quick"')
        words = {}

        def expect(path, *said):
            words[path.name] = said

        expect(self.write("empty", b""), "it is empty")
        expect(self.write("garbage", bytes(range(1, 256)) * 64), "no shared library")
        expect(self.write("magic-alone", b"\x7fELF" + b"\xff" * 4096), "wrong architecture")
        expect(self.write("truncated-header", good[:40]), "damaged", "ELF header")
        expect(self.write("truncated-half", good[:manifest]), "damaged", "its end")
        expect(self.patched("other-machine", MACHINE_OFFSET, struct.pack("<H", AARCH64)), "wrong architecture", "aarch64")
        expect(self.patched("narrow", CLASS_OFFSET, b"\x01"), "wrong architecture", "64-bit")
        expect(self.patched("broken-manifest", manifest, b"["), "its manifest is wrong")
        expect(self.patched("zeroed-manifest", manifest, b"\0\0\0"), "its manifest is wrong")

        directory = self.folder / "directory.so"
        directory.mkdir()
        expect(directory, "no regular file")
        fifo = self.folder / "fifo.so"
        os.mkfifo(fifo)
        expect(fifo, "no regular file")
        local = socket.socket(socket.AF_UNIX)
        here = os.getcwd()
        try:
            os.chdir(self.folder)  # the name of a socket may be short only
            local.bind("socket.so")
        finally:
            os.chdir(here)
        self.sockets.append(local)
        expect(self.folder / "socket.so", "no regular file")
        link = self.folder / "link.so"
        link.symlink_to(self.source("quick"))
        expect(link, "symbolic link")
        dangling = self.folder / "dangling.so"
        dangling.symlink_to("nowhere")
        expect(dangling, "symbolic link")

        everybody = self.write("written-by-everybody", good)
        os.chmod(everybody, 0o757)
        expect(everybody, "written by everybody")
        if os.geteuid() == 0:
            strange = self.write("of-another-user", good)
            os.chown(strange, 12345, -1)
            expect(strange, "belongs to user 12345")
            group = self.write("written-by-group", good)
            os.chown(group, 0, 12345)
            os.chmod(group, 0o775)
            expect(group, "written by its group")

        expect(self.add("newer-manifest"), "plugin ABI 1.99", "Update Tocsin")
        expect(self.add("older-major"), "plugin ABI 0.0", "newer version of the plugin")
        expect(self.add("plain"), "no Tocsin manifest")
        expect(self.add("two-manifests"), "two manifests")
        expect(self.add("own-search-path"), "RPATH", "/opt/elsewhere")
        expect(self.add("needs-nowhere"), "libtocsin-nowhere.so", "not installed")
        expect(self.add("quick-older"), "duplicate", "quick.so", "1.0.0")
        expect(self.add("quick", "z-quick-copy"), "duplicate", "quick.so")
        return words

    @contextlib.contextmanager
    def open_folder(self):
        """A folder that everybody may write, with a good plugin in a sound folder below it."""
        above = self.root / "open"
        inner = above / "inner"
        inner.mkdir(parents=True)
        path = self.add("quick", folder=inner)
        os.chmod(above, 0o777)
        yield inner, path
