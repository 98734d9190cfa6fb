"""osTicket from a dump of its database: first the set-up, then tickets in the order of their ids, then what was merged."""

from collections.abc import Collection, Iterator, Mapping

from postvak.bring.house import House, load_house
from postvak.bring.osticket_rows import INDEXES, prefix_in, source_of, wanted
from postvak.bring.osticket_setup import Setup, bring_setup
from postvak.bring.osticket_tickets import Batch, batches, case_of, is_merged
from postvak.bring.portion import Link, Way, carry_all, link_tickets
from postvak.bring.source import NoTickets, say_broken, staged
from postvak.bring.staging import Record, Staging, number
from postvak.bring.trip import Trip
from postvak.bring.values import Case
from postvak.models import Mailbox, TicketLink


def bring_osticket(trip: Trip) -> None:
    staging, broken = staged(trip, wanted)
    try:
        prefix = prefix_in(staging)
        if prefix is None:
            raise NoTickets
        staging.prefix = prefix
        staging.index(INDEXES)
        source = source_of(staging)
        say_broken(trip, source, broken)
        setup = bring_setup(trip, staging, source)
        house = load_house(
            source=source, title="osTicket", entry_kind="article", job=trip.options.job,
            mailbox=Mailbox.objects.get(pk=trip.options.mailbox),
        )  # fmt: skip
        bring_tickets(trip, staging, setup, house)
        if not trip.options.is_dry:
            link_tickets(source, links_in(staging))
    finally:
        staging.close()


def bring_tickets(trip: Trip, staging: Staging, setup: Setup, house: House) -> None:
    def made(batch: Batch, row: Record, known: Mapping[str, int], written: Collection[str]) -> Case | None:
        return case_of(batch, row, setup, known, written)

    way = Way(made, key_of=lambda row: number(row, "ticket_id"), entries_of=entries_of)
    carry_all(trip, house, way, staging.count("ticket"), lambda after: batches(staging, after, trip.options.articles))


def entries_of(batch: Batch) -> Iterator[int]:
    return (number(row, "id") for rows in batch.entries.values() for row in rows)


def links_in(staging: Staging) -> Iterator[Link]:
    for row in staging.rows("ticket", "WHERE ticket_pid > 0"):
        parent, child = str(number(row, "ticket_pid")), str(number(row, "ticket_id"))
        yield Link(parent, child, TicketLink.Kind.RELATED, is_merge=is_merged(row))
