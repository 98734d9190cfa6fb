"""Organisations and customers of a source, before its tickets: set-based. What is here by its address or key stays as it is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from postvak.bring import memory
from postvak.bring.portion import portions
from postvak.bring.trip import Trip
from postvak.bring.values import LeftOut
from postvak.mail.addresses import is_valid_recipient, normalise
from postvak.models import Customer, CustomerAddress, Organisation, OrganisationDomain

AT_ONCE = 500
LONGEST_DOMAIN, LONGEST_ADDRESS = 253, 320
Values = Mapping[str, list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """`domains`: whoever writes from there belongs to it."""

    key: str
    name: str
    note: str = ""
    fields: Values = field(default_factory=dict)
    domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """`company`: its key."""

    key: str
    name: str
    emails: tuple[str, ...]
    company: str = ""
    note: str = ""
    fields: Values = field(default_factory=dict)


def bring_companies(trip: Trip, source: str, companies: Iterable[Company]) -> None:
    for some in portions(companies, AT_ONCE):
        here = memory.found(source, "organisation", [one.key for one in some])
        fresh = [one for one in some if not here.get(one.key)]
        trip.counts["organisations"] += len(fresh)
        if fresh and not trip.options.is_dry:
            made = Organisation.objects.bulk_create(organisation_of(one) for one in fresh)
            pairs = list(zip(fresh, made, strict=True))
            OrganisationDomain.objects.bulk_create(
                [
                    OrganisationDomain(organisation=row, domain=domain)
                    for one, row in pairs
                    for domain in dict.fromkeys(map(str.lower, one.domains))
                    if "." in domain and len(domain) <= LONGEST_DOMAIN
                ],
                ignore_conflicts=True,
            )
            memory.keep(source, "organisation", {one.key: row.pk for one, row in pairs}, job=trip.options.job)


def organisation_of(one: Company) -> Organisation:
    return Organisation(name=(one.name or one.key)[:200], note=one.note, fields=dict(one.fields))


def bring_people(trip: Trip, source: str, people: Iterable[Person]) -> None:
    for some in portions(people, AT_ONCE):
        emails = {one.key: own_addresses(one) for one in some}
        lost = [LeftOut("customer", one.key, "no_address", one.name) for one in some if not emails[one.key]]
        trip.leave_out(source, lost)
        wanted = [email for listed in emails.values() for email in listed]
        taken = set(CustomerAddress.objects.filter(email__in=wanted).values_list("email", flat=True))
        fresh = []
        for one in some:
            if emails[one.key] and not taken & set(emails[one.key]):
                fresh.append(one)
                taken.update(emails[one.key])
        trip.counts["customers"] += len(fresh)
        if fresh and not trip.options.is_dry:
            make(source, fresh, emails)


def own_addresses(one: Person) -> list[str]:
    found = dict.fromkeys(normalise(email) for email in one.emails)
    return [email for email in found if is_valid_recipient(email) and len(email) <= LONGEST_ADDRESS]


def make(source: str, people: Sequence[Person], emails: Mapping[str, list[str]]) -> None:
    organisations = memory.found(source, "organisation", [one.company for one in people if one.company])
    made = Customer.objects.bulk_create(
        Customer(
            name=(one.name or emails[one.key][0])[:200],
            organisation_id=organisations.get(one.company) or None,
            note=one.note,
            fields=dict(one.fields),
        )
        for one in people
    )
    CustomerAddress.objects.bulk_create(
        CustomerAddress(customer=customer, email=email)
        for one, customer in zip(people, made, strict=True)
        for email in emails[one.key]
    )
