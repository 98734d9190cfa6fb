"""The same template as an answer to many tickets: one mail each, with every check that an answer has. Spec 09.

What stops a mail leaves its ticket alone and says why. `once` makes each mail go out at most once, whatever is repeated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.blobs import store
from postvak.mail.compose import File
from postvak.models import Agent, AnswerTemplate, Message, OutgoingMail, Ticket
from postvak.models.draft import Draft
from postvak.notify.setting import newest_of_customers, setting_of
from postvak.notify.templates import count_use, fill_text, text_of, usable
from postvak.notify.values import placeholder_values
from postvak.send.sender import CannotAnswer, sender_for
from postvak.tickets.answer import Answer, answer
from postvak.tickets.bulk_errors import LeftAlone
from postvak.tickets.columns import AWAITS_NOTHING
from postvak.tickets.recipients import answered
from postvak.tickets.take_back import TooLate, take_back

AFTER = "customer"  # the status when the template names none, as in the composer


def known_mails(keys: Sequence[int]) -> dict[str, int]:
    """The newest customer's mail of each ticket, as the agent sees them when he presses send: what comes later stops
    the answer to that ticket. By key as JSON has it."""
    mails = Message.objects.filter(
        ticket__in=keys, kind=Message.Kind.INCOMING, author_kind=Message.AuthorKind.CUSTOMER
    ).exclude(mail_kind__in=AWAITS_NOTHING)
    return {str(key): newest for key, newest in mails.values_list("ticket").annotate(newest=Max("pk")).order_by()}


def written_for(ticket: Ticket, template: AnswerTemplate, *, by: Agent) -> Answer:
    """The template as an answer to this ticket's newest mail from a customer. Raises CannotAnswer."""
    about = newest_of_customers(ticket)
    setting = setting_of(ticket, sender_for(ticket, agent=by), by)
    filled = fill_text(text_of(template, setting.language), placeholder_values(setting, message=about))
    status = template.status
    return Answer(
        to=answered(about, Draft.Kind.REPLY).to,
        html=filled.html,
        files=files_of(template),
        status_key=status.key if status and status.is_valid else AFTER,
        about=about,
        undo=timedelta(seconds=by.undo_seconds),
        tags=tuple(template.tags.values_list("name", flat=True)),
    )


def files_of(template: AnswerTemplate) -> tuple[File, ...]:
    rows = list(template.files.all())
    try:
        raws = store.get_all([str(row.blob_id) for row in rows])
    except (store.BlobMissing, store.VaultUnreachable) as error:
        raise CannotAnswer("files", _("A file can't be read at the moment: %(said)s") % {"said": error}) from error
    return tuple(File(row.name, row.content_type, raws[str(row.blob_id)], row.content_id) for row in rows)


def send_template(ticket: Ticket, values: Mapping[str, Any], by: Agent) -> dict[str, Any] | None:
    template = usable([ticket.queue_id]).select_related("status").filter(pk=values["template"]).first()
    if template is None:
        raise LeftAlone(_("The template is not for this ticket's queue, or it is not valid any more."))
    try:
        what = written_for(ticket, template, by=by)
        message = answer(ticket, with_care(what, ticket, values), by=by)
    except CannotAnswer as problem:
        raise LeftAlone(problem.text) from problem
    count_use(template, timezone.now())
    return {"outgoing": message.outgoing.pk}


def with_care(what: Answer, ticket: Ticket, values: Mapping[str, Any]) -> Answer:
    """Named once for ever, and stopped by what the agent hasn't seen."""
    return replace(what, known=values["known"].get(str(ticket.pk), 0), once=f"{values['once']}t{ticket.pk}")


def take_answer_back(ticket: Ticket, before: Mapping[str, Any], by: Agent) -> None:
    mail = OutgoingMail.objects.filter(pk=before["outgoing"], message__ticket=ticket).first()
    if mail is None:
        raise LeftAlone(_("The mail is on another ticket by now."))
    try:
        take_back(mail, by=by)
    except TooLate as problem:
        raise LeftAlone(str(problem)) from problem
