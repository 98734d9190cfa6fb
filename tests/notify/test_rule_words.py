"""The words of a rule on a ticket: whose language, which text, what is filled in, and what is left out."""

import email
import email.policy
import time
from email.message import EmailMessage

import pytest
from django.utils import timezone

from postvak.blobs import store
from postvak.mail.placeholders import LETTER_NAMES, NAMES, unknown
from postvak.models import (
    Agent,
    AutomaticMail,
    Customer,
    CustomerAddress,
    Message,
    OutgoingMail,
    Queue,
    Rule,
    RuleFile,
    RuleText,
    Ticket,
)
from postvak.notify.automatic import write_due
from postvak.notify.letters import write_letter
from postvak.notify.preview import preview, send_test
from postvak.notify.rule_words import LONGEST_MAIL, TooLong, fill_rule
from postvak.notify.shipped import name_of, words_of
from postvak.send.deliver import send_due
from postvak.send.outbox import raw_mail
from postvak.web.placeholders import PLACEHOLDERS, RULE_PLACEHOLDERS
from tests.notify.conftest import WORKER, Written
from tests.notify.desk import ANN, Desk, sign

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(desk: Desk) -> Desk:
    ann = Customer.objects.create(name="Ann Archer")
    CustomerAddress.objects.create(customer=ann, email=ANN)
    Ticket.objects.filter(pk=desk.ticket.pk).update(customer=ann)
    desk.ticket.refresh_from_db()
    return desk


def own(key: str, html: str, *, subject: str = "", language: str = "") -> Rule:
    rule = Rule.objects.get(key=key)
    RuleText.objects.create(rule=rule, language=language, subject=subject, html=html)
    return rule


def planned(desk: Desk, rule: Rule, **given: object) -> AutomaticMail:
    return desk.plan("rule", rule=rule, occasion=f"test:{AutomaticMail.objects.count()}", address=ANN, **given)


def text_of(desk: Desk, rule: Rule) -> str:
    row = AutomaticMail(
        ticket=desk.ticket, rule=rule, kind="rule", trigger=desk.ticket.messages.first(), recipients=[ANN]
    )
    return write_letter(row, [ANN], None, timezone.now()).text


def html_of(message: EmailMessage) -> str:
    part = message.get_body(("html",))
    assert isinstance(part, EmailMessage)
    return str(part.get_content())


def test_a_mail_of_a_rule_is_a_message_of_postvak_on_the_ticket(desk: Desk, written: Written, support: Queue) -> None:
    sign(support.brand, "Example Ltd, Main Street 1", part="footer")
    row = planned(desk, Rule.objects.get(key="confirmation"))
    message = written(row)
    assert message["Subject"] == f"Re: The lamp flickers [#{desk.ticket.number}]"
    assert (message["In-Reply-To"], message["Auto-Submitted"]) == ("<m1@customer.example>", "auto-replied")
    assert "Main Street 1" in html_of(message)
    assert row.message is not None
    assert (row.message.author_kind, row.message.outgoing.envelope_from) == ("system", "")
    assert "Main Street" not in row.message.text
    (line,) = desk.ticket.history.filter(code="rule_written")
    assert line.parameters == {"to": ANN, "rule": "Confirmation of a new ticket"}


def test_the_customers_language_decides_then_that_of_his_mail_then_the_brands(desk: Desk, support: Queue) -> None:
    rule = own("confirmation", "<p>Alles da.</p>", language="de")
    RuleText.objects.create(rule=rule, language="nl", html="<p>Alles is er.</p>")
    assert text_of(desk, rule).startswith("Hello Ann Archer")  # shipped, in English
    Customer.objects.update(language="de")
    desk.ticket.refresh_from_db()
    assert text_of(desk, rule) == "Alles da."
    Customer.objects.update(language="")
    dutch = "Hallo, mijn lamp knippert sinds gisteren en ik weet niet wat ik nu moet doen. Kunt u mij helpen?"
    Message.objects.update(text=dutch)
    desk.ticket.refresh_from_db()
    assert text_of(desk, rule) == "Alles is er."
    Customer.objects.update(language="fr")  # no words of ours: the brand's language
    support.brand.language = "de"
    support.brand.save()
    fresh = Desk(Ticket.objects.get(pk=desk.ticket.pk))
    assert text_of(fresh, rule) == "Alles da."


