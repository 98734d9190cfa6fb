"""What stops an answer once, so that its agent looks again: a second click sends it all the same. Spec 04."""

from collections.abc import Collection, Sequence

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from postvak.mail.addresses import normalise
from postvak.mail.placeholders import unfilled
from postvak.models import Draft, Message, Suppression, Ticket
from postvak.send.sender import CannotAnswer
from postvak.send.suppress import suppressed
from postvak.tickets.columns import AWAITS_NOTHING
from postvak.tickets.recipients import new_domains

PLACEHOLDERS = "placeholders"


class WroteMeanwhile(CannotAnswer):
    """Customers wrote after the agent opened the composer; `messages`: what they wrote."""

    def __init__(self, messages: Sequence[Message]) -> None:
        text = ngettext(
            "A new mail came while you were writing. Read it, then send your answer as it is or change it.",
            "New mails came while you were writing. Read them, then send your answer as it is or change it.",
            len(messages),
        )
        super().__init__("", text)
        self.messages = messages


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
    return mails.exclude(mail_kind__in=AWAITS_NOTHING).order_by("pk")


def check_nobody_wrote(ticket: Ticket, known: int | None) -> None:
    """`known`: key of the newest customer's mail that the agent saw; None: he doesn't want to be stopped."""
    fresh = list(customer_mails(ticket, known)) if known is not None else []
    if fresh:
        raise WroteMeanwhile(fresh)


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
