"""Leases: one named piece of work at a time, across any number of processes and machines. Spec 01.

Taken by compare-and-swap on a row; a worker that dies frees it when its time runs out.
"""

from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from postvak.models import Lease

DURATION = timedelta(seconds=60)


def take(name: str, owner: str) -> bool:
    """Try to get the lease for DURATION; also renews one's own."""
    now = timezone.now()
    with transaction.atomic():
        Lease.objects.bulk_create([Lease(name=name, owner="", until=now)], ignore_conflicts=True)
        return bool(
            Lease.objects.filter(Q(owner=owner) | Q(until__lte=now), name=name).update(
                owner=owner, until=now + DURATION
            )
        )


def renew(name: str, owner: str) -> bool:
    """Prolong one's own lease; False: it ran out and another may have it. Stop the work then."""
    now = timezone.now()
    return bool(Lease.objects.filter(name=name, owner=owner, until__gt=now).update(until=now + DURATION))


def give_back(name: str, owner: str) -> None:
    Lease.objects.filter(name=name, owner=owner).update(owner="", until=timezone.now())
