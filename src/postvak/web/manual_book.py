"""The manual as a book: its files (docs/manual/<language>/NN-topic.md), its chapters, and what is found in it.

Every language has the same files with the same headings; the English headings give all of them their anchors, so that a
link works whoever reads it. A chapter becomes HTML when it is first asked for. Chapters below 20 are for all agents,
those from 20 on for administrators.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import get_language
from markdown_it import MarkdownIt
from markdown_it.token import Token

PACKAGE = Path(__file__).parent.parent
PLACES = (PACKAGE / "manual", PACKAGE.parent.parent / "docs" / "manual")  # of the wheel, of the repository
LANGUAGES = ("en", "nl", "de")
FOR_ADMINISTRATORS = 20
NAME = re.compile(r"(?P<number>\d\d)-(?P<topic>[a-z-]+)\.md")
HEADING = re.compile(r"^(?P<level>#{1,3}) (?P<title>.+)$", re.MULTILINE)
LINK = re.compile(r"\d\d-(?P<topic>[a-z-]+)\.md(?P<anchor>#[a-z0-9-]+)?")
MARKUP = re.compile(r"\[([^\]]*)\]\([^)]*\)|[*`\\]|(?m:^[#>\s]+(?=\S))")
TABLE = re.compile(r"\||^[-|\s]+$", re.MULTILINE)
MOST_HITS = 40
AROUND = 90  # letters on each side of what was found
CODE = re.compile(r"```.*?```", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with its text; the first one, without anchor, is the chapter's beginning."""

    title: str
    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class Chapter:
    number: int
    topic: str
    title: str
    source: str
    sections: tuple[Section, ...]

    @property
    def url(self) -> str:
        return reverse("manual-chapter", args=[self.topic])

    @property
    def summary(self) -> str:
        """Its first words, or what it is about."""
        return self.sections[0].text or " · ".join(section.title for section in self.sections[1:])


@dataclass(frozen=True, slots=True)
class Hit:
    """`parts`: the text around, in turn plain and found."""

    chapter: Chapter
    section: Section
    parts: tuple[str, ...]

    @property
    def url(self) -> str:
        return f"{self.chapter.url}#{self.section.anchor}" if self.section.anchor else self.chapter.url


def reader_language() -> str:
    language = (get_language() or "en")[:2]
    return language if language in LANGUAGES else "en"


def root() -> Path:
    return next((place for place in PLACES if place.is_dir()), PLACES[0])


@cache
def chapters(language: str) -> tuple[Chapter, ...]:
    """In their order. Empty when the package was built without its manual."""
    files = sorted((root() / language).glob("[0-9][0-9]-*.md"))
    return tuple(chapter_of(path) for path in files)


def chapter_of(path: Path) -> Chapter:
    name = NAME.fullmatch(path.name)
    if name is None:
        raise ValueError(f"{path}: a chapter is called 05-search.md")
    source = path.read_text(encoding="utf-8")
    found = tuple(sections(source, anchors(name["topic"], path.parent.parent / "en" / path.name)))
    return Chapter(int(name["number"]), name["topic"], found[0].title, source, found)


def anchors(topic: str, english: Path) -> tuple[str, ...]:
    """Of the headings below the title, in order."""
    titles = [match["title"] for match in headings(english.read_text(encoding="utf-8"))]
    return tuple(slugify(title) or f"{topic}-{place}" for place, title in enumerate(titles))[1:]


def headings(source: str) -> list[re.Match[str]]:
    """A comment in a program is none."""
    return list(HEADING.finditer(CODE.sub(lambda block: " " * len(block.group()), source)))


def sections(source: str, names: Sequence[str]) -> Iterator[Section]:
    found = headings(source)
    ends = [match.start() for match in found[1:]] + [len(source)]
    for match, end, anchor in zip(found, ends, ("", *names), strict=True):
        yield Section(plain(match["title"]), anchor, plain(source[match.end() : end]))


def plain(markdown: str) -> str:
    return " ".join(TABLE.sub(" ", MARKUP.sub(lambda match: match.group(1) or "", markdown)).split())


def chapter(language: str, topic: str) -> Chapter | None:
    return next((each for each in chapters(language) if each.topic == topic), None)


# ---- HTML ------------------------------------------------------------


@cache
def html(language: str, topic: str) -> str:
    """The text of a chapter below its title. Without HTML of its own, pictures or scripts: there is nothing to clean."""
    found = chapter(language, topic)
    if found is None:
        return ""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    tokens = markdown.parse(found.source)[3:]  # the title stands in the head of the page
    name = iter(found.sections[1:])
    for token in tokens:
        if token.type == "heading_open":
            token.attrSet("id", next(name).anchor)
        elif token.type == "table_open":
            token.attrSet("class", "table")
        for inner in token.children or ():
            if inner.type == "link_open":
                lead(inner)
    text = str(markdown.renderer.render(tokens, markdown.options, {}))
    return text.replace("<table", '<div class="table-wrap" tabindex="0"><table').replace("</table>", "</table></div>")


def lead(link: Token) -> None:
    """From a file to its page; addresses elsewhere learn nothing of where the reader comes from."""
    match = LINK.fullmatch(str(link.attrGet("href") or ""))
    if match:
        link.attrSet("href", f"{reverse('manual-chapter', args=[match['topic']])}{match['anchor'] or ''}")
    else:
        link.attrSet("rel", "noreferrer")


# ---- search ------------------------------------------------------------


def search(language: str, asked: str) -> list[Hit]:
    """Sections with all words, those first that have them in their heading, then in their chapter's."""
    words = folded(asked).split()[:8]
    if not words:
        return []
    found = []
    for each in chapters(language):
        for section in each.sections:
            title, text = folded(section.title), folded(section.text)
            if all(word in title or word in text for word in words):
                rank = sum(word not in title for word in words), sum(word not in folded(each.title) for word in words)
                found.append((rank, Hit(each, section, around(section.text, words))))
    return [hit for _rank, hit in sorted(found, key=lambda one: one[0])][:MOST_HITS]


def around(text: str, words: Sequence[str]) -> tuple[str, ...]:
    """The first place of the text with one of the words, cut at blanks; its beginning if they stand in the heading only."""
    places = [found for word in words if (found := folded(text).find(word)) >= 0]
    start = max(0, min(places, default=0) - AROUND)
    start = start and text.find(" ", start) + 1
    part = text[start : start + 2 * AROUND]
    if start + len(part) < len(text):
        part = f"{part.rpartition(' ')[0]} …"
    return marked(f"… {part}" if start else part, words)


def marked(text: str, words: Sequence[str]) -> tuple[str, ...]:
    """In turn plain and found."""
    parts, end = [], 0
    for match in re.finditer("|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)), folded(text)):
        parts += [text[end : match.start()], text[match.start() : match.end()]]
        end = match.end()
    return (*parts, text[end:])


def folded(text: str) -> str:
    """Small letters without marks; each letter stays in its place."""
    return "".join(folded_letter(letter) for letter in text)


@cache
def folded_letter(letter: str) -> str:
    plain_letter = "".join(part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part))
    low = plain_letter.lower()
    return low if len(low) == 1 else letter
