"""Which wording holds, in which language, with what filled in."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from postvak.mail.placeholders import LETTER_NAMES
from postvak.models import Agent, Brand, Customer, CustomerAddress, Organisation, Ticket
from postvak.notify.setting import Setting, setting_before
from postvak.notify.values import first_name, placeholder_values
from postvak.notify.words import check_wording, footer, salutation, setting_of, signature
from postvak.send.sender import sender_for
from tests.mails import mail
from tests.notify.desk import Desk, sign

pytestmark = pytest.mark.django_db


def setting(desk: Desk, agent: Agent | None = None) -> Setting:
    ticket = Ticket.objects.get(pk=desk.ticket.pk)
    return setting_of(ticket, sender_for(ticket, agent=agent), agent)


def ann(desk: Desk, **facts: object) -> Customer:
    customer = Customer.objects.create(**({"name": "Ann Archer"} | facts))
    Ticket.objects.update(customer=customer)
    return customer


# -- levels -------------------------------------------------------------------------------


def test_the_most_specific_signature_that_is_filled_is_taken(desk: Desk, brand: Brand, bob: Agent) -> None:
    assert not signature(setting(desk, bob))
    sign(brand, "The brand")
    assert signature(setting(desk, bob)).text == "The brand"
    sign(desk.ticket.queue.address, "The address")
    assert signature(setting(desk, bob)).text == "The address"
    sign(bob, "Bob")
    assert signature(setting(desk, bob)).text == "Bob"


def test_an_empty_signature_gives_way_to_the_next_level(desk: Desk, brand: Brand, bob: Agent) -> None:
    sign(brand, "The brand")
    sign(bob, "  \n")
    assert signature(setting(desk, bob)).text == "The brand"


def test_the_brand_may_want_all_levels_below_each_other(desk: Desk, brand: Brand, bob: Agent) -> None:
    Brand.objects.update(stacks_signatures=True)
    sign(brand, "The brand")
    sign(bob, "", html="<b>Bob</b>")
    words = signature(setting(desk, bob))
    assert words.text == "Bob\n\nThe brand"
    assert words.html == "<b>Bob</b>\n<p>The brand</p>"


def test_the_signature_of_another_agent_or_address_is_never_taken(
    desk: Desk, bob: Agent, cas: Agent, sales: object
) -> None:
    sign(cas, "Cas")
    sign(cas.queues.get().address, "Sales")
    assert not signature(setting(desk, bob))
    assert not signature(setting(desk))


# -- languages ------------------------------------------------------------------------------


def test_the_language_is_the_customers_then_that_of_his_newest_mail_then_the_brands(desk: Desk, bob: Agent) -> None:
    Brand.objects.update(language="de")
    desk.ticket.messages.all().delete()
    assert setting(desk, bob).language == "de"
    desk.receive(
        mail(
            text="Goedemiddag, wij kregen dezelfde factuur twee keer. Kunt u dat nakijken? Bedankt.", message_id="nl@x"
        )
    )
    assert setting(desk, bob).language == "nl"
    ann(desk, language="fr")
    assert setting(desk, bob).language == "fr"


def test_neither_a_quotation_nor_an_agents_mail_decides_the_language(desk: Desk, bob: Agent) -> None:
    ours = "\n\nOn Wed, 18 Nov 2026 at 16:42, Bob wrote:\n" + "> Thank you for your mail, we are looking at it.\n" * 9
    desk.receive(mail(text="Goedemiddag, wij kregen dezelfde factuur twee keer. Bedankt." + ours, message_id="nl@x"))
    desk.receive(mail(text="Thank you, this is the answer of the agent.", message_id="b@x"), author_kind="agent")
    assert setting(desk, bob).language == "nl"


def test_the_variant_of_the_mails_language_is_taken_else_the_one_for_all_else_the_brands(
    desk: Desk, brand: Brand, bob: Agent
) -> None:
    ann(desk, language="nl")
    sign(brand, "Grüße", language="de")
    Brand.objects.update(language="de")
    assert signature(setting(desk, bob)).text == "Grüße"
    sign(brand, "Regards")
    assert signature(setting(desk, bob)).text == "Regards"
    sign(brand, "Groeten", language="nl")
    assert signature(setting(desk, bob)).text == "Groeten"


def test_a_regional_language_takes_the_variant_of_its_language(desk: Desk, brand: Brand, bob: Agent) -> None:
    ann(desk, language="pt-br")
    sign(brand, "Regards")
    sign(brand, "Cumprimentos", language="pt")
    assert signature(setting(desk, bob)).text == "Cumprimentos"


# -- what is filled in --------------------------------------------------------------------


def test_every_placeholder_has_its_value(desk: Desk, bob: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    there = replace(settings.CONFIGURATION, url="https://desk.example.org")
    monkeypatch.setattr(settings, "CONFIGURATION", there)
    customer = ann(desk, organisation=Organisation.objects.create(name="Archer & Sons"), language="en")
    CustomerAddress.objects.create(customer=customer, email="ann@customer.example")
    begun = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
    Ticket.objects.update(created_at=begun, waiting_since=begun, due_at=begun, assignee=bob)
    message = desk.ticket.messages.get()
    values = placeholder_values(setting(desk, bob), message=message)
    assert set(values) == LETTER_NAMES
    assert all(values.values()), values
    assert values["ticket.rating_link"].startswith(f"https://desk.example.org/rating/{desk.ticket.pk}:")
    assert (values["agent.first_name"], values["customer.first_name"]) == ("Bob", "Ann")
    assert values["ticket.number"] == desk.ticket.number
    assert values["message.quote"] == "Hello, my lamp flickers."


def test_dates_are_those_of_the_installations_time_zone_in_the_mails_language(
    desk: Desk, bob: Agent, settings: object
) -> None:
    settings.TIME_ZONE = "Europe/Amsterdam"  # type: ignore[attr-defined]
    ann(desk, language="nl")
    Ticket.objects.update(created_at=datetime(2026, 11, 21, 23, 30, tzinfo=UTC))
    assert placeholder_values(setting(desk, bob))["ticket.created"] == "22 november 2026"


def test_nothing_internal_becomes_a_value(desk: Desk, bob: Agent) -> None:
    message = desk.receive(mail(text="secret", message_id="s@x"), is_internal=True)
    values = placeholder_values(setting(desk, bob), message=message)
    assert (values["message.quote"], values["message.subject"]) == ("", "")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ann Archer", "Ann"), ("Archer, Ann", "Ann"), ("Ann", "Ann"), ("", ""), (" ", ""), (",", ""),
        ("Dr. Archer", ""), ("Support Team", ""), ("ann@customer.example", "ann@customer.example"), ("3M", ""),
    ],
)  # fmt: skip
def test_a_first_name_is_taken_only_where_one_can_be_seen(name: str, expected: str) -> None:
    assert first_name(name) == expected


def test_a_customer_who_is_known_by_his_address_only_has_no_name(desk: Desk, brand: Brand, bob: Agent) -> None:
    ann(desk, name="ann@customer.example")
    sign(brand, 'Dear {{ customer.name or "customer" }},', part="salutation")
    assert salutation(setting(desk, bob)).text == "Dear customer,"


def test_a_salutation_keeps_what_the_agent_has_to_complete(desk: Desk, brand: Brand, bob: Agent) -> None:
    sign(brand, "Dear {{ customer.name }},", part="salutation")
    assert salutation(setting(desk, bob)).text == "Dear {{ customer.name }},"
    assert salutation(setting(desk)).text == ""
    ann(desk)
    assert salutation(setting(desk, bob)).text == "Dear Ann Archer,"


def test_without_an_agent_the_lines_that_name_one_are_left_out_in_text_and_html(desk: Desk, brand: Brand) -> None:
    sign(brand, "", html="<p>Regards<br>{{ agent.name }}<br>Example Ltd</p>")
    words = signature(setting(desk))
    assert words.text == "Regards\n\nExample Ltd"
    assert "agent" not in words.html
    assert "<p>Regards<br>" in words.html


def test_a_value_is_text_in_html_whatever_it_holds(desk: Desk, brand: Brand, bob: Agent) -> None:
    ann(desk, name="<b>Ann</b> & Co")
    sign(brand, "", html="<p>For {{ customer.name }}</p>")
    assert signature(setting(desk, bob)).html == "<p>For &lt;b&gt;Ann&lt;/b&gt; &amp; Co</p>"
    assert signature(setting(desk, bob)).text == "For <b>Ann</b> & Co"


def test_a_link_of_a_signature_can_be_followed_in_the_text_part(desk: Desk, brand: Brand, bob: Agent) -> None:
    sign(brand, "", html='<p><a href="https://example.org/shop">Shop</a></p>')
    assert signature(setting(desk, bob)).text == "Shop <https://example.org/shop>"


def test_a_mail_without_a_ticket_has_a_setting_too(desk: Desk, brand: Brand, bob: Agent) -> None:
    queue = desk.ticket.queue
    sign(brand, "{{ brand.name }}\nNumber {{ ticket.number }}", part="footer")
    where = setting_before(queue, sender_for(desk.ticket), bob)
    assert (where.language, footer(where).text) == ("en", brand.name)


def test_an_unknown_placeholder_is_refused_with_a_list_of_those_that_exist() -> None:
    check_wording("{{ agent.name }}", "<p>{{ brand.name }}</p>")
    with pytest.raises(ValidationError, match=r"agent\.nmae.*customer\.first_name"):
        check_wording("{{ agent.nmae }}", "")
    with pytest.raises(ValidationError, match=r"\{\{ salary \}\}"):
        check_wording("", "<p>{{ salary }}</p>")


@given(st.text(max_size=60))
def test_any_name_can_be_greeted(name: str) -> None:
    assert len(first_name(name)) <= len(name)
