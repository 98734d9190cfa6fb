"""What conditions look at: a field has a kind, which decides what operators fit, and reads its values from a subject."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from django.utils.functional import Promise

from postvak.mail.addresses import normalise

S = TypeVar("S")
Values = tuple[str, ...]
LOOKED_AT = 1_000_000  # characters of one value: enough for every rule, and a bound for hostile mails


class FieldKind(StrEnum):
    """Decides which operators fit."""

    text = "text"
    address = "address"  # "Name <email>" for each address by itself
    number = "number"
    switch = "switch"  # yes or no
    choice = "choice"  # one of known words
    time = "time"  # HH:MM


@dataclass(frozen=True, slots=True)
class Field(Generic[S]):
    """`read` gives all values of the subject; a condition is true when one of them fits. `options`: words of a choice."""

    label: str | Promise
    kind: FieldKind
    read: Callable[[S], Values]
    options: tuple[str, ...] = ()


def yes_no(is_so: bool) -> Values:
    return ("yes" if is_so else "no",)


def bounded(values: Values) -> Values:
    """What is absent counts as one empty value: "is empty" and negated conditions are true for it."""
    return tuple(value[:LOOKED_AT] for value in values) or ("",)


def in_form(form: str, values: Values) -> Values:
    """Forms are "text" (as it is), "folded" (for comparing without regard to letter case) and "emails" (bare addresses)."""
    if form == "folded":
        return tuple(value.casefold() for value in values)
    return tuple(bare(value) for value in values) if form == "emails" else values


def encoded(values: Values) -> tuple[bytes, ...]:
    """UTF-8, which is what RE2 works on."""
    return tuple(value.encode("utf-8", "replace") for value in values)


def bare(value: str) -> str:
    """The e-mail address of "Name <email>"."""
    return normalise(value.rpartition("<")[2].rstrip("> ").strip())
