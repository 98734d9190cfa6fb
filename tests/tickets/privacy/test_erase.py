"""Erasing a customer: whole tickets, or his part of them; and nothing about him is found afterwards."""

import json
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from postvak.blobs import store
from postvak.blobs.rows import Blob
from postvak.jobs.queue import enqueue
from postvak.jobs.run import Run, work_due
from postvak.log.ledger.numbers import fold, totals
from postvak.models import (
    Agent,
    AnswerTemplate,
    AnswerTemplateFile,
    AuditEntry,
    Channel,
    Customer,
    Delivery,
    Draft,
    DraftFile,
    Job,
    LedgerEntry,
    Mailbox,
    Message,
    OutgoingMail,
    Queue,
    Receipt,
    RemovedTicket,
    SearchText,
    Ticket,
)
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.tickets.answer import Answer, answer
from postvak.tickets.privacy.erase import KIND, erase
from postvak.tickets.privacy.person import person_of, report
from postvak.tickets.privacy.remains import pragma
from postvak.tickets.search.index import index_due
from tests.mails import mail

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_automatic_mail")]

ADDRESS, NAME, SECRET = "ann@customer.example", "Ann Archer", "tulipomania"
DEE = "Dee Dwyer <dee@third.example>"


@pytest.fixture
def ann(mailbox: Mailbox, support: Queue, bob: Agent, channel: Channel) -> Customer:
    """A ticket of hers with an answer that quotes her, one of Dee's where she wrote, and a second copy, which made no ticket."""
    accept(mailbox, [Arrived("p/1", mail(text=f"My word is {SECRET}, says {NAME}."))])
    process_due("test:1:x")
    hers = Ticket.objects.get()
    quoted = f"Dear {NAME},\n\nthanks.\n\n> My word is {SECRET}, says {NAME}."
    answer(hers, Answer(to=(ADDRESS,), text=quoted), by=bob)
    Draft.objects.create(ticket=hers, agent=bob, text=f"Dear {NAME}", to=ADDRESS, changed_at=timezone.now())
    accept(
        mailbox,
        [
            Arrived(
                "p/2", mail(sender=DEE, message_id="d1@third.example", subject="Of Dee", cc=ADDRESS, text="Dee asks.")
            )
        ],
    )
    process_due("test:1:x")
    first = Ticket.objects.get(subject="Of Dee")
    reply = mail(
        message_id="m2@customer.example",
        subject="Re: Of Dee",
        in_reply_to="<d1@third.example>",
        text=f"I know: {SECRET}.",
    )
    accept(mailbox, [Arrived("p/3", reply)])
    process_due("test:1:x")
    assert first.messages.count() == 2
    accept(mailbox, [Arrived("p/4", mail(text=f"My word is {SECRET}, says {NAME}."))])
    process_due("test:1:x")
    while index_due("test:1:x"):
        pass
    return Customer.objects.get(addresses__email=ADDRESS)


def erased(customer: Customer, *, whole: bool = True) -> Job:
    OutgoingMail.objects.update(next_attempt_at=None)
    job = enqueue(KIND, {"customer": customer.pk, "whole": whole}, by=None)
    assert work_due("test:1:e", {KIND: erase})
    job.refresh_from_db()
    assert job.state == Job.State.DONE, job.said
    return job


def everything() -> str:
    """All columns of all tables, and all stored bytes, in lower case."""
    texts = []
    for model in apps.get_app_config("postvak").get_models(include_auto_created=True):
        if model is not Blob:
            columns = ", ".join(f'CAST("{field.column}" AS text)' for field in model._meta.concrete_fields)
            with connection.cursor() as cursor:
                cursor.execute(f'SELECT {columns} FROM "{model._meta.db_table}"')
                texts.append(json.dumps([model._meta.model_name, cursor.fetchall()], ensure_ascii=False))
    texts += [store.get(digest).decode("latin-1") for digest in Blob.objects.values_list("digest", flat=True)]
    return "\n".join(texts).lower()


def where(word: str) -> list[str]:
    return [line[:600] for line in everything().splitlines() if word.lower() in line]


@pytest.mark.parametrize("whole", [True, False])
def test_afterwards_address_name_and_words_are_nowhere(ann: Customer, whole: bool) -> None:
    assert all(where(word) for word in (ADDRESS, NAME, SECRET))
    erased(ann, whole=whole)
    assert [where(word) for word in (ADDRESS, NAME, SECRET)] == [[], [], []]


def test_her_tickets_go_and_those_of_others_stay(ann: Customer) -> None:
    erased(ann)
    (left,) = Ticket.objects.all()
    assert left.subject == "Of Dee"
    assert [message.text.strip() for message in left.messages.order_by("pk")] == ["Dee asks.", "*****"]
    assert not Customer.objects.filter(pk=ann.pk).exists()


def test_or_they_stay_and_only_her_part_is_unreadable(ann: Customer) -> None:
    erased(ann, whole=False)
    kept = Ticket.objects.get(customer=ann)
    theirs, ours = kept.messages.order_by("pk")
    assert theirs.text == "*****"
    assert ours.text.startswith("Dear *****,\n\nthanks.")
    assert Customer.objects.get(pk=ann.pk).name == "*****"
    assert SearchText.objects.filter(entry__message=ours).exists()


