"""Which keys would open mails that can't be read, in words: whose certificate, or the id of an OpenPGP key. The digests by which
certificates are looked for say nothing to anybody. Spec 05."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from postvak.keys.keyring import OF_KEY
from postvak.keys.names import in_words, spaced
from postvak.models import CryptoKey, KeyName, MailSecurity

MOST = 100  # names of one mail, as many as are kept (keys.security)
MOST_VALUES = 20_000  # that one query may hold on SQLite
LONG_ID = 16  # letters of an OpenPGP key id


@dataclass(frozen=True, slots=True)
class Wanted:
    """`owner`: whose it is, "" where its public part isn't here. `key_id`: of an OpenPGP key in groups, "" of a certificate."""

    owner: str = ""
    key_id: str = ""

    @classmethod
    def of(cls, name: str, kind: str, owner: str) -> Self:
        return cls(owner, spaced(name[-LONG_ID:]) if kind == CryptoKey.Kind.PGP else "")


def wanted_by(rows: Sequence[MailSecurity]) -> list[list[Wanted]]:
    """For each of these mails the keys of which one would open it, known owners first. One query."""
    names = {row.pk: [str(name) for name in row.missing[:MOST]] for row in rows}
    owners = owners_of(name for found in names.values() for name in found)
    every = []
    for row in rows:
        found = dict.fromkeys(Wanted.of(name, row.encrypted, owners.get(name, "")) for name in names[row.pk])
        every.append(sorted(found, key=lambda one: not one.owner))
    return every


def owners_of(names: Iterable[str]) -> dict[str, str]:
    """Whose key bears the name, of those that are here. Anybody can offer an OpenPGP key with the ids of another one: such a key
    counts once it was taken over."""
    wanted = sorted(set(names))[:MOST_VALUES]
    if not wanted:
        return {}
    rows = KeyName.objects.filter(kind__in=OF_KEY, value__in=wanted)
    rows = rows.exclude(key__kind=CryptoKey.Kind.PGP, key__state=CryptoKey.State.OFFERED).order_by("-key_id")
    found = rows.values_list("value", "key__subject", "key__fingerprint")
    return {value: in_words(subject) or spaced(fingerprint) for value, subject, fingerprint in found}
