"""Queues, agents and custom fields that a source names: found here by name, address or key, else made. A trial only counts."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.contrib.auth.hashers import make_password

from postvak.bring.trip import Trip
from postvak.mail.addresses import is_valid_recipient
from postvak.models import Agent, Brand, CustomField, Queue
from postvak.tickets.fields import LONGEST, kept_value

LONGEST_NAME, LONGEST_LOGIN, LONGEST_KEY = 100, 254, 64
Kind = CustomField.Kind
LISTS = {Kind.CHOICE, Kind.CHOICES}


# ---- queues ------------------------------------------------------------


class Queues:
    """By name, whatever its case. `made`: those that an import made."""

    def __init__(self, trip: Trip) -> None:
        self.trip = trip
        self.known = {name.casefold(): pk for name, pk in Queue.objects.values_list("name", "pk")}
        self.brand: Brand = Queue.objects.select_related("brand").get(is_default=True).brand
        self.colours = [colour.value for colour in Queue.Colour]
        self.made: set[int] = set()

    def named(self, name: str, *, is_valid: bool = True) -> int:
        """0: it has no name, or this is a trial."""
        name = name.strip()[:LONGEST_NAME]
        key = name.casefold()
        if name and key not in self.known:
            self.trip.counts["queues"] += 1
            self.known[key] = 0 if self.trip.options.is_dry else self.make(name, is_valid=is_valid)
        return self.known.get(key, 0)

    def make(self, name: str, *, is_valid: bool) -> int:
        colour = self.colours[len(self.known) % len(self.colours)]
        queue = Queue.objects.create(name=name, brand=self.brand, colour=colour, is_valid=is_valid)
        self.made.add(queue.pk)
        return queue.pk


# ---- agents ------------------------------------------------------------


def agents_of(trip: Trip, people: Iterable[tuple[int, str, str]]) -> dict[int, int | None]:
    """`people`: key there, address, name. New ones are invalid and have no password: an administrator says who works here."""
    known, found = dict(Agent.objects.values_list("email", "pk")), dict[int, int | None]()
    for key, typed, name in people:
        email = typed.strip().lower()
        if not is_valid_recipient(email) or len(email) > LONGEST_LOGIN:
            continue
        if email not in known:
            trip.counts["agents"] += 1
            trip.hints.add("agents_off")
            known[email] = 0 if trip.options.is_dry else make_agent(email, name)
        found[key] = known[email] or None
    return found


def make_agent(email: str, name: str) -> int:
    password = make_password(None)
    return Agent.objects.create(email=email, name=(name or email)[:200], is_active=False, password=password).pk


# ---- custom fields ------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    name: str
    label: str
    kind: Kind
    holder: CustomField.Holder
    options: Sequence[str] = ()
    position: int = 0
    is_valid: bool = True


def fields_here() -> dict[str, CustomField]:
    return {row.key.casefold(): row for row in CustomField.objects.all()}


def field_for(trip: Trip, known: dict[str, CustomField], wanted: Wanted) -> CustomField | None:
    """None: no key can be made of its name. The same name of another holder gets a key of its own."""
    key = key_of(wanted.name) or key_of(wanted.label)
    there = known.get(key.casefold())
    if there is not None and there.holder != wanted.holder:
        key = f"{key[: LONGEST_KEY - 13]}_{wanted.holder}"
        there = known.get(key.casefold())
    if there is None and key:
        there = known[key.casefold()] = make_field(trip, key, wanted)
        trip.counts["fields"] += 1
    return there


def key_of(name: str) -> str:
    return re.sub(r"^[^A-Za-z]+", "", re.sub(r"\W+", "_", name, flags=re.ASCII))[:LONGEST_KEY].rstrip("_")


def make_field(trip: Trip, key: str, wanted: Wanted) -> CustomField:
    made = CustomField(
        key=key, label=(wanted.label or key)[:100], kind=wanted.kind, holder=wanted.holder, is_valid=wanted.is_valid,
        options="\n".join(dict.fromkeys(" ".join(one.split()) for one in wanted.options if one.strip())),
        position=min(max(wanted.position, 0), 32000),
    )  # fmt: skip
    if not trip.options.is_dry:
        made.save()
    return made


def fitting(field: CustomField, values: Iterable[str]) -> list[str]:
    """As they are kept here; what can't be a value of this kind is passed over. A choice keeps what is no longer in its list."""
    kept: list[str] = []
    for value in values:
        if not value.strip():
            continue
        try:
            kept.append(kept_value(field.kind, [value] if field.kind in LISTS else (), value[:LONGEST]))
        except ValueError:
            continue
    return kept if field.kind == Kind.CHOICES else kept[:1]
