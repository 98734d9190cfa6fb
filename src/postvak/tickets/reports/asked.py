"""What a report is about: days, queue, brand, and for whom it is made."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from postvak.models import Agent, Message, Status, Ticket
from postvak.tickets.access import may_read, visible_tickets
from postvak.tickets.views import NOT_MERGED

DAY = timedelta(days=1)
LONGEST = 366  # days


@dataclass(frozen=True, slots=True)
class Asked:
    """`first` and `last`: days on the reader's clock, both included. `queue`, `brand`: keys, null: all. Nobody gets
    figures of tickets that he may not read."""

    agent: Agent
    first: date
    last: date
    queue: int | None = None
    brand: int | None = None

    @property
    def start(self) -> datetime:
        return midnight(self.first)

    @property
    def end(self) -> datetime:
        return midnight(self.last + DAY)

    @property
    def days(self) -> list[date]:
        return [self.first + number * DAY for number in range((self.last - self.first).days + 1)]

    def tickets(self) -> QuerySet[Ticket]:
        """Neither spam nor trash nor merged: those are no work of their own."""
        real = Q(is_spam=False) & NOT_MERGED & ~Q(status__type=Status.Type.REMOVED)
        return visible_tickets(self.agent).filter(real & self.narrowing())

    def messages(self) -> QuerySet[Message]:
        """Of the period."""
        messages = Message.objects.filter(created_at__gte=self.start, created_at__lt=self.end).order_by()
        if not self.agent.is_admin:
            messages = messages.filter(may_read(self.agent, "ticket__"))
        return messages.filter(self.narrowing("ticket__"))

    def narrowing(self, ticket: str = "") -> Q:
        condition = Q()
        if self.queue is not None:
            condition &= Q(**{f"{ticket}queue": self.queue})
        if self.brand is not None:
            condition &= Q(**{f"{ticket}queue__brand": self.brand})
        return condition

    def before(self) -> "Asked":
        """The same number of days just before."""
        length = len(self.days)
        return Asked(self.agent, self.first - length * DAY, self.first - DAY, self.queue, self.brand)


def midnight(day: date) -> datetime:
    """The beginning of the day on the active clock."""
    return timezone.make_aware(datetime.combine(day, time()))
