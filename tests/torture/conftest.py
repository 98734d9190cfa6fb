"""What the torture tests share: a seed that is printed, users on Dovecot, and mailboxes that ask them by way of a proxy."""

import itertools
import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

import pytest

from postvak.models import Mailbox, Queue
from postvak.models.account import Account
from postvak.net.connection import Endpoint
from tests.mails import mail
from tests.servers.dovecot import Dovecot
from tests.torture.proxy import Proxy, Script

NUMBERS = itertools.count(1)
PASSWORD = "geheim"
LIMIT = 1.5  # seconds, for impatient mailboxes


def is_full() -> bool:
    """POSTVAK_TORTURE=full: everything in the numbers of the specification."""
    return os.environ.get("POSTVAK_TORTURE") == "full"


def mails(count: int, name: str = "t") -> list[bytes]:
    """All different: in sender, subject, Message-ID and size."""
    return [
        mail(
            sender=f"Ann {n} <ann{n % 50}@customer.example>",
            subject=f"Mail {name} {n:05}",
            message_id=f"{name}-{n}@customer.example",
            text=f"This is mail {n}.\r\n" + "0123456789 abcdefghijklmnopqrstuvwxyz\r\n" * (n % 7),
        )
        for n in range(count)
    ]


@pytest.fixture
def chance() -> random.Random:
    """POSTVAK_TEST_SEED repeats a run's random moments."""
    seed = int(os.environ.get("POSTVAK_TEST_SEED") or random.SystemRandom().randrange(10**6))
    print(f"POSTVAK_TEST_SEED={seed}")
    return random.Random(seed)


@dataclass
class Site:
    """A user's mailbox, and the proxy between it and Dovecot."""

    dovecot: Dovecot
    user: str
    proxy: Proxy
    mailbox: Mailbox

    def deliver(self, raws: list[bytes], folder: str = "INBOX") -> None:
        for raw in raws:
            self.dovecot.deliver(self.user, raw, folder)

    def left(self) -> list[bytes]:
        """What still lies on the server."""
        return self.dovecot.messages(self.user)


MakeSite = Callable[..., Site]


@pytest.fixture
def site(dovecot: Dovecot, support: Queue) -> Iterator[MakeSite]:
    """`site(kind, *scripts, **settings of the mailbox)`. Plain text, so that the proxy sees literals; tls=True: not."""
    with ExitStack() as proxies:

        def make(kind: str, *scripts: Script, always: Script = (), tls: bool = False, **settings: object) -> Site:
            user = f"torture{next(NUMBERS)}"
            dovecot.add_user(user, PASSWORD)
            ports = {"imap": dovecot.imap, "imaps": dovecot.imaps, "pop3": dovecot.pop3, "pop3s": dovecot.pop3s}
            proxy = proxies.enter_context(Proxy.running(ports[kind + "s" * tls], *scripts, always=always))
            given = {"name": user, "kind": kind, "host": "localhost", "port": proxy.port, "username": user}
            secured = {"security": "tls" if tls else "none", "ca_pem": dovecot.ca_pem}
            mailbox = Mailbox(**(given | secured | {"after_storing": "delete"} | settings))
            mailbox.password = PASSWORD
            mailbox.save()
            return Site(dovecot, user, proxy, mailbox)

        yield make


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time limits of LIMIT seconds instead of 30 and 60."""
    usual = Account.endpoint.fget  # type: ignore[attr-defined]

    def endpoint(account: Account) -> Endpoint:
        return replace(usual(account), connect_timeout=LIMIT, read_timeout=LIMIT)

    monkeypatch.setattr(Account, "endpoint", property(endpoint))
