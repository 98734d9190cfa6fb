"""What the outbox page shows: which mails, one page at a time by key, so that 100,000 rows cost as much as ten."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postvak.models import Agent, Channel, Delivery, Membership, Message, OutgoingMail
from postvak.send.by_hand import NOBODY_GOT_IT, STOPPABLE, TRIED_AGAIN
from postvak.tickets.access import visible_outgoing
from postvak.web.desk.deliveries import standing

PAGE = 50
RECIPIENTS_SHOWN = 5
State = Delivery.State
NEEDS_PERSON = (State.FAILED, State.BOUNCED, State.BLOCKED, State.IN_DOUBT)
SETTLED = (State.ACCEPTED, State.DELIVERED, State.CANCELLED)

STATES: Mapping[str, tuple[str | Promise, tuple[State, ...]]] = {
    "attention": (gettext_lazy("Needs a person"), NEEDS_PERSON),
    "queued": (gettext_lazy("To be sent"), (State.QUEUED, State.SENDING)),
    "later": (gettext_lazy("Later"), (State.QUEUED,)),
    "deferred": (gettext_lazy("Deferred"), (State.DEFERRED,)),
    "in_doubt": (gettext_lazy("In doubt"), (State.IN_DOUBT,)),
    "failed": (gettext_lazy("Not delivered"), (State.FAILED, State.BOUNCED, State.BLOCKED)),
    "complained": (gettext_lazy("Complained"), (State.COMPLAINED,)),
    "accepted": (gettext_lazy("Accepted"), (State.ACCEPTED,)),
    "delivered": (gettext_lazy("Delivered"), (State.DELIVERED,)),
    "cancelled": (gettext_lazy("Cancelled"), (State.CANCELLED,)),
}
TIMES: Mapping[str, tuple[str | Promise, timedelta]] = {
    "day": (gettext_lazy("Last 24 hours"), timedelta(days=1)),
    "week": (gettext_lazy("Last 7 days"), timedelta(days=7)),
    "month": (gettext_lazy("Last 30 days"), timedelta(days=30)),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """The filter as it stands in the address of the page. `before`: key of the last mail of the page before."""

    state: str = ""
    channel: int = 0
    text: str = ""
    time: str = ""
    mine: bool = False
    before: int = 0

    @classmethod
    def of(cls, data: QueryDict) -> "Wanted":
        state, time = data.get("state", ""), data.get("time", "")
        return cls(
            state=state if state in STATES else "",
            channel=as_key(data.get("channel", "")),
            text=data.get("text", "").strip()[:200],
            time=time if time in TIMES else "",
            mine=data.get("mine") == "1",
            before=as_key(data.get("before", "")),
        )

    def query(self, **changed: object) -> str:
        """As an address knows it; without `before`, unless it is among `changed`."""
        values = {"state": self.state, "channel": self.channel, "text": self.text, "time": self.time}
        values |= {"mine": "1" if self.mine else ""} | changed
        return urlencode({name: value for name, value in values.items() if value})


@dataclass(frozen=True, slots=True)
class Row:
    """A mail with its recipients, the one with whom most is wrong first; `why`: one sentence about that one's fate."""

    mail: OutgoingMail
    deliveries: list[Delivery]
    more: int
    worst: Delivery
    said: str
    why: str
    tone: str
    can_retry: bool
    can_stop: bool
    can_undo: bool


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Row]
    older: int


def page_of(wanted: Wanted, agent: Agent) -> Page:
    """Newest first."""
    mails = matching(wanted, agent)
    if wanted.before:
        mails = mails.filter(pk__lt=wanted.before)
    found = list(
        mails.select_related("channel", "message__ticket__queue", "message__agent", "ticket__queue")
        .prefetch_related("deliveries")
        .order_by("-pk")[: PAGE + 1]
    )
    return Page([make_row(mail) for mail in found[:PAGE]], found[PAGE - 1].pk if len(found) > PAGE else 0)


def matching(wanted: Wanted, agent: Agent) -> QuerySet[OutgoingMail]:
    mails = visible_outgoing(agent)
    if wanted.mine:
        own = Message.objects.filter(pk=OuterRef("message"), agent=agent)
        mails = mails.filter(Exists(own))  # a join would be sorted whole before its first row
    if wanted.channel:
        mails = mails.filter(channel=wanted.channel)
    if wanted.time:
        mails = mails.filter(created_at__gte=timezone.now() - TIMES[wanted.time][1])
    if wanted.text:
        mails = mails.filter(with_text(wanted.text))
    return in_state(mails, wanted.state) if wanted.state else mails


def with_text(text: str) -> Q:
    """In a recipient or the subject; or the number of a ticket."""
    recipients = Delivery.objects.filter(recipient__icontains=text).values("outgoing")
    in_subject = Q(message__subject__icontains=text) | Q(subject__icontains=text)
    return Q(pk__in=recipients) | in_subject | Q(message__ticket__number=text) | Q(ticket__number=text)


def in_state(mails: QuerySet[OutgoingMail], state: str) -> QuerySet[OutgoingMail]:
    mails = mails.filter(pk__in=Delivery.objects.filter(state__in=STATES[state][1]).values("outgoing"))
    later = Q(send_at__gt=timezone.now(), attempts=0)
    if state == "later":
        return mails.filter(later)
    return mails.exclude(later) if state == "queued" else mails


def make_row(mail: OutgoingMail) -> Row:
    deliveries = sorted(mail.deliveries.all(), key=lambda one: (one.state in SETTLED, one.state not in NEEDS_PERSON))
    worst, states = deliveries[0], {one.state for one in deliveries}
    is_open = not mail.claimed_by
    return Row(
        mail=mail,
        deliveries=deliveries[:RECIPIENTS_SHOWN],
        more=len(deliveries[RECIPIENTS_SHOWN:]),
        worst=worst,
        said="" if worst.state == State.CANCELLED else worst.said,
        why=why(mail, worst),
        tone="alert" if worst.state in NEEDS_PERSON[:3] else "warn" if worst.state == State.IN_DOUBT else "",
        can_retry=is_open and bool(states & set(TRIED_AGAIN) or mail.is_later),
        can_stop=is_open and bool(states & set(STOPPABLE)),
        can_undo=is_open
        and mail.message is not None
        and mail.next_attempt_at is not None
        and states <= set(NOBODY_GOT_IT),
    )


def why(mail: OutgoingMail, delivery: Delivery) -> str:
    """One sentence; the server's own words stand beside it."""
    if mail.message and mail.message.taken_back_at:
        return _("Taken back before anybody got it.")
    if delivery.state == State.QUEUED and mail.is_later:
        return _("It waits for the time that was chosen.")
    return standing(delivery)


def needing_person(agent: Agent) -> QuerySet[OutgoingMail]:
    """Mails that somebody should look at; automatic ones don't count, nobody waits for them."""
    broken = Delivery.objects.filter(state__in=NEEDS_PERSON, outgoing__message__isnull=False).exclude(
        outgoing__message__author_kind=Message.AuthorKind.SYSTEM
    )
    if not agent.is_admin:
        queue = OuterRef("outgoing__message__ticket__queue")
        broken = broken.filter(Exists(Membership.objects.filter(agent=agent, queue=queue)))
    return OutgoingMail.objects.filter(pk__in=broken.order_by().values("outgoing"))


def paused_channels() -> QuerySet[Channel]:
    return Channel.objects.filter(paused_until__gt=timezone.now())


def as_key(typed: str) -> int:
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 19 else 0
