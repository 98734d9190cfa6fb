"""Brand: a face to the outside (name, default channel and signature). A small company has one."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Brand(models.Model):
    """`signature` is plain text put under answers; `{agent}` stands for the agent's name."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    channel = models.ForeignKey(
        "Channel", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("sending channel")
    )
    signature = models.TextField(_("signature"), blank=True, default="")
    language = models.CharField(_("language"), max_length=8, default="en")

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name
