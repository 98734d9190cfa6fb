"""The message centre: every automatic mail as a row, switches, the editor of a rule with preview and test, files, import and export,
limits, and how agents want to be told. Loop breaker and block list: test_loop_breaker.py."""

import json
import re
from datetime import timedelta
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from postvak.mail.compose import compose
from postvak.models import (
    Agent,
    AuditEntry,
    AutomaticMail,
    Channel,
    LedgerEntry,
    Mailbox,
    Options,
    OutgoingMail,
    Queue,
    Receipt,
    Rule,
    RuleChoice,
    Ticket,
)
from postvak.notify.alarm import alarm_mail
from postvak.notify.alarm_readers import Reader
from postvak.notify.alarm_record import record
from postvak.notify.automatic import write_due
from postvak.notify.health.finding import Finding
from postvak.notify.shipped import name_of
from tests.mails import mail
from tests.web.filled_form import Fields, filled
from tests.web.test_desk import receive

pytestmark = pytest.mark.django_db
LIST = "/admin/messages/"
NEW = f"{LIST}new/"


@pytest.fixture
def eva(client: Client, admin: Agent) -> Client:
    client.force_login(admin)
    return client


@pytest.fixture
def ticket(mailbox: Mailbox, support: Queue, channel: Channel) -> Ticket:
    return receive(mailbox, mail())


def shipped(key: str) -> Rule:
    return Rule.objects.get(key=key)


def own(**columns: object) -> Rule:
    facts = {"name": "Boss", "trigger": "new_ticket", "recipients": ["leads"], "position": 500}
    rule = Rule.objects.create(**facts | columns)
    rule.texts.create(html="<p>News of {{ ticket.number }}</p>")
    return rule


def page(rule: Rule) -> str:
    return f"{LIST}{rule.pk}/"


def opened(eva: Client, path: str) -> Fields:
    answer = eva.get(path)
    assert answer.status_code == 200, path
    return filled(answer.text)


def caused(ticket: Ticket, rule: Rule, **columns: object) -> AutomaticMail:
    """A mail of the rule that was suppressed a moment ago."""
    now, to = timezone.now(), "ann@customer.example"
    usual: dict[str, object] = {
        "kind": "rule", "state": "skipped", "recipients": [to], "address": to, "reason": "refused_automatic", "parameters": {"to": to},
        "created_at": now, "settled_at": now, "next_attempt_at": now,
    }  # fmt: skip
    return AutomaticMail.objects.create(ticket=ticket, rule=rule, **usual | columns)


def row_of(text: str, rule: Rule) -> str:
    found = re.search(rf'<tr id="rule-{rule.pk}".*?</tr>', text, re.DOTALL)
    assert found, rule
    return found.group()


# ---- the list ----------------------------------------------------------------


def test_every_rule_is_a_row_in_its_group_and_has_a_page(eva: Client) -> None:
    rule = own(name="For the boss")
    text = eva.get(LIST).text
    customers, agents = text.split("To agents")
    for one in Rule.objects.all():
        assert name_of(one) in row_of(text, one).replace("&#39;", "'")
        assert eva.get(page(one)).status_code == 200, one
        assert eva.get(f"{page(one)}mails/").status_code == 200, one
    assert "A ticket is opened" in row_of(customers, shipped("confirmation"))
    assert "The leads of the queue" in row_of(agents, rule)
    assert agents.index("Daily digest") < agents.index("For the boss"), "own rules stand below"


def test_numbers_are_those_of_thirty_days_and_lead_to_the_mails_with_the_reason(eva: Client, ticket: Ticket) -> None:
    rule = shipped("we-wait")
    caused(ticket, rule)
    caused(ticket, rule, settled_at=timezone.now() - timedelta(days=31))
    assert f'{rule.pk}/mails/?state=skipped"' in row_of(eva.get(LIST).text, rule)
    assert re.search(r"state=skipped[^>]*>1<", row_of(eva.get(LIST).text, rule))
    text = eva.get(f"{page(rule)}mails/?state=skipped").text
    assert "a machine wrote the mail" in text
    assert ticket.number in text
    assert "No mail was sent" in eva.get(f"{page(rule)}mails/?state=%00").text


