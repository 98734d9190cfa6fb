"""What rules say: every shipped one in every language of ours, its headers, and that nothing is left to fill in."""

import email
import email.policy
from dataclasses import replace
from email.message import EmailMessage

import pytest
from django.conf import settings
from django.utils import timezone

from postvak.mail.compose import compose
from postvak.mail.parse import parse
from postvak.mail.placeholders import PLACEHOLDER, unknown
from postvak.mail.threading import read_token
from postvak.mail.values import Kind as MailKind
from postvak.models import Agent, AutomaticMail, Customer, CustomerAddress, History, Rule
from postvak.notify.letters import Letter, write_letter
from postvak.notify.shipped import is_for_agents, is_written_by_postvak, name_of, words_of
from postvak.notify.shipped_texts import SHIPPED
from tests.notify.desk import ANN, Desk

pytestmark = pytest.mark.django_db
LANGUAGES = ("en", "nl", "de")
LETTERS = [key for key, shipped in SHIPPED.items() if shipped.text and key != "digest"]


def row_of(desk: Desk, key: str, reader: Agent) -> AutomaticMail:
    rule = Rule.objects.get(key=key)
    trigger = desk.ticket.messages.get()
    if is_for_agents(rule):
        line = History.objects.create(
            ticket=desk.ticket, at=timezone.now(), agent=reader, code="status", parameters={"old": "new", "new": "open"}
        )
        is_change = rule.trigger in {"status", "queue", "priority"}
        return AutomaticMail(
            ticket=desk.ticket, rule=rule, kind="notice", reader=reader, recipients=[reader.email],
            trigger=None if is_change else trigger, occasion=f"status:{line.pk}" if is_change else "",
        )  # fmt: skip
    return AutomaticMail(ticket=desk.ticket, rule=rule, kind="rule", trigger=trigger, recipients=[ANN])


def letter_for(desk: Desk, key: str, reader: Agent) -> tuple[Letter, EmailMessage, bytes]:
    row = row_of(desk, key, reader)
    letter = write_letter(row, row.recipients, None, timezone.now())
    raw = compose(letter.draft)
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return letter, message, raw


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert isinstance(part, EmailMessage)
    return str(part.get_content())


def speak(desk: Desk, reader: Agent, language: str) -> None:
    ann = Customer.objects.create(name="Ann Archer", language=language)
    CustomerAddress.objects.create(customer=ann, email=ANN)
    desk.ticket.customer, desk.ticket.waiting_since = ann, timezone.now()
    desk.ticket.due_at = timezone.now()
    desk.ticket.save()
    reader.language = language
    reader.save()


def test_every_rule_that_is_shipped_has_its_name_and_words() -> None:
    keys = set(Rule.objects.values_list("key", flat=True))
    assert keys == set(SHIPPED)
    for rule in Rule.objects.all():
        words = words_of(rule, "en")
        assert name_of(rule)
        assert not words.is_own
        assert bool(words.html) is not is_written_by_postvak(rule)
        assert unknown(words.html, is_html=True) == unknown(words.subject) == ()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", LETTERS)
def test_a_shipped_rule_reads_as_a_finished_mail(
    desk: Desk, bob: Agent, monkeypatch: pytest.MonkeyPatch, key: str, language: str
) -> None:
    monkeypatch.setattr(settings, "CONFIGURATION", configured("https://desk.example.org"))
    speak(desk, bob, language)
    letter, message, raw = letter_for(desk, key, bob)
    text, html = body(message, "plain"), body(message, "html")
    for shown in (text, html, message["Subject"]):
        assert not PLACEHOLDER.search(shown)
    assert desk.ticket.number in message["Subject"]
    read = parse(raw)
    assert read.kind is MailKind.LOOP  # ours: should it come back, nobody answers it
    assert not read.defects
    assert letter.envelope.sender == ""
    assert message["Auto-Submitted"] in {"auto-replied", "auto-generated"}
    assert (message["Precedence"], message["X-Auto-Response-Suppress"]) == ("bulk", "All")
    assert message["X-Postvak-Loop"] == "support@example.org"
    token = read_token(message["Message-ID"], key=settings.SECRET_KEY.encode())
    assert token == desk.ticket.pk
    assert f"/tickets/{desk.ticket.number}/" in html or letter.envelope.recipients == (ANN,)
    assert message["In-Reply-To"] in {"<m1@customer.example>", None}
    assert (message["In-Reply-To"] is None) is (key in {"status-changed", "queue-changed", "priority-changed"})


def configured(url: str) -> object:
    return replace(settings.CONFIGURATION, url=url)
