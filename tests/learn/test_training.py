"""Models made anew from the tickets that people handled: when, from which, and which one is used."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from postvak.blobs import store
from postvak.jobs.run import work_due
from postvak.learn import versions
from postvak.learn.asking import ask_for_training
from postvak.learn.cards import card
from postvak.learn.pupil import Pupil
from postvak.learn.training import KIND, enqueue_training, train
from postvak.learn.values import BadFile
from postvak.log import audit
from postvak.models import (
    Agent,
    AuditEntry,
    Blob,
    Brand,
    Classifier,
    ClassifierModel,
    Customer,
    History,
    Job,
    Mailbox,
    Prediction,
    Queue,
    Status,
    Ticket,
)
from postvak.tickets.change import set_status
from postvak.tickets.privacy.erase import KIND as ERASE
from postvak.tickets.privacy.erase import erase
from postvak.tickets.privacy.redaction import Wish, redact_message
from tests.learn.taught import LABELS, activate, add_model, come_in, mail_about, text_about
from tests.process.arrivals import receive

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_automatic_mail")]
SECRET = "wolpertinger"


@pytest.fixture
def billing(brand: Brand, bob: Agent) -> Queue:
    queue = Queue.objects.create(name="Billing", brand=brand)
    queue.members.add(bob)
    return queue


@pytest.fixture
def queue_classifier(db: None) -> Classifier:
    Classifier.objects.filter(target="queue").update(mode="suggest")
    return Classifier.objects.get(target="queue")


@pytest.fixture
def handled(mailbox: Mailbox, support: Queue, billing: Queue, bob: Agent) -> list[Ticket]:
    """120 tickets that Bob closed, each where it belongs."""
    receipts = receive(mailbox, *(mail_about(LABELS[n % 2], n) for n in range(120)))
    tickets = [receipt.ticket for receipt in receipts if receipt.ticket]
    Ticket.objects.filter(pk__in=[t.pk for t in tickets[::2]]).update(queue=billing)
    close(tickets, bob)
    return tickets


def close(tickets: list[Ticket], by: Agent) -> None:
    closed, now = Status.objects.get(key="closed"), timezone.now()
    keys = [ticket.pk for ticket in tickets]
    Ticket.objects.filter(pk__in=keys).update(status=closed, is_open=False, closed_at=now)
    History.objects.bulk_create(History(ticket_id=key, at=now, agent=by, code="status") for key in keys)


def run_job(classifier: Classifier) -> Job:
    job = enqueue_training(classifier, by=None)
    assert work_due("test:1", {KIND: train}) == 1
    job.refresh_from_db()
    return job


def test_it_learns_from_what_people_handled(
    handled: list[Ticket], queue_classifier: Classifier, billing: Queue
) -> None:
    job = run_job(queue_classifier)
    made = ClassifierModel.objects.get()
    assert (job.state, job.result) == ("done", {"version": 1, "is_active": True, "tickets": 120})
    assert (job.done, job.total) == (120, 120)
    assert made.is_active
    assert made.origin == "trained"
    assert made.labels[str(billing.pk)] == 60
    assert made.score["accuracy"] > 0.8
    assert made.score["curve"][-1][0] == 120
    pupil = Pupil(store.get(str(made.blob_id)))
    assert pupil.guess(text_about("invoices", 1000)) == str(billing.pk)


def test_what_nobody_handled_is_not_learned(mailbox: Mailbox, support: Queue, queue_classifier: Classifier) -> None:
    receive(mailbox, *(mail_about("invoices", n) for n in range(5)))
    job = run_job(queue_classifier)
    assert job.result["version"] is None
    assert not ClassifierModel.objects.exists()


def test_what_it_did_itself_and_nobody_corrected_is_not_learned(
    handled: list[Ticket], queue_classifier: Classifier, support: Queue
) -> None:
    for ticket in handled[:40]:
        Prediction.objects.create(
            ticket=ticket, target="queue", label="1", probability=1, role="acted", made_at=timezone.now()
        )
    assert run_job(queue_classifier).result["tickets"] == 80


def test_a_queue_that_takes_no_part_teaches_nothing(
    handled: list[Ticket], queue_classifier: Classifier, billing: Queue
) -> None:
    Queue.objects.filter(pk=billing.pk).update(is_proposed=False)
    assert run_job(queue_classifier).result["tickets"] == 60
    assert str(billing.pk) not in ClassifierModel.objects.get().labels


def said_right(model: ClassifierModel, tickets: list[Ticket]) -> None:
    """It was right about each of these when it came."""
    for ticket in Ticket.objects.filter(pk__in=[t.pk for t in tickets]):
        Prediction.objects.create(
            ticket=ticket,
            target="queue",
            model=model,
            label=str(ticket.queue_id),
            probability=1,
            made_at=timezone.now(),
            wanted=str(ticket.queue_id),
            decided_at=timezone.now(),
        )


def test_a_worse_one_is_kept_but_not_used(
    handled: list[Ticket], queue_classifier: Classifier, support: Queue, billing: Queue
) -> None:
    active = activate("queue", {"invoices": billing.pk, "delivery": support.pk})
    said_right(active, handled)
    moved = handled[1::3]  # what people decided of a third fits nothing that could be learned
    Ticket.objects.filter(pk__in=[t.pk for t in moved]).update(queue=billing)
    Prediction.objects.filter(ticket__in=moved).update(label=str(billing.pk), wanted=str(billing.pk))
    job = run_job(queue_classifier)
    assert job.result["is_active"] is False
    active.refresh_from_db()
    assert active.is_active
    kept = ClassifierModel.objects.get(version=2)
    assert not kept.is_active
    assert kept.said.startswith("It is worse than the active one")


def test_one_that_is_as_good_is_used(
    handled: list[Ticket], queue_classifier: Classifier, support: Queue, billing: Queue
) -> None:
    active = activate("queue", {"invoices": billing.pk, "delivery": support.pk})
    said_right(active, handled)
    Prediction.objects.filter(ticket__in=handled[::5]).update(label=str(support.pk))
    assert run_job(queue_classifier).result["is_active"] is True
    assert Prediction.objects.filter(is_learned=False).count() == 0


def test_what_was_decided_while_it_learned_is_learned_next(
    handled: list[Ticket], queue_classifier: Classifier, support: Queue, billing: Queue
) -> None:
    active = activate("queue", {"invoices": billing.pk, "delivery": support.pk})
    said_right(active, handled[:3])
    late = Prediction.objects.first()
    assert late is not None
    Prediction.objects.filter(pk=late.pk).update(decided_at=timezone.now() + timedelta(hours=1), is_learned=True)
    run_job(queue_classifier)
    assert [row.pk for row in Prediction.objects.filter(is_learned=False)] == [late.pk]


def test_old_versions_go_but_the_active_one_and_five(queue_classifier: Classifier, handled: list[Ticket]) -> None:
    for _each in range(8):
        run_job(queue_classifier)
    numbers = list(queue_classifier.models.values_list("version", flat=True))
    assert numbers == [8, 7, 6, 5, 4]
    assert Blob.objects.filter(pk__in=queue_classifier.models.values("blob")).count() >= 1


def test_a_stopped_one_changes_nothing(handled: list[Ticket], queue_classifier: Classifier) -> None:
    job = enqueue_training(queue_classifier, by=None)

    def stopped(run: Any) -> None:
        Job.objects.filter(pk=job.pk).update(is_stopping=True)
        train(run)

    work_due("test:1", {KIND: stopped})
    job.refresh_from_db()
    assert job.state == "stopped"
    assert not ClassifierModel.objects.exists()


def test_asked_twice_it_is_one_job(queue_classifier: Classifier) -> None:
    assert enqueue_training(queue_classifier, by=None) == enqueue_training(queue_classifier, by=None)


def night(hour: int = 4) -> Any:
    return timezone.localtime().replace(hour=hour, minute=0) + timedelta(days=1)


def test_it_learns_anew_at_night_once_and_only_if_there_is_news(
    handled: list[Ticket], queue_classifier: Classifier
) -> None:
    assert ask_for_training(night(2), "test:1") == 0
    assert ask_for_training(night(), "test:1") == 1
    assert ask_for_training(night(), "test:1") == 0
    work_due("test:1", {KIND: train})
    Job.objects.update(created_at=timezone.now() - timedelta(days=2))
    assert ask_for_training(night(), "test:1") == 0
    said_right(ClassifierModel.objects.get(), handled[:1])
    assert ask_for_training(night(), "test:1") == 1


def test_what_is_off_does_not_learn_by_itself(handled: list[Ticket], queue_classifier: Classifier) -> None:
    Classifier.objects.update(mode="off")
    assert ask_for_training(night(), "test:1") == 0


# -- forgetting ----------------------------------------------------------------------------


def knows(raw: bytes) -> bool:
    """Does the word change what it says, or count for anything in it?"""
    plain, with_word = text_about("invoices", 5000), text_about("invoices", 5000)
    with_word = type(plain)(subject=plain.subject, body=f"{plain.body} {SECRET}", sender=plain.sender)
    pupil = Pupil(raw)
    said = pupil.say("queue", with_word, wished=95, fewest=30)
    assert said is not None
    return any(word == SECRET for word, _share in said.words) or SECRET.encode() in raw or has_slots(pupil)


def has_slots(pupil: Pupil) -> bool:
    """Slots of the whole word, which no other word has."""
    from postvak.classify.explaining import word_slots  # noqa: PLC0415 - what the library makes of it

    known = word_slots(SECRET)
    return bool((pupil.model.weights.row_of[[known.slots[0], known.subject[0]]] > 0).any())


@pytest.fixture
def dora(handled: list[Ticket], mailbox: Mailbox, bob: Agent) -> Ticket:
    """A customer with a word of her own, handled by Bob."""
    mails = [
        mail_about("invoices", 900 + n, sender="Dora <dora@far.example>", text=f"rechnung mahnung {SECRET} {SECRET}")
        for n in range(3)
    ]
    tickets = [receipt.ticket for receipt in receive(mailbox, *mails) if receipt.ticket]
    close(tickets, bob)
    return tickets[0]


@pytest.mark.parametrize("whole", [True, False])
def test_a_customer_who_is_erased_is_forgotten_with_all_older_versions(
    dora: Ticket, queue_classifier: Classifier, mailbox: Mailbox, whole: bool
) -> None:
    run_job(queue_classifier)
    first = ClassifierModel.objects.get()
    assert knows(store.get(str(first.blob_id)))
    assert dora.customer_id is not None
    Job.objects.update(created_at=timezone.now() - timedelta(days=1))
    Job.objects.create(
        kind=ERASE,
        parameters={"customer": dora.customer_id, "whole": whole},
        created_at=timezone.now(),
        next_attempt_at=timezone.now(),
    )
    assert work_due("test:1", {ERASE: erase}) == 1
    queue_classifier.refresh_from_db()
    assert queue_classifier.is_stale
    assert ask_for_training(timezone.now(), "test:1") == 1
    assert work_due("test:1", {KIND: train}) == 1
    made = ClassifierModel.objects.get()
    assert made.is_active
    assert made.pk != first.pk
    assert not knows(store.get(str(made.blob_id)))
    assert not Blob.objects.filter(pk=first.blob_id, condemned_at=None).exists()
    queue_classifier.refresh_from_db()
    assert not queue_classifier.is_stale


def test_redacted_words_go_from_rows_and_traces_at_once(
    mailbox: Mailbox, support: Queue, billing: Queue, admin: Agent
) -> None:
    activate("queue", {"invoices": billing.pk, "delivery": support.pk})
    receipt, ticket = come_in(mailbox, "invoices")
    kept = Prediction.objects.get(ticket=ticket)
    word = next(word for word, share in kept.words if share > 0)
    message = ticket.messages.get()
    assert redact_message(message, Wish(words=(word,), reason="test"), by=audit.By(admin)) > 0
    assert Prediction.objects.get(ticket=ticket).words == []
    receipt.trace.refresh_from_db()
    assert word not in str(receipt.trace.entries)
    assert Classifier.objects.get(target="queue").is_stale


def test_what_nobody_ever_learned_makes_nothing_stale(mailbox: Mailbox, support: Queue, admin: Agent) -> None:
    _receipt, ticket = come_in(mailbox, "invoices")
    redact_message(ticket.messages.get(), Wish(words=(ticket.subject,), reason="test"), by=audit.By(admin))
    assert not Classifier.objects.filter(is_stale=True).exists()


def test_what_is_deleted_while_it_learns_for_the_first_time_is_forgotten_next(
    handled: list[Ticket], queue_classifier: Classifier, admin: Agent
) -> None:
    enqueue_training(queue_classifier, by=None)
    message = handled[0].messages.get()
    redact_message(message, Wish(words=(message.subject,), reason="test"), by=audit.By(admin))
    assert Classifier.objects.get(target="queue").is_stale


def test_a_training_that_was_to_forget_and_failed_is_asked_for_again(
    handled: list[Ticket], queue_classifier: Classifier
) -> None:
    run_job(queue_classifier)
    Classifier.objects.update(is_stale=True)
    job = enqueue_training(queue_classifier, by=None)

    def failing(run: Any) -> None:
        run.finish = lambda **_values: 1 / 0
        train(run)

    work_due("test:1", {KIND: failing})
    assert not Classifier.objects.get(target="queue").is_stale
    Job.objects.filter(pk=job.pk).update(state="failed", created_at=timezone.now() - timedelta(hours=2))
    Job.objects.exclude(pk=job.pk).update(created_at=timezone.now() - timedelta(hours=2))
    assert ask_for_training(timezone.now(), "test:1") == 1
    assert Classifier.objects.get(target="queue").is_stale


# -- versions ----------------------------------------------------------------------------


def test_a_version_that_is_brought_finds_its_queues_by_name(
    support: Queue, billing: Queue, admin: Agent, queue_classifier: Classifier
) -> None:
    made = activate("queue", {"invoices": billing.pk, "delivery": support.pk})
    raw = versions.export(made)
    support.name, billing.name = "Billing ", "Support "
    names = {"Support": "Elsewhere", "Billing": "Support", "Elsewhere": "Billing"}
    for old, new in names.items():
        Queue.objects.filter(name=old).update(name=new)
    brought = versions.bring(queue_classifier, raw, audit.By(admin))
    assert (brought.origin, brought.is_active) == ("brought", False)
    pupil = Pupil(store.get(str(brought.blob_id)))
    assert pupil.guess(text_about("invoices", 2000)) == str(support.pk)  # which is called Billing now
    versions.activate(brought, audit.By(admin))
    assert brought.is_active
    assert list(queue_classifier.models.filter(is_active=True)) == [brought]
    assert AuditEntry.objects.filter(kind="classifiermodel", action="created").exists()
    assert AuditEntry.objects.filter(kind="classifier", action="changed").exists()


@pytest.mark.parametrize(
    "raw", [b"", b"nonsense", b"PVCX1\n{}\nPVCL", b'PVCX1\n{"target": "queue", "names": {}}\nPVCL\x01xx']
)
def test_rubbish_is_refused_with_a_reason(raw: bytes, queue_classifier: Classifier, admin: Agent) -> None:
    with pytest.raises(BadFile, match=r"\w"):
        versions.bring(queue_classifier, raw, audit.By(admin))
    assert not ClassifierModel.objects.exists()


def test_a_file_for_something_else_or_of_strangers_is_refused(
    support: Queue, billing: Queue, admin: Agent, queue_classifier: Classifier
) -> None:
    raw = versions.export(activate("queue", {"invoices": billing.pk, "delivery": support.pk}))
    with pytest.raises(BadFile, match="something else"):
        versions.bring(Classifier.objects.get(target="spam"), raw, audit.By(admin))
    Queue.objects.filter(pk__in=[support.pk, billing.pk]).update(is_proposed=False)
    with pytest.raises(BadFile, match="None of the names"):
        versions.bring(queue_classifier, raw, audit.By(admin))


def test_the_active_one_stays_and_another_can_go(queue_classifier: Classifier, admin: Agent) -> None:
    one, other = add_model("queue", Pupil()), add_model("queue", Pupil(), is_active=False)
    with pytest.raises(ValueError, match="active"):
        versions.remove(one, audit.By(admin))
    versions.remove(other, audit.By(admin))
    assert list(queue_classifier.models.all()) == [one]


def test_a_broken_one_is_not_activated(
    queue_classifier: Classifier, admin: Agent, support: Queue, billing: Queue
) -> None:
    active = activate("queue", {"invoices": billing.pk, "delivery": support.pk})
    broken = add_model("queue", Pupil(), is_active=False)
    Blob.objects.filter(pk=broken.blob_id).update(content=b"nonsense")
    with pytest.raises(BadFile):
        versions.activate(broken, audit.By(admin))
    active.refresh_from_db()
    assert active.is_active


# -- score card ----------------------------------------------------------------------------


def test_the_card_before_anything_was_decided_is_that_of_the_training(
    handled: list[Ticket], queue_classifier: Classifier, django_assert_max_num_queries: Any
) -> None:
    run_job(queue_classifier)
    with django_assert_max_num_queries(5):
        found = card(queue_classifier)
    assert not found.is_live
    assert found.tickets == 120
    assert [line.tickets for line in found.labels if line.name in {"Support", "Billing"}] == [60, 60]
    assert len(found.confusion.rows) == len(found.confusion.names) == 2
    assert sum(map(sum, found.confusion.rows)) <= 120  # the default queue has a name, and no ticket
    assert found.curve


def test_the_card_counts_what_people_decided(
    handled: list[Ticket],
    queue_classifier: Classifier,
    support: Queue,
    billing: Queue,
    django_assert_max_num_queries: Any,
) -> None:
    active = activate("queue", {"invoices": billing.pk, "delivery": support.pk})
    said_right(active, handled)
    rows = Prediction.objects.order_by("pk")
    wrong = [row.pk for row in rows[:20]]
    rows.filter(pk__in=wrong).update(label="999", probability=0.4)
    rows.filter(pk__in=[row.pk for row in rows[20:80]]).update(would_act=True)
    acted = rows.last()
    assert acted is not None
    rows.filter(pk=acted.pk).update(role="acted", label="999")
    with django_assert_max_num_queries(5):
        found = card(queue_classifier)
    assert (found.is_live, found.tickets) == (True, 119)
    assert found.accuracy == pytest.approx(99 / 119)
    assert found.coverage == pytest.approx(60 / 119)
    assert found.precision == 1
    assert found.majority == pytest.approx(60 / 119)
    assert sum(week.tickets for week in found.weeks) == 119
    assert found.service is None


def test_an_empty_card(queue_classifier: Classifier) -> None:
    found = card(queue_classifier)
    assert (found.tickets, found.accuracy, found.labels, found.confusion.names) == (0, None, (), ())


def test_an_audited_ticket_counts_for_twenty(
    handled: list[Ticket], queue_classifier: Classifier, support: Queue, billing: Queue
) -> None:
    active = activate("queue", {"invoices": billing.pk, "delivery": support.pk})
    said_right(active, handled[:100])
    first = Prediction.objects.order_by("pk")[0]
    Prediction.objects.filter(pk=first.pk).update(role="audit", label="999", would_act=True)
    assert card(queue_classifier).accuracy == pytest.approx(99 / 119)


def test_one_ticket_closed_by_bob_is_enough_to_be_handled(
    mailbox: Mailbox, support: Queue, bob: Agent, queue_classifier: Classifier
) -> None:
    _receipt, ticket = come_in(mailbox, "delivery")
    set_status(ticket, Status.objects.get(key="closed"), by=bob)
    assert run_job(queue_classifier).result["tickets"] == 1
    assert Customer.objects.exists()
