"""HTML of strangers: harmless, readable, quick."""

from __future__ import annotations

import time

import pytest

from postvak.mail.html import from_text, sanitise, to_text


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        '<a href="javascript:alert(1)">x</a>',
        '<a href=" java\nscript:alert(1)">x</a>',
        '<a href="data:text/html,<script>alert(1)</script>">x</a>',
        '<p style="background:url(javascript:alert(1))">x</p>',
        '<p style="width:expression(alert(1))">x</p>',
        '<p style="behavior:url(#alert(1))">x</p>',
        "<svg><script>alert(1)</script></svg>",
        "<style>@import 'https://evil.example/alert(1)';</style>",
        '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
        '<form action="https://evil.example/alert(1)"><input name="alert(1)"></form>',
        '<img src="data:image/svg+xml,<svg onload=alert(1)>">',
        "<math><mtext><script>alert(1)</script></mtext></math>",
        '<base href="https://evil.example/alert(1)">',
        '<meta http-equiv="refresh" content="0;alert(1)">',
    ],
)
def test_nothing_that_acts_is_left(html: str) -> None:
    clean = sanitise(html, cid_urls={}, allow_remote=True).html
    assert "alert(1)" not in clean
    assert "evil.example" not in clean


def test_remote_content_is_taken_out_and_counted() -> None:
    html = (
        '<img src="https://t.example/1.gif"><img src="//t.example/2.gif"><table background="http://t.example/3.png">'
        "<tr><td style=\"color: red; background-image: url('https://t.example/4.png')\">x</td></tr></table>"
    )
    clean = sanitise(html, cid_urls={})
    assert clean.blocked == 4
    assert "t.example" not in clean.html
    assert "color: red" in clean.html
    allowed = sanitise(html, cid_urls={}, allow_remote=True)
    assert "https://t.example/1.gif" in allowed.html


def test_embedded_images_are_shown_from_our_own_addresses() -> None:
    clean = sanitise(
        '<img src="cid:a@1"><img src="CID:b@2"><img src="cid:none">', cid_urls={"a@1": "/f/1", "b@2": "/f/2"}
    )
    assert 'src="/f/1"' in clean.html
    assert 'src="/f/2"' in clean.html
    assert "none" not in clean.html
    assert clean.blocked == 0


def test_small_data_images_stay() -> None:
    assert "data:image/png" in sanitise('<img src="data:image/png;base64,AAAA">', cid_urls={}).html


def test_links_open_in_a_new_window_and_tell_nothing() -> None:
    clean = sanitise('<a href="https://x.example/?a=1&b=2" onclick="x()">x</a>', cid_urls={}).html
    assert 'rel="noopener noreferrer"' in clean
    assert 'target="_blank"' in clean
    assert 'href="https://x.example/?a=1&amp;b=2"' in clean
    assert "onclick" not in clean


@pytest.mark.parametrize(
    "html", ["<div>" * 20_000 + "Text", "<div></b>" * 20_000 + "Text", "<p>Text</p>" + "x" * 2_100_000]
)
def test_too_deep_or_too_large_html_is_shown_as_text(html: str) -> None:
    started = time.process_time()
    clean = sanitise(html, cid_urls={})
    assert clean.html.startswith("<pre>")
    assert "Text" in clean.html
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("<div>One</div><div>Two</div>", "One\nTwo"),
        ("a<br>b<br><br>c", "a\nb\n\nc"),
        ("a  \n b", "a b"),
        ("<b>a</b> <i>b</i>", "a b"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ('<a href="https://x.example">link</a> <img alt="logo">', "link logo"),
        ("<ul><li>a<li>b</ul>", "- a\n- b"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("<style>x</style><script>y</script>z<!-- w -->", "z"),
        ("&lt;x&gt; &amp; &#xD800;", "<x> & \ufffd"),
        ("", ""),
        ("just text", "just text"),
    ],
)
def test_html_becomes_text(html: str, text: str) -> None:
    assert to_text(html) == text


def test_text_becomes_paragraphs_with_links() -> None:
    html = from_text("Hi <Ann>,\n\nsee https://x.example/?a=1&b=2.\r\nBye\n")
    assert html == (
        "<p>Hi &lt;Ann&gt;,</p>\n"
        '<p>see <a href="https://x.example/?a=1&amp;b=2">https://x.example/?a=1&amp;b=2</a>.<br>\nBye</p>'
    )
