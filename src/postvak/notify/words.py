"""Salutation, signature and footer of a mail: which wording holds, in which language, with what filled in. Spec 04."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext

from postvak.mail.html import from_text
from postvak.mail.outgoing_html import text_of
from postvak.mail.placeholders import LETTER_NAMES, PLACEHOLDER, fill, fill_lines, unknown
from postvak.models import Wording
from postvak.notify.setting import Setting, setting_before, setting_of
from postvak.notify.values import placeholder_values

__all__ = [
    "Setting",
    "Words",
    "check_wording",
    "ending",
    "footer",
    "rows_of",
    "salutation",
    "setting_before",
    "setting_of",
    "signature",
]

Part = Wording.Part
Filler = Callable[[str, bool], str]
OWNERS = ("agent_id", "address_id", "queue_id", "brand_id")  # the most specific one first


@dataclass(frozen=True, slots=True)
class Words:
    """A text and its HTML (clean); "" for `html`: it is made from the text."""

    text: str
    html: str = ""

    def __bool__(self) -> bool:
        return bool(self.text.strip() or self.html.strip())

    @property
    def as_html(self) -> str:
        return self.html or from_text(self.text)


NOTHING = Words("")


def salutation(setting: Setting, rows: Sequence[Wording] | None = None) -> Words:
    """How a mail begins. A placeholder without a value stays, for the agent to complete; without an agent its line goes."""
    found = rows_of(setting, Part.SALUTATION) if rows is None else [row for row in rows if row.part == Part.SALUTATION]
    return first(filled_levels(setting, found, stays=setting.agent is not None))


def signature(setting: Setting) -> Words:
    """The most specific filled one of agent, address, queue and brand; all of them, one below the other, where the brand wants."""
    return signature_in(setting, rows_of(setting, Part.SIGNATURE))


def footer(setting: Setting) -> Words:
    """What the company has to say below every mail."""
    return first(filled_levels(setting, rows_of(setting, Part.FOOTER)))


def ending(setting: Setting, rows: Sequence[Wording] | None = None) -> tuple[Words, Words]:
    """Signature and footer, with one question to the database. `rows`: what is not saved yet, for a preview."""
    found = rows_of(setting, Part.SIGNATURE, Part.FOOTER) if rows is None else rows
    signatures, footers = ([row for row in found if row.part == part] for part in (Part.SIGNATURE, Part.FOOTER))
    return signature_in(setting, signatures), first(filled_levels(setting, footers))


def signature_in(setting: Setting, rows: Sequence[Wording]) -> Words:
    levels = filled_levels(setting, rows)
    return joined(levels) if setting.brand.stacks_signatures else first(levels)


def first(levels: Sequence[Words]) -> Words:
    return levels[0] if levels else NOTHING


def joined(levels: Sequence[Words]) -> Words:
    html = "\n".join(one.as_html for one in levels) if any(one.html for one in levels) else ""
    return Words("\n\n".join(one.text for one in levels), html)


def rows_of(setting: Setting, *parts: Part) -> Sequence[Wording]:
    """The wordings of everybody whom the mail is from. One who isn't saved yet has none."""
    whose = {"brand": setting.brand, "queue": setting.place, "address": setting.address, "agent": setting.agent}
    owners = (Q(**{name: owner.pk}) for name, owner in whose.items() if owner is not None and owner.pk)
    return list(Wording.objects.filter(reduce(or_, owners, Q(pk=None)), part__in=parts))


def filled_levels(setting: Setting, rows: Sequence[Wording], *, stays: bool = False) -> list[Words]:
    """The levels that have something to say, the most specific one first."""
    chosen = best_of(rows, setting)
    filler = filler_for(setting, chosen, stays=stays)
    return [words for words in (words_of(row, filler) for row in chosen) if words]


def best_of(rows: Sequence[Wording], setting: Setting) -> list[Wording]:
    """Of each owner the variant that fits best: the mail's language, the one for all languages, the brand's language."""
    order = list(dict.fromkeys([setting.language, setting.language[:2], "", setting.brand.language]))
    chosen = []
    for owner in OWNERS:
        variants = {row.language.lower(): row for row in rows if getattr(row, owner) is not None}
        chosen += [variants[language] for language in order if language in variants][:1]
    return chosen


def filler_for(setting: Setting, rows: Sequence[Wording], *, stays: bool) -> Filler:
    """Values are looked up only when something asks for them."""
    if not any(PLACEHOLDER.search(row.text + row.html) for row in rows):
        return lambda text, is_html: text
    values = placeholder_values(setting)
    if stays:
        return lambda text, is_html: fill(text, values, is_html=is_html).text
    return lambda text, is_html: fill_lines(text, values, is_html=is_html)


def words_of(row: Wording, filler: Filler) -> Words:
    html = filler(row.html, True).strip()
    text = filler(row.text, False).strip() if row.text.strip() else text_of(html)
    return Words(text, html) if text or "<img" in html else NOTHING


def check_wording(text: str, html: str) -> None:
    """Only placeholders that something fills. Raises ValidationError, which names the others."""
    wrong = dict.fromkeys([*unknown(text, names=LETTER_NAMES), *unknown(html, is_html=True, names=LETTER_NAMES)])
    if wrong:
        names = ", ".join(f"{{{{ {name} }}}}" for name in sorted(LETTER_NAMES))
        raise ValidationError(
            gettext("Nothing fills %(wrong)s. These placeholders are known: %(names)s.")
            % {"wrong": ", ".join(wrong), "names": names}
        )
