"""AnswerTemplate: a ready text that agents put into a mail with "/" in the composer. Spec 06."""

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from postvak.models.draft import StoredFile

if TYPE_CHECKING:
    from postvak.models.brand import Brand
    from postvak.models.queue import Queue
    from postvak.models.tag import Tag


class AnswerTemplate(models.Model):
    """`category`: a path such as "Orders::Returns", "" for none. Without queues and brands it is offered
    everywhere, else in these queues and in those of these brands.

    `status` and `tags`: what sending does to the ticket besides.
    """

    name = models.CharField(_("name"), max_length=100)
    category = models.CharField(_("category"), max_length=200, blank=True, default="")
    queues: "models.ManyToManyField[Queue, models.Model]" = models.ManyToManyField(
        "Queue", blank=True, related_name="+", verbose_name=_("queues")
    )
    brands: "models.ManyToManyField[Brand, models.Model]" = models.ManyToManyField(
        "Brand", blank=True, related_name="+", verbose_name=_("brands")
    )
    position = models.PositiveIntegerField(_("position"), default=0)
    status = models.ForeignKey(
        "Status", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("status after sending")
    )
    tags: "models.ManyToManyField[Tag, models.Model]" = models.ManyToManyField(
        "Tag", blank=True, related_name="+", verbose_name=_("tags")
    )
    is_valid = models.BooleanField(_("valid"), default=True)
    times_used = models.PositiveIntegerField(default=0)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["category", "position", "name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["category", "name"], name="template_name_once")]

    def __str__(self) -> str:
        return f"{self.category}::{self.name}" if self.category else self.name


class AnswerTemplateText(models.Model):
    """One language of a template; "" is for all that have none of their own. `subject`: only for new mails."""

    template = models.ForeignKey(AnswerTemplate, models.CASCADE, related_name="texts")
    language = models.CharField(_("language"), max_length=8, blank=True, default="")
    subject = models.CharField(_("subject"), max_length=500, blank=True, default="")
    html = models.TextField(_("text"), blank=True, default="")

    class Meta:
        ordering: ClassVar = ["language"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["template", "language"], name="template_text_once")]


class AnswerTemplateFile(StoredFile):
    template = models.ForeignKey(AnswerTemplate, models.CASCADE, related_name="files")

    class Meta:
        ordering: ClassVar = ["id"]
