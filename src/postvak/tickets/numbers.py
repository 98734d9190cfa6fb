"""Ticket numbers: date, counter, check digit (spec 02, "Ticket numbers"). Unique, without gaps or waiting."""

from datetime import date

from postvak.mail.threading import check_digit
from postvak.models import TicketCounter


def allocate(count: int, day: date) -> list[str]:
    """The next `count` numbers of `day`. Call inside the transaction that opens the tickets.

    The counter's row stays locked until that transaction ends; a rolled-back one gives its numbers back.
    """
    if not count:
        return []
    TicketCounter.objects.bulk_create([TicketCounter(day=day, last=0)], ignore_conflicts=True)
    counter = TicketCounter.objects.select_for_update().get(day=day)
    first = counter.last + 1
    counter.last += count
    counter.save(update_fields=["last"])
    return [with_check_digit(f"{day:%Y%m%d}{n:05d}") for n in range(first, counter.last + 1)]


def with_check_digit(digits: str) -> str:
    return digits + check_digit(digits)
