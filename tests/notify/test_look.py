"""The look of a brand's mails: one frame of tables, inlined, light and dark, with the logo inside the mail."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from postvak.blobs import store
from postvak.mail.html import to_text
from postvak.mail.quotes import reply_text, split_reply, split_reply_html
from postvak.models import Agent, Brand, Look
from postvak.notify.body import body_of
from postvak.notify.colours import READABLE, contrast, mixed, readable_on, text_on
from postvak.notify.words import Words
from tests.notify.desk import Desk, sign
from tests.notify.test_body import PNG, check_pictures, html_mail, parts_of, setting, written

pytestmark = pytest.mark.django_db
colours = st.from_regex(r"#[0-9a-f]{6}", fullmatch=True)
Dress = Callable[..., Look]


@pytest.fixture
def dress(brand: Brand) -> Dress:
    def make(*, logo: bytes = b"", **facts: object) -> Look:
        blob = None
        if logo:
            (blob,) = store.prepare([logo])
            store.save([blob])
        return Look.objects.create(brand=brand, logo=blob, logo_type="image/png" if logo else "", **facts)

    return make


def style_of(html: str, name: str) -> str:
    found = LexborHTMLParser(html).css_first(f".{name}")
    assert found is not None
    return found.attributes["style"] or ""


def test_the_logo_goes_along_and_the_brands_name_stands_in_for_it(desk: Desk, bob: Agent, dress: Dress) -> None:
    dress(logo=PNG, logo_width=200)
    Brand.objects.update(name='"A" & B')
    body = body_of(Words("Hi"), setting(desk, bob))
    message = written(body)
    assert list(check_pictures(message).values()) == [PNG]
    (logo,) = re.findall("<img[^>]*>", body.html)
    assert 'width="200"' in logo
    assert 'alt="&quot;A&quot; &amp; B"' in logo


def test_a_lost_logo_does_not_stop_the_mail(desk: Desk, bob: Agent, dress: Dress) -> None:
    look = dress(logo=PNG + b"lost")
    look.logo_type = "image/svg+xml"
    look.save()
    assert "<img" not in body_of(Words("Hi"), setting(desk, bob)).html


def test_the_rules_of_the_style_sheet_stand_at_the_elements(desk: Desk, brand: Brand, bob: Agent, dress: Dress) -> None:
    dress(accent="#aa0000", background="#fafafa", width=700, font="serif", logo=PNG)
    sign(brand, "Bob")
    html = body_of(Words("Hi"), setting(desk, bob)).html
    assert "background-color: #fafafa" in style_of(html, "pv-page")
    assert "solid #aa0000" in style_of(html, "pv-logo")
    assert "max-width: 700px" in style_of(html, "pv-sheet")
    assert "Georgia, 'Times New Roman'" in style_of(html, "pv-content")
    (outlook,) = re.findall(r"<!--\[if mso\]><table[^>]*>", html)
    assert 'width="700"' in outlook
    assert '<meta name="color-scheme" content="light dark">' in html
    assert "@media (prefers-color-scheme: dark)" in html


def test_what_people_and_customers_wrote_does_not_pass_through_the_inliner(
    desk: Desk, bob: Agent, dress: Dress
) -> None:
    dress()
    deep = "<blockquote>" * 350 + "deep" + "</blockquote>" * 350
    quoted = desk.receive(html_mail(f"{deep}<div class=pv-words>mine</div><!--pv:words-->"), has_html=True)
    words = Words("x", "<p>x <!--pv:signature--><b>y</b></p>")
    html = body_of(words, setting(desk, bob), quoted=quoted).html
    assert words.html in html
    assert html.count('class="pv-words"') == 1
    assert "deep" in html


def test_quoting_can_be_switched_off_for_a_brand(desk: Desk, bob: Agent, dress: Dress) -> None:
    dress(quotes_history=False)
    quoted = desk.receive(html_mail("<p>Rich</p>", text="Plain"), has_html=True)
    body = body_of(Words("Hi"), setting(desk, bob), quoted=quoted)
    assert body.text == "Hi\n"
    assert "Rich" not in body.html


@pytest.mark.parametrize("language", ["en", "nl", "de"])
def test_what_a_customer_writes_above_the_line_is_his_answer(
    desk: Desk, bob: Agent, dress: Dress, language: str
) -> None:
    dress(reply_line=True)
    Brand.objects.update(language=language)
    desk.ticket.messages.all().delete()
    body = body_of(Words("Press the switch."), setting(desk, bob))
    text, html = parts_of(written(body))
    line = text.split("\n")[0]
    assert line in html
    inside = html[html.index("<body") : html.index("</body>")].partition(">")[2]
    assert reply_text(f"It works now!\n\n{text}", "") == "It works now!"
    answer = f"<div>It works now!</div><div>{inside}</div>"
    assert reply_text(to_text(answer), answer) == "It works now!"
    assert (
        reply_text(
            f"It works now!\n\nOn Mon, 23 Nov 2026 at 10:00, Example Support <support@example.org> wrote:\n\n{text}", ""
        )
        == "It works now!"
    )


def test_our_own_mail_with_the_line_on_top_shows_what_the_agent_wrote(
    desk: Desk, brand: Brand, bob: Agent, dress: Dress
) -> None:
    dress(reply_line=True)
    body = body_of(Words("Press the switch."), setting(desk, bob), quoted=desk.ticket.messages.get())
    for segments in (split_reply(body.text), split_reply_html(body.html)):
        shown = "".join(one.text for one in segments if one.kind == "new")
        assert "Press the switch." in shown
        assert "> Hello, my lamp" not in shown
        assert "<p>Hello, my lamp" not in shown


@given(colours, colours)
def test_text_can_be_read_on_every_background_and_accents_in_the_dark(background: str, accent: str) -> None:
    assert contrast(text_on(background), background) >= READABLE
    assert contrast(readable_on("#16191d", accent), "#16191d") >= READABLE
    assert re.fullmatch("#[0-9a-f]{6}", mixed(accent, background, 0.3))


def test_contrast_is_that_of_wcag() -> None:
    assert round(contrast("#ffffff", "#000000"), 2) == 21
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48
