"""AlarmState: a trouble that the health check found, and whom it was told. Spec 07."""

from django.db import models


class AlarmState(models.Model):
    """`key` names the trouble ("mailbox:3:silent"); the row goes when it is over. `told_at`, `hooked_at`: when the administrators'
    mail and the web hook took it."""

    key = models.CharField(max_length=100, primary_key=True)
    since = models.DateTimeField()
    told_at = models.DateTimeField(null=True, blank=True)
    hooked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.key
