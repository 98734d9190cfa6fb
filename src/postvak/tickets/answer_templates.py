"""Answer templates are made, changed, copied and deleted here, and lend their files to drafts; who may write which. Their texts
for one mail are in notify.templates.

The checks raise ValidationError by field: the form shows it beside the field, `postvak config apply` prints it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from postvak.blobs import store
from postvak.mail.compose import File
from postvak.models import Agent, AnswerTemplate, AnswerTemplateFile, Draft, DraftFile
from postvak.tickets.access import queues_to
from postvak.tickets.drafts import check_room
from postvak.tickets.tags import tags_named
from postvak.tickets.texts import Text, write_files, write_texts

BETWEEN = "::"


@dataclass(frozen=True, slots=True)
class Belongings:
    """What a template has besides its columns. `kept`: its files (or those of the one it is a copy of) that stay."""

    queues: Sequence[int] = ()
    brands: Sequence[int] = ()
    tags: Sequence[str] = ()
    texts: Sequence[Text] = ()
    kept: Collection[int] = ()
    files: Sequence[File] = field(default=(), repr=False)


def templates_of(agent: Agent) -> QuerySet[AnswerTemplate]:
    """Those that he may write: administrators all, who administers queues those that are offered nowhere else."""
    if agent.is_admin:
        return AnswerTemplate.objects.all()
    mine = queues_to(agent, "administer")
    places = AnswerTemplate.queues.through._default_manager.filter(answertemplate=OuterRef("pk"))
    is_mine = Exists(places.filter(queue__in=mine)) & ~Exists(places.exclude(queue__in=mine))
    return AnswerTemplate.objects.filter(is_mine, brands=None)


def category_of(typed: str) -> str:
    """As it is kept: no blanks around its parts, no empty ones."""
    return BETWEEN.join(" ".join(part.split()) for part in typed.split(BETWEEN) if part.strip())


def check_template(template: AnswerTemplate) -> None:
    """One name once in each category, whatever its letter case."""
    others = AnswerTemplate.objects.filter(category=template.category).exclude(pk=template.pk)
    if template.name.casefold() in {name.casefold() for name in others.values_list("name", flat=True)}:
        raise ValidationError({"name": _("There is already a template “%(name)s”.") % {"name": template}})


def save_template(template: AnswerTemplate, belongings: Belongings, now: datetime) -> None:
    """Template, texts, queues, brands, tags and files, all or nothing. Raises VaultUnreachable when files can't be stored."""
    contents = store.prepare([file.content for file in belongings.files])
    with transaction.atomic():
        kept = list(AnswerTemplateFile.objects.filter(pk__in=belongings.kept))
        template.save()
        template.queues.set(belongings.queues)
        template.brands.set(belongings.brands)
        template.tags.set(tags_named(belongings.tags))
        write_texts(template, belongings.texts)
        write_files(template, kept, belongings.files, contents, now)


def delete_template(template: AnswerTemplate, now: datetime) -> None:
    """Answers that it was put into keep their text, and drafts their files."""
    with transaction.atomic():
        digests = list(template.files.values_list("blob_id", flat=True))
        template.delete()
        store.condemn([str(digest) for digest in digests], now)


def lend_files(template: AnswerTemplate, draft: Draft, *, limit: int) -> list[DraftFile]:
    """The draft has the template's files, too; no bytes are copied. Those that it has already are not put there again.

    Raises drafts.TooLarge: then nothing is changed. `limit`: bytes of the whole mail (drafts.limit_of).
    """
    with transaction.atomic():
        locked = Draft.objects.select_for_update().get(pk=draft.pk)
        known = set(locked.files.values_list("blob_id", "name"))
        fresh = [one for one in template.files.all() if (one.blob_id, one.name) not in known]
        if fresh:
            check_room(locked, sum(one.size for one in fresh), limit)
        return [
            DraftFile.objects.create(
                draft=draft, name=one.name, content_type=one.content_type, size=one.size, content_id=one.content_id,
                blob_id=one.blob_id,
            )
            for one in fresh
        ]  # fmt: skip
