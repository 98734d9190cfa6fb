"""Sections of classification: what may be proposed by itself, and the language model that is asked as well. Spec 08."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.translation import gettext as _

from postvak.models import Classifier, LanguageModel, Mode
from postvak.net.webhook import is_acceptable
from postvak.setup.fields import Number, Text
from postvak.setup.sealed import Secret
from postvak.setup.section import Section


@dataclass(frozen=True)
class ClassifierSection(Section):
    """One row for each target: none is made and none goes."""

    def is_shipped(self, row: Model) -> bool:
        return True


@dataclass(frozen=True)
class LanguageModelSection(Section):
    """Its row is there only after somebody has set something."""

    def rows(self) -> Iterable[Model]:
        return [language_model()]

    def find(self, key: str) -> Model | None:
        return language_model() if key == "1" else None


class Key(Secret):
    """The row has it sealed, in a column of another name."""

    @property
    def columns(self) -> tuple[str, ...]:
        return ("key",)


def language_model() -> LanguageModel:
    """The one row; before somebody has set something, a new one that isn't saved."""
    return LanguageModel.objects.filter(pk=1).first() or LanguageModel(pk=1)


def check_language_model(row: LanguageModel) -> None:
    """Raises ValidationError with the column."""
    if row.url and not is_acceptable(row.url):
        said = _("It has to begin with http:// or https:// and may hold neither user nor password.")
        raise ValidationError({"url": said})
    if row.mode != Mode.OFF:
        for column, said in (
            ("url", _("Enter the address first.")),
            ("model", _("Enter the name of the model first.")),
        ):
            if not getattr(row, column):
                raise ValidationError({column: said})


CLASSIFICATION_SECTIONS: Sequence[Section] = (
    ClassifierSection(
        "classifier",
        Classifier,
        "target",
        {"mode": Text("mode"), "wished": Number("wished"), "fewest": Number("fewest")},
    ),
    LanguageModelSection(
        "language_model",
        LanguageModel,
        "id",
        {
            "url": Text("url"),
            "model": Text("model"),
            "key": Key("secret"),
            "timeout": Number("timeout"),
            "mode": Text("mode"),
            "wished": Number("wished"),
        },
        check=check_language_model,
        is_single=True,
    ),
)
