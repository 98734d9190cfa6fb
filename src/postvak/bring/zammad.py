"""Zammad from what its REST API gives, saved as files (docs/import.md says how): first the set-up, then tickets in the order of
their ids, then links."""

from collections.abc import Collection, Iterator, Mapping

from postvak.bring.house import House, load_house
from postvak.bring.portion import Link, Way, carry_all, link_tickets
from postvak.bring.trip import Trip
from postvak.bring.values import Case
from postvak.bring.zammad_files import Things, staged
from postvak.bring.zammad_setup import Setup, bring_setup, source_of
from postvak.bring.zammad_tickets import Batch, batches, case_of, state_of
from postvak.bring.zammad_values import Thing, number, text
from postvak.models import Mailbox, TicketLink


class NotZammad(ValueError):
    """There are no such files."""


def bring_zammad(trip: Trip) -> None:
    staging, left = staged(trip)
    try:
        things = Things(staging)
        if not things.count("tickets") or not things.count("users"):
            raise NotZammad
        source = source_of(things)
        trip.leave_out(source, left)
        setup = bring_setup(trip, things, source)
        house = load_house(
            source=source, title="Zammad", entry_kind="article", job=trip.options.job,
            mailbox=Mailbox.objects.get(pk=trip.options.mailbox),
        )  # fmt: skip
        bring_tickets(trip, things, setup, house)
        if not trip.options.is_dry:
            link_tickets(source, links_in(things))
    finally:
        staging.close()


def bring_tickets(trip: Trip, things: Things, setup: Setup, house: House) -> None:
    def made(batch: Batch, row: Thing, known: Mapping[str, int], written: Collection[str]) -> Case | None:
        return case_of(batch, row, setup, known, written)

    way = Way(made, key_of=lambda row: number(row, "id"), entries_of=entries_of)
    carry_all(trip, house, way, things.count("tickets"), lambda after: batches(things, after))


def entries_of(batch: Batch) -> Iterator[int]:
    return (number(row, "id") for rows in batch.articles.values() for row in rows)


# ---- links ------------------------------------------------------------


def links_in(things: Things) -> Iterator[Link]:
    """Each row is {"ticket": …, "link_type": …, "link_object_value": …}, or what the API says of one ticket in a file of its own."""
    merged = {number(row, "id") for row in things.all("tickets") if state_of(row) == "merged"}
    for owner, row in owned(things):
        other, kind = number(row, "link_object_value"), text(row, "link_type").lower()
        if not owner or not other or text(row, "link_object") not in {"", "Ticket"}:
            continue
        parent, child = (owner, other) if kind == "parent" else (other, owner)
        is_part = kind in {"parent", "child"}
        is_merge = is_part and child in merged
        yield Link(str(parent), str(child), TicketLink.Kind.PART if is_part else TicketLink.Kind.RELATED, is_merge)


def owned(things: Things) -> Iterator[tuple[int, Thing]]:
    rows = things.staging.file.execute("SELECT DISTINCT owner FROM thing WHERE kind = 'links' ORDER BY owner")
    for (owner,) in rows.fetchall():
        for row in things.of("links", [owner])[owner]:
            listed = row.get("links")
            for one in listed if isinstance(listed, list) else [row]:
                if isinstance(one, dict):
                    yield owner, one
