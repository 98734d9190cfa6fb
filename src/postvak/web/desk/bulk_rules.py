"""A filter for the senders of spam: their next mails are marked by themselves; and the way back. Only administrators make filters."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.conditions.condition import Condition
from postvak.mail.addresses import normalise
from postvak.models import Agent, Filter, Message
from postvak.process.filters.check import MOST
from postvak.process.filters.draft import Action, Draft
from postvak.process.filters.store import delete_filter, draft_of, save_filter

FIELD, OPERATOR = "from.address", "equals"


def senders_of(keys: Sequence[int]) -> list[str]:
    """Of the customers' mails on these tickets, those that no filter of ours names yet; as many as one filter takes."""
    mails = Message.objects.filter(
        ticket__in=keys, kind=Message.Kind.INCOMING, author_kind=Message.AuthorKind.CUSTOMER
    ).exclude(author_email="")
    found = {normalise(email) for email in mails.order_by().values_list("author_email", flat=True).distinct()}
    return sorted(found - named_already())[:MOST]


def named_already() -> set[str]:
    """Senders that a valid filter marks as spam."""
    return {sender for row in blocking_rows() for sender in map(sender_named, row.conditions) if sender}


def blocking_rows() -> list[Filter]:
    """Valid filters that mark as spam what meets any of their conditions."""
    rows = Filter.objects.filter(is_valid=True, match=Filter.Match.ANY).prefetch_related("mailboxes")
    return [row for row in rows if any(action.get("set") == "spam" for action in row.actions)]


def sender_named(condition: Mapping[str, Any]) -> str:
    """The address that a condition asks for; "" for other conditions."""
    is_ours = (condition.get("field"), condition.get("operator")) == (FIELD, OPERATOR) and not condition.get("not")
    return normalise(str(condition.get("value", ""))) if is_ours else ""


def allow_again(sender: str, *, by: Agent) -> list[str]:
    """Take the sender out of the filters that name him; one that names nobody else goes. Returns their names; the history of
    filters can undo each."""
    changed = []
    with transaction.atomic():
        for row in blocking_rows():
            if sender not in map(sender_named, row.conditions):
                continue
            draft = draft_of(row)
            left = tuple(one for one in draft.conditions if sender_named(one.as_json()) != sender)
            if left:
                save_filter(replace(draft, conditions=left), by=by, row=row)
            else:
                delete_filter(row, by=by)
            changed.append(row.name)
    return changed


def make_rule(senders: Sequence[str], *, by: Agent) -> Filter | None:
    """One filter for all of them; null when there is nobody to name."""
    if not senders:
        return None
    for name in names(senders):
        draft = Draft(
            name,
            tuple(Condition(FIELD, OPERATOR, sender) for sender in senders),
            (Action("spam"),),
            match=Filter.Match.ANY,
            comment=_("Made from the list of tickets."),
        )
        try:
            with transaction.atomic():
                return save_filter(draft, by=by)
        except IntegrityError:
            continue
    return None


def names(senders: Sequence[str]) -> list[str]:
    """What it may be called; the second one is free whenever the first is taken."""
    first = _("90 Spam from %(sender)s") % {"sender": senders[0]}
    name = first if len(senders) == 1 else _("%(first)s and %(num)s more") % {"first": first, "num": len(senders) - 1}
    return [name[:200], f"{name[:160]} ({timezone.localtime():%Y-%m-%d %H:%M:%S})"]
