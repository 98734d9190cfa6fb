"""Classifier: what is proposed for new tickets from their content. Spec 08."""

from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from postvak.crypto.sealing import seal, unseal


class Mode(models.TextChoices):
    """How much a proposal may do. Each level does what the one above it does, too."""

    OFF = "off", _("off")
    SHADOW = "shadow", _("only count how often it would be right")
    SUGGEST = "suggest", _("propose it on the ticket")
    ACT = "act", _("do it when it is sure enough")


class Target(models.TextChoices):
    QUEUE = "queue", _("queue")
    PRIORITY = "priority", _("priority")
    SPAM = "spam", _("spam")


class Classifier(models.Model):
    """One row for each target. `wished`: per cent of what it does by itself that shall be right; `fewest`: tickets that it must have
    learned of a queue (or priority) before it acts on it. `is_stale`: something it learned has to be forgotten: it is made anew."""

    target = models.CharField(max_length=8, choices=Target, unique=True)
    mode = models.CharField(_("mode"), max_length=7, choices=Mode, default=Mode.OFF)
    wished = models.PositiveSmallIntegerField(
        _("per cent that shall be right"), default=95, validators=[MinValueValidator(50), MaxValueValidator(99)]
    )
    fewest = models.PositiveSmallIntegerField(
        _("tickets before it acts"), default=30, validators=[MinValueValidator(5), MaxValueValidator(1000)]
    )
    is_stale = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.target


class ClassifierModel(models.Model):
    """A version of what was learned: a file (classify.storing) and its score card. The active one answers, and goes on learning:
    `blob` changes with it. `labels`: {label: tickets learned}; `score`: as in learn.cards. `learned_at`: up to when decisions of agents
    are in it; `said`: why it was not made the active one."""

    class Origin(models.TextChoices):
        TRAINED = "trained", _("made from all tickets")
        BROUGHT = "brought", _("brought from another installation")

    classifier = models.ForeignKey(Classifier, models.CASCADE, related_name="models")
    version = models.PositiveIntegerField()
    origin = models.CharField(max_length=7, choices=Origin, default=Origin.TRAINED)
    blob = models.ForeignKey("Blob", models.PROTECT, related_name="+")
    size = models.PositiveIntegerField()
    tickets = models.PositiveIntegerField(default=0)
    labels = models.JSONField(default=dict)
    score = models.JSONField(default=dict)
    seconds = models.FloatField(default=0)
    made_at = models.DateTimeField()
    learned_at = models.DateTimeField()
    is_active = models.BooleanField(default=False)
    said = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        ordering: ClassVar = ["-version"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["classifier", "version"], name="model_version_once"),
            models.UniqueConstraint(fields=["classifier"], condition=models.Q(is_active=True), name="one_active_model"),
        ]

    def __str__(self) -> str:
        return f"{self.classifier} {self.version}"


class Prediction(models.Model):
    """What was said about a new ticket, and what became of it. `label`, `wanted`: key of the queue, level of the priority, or
    "spam"/"ham"; `wanted` is "" until a person decided. `words`: [word, share] that counted most; `others`: [label, probability].
    `would_act`: it was sure enough to act; `role`: what was done with it. `is_learned`: the decision is in the model."""

    class Engine(models.TextChoices):
        OWN = "own", _("own model")
        SERVICE = "service", _("language model")

    class Role(models.TextChoices):
        SHADOW = "shadow", _("counted")
        OFFERED = "offered", _("proposed")
        ACTED = "acted", _("done")
        AUDIT = "audit", _("left to a person, to measure")
        DISMISSED = "dismissed", _("dismissed")

    ticket = models.ForeignKey("Ticket", models.CASCADE, related_name="predictions")
    target = models.CharField(max_length=8, choices=Target)
    engine = models.CharField(max_length=7, choices=Engine, default=Engine.OWN)
    model = models.ForeignKey(ClassifierModel, models.SET_NULL, null=True, blank=True, related_name="+")
    label = models.CharField(max_length=20)
    probability = models.FloatField()
    familiarity = models.FloatField(default=1)
    is_known = models.BooleanField(default=True)
    would_act = models.BooleanField(default=False)
    role = models.CharField(max_length=9, choices=Role, default=Role.SHADOW)
    words = models.JSONField(default=list)
    others = models.JSONField(default=list)
    made_at = models.DateTimeField()
    wanted = models.CharField(max_length=20, blank=True, default="")
    decided_at = models.DateTimeField(null=True, blank=True)
    is_learned = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["ticket", "target", "engine"], name="predicted_once")]
        indexes: ClassVar = [
            models.Index(fields=["made_at"], condition=models.Q(wanted=""), name="prediction_undecided"),
            models.Index(
                fields=["target", "decided_at"],
                condition=models.Q(is_learned=False) & ~models.Q(wanted=""),
                name="prediction_to_learn",
            ),
            models.Index(fields=["target", "engine", "-decided_at"], name="prediction_decided"),
        ]

    def __str__(self) -> str:
        return f"{self.target} of ticket {self.ticket_id}: {self.label}"


class LanguageModel(models.Model):
    """An OpenAI-compatible service that is asked as well, about tickets of brands that allow it. One row. `key` is sealed;
    `timeout` in seconds; `wished` as in Classifier, measured on its own answers."""

    url = models.URLField(_("address"), max_length=500, blank=True, default="")
    model = models.CharField(_("model"), max_length=100, blank=True, default="")
    key = models.TextField(_("key"), blank=True, default="")
    timeout = models.PositiveSmallIntegerField(
        _("seconds to wait for an answer"), default=30, validators=[MinValueValidator(1), MaxValueValidator(300)]
    )
    mode = models.CharField(_("mode"), max_length=7, choices=Mode, default=Mode.OFF)
    wished = models.PositiveSmallIntegerField(
        _("per cent that shall be right"), default=95, validators=[MinValueValidator(50), MaxValueValidator(99)]
    )
    last_problem = models.CharField(max_length=500, blank=True, default="")
    last_problem_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(pk=1), name="one_language_model")]

    def __str__(self) -> str:
        return self.model

    @property
    def secret(self) -> str:
        """The key in clear. Raises crypto.sealing.CannotOpen."""
        return unseal(self.key, settings.CONFIGURATION.sealing_keys)

    @secret.setter
    def secret(self, secret: str) -> None:
        self.key = seal(secret, settings.CONFIGURATION.sealing_keys)
