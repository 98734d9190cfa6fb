"""Answer templates: which ones an agent is offered while he writes, and what putting one into a mail gives. Spec 06.

How they are made, changed and deleted, and how their files come into a draft, is in tickets.answer_templates.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import unescape

from django.db.models import Exists, F, OuterRef, QuerySet

from postvak.mail.html import to_text
from postvak.mail.placeholders import fill
from postvak.models import AnswerTemplate, AnswerTemplateText, Queue

OFFERED = 20
BEGINNING = 120
MARKS = re.compile(r"<[^<>]*>")
NOTHING = AnswerTemplateText()


@dataclass(frozen=True, slots=True)
class Offered:
    """One line of the list that opens with "/"."""

    template: AnswerTemplate
    beginning: str


@dataclass(frozen=True, slots=True)
class Filled:
    """A text of a template for one mail. `missing`: placeholders, as written, that had no value and still stand there."""

    html: str
    subject: str
    missing: tuple[str, ...]


def usable(queues: Collection[int]) -> QuerySet[AnswerTemplate]:
    """Valid templates for a mail of one of these queues: those that are for all, for one of them, or for its brand."""
    to_queues = AnswerTemplate.queues.through._default_manager.filter(answertemplate=OuterRef("pk"))
    to_brands = AnswerTemplate.brands.through._default_manager.filter(answertemplate=OuterRef("pk"))
    brands = Queue.objects.filter(pk__in=queues).values("brand")
    for_all = ~Exists(to_queues) & ~Exists(to_brands)
    fits = for_all | Exists(to_queues.filter(queue__in=queues)) | Exists(to_brands.filter(brand__in=brands))
    return AnswerTemplate.objects.filter(fits, is_valid=True)


def offered(queues: Collection[int], language: str, query: str) -> list[Offered]:
    """The most used ones; with `query` those that fit it, by name first, then by category, then by text."""
    templates = usable(queues).order_by("-times_used", "category", "position", "name")
    words = folded(query).split()
    found = best(list(templates), words, language) if words else list(templates[:OFFERED])
    texts = texts_of(found, language)
    return [Offered(one, beginning_of(texts.get(one.pk, NOTHING))) for one in found]


def best(templates: Sequence[AnswerTemplate], words: Sequence[str], language: str) -> list[AnswerTemplate]:
    """Texts are read only when names and categories don't fill the list."""
    found = sorted((one for one in templates if has_words(str(one), words)), key=lambda one: rank(one, words))
    if len(found) < OFFERED:
        known = {one.pk for one in found}
        rest = [one for one in templates if one.pk not in known]
        texts = texts_of(rest, language)
        found += [one for one in rest if has_words(f"{one} {plain(texts.get(one.pk, NOTHING).html)}", words)]
    return found[:OFFERED]


def rank(template: AnswerTemplate, words: Sequence[str]) -> int:
    """Beginning of the name, elsewhere in the name, only with the category."""
    if folded(template.name).startswith(words[0]):
        return 0
    return 1 if has_words(template.name, words) else 2


def matching(templates: QuerySet[AnswerTemplate], query: str) -> list[AnswerTemplate]:
    """For the list of all, in its own order: the words may stand in any language."""
    words = folded(query).split()
    rows = list(templates.prefetch_related("texts"))
    if not words:
        return rows
    texts = {one.pk: " ".join(f"{text.subject} {plain(text.html)}" for text in one.texts.all()) for one in rows}
    return [one for one in rows if has_words(f"{one} {texts[one.pk]}", words)]


def has_words(text: str, words: Sequence[str]) -> bool:
    place = folded(text)
    return all(word in place for word in words)


def folded(text: str) -> str:
    """As it is compared: without letter case and accents."""
    return "".join(one for one in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(one))


def plain(html: str) -> str:
    return unescape(MARKS.sub(" ", html))


def beginning_of(text: AnswerTemplateText) -> str:
    return " ".join(to_text(text.html).split())[:BEGINNING]


def texts_of(templates: Sequence[AnswerTemplate], language: str) -> dict[int, AnswerTemplateText]:
    """By key of the template: its text in that language ("pt" also for "pt-br"), else the one for all others."""
    wanted = AnswerTemplateText.objects.filter(template__in=templates, language__in={language, language[:2], ""})
    return {text.template_id: text for text in wanted.order_by("language")}


def text_of(template: AnswerTemplate, language: str) -> AnswerTemplateText:
    """As texts_of; a template that has neither gives what it has."""
    return texts_of([template], language).get(template.pk) or template.texts.first() or NOTHING


def fill_text(text: AnswerTemplateText, values: Mapping[str, str]) -> Filled:
    html, subject = fill(text.html, values, is_html=True), fill(text.subject, values)
    return Filled(html.text, subject.text, tuple(dict.fromkeys([*html.missing, *subject.missing])))


def count_use(template: AnswerTemplate, now: datetime) -> None:
    """One statement: two agents at the same moment are two uses."""
    AnswerTemplate.objects.filter(pk=template.pk).update(times_used=F("times_used") + 1, last_used_at=now)