def test_the_ledger_goes_on_adding_up(ann: Customer) -> None:
    fold()
    before = {way: totals(way) for way in ("in", "out")}
    lines = LedgerEntry.objects.count()
    erased(ann)
    fold()
    assert LedgerEntry.objects.count() == lines
    assert {way: totals(way) for way in ("in", "out")} == before
    states = Receipt.objects.filter(state="done").values_list("outcome", flat=True)
    assert sorted(states) == sorted(LedgerEntry.objects.filter(direction="in").values_list("state", flat=True))
    assert RemovedTicket.objects.get().message_count == 2


def test_the_audit_says_how_many_and_not_whom(ann: Customer) -> None:
    erased(ann)
    entry = AuditEntry.objects.get(action="erased")
    assert entry.name == f"customer {ann.pk}"
    assert entry.changes["tickets"] == ["", 1]


def test_a_worker_that_dies_in_any_step_is_followed_by_another(ann: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each progress is a place to die; the next worker goes on there, also when her card is gone by then."""
    OutgoingMail.objects.update(next_attempt_at=None)
    job = enqueue(KIND, {"customer": ann.pk, "whole": True}, by=None)
    usual = Run.progress
    for last in range(2, 60):
        calls = 0

        def progress(run: Run, last: int = last, **columns: Any) -> None:
            nonlocal calls
            calls += 1
            usual(run, **columns)
            if calls == min(last, 9):
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Run, "progress", progress)
            try:
                work_due(f"test:1:{last}", {KIND: erase})
            except KeyboardInterrupt:
                Job.objects.update(claimed_until=timezone.now(), attempts=0)
        job.refresh_from_db()
        if job.state == Job.State.DONE:
            break
    assert [where(word) for word in (ADDRESS, NAME, SECRET)] == [[], [], []]


def test_a_namesake_loses_nothing(ann: Customer, mailbox: Mailbox) -> None:
    accept(
        mailbox,
        [Arrived("p/9", mail(sender=f"{NAME} <other@else.example>", message_id="o@else.example", subject="Namesake"))],
    )
    process_due("test:1:x")
    erased(ann)
    message = Message.objects.get(subject="Namesake")
    assert message.author_name == NAME
    assert b"Ann Archer" in store.get(str(message.blob_id))


def test_the_report_counts_before(ann: Customer) -> None:
    numbers = {str(line.label): line.number for line in report(person_of(ann))}
    assert numbers["own tickets"] == 1
    assert numbers["tickets of others with this person"] == 1
    assert numbers["mails received"] == 3
    assert numbers["mails sent to this person"] == 1


def test_a_mail_that_waits_to_go_out_is_stopped(ann: Customer) -> None:
    assert OutgoingMail.objects.exclude(next_attempt_at=None).exists()
    job = enqueue(KIND, {"customer": ann.pk, "whole": False}, by=None)
    work_due("test:1:e", {KIND: erase})
    job.refresh_from_db()
    assert job.state == Job.State.DONE, job.said
    assert Delivery.objects.get().state == Delivery.State.CANCELLED


def test_what_agents_attached_loses_her_address_but_only_where_that_breaks_nothing(ann: Customer, bob: Agent) -> None:
    template = AnswerTemplate.objects.create(name="List")
    draft = Draft.objects.create(agent=bob, kind="new", changed_at=timezone.now())
    contents = {
        "list.csv": ("text/csv", f"dee@third.example;{ADDRESS.upper()};1\n".encode() + b"\xe9\n"),
        "wide.txt": ("text/plain", f"to {ADDRESS}".encode("utf-16")),
        "mail.eml": ("message/rfc822", mail(message_id="forwarded@x.example")),
        "page.html": ("text/html; charset=utf-8", f"<a href='mailto:{ADDRESS}'>x</a>".encode()),
        "packed.zip": ("application/zip", f"PK{ADDRESS}".encode()),
    }
    for name, (kind, content) in contents.items():
        (blob,) = blobs = store.prepare([content])
        store.save(blobs)
        AnswerTemplateFile.objects.create(template=template, name=name, content_type=kind, size=len(content), blob=blob)
        DraftFile.objects.create(draft=draft, name=name, content_type=kind, size=len(content), blob=blob)
    erased(ann)
    for model in (AnswerTemplateFile, DraftFile):
        found = {row.name: store.get(str(row.blob_id)) for row in model.objects.all()}
        assert found["list.csv"] == b"dee@third.example;*****;1\n\xe9\n"
        assert found["wide.txt"].decode("utf-16") == "to *****"
        assert found["packed.zip"] == contents["packed.zip"][1]
        assert not [name for name in ("mail.eml", "page.html") if ADDRESS.encode() in found[name]]
        assert {row.name: row.size for row in model.objects.all()} == {name: len(raw) for name, raw in found.items()}


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has no such setting")
def test_while_it_erases_the_database_overwrites_what_it_deletes(
    ann: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    pragma("secure_delete = OFF")
    seen = []
    monkeypatch.setattr(
        "postvak.tickets.privacy.erase.sweep_files", lambda person: seen.append(pragma("secure_delete")) or 0
    )
    erased(ann)
    assert (seen, pragma("secure_delete")) == ([1], 0)
