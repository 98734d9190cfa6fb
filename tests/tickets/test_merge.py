"""Merging: one matter, one ticket; nothing is lost on the way, and it can be undone."""

from collections.abc import Sequence
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from postvak.models import (
    Agent,
    AutomaticMail,
    Channel,
    CustomField,
    ExternalNumber,
    ExternalReference,
    Participant,
    Status,
    Tag,
    Tagging,
    Ticket,
    TicketLink,
)
from postvak.process import run
from postvak.process.work import Work
from postvak.tickets.answer import Answer, answer
from postvak.tickets.change import note, set_status
from postvak.tickets.merge import CannotMerge, merge, unmerge
from postvak.tickets.properties import set_following
from postvak.tickets.tags import add_tags
from postvak.web.desk.lists import LISTS, tickets_in
from tests.clock import Clock
from tests.tickets.conftest import Receive

pytestmark = pytest.mark.django_db

DAN = "Dan <dan@other.example>"


def texts(ticket: Ticket) -> list[str]:
    return [message.text.strip() for message in Ticket.objects.get(pk=ticket.pk).messages.all()]


def fresh(*tickets: Ticket) -> list[Ticket]:
    return [Ticket.objects.get(pk=ticket.pk) for ticket in tickets]


def history(ticket: Ticket) -> list[tuple[str, object]]:
    return [(row.code, row.parameters["ticket"]) for row in ticket.history.filter(code__contains="merged")]


def test_everything_of_the_merged_ticket_is_on_the_other_one(receive: Receive, bob: Agent, admin: Agent) -> None:
    lamp, dimmer = receive(subject="Lamp"), receive(subject="Dimmer", sender=DAN)
    note(lamp, "Ann called.", by=bob)
    add_tags(lamp, ["urgent", "lamp"], by=bob)
    add_tags(dimmer, ["Lamp"], by=bob)
    set_following(lamp, admin, True)
    assert merge(lamp, dimmer, by=bob) == dimmer
    old, new = fresh(lamp, dimmer)
    assert texts(new) == ["Mail 1", "Mail 2", "Ann called."]
    assert (old.message_count, new.message_count) == (0, 3)
    assert set(new.tags.values_list("name", flat=True)) == {"urgent", "lamp"}
    assert list(new.followers.all()) == [admin]
    assert [p.customer for p in new.participants.all()] == [lamp.customer]
    assert new.receipts.count() == 2
    assert not old.receipts.exists()
    assert {message.moved_from_id for message in new.messages.all()} == {None, lamp.pk}
    assert history(old) == [("merged_into", dimmer.number)]
    assert history(new) == [("merged_from", lamp.number)]
    link = TicketLink.objects.get()
    assert (link.ticket, link.origin, link.kind) == (lamp, dimmer, "merged")


def test_a_merged_ticket_is_closed_and_in_no_list(receive: Receive, bob: Agent, admin: Agent) -> None:
    lamp, dimmer = receive(), receive()
    merge(lamp, dimmer, by=bob)
    old = fresh(lamp)[0]
    assert (old.merged_into, old.is_open, old.waiting_since, old.is_unread) == (dimmer, False, None, False)
    for name in [*LISTS, f"queue-{old.queue_id}"]:
        assert old not in tickets_in(name, admin), name


def test_merged_tickets_in_a_row_all_lead_to_the_last_one(receive: Receive, bob: Agent) -> None:
    first, second, third = receive(), receive(), receive()
    merge(first, second, by=bob)
    merge(second, third, by=bob)
    assert [ticket.merged_into for ticket in fresh(first, second, third)] == [third, third, None]
    assert texts(third) == ["Mail 1", "Mail 2", "Mail 3"]


def test_merging_into_a_merged_ticket_means_where_that_one_is_now(receive: Receive, bob: Agent) -> None:
    first, second, third = receive(), receive(), receive()
    merge(first, second, by=bob)
    assert merge(third, first, by=bob) == second
    assert fresh(third)[0].merged_into == second


def test_what_makes_no_sense_is_refused_and_changes_nothing(receive: Receive, bob: Agent) -> None:
    first, second, third = receive(), receive(), receive()
    with pytest.raises(CannotMerge, match="with itself"):
        merge(first, first, by=bob)
    merge(first, second, by=bob)
    before = list(Ticket.objects.order_by("pk").values())
    with pytest.raises(CannotMerge, match="part of this ticket already"):
        merge(second, first, by=bob)
    with pytest.raises(CannotMerge, match="merged already"):
        merge(first, third, by=bob)
    with pytest.raises(CannotMerge, match="isn't merged"):
        unmerge(third, by=bob)
    assert list(Ticket.objects.order_by("pk").values()) == before


