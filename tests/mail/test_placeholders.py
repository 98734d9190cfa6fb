"""Placeholders are filled, escaped, dropped with their line, or named as missing; and never do anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postvak.mail.placeholders import NAMES, fill, fill_lines, unfilled, unknown

VALUES = {"customer.name": "Ann & Söhne <x>", "ticket.number": "2026", "ticket.subject": "Boiler"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dear {{ customer.name }},", "Dear Ann & Söhne <x>,"),
        ("{{ticket.number}}", "2026"),
        ("#{TICKET} {BETREFF} {SUBJECT}", "#2026 Boiler Boiler"),
        ('{{ agent.name or "the team" }}', "the team"),
        ("{{ agent.name or „das Team“ }}", "das Team"),
        ("{ no } {{}} {{{ }", "{ no } {{}} {{{ }"),
    ],
)
def test_a_placeholder_becomes_its_value(text: str, expected: str) -> None:
    assert fill(text, VALUES).text == expected


def test_in_html_a_value_is_text_and_keeps_its_lines() -> None:
    html = "<p>{{ customer.name }} {{ agent.name or &quot;a &amp; b&quot; }}</p>"
    assert fill(html, VALUES, is_html=True).text == "<p>Ann &amp; Söhne &lt;x&gt; a &amp; b</p>"
    assert fill("{{ customer.name }}", {"customer.name": "a\nb"}, is_html=True).text == "a<br>b"


def test_what_has_no_value_stays_and_is_named() -> None:
    filled = fill("{{ agent.name }} {{ nonsense }} {{ agent.name }}", VALUES)
    assert filled.text == "{{ agent.name }} {{ nonsense }} {{ agent.name }}"
    assert filled.missing == ("{{ agent.name }}", "{{ nonsense }}")


def test_a_line_that_names_nobody_is_left_out() -> None:
    assert fill_lines("Regards\n{{ agent.name }}\n{{ ticket.number }}", VALUES) == "Regards\n2026"
    html = "<p>Regards<br>Your agent: <b>{{ agent.name }}</b><br>{{ ticket.number }}</p><p>{{ agent.email }}</p>"
    assert fill_lines(html, VALUES, is_html=True) == "<p>Regards<br><b></b><br>2026</p>"


def test_a_placeholder_that_nothing_fills_is_known_before_it_is_saved() -> None:
    assert unknown("{{ ticket.number }} {{ ticket.nmber }} {TICKET}") == ("{{ ticket.nmber }}",)
    assert not unknown(" ".join(f"{{{{ {name} }}}}" for name in NAMES))


def test_a_finished_text_shows_what_is_still_open() -> None:
    assert unfilled("Dear {{ customer.name }}, {x}") == ("{{ customer.name }}",)
    assert unfilled("if (a) { b }") == ()


@given(st.text(alphabet='{}" or.agentmticket\n<>&', max_size=200), st.booleans())
def test_any_text_is_taken_and_values_are_never_read_again(text: str, is_html: bool) -> None:
    values = dict.fromkeys(NAMES, "{{ ticket.number }}<b>")
    filled = fill(text, values, is_html=is_html)
    assert fill(text, {}, is_html=is_html).text == text or " or " in text
    assert filled.text.count("<b>") <= (text.count("<b>") if is_html else filled.text.count("<b>"))
    fill_lines(text, values, is_html=is_html)


def test_a_value_does_not_leave_the_attribute_that_it_stands_in() -> None:
    html = '<a href="https://shop.example/?n={{ customer.name }}">shop</a>'
    filled = fill(html, {"customer.name": '" style="position:fixed'}, is_html=True).text
    assert filled == '<a href="https://shop.example/?n=&quot; style=&quot;position:fixed">shop</a>'
