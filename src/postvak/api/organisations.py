"""Organisations: the companies behind customers."""

from typing import Any

from django.db import transaction

from postvak.api.customers import Into
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
    by_key,
    created,
    found,
    invalid,
    page,
)
from postvak.api.own_fields import FIELDS, Value, fill_fields
from postvak.models import CustomField, Organisation
from postvak.tickets.customer_lists import organisations_with
from postvak.tickets.organisations import merge_organisations, set_domains, take_in

router = Router(tags=["Customers"])
READ, WRITE = Token("customers:read"), Token("customers:write")


class OrganisationShown(BaseModel):
    id: int
    name: str
    number: str = Field(description="Customer number.")
    note: str
    domains: list[str]
    fields: dict[str, list[str]]


class OrganisationChange(Body):
    """What isn't given stays."""

    name: str | None = Field(None, min_length=1, max_length=200, pattern=r"\S")
    number: str | None = Field(None, max_length=64)
    note: str | None = Field(None, max_length=100_000)
    fields: dict[str, Value] | None = Field(None, description=FIELDS)
    domains: list[str] | None = Field(None, max_length=500, description="These and no others.")
    takes_in: bool = Field(
        False, description="Customers of these domains who belong to no organisation belong here from now on."
    )


class OrganisationGiven(OrganisationChange):
    name: str = Field(min_length=1, max_length=200, pattern=r"\S")


class Wanted(Paging):
    q: str = Field("", max_length=200, description="Words in the name, the number or a domain.")


def shown(row: Organisation) -> dict[str, Any]:
    made = {name: getattr(row, name) for name in ("name", "number", "note", "fields")}
    return made | {"id": row.pk, "domains": sorted(one.domain for one in row.domains.all())}


@router.get("/organisations", auth=READ, response=Page[OrganisationShown])
def list_organisations(request: ApiRequest, wanted: Query[Wanted]) -> Any:
    """Organisations, the oldest first."""
    slice = by_key(organisations_with(wanted.q).prefetch_related("domains"), wanted, newest_first=False)
    return page(request, [shown(row) for row in slice.rows], slice.next)


@router.get("/organisations/{int:pk}", auth=READ, response=OrganisationShown)
def get_organisation(request: ApiRequest, pk: int) -> Any:
    """One organisation. Its customers: `GET /customers?organisation=…`."""
    return shown(found(Organisation.objects.prefetch_related("domains"), pk=pk))


@router.post("/organisations", auth=WRITE, response={201: OrganisationShown})
def make_organisation(request: ApiRequest, given: OrganisationGiven) -> Any:
    """A new organisation."""
    return created(shown(saved(Organisation(), given)))


@router.patch("/organisations/{int:pk}", auth=WRITE, response=OrganisationShown)
def change_organisation(request: ApiRequest, pk: int, given: OrganisationChange) -> Any:
    """Name, number, note, domains, custom fields."""
    with transaction.atomic():
        return shown(saved(found(Organisation.objects.select_for_update(), pk=pk), given))


def saved(row: Organisation, given: OrganisationChange) -> Organisation:
    with transaction.atomic():
        for name in given.model_fields_set & {"name", "number", "note"}:
            if getattr(given, name) is None:
                raise invalid(name, "This can't be null.")
            setattr(row, name, getattr(given, name).strip())
        fill_fields(row, CustomField.Holder.ORGANISATION, given.fields)
        row.save()
        if given.domains is not None:
            set_domains(row, given.domains)
        if given.takes_in:
            take_in(row)
    return Organisation.objects.prefetch_related("domains").get(pk=row.pk)


@router.post("/organisations/{int:pk}/merge", auth=WRITE, response=OrganisationShown)
def merge_organisation(request: ApiRequest, pk: int, given: Into) -> Any:
    """Customers, domains and tickets go to `into`. It can't be undone."""
    row, into = found(Organisation.objects.all(), pk=pk), Organisation.objects.filter(pk=given.into).first()
    if into is None:
        raise invalid("into", "There is no such organisation.")
    merge_organisations(row, into)
    return shown(Organisation.objects.prefetch_related("domains").get(pk=into.pk))
