"""Lease: the right to do one named thing alone ("mailbox:3"), for a limited time."""

from datetime import timedelta
from typing import ClassVar

from django.db import models, transaction
from django.utils import timezone

DURATION = timedelta(seconds=60)
NEVER = timedelta(hours=1)  # no lease is given for that long: it was taken while the clock was wrong


class LeaseQuerySet(models.QuerySet["Lease"]):
    """Compare-and-swap on a row: whoever changes it has the lease."""

    def take(self, name: str, owner: str) -> bool:
        """Try to get the lease for DURATION; also renews one's own."""
        now = timezone.now()
        with transaction.atomic():
            self.bulk_create([Lease(name=name, owner="", until=now)], ignore_conflicts=True)
            nobodys = models.Q(owner="") | models.Q(until__lte=now) | models.Q(until__gt=now + NEVER)
            free = self.filter(models.Q(owner=owner) | nobodys, name=name)
            return bool(free.update(owner=owner, until=now + DURATION))

    def renew(self, name: str, owner: str) -> bool:
        """Prolong one's own lease; False: it ran out and another may have it. Stop the work then."""
        now = timezone.now()
        return bool(self.filter(name=name, owner=owner, until__gt=now).update(until=now + DURATION))

    def give_back(self, name: str, owner: str) -> None:
        self.filter(name=name, owner=owner).update(owner="", until=timezone.now())

    def give_all_back(self, prefix: str, owner: str) -> None:
        """Of all names that start with `prefix`."""
        self.filter(name__startswith=prefix, owner=owner).update(owner="", until=timezone.now())


class Lease(models.Model):
    name = models.CharField(primary_key=True, max_length=100)
    owner = models.CharField(max_length=64)
    until = models.DateTimeField()

    objects: ClassVar = LeaseQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name} held by {self.owner}"
