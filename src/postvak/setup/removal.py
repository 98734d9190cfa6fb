"""Rows of a section are deleted as the pages of the administration do it: what is used stays, and a sentence says why."""

from collections.abc import Callable
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Model, ProtectedError
from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.log.audit import By
from postvak.models import Filter, Rule, SigningKey
from postvak.process.filters.store import delete_filter
from postvak.send.signing_keys import delete_key
from postvak.setup.section import CannotRemove
from postvak.tickets.deletion import CannotDelete, delete
from postvak.tickets.rules.store import InUse, delete_rule


def unused(row: Any, by: By) -> None:
    """What tickets know of its use (tickets.deletion)."""
    try:
        delete(row)
    except CannotDelete as error:
        raise CannotRemove(str(error)) from error


def plainly(row: Model, by: By) -> None:
    """What nothing hangs on; the database has the last word."""
    try:
        with transaction.atomic():
            row.delete()
    except (ProtectedError, IntegrityError) as error:
        raise CannotRemove(_("Something uses it, so it can't be deleted.")) from error


def unless(is_shipped: Callable[[Any], bool]) -> Callable[[Any, By], None]:
    def remove(row: Model, by: By) -> None:
        if is_shipped(row):
            raise CannotRemove(_("It comes with Postvak and can't be deleted."))
        plainly(row, by)

    return remove


def a_filter(row: Filter, by: By) -> None:
    delete_filter(row, by=by.agent)


def a_rule(row: Rule, by: By) -> None:
    try:
        delete_rule(row, timezone.now())
    except InUse as error:
        raise CannotRemove(_("It comes with Postvak, or has written mails: switch it off instead.")) from error


def a_signing_key(row: SigningKey, by: By) -> None:
    if not delete_key(row):
        raise CannotRemove(_("It signs. Switch signing off, or over to another key, first."))
