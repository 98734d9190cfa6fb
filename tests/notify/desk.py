"""A ticket of Ann's, and the rows that the pipeline inserts for its mails; used by tests and by the process that is killed."""

import itertools
from dataclasses import dataclass

from django.utils import timezone

from postvak.blobs import store
from postvak.mail.parse import parse
from postvak.models import Address, Agent, AutomaticMail, Brand, Message, Queue, Status, Ticket, Wording
from tests.mails import mail

ANN = "ann@customer.example"
counter = itertools.count(1)


def sign(
    owner: Brand | Queue | Address | Agent, text: str, *, language: str = "", html: str = "", part: str = "signature"
) -> None:
    """A wording of this owner."""
    whose = {type(owner).__name__.lower(): owner}
    Wording.objects.create(part=part, language=language, text=text, html=html, **whose)


@dataclass
class Desk:
    """`ticket` is Ann's: "The lamp flickers", with one mail of hers."""

    ticket: Ticket

    @classmethod
    def opened(cls, queue: Queue, *, status: str = "open") -> "Desk":
        now = timezone.now()
        state = Status.objects.get(key=status)
        ticket = Ticket.objects.create(
            number=f"20261121{next(counter):08}", subject="The lamp flickers", queue=queue, status=state,
            is_open=state.is_open, created_at=now, changed_at=now, waiting_since=now, preview="Hello", message_count=1,
        )  # fmt: skip
        desk = cls(ticket)
        desk.receive(mail())
        return desk

    def receive(self, raw: bytes, **given: object) -> Message:
        """The mail is on the ticket, as the pipeline puts it there."""
        read = parse(raw)
        store.save(store.prepare([raw]))
        assert read.author is not None
        return Message.objects.create(
            ticket=self.ticket, kind="incoming", created_at=timezone.now(), author_name=read.author.name,
            author_email=read.author.email, subject=read.subject, text=read.text, mail_kind=read.kind,
            message_id=read.message_id, references=list(read.references), blob_id=store.prepare([raw])[0].digest,
            **given,
        )  # fmt: skip

    def plan(self, kind: str, *recipients: str, raw: bytes | None = None, **given: object) -> AutomaticMail:
        """What the pipeline inserts: a mail of this kind, caused by `raw` (default: Ann's first mail)."""
        trigger = self.receive(raw) if raw else self.ticket.messages.order_by("pk").first()
        now = timezone.now()
        row = {"trigger": trigger, "recipients": list(recipients or (ANN,)), "created_at": now, "next_attempt_at": now}
        return AutomaticMail.objects.create(ticket=self.ticket, kind=kind, **row | given)

    def relay(self, agent: Agent, raw: bytes, **given: object) -> AutomaticMail:
        trigger = self.receive(raw, author_kind="agent", agent=agent)
        return self.plan("relay", trigger=trigger, agent=agent, **given)
