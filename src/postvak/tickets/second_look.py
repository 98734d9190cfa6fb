"""What stops an answer once, so that its agent looks again: a second click sends it all the same. Spec 04."""

from collections.abc import Collection, Sequence

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from postvak.mail.addresses import normalise
from postvak.models import Message, Suppression, Ticket
from postvak.send.sender import CannotAnswer
from postvak.send.suppress import suppressed
from postvak.tickets.columns import AWAITS_NOTHING


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
