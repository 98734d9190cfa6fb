"""Grouping exclusions, external numbers, follow-up policy, grouping time, and who is believed."""

import pytest
from django.utils import timezone

from postvak.models import (
    CustomField,
    ExternalNumber,
    ExternalReference,
    GroupingExclusion,
    Mailbox,
    Queue,
    Status,
    Ticket,
)


@pytest.fixture
def eva(client, admin):
    """Eva's browser."""
    client.force_login(admin)
    return client


# ---- grouping exclusions ------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" Shop@Example.ORG ", "shop@example.org"),
        ("Example.org", "example.org"),
        ("@example.org", "example.org"),
        ("*.example.org", "example.org"),
        ("Müller.example", "xn--mller-kva.example"),
        ("ann@Müller.example", "ann@xn--mller-kva.example"),
    ],
)
def test_a_sender_is_kept_as_it_is_compared(eva, db, typed, kept):
    assert eva.post("/admin/exclusions/new/", {"sender": typed}).status_code == 302
    assert GroupingExclusion.objects.get().sender == kept


@pytest.mark.parametrize("typed", ["shop", "a b@example.org", "a@b@example.org", "@", "*", "http://example.org/"])
def test_what_is_no_sender_is_refused(eva, db, typed):
    answer = eva.post("/admin/exclusions/new/", {"sender": typed})
    assert (answer.status_code, "is neither an e-mail address nor a domain" in answer.text) == (422, True)


def test_a_sender_is_on_the_list_once_and_can_be_taken_off(eva, db):
    eva.post("/admin/exclusions/new/", {"sender": "example.org", "comment": "shop"})
    assert "is on the list already" in eva.post("/admin/exclusions/new/", {"sender": "@EXAMPLE.org"}).text
    row = GroupingExclusion.objects.get()
    assert eva.post(f"/admin/exclusions/{row.pk}/", {"sender": "example.org", "comment": "new shop"}).status_code == 302
    eva.post(f"/admin/exclusions/{row.pk}/deletion/")
    assert not GroupingExclusion.objects.exists()


# ---- external numbers ------------------------------------------------------------


@pytest.fixture
def order(db: None) -> CustomField:
    return CustomField.objects.create(key="order", label="Order")


def facts_of(kept_in: CustomField, **changes: object) -> dict[str, object]:
    facts = {
        "name": "Supplier",
        "sender": r"@supplier\.example$",
        "number": r"Case ([A-Z]+-\d+)",
        "in_subject": "on",
        "field": kept_in.pk,
        "is_valid": "on",
    }
    return {name: value for name, value in {**facts, **changes}.items() if value is not None}


def test_an_external_number_is_made(eva, order):
    assert eva.post("/admin/external-numbers/new/", facts_of(order)).status_code == 302
    made = ExternalNumber.objects.get()
    assert (made.field, made.in_subject, made.in_body) == (order, True, False)
    assert eva.get(f"/admin/external-numbers/{made.pk}/").status_code == 200


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"number": r"Case [A-Z]+-\d+"}, "Put brackets around the number"),
        ({"number": r"(Case|Fall) (\d+)"}, "Only the number itself may stand in brackets"),
        ({"number": r"(\d+)(?=x)"}, "looking ahead or behind"),
        ({"number": "(4711"}, "missing )"),
        ({"sender": r"(a)\1"}, "references to earlier groups"),
        ({"in_subject": None}, "Choose where to look"),
        ({"field": ""}, "This field is required"),
        ({"name": "taken"}, "already exists"),
    ],
)
def test_what_would_recognise_nothing_is_refused_beside_the_field(eva, order, changes, said):
    ExternalNumber.objects.create(name="taken", sender=".", number="(1)", field=order)
    answer = eva.post("/admin/external-numbers/new/", facts_of(order, **changes))
    assert (answer.status_code, said in answer.text) == (422, True), answer.text
    assert ExternalNumber.objects.count() == 1


def test_a_number_is_kept_in_a_field_of_the_kind_text_only(eva, db):
    amount = CustomField.objects.create(key="amount", label="Amount", kind="number")
    assert "First make a custom field" in eva.get("/admin/external-numbers/new/").text
    assert eva.post("/admin/external-numbers/new/", facts_of(amount)).status_code == 422


@pytest.mark.parametrize(
    ("subject", "sender", "said"),
    [
        ("Re: your CASE abc-12 – Größe", "", ["The number is “abc-12”"]),
        ("case X-1", "help@supplier.example", ["The number is “X-1”", "The sender fits."]),
        ("case X-1", "ann@customer.example", ["The number is “X-1”", "The sender doesn't fit"]),
        ("case X-1", "Ann <Help@Supplier.example>", ["The sender fits."]),
        ("Invoice 12", "", ["No number is found in this subject"]),
        ("", "", ["Paste a subject first"]),
        ("<b>Case X-1</b>", "", ["The number is “X-1”"]),
    ],
)
def test_a_pasted_subject_shows_what_is_found_and_saves_nothing(eva, order, subject, sender, said):
    facts = facts_of(order, name="", field="", trial_subject=subject, trial_sender=sender)
    answer = eva.post("/admin/external-numbers/trial/", facts)
    assert answer.status_code == 200
    assert all(sentence in answer.text for sentence in said), answer.text
    assert not ExternalNumber.objects.exists()


