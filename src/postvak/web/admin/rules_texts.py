"""The languages of a rule in its editor: what it was shipped with, beside own words that can be switched back."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from postvak.mail.outgoing_html import for_editor
from postvak.models import Rule
from postvak.notify.shipped import RuleWords, shipped_words
from postvak.tickets.texts import Text
from postvak.web.admin.answer_templates import FIRST, label_of
from postvak.web.admin.forms.rules import RuleForm


@dataclass(frozen=True, slots=True)
class Variant:
    """One language as the editor shows it. `shipped`: what it says when it isn't own; null where there is no such text."""

    text: Text
    label: str
    shipped: RuleWords | None = None
    is_own: bool = True
    problem: str = ""
    is_fresh: bool = False

    @property
    def html(self) -> str:
        return for_editor(self.text.html, {})


def variants_of(rule: Rule, source: Rule | None) -> list[Variant]:
    """To begin with. `source`: the rule itself, or the one that a new rule is a copy of."""
    own = {row.language: Text(row.language, row.subject, row.html) for row in source.texts.all()} if source else {}
    if source and source.key and not rule.key:  # a copy of a shipped rule says the same
        words = shipped_words(source.key, "en")
        own = own or {code: Text(code, *said(source, code)) for code in languages()}
        own.setdefault("", Text("", words.subject, words.html))
    if not rule.key:
        return [Variant(text, label_of(text.language)) for text in own.values()] or [Variant(FIRST, label_of(""))]
    return [
        variant(rule, own.get(code), code) for code in [*languages(), *(one for one in own if one not in languages())]
    ]


def variant(rule: Rule, own: Text | None, code: str) -> Variant:
    shipped = shipped_words(rule.key, code) if code in languages() else None
    begin = Text(code, shipped.subject, shipped.html) if shipped else Text(code, "", "")
    return Variant(own or begin, label_of(code), shipped, is_own=own is not None)


def languages() -> list[str]:
    return [code for code, _name in settings.LANGUAGES]


def said(rule: Rule, code: str) -> tuple[str, str]:
    words = shipped_words(rule.key, code)
    return words.subject, words.html


def typed(form: RuleForm, rule: Rule) -> list[Variant]:
    """What came with the form, each with what is wrong with it."""
    texts: Sequence[Text] = form.texts or ((FIRST,) if not rule.key else ())
    return [
        Variant(
            text,
            label_of(text.language),
            shipped_words(rule.key, text.language) if rule.key and text.language in languages() else None,
            is_own=text in form.own_texts or not form.texts,
            problem=form.text_problems.get(place, ""),
        )
        for place, text in enumerate(texts)
    ]
