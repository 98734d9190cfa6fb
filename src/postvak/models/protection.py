"""How mails of an address, a queue or a rule are protected when they leave. Spec 05."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Sign(models.TextChoices):
    NO = "no", _("not signed")
    POSSIBLE = "possible", _("signed when there is a key")
    ALWAYS = "always", _("always signed, or not sent")


class Encrypt(models.TextChoices):
    NEVER = "never", _("not encrypted")
    POSSIBLE = "possible", _("encrypted when each recipient has a key")
    ALWAYS = "always", _("always encrypted, or not sent")


class Protected(models.Model):
    """ "" is as the next wider one has it: rule, address, queue; a queue's "" is: not."""

    sign = models.CharField(_("signing"), max_length=8, choices=Sign, blank=True, default="")
    encrypt = models.CharField(_("encryption"), max_length=8, choices=Encrypt, blank=True, default="")

    class Meta:
        abstract: ClassVar = True
