"""Organisations: the companies behind customers, with the domains by which new customers are put there."""

from collections.abc import Iterable, Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from postvak.mail.addresses import LABEL, ascii_domain
from postvak.models import Customer, Organisation, OrganisationDomain, Ticket
from postvak.tickets.customers import CannotChange

LONGEST_DOMAIN = 253


def set_domains(organisation: Organisation, domains: Sequence[str]) -> None:
    """The organisation has these domains and no others. Raises CannotChange, and nothing is written."""
    wanted = [checked_domain(typed) for typed in domains]
    with transaction.atomic():
        rows = OrganisationDomain.objects.select_for_update().filter(domain__in=wanted)
        taken = rows.exclude(organisation=organisation).select_related("organisation").first()
        if taken is not None:
            values = {"domain": taken.domain, "name": taken.organisation.name}
            raise CannotChange(_("%(domain)s belongs to %(name)s already.") % values)
        organisation.domains.exclude(domain__in=wanted).delete()
        there = set(organisation.domains.values_list("domain", flat=True))
        OrganisationDomain.objects.bulk_create(
            OrganisationDomain(organisation=organisation, domain=domain)
            for domain in dict.fromkeys(wanted)
            if domain not in there
        )


def checked_domain(typed: str) -> str:
    """As it is kept: in ASCII, small, without what people type before it."""
    domain = ascii_domain(typed.strip().lower().rpartition("@")[2].strip("."))
    labels = domain.split(".")
    if len(labels) < 2 or len(domain) > LONGEST_DOMAIN or not all(LABEL.fullmatch(label) for label in labels):
        raise CannotChange(_("“%(typed)s” is no domain. Write it like example.org.") % {"typed": typed.strip()[:100]})
    return domain


def take_in(organisation: Organisation) -> int:
    """Customers of its domains who belong to no organisation yet; returns how many."""
    found: set[int] = set()
    for domain in organisation.domains.values_list("domain", flat=True):
        rows = Customer.objects.filter(organisation=None, addresses__email__endswith=f"@{domain}")
        found |= set(rows.values_list("pk", flat=True))
    return sum(Customer.objects.filter(pk__in=some).update(organisation=organisation) for some in chunks(sorted(found)))


def chunks(keys: Sequence[int], size: int = 500) -> Iterable[Sequence[int]]:
    return (keys[start : start + size] for start in range(0, len(keys), size))


def merge_organisations(organisation: Organisation, into: Organisation) -> int:
    """Customers, domains and tickets go to `into`; the other one is no more. Returns the number of customers. Can't be
    undone. Raises CannotChange."""
    if organisation.pk == into.pk:
        raise CannotChange(_("An organisation can't be merged with itself."))
    with transaction.atomic():
        keys = {organisation.pk, into.pk}
        rows = {row.pk: row for row in Organisation.objects.select_for_update().filter(pk__in=keys).order_by("pk")}
        if len(rows) < 2:
            raise CannotChange(_("A colleague merged or changed them just now. Look again."))
        gone, stays = rows[organisation.pk], rows[into.pk]
        number = gone.customers.update(organisation=stays)
        gone.domains.update(organisation=stays)
        Ticket.objects.filter(organisation=gone).update(organisation=stays)
        complete(stays, gone)
        gone.delete()
    return number


def complete(stays: Organisation, gone: Organisation) -> None:
    """What one knew and the other didn't."""
    stays.number = stays.number or gone.number
    stays.note = "\n\n".join(note for note in (stays.note, gone.note) if note)
    stays.fields = {**gone.fields, **stays.fields}
    stays.save(update_fields=["number", "note", "fields"])
