"""The mail that is answered, as a quotation below the answer: as text, and as its real HTML with its pictures.

The HTML of strangers is sanitised; remote pictures are not made ours, so that nobody is counted by our answer. Pictures
inside the mail (cid:) go along under new content ids: each one that the HTML shows has its part.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from html import escape, unescape
from re import Match, compile

from selectolax.lexbor import LexborHTMLParser

from postvak.blobs import store
from postvak.keys.authors import is_wholly_encrypted, may_be_anothers
from postvak.keys.reading import CantRead, readable
from postvak.mail.compose import File
from postvak.mail.html import from_text, is_too_deep, sanitise
from postvak.mail.outgoing_html import cids_in, text_of
from postvak.mail.parse import Understood, understand
from postvak.mail.quotes import introduction, quote_reply
from postvak.models import Message
from postvak.notify.values import local
from postvak.send.protection import is_encrypted

LONGEST_HTML = 200_000  # letters; what is longer is quoted as text
LARGEST_PICTURES = 10_000_000  # bytes of all that go along
IMAGE = compile(r"<img(?:\s+[a-z-]+=\"[^\"]*\")*\s*/?>")
ALT = compile(r"\salt=\"([^\"]*)\"")
PGP_ARMOUR = "-----BEGIN PGP MESSAGE-----"
EMPTY_LINK = compile(r"<a(?:\s+[a-z-]+=\"[^\"]*\")*>\s*</a>")
QUOTATION = (
    '<div class="pv-quote gmail_quote" style="margin-top:1em">\n<div class="gmail_attr">{introduction}</div>\n'
    '<blockquote type="cite" style="margin:0.5em 0 0;border-left:2px solid #b8c0c8;padding-left:0.9em">\n{html}\n</blockquote>\n</div>'
)


@dataclass(frozen=True, slots=True)
class Quotation:
    """Both forms, and the pictures that the HTML shows."""

    text: str = ""
    html: str = ""
    files: tuple[File, ...] = ()


def quotation_of(
    message: Message, language: str, *, domain: str, opens: bool = False, is_wanted: bool = False
) -> Quotation:
    """Nothing for what is internal: no way leads from there into a customer's mail."""
    if message.is_internal or message.kind == Message.Kind.NOTE or message.taken_back_at:
        return Quotation()
    return written_below(message, language, domain=domain, opens=opens, is_wanted=is_wanted)


def written_below(
    message: Message, language: str, *, domain: str, opens: bool = False, is_wanted: bool = False
) -> Quotation:
    """Whatever it is: for conversations whose messages are internal, but known to those who get the quotation. `opens`: the mail
    that quotes goes out encrypted; nothing of an encrypted one is quoted in any other. `is_wanted`: an agent wants that also where
    it isn't sure who wrote what was encrypted."""
    if opens and not is_wanted and may_be_anothers(message):
        return Quotation()
    author, at = message.author_name or message.author_email, local(message.created_at)
    words = words_of(message, domain, opens=opens)
    if not words.html and not words.text.strip():
        return Quotation()
    above = escape(introduction(author=author, at=at, language=language), quote=False)
    return Quotation(
        quote_reply(words.text, author=author, at=at, language=language),
        QUOTATION.format(introduction=above, html=words.html or from_text(words.text)),
        words.files,
    )


def words_of(message: Message, domain: str, *, opens: bool = False) -> Quotation:
    """What the mail says, without anything around it."""
    if not is_encrypted(message):
        html, files = html_of(message, domain)
        return Quotation(message.text, html, files)
    return hidden_words(message, domain) if opens else Quotation()


def hidden_words(message: Message, domain: str) -> Quotation:
    """Of an encrypted mail, whose text lies in no column; nothing when it can't be read here. Where only a part of it was encrypted,
    what stood there in clear: the rest may be another one's mail, sent along so that it comes back decrypted."""
    try:
        original = understand(readable(message) if is_wholly_encrypted(message) else store.get(str(message.blob_id)))
    except (CantRead, store.BlobMissing, store.VaultUnreachable):
        return Quotation()
    if PGP_ARMOUR in original.mail.text:
        return Quotation()
    is_ours = message.kind == Message.Kind.OUTGOING
    html, files = shown_html(original, domain, is_ours=is_ours)
    own = own_words(original.mail.html) if is_ours else ""
    return Quotation(text_of(own) if own else original.mail.text, html, files)


def html_of(message: Message, domain: str) -> tuple[str, tuple[File, ...]]:
    """The mail's own HTML, "" where it has none, it is too large, or its bytes can't be read: its text serves too."""
    if not message.has_html or message.blob_id is None:
        return "", ()
    try:
        raw = store.get(message.blob_id)
    except (store.BlobMissing, store.VaultUnreachable):
        return "", ()
    return shown_html(understand(raw), domain, is_ours=message.kind == Message.Kind.OUTGOING)


def shown_html(original: Understood, domain: str, *, is_ours: bool) -> tuple[str, tuple[File, ...]]:
    html = own_words(original.mail.html) if is_ours else original.mail.html
    if not html.strip() or len(html) > LONGEST_HTML or is_too_deep(html):
        return "", ()
    return with_pictures(html, original, domain)


def own_words(html: str) -> str:
    """Of a mail of ours what the agent wrote, without look, signature and what it quoted itself."""
    if is_too_deep(html):
        return ""
    found = LexborHTMLParser(html).css_first(".pv-words")
    return (found.inner_html or "") if found is not None else ""


def with_pictures(html: str, original: Understood, domain: str) -> tuple[str, tuple[File, ...]]:
    pictures = pictures_of(original, html)
    fresh = {cid: f"{secrets.token_hex(10)}@{domain}" for cid in pictures}
    clean = sanitise(html, cid_urls={cid: f"cid:{new}" for cid, new in fresh.items()}).html
    clean = EMPTY_LINK.sub("", IMAGE.sub(image_or_words, clean)).strip()
    shown = cids_in(clean)
    files = (replace(picture, content_id=fresh[cid]) for cid, picture in pictures.items())
    return clean, tuple(file for file in files if file.content_id in shown)


def pictures_of(original: Understood, html: str) -> Mapping[str, File]:
    """Content-ID -> picture, of those that the HTML names; as many as may go along."""
    found: dict[str, File] = {}
    room = LARGEST_PICTURES
    for info, file in zip(original.mail.attachments, original.files, strict=True):
        is_shown = info.content_id and info.content_type.startswith("image/") and info.content_id in html
        if is_shown and info.content_id not in found and info.size <= room:
            found[info.content_id] = File(info.name, info.content_type, file.content)
            room -= info.size
    return found


def image_or_words(match: Match[str]) -> str:
    """A picture that doesn't come along leaves the words that stand for it."""
    if ' src="' in match.group():
        return match.group()
    alt = ALT.search(match.group())
    return escape(unescape(alt.group(1)), quote=False) if alt else ""
