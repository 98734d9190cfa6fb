"""Drafts under two hands at once, their files' bytes, and mails that were taken back. What pages do is in tests/web."""

from collections.abc import Callable
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.utils import timezone

from postvak.blobs import store
from postvak.blobs.rows import Blob
from postvak.mail.compose import File
from postvak.models import Agent, Channel, Message, Ticket
from postvak.models.draft import Draft, DraftFile
from postvak.tickets import drafts
from postvak.tickets.answer import Answer, CannotAnswer, answer
from postvak.tickets.drafts import Newer, Place, Typed
from postvak.tickets.merge import merge
from postvak.tickets.take_back import take_back
from tests.tickets.conftest import Receive

pytestmark = pytest.mark.django_db
ANN = "ann@customer.example"
one_writer = pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time anyway")
together = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.fixture
def ticket(receive: Receive, channel: Channel) -> Ticket:
    return receive()


def write(ticket: Ticket, bob: Agent, text: str = "Hello", **more: object) -> Draft:
    return drafts.save(Place(bob, ticket, "reply"), Typed(text=text), draft=None, revision=0)


def at_once(*works: Callable[[], object]) -> list[BaseException]:
    """Each in a thread of its own, all from the same moment; what they raised."""
    start, raised = Barrier(len(works)), []

    def run(work: Callable[[], object]) -> None:
        start.wait()
        try:
            work()
        except (Newer, CannotAnswer) as error:
            raised.append(error)
        finally:
            connection.close()

    threads = [Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return raised


@one_writer
@together
def test_two_windows_that_begin_at_once_make_one_draft(ticket: Ticket, bob: Agent) -> None:
    refused = at_once(*(lambda n=n: write(ticket, bob, f"text {n}") for n in range(4)))
    assert Draft.objects.count() == 1
    assert [type(error) for error in refused] == [Newer] * 3


@one_writer
@together
def test_of_two_changes_of_one_revision_one_is_kept_and_the_other_told(ticket: Ticket, bob: Agent) -> None:
    draft = write(ticket, bob)
    place = Place(bob, ticket, "reply")
    refused = at_once(
        *(lambda n=n: drafts.save(place, Typed(text=f"text {n}"), draft=draft.pk, revision=1) for n in range(2))
    )
    assert [type(error) for error in refused] == [Newer]
    assert Draft.objects.get().revision == 2


@one_writer
@together
def test_one_draft_sent_in_two_windows_at_once_is_one_mail(ticket: Ticket, bob: Agent) -> None:
    draft = write(ticket, bob)
    refused = at_once(
        *(lambda: answer(ticket, Answer(to=(ANN,), text="Hi", draft=draft.pk), by=bob) for _n in range(2))
    )
    assert [type(error) for error in refused] == [CannotAnswer]
    assert Message.objects.filter(kind="outgoing").count() == 1


def test_a_mail_that_could_not_be_sent_leaves_the_draft(ticket: Ticket, bob: Agent) -> None:
    draft = write(ticket, bob)
    with pytest.raises(CannotAnswer):
        answer(ticket, Answer(to=(ANN,), text="Hi", draft=draft.pk, known=0), by=bob)
    assert Draft.objects.get() == draft


def test_a_draft_on_a_ticket_that_is_merged_goes_along_unless_there_is_one(
    receive: Receive, ticket: Ticket, bob: Agent, admin: Agent
) -> None:
    target = receive()
    mine, taken, theirs = write(ticket, bob), write(ticket, admin), write(target, admin)
    merge(ticket, target, by=bob)
    assert list(Draft.objects.filter(ticket=target).order_by("pk")) == [mine, theirs]
    assert Draft.objects.get(ticket=ticket) == taken
    answer(target, Answer(to=(ANN,), text="Hi", draft=mine.pk), by=bob)


def test_more_than_the_channel_takes_is_not_put_into_the_outbox(ticket: Ticket, bob: Agent, channel: Channel) -> None:
    Channel.objects.filter(pk=channel.pk).update(announced_size=20_000)
    big = File("big.bin", "application/zip", b"x" * 15_000)
    with pytest.raises(CannotAnswer, match="too large"):
        answer(ticket, Answer(to=(ANN,), text="Hi", files=(big,)), by=bob)


def test_nobody_sends_the_draft_of_somebody_else_away(ticket: Ticket, bob: Agent, admin: Agent) -> None:
    draft = write(ticket, bob)
    with pytest.raises(CannotAnswer):
        answer(ticket, Answer(to=(ANN,), text="Hi", draft=draft.pk), by=admin)
    assert Draft.objects.get() == draft


def test_bytes_of_a_file_are_let_go_with_it_but_stay_while_another_draft_has_it(
    ticket: Ticket, bob: Agent, admin: Agent
) -> None:
    draft = write(ticket, bob)
    file = drafts.add_file(draft, File("a.txt", "text/plain", b"file a"), limit=drafts.USUAL_LIMIT)
    copy = drafts.take_over(draft, by=admin)
    drafts.remove(draft)
    assert drafts.contents(list(copy.files.all())) == (File("a.txt", "text/plain", b"file a"),)
    assert Blob.objects.get(pk=file.blob_id).condemned_at is not None  # a look before burying finds the other one
    drafts.remove_file(copy.files.get())
    assert not DraftFile.objects.exists()


def test_a_mail_that_was_taken_back_is_a_draft_with_html_pictures_and_files(ticket: Ticket, bob: Agent) -> None:
    picture, plan = File("lamp.png", "image/png", b"lamp", "a1@postvak"), File("plan.pdf", "application/pdf", b"%PDF")
    html = '<p>See <img src="cid:a1@postvak"></p>'
    what = Answer(
        to=(ANN,), bcc=("boss@x.example",), html=html, files=(picture, plan), status_key="closed", quotes=False
    )
    message = answer(ticket, what, by=bob)
    take_back(message.outgoing, by=bob)
    message.refresh_from_db()
    draft = drafts.from_taken_back(message, by=bob)
    assert draft is not None
    assert (draft.html, draft.bcc, draft.status_key, draft.quotes) == (html, "boss@x.example", "closed", False)
    assert set(drafts.contents(list(draft.files.all()))) == {picture, plan}
    assert drafts.from_taken_back(message, by=bob) == draft


def test_a_draft_that_was_begun_before_is_not_replaced_by_a_mail_that_was_taken_back(
    ticket: Ticket, bob: Agent
) -> None:
    message = answer(ticket, Answer(to=(ANN,), text="Hi"), by=bob)
    write(ticket, bob, "Something else")
    take_back(message.outgoing, by=bob)
    message.refresh_from_db()
    assert drafts.from_taken_back(message, by=bob) is None
    assert Draft.objects.get().text == "Something else"


def test_a_forwards_files_are_not_taken_for_the_agents_own(ticket: Ticket, bob: Agent) -> None:
    own = File("own.txt", "text/plain", b"own")
    message = answer(
        ticket, Answer(to=("cas@x.example",), text="See", kind="forward", files=(own,), original="eml"), by=bob
    )
    take_back(message.outgoing, by=bob)
    message.refresh_from_db()
    draft = drafts.from_taken_back(message, by=bob)
    assert draft is not None
    assert (draft.kind, [file.name for file in draft.files.all()]) == ("forward", ["own.txt"])


@pytest.mark.parametrize(
    ("typed", "kind", "empty"),
    [
        (Typed(), "reply", True),
        (Typed(to=ANN, subject="x"), "reply", True),
        (Typed(to=ANN), "forward", False),
        (Typed(subject="x"), "new", False),
        (Typed(text="Dear  Ann,\n"), "reply", True),
        (Typed(text="Dear Ann, hello"), "reply", False),
        (Typed(html='<img src="cid:a@b">'), "reply", False),
    ],
)
def test_what_counts_as_nothing_typed(typed: Typed, kind: str, empty: bool) -> None:
    assert drafts.is_empty(typed, kind, start="Dear Ann,") == empty


def test_the_total_counts_as_files_travel(ticket: Ticket, bob: Agent) -> None:
    """Base64 takes four bytes for three."""
    draft = write(ticket, bob)
    limit = drafts.RESERVED + 4_200
    drafts.add_file(draft, File("a", "text/plain", b"a" * 3000), limit=limit)
    with pytest.raises(drafts.TooLarge):
        drafts.add_file(draft, File("b", "text/plain", b"b" * 100), limit=limit)
    assert store.find_all([]) == {}
    assert timezone.now() >= draft.changed_at
