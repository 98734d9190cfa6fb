"""The certificates and keys of a customer, by his addresses: for encrypted answers."""

from collections.abc import Iterable

from django.db.models import Case, Exists, OuterRef, Prefetch, Value, When
from django.utils import timezone

from postvak.models import CryptoKey, CustomerAddress, KeyName
from postvak.web.admin.keys_rows import Shown, shown

MOST = 20


def has_keys() -> Exists:
    """For an annotation of customers, so that those without keys, which most are, cost no query more."""
    emails = CustomerAddress.objects.filter(customer=OuterRef(OuterRef("pk"))).values("email")
    return Exists(KeyName.objects.filter(kind=KeyName.Kind.ADDRESS, value__in=emails))


def keys_of(emails: Iterable[str]) -> list[Shown]:
    """What is only offered comes last. One query, and one more where there are any."""
    named = KeyName.objects.filter(kind=KeyName.Kind.ADDRESS, value__in=[email.lower() for email in emails])
    is_offered = Case(When(state=CryptoKey.State.OFFERED, then=Value(1)), default=Value(0))
    rows = CryptoKey.objects.filter(pk__in=named.values("key_id"), role=CryptoKey.Role.PERSON)
    rows = rows.defer("public", "sealed_private").order_by(is_offered, "-valid_from", "-pk")
    names = Prefetch("names", KeyName.objects.filter(kind=KeyName.Kind.ADDRESS).order_by("pk"))
    now = timezone.now()
    return [shown(row, now) for row in rows.prefetch_related(names)[:MOST]]
