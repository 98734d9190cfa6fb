"""The names and words of rules: their own, or those with which they were shipped. Reads, but writes nothing. Spec 06."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext

from postvak.mail.html import from_text
from postvak.models import Rule, RuleText
from postvak.notify.shipped_texts import SHIPPED, TO_AGENTS, Shipped

NOTHING = Shipped("")


@dataclass(frozen=True, slots=True)
class RuleWords:
    """What a rule says in one language, with its placeholders. `subject`: "" for that of the ticket. `is_own`: an
    administrator wrote it."""

    subject: str
    html: str
    is_own: bool


def name_of(rule: Rule) -> str:
    """In the active language."""
    return str(SHIPPED[rule.key].name) if rule.key in SHIPPED else rule.name or rule.key


def is_written_by_postvak(rule: Rule) -> bool:
    """An alarm: its words depend on what is broken, so nobody can change them."""
    return rule.key in SHIPPED and not SHIPPED[rule.key].text


def words_of(rule: Rule, language: str, rows: Iterable[RuleText] | None = None) -> RuleWords:
    """Its own words in that language ("pt" also for "pt-br"), those for all languages, what it was shipped with. An own
    rule that has neither says what it has. `rows`: its own texts, where they were read or aren't stored yet."""
    own = list(rule.texts.all() if rows is None else rows)
    row = best(own, language) or (own[0] if own and rule.key not in SHIPPED else None)
    if row is not None and row.html.strip():
        return RuleWords(row.subject, row.html, is_own=True)
    shipped = shipped_words(rule.key, language)
    return RuleWords(row.subject or shipped.subject, shipped.html, is_own=True) if row is not None else shipped


def best(rows: Sequence[RuleText], language: str) -> RuleText | None:
    by_language = {row.language.lower(): row for row in rows if row.subject.strip() or row.html.strip()}
    wanted = (language.lower(), language.lower()[:2], "")
    return next((by_language[one] for one in wanted if one in by_language), None)


def shipped_words(key: str, language: str) -> RuleWords:
    shipped = SHIPPED.get(key, NOTHING)
    with translation.override(spoken(language)):
        return RuleWords(str(shipped.subject), from_text(str(shipped.text)), is_own=False)


def spoken(*languages: str) -> str:
    """The first of them that Postvak speaks, else English."""
    known = {code for code, _name in settings.LANGUAGES}
    return next(
        (one for language in languages for one in (language.lower(), language.lower()[:2]) if one in known), "en"
    )


def language_of(rule: Rule, wanted: str, usual: str, rows: Sequence[RuleText]) -> str:
    """Which language its mail has: the one wanted, if the rule has words in it, else the usual one."""
    has_own = any(row.language.lower() in {wanted.lower(), wanted.lower()[:2]} for row in rows if row.language)
    for_all = any(not row.language for row in rows)
    is_ours = rule.key in SHIPPED and spoken(wanted) == wanted.lower()[:2]
    return wanted if has_own or for_all or is_ours else usual


def own_greeting(name: str) -> str:
    """Where neither brand nor address has a salutation of its own."""
    return gettext("Hello %(name)s,") % {"name": name} if name else gettext("Hello,")


def is_for_agents(rule: Rule) -> bool:
    """Are its readers colleagues, as far as the rule itself says?"""
    if rule.key in SHIPPED:
        return rule.key in TO_AGENTS
    customers = {"requester", "sender", "participants"}
    return not any(word in customers or word.startswith("address:") for word in map(str, rule.recipients))
