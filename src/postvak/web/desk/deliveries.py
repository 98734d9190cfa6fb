"""The story of an outgoing mail as the ticket shows it: where it is for each recipient, and what was said on the way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from postvak.log.status_codes import explanation, is_address_gone
from postvak.models import Delivery, DeliveryEvent

State = Delivery.State
TROUBLE = (State.FAILED, State.BOUNCED, State.BLOCKED, State.IN_DOUBT)
ON_THE_WAY = (State.QUEUED, State.SENDING, State.DEFERRED)
CORRECTABLE = (State.FAILED, State.BOUNCED, State.BLOCKED)
LONGEST_STORY = 60  # lines; the oldest attempts of a mail that is tried for days are one line each as it is

# Icon and tone by the kind of an event; DeliveryEvent says which there are.
LOOKS: Mapping[str, tuple[str, str]] = {
    "queued": ("clock", ""),
    "attempt": ("send", ""),
    "accepted": ("tick", ""),
    "delivered": ("ticks", ""),
    "deferred": ("clock", "warn"),
    "delayed": ("clock", "warn"),
    "in_doubt": ("warn", "warn"),
    "failed": ("mailx", "alert"),
    "bounced": ("mailx", "alert"),
    "blocked": ("mailx", "alert"),
    "complained": ("mailx", "alert"),
    "cancelled": ("x", ""),
    "retry": ("redo", ""),
    "replaced": ("pencil", ""),
    "opened": ("eye", ""),
    "clicked": ("link", ""),
}
EVENTS: Mapping[str, str | Promise] = {
    "queued": gettext_lazy("Put into the outbox."),
    "attempt": gettext_lazy("Handed to the server; it has not answered yet."),
    "accepted": gettext_lazy("Taken by the server."),
    "delivered": gettext_lazy("Arrived at the recipient's server."),
    "deferred": gettext_lazy("Not taken for now."),
    "delayed": gettext_lazy("Delayed on the way."),
    "in_doubt": gettext_lazy("The line broke at the last moment: perhaps it was taken, perhaps not."),
    "failed": gettext_lazy("Refused for good."),
    "bounced": gettext_lazy("Came back."),
    "blocked": gettext_lazy("Refused: the other server does not want this mail."),
    "complained": gettext_lazy("The recipient reported the mail as unwanted."),
    "cancelled": gettext_lazy("Stopped: nothing more is tried."),
    "retry": gettext_lazy("To be tried again at once."),
    "replaced": gettext_lazy("Another address gets it instead."),
    "opened": gettext_lazy("The mail was opened."),
    "clicked": gettext_lazy("A link in the mail was followed."),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened, or the same thing several times: `times` of them from `at` to `until`. `said`: the
    server's own words; `why`: what they mean; `who`: the agent who did it."""

    kind: str
    text: str
    said: str
    why: str
    who: str
    icon: str
    tone: str
    at: datetime
    until: datetime
    times: int = 1


@dataclass(frozen=True, slots=True)
class Fate:
    """One recipient. `why`: one sentence on where the mail is; `number`: under which the server knows it."""

    delivery: Delivery
    why: str
    number: str
    lines: tuple[Line, ...]
    earlier: int
    is_correctable: bool


@dataclass(frozen=True, slots=True)
class Story:
    """`headline`: how it stands, in one sentence; `is_open`: somebody should look."""

    headline: str
    fates: tuple[Fate, ...]
    is_open: bool


def story_of(deliveries: Sequence[Delivery]) -> Story | None:
    """None when the message is no outgoing mail. The events (with their agents) are prefetched."""
    if not deliveries:
        return None
    return Story(
        headline=headline(deliveries),
        fates=tuple(fate_of(delivery) for delivery in deliveries),
        is_open=any(delivery.state in TROUBLE for delivery in deliveries),
    )


def headline(deliveries: Sequence[Delivery]) -> str:
    """The worst of it first: what did not arrive, what is in doubt, what waits, what arrived."""
    states = [State(delivery.state) for delivery in deliveries if delivery.state != State.CANCELLED]
    everybody = len(states)
    if not states:
        return _("Sending was stopped.")
    for some, sentence in SENTENCES:
        number = sum(state in some for state in states)
        if number:
            return sentence(number, everybody)
    return ""


