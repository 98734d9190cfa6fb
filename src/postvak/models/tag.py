"""Tag: a word on tickets; agents and filters put it there."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from postvak.models.queue import Queue


class Tag(models.Model):
    """`name` is unique without regard to letter case; it is shown as it was first written."""

    name = models.CharField(_("name"), max_length=60)
    colour = models.CharField(_("colour"), max_length=10, choices=Queue.Colour, default=Queue.Colour.STONE)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(Lower("name"), name="tag_name_once")]

    def __str__(self) -> str:
        return self.name


class Tagging(models.Model):
    ticket = models.ForeignKey("Ticket", models.CASCADE, related_name="taggings")
    tag = models.ForeignKey(Tag, models.CASCADE, related_name="taggings")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["ticket", "tag"], name="tag_once")]
