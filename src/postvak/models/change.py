"""What changed: rows that triggers of the database write (models.triggers), so that no way of changing a ticket is missed.

Change wakes pages and the worker that follows up; Tally and TallyDelta are the numbers of open tickets.
"""

from typing import ClassVar

from django.db import models


class Change(models.Model):
    """`message`: of the new message, else null; `assignee`: who got the ticket, null: that didn't change; `history`: of the
    line that tells of another status, queue or priority, else null. Plain keys: a ticket
    may be gone by now. `is_followed`: the worker did what follows from it (tickets.aftermath); rows go after some minutes.
    """

    class Kind(models.TextChoices):
        NEW = "new"
        CHANGED = "changed"
        MESSAGE = "message"
        HISTORY = "history"

    kind = models.CharField(max_length=8, choices=Kind)
    ticket_id = models.BigIntegerField()
    message_id = models.BigIntegerField(null=True)
    assignee_id = models.BigIntegerField(null=True)
    history_id = models.BigIntegerField(null=True)
    at = models.DateTimeField()
    is_followed = models.BooleanField(default=False)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=models.Q(is_followed=False), name="change_to_follow"),
            models.Index(fields=["at"], name="change_by_time"),
        ]


class Tally(models.Model):
    """How many open tickets (neither spam nor merged) a queue has of this assignee (0: nobody) and status."""

    queue_id = models.BigIntegerField()
    assignee_id = models.BigIntegerField()
    status_id = models.BigIntegerField()
    is_private = models.BooleanField()
    number = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["queue_id", "assignee_id", "status_id", "is_private"], name="tally_once")
        ]


class TallyDelta(models.Model):
    """One more or less, not yet added to Tally: writers never wait for each other on a counter."""

    queue_id = models.BigIntegerField()
    assignee_id = models.BigIntegerField()
    status_id = models.BigIntegerField()
    is_private = models.BooleanField()
    number = models.SmallIntegerField()
