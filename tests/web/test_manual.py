"""The manual: whole in every language, its links lead somewhere, and it names what there is."""

import gettext
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.test import Client
from django.urls import URLPattern
from django.utils import translation

import postvak
from postvak.mail.placeholders import LETTER_NAMES, RULE_NAMES
from postvak.models import Agent
from postvak.process.controls import CONTROLS
from postvak.tickets.search.operators import LANGUAGES as PLACES
from postvak.tickets.search.operators import OPERATORS, VALUES
from postvak.urls_with_api import urlpatterns
from postvak.web.admin.navigation import admin_navigation
from postvak.web.desk.palette import GO, GROUPS
from postvak.web.manual_book import LANGUAGES, LINK, Chapter, chapter, chapters, headings, html, search
from postvak.web.manual_pages import PAGES, chapter_for

PACKAGE = Path(postvak.__file__).parent
TRANSLATED = tuple(language for language in LANGUAGES if language != "en")
LABEL = re.compile(r"(?<!\*)\*\*([^*\n]+)\*\*(?!\*)")
TARGET = re.compile(r"\]\(([^)\s]+)\)")
NUMBERED = re.compile(r"(TicketKey|TicketValue|ArticleKey|ArticleValue|TicketTime)\d+")


def everything() -> Iterator[tuple[str, Chapter]]:
    for language in LANGUAGES:
        for each in chapters(language):
            yield language, each


def labels(each: Chapter) -> list[str]:
    """Words in bold; those that end like a sentence or with a colon, and numbers, are headings of their paragraph."""
    return [word for word in LABEL.findall(each.source) if not word.endswith((".", ":", "!")) and not word.isdigit()]


@cache
def catalogue(language: str) -> dict[str, set[str]]:
    """English sentence -> its translations, in whatever context."""
    path = PACKAGE / "locale" / language / "LC_MESSAGES" / "django.mo"
    found: dict[str, set[str]] = {}
    with path.open("rb") as file:
        for key, text in gettext.GNUTranslations(file)._catalog.items():  # type: ignore[attr-defined]
            if isinstance(key, str) and text:
                found.setdefault(key.rpartition("\x04")[2], set()).add(text)
    return found


def test_every_language_has_the_same_chapters_and_the_same_headings() -> None:
    english = [(each.number, each.topic, [len(m["level"]) for m in headings(each.source)]) for each in chapters("en")]
    assert len(english) > 25
    for language in TRANSLATED:
        own = [
            (each.number, each.topic, [len(m["level"]) for m in headings(each.source)]) for each in chapters(language)
        ]
        assert own == english


def test_every_link_of_the_manual_leads_to_a_chapter_and_a_heading() -> None:
    lost = []
    for language, each in everything():
        for target in TARGET.findall(each.source):
            match = LINK.fullmatch(target)
            there = chapter(language, match["topic"]) if match else None
            anchors = {"", *(f"#{section.anchor}" for section in there.sections)} if there else set()
            if match is None or (match["anchor"] or "") not in anchors or target[:2] != f"{there and there.number:02}":
                lost.append(f"{language} {each.topic}: {target}")
    assert not lost, "\n".join(lost)


def test_anchors_are_the_same_in_every_language_and_unique() -> None:
    for each in chapters("en"):
        anchors = [section.anchor for section in each.sections]
        assert len(set(anchors)) == len(anchors), each.topic
        for language in TRANSLATED:
            there = chapter(language, each.topic)
            assert there is not None
            assert [section.anchor for section in there.sections] == anchors


