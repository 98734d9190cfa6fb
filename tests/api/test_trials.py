"""Trying before saving: mailboxes, channels, filters, rules, tables. Nothing of a trial stays."""

import json
from typing import Any

import pytest

from postvak.bring.sheet_work import KIND, take_sheet
from postvak.jobs.run import work_due
from postvak.models import (
    Agent,
    AuditEntry,
    Channel,
    Customer,
    Filter,
    FilterVersion,
    Job,
    Mailbox,
    Organisation,
    OutgoingMail,
    Queue,
    Receipt,
    Rule,
    RuleText,
    Tag,
    Ticket,
)
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from tests.api.conftest import Enter, Program, problem
from tests.mails import mail
from tests.servers.smtpd import SmtpServer

pytestmark = pytest.mark.django_db


# ---- mailboxes and channels ----------------------------------------------------------------


def out(server: SmtpServer, **more: object) -> dict[str, object]:
    here = {"kind": "smtp", "host": "127.0.0.1", "port": server.port, "security": "starttls", "ca_pem": server.ca_pem}
    return {"name": "Out", "settings": here | more}


def test_a_channel_is_tried_before_there_is_one(root: Program, support: Queue, admin: Agent) -> None:
    with SmtpServer.running(users={"ann": "geheim"}) as server:
        typed = out(server, username="ann", password="geheim")
        assert root.do("POST", "/channels/check", typed)["is_fine"] is True
        assert not server.mails
        sent = root.do("POST", "/channels/mail", typed)
        assert (sent["is_fine"], "AUTH PLAIN •••" in sent["said"]) == (True, True)
        assert server.mails[0].recipients == (admin.email,)
        wrong = root.do("POST", "/channels/check", out(server, username="ann", password="wrong"))
        assert (wrong["is_fine"], wrong["problem"]) == (False, "login_refused")
    assert not Channel.objects.filter(name="Out").exists()
    assert not AuditEntry.objects.filter(kind="channel").exists()


def test_a_stored_channel_is_tried_with_its_secret_and_other_settings_and_stays_as_it_was(
    root: Program, channel: Channel
) -> None:
    with SmtpServer.running(users={"ann": "geheim"}) as server:
        root.do("PUT", "/settings/channel/Out", {"settings": {**out(server)["settings"], "password": "geheim"}})  # type: ignore[dict-item]
        stored = Channel.objects.get(name="Out")
        assert root.do("POST", f"/channels/{stored.pk}/mail")["problem"] == "login_refused", "it has no user yet"
        told = root.do("POST", "/channels/check", {"name": "Out", "settings": {"username": "ann"}})
        assert told["is_fine"] is True
        changed = {"username": "ann", "default": True}
        assert root.do("POST", "/channels/mail", {"name": "Out", "settings": changed})["is_fine"] is True
    assert Channel.objects.get(name="Out").username == ""
    assert Channel.objects.get(is_default=True) == channel


def test_a_mailbox_is_tried_before_there_is_one(root: Program, support: Queue) -> None:
    typed = {"name": "In", "settings": {"kind": "imap", "host": "127.0.0.1", "port": 9, "security": "none"}}
    receiving, sending = root.do("POST", "/mailboxes/check", typed)
    assert (receiving["problem"], sending["is_tested"]) == ("refused", False)
    assert not Mailbox.objects.filter(name="In").exists()
    told = problem(root.ask("POST", "/mailboxes/check", {"name": "In", "settings": {"hots": "x"}}), 422)
    assert "Did you mean “host”?" in told["errors"][0]["message"]
    problem(root.ask("POST", "/mailboxes/check", typed, Idempotency_Key="k"), 422)


def test_a_channel_that_writes_files_sends_no_test(root: Program) -> None:
    row = Channel.objects.create(name="Files", kind="file")
    problem(root.ask("POST", f"/channels/{row.pk}/mail"), 409)
    problem(root.ask("POST", f"/channels/{row.pk}/mail", Idempotency_Key="k"), 422)
    problem(root.ask("POST", "/channels/999999/mail"), 404)


# ---- filters and rules ----------------------------------------------------------------


