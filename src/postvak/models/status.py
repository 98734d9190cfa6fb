"""Status of a ticket. The type decides behaviour; name and number of statuses are the administrator's."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

SHIPPED_NAMES = {
    "new": _("new"),
    "open": _("open"),
    "customer": _("waiting for customer"),
    "internal": _("waiting internally"),
    "clarify": _("to clarify"),
    "closed": _("closed"),
    "trash": _("trash"),
}


class Status(models.Model):
    """`key` is stable (API, control headers, marks); `name` overrides the shipped, translated name."""

    class Type(models.TextChoices):
        NEW = "new", _("new")
        OPEN = "open", _("open")
        PENDING = "pending", _("pending")
        CLOSED = "closed", _("closed")
        REMOVED = "removed", _("removed")

    key = models.SlugField(max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=100, blank=True, default="")
    type = models.CharField(_("type"), max_length=8, choices=Type)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_valid = models.BooleanField(_("valid"), default=True)

    class Meta:
        ordering: ClassVar = ["position", "key"]
        verbose_name_plural = "statuses"

    def __str__(self) -> str:
        return self.name or str(SHIPPED_NAMES.get(self.key, self.key))

    @property
    def mark(self) -> str:
        """Which mark of icons.svg it has: its own, or (added by an administrator) that of its type."""
        return self.key if self.key in SHIPPED_NAMES else MARKS[self.type]

    @property
    def is_open(self) -> bool:
        """Somebody still has to do or await something."""
        return self.type not in {self.Type.CLOSED, self.Type.REMOVED}


MARKS = {
    Status.Type.NEW.value: "new",
    Status.Type.OPEN.value: "open",
    Status.Type.PENDING.value: "customer",
    Status.Type.CLOSED.value: "closed",
    Status.Type.REMOVED.value: "trash",
}
