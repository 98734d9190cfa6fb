"""A real Postfix with its own configuration, queue and high port: takes mail on loopback, delivers one domain to Maildirs,
and writes bounces itself. Needs root, as Postfix does."""

import os
import pwd
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers import MissingServer, answers, binary, die_with_parent, free_port, short_folder, wait_until

_MAIN = """
compatibility_level = 3.6
myhostname = relay.test
mydomain = relay.test
myorigin = relay.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
meta_directory = /etc/postfix
shlib_directory = /usr/lib/postfix
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
smtputf8_enable = yes
disable_dns_lookups = yes
alias_maps =
alias_database =
local_recipient_maps =
local_transport = error:no local mail here
default_transport = error:5.1.2 no way out of the test
relay_transport = error:5.1.2 no way out of the test
virtual_mailbox_domains = {domains}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = inline:{{ {people} }}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_reject_unlisted_recipient = {reject}
smtpd_delay_reject = yes
bounce_queue_lifetime = 1d
soft_bounce = no
message_size_limit = 50000000
"""
_MASTER = """
{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass
class Postfix:
    """A running server; `port` takes mail from us. `people` have a Maildir; with `reject` off, other recipients of their
    domains are taken and bounce."""

    folder: Path
    people: tuple[str, ...]
    port: int = field(default_factory=free_port)

    @classmethod
    @contextmanager
    def running(cls, *people: str, reject: bool = False, tmp: Path | None = None) -> Iterator["Postfix"]:
        """Start, yield, stop."""
        program = binary("postfix", package="postfix")
        if os.getuid() != 0:
            raise MissingServer("Postfix starts only as root")
        with short_folder(tmp, "pvx-") as folder:
            postfix = cls(folder, people)
            config = postfix._write_config(reject)
            subprocess.run([program, "-c", str(config), "check"], capture_output=True, check=False)  # makes its folders
            master = ["/usr/lib/postfix/sbin/master", "-c", str(config), "-d"]
            command = die_with_parent(master)
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                wait_until(lambda: postfix._is_up(process), seconds=20, what="start of postfix")
                yield postfix
            finally:
                process.terminate()
                process.wait(20)

    def _is_up(self, process: "subprocess.Popen[bytes]") -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"postfix stopped: {self.log}")
        return answers(self.port)

    def _write_config(self, reject: bool) -> Path:
        config = self.folder / "config"
        owner, nobody = pwd.getpwnam("postfix"), pwd.getpwnam("nobody")
        for name in ("config", "queue", "data", "mail"):
            (self.folder / name).mkdir()
        os.chown(self.folder / "data", owner.pw_uid, owner.pw_gid)
        os.chown(self.folder / "mail", nobody.pw_uid, nobody.pw_gid)
        domains = sorted({address.rpartition("@")[2] for address in self.people})
        maildirs = ", ".join(f"{{ {address} = {address}/ }}" for address in self.people)
        (config / "main.cf").write_text(
            _MAIN.format(
                folder=self.folder, domains=", ".join(domains), people=maildirs, uid=nobody.pw_uid, gid=nobody.pw_gid,
                reject="yes" if reject else "no",
            )
        )  # fmt: skip
        (config / "master.cf").write_text(_MASTER.format(port=f"127.0.0.1:{self.port}"))
        return config

    @property
    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""

    def messages(self, address: str) -> list[bytes]:
        """What lies in this person's Maildir, oldest first."""
        return [path.read_bytes() for path in sorted((self.folder / "mail" / address / "new").glob("*"))]

    def wait_for(self, address: str, count: int = 1, seconds: float = 20.0) -> list[bytes]:
        wait_until(
            lambda: len(self.messages(address)) >= count, seconds=seconds, what=f"mail for {address} ({self.log})"
        )
        return self.messages(address)
