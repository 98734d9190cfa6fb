"""What people decide is found, and learned by the active model: acceptances, corrections, silence."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from postvak.blobs import store
from postvak.learn import proposals
from postvak.learn.decided import find_decisions
from postvak.learn.lessons import Outdated, exchange, note_troubles, teach_due
from postvak.learn.pupil import Pupil
from postvak.models import (
    Agent,
    Blob,
    Brand,
    ClassifierModel,
    Lease,
    Mailbox,
    Membership,
    Prediction,
    Priority,
    Queue,
    Status,
    Ticket,
)
from postvak.notify.health.classification import classification
from postvak.process import proposed
from postvak.tickets import change
from postvak.tickets.access import NotAllowed
from postvak.tickets.properties import set_spam
from tests.learn.taught import activate, come_in, file_about_spam, prediction

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_automatic_mail")]


@pytest.fixture(autouse=True)
def nobody_audited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proposed, "is_audited", lambda key: False)


@pytest.fixture
def billing(brand: Brand, bob: Agent) -> Queue:
    queue = Queue.objects.create(name="Billing", brand=brand)
    queue.members.add(bob)
    return queue


def learned(support: Queue, billing: Queue, mode: str = "act") -> ClassifierModel:
    return activate("queue", {"invoices": billing.pk, "delivery": support.pk}, mode=mode)


def look() -> int:
    return find_decisions(timezone.now(), "test:1")


def teach() -> int:
    return teach_due(timezone.now() + timedelta(minutes=5), "test:1")


def close(ticket: Ticket, by: Agent) -> None:
    change.set_status(Ticket.objects.get(pk=ticket.pk), Status.objects.get(key="closed"), by=by)


def pupil_of(model: ClassifierModel) -> Pupil:
    model.refresh_from_db()
    return Pupil(store.get(str(model.blob_id)))


def test_who_closes_a_ticket_where_it_is_has_decided(
    mailbox: Mailbox, support: Queue, billing: Queue, bob: Agent
) -> None:
    learned(support, billing, "suggest")
    _receipt, ticket = come_in(mailbox, "invoices")
    assert look() == 0
    close(ticket, bob)
    assert look() == 1
    found = prediction(ticket)
    assert (found.wanted, found.role) == (str(support.pk), "offered")
    assert found.decided_at is not None
    assert look() == 0


def test_a_status_that_waits_decides_nothing(mailbox: Mailbox, support: Queue, billing: Queue, bob: Agent) -> None:
    learned(support, billing, "suggest")
    _receipt, ticket = come_in(mailbox, "invoices")
    change.set_status(ticket, Status.objects.get(key="customer"), by=bob)
    assert look() == 0


def test_silence_after_acting_is_no_decision(mailbox: Mailbox, support: Queue, billing: Queue, bob: Agent) -> None:
    made = learned(support, billing)
    _receipt, ticket = come_in(mailbox, "invoices")
    assert ticket.queue == billing
    close(ticket, bob)
    assert look() == 0
    assert prediction(ticket).wanted == ""
    assert teach() == 0
    before = made.blob_id
    made.refresh_from_db()
    assert made.blob_id == before


def test_a_wrong_act_that_is_repaired_is_learned_as_a_repair(
    mailbox: Mailbox, support: Queue, billing: Queue, bob: Agent
) -> None:
    made = learned(support, billing)
    known = pupil_of(made)
    _receipt, ticket = come_in(mailbox, "invoices")
    change.move(ticket, support, by=bob)
    assert look() == 1
    assert prediction(ticket).wanted == str(support.pk)
    assert teach() == 1
    assert prediction(ticket).is_learned
    now = pupil_of(made)
    assert now.counts[str(support.pk)] == known.counts[str(support.pk)] + 1
    assert now.counts[str(billing.pk)] == known.counts[str(billing.pk)]
    assert len(now.model.gate.entries) == len(known.model.gate.entries)  # a repair is no fair sample
    assert made.labels[str(support.pk)] == now.counts[str(support.pk)]


def test_what_a_person_decided_goes_into_the_log_and_an_audit_counts_for_twenty(
    mailbox: Mailbox, support: Queue, billing: Queue, bob: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = learned(support, billing)
    before = len(pupil_of(made).model.gate.entries)
    monkeypatch.setattr(proposed, "is_audited", lambda key: True)
    _receipt, ticket = come_in(mailbox, "invoices")
    close(ticket, bob)
    assert (look(), teach()) == (1, 1)
    entries = pupil_of(made).model.gate.entries
    assert len(entries) == before + 1
    assert entries[-1].weight == 20
    assert (entries[-1].wanted, entries[-1].said) == (str(support.pk), str(billing.pk))


def test_the_old_file_goes_with_the_lesson(mailbox: Mailbox, support: Queue, billing: Queue, bob: Agent) -> None:
    made = learned(support, billing, "suggest")
    old = made.blob_id
    _receipt, ticket = come_in(mailbox, "invoices")
    close(ticket, bob)
    assert (look(), teach(), teach()) == (1, 1, 0)
    made.refresh_from_db()
    assert made.blob_id != old
    assert not Blob.objects.filter(pk=old, condemned_at=None).exists()


def test_lessons_wait_a_moment_so_that_files_are_not_stored_for_each(
    mailbox: Mailbox, support: Queue, billing: Queue, bob: Agent
) -> None:
    learned(support, billing, "suggest")
    _receipt, ticket = come_in(mailbox, "invoices")
    close(ticket, bob)
    look()
    assert teach_due(timezone.now(), "test:1") == 0


def test_accepting_is_the_agents_own_move(mailbox: Mailbox, support: Queue, billing: Queue, bob: Agent) -> None:
    learned(support, billing, "suggest")
    _receipt, ticket = come_in(mailbox, "invoices")
    (offered,) = proposals.for_ticket(ticket)
    proposals.accept(offered, by=bob)
    ticket.refresh_from_db()
    assert ticket.queue == billing
    assert ticket.history.get(code="queue").agent == bob
    assert prediction(ticket).wanted == str(billing.pk)
    assert proposals.for_ticket(ticket) == []
    assert look() == 0


def test_who_may_not_move_accepts_nothing(mailbox: Mailbox, support: Queue, billing: Queue, bob: Agent) -> None:
    learned(support, billing, "suggest")
    _receipt, ticket = come_in(mailbox, "invoices")
    Membership.objects.filter(agent=bob, queue=support).update(may_move=False)
    (offered,) = proposals.for_ticket(ticket)
    for verb in (proposals.accept, proposals.dismiss):
        with pytest.raises(NotAllowed):
            verb(offered, by=bob)
    ticket.refresh_from_db()
    assert ticket.queue == support
    assert prediction(ticket).wanted == ""


def test_nothing_is_accepted_into_a_queue_that_he_does_not_see(
    mailbox: Mailbox, support: Queue, billing: Queue, bob: Agent
) -> None:
    learned(support, billing, "suggest")
    _receipt, ticket = come_in(mailbox, "invoices")
    billing.members.remove(bob)
    (offered,) = proposals.for_ticket(ticket)
    with pytest.raises(proposals.CannotAccept):
        proposals.accept(offered, by=bob)


def test_what_is_dismissed_is_offered_no_more(mailbox: Mailbox, support: Queue, billing: Queue, bob: Agent) -> None:
    learned(support, billing, "suggest")
    _receipt, ticket = come_in(mailbox, "invoices")
    (offered,) = proposals.for_ticket(ticket)
    proposals.dismiss(offered, by=bob)
    assert proposals.for_ticket(ticket) == []
    assert prediction(ticket).role == "dismissed"
    close(ticket, bob)
    assert look() == 1
    assert prediction(ticket).wanted == str(support.pk)


def test_what_was_done_shows_as_long_as_it_is_so(mailbox: Mailbox, support: Queue, billing: Queue, bob: Agent) -> None:
    learned(support, billing)
    _receipt, ticket = come_in(mailbox, "invoices")
    assert [row.role for row in proposals.for_ticket(ticket)] == ["acted"]
    change.move(ticket, support, by=bob)
    assert proposals.for_ticket(ticket) == []


def test_a_proposal_nobody_may_see_is_not_for_the_ticket(
    mailbox: Mailbox, support: Queue, billing: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned(support, billing)
    monkeypatch.setattr(proposed, "is_audited", lambda key: True)
    _receipt, ticket = come_in(mailbox, "invoices")
    assert proposals.for_ticket(ticket) == []


def test_priority_and_spam_are_decided_by_their_own_lines(mailbox: Mailbox, support: Queue, bob: Agent) -> None:
    activate("priority", {"invoices": 4, "delivery": 3}, mode="suggest")
    activate("spam", {}, mode="suggest", raw=file_about_spam())
    _receipt, ticket = come_in(mailbox, "invoices")
    change.set_priority(ticket, Priority.objects.get(level=5), by=bob)
    assert look() == 1
    assert prediction(ticket, "priority").wanted == "5"
    set_spam(ticket, True, by=bob)
    assert look() == 1
    assert prediction(ticket, "spam").wanted == "spam"


def test_a_later_move_corrects_what_was_decided(mailbox: Mailbox, support: Queue, billing: Queue, bob: Agent) -> None:
    learned(support, billing, "suggest")
    _receipt, ticket = come_in(mailbox, "invoices")
    close(ticket, bob)
    look()
    change.move(Ticket.objects.get(pk=ticket.pk), billing, by=bob)
    assert look() == 1
    assert prediction(ticket).wanted == str(billing.pk)


def test_spam_teaches_no_queue(mailbox: Mailbox, support: Queue, billing: Queue, bob: Agent) -> None:
    learned(support, billing, "suggest")
    _receipt, ticket = come_in(mailbox, "invoices")
    set_spam(ticket, True, by=bob)
    close(ticket, bob)
    assert look() == 0


def test_a_queue_that_was_closed_meanwhile_is_not_learned(
    mailbox: Mailbox, support: Queue, billing: Queue, bob: Agent
) -> None:
    made = learned(support, billing, "suggest")
    _receipt, ticket = come_in(mailbox, "invoices")
    close(ticket, bob)
    look()
    Queue.objects.filter(pk=support.pk).update(is_proposed=False)
    before = pupil_of(made).counts
    assert teach() == 0
    assert pupil_of(made).counts == before
    assert prediction(ticket).is_learned  # it isn't asked again


def test_two_workers_do_not_teach_at_once(mailbox: Mailbox, support: Queue, billing: Queue, bob: Agent) -> None:
    learned(support, billing, "suggest")
    _receipt, ticket = come_in(mailbox, "invoices")
    close(ticket, bob)
    look()
    assert Lease.objects.take("classification lessons: queue", "other:2")
    assert teach() == 0
    Lease.objects.give_back("classification lessons: queue", "other:2")
    assert teach() == 1


def test_who_comes_late_writes_nothing(mailbox: Mailbox, support: Queue, billing: Queue, bob: Agent) -> None:
    made = learned(support, billing, "suggest")
    _receipt, ticket = come_in(mailbox, "invoices")
    close(ticket, bob)
    look()
    other = ClassifierModel.objects.select_related("classifier").get(pk=made.pk)
    assert teach() == 1
    Prediction.objects.update(is_learned=False)
    with pytest.raises(Outdated):
        exchange(other, b"something else", [prediction(ticket)], {})
    assert not prediction(ticket).is_learned
    assert not connection.needs_rollback


def test_health_tells_of_a_broken_model_until_it_is_mended(mailbox: Mailbox, support: Queue, billing: Queue) -> None:
    made = learned(support, billing)
    Blob.objects.filter(pk=made.blob_id).update(content=b"nonsense")
    assert note_troubles() == 1
    (finding,) = classification(timezone.now())
    assert finding.code == "model_broken"
    assert "damaged" in finding.text
    activate("queue", {"invoices": support.pk, "delivery": billing.pk})
    assert note_troubles() == 0
    assert list(classification(timezone.now())) == []
