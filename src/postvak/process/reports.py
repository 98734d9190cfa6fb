"""Which of our deliveries a delivery report speaks of: by the return path that it came to, else by the Message-ID of the
mail that it returns. Reads only. Spec 02, step 1."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Q

from postvak.mail.addresses import normalise
from postvak.mail.bounces import tells_failure
from postvak.mail.return_path import Kind as Names
from postvak.mail.threading import canonical_message_id
from postvak.mail.values import DeliveryReport, Failure, Kind, Mail
from postvak.models import Delivery, OutgoingMail
from postvak.process.addressed import message_ids, named_by
from postvak.process.evidence import Threads, token_of
from postvak.process.incoming import Incoming
from postvak.process.plan import Report, ReportedDelivery

State = Delivery.State
DELAYED = "delayed"
NOT_OUT = "not_out"
BACK = {State.BOUNCED, State.BLOCKED}
OUT = {State.SENDING, State.ACCEPTED, State.IN_DOUBT}
REPORTS = {Kind.BOUNCE, Kind.COMPLAINT}
SHOWN = 300  # characters of a report's own words


@dataclass(frozen=True, slots=True)
class Sent:
    """One of our deliveries, as a report finds it."""

    id: int
    recipient: str
    ticket_id: int
    state: str
    resent: bool
    is_notice: bool = False


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Those that reports of the wave may speak of: by Message-ID of the mail, and by message (our return path)."""

    by_id: Mapping[str, list[Sent]] = field(default_factory=dict)
    by_message: Mapping[int, list[Sent]] = field(default_factory=dict)


def find_deliveries(wave: Sequence[Incoming]) -> Deliveries:
    reports = [incoming for incoming in wave if incoming.mail.kind in REPORTS]
    ids = {canonical_message_id(r.original_message_id) for i in reports for r in i.mail.reports} - {""}
    messages = message_ids(reports)
    if not ids and not messages:
        return Deliveries()
    rows = Delivery.objects.filter(Q(outgoing__message__message_id__in=ids) | Q(outgoing__message__in=messages))
    by_id: dict[str, list[Sent]] = defaultdict(list)
    by_message: dict[int, list[Sent]] = defaultdict(list)
    for message, message_id, pk, recipient, ticket_id, state, resent in rows.values_list(
        "outgoing__message", "outgoing__message__message_id",
        "pk", "recipient", "outgoing__message__ticket_id", "state", "resent",
    ):  # fmt: skip
        sent = Sent(pk, recipient, ticket_id, state, resent)
        by_id[message_id].append(sent)
        by_message[int(message)].append(sent)
    for message_id, sent in find_notices(ids - by_id.keys(), reports):
        by_id[message_id].append(sent)
    return Deliveries(by_id, by_message)


def find_notices(ids: Iterable[str], reports: Sequence[Incoming]) -> Iterator[tuple[str, Sent]]:
    """(Message-ID, delivery) of mails to agents: by the ticket that our mark in the id names; one that tells of several
    tickets names none (0), and is found by its reader's address."""
    tickets = {message_id: ticket for message_id in ids if (ticket := token_of(message_id)) is not None}
    if not tickets:
        return
    readers = {normalise(r.recipient) for incoming in reports for r in incoming.mail.reports}
    notices = OutgoingMail.objects.filter(message=None, message_id_header__in=tickets)
    named = notices.filter(ticket__in={*tickets.values()} - {0}).order_by().values("pk")
    digests = notices.filter(ticket=None, notices__address__in=readers - {""}).order_by().values("pk")
    found = named.union(digests) if 0 in tickets.values() else named
    rows = Delivery.objects.filter(outgoing__in=found)
    for message_id, pk, recipient, ticket, state, resent in rows.values_list(
        "outgoing__message_id_header", "pk", "recipient", "outgoing__ticket_id", "state", "resent"
    ):
        yield message_id, Sent(pk, recipient, ticket or 0, state, resent, is_notice=True)


