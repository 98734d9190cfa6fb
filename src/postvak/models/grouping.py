"""GroupingExclusion: senders whose mails are never grouped by time. Spec 02, step 7."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class GroupingExclusion(models.Model):
    """`sender`: a whole address, or a domain (which covers its subdomains); in the form of mail.addresses.normalise."""

    sender = models.CharField(_("address or domain"), max_length=320, unique=True)
    comment = models.CharField(_("comment"), max_length=500, blank=True, default="")

    class Meta:
        ordering: ClassVar = ["sender"]

    def __str__(self) -> str:
        return self.sender
