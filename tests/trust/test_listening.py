"""A mail comes in by SMTP, name servers are asked, and a ticket says who sent it: real listener, worker and name server."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from postvak.mail.dkim_record import in_strings
from tests.mails import mail
from tests.receive.listening import SETUP, Listener, Talk
from tests.servers import wait_until
from tests.servers.nameserver import nameserver
from tests.trust.letters import key, sign

pytestmark = pytest.mark.servers

SUPPORT = "support@in.example.org"
MORE = """
[[queue]]
name = "Support"
address = "support@example.org"
holds_suspicious = true

[[address]]
email = "support@example.org"
queue = "Support"
"""


def quoted(text: str) -> tuple[str, ...]:
    return (" ".join(f'"{piece}"' for piece in in_strings(text)),)


RECORDS = {
    "s1._domainkey.customer.example": quoted(key()[1]),
    "_dmarc.customer.example": quoted("v=DMARC1; p=reject"),
    "_dmarc.example.org": quoted("v=DMARC1; p=none"),
    "example.org": quoted("v=spf1 -all"),
}


@dataclass
class Asking(Listener):
    nameserver: int = 0

    def set_up(self) -> None:
        (self.folder / "setup.toml").write_text(
            SETUP.replace('name = "Support"', 'name = "Support"\nqueue = "Support"', 1) + MORE
        )
        self.program.ok("config", "apply", self.folder / "setup.toml")

    @property
    def command(self) -> list[str]:
        only = ["worker", "--only", "listen,process"]
        return [sys.executable, "-m", "tests.trust.asking_worker", str(self.nameserver), *only]

    def send(self, raw: bytes) -> dict[str, Any]:
        """The receipt as it ended."""
        with Talk(self.port) as talk:
            assert talk.deliver(raw, SUPPORT).startswith("250")
        wait_until(
            lambda: self.rows("SELECT count(*) FROM postvak_receipt WHERE state <> 'done'")[0][0] == 0,
            seconds=30,
            what="processing",
        )
        ((outcome, helo, entries, trust),) = self.rows(
            "SELECT r.outcome, r.helo, t.entries, m.trust FROM postvak_receipt r JOIN postvak_trace t ON t.receipt_id = r.id "
            "LEFT JOIN postvak_message m ON m.id = r.message_id ORDER BY r.id DESC LIMIT 1"
        )
        codes = {code for _step, code, _parameters in read(entries)}
        return {"outcome": outcome, "helo": helo, "codes": codes, "trust": read(trust)}


def read(column: Any) -> Any:
    return json.loads(column) if isinstance(column, str) else column


@contextmanager
def asking(folder: Path) -> Iterator[Asking]:
    with nameserver(RECORDS, kind="TXT") as (resolver, _asked):
        listener = Asking(folder, nameserver=resolver.port)
        try:
            listener.start()
            yield listener
        finally:
            if listener.process is not None and listener.process.poll() is None:
                listener.stop()


def test_who_sent_a_mail_stands_on_its_ticket_and_who_pretends_to_be_us_is_held(tmp_path: Path) -> None:
    with asking(tmp_path) as listener:
        signed = listener.send(sign())
        assert signed["outcome"] == "new_ticket"
        assert signed["helo"] == "client.example"
        assert signed["trust"]["level"] == "verified"
        assert ["sender_by_dkim", {"domain": "customer.example"}] in signed["trust"]["why"]

        altered = listener.send(sign(mail(message_id="m2@customer.example")).replace(b"Hello", b"Hallo"))
        assert altered["outcome"] == "held"
        assert {"trust_suspicious", "held_suspicious"} <= altered["codes"]

        forged = listener.send(mail(sender="Support <support@example.org>", message_id="m3@evil.example"))
        assert forged["outcome"] == "held"
        assert {"trust_spoofed", "held_suspicious"} <= forged["codes"]

        quiet = listener.send(mail(sender="Zoe <zoe@small.example>", message_id="m4@small.example"))
        assert (quiet["outcome"], quiet["trust"]["level"]) == ("new_ticket", "unverified")
        assert "Traceback" not in listener.log
