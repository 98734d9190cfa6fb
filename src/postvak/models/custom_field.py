"""CustomField: a field that an administrator added to tickets, customers or organisations. The values are in their `fields`."""

from typing import TYPE_CHECKING, ClassVar

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from postvak.models.queue import Queue


class CustomField(models.Model):
    """`key` names the field in control headers (DynamicField-<key>), filters and the API; letter case is ignored there.

    `options`: the allowed values of a choice, one per line. Ticket.fields holds `{key: [value, ...]}`, every value as
    text: numbers in plain notation, dates as YYYY-MM-DD, a checkbox as "1" or "0", a link as its address (http, https, mailto).

    `queues`: of a ticket's field, where it is shown, empty: everywhere. `is_required`: a ticket can't be closed without it,
    a customer or organisation not saved.
    """

    class Kind(models.TextChoices):
        TEXT = "text", _("text")
        NUMBER = "number", _("number")
        DATE = "date", _("date")
        CHECKBOX = "checkbox", _("yes or no")
        CHOICE = "choice", _("one of a list")
        CHOICES = "choices", _("several of a list")
        LINK = "link", _("link")

    class Holder(models.TextChoices):
        TICKET = "ticket", _("tickets")
        CUSTOMER = "customer", _("customers")
        ORGANISATION = "organisation", _("organisations")

    key = models.CharField(
        _("key"),
        max_length=64,
        unique=True,
        validators=[RegexValidator(r"^[A-Za-z][A-Za-z0-9_]*$", _("Letters, digits and _ only; a letter first."))],
    )
    label = models.CharField(_("label"), max_length=100)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.TEXT)
    options = models.TextField(_("options"), blank=True, default="")
    holder = models.CharField(_("of"), max_length=12, choices=Holder, default=Holder.TICKET)
    queues: "models.ManyToManyField[Queue, models.Model]" = models.ManyToManyField(
        "Queue", blank=True, related_name="+", verbose_name=_("queues")
    )
    is_required = models.BooleanField(_("required"), default=False)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_valid = models.BooleanField(_("valid"), default=True)

    class Meta:
        ordering: ClassVar = ["position", "label"]

    def __str__(self) -> str:
        return self.label

    @property
    def option_list(self) -> list[str]:
        return [line.strip() for line in self.options.splitlines() if line.strip()]
