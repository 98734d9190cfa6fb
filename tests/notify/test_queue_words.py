"""What a queue says by itself: in which languages it answers, and its signature between the brand's and the address's."""

import pytest
from django.utils import timezone

from postvak.mail.language import language_of
from postvak.models import Address, Agent, AutomaticMail, Brand, Customer, Queue, Rule, RuleText
from postvak.notify.letters import write_letter
from postvak.notify.setting import answered_in, setting_before, setting_of
from postvak.notify.words import signature
from postvak.send.sender import sender_for, sender_of
from tests.mails import mail
from tests.notify.desk import ANN, Desk, sign

pytestmark = pytest.mark.django_db

CASES = {
    "names none": ([], "fr", "fr"),
    "names none, nobody knows": ([], "", "en"),
    "one of them": (["nl", "de"], "de", "de"),
    "another": (["nl", "de"], "fr", "nl"),
    "nobody knows": (["nl", "de"], "", "nl"),
    "a region of one": (["nl", "pt"], "pt-br", "pt-br"),
    "only another region": (["nl", "pt-br"], "pt", "pt-br"),
    "in large letters": (["NL", "de"], "De", "de"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_queue_answers_in_its_languages_and_everybody_else_in_the_first(support: Queue, case: str) -> None:
    support.languages, wanted, expected = CASES[case]
    Brand.objects.update(language="en")
    support.brand.language = "en"
    assert answered_in(support, wanted) == expected


def test_a_customer_who_writes_dutch_to_a_german_queue_gets_the_automatic_mail_in_german(desk: Desk) -> None:
    Queue.objects.update(languages=["de", "en"])
    rule = Rule.objects.get(key="confirmation")
    raw = mail(
        message_id="nl@x.example",
        text="Goedemiddag, ik heb een vraag over mijn bestelling, die is nog niet aangekomen.",
    )
    row = desk.plan("rule", ANN, raw=raw, rule=rule)
    row.refresh_from_db()
    assert language_of(write_letter(row, row.recipients, None, timezone.now()).draft.text) == "de"
    Queue.objects.update(languages=[])
    row = AutomaticMail.objects.get(pk=row.pk)
    assert language_of(write_letter(row, row.recipients, None, timezone.now()).draft.text) == "nl"


def test_a_rule_without_words_in_that_language_speaks_the_first_of_the_queue(desk: Desk) -> None:
    rule = Rule.objects.create(name="Own", trigger="new_ticket", recipients=["requester"])
    for language, text in (("fr", "Bonjour"), ("da", "Hej")):
        RuleText.objects.create(rule=rule, language=language, subject="S", html=f"<p>{text}</p>")
    Queue.objects.update(languages=["fr", "nl"])
    customer = Customer.objects.create(name="Ann", language="nl")
    desk.ticket.customer = customer
    desk.ticket.save()
    row = desk.plan("rule", ANN, rule=rule)
    row.refresh_from_db()
    assert "Bonjour" in write_letter(row, row.recipients, None, timezone.now()).draft.text


def test_the_queue_signs_after_agent_and_address_and_before_the_brand(
    desk: Desk, brand: Brand, support: Queue, bob: Agent
) -> None:
    ticket = desk.ticket
    address = Address.objects.get(pk=sender_for(ticket).address.pk)

    def signed() -> str:
        ticket.refresh_from_db()
        return signature(setting_of(ticket, sender_for(ticket), bob)).text

    for owner, text in ((brand, "Brand"), (support, "Queue {{ ticket.queue }}"), (address, "Address"), (bob, "Agent")):
        sign(owner, text)
        assert signed() == text.replace("{{ ticket.queue }}", "Support")
    Brand.objects.update(stacks_signatures=True)
    assert signed() == "Agent\n\nAddress\n\nQueue Support\n\nBrand"


def test_the_first_mail_of_a_ticket_has_the_signature_and_language_of_its_queue(
    desk: Desk, support: Queue, sales: Queue
) -> None:
    sign(support, "Support, at your service")
    sign(support, "Support, tot uw dienst", language="nl")
    Queue.objects.filter(pk=support.pk).update(languages=["nl"])
    support.refresh_from_db()
    assert signature(setting_before(support, sender_of(support), None)).text == "Support, tot uw dienst"
    french = setting_before(sales, sender_of(support), None, Customer(language="fr"))
    assert (french.language, signature(french).text) == ("fr", "")
