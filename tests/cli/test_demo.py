"""`postvak demo`: believable data for an empty installation, by the ordinary entrance or in bulk; never into another one."""

import sqlite3
from random import Random

import pytest
from django.contrib.auth import authenticate
from django.db.models import Count, Q, Sum

from postvak.cli.demo import large
from postvak.cli.demo.house import Size
from postvak.cli.demo.index import read_all
from postvak.cli.demo.lives import lives
from postvak.cli.demo.words import vocabulary
from postvak.models import Agent, Attachment, Change, Message, Status, Tally, TallyDelta, Ticket
from postvak.tickets.search.find import find
from tests.cli.program import Program

HOUSE = Size(queues=20, agents=12, organisations=20, customers=80)


def rows(program: Program, sql: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(program.sqlite) as database:
        return database.execute(sql).fetchall()


@pytest.fixture(scope="module")
def small(installed: Program, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The small demonstration, to be read only."""
    program = installed.copied_to(tmp_path_factory.mktemp("demo") / "data")
    said = program.run("demo", "--only-fill")
    assert said.code == 0, said.err
    assert "eva@example.org" in said.out
    return program


def test_a_small_demonstration_has_tickets_in_all_states_and_is_not_made_twice(small: Program) -> None:
    states = {
        key
        for (key,) in rows(
            small, "SELECT DISTINCT s.key FROM postvak_ticket t JOIN postvak_status s ON s.id = t.status_id"
        )
    }
    assert states == {"new", "open", "customer", "internal", "clarify", "closed", "trash"}
    assert rows(small, "SELECT count(*) FROM postvak_ticket WHERE merged_into_id IS NOT NULL") == [(1,)]
    assert rows(small, "SELECT count(*) FROM postvak_receipt WHERE outcome = 'held'") == [(2,)]
    assert rows(small, "SELECT count(*) FROM postvak_receipt WHERE outcome = ''") == [(0,)]
    assert rows(small, "SELECT count(*) FROM postvak_delivery WHERE recipient NOT LIKE '%.example'") == [(0,)]
    before = small.contents()
    again = small.run("demo", "--only-fill")
    assert again.code == 1
    assert "left as it is" in again.err
    assert small.contents() == before


def test_a_demonstration_lies_in_the_past(small: Program) -> None:
    assert rows(small, "SELECT count(*) FROM postvak_message WHERE created_at > datetime('now')") == [(0,)]
    assert rows(small, "SELECT count(DISTINCT date(created_at)) > 15 FROM postvak_ticket") == [(1,)]
    wrong = "SELECT count(*) FROM postvak_ticket t WHERE changed_at < (SELECT max(created_at) FROM postvak_message m WHERE m.ticket_id = t.id)"
    assert rows(small, wrong) == [(0,)]


@pytest.fixture
def filled(db: None) -> None:
    large.fill(400, "correct horse battery", lambda done, of: None, HOUSE)


@pytest.mark.usefixtures("filled")
def test_the_large_one_counts_its_open_tickets_right_and_leaves_no_changes_to_follow() -> None:
    counted = Ticket.objects.filter(is_open=True, is_spam=False, merged_into=None).count()
    assert counted
    assert Tally.objects.aggregate(Sum("number"))["number__sum"] == counted
    assert not TallyDelta.objects.exists()
    assert not Change.objects.exists()


@pytest.mark.usefixtures("filled")
def test_the_large_ones_columns_for_lists_agree_with_its_messages() -> None:
    tickets = Ticket.objects.annotate(
        messages_there=Count("messages", distinct=True),
        files_there=Count("messages__attachments", filter=Q(messages__attachments__is_inline=False), distinct=True),
    )
    assert [t.pk for t in tickets if t.message_count != t.messages_there or t.attachment_count != t.files_there] == []
    assert Attachment.objects.exists()
    closed = Ticket.objects.filter(status__type__in=[Status.Type.CLOSED, Status.Type.REMOVED])
    assert not closed.filter(Q(is_open=True) | Q(closed_at=None)).exists()
    assert Message.objects.filter(created_at__lt=Ticket.objects.earliest("created_at").created_at).count() == 0


@pytest.mark.django_db(transaction=True, serialized_rollback=True)  # PostgreSQL drops and makes an index
@pytest.mark.usefixtures("filled")
def test_the_large_one_is_found_by_the_search_and_its_agents_can_log_in() -> None:
    assert authenticate(None, username="bob@example.org", password="correct horse battery") == Agent.objects.get(
        email="bob@example.org"
    )
    read_all(lambda done, of: None)
    word = vocabulary("nl").words[5]
    found = find(word, by=None)
    assert found.hits


def test_one_ticket_in_twelve_is_open_and_has_five_messages() -> None:
    from django.utils import timezone

    made = list(lives(10_000, timezone.now(), Random(1)))
    assert 0.07 < sum(life.is_open for life in made) / len(made) < 0.09
    assert 4.7 < sum(len(life.messages) for life in made) / len(made) < 5.4
    assert all(at <= timezone.now() for life in made for _kind, at in life.messages)
