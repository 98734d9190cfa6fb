"""The automatic mails that a message caused, sent or not, with the reason: on the page that explains it. Spec 06."""

from dataclasses import dataclass

from postvak.log.sentences import history_line
from postvak.models import AutomaticMail
from postvak.notify.shipped import name_of


@dataclass(frozen=True, slots=True)
class Caused:
    """`name`: of the rule, else the kind of mail. `to`: whom it is for. `why`: it wasn't sent because."""

    row: AutomaticMail
    name: str
    to: str
    why: str


def caused_by(message: int) -> list[Caused]:
    rows = AutomaticMail.objects.filter(trigger=message).select_related("rule", "reader").order_by("pk")
    return [shown(row) for row in rows]


def written_as(message: int | None, outgoing: int | None) -> Caused | None:
    """The row whose mail it is: a message of the ticket, or one to an agent, which is none."""
    rows = (
        AutomaticMail.objects.filter(message=message)
        if message
        else AutomaticMail.objects.filter(outgoing=outgoing or 0)
    )
    found = rows.select_related("rule", "reader").first()
    return shown(found) if found else None


def shown(row: AutomaticMail) -> Caused:
    name = name_of(row.rule) if row.rule else str(row.get_kind_display())
    to = row.reader.name if row.reader else ", ".join(map(str, row.recipients))
    return Caused(row, name, to, history_line(row.reason, row.parameters) if row.reason else "")
