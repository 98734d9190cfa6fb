"""The HTML that agents write: what an editor and a paste may leave in our mails, and its pictures as cid: parts.

Stricter than `html` is with strangers: no remote pictures, no classes, no layout that could cover a page. In stored and
sent HTML a picture is `<img src="cid:…">`; in the editor it has an address of ours and `data-cid`.
"""

from __future__ import annotations

import html as entities
import re
from collections.abc import Mapping

import nh3
from selectolax.lexbor import LexborHTMLParser

from postvak.mail.charsets import storable
from postvak.mail.html import MAX_LENGTH, from_text, is_too_deep, to_text
from postvak.mail.html_rules import DROPPED_WITH_CONTENT

__all__ = ["cids_in", "clean", "for_editor", "text_of", "with_sources"]

# fmt: off
TAGS = frozenset(
    ["a", "b", "blockquote", "br", "caption", "code", "col", "colgroup", "del", "div", "em", "font", "h1", "h2", "h3", "hr",
     "i", "img", "li", "ol", "p", "pre", "s", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th",
     "thead", "tr", "u", "ul"]
)
# fmt: on
ATTRIBUTES: dict[str, set[str]] = {
    "*": {"style", "align", "dir", "lang"},
    "a": {"href", "title"},
    "img": {"src", "alt", "width", "height"},
    "font": {"color", "face", "size"},
    "ol": {"start", "type"},
    "li": {"value"},
    "blockquote": {"type"},
    "table": {"border", "cellpadding", "cellspacing", "width", "bgcolor"},
    "td": {"colspan", "rowspan", "width", "valign", "bgcolor"},
    "th": {"colspan", "rowspan", "width", "valign", "bgcolor", "scope"},
    "tr": {"valign", "bgcolor"},
    "col": {"span", "width"},
    "colgroup": {"span"},
}
STYLES = re.compile(
    r"(?:background-color|background|color|font-(?:family|size|style|weight)|text-(?:align|decoration|indent)"
    r"|vertical-align|white-space|direction|list-style-type"
    r"|(?:border|padding|margin)(?:-(?:top|right|bottom|left))?|border-collapse|border-color|width)"
)
VALUE = re.compile(r"[\w\s#.,%()+'\"-]{1,200}")
UNSAFE = re.compile(r"url|image|expression|var\(|attr\(|calc\(|-\d", re.I)
CID = re.compile(r"[\w.+@-]{1,100}")
LINK_SCHEMES = ("http", "https", "mailto", "tel")
CIDS = re.compile(
    r"""(<img(?:\s+[a-z-]+="[^"]*")*?\s+)src="cid:([\w.+@-]{1,100})\"""", re.I
)  # words about src="cid:…" are none


def clean(html: str) -> str:
    """What of `html` goes out: no script, class, remote picture. Pictures of ours become cid:. Too large or too deep: its
    text. Never raises; clean(clean(x)) is clean(x)."""
    if len(html) > MAX_LENGTH or is_too_deep(html):
        return from_text(to_text(html))
    without = nh3.clean(
        storable(pictures_as_cid(html)),
        tags=set(TAGS),
        clean_content_tags=set(DROPPED_WITH_CONTENT),
        attributes=ATTRIBUTES,
        attribute_filter=decide,
        link_rel=None,
        url_schemes={*LINK_SCHEMES, "cid"},
        url_relative="deny",
        strip_comments=True,
    )
    return re.sub(r"<img(?![^<>]*\bsrc=)[^<>]*>", "", without).strip()


def pictures_as_cid(html: str) -> str:
    """`data-cid` says which picture an <img> of the editor shows."""
    if "data-cid" not in html:
        return html
    tree = LexborHTMLParser(html)
    if tree.body is None:
        return html
    for node in tree.css("img[data-cid]"):
        node.attrs["src"] = f"cid:{node.attributes.get('data-cid') or ''}"
    return inner(tree)


def inner(tree: LexborHTMLParser) -> str:
    body = tree.body
    return re.sub(r"\A<body[^<>]*>|</body>\Z", "", (body.html or "").strip()) if body is not None else ""


def decide(tag: str, name: str, value: str) -> str | None:
    """nh3 asks for each attribute."""
    if name == "style":
        return style(value)
    if name == "src":
        cid = value.strip()[4:].strip("<> ") if value.strip()[:4].lower() == "cid:" else ""
        return f"cid:{cid}" if CID.fullmatch(cid) else None
    if name == "href":
        scheme = re.sub(r"[\s\x00-\x1f]", "", value.partition(":")[0]).lower()
        return value.strip() if scheme in LINK_SCHEMES else None
    return value if len(value) <= 1000 else None


def style(value: str) -> str | None:
    kept = [one.strip() for one in value.split(";") if is_plain(one)]
    return "; ".join(kept) or None


def is_plain(declaration: str) -> bool:
    name, _colon, value = declaration.partition(":")
    if not STYLES.fullmatch(name.strip().lower()):
        return False
    return VALUE.fullmatch(value.strip()) is not None and not UNSAFE.search(value)


def cids_in(html: str) -> frozenset[str]:
    """Content-IDs (without <>) of the pictures that the clean `html` shows."""
    return frozenset(cid for _before, cid in CIDS.findall(html))


def for_editor(html: str, urls: Mapping[str, str]) -> str:
    """Clean HTML with addresses for its pictures, for the editor or a preview; `urls`: Content-ID -> address of ours."""

    def address(match: re.Match[str]) -> str:
        before, cid = match.groups()
        url = urls.get(cid)
        return f'{before}src="{entities.escape(url)}" data-cid="{cid}"' if url else f'{before}src=""'

    return CIDS.sub(address, html)


def with_sources(html: str, sources: Mapping[str, str]) -> str:
    """`html` of a mail of ours with addresses instead of cid:, to look at; `sources`: Content-ID -> address."""
    return CIDS.sub(lambda match: f'{match[1]}src="{entities.escape(sources.get(match[2], ""))}"', html)


def text_of(html: str) -> str:
    """The plain text of clean HTML; behind a link whose words don't name it stands where it leads."""
    if "<a " not in html or len(html) > MAX_LENGTH or is_too_deep(html):
        return to_text(html)
    tree = LexborHTMLParser(html)
    for node in tree.css("a[href]"):
        target = (node.attributes.get("href") or "").strip()
        words, bare = node.text().strip(), re.sub(r"^(?:https?://|mailto:|tel:)", "", target).rstrip("/")
        if target and bare.lower() not in words.lower():
            node.insert_child(f" <{target}>")
    return to_text(inner(tree))
