"""`postvak doctor`: every health check, whole, with what to do. Reads; changes nothing but what DNS said of our keys. Spec 07."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import typer
from django.conf import settings
from django.utils import timezone

from postvak.cli.doctor_checks import OFFLINE, ONLINE
from postvak.cli.prepare import prepare_database
from postvak.notify.health.checks import CHECKS, Check, findings
from postvak.notify.health.finding import Finding, Severity
from postvak.notify.health.machine import contents, ledger

REPLACED = {contents, ledger}  # by the whole ones
MARKS = {Severity.alarm: "ALARM", Severity.warning: "warning", Severity.notice: "notice"}
WIDTH = 9


@dataclass(frozen=True, slots=True)
class Checked:
    name: str
    found: Sequence[Finding]


def doctor(
    as_object: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Ask neither DNS nor any mail server.")] = False,
) -> None:
    """Check everything: configuration, disk, database, clock, worker, mailboxes, channels, DNS of the sending domains,
    the equation of the ledger, stored contents. Exit 1: there is an alarm or a warning."""
    prepare_database()
    checked = examine(timezone.now(), offline=offline)
    print(json.dumps(as_json(checked), indent=2, ensure_ascii=False) if as_object else as_text(checked))
    raise typer.Exit(0 if is_well(checked) else 1)


def examine(now: datetime, *, offline: bool) -> list[Checked]:
    """One after the other: a server that is slow delays only the report."""
    checks: list[Check] = [check for check in CHECKS if check not in REPLACED]
    checks += [*OFFLINE, *(() if offline else ONLINE)]
    return [Checked(check.__name__, findings(now, [check])) for check in checks]


def is_well(checked: Sequence[Checked]) -> bool:
    return not any(finding.severity != Severity.notice for one in checked for finding in one.found)


def as_json(checked: Sequence[Checked]) -> dict[str, object]:
    return {
        "ok": is_well(checked),
        "checks": [{"name": one.name, "findings": [finding_as_json(finding) for finding in one.found]} for one in checked],
    }  # fmt: skip


def finding_as_json(finding: Finding) -> dict[str, object]:
    return {
        "key": finding.key,
        "severity": finding.severity.value,
        "title": finding.title,
        "text": finding.text,
        "since": finding.since.isoformat() if finding.since else None,
        "link": settings.CONFIGURATION.url + finding.path,
    }


def as_text(checked: Sequence[Checked]) -> str:
    lines = [line for one in checked for line in lines_of(one)]
    found = [finding for one in checked for finding in one.found]
    counted = ", ".join(
        f"{number} {severity.value}{'' if number == 1 else 's'}"
        for severity in Severity
        if (number := sum(finding.severity == severity for finding in found))
    )
    return "\n".join([*lines, f"{len(checked)} checks: {counted or 'all is well'}."])


def lines_of(one: Checked) -> list[str]:
    name = one.name.replace("_", " ")
    if not one.found:
        return [f"{'ok':<{WIDTH}}{name}"]
    lines = []
    for finding in one.found:
        lines.append(f"{MARKS[finding.severity]:<{WIDTH}}{name}: {finding.title}")
        lines += [f"{'':<{WIDTH}}{line}" for line in finding.text.splitlines() if line.strip()]
    return lines
