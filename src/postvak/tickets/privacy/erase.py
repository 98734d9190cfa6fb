"""Erase a customer, as a job in steps: each may be done again, so that another worker goes on where the first one ended.

1. mails that are still to go out are stopped; 2. his tickets go, or everything of his on them is made unreadable; 3. so are
his messages on tickets of others; 4. receipts without a ticket; 5. his card, and rows that are about his addresses; 6. every
table and every stored mail is swept; 7. the search forgets, and so does the database's file.
"""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop as _

from postvak.jobs.run import JobError, Run
from postvak.keys.uses import of_people
from postvak.log import audit
from postvak.mail.redact import MARK
from postvak.models import (
    AuditEntry,
    Blocked,
    Customer,
    FailedLogin,
    Job,
    Participant,
    RemoteContent,
    Suppression,
    Ticket,
)
from postvak.tickets.privacy import person as about
from postvak.tickets.privacy import remains, sweep
from postvak.tickets.privacy.files import sweep_files
from postvak.tickets.privacy.lessons import forget_lessons
from postvak.tickets.privacy.person import Person
from postvak.tickets.privacy.unreadable import make_unreadable
from postvak.tickets.privacy.whole import remove_receipts, remove_ticket, stop_mails
from postvak.tickets.search.index import index_due

KIND = "erase"
RECEIPTS_AT_ONCE = 100
Step = Callable[["Erasing"], None]


