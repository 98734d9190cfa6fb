"""HTML of strangers made harmless, HTML to text, and text to HTML for our own answers.

What is too large or too deep for the cleaner is shown as escaped text instead: nothing hangs.
"""

from __future__ import annotations

import html as entities
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import nh3
from selectolax.lexbor import LexborHTMLParser, LexborNode

from postvak.mail.charsets import storable
from postvak.mail.html_rules import (
    ATTRIBUTES,
    BLOCKS,
    DATA_IMAGE,
    DROPPED_WITH_CONTENT,
    FLAT,
    REMOTE,
    SCHEMES,
    SILENT,
    SPACED,
    STYLES,
    TAGS,
)

__all__ = ["BLOCKS", "MAX_LENGTH", "Sanitised", "from_text", "is_too_deep", "sanitise", "to_text"]

MAX_LENGTH = 2_000_000
MAX_NESTING = 400
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
LINK = re.compile(r"\b(?:https?://|www\.)[^\s<>\"]*[^\s<>\".,;:!?)\]}']", re.I)


@dataclass(frozen=True, slots=True)
class Sanitised:
    """HTML that can be shown, and how many remote images and backgrounds were taken out."""

    html: str
    blocked: int


@dataclass
class _Attributes:
    """Decides on every attribute; counts what it blocks."""

    cid_urls: Mapping[str, str]
    allow_remote: bool
    never: frozenset[str] = frozenset()
    blocked: int = 0
    rules: dict[str, Callable[[str, str], str | None]] = field(init=False)

    def __post_init__(self) -> None:
        self.rules = {
            "style": lambda _, value: self._style(value),
            "src": lambda _, value: self._image(value),
            "srcset": self._remote_only,
            "background": self._remote_only,
            "href": lambda _, value: self._link(value),
        }

    def __call__(self, tag: str, name: str, value: str) -> str | None:
        rule = self.rules.get(name)
        return rule(tag, value) if rule else value

    def _image(self, value: str) -> str | None:
        url = value.strip()
        if url[:4].lower() == "cid:":
            return self.cid_urls.get(url[4:].strip().strip("<>"))
        if DATA_IMAGE.match(url):
            return url
        return self._remote(url)

    def _remote_only(self, _: str, value: str) -> str | None:
        return self._remote(value)

    def _remote(self, value: str) -> str | None:
        if not REMOTE.match(value):
            return None
        if self.allow_remote:
            return None if value.strip() in self.never else value
        self.blocked += 1
        return None

    def _link(self, value: str) -> str | None:
        url = value.strip()
        scheme = re.sub(r"[\s\x00-\x1f]", "", url.partition(":")[0]).lower()
        return url if url.startswith("#") or scheme in ("http", "https", "mailto", "tel") else None

    def _style(self, value: str) -> str | None:
        kept = [one.strip() for one in value.split(";") if self._is_harmless(one)]
        return "; ".join(kept) or None

    def _is_harmless(self, declaration: str) -> bool:
        name, colon, value = declaration.partition(":")
        lower = value.lower()
        if "url" in lower or "image" in lower:
            self.blocked += "//" in lower
            return False
        if not colon or not STYLES.fullmatch(name.strip().lower()):
            return False
        return not re.search(r"[\\<>@{}]|/\*|expression|javascript|var\(|attr\(", lower)


def sanitise(
    html: str, *, cid_urls: Mapping[str, str], allow_remote: bool = False, never: frozenset[str] = frozenset()
) -> Sanitised:
    """HTML without scripts, forms, style sheets and remote content; cid: images point to `cid_urls`.

    `cid_urls` maps Content-IDs (without <>) to URLs of ours. `never`: addresses that stay out even where remote content is
    allowed (mail.remote: pixels that only tell that the mail was read). Too large or too deep: the text in a <pre>.
    """
    if len(html) > MAX_LENGTH or is_too_deep(html):
        return Sanitised(f"<pre>{entities.escape(storable(to_text(html)))}</pre>", 0)
    decide = _Attributes(cid_urls, allow_remote, never)
    clean = nh3.clean(
        storable(html),
        tags=set(TAGS),
        clean_content_tags=set(DROPPED_WITH_CONTENT - TAGS),
        attributes=ATTRIBUTES,
        attribute_filter=decide,
        link_rel="noopener noreferrer",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        url_schemes=SCHEMES,
        url_relative="pass_through",
    )
    return Sanitised(clean, decide.blocked)


