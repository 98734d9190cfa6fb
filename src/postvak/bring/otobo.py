"""OTOBO, Znuny and OTRS 6 from a dump of their database: first the set-up, then tickets in the order of their ids, then links."""

from collections import Counter
from collections.abc import Sequence

from django.db import transaction

from postvak.bring import memory
from postvak.bring.dump import Row
from postvak.bring.house import House, load_house
from postvak.bring.otobo_rows import INDEXES, source_of, wanted
from postvak.bring.otobo_setup import Setup, bring_setup
from postvak.bring.otobo_texts import bring_texts
from postvak.bring.otobo_tickets import Batch, batches, case_of
from postvak.bring.staging import Staging, number, stage, text
from postvak.bring.trip import Trip
from postvak.bring.values import Case, LeftOut
from postvak.bring.write import forget_changes, newest_change, write
from postvak.jobs.queue import directory
from postvak.models import Job, Mailbox, Ticket, TicketLink

PARENT = "parentchild"


class NoTickets(ValueError):
    """The file has none of the tables that were expected."""


def bring_otobo(trip: Trip) -> None:
    staging, broken = staged(trip)
    try:
        if not staging.count("ticket") and not staging.count("queue"):
            raise NoTickets
        source = source_of(staging)
        say_broken(trip, source, broken)
        setup = bring_setup(trip, staging, source)
        bring_texts(trip, staging, setup)
        house = load_house(
            source=source, title="OTOBO", entry_kind="article", job=trip.options.job,
            mailbox=Mailbox.objects.get(pk=trip.options.mailbox),
        )  # fmt: skip
        bring_tickets(trip, staging, setup, house)
        if not trip.options.is_dry:
            bring_links(trip, staging, setup)
    finally:
        staging.close()


def staged(trip: Trip) -> tuple[Staging, list[Row]]:
    job = Job.objects.get(pk=trip.options.job or 0)
    path = trip.options.path
    trip.total = None
    return stage(
        path,
        directory(job) / "source.sqlite3",
        wanted,
        INDEXES,
        lambda place: trip.tell(done=place, total=path.stat().st_size, said="reading"),
    )


def say_broken(trip: Trip, source: str, broken: Sequence[Row]) -> None:
    """`table` "": the file ends in the middle of a statement."""
    trip.leave_out(
        source, [LeftOut("row", f"{row.table or 'end'}:{row.line}:{place}", "row") for place, row in enumerate(broken)]
    )


# ---- tickets ------------------------------------------------------------


def bring_tickets(trip: Trip, staging: Staging, setup: Setup, house: House) -> None:
    trip.total, done = staging.count("ticket"), int(trip.point.get("done", 0))
    trip.reasons.update(trip.point.get("reasons", {}))
    for batch in batches(staging, int(trip.point.get("ticket", 0)), trip.options.articles):
        done += len(batch.tickets)
        take(trip, setup, house, batch, done)


def take(trip: Trip, setup: Setup, house: House, batch: Batch, done: int) -> None:
    ids = [str(number(row, "id")) for row in batch.tickets]
    articles = [str(number(row, "id")) for rows in batch.articles.values() for row in rows]
    known = memory.found(house.source, "ticket", ids)
    written = {key for key, row in memory.found(house.source, "article", articles).items() if row}
    cases = [case for row in batch.tickets if (case := case_of(batch, row, setup, known, written)) is not None]
    point = {"ticket": number(batch.tickets[-1], "id"), "done": done}
    trip.counts["again"] += len(written)
    if trip.options.is_dry:
        trip.leave_out(house.source, batch.left)
        trip.step(done, point, counted_dry(cases))
        return
    with transaction.atomic():
        trip.leave_out(house.source, batch.left)
        write(house, cases, lambda counted: trip.step(done, point, counted))


def counted_dry(cases: Sequence[Case]) -> Counter[str]:
    found = Counter(str(entry.kind) for case in cases for entry in case.entries)
    found["tickets"] = sum(case.ticket is None for case in cases)
    found["files"] = sum(not info.is_inline for c in cases for e in c.entries if e.mail for info in e.mail.attachments)
    return found


# ---- links ------------------------------------------------------------


def bring_links(trip: Trip, staging: Staging, setup: Setup) -> None:
    """Between tickets that came along. A ticket that was merged there has its mails at its parent: later mail goes there."""
    objects = {number(row, "id"): text(row, "name") for row in staging.rows("link_object")}
    kinds = {number(row, "id"): text(row, "name").lower() for row in staging.rows("link_type")}
    merged = {number(row, "id") for row in staging.rows("ticket") if number(row, "ticket_state_id") in setup.merged}
    rows = [row for row in staging.rows("link_relation") if objects.get(number(row, "source_object_id")) == "Ticket"]
    keys = {str(number(row, side)) for row in rows for side in ("source_key", "target_key")}
    here = memory.found(setup.source, "ticket", keys)
    with transaction.atomic():
        locked = Ticket.objects.select_for_update().filter(pk__in=here.values()).order_by("pk")
        tickets, mark = list(locked.values_list("pk", flat=True)), newest_change()
        for row in rows:
            parent, child = (here.get(str(number(row, side)), 0) for side in ("source_key", "target_key"))
            if not parent or not child or parent == child:
                continue
            is_part = kinds.get(number(row, "type_id")) == PARENT
            if is_part and number(row, "target_key") in merged:
                Ticket.objects.filter(pk=child, merged_into=None).update(merged_into=parent, is_open=False)
            else:
                kind = TicketLink.Kind.PART if is_part else TicketLink.Kind.RELATED
                TicketLink.objects.get_or_create(ticket_id=child, origin_id=parent, defaults={"kind": kind})
        forget_changes(mark, tickets)
