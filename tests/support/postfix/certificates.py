# SPDX-License-Identifier: Apache-2.0
"""A certificate authority for tests in Python, made with the openssl program."""

import shutil
import subprocess
import tempfile
import weakref
from pathlib import Path


def _openssl(*arguments, folder):
    result = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(f"openssl {' '.join(arguments)} failed: {result.stderr.strip()}")


class CertificateAuthority:
    """EC P-256; certificate_pem is for clients, issue() is for servers."""

    def __init__(self, name="Tocsin test CA"):
        self.folder = Path(tempfile.mkdtemp(prefix="tocsin-ca-"))
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        self._new_key("ca.key")
        _openssl("req", "-x509", "-new", "-key", "ca.key", "-sha256", "-days", "3650", "-subj", f"/CN={name}", "-addext",
                 "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", "ca.pem",
                 folder=self.folder)
        self.certificate_pem = (self.folder / "ca.pem").read_text()
        self._issued = 0

    def _new_key(self, name):
        _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", name, folder=self.folder)

    def issue(self, names=("DNS:localhost", "IP:127.0.0.1"), days=30):
        """A pair (certificate PEM, key PEM) for subject alternative names as OpenSSL writes them."""
        self._issued += 1
        name = f"server{self._issued}"
        self._new_key(f"{name}.key")
        (self.folder / f"{name}.cnf").write_text("basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
                                                 "extendedKeyUsage=serverAuth\n"
                                                 f"subjectAltName={','.join(names)}\n")
        _openssl("req", "-new", "-key", f"{name}.key", "-subj", "/CN=localhost", "-out", f"{name}.csr", folder=self.folder)
        _openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-sha256",
                 "-days", str(days), "-extfile", f"{name}.cnf", "-out", f"{name}.pem", folder=self.folder)
        return (self.folder / f"{name}.pem").read_text(), (self.folder / f"{name}.key").read_text()
