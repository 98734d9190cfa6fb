"""Deleting what administrators made: nothing that tickets use goes away, and the reason is a sentence.

Tags are the exception: they are taken from their tickets, so pages say the number of tickets first.
"""

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from postvak.models import (
    Calendar,
    CustomField,
    ExternalNumber,
    ExternalReference,
    GroupingExclusion,
    Invitation,
    LoginProvider,
    Membership,
    Priority,
    QueueTeam,
    Role,
    Sla,
    Status,
    Tag,
    Team,
    Ticket,
    TicketType,
)
from postvak.models.priority import SHIPPED_PRIORITIES
from postvak.models.status import SHIPPED_NAMES
from postvak.tickets.field_sets import has_values
from postvak.tickets.sla.again import reckon_again

Deletable = (
    Status
    | Priority
    | TicketType
    | Tag
    | CustomField
    | ExternalNumber
    | GroupingExclusion
    | Calendar
    | Sla
    | Role
    | Team
)


class CannotDelete(Exception):
    """The text is the sentence for the administrator."""


def delete(row: Deletable) -> None:
    """Raises CannotDelete. The database has the last word when a ticket came in between."""
    sentence = obstacle(row)
    if sentence:
        raise CannotDelete(sentence)
    try:
        with transaction.atomic():
            if isinstance(row, Sla):
                reckon_again([], [row.pk])
            row.delete()
    except (ProtectedError, IntegrityError) as error:
        raise CannotDelete(obstacle(row) or _("Something uses it by now, so it can't be deleted.")) from error


def obstacle(row: Deletable) -> str:
    """Why it can't be deleted, and what to do instead; empty when it can."""
    if is_shipped(row):
        return _("It comes with Postvak and can't be deleted.")
    if isinstance(row, Status | Priority | TicketType):
        return obstacle_of_tickets(ticket_count(row))
    if isinstance(row, CustomField):
        return obstacle_of_field(row)
    if isinstance(row, Calendar):
        return obstacle_of_slas(row)
    if isinstance(row, Role):
        return obstacle_of_role(row)
    if isinstance(row, Team):
        return obstacle_of_team(row)
    if isinstance(row, ExternalNumber):
        return obstacle_of_tickets(ExternalReference.objects.filter(external=row).count())
    return ""


def is_shipped(row: Deletable) -> bool:
    return (
        (isinstance(row, Status) and row.key in SHIPPED_NAMES)
        or (isinstance(row, Priority) and row.level in SHIPPED_PRIORITIES)
        or (isinstance(row, Role) and bool(row.key))
    )


def ticket_count(row: Status | Priority | TicketType) -> int:
    column = {Status: "status", Priority: "priority", TicketType: "type"}[type(row)]
    return Ticket.objects.filter(**{column: row.pk}).count()


def obstacle_of_tickets(count: int) -> str:
    if not count:
        return ""
    return ngettext(
        "%(num)s ticket has it, so it can't be deleted. Make it invalid: the ticket keeps it, and nobody can choose it any more.",
        "%(num)s tickets have it, so it can't be deleted. Make it invalid: they keep it, and nobody can choose it any more.",
        count,
    ) % {"num": count}  # fmt: skip


def obstacle_of_field(field: CustomField) -> str:
    if has_values(field):
        return _("There are values in it, so it can't be deleted. Make it invalid: the values are kept.")
    name = ExternalNumber.objects.filter(field=field).values_list("name", flat=True).first()
    if name is None:
        return ""
    return _("The external number “%(name)s” keeps its numbers in it. Change or delete that first.") % {"name": name}


def obstacle_of_slas(calendar: Calendar) -> str:
    names = ", ".join(calendar.slas.values_list("name", flat=True))
    return (
        _("These service levels go by it: %(names)s. Choose another calendar there first.") % {"names": names}
        if names
        else ""
    )


def obstacle_of_role(role: Role) -> str:
    """Invitations that somebody accepted or that ended count, too: they are kept."""
    agents = Membership.objects.filter(own_role=role).values("agent").distinct().count()
    teams = QueueTeam.objects.filter(role=role).values("team").distinct().count()
    if agents or teams:
        values = {"agents": agents, "teams": teams}
        return _("It is in use (agents: %(agents)s, teams: %(teams)s). Give them another role first.") % values
    if Invitation.objects.filter(role=role).exists():
        return _("Somebody was invited with this role, so it can't be deleted.")
    name = LoginProvider.objects.filter(role=role).values_list("name", flat=True).first()
    return _("Who first logs in by “%(name)s” gets it. Choose another one there.") % {"name": name} if name else ""


def obstacle_of_team(team: Team) -> str:
    if team.members.exists() or QueueTeam.objects.filter(team=team).exists():
        return _("It has members or works in queues. Make it invalid, or take those out first.")
    return ""
