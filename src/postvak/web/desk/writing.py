"""The composer's form: what the agent typed, when it shall go out, and a draft made of a mail that was taken back."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from postvak.blobs import store
from postvak.mail.compose import File
from postvak.mail.parse import attachment_content
from postvak.models import Agent, Attachment, Message, Ticket
from postvak.send.sender import CannotAnswer
from postvak.send.suppress import suppressed
from postvak.tickets.answer import Answer
from postvak.tickets.second_look import ComesBack, WroteMeanwhile, newest_customer_mail

MORNING = time(8)
MONDAY = 0


def written(request: HttpRequest, ticket: Ticket, agent: Agent) -> Answer:
    """Raises CannotAnswer when the time to send is no time."""
    data = request.POST
    uploaded = tuple(
        File(file.name or "", file.content_type or "application/octet-stream", file.read())
        for file in request.FILES.getlist("files")
    )
    known = data.get("known", "")
    return Answer(
        to=addresses(data.get("to", "")),
        cc=addresses(data.get("cc", "")),
        bcc=addresses(data.get("bcc", "")),
        text=data.get("text", "").replace("\r\n", "\n"),
        files=(*kept_contents(ticket, data.getlist("kept")), *uploaded),
        status_key=data.get("status", "customer"),
        send_at=time_to_send(data.get("later", ""), data.get("own_time", "")),
        undo=timedelta(seconds=agent.undo_seconds),
        known=int(known) if known.isascii() and known.isdigit() else None,
        despite=frozenset(data.getlist("despite")),
    )


def addresses(typed: str) -> tuple[str, ...]:
    """What people type between commas, semicolons, blanks or line breaks."""
    return tuple(typed.replace(",", " ").replace(";", " ").split())


# -- send later ----------------------------------------------------------------------------


def presets() -> dict[str, datetime]:
    """Tomorrow and next Monday at eight, in the agent's time zone."""
    today = timezone.localdate()
    days = {"tomorrow": 1, "monday": (MONDAY - today.weekday() - 1) % 7 + 1}
    return {
        name: timezone.make_aware(datetime.combine(today + timedelta(days=ahead), MORNING))
        for name, ahead in days.items()
    }


def time_to_send(later: str, own_time: str) -> datetime | None:
    """The time behind a preset's name; "own": the time that was typed; "": at once."""
    if not later:
        return None
    if later in presets():
        return presets()[later]
    try:
        typed = parse_datetime(own_time)
    except ValueError:
        typed = None
    if typed is None:
        raise CannotAnswer("send_at", _("Choose day and time when the mail shall go out."))
    return timezone.make_aware(typed) if timezone.is_naive(typed) else typed


# -- what the composer starts with ----------------------------------------------------------------------------


def start_values(ticket: Ticket, reply_to: str) -> dict[str, Any]:
    """`known` goes with the form, so that sending stops when somebody wrote meanwhile."""
    return {
        "known": newest_customer_mail(ticket),
        "send_times": presets(),
        "comes_back": suppressed([reply_to]) if reply_to else [],
        "despite": [],
        "kept_files": [],
        "wrote_meanwhile": [],
    }


def after_problem(request: HttpRequest, ticket: Ticket, problem: CannotAnswer) -> dict[str, Any]:
    """The composer again, with all that was typed. What stopped the answer once is shown, and doesn't stop it again."""
    data = request.POST
    context: dict[str, Any] = {
        "draft": data,
        "problem": problem,
        "lost_files": bool(request.FILES),
        "kept_files": kept(ticket, data.getlist("kept")),
        "despite": data.getlist("despite"),
    }
    if isinstance(problem, WroteMeanwhile):
        return context | {"wrote_meanwhile": problem.messages}
    if isinstance(problem, ComesBack):
        return context | {
            "comes_back": problem.suppressions,
            "despite": [*context["despite"], *(row.address for row in problem.suppressions)],
            "known": data.get("known", ""),
        }
    return context | {"known": data.get("known", "")}


def draft_again(ticket: Ticket, pk: str) -> dict[str, Any]:
    """The text, recipients and files of a mail of this ticket that was taken back; {} when there is none."""
    if not (pk.isascii() and pk.isdigit()):
        return {}
    message = taken_back(ticket).filter(pk=int(pk)).select_related("outgoing").first()
    if message is None:
        return {}
    to, cc = ([email for _name, email in pairs] for pairs in (message.to, message.cc))
    everybody = message.outgoing.deliveries.values_list("recipient", flat=True)
    before: Mapping[str, Any] = message.outgoing.before
    draft = {
        "to": ", ".join(to),
        "cc": ", ".join(cc),
        "bcc": ", ".join(one for one in everybody if one not in {*to, *cc}),
        "text": message.text,
        "status": before.get("then", "customer"),
    }
    return {"draft": draft, "kept_files": list(message.attachments.all())}


def taken_back(ticket: Ticket) -> Any:
    return ticket.messages.filter(kind=Message.Kind.OUTGOING).exclude(taken_back_at=None)


def kept(ticket: Ticket, keys: Sequence[str]) -> list[Attachment]:
    """Files of mails of this ticket that were taken back: an agent sends them again without choosing them again."""
    wanted = [int(key) for key in keys if key.isascii() and key.isdigit()]
    return list(Attachment.objects.filter(pk__in=wanted, message__in=taken_back(ticket)).select_related("message"))


def kept_contents(ticket: Ticket, keys: Sequence[str]) -> tuple[File, ...]:
    return tuple(
        File(row.name, row.content_type, attachment_content(store.get(str(row.message.blob_id)), row.part)[1])
        for row in kept(ticket, keys)
    )
