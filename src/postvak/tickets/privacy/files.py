"""Files that agents put into drafts, templates and rules: a person's addresses go out of those that are text or mails, and out of no
others: nobody can change a part of a picture or of a packed document without breaking it."""

from collections.abc import Iterator, Mapping

from django.db import transaction
from django.db.models import Model

from postvak.blobs import store
from postvak.mail.redact import Pattern, redact
from postvak.models import AnswerTemplateFile, DraftFile, RuleFile
from postvak.tickets.privacy.contents import let_go
from postvak.tickets.privacy.person import Person
from postvak.tickets.sealed_drafts import readable_file, stored_file

OWNERS: Mapping[type[Model], str] = {DraftFile: "draft__agent", AnswerTemplateFile: "template", RuleFile: "rule"}
MAILS = frozenset({"message/rfc822", "message/global"})
ALSO_TEXT = frozenset({"application/json", "application/xml", "application/csv", "application/xhtml+xml"})
PAGE = 100
File = DraftFile | AnswerTemplateFile | RuleFile


def sweep_files(person: Person) -> int:
    """Returns how many were changed. Doing it again finds nothing."""
    pattern = person.addresses()
    return sum(sweep_file(file, pattern) for file in files()) if pattern else 0


def files() -> Iterator[File]:
    for model in OWNERS:
        last = 0
        rows = model._default_manager.select_related(OWNERS[model]).order_by("pk")
        while page := list(rows.filter(pk__gt=last)[:PAGE]):
            yield from page  # type: ignore[misc]
            last = page[-1].pk


def not_searched() -> list[File]:
    """PDFs, packed documents, pictures: whether they are about somebody, a person has to look."""
    return [file for file in files() if not is_searched(kind_of(file))]


def kind_of(file: File) -> str:
    return file.content_type.partition(";")[0].strip().lower()


def is_searched(kind: str) -> bool:
    return kind in MAILS | ALSO_TEXT or kind.startswith("text/")


def sweep_file(file: File, pattern: Pattern) -> bool:
    kind = kind_of(file)
    if not is_searched(kind):
        return False
    try:
        stored = store.get(str(file.blob_id))
        content = readable_file(stored)
    except store.BlobMissing:
        return False
    changed = redact(content, pattern).raw if kind in MAILS else without(content, pattern, kind)
    if changed == content:
        return False
    put(file, changed, secret=content != stored)
    return True


def without(content: bytes, pattern: Pattern, kind: str) -> bytes:
    """Whatever its charset is, its other bytes stay."""
    is_wide = content[:2] in {b"\xff\xfe", b"\xfe\xff"}
    charset, errors = ("utf-16", "surrogatepass") if is_wide else ("utf-8", "surrogateescape")
    try:
        text, number = pattern.hide(
            content.decode(charset, errors), is_html=kind in {"text/html", "application/xhtml+xml"}
        )
    except UnicodeError:
        return content
    return text.encode(charset, errors) if number else content


def put(file: File, content: bytes, *, secret: bool) -> None:
    prepared = store.prepare([stored_file(content, secret=secret)])
    with transaction.atomic():
        store.save(prepared)
        old = str(file.blob_id)
        type(file)._default_manager.filter(pk=file.pk).update(blob=prepared[0], size=len(content))
        let_go([old])
