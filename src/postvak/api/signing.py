"""Signing (DKIM): keys of our sending domains, the record that DNS needs, what DNS has, and which key signs. Spec 04."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from postvak.api.frame import (
    ApiRequest,
    BaseModel,
    Body,
    Field,
    Page,
    Paging,
    Problem,
    Query,
    Router,
    Token,
    asking,
    by_key,
    created,
    found,
    gone,
    invalid,
    page,
)
from postvak.log.audit import recording
from postvak.mail.dkim_record import record_name, record_text
from postvak.models import SigningKey
from postvak.send import signing_keys

router = Router(tags=["Mailboxes and channels"])
READ, WRITE = Token("settings:read", admin=True), Token("settings:write", admin=True)
FRESH = timedelta(minutes=15)  # so long a look into DNS is good for switching on


class SigningKeyShown(BaseModel):
    id: int
    domain: str
    record_name: str = Field(description="Where DNS needs the record.")
    record_text: str = Field(description="What it needs there (TXT).")
    is_on: bool = Field(description="Mails of the domain are signed with it.")
    checked_at: datetime | None
    found: str = Field(description="What DNS had when it was last asked: ok, none, other_key …; empty: never asked.")


class SigningKeyGiven(Body):
    domain: str = Field(max_length=253, description="Of one of our valid addresses, in ASCII.")


@router.get("/signing-keys", auth=READ, response=Page[SigningKeyShown])
def list_signing_keys(request: ApiRequest, paging: Query[Paging]) -> Any:
    """All keys, newest first; private parts never go out."""
    slice = by_key(SigningKey.objects.all(), paging)
    return page(request, [shown(key) for key in slice.rows], slice.next)


@router.post("/signing-keys", auth=WRITE, response={201: SigningKeyShown})
def make_signing_key(request: ApiRequest, given: SigningKeyGiven) -> Any:
    """A new key; it signs nothing before its record is in DNS and it is switched on."""
    if given.domain not in signing_keys.sending_domains():
        raise invalid("domain", "None of our valid addresses has this domain.")
    with recording(asking(request)) as made:
        key = signing_keys.make_key(given.domain, timezone.now())
        made.append(key)
    return created(shown(key))


@router.get("/signing-keys/{int:pk}/check", auth=READ, response=SigningKeyShown)
def check_signing_key(request: ApiRequest, pk: int) -> Any:
    """Ask DNS now whether it has the record."""
    key = found(SigningKey.objects.all(), pk=pk)
    finding = signing_keys.check_key(key, timezone.now())
    return shown(key) | {"found": finding.value}


@router.post("/signing-keys/{int:pk}/on", auth=WRITE, response=SigningKeyShown)
def switch_signing_key_on(request: ApiRequest, pk: int) -> Any:
    """Sign with it, and no more with another one of its domain. 409 unless `check` has just seen its record in DNS."""
    key = found(SigningKey.objects.all(), pk=pk)
    is_fresh = key.checked_at is not None and timezone.now() - key.checked_at < FRESH
    if not (is_fresh and signing_keys.is_well(key)):
        raise Problem(409, "DNS hasn't been seen to have this key just now, or it can't be opened. Check it first.")
    others = SigningKey.objects.filter(domain=key.domain, is_on=True).exclude(pk=pk)
    with recording(asking(request), key, *others):
        signing_keys.let_sign(key)
    key.refresh_from_db()
    return shown(key)


@router.post("/signing-keys/{int:pk}/off", auth=WRITE, response=SigningKeyShown)
def switch_signing_key_off(request: ApiRequest, pk: int) -> Any:
    """Mails of the domain go out without a signature of ours."""
    key = found(SigningKey.objects.all(), pk=pk)
    with recording(asking(request), key):
        signing_keys.switch_off(key)
    key.refresh_from_db()
    return shown(key)


@router.delete("/signing-keys/{int:pk}", auth=WRITE, response={204: None})
def delete_signing_key(request: ApiRequest, pk: int) -> Any:
    """Delete a key that doesn't sign."""
    key = found(SigningKey.objects.all(), pk=pk)
    with recording(asking(request), key):
        if not signing_keys.delete_key(key):
            raise Problem(409, "This key signs. Switch it off first.")
    return gone()


def shown(key: SigningKey) -> dict[str, Any]:
    finding = signing_keys.remembered(key)
    return {
        "id": key.pk,
        "domain": key.domain,
        "record_name": record_name(key.selector, key.domain),
        "record_text": record_text(key.public),
        "is_on": key.is_on,
        "checked_at": key.checked_at,
        "found": finding.value if finding else "",
    }
