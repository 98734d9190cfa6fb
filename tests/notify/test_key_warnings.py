"""Certificates and keys of ours that end: the administrators are warned 60, 30, 7 and 1 days before, once each."""

from datetime import timedelta

import pytest
from django.utils import timezone

from postvak.models import Address, Agent, AlarmState, Channel, CryptoKey, KeyName, Lease, Queue
from postvak.notify.alarm import Alarm
from postvak.notify.health.finding import Finding, worst_first
from postvak.notify.health.keys import keys

pytestmark = pytest.mark.django_db
NOW = timezone.now()
END = NOW + timedelta(days=100)


def key(
    *, end=END, address: str = "support@example.org", private: str = "sealed", role: str = "person", **more: object
) -> CryptoKey:
    number = CryptoKey.objects.count()
    row = CryptoKey.objects.create(
        kind="smime", fingerprint=f"{number:064x}", subject=f"CN=Support {number}", public=b"x", created_at=NOW,
        valid_from=NOW, valid_to=end, sealed_private=private, role=role, **more,
    )  # fmt: skip
    KeyName.objects.create(key=row, kind="address", value=address)
    return row


def days_before(days: float):
    return END - timedelta(days=days)


def found(now) -> list[tuple[str, object]]:
    return [(one.code, one.parameters.get("days")) for one in keys(now)]


def test_it_is_told_of_from_sixty_days_before_its_end() -> None:
    key()
    assert found(days_before(61)) == []
    assert found(days_before(60)) == [("key_ends", 60)]
    assert found(days_before(0.1)) == [("key_ends", 1)]


def test_each_warning_goes_out_once_also_when_no_worker_looked_for_days(
    channel: Channel, admin: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[object] = []
    monkeypatch.setattr(
        "postvak.notify.alarm.tell", lambda trouble, readers, now: sent.append(trouble.parameters["days"]) or True
    )
    row, alarm = key(), Alarm()
    for days in (70, 60, 59, 45, 12, 11, 7, 6.5, 0.9, 0.5):
        Lease.objects.all().delete()
        alarm.tell_one(days_before(days), worker="test:1:k")
    assert sent == [60, 12, 7, 1]
    row.refresh_from_db()
    assert row.warned_days == 1
    AlarmState.objects.all().delete()  # as after bringing a backup back
    alarm.tell_one(days_before(0.4), worker="test:1:k")
    assert len(sent) == 4


def test_other_peoples_revoked_offered_and_replaced_ones_are_no_trouble() -> None:
    now = days_before(10)
    key(private="")
    key(revoked_at=NOW, address="a@example.org")
    key(state="offered", address="b@example.org")
    key(address="c@example.org")
    assert found(now) == [("key_ends", 10)]
    key(address="c@example.org", end=END + timedelta(days=300))
    assert found(now) == []


def test_a_trusted_authority_that_ends_is_told_of_and_an_intermediate_is_not() -> None:
    key(private="", role="intermediate")
    assert found(days_before(5)) == []
    key(private="", role="anchor")
    assert found(days_before(5)) == [("authority_ends", 5)]


def test_one_that_has_ended_is_an_alarm_only_where_an_address_signs_with_it(support: Queue) -> None:
    row = key()
    assert found(END + timedelta(days=2)) == []
    Address.objects.filter(email="support@example.org").update(signing_key=row)
    (trouble,) = keys(END + timedelta(days=2))
    assert (trouble.code, trouble.severity.value, trouble.path) == ("key_ended", "alarm", f"/admin/keys/{row.pk}/")
    assert "support@example.org" in trouble.text


def test_until_a_week_before_the_end_there_is_time() -> None:
    key()
    told = {days: [one.is_early for one in keys(days_before(days))] for days in (60, 25, 7.5, 7, 1)}
    assert told == {60: [True], 25: [True], 7.5: [True], 7: [False], 1: [False]}


def test_what_is_broken_already_comes_before_what_will_end() -> None:
    early, red = Finding("key_ends", is_early=True), Finding("disk_full")
    assert worst_first([early, red]) == [red, early]
