"""Ed25519 keys and signatures for tests, made by the command openssl."""

import os
import pathlib
import subprocess


def openssl(*arguments, check=True, **options):
    return subprocess.run(["openssl", *map(str, arguments)], check=check, capture_output=True, **options)


class Key:
    """NAME.pem (private, mode 0600) and NAME.public.pem in a folder."""

    def __init__(self, folder, name):
        self.private = pathlib.Path(folder) / f"{name}.pem"
        self.public = pathlib.Path(folder) / f"{name}.public.pem"
        openssl("genpkey", "-algorithm", "ed25519", "-out", self.private)
        os.chmod(self.private, 0o600)
        openssl("pkey", "-in", self.private, "-pubout", "-out", self.public)

    def sign(self, tocsin, file, output=None):
        """Signs with `tocsin plugin sign`. Returns the signed file."""
        more = ["--output", str(output)] if output else []
        subprocess.run([tocsin, "plugin", "sign", str(file), "--key", str(self.private), *more], check=True,
                       capture_output=True)
        return pathlib.Path(output or file)
