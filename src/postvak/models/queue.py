"""Queue: a tray of tickets that a team works on; Membership: who may read and answer in it."""

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from postvak.models.people import Rights
from postvak.models.protection import Protected

if TYPE_CHECKING:
    from postvak.models.agent import Agent


class Queue(Protected):
    """Mails that no address or mailbox claims go to the one queue with `is_default`.

    `follow_up_days`: a ticket that has been closed for longer never comes back, a new one is opened; null: no limit.
    `languages`: codes in which the queue answers, the first one for everybody else; empty: those of the installation.
    `is_proposed`: new tickets may be proposed for it, or for another one when they come here.
    `keeps_decrypted`: text and preview of mails that came encrypted are stored in clear, and found by search.
    """

    class Colour(models.TextChoices):
        PETROL = "petrol", _("petrol")
        OCHRE = "ochre", _("ochre")
        BRICK = "brick", _("brick")
        MOSS = "moss", _("moss")
        SLATE = "slate", _("slate")
        PLUM = "plum", _("plum")
        SEA = "sea", _("sea")
        STONE = "stone", _("stone")

    class FollowUp(models.TextChoices):
        REOPEN = "reopen", _("reopens the ticket")
        NEW_TICKET = "new_ticket", _("opens a new ticket that is linked")
        REJECT = "reject", _("is kept there, the sender is told")

    class AutoAssign(models.TextChoices):
        NONE = "none", _("nobody")
        ROUND_ROBIN = "round_robin", _("members in turn")
        LEAST_OPEN = "least_open", _("the member with the fewest open tickets")

    name = models.CharField(_("name"), max_length=100, unique=True)
    colour = models.CharField(_("colour"), max_length=10, choices=Colour, default=Colour.PETROL)
    brand = models.ForeignKey("Brand", models.PROTECT, related_name="queues", verbose_name=_("brand"))
    address = models.ForeignKey(
        "Address", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("sending address")
    )
    follow_up = models.CharField(_("mail on closed tickets"), max_length=10, choices=FollowUp, default=FollowUp.REOPEN)
    follow_up_days = models.PositiveIntegerField(_("closed tickets end after days"), null=True, blank=True)
    auto_assign = models.CharField(
        _("new tickets are given to"), max_length=11, choices=AutoAssign, default=AutoAssign.NONE
    )
    languages = models.JSONField(_("languages"), default=list, blank=True)
    keeps_decrypted = models.BooleanField(_("decrypted text may be searched and shown in lists"), default=False)
    holds_suspicious = models.BooleanField(_("hold suspicious mail for a person"), default=False)
    answers_unverified = models.BooleanField(_("automatic mail to senders who can't be verified"), default=True)
    commands_need_dmarc = models.BooleanField(_("agents' commands only with a DMARC pass"), default=True)
    is_proposed = models.BooleanField(_("takes part in classification"), default=True)
    is_default = models.BooleanField(_("default queue"), default=False)
    is_valid = models.BooleanField(_("valid"), default=True)
    members: "models.ManyToManyField[Agent, Membership]" = models.ManyToManyField(
        "Agent", through="Membership", related_name="queues", verbose_name=_("members")
    )

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["is_default"], condition=models.Q(is_default=True), name="one_default_queue"
            ),
            models.CheckConstraint(
                condition=models.Q(is_valid=True) | models.Q(is_default=False), name="default_queue_is_valid"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(Rights):
    """What an agent may do in a queue, in effect: the rights of `own_role` and of his teams' roles together (tickets.people
    keeps them so). `own_role`: given to himself; null: he is here by a team, or has the rights as they stand. `assigned_at`:
    when he last got a ticket in turn."""

    queue = models.ForeignKey(Queue, models.CASCADE)
    agent = models.ForeignKey("Agent", models.CASCADE)
    own_role = models.ForeignKey(
        "Role", models.PROTECT, null=True, blank=True, related_name="memberships", verbose_name=_("role")
    )
    assigned_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["queue", "agent"], name="member_once")]
