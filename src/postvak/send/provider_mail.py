"""The frozen bytes as django-anymail wants a mail: whole where the provider takes bytes, else in its parts.

Who gets it is the envelope's matter alone: the headers only tell which of those recipients are named in To and Cc.
Most providers build these headers anew from the recipients of the request, so a later attempt for some of them names
only those; somebody who stands in no header (Bcc) never shares a request in which he would be named.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.mime.base import MIMEBase
from typing import Any

from anymail.utils import EmailAddress
from django.core.mail import EmailMultiAlternatives

from postvak.mail.addresses import normalise, read_addresses
from postvak.mail.charsets import decode
from postvak.mail.headers import decode_text
from postvak.mail.tree import Part, Tree, build
from postvak.send.providers import Provider

CONTAINERS = {"multipart/mixed", "multipart/alternative", "multipart/related"}
# What the provider writes himself, or takes as a field of its own.
NOT_PASSED_ON = {"from", "sender", "to", "cc", "bcc", "reply-to", "subject", "date", "dkim-signature", "return-path"}


class CannotCarry(Exception):
    """This mail would not be the same after it went through the provider; the text names the part."""


class ProviderMail(EmailMultiAlternatives):
    """A mail with the switches that django-anymail reads from it. `raw`: the frozen bytes; `envelope_from`: as there."""

    raw: bytes = b""
    envelope_from: str = ""
    anymail_status: Any = None
    esp_extra: Any  # only some providers know it

    def message(self, *, policy: Any = None) -> Any:
        """What a backend that sends raw mail serialises: the bytes, unchanged."""
        return Frozen(self.raw)


@dataclass(slots=True)
class Frozen:
    """Bytes in the clothes of a parsed mail: there is nothing in them to walk through and to change."""

    raw: bytes

    def walk(self) -> Iterator[None]:
        return iter(())

    def as_bytes(self) -> bytes:
        return self.raw


@dataclass(frozen=True, slots=True)
class People:
    """Recipients of one request, by the place where a reader sees them."""

    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        return self.to + self.cc + self.bcc


def requests_for(raw: bytes, recipients: Sequence[str], provider: Provider) -> list[People]:
    """How `recipients` (each an envelope address) are spread over requests, so that nobody is shown who was hidden."""
    if provider.takes_raw:
        return [People(to=tuple(recipients))]
    headers = build(raw).root.headers
    named = {name: {normalise(a.email) for a in read_addresses(headers.raw(name))} for name in ("to", "cc")}
    to = tuple(one for one in recipients if normalise(one) in named["to"])
    cc = tuple(one for one in recipients if one not in to and normalise(one) in named["cc"])
    hidden = tuple(one for one in recipients if one not in to and one not in cc)
    if not to and not cc:
        return [People(to=(one,)) for one in hidden]
    if not to:
        to, cc = cc[:1], cc[1:]
    return [People(to, cc, hidden)]


def make_mail(raw: bytes, people: People, provider: Provider, *, envelope_from: str) -> ProviderMail:
    """The mail for one request. Raises CannotCarry."""
    tree = build(raw)
    headers = tree.root.headers
    names = {} if provider.takes_raw else names_in(tree)
    author = next(iter(read_addresses(headers.raw("from"))), None)
    mail = ProviderMail(
        subject=headers.text("subject"),
        from_email=written(author.name, author.email) if author else envelope_from,
        to=[written(names.get(normalise(one), ""), one) for one in people.to],
        cc=[written(names.get(normalise(one), ""), one) for one in people.cc],
        bcc=list(people.bcc),
        reply_to=[written(a.name, a.email) for a in read_addresses(headers.raw("reply-to"))],
    )
    mail.raw, mail.envelope_from = raw, envelope_from
    if not provider.takes_raw:
        mail.extra_headers = extra_headers(tree, provider)
        add_parts(mail, tree, provider)
    return mail


def names_in(tree: Tree) -> dict[str, str]:
    """How To and Cc call each address."""
    headers = tree.root.headers
    return {normalise(a.email): a.name for key in ("to", "cc") for a in read_addresses(headers.raw(key))}


def written(name: str, email: str) -> str:
    """As django-anymail reads it back: letters of every alphabet, quoted where needed, not encoded."""
    return str(EmailAddress(display_name=name, addr_spec=email))


def extra_headers(tree: Tree, provider: Provider) -> dict[str, str]:
    """Message-ID, In-Reply-To, References, Auto-Submitted and all others of ours, each on one line."""
    passed = {
        name: decode_text(value)
        for name, value in tree.root.headers.lines
        if name.lower() not in NOT_PASSED_ON
        and name.lower() not in provider.refused_headers
        and not name.lower().startswith(("content-", "mime-"))
    }
    return passed | dict(provider.extra_headers)


def add_parts(mail: ProviderMail, tree: Tree, provider: Provider) -> None:
    """Text, HTML, pictures, files. Raises CannotCarry for what isn't one of these (a signature, an invitation)."""
    has_text = has_html = False
    for part in tree.parts:
        if part.is_multipart:
            check_container(part)
        elif part.content_type == "text/plain" and not has_text and is_body(part):
            mail.body, has_text = text_of(part), True
        elif part.content_type == "text/html" and not has_html and is_body(part):
            mail.attach_alternative(text_of(part), "text/html")
            has_html = True
        elif part.alternative >= 0 and is_direct_alternative(part, tree):
            raise CannotCarry(part.content_type)
        else:
            mail.attachments.append(as_attachment(part, provider))


def check_container(part: Part) -> None:
    if part.content_type not in CONTAINERS:
        raise CannotCarry(part.content_type)


def is_body(part: Part) -> bool:
    return part.disposition[0] != "attachment" and not part.filename


def is_direct_alternative(part: Part, tree: Tree) -> bool:
    return part.parent >= 0 and tree.parts[part.parent].content_type == "multipart/alternative"


def text_of(part: Part) -> str:
    content, _defect = part.content()
    return decode(content, part.parameters.get("charset", "utf-8"))[0].replace("\r\n", "\n")


def as_attachment(part: Part, provider: Provider) -> Any:
    """A picture of the text with its Content-ID, or a file. Where pictures can't stand in the text they come as files."""
    content, _defect = part.content()
    if part.content_id and part.disposition[0] == "inline" and provider.takes_inline:
        return as_picture(part, content)
    name = part.filename or ("original.eml" if part.content_type == "message/rfc822" else f"part-{part.index}")
    is_foreign = part.content_type.startswith("text/") and not is_utf8(content)
    return name, content, "application/octet-stream" if is_foreign else part.content_type


def as_picture(part: Part, content: bytes) -> MIMEBase:
    picture = MIMEBase(*part.content_type.split("/", 1))
    picture.set_payload(base64.encodebytes(content).decode("ascii"))
    picture["Content-Transfer-Encoding"] = "base64"
    picture.add_header("Content-Disposition", "inline", filename=part.filename or f"picture-{part.index}")
    picture["Content-ID"] = f"<{part.content_id}>"
    return picture


def is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def set_switches(mail: ProviderMail, *, metadata: Mapping[str, str], tracks: bool | None) -> None:
    """`metadata` comes back with every event; `tracks`: opened mails and clicked links are reported, None: no switch."""
    switches: dict[str, object] = {"metadata": dict(metadata)} if metadata else {}
    if tracks is not None:
        switches |= {"track_opens": tracks, "track_clicks": tracks}
    for name, value in switches.items():
        setattr(mail, name, value)