def test_words_for_all_languages_count_where_there_are_no_others(desk: Desk) -> None:
    rule = own("confirmation", "<p>Bonjour {{ customer.name }}</p>", subject="Reçu")
    assert words_of(rule, "pt-br").html == "<p>Bonjour {{ customer.name }}</p>"
    RuleText.objects.create(rule=rule, language="pt", html="<p>Olá</p>")
    assert words_of(rule, "pt-br").html == "<p>Olá</p>"
    RuleText.objects.filter(language="").update(html="")
    named = words_of(rule, "en")
    assert (named.subject, named.is_own, "It has reached us" in named.html) == ("Reçu", True, True)


def test_an_own_subject_bears_the_number_once(desk: Desk, written: Written) -> None:
    rule = own("confirmation", "<p>Yes.</p>", subject="We have it: {BETREFF}")
    assert written(planned(desk, rule))["Subject"] == f"We have it: The lamp flickers [#{desk.ticket.number}]"
    RuleText.objects.update(subject="Ticket#{TICKET}: {SUBJECT} {{ agent.name }}")
    assert written(planned(desk, rule))["Subject"] == f"Ticket#{desk.ticket.number}: The lamp flickers"


def test_classic_names_and_ours_are_filled_and_escaped(desk: Desk) -> None:
    Ticket.objects.update(subject="<b>Lamp</b> {{ agent.name }}")
    desk.ticket.refresh_from_db()
    rule = own(
        "confirmation", "<p>#{TICKET} {BETREFF} | {SUBJECT}</p><p>{{ message.quote }}</p><p>{{ ticket.queue }}</p>"
    )
    said = "<b>Lamp</b> {{ agent.name }}"  # what a customer wrote stays what he wrote
    assert text_of(desk, rule) == f"#{desk.ticket.number} {said} | {said}\n\nHello, my lamp flickers.\n\nSupport"


def test_nothing_internal_is_told_to_a_customer(desk: Desk, bob: Agent) -> None:
    note = Message.objects.create(
        ticket=desk.ticket,
        kind="note",
        agent=bob,
        author_kind="agent",
        created_at=timezone.now(),
        text="She is difficult.",
    )
    rule = own(
        "closed", "<p>A</p><p>{{ message.quote }}</p><p>{{ message.beginning }}</p><p>{{ event.author }}</p><p>B</p>"
    )
    row = AutomaticMail(ticket=desk.ticket, rule=rule, kind="rule", trigger=note, recipients=[ANN])
    assert write_letter(row, [ANN], None, timezone.now()).text == "A\n\nB"


def test_the_salutation_of_the_brand_is_used_where_there_is_one(desk: Desk, support: Queue) -> None:
    sign(support.brand, "Dear {{ customer.name }}!", part="salutation")
    assert text_of(desk, Rule.objects.get(key="closed")).startswith("Dear Ann Archer!\n\nwe have closed")
    Customer.objects.update(name="")
    desk.ticket.refresh_from_db()
    assert text_of(desk, Rule.objects.get(key="closed")).startswith("Hello,\n\nwe have closed")


def test_files_of_the_rule_go_along(desk: Desk, written: Written) -> None:
    rule = Rule.objects.get(key="confirmation")
    store.save(store.prepare([b"%PDF-1.4 terms"]))
    blob = store.prepare([b"%PDF-1.4 terms"])[0].digest
    RuleFile.objects.create(rule=rule, name="Terms.pdf", content_type="application/pdf", size=14, blob_id=blob)
    (file,) = written(planned(desk, rule)).iter_attachments()
    assert (file.get_filename(), file.get_content()) == ("Terms.pdf", b"%PDF-1.4 terms")
    assert Message.objects.get(kind="outgoing").attachments.get().name == "Terms.pdf"


def test_nobody_is_asked_for_a_rating_without_a_page_to_give_it(desk: Desk) -> None:
    row = planned(desk, Rule.objects.get(key="satisfaction"))
    Rule.objects.update(is_on=True)
    Ticket.objects.update(is_open=False, status=5)
    while write_due(WORKER):
        pass
    row.refresh_from_db()
    assert row.state == "skipped"


def test_a_rejection_says_the_rules_own_words_unless_a_filter_has_some(desk: Desk) -> None:
    rule = own("rejected", "<p>Closed is closed.</p>")
    row = AutomaticMail(ticket=desk.ticket, rule=rule, kind="rejection", trigger=desk.ticket.messages.first())
    assert write_letter(row, [ANN], None, timezone.now()).text == "Closed is closed."
    row.text = "Ask the shop."
    assert write_letter(row, [ANN], None, timezone.now()).text == "Ask the shop."
    row.kind = "rule"
    assert write_letter(row, [ANN], None, timezone.now()).text == "Ask the shop."
    RuleText.objects.all().delete()
    row.text, row.kind = "", "rejection"
    assert "We could not take it up" in write_letter(row, [ANN], None, timezone.now()).text


