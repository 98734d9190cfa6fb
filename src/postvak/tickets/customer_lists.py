"""Which customers and organisations a list shows: those in which every word is found."""

from django.db.models import Q, QuerySet

from postvak.models import Customer, CustomerAddress, Organisation, OrganisationDomain

MOST_WORDS = 10


def customers_with(query: str) -> QuerySet[Customer]:
    """Every word must be found: in the name, an address or the organisation."""
    rows = Customer.objects.all()
    for word in query.split()[:MOST_WORDS]:
        by_address = CustomerAddress.objects.filter(has_word(word, "email")).values("customer")
        rows = rows.filter(has_word(word, "name", "organisation__name") | Q(pk__in=by_address))
    return rows


def organisations_with(query: str) -> QuerySet[Organisation]:
    """By name, number or domain."""
    rows = Organisation.objects.all()
    for word in query.split()[:MOST_WORDS]:
        by_domain = OrganisationDomain.objects.filter(domain__icontains=word).values("organisation")
        rows = rows.filter(has_word(word, "name", "number") | Q(pk__in=by_domain))
    return rows


def spellings(word: str) -> set[str]:
    """SQLite knows capitals of ASCII letters only, so others are looked for in their usual spellings."""
    return {word} if word.isascii() else {word, word.lower(), word.capitalize(), word.upper()}


def has_word(word: str, *columns: str) -> Q:
    """The word stands in one of the columns."""
    found = Q()
    for column in columns:
        for spelling in spellings(word):
            found |= Q(**{f"{column}__icontains": spelling})
    return found
