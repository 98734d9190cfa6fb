"""Saved views: lists of tickets that agents make themselves; and changes of many tickets at once."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class SavedView(models.Model):
    """`condition`: see tickets.views. `is_shared`: every agent has it in his navigation, and sees his own tickets in it."""

    agent = models.ForeignKey("Agent", models.CASCADE, related_name="views")
    name = models.CharField(_("name"), max_length=60)
    is_shared = models.BooleanField(_("for everybody"), default=False)
    condition = models.JSONField(default=dict)
    columns = models.JSONField(default=list)
    order = models.CharField(_("order"), max_length=20, blank=True, default="")
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        ordering: ClassVar = ["position", "name", "id"]

    def __str__(self) -> str:
        return self.name


class ViewCount(models.Model):
    """How many tickets a saved view holds for an agent, and when that was counted. The worker keeps it."""

    view = models.ForeignKey(SavedView, models.CASCADE, related_name="counts")
    agent = models.ForeignKey("Agent", models.CASCADE, related_name="+")
    number = models.PositiveIntegerField(default=0)
    counted_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["view", "agent"], name="view_count_once")]


class BulkChange(models.Model):
    """A change of many tickets. `verb` and `parameters`: see tickets.bulk. `tickets`: keys still to do; `before`: what each
    was before, by key, for undoing; `skipped`: those left alone, with the reason. Done when `finished_at` is set."""

    agent = models.ForeignKey("Agent", models.CASCADE, related_name="+")
    verb = models.CharField(max_length=20)
    parameters = models.JSONField(default=dict)
    tickets = models.JSONField(default=list)
    before = models.JSONField(default=dict)
    skipped = models.JSONField(default=dict)
    total = models.PositiveIntegerField()
    created_at = models.DateTimeField()
    claimed_by = models.CharField(max_length=64, blank=True, default="")
    claimed_until = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=models.Q(finished_at=None), name="bulk_change_to_do")
        ]