# -- placeholders --------------------------------------------------------------------------


def test_every_placeholder_is_explained_beside_the_editor() -> None:
    assert set(PLACEHOLDERS) == LETTER_NAMES
    assert {*PLACEHOLDERS, *RULE_PLACEHOLDERS} == NAMES


@pytest.mark.parametrize(
    "text",
    [
        "{{ ticket.__class__ }}",
        "{{ settings.SECRET_KEY }}",
        "{{ ticket.number.__len__ }}",
        "{{ 7*7 }}",
        "{{ ''.join }}",
    ],
)
def test_a_placeholder_that_nothing_fills_is_refused_and_runs_nothing(text: str) -> None:
    assert unknown(text) == (text,)
    assert unknown("{{ reader.name }}", names=LETTER_NAMES) == ("{{ reader.name }}",)
    filled = fill_rule(text, f"<p>{text}</p><p>Bye</p>", {"ticket.number": "1"})
    assert (filled.subject, filled.words.text, filled.missing) == ("", "Bye", (text,))


def test_a_text_that_would_grow_without_end_is_refused_quickly() -> None:
    began = time.monotonic()
    with pytest.raises(TooLong):
        fill_rule("", "{{ message.quote }}" * 5000, {"message.quote": "x" * 1_000_000})
    fill_rule("", "{{ " * 30_000, {})
    fill_rule("", "<p>{{ x }}</p>" * 7000, {})
    assert time.monotonic() - began < 5
    assert LONGEST_MAIL < 2_000_000


def test_our_own_addresses_become_links_outside_of_links() -> None:
    url = "https://desk.example.org/tickets/7/"
    html = '<p>{{ ticket.link }}</p><p><a href="https://x.example">{{ ticket.link }}</a></p>'
    filled = fill_rule("", html, {"ticket.link": url})
    assert filled.words.html == f'<p><a href="{url}">{url}</a></p><p><a href="https://x.example">{url}</a></p>'


# -- preview and test ----------------------------------------------------------------------


def test_a_preview_shows_what_is_typed_and_what_is_missing_and_stores_nothing(desk: Desk, bob: Agent) -> None:
    rule = Rule.objects.get(key="confirmation")
    shown = preview(
        rule, "", "<p>Hi {{ customer.name }}</p><p>{{ agent.name }}</p><script>x</script>", desk.ticket, "en"
    )
    assert (shown.missing, shown.text.strip()) == (("{{ agent.name }}",), "Hi Ann Archer")
    assert "<script" not in shown.html
    assert shown.subject == f"Re: The lamp flickers [#{desk.ticket.number}]"
    usual = preview(rule, "", "", desk.ticket, "en")
    assert "It has reached us" in usual.text
    told = preview(Rule.objects.get(key="answered"), "", "", desk.ticket, "en", reader=bob)
    assert "Ann Archer wrote on your ticket." in told.text
    fresh = Rule(name="Ours", trigger="closed", recipients=["requester"])
    assert preview(fresh, "S", "<p>Bye</p>", desk.ticket, "en").text.strip() == "Bye"
    assert (OutgoingMail.objects.count(), AutomaticMail.objects.count()) == (0, 0)


@pytest.mark.parametrize("key", ["confirmation", "answered", "status-changed"])
def test_a_test_is_a_real_mail_to_the_agent_alone(desk: Desk, bob: Agent, key: str) -> None:
    before = Ticket.objects.filter(pk=desk.ticket.pk).values().get()
    outgoing = send_test(Rule.objects.get(key=key), "", "", desk.ticket, "en", bob)
    send_due(WORKER)
    message = email.message_from_bytes(raw_mail(outgoing), policy=email.policy.default)
    assert message["Subject"].startswith("[test] ")
    assert message["To"] == "Bob Baker <bob@example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert [(one.recipient, one.state) for one in outgoing.deliveries.all()] == [(bob.email, "accepted")]
    assert Ticket.objects.filter(pk=desk.ticket.pk).values().get() == before
    assert Message.objects.count() == 1


def test_an_own_rule_has_its_own_name(db: None) -> None:
    rule = Rule.objects.create(name="Ours", trigger="closed", recipients=["requester"])
    assert (name_of(rule), words_of(rule, "en").html) == ("Ours", "")
    RuleText.objects.create(rule=rule, language="de", html="<p>Ja</p>")
    assert words_of(rule, "nl").html == "<p>Ja</p>"
