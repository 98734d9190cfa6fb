"""Filter: a rule on incoming mail. FilterVersion: what it was before, for history and undo. Spec 03."""

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from postvak.models.mailbox import Mailbox


class Filter(models.Model):
    """`conditions` and `actions` are lists of JSON objects in the form of process.filters.draft; only checked ones are
    saved. The order of filters is the natural order of their names. `hits` and `last_hit_at` are written in bulk after
    the mails of a wave, so a crash may lose a few counts, never a mail.
    """

    class Match(models.TextChoices):
        ALL = "all", _("all conditions")
        ANY = "any", _("any condition")

    name = models.CharField(_("name"), max_length=200, unique=True)
    is_valid = models.BooleanField(_("valid"), default=True)
    comment = models.TextField(_("comment"), blank=True, default="")
    is_everywhere = models.BooleanField(_("for mail of all mailboxes"), default=True)
    mailboxes: "models.ManyToManyField[Mailbox, models.Model]" = models.ManyToManyField(
        "Mailbox", blank=True, related_name="filters", verbose_name=_("only for mail of")
    )
    match = models.CharField(_("fires when"), max_length=3, choices=Match, default=Match.ALL)
    conditions = models.JSONField(default=list)
    actions = models.JSONField(default=list)
    stops = models.BooleanField(_("stop after match"), default=False)
    changed_at = models.DateTimeField()
    changed_by = models.ForeignKey("Agent", models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    hits = models.PositiveBigIntegerField(default=0)
    last_hit_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["changed_at"], name="filter_by_change")]

    def __str__(self) -> str:
        return self.name


class FilterVersion(models.Model):
    """One change of one filter. `before` and `after` are whole drafts, null when it didn't exist. `filter` is null once
    the filter is deleted; its name stays in the drafts."""

    filter = models.ForeignKey(Filter, models.SET_NULL, null=True, blank=True, related_name="versions")
    at = models.DateTimeField()
    agent = models.ForeignKey("Agent", models.SET_NULL, null=True, blank=True, related_name="+")
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-at", "-id"]
