"""Keys in the tables: they come together, count only when somebody uses them, and their private parts lie sealed."""

import pytest
from django.conf import settings

from postvak.crypto.key_files import read_keys
from postvak.crypto.sealing import unseal
from postvak.crypto.values import Kind
from postvak.keys import again, store
from postvak.keys.keyring import TableKeyring, system_anchors
from postvak.models import CryptoKey, Job, Options
from tests.keys.people import House

pytestmark = pytest.mark.django_db
UPLOADED = CryptoKey.Source.UPLOADED


def test_a_private_part_joins_its_certificate_and_is_sealed(house_of_keys: House) -> None:
    person = house_of_keys.support
    (public,) = store.add(read_keys(person.certificate.read_bytes()), source=UPLOADED, state="in_use")
    assert not public.has_private
    (both,) = store.add(read_keys(person.both), source=UPLOADED, state="in_use")
    assert (both.pk, both.has_private) == (public.pk, True)
    row = CryptoKey.objects.get()
    assert "PRIVATE" not in row.sealed_private
    assert unseal(row.sealed_private, settings.CONFIGURATION.sealing_keys)
    (found,) = TableKeyring().private([row.names.get(kind="issuer").value])
    (read,) = read_keys(person.both)
    assert found.private == read.private


def test_the_public_part_is_found_without_the_private_one(house_of_keys: House) -> None:
    row = house_of_keys.own_key()
    name = row.names.get(kind="ski").value
    assert [key.private for key in TableKeyring().public([name])] == [b""]
    assert [key.private for key in TableKeyring().of_address("support@example.org", Kind.smime)] == [b""]


def test_what_is_only_offered_counts_for_nothing_until_it_is_taken_over(house_of_keys: House) -> None:
    (row,) = store.add(read_keys(house_of_keys.eve.certificate.read_bytes()), source="signed_mail", state="offered")
    assert not TableKeyring().of_address("eve@elsewhere.example", Kind.smime)
    assert store.take_over(row)
    assert TableKeyring().of_address("eve@elsewhere.example", Kind.smime)
    assert not store.take_over(row)


def test_an_authority_is_an_anchor_only_when_somebody_says_so(house_of_keys: House) -> None:
    Options.objects.update(trusts_system_cas=False)
    (row,) = store.add(read_keys(house_of_keys.anchor), source="signed_mail", state="offered")
    assert row.role == "intermediate"
    assert not TableKeyring().anchors()
    house_of_keys.trusted()
    assert [key.subject for key in TableKeyring().anchors()] == ["CN=Example Root"]


def test_the_authorities_of_the_system_count_when_that_is_switched_on() -> None:
    Options.objects.update(trusts_system_cas=True)
    assert len(TableKeyring().anchors()) == len(system_anchors())
    assert all(key.is_authority for key in system_anchors())


def test_a_batch_asks_for_the_same_key_once(house_of_keys: House, django_assert_num_queries: object) -> None:
    house_of_keys.own_key()
    keyring = TableKeyring()
    with django_assert_num_queries(2):  # type: ignore[operator]
        for _ in range(5):
            keyring.of_address("support@example.org", Kind.smime)


def test_a_private_key_that_comes_wakes_the_mails_that_wait(house_of_keys: House) -> None:
    house_of_keys.own_key()
    assert not Job.objects.filter(kind=again.KIND).exists()  # none waits


def test_names_that_no_database_can_keep_are_kept_all_the_same(house_of_keys: House) -> None:
    (key,) = read_keys(house_of_keys.ann.certificate.read_bytes())
    object.__setattr__(key, "subject", "CN=A\0nn \ud800")
    (row,) = store.add([key], source=UPLOADED, state="in_use")
    assert "\0" not in CryptoKey.objects.get(pk=row.pk).subject