class Erasing:
    """What the steps have in hand. `whole`: his tickets go; else they stay, unreadable where he speaks."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.whole = bool(run.parameters.get("whole", True))
        self.counts: dict[str, int] = dict(run.job.counts)
        self.person = self.find()
        self.remains = ""

    def find(self) -> Person:
        """From the point of an earlier attempt, as his card may be gone by now."""
        known = self.run.point.get("person")
        if known:
            return Person(int(known[0]), str(known[1]), tuple(known[2]))
        customer = Customer.objects.filter(pk=self.run.parameters.get("customer") or 0).first()
        if customer is None:
            raise JobError(_("This customer is not there any more."))
        return about.person_of(customer)

    @property
    def point(self) -> dict[str, Any]:
        return {**self.run.point, "person": [self.person.key, self.person.name, list(self.person.emails)]}

    def note(self, what: str, number: int = 1, **point: Any) -> None:
        """So far; may end the job."""
        if number:
            self.counts[what] = self.counts.get(what, 0) + number
        self.run.progress(counts=self.counts, point={**self.point, **point})


def erase(run: Run) -> None:
    """The work of the job."""
    with remains.overwritten():
        carry_out(Erasing(run))


def carry_out(erasing: Erasing) -> None:
    run = erasing.run
    for number, (said, step) in enumerate(STEPS, start=1):
        if run.point.get("step", 0) >= number:
            continue
        run.progress(said=str(said()), done=number - 1, total=len(STEPS), point=erasing.point)
        step(erasing)
        run.progress(done=number, point={"person": erasing.point["person"], "step": number})
    finish(erasing)


def finish(erasing: Erasing) -> None:
    """The audit says how many, and whom by his number."""
    run, key = erasing.run, erasing.person.key
    by = audit.By(run.job.created_by, audit.Origin.BROWSER if run.job.created_by else audit.Origin.COMMAND)
    changes: dict[str, list[object]] = {name: ["", number] for name, number in erasing.counts.items()}
    with transaction.atomic():
        forget_lessons()  # again: a training may have begun before the last of his words were gone
        audit.record(by, audit.Action.ERASED, kind="customer", key=key, name=f"customer {key}", changes=changes)
        run.keep(point={})
        run.finish(result={"counts": erasing.counts, "remains": erasing.remains})


# -- the steps ----------------------------------------------------------------------------


def stop_sending(erasing: Erasing) -> None:
    stop_mails(list(about.going_out(erasing.person)))
    if about.going_out(erasing.person).exists():
        raise JobError(_("A mail to this customer is going out at this moment. Try again in a minute."))


def tickets(erasing: Erasing) -> None:
    keys = about.own_tickets(erasing.person).order_by("pk").values_list("pk", flat=True)
    if erasing.whole:
        for key in list(keys):
            remove_ticket(key)
            erasing.note("tickets")
        return
    blank_tickets(erasing, list(keys))


def others(erasing: Erasing) -> None:
    blank_tickets(erasing, list(about.other_tickets(erasing.person).order_by("pk").values_list("pk", flat=True)))


def blank_tickets(erasing: Erasing, keys: list[int]) -> None:
    """`after`: those below were done already."""
    after = erasing.run.point.get("after", 0)
    for key in keys:
        ticket = Ticket.objects.filter(pk=key, pk__gt=after).first()
        if ticket is not None:
            make_unreadable(ticket, erasing.person)
            erasing.note("kept_tickets", after=key)


def mails(erasing: Erasing) -> None:
    """Those that made no ticket: held, ignored, copies."""
    rows = about.receipts(erasing.person).filter(message=None).order_by("pk").values_list("pk", flat=True)
    keys = list(rows)
    for start in range(0, len(keys), RECEIPTS_AT_ONCE):
        remove_receipts(keys[start : start + RECEIPTS_AT_ONCE])
        erasing.note("receipts", len(keys[start : start + RECEIPTS_AT_ONCE]))


def card(erasing: Erasing) -> None:
    person = erasing.person
    with transaction.atomic():
        for model, column in (
            (Suppression, "address"),
            (Blocked, "pattern"),
            (RemoteContent, "email"),
            (FailedLogin, "email"),
        ):
            model._default_manager.filter(about.of_addresses(person, column)).delete()
        of_people(person.emails).delete()
        AuditEntry.objects.filter(kind="customer", key=person.key).update(
            name=f"customer {person.key}", changes={}, earlier=None
        )
        Participant.objects.filter(customer=person.key).delete()
        about.written(person).filter(customer=person.key).update(customer=None)
        row = Customer.objects.filter(pk=person.key)
        if row.exists() and about.own_tickets(person).exists():
            row.get().addresses.all().delete()
            row.update(name=MARK, organisation=None, note="", fields={}, language="")
        else:
            row.delete()


def tables(erasing: Erasing) -> None:
    """In the order of their names; `table`: done up to there."""
    for model in sweep.tables():
        name = str(model._meta.model_name)
        if name > erasing.run.point.get("table", ""):
            erasing.note("rows", sweep.sweep_table(model, erasing.person), table=name)


def contents(erasing: Erasing) -> None:
    last = str(erasing.run.point.get("digest", ""))
    while digests := sweep.digests_after(last):
        last = digests[-1]
        erasing.note("mails", sweep.sweep_contents(digests, erasing.person), digest=last)
    erasing.note("files", sweep_files(erasing.person))


def search(erasing: Erasing) -> None:
    """The words of what was changed; then the database's own leftovers."""
    while index_due(erasing.run.worker):
        erasing.note("index", 0)
    sweep.forget_searches()


def leftovers(erasing: Erasing) -> None:
    """Whom it was about is forgotten first: the job's own row must not keep it."""
    erasing.person = Person(erasing.person.key, "", ())
    erasing.run.progress(point={**erasing.run.point, **erasing.point})
    erasing.remains = remains.wipe()


STEPS: tuple[tuple[Callable[[], str], Step], ...] = (
    (lambda: _("Mails that are still to go out are stopped."), stop_sending),
    (lambda: _("The tickets of the customer are worked through."), tickets),
    (lambda: _("Tickets of others where the customer took part are worked through."), others),
    (lambda: _("Mails without a ticket are worked through."), mails),
    (lambda: _("The card of the customer is removed."), card),
    (lambda: _("Every table is looked through."), tables),
    (lambda: _("Every stored mail is looked through."), contents),
    (lambda: _("The search forgets."), search),
    (lambda: _("The remains in the database's file are wiped out."), leftovers),
)


def running(customer: int) -> Job | None:
    """The job that erases this customer, unless it is over."""
    jobs = Job.objects.filter(kind=KIND, state__in=[Job.State.WAITING, Job.State.RUNNING])
    return next((job for job in jobs if job.parameters.get("customer") == customer), None)
