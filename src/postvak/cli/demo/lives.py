"""How one ticket of the large installation went: when it was opened, what it is by now, who wrote what and when."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import TypeVar

from postvak.models import Message

YEARS = 5
LONG = 2000  # every so many tickets one has HUNDRED messages
HUNDRED = 100
AVERAGE = 4.45  # messages beyond the first one, before rounding down: five in all
OPEN_BEFORE, OPEN_LATELY, LATELY = 0.02, 0.32, 0.8  # 8 % open, most of them of the last year
OPEN_STATES = {"new": 25, "open": 30, "customer": 30, "internal": 10, "clarify": 5}
PRIORITIES = {3: 80, 4: 12, 2: 5, 5: 2, 1: 1}
Kind = Message.Kind
Value = TypeVar("Value", int, str)


@dataclass(frozen=True, slots=True)
class Life:
    """`status`: a key. `messages`: kind and time of each; the first one comes from the customer."""

    status: str
    is_spam: bool
    priority: int
    opened_at: datetime
    messages: list[tuple[str, datetime]]

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATES

    @property
    def last_mail(self) -> tuple[str, datetime]:
        return next(each for each in reversed(self.messages) if each[0] != Kind.NOTE)

    @property
    def waits(self) -> bool:
        """Is it our turn?"""
        return self.status in {"new", "open", "clarify"} and self.last_mail[0] == Kind.INCOMING and not self.is_spam


def lives(count: int, now: datetime, chance: Random) -> Iterator[Life]:
    """In the order in which the tickets were opened."""
    began, step = now - timedelta(days=365 * YEARS), timedelta(days=365 * YEARS) / count
    for number in range(count):
        opened_at = began + step * (number + chance.random())
        yield life(number, opened_at, now, chance, is_late=number > count * LATELY)


def life(number: int, opened_at: datetime, now: datetime, chance: Random, *, is_late: bool) -> Life:
    is_open = chance.random() < (OPEN_LATELY if is_late else OPEN_BEFORE)
    status = drawn(OPEN_STATES, chance) if is_open else "trash" if chance.random() < 0.01 else "closed"
    is_spam = not is_open and chance.random() < 0.02
    length = HUNDRED if number % LONG == LONG // 2 else 1 + int(chance.expovariate(1 / AVERAGE))
    if status == "new":
        length = chance.choice((1, 1, 2))
    elif status in {"customer", "closed"} and not is_spam:
        length = max(2, length)
    kinds = kinds_of(status, length, chance)
    return Life(status, is_spam, drawn(PRIORITIES, chance), opened_at, list(timed(kinds, opened_at, now, chance)))


def kinds_of(status: str, length: int, chance: Random) -> list[str]:
    """A new ticket has only what the customer wrote; where we wait for him, or are done, we wrote last."""
    if status == "new":
        return [Kind.INCOMING] * length
    others: list[str] = [Kind.OUTGOING, Kind.INCOMING, Kind.NOTE]
    kinds = [Kind.INCOMING, *chance.choices(others, weights=(50, 38, 12), k=length - 1)]
    if status in {"customer", "closed"} and length > 1:
        kinds[-1] = Kind.OUTGOING
    return [str(kind) for kind in kinds]


def timed(kinds: list[str], opened_at: datetime, now: datetime, chance: Random) -> Iterator[tuple[str, datetime]]:
    """Hours lie between two messages; nothing lies in the future."""
    at, left = opened_at, now - opened_at
    longest = min(timedelta(days=3), left / len(kinds))
    for kind in kinds:
        yield kind, at
        at += longest * chance.random()


def drawn(shares: Mapping[Value, int], chance: Random) -> Value:
    return chance.choices(list(shares), list(shares.values()))[0]