def report_of(incoming: Incoming, deliveries: Deliveries, threads: Threads) -> Report:
    """What a delivery report is about; empty for other mails. The return path is proof of the mail, so that one with a
    single recipient needs no more; what reports name besides is asked for the recipients."""
    mail = incoming.mail
    if mail.kind not in REPORTS:
        return Report()
    by_path = returned_to(incoming, deliveries)
    found = list(by_return_path(mail, by_path)) if by_path else list(by_message_id(mail, deliveries))
    ticket = next(
        (t for sent in (*by_path, *known(mail, deliveries)) if (t := threads.by_id.get(sent.ticket_id))), None
    )
    is_notice = not by_path and any(sent.is_notice for sent in known(mail, deliveries))
    return Report(ticket, tuple(reported(mail, report, sent) for report, sent in found), is_notice)


def returned_to(incoming: Incoming, deliveries: Deliveries) -> list[Sent]:
    """The deliveries of the mail whose return path this report came to."""
    named = (named.id for named in named_by(incoming) if named.kind is Names.MESSAGE)
    return next((found for message in named if (found := deliveries.by_message.get(message))), [])


def by_return_path(mail: Mail, path: Sequence[Sent]) -> Iterator[tuple[DeliveryReport, Sent]]:
    if len(path) == 1:
        report = lone_report(mail, path[0])
        if report is not None:
            yield report, path[0]
        return
    for report in mail.reports:
        yield from ((report, sent) for sent in path if is_about(report, sent))


def lone_report(mail: Mail, sent: Sent) -> DeliveryReport | None:
    """The news about an only recipient, whose address may have changed on the way. A report that nobody can read says with
    its subject that the mail came back, if it speaks of a failure at all."""
    about = next((report for report in mail.reports if is_about(report, sent)), None)
    if about or mail.reports:
        return about or mail.reports[0]
    if mail.kind is Kind.BOUNCE and not tells_failure(mail):
        return None
    return DeliveryReport("failed", "", "", mail.subject[:SHOWN], "", Failure.SOFT)


def by_message_id(mail: Mail, deliveries: Deliveries) -> Iterator[tuple[DeliveryReport, Sent]]:
    for report in mail.reports:
        rows = deliveries.by_id.get(canonical_message_id(report.original_message_id), [])
        yield from ((report, sent) for sent in rows if is_about(report, sent))


def known(mail: Mail, deliveries: Deliveries) -> Iterator[Sent]:
    """Of mails of ours that the reports return, whoever they are about."""
    for report in mail.reports:
        yield from deliveries.by_id.get(canonical_message_id(report.original_message_id), [])


def is_about(report: DeliveryReport, sent: Sent) -> bool:
    return normalise(sent.recipient) == normalise(report.recipient)


def reported(mail: Mail, report: DeliveryReport, sent: Sent) -> ReportedDelivery:
    said = " ".join(filter(None, (report.status, report.diagnostic)))
    state = reported_state(mail.kind, report)
    may_be = state == DELAYED or may_become(state, sent.state, is_resent=sent.resent)
    return ReportedDelivery(sent.id, sent.recipient, state if may_be else NOT_OUT, said)


def reported_state(kind: Kind, report: DeliveryReport) -> str:
    """What a delivery becomes by a report (RFC 3464 action), or "delayed": the other server still tries."""
    if kind is Kind.COMPLAINT:
        return State.COMPLAINED
    if report.action == "failed":
        refused = report.failure in {Failure.BLOCKED, Failure.POLICY}
        return State.BLOCKED if refused else State.BOUNCED
    return DELAYED if report.action == "delayed" else State.DELIVERED


def may_become(state: str, now: str, *, is_resent: bool) -> bool:
    """May a report move a delivery from `now` to `state`? Everybody who has the mail can make a report up. So none stops a
    mail that is still to go out, and none hides that one came back or was refused."""
    if now in OUT or (now == State.DEFERRED and is_resent):
        return True
    return state != State.DELIVERED and now in {State.DELIVERED, *BACK}
