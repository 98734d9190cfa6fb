"""Customers of what is imported: found by their addresses, or made. Set-based."""

from collections.abc import Iterable, Mapping

from postvak.mail.addresses import normalise
from postvak.mail.charsets import storable
from postvak.mail.values import Address
from postvak.models import Customer, CustomerAddress, OrganisationDomain

LONGEST_ADDRESS = 320
AT_ONCE = 400


def customers_of(people: Iterable[Address]) -> dict[str, int]:
    """Normalised address -> customer. Those that nobody knew are made; none for what is no address."""
    wanted: dict[str, str] = {}
    for person in people:
        email = normalise(person.email)
        if "@" in email and len(email) <= LONGEST_ADDRESS:
            wanted[email] = wanted.get(email) or person.name
    known = known_customers(wanted)
    return known | make({email: name for email, name in wanted.items() if email not in known})


def known_customers(emails: Iterable[str]) -> dict[str, int]:
    listed, known = list(emails), dict[str, int]()
    for start in range(0, len(listed), AT_ONCE):
        rows = CustomerAddress.objects.filter(email__in=listed[start : start + AT_ONCE])
        known.update(rows.values_list("email", "customer_id"))
    return known


def make(names: Mapping[str, str]) -> dict[str, int]:
    if not names:
        return {}
    domains = {email: email.rpartition("@")[2] for email in names}
    rows = OrganisationDomain.objects.filter(domain__in=set(domains.values()))
    organisations = dict(rows.values_list("domain", "organisation_id"))
    made = Customer.objects.bulk_create(
        Customer(
            name=storable(name or email.partition("@")[0])[:200], organisation_id=organisations.get(domains[email])
        )
        for email, name in names.items()
    )
    CustomerAddress.objects.bulk_create(
        CustomerAddress(customer=customer, email=email) for email, customer in zip(names, made, strict=True)
    )
    return {email: customer.pk for email, customer in zip(names, made, strict=True)}
