"""Requests for certificates: a private key that was made here, whose certificate an authority issues and somebody hands in later.

A request is a row of CryptoKey (`is_request`): `public` is the request, `fingerprint` that of the public key. It has no names, so no
mail finds it, and nothing signs with it or is encrypted to it.
"""

from collections.abc import Sequence
from dataclasses import replace

from django.conf import settings
from django.utils import timezone

from postvak.crypto.making import Request, key_print
from postvak.crypto.values import CannotRead, Key, Kind
from postvak.keys.rows import clean, private_of, seal_private
from postvak.keys.status import REQUESTED
from postvak.models import CryptoKey


def keep(made: Request) -> CryptoKey:
    """Its private part is sealed at once."""
    return CryptoKey.objects.create(
        kind=CryptoKey.Kind.SMIME,
        source=CryptoKey.Source.MADE,
        fingerprint=made.fingerprint,
        subject=clean(made.subject),
        algorithm=made.algorithm,
        public=made.content,
        sealed_private=seal_private(made.private, settings.CONFIGURATION.sealing_keys),
        can_sign=False,
        can_encrypt=False,
        created_at=timezone.now(),
    )


def fulfilled(keys: Sequence[Key]) -> tuple[list[Key], list[CryptoKey]]:
    """(`keys`, certificates that were asked for here with their private parts; the requests that are done with)"""
    prints = {key.fingerprint: print_of(key) for key in keys if key.kind is Kind.smime and not key.private}
    rows = {row.fingerprint: row for row in requests(set(prints.values()) - {""})}
    done: dict[int, CryptoKey] = {}
    found = []
    for key in keys:
        row = rows.get(prints.get(key.fingerprint, ""))
        private = private_of(row, settings.CONFIGURATION.sealing_keys) if row else b""
        if row is not None and private:
            done[row.pk] = row
            key = replace(key, private=private)
        found.append(key)
    return found, list(done.values())


def requests(prints: set[str]) -> Sequence[CryptoKey]:
    return list(CryptoKey.objects.filter(REQUESTED, fingerprint__in=prints)) if prints else []


def print_of(key: Key) -> str:
    try:
        return key_print(key)
    except CannotRead:
        return ""
