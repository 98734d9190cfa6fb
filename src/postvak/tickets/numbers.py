"""Ticket numbers: a generator per kind of Options.numbers (spec 02, "Ticket numbers"). Unique, without waiting.

The lengths keep the kinds apart: a plain counter has 5 to 10 digits, a random number 11, a dated one 14 or more. So
numbers of a kind used earlier stay unique, and are recognised for ever. None begins with a zero: they stand in addresses.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import date

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from postvak.mail.threading import check_digit, is_hook
from postvak.models import Options, Ticket, TicketCounter

ALWAYS = date.min  # the row of the plain counter, which knows no days
FIRST_PLAIN = 10_001
RANDOM_DIGITS = 10

Generator = Callable[[int, date], list[str]]


def allocate(count: int, day: date) -> list[str]:
    """The next `count` numbers of `day`. Call inside the transaction that opens the tickets, before locking tickets.

    A counter's row stays locked until that transaction ends; a rolled-back one gives its numbers back: no gaps.
    """
    return GENERATORS[Options.objects.get().numbers](count, day) if count else []


def dated(count: int, day: date) -> list[str]:
    return next_free(count, day, lambda n: with_check_digit(f"{day:%Y%m%d}{n:05d}"))


def plain(count: int, day: date) -> list[str]:
    return next_free(count, ALWAYS, lambda n: str(FIRST_PLAIN - 1 + n))


def next_free(count: int, day: date, written: Callable[[int], str]) -> list[str]:
    """Counts on over numbers that are taken already, which only an import or a restored database can have brought."""
    numbers: list[str] = []
    while len(numbers) < count:
        numbers += free([written(n) for n in counted(count - len(numbers), day)])
    return numbers


def drawn(count: int, day: date) -> list[str]:
    """Nobody can guess how many tickets there are. Another transaction's same draw fails by the unique number."""
    numbers: list[str] = []
    while len(numbers) < count:
        wanted = {with_check_digit(random_digits()) for _draw in range(count - len(numbers))}
        numbers += free(sorted(wanted - set(numbers)))
    return numbers


def random_digits() -> str:
    lowest = 10 ** (RANDOM_DIGITS - 1)
    return str(lowest + secrets.randbelow(9 * lowest))


def counted(count: int, day: date) -> range:
    """The next `count` values of the day's counter."""
    TicketCounter.objects.bulk_create([TicketCounter(day=day, last=0)], ignore_conflicts=True)
    counter = TicketCounter.objects.select_for_update().get(day=day)
    first = counter.last + 1
    counter.last += count
    counter.save(update_fields=["last"])
    return range(first, counter.last + 1)


def free(numbers: Sequence[str]) -> list[str]:
    taken = set(Ticket.objects.filter(number__in=numbers).values_list("number", flat=True))
    return [number for number in numbers if number not in taken]


def with_check_digit(digits: str) -> str:
    return digits + check_digit(digits)


def check_options(options: Options) -> None:
    """Raises ValidationError when numbers behind this mark couldn't be found again."""
    if not is_hook(options.hook):
        sentence = _(
            "At most 20 characters, without digits, brackets, or a part of “Re:”: the number begins after the mark."
        )
        raise ValidationError({"hook": sentence})


GENERATORS: Mapping[str, Generator] = {
    Options.Numbers.DATE: dated,
    Options.Numbers.COUNTER: plain,
    Options.Numbers.RANDOM: drawn,
}
