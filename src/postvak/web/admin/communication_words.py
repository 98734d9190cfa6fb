"""How the communication log reads: steps as sentences, lengths of time, marks of states; and the same as plain text."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from babel.numbers import format_decimal
from babel.units import format_unit
from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.log.problems import SENTENCES, sentence
from postvak.log.sentences import as_parameters
from postvak.log.talk_search import Spoken
from postvak.log.talk_sentences import PROBLEM, TALK, talk_line
from postvak.models import Communication, CommunicationEntry
from postvak.web.formats import duration, locale, when

SECOND, MINUTE = 1000.0, 60_000.0
STATES = {
    "running": ("redo", "key"),
    "successful": ("tick", ""),
    "warning": ("warn", "warn"),
    "failed": ("x", "alert"),
}
HEALTH = {
    "ok": ("tick", ""),
    "warning": ("warn", "warn"),
    "failed": ("x", "alert"),
    "paused": ("pause", ""),
    "idle": ("clock", ""),
}


@dataclass(frozen=True, slots=True)
class Step:
    """An entry as it is shown. `said`: the server's own words, which `detail` announces; `remedy`: what to do; `tone` of the
    style sheets."""

    entry: CommunicationEntry
    at: str
    title: str
    detail: str
    said: str
    remedy: str
    tone: str


def step_of(entry: CommunicationEntry) -> Step:
    line, parameters = talk_line(entry), as_parameters(entry.parameters)
    said = str(parameters.get("said") or parameters.get("dialogue") or "")
    detail = line.detail.removesuffix(said).rstrip() if said else line.detail
    remedy = ""
    if entry.code == PROBLEM:
        details = {name: str(value) for name, value in parameters.items()}
        remedy = sentence(details.get(PROBLEM, ""), details)[1]
    return Step(entry, clock_of(entry.at), line.title, detail, said, remedy, tone_of(entry.priority))


def spoken() -> list[Spoken]:
    """All sentences of the log as they read in the active language, for the search."""
    ordinary = [Spoken(code, f"{each.title} {each.detail}") for code, each in TALK.items() if code != PROBLEM]
    troubles = [Spoken(PROBLEM, str(what), f"{PROBLEM} {name}") for name, (what, _remedy) in SENTENCES.items()]
    return [*ordinary, *troubles]


def tone_of(priority: int) -> str:
    if priority >= CommunicationEntry.Priority.ERROR:
        return "alert"
    return "warn" if priority >= CommunicationEntry.Priority.WARNING else ""


def clock_of(at: datetime) -> str:
    """Hours to milliseconds, on the reader's clock."""
    here = timezone.localtime(at)
    return f"{here:%H:%M:%S}.{here.microsecond // 1000:03d}"


def start_of(at: datetime | None) -> str:
    """With seconds; the day only if it isn't today."""
    if at is None:
        return ""
    return when(at, "seconds" if timezone.localtime(at).date() == timezone.localdate() else "medium")


def length_of(ms: float | None) -> str:
    """How long something took: "42 ms", "3.1 sec", "4min"."""
    if ms is None:
        return ""
    if ms < SECOND:
        return str(format_unit(max(round(ms), 1), "duration-millisecond", length="short", locale=locale()))
    if ms < MINUTE:
        seconds = format_decimal(ms / SECOND, "0.#", locale=locale())
        return str(format_unit(seconds, "duration-second", length="short", locale=locale()))
    return duration(ms / SECOND)


def health_words(state: str) -> str:
    return {
        "ok": _("fine"),
        "warning": _("not quite"),
        "failed": _("disturbed"),
        "paused": _("paused"),
        "idle": _("nothing yet"),
    }[state]


# -- as plain text ---------------------------------------------------------------------------


def as_text(communication: Communication, steps: Iterable[Step], names: Mapping[int, str]) -> Iterator[str]:
    """A head, then a line for each step, with the server's own words below it; times on the reader's clock, with its distance from
    UTC. `names`: what each object is called."""
    head = _("Communication %(number)s: %(direction)s by %(transport)s, account “%(account)s”, %(state)s")
    values = {
        "number": communication.pk,
        "direction": communication.get_direction_display(),
        "transport": communication.transport.upper(),
        "account": communication.account or "–",
        "state": communication.get_state_display(),
    }
    yield head % values + "\n"
    yield f"{exact(communication.started_at)} – {exact(communication.ended_at) if communication.ended_at else ''}\n"
    about = 0
    for step in steps:
        if step.entry.about_id != about:
            about = step.entry.about_id
            yield f"\n{names.get(about, '')}\n"
        level = step.entry.get_priority_display()
        yield f"{exact(step.entry.at)}  {level:<8}  {step.entry.module:<20}  {' – '.join(filter(None, [step.title, step.detail]))}\n"
        for line in step.said.splitlines():
            yield f"    | {line}\n"


def exact(at: datetime) -> str:
    return timezone.localtime(at).isoformat(timespec="milliseconds")
