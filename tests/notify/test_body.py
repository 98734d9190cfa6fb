"""The finished mail: words, signature, footer, quotation and pictures, as the standard library reads it."""

import email
import email.policy
import re
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from postvak.blobs import store
from postvak.mail.compose import Draft, File, compose
from postvak.mail.quotes import split_reply, split_reply_html
from postvak.mail.values import Address as MailAddress
from postvak.models import Agent, Brand, Look, Message, Queue, Ticket
from postvak.notify import quoting
from postvak.notify.body import Body, body_of, missing_pictures
from postvak.notify.words import Setting, Words, setting_of
from postvak.send.sender import sender_for
from tests.mails import mail
from tests.notify.desk import Desk, sign

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n" + b"picture"
AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
CID = re.compile(r"""["'(]cid:([^"')]+)""")


def html_mail(html: str, *files: tuple[str, bytes], text: str = "Hello, my lamp flickers.") -> bytes:
    """A mail of Ann's with pictures inside: (content id, bytes)."""
    message = EmailMessage()
    message["From"], message["To"] = "Ann Archer <ann@customer.example>", "support@example.org"
    message["Subject"], message["Message-ID"] = "The lamp flickers", "<html@customer.example>"
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    part = message.get_payload()[1]
    for cid, content in files:
        part.add_related(content, maintype="image", subtype="png", cid=f"<{cid}>", filename=f"{cid[:4]}.png")
    return message.as_bytes()


def setting(desk: Desk, agent: Agent | None) -> Setting:
    ticket = Ticket.objects.get(pk=desk.ticket.pk)
    return setting_of(ticket, sender_for(ticket, agent=agent), agent)