def test_a_reply_to_a_merged_ticket_lands_where_it_leads(receive: Receive, bob: Agent, channel: Channel) -> None:
    lamp, dimmer = receive(), receive(sender=DAN)
    ours = answer(lamp, Answer(to=("ann@customer.example",), text="Which lamp?"), by=bob)
    merge(lamp, dimmer, by=bob)
    assert receive(in_reply_to="<r1@customer.example>") == dimmer
    assert receive(in_reply_to=f"<{ours.message_id}>") == dimmer


def test_an_open_matter_does_not_vanish_in_a_closed_ticket(receive: Receive, bob: Agent) -> None:
    old, new = receive(), receive()
    set_status(old, Status.objects.get(key="closed"), by=bob)
    since = fresh(new)[0].waiting_since
    merge(new, old, by=bob)
    reopened = fresh(old)[0]
    assert (reopened.status.key, reopened.is_open, reopened.closed_at) == ("open", True, None)
    assert reopened.waiting_since == since is not None


def test_the_customer_who_waits_longest_sets_the_clock(receive: Receive, bob: Agent, clock: Clock) -> None:
    early = receive()
    clock.advance(hours=2)
    late = receive()
    merge(early, late, by=bob)
    assert fresh(late)[0].waiting_since == early.waiting_since


def test_two_closed_tickets_stay_closed(receive: Receive, bob: Agent) -> None:
    first, second = receive(), receive()
    for ticket in (first, second):
        set_status(ticket, Status.objects.get(key="closed"), by=bob)
    merge(first, second, by=bob)
    assert (fresh(second)[0].status.key, fresh(second)[0].waiting_since) == ("closed", None)


def test_unmerging_gives_back_what_was_there(receive: Receive, bob: Agent, admin: Agent) -> None:
    lamp, dimmer = receive(), receive(sender=DAN)
    add_tags(lamp, ["lamp", "both"], by=bob)
    add_tags(dimmer, ["both"], by=bob)
    set_following(lamp, admin, True)
    columns = ("status_id", "is_open", "message_count", "preview", "waiting_since", "answer", "merged_into_id")
    before = list(Ticket.objects.order_by("pk").values(*columns))
    merge(lamp, dimmer, by=bob)
    later = receive(in_reply_to="<r2@customer.example>", sender=DAN)
    assert later == dimmer
    unmerge(lamp, by=bob)
    assert (texts(lamp), texts(dimmer)) == (["Mail 1"], ["Mail 2", "Mail 3"])
    assert lamp.receipts.count() == 1
    assert not fresh(lamp)[0].messages.exclude(moved_from=None).exists()
    assert set(dimmer.tags.values_list("name", flat=True)) == {"both"}
    assert (list(lamp.followers.all()), list(dimmer.followers.all())) == ([admin], [])
    assert not Participant.objects.exists()
    assert not TicketLink.objects.exists()
    after = list(Ticket.objects.order_by("pk").values(*columns))
    assert after[0] == before[0]
    assert after[1] == {**before[1], "message_count": 2, "preview": "Mail 3"}
    assert history(lamp) == [("merged_into", dimmer.number), ("unmerged_from", dimmer.number)]


def test_who_wrote_meanwhile_goes_on_taking_part(receive: Receive, bob: Agent) -> None:
    lamp, dimmer = receive(), receive(sender=DAN)
    merge(lamp, dimmer, by=bob)
    assert receive(in_reply_to="<r2@customer.example>") == dimmer  # Ann answers on the merged ticket
    unmerge(lamp, by=bob)
    assert [p.customer for p in dimmer.participants.all()] == [lamp.customer]


def test_a_chain_is_taken_apart_from_both_ends(receive: Receive, bob: Agent) -> None:
    first, second, third = receive(), receive(), receive()
    merge(first, second, by=bob)
    merge(second, third, by=bob)
    unmerge(second, by=bob)
    assert [ticket.merged_into for ticket in fresh(first, second, third)] == [second, None, None]
    assert (texts(second), texts(third)) == (["Mail 1", "Mail 2"], ["Mail 3"])
    merge(second, third, by=bob)
    unmerge(first, by=bob)
    assert [ticket.merged_into for ticket in fresh(first, second, third)] == [None, third, None]
    assert (texts(first), texts(second), texts(third)) == (["Mail 1"], [], ["Mail 2", "Mail 3"])


