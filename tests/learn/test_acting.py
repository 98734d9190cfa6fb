"""What a learned model does with mails that come in: act, propose, count, or keep out of it; and how it says so."""

from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from postvak.classify.text import Text
from postvak.crypto.values import Opened, State
from postvak.learn import current
from postvak.learn.texts import fit_for, trusted
from postvak.learn.values import Said
from postvak.models import (
    Blob,
    Brand,
    Classifier,
    ClassifierModel,
    History,
    Mailbox,
    Prediction,
    Queue,
    Receipt,
    Ticket,
)
from postvak.process import proposed
from postvak.process.decide import decide
from postvak.process.facts import gather
from postvak.process.opening import take_in
from postvak.process.plan_json import plan_as_json
from postvak.process.preview import preview
from postvak.process.run import explain_arriving
from postvak.receive.accept import Arrived, accept
from tests.learn.taught import FOREIGN, activate, come_in, file_about_spam, mail_about, prediction
from tests.mails import mail
from tests.process.arrivals import codes, make_filter, parameters, receive, said

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_automatic_mail", "nobody_audited")]


@pytest.fixture
def nobody_audited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which mails a person decides alone is chosen by their bytes; tests of everything else want none of them."""
    monkeypatch.setattr(proposed, "is_audited", lambda key: False)


@pytest.fixture
def billing(brand: Brand) -> Queue:
    return Queue.objects.create(name="Billing", brand=brand)


def model(support: Queue, billing: Queue, mode: str) -> ClassifierModel:
    return activate("queue", {"invoices": billing.pk, "delivery": support.pk}, mode=mode)


def test_in_act_mode_the_ticket_goes_where_it_sounds_like(mailbox: Mailbox, support: Queue, billing: Queue) -> None:
    made = model(support, billing, "act")
    receipt, ticket = come_in(mailbox, "invoices")
    assert ticket.queue == billing
    kept = prediction(ticket)
    assert (kept.label, kept.role, kept.would_act, kept.is_known) == (str(billing.pk), "acted", True, True)
    assert (kept.model, kept.wanted, kept.decided_at) == (made, "", None)
    assert kept.probability > 0.9
    (told,) = parameters(receipt, "queue_sounds_acted")
    assert told["queue"] == "Billing"
    assert told["words"]
    assert "Sounds like “Billing”, so it goes there" in said(receipt)
    line = ticket.history.get(code="queue_by_model")
    assert line.parameters["queue"] == "Billing"
    assert line.agent is None


def test_the_words_that_counted_are_words_of_the_mail(mailbox: Mailbox, support: Queue, billing: Queue) -> None:
    model(support, billing, "act")
    raw = mail_about("invoices").decode().casefold()
    _receipt, ticket = come_in(mailbox, "invoices")
    strongest = [word for word, share in prediction(ticket).words if share > 0]
    assert strongest
    assert all(word in raw for word in strongest)


def test_in_suggest_mode_it_is_offered_and_nothing_moves(mailbox: Mailbox, support: Queue, billing: Queue) -> None:
    model(support, billing, "suggest")
    receipt, ticket = come_in(mailbox, "invoices")
    assert ticket.queue == support
    assert (prediction(ticket).role, prediction(ticket).would_act) == ("offered", True)
    assert "queue_sounds_offered" in codes(receipt)


def test_in_shadow_mode_it_only_counts(mailbox: Mailbox, support: Queue, billing: Queue) -> None:
    model(support, billing, "shadow")
    receipt, ticket = come_in(mailbox, "invoices")
    assert ticket.queue == support
    assert prediction(ticket).role == "shadow"
    assert "queue_sounds_counted" in codes(receipt)


def test_switched_off_nothing_is_said_or_loaded(mailbox: Mailbox, support: Queue, billing: Queue) -> None:
    model(support, billing, "off")
    receipt, ticket = come_in(mailbox, "invoices")
    assert ticket.queue == support
    assert not Prediction.objects.exists()
    assert not current.KNOWN
    assert not [code for code in codes(receipt) if "sounds" in code]


def test_it_says_that_the_mail_is_where_it_sounds_like(mailbox: Mailbox, support: Queue, billing: Queue) -> None:
    model(support, billing, "act")
    receipt, ticket = come_in(mailbox, "delivery")
    assert ticket.queue == support
    assert prediction(ticket).role == "shadow"
    assert "queue_sounds_right" in codes(receipt)


def test_a_filter_beats_the_model(mailbox: Mailbox, support: Queue, billing: Queue, sales: Queue) -> None:
    model(support, billing, "act")
    make_filter("10 all", ("queue", "Sales"))
    receipt, ticket = come_in(mailbox, "invoices")
    assert ticket.queue == sales
    assert prediction(ticket).role == "shadow"
    assert "queue_sounds_otherwise" in codes(receipt)


def test_a_fixed_queue_of_the_mailbox_beats_the_model(mailbox: Mailbox, support: Queue, billing: Queue) -> None:
    model(support, billing, "act")
    Mailbox.objects.filter(pk=mailbox.pk).update(queue=support)
    mailbox.refresh_from_db()
    _receipt, ticket = come_in(mailbox, "invoices")
    assert ticket.queue == support


def test_a_header_of_a_trusted_mailbox_beats_the_model(mailbox: Mailbox, support: Queue, billing: Queue) -> None:
    model(support, billing, "act")
    Mailbox.objects.filter(pk=mailbox.pk).update(is_trusted=True)
    mailbox.refresh_from_db()
    _receipt, ticket = come_in(mailbox, "invoices", x_postvak_queue="Support")
    assert ticket.queue == support


def test_a_queue_that_takes_no_part_is_left_alone_and_nothing_is_kept(
    mailbox: Mailbox, support: Queue, billing: Queue
) -> None:
    model(support, billing, "act")
    Queue.objects.filter(pk=support.pk).update(is_proposed=False)
    receipt, ticket = come_in(mailbox, "invoices")
    assert ticket.queue == support
    assert not Prediction.objects.exists()
    assert not [code for code in codes(receipt) if "sounds" in code]


@pytest.mark.parametrize("change", [{"is_proposed": False}, {"is_valid": False}])
def test_nothing_goes_to_a_queue_that_takes_no_part(
    mailbox: Mailbox, support: Queue, billing: Queue, change: dict[str, bool]
) -> None:
    model(support, billing, "act")
    Queue.objects.filter(pk=billing.pk).update(**change)
    receipt, ticket = come_in(mailbox, "invoices")
    assert ticket.queue == support
    assert (prediction(ticket).role, prediction(ticket).would_act) == ("shadow", False)
    assert "queue_sounds_closed" in codes(receipt)


def test_a_foreign_subject_leads_to_no_decision(mailbox: Mailbox, support: Queue, billing: Queue) -> None:
    model(support, billing, "act")
    (receipt,) = receive(mailbox, mail(subject="Wombat", text=FOREIGN))
    assert receipt.ticket is not None
    assert receipt.ticket.queue == support
    kept = prediction(receipt.ticket)
    assert (kept.role, kept.is_known) == ("shadow", False)
    assert "proposal_foreign" in codes(receipt)


def test_what_is_not_sure_enough_is_offered(mailbox: Mailbox, support: Queue, billing: Queue) -> None:
    model(support, billing, "act")
    Classifier.objects.filter(target="queue").update(fewest=1000)
    receipt, ticket = come_in(mailbox, "invoices")
    assert ticket.queue == support
    assert (prediction(ticket).role, prediction(ticket).would_act) == ("offered", False)
    assert "queue_sounds_unsure" in codes(receipt)


def test_a_part_of_what_it_would_do_is_left_to_people(
    mailbox: Mailbox, support: Queue, billing: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    model(support, billing, "act")
    monkeypatch.setattr(proposed, "is_audited", lambda key: True)
    receipt, ticket = come_in(mailbox, "invoices")
    assert ticket.queue == support
    assert (prediction(ticket).role, prediction(ticket).would_act) == ("audit", True)
    assert "queue_sounds_audited" in codes(receipt)
    assert "Billing" not in said(receipt)


def test_follow_ups_stay_on_their_ticket(mailbox: Mailbox, support: Queue, billing: Queue) -> None:
    model(support, billing, "act")
    _receipt, ticket = come_in(mailbox, "delivery", message_id="first@x.example")
    assert Prediction.objects.count() == 1
    (receipt,) = receive(mailbox, mail_about("invoices", in_reply_to="<first@x.example>"))
    assert receipt.ticket == ticket
    assert Prediction.objects.count() == 1


def test_one_broken_model_stops_no_mail_and_says_so(mailbox: Mailbox, support: Queue, billing: Queue) -> None:
    made = model(support, billing, "act")
    Blob.objects.filter(pk=made.blob_id).update(content=b"nonsense")
    receipt, ticket = come_in(mailbox, "invoices")
    assert ticket.queue == support
    assert "proposal_broken" in codes(receipt)
    assert not Prediction.objects.exists()


def test_a_new_version_is_used_from_the_next_wave_on(mailbox: Mailbox, support: Queue, billing: Queue) -> None:
    model(support, billing, "act")
    assert come_in(mailbox, "invoices")[1].queue == billing
    activate("queue", {"invoices": support.pk, "delivery": billing.pk}, mode="act")
    assert come_in(mailbox, "invoices")[1].queue == support


def test_the_dry_run_says_the_same_and_writes_nothing(mailbox: Mailbox, support: Queue, billing: Queue) -> None:
    model(support, billing, "act")
    raw = mail_about("invoices")
    facts, plan = explain_arriving(mailbox, raw)
    assert not Prediction.objects.exists()
    (said_then,) = plan_as_json(facts, plan)["proposals"]  # type: ignore[misc]
    (receipt,) = receive(mailbox, raw)
    assert receipt.ticket is not None
    kept = prediction(receipt.ticket)
    assert said_then["label"] == "Billing"  # type: ignore[index, call-overload]
    assert said_then["role"] == kept.role == "acted"  # type: ignore[index, call-overload]
    assert plan_as_json(facts, plan)["queue"] == receipt.ticket.queue.name
    assert [reason.code for reason in plan.reasons] == codes(receipt)


def test_the_preview_of_a_mailbox_that_only_looks_keeps_nothing(
    mailbox: Mailbox, support: Queue, billing: Queue
) -> None:
    model(support, billing, "act")
    accept(mailbox, [Arrived("look/1", mail_about("invoices"))])
    Receipt.objects.update(next_attempt_at=None)
    (row,) = preview(mailbox, start_at=None).rows
    assert row.queue == "Billing"
    assert not Prediction.objects.exists()
    assert not Ticket.objects.exists()


def test_a_priority_is_set_only_where_no_rule_has(mailbox: Mailbox, support: Queue) -> None:
    activate("priority", {"invoices": 4, "delivery": 3}, mode="act")
    receipt, ticket = come_in(mailbox, "invoices")
    assert ticket.priority_id == 4
    assert prediction(ticket, "priority").role == "acted"
    assert "Sounds like the priority “high”, so it gets it" in said(receipt)
    assert History.objects.filter(ticket=ticket, code="priority_by_model").exists()
    make_filter("10 all", ("priority", "2"))
    receipt, ticket = come_in(mailbox, "invoices", 1)
    assert ticket.priority_id == 2
    assert "priority_sounds_otherwise" in codes(receipt)


def test_spam_is_marked_and_nothing_else(mailbox: Mailbox, support: Queue) -> None:
    activate("spam", {}, raw=file_about_spam())
    receipt, ticket = come_in(mailbox, "invoices")
    assert ticket.is_spam
    assert ticket.queue == support
    assert ticket.status.key == "new"
    assert prediction(ticket, "spam").role == "acted"
    assert "spam_sounds_acted" in codes(receipt)
    receipt, ticket = come_in(mailbox, "delivery")
    assert not ticket.is_spam
    assert "spam_sounds_right" in codes(receipt)


def test_what_a_filter_marked_is_not_marked_again(mailbox: Mailbox, support: Queue) -> None:
    activate("spam", {}, raw=file_about_spam())
    make_filter("10 all", ("spam", ""))
    receipt, ticket = come_in(mailbox, "invoices")
    assert ticket.is_spam
    assert prediction(ticket, "spam").role == "shadow"
    assert "spam_sounds_marked" in codes(receipt)


def test_headers_below_a_strange_server_are_not_believed() -> None:
    strange = ("Received", "from mx.bad.example (mx.bad.example [8.8.8.8]) by in.desk.example with ESMTPS")
    house = ("Received", "from localhost (localhost [127.0.0.1]) by in.desk.example with LMTP")
    ours, forged = ("X-Spam-Flag", "YES"), ("X-Spam-Flag", "NO")
    assert list(trusted([house, ours, strange, forged])) == [house, ours]
    text = fit_for("spam", Text(subject="a", body="b"), [ours, strange, forged], level="suspicious", is_trusted=False)
    assert "x-spam-flag: yes" in text.signs
    assert "x-spam-flag: no" not in text.signs
    assert "sender suspicious" in text.signs


def test_facts_take_one_more_query_when_something_is_on(mailbox: Mailbox, support: Queue, billing: Queue) -> None:
    model(support, billing, "act")
    come_in(mailbox, "invoices")
    receipts = [Receipt(mailbox=mailbox, source="x/1", size=10, received_at=timezone.now())]
    mails = take_in((receipt, mail_about("invoices", 5)) for receipt in receipts)
    with CaptureQueriesContext(connection) as on:
        gather(mails)
    Classifier.objects.update(mode="off")
    with CaptureQueriesContext(connection) as off:
        gather(mails)
    assert len(on) == len(off) + 1


def test_no_word_of_a_decrypted_mail_is_written_down(mailbox: Mailbox, support: Queue, billing: Queue) -> None:
    model(support, billing, "act")
    facts, plan = explain_arriving(mailbox, mail_about("invoices"))
    assert plan.proposals[0].words
    secret = replace(facts, security=Opened(b"", State.open))
    (said_of_it,) = decide(secret).proposals
    assert said_of_it.words == ()
    (reason,) = (one for one in decide(secret).reasons if one.code.startswith("queue_sounds"))
    assert reason.parameters["words"] == "–"


def test_what_is_hardly_likely_is_not_proposed(mailbox: Mailbox, support: Queue, billing: Queue) -> None:
    model(support, billing, "suggest")
    facts, _plan = explain_arriving(mailbox, mail_about("invoices"))
    vague = Said(str(billing.pk), 0.4)
    assert proposed.weigh(facts, "queue", vague, is_same=False, is_decided=False).role == "shadow"
    assert (
        proposed.weigh(facts, "queue", replace(vague, probability=0.6), is_same=False, is_decided=False).role
        == "offered"
    )
