"""apply, first part: who wrote, and for whom a new ticket is. Set-based: statements don't grow with the wave."""

from collections.abc import Iterable, Sequence

from postvak.mail.values import Mail
from postvak.models import Customer, CustomerAddress, OrganisationDomain
from postvak.process.incoming import author_domain
from postvak.process.work import Work

LONGEST_ADDRESS = 320  # RFC 3696: 64 @ 255; a longer one can't be answered, and cut ones could be taken for each other


def make_customers(wave: Sequence[Work]) -> None:
    """One customer per new address, even when he wrote several mails of this wave; none for an impossible address."""
    fresh: dict[str, Customer] = {}
    for work in wave:
        if work.plan.customer:
            work.customer_id = work.plan.customer.id
        elif work.plan.creates_customer and len(work.author_email) <= LONGEST_ADDRESS:
            fresh.setdefault(work.author_email, new_customer(work))
    requesters = {work.plan.attributes.customer_email for work in wave if work.plan.new_ticket} - {""}
    requesters = {email for email in requesters if len(email) <= LONGEST_ADDRESS}
    known = known_customers(requesters)
    fresh |= new_requesters(requesters - set(known) - set(fresh))
    made = Customer.objects.bulk_create(fresh.values())
    CustomerAddress.objects.bulk_create(
        CustomerAddress(customer=customer, email=email) for email, customer in zip(fresh, made, strict=True)
    )
    ids = known | {email: customer.pk for email, customer in zip(fresh, made, strict=True)}
    for work in wave:
        if work.plan.creates_customer:
            work.customer_id = ids.get(work.author_email)
        work.requester_id = ids.get(work.plan.attributes.customer_email, work.customer_id)


def new_requesters(emails: Iterable[str]) -> dict[str, Customer]:
    """Those that nobody knows yet, with the organisation of their domain."""
    domains = {email: email.rpartition("@")[2] for email in emails}
    rows = (
        OrganisationDomain.objects.filter(domain__in=domains.values()) if domains else OrganisationDomain.objects.none()
    )
    organisations = dict(rows.values_list("domain", "organisation_id"))
    return {
        email: Customer(name=email.partition("@")[0][:200], organisation_id=organisations.get(domain))
        for email, domain in domains.items()
    }


def known_customers(emails: Iterable[str]) -> dict[str, int]:
    wanted = list(emails)
    rows = CustomerAddress.objects.filter(email__in=wanted) if wanted else CustomerAddress.objects.none()
    return dict(rows.values_list("email", "customer_id"))


def new_customer(work: Work) -> Customer:
    facts = work.facts
    if work.plan.author_email:
        name = work.plan.author_email.partition("@")[0]
        return Customer(name=name[:200], organisation_id=facts.forwarded_organisation_id)
    return Customer(name=author_name(work.mail)[:200], organisation_id=facts.organisation_id)


def author_name(mail: Mail) -> str:
    """Display name of the sender; without one, the part before the @ (or the whole address)."""
    if mail.author is None:
        return ""
    return mail.author.name or mail.author.email.partition("@")[0] or author_domain(mail)
