"""MailSecurity: what protects a mail, and what we found out about it. One row for each that is signed or encrypted. Spec 05."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class MailSecurity(models.Model):
    """`encrypted`, `signed`: "", smime or pgp. The message's own `text` is empty when it was encrypted; its readable form is made
    of the blob when somebody reads it. `view`: that form, sealed (crypto.sealing.seal_bytes), so that it isn't decrypted each time;
    of an encrypted mail of ours, whose message has a sealed blob, it is not needed.

    `state`: can it be read? `verdict`: of the signature that covers what is read; "" where there is none. `signer`: the address of
    whoever signed. `report`: all layers in order, from outside (crypto.values.Layer as JSON). `missing`: names of keys
    (models.KeyName values) of which any one would open it. `subject`: the protected one (sealed), "" when it is the one outside.
    """

    class State(models.TextChoices):
        PLAIN = "plain", _("readable as it came")
        OPEN = "open", _("decrypted")
        NO_KEY = "no_key", _("encrypted, no key here")
        DAMAGED = "damaged", _("encrypted, can't be decrypted")
        SEALED = "sealed", _("encrypted by us")

    message = models.OneToOneField("Message", models.CASCADE, primary_key=True, related_name="security")
    encrypted = models.CharField(max_length=5, blank=True, default="")
    signed = models.CharField(max_length=5, blank=True, default="")
    state = models.CharField(max_length=7, choices=State, default=State.PLAIN)
    verdict = models.CharField(max_length=12, blank=True, default="")
    signer = models.CharField(max_length=320, blank=True, default="")
    report = models.JSONField(default=list)
    missing = models.JSONField(default=list)
    sealed_subject = models.TextField(blank=True, default="")
    view = models.ForeignKey("Blob", models.PROTECT, null=True, blank=True, related_name="+")
    looked_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["state"], condition=models.Q(state__in=["no_key", "damaged"]), name="mail_not_opened")
        ]

    def __str__(self) -> str:
        return f"security of message {self.message_id}"
