"""People: roles, teams and what they may do in a queue; invitations; ways to log in besides a password. Spec 10."""

from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from postvak.crypto.sealing import seal, unseal

if TYPE_CHECKING:
    from postvak.models.agent import Agent
    from postvak.models.queue import Queue


SHIPPED_ROLES = {
    "agent": _("agent"),
    "lead": _("lead"),
    "reader": _("reader"),
    "administrator": _("administrator of the queue"),
}


class Rights(models.Model):
    """What somebody may do with the tickets of a queue besides reading them. `may_answer`: write mails and notes;
    `may_administer`: change the queue's settings and members; `is_lead`: see private tickets of others."""

    may_answer = models.BooleanField(_("answer and write notes"), default=True, db_default=True)
    may_move = models.BooleanField(_("move to other queues and assign"), default=True, db_default=True)
    may_close = models.BooleanField(_("close and reopen"), default=True, db_default=True)
    may_delete = models.BooleanField(_("put into the trash"), default=True, db_default=True)
    may_administer = models.BooleanField(_("administer the queue"), default=False, db_default=False)
    is_lead = models.BooleanField(_("lead: sees private tickets"), default=False, db_default=False)

    class Meta:
        abstract = True


class Role(Rights):
    """A set of rights with a name, given to agents and teams in queues. `key`: of a shipped role, else ""; `name` overrides its
    shipped, translated name."""

    key = models.SlugField(max_length=20, blank=True, default="")
    name = models.CharField(_("name"), max_length=100, blank=True, default="")
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        ordering: ClassVar = ["position", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["key"], condition=~models.Q(key=""), name="shipped_role_once"),
            models.UniqueConstraint(fields=["name"], condition=~models.Q(name=""), name="role_name_once"),
            models.CheckConstraint(condition=~models.Q(key="") | ~models.Q(name=""), name="role_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name or str(SHIPPED_ROLES.get(self.key, self.key))


class Team(models.Model):
    """Agents who get rights together."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    comment = models.CharField(_("comment"), max_length=500, blank=True, default="")
    is_valid = models.BooleanField(_("valid"), default=True)
    members: "models.ManyToManyField[Agent, models.Model]" = models.ManyToManyField(
        "Agent", blank=True, related_name="teams", verbose_name=_("members")
    )

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class QueueTeam(models.Model):
    """A team's role in a queue. What follows for each of its agents is in Membership (tickets.people.settle)."""

    queue = models.ForeignKey("Queue", models.CASCADE, related_name="queue_teams")
    team = models.ForeignKey(Team, models.CASCADE, related_name="queue_teams")
    role = models.ForeignKey(Role, models.PROTECT, related_name="queue_teams")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["queue", "team"], name="team_once")]


class Invitation(models.Model):
    """A colleague may make his account by a link. `digest`: SHA-256 of its secret part, hex. `queues`: those he becomes a member
    of, with `role`. It ends when it is accepted, withdrawn, or at `expires_at`."""

    email = models.EmailField(_("e-mail address"), max_length=254)
    name = models.CharField(_("name"), max_length=200, blank=True, default="")
    language = models.CharField(_("language"), max_length=8, blank=True, default="")
    is_admin = models.BooleanField(_("administrator"), default=False)
    role = models.ForeignKey(Role, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("role"))
    queues: "models.ManyToManyField[Queue, models.Model]" = models.ManyToManyField(
        "Queue", blank=True, related_name="+", verbose_name=_("queues")
    )
    teams: "models.ManyToManyField[Team, models.Model]" = models.ManyToManyField(
        Team, blank=True, related_name="+", verbose_name=_("teams")
    )
    digest = models.CharField(max_length=64, unique=True)
    outgoing = models.ForeignKey("OutgoingMail", models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey("Agent", models.SET_NULL, null=True, blank=True, related_name="+")
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    agent = models.ForeignKey("Agent", models.SET_NULL, null=True, blank=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.email


class LoginProvider(models.Model):
    """An OpenID Connect provider that agents may log in with. `issuer`: its address, as in its discovery document; Google's and
    Microsoft's are known. `domains`: one per line; whoever has a confirmed address there gets an account with `role` in
    `queues` when he first comes; empty: only agents who exist already."""

    class Kind(models.TextChoices):
        GOOGLE = "google", "Google"
        MICROSOFT = "microsoft", "Microsoft"
        OIDC = "oidc", _("another (OpenID Connect)")

    name = models.CharField(_("name"), max_length=100, unique=True)
    kind = models.CharField(_("provider"), max_length=10, choices=Kind, default=Kind.OIDC)
    issuer = models.URLField(_("address of the issuer"), max_length=500, blank=True, default="")
    tenant = models.CharField(_("tenant"), max_length=100, blank=True, default="")
    client_id = models.CharField(_("application (client) id"), max_length=255)
    sealed_client_secret = models.TextField(blank=True, default="")
    domains = models.TextField(_("domains whose people get an account"), blank=True, default="")
    role = models.ForeignKey(Role, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("role"))
    queues: "models.ManyToManyField[Queue, models.Model]" = models.ManyToManyField(
        "Queue", blank=True, related_name="+", verbose_name=_("queues")
    )
    is_valid = models.BooleanField(_("valid"), default=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def client_secret(self) -> str:
        """In clear. Raises crypto.sealing.CannotOpen."""
        return unseal(self.sealed_client_secret, settings.CONFIGURATION.sealing_keys)

    @client_secret.setter
    def client_secret(self, secret: str) -> None:
        self.sealed_client_secret = seal(secret, settings.CONFIGURATION.sealing_keys)
