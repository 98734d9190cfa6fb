"""All health checks that cost little: a worker does them four times a minute, the page of the administration at once.

The whole ones, which ask DNS and servers and read whole tables, are in `postvak doctor`.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from django.db import DatabaseError

from postvak.notify.health import backups, classification, keys, machine, mails
from postvak.notify.health.finding import Finding, Severity, worst_first

log = logging.getLogger("postvak.health")

Check = Callable[[datetime], Iterator[Finding]]
CHECKS: Sequence[Check] = (
    mails.mailboxes,
    mails.channels,
    mails.worker,
    mails.listener,
    mails.receipts,
    mails.outbox,
    mails.held,
    mails.loops,
    mails.grants,
    mails.signing,
    keys.keys,
    machine.disk,
    machine.certificate,
    machine.clock,
    machine.database_replica,
    machine.contents,
    machine.ledger,
    backups.backups,
    classification.classification,
)


def findings(now: datetime, checks: Sequence[Check] = CHECKS) -> list[Finding]:
    """The most severe first. A check that itself fails is a finding, and stops no other."""
    found: list[Finding] = []
    for check in checks:
        try:
            found += check(now)
        except DatabaseError:
            raise  # then no other check would work either
        except Exception as error:  # nothing is changed by a check: it is told of, and the next one is done
            log.exception("the health check %s failed", check.__name__)
            facts = {"name": check.__name__, "said": f"{type(error).__name__}: {error}"}
            found.append(Finding("check_failed", facts, Severity.warning, about=check.__name__))
    return worst_first(found)
