"""OTOBO, Znuny and OTRS 6 from a dump of their database: first the set-up, then tickets in the order of their ids, then links."""

from collections.abc import Collection, Iterator, Mapping

from postvak.bring.house import House, load_house
from postvak.bring.otobo_rows import INDEXES, source_of, wanted
from postvak.bring.otobo_setup import Setup, bring_setup
from postvak.bring.otobo_slas import bring_service_levels
from postvak.bring.otobo_texts import bring_texts
from postvak.bring.otobo_tickets import Batch, batches, case_of
from postvak.bring.portion import Link, Way, carry_all, link_tickets
from postvak.bring.source import NoTickets, say_broken, staged
from postvak.bring.staging import Record, Staging, number, text
from postvak.bring.trip import Trip
from postvak.bring.values import Case
from postvak.models import Mailbox, TicketLink

PARENT = "parentchild"


def bring_otobo(trip: Trip) -> None:
    staging, broken = staged(trip, wanted, INDEXES)
    try:
        if not staging.count("ticket") and not staging.count("queue"):
            raise NoTickets
        source = source_of(staging)
        say_broken(trip, source, broken)
        setup = bring_setup(trip, staging, source)
        bring_texts(trip, staging, setup)
        bring_service_levels(trip, staging, setup)
        house = load_house(
            source=source, title="OTOBO", entry_kind="article", job=trip.options.job,
            mailbox=Mailbox.objects.get(pk=trip.options.mailbox),
        )  # fmt: skip
        bring_tickets(trip, staging, setup, house)
        if not trip.options.is_dry:
            link_tickets(source, links_in(staging, setup))
    finally:
        staging.close()


# ---- tickets ------------------------------------------------------------


def bring_tickets(trip: Trip, staging: Staging, setup: Setup, house: House) -> None:
    def made(batch: Batch, row: Record, known: Mapping[str, int], written: Collection[str]) -> Case | None:
        return case_of(batch, row, setup, known, written)

    way = Way(made, key_of=lambda row: number(row, "id"), entries_of=entries_of)
    carry_all(trip, house, way, staging.count("ticket"), lambda after: batches(staging, after, trip.options.articles))


def entries_of(batch: Batch) -> Iterator[int]:
    return (number(row, "id") for rows in batch.articles.values() for row in rows)


# ---- links ------------------------------------------------------------


def links_in(staging: Staging, setup: Setup) -> Iterator[Link]:
    """A ticket that was merged there has its mails at its parent: later mail goes there."""
    objects = {number(row, "id"): text(row, "name") for row in staging.rows("link_object")}
    kinds = {number(row, "id"): text(row, "name").lower() for row in staging.rows("link_type")}
    merged = {number(row, "id") for row in staging.rows("ticket") if number(row, "ticket_state_id") in setup.merged}
    for row in staging.rows("link_relation"):
        if objects.get(number(row, "source_object_id")) != "Ticket":
            continue
        parent, child = number(row, "source_key"), number(row, "target_key")
        is_part = kinds.get(number(row, "type_id")) == PARENT
        kind = TicketLink.Kind.PART if is_part else TicketLink.Kind.RELATED
        yield Link(str(parent), str(child), kind, is_merge=is_part and child in merged)
