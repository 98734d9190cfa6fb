"""A real Dovecot 2.3 with its own configuration: IMAP and POP3, plain, STARTTLS and TLS, Maildir users."""

import base64
import itertools
import os
import pwd
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from imapclient.imap_utf7 import encode as utf7

from postvak.net.connection import Endpoint, Security
from tests.servers import answers, binary, die_with_parent, free_port, short_folder, wait_until
from tests.servers.tls import make_certificates

_FLAGS = {"S": "\\Seen", "T": "\\Deleted", "R": "\\Answered", "F": "\\Flagged", "D": "\\Draft"}
_CONFIG = """
protocols = imap pop3
listen = {host}
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
instance_name = pv-{imap}
default_internal_user = {internal}
default_login_user = {login}
default_internal_group = {group}
default_process_limit = 1000
default_client_limit = 5000
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:{folder}/mail/%u
mail_access_groups =
mailbox_idle_check_interval = 1 s
namespace inbox {{
  inbox = yes
  separator = /
}}
ssl = yes
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.key
ssl_min_protocol = TLSv1.2
disable_plaintext_auth = no
auth_mechanisms = plain login{mechanisms}
auth_failure_delay = 0
login_greeting = Dovecot for the tests is ready.
imap_capability = {capability}
pop3_uidl_format = %08Xu%08Xv
{by_token}
passdb {{
  driver = passwd-file
  args = {folder}/users/%u
}}
userdb {{
  driver = static
  args = uid={owner} gid={owner_group} home={folder}/mail/%u allow_all_users=yes
}}
service imap-login {{
  chroot =
  process_min_avail = 1
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""


_BY_TOKEN = """
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth2
}}
"""
_INTROSPECTION = """
introspection_mode = post
introspection_url = {introspection}
username_attribute = email
active_attribute = active
active_value = true
"""


@dataclass
class Dovecot:
    """A running server.  Ports are of 127.0.0.1; `ca_pem` signs its certificate for localhost."""

    folder: Path
    ca_pem: str
    host: str = "127.0.0.1"
    imap: int = field(default_factory=free_port)
    imaps: int = field(default_factory=free_port)
    pop3: int = field(default_factory=free_port)
    pop3s: int = field(default_factory=free_port)

    @classmethod
    @contextmanager
    def running(
        cls, tmp: Path | None = None, *, capability: str = "", introspection: str = "", host: str = "127.0.0.1"
    ) -> Iterator["Dovecot"]:
        """Start, yield, stop.  `capability` replaces what IMAP announces after the login; `introspection` is where
        to ask about access tokens, which turns XOAUTH2 on."""
        program = binary("dovecot", package="dovecot-imapd dovecot-pop3d")
        with short_folder(tmp, "pvd-") as folder:
            dovecot = cls(folder, make_certificates(folder).ca_pem, host)
            config = dovecot._write_config(capability, introspection)
            command = die_with_parent([program, "-F", "-c", str(config)])
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                wait_until(lambda: dovecot._is_up(process), seconds=20, what="start of dovecot")
                yield dovecot
            finally:
                process.terminate()
                process.wait(10)

    def _is_up(self, process: "subprocess.Popen[bytes]") -> bool:
        if process.poll() is not None:
            log = self.folder / "log"
            raise RuntimeError("dovecot stopped: " + (log.read_text() if log.exists() else "no log"))
        return all(answers(port) for port in (self.imap, self.imaps, self.pop3, self.pop3s))

    def _write_config(self, capability: str, introspection: str) -> Path:
        """As root with Dovecot's own users and mails of `nobody`; otherwise all as whoever runs the tests."""
        me = pwd.getpwuid(os.getuid())
        is_root = me.pw_uid == 0
        config = self.folder / "conf"
        (self.folder / "users").mkdir()
        (self.folder / "mail").mkdir()
        self._give(self.folder / "mail")
        (self.folder / "oauth2").write_text(_INTROSPECTION.format(introspection=introspection))
        config.write_text(
            _CONFIG.format(
                mechanisms=" xoauth2 oauthbearer" if introspection else "",
                by_token=_BY_TOKEN.format(folder=self.folder) if introspection else "",
                folder=self.folder, host=self.host, imap=self.imap, imaps=self.imaps, pop3=self.pop3, pop3s=self.pop3s,
                internal="dovecot" if is_root else me.pw_name, login="dovenull" if is_root else me.pw_name,
                group="dovecot" if is_root else me.pw_gid, owner=self._owner.pw_uid,
                owner_group=self._owner.pw_gid, capability=capability,
            )
        )  # fmt: skip
        return config

    @property
    def _owner(self) -> pwd.struct_passwd:
        return pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())

    def _give(self, *paths: Path) -> None:
        """To the user whose mail it is."""
        for path in paths:
            os.chown(path, self._owner.pw_uid, self._owner.pw_gid)

    # -- users and their mail ------------------------------------------------------------

    def add_user(self, name: str, password: str) -> None:
        """A new account (or a new password); returns when the login works."""
        new = self.folder / "users.new"
        new.write_text(f"{name}:{{PLAIN.B64}}{base64.b64encode(password.encode()).decode()}::::::\n")
        new.chmod(0o644)
        # A file for each user, because Dovecot looks at a changed file only once a second.
        new.replace(self.folder / "users" / name)
        self._maildir(name, "INBOX")
        test = ["doveadm", "-c", str(self.folder / "conf"), "auth", "test", name, password]
        wait_until(
            lambda: subprocess.run(test, capture_output=True, check=False).returncode == 0,
            seconds=10,
            what=f"login of {name}",
        )

    def deliver(self, user: str, raw: bytes, folder: str = "INBOX", arrived_at: datetime | None = None) -> None:
        """Put a mail into a folder as an MTA would (atomically, in new/); the folder is made if missing."""
        name = _file_name()
        maildir = self._maildir(user, folder)
        temporary = maildir / "tmp" / name
        temporary.write_bytes(raw)
        self._give(temporary)
        if arrived_at is not None:
            os.utime(temporary, (arrived_at.timestamp(),) * 2)
        temporary.rename(maildir / "new" / name)

    def messages(self, user: str, folder: str = "INBOX") -> list[bytes]:
        """The mails in the folder, oldest delivery first."""
        return [path.read_bytes() for path in self._files(user, folder)]

    def flags(self, user: str, folder: str = "INBOX") -> list[set[str]]:
        r"""The flags of each mail ({"\\Seen"}, set(), …) in the same order."""
        letters = [path.name.partition(":2,")[2] for path in self._files(user, folder)]
        return [{_FLAGS[letter] for letter in some if letter in _FLAGS} for some in letters]

    def _files(self, user: str, folder: str) -> list[Path]:
        maildir = self._maildir(user, folder)
        return sorted((*maildir.glob("cur/*"), *maildir.glob("new/*")), key=lambda path: path.name)

    def _maildir(self, user: str, folder: str) -> Path:
        top = self.folder / "mail" / user
        name = "." + utf7(folder).decode().replace("/", ".")
        maildir = top if folder.upper() == "INBOX" else top / name
        for path in (top, maildir, *(maildir / part for part in ("cur", "new", "tmp"))):
            if not path.exists():
                path.mkdir(mode=0o700)
                self._give(path)
        return maildir

    # -- how to get there ------------------------------------------------------------

    def imap_endpoint(self, user: str, password: str, security: Security = Security.tls) -> Endpoint:
        """IMAP with the own CA."""
        port = self.imaps if security is Security.tls else self.imap
        return Endpoint("localhost", port, security, ca_pem=self.ca_pem, username=user, password=password)

    def pop3_endpoint(self, user: str, password: str, security: Security = Security.tls) -> Endpoint:
        """POP3 with the own CA."""
        port = self.pop3s if security is Security.tls else self.pop3
        return Endpoint("localhost", port, security, ca_pem=self.ca_pem, username=user, password=password)


_COUNTER = itertools.count(1)


def _file_name() -> str:
    """Unique, and ascending in the order of delivery: Dovecot gives UIDs by time and microseconds."""
    microseconds = time.time_ns() // 1000
    seconds, micros = divmod(microseconds, 1_000_000)
    return f"{seconds}.M{micros:06}P{os.getpid()}Q{next(_COUNTER):08}.localhost"
