"""What programs use: tokens for the API, keys that make a request happen once, web hooks and what was sent to them. Spec 10."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from postvak.crypto.sealing import seal, unseal


class ApiToken(models.Model):
    """A program acts as `agent`, within `scopes` (api.scopes). `digest`: SHA-256 of the token, hex; `beginning`: its first letters,
    to recognise it by. `rate_from`, `rate_used` count the requests of the running minute."""

    agent = models.ForeignKey("Agent", models.CASCADE, related_name="api_tokens", verbose_name=_("agent"))
    name = models.CharField(_("name"), max_length=100)
    scopes = models.JSONField(_("scopes"), default=list)
    digest = models.CharField(max_length=64, unique=True)
    beginning = models.CharField(max_length=12)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(_("valid until"), null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_used_from = models.CharField(max_length=45, blank=True, default="")
    rate_per_minute = models.PositiveIntegerField(_("requests per minute"), default=600)
    rate_from = models.DateTimeField(null=True, blank=True)
    rate_used = models.PositiveIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name


class IdempotencyKey(models.Model):
    """A request with this key was made, and what it was answered; `status` 0: it is still running. Kept for a day."""

    token = models.ForeignKey(ApiToken, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    digest = models.CharField(max_length=64)  # SHA-256 of method, path and body
    status = models.PositiveSmallIntegerField(default=0)
    answer = models.BinaryField(default=b"")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["token", "key"], name="idempotency_key_once")]
        indexes: ClassVar = [models.Index(fields=["created_at"], name="idempotency_by_time")]


class Webhook(models.Model):
    """Another program is told what happens. `events`: names of api.events, empty: all; `queues`: only of these, empty: all.
    `failing_since`: the first of the attempts that failed in a row."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    url = models.URLField(_("address"), max_length=500)
    sealed_secret = models.TextField(blank=True, default="")
    events = models.JSONField(_("events"), default=list)
    queues: "models.ManyToManyField[models.Model, models.Model]" = models.ManyToManyField(
        "Queue", blank=True, related_name="+", verbose_name=_("queues")
    )
    is_valid = models.BooleanField(_("valid"), default=True)
    created_at = models.DateTimeField()
    failing_since = models.DateTimeField(null=True, blank=True)
    last_said = models.TextField(blank=True, default="")

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def secret(self) -> str:
        """That signs what is sent. Raises crypto.sealing.CannotOpen."""
        return unseal(self.sealed_secret, settings.CONFIGURATION.sealing_keys)

    @secret.setter
    def secret(self, secret: str) -> None:
        self.sealed_secret = seal(secret, settings.CONFIGURATION.sealing_keys)


class WebhookDelivery(models.Model):
    """One event for one web hook. `occasion` makes it once ("change:17"); "" of a test. `body`: as it was and will be sent. `said`: of the last
    attempt, in the words of the other side."""

    class State(models.TextChoices):
        PENDING = "pending", _("waits")
        DELIVERED = "delivered", _("delivered")
        FAILED = "failed", _("failed")

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=40)
    occasion = models.CharField(max_length=60, blank=True, default="")
    ticket = models.ForeignKey("Ticket", models.SET_NULL, null=True, blank=True, related_name="+")
    body = models.TextField()
    created_at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    said = models.TextField(blank=True, default="")
    duration = models.PositiveIntegerField(null=True, blank=True)  # milliseconds

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["webhook", "event", "occasion"], condition=~models.Q(occasion=""), name="webhook_told_once"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["next_attempt_at"], condition=models.Q(state="pending"), name="webhook_delivery_due"),
            models.Index(fields=["webhook", "-id"], name="webhook_delivery_log"),
            models.Index(fields=["created_at"], name="webhook_delivery_by_time"),
        ]
