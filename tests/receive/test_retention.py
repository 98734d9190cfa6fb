"""Originals of mails without a message are dropped after the days that were set; everything else stays for ever."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from postvak.blobs import store
from postvak.blobs.store import BlobMissing, VaultUnreachable, get
from postvak.models import Agent, Blob, Mailbox, Queue, Receipt, Retention
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.receive.retention import bury, drop_expired
from tests.mails import mail

pytestmark = pytest.mark.django_db


@pytest.fixture
def copies(mailbox: Mailbox, support: Queue) -> tuple[Receipt, Receipt]:
    """A ticket's mail and a copy of it by another route, both sixty days old."""
    accept(mailbox, [Arrived("a/1", mail()), Arrived("a/2", b"Received: by mx2\r\n" + mail())])
    while process_due("test:1:x"):
        pass
    Receipt.objects.update(processed_at=timezone.now() - timedelta(days=60))
    first, copy = Receipt.objects.order_by("pk")
    return first, copy


def test_without_a_rule_everything_is_kept(copies: tuple[Receipt, Receipt]) -> None:
    assert drop_expired(timezone.now()) == 0
    assert Blob.objects.count() == 2


def test_only_the_bytes_of_the_outcome_go_and_the_receipt_stays(copies: tuple[Receipt, Receipt]) -> None:
    first, copy = copies
    digest = str(copy.blob_id)
    Retention.objects.create(outcome="duplicate", days=30)
    assert drop_expired(timezone.now()) == 1
    copy.refresh_from_db()
    assert (copy.blob, copy.outcome) == (None, "duplicate")
    assert get(str(first.blob_id)) == mail()
    assert bury(timezone.now()) == 0
    assert bury(timezone.now() + timedelta(minutes=11)) == 1
    with pytest.raises(BlobMissing):
        get(digest)


def test_bytes_that_a_message_needs_stay_even_if_a_copy_shares_them(mailbox: Mailbox, support: Queue) -> None:
    accept(mailbox, [Arrived("a/1", mail()), Arrived("a/2", mail())])
    while process_due("test:1:x"):
        pass
    Receipt.objects.update(processed_at=timezone.now() - timedelta(days=60))
    Retention.objects.create(outcome="duplicate", days=30)
    assert drop_expired(timezone.now()) == 1
    assert get(str(Receipt.objects.get(outcome="new_ticket").blob_id)) == mail()


def test_bytes_that_arrive_again_while_they_are_condemned_stay(copies: tuple[Receipt, Receipt]) -> None:
    copy = copies[1]
    again = b"Received: by mx2\r\n" + mail()
    Retention.objects.create(outcome="duplicate", days=30)
    drop_expired(timezone.now())
    assert Blob.objects.filter(condemned_at__isnull=False).count() == 1
    accept(copy.mailbox, [Arrived("a/3", again)])
    assert not Blob.objects.filter(condemned_at__isnull=False).exists()
    assert bury(timezone.now() + timedelta(minutes=11)) == 0
    assert get(str(Receipt.objects.get(source="a/3").blob_id)) == again


def test_bytes_that_arrive_while_they_are_being_removed_are_refused_and_stored_a_moment_later(
    copies: tuple[Receipt, Receipt], monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = copies[1]
    again = Arrived("a/3", b"Received: by mx2\r\n" + mail())
    Retention.objects.create(outcome="duplicate", days=30)
    drop_expired(timezone.now())
    remove = store.remove

    def arrives_in_between(digests: set[str]) -> list[str]:
        with pytest.raises(VaultUnreachable):
            accept(copy.mailbox, [again])
        return remove(digests)

    monkeypatch.setattr(store, "remove", arrives_in_between)
    assert bury(timezone.now() + timedelta(minutes=11)) == 1
    (receipt,) = accept(copy.mailbox, [again])
    assert get(str(receipt.blob_id)) == again.raw


def test_younger_ones_stay(copies: tuple[Receipt, Receipt]) -> None:
    Retention.objects.create(outcome="duplicate", days=90)
    assert drop_expired(timezone.now()) == 0


def test_mails_on_tickets_and_held_mails_are_never_dropped(copies: tuple[Receipt, Receipt]) -> None:
    Retention.objects.create(outcome="new_ticket", days=1)
    Retention.objects.create(outcome="held", days=1)
    assert drop_expired(timezone.now()) == 0


def test_administrators_set_and_clear_the_days(client: Client, admin: Agent) -> None:
    client.force_login(admin)
    client.post("/admin/retention/", {"ignored": "30", "duplicate": "", "before_start": "365"})
    assert dict(Retention.objects.values_list("outcome", "days")) == {"ignored": 30, "before_start": 365}
    client.post("/admin/retention/", {"ignored": "", "duplicate": "", "before_start": "365"})
    assert dict(Retention.objects.values_list("outcome", "days")) == {"before_start": 365}
    assert client.post("/admin/retention/", {"ignored": "0"}).status_code == 422
