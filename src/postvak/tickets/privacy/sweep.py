"""The broom at the end: every text of every table, and every stored mail, is looked through for what is left of a person.

Addresses go wherever they stand; the name only where it is his beyond doubt: in what tells of mails and changes. Which tables
there are is asked, not listed, so that a new one is swept, too.
"""

import json
from collections.abc import Iterator, Sequence
from functools import reduce
from operator import or_
from typing import Any

from django.apps import apps
from django.db import IntegrityError, connection, models, transaction
from django.db.models import Q
from django.db.models.functions import Cast

from postvak.blobs import store
from postvak.blobs.rows import Blob
from postvak.mail.redact import Pattern, pattern_of, redact
from postvak.models import CommunicationEntry, Customer, Message
from postvak.tickets.privacy.contents import HOLDERS, StillGoing, exchange
from postvak.tickets.privacy.person import Person
from postvak.tickets.privacy.redaction import hidden
from postvak.tickets.search.index import read_again

SPARED = frozenset(
    {
        "agent",
        "address",
        "mailbox",
        "channel",
        "grant",
        "loginprovider",
        "blob",
        "lease",
        "job",
        "searchentry",
        "searchtext",
    }
)
NAMED = frozenset(
    {
        "history", "trace", "ledgerentry", "auditentry", "removedticket", "communicationentry", "communicationobject",
        "automaticmail", "receipt", "draft", "webhookdelivery", "redaction", "notification", "ticket", "outgoingmail",
    }
)  # fmt: skip
PAGE = 200
TEXTS = (models.CharField, models.TextField, models.JSONField)


def tables() -> list[type[models.Model]]:
    found = apps.get_app_config("postvak").get_models(include_auto_created=True)
    return sorted(
        (one for one in found if one._meta.model_name not in SPARED), key=lambda one: str(one._meta.model_name)
    )


def words_for(model: type[models.Model], person: Person) -> list[str]:
    """The name is left out where it may be somebody else's."""
    is_shared = Customer.objects.filter(name__iexact=person.name).exclude(pk=person.key).exists()
    with_name = model._meta.model_name in NAMED and person.full_name and not is_shared
    return [*person.emails, person.full_name] if with_name else list(person.emails)


def sweep_table(model: type[models.Model], person: Person) -> int:
    """Returns how many rows were changed. Doing it again finds nothing."""
    words = words_for(model, person)
    pattern = pattern_of(words)
    columns = text_columns(model)
    if pattern is None or not columns:
        return 0
    rows, changed, last = with_words(model, columns, words), 0, None
    while page := list((rows if last is None else rows.filter(pk__gt=last)).order_by("pk")[:PAGE]):
        for row in page:
            changed += sweep_row(row, columns, pattern)
        last = page[-1].pk
    return changed


def text_columns(model: type[models.Model]) -> list[str]:
    fields = [field for field in model._meta.concrete_fields if isinstance(field, TEXTS)]
    return [
        field.attname
        for field in fields
        if not (field.primary_key or field.choices or field.attname.startswith("sealed_"))
    ]


def with_words(model: type[models.Model], columns: Sequence[str], words: Sequence[str]) -> "models.QuerySet[Any]":
    """JSON is searched as its text, in which SQLite's has letters beyond ASCII escaped."""
    rows = model._base_manager.all()
    conditions = []
    for column in columns:
        is_json = isinstance(model._meta.get_field(column), models.JSONField)
        name = f"{column}_as_text" if is_json else column
        if is_json:
            rows = rows.annotate(**{name: Cast(column, models.TextField())})
        forms = {form for word in words for form in ((word, json.dumps(word)[1:-1]) if is_json else (word,))}
        conditions += [Q(**{f"{name}__icontains": form}) for form in forms]
    return rows.filter(reduce(or_, conditions))


def sweep_row(row: models.Model, columns: Sequence[str], pattern: Pattern) -> int:
    changes = {name: new for name in columns if (new := hidden(getattr(row, name), pattern)) != getattr(row, name)}
    if not changes:
        return 0
    if isinstance(row, CommunicationEntry):
        with transaction.atomic():  # the index of its words follows only new and deleted rows
            key = row.pk
            row.delete()
            type(row)(
                **{field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
                | changes
                | {"id": key}
            ).save(force_insert=True)
        return 1
    rows = type(row)._base_manager.filter(pk=row.pk)
    try:
        with transaction.atomic():
            rows.update(**changes)
    except IntegrityError:  # one of a kind: another row has the same mark
        rows.update(
            **{name: f"{value} {row.pk}" if isinstance(value, str) else value for name, value in changes.items()}
        )
    if isinstance(row, Message):
        read_again([row.pk])
    return 1


# -- stored mails ----------------------------------------------------------------------------


def digests_after(last: str) -> list[str]:
    return list(Blob.objects.filter(digest__gt=last).order_by("digest").values_list("digest", flat=True)[:PAGE])


def sweep_contents(digests: Sequence[str], person: Person) -> int:
    """Mails that have one of his addresses anywhere. Returns how many were changed."""
    pattern, changed = person.addresses(), 0
    for digest in mails_among(digests) if pattern else ():
        try:
            raw = store.get(digest)
            done = redact(raw, pattern)
            if done.places:
                exchange(digest, done.raw)
                changed += 1
        except (store.BlobMissing, StillGoing):
            continue
    return changed


def mails_among(digests: Sequence[str]) -> Iterator[str]:
    for digest in digests:
        if any(model._default_manager.filter(blob=digest).exists() for model in HOLDERS):
            yield digest


def forget_searches() -> None:
    """SQLite's word indexes keep deleted words in old segments until those are merged."""
    if connection.vendor != "sqlite":
        return
    for index in ("postvak_searchwords", "postvak_ledgerwords", "postvak_talkwords"):
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {index} ({index}) VALUES ('optimize')")  # noqa: S608 - our words
