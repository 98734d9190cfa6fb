"""Retention: after how many days the bytes of receipts with an outcome are dropped. No row: kept for ever."""

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from postvak.models.receipt import Receipt


class Retention(models.Model):
    """Only for outcomes without a message on a ticket; the receipt itself, its trace and the ledger stay."""

    outcome = models.CharField(_("outcome"), max_length=20, choices=Receipt.Outcome, unique=True)
    days = models.PositiveIntegerField(_("days"), validators=[MinValueValidator(1)])

    def __str__(self) -> str:
        return str(self.get_outcome_display())