def test_alarms_are_counted_by_what_the_ledger_has_of_them(
    eva: Client, admin: Agent, bob: Agent, channel: Channel
) -> None:
    rule, trouble = (
        shipped("account"),
        Finding("channel_broken", parameters={"channel": "Files", "said": "535", "times": 3}),
    )
    assert ">0<" in row_of(eva.get(LIST).text, rule)
    for reader in (Reader(admin.email), Reader(bob.email)):
        draft = alarm_mail(trouble, "support@example.org", reader, timezone.now())
        record(draft, compose(draft), reader.email, channel=channel, said="250 OK")
    found = re.search(r'href="([^"]+)"[^>]*>2<', row_of(eva.get(LIST).text, rule))
    assert found
    assert ">0<" in row_of(eva.get(LIST).text, shipped("certificate"))
    ledger = eva.get(unescape(found[1])).text
    assert (admin.email in ledger, bob.email in ledger) == (True, True)
    mail = OutgoingMail.objects.latest("pk")
    line = eva.get(f"/ledger/{LedgerEntry.objects.get(delivery__outgoing=mail).pk}/").text
    assert f"{LIST}mails/{mail.pk}/original.eml" in line
    original = eva.get(f"{LIST}mails/{mail.pk}/original.eml")
    assert (original.headers["Content-Type"], b"Auto-Submitted: auto-generated" in original.content) == (
        "message/rfc822",
        True,
    )


def test_the_original_of_a_notice_is_for_administrators_and_a_customer_s_mail_is_none(
    eva: Client, ticket: Ticket, bob: Agent, channel: Channel
) -> None:
    rule, now = shipped("assigned"), timezone.now()
    row = AutomaticMail.objects.create(
        ticket=ticket, rule=rule, kind="notice", reader=bob, recipients=[bob.email], address=bob.email, created_at=now,
        next_attempt_at=now,
    )  # fmt: skip
    while write_due("test:1:x"):
        pass
    row.refresh_from_db()
    link = f"{LIST}mails/{row.outgoing_id}/original.eml"
    assert link in eva.get(f"{page(rule)}mails/").text
    assert b"To: " in eva.get(link).content
    answered = OutgoingMail.objects.exclude(message=None).first()
    assert answered is None or eva.get(f"{LIST}mails/{answered.pk}/original.eml").status_code == 404
    eva.force_login(bob)
    assert eva.get(link).status_code in {403, 404}


def test_the_list_costs_the_same_with_many_mails_and_rules(
    eva: Client, ticket: Ticket, django_assert_max_num_queries: object
) -> None:
    for number in range(40):
        own(name=f"Rule {number}")
        caused(ticket, shipped("closed"), occasion=f"x:{number}")
    with django_assert_max_num_queries(45):  # type: ignore[operator]
        eva.get(LIST)


def test_searching_finds_by_name_and_by_whom_it_goes_to(eva: Client) -> None:
    own(name="Boss", recipients=["address:boss@example.org"])
    text = eva.get(f"{LIST}?q=BOSS@example").text
    assert ">Boss<" in text
    assert "Daily digest" not in text
    assert "Nothing in this list has “xyzzy” in it." in eva.get(f"{LIST}?q=xyzzy").text
    assert eva.get(f"{LIST}?q=a%00b").status_code == 200


# ---- switches ----------------------------------------------------------------


