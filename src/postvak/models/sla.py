"""Service levels: until when we want to have answered, on which calendar."""

from typing import TYPE_CHECKING, ClassVar

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from postvak.models.priority import Priority
    from postvak.models.queue import Queue


class Calendar(models.Model):
    """Business time. `hours`: by weekday ("0" Monday … "6" Sunday) the spans ["08:30", "17:00"], none on free days.

    `country` (ISO 3166-1, "NL") and `region` (ISO 3166-2 without the country, "BY") name the public holidays;
    `holidays`: further free days, {"2026-12-24": "company outing"}, and `open_days`: holidays on which we work.
    """

    name = models.CharField(_("name"), max_length=100, unique=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True, default="")
    hours = models.JSONField(_("business hours"), default=dict)
    country = models.CharField(_("country"), max_length=2, blank=True, default="")
    region = models.CharField(_("region"), max_length=8, blank=True, default="")
    holidays = models.JSONField(_("further free days"), blank=True, default=dict)
    open_days = models.JSONField(_("holidays on which you work"), blank=True, default=list)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class Sla(models.Model):
    """Targets in minutes of business time, null: none. The first valid one by `position` that fits a ticket's queue and
    priority holds; one without queues or priorities fits all."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    calendar = models.ForeignKey(Calendar, models.PROTECT, related_name="slas", verbose_name=_("calendar"))
    first_answer = models.PositiveIntegerField(
        _("first answer within"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    next_answer = models.PositiveIntegerField(
        _("next answers within"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    solution = models.PositiveIntegerField(_("solved within"), null=True, blank=True, validators=[MinValueValidator(1)])
    queues: "models.ManyToManyField[Queue, models.Model]" = models.ManyToManyField(
        "Queue", blank=True, related_name="slas", verbose_name=_("queues")
    )
    priorities: "models.ManyToManyField[Priority, models.Model]" = models.ManyToManyField(
        "Priority", blank=True, related_name="+", verbose_name=_("priorities")
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_valid = models.BooleanField(_("valid"), default=True)

    class Meta:
        ordering: ClassVar = ["position", "id"]

    def __str__(self) -> str:
        return self.name


class Rating(models.Model):
    """What a customer thought of our help; one per ticket, the last one counts."""

    class Value(models.IntegerChoices):
        BAD = 1, _("bad")
        FAIR = 2, _("fair")
        GOOD = 3, _("good")

    ticket = models.OneToOneField("Ticket", models.CASCADE, related_name="rating")
    value = models.PositiveSmallIntegerField(choices=Value)
    comment = models.TextField(blank=True, default="")
    at = models.DateTimeField()
