"""The fields of wordings: one text per language for each part of one owner, with or without JavaScript.

With it the editor posts formatted text beside the plain words; without it the words alone. A text that is emptied goes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from django.conf.locale import LANG_INFO
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext

from postvak.mail.charsets import storable
from postvak.mail.language import SCRIPTS, SMALL_WORDS
from postvak.mail.outgoing_html import clean, text_of
from postvak.models import Address, Agent, Brand, Queue, Wording
from postvak.notify.words import check_wording

CHINESE = "zh-hans"  # as Django calls it
LANGUAGES = {
    code: str(LANG_INFO[CHINESE if code == "zh" else code]["name_local"]).capitalize()
    for code in [*SMALL_WORDS, *(code for code, _pattern in SCRIPTS)]
}
LONGEST = 20_000  # letters
ALL, NEW = "all", "new"
Owner = Brand | Queue | Address | Agent
Part = Wording.Part


@dataclass(frozen=True, slots=True)
class Variant:
    """One text. `slot`: its place in the form: a language, "all" or "new". `text`: the words; `html`: "" for plain ones."""

    part: Part
    slot: str
    language: str
    text: str = ""
    html: str = ""
    problem: str = ""

    @property
    def name(self) -> str:
        return f"{Part(self.part).value}-{self.slot}"

    @property
    def label(self) -> str:
        if not self.language:
            return gettext("all other languages")
        return LANGUAGES.get(self.language, self.language)

    @property
    def is_empty(self) -> bool:
        return not self.text.strip() and "<img" not in self.html


class WordingFields:
    """Reads and writes the wordings of `owner` for `parts`; `data` is null for a form that is only shown."""

    def __init__(self, owner: Owner | None, parts: Sequence[Part], data: QueryDict | None = None) -> None:
        self.parts = parts
        self.stored = {(row.part, row.language): row for row in wordings_of(owner)}
        self.variants = {part: self.variants_of(part) for part in parts}
        if data is not None:
            self.variants = {part: self.posted(part, data) for part in parts}

    def variants_of(self, part: Part) -> list[Variant]:
        """The one for all languages first, always there."""
        rows = sorted((language, row) for (kind, language), row in self.stored.items() if kind == part)
        found = {language: row for language, row in rows}
        blank = Wording(part=part)
        languages = ["", *(language for language in found if language)]
        return [variant_of(part, language, found.get(language, blank)) for language in languages]

    def posted(self, part: Part, data: QueryDict) -> list[Variant]:
        """What was typed, checked; the new one stands last."""
        known = [self.read(variant, data) for variant in self.variants[part]]
        wanted = data.get(f"{part}-{NEW}-language", "")
        added = self.read(Variant(part, NEW, wanted if wanted in LANGUAGES else ""), data)
        if added.is_empty:
            return known
        if not added.language or any(one.language == added.language for one in known):
            added = replace(added, problem=gettext("Choose a language that has no text yet."))
        return [*known, added]

    def read(self, variant: Variant, data: QueryDict) -> Variant:
        text, html = data.get(f"{variant.name}-text"), data.get(f"{variant.name}-html", "")
        if text is None:
            return variant
        text = storable(text.replace("\r\n", "\n")).strip()[:LONGEST]
        html = clean(storable(html[: 10 * LONGEST]))
        if html:
            return checked(replace(variant, text=text_of(html), html=html))
        return variant if text == variant.text else checked(replace(variant, text=text, html=""))

    def is_valid(self) -> bool:
        return not any(variant.problem for variant in self)

    def __iter__(self) -> Iterator[Variant]:
        return (variant for part in self.parts for variant in self.variants[part])

    def left(self, part: Part) -> Mapping[str, str]:
        """Languages that can be added."""
        taken = {variant.language for variant in self.variants[part] if variant.slot != NEW}
        return {code: name for code, name in LANGUAGES.items() if code not in taken}

    def new(self, part: Part) -> Variant:
        """The fields for one more language, filled when they could not be saved."""
        last = self.variants[part][-1]
        return last if last.slot == NEW else Variant(part, NEW, "")

    def rows(self, owner: Owner) -> list[Wording]:
        """Unsaved ones as they are typed. An owner that isn't saved counts as one, too."""
        key = {f"{owner._meta.model_name}_id": owner.pk or 0}
        return [row_of(variant, key) for variant in self if not variant.is_empty]

    def save(self, owner: Owner) -> None:
        """Call inside the transaction that saves the owner."""
        key = {str(owner._meta.model_name): owner}
        for variant in self:
            rows = Wording.objects.filter(part=variant.part, language=variant.language, **key)
            if variant.is_empty:
                rows.delete()
            else:
                values = {"text": "" if variant.html else variant.text, "html": variant.html}
                rows.update_or_create(defaults=values, create_defaults={**values, **key, "part": variant.part, "language": variant.language})  # fmt: skip


def wordings_of(owner: Owner | None) -> Sequence[Wording]:
    return list(owner.wordings.all()) if owner is not None and owner.pk else []


def variant_of(part: Part, language: str, row: Wording) -> Variant:
    return Variant(part, language or ALL, language, row.text or text_of(row.html), row.html)


def row_of(variant: Variant, key: Mapping[str, int]) -> Wording:
    text = "" if variant.html else variant.text
    return Wording(part=variant.part, language=variant.language, text=text, html=variant.html, **key)


def checked(variant: Variant) -> Variant:
    try:
        check_wording(variant.text, variant.html)
    except ValidationError as error:
        return replace(variant, problem=" ".join(error.messages))
    return variant