def test_labels_in_bold_are_those_of_the_pages() -> None:
    """Of what is translated already; the English ones must stand in a page or in the code."""
    pages = "\n".join(path.read_text() for path in [*PACKAGE.rglob("*.html"), *PACKAGE.rglob("*.py")])
    wrong = [f"{each.topic}: {label}" for each in chapters("en") for label in labels(each) if f'"{label}"' not in pages]
    for language in TRANSLATED:
        for each in chapters("en"):
            there = chapter(language, each.topic)
            assert there is not None
            own, known = Counter(labels(there)), catalogue(language)
            wrong += [
                f"{language} {each.topic}: {label} is called {known[label]}"
                for label in labels(each)
                if label in known and not known[label] & set(own)
            ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_shortcut_is_in_the_manual(language: str) -> None:
    found = chapter(language, "shortcuts")
    assert found is not None
    with translation.override(language):
        keys = [(part, str(words)) for _title, pairs in GROUPS for key, words in pairs for part in key.split(" / ")]
    keys += [(f"g` `{letter}", "") for letter in GO]
    missing = [key for key, words in keys if f"`{key}`" not in found.source or words not in found.source]
    assert not missing


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_operator_of_the_search_and_its_words_are_in_the_manual(language: str) -> None:
    found = chapter(language, "search")
    assert found is not None
    words = [f"`{each.name(language)}:`" for each in OPERATORS]
    words += [f"`{word.split('|')[PLACES.index(language)]}`" for known in VALUES.values() for word in known.values()]
    assert not [word for word in words if word not in found.source]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_placeholder_and_control_header_is_in_the_manual(language: str) -> None:
    templates, rules, filters = (chapter(language, name) for name in ("templates", "message-centre", "filters"))
    assert templates
    assert rules
    assert filters
    missing = [name for name in LETTER_NAMES if f"`{{{{ {name} }}}}`" not in templates.source]
    missing += [name for name in RULE_NAMES if f"`{{{{ {name} }}}}`" not in rules.source]
    names = (control.name for control in CONTROLS.values() if not NUMBERED.fullmatch(control.name))
    missing += [name for name in names if f"`{name}`" not in filters.source]
    assert not missing


@pytest.mark.django_db
def test_every_area_of_the_administration_has_a_chapter() -> None:
    areas = [area.id for group in admin_navigation().groups for area in group.areas]
    assert not [name for name in areas if not chapter_for(f"admin_{name}")]


def test_what_the_question_mark_opens_is_there_and_each_page_of_the_table_exists() -> None:
    names = [pattern.name or "" for pattern in urlpatterns if isinstance(pattern, URLPattern)]
    assert not [topic for topic in PAGES.values() if chapter("en", topic) is None]
    assert not [page for page in PAGES if not any(name.startswith(page) for name in names)]


@pytest.mark.django_db
def test_an_agent_reads_and_searches_in_his_language(client: Client, bob: Agent) -> None:
    bob.language = "de"
    bob.save()
    client.force_login(bob)
    page = client.get("/manual/search/").content.decode()
    assert "<h1>Suche</h1>" in page
    assert 'id="operators">Operatoren</h2>' in page
    assert 'href="/manual/ledger/"' in page
    found = client.get("/manual/", {"q": "ZURÜCKGESTELLT"}).content.decode()
    assert "<mark>zurückgestellt</mark>" in found
    assert client.get("/manual/", {"q": "xyzzy\x00"}).status_code == 200
    assert client.get("/manual/nothing/").status_code == 404


@pytest.mark.django_db
def test_the_menu_of_a_page_leads_to_its_chapter(client: Client, admin: Agent) -> None:
    client.force_login(admin)
    assert 'href="/manual/filters/"' in client.get("/admin/filters/").content.decode()
    assert 'href="/manual/ledger/"' in client.get("/ledger/").content.decode()


def test_a_heading_comes_before_a_mere_mention() -> None:
    first = search("en", "loop breaker")[0]
    assert (first.chapter.topic, first.section.title) == ("loops", "The loop breaker")
    assert not search("en", "  ")


def test_the_text_of_a_chapter_is_plain_html_without_style_or_script() -> None:
    for language, each in everything():
        text = html(language, each.topic)
        assert "<script" not in text
        assert "style=" not in text
        assert "<img" not in text
        assert "[[" not in text
