"""Somebody's OpenPGP key is looked up where the provider of his address publishes it (Web Key Directory). What is found is offered, never
trusted by itself: whoever holds the domain can publish any key. Spec 05."""

import logging
from dataclasses import replace

from postvak.crypto import pgp_keys
from postvak.crypto.budget import Budget, Exhausted
from postvak.crypto.values import CannotRead, Key
from postvak.crypto.wkd import places
from postvak.keys import store
from postvak.log.audit import By, recording
from postvak.mail.addresses import normalise
from postvak.models import CryptoKey
from postvak.net.fetching import CannotFetch, fetch

log = logging.getLogger("postvak.keys")

LARGEST = 256 * 1024
SECONDS = 8.0  # for each of the two places
MOST = 5  # keys: an old one and a new one


def look_up(email: str, by: By) -> list[CryptoKey]:
    """Rows of the keys that are published for this address, new ones offered; [] when there are none. Asks the network, so never in a
    transaction."""
    keys = published(email)
    known = CryptoKey.objects.filter(fingerprint__in=[key.fingerprint for key in keys])
    with recording(by, *known) as made:
        rows = store.add(keys, source=CryptoKey.Source.DIRECTORY, state=CryptoKey.State.OFFERED)
        made.extend(rows)
    return rows


def published(email: str) -> list[Key]:
    """Those that bear the address, for it alone: the provider knows nothing of others that are written into them."""
    address = normalise(email)
    for place in places(email):
        try:
            found = pgp_keys.read_public(fetch(place, most=LARGEST, seconds=SECONDS), Budget(), MOST)
        except (CannotFetch, CannotRead, Exhausted) as problem:
            log.info("no key of %s from its directory: %s", email, problem)
            continue
        return [replace(key, emails=(address,)) for key in found if address in key.emails]
    return []