def test_one_click_switches_a_rule_and_the_toast_has_the_way_back(eva: Client) -> None:
    rule = shipped("closed")
    answer = eva.post(f"{page(rule)}on/", headers={"HX-Request": "true"})
    assert 'aria-checked="true"' in row_of(answer.text, rule)
    assert f'action="{page(rule)}off/"' in answer.text.split('id="toasts"')[1]
    rule.refresh_from_db()
    assert rule.is_on
    assert None not in (rule.on_since, rule.looked_until), "what was before is none of its business"
    assert eva.post(f"{page(rule)}off/").headers["Location"] == LIST
    rule.refresh_from_db()
    assert not rule.is_on
    changes = [entry.changes for entry in AuditEntry.objects.filter(kind="rule").order_by("pk")]
    assert changes == [{"is_on": [False, True]}, {"is_on": [True, False]}]


# ---- the editor ----------------------------------------------------------------


def facts(**changes: object) -> dict[str, object]:
    usual = {
        "name": "Boss", "trigger": "new_ticket", "recipients": ["leads"], "unit": "60", "match": "all", "delivery": "mail", "once": "each",
        "language": [""], "subject": [""], "html": ["<p>News</p>"],
    }  # fmt: skip
    return usual | changes


def test_a_rule_is_saved_with_all_that_belongs_to_it(eva: Client, admin: Agent, bob: Agent) -> None:
    answer = eva.post(
        NEW,
        facts(
            trigger="silent", amount="3", unit="1440", recipients=["requester", "mentioned"], agents=[bob.pk],
            addresses="Boss@example.com, chief@example.com", match="any", once="ticket", per_day="2", is_on="on",
            **{"c0-field": "customer.domain", "c0-operator": "not:equals", "c0-value": "shop.example"},
            language=["", "de"], subject=["", " Wir  warten "], html=["<p>We wait</p>", "<p>Wir warten {{ ticket.number }}</p>"],
            files=[SimpleUploadedFile("a.pdf", b"a", "application/pdf")],
        ),
    )  # fmt: skip
    assert answer.headers.get("Location") == LIST, answer.text
    rule = Rule.objects.get(name="Boss")
    assert (rule.trigger, rule.minutes, rule.match, rule.once, rule.per_day, rule.is_on) == (
        "silent",
        4320,
        "any",
        "ticket",
        2,
        True,
    )
    assert rule.recipients == ["requester", f"agent:{bob.pk}", "address:boss@example.com", "address:chief@example.com"]
    assert rule.conditions == [{"field": "customer.domain", "operator": "equals", "value": "shop.example", "not": True}]
    assert {text.language: text.subject for text in rule.texts.all()} == {"": "", "de": "Wir warten"}
    assert [file.name for file in rule.files.all()] == ["a.pdf"]
    assert (rule.changed_by, rule.on_since is not None) == (admin, True)
    file = rule.files.get()
    assert eva.get(f"{LIST}files/{file.pk}/").content == b"a"
    typed = opened(eva, page(rule))
    assert (typed["amount"], typed["unit"], typed["kept"]) == (["3"], ["1440"], [str(file.pk)])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "BOSS 1"}, "Another rule has this name."),
        ({"recipients": []}, "Choose at least one recipient."),
        ({"recipients": ["mentioned"]}, "Choose at least one recipient."),
        ({"trigger": "silent"}, "Say how long: this rule goes by time."),
        ({"trigger": "digest"}, "Select a valid choice."),
        ({"addresses": "boss at home"}, "“boss” is no e-mail address."),
        ({"addresses": "support@example.org"}, "is an address of ours"),
        ({"html": ["<p>{{ ticket.numbr }}</p>"]}, "Nothing can be put in for: {{ ticket.numbr }}"),
        ({"html": [""]}, "Write a text: this rule has none yet."),
        ({"c0-field": "ticket.subject", "c0-operator": "matches", "c0-value": "("}, "This is no regular expression"),
        ({"c0-field": "nonsense", "c0-operator": "equals", "c0-value": "x"}, "There is no field “nonsense”."),
        ({"amount": "-1", "trigger": "silent"}, "greater than or equal to 1"),
        ({"per_day": "0"}, "Give a number from 1 on"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(
    eva: Client, support: Queue, changes: dict[str, object], said: str
) -> None:
    own(name="Boss 1")
    answer = eva.post(NEW, facts(comment="Kept comment", html=["<p>Kept text</p>"]) | changes)
    assert answer.status_code == 422
    assert said in answer.text.replace("&#39;", "'").replace("&#34;", '"')
    assert "Kept comment" in answer.text
    assert "html" in changes or "Kept text" in answer.text
    assert Rule.objects.filter(key="").count() == 1


@pytest.mark.parametrize("field", ["name", "comment", "addresses", "html", "subject", "c0-value", "amount", "trigger"])
def test_a_nul_is_no_error_page(eva: Client, field: str) -> None:
    value: object = ["a\x00b"] if field in {"html", "subject"} else "a\x00b"
    row = {"c0-field": "ticket.subject", "c0-operator": "contains", "c0-value": "x"}
    assert eva.post(NEW, facts(**row) | {field: value}).status_code < 500


def test_a_shipped_text_becomes_an_own_one_and_is_switched_back(eva: Client) -> None:
    rule = shipped("confirmation")
    typed = opened(eva, page(rule))
    assert "name" not in typed, "a shipped rule keeps name and trigger"
    at = typed["language"].index("en")
    typed["own-en"], typed["html"][at] = ["yes"], "<p>Got it: {{ ticket.number }}</p>"
    assert eva.post(page(rule), typed).status_code == 302
    assert [(text.language, text.html) for text in rule.texts.all()] == [("en", "<p>Got it: {{ ticket.number }}</p>")]
    typed = opened(eva, page(rule))
    assert typed["own-en"] == ["yes"]
    assert eva.post(page(rule), typed | {"own-en": ["no"]}).status_code == 302
    assert not rule.texts.exists()
    assert {entry.kind for entry in AuditEntry.objects.all()} == {"rule"}


def test_without_javascript_rows_and_languages_come_and_go_by_buttons(eva: Client) -> None:
    text = eva.post(NEW, facts(add="condition")).text
    typed = filled(text)
    assert typed["c0-field"] == ["ticket.queue"]
    assert "data-bad" not in text, "nothing is said before somebody saves"
    text = eva.post(NEW, facts(remove="c0", **{"c0-field": "ticket.subject"})).text
    assert "c0-field" not in text
    assert filled(eva.post(NEW, facts(add_language="1", new_language="fr")).text)["language"] == ["", "fr"]
    assert not Rule.objects.filter(key="").exists()


def test_htmx_draws_single_rows(eva: Client, support: Queue) -> None:
    text = eva.post(f"{LIST}rows/", {"add": "condition"}).text
    assert f'hx-post="{LIST}rows/"' in text
    assert ">Support</option>" in text
    changed = {"c4-field": "time.business", "c4-operator": "contains", "c4-value": "x", "row": "c4"}
    assert re.search(r'name="c4-operator".*value="is"', eva.post(f"{LIST}rows/", changed).text, re.DOTALL)
    other = {
        "c4-field": "ticket.subject",
        "c4-was": "ticket.queue",
        "c4-operator": "equals",
        "c4-value": "Support",
        "row": "c4",
    }
    assert 'value="Support"' not in eva.post(f"{LIST}rows/", other).text, "a queue is no subject"
    assert eva.post(f"{LIST}rows/", {"row": "c9"}).status_code == 204


def test_a_copy_is_switched_off_and_says_the_same(eva: Client) -> None:
    typed = opened(eva, f"{NEW}?copy={shipped('closed').pk}")
    assert "is_on" not in typed
    assert eva.post(NEW, typed).status_code == 302
    copy = Rule.objects.get(key="")
    assert (copy.name, copy.trigger, copy.is_on) == ("Ticket closed (copy)", "closed", False)
    assert "ticket.number" in copy.texts.get(language="").html


def test_only_own_rules_that_were_never_used_can_be_deleted(eva: Client, ticket: Ticket) -> None:
    used, unused = own(name="Used"), own(name="Unused")
    caused(ticket, used)
    for rule in (used, unused, shipped("closed")):
        assert eva.post(f"{page(rule)}deletion/").status_code == 302
    assert not Rule.objects.filter(pk=unused.pk).exists()
    assert Rule.objects.filter(pk=used.pk).exists()
    assert shipped("closed")
    assert 'data-dialog="delete"' not in eva.get(page(used)).text


# ---- preview and test ----------------------------------------------------------------


def test_the_preview_shows_what_is_typed_on_the_ticket_of_choice_and_saves_nothing(eva: Client, ticket: Ticket) -> None:
    rule = shipped("confirmation")
    typed = opened(eva, page(rule))
    at = typed["language"].index("en")
    typed |= {"own-en": ["yes"], "preview_language": ["en"], "preview_ticket": [ticket.number]}
    typed["html"][at] = "<p>Number {{ ticket.number }}</p>"
    answer = eva.post(f"{page(rule)}preview/", typed)
    assert f"Number {ticket.number}" in answer.text
    assert (
        "script-src" in answer.headers["Content-Security-Policy"]
        or "default-src 'none'" in answer.headers["Content-Security-Policy"]
    )
    assert not rule.texts.exists()
    assert "There is no ticket 99" in eva.post(f"{page(rule)}preview/", typed | {"preview_ticket": ["99"]}).text


def test_without_any_ticket_the_preview_says_so(eva: Client) -> None:
    assert "There is no ticket yet." in eva.post(f"{LIST}preview/", facts()).text


def test_a_test_mail_goes_to_who_presses_the_button_only(eva: Client, ticket: Ticket, admin: Agent) -> None:
    before = OutgoingMail.objects.count()
    answer = eva.post(f"{LIST}test/", facts(recipients=["requester"]), headers={"HX-Request": "true"})
    assert f"A test is on its way to {admin.email}." in answer.text
    sent = OutgoingMail.objects.latest("pk")
    assert OutgoingMail.objects.count() == before + 1
    assert [one.recipient for one in sent.deliveries.all()] == [admin.email]
    assert sent.subject.startswith("[test]")


# ---- import and export ----------------------------------------------------------------


def exported(eva: Client) -> str:
    return eva.get(f"{LIST}export/").text


def upload(eva: Client, text: str) -> str:
    return eva.post(f"{LIST}import/", {"file": SimpleUploadedFile("r.json", text.encode())}).text


def test_what_was_exported_comes_back_the_same(eva: Client, bob: Agent) -> None:
    rule = own(name="Boss", recipients=[f"agent:{bob.pk}", "leads"], is_on=True, once="ticket")
    text = exported(eva)
    assert f"agent:{bob.email}" in text
    assert "as it is already" in upload(eva, text)
    Rule.objects.filter(pk=rule.pk).delete()
    Rule.objects.filter(key="closed").update(is_on=True)
    assert "replaces the present one" in upload(eva, text)
    eva.post(f"{LIST}imports/", {"raw": text, "take": ["Boss", "closed"]})
    again = Rule.objects.get(name="Boss")
    assert (again.recipients, again.is_on, again.once) == (rule.recipients, True, "ticket")
    assert again.texts.get().html == "<p>News of {{ ticket.number }}</p>"
    assert not shipped("closed").is_on
    assert AuditEntry.objects.filter(action="created", kind="rule", name="Boss").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "This is no JSON."),
        ("[]", "There are no rules in this file."),
        ('{"rules": [3]}', "a rule must be an object"),
        ('{"rules": [{"key": "future", "trigger": "x", "recipients": []}]}', "This version of Postvak has no rule “future”."),
        ('{"rules": [{"name": "A", "trigger": "new_ticket", "recipients": ["agent:x@example.org"]}]}', "There is no agent x@example.org here."),
        ('{"rules": [{"name": "A", "trigger": "new_ticket", "recipients": ["leads"], "minutes": "x"}]}', "minutes must be a number"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_refused_in_a_sentence(eva: Client, text: str, said: str) -> None:
    assert said in upload(eva, text).replace("&#39;", "'")
    eva.post(f"{LIST}imports/", {"raw": text, "take": ["A", "future"]})
    assert not Rule.objects.filter(key="").exists()


# ---- limits, agents, explanation ----------------------------------------------------------------


def test_limits_are_saved_checked_and_recorded(eva: Client) -> None:
    usual = {
        "automatic_per_day": 10, "automatic_per_pair": 3, "automatic_unanswered": 20, "tickets_per_hour": 20,
        "automatic_hours": 24,
    }  # fmt: skip
    assert "until one of us answers the customer" in eva.get(LIST).text
    assert eva.post(f"{LIST}limits/", usual | {"automatic_unanswered": 0}).status_code == 422
    assert eva.post(f"{LIST}limits/", usual | {"automatic_per_day": 0}).status_code == 422
    changed = {"automatic_per_day": 7, "automatic_unanswered": 30}
    assert eva.post(f"{LIST}limits/", usual | changed).status_code == 302
    assert (Options.objects.get().automatic_per_day, Options.objects.get().automatic_unanswered) == (7, 30)
    assert AuditEntry.objects.get(kind="options").changes == {
        "automatic_per_day": [10, 7],
        "automatic_unanswered": [20, 30],
    }


def test_a_mailbox_can_be_without_automatic_answers(eva: Client, mailbox: Mailbox) -> None:
    typed = opened(eva, f"/admin/mailboxes/{mailbox.pk}/")
    assert typed.pop("answers_automatically") == ["on"]
    assert eva.post(f"/admin/mailboxes/{mailbox.pk}/", typed).status_code == 302
    mailbox.refresh_from_db()
    assert not mailbox.answers_automatically


def test_an_agent_chooses_for_himself_and_takes_it_back(client: Client, bob: Agent) -> None:
    client.force_login(bob)
    rule, alarm = shipped("assigned"), shipped("account")
    typed = opened(client, "/preferences/")
    assert typed[f"rule-{rule.pk}"] == [""]
    assert f"rule-{alarm.pk}" not in typed
    assert f"rule-{shipped('confirmation').pk}" not in typed, "customers' mail is not his choice"
    client.post("/preferences/", typed | {f"rule-{rule.pk}": ["digest"], f"rule-{alarm.pk}": ["none"]})
    assert [(one.rule, one.agent, one.delivery) for one in RuleChoice.objects.all()] == [(rule, bob, "digest")]
    client.post("/preferences/", {**typed, f"rule-{rule.pk}": ["nonsense"]})
    assert RuleChoice.objects.get().delivery == "digest"
    client.post("/preferences/", {**opened(client, "/preferences/"), f"rule-{rule.pk}": [""]})
    assert not RuleChoice.objects.exists()


def test_the_page_that_explains_a_mail_names_the_automatic_mails_it_caused(eva: Client, ticket: Ticket) -> None:
    rule = shipped("follow-up-confirmation")
    receipt = Receipt.objects.get(ticket=ticket)
    caused(ticket, rule, trigger=receipt.message)
    text = eva.get(f"/receipts/{receipt.pk}/").text
    assert "Automatic mail (Confirmation of a further mail): not written" in text
    assert "a machine wrote the mail" in text
    assert page(rule) in text


def test_the_file_of_one_rule_has_that_rule_only(eva: Client) -> None:
    rules = json.loads(eva.get(f"{page(shipped('closed'))}export/").text)["rules"]
    assert [rule["key"] for rule in rules] == ["closed"]
