# SPDX-License-Identifier: Apache-2.0
"""A real Postfix for tests, run out of a private root: own configuration, queue, ports and users; nothing is installed.

    with Postfix() as server:
        server.add_user("user", "password")
        ...                                   # send to 127.0.0.1, server.port, trusting server.ca_file
        server.wait_for(1)
        print(server.mails()[0]["Subject"])

Needs root (Postfix changes to the users of its processes) and, the first time, the network for Debian's packages.
"""

import ctypes
import email
import email.policy
import grp
import os
import pwd
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import tempfile
import time
from pathlib import Path

from certificates import CertificateAuthority

HERE = Path(__file__).resolve().parent
PEERS = HERE.parents[2] / "build" / "peers" / "postfix"
START_LIMIT = 30.0  # seconds
STOP_LIMIT = 15.0
SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)


class Unavailable(RuntimeError):
    """Postfix cannot run here; the text says why and what to do."""


def fetch():
    """The private root with Postfix in it; downloads it if it is not there yet."""
    result = subprocess.run([str(HERE / "fetch"), str(PEERS)], capture_output=True, text=True)
    if result.returncode != 0:
        raise Unavailable(f"real Postfix is not to be had: {(result.stderr or result.stdout).strip()}")
    return PEERS / "root"


def environment(root):
    """What a program of the private root needs around it to find its libraries and SASL mechanisms."""
    folders = [root / "usr/lib/postfix", *root.glob("usr/lib/*-linux-gnu*"), *root.glob("lib/*-linux-gnu*")]
    mechanisms = [str(folder / "sasl2") for folder in folders if (folder / "sasl2").is_dir()]
    return {
        "PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
        "LANG": "C",
        "LD_LIBRARY_PATH": ":".join(map(str, folders)),
        "SASL_PATH": ":".join(mechanisms),
    }


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _user(*candidates):
    for name in candidates:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Unavailable(f"Postfix needs one of the users {', '.join(candidates)}, and this system has none")


def _group(owner, *candidates):
    for name in candidates:
        try:
            group = grp.getgrnam(name)
        except KeyError:
            continue
        if group.gr_gid not in (0, owner.pw_gid):
            return group
    raise Unavailable(f"Postfix needs one of the groups {', '.join(candidates)}, and this system has none")


def living_members(group):
    """The processes of a process group that have not ended (zombies have)."""
    living = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, _, its_group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
            except OSError:
                continue
            if int(its_group) == group and state not in "ZX":
                living.append(int(entry.name))
    return living


def _die_with_parent():
    ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)


