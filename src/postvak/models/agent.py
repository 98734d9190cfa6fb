"""Agent: a person who works in Postvak (a user account)."""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.validators import MaxValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

LONGEST_UNDO = 60


class AgentManager(BaseUserManager["Agent"]):
    def create_user(self, email: str, password: str, *, name: str, is_admin: bool = False) -> "Agent":
        """Make an agent with a hashed password; `email` is the log-in name."""
        agent = self.model(email=email.strip().lower(), name=name.strip(), is_admin=is_admin)
        agent.set_password(password)
        agent.save(using=self._db)
        return agent


class Agent(AbstractBaseUser):
    """`email` is kept lower-case. `is_admin` agents see every queue and the administration; others see the queues they are members of.

    `undo_seconds`: for how long an answer that he sends waits in the outbox and can be taken back. `lists`: how he
    wants lists, by their id: {"columns": [names], "order": name}. From `away_from` until `away_until` he is out of office; null:
    no beginning or no end known, both null: he is in. `seen_at`: about when he last asked for a page.
    """

    class Theme(models.TextChoices):
        SYSTEM = "system", _("like the system")
        LIGHT = "light", _("light")
        DARK = "dark", _("dark")

    class Density(models.TextChoices):
        ROOMY = "roomy", _("two lines with preview")
        DENSE = "dense", _("one line")

    class After(models.TextChoices):
        STAY = "stay", _("stay on the ticket")
        NEXT = "next", _("go to the next ticket")
        LIST = "list", _("go back to the list")

    email = models.EmailField(_("e-mail address"), max_length=254, unique=True)
    name = models.CharField(_("name"), max_length=200)
    is_admin = models.BooleanField(_("administrator"), default=False)
    is_active = models.BooleanField(_("valid"), default=True)
    language = models.CharField(_("language"), max_length=8, blank=True, default="")
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True, default="")
    theme = models.CharField(_("colours"), max_length=8, choices=Theme, default=Theme.SYSTEM)
    undo_seconds = models.PositiveSmallIntegerField(
        _("seconds for undoing"), default=10, validators=[MaxValueValidator(LONGEST_UNDO)]
    )
    density = models.CharField(_("rows of lists"), max_length=5, choices=Density, default=Density.ROOMY)
    newest_first = models.BooleanField(_("newest message on top"), default=False)
    after_sending = models.CharField(_("after sending"), max_length=4, choices=After, default=After.STAY)
    has_shortcuts = models.BooleanField(_("keys of one letter"), default=True)
    has_desktop_notices = models.BooleanField(_("notices of the system"), default=False)
    has_sound = models.BooleanField(_("sound"), default=False)
    lists = models.JSONField(blank=True, default=dict)
    away_from = models.DateTimeField(_("away from"), null=True, blank=True)
    away_until = models.DateTimeField(_("away until"), null=True, blank=True)
    substitute = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="substitutes_for", verbose_name=_("substitute")
    )
    seen_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[AgentManager] = AgentManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def initials(self) -> str:
        words = self.name.split() or [self.email]
        return "".join(word[0] for word in (words[0], *words[1:][-1:])).upper()


class FailedLogin(models.Model):
    """One refused log-in; counted to slow down guessing (web.login)."""

    email = models.CharField(max_length=254)
    ip = models.CharField(max_length=45)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["email", "at"]), models.Index(fields=["ip", "at"])]
