"""Priority of a ticket: a level with a name. Level 3 is what a ticket has when nothing says otherwise."""

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

NORMAL = 3
SHIPPED_PRIORITIES = {
    1: _("very low"),
    2: _("low"),
    3: _("normal"),
    4: _("high"),
    5: _("very high"),
}


class Priority(models.Model):
    """`name` overrides the shipped, translated name."""

    level = models.PositiveSmallIntegerField(
        _("level"), primary_key=True, validators=[MinValueValidator(1), MaxValueValidator(9)]
    )
    name = models.CharField(_("name"), max_length=100, blank=True, default="")
    is_valid = models.BooleanField(_("valid"), default=True)

    class Meta:
        ordering: ClassVar = ["level"]
        verbose_name_plural = "priorities"

    def __str__(self) -> str:
        return self.name or str(SHIPPED_PRIORITIES.get(self.level, self.level))