# service type private unprivileged chroot wakeup maxproc command
_SERVICES = """
{port} inet n - n - - smtpd
{implicit_port} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
smtp unix - - n - - smtp
scache unix - - n - 1 scache
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """One server on 127.0.0.1: .port (STARTTLS), .implicit_port (TLS from the first byte), .ca_file.

    auth_required: mail is taken from signed-in clients alone. tls_required: MAIL before STARTTLS is refused. settings:
    further lines of main.cf, a dictionary. authority: who signs its certificate, by default one of its own.
    """

    DOMAINS = ("example.org", "example.com", "localhost")
    REALM = "mail.example.org"

    def __init__(self, auth_required=True, tls_required=True, mechanisms="PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256",
                 settings=None, authority=None):
        self.auth_required = auth_required
        self.tls_required = tls_required
        self.mechanisms = mechanisms
        self.settings = settings or {}
        self.authority = authority or CertificateAuthority()
        self.port = 0
        self.implicit_port = 0
        self.folder = None
        self._certificate = self.authority.issue()
        self._master = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    # Life

    def start(self):
        """Starts it, on new ports if it was stopped before; its mails, users and certificate stay."""
        if os.geteuid() != 0:
            raise Unavailable("real Postfix runs its processes as several users, which takes root: run this test as root")
        self.root = fetch()
        self._environment = environment(self.root)
        if self.folder is None:
            self._make_folders()
        for _ in range(5):  # another program may take a free port before Postfix does
            self.port, self.implicit_port = free_port(), free_port()
            self._configure()
            self._log.write_text("")
            if self._launch():
                return
            self._end_processes()
        told = self.logs()
        self.stop()
        raise RuntimeError(f"Postfix did not start:\n{told}")

    def stop(self):
        """Ends it and forgets all it had."""
        self.halt()
        if self.folder is not None:
            shutil.rmtree(self.folder)
            self.folder = None

    def halt(self):
        """Ends its processes; start() goes on with the same mails and users."""
        if self._master is not None:
            self._end_processes()

    def _launch(self):
        command = [str(self.root / "usr/lib/postfix/sbin/master"), "-c", str(self._configuration), "-d"]
        with open(self.folder / "master.out", "ab") as out:
            self._master = subprocess.Popen(command, env=self._environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                            start_new_session=True, preexec_fn=_die_with_parent)
        deadline = time.monotonic() + START_LIMIT
        while time.monotonic() < deadline and self._master.poll() is None:
            try:
                with smtplib.SMTP("127.0.0.1", self.port, timeout=START_LIMIT):
                    return True
            except (OSError, smtplib.SMTPException):
                time.sleep(0.02)
        return False

    def _end_processes(self):
        self._master.terminate()
        try:
            self._master.wait(timeout=STOP_LIMIT)
        except subprocess.TimeoutExpired:
            pass
        try:  # its own process group, so nobody else's processes
            os.killpg(self._master.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._master.wait()
        deadline = time.monotonic() + STOP_LIMIT
        while living_members(self._master.pid):
            if time.monotonic() > deadline:
                raise RuntimeError(f"processes of Postfix do not end: {living_members(self._master.pid)}")
            time.sleep(0.005)
        self._master = None

    # Setting up

    def _make_folders(self):
        # Below the temporary folder, since Postfix's users must get there and may not pass through the build tree.
        self.folder = Path(tempfile.mkdtemp(prefix="tocsin-postfix-"))
        self.folder.chmod(0o755)
        self._configuration = self.folder / "etc"
        self._queue = self.folder / "queue"
        self._log = self.folder / "mail.log"
        self.ca_file = self.folder / "ca.pem"
        self.ca_file.write_text(self.authority.certificate_pem)
        owner = self._owner = _user("postfix", "daemon", "mail")
        group = self._group = _group(owner, "postdrop", "operator", "uucp", "news")
        reader = self._reader = _user("nobody")

        def make(path, user, group_id, mode):
            path.mkdir(parents=True)
            os.chown(path, user, group_id)
            path.chmod(mode)

        make(self._configuration / "sasl", 0, 0, 0o755)
        make(self._queue, 0, 0, 0o755)
        for name in ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace"):
            make(self._queue / name, owner.pw_uid, owner.pw_gid, 0o700)
        make(self._queue / "maildrop", owner.pw_uid, group.gr_gid, 0o730)
        make(self._queue / "public", owner.pw_uid, group.gr_gid, 0o710)
        make(self._queue / "pid", 0, 0, 0o755)
        make(self.folder / "data", owner.pw_uid, owner.pw_gid, 0o700)
        make(self.folder / "mail", reader.pw_uid, reader.pw_gid, 0o755)
        make(self.folder / "sasldb", owner.pw_uid, owner.pw_gid, 0o700)
        # Without a user there is no database, and a sign-in fails for another reason than a wrong password.
        self.add_user("nobody-signs-in-as-this", os.urandom(16).hex())

    def _configure(self):
        settings = {
            "compatibility_level": "3.6",
            "queue_directory": self._queue,
            "data_directory": self.folder / "data",
            "daemon_directory": self.root / "usr/lib/postfix/sbin",
            "command_directory": self.root / "usr/sbin",
            "shlib_directory": self.root / "usr/lib/postfix",
            "meta_directory": self._configuration,
            "mail_owner": self._owner.pw_name,
            "setgid_group": self._group.gr_name,
            "default_privs": self._reader.pw_name,
            "import_environment": "MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C LD_LIBRARY_PATH SASL_PATH",
            "maillog_file": self._log,
            "maillog_file_prefixes": self.folder,
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4",
            "myhostname": self.REALM,
            "mynetworks": "",
            "mydestination": "",
            "alias_maps": "",
            "alias_database": "",
            "virtual_mailbox_domains": " ".join(self.DOMAINS),
            "virtual_mailbox_base": self.folder / "mail",
            "virtual_mailbox_maps": "static:all/",
            "virtual_uid_maps": f"static:{self._reader.pw_uid}",
            "virtual_gid_maps": f"static:{self._reader.pw_gid}",
            "virtual_mailbox_limit": "0",
            "disable_dns_lookups": "yes",
            "smtpd_peername_lookup": "no",
            "smtpd_client_connection_count_limit": "0",
            "smtpd_error_sleep_time": "0",
            "in_flow_delay": "0",
            "smtpd_tls_security_level": "encrypt" if self.tls_required else "may",
            "smtpd_tls_chain_files": self._configuration / "server.pem",
            "smtpd_tls_auth_only": "yes",
            "smtpd_tls_loglevel": "1",
            "smtpd_tls_received_header": "yes",
            "smtpd_sasl_auth_enable": "yes",
            "smtpd_sasl_type": "cyrus",
            "smtpd_sasl_local_domain": self.REALM,
            "smtpd_sasl_authenticated_header": "yes",
            "cyrus_sasl_config_path": self._configuration / "sasl",
            "smtpd_relay_restrictions": "permit_sasl_authenticated, reject_unauth_destination",
            "smtpd_recipient_restrictions": "reject_unauth_destination",
        }
        if self.auth_required:
            settings["smtpd_sender_restrictions"] = "permit_sasl_authenticated, reject"
        settings.update(self.settings)
        (self._configuration / "main.cf").write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
        (self._configuration / "master.cf").write_text(
            _SERVICES.format(port=f"127.0.0.1:{self.port}", implicit_port=f"127.0.0.1:{self.implicit_port}"))
        (self._configuration / "sasl" / "smtpd.conf").write_text(
            f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {self.folder / 'sasldb' / 'sasldb2'}\n"
            f"mech_list: {self.mechanisms}\nlog_level: 0\n")
        # Postfix waits until its settings are older than a second, lest it read half a change.
        past = time.time() - 60
        os.utime(self._configuration / "main.cf", (past, past))
        self._write_certificate()

    def _write_certificate(self):
        chain = self._configuration / "server.pem"
        chain.write_text(self._certificate[1] + self._certificate[0])
        chain.chmod(0o600)

    def _run(self, *command, text=None):
        result = subprocess.run([str(part) for part in command], env=self._environment, input=text, capture_output=True, text=True)
        if result.returncode != 0:
            raise RuntimeError(f"{command[0]} failed: {result.stderr.strip() or result.stdout.strip()}")
        return result.stdout

    # While it runs

    def add_user(self, name, password):
        """Makes the user, or changes the password."""
        database = self.folder / "sasldb" / "sasldb2"
        self._run(self.root / "usr/sbin/saslpasswd2", "-p", "-c", "-f", database, "-u", self.REALM, name, text=password)
        os.chown(database, self._owner.pw_uid, self._owner.pw_gid)

    def set_tls_cert(self, certificate_pem, key_pem):
        """Returns once new connections get the certificate; the ones from before are to be closed."""
        self._certificate = (certificate_pem, key_pem)
        self._write_certificate()
        if self._master is None:
            return
        expected = ssl.PEM_cert_to_DER_cert(certificate_pem[certificate_pem.index("-----BEGIN CERTIFICATE"):])
        deadline = time.monotonic() + START_LIMIT
        old = self._processes("smtpd")
        self._master.send_signal(signal.SIGHUP)
        # A process from before the change takes no new connection once it has seen the change, and ends when it is idle.
        while self._shown_certificate() != expected or old & self._processes("smtpd"):
            if time.monotonic() > deadline:
                raise RuntimeError(f"Postfix does not show its new certificate:\n{self.logs()}")
            time.sleep(0.01)

    def _processes(self, name):
        found = set()
        for process in living_members(self._master.pid):
            try:
                if Path(f"/proc/{process}/comm").read_text().strip() == name:
                    found.add(process)
            except OSError:
                continue
        return found

    def _shown_certificate(self):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        try:
            with smtplib.SMTP("127.0.0.1", self.port, timeout=START_LIMIT) as client:
                client.starttls(context=context)
                return client.sock.getpeercert(binary_form=True)
        except (OSError, smtplib.SMTPException):
            return None

    def logs(self):
        text = ""
        for path in (self.folder / "master.out", self._log):
            text += path.read_text(errors="replace") if path.exists() else ""
        return text

    def mails(self):
        """The mails in the mailbox, in the order of their arrival, parsed. Delivered-To has the envelope's recipient,
        Return-Path its sender."""
        files = [path for name in ("new", "cur") for path in (self.folder / "mail" / "all" / name).glob("*")]
        files.sort(key=lambda path: (path.stat().st_mtime_ns, path.name))
        return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in files]

    def mail_count(self):
        folder = self.folder / "mail" / "all"
        return sum(len(os.listdir(folder / name)) for name in ("new", "cur") if (folder / name).is_dir())

    def wait_until_idle(self, limit=START_LIMIT):
        """Whether the queue was empty before limit seconds were over. A mail is in the mailbox a moment before it has left
        the queue; a Postfix that ends in between delivers it once more."""
        deadline = time.monotonic() + limit
        while any(path.is_file() for name in ("maildrop", "incoming", "active", "deferred")
                  for path in (Path(self._queue) / name).rglob("*")):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def wait_for(self, count, limit=START_LIMIT):
        """Whether count mails in all were in the mailbox before limit seconds were over."""
        deadline = time.monotonic() + limit
        while self.mail_count() < count:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True
