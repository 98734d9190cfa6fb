"""AuditEntry: who did what in the administration, and from what to what; log-ins, exports, downloads of keys. Spec 07."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class AuditEntry(models.Model):
    """`who`: the agent's name then, or "" for the command line and Postvak itself (`origin` says which). `kind`: the model's name
    in lower case; `changes`: {field: [before, after]}, secrets as "…"; `earlier`: the row's settings
    before, as a configuration file has them, to take the change back; null: that can't be done. Never changed, never deleted, but
    names in it when a person is erased."""

    class Action(models.TextChoices):
        CREATED = "created", _("created")
        CHANGED = "changed", _("changed")
        DELETED = "deleted", _("deleted")
        LOGGED_IN = "logged_in", _("logged in")
        LOGIN_REFUSED = "login_refused", _("log-in refused")
        LOGGED_OUT = "logged_out", _("logged out")
        EXPORTED = "exported", _("exported")
        DOWNLOADED = "downloaded", _("key downloaded")
        IMPORTED = "imported", _("imported")
        ERASED = "erased", _("erased")
        REDACTED = "redacted", _("made unreadable")
        RESTORED = "restored", _("restored")

    class Origin(models.TextChoices):
        BROWSER = "browser", _("browser")
        COMMAND = "command", _("command line")
        API = "api", _("API")
        ITSELF = "itself", _("Postvak itself")

    at = models.DateTimeField()
    agent = models.ForeignKey("Agent", models.SET_NULL, null=True, blank=True, related_name="+")
    who = models.CharField(max_length=200, blank=True, default="")
    origin = models.CharField(max_length=8, choices=Origin, default=Origin.ITSELF)
    remote_ip = models.CharField(max_length=45, blank=True, default="")
    action = models.CharField(max_length=14, choices=Action)
    kind = models.CharField(max_length=40, blank=True, default="")
    key = models.BigIntegerField(null=True, blank=True)
    name = models.CharField(max_length=200, blank=True, default="")
    changes = models.JSONField(default=dict)
    earlier = models.JSONField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["at"], name="audit_by_time"),
            models.Index(fields=["kind", "key", "at"], name="audit_by_object"),
            models.Index(fields=["agent", "at"], name="audit_by_agent"),
        ]

    def __str__(self) -> str:
        return f"{self.who or self.origin} {self.action} {self.kind} {self.name}"
