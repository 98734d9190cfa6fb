"""Address: one of our own e-mail addresses. Never deleted once used, only made invalid."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from postvak.models.brand import NameMode
from postvak.models.protection import Protected


class Address(Protected):
    """`email` is kept lower-case: recipients are compared without regard to case (spec 02, step 8).

    `grouping_hours`: a customer's further mail within that time joins his open ticket; null: off (step 7).
    `name_mode`: "" is as the brand has it. `signing_key`: which one signs; null: the newest valid one of the address.
    """

    email = models.EmailField(_("e-mail address"), max_length=254, unique=True)
    display_name = models.CharField(_("display name"), max_length=200, blank=True, default="")
    queue = models.ForeignKey("Queue", models.PROTECT, related_name="addresses", verbose_name=_("queue"))
    channel = models.ForeignKey(
        "Channel", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("sending channel")
    )
    name_mode = models.CharField(_("name of the sender"), max_length=8, choices=NameMode, blank=True, default="")
    grouping_hours = models.PositiveIntegerField(_("group mails within hours"), null=True, blank=True)
    is_valid = models.BooleanField(_("valid"), default=True)
    signing_key = models.ForeignKey(
        "CryptoKey", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("key for signing")
    )
    comment = models.CharField(_("comment"), max_length=500, blank=True, default="")

    class Meta:
        ordering: ClassVar = ["email"]

    def __str__(self) -> str:
        return f"{self.display_name} <{self.email}>" if self.display_name else self.email
