"""The section [[template]] of the TOML file: answer templates with their texts. Their files stay where they are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from django.core.exceptions import ValidationError
from django.db.models import Model

from postvak.mail.outgoing_html import clean
from postvak.models import AnswerTemplate, Brand, Queue, Status
from postvak.setup.fields import Base, Field, Flag, JsonSchema, Number, SettingError, Value
from postvak.setup.references import Reference, Rows
from postvak.setup.section import Section, files_left_out
from postvak.tickets.answer_templates import BETWEEN, category_of, check_template
from postvak.tickets.tags import known_tags, tags_named, words
from postvak.tickets.texts import Text, check_text, write_texts

TEXT = ("language", "subject", "html")


@dataclass(frozen=True)
class TemplateSection(Section):
    """The key is the path of categories with the name at its end: "Orders::Returns::Label"."""

    def rows(self) -> Iterable[Model]:
        return AnswerTemplate.objects.all()

    def key_of(self, row: Model) -> Value:
        return str(row)

    def find(self, key: str) -> Model | None:
        category, _between, name = key.rpartition(BETWEEN)
        same = AnswerTemplate.objects.filter(category=category)
        return next((one for one in same if one.name.casefold() == name.casefold()), None)

    def make(self, key: str) -> Model:
        row = AnswerTemplate()
        self.rename(row, key)
        return row

    def left_out(self, row: Model) -> list[str]:
        return [*super().left_out(row), *files_left_out(row)]

    def rename(self, row: Model, key: str) -> None:
        template = cast(AnswerTemplate, row)
        template.category, _between, template.name = key.rpartition(BETWEEN)


class Names(Field):
    """A list of texts that names rows of another table; written when the template is saved."""

    schema: JsonSchema = {"type": "array", "items": {"type": "string"}}
    nothing: Value = []

    def read(self, row: Model) -> Value:
        if row.pk is None:
            return []
        return cast(Value, sorted(one.name for one in getattr(row, self.attribute).all()))

    def write(self, row: Model, value: Value, base: Base) -> tuple[Value, Value]:
        return self.read(row), cast(Value, sorted(self.check(value)))  # type: ignore[arg-type]

    def check(self, value: Value) -> Value:
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            raise SettingError('write a list of texts: ["one", "two"].')
        return value


class Tags(Names):
    """Tags are compared without letter case, and made when nobody used them yet."""

    def check(self, value: Value) -> Value:
        names = words(",".join(cast(list[str], super().check(value))))
        known = known_tags(names)
        return cast(Value, [known[one.casefold()].name if one.casefold() in known else one for one in names])

    def after_save(self, row: Model, value: Value) -> None:
        cast(AnswerTemplate, row).tags.set(tags_named(cast(list[str], self.check(value))))


class Languages(Field):
    """`[[template.text]]` tables; without `language`: for all others. The file names all of them."""

    schema: JsonSchema = {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {name: {"type": "string"} for name in TEXT},
            "additionalProperties": False,
        },
    }
    nothing: Value = []

    def read(self, row: Model) -> Value:
        if row.pk is None:
            return []
        texts = cast(AnswerTemplate, row).texts.all()
        return [{name: getattr(text, name) for name in TEXT if getattr(text, name)} for text in texts]

    def write(self, row: Model, value: Value, base: Base) -> tuple[Value, Value]:
        texts = sorted(self.texts(value), key=lambda text: text.language)
        new: Value = [
            {name: one for name, one in zip(TEXT, (text.language, text.subject, clean(text.html)), strict=True) if one}
            for text in texts
        ]
        return self.read(row), new

    def after_save(self, row: Model, value: Value) -> None:
        write_texts(cast(AnswerTemplate, row), self.texts(value))

    def texts(self, value: Value) -> Sequence[Text]:
        if not isinstance(value, list) or not all(is_text(one) for one in value):
            raise SettingError("write [[template.text]] tables with language, subject and html, each in quotes.")
        tables = cast(list[dict[str, str]], value)
        texts = [Text(*(one.get(name, "") for name in TEXT)) for one in tables]
        if len({text.language for text in texts}) < len(texts):
            raise SettingError("a language is there twice.")
        for text in texts:
            self.check_one(text)
        return texts

    def check_one(self, text: Text) -> None:
        try:
            check_text(text)
        except ValidationError as error:
            raise SettingError(" ".join(error.messages)) from error


def is_text(value: Value) -> bool:
    return isinstance(value, dict) and all(name in TEXT and isinstance(one, str) for name, one in value.items())


def path_of(key: str) -> str:
    category, _between, name = key.rpartition(BETWEEN)
    return BETWEEN.join(part for part in (category_of(category), name.strip()) if part)


TEMPLATE_SECTION = TemplateSection(
    "template",
    AnswerTemplate,
    "path",
    {
        "position": Number("position"),
        "status": Reference("status", Status, "key"),
        "valid": Flag("is_valid"),
        "queues": Rows("queues", Queue, "name"),
        "brands": Rows("brands", Brand, "name"),
        "tags": Tags("tags"),
        "text": Languages("texts"),
    },
    {},
    normalise=path_of,
    check=check_template,
)