def test_a_filter_that_is_not_saved_says_what_it_would_have_done(
    root: Program, mailbox: Mailbox, support: Queue, sales: Queue, no_automatic_mail: None
) -> None:
    accept(
        mailbox, [Arrived("f/1", mail(subject="Lamp")), Arrived("f/2", mail(subject="Chair", message_id="2@x.example"))]
    )
    process_due("test:1:x")
    settings = {
        "conditions": [{"field": "subject", "operator": "contains", "value": "lamp"}],
        "actions": [{"set": "queue", "value": "Sales"}],
        "mailboxes": "all",
    }  # fmt: skip
    told = root.do("POST", "/filters/trial", {"name": "10 Lamps", "settings": settings})
    assert (told["looked_at"], told["fired"], told["changed"]) == (2, 1, 1)
    (tried,) = told["mails"]
    assert (tried["subject"], tried["changes"][0]["before"], tried["changes"][0]["after"]) == (
        "Lamp",
        "Support",
        "Sales",
    )
    assert root.do("POST", "/filters/trial", {"name": "10 Lamps", "settings": settings, "last": 1})["fired"] == 0
    there = settings | {"mailboxes": [mailbox.name.swapcase()]}
    assert root.do("POST", "/filters/trial", {"name": "10 Lamps", "settings": there})["fired"] == 1
    assert not Filter.objects.exists()
    assert not FilterVersion.objects.exists()
    assert Ticket.objects.get(subject="Lamp").queue == support


def test_a_filter_that_can_not_run_says_which_condition_is_wrong(root: Program) -> None:
    def ask(**settings: object) -> Any:
        return problem(root.ask("POST", "/filters/trial", {"name": "10", "settings": settings}), 422)["errors"]

    wrong = [{"field": "subject", "operator": "matches", "value": "("}]
    assert "settings.conditions.0" in {one["field"] for one in ask(conditions=wrong)}
    assert ask(conditions=[{"field": "subject"}])[0]["field"] == "settings"
    assert ask(condition=[])[0]["field"] == "settings"


@pytest.fixture
def ticket(mailbox: Mailbox, channel: Channel, support: Queue, no_automatic_mail: None) -> Ticket:
    accept(mailbox, [Arrived("r/1", mail(subject="Lamp"))])
    process_due("test:1:x")
    return Ticket.objects.get()


def test_the_mail_of_a_rule_that_is_not_saved_is_shown_with_the_values_of_a_ticket(
    root: Program, ticket: Ticket
) -> None:
    text = [{"html": "<p>Thank you for {{ ticket.number }}.</p>", "subject": "We have it"}]
    settings = {"trigger": "new_ticket", "recipients": ["requester"], "on": False, "text": text}
    before = Rule.objects.count()
    made = root.do("POST", "/rules/preview", {"name": "Thanks", "settings": settings})
    assert made["ticket"] == ticket.number
    assert "We have it" in made["subject"]
    assert f"Thank you for {ticket.number}." in made["text"]
    assert "Thank you for" in made["html"]
    assert (Rule.objects.count(), OutgoingMail.objects.count()) == (before, 0)
    assert not RuleText.objects.filter(subject="We have it").exists()
    told = problem(root.ask("POST", "/rules/preview", {"name": "T", "settings": settings, "ticket": "4711"}), 422)
    assert told["errors"][0]["field"] == "ticket"
    told = problem(root.ask("POST", "/rules/preview", {"name": "T", "settings": {"trigger": "nothing"}}), 422)
    assert told["errors"][0]["field"] == "settings.trigger"


def test_a_stored_rule_is_shown_as_it_is_and_tested_by_a_mail_to_who_asks(
    root: Program, ticket: Ticket, admin: Agent
) -> None:
    rule = next(row for row in Rule.objects.exclude(key="") if row.recipients == ["requester"])
    shown = root.do("POST", "/rules/preview", {"name": rule.key, "ticket": ticket.number, "language": "de"})
    assert shown["language"] == "de"
    assert shown["text"]
    sent = root.do("POST", "/rules/test", {"name": rule.key})
    row = OutgoingMail.objects.get(pk=sent["outgoing"])
    assert list(row.deliveries.values_list("recipient", flat=True)) == [admin.email]
    problem(root.ask("POST", "/rules/test", {"name": "nothing"}), 422)


# ---- tables ----------------------------------------------------------------

TABLE = "Name;E-mail;Company\nAnn Archer;ann@customer.example;Archer Ltd\n;no address;\n"