def written(body: Body, *, files: tuple[File, ...] = ()) -> EmailMessage:
    """As bytes, and read again by the standard library."""
    draft = Draft(
        author=MailAddress("Example Support", "support@example.org"), to=(MailAddress("", "ann@customer.example"),),
        subject="Re: The lamp", text=body.text, html=body.html, attachments=(*files, *body.files),
        message_id="x@example.org", date=AT,
    )  # fmt: skip
    message = email.message_from_bytes(compose(draft), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def check_pictures(message: EmailMessage) -> dict[str, bytes]:
    """Every picture that the HTML shows has exactly one part, and every part is shown; content id -> bytes."""
    html = message.get_body(("html",))
    assert html is not None
    shown = set(CID.findall(html.get_content()))
    parts = [(str(part["Content-ID"]).strip("<>"), part.get_content()) for part in message.walk() if part["Content-ID"]]
    assert len(parts) == len(dict(parts))
    assert shown == set(dict(parts))
    return dict(parts)


def parts_of(message: EmailMessage) -> tuple[str, str]:
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    return text.get_content().replace("\r\n", "\n"), html.get_content().replace("\r\n", "\n")


# -- without a look ---------------------------------------------------------------------


def test_the_text_has_words_signature_footer_and_the_quoted_mail(desk: Desk, brand: Brand, bob: Agent) -> None:
    sign(brand, "Regards\n{{ agent.name }}")
    sign(brand, "Example Ltd, London", part="footer")
    quoted = desk.ticket.messages.get()
    body = body_of(Words("Press the switch."), setting(desk, bob), quoted=quoted)
    text, html = parts_of(written(body))
    above, below = text.split("\n\nOn ")
    assert above == "Press the switch.\n\n-- \nRegards\nBob Baker\n\nExample Ltd, London"
    assert below.endswith("Ann Archer wrote:\n> Hello, my lamp flickers.\n")
    assert html.index("Press the switch.") < html.index("Bob Baker") < html.index("London") < html.index("blockquote")


def test_our_own_folding_knows_words_signature_and_quotation(desk: Desk, brand: Brand, bob: Agent) -> None:
    sign(brand, "", html="<p>Bob Baker<br>Example Ltd</p>")
    sign(brand, "London", part="footer")
    for look in (None, Look(brand=brand, reply_line=False)):
        if look:
            look.save()
        body = body_of(Words("Press it."), setting(desk, bob), quoted=desk.ticket.messages.get())
        assert [one.kind for one in split_reply(body.text)] == ["new", "signature", "quoted"]
        segments = split_reply_html(body.html)
        folded = {one.kind: one.text for one in segments if one.text.strip()}
        assert "Press it." in folded["new"]
        assert "Example Ltd" not in folded["new"]
        assert "Example Ltd" in folded["signature"]
        assert "lamp flickers" in folded["quoted"]


def test_a_mail_without_words_around_it_is_just_what_was_written(desk: Desk, bob: Agent) -> None:
    body = body_of(Words("Yes.\n\nNo."), setting(desk, bob))
    assert body.text == "Yes.\n\nNo.\n"
    assert body.html == '<div class="pv-words">\n<p>Yes.</p>\n<p>No.</p>\n</div>\n'
    assert body.files == ()


def test_the_line_above_the_quotation_is_in_the_mails_language_or_else_the_brands(desk: Desk, bob: Agent) -> None:
    quoted = desk.ticket.messages.get()
    where = setting(desk, bob)
    Brand.objects.update(language="de")
    for language, words in (("nl", "schreef Ann Archer:"), ("en", "Ann Archer wrote:"), ("fr", "schrieb Ann Archer:")):
        chosen = Setting(Brand.objects.get(), where.address, bob, where.ticket, None, language)
        body = body_of(Words("x"), chosen, quoted=quoted)
        assert words in body.text
        assert words in body.html


def test_the_quoted_time_is_that_of_the_installation(desk: Desk, bob: Agent, settings: object) -> None:
    settings.TIME_ZONE = "Europe/Amsterdam"  # type: ignore[attr-defined]
    Message.objects.update(created_at=datetime(2026, 11, 21, 23, 30, tzinfo=UTC))
    body = body_of(Words("x"), setting(desk, bob), quoted=desk.ticket.messages.get())
    assert "On November 22, 2026 at 00:30, Ann Archer wrote:" in body.text


# -- the quoted mail ------------------------------------------------------------------


def test_the_quoted_html_is_the_originals_and_its_pictures_go_along(desk: Desk, bob: Agent) -> None:
    raw = html_mail(
        '<p>See <b>this</b>: <img src="cid:lamp@x" alt="lamp"></p>', ("lamp@x", PNG), ("unused@x", b"other")
    )
    quoted = desk.receive(raw, has_html=True)
    body = body_of(Words("Thanks."), setting(desk, bob), quoted=quoted)
    message = written(body)
    pictures = check_pictures(message)
    assert list(pictures.values()) == [PNG]
    assert "lamp@x" not in pictures
    _text, html = parts_of(message)
    assert '<blockquote type="cite"' in html
    assert "<b>this</b>" in html


def test_a_picture_that_the_mail_names_but_does_not_have_leaves_its_words(desk: Desk, bob: Agent) -> None:
    quoted = desk.receive(html_mail('<p><img src="cid:gone@x" alt="a &lt;lamp&gt;">End</p>'), has_html=True)
    body = body_of(Words("x"), setting(desk, bob), quoted=quoted)
    assert not check_pictures(written(body))
    assert "<p>a &lt;lamp&gt;End</p>" in body.html


def test_remote_pictures_and_scripts_of_strangers_are_not_made_ours(desk: Desk, bob: Agent) -> None:
    tracker = '<p>Hi</p><img src="https://tracker.example/1.gif"><div style="background:url(https://tracker.example/2)">a</div>'
    tracker += '<script>alert(1)</script><table background="http://tracker.example/3"><tr><td>b</td></tr></table>'
    quoted = desk.receive(html_mail(tracker), has_html=True)
    body = body_of(Words("x"), setting(desk, bob), quoted=quoted)
    assert "tracker.example" not in body.html
    assert "alert" not in body.html
    assert "<img" not in body.html


def test_very_large_html_and_lost_bytes_are_quoted_as_text(desk: Desk, bob: Agent) -> None:
    quoted = desk.receive(html_mail(f"<p>{'word ' * 50_000}</p>", text="In short: hello"), has_html=True)
    body = body_of(Words("x"), setting(desk, bob), quoted=quoted)
    assert len(body.html) < 2000
    assert "<p>In short: hello</p>" in body.html
    quoted = desk.receive(html_mail("<p>Rich</p>", text="Plain"), has_html=True)
    quoted.blob_id = "0" * 64
    assert "<p>Plain</p>" in body_of(Words("x"), setting(desk, bob), quoted=quoted).html


def test_of_two_pictures_with_one_id_the_first_goes_along(desk: Desk, bob: Agent) -> None:
    raw = html_mail('<img src="cid:lamp@x">', ("lamp@x", PNG), ("lamp@x", PNG + b"second"))
    body = body_of(Words("x"), setting(desk, bob), quoted=desk.receive(raw, has_html=True))
    assert list(check_pictures(written(body)).values()) == [PNG]


def test_pictures_go_along_up_to_a_limit(desk: Desk, bob: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quoting, "LARGEST_PICTURES", 2 * len(PNG))
    html = '<img src="cid:one@x" alt="one"><img src="cid:two@x" alt="two"><img src="cid:six@x" alt="three">'
    quoted = desk.receive(html_mail(html, ("one@x", PNG), ("two@x", PNG + b"!"), ("six@x", PNG)), has_html=True)
    body = body_of(Words("x"), setting(desk, bob), quoted=quoted)
    assert list(check_pictures(written(body)).values()) == [PNG, PNG]
    assert "two" in body.html


@pytest.mark.parametrize("facts", [{"is_internal": True}, {"kind": "note", "blob_id": None}, {"taken_back_at": AT}])
def test_nothing_internal_and_nothing_taken_back_is_ever_quoted(
    desk: Desk, bob: Agent, facts: dict[str, object]
) -> None:
    quoted = desk.receive(html_mail("<p>secret</p>", text="secret"), has_html=True)
    for name, value in facts.items():
        setattr(quoted, name, value)
    body = body_of(Words("x"), setting(desk, bob), quoted=quoted)
    assert "secret" not in body.text + body.html
    assert body.text == "x\n"


def test_of_our_own_mail_only_what_the_agent_wrote_is_quoted(desk: Desk, brand: Brand, bob: Agent) -> None:
    sign(brand, "Example Ltd")
    Look.objects.create(brand=brand)
    first = body_of(
        Words("Press it.", "<p>Press <i>it</i>.</p>"), setting(desk, bob), quoted=desk.ticket.messages.get()
    )
    raw = written(first).as_bytes()
    store.save(store.prepare([raw]))
    ours = Message.objects.create(
        ticket=desk.ticket, kind="outgoing", author_kind="agent", created_at=AT, text="Press it.", has_html=True,
        author_name="Bob Baker", message_id="ours@x", blob_id=store.prepare([raw])[0].digest,
    )  # fmt: skip
    second = body_of(Words("And?"), setting(desk, bob), quoted=ours)
    quotation = second.html[second.html.index("<blockquote") :]
    assert "<p>Press <i>it</i>.</p>" in quotation
    assert "Example Ltd" not in quotation
    assert "flickers" not in quotation


def test_a_picture_without_its_file_is_found_before_sending(desk: Desk, bob: Agent) -> None:
    html = '<p><img src="cid:mine@x"></p>'
    body = body_of(Words("x", html), setting(desk, bob))
    assert missing_pictures(body.html, body.files) == {"mine@x"}
    mine = File("mine.png", "image/png", PNG, "mine@x")
    assert not missing_pictures(body.html, (mine, *body.files))
    assert check_pictures(written(body, files=(mine,))) == {"mine@x": PNG}


PIECES = st.lists(
    st.sampled_from(
        [
            '<img src="cid:one@x">', "<img src='cid:two@x' alt='>'>", '<img src="cid:gone@x" alt="&lt;img&gt;">', "<p>", "</p>", "<table>",
            "<td>", '<a href="https://a.example"><img src="https://a.example/x.png"></a>', "text", "&quot;", '"', "<", ">", "<!--", "<style>",
            '<img src="cid:one@x" title="</blockquote>">', "</div></td></table>", "<blockquote>", '<IMG SRC=cid:two@x>', "\0", "<svg><img src=cid:one@x>",
        ]
    ),
    max_size=25,
)  # fmt: skip


class QuotingAnything(TestCase):
    """Whatever a stranger's HTML is, our mail is whole and each picture has its part."""

    @given(PIECES)
    @settings(max_examples=60, deadline=None)
    def test_every_picture_of_any_html_has_its_part(self, pieces: list[str]) -> None:
        queue = Queue.objects.select_related("brand").first()
        assert queue is not None
        desk = Desk.opened(queue)
        quoted = desk.receive(html_mail("".join(pieces), ("one@x", PNG), ("two@x", PNG + b"2")), has_html=True)
        address = queue.addresses.model(email="support@example.org", queue=queue)
        body = body_of(Words("x"), Setting(queue.brand, address, None, desk.ticket, None, "en"), quoted=quoted)
        message = written(body)
        check_pictures(message)
        assert not missing_pictures(body.html, body.files)
        assert body.html.count("</blockquote>") >= 1 if "<blockquote" in body.html else True
        assert "a.example/x.png" not in body.html


def test_a_plain_mail_is_quoted_as_paragraphs(desk: Desk, bob: Agent) -> None:
    quoted = desk.receive(mail(text="One <b>\n\nTwo", message_id="p@x"))
    body = body_of(Words("x"), setting(desk, bob), quoted=quoted)
    assert "<p>One &lt;b&gt;</p>\n<p>Two</p>" in body.html
