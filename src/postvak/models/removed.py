"""RemovedTicket: what is left of a ticket that was deleted from the trash. The ledger's numbers go on adding up with it."""

from typing import ClassVar

from django.db import models


class RemovedTicket(models.Model):
    """`trashed_at`: when somebody put it into the trash. `mails`: our mails that went with it, each
    {"at", "from", "to": [[recipient, state, at], …]}. Its receipts stay, with a line in their traces.
    """

    number = models.CharField(max_length=40, unique=True)
    queue = models.ForeignKey("Queue", models.SET_NULL, null=True, blank=True, related_name="+")
    trashed_at = models.DateTimeField()
    removed_at = models.DateTimeField()
    message_count = models.PositiveIntegerField(default=0)
    mails = models.JSONField(default=list)

    class Meta:
        ordering: ClassVar = ["-removed_at", "-id"]

    def __str__(self) -> str:
        return self.number