def test_a_table_of_customers_is_tried_taken_and_given_back(root: Program) -> None:
    trial = root.do("POST", "/customers/table", {"table": TABLE})
    assert trial["columns"] == ["name", "addresses", "organisation"]
    assert (trial["counts"], trial["organisations"]) == ({"new": 1, "wrong": 1}, 1)
    assert (trial["wrong"][0]["line"], trial["wrong"][0]["code"]) == (3, "bad_address")
    assert not Customer.objects.exists()
    job = root.do("POST", "/customers/table", {"table": TABLE, "is_dry": False, "name": "crm"})
    assert (job["kind"], job["state"]) == ("sheet", "waiting")
    assert AuditEntry.objects.filter(action="imported", origin="api", name="crm").exists()
    work_due("test:1:x", {KIND: take_sheet})
    assert Job.objects.get(pk=job["id"]).counts["new"] == 1
    lines = b"".join(root.ask("GET", "/customers/table?separator=;").streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert lines[0].startswith("Name;E-mail addresses;Organisation")
    assert lines[1].startswith("Ann Archer;ann@customer.example;Archer Ltd")
    assert AuditEntry.objects.filter(action="exported", kind="customers", origin="api").exists()


def test_organisations_have_a_table_of_their_own(root: Program) -> None:
    table = "Firma,Kundennummer\nArcher Ltd,4711\n"
    assert root.do("POST", "/organisations/table", {"table": table})["counts"] == {"new": 1}
    root.do("POST", "/organisations/table", {"table": table, "is_dry": False})
    work_due("test:1:x", {KIND: take_sheet})
    assert Organisation.objects.get().number == "4711"
    answer = b"".join(root.ask("GET", "/organisations/table").streaming_content)  # type: ignore[attr-defined]
    assert b"Archer Ltd,4711" in answer


def test_columns_are_chosen_or_refused(root: Program) -> None:
    def told(columns: object, table: str = TABLE) -> str:
        answer = root.ask("POST", "/customers/table", {"table": table, "columns": columns})
        return str(problem(answer, 422)["errors"][0]["field"])

    assert {told(one) for one in (["name"], ["name", "name", ""], ["", "", "note"], ["x", "", ""])} == {"columns"}
    assert told(None, "only heads\n") == "table"
    assert told(None, "a;b\n1;2\n") == "columns"
    chosen = root.do("POST", "/customers/table", {"table": TABLE, "columns": ["last", "addresses", ""]})
    assert chosen["organisations"] == 0
    problem(root.ask("GET", "/customers/table?separator=x"), 422)


def test_tables_are_for_administrators(enter: Enter, bob: Agent) -> None:
    for path in ("/customers/table", "/organisations/table"):
        problem(enter(bob).ask("GET", path), 403)


# ---- what else pages do ----------------------------------------------------------------


def test_filters_of_a_file_are_judged_and_then_saved(root: Program) -> None:
    condition = {"field": "subject", "operator": "contains", "value": "lamp"}
    one = {"name": "10 Lamps", "conditions": [condition], "actions": [{"set": "add_tags", "value": "lamp"}]}
    text = json.dumps([one])
    told = root.do("POST", "/filters/import", {"text": text})
    assert (told["filters"][0]["name"], told["saved"]) == ("10 Lamps", False)
    assert not Filter.objects.exists()
    root.do("POST", "/filters/import", {"text": text, "is_dry": False})
    assert Filter.objects.get().name == "10 Lamps"
    assert AuditEntry.objects.filter(kind="filter", action="created", origin="api").exists()
    assert problem(root.ask("POST", "/filters/import", {"text": "nothing"}), 422)["errors"][0]["field"] == "text"


def test_a_tag_was_another_one_all_the_time(root: Program, ticket: Ticket, admin: Agent) -> None:
    old, into = Tag.objects.create(name="lamps"), Tag.objects.create(name="lamp")
    root.do("PATCH", f"/tickets/{ticket.number}", {"tags": ["lamps"]})
    problem(root.ask("POST", f"/tags/{old.pk}/merge", {"into": old.pk}), 422)
    assert root.do("POST", f"/tags/{old.pk}/merge", {"into": into.pk}) == {"tickets": 1}
    assert list(Tag.objects.values_list("name", flat=True)) == ["lamp"]
    assert list(ticket.taggings.values_list("tag", flat=True)) == [into.pk]


def test_a_stored_mail_is_thought_over_with_todays_rules(root: Program, ticket: Ticket, sales: Queue) -> None:
    receipt = Receipt.objects.get()
    assert root.get(f"/receipts/{receipt.pk}/again")["is_same"] is True
    settings = {
        "conditions": [{"field": "subject", "operator": "contains", "value": "lamp"}],
        "actions": [{"set": "queue", "value": "Sales"}],
    }  # fmt: skip
    root.do("PUT", "/settings/filter/10", {"settings": settings})
    again = root.get(f"/receipts/{receipt.pk}/again")
    assert again["is_same"] is False
    assert any(step["is_new"] and "Sales" in step["text"] + step["detail"] for step in again["steps"])
    assert Ticket.objects.get().queue != sales


def test_a_mail_that_nothing_protects_is_not_opened_again(root: Program, ticket: Ticket) -> None:
    problem(root.ask("POST", f"/messages/{ticket.messages.order_by('pk')[0].pk}/opening"), 409)


def test_copies_that_wait_are_due_again(root: Program, channel: Channel) -> None:
    assert root.do("POST", f"/channels/{channel.pk}/copies") == {"due": 0}


def test_classification_learns_anew_once_at_a_time(root: Program) -> None:
    job = root.do("POST", "/classifiers/queue/training")
    assert job["state"] == "waiting"
    problem(root.ask("POST", "/classifiers/queue/training"), 409)
    problem(root.ask("POST", "/classifiers/mood/training"), 404)
    assert root.get("/classifiers/versions")["items"] == []
