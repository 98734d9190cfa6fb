"""Suppression: a customer's address to which mail came back for good, or who complained about it. Spec 04."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Suppression(models.Model):
    """`address` in the form of mail.addresses.normalise. Automatic mail doesn't go there; an agent is warned, and may
    release it (the row goes, the ticket's history stays). `delivery`: the one that failed; `said`: the server's words.
    """

    class Reason(models.TextChoices):
        BOUNCED = "bounced", _("mail came back")
        COMPLAINED = "complained", _("complaint")

    address = models.CharField(max_length=320, unique=True)
    reason = models.CharField(max_length=10, choices=Reason)
    since = models.DateTimeField()
    delivery = models.ForeignKey("Delivery", models.SET_NULL, null=True, blank=True, related_name="+")
    said = models.TextField(blank=True, default="")

    class Meta:
        ordering: ClassVar = ["address"]

    def __str__(self) -> str:
        return self.address
