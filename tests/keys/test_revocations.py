"""Revocation lists: whose list it must be, what it must hold, and that no list makes another one disappear."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from postvak.crypto.smime_keys import subject_id
from postvak.keys.keyring import TableKeyring
from postvak.keys.revocations import CannotTake, take
from postvak.models import Options, Revocation
from tests.keys.authorities import NOW, Authority

pytestmark = pytest.mark.django_db


def scope(*, point: str = "", **flags: bool) -> x509.IssuingDistributionPoint:
    usual = {
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    place = [x509.UniformResourceIdentifier(point)] if point else None
    return x509.IssuingDistributionPoint(
        full_name=place, relative_name=None, only_some_reasons=None, **{**usual, **flags}
    )


@pytest.fixture
def root() -> Authority:
    Options.objects.update(trusts_system_cas=False)
    found = Authority("Root")
    found.come("anchor")
    return found


@pytest.fixture
def issuing(root: Authority) -> Authority:
    found = Authority("Issuing", root)
    found.come("intermediate")
    return found


def revoked(authority: Authority) -> frozenset[int]:
    return TableKeyring().revoked_serials(subject_id(authority.name.public_bytes()))


def refused(content: bytes) -> str:
    with pytest.raises(CannotTake) as problem:
        take(content)
    return problem.value.code


def test_a_stranger_with_the_name_of_an_authority_replaces_no_list_of_it(issuing: Authority) -> None:
    take(issuing.list(4711)).save()
    fake = Authority("Issuing")
    fake.come("intermediate")
    assert refused(fake.list(issued=NOW + timedelta(minutes=1))) == "unsigned"
    assert revoked(issuing) == {4711}


def test_an_authority_for_which_nobody_vouches_revokes_nothing(root: Authority) -> None:
    alone = Authority("Alone")
    alone.come("intermediate")
    assert refused(alone.list(1)) == "unknown"


def test_a_list_of_the_future_is_refused_so_that_it_keeps_no_real_one_out(issuing: Authority) -> None:
    assert refused(issuing.list(issued=datetime(2099, 1, 1, tzinfo=UTC))) == "future"
    take(issuing.list(1)).save()
    assert refused(issuing.list(issued=NOW - timedelta(days=3))) == "old"


def test_an_authority_that_changed_its_key_has_a_list_for_each(root: Authority, issuing: Authority) -> None:
    renewed = Authority("Issuing", root)
    renewed.come("intermediate")
    take(issuing.list(1)).save()
    take(renewed.list(2)).save()
    assert (revoked(issuing), Revocation.objects.count()) == ({1, 2}, 2)


@pytest.mark.parametrize(
    "extension",
    [
        (x509.DeltaCRLIndicator(7), True),
        (x509.DeltaCRLIndicator(7), False),
        (scope(indirect_crl=True), True),
        (scope(only_contains_attribute_certs=True), True),
        (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True),
    ],
)
def test_a_list_that_tells_only_changes_or_of_others_is_refused(
    issuing: Authority, extension: tuple[x509.ExtensionType, bool]
) -> None:
    take(issuing.list(1)).save()
    assert refused(issuing.list(issued=NOW, extensions=(extension,))) == "partial"
    assert revoked(issuing) == {1}


def test_the_list_of_one_distribution_point_counts_beside_the_others(issuing: Authority) -> None:
    take(issuing.list(1)).save()
    for number, flags in ((2, {}), (3, {"only_contains_user_certs": True})):
        part = (scope(point=f"http://lists.example/{number}.crl", **flags), True)
        take(issuing.list(number, issued=NOW, extensions=(part,))).save()
    assert revoked(issuing) == {1, 2, 3}
    take(issuing.list(4, issued=NOW)).save()
    assert revoked(issuing) == {2, 3, 4}
