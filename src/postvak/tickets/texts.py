"""Texts in languages and files that belong to a row: of answer templates and of rules. They are written here, all or nothing."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from postvak.blobs import store
from postvak.mail.charsets import storable
from postvak.mail.compose import File
from postvak.mail.html import to_text
from postvak.mail.outgoing_html import clean
from postvak.mail.placeholders import LETTER_NAMES, unknown
from postvak.models import AnswerTemplate, AnswerTemplateFile, Blob, Rule, RuleFile

LIMIT = 25_000_000  # of all files of one row
Owner = AnswerTemplate | Rule
OwnFile = AnswerTemplateFile | RuleFile


@dataclass(frozen=True, slots=True)
class Text:
    """One language; "" is for all others."""

    language: str
    subject: str
    html: str

    @property
    def is_empty(self) -> bool:
        return not (self.subject.strip() or to_text(clean(self.html)).strip())


def check_text(text: Text) -> None:
    """Only placeholders that will be filled. Raises ValidationError."""
    wrong = [
        *unknown(text.subject, names=LETTER_NAMES),
        *unknown(clean(text.html), is_html=True, names=LETTER_NAMES),
    ]
    if wrong:
        values = {
            "wrong": ", ".join(dict.fromkeys(wrong)),
            "names": ", ".join(f"{{{{ {name} }}}}" for name in sorted(LETTER_NAMES)),
        }
        raise ValidationError(_("Nothing fills %(wrong)s. These placeholders are known: %(names)s.") % values)


def write_texts(owner: Owner, texts: Sequence[Text]) -> None:
    """These and no others."""
    wanted = {text.language: text for text in texts if not text.is_empty}
    owner.texts.exclude(language__in=wanted).delete()
    for text in wanted.values():
        owner.texts.update_or_create(
            language=text.language,
            defaults={"subject": " ".join(storable(text.subject).split()), "html": clean(text.html)},
        )


def write_files(
    owner: Owner, kept: Collection[OwnFile], files: Sequence[File], contents: Sequence[Blob], now: datetime
) -> None:
    """`kept` stay, or come here from the row that this one is a copy of, without copying their bytes; `files` are new, with
    their `contents` as store.prepare() gave them. All others go. Call inside the transaction."""
    gone = list(owner.files.exclude(pk__in=[one.pk for one in kept]))
    theirs = [one for one in kept if not owner.files.filter(pk=one.pk).exists()]
    owner.files.filter(pk__in=[one.pk for one in gone]).delete()
    store.condemn([str(one.blob_id) for one in gone], now)
    for one in theirs:
        owner.files.create(
            name=one.name, content_type=one.content_type, size=one.size, content_id=one.content_id, blob_id=one.blob_id
        )
    store.save(contents)
    for file, blob in zip(files, contents, strict=True):
        owner.files.create(
            name=file.name, content_type=file.content_type[:255], size=len(file.content), blob=blob
        )  # fmt: skip
