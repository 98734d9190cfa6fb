"""Sections of the message centre: its rules with their texts, and the block list."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils import timezone

from postvak.conditions.condition import Condition, Malformed, condition_of
from postvak.log.audit import By
from postvak.mail.outgoing_html import clean
from postvak.models import Agent, Blocked, Calendar, Rule, RuleText, Status
from postvak.notify.blocking import read_pattern
from postvak.setup.fields import Base, Field, Flag, JsonSchema, Number, NumberOrNone, SettingError, Text, Value
from postvak.setup.references import Reference, keyed
from postvak.setup.removal import a_rule, plainly
from postvak.setup.section import Section, files_left_out
from postvak.setup.templates import Languages
from postvak.setup.tickets import Hour
from postvak.tickets.rules.check import AGENT, problems
from postvak.tickets.rules.store import Contents, save_rule
from postvak.tickets.texts import Text as OneText

TEXTS = "_texts_to_save"


@dataclass(frozen=True)
class RuleSection(Section):
    """The key is that of a shipped rule, or the name of another one; "=" before a name that a shipped one has as its key."""

    def left_out(self, row: Model) -> list[str]:
        return [*super().left_out(row), *files_left_out(row)]

    def rows(self) -> Iterable[Model]:
        return Rule.objects.select_related("calendar", "status").prefetch_related("texts")

    def key_of(self, row: Model) -> Value:
        rule = cast(Rule, row)
        return keyed(rule.key, rule.name, Rule.objects.exclude(key="").values_list("key", flat=True))

    def find(self, key: str) -> Model | None:
        shipped = Rule.objects.filter(key=key).exclude(key="").first()
        if shipped:
            return shipped
        name = key.removeprefix("=").casefold()
        return next((rule for rule in Rule.objects.filter(key="") if rule.name.casefold() == name), None)

    def make(self, key: str) -> Model:
        return Rule(name=key.removeprefix("="))

    def rename(self, row: Model, key: str) -> None:
        rule = cast(Rule, row)
        if not rule.key:
            rule.name = key.removeprefix("=")

    def is_shipped(self, row: Model) -> bool:
        return bool(cast(Rule, row).key)

    def save(self, row: Model, by: By) -> None:
        """With its texts, as the editor of rules saves it. One that is switched off may be unfinished."""
        rule = cast(Rule, row)
        texts = texts_of(rule)
        rows = [RuleText(language=one.language, subject=one.subject, html=one.html) for one in texts]
        for problem in problems(rule, rows) if rule.is_on else []:
            raise ValidationError({problem.part: problem.text})
        kept = list(rule.files.values_list("pk", flat=True)) if Rule.objects.filter(pk=rule.pk).exists() else []
        save_rule(rule, Contents(texts=texts, kept=kept), by=by.agent, now=timezone.now())


def texts_of(rule: Rule) -> Sequence[OneText]:
    """Those that are to be saved with it: the written ones, else those that it has."""
    written: Sequence[OneText] | None = getattr(rule, TEXTS, None)
    if written is not None or rule.pk is None:
        return written or ()
    return [OneText(one.language, one.subject, one.html) for one in RuleText.objects.filter(rule=rule.pk)]


class Trigger(Text):
    def write(self, row: Model, value: Value, base: Base) -> tuple[Value, Value]:
        rule = cast(Rule, row)
        if rule.key and value != rule.trigger:
            raise SettingError("a shipped rule has its trigger.")
        return super().write(row, value, base)


class Recipients(Field):
    """Words as in the editor ("requester", "admins", "address:boss@example.org"), agents by e-mail ("agent:bob@example.org")."""

    schema: JsonSchema = {"type": "array", "items": {"type": "string"}}
    nothing: Value = []

    def read(self, row: Model) -> Value:
        words = [str(word) for word in cast(Rule, row).recipients]
        keys = [int(word.removeprefix(AGENT)) for word in words if is_agent(word)]
        emails = dict(Agent.objects.filter(pk__in=keys).values_list("pk", "email")) if keys else {}
        return [
            AGENT + emails.get(int(word.removeprefix(AGENT)), "?") if is_agent(word) else word
            for word in words
            if not is_agent(word) or int(word.removeprefix(AGENT)) in emails
        ]

    def write(self, row: Model, value: Value, base: Base) -> tuple[Value, Value]:
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise SettingError('write a list of texts: ["requester", "agent:bob@example.org"].')
        words = cast(list[str], value)
        emails = {word.removeprefix(AGENT).lower() for word in words if word.startswith(AGENT)}
        keys = dict(Agent.objects.filter(email__in=emails).values_list("email", "pk")) if emails else {}
        if emails - set(keys):
            raise SettingError(f"there is no agent “{min(emails - set(keys))}”.")
        old = self.read(row)
        cast(Rule, row).recipients = [
            f"{AGENT}{keys[word.removeprefix(AGENT).lower()]}" if word.startswith(AGENT) else word for word in words
        ]
        return old, self.read(row)


def is_agent(word: str) -> bool:
    key = word.removeprefix(AGENT)
    return word.startswith(AGENT) and key.isdecimal() and len(key) < 19


class Conditions(Field):
    """`[{ field = "subject", operator = "contains", value = "x" }]`; "not" and an empty value may be left out."""

    schema: JsonSchema = {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["field", "operator"],
            "properties": {
                "field": {"type": "string"},
                "operator": {"type": "string"},
                "value": {"type": "string"},
                "not": {"type": "boolean"},
            },
            "additionalProperties": False,
        },
    }
    nothing: Value = []

    def read(self, row: Model) -> Value:
        return [short(one) for one in getattr(row, self.attribute)]

    def write(self, row: Model, value: Value, base: Base) -> tuple[Value, Value]:
        read = conditions_in(value, condition_of)
        old = self.read(row)
        setattr(row, self.attribute, [one.as_json() for one in read])
        return old, self.read(row)


def conditions_in(value: Value, read: Callable[[object], Condition]) -> list[Condition]:
    if not isinstance(value, list):
        raise SettingError('write a list of tables: [{ field = "subject", operator = "contains", value = "x" }].')
    try:
        return [read(one) for one in value]
    except Malformed as error:
        raise SettingError(f"{error}.") from error


def short(stored: Value) -> Value:
    """Without what people leave out, too; what nobody can read as it stands."""
    if not isinstance(stored, dict):
        return stored
    return {name: one for name, one in stored.items() if one not in ("", False, None)}


class RuleTexts(Languages):
    """Saved with the rule: without a text it may not make sense."""

    def read(self, row: Model) -> Value:
        texts = sorted(texts_of(cast(Rule, row)), key=lambda text: text.language)
        return [as_table(text) for text in texts]

    def write(self, row: Model, value: Value, base: Base) -> tuple[Value, Value]:
        old = self.read(row)
        texts = [OneText(one.language, one.subject, clean(one.html)) for one in self.texts(value)]
        setattr(row, TEXTS, [one for one in texts if not one.is_empty])
        return old, self.read(row)

    def after_save(self, row: Model, value: Value) -> None:
        """All is saved."""

    def check_one(self, text: OneText) -> None:
        """By the section: rules know more placeholders than templates."""


def as_table(text: OneText) -> Value:
    values = {"language": text.language, "subject": text.subject, "html": text.html}
    return {name: value for name, value in values.items() if value}


RULES = RuleSection(
    "rule",
    Rule,
    "rule",
    {
        "trigger": Trigger("trigger"),
        "on": Flag("is_on"),
        "recipients": Recipients("recipients"),
        "match": Text("match"),
        "conditions": Conditions("conditions"),
        "minutes": NumberOrNone("minutes"),
        "calendar": Reference("calendar", Calendar, "name"),
        "hour": Hour("hour"),
        "status": Reference("status", Status, "key"),
        "delivery": Text("delivery"),
        "once": Text("once"),
        "per_day": NumberOrNone("per_day"),
        "sign": Text("sign"),
        "encrypt": Text("encrypt"),
        "comment": Text("comment"),
        "position": Number("position"),
        "text": RuleTexts("texts"),
    },
    remove=a_rule,
)


class BlockedSection(Section):
    def make(self, key: str) -> Model:
        return Blocked(pattern=key, created_at=timezone.now())


BLOCKED = BlockedSection(
    "blocked",
    Blocked,
    "pattern",
    {"comment": Text("comment")},
    lookup="pattern__iexact",
    normalise=read_pattern,
    remove=plainly,
)
