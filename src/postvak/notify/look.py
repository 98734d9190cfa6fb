"""The look of a brand's mails: a frame of tables that Outlook understands, with inlined CSS, light and dark.

Only the frame, which is ours, goes through css-inline. What people wrote and what customers sent is put in afterwards.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from html import escape

from css_inline import CSSInliner
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext

from postvak.blobs import store
from postvak.mail.compose import File
from postvak.models import Brand, Look
from postvak.notify.colours import DARK_BACKGROUND, DARK_TEXT, luminance, mixed, readable_on, text_on

PLACE = re.compile(r"<!--pv:(\w+)-->")
FONTS: Mapping[str, str] = {
    Look.Font.SYSTEM: "'Segoe UI', system-ui, -apple-system, Roboto, 'Helvetica Neue', Arial, sans-serif",
    Look.Font.SANS: "Arial, Helvetica, sans-serif",
    Look.Font.SERIF: "Georgia, 'Times New Roman', Times, serif",
    Look.Font.MONO: "'Courier New', Courier, monospace",
}
STARTS: Mapping[bytes, str] = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
LARGEST_LOGO = 500_000  # bytes; it goes along with every mail
EXTENSIONS: Mapping[str, str] = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif"}
DARK_SHARE = 0.2  # luminance below which a background is dark by itself
PLAIN = '<div class="pv-words">\n{words}\n</div>\n'
PLAIN_SIGNATURE = '<div class="pv-signature" style="margin-top:1em">-- <br>\n{signature}\n</div>\n'
PLAIN_FOOTER = '<div class="pv-footer" style="margin-top:1em">\n{footer}\n</div>\n'


@dataclass(frozen=True, slots=True)
class Parts:
    """Clean HTML of what stands in a mail, "" for what it doesn't have; `reply_line` is text."""

    words: str
    signature: str = ""
    footer: str = ""
    quotation: str = ""
    reply_line: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """All that the frame depends on, so that it is made once and not for each mail."""

    accent: str
    background: str
    width: int
    font: str
    logo_width: int
    logo_id: str
    brand: str
    language: str
    filled: tuple[str, ...]


def look_of(brand: Brand) -> Look | None:
    """None: its mails are plain, unadorned HTML."""
    return Look.objects.filter(brand=brand).first()


def reply_line(language: str) -> str:
    """What stands on top where customers shall write above; mail.quotes knows such lines."""
    with translation.override(language):
        words = gettext("Please write your answer above this line")
    return f"––– {words} –––"  # noqa: RUF001


def dressed(parts: Parts, look: Look | None, logo: File | None, *, brand: str, language: str) -> str:
    """The HTML of the whole mail. `brand`: its name, for readers who don't see the logo."""
    if look is None:
        return plain(parts)
    frame = Frame(
        accent=look.accent,
        background=look.background,
        width=look.width,
        font=look.font,
        logo_width=look.logo_width,
        logo_id=logo.content_id if logo else "",
        brand=brand,
        language=language,
        filled=tuple(field.name for field in fields(Parts) if getattr(parts, field.name)),
    )
    contents = {**asdict(parts), "reply_line": escape(parts.reply_line)}
    pieces = pieces_of(frame)
    return "".join(contents[piece] if place % 2 else piece for place, piece in enumerate(pieces))


def plain(parts: Parts) -> str:
    below = PLAIN_SIGNATURE.format(signature=parts.signature) if parts.signature else ""
    below += PLAIN_FOOTER.format(footer=parts.footer) if parts.footer else ""
    return PLAIN.format(words=parts.words) + below + parts.quotation


def logo_of(look: Look | None, domain: str) -> File | None:
    """A mail goes out without its logo rather than not at all."""
    if look is None or look.logo_id is None or look.logo_type not in EXTENSIONS:
        return None
    try:
        return logo_file(logo_bytes(look.logo_id), look.logo_type, domain)
    except (store.BlobMissing, store.VaultUnreachable):
        return None


def logo_file(content: bytes, content_type: str, domain: str) -> File:
    digest = hashlib.sha256(content).hexdigest()[:20]
    return File(f"logo.{EXTENSIONS[content_type]}", content_type, content, f"logo.{digest}@{domain}")


def picture_type(content: bytes) -> str:
    """By its first bytes; "" for everything that can't be a logo, whatever its name says."""
    return next((kind for start, kind in STARTS.items() if content.startswith(start)), "")


@lru_cache(maxsize=16)
def logo_bytes(digest: str) -> bytes:
    return store.get(digest)


@lru_cache(maxsize=256)
def pieces_of(frame: Frame) -> tuple[str, ...]:
    """The frame with inlined CSS, cut where the contents stand: HTML, name, HTML, name, …, HTML."""
    tones = tones_of(frame)
    has = {f"has_{name}": name in frame.filled for name in ("signature", "footer", "quotation", "reply_line")}
    page = {"language": frame.language, "brand": frame.brand, "logo_id": frame.logo_id, "has_logo": bool(frame.logo_id)}
    styles = render_to_string("mail/look.css", tones)
    kept = render_to_string("mail/look_kept.css", tones)
    html = render_to_string("mail/look.html", {**page, **has, "look": frame, "styles": styles, "kept": kept})
    inlined = CSSInliner(load_remote_stylesheets=False).inline(html)
    return tuple(PLACE.split(inlined))


def tones_of(frame: Frame) -> dict[str, object]:
    """The colours of the style sheets. A background that is dark by itself stays when the reader prefers dark."""
    is_dark = luminance(frame.background) < DARK_SHARE
    ground = frame.background if is_dark else DARK_BACKGROUND
    return {
        **shades(frame.background, text_on(frame.background), frame.accent),
        "dark": shades(ground, DARK_TEXT, readable_on(ground, frame.accent)),
        "font": FONTS[frame.font],
        "look": frame,
    }


def shades(ground: str, text: str, accent: str) -> dict[str, object]:
    muted = readable_on(ground, mixed(text, ground, 0.3))
    return {"ground": ground, "text": text, "accent": accent, "muted": muted, "line": mixed(text, ground, 0.82)}
