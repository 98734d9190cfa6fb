"""Rules as JSON, to carry them from one installation to another: {"rules": […]}. Names stand for rows: agents by e-mail address,
calendars by name, statuses by key. Files are not in it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from postvak.conditions.condition import Malformed, items, mapping
from postvak.conditions.condition import text as as_text
from postvak.models import Agent, Calendar, Rule, RuleText, Status
from postvak.tickets.rules.check import problems
from postvak.tickets.texts import Text

AGENT = "agent:"
PLAIN = ("trigger", "match", "delivery", "once", "sign", "encrypt", "comment")
NUMBERS = ("minutes", "hour", "per_day")
KNOWN = frozenset({"key", "name", "recipients", "conditions", "calendar", "status", "on", "texts", *PLAIN, *NUMBERS})
TEXT = ("language", "subject", "html")


@dataclass(frozen=True, slots=True)
class Entry:
    """One rule of a file as it would be saved. `row`: with the key of the one that it replaces; `is_same`: nothing changes."""

    row: Rule
    texts: tuple[Text, ...]
    problems: tuple[str, ...] = ()
    is_same: bool = False

    @property
    def id(self) -> str:
        return self.row.key or self.row.name


def written(rules: Iterable[Rule]) -> str:
    emails = dict(Agent.objects.values_list("pk", "email"))
    return json.dumps({"rules": [as_json(rule, emails) for rule in rules]}, indent=2, ensure_ascii=False) + "\n"


def as_json(rule: Rule, emails: Mapping[int, str]) -> dict[str, object]:
    def word(one: str) -> str:
        key = one.removeprefix(AGENT)
        return AGENT + emails.get(int(key), key) if one.startswith(AGENT) and key.isdecimal() else one

    facts: dict[str, object] = {"key": rule.key} if rule.key else {"name": rule.name}
    facts |= {name: getattr(rule, name) for name in PLAIN}
    facts |= {name: value for name in NUMBERS if (value := getattr(rule, name)) is not None}
    facts |= {
        "recipients": [word(str(one)) for one in rule.recipients],
        "conditions": list(rule.conditions),
        "on": rule.is_on,
    }
    if rule.calendar:
        facts["calendar"] = rule.calendar.name
    if rule.status:
        facts["status"] = rule.status.key
    facts["texts"] = [{name: getattr(one, name) for name in TEXT} for one in rule.texts.all()]
    return facts


def read(raw: bytes) -> list[Entry]:
    """Raises Malformed, with a sentence, for what is no file of rules."""
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Malformed(_("This is no JSON.")) from error
    rules = data.get("rules") if isinstance(data, Mapping) else None
    if not isinstance(rules, list):
        raise Malformed(_("There are no rules in this file. Postvak exports them as “postvak-rules.json”."))
    return [entry_of(one) for one in rules]


def entry_of(data: object) -> Entry:
    facts = mapping(data, "rule", required={"trigger", "recipients"}, known=KNOWN)
    key, name = as_text(facts.get("key", ""), "key"), as_text(facts.get("name", ""), "name").strip()
    found = Rule.objects.filter(key=key).first() if key else same_name(name)
    if key and found is None:
        return Entry(
            Rule(key="", name=key, trigger=""),
            (),
            (_("This version of Postvak has no rule “%(key)s”.") % {"key": key},),
        )
    emails = dict(Agent.objects.values_list("pk", "email"))
    before = as_json(found, emails) if found else None
    row, wrong = found or Rule(name=name), list[str]()
    set_columns(row, facts)
    wrong += set_rows(row, facts)
    texts = tuple(map(text_of, items(facts.get("texts", []))))
    stored = [RuleText(language=one.language, subject=one.subject, html=one.html) for one in texts]
    wrong += [problem.text for problem in problems(row, stored)]
    same = before is not None and before | {"texts": sorted_texts(before)} == as_json(row, emails) | {
        "texts": as_rows(texts)
    }
    return Entry(row, texts, tuple(dict.fromkeys(wrong)), is_same=same)


def same_name(name: str) -> Rule | None:
    own = Rule.objects.filter(key="")
    return next((one for one in own if one.name.casefold() == name.casefold()), None)


def set_columns(row: Rule, facts: Mapping[str, object]) -> None:
    for name in PLAIN:
        if name in facts and not (name == "trigger" and row.key):
            setattr(row, name, as_text(facts[name], name))
    for name in NUMBERS:
        value = facts.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31):
            raise Malformed(f"{name} must be a number")
        setattr(row, name, value)
    row.is_on = facts.get("on") is True
    row.conditions = items(facts.get("conditions", []))


def set_rows(row: Rule, facts: Mapping[str, object]) -> Iterable[str]:
    """What stands for rows of other tables; yields a sentence for each that isn't here."""
    keys = {email.lower(): pk for pk, email in Agent.objects.values_list("pk", "email")}
    words = []
    for word in (as_text(one, "recipient") for one in items(facts["recipients"])):
        email = word.removeprefix(AGENT).lower()
        if not word.startswith(AGENT):
            words.append(word)
        elif email in keys:
            words.append(f"{AGENT}{keys[email]}")
        else:
            yield _("There is no agent %(email)s here.") % {"email": email}
    row.recipients = words
    for column, rows, by in (("calendar", Calendar.objects, "name"), ("status", Status.objects, "key")):
        wanted = as_text(facts.get(column, ""), column)
        found = rows.filter(**{by: wanted}).first() if wanted else None
        if wanted and found is None:
            yield _("There is no “%(name)s” here.") % {"name": wanted}
        setattr(row, column, found)


def text_of(data: object) -> Text:
    facts = mapping(data, "text", required=(), known=TEXT)
    return Text(*(as_text(facts.get(name, ""), name) for name in TEXT))


def sorted_texts(facts: Mapping[str, object]) -> list[object]:
    return sorted(items(facts["texts"]), key=str)


def as_rows(texts: Iterable[Text]) -> list[object]:
    return sorted(({name: getattr(one, name) for name in TEXT} for one in texts), key=str)
