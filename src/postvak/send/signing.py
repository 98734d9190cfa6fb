"""Our own DKIM signature (RFC 6376), put in front of a mail right before it is handed over.

A mail is signed with the key that is on for the domain of its author's address: only that one counts for DMARC
(alignment, RFC 7489 section 3.1). A mail whose key is on never goes out unsigned.
"""

import re

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from postvak.crypto.sealing import CannotOpen
from postvak.mail.addresses import ascii_domain, read_addresses
from postvak.mail.header_lines import header_end
from postvak.mail.tree import build
from postvak.models import Channel, OutgoingMail, SigningKey

SIGNED = (
    b"from", b"to", b"cc", b"subject", b"date", b"message-id", b"in-reply-to", b"references", b"reply-to",
    b"mime-version", b"content-type", b"content-transfer-encoding",
)  # fmt: skip
BAR = (b"from",)  # once more than it is there: a second one, which some programs show, breaks the signature
LARGE = 1_000_000  # bytes
NO_HEADER = (dkim.MessageFormatError, LookupError, TypeError, ValueError)  # how dkimpy says so
LINE_END = re.compile(rb"\r\n|\r|\n")


class CannotSign(Exception):
    """The mail should be signed and can't be; it waits. The text says what to do."""


def signed(raw: bytes, mail: OutgoingMail) -> bytes:
    """`raw` with the signature in front, or as it is when its author's domain has no key that is on.

    A provider's API builds the mail anew and signs it itself; our signature would be a broken one there. Raises CannotSign.
    """
    return raw if mail.channel.kind == Channel.Kind.PROVIDER else sign(raw)


def sign(raw: bytes) -> bytes:
    """See signed(); for mails that aren't in the outbox. Raises CannotSign."""
    key = SigningKey.objects.filter(domain=author_domain(raw), is_on=True).first()
    return with_signature(raw, key) if key else raw


def author_domain(raw: bytes) -> str:
    """Of the address in From, in ASCII; "" where there isn't exactly one. Read as every reader does, who steps over lines
    that are none: such a mail can't be signed, and must not go out unsigned therefore."""
    stop, _body = header_end(raw)
    lines = build(raw[:stop]).root.headers.all("from")
    authors = read_addresses(lines[0]) if len(lines) == 1 else ()
    return ascii_domain(authors[0].domain) if len(authors) == 1 else ""


def header_lines(raw: bytes) -> list[tuple[bytes, bytes]]:
    """(name in lower case, value), as the one who signs reads them; [] for what is no header."""
    stop, _body = header_end(raw)
    try:
        lines, _rest = dkim.rfc822_parse(raw[:stop])
    except NO_HEADER:
        return []
    return [(name.strip().lower(), value) for name, value in lines]


def with_signature(raw: bytes, key: SigningKey) -> bytes:
    """Line ends become CRLF first, as the server will get them. Blanks that a server takes away in the text do no harm
    (relaxed); in large mails, which are base64, that isn't worth seconds of computing."""
    content = LINE_END.sub(b"\r\n", raw)
    body = b"simple" if len(content) > LARGE else b"relaxed"
    try:
        line = dkim.sign(
            content, key.selector.encode(), key.domain.encode(), key.private,
            canonicalize=(b"relaxed", body), include_headers=[*present(content), *BAR],
        )  # fmt: skip
    except CannotOpen as error:
        raise CannotSign(f"The key {key} can't be opened. {error}") from error
    except (dkim.DKIMException, *NO_HEADER) as error:
        raise CannotSign(f"The mail can't be signed with the key {key}: {error}") from error
    return bytes(line) + content


def present(content: bytes) -> list[bytes]:
    """The names to sign, each as often as it is there."""
    there = [name for name, _value in header_lines(content)]
    return [name for wanted in SIGNED for name in there if name == wanted]


def make_pair() -> tuple[bytes, str]:
    """(private key as PEM, public key as `p=` has it); RSA with 2048 bits: what every receiver verifies, and DNS takes."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return pem, "".join(public.decode().splitlines()[1:-1])
