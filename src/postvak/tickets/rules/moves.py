"""Moves: what a line of history about status, queue or priority means, and whether it only takes back what was done a moment
ago. Nobody outside hears of a change that was undone at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from postvak.models import History, Status
from postvak.tickets.rules.occurrence import Trigger

GRACE = timedelta(minutes=2)  # an undone change follows that soon
LOOKED_BACK = timedelta(minutes=10)  # at a ticket that goes to and fro
OVER = {Status.Type.CLOSED.value}
GONE = {Status.Type.REMOVED.value}


@dataclass(frozen=True, slots=True)
class Moves:
    """`types`: of statuses, by name and by key; `keys`: the key for a name; `before`: by line, the status that the ticket had before it
    began to go to and fro."""

    types: dict[str, str]
    keys: dict[str, str]
    before: dict[int, str]

    @classmethod
    def around(cls, lines: Sequence[History]) -> "Moves":
        """`lines`: of status. Two queries, none for none."""
        if not lines:
            return cls({}, {}, {})
        statuses = list(Status.objects.all())
        types = {name: row.type for row in statuses for name in (row.name, row.key) if name}
        keys = {row.name: row.key for row in statuses if row.name}
        since = min(line.at for line in lines) - LOOKED_BACK
        tickets = {line.ticket_id for line in lines}
        recent = History.objects.filter(ticket__in=tickets, code="status", at__gte=since).order_by("pk")
        story: dict[int, list[History]] = {}
        for line in recent:
            story.setdefault(line.ticket_id, []).append(line)
        return cls(types, keys, {line.pk: beginning(line, story.get(line.ticket_id, [])) for line in lines})

    def triggers(self, line: History) -> Iterator[tuple[Trigger, bool]]:
        """Which rules are asked, and whether the line undoes what was done."""
        if line.code != "status":
            yield (Trigger.QUEUE if line.code == "queue" else Trigger.PRIORITY), False
            return
        old, new, before = self.key(line, "old"), self.key(line, "new"), self.before.get(line.pk, "")
        yield Trigger.STATUS, self.keys.get(before, before) == new
        was, now, began = self.types.get(old, ""), self.types.get(new, ""), self.types.get(before, "")
        if now in OVER and was not in OVER:
            yield Trigger.CLOSED, began in OVER
        elif was in OVER and now not in OVER | GONE:
            yield Trigger.REOPENED, began not in OVER

    def key(self, line: History, side: str) -> str:
        """People's changes are written by name where a status has one of its own, those of mails by key."""
        name = str(line.parameters.get(side, ""))
        return self.keys.get(name, name)


def beginning(line: History, story: Sequence[History]) -> str:
    """The status before the first of the lines that follow each other within GRACE and end with `line`."""
    first = line
    for earlier in reversed([one for one in story if one.pk < line.pk]):
        if abs(first.at - earlier.at) >= GRACE:
            break
        first = earlier
    return str(first.parameters.get("old", ""))
