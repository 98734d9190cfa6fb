"""transfer(): messages go to another ticket, with all that hangs on them. Only for the verbs merge, move and split.

Automatic mails that a message caused go with it. Message-IDs, references, attachments and deliveries hang on the message, so later replies and delivery reports follow.
"""

from collections.abc import Sequence

from django.db.models import F, Q

from postvak.models import AutomaticMail, Message, Participant, Receipt, Ticket
from postvak.tickets.search.index import read_again


def transfer(keys: Sequence[int], source: Ticket, target: Ticket) -> None:
    """`keys`: of messages that are on `source`. Both tickets are locked by the caller, who counts them anew."""
    messages = Message.objects.filter(pk__in=keys)
    message_ids = set(messages.exclude(message_id="").values_list("message_id", flat=True))
    messages.filter(moved_from=None).update(moved_from=source)
    messages.update(ticket=target)
    messages.filter(moved_from=F("ticket")).update(moved_from=None)
    leave_sides(keys)
    came_with = Q(message__in=keys) | Q(first__message__in=keys)
    came_back = Q(ticket=source, message=None, message_id_header__in=message_ids)
    Receipt.objects.filter(came_with | came_back).update(ticket=target)
    AutomaticMail.objects.filter(trigger__in=keys).update(ticket=target)
    read_again(keys)


def leave_sides(keys: Sequence[int]) -> None:
    """What goes to another ticket than its side conversation is an ordinary mail there: it can be answered."""
    left = list(
        Message.objects.filter(pk__in=keys)
        .exclude(side__ticket=F("ticket"))
        .exclude(side=None)
        .values_list("pk", flat=True)
    )
    Message.objects.filter(pk__in=left, kind=Message.Kind.INCOMING).exclude(
        author_kind=Message.AuthorKind.AGENT
    ).update(is_internal=False)
    Message.objects.filter(pk__in=left).update(side=None)


def let_take_part(customers: Sequence[int | None], ticket: Ticket) -> list[int]:
    """Make them participants, unless they are in the conversation already; returns the new ones' keys."""
    there = {ticket.customer_id, *ticket.participants.values_list("customer", flat=True)}
    fresh = sorted({key for key in customers if key is not None} - there)
    Participant.objects.bulk_create(
        [Participant(ticket=ticket, customer_id=key) for key in fresh], ignore_conflicts=True
    )
    return fresh