def undelivered(number: int, everybody: int) -> str:
    if everybody == 1:
        return _("It did not arrive.")
    return ngettext(
        "It did not arrive at %(num)s of %(all)s recipients.",
        "It did not arrive at %(num)s of %(all)s recipients.",
        number,
    ) % {"num": number, "all": everybody}


def doubtful(number: int, everybody: int) -> str:
    return _("Perhaps it did not arrive.")


def waiting(number: int, everybody: int) -> str:
    if number == everybody:
        return _("It is not out yet.")
    return ngettext(
        "It is not out yet for %(num)s of %(all)s recipients.",
        "It is not out yet for %(num)s of %(all)s recipients.",
        number,
    ) % {"num": number, "all": everybody}


def unwanted(number: int, everybody: int) -> str:
    return ngettext("%(num)s recipient complained about it.", "%(num)s recipients complained about it.", number) % {
        "num": number
    }


def taken(number: int, everybody: int) -> str:
    return _("The server took it.")


def arrived(number: int, everybody: int) -> str:
    return _("It arrived.")


SENTENCES = (
    ({State.FAILED, State.BOUNCED, State.BLOCKED}, undelivered),
    ({State.IN_DOUBT}, doubtful),
    (set(ON_THE_WAY), waiting),
    ({State.COMPLAINED}, unwanted),
    ({State.ACCEPTED}, taken),
    ({State.DELIVERED}, arrived),
)


def fate_of(delivery: Delivery) -> Fate:
    lines = lines_of(list(delivery.events.all()))
    return Fate(
        delivery=delivery,
        why=standing(delivery),
        number=delivery.remote_id,
        lines=tuple(lines[-LONGEST_STORY:]),
        earlier=max(len(lines) - LONGEST_STORY, 0),
        is_correctable=delivery.state in CORRECTABLE,
    )


def standing(delivery: Delivery) -> str:
    """What the agent should know or do; "" when all is well."""
    state = delivery.state
    if state == State.IN_DOUBT:
        return _("The connection broke at the last moment, twice: ask the recipient whether the mail arrived.")
    if state == State.COMPLAINED:
        return _("The recipient told the provider that this mail was unwanted.")
    if state in (State.BOUNCED, State.BLOCKED, State.FAILED):
        return explanation(delivery.said, code=delivery.code, is_final=True)
    if state == State.DEFERRED:
        return explanation(delivery.said, code=delivery.code, is_final=False)
    return ""


def lines_of(events: Sequence[DeliveryEvent]) -> list[Line]:
    """Oldest first. An attempt that was answered is told by its answer; the same answer again and again is one line."""
    lines: list[Line] = []
    for place, event in enumerate(events):
        following = events[place + 1] if place + 1 < len(events) else None
        if event.kind == "attempt" and following is not None and following.agent_id is None:
            continue
        line = line_of(event)
        if lines and is_same(lines[-1], line):
            lines[-1] = replace(lines[-1], until=line.at, times=lines[-1].times + 1)
        else:
            lines.append(line)
    return lines


def is_same(one: Line, other: Line) -> bool:
    return (one.kind, one.said, one.who) == (other.kind, other.said, other.who)


def line_of(event: DeliveryEvent) -> Line:
    icon, tone = LOOKS.get(event.kind, ("info", ""))
    return Line(
        kind=event.kind,
        text=text_of(event),
        said=event.said,
        why=meaning_of(event),
        who=event.agent.name if event.agent else "",
        icon=icon,
        tone=tone,
        at=event.at,
        until=event.at,
    )


def text_of(event: DeliveryEvent) -> str:
    if event.kind == State.BOUNCED:
        return bounced(event)
    return str(EVENTS.get(event.kind, event.kind))


def bounced(event: DeliveryEvent) -> str:
    if is_address_gone(event.said, code=event.code):
        return _("Came back for good: nothing arrives at this address.")
    return str(EVENTS["bounced"])


def meaning_of(event: DeliveryEvent) -> str:
    """Beside the words of bad and late news only."""
    if event.kind in (State.DEFERRED, "delayed"):
        return explanation(event.said, code=event.code, is_final=False)
    if event.kind in CORRECTABLE:
        return explanation(event.said, code=event.code, is_final=True)
    return ""
