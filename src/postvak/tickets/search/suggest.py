"""What is offered while one types: operators, their values, people and tags; with slips of the finger.

People are those of the newest tickets that the agent may see, remembered for a minute: some thousand, so that it takes
some milliseconds.
"""

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from threading import Lock

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from postvak.mail.words import fold
from postvak.models import Agent, Customer, Status, Tag
from postvak.tickets.access import visible_queues, visible_tickets
from postvak.tickets.search.alike import Alike
from postvak.tickets.search.operators import BY_KEY, OPERATORS, value_words
from postvak.tickets.search.query import NAMES, QUOTES, known_value

OFFERED = 8
NEWEST_TICKETS = 2000
REMEMBERED = 60.0  # seconds
AGENTS = 200
LAST = re.compile(r'(?P<minus>(?<!\S)-)?(?:(?P<name>[^\W\d_]+):\s?)?(?P<value>"[^"]*|[^\s"]*)$')


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`text`: the whole search with it. `kind`: operator, value, person or tag."""

    kind: str
    label: str
    hint: str
    text: str


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class People:
    made_at: float
    people: list[Person]
    alike: Alike


known: OrderedDict[tuple[object, ...], People] = OrderedDict()
lock = Lock()


def suggest(text: str, *, by: Agent) -> list[Suggestion]:
    """For the word at the end of what was typed."""
    clean = text.translate(QUOTES)[:1000]
    match = LAST.search(clean)
    if match is None:
        return []
    before = clean[: match.start()] + (match["minus"] or "")
    value = match["value"].strip('"')
    key = NAMES.get(fold(match["name"] or ""), "")
    if key:
        return [
            Suggestion("value", label, hint, f"{before}{match['name']}:{quoted(typed)} ")
            for typed, label, hint in values(key, value, by)
        ][:OFFERED]
    if match["name"] or not value:
        return []
    return [*operators(value, before), *persons(value, before, by), *tags(value, before)][:OFFERED]


def operators(value: str, before: str) -> list[Suggestion]:
    language = get_language() or "en"
    return [
        Suggestion("operator", f"{each.name(language)}:", str(each.meaning), f"{before}{each.name(language)}:")
        for each in OPERATORS
        if any(fold(name).startswith(fold(value)) for name in each.names.values())
    ][:3]


def persons(value: str, before: str, by: Agent) -> list[Suggestion]:
    name = BY_KEY["from"].name(get_language() or "en")
    return [
        Suggestion("person", person.name or person.email, person.email, f"{before}{name}:{person.email} ")
        for person in people_like(value, by)[:5]
    ]


def tags(value: str, before: str) -> list[Suggestion]:
    name = BY_KEY["tag"].name(get_language() or "en")
    return [
        Suggestion("tag", label, _("Tag"), f"{before}{name}:{quoted(label)} ")
        for label in like(value, Tag.objects.values_list("name", flat=True))[:3]
    ]


def values(key: str, value: str, by: Agent) -> list[tuple[str, str, str]]:
    """(what is typed, label, hint)"""
    if key in {"from", "to"}:
        return [(person.email, person.name or person.email, person.email) for person in people_like(value, by)]
    if key in {"is", "has"} and known_value(key, value):
        return []
    found = like(value, CHOICES[key](by)) if key in CHOICES else []
    return [(label, label, "") for label in found]


def like(value: str, labels: Iterable[str]) -> list[str]:
    """All of them while nothing is typed."""
    names = list(labels)
    return [names[number] for _slips, number in Alike(names).find(value)] if value else names


CHOICES: Mapping[str, Callable[[Agent], Iterable[str]]] = {
    "queue": lambda by: visible_queues(by).filter(is_valid=True).values_list("name", flat=True),
    "status": lambda by: [str(status) for status in Status.objects.filter(is_valid=True)],
    "tag": lambda by: Tag.objects.values_list("name", flat=True),
    "assignee": lambda by: [
        *value_words("assignee"),
        *Agent.objects.filter(is_active=True).order_by("name").values_list("name", flat=True)[:AGENTS],
    ],
    "is": lambda by: value_words("is"),
    "has": lambda by: value_words("has"),
}


def quoted(value: str) -> str:
    return f'"{value}"' if re.search(r"\s", value) else value


def people_like(value: str, by: Agent) -> list[Person]:
    """Nearest first; of those, who wrote last."""
    there = people_of(by)
    if not value:
        return there.people[:OFFERED]
    return [there.people[number] for _slips, number in there.alike.find(value)[:OFFERED]]


def people_of(by: Agent) -> People:
    """Remembered by what the agent may see: who loses a queue loses its people at once."""
    seen = (by.is_admin, *(() if by.is_admin else sorted(visible_queues(by).values_list("pk", flat=True))))
    with lock:
        found = known.get(seen)
    if found is None or time.monotonic() - found.made_at > REMEMBERED:
        people = newest_people(by)
        found = People(time.monotonic(), people, Alike(f"{person.name} {person.email}" for person in people))
        with lock:
            known[seen] = found
            known.move_to_end(seen)
            while len(known) > 50:
                known.popitem(last=False)
    return found


def newest_people(by: Agent) -> list[Person]:
    """Customers of the newest tickets, each address once."""
    tickets = visible_tickets(by).filter(is_spam=False).exclude(customer=None).order_by("-changed_at")
    keys = list(dict.fromkeys(tickets.values_list("customer", flat=True)[:NEWEST_TICKETS]))
    rows = Customer.objects.filter(pk__in=keys).values_list("pk", "name", "addresses__email")
    found: dict[int, list[Person]] = {}
    for pk, name, email in rows:
        found.setdefault(pk, []).append(Person(name, email or ""))
    return [person for key in keys for person in found.get(key, []) if person.email]
