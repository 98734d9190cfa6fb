"""TicketType: what sort of matter a ticket is (question, complaint, order …), as the administrator names them."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class TicketType(models.Model):
    name = models.CharField(_("name"), max_length=100, unique=True)
    is_valid = models.BooleanField(_("valid"), default=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name
