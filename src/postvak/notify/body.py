"""The two bodies of a finished mail: the words, the signature, the footer, and the mail that is answered, in the brand's look."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from postvak.mail.compose import File
from postvak.mail.outgoing_html import cids_in
from postvak.mail.quotes import INTRODUCTIONS
from postvak.models import Look, Message, Wording
from postvak.notify.look import Parts, dressed, logo_of, look_of, reply_line
from postvak.notify.quoting import Quotation, quotation_of
from postvak.notify.words import Setting, Words, ending

SEPARATOR = "-- \n"  # RFC 3676 section 4.3


@dataclass(frozen=True, slots=True)
class Body:
    """`files`: the pictures that the HTML shows besides those of the words: quoted ones and the logo."""

    text: str
    html: str
    files: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True)
class Dress:
    """What the brand adds: its look, the logo as a file, and wordings (of all owners); for a preview, unsaved ones."""

    look: Look | None
    logo: File | None
    rows: Sequence[Wording] | None = None


def body_of(
    words: Words,
    setting: Setting,
    *,
    quoted: Message | Quotation | None = None,
    opens: bool = False,
    is_wanted: bool = False,
) -> Body:
    """The mail as it goes out. `words`: what was written, its HTML clean. `quoted`: the mail that is answered, unless the
    brand quotes none (what is internal is never quoted); or what stands there instead, as in a forwarded mail. `opens`: it goes
    out encrypted, so it may quote an encrypted mail; `is_wanted`: also one of which it isn't sure who wrote it."""
    look = look_of(setting.brand)
    dress = Dress(look, logo_of(look, domain_of(setting)))
    return put_together(words, setting, dress, quoted=quoted, opens=opens, is_wanted=is_wanted)


def put_together(
    words: Words,
    setting: Setting,
    dress: Dress,
    *,
    quoted: Message | Quotation | None = None,
    opens: bool = False,
    is_wanted: bool = False,
) -> Body:
    look, language = dress.look, spoken(setting)
    quotation = quoted if isinstance(quoted, Quotation) else Quotation()
    if isinstance(quoted, Message) and (look is None or look.quotes_history):
        quotation = quotation_of(quoted, language, domain=domain_of(setting), opens=opens, is_wanted=is_wanted)
    below, small = ending(setting, dress.rows)
    above = reply_line(language) if look and look.reply_line else ""
    parts = Parts(words.as_html, below.as_html, small.as_html, quotation.html, above)
    html = dressed(parts, look, dress.logo, brand=setting.brand.name, language=language)
    logo = (dress.logo,) if dress.logo else ()
    return Body(text_of(words, below, small, quotation, above), html, (*quotation.files, *logo))


def domain_of(setting: Setting) -> str:
    return setting.address.email.rpartition("@")[2] or "localhost"


def text_of(words: Words, below: Words, small: Words, quotation: Quotation, above: str) -> str:
    signed = "\n\n".join(one.text.strip() for one in (below, small) if one)
    pieces = (above, words.text.rstrip(), SEPARATOR + signed if signed else "", quotation.text.rstrip("\n"))
    return "\n\n".join(piece for piece in pieces if piece) + "\n"


def spoken(setting: Setting) -> str:
    """The language of what we write around the words: the mail's if we speak it, else the brand's."""
    wanted = (setting.language[:2].lower(), setting.brand.language[:2].lower())
    return next((language for language in wanted if language in INTRODUCTIONS), "en")


def missing_pictures(html: str, files: Iterable[File]) -> frozenset[str]:
    """Content ids of pictures that the HTML shows and that no file carries: such a mail must not go out."""
    return cids_in(html) - {file.content_id for file in files}
