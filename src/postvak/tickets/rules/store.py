"""Rules of the message centre are saved, switched and deleted here. Who calls records it for the audit. Spec 06."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from postvak.blobs import store
from postvak.mail.compose import File
from postvak.models import Agent, AutomaticMail, Rule, RuleFile
from postvak.tickets.texts import Text, write_files, write_texts

TIMED = frozenset({Rule.Trigger.DUE_NEAR, Rule.Trigger.UNANSWERED, Rule.Trigger.UNASSIGNED, Rule.Trigger.SILENT})


class InUse(Exception):
    """The rule was shipped, or has caused mails, which name it for ever: switch it off instead."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a rule has besides its columns. `kept`: its files (or those of the one it is a copy of) that stay."""

    texts: Sequence[Text] = ()
    kept: Collection[int] = ()
    files: Sequence[File] = field(default=(), repr=False)


def save_rule(rule: Rule, contents: Contents, *, by: Agent | None, now: datetime) -> None:
    """Rule, texts and files, all or nothing. Raises VaultUnreachable when files can't be stored.

    A rule that begins to look at something looks from now on only: last year's tickets are none of its business.
    """
    blobs = store.prepare([file.content for file in contents.files])
    with transaction.atomic():
        was = Rule.objects.select_for_update().filter(pk=rule.pk).first() if rule.pk else None
        kept = list(RuleFile.objects.filter(pk__in=contents.kept))
        if rule.is_on and (was is None or not was.is_on or was.trigger != rule.trigger):
            begin(rule, now)
        rule.changed_at, rule.changed_by = now, by
        rule.save()
        write_texts(rule, contents.texts)
        write_files(rule, kept, contents.files, blobs, now)


def switch(rule: Rule, *, is_on: bool, by: Agent | None, now: datetime) -> None:
    with transaction.atomic():
        locked = Rule.objects.select_for_update().get(pk=rule.pk)
        if is_on and not locked.is_on:
            begin(locked, now)
        locked.is_on, locked.changed_at, locked.changed_by = is_on, now, by
        locked.save(update_fields=["is_on", "on_since", "looked_until", "changed_at", "changed_by"])


def begin(rule: Rule, now: datetime) -> None:
    rule.on_since = rule.looked_until = now


def can_be_deleted(rule: Rule) -> bool:
    return not rule.key and not AutomaticMail.objects.filter(rule=rule).exists()


def delete_rule(rule: Rule, now: datetime) -> None:
    """Raises InUse."""
    with transaction.atomic():
        locked = Rule.objects.select_for_update().get(pk=rule.pk)
        if not can_be_deleted(locked):
            raise InUse
        digests = [str(digest) for digest in locked.files.values_list("blob_id", flat=True)]
        locked.delete()
        store.condemn(digests, now)
