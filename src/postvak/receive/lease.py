"""Leases: one named piece of work at a time, across any number of processes and machines. Spec 01.

Taken by compare-and-swap on a row (models/lease.py); a worker that dies frees it when its time runs out.
"""

from postvak.models import Lease
from postvak.models.lease import DURATION

__all__ = ["DURATION", "give_back", "renew", "take"]


def take(name: str, owner: str) -> bool:
    """Try to get the lease for DURATION; also renews one's own."""
    return bool(Lease.objects.take(name, owner))


def renew(name: str, owner: str) -> bool:
    """Prolong one's own lease; False: it ran out and another may have it. Stop the work then."""
    return bool(Lease.objects.renew(name, owner))


def give_back(name: str, owner: str) -> None:
    Lease.objects.give_back(name, owner)
