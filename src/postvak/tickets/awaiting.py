"""Who asked first, who was answered first, who waits now: of many tickets at once. Of one ticket: notify.unanswered."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, Min, OuterRef, Q

from postvak.mail.values import Kind as MailKind
from postvak.models import Message
from postvak.notify.unanswered import AWAITS_NOTHING

Kind, Author = Message.Kind, Message.AuthorKind
SENT = Q(kind=Kind.OUTGOING, is_internal=False, taken_back_at=None) & ~Q(author_kind=Author.SYSTEM)
BY_OWN_MAIL = Q(kind=Kind.INCOMING, author_kind=Author.AGENT, is_internal=False)  # the customer got it, too
ANSWER = SENT | BY_OWN_MAIL
MACHINES = [MailKind(kind).value for kind in AWAITS_NOTHING]
ASKING = Q(kind=Kind.INCOMING, author_kind=Author.CUSTOMER, is_internal=False) & ~Q(mail_kind__in=MACHINES)


@dataclass(frozen=True, slots=True)
class Answers:
    """The first mail of a customer who awaits an answer, and our first answer."""

    asked_at: datetime | None = None
    answered_at: datetime | None = None


def first_answers(tickets: Collection[int]) -> dict[int, Answers]:
    """By ticket; of those with messages only."""
    rows = Message.objects.filter(ticket__in=tickets).order_by().values("ticket")
    rows = rows.annotate(asked=Min("created_at", filter=ASKING), answered=Min("created_at", filter=ANSWER))
    return {row["ticket"]: Answers(row["asked"], row["answered"]) for row in rows}


def waiting_since(tickets: Collection[int]) -> dict[int, datetime]:
    """By ticket, the oldest mail that came after our last answer; of those only on which somebody waits."""
    answered = Message.objects.filter(SENT, ticket=OuterRef("ticket"), created_at__gte=OuterRef("created_at"))
    mails = Message.objects.filter(ASKING, ~Exists(answered), ticket__in=tickets).order_by()
    return {row["ticket"]: row["since"] for row in mails.values("ticket").annotate(since=Min("created_at"))}
