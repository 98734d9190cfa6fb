"""Certificates and keys: a list to read, and adding. Private parts never go out. Spec 05."""

import base64
import binascii
from datetime import datetime
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
    page,
)
from postvak.crypto.key_files import read_keys
from postvak.crypto.values import CannotRead
from postvak.keys.adding import NoCertificate
from postvak.keys.files import FORMS, public_file
from postvak.keys.status import status_of
from postvak.models import CryptoKey, KeyName
from postvak.setup import crypto_keys

router = Router(tags=["Certificates and keys"])
READ, WRITE = Token("settings:read", admin=True), Token("settings:write", admin=True)
LARGEST_TEXT = 6_000_000
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
    status: str = Field(description="valid, ending (within 60 days), expired, revoked or not_yet.")
    source: str
    subject: str
    issuer: str
    algorithm: str
    fingerprint: str
    addresses: list[str]
    valid_from: datetime | None
    valid_to: datetime | None
    revoked_at: datetime | None
    has_private: bool
    public: str = Field(description="PEM, or ASCII armour.")


class KeysWanted(Paging):
    address: str = Field("", max_length=320, description="Only those of this address.")
    kind: str = Field("", max_length=5, description="smime or pgp.")


class KeysGiven(Body):
    content: str = Field(max_length=LARGEST_TEXT, description="PEM or ASCII armour, or any file of keys in base64.")
    password: str = Field("", max_length=1000, description="Of the file.")
    trust_authorities: bool = Field(False, description="Authorities in it vouch for others from now on.")


@router.get("/keys", auth=READ, response=Page[KeyShown])
def list_keys(request: ApiRequest, wanted: Query[KeysWanted]) -> Any:
    """Certificates and keys, newest first."""
    rows = CryptoKey.objects.prefetch_related("names")
    if wanted.kind:
        rows = rows.filter(kind=wanted.kind)
    if wanted.address:
        address = wanted.address.strip().lower()
        named = KeyName.objects.filter(kind=KeyName.Kind.ADDRESS, value=address)
        rows = rows.filter(pk__in=named.values("key_id"))
    slice = by_key(rows, wanted)
    return page(request, [key_shown(row) for row in slice.rows], slice.next)


@router.get("/keys/{int:pk}", auth=READ, response=KeyShown)
def get_key(request: ApiRequest, pk: int) -> Any:
    """One of them."""
    return key_shown(found(CryptoKey.objects.prefetch_related("names"), pk=pk))


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
    fresh = CryptoKey.objects.filter(pk__in=[row.pk for row in rows]).prefetch_related("names")
    return created([key_shown(row) for row in fresh.order_by("pk")])


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
        "revoked_at", "has_private",
    )  # fmt: skip
    return {name: getattr(row, name) for name in plain} | {
        "status": status_of(row, timezone.now()).value,
        "addresses": [one.value for one in row.names.all() if one.kind == KeyName.Kind.ADDRESS],
        "public": public_file(row, FORMS[row.kind][0]).decode("ascii", "replace"),
    }
