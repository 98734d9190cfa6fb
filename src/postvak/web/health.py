"""For load balancers and containers: the web server answers (/health), and Postvak can work (/health/ready).

No log-in; a stranger learns which check failed, and nothing else.
"""

import logging
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files

from django.db import DatabaseError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache

from postvak.notify.health.mails import worker_seen
from postvak.web.session import public

log = logging.getLogger("postvak.health")


@public
@never_cache
def health(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain; charset=utf-8")


@public
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """503 with the sentences of what is wrong, one in a line."""
    wrong = first_wrong()
    return HttpResponse(wrong or "ready", status=503 if wrong else 200, content_type="text/plain; charset=utf-8")


def first_wrong() -> str:
    """Without a database the others can't be asked."""
    try:
        return "\n".join(sentence for is_well, sentence in CHECKS if not is_well())
    except DatabaseError as error:
        log.warning("not ready: %s", error)
        return "The database can't be reached."


def migrations_are_applied() -> bool:
    applied = {name for app, name in MigrationRecorder(connection).applied_migrations() if app == "postvak"}
    return migration_names() <= applied


@cache
def migration_names() -> frozenset[str]:
    folder = files("postvak.migrations")
    return frozenset(file.name.removesuffix(".py") for file in folder.iterdir() if file.name[:4].isdecimal())


def worker_lives() -> bool:
    seen = worker_seen()
    return seen is not None and seen > timezone.now()


CHECKS: Sequence[tuple[Callable[[], bool], str]] = (
    (migrations_are_applied, "The database is not up to date: migrations are missing."),
    (worker_lives, "No worker was seen lately."),
)
