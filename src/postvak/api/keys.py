"""Certificates and keys: all that their pages do. Private parts never go out. Spec 05."""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any, Literal

from django.db.models import QuerySet
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
    refuse_key,
)
from postvak.api.paging import LARGEST
from postvak.crypto.key_files import read_keys
from postvak.crypto.making import CannotMake
from postvak.crypto.values import CannotRead
from postvak.keys import store
from postvak.keys.adding import NoCertificate
from postvak.keys.files import FORMS, public_file
from postvak.keys.status import status_of
from postvak.log.audit import recording
from postvak.mail.addresses import is_valid_recipient, normalise
from postvak.models import Address, CryptoKey, KeyName
from postvak.setup import crypto_keys
from postvak.setup.key_lookup import look_up

router = Router(tags=["Certificates and keys"])
READ, WRITE = Token("settings:read", admin=True), Token("settings:write", admin=True)
LARGEST_TEXT = 6_000_000
Number = Annotated[int, Field(ge=1, le=LARGEST)]
PROBLEMS = {
    "no_key": "There is no certificate and no key in it that Postvak can read.",
    "needs_password": "It is locked: send its password, too.",
    "wrong_password": "The password doesn't open it.",
    "unusable": "What is in it is damaged, or of a kind that Postvak can't use.",
}


class KeyShown(BaseModel):
    id: int
    kind: str = Field(description="smime or pgp.")
    role: str = Field(description="person, intermediate or anchor.")
    state: str = Field(description="in_use, or offered: it came with a mail and counts for nothing yet.")
    status: str = Field(
        description="valid, ending (within 60 days), expired, revoked, not_yet, or requested: its certificate hasn't come."
    )
    source: str = Field(description="uploaded, made, signed_mail, attached, autocrypt, directory or customer.")
    subject: str
    issuer: str
    algorithm: str
    fingerprint: str
    addresses: list[str]
    valid_from: datetime | None
    valid_to: datetime | None
    revoked_at: datetime | None
    has_private: bool
    intermediates: list[int] = Field(description="Certificates that go along with its signatures.")
    ciphers: list[str] = Field(description="Ciphers that its owner said he reads (S/MIME); empty: unknown.")
    comment: str
    public: str = Field(description="PEM, or ASCII armour.")


class KeysWanted(Paging):
    address: str = Field("", max_length=320, description="Only those of this address.")
    kind: str = Field("", max_length=5, description="smime or pgp.")
    role: Literal["", "person", "intermediate", "anchor"] = Field("", description="anchor: the trusted authorities.")
    state: Literal["", "in_use", "offered"] = ""


class KeysGiven(Body):
    content: str = Field(max_length=LARGEST_TEXT, description="PEM or ASCII armour, or any file of keys in base64.")
    password: str = Field("", max_length=1000, description="Of the file.")
    trust_authorities: bool = Field(False, description="Authorities in it vouch for others from now on.")


class Owner(Body):
    address: str = Field(max_length=320)


class KeyMade(Body):
    address: str = Field(max_length=320, description="One of our own.")
    kind: Literal["pgp", "rsa", "ec"] = Field("pgp", description="rsa (3072 bits) and ec (P-256): S/MIME.")
    name: str = Field("", max_length=100, description="Empty: the display name of the address.")


class KeyChange(Body):
    role: Literal["intermediate", "anchor"] | None = Field(
        None, description="Of an authority: anchor vouches for others, intermediate only goes along."
    )
    intermediates: list[Number] | None = Field(
        None, max_length=100, description="Of ours: certificates that go along with its signatures."
    )
    comment: str | None = Field(None, max_length=500)


@router.get("/keys", auth=READ, response=Page[KeyShown])
def list_keys(request: ApiRequest, wanted: Query[KeysWanted]) -> Any:
    """Certificates and keys, newest first."""
    plain = {"kind": wanted.kind, "role": wanted.role, "state": wanted.state}
    rows = with_names().filter(**{name: value for name, value in plain.items() if value})
    if wanted.address:
        address = wanted.address.strip().lower()
        named = KeyName.objects.filter(kind=KeyName.Kind.ADDRESS, value=address)
        rows = rows.filter(pk__in=named.values("key_id"))
    slice = by_key(rows, wanted)
    return page(request, [key_shown(row) for row in slice.rows], slice.next)


@router.get("/keys/{int:pk}", auth=READ, response=KeyShown)
def get_key(request: ApiRequest, pk: int) -> Any:
    """One of them."""
    return key_shown(found(with_names(), pk=pk))


