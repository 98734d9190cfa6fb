"""ExternalNumber: how to recognise the number that another system gives a matter, e.g. of a supplier's helpdesk."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class ExternalNumber(models.Model):
    """`sender` and `number` are RE2 expressions; the first group of `number` is the number. It is kept in the custom
    field `field` of the ticket; later mails with the same number and a fitting sender belong to that ticket."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    sender = models.CharField(_("sender matches"), max_length=500)
    number = models.CharField(_("number matches"), max_length=500)
    in_subject = models.BooleanField(_("look in the subject"), default=True)
    in_body = models.BooleanField(_("look in the text"), default=False)
    field = models.ForeignKey("CustomField", models.PROTECT, related_name="+", verbose_name=_("custom field"))
    is_valid = models.BooleanField(_("valid"), default=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class ExternalReference(models.Model):
    """A number of another system on a ticket; written with the custom field, for the look-up."""

    external = models.ForeignKey(ExternalNumber, models.CASCADE, related_name="+")
    value = models.CharField(max_length=200)
    ticket = models.ForeignKey("Ticket", models.CASCADE, related_name="external_references")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["external", "value", "ticket"], name="external_reference_once")
        ]