def test_what_is_found_is_shown_as_text(eva, order):
    facts = facts_of(order, number="Case (.*)", trial_subject="Case <script>")
    answer = eva.post("/admin/external-numbers/trial/", facts)
    assert "The number is “&lt;script&gt;”" in answer.text


def test_an_expression_that_does_not_work_says_so_when_it_is_tried(eva, order):
    answer = eva.post("/admin/external-numbers/trial/", facts_of(order, number="([", trial_subject="x"))
    assert "It can't be tried yet" in answer.text


def test_an_external_number_of_tickets_stays(eva, order, support):
    made = ExternalNumber.objects.create(name="Supplier", sender=".", number="(1)", field=order)
    now = timezone.now()
    ticket = Ticket.objects.create(
        number="1", subject="x", queue=support, status=Status.objects.get(key="open"), created_at=now, changed_at=now
    )
    reference = ExternalReference.objects.create(external=made, value="1", ticket=ticket)
    eva.post(f"/admin/external-numbers/{made.pk}/deletion/")
    assert "1 ticket has it" in eva.get("/admin/external-numbers/").text
    assert ExternalNumber.objects.exists()
    reference.delete()
    eva.post(f"/admin/external-numbers/{made.pk}/deletion/")
    assert not ExternalNumber.objects.exists()


# ---- queue and address ------------------------------------------------------------


def post_queue(eva, queue: Queue, **changes: object):
    facts = {"name": queue.name, "colour": queue.colour, "brand": queue.brand_id, "is_valid": "on", **changes}
    return eva.post(f"/admin/queues/{queue.pk}/", facts)


def test_a_queue_says_what_mail_on_closed_tickets_does(eva, support):
    assert "The customer gets a mail that says" in eva.get(f"/admin/queues/{support.pk}/").text
    assert post_queue(eva, support, follow_up="reject", follow_up_days="30").status_code == 302
    support.refresh_from_db()
    assert (support.follow_up, support.follow_up_days) == ("reject", 30)
    assert post_queue(eva, support, follow_up="reject", follow_up_days="").status_code == 302
    support.refresh_from_db()
    assert (support.follow_up, support.follow_up_days) == ("reject", None)


@pytest.mark.parametrize("wrong", [{"follow_up": "burn"}, {"follow_up": "reopen", "follow_up_days": "0"}])
def test_an_impossible_policy_is_refused(eva, support, wrong):
    assert post_queue(eva, support, **wrong).status_code == 422


def test_an_answer_without_a_policy_leaves_it_as_it_is(eva, support):
    Queue.objects.filter(pk=support.pk).update(follow_up="new_ticket")
    for facts in ({}, {"follow_up": ""}):
        assert post_queue(eva, support, **facts).status_code == 302
        support.refresh_from_db()
        assert support.follow_up == "new_ticket"


def test_an_address_groups_mails_by_hours(eva, support):
    page = f"/admin/addresses/{support.address.pk}/"
    facts = {"email": "support@example.org", "queue": support.pk, "is_valid": "on"}
    for typed, kept in (("24", 24), ("", None)):
        assert eva.post(page, {**facts, "grouping_hours": typed}).status_code == 302
        support.address.refresh_from_db()
        assert support.address.grouping_hours == kept
    assert eva.post(page, {**facts, "grouping_hours": "0"}).status_code == 422


def test_the_list_of_exclusions_says_where_mails_are_grouped(eva, support):
    assert "so this list has no effect" in eva.get("/admin/exclusions/").text
    support.address.grouping_hours = 24
    support.address.save()
    assert "support@example.org" in eva.get("/admin/exclusions/").text


# ---- who is believed ------------------------------------------------------------


def post_mailbox(eva, box: Mailbox, **changes: object):
    facts = {"name": box.name, "size_limit": "50", "validity": "valid", **changes}
    return eva.post(f"/admin/mailboxes/{box.pk}/", facts)


def test_a_mailbox_says_who_is_believed_and_what_that_means(eva, mailbox):
    page = eva.get(f"/admin/mailboxes/{mailbox.pk}/").text
    assert "Whoever can mail there can steer tickets" in page
    facts = {
        "is_trusted": "on",
        "trusted_senders": " Monitor@Example.org\n\n@partner.example, monitor@example.org",
        "receiving_host": " MX.Example.org; ",
        "agents_mail": "answer",
        "agents_commands": "on",
    }
    assert post_mailbox(eva, mailbox, **facts).status_code == 302
    mailbox.refresh_from_db()
    assert (mailbox.is_trusted, mailbox.receiving_host) == (True, "mx.example.org")
    assert mailbox.trusted_senders == "monitor@example.org\npartner.example"
    assert (mailbox.agents_mail, mailbox.agents_commands, mailbox.agents_forwards) == ("answer", True, False)


def test_a_wrong_trusted_sender_is_named_and_nothing_is_saved(eva, mailbox):
    answer = post_mailbox(eva, mailbox, is_trusted="on", trusted_senders="a@example.org\neverybody")
    assert (answer.status_code, "“everybody” is neither" in answer.text) == (422, True)
    mailbox.refresh_from_db()
    assert not mailbox.is_trusted