def is_too_deep(html: str) -> bool:
    """Are more than MAX_NESTING elements open at once? Closing tags count against their own name only."""
    if html.count("<") - html.count("</") <= MAX_NESTING:
        return False  # fewer are opened at all
    open_tags: Counter[str] = Counter()
    depth = 0
    for match in TAG.finditer(html):
        name = match.group(2).lower()
        if name in FLAT:
            continue
        if not match.group(1):
            open_tags[name] += 1
            depth += 1
            if depth > MAX_NESTING:
                return True
        elif open_tags[name]:
            open_tags[name] -= 1
            depth -= 1
    return False


def to_text(html: str) -> str:
    """The text of an HTML mail: blocks become lines, links and images their text. Never raises."""
    if len(html) > MAX_LENGTH or is_too_deep(html):
        return _roughly(html[: 4 * MAX_LENGTH])
    root = LexborHTMLParser(html).body
    if root is None:
        return ""
    writer = _TextWriter()
    _write_node(root, writer)
    return storable(writer.text())


class _TextWriter:
    """Collects words; knows how many line ends are due before the next one."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.due = 0
        self.preformatted = 0
        self.at_start = True

    def end_line(self, lines: int) -> None:
        self.due = max(self.due, lines)

    def break_line(self) -> None:
        self.due = min(self.due + 1, 3)

    def write(self, text: str) -> None:
        if not self.preformatted:
            text = re.sub(r"[ \t\r\n\f]+", " ", text)
            if self.due or self.at_start:
                text = text.lstrip(" ")
        if not text:
            return
        if self.pieces and self.due:
            self.pieces.append("\n" * self.due)
        self.due = 0
        self.at_start = False
        self.pieces.append(text)

    def text(self) -> str:
        return re.sub(r"[ \t]+\n", "\n", "".join(self.pieces).replace("\r\n", "\n")).strip()


def _write_node(root: LexborNode, writer: _TextWriter) -> None:
    """Depth-first without recursion: enter a node, then its children, then leave it."""
    node: LexborNode | None = root
    while node is not None:
        child = node.child if _enter(node, writer) else None
        if child is not None:
            node = child
            continue
        _leave(node, writer)
        node = _next(node, root, writer)


def _next(node: LexborNode, root: LexborNode, writer: _TextWriter) -> LexborNode | None:
    current: LexborNode | None = node
    while current is not None and current.mem_id != root.mem_id:
        if current.next is not None:
            return current.next
        current = current.parent
        if current is not None:
            _leave(current, writer)
    return None


def _enter(node: LexborNode, writer: _TextWriter) -> bool:
    """Write what stands before a node's children; False when they must not be looked at."""
    tag = node.tag or ""
    if tag == "-text":
        writer.write(node.text_content or "")
    elif tag == "br":
        writer.break_line()
    elif tag == "img":
        writer.write(node.attributes.get("alt") or "")
    elif tag in BLOCKS:
        writer.end_line(2 if tag in SPACED else 1)
        if tag == "li":
            writer.write("- ")
        writer.preformatted += tag == "pre"
    elif tag in ("td", "th"):
        writer.write(" ")
    return not tag.startswith("-") and tag not in SILENT


def _leave(node: LexborNode, writer: _TextWriter) -> None:
    tag = node.tag or ""
    if tag in BLOCKS:
        writer.end_line(2 if tag in SPACED else 1)
        writer.preformatted -= tag == "pre"


def _roughly(html: str) -> str:
    """Text of HTML that no parser should touch: tags cut out by a linear pattern."""
    text = re.sub(r"<(script|style)\b[^<]*", " ", html, flags=re.I)
    text = re.sub(r"<(?:br|/p|/div|/tr|/li)\b[^<>]*>", "\n", text, flags=re.I)
    text = entities.unescape(re.sub(r"<[^<>]*>", "", text))
    return storable(re.sub(r"\n\s*\n+", "\n\n", re.sub(r"[ \t]+", " ", text)).strip())


def from_text(text: str) -> str:
    """Minimal HTML of a plain text: a paragraph per block, escaped, web addresses become links."""
    clean = storable(text).replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    blocks = [block for block in re.split(r"\n{2,}", clean) if block.strip()]
    return "\n".join(f"<p>{_linked(block.strip(chr(10)))}</p>" for block in blocks)


def _linked(block: str) -> str:
    parts: list[str] = []
    at = 0
    for match in LINK.finditer(block):
        url = match.group()
        target = url if "://" in url else f"https://{url}"
        parts.append(entities.escape(block[at : match.start()]))
        parts.append(f'<a href="{entities.escape(target)}">{entities.escape(url)}</a>')
        at = match.end()
    parts.append(entities.escape(block[at:]))
    return "".join(parts).replace("\n", "<br>\n")
