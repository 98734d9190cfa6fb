"""Which parts of a mail are its text, its HTML and its files.

Parts inside one multipart/alternative are one block in two forms; other texts are blocks of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

from postvak.mail.attachments import MESSAGE_TYPES, MailFile
from postvak.mail.charsets import decode
from postvak.mail.html import to_text
from postvak.mail.tnef import Tnef, is_tnef, read_tnef
from postvak.mail.tree import Part, Tree, build, strip_envelope
from postvak.mail.uuencode import split_files

# Only these are read as text beside others; a text of any other type is shown when there is nothing else.
TEXTS = frozenset(["text/plain", "text/html"])
FILE_TEXTS = frozenset(
    [
        "text/calendar",
        "text/csv",
        "text/vcard",
        "text/x-vcard",
        "text/directory",
        "text/xml",
        "text/x-amp-html",
        "text/rfc822-headers",
        "text/x-patch",
        "text/x-diff",
        "text/css",
        "text/javascript",
        "text/rtf",
    ]
)
MAX_MESSAGES = 20


@dataclass(frozen=True, slots=True)
class Body:
    """Text, HTML and files of a mail, and what was broken in them."""

    text: str
    html: str
    files: tuple[MailFile, ...]
    defects: tuple[str, ...]


@dataclass
class _Block:
    plain: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)

    def as_text(self) -> str:
        plain = "\n".join(self.plain)
        return plain if plain.strip() or not self.html else "\n".join(to_text(one) for one in self.html)

    def as_html(self) -> str:
        return "\n".join(self.html) or f"<pre>{escape(chr(10).join(self.plain))}</pre>"


def read_body(tree: Tree) -> Body:
    """Sort all leaves into text, HTML and files. Never raises."""
    reader = _Reader(tree)
    reader.read()
    if not reader.has_text():
        reader.add_whatever_is_text()
    ordered = list(reader.blocks.values())
    has_html = any(one.strip() for block in ordered for one in block.html)
    html = "\n".join(block.as_html() for block in ordered) if has_html else ""
    text = "\n".join(filter(None, (block.as_text() for block in ordered)))
    return Body(text, html, tuple(reader.files), tuple(dict.fromkeys(filter(None, reader.defects))))


@dataclass
class _Reader:
    """Goes through the leaves of one mail."""

    tree: Tree
    opens_messages: bool = True
    blocks: dict[int, _Block] = field(default_factory=dict)
    files: list[MailFile] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)
    tnef: list[Tnef] = field(default_factory=list)

    def read(self) -> None:
        for part in self.tree.parts:
            if part.is_multipart:
                continue
            shown = is_text(part)
            content, defect = part.content(is_shown=shown)
            self.defects.append(defect)
            if shown:
                self._add_text(part, content)
            elif not is_tnef(part.content_type, part.filename, content) or not self._add_tnef(part, content):
                self._add_file(part, content)

    def has_text(self) -> bool:
        return any(one.strip() for block in self.blocks.values() for one in (*block.plain, *block.html))

    def _add_text(self, part: Part, content: bytes) -> None:
        text, defect = decode(content, part.parameters.get("charset", ""))
        self.defects.append(defect)
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        if not text.strip() and part.parent >= 0:
            return
        block = self._block(part)
        if part.content_type == "text/html":
            block.html.append(text)
            return
        text, files = split_files(text)
        self.files += [MailFile(part, one.content, n, one.name) for n, one in enumerate(files, 1)]
        if part.parameters.get("format", "").lower() == "flowed":
            text = unflow(text, delete_space=part.parameters.get("delsp", "").lower() == "yes")
        block.plain.append(text)

    def _block(self, part: Part) -> _Block:
        key = part.alternative if part.alternative >= 0 else part.index
        return self.blocks.setdefault(key, _Block())

    def _add_file(self, part: Part, content: bytes) -> None:
        """A file; a message in a digest is shown as text, too (RFC 2046 section 5.1.5)."""
        self.files.append(MailFile(part, content))
        parent = self.tree.parts[part.parent] if part.parent >= 0 else part
        if part.content_type in MESSAGE_TYPES and parent.content_type == "multipart/digest":
            self._add_message(part, content)

    def _add_message(self, part: Part, content: bytes) -> None:
        if self.opens_messages and len(self.blocks) < MAX_MESSAGES:
            self.blocks[part.index] = _Block([_text_of_message(content)])

    def _add_tnef(self, part: Part, content: bytes) -> bool:
        """Files out of a winmail.dat; False when it can't be read as such."""
        found = read_tnef(content)
        if found is None:
            self.defects.append("tnef_broken")
            return False
        if found.is_cut:
            self.defects.append("tnef_broken")
            self.files.append(MailFile(part, content))
        self.tnef.append(found)
        self.files += [
            MailFile(part, one.content, n, one.name, one.content_type, one.content_id)
            for n, one in enumerate(found.files, 1)
        ]
        return True

    def add_whatever_is_text(self) -> None:
        """No part is text: what a winmail.dat says, a text file that is meant to be seen, a text of another
        type, an attached message, or what stands before the first boundary or after the last."""
        for found in self.tnef:
            self.blocks[0] = _Block([found.text] if found.text else [], [found.html] if found.html else [])
        for choose in (_is_inline_text, _is_odd_text, _is_message):
            for file in self.files if not self.has_text() else []:
                if choose(file):
                    self._show(file)
                    break
        root = self.tree.root
        for around in (root.preamble, root.epilogue):
            text = "" if self.has_text() else decode(around)[0].replace("\r\n", "\n").strip()
            if text:
                self.blocks[0] = _Block(plain=[text])

    def _show(self, file: MailFile) -> None:
        if file.part.content_type in MESSAGE_TYPES:
            self._add_message(file.part, file.content)
        else:
            self._add_text(file.part, file.content)


