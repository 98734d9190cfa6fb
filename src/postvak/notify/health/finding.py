"""Finding: one trouble that a health check found, as a code with parameters. Spec 07."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from django.urls import reverse

from postvak.log.health_sentences import text_of, title_of
from postvak.models import Channel, Mailbox


class Severity(StrEnum):
    """`alarm`: administrators are told at once. `warning`: it stands on the page. `notice`: only “doctor” says it."""

    alarm = "alarm"
    warning = "warning"
    notice = "notice"


ORDER = tuple(Severity)


@dataclass(frozen=True, slots=True)
class Finding:
    """`about`: which mailbox, channel … ("mailbox:3"). `page`: name and parts of the address where it can be mended.
    `row`: what is in trouble, so that the alarm goes another way. `since`: when it began, if that is known.
    `is_early`: nothing is broken yet, and there is time: its line on the pages is amber and comes after red ones.
    `note_told`: remembers that a mail about it went out; such a one is told once, and not at all where it `is_told`."""

    code: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    severity: Severity = Severity.alarm
    about: str = ""
    page: tuple[str, ...] = ("admin_health",)
    row: Mailbox | Channel | None = None
    since: datetime | None = None
    is_early: bool = False
    is_told: bool = False
    note_told: Callable[[], None] | None = None

    @property
    def key(self) -> str:
        return f"{self.about}:{self.code}"[:100] if self.about else self.code

    @property
    def title(self) -> str:
        """In the active language, as `text`."""
        return title_of(self.code, self.parameters)

    @property
    def text(self) -> str:
        return text_of(self.code, self.parameters)

    @property
    def paragraphs(self) -> list[str]:
        return self.text.split("\n\n")

    @property
    def path(self) -> str:
        name, *parts = self.page
        return reverse(name, args=parts)


def worst_first(findings: list[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda one: (ORDER.index(one.severity), one.is_early))
