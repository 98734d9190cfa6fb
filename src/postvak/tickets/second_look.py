"""What stops an answer once, so that its agent looks again: a second click sends it all the same. Spec 04."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from postvak.mail.addresses import normalise
from postvak.mail.placeholders import unfilled
from postvak.models import Agent, Draft, Message, Suppression, Ticket
from postvak.send.sender import CannotAnswer
from postvak.send.suppress import suppressed
from postvak.tickets.columns import AWAITS_NOTHING
from postvak.tickets.recipients import new_domains

PLACEHOLDERS = "placeholders"


@dataclass(frozen=True, slots=True)
class Seen:
    """The ticket as it was when the agent opened the composer: keys of its newest message and of its assignee (0: none)."""

    message: int
    assignee: int

    def __str__(self) -> str:
        return f"{self.message}-{self.assignee}"

    @staticmethod
    def of(ticket: Ticket) -> "Seen":
        newest = ticket.messages.order_by("-pk").values_list("pk", flat=True).first()
        return Seen(newest or 0, ticket.assignee_id or 0)

    @staticmethod
    def read(text: str) -> "Seen | None":
        """As __str__ writes it; None for anything else: then nothing is asked."""
        found = re.fullmatch(r"(\d{1,18})-(\d{1,18})", text, re.ASCII)
        return Seen(int(found[1]), int(found[2])) if found else None


class WroteMeanwhile(CannotAnswer):
    """Customers or colleagues wrote after the agent opened the composer; `messages`: what they wrote."""

    def __init__(self, messages: Sequence[Message]) -> None:
        colleagues = list(dict.fromkeys(message.author_name for message in messages if message.agent_id))
        if colleagues:
            text = ngettext(
                "%(names)s wrote on this ticket while you were writing. Read it, then send your answer as it is or change it.",
                "%(names)s wrote on this ticket while you were writing. Read them, then send your answer as it is or change it.",
                len(messages),
            ) % {"names": ", ".join(colleagues)}
        else:
            text = ngettext(
                "A new mail came while you were writing. Read it, then send your answer as it is or change it.",
                "New mails came while you were writing. Read them, then send your answer as it is or change it.",
                len(messages),
            )
        super().__init__("", text)
        self.messages = messages


class TakenOver(CannotAnswer):
    """The ticket was given to a colleague after the agent opened the composer."""

    def __init__(self, assignee: Agent) -> None:
        text = _("This ticket was given to %(name)s while you were writing. Ask, or send your answer all the same.")
        super().__init__("", text % {"name": assignee.name})


class ComesBack(CannotAnswer):
    """Recipients are on the suppression list; `suppressions`: their rows."""

    def __init__(self, suppressions: Sequence[Suppression]) -> None:
        super().__init__("", _("Mail to a recipient came back before. Correct the address, or send all the same."))
        self.suppressions = suppressions

    @property
    def despite(self) -> tuple[str, ...]:
        return tuple(row.address for row in self.suppressions)


class NewDomain(CannotAnswer):
    """Recipients are of domains that have no part in the conversation yet; `domains`."""

    def __init__(self, domains: Sequence[str]) -> None:
        text = ngettext(
            "%(domains)s takes no part in this conversation yet. Is the recipient right? Then send all the same.",
            "%(domains)s take no part in this conversation yet. Are the recipients right? Then send all the same.",
            len(domains),
        ) % {"domains": ", ".join(domains)}
        super().__init__("to", text)
        self.domains = domains

    @property
    def despite(self) -> tuple[str, ...]:
        return tuple(f"@{domain}" for domain in self.domains)


class Unfilled(CannotAnswer):
    """Placeholders stand in the text, without a value; `names`: as they are written."""

    despite = (PLACEHOLDERS,)

    def __init__(self, names: Sequence[str]) -> None:
        text = _("Nothing was put in for %(names)s. Write what belongs there, or send all the same.")
        super().__init__("text", text % {"names": ", ".join(names)})
        self.names = names


class Overtaken(CannotAnswer):
    """The draft was changed in another window since this one was saved."""

    def __init__(self, draft: Draft) -> None:
        text = _(
            "A newer version of this draft was saved in another window. Look there, or send this one all the same."
        )
        super().__init__("", text)
        self.draft = draft

    @property
    def despite(self) -> tuple[str, ...]:
        return (overtaken_by(self.draft),)


def overtaken_by(draft: Draft) -> str:
    """What an agent accepts who wants to send an older version of the draft than this one."""
    return f"revision:{draft.revision}"


def newest_customer_mail(ticket: Ticket) -> int:
    """Its key; 0 without one. Machines' mails don't count."""
    newest = customer_mails(ticket, 0).last()
    return newest.pk if newest else 0


def customer_mails(ticket: Ticket, known: int) -> QuerySet[Message]:
    mails = ticket.messages.filter(kind=Message.Kind.INCOMING, author_kind=Message.AuthorKind.CUSTOMER, pk__gt=known)
    mails = mails.filter(side=None)
    return mails.exclude(mail_kind__in=AWAITS_NOTHING).order_by("pk")


def colleagues_words(ticket: Ticket, seen: Seen, by: Agent) -> QuerySet[Message]:
    """What the customer got, or is about to get, from another agent; and notes."""
    words = ticket.messages.filter(Q(kind=Message.Kind.OUTGOING, is_internal=False) | Q(kind=Message.Kind.NOTE))
    return words.filter(pk__gt=seen.message, taken_back_at=None).exclude(agent=None).exclude(agent=by).order_by("pk")


def check_nobody_wrote(ticket: Ticket, known: int | None, seen: Seen | None, by: Agent) -> None:
    """`known`: key of the newest customer's mail that the agent saw; `seen`: what he saw of his colleagues. None: he doesn't
    want to be stopped."""
    fresh = list(customer_mails(ticket, known)) if known is not None else []
    fresh += colleagues_words(ticket, seen, by) if seen is not None else []
    if fresh:
        raise WroteMeanwhile(sorted(fresh, key=lambda message: message.pk))
    if seen is not None and ticket.assignee and ticket.assignee_id not in {seen.assignee, by.pk}:
        raise TakenOver(ticket.assignee)


def check_suppressed(recipients: Sequence[str], despite: Collection[str]) -> None:
    """`despite`: addresses that the agent wants to write to all the same."""
    accepted = {normalise(address) for address in despite}
    rows = [row for row in suppressed(recipients) if row.address not in accepted]
    if rows:
        raise ComesBack(rows)


def check_domains(ticket: Ticket, recipients: Sequence[str], despite: Collection[str]) -> None:
    """`despite`: "@domain" for each that the agent wants to write to."""
    fresh = [domain for domain in new_domains(ticket, recipients) if f"@{domain}" not in despite]
    if fresh:
        raise NewDomain(fresh)


def check_filled(texts: Sequence[str], despite: Collection[str]) -> None:
    names = [name for text in texts for name in unfilled(text)]
    if names and PLACEHOLDERS not in despite:
        raise Unfilled(tuple(dict.fromkeys(names)))
