"""Wording: what a brand, a queue, an address or an agent puts into each mail: salutation, signature, footer. Spec 04."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Wording(models.Model):
    """Belongs to exactly one brand, queue, address or agent. `language`: "" is for all that have none of their own.

    `html` is clean (mail.html); one of `text` and `html` may be empty and is then made from the other. Both may hold
    placeholders (mail.placeholders).
    """

    class Part(models.TextChoices):
        SALUTATION = "salutation", _("salutation")
        SIGNATURE = "signature", _("signature")
        FOOTER = "footer", _("footer")

    part = models.CharField(_("part"), max_length=10, choices=Part)
    brand = models.ForeignKey("Brand", models.CASCADE, null=True, blank=True, related_name="wordings")
    queue = models.ForeignKey("Queue", models.CASCADE, null=True, blank=True, related_name="wordings")
    address = models.ForeignKey("Address", models.CASCADE, null=True, blank=True, related_name="wordings")
    agent = models.ForeignKey("Agent", models.CASCADE, null=True, blank=True, related_name="wordings")
    language = models.CharField(_("language"), max_length=8, blank=True, default="")
    text = models.TextField(_("text"), blank=True, default="")
    html = models.TextField(_("formatted text"), blank=True, default="")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(brand__isnull=False, queue=None, address=None, agent=None)
                | models.Q(brand=None, queue__isnull=False, address=None, agent=None)
                | models.Q(brand=None, queue=None, address__isnull=False, agent=None)
                | models.Q(brand=None, queue=None, address=None, agent__isnull=False),
                name="wording_has_one_owner",
            ),
            models.UniqueConstraint(fields=["brand", "part", "language"], name="wording_of_brand_once"),
            models.UniqueConstraint(fields=["queue", "part", "language"], name="wording_of_queue_once"),
            models.UniqueConstraint(fields=["address", "part", "language"], name="wording_of_address_once"),
            models.UniqueConstraint(fields=["agent", "part", "language"], name="wording_of_agent_once"),
        ]

    def __str__(self) -> str:
        return f"{self.part} {self.pk}"
