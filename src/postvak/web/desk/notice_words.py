"""What a notice says, in one sentence."""

from django.utils.translation import gettext as _

from postvak.models import Agent, Message, Notification

Kind = Notification.Kind
ICONS = {
    Kind.ASSIGNED: "user",
    Kind.ANSWERED: "mail",
    Kind.MENTIONED: "at",
    Kind.NOTED: "note",
    Kind.FOLLOWED: "follow",
    Kind.REMINDED: "bell",
    Kind.LATE: "clock",
    Kind.UNDELIVERED: "mailx",
    Kind.OPENED: "in",
    Kind.CHANGED: "pencil",
    Kind.DUE_NEAR: "timer",
    Kind.UNANSWERED: "clock",
    Kind.UNASSIGNED: "nobody",
    Kind.SILENT: "pause",
}
OF_TICKETS = {Kind.OPENED, Kind.CHANGED, Kind.DUE_NEAR, Kind.UNANSWERED, Kind.UNASSIGNED, Kind.SILENT}
TONES = {Kind.LATE: "warn", Kind.UNDELIVERED: "alert", Kind.DUE_NEAR: "warn", Kind.UNANSWERED: "warn"}


def sentence(notice: Notification, agent: Agent) -> str:
    """`agent` is told it: of his own ticket, or of one of the colleague for whom he stands in."""
    values = {"name": writer(notice), "absent": absent(notice, agent)}
    if notice.kind == Kind.FOLLOWED:
        return of_followed(notice) % values
    if notice.kind in OF_TICKETS:
        return of_ticket(notice) % values
    words = for_substitute(notice) if values["absent"] else of_own(notice)
    return words % values


def writer(notice: Notification) -> str:
    """Who wrote, or gave the ticket."""
    if notice.by:
        return notice.by.name
    message = notice.message
    return (message.author_name or message.author_email if message else "") or _("Somebody")


def absent(notice: Notification, agent: Agent) -> str:
    """The colleague whom it is about, when it is not the agent himself."""
    assignee = notice.ticket.assignee
    if notice.kind == Kind.MENTIONED or assignee is None or assignee.substitute_id != agent.pk:
        return ""
    return assignee.name


def of_own(notice: Notification) -> str:
    return {
        Kind.ASSIGNED: _("%(name)s gave you a ticket") if notice.by_id else _("You were given a ticket"),
        Kind.ANSWERED: _("%(name)s wrote on your ticket"),
        Kind.MENTIONED: _("%(name)s mentioned you in a note"),
        Kind.NOTED: _("%(name)s wrote a note on your ticket"),
        Kind.REMINDED: _("A reminder is due"),
        Kind.LATE: _("A ticket is late"),
        Kind.UNDELIVERED: _("An answer was not delivered"),
    }[Kind(notice.kind)]


def for_substitute(notice: Notification) -> str:
    return {
        Kind.ASSIGNED: _("%(absent)s, for whom you stand in, was given a ticket"),
        Kind.ANSWERED: _("%(name)s wrote on a ticket of %(absent)s, for whom you stand in"),
        Kind.NOTED: _("%(name)s wrote a note on a ticket of %(absent)s, for whom you stand in"),
        Kind.REMINDED: _("A reminder of %(absent)s, for whom you stand in, is due"),
        Kind.LATE: _("A ticket of %(absent)s, for whom you stand in, is late"),
        Kind.UNDELIVERED: _("An answer on a ticket of %(absent)s, for whom you stand in, was not delivered"),
    }[Kind(notice.kind)]


def of_ticket(notice: Notification) -> str:
    """The same for everybody whom a rule tells it."""
    return {
        Kind.OPENED: _("There is a new ticket"),
        Kind.CHANGED: _("%(name)s changed status, queue or priority")
        if notice.by_id
        else _("Status, queue or priority changed"),
        Kind.DUE_NEAR: _("An answer is due soon"),
        Kind.UNANSWERED: _("A customer waits for an answer"),
        Kind.UNASSIGNED: _("A ticket has no assignee"),
        Kind.SILENT: _("A customer doesn't answer"),
    }[Kind(notice.kind)]


def of_followed(notice: Notification) -> str:
    kind = notice.message.kind if notice.message else ""
    if kind == Message.Kind.NOTE:
        return _("%(name)s wrote a note on a ticket that you follow")
    if kind == Message.Kind.OUTGOING:
        return _("%(name)s sent a mail on a ticket that you follow")
    return _("%(name)s wrote on a ticket that you follow")
