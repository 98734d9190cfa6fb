"""On PostgreSQL the communication log is kept in months and traces in blocks of receipts. Elsewhere there is nothing to see."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from postvak.log import partitions as ahead
from postvak.log.partitions import Partitions, make_ahead
from postvak.log.talk_retention import forget_old_talks
from postvak.models import Communication, CommunicationEntry, CommunicationObject, Mailbox, Options, Receipt, Trace
from postvak.models.partitions import BLOCK, LOG, STEPS, TABLES, TALKS, TRACES, Table, month_of, partitions, start_of

WORKER = "test:1:partitions"
NOW = timezone.now()


def test_a_month_ends_where_the_next_one_begins_over_the_end_of_a_year_too() -> None:
    december = month_of(datetime(2026, 12, 31, 23, 59, tzinfo=UTC))
    assert (start_of(december), start_of(december + 1)) == (
        datetime(2026, 12, 1, tzinfo=UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
    )
    assert (STEPS.name_from(december), TRACES.name_from(BLOCK)) == (
        "postvak_communicationentry_2026_12",
        "postvak_trace_1000000",
    )


@pytest.fixture
def on_postgresql(db: None) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("only PostgreSQL has partitions")


pytestmark = pytest.mark.django_db


def talk(at: datetime, *, ended_at: datetime | None = None, state: str = "successful") -> Communication:
    end = ended_at or at
    row = Communication.objects.create(direction="in", transport="imap", state=state, started_at=at, ended_at=end)
    about = row.objects_of.create(kind="connection", state=state, started_at=at)
    for moment in (at, end):
        about.entries.create(at=moment, module="test", code="kept_open", parameters={"host": "x"})
    connection.check_constraints()  # a test is one transaction; in life these rows were committed long ago
    return row


def where(table: Table, pk: int) -> str:
    key = "id" if table.is_monthly else table.column
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT tableoid::regclass::text FROM {table.name} WHERE {key} = %s", [pk])
        return str(cursor.fetchone()[0])


def left() -> tuple[int, int, int]:
    return Communication.objects.count(), CommunicationObject.objects.count(), CommunicationEntry.objects.count()


@pytest.mark.usefixtures("on_postgresql")
def test_there_are_partitions_for_the_coming_months_and_receipts_and_none_is_made_twice() -> None:
    make_ahead(NOW, WORKER)
    for table in LOG:
        assert partitions(connection, table)[-1].end > month_of(NOW) + ahead.MONTHS_AHEAD
    assert partitions(connection, TRACES)[-1].end > ahead.BLOCKS_AHEAD
    assert make_ahead(NOW, WORKER) == 0


@pytest.mark.usefixtures("on_postgresql")
def test_who_reads_one_table_for_long_holds_up_that_one_only_and_only_until_he_is_done() -> None:
    later, ends = NOW + timedelta(days=200), [partitions(connection, table)[-1].end for table in LOG]
    look, other = Partitions().look, connection.copy()
    with closing(other):
        other.set_autocommit(False)
        other.cursor().execute(f"LOCK TABLE {TALKS.default} IN ACCESS SHARE MODE")  # as pg_dump does
        assert look(later, WORKER) == 0
        assert [partitions(connection, table)[-1].end > end for table, end in zip(LOG, ends, strict=True)] == [
            False, True, True,
        ]  # fmt: skip
        other.rollback()
    assert look(later, WORKER) > 0
    assert partitions(connection, TALKS)[-1].end > ends[0]
    assert look(later, WORKER) == 0


@pytest.mark.usefixtures("on_postgresql")
def test_what_no_partition_is_for_is_taken_all_the_same_and_moves_when_there_is_one(mailbox: Mailbox) -> None:
    far = start_of(partitions(connection, TALKS)[-1].end + 1)
    row = talk(far)
    beyond = partitions(connection, TRACES)[-1].end + 7
    receipt = Receipt.objects.create(pk=beyond, mailbox=mailbox, source="far/1", size=1, received_at=NOW)
    Trace.objects.create(receipt=receipt, entries=[["a", "b", {}]])
    assert (where(TALKS, row.pk), where(TRACES, beyond)) == (TALKS.default, TRACES.default)
    make_ahead(far, WORKER)
    assert where(TALKS, row.pk) == f"postvak_communication_{far:%Y_%m}"
    assert where(TRACES, beyond) == f"postvak_trace_{beyond // BLOCK * BLOCK}"
    assert CommunicationEntry.objects.filter(about__communication=row).count() == 2
    assert Trace.objects.get(pk=beyond).entries == [["a", "b", {}]]


@pytest.mark.usefixtures("on_postgresql")
def test_a_month_that_is_over_goes_as_a_whole_with_what_of_its_talks_lies_in_the_next_one() -> None:
    end = start_of(partitions(connection, TALKS)[0].end)
    make_ahead(end + timedelta(days=40), WORKER)
    over = talk(end - timedelta(minutes=1), ended_at=end + timedelta(minutes=1))
    talk(end - timedelta(days=2))
    kept = talk(end + timedelta(minutes=1), state="failed")
    later = end + timedelta(days=Options.objects.get().failed_log_days)
    forget_old_talks(later, worker=WORKER)
    names = [partition.name for table in LOG for partition in partitions(connection, table)]
    assert not [name for name in names if name.endswith("_start")]
    assert (where(TALKS, kept.pk), left()) == (f"postvak_communication_{end:%Y_%m}", (1, 1, 2))
    assert not CommunicationEntry.objects.filter(about__communication=over).exists()
    talk(end - timedelta(minutes=1))  # the clock was wrong: late, but taken, and forgotten as everything else
    assert left() == (2, 2, 4)
    forget_old_talks(later, worker=WORKER)
    assert left() == (1, 1, 2)


@pytest.mark.usefixtures("on_postgresql")
def test_a_month_of_which_some_is_kept_stays_and_loses_the_rest_row_by_row() -> None:
    Options.objects.update(log_days=7, failed_log_days=60)
    end = start_of(partitions(connection, TALKS)[0].end)
    kept = talk(end - timedelta(days=1), state="failed")
    talk(end - timedelta(days=1))
    forget_old_talks(end + timedelta(days=40), worker=WORKER)
    assert (where(TALKS, kept.pk), left()) == ("postvak_communication_start", (1, 1, 2))


@pytest.mark.usefixtures("on_postgresql")
def test_one_trace_for_a_receipt_and_numbers_of_steps_once_as_before(mailbox: Mailbox) -> None:
    """Every partition has its own primary key, and all share one sequence."""
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(
                "SELECT count(*) FROM pg_inherits i LEFT JOIN pg_index k ON k.indrelid = i.inhrelid AND k.indisprimary "
                "WHERE i.inhparent = %s::regclass AND k.indexrelid IS NULL",
                [table.name],
            )
            assert cursor.fetchone()[0] == 0, table.name
    make_ahead(NOW, WORKER)
    talks = [talk(NOW), talk(NOW + timedelta(days=40))]
    places = {where(STEPS, pk) for pk in CommunicationEntry.objects.values_list("pk", flat=True)}
    assert (len(places), talks[1].pk) == (2, talks[0].pk + 1)
