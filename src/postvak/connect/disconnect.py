"""Giving a connected account up: forget its tokens, or the whole row. Refused while something logs in with it.

The provider isn't told: Microsoft has no request for that, and who wants to be sure takes the right back there.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import transaction

from postvak.connect.tokens import alone_with
from postvak.models import Channel, Grant, Mailbox


class InUse(Exception):
    """`users` log in with the account and would stop working."""

    def __init__(self, users: Sequence[Mailbox | Channel]) -> None:
        super().__init__(", ".join(user.name for user in users))
        self.users = tuple(users)


def users_of(grant: Grant) -> list[Mailbox | Channel]:
    """Also invalid ones: who makes them valid again expects them to work."""
    return [*Mailbox.objects.filter(grant=grant), *Channel.objects.filter(grant=grant).order_by("name")]


def disconnect(grant: Grant) -> None:
    """No token is left here; the registration stays, so that somebody can sign in again. Raises InUse."""
    with unused(grant) as row:
        row.sealed_access_token = row.sealed_refresh_token = row.last_said = ""
        row.access_expires_at = row.connected_at = row.refreshed_at = row.failing_since = None
        row.save()


def remove(grant: Grant) -> None:
    """Tokens and registration. Raises InUse."""
    with unused(grant) as row:
        row.delete()


@contextmanager
def unused(grant: Grant) -> Iterator[Grant]:
    """The row, locked: nobody renews its tokens, and nothing begins to use it. Raises InUse, ConnectionProblem."""
    with alone_with(grant), transaction.atomic():
        row = Grant.objects.select_for_update().get(pk=grant.pk)
        if users := users_of(row):
            raise InUse(users)
        yield row
