"""A disk of a few MiB that a test may fill up, in a mount namespace of its own: it is gone when the test is."""

import contextlib
import os
import pathlib
import subprocess
import sys

MARK = "TOCSIN_TEST_HAS_OWN_MOUNTS"


def enter_own_mounts():
    """Starts this program anew where its mounts are seen by nobody else. Returns why that cannot be, or nothing."""
    if os.environ.get(MARK):
        return ""
    # Without root, a user namespace allows tmpfs at least.
    namespaces = ["--mount"] if os.geteuid() == 0 else ["--mount", "--map-root-user"]
    try:
        tried = subprocess.run(["unshare", *namespaces, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, text=True)
    except OSError as missing:
        return str(missing)
    if tried.returncode != 0:
        return tried.stderr.strip()
    os.environ[MARK] = "yes"
    os.execvp("unshare", ["unshare", *namespaces, sys.executable, *sys.argv])


class SmallDisk:
    """kind: "tmpfs", or "ext4" in a file of this size, which takes root and loop devices; Unavailable says why not."""

    class Unavailable(Exception):
        pass

    def __init__(self, kind, folder, mebibytes=8):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.image = self.folder.with_name(self.folder.name + ".image")
        if kind == "tmpfs":
            self._run("mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=0700", "none", self.folder)
        else:
            with open(self.image, "wb") as image:
                image.truncate(mebibytes << 20)
            self._run("mkfs.ext4", "-q", "-m", "0", self.image)
            self._run("mount", "-o", "loop", self.image, self.folder)
            self.folder.chmod(0o700)

    def _run(self, *command):
        try:
            done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        except OSError as missing:
            raise self.Unavailable(str(missing)) from missing
        if done.returncode != 0:
            raise self.Unavailable(f"{command[0]}: {done.stderr.strip()}")

    def fill(self):
        """Takes all the space that is left."""
        with open(self.folder / "filler", "wb", buffering=0) as filler, contextlib.suppress(OSError):
            for size in (65536, 4096, 512):
                with contextlib.suppress(OSError):
                    while filler.write(bytes(size)) == size:
                        pass
            os.fsync(filler.fileno())

    def free(self):
        (self.folder / "filler").unlink()

    def read_only(self):
        self._run("mount", "-o", "remount,ro", self.folder)

    def close(self):
        subprocess.run(["umount", str(self.folder)], capture_output=True)
        with contextlib.suppress(FileNotFoundError):
            self.image.unlink()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()
