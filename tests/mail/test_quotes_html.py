"""HTML answers as the clients write them; the source is never changed."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postvak.mail.html import to_text
from postvak.mail.quotes import reply_text, split_reply_html

ORIGINAL = "<p>Does it work?</p><p>Bob</p>"
HEADER = "<b>{0}</b> Help Desk &lt;help@desk.example&gt;<br><b>{1}</b> 20-11-2026 17:00<br><b>{2}</b> Ann<br><b>{3}</b> Printer<br>"
LANGUAGES = {
    "en": ("From:", "Sent:", "To:", "Subject:", "On 20 Nov 2026 Help wrote:"),
    "nl": ("Van:", "Verzonden:", "Aan:", "Onderwerp:", "Op 20 nov 2026 schreef Help:"),
    "de": ("Von:", "Gesendet:", "An:", "Betreff:", "Am 20.11.2026 schrieb Help:"),
    "sw": ("Kutoka:", "Imetumwa:", "Kwa:", "Mada:", "Mnamo 20 Nov 2026 Help aliandika:"),
}
# What stands below the answer; {header} and {introduction} are put in the language.
CLIENTS = {
    "Gmail": '<br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">{introduction}<br></div>'
    '<blockquote class="gmail_quote" style="margin:0 0 0 .8ex;border-left:1px #ccc solid">' + ORIGINAL + "</blockquote></div>",
    "Apple": "<div><br><blockquote type=\"cite\"><div>{introduction}</div><br><div>" + ORIGINAL + "</div></blockquote></div>",
    "Thunderbird": '<div class="moz-cite-prefix">{introduction}<br></div><blockquote type="cite" cite="mid:x">' + ORIGINAL + "</blockquote>",
    "Outlook desktop": "<div><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'>"
    "<p class=MsoNormal>{header}</p></div></div><p class=MsoNormal>&nbsp;</p>" + ORIGINAL,
    "Outlook on the web": '<div id="appendonsend"></div><hr style="width:98%"><div id="divRplyFwdMsg" dir="ltr"><font>{header}</font></div>'
    "<div>" + ORIGINAL + "</div>",
    "new Outlook": '<div id="mail-editor-reference-message-container"><div><div>{header}</div>' + ORIGINAL + "</div></div>",
    "Outlook for Mac": '<span id="OLK_SRC_BODY_SECTION"><div>{header}</div><div>' + ORIGINAL + "</div></span>",
    "Yahoo": '<div id="yahoo_quoted_123" class="yahoo_quoted"><div>{introduction}</div>' + ORIGINAL + "</div>",
    "Proton": '<div class="protonmail_quote">{introduction}<br><blockquote class="protonmail_quote" type="cite">' + ORIGINAL + "</blockquote></div>",
    "web.de": '<div name="quote" style="margin:10px 5px;border-left:2px solid #C3D9E5;"><div>{header}</div><div name="quoted-content">'
    + ORIGINAL + "</div></div>",
    "Zimbra": '<hr id="zwchr" data-marker="__DIVIDER__"><div data-marker="__HEADERS__">{header}</div><div data-marker="__QUOTED_TEXT__">'
    + ORIGINAL + "</div>",
    "hr and a header": "<hr>{header}<br>" + ORIGINAL,
    "passed on by Outlook": '<div id="x_divRplyFwdMsg">{header}</div><div class="x_gmail_quote">' + ORIGINAL + "</div>",
}  # fmt: skip


def _new(html: str) -> str:
    return to_text("".join(segment.text for segment in split_reply_html(html) if segment.kind == "new")).strip()


def _mail(client: str, language: str, answer: str) -> str:
    *header, introduction = LANGUAGES[language]
    below = CLIENTS[client].replace("{header}", HEADER.format(*header)).replace("{introduction}", introduction)
    return f"<html><head><style>p {{margin:0}}</style></head><body><div>{answer}</div>{below}</body></html>"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("client", CLIENTS)
def test_the_answer_is_told_from_the_original(client: str, language: str) -> None:
    html = _mail(client, language, "It works.<br>Thank you!")
    assert "".join(segment.text for segment in split_reply_html(html)) == html
    assert _new(html) == "It works.\nThank you!"
    assert reply_text(to_text(html), html) == "It works.\nThank you!"


@pytest.mark.parametrize(
    "signature",
    [
        '<div class="gmail_signature">Ann<br>Baker</div>',
        '<div class="moz-signature">-- <br>Ann</div>',
        '<div id="Signature"><p>Ann</p><p>Baker</p></div>',
        '<div id="ms-outlook-mobile-signature">Sent from Outlook</div>',
        '<div class="protonmail_signature_block">Ann</div>',
        "<p>Met vriendelijke groet,</p><p>Ann</p><p>Bakkerij Smit</p>",
        "<div>Sent from my iPhone</div>",
    ],
)
@pytest.mark.parametrize("client", ["Gmail", "Outlook on the web"])
def test_a_signature_is_told_from_the_answer(client: str, signature: str) -> None:
    html = _mail(client, "nl", f"<p>It works.</p>{signature}")
    assert _new(html) == "It works."
    assert [segment.kind for segment in split_reply_html(html)][:3] == ["new", "signature", "quoted"]


@pytest.mark.parametrize(
    "html",
    [
        '<div class="gmail_quote"><div class="gmail_attr">On 1 May Bob wrote:</div><blockquote>One?</blockquote>'
        "<div>Yes.</div><blockquote>Two?</blockquote></div><div>No.</div>",
        '<div class="moz-cite-prefix">Op 1 mei schreef Bob:</div><blockquote type="cite">One?</blockquote><p>Yes.</p>'
        '<blockquote type="cite">Two?</blockquote><p>No.</p>',
    ],
)
def test_answers_between_and_below_quotations_are_new(html: str) -> None:
    assert _new(html).split() == ["Yes.", "No."]
    assert reply_text(to_text(html), html).split() == ["Yes.", "No."]


def test_a_forwarded_mail_stays_visible() -> None:
    html = (
        '<div>FYI</div><div class="gmail_quote"><div class="gmail_attr">---------- Forwarded message ---------<br>'
        "Van: Ann &lt;ann@mail.example&gt;<br>Date: vr<br>Subject: x<br></div><p>My printer is on fire.</p></div>"
    )
    assert "My printer is on fire." in _new(html)
    assert "My printer is on fire." in reply_text(to_text(html), html)


def test_an_indented_paragraph_is_no_quotation() -> None:
    html = '<p>Steps:</p><blockquote style="margin:0 0 0 40px;border:none;padding:0px">1. open the lid</blockquote>'
    assert _new(html) == "Steps:\n\n1. open the lid"


def test_the_text_decides_when_it_shows_its_quotation() -> None:
    html = _mail("Gmail", "en", "Answer in HTML")
    assert reply_text("Answer in text\n\nOn 20 Nov 2026 Help wrote:\n> Does it work?\n", html) == "Answer in text"


PIECES = st.sampled_from(
    ["<div>", "</div>", "<br>", "text", "<blockquote>", "</blockquote>", '<div class="gmail_quote">', "<!--", "-->", "<style>", "</style>",
     "<hr>", "<b>From:</b> a@b.example<br>", "<", ">", '<div id="divRplyFwdMsg">', "&gt;", "\n", "İ", "<p>Groet,</p>"]
)  # fmt: skip


@given(st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=25).map("".join)))
def test_the_pieces_joined_are_the_source(html: str) -> None:
    segments = split_reply_html(html)
    assert "".join(segment.text for segment in segments) == html
    assert all(left.kind != right.kind for left, right in zip(segments, segments[1:], strict=False))
    assert isinstance(reply_text("", html), str)


@pytest.mark.parametrize(
    "piece", ["<div>", "<!--", "<style>", "<", "<a ", "<blockquote>", "<p class=", "&", "<br>", "x <hr>", '<div id="']
)
def test_a_bomb_of_html_is_read_in_linear_time(piece: str) -> None:
    html = piece * (200_000 // len(piece))
    started = time.process_time()
    assert "".join(segment.text for segment in split_reply_html(html)) == html
    assert time.process_time() - started < 2
