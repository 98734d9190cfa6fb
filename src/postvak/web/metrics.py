"""/metrics for Prometheus, in its text format (version 0.0.4). Spec 07.

Every number comes from few rows: the tallies of the ledger, the indexes of what is still to do, the newest mails. It is
open to this very machine, and to whoever has the token of POSTVAK_METRICS_TOKEN; for all others there is no such page.
"""

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from postvak import __version__
from postvak.log.ledger.numbers import totals
from postvak.models import AlarmState, AutomaticMail, Channel, Communication, Mailbox, OutgoingMail, Receipt, SentCopy
from postvak.notify.health.mails import worker_seen
from postvak.receive.refusing import Reason, backlog, refusals
from postvak.receive.silence import is_silent
from postvak.send.broken import ALARMING
from postvak.web.session import public

MOST = 100_000  # rows of a queue that are counted
NEWEST = 1000  # mails whose processing time is told
HOUR = timedelta(hours=1)
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)  # seconds
Labels = Mapping[str, str]
Value = tuple[Labels, float]


@dataclass(frozen=True, slots=True)
class Metric:
    name: str
    kind: str
    help: str
    values: Sequence[Value]


@public
@never_cache
@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    if not may_read(request):
        raise Http404
    return HttpResponse(written(all_metrics(timezone.now())), content_type="text/plain; version=0.0.4; charset=utf-8")


def may_read(request: HttpRequest) -> bool:
    """From this machine without a proxy between, or with the token."""
    token, given = settings.CONFIGURATION.metrics_token, request.headers.get("Authorization", "")
    if given:
        return bool(token) and constant_time_compare(given, f"Bearer {token}")
    return not token and is_local(request)


def is_local(request: HttpRequest) -> bool:
    if any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP")):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def all_metrics(now: datetime) -> Iterator[Metric]:
    yield Metric("postvak_info", "gauge", "Version of Postvak.", [({"version": __version__}, 1)])
    received = totals("in")
    yield by_label("postvak_receipts", "Mails received, by what became of them.", "outcome", received)
    yield by_label("postvak_deliveries", "Deliveries, by their state.", "state", totals("out"))
    yield from queues(now, held=received.get("held", 0))
    yield from accounts(now)
    yield communications(now)
    yield processing()
    yield from listener(now)
    yield one("postvak_alarms", "Troubles that administrators are told of.", AlarmState.objects.count())
    seen = worker_seen()
    yield one("postvak_worker_up", "1: a worker gave a sign of life lately.", float(seen is not None and seen > now))


def one(name: str, help: str, value: float) -> Metric:
    return Metric(name, "gauge", help, [({}, value)])


def by_label(name: str, help: str, label: str, numbers: Mapping[str, int]) -> Metric:
    return Metric(name, "gauge", help, [({label: key}, number) for key, number in sorted(numbers.items())])


def queues(now: datetime, *, held: int) -> Iterator[Metric]:
    """What waits, and how long the oldest of it has been due. Each has an index of the rows that are still to do."""
    due: Mapping[str, QuerySet[Any]] = {
        "processing": Receipt.objects.exclude(state=Receipt.State.DONE).filter(next_attempt_at__lte=now),
        "outbox": OutgoingMail.objects.filter(next_attempt_at__isnull=False),
        "automatic": AutomaticMail.objects.filter(next_attempt_at__isnull=False),
        "copies": SentCopy.objects.filter(next_attempt_at__isnull=False),
    }
    lengths = {name: rows.order_by()[:MOST].count() for name, rows in due.items()} | {"held": held}
    oldest = {name: rows.aggregate(at=Min("next_attempt_at"))["at"] for name, rows in due.items()}
    oldest["held"] = Receipt.objects.held().aggregate(at=Min("received_at"))["at"]
    ages: list[Value] = [({"queue": name}, age(at, now)) for name, at in oldest.items()]
    yield by_label("postvak_queue_length", "Mails that wait.", "queue", lengths)
    yield Metric("postvak_queue_oldest_seconds", "gauge", "How long the oldest one has been due; 0: none is.", ages)


def age(at: datetime | None, now: datetime) -> float:
    return max((now - at).total_seconds(), 0.0) if at else 0.0


def accounts(now: datetime) -> Iterator[Metric]:
    mailboxes = list(Mailbox.objects.fetched().order_by("name"))
    up: list[Value] = [
        ({"mailbox": row.name}, float(not is_silent(row, now) and not row.failing_since)) for row in mailboxes
    ]
    yield Metric("postvak_mailbox_up", "gauge", "1: mail is fetched from it.", up)
    seen: list[Value] = [({"mailbox": row.name}, row.last_success_at.timestamp()) for row in mailboxes if row.last_success_at]  # fmt: skip
    yield Metric("postvak_mailbox_last_success_timestamp_seconds", "gauge", "Last time that it worked.", seen)
    channels = Channel.objects.filter(is_valid=True).order_by("name").values_list("name", "failures")
    works: list[Value] = [({"channel": name}, float(failures < ALARMING)) for name, failures in channels]
    yield Metric("postvak_channel_up", "gauge", "1: mail goes out by it.", works)


def communications(now: datetime) -> Metric:
    rows = Communication.objects.filter(started_at__gte=now - HOUR).order_by().values("direction", "state")
    counted = rows.annotate(number=Count("pk")).values_list("direction", "state", "number")
    values: list[Value] = [({"direction": way, "state": state}, number) for way, state, number in counted]
    return Metric(
        "postvak_communications_last_hour", "gauge", "Talks with mail servers that began in this hour.", values
    )


def listener(now: datetime) -> Iterator[Metric]:
    refused = refusals(now)
    values = {str(reason): int(reason in refused) for reason in Reason}
    yield by_label("postvak_listener_refusing", "1: mail was refused for now within the last minute.", "reason", values)
    yield one("postvak_listener_backlog", "Mails of the listener that wait to be processed.", backlog(MOST))


def processing() -> Metric:
    """Of the newest mails: a window, so its counts don't only grow."""
    newest = Receipt.objects.order_by("-pk").values_list("duration_ms", flat=True)[:NEWEST]
    seconds = sorted(duration / 1000 for duration in newest if duration is not None)
    name = "postvak_processing_seconds"
    values: list[Value] = [
        ({"": f"{name}_bucket", "le": f"{limit:g}"}, sum(value <= limit for value in seconds)) for limit in BUCKETS
    ]
    values += [
        ({"": f"{name}_bucket", "le": "+Inf"}, len(seconds)),
        ({"": f"{name}_sum"}, sum(seconds)),
        ({"": f"{name}_count"}, len(seconds)),
    ]
    return Metric(name, "histogram", f"Processing time of the newest {NEWEST} mails.", values)


def written(found: Iterator[Metric]) -> str:
    return "".join(f"{line}\n" for metric in found for line in lines_of(metric))


def lines_of(metric: Metric) -> Iterator[str]:
    """A label without a name is the name of the sample itself (of a histogram's parts)."""
    yield f"# HELP {metric.name} {metric.help}"
    yield f"# TYPE {metric.name} {metric.kind}"
    for labels, value in metric.values:
        told = ",".join(f'{name}="{escaped(text)}"' for name, text in labels.items() if name)
        yield f"{labels.get('', metric.name)}{f'{{{told}}}' if told else ''} {value:.17g}"


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
