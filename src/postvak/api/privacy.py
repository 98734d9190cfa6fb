"""Privacy: what there is about a person, all of it as a file, erasing him, and making words of a message unreadable. Spec 10."""

from typing import Annotated, Any

from django.db import transaction
from django.http import StreamingHttpResponse
from django.utils.translation import override

from postvak.api.frame import (
    ApiRequest,
    BaseModel,
    Body,
    Field,
    Problem,
    Router,
    Token,
    agent_of,
    asking,
    created,
    found,
    invalid,
)
from postvak.api.jobs import JobShown
from postvak.api.jobs import shown as job_shown
from postvak.api.messages import NOTHING_RUNS, as_file
from postvak.api.paging import LARGEST
from postvak.jobs.queue import enqueue
from postvak.keep.about import about_person
from postvak.log import audit
from postvak.models import Customer
from postvak.tickets.access import demand, visible_messages
from postvak.tickets.privacy.erase import KIND, running
from postvak.tickets.privacy.files import not_searched
from postvak.tickets.privacy.person import going_out, lines, person_of
from postvak.tickets.privacy.redaction import CannotRedact, Wish, places, redact_message

router = Router(tags=["Privacy"])
EVERYTHING = Token("exports:write", admin=True)
ENGLISH = "en"
Number = Annotated[int, Field(ge=1, le=LARGEST)]


class Held(BaseModel):
    what: str
    number: int


class PersonShown(BaseModel):
    customer: int
    emails: list[str]
    items: list[Held]
    going_out: int = Field(description="Mails that are still to go out; erasing stops them.")
    not_searched: list[str] = Field(
        description="Files of drafts, templates and rules that no program can search (PDF, packed, pictures): look yourself."
    )


class ErasureGiven(Body):
    sure: int = Field(ge=1, le=LARGEST, description="The customer's number once more: nobody does this by accident.")
    keep_tickets: bool = Field(
        False, description="Tickets stay; everything of the customer on them is made unreadable."
    )


class RedactionGiven(Body):
    words: list[str] = Field([], max_length=200, description="Upper and lower case are the same.")
    iban: bool = Field(False, description="All account numbers.")
    phone: bool = Field(False, description="All telephone numbers.")
    quotes: bool = Field(True, description="In later messages of the ticket, too.")
    files: list[Number] = Field([], max_length=1000, description="Attached files that go as a whole.")
    reason: str = Field(min_length=1, max_length=200)
    is_dry: bool = Field(False, description="Only count the places.")


class Redacted(BaseModel):
    places: int


@router.get("/customers/{int:pk}/privacy", auth=EVERYTHING, response=PersonShown)
def get_person(request: ApiRequest, pk: int) -> Any:
    """How much there is about a customer."""
    person = person_of(found(Customer.objects.all(), pk=pk))
    with override(ENGLISH):
        items = [{"what": str(line.label), "number": line.number} for line in lines(person)]
    return {
        "customer": pk,
        "emails": list(person.emails),
        "items": items,
        "going_out": going_out(person).count(),
        "not_searched": [file.name for file in not_searched()],
    }


@router.get("/customers/{int:pk}/privacy/file", auth=EVERYTHING, openapi_extra=as_file("application/zip"))
def get_person_file(request: ApiRequest, pk: int) -> StreamingHttpResponse:
    """Everything about the customer as a ZIP (GDPR, articles 15 and 20)."""
    customer = found(Customer.objects.all(), pk=pk)
    audit.exported(asking(request), "customer", f"customer {pk}", pk)
    response = StreamingHttpResponse(about_person(customer), content_type="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="postvak-customer-{pk}.zip"'
    response.headers["Content-Security-Policy"] = NOTHING_RUNS
    return response


@router.post("/customers/{int:pk}/erasure", auth=Token("customers:write", admin=True), response={201: JobShown})
def erase_customer(request: ApiRequest, pk: int, given: ErasureGiven) -> Any:
    """Erase a customer with everything there is about him, as a job. It can't be undone."""
    found(Customer.objects.all(), pk=pk)
    if given.sure != pk:
        raise invalid("sure", "This is not the number of the customer.")
    with transaction.atomic():
        if running(pk) is not None:
            raise Problem(409, "This customer is being erased already.")
        job = enqueue(KIND, {"customer": pk, "whole": not given.keep_tickets}, by=agent_of(request))
        audit.record(asking(request), audit.Action.CREATED, kind="erasure", key=job.pk, name=f"customer {pk}")
    return created(job_shown(job))


@router.post("/messages/{int:pk}/redaction", auth=Token("tickets:write"), response=Redacted)
def redact(request: ApiRequest, pk: int, given: RedactionGiven) -> Any:
    """Make words, numbers or whole files of a message unreadable for good; for who may delete in the queue."""
    agent = agent_of(request)
    message = found(visible_messages(agent).select_related("ticket"), pk=pk)
    demand(agent, "delete", message.ticket.queue_id)
    wish = wish_of(given)
    try:
        count = len(places(message, wish)) if given.is_dry else redact_message(message, wish, by=asking(request))
    except CannotRedact as error:
        raise Problem(409, str(error)) from error
    return {"places": count}


def wish_of(given: RedactionGiven) -> Wish:
    words = tuple(word.strip() for word in given.words if word.strip())
    if not (words or given.iban or given.phone or given.files):
        raise invalid("words", "Say what shall be made unreadable.")
    return Wish(words, given.iban, given.phone, given.quotes, tuple(given.files), given.reason)
