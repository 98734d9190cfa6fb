"""History of a ticket: who changed what, when, by which mail. Sentences are in log.sentences."""

from typing import ClassVar

from django.db import models


class History(models.Model):
    ticket = models.ForeignKey("Ticket", models.CASCADE, related_name="history")
    at = models.DateTimeField()
    agent = models.ForeignKey("Agent", models.PROTECT, null=True, blank=True, related_name="+")
    receipt = models.ForeignKey("Receipt", models.SET_NULL, null=True, blank=True, related_name="+")
    code = models.CharField(max_length=40)
    parameters = models.JSONField(default=dict)

    class Meta:
        ordering: ClassVar = ["at", "id"]
        indexes: ClassVar = [models.Index(fields=["code", "at"], name="history_by_code")]