def _is_inline_text(file: MailFile) -> bool:
    return not file.place and file.part.content_type in TEXTS and file.part.disposition[0] == "inline"


def _is_odd_text(file: MailFile) -> bool:
    part = file.part
    shown = part.content_type.startswith("text/") and part.content_type not in TEXTS | FILE_TEXTS
    return shown and not file.place and part.disposition[0] != "attachment"


def _is_message(file: MailFile) -> bool:
    return not file.place and file.part.content_type in MESSAGE_TYPES


def _text_of_message(content: bytes) -> str:
    """The text of an attached message; messages in it are not opened."""
    reader = _Reader(build(strip_envelope(content)), opens_messages=False)
    reader.read()
    return "\n".join(filter(None, (block.as_text() for block in reader.blocks.values())))


def is_text(part: Part) -> bool:
    """Is this leaf shown as text (else it is a file)?"""
    if part.content_type.startswith("multipart/"):
        return True  # a multipart that could not be split
    if part.content_type not in TEXTS and (part.parent >= 0 or not _is_any_text(part)):
        return False
    disposition, _ = part.disposition
    return disposition != "attachment" and not (part.filename and part.parent >= 0)


def _is_any_text(part: Part) -> bool:
    return part.content_type.startswith("text/") and part.content_type not in FILE_TEXTS


def unflow(text: str, *, delete_space: bool = False) -> str:
    """Join the soft line breaks of format=flowed (RFC 3676); quotes keep their depth, "-- " stays a line."""
    lines: list[str] = []
    open_depth = -1
    for line in text.split("\n"):
        bare = line.lstrip(">")
        depth = len(line) - len(bare)
        bare = bare.removeprefix(" ")
        # "> > text" is another program's quoting: its blanks say nothing about line breaks
        is_soft = bare.endswith(" ") and bare != "-- " and not (depth and bare.startswith(">"))
        if open_depth == depth and bare != "-- ":
            lines[-1] += bare
        else:
            lines.append(f"{'>' * depth} {bare}" if depth else bare)
        if is_soft and delete_space:
            lines[-1] = lines[-1][:-1]
        open_depth = depth if is_soft else -1
    return "\n".join(lines)