@router.post("/keys", auth=WRITE, response={201: list[KeyShown]})
def add_keys(request: ApiRequest, given: KeysGiven) -> Any:
    """Adds every certificate and key in a file. Private parts are sealed, and never shown again."""
    try:
        keys = read_keys(content_of(given.content), given.password)
        rows = crypto_keys.add(keys, asking(request), is_trusted=given.trust_authorities)
    except CannotRead as problem:
        raise Problem(409, PROBLEMS.get(problem.code, PROBLEMS["unusable"])) from problem
    except NoCertificate as problem:
        raise Problem(
            409, "A private key is in it, but its certificate is not. Add the certificate first."
        ) from problem
    fresh = with_names().filter(pk__in=[row.pk for row in rows]).order_by("pk")
    return created([key_shown(row) for row in fresh])


@router.post("/keys/lookups", auth=WRITE, response={201: list[KeyShown]})
def look_up_key(request: ApiRequest, given: Owner) -> Any:
    """Asks the provider of an address for the OpenPGP key that it publishes (Web Key Directory). What is found is offered; [] nothing.
    Without an Idempotency-Key, whose transaction can't wait for the network: it can be repeated anyway."""
    refuse_key(request)
    if not is_valid_recipient(given.address):
        raise invalid("address", "This is no e-mail address.")
    rows = look_up(given.address, asking(request))
    return created([key_shown(row) for row in with_names().filter(pk__in=[row.pk for row in rows]).order_by("pk")])


@router.post("/keys/made", auth=WRITE, response={201: KeyShown})
def make_key(request: ApiRequest, given: KeyMade) -> Any:
    """For an address of ours; its private part is sealed at once. `public` of a certificate is the request for it: add the certificate
    that an authority makes of it (POST /keys)."""
    own = Address.objects.filter(email=normalise(given.address), is_valid=True).first()
    if own is None:
        raise invalid("address", "This is none of our valid addresses.")
    try:
        row = crypto_keys.make(own.email, given.name or own.display_name, asking(request), what=given.kind)
    except CannotMake as problem:
        raise invalid("address", "No certificate can be asked for this address.") from problem
    return created(key_shown(with_names().get(pk=row.pk)))


@router.patch("/keys/{int:pk}", auth=WRITE, response=KeyShown)
def change_key(request: ApiRequest, pk: int, given: KeyChange) -> Any:
    """What is left out stays. An authority becomes trusted (role anchor) or is trusted no more (intermediate)."""
    row = found(CryptoKey.objects.all(), pk=pk)
    try:
        crypto_keys.change(row, asking(request), role=given.role, along=given.intermediates, comment=given.comment)
    except crypto_keys.CannotSet as problem:
        raise invalid(problem.field, str(problem)) from problem
    return key_shown(with_names().get(pk=pk))


@router.delete("/keys/{int:pk}", auth=WRITE, response={204: None})
def delete_key(request: ApiRequest, pk: int) -> Any:
    """With its private part: mails that are encrypted to it can't be read any more. To only stop using it, revoke it."""
    row = found(CryptoKey.objects.all(), pk=pk)
    with recording(asking(request), row):
        store.delete(row)
    return gone()


@router.post("/keys/{int:pk}/acceptance", auth=WRITE, response=KeyShown)
def accept_key(request: ApiRequest, pk: int) -> Any:
    """One that was only offered counts from now on. Compare its fingerprint with its owner before."""
    row = found(CryptoKey.objects.all(), pk=pk)
    with recording(asking(request), row):
        store.take_over(row)
    return key_shown(with_names().get(pk=pk))


@router.post("/keys/{int:pk}/revocation", auth=WRITE, response=KeyShown)
def revoke_key(request: ApiRequest, pk: int) -> Any:
    """Nothing is signed with it or encrypted to it any more; what came before is still opened. This can't be undone."""
    row = found(CryptoKey.objects.all(), pk=pk)
    with recording(asking(request), row):
        store.revoke(row)
    return key_shown(with_names().get(pk=pk))


def with_names() -> "QuerySet[CryptoKey]":
    return CryptoKey.objects.prefetch_related("names", "intermediates")


def content_of(text: str) -> bytes:
    """Base64 where it is that and nothing else."""
    if "-----BEGIN" not in text:
        try:
            return base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError):
            pass
    return text.encode()


def key_shown(row: CryptoKey) -> dict[str, Any]:
    plain = (
        "id", "kind", "role", "state", "source", "subject", "issuer", "algorithm", "fingerprint", "valid_from", "valid_to",
        "revoked_at", "has_private", "ciphers", "comment",
    )  # fmt: skip
    return {name: getattr(row, name) for name in plain} | {
        "status": status_of(row, timezone.now()).value,
        "addresses": [one.value for one in row.names.all() if one.kind == KeyName.Kind.ADDRESS],
        "intermediates": [one.pk for one in row.intermediates.all()],
        "public": public_file(row, FORMS[row.kind][0]).decode("ascii", "replace"),
    }