def test_numbers_of_other_systems_go_along_and_come_back(receive: Receive, bob: Agent) -> None:
    field = CustomField.objects.create(key="supplier", label="Supplier")
    rule = ExternalNumber.objects.create(name="Supplier", sender="x", number="y", field=field)
    lamp, dimmer = receive(), receive()
    for ticket, value in ((lamp, "A1"), (lamp, "A2"), (dimmer, "A2")):
        ExternalReference.objects.create(external=rule, value=value, ticket=ticket)
    merge(lamp, dimmer, by=bob)
    assert set(dimmer.external_references.values_list("value", flat=True)) == {"A1", "A2"}
    unmerge(lamp, by=bob)
    assert set(lamp.external_references.values_list("value", flat=True)) == {"A1", "A2"}
    assert set(dimmer.external_references.values_list("value", flat=True)) == {"A2"}


def test_a_mark_of_an_answer_on_its_way_goes_along(receive: Receive, bob: Agent, channel: Channel) -> None:
    lamp, dimmer = receive(), receive()
    answer(lamp, Answer(to=("ann@customer.example",), text="Soon"), by=bob)
    merge(lamp, dimmer, by=bob)
    assert [ticket.answer for ticket in fresh(lamp, dimmer)] == ["", "waiting"]


def test_a_note_written_on_a_page_from_before_the_merge_is_not_lost(receive: Receive, bob: Agent) -> None:
    lamp, dimmer = receive(), receive()
    stale = Ticket.objects.get(pk=lamp.pk)
    merge(lamp, dimmer, by=bob)
    note(stale, "Written too late.", by=bob)
    assert texts(dimmer)[-1] == "Written too late."


def test_a_copy_of_a_mail_shows_where_the_first_one_is(receive: Receive, bob: Agent) -> None:
    lamp, dimmer = receive(message_id="same@x.example", text="Same"), receive()
    assert receive(message_id="same@x.example", text="Same") == lamp
    merge(lamp, dimmer, by=bob)
    assert dimmer.receipts.filter(Q(outcome="duplicate")).count() == 1
    unmerge(lamp, by=bob)
    assert lamp.receipts.count() == 2


def test_tags_of_both_are_there_once(receive: Receive, bob: Agent) -> None:
    lamp, dimmer = receive(), receive()
    for ticket in (lamp, dimmer):
        add_tags(ticket, ["lamp"], by=bob)
    merge(lamp, dimmer, by=bob)
    assert Tagging.objects.filter(ticket=dimmer, tag=Tag.objects.get()).count() == 1


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time anyway")
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_two_agents_who_merge_two_tickets_into_each_other_make_no_circle(receive: Receive, bob: Agent) -> None:
    """The one who comes second is told; nobody waits for ever."""
    first, second = receive(), receive()
    start, refused = Barrier(2), []

    def work(source: Ticket, target: Ticket) -> None:
        start.wait()
        try:
            merge(source, target, by=bob)
        except CannotMerge as problem:
            refused.append(str(problem))
        connection.close()

    agents = [Thread(target=work, args=pair) for pair in ((first, second), (second, first))]
    for agent in agents:
        agent.start()
    for agent in agents:
        agent.join(20)
    leads = [ticket.merged_into for ticket in fresh(first, second)]
    assert len(refused) == 1
    assert leads in ([second, None], [None, first])
    assert len(texts(leads[0] or leads[1] or first)) == 2


def test_a_ticket_that_only_waits_for_the_customer_does_not_vanish_either(receive: Receive, bob: Agent) -> None:
    old, new = receive(), receive()
    set_status(old, Status.objects.get(key="closed"), by=bob)
    set_status(new, Status.objects.get(key="customer"), by=bob)
    merge(new, old, by=bob)
    assert (fresh(old)[0].is_open, fresh(old)[0].waiting_since) == (True, None)


@pytest.mark.usefixtures("no_automatic_mail")
def test_automatic_mails_that_are_still_to_be_written_go_along(receive: Receive, bob: Agent) -> None:
    lamp, dimmer = receive(), receive()
    now = timezone.now()
    AutomaticMail.objects.create(ticket=lamp, kind="forward", created_at=now, next_attempt_at=now)
    merge(lamp, dimmer, by=bob)
    assert AutomaticMail.objects.get().ticket == dimmer


def test_a_mail_that_arrives_while_its_ticket_is_merged_lands_on_the_target(
    receive: Receive, bob: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    lamp, dimmer = receive(), receive()
    real, merged = run.apply, []

    def late(batch: Sequence[Work], *, worker: str) -> None:
        if not merged:
            merged.append(True)
            merge(lamp, dimmer, by=bob)
        real(batch, worker=worker)

    monkeypatch.setattr(run, "apply", late)
    assert receive(in_reply_to="<r1@customer.example>") == dimmer
