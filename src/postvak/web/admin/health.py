"""Health: all findings with what to do, asked for at this moment. "Check now" is the same page, asked for again. Spec 07."""

from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from postvak import __version__
from postvak.models import AlarmState
from postvak.notify.health.checks import CHECKS, findings
from postvak.web.admin.access import admin_only, admin_page


@require_GET
@admin_only
def show(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    found = findings(now)
    told = {row.key: row for row in AlarmState.objects.all()}
    context = {
        "findings": [(one, told.get(one.key)) for one in found],
        "now": now,
        "number": len(CHECKS),
        "version": __version__,
        "updated_at": MigrationRecorder(connection)
        .migration_qs.filter(app="postvak")
        .aggregate(last=Max("applied"))["last"],
    }
    return admin_page(request, "health.html", "health", context)
