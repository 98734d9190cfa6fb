"""Names of queues are paths: "Support::Hardware" stands below "Support". Only the name says so; each queue has members of its own."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db import connection
from django.db.models import Value
from django.db.models.functions import Collate, Lower, Replace

SEPARATOR = "::"


@dataclass(frozen=True, slots=True)
class Branch:
    """How a queue is shown in a list. `depth`: how many of those above it stand in the list, too; `above`: the names of those
    that don't; `leaf`: its own name."""

    depth: int
    above: tuple[str, ...]
    leaf: str


def parts_of(name: str) -> tuple[str, ...]:
    """From the top down. A name that is no path is one part, whatever it holds."""
    parts = tuple(part.strip() for part in name.split(SEPARATOR))
    return parts if all(parts) else (name,)


def path_of(name: str) -> str:
    """As people read it: "Support › Hardware"."""
    return " › ".join(parts_of(name))


def paths_of(names: Iterable[str]) -> dict[str, str]:
    """Name -> path as people read it, in the order of the tree."""
    return {name: path_of(name) for name in sorted(names, key=place_of)}


def clean_name(name: str) -> str:
    """Without blanks around the separators. Raises ValueError: a part is empty."""
    parts = [part.strip() for part in name.split(SEPARATOR)]
    if not all(parts):
        raise ValueError(name)
    return SEPARATOR.join(parts)


def place_of(name: str) -> tuple[tuple[str, str], ...]:
    """For sorting: what is below a queue stands right behind it, without regard to case."""
    return tuple((part.casefold(), part) for part in parts_of(name))


def path_column() -> Collate:
    """place_of() for annotate(), of the column `name`."""
    plain = "C" if connection.vendor == "postgresql" else "BINARY"
    return Collate(Lower(Replace("name", Value(SEPARATOR), Value("\x01"))), plain)


def branch_of(name: str, names: Collection[str]) -> Branch:
    """In a list of queues with these `names`, sorted by place_of()."""
    parts = parts_of(name)
    there = [size for size in range(1, len(parts)) if SEPARATOR.join(parts[:size]) in names]
    nearest = there[-1] if there else 0
    return Branch(len(there), parts[nearest:-1], parts[-1])
