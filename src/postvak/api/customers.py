"""Customers and their addresses. Every agent may see and change the cards of all customers; tickets only as allowed."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from postvak.api.frame import (
    ApiRequest,
    BaseModel,
    Body,
    Field,
    Page,
    Paging,
    Query,
    Router,
    Token,
    agent_of,
    by_key,
    created,
    found,
    gone,
    invalid,
    page,
)
from postvak.api.own_fields import FIELDS, Value, fill_fields
from postvak.api.paging import LARGEST
from postvak.api.ticket_rows import Reference
from postvak.models import Customer, CustomerAddress, CustomField, Organisation
from postvak.tickets.customer_lists import customers_with
from postvak.tickets.customers import add_address, merge_customers, remove_address, renamed

router = Router(tags=["Customers"])
READ, WRITE = Token("customers:read"), Token("customers:write")


class AddressShown(BaseModel):
    id: int
    email: str


class CustomerShown(BaseModel):
    id: int
    name: str
    addresses: list[AddressShown]
    organisation: Reference | None
    language: str
    note: str
    fields: dict[str, list[str]]
    created_at: datetime


class CustomerChange(Body):
    """What isn't given stays."""

    name: str | None = Field(None, max_length=200)
    organisation: int | None = Field(None, ge=1, le=LARGEST, description="null: none.")
    language: str | None = Field(None, max_length=8, description="Empty: that of the mails.")
    note: str | None = Field(None, max_length=100_000)
    fields: dict[str, Value] | None = Field(None, description=FIELDS)


class CustomerGiven(CustomerChange):
    emails: list[str] = Field([], max_length=50)


class AddressGiven(Body):
    email: str = Field(min_length=1, max_length=320)
    moves: bool = Field(False, description="Also when it is another customer's: it moves here.")


class Into(Body):
    into: int = Field(ge=1, le=LARGEST, description="Key of the one that stays.")


class Wanted(Paging):
    q: str = Field("", max_length=200, description="Words in the name, an address or the organisation.")
    email: str = Field("", max_length=320, description="This very address.")
    organisation: int | None = Field(None, ge=1, le=LARGEST)


def loaded() -> "QuerySet[Customer]":
    return Customer.objects.select_related("organisation").prefetch_related("addresses")


def shown(customer: Customer) -> dict[str, Any]:
    company = customer.organisation
    return {
        "id": customer.pk,
        "name": customer.name,
        "addresses": [
            {"id": one.pk, "email": one.email} for one in sorted(customer.addresses.all(), key=lambda one: one.pk)
        ],
        "organisation": {"id": company.pk, "name": company.name} if company else None,
        "language": customer.language,
        "note": customer.note,
        "fields": customer.fields,
        "created_at": customer.created_at,
    }


@router.get("/customers", auth=READ, response=Page[CustomerShown])
def list_customers(request: ApiRequest, wanted: Query[Wanted]) -> Any:
    """Customers, the oldest first."""
    rows = customers_with(wanted.q)
    if wanted.organisation:
        rows = rows.filter(organisation=wanted.organisation)
    if wanted.email:
        rows = rows.filter(addresses__email=wanted.email.strip().lower())
    rows = rows.select_related("organisation").prefetch_related("addresses")
    slice = by_key(rows, wanted, newest_first=False)
    return page(request, [shown(row) for row in slice.rows], slice.next)


@router.get("/customers/{int:pk}", auth=READ, response=CustomerShown)
def get_customer(request: ApiRequest, pk: int) -> Any:
    """One customer. His tickets: `GET /tickets?customer=…`."""
    return shown(found(loaded(), pk=pk))


@router.post("/customers", auth=WRITE, response={201: CustomerShown})
def make_customer(request: ApiRequest, given: CustomerGiven) -> Any:
    """A new customer, with a name or an address."""
    if not (given.name or "").strip() and not given.emails:
        raise invalid("name", "Give a name or an address.")
    with transaction.atomic():
        customer = Customer()
        fill(customer, given)
        customer.save()
        for email in given.emails:
            add_address(customer, email)
    return created(shown(loaded().get(pk=customer.pk)))


@router.patch("/customers/{int:pk}", auth=WRITE, response=CustomerShown)
def change_customer(request: ApiRequest, pk: int, given: CustomerChange) -> Any:
    """Name, organisation, language, note, custom fields."""
    with transaction.atomic():
        customer = found(Customer.objects.select_for_update(), pk=pk)
        old = customer.name
        fill(customer, given)
        customer.save(update_fields=["name", "organisation", "language", "note", "fields"])
        if customer.name != old:
            renamed(customer)
    return shown(loaded().get(pk=pk))


def fill(customer: Customer, given: CustomerChange) -> None:
    for name in given.model_fields_set & {"name", "language", "note"}:
        value = getattr(given, name)
        if value is None:
            raise invalid(name, "This can't be null.")
        setattr(customer, name, " ".join(value.split()) if name == "name" else value)
    if customer.language and customer.language not in dict(settings.LANGUAGES):
        raise invalid("language", f"Languages are: {', '.join(dict(settings.LANGUAGES))}.")
    if "organisation" in given.model_fields_set:
        company = Organisation.objects.filter(pk=given.organisation).first() if given.organisation else None
        if given.organisation and company is None:
            raise invalid("organisation", "There is no such organisation.")
        customer.organisation = company
    fill_fields(customer, CustomField.Holder.CUSTOMER, given.fields)


@router.post("/customers/{int:pk}/addresses", auth=WRITE, response={201: CustomerShown})
def add_customer_address(request: ApiRequest, pk: int, given: AddressGiven) -> Any:
    """One more address. 409 when it is another customer's."""
    add_address(found(Customer.objects.all(), pk=pk), given.email, moves=given.moves)
    return created(shown(loaded().get(pk=pk)))


@router.delete("/customers/{int:pk}/addresses/{int:address}", auth=WRITE, response={204: None})
def remove_customer_address(request: ApiRequest, pk: int, address: int) -> Any:
    """The mails stay. Who writes from there next is a new customer."""
    remove_address(found(CustomerAddress.objects.filter(customer=pk), pk=address))
    return gone()


@router.post("/customers/{int:pk}/merge", auth=WRITE, response=CustomerShown)
def merge_customer(request: ApiRequest, pk: int, given: Into) -> Any:
    """The customer was `into` all the time. It can't be undone. The answer is the one that stays."""
    customer, into = found(Customer.objects.all(), pk=pk), Customer.objects.filter(pk=given.into).first()
    if into is None:
        raise invalid("into", "There is no such customer.")
    merge_customers(customer, into, by=agent_of(request))
    return shown(loaded().get(pk=into.pk))
