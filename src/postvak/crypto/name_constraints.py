"""Name constraints of an authority (RFC 5280 section 4.2.1.10): may it vouch for this address, this name?"""

from __future__ import annotations

from collections.abc import Iterable

from cryptography import x509

from postvak.crypto.smime_keys import emails_of, extension
from postvak.mail.addresses import ascii_domain


def allows(authority: x509.Certificate, below: x509.Certificate) -> bool:
    """Other kinds of names (hosts, addresses of machines) don't matter for mail."""
    constraints = extension(authority, x509.NameConstraints)
    if constraints is None:
        return True
    permitted, excluded = constraints.permitted_subtrees or (), constraints.excluded_subtrees or ()
    return _emails_fit(below, permitted, excluded) and _subject_fits(below, permitted, excluded)


def _emails_fit(
    below: x509.Certificate, permitted: Iterable[x509.GeneralName], excluded: Iterable[x509.GeneralName]
) -> bool:
    only = [one.value for one in permitted if isinstance(one, x509.RFC822Name)]
    never = [one.value for one in excluded if isinstance(one, x509.RFC822Name)]
    emails = emails_of(below)
    return not any(_is_within(email, tree) for email in emails for tree in never) and (
        not only or all(any(_is_within(email, tree) for tree in only) for email in emails)
    )


def _is_within(email: str, tree: str) -> bool:
    """A mailbox, all of a host, or with a dot before it all below a domain."""
    tree = tree.lower()
    local, _, domain = email.rpartition("@")
    if "@" in tree:
        wanted, _, host = tree.rpartition("@")
        return local == wanted and domain == ascii_domain(host)
    if tree.startswith("."):
        return domain.endswith("." + ascii_domain(tree[1:]))
    return domain == ascii_domain(tree)


def _subject_fits(
    below: x509.Certificate, permitted: Iterable[x509.GeneralName], excluded: Iterable[x509.GeneralName]
) -> bool:
    only = [list(one.value) for one in permitted if isinstance(one, x509.DirectoryName)]
    never = [list(one.value) for one in excluded if isinstance(one, x509.DirectoryName)]
    name = list(below.subject)
    if not name:
        return True
    return not any(name[: len(tree)] == tree for tree in never) and (
        not only or any(name[: len(tree)] == tree for tree in only)
    )
