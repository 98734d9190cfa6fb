"""Which HTML of strangers is let through, and which elements stand for lines: the lists that `html` goes by."""

from __future__ import annotations

import re

# fmt: off
# These close by themselves or have no content, so many of them in a row are not deep.
FLAT = frozenset(
    ["area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta", "option",
     "p", "source", "td", "th", "tr", "track", "wbr"]
)
DROPPED_WITH_CONTENT = frozenset(
    ["head", "iframe", "math", "noscript", "object", "script", "style", "svg", "template", "title"]
)
TAGS = frozenset(
    ["a", "abbr", "address", "article", "aside", "b", "bdi", "bdo", "big", "blockquote", "br", "caption",
     "center", "cite", "code", "col", "colgroup", "dd", "del", "details", "dfn", "div", "dl", "dt", "em",
     "figcaption", "figure", "font", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "i", "img",
     "ins", "kbd", "li", "main", "mark", "nav", "ol", "p", "pre", "q", "s", "samp", "section", "small", "span",
     "strike", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "time", "tr",
     "tt", "u", "ul", "var", "wbr"]
)
BLOCKS = frozenset(
    ["address", "article", "aside", "blockquote", "center", "dd", "details", "div", "dl", "dt", "figure",
     "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p",
     "pre", "section", "table", "tbody", "tfoot", "thead", "tr", "ul"]
)
SPACED = frozenset(
    ["blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "table", "ul"]
)
SILENT = frozenset(
    ["head", "noscript", "script", "style", "template", "title"]
)
# fmt: on
ATTRIBUTES: dict[str, set[str]] = {
    "*": {"align", "bgcolor", "dir", "lang", "style", "title", "valign", "width", "height", "background"},
    "a": {"href", "name"},
    "img": {"src", "srcset", "alt", "border", "hspace", "vspace"},
    "table": {"border", "cellpadding", "cellspacing", "summary"},
    "td": {"colspan", "rowspan", "nowrap"},
    "th": {"colspan", "rowspan", "nowrap", "scope"},
    "col": {"span"},
    "colgroup": {"span"},
    "font": {"color", "face", "size"},
    "ol": {"start", "type", "reversed"},
    "ul": {"type"},
    "li": {"value"},
    "blockquote": {"type"},
    "time": {"datetime"},
}
SCHEMES = {"http", "https", "mailto", "tel", "cid", "data"}
STYLES = re.compile(
    r"(?:background(?:-color)?|border(?:-[a-z-]+)?|border-collapse|border-spacing|caption-side|clear|color|direction|display"
    r"|float|font(?:-[a-z]+)?|height|letter-spacing|line-height|list-style(?:-type|-position)?|margin(?:-[a-z]+)?"
    r"|max-height|max-width|min-height|min-width|mso-[a-z-]+|padding(?:-[a-z]+)?|table-layout|text-[a-z-]+"
    r"|unicode-bidi|vertical-align|white-space|width|word-[a-z]+|overflow-wrap)"
)
DATA_IMAGE = re.compile(r"data:image/(?:png|jpe?g|gif|webp|bmp)[;,]", re.I)
REMOTE = re.compile(r"\s*(?:https?:)?//", re.I)
