"""Every attack on who reads an HTML mail, through the way that mails go, and looked at with a parser that isn't the cleaner's."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from selectolax.lexbor import LexborHTMLParser, LexborNode

from postvak.mail.html import sanitise
from postvak.mail.html_rules import TAGS
from postvak.mail.outgoing_html import clean
from postvak.mail.parse import parse
from postvak.mail.quotes import split_reply_html
from tests.mail.attacks import attacks, mails

EVIL = "http://evil.example"
MAILS = mails(EVIL)
FRAME = {"html", "head", "body", "-comment", "-text", "-document"}
SCHEME = re.compile(r"\s*(https?:|mailto:|tel:|#|/f/|data:image/(?:png|jpe?g|gif|webp|bmp)[;,])", re.I)
LOADS = {"src", "srcset", "background", "poster", "data", "action", "formaction", "ping", "cite", "lowsrc", "dynsrc"}


def shown(raw: bytes, *, allow_remote: bool) -> str:
    """As web.desk.downloads shows it."""
    return "".join(
        sanitise(piece.text, cid_urls={"x": "/f/1"}, allow_remote=allow_remote).html
        for piece in split_reply_html(parse(raw).html)
    )


def wrong_in(html: str, *, allow_remote: bool) -> Iterator[str]:
    """What could do something."""
    root = LexborHTMLParser(html).root
    for node in root.traverse(include_text=False) if root else ():
        if node.tag not in TAGS | FRAME:
            yield f"<{node.tag}>"
        yield from wrong_at(node, allow_remote=allow_remote)


def wrong_at(node: LexborNode, *, allow_remote: bool) -> Iterator[str]:
    for name, value in node.attributes.items():
        text = value or ""
        if name.startswith(("on", "hx-", "data-", "xlink", "form")) or name in {
            "id",
            "class",
            "srcdoc",
            "is",
            "slot",
            "nonce",
        }:
            yield f"{name}={text}"
        if name in LOADS | {"href"} and not SCHEME.match(text) and not (allow_remote and text.startswith("//")):
            yield f"{name}={text}"
        if name in LOADS and not allow_remote and "evil" in text:
            yield f"loads {text}"
        if name == "style" and re.search(r"url|expression|import|behavior|binding|position|[\\<>]|/\*", text, re.I):
            yield f"style={text}"


def test_there_are_many_and_each_is_another_one() -> None:
    assert len(MAILS) > 300
    assert len(set(attacks(EVIL).values())) == len(attacks(EVIL))


@pytest.mark.parametrize("allow_remote", [False, True], ids=["pictures blocked", "pictures allowed"])
@pytest.mark.parametrize("name", MAILS)
def test_nothing_is_left_that_could_do_something(name: str, allow_remote: bool) -> None:
    html = shown(MAILS[name], allow_remote=allow_remote)
    assert list(wrong_in(html, allow_remote=allow_remote)) == []
    assert "\0" not in html


@pytest.mark.parametrize("name", MAILS)
def test_what_is_clean_stays_as_it_is(name: str) -> None:
    """Else a browser, which reads it once more, might see something else than the cleaner did."""
    once = shown(MAILS[name], allow_remote=False)
    twice = sanitise(once, cid_urls={}).html
    assert sanitise(twice, cid_urls={}).html == twice
    assert list(wrong_in(twice, allow_remote=False)) == []


@pytest.mark.parametrize("name", attacks(EVIL))
def test_nor_does_any_of_it_go_on_with_an_answer_or_a_template(name: str) -> None:
    """What is quoted or pasted into the editor, which stands on a page of ours."""
    once = clean(attacks(EVIL)[name])
    for html in (once, clean(once)):
        assert [one for one in wrong_in(html, allow_remote=False) if not one.startswith("src=cid:")] == []
