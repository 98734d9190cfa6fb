"""The loop breaker and the block list as administrators see them."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from postvak.models import Agent, AuditEntry, AutomaticMail, Blocked, Channel, LoopBreak, Mailbox, Queue, Rule
from tests.mails import mail
from tests.web.test_desk import receive

pytestmark = pytest.mark.django_db
ROBOT = "robot@supplier.example"
LIST = "/admin/block-list/"


@pytest.fixture
def eva(client: Client, admin: Agent) -> Client:
    client.force_login(admin)
    return client


def broken(**columns: object) -> LoopBreak:
    now = timezone.now()
    facts = {
        "ours": "support@example.org",
        "theirs": ROBOT,
        "code": "refused_per_pair",
        "parameters": {"count": 3, "to": ROBOT},
    }
    return LoopBreak.objects.create(**facts | {"opened_at": now, "last_at": now, "stopped": 12} | columns)


def test_an_open_breaker_is_shown_with_pair_reason_and_count_and_is_a_warning(eva: Client) -> None:
    assert "Nothing is stopped at the moment" in eva.get("/admin/loops/").text
    row = broken()
    text = eva.get("/admin/loops/").text
    assert ROBOT in text
    assert "3 automatic mails went there" in text
    assert "12 mails were stopped" in text
    assert f"/admin/loops/{row.pk}/" in text
    assert f"Automatic mail to {ROBOT} is stopped" in eva.get("/admin/health/").text
    assert re.search(r"Message centre.{0,80}>1<", eva.get("/admin/queues/").text, re.DOTALL)


def test_its_page_has_the_mails_of_both_directions_and_what_was_stopped(
    eva: Client, mailbox: Mailbox, support: Queue, channel: Channel
) -> None:
    ticket = receive(mailbox, mail(sender=ROBOT))
    now = timezone.now()
    AutomaticMail.objects.create(
        ticket=ticket, rule=Rule.objects.get(key="closed"), kind="rule", state="skipped", recipients=[ROBOT], address=ROBOT,
        own_address="support@example.org", reason="refused_automatic", parameters={"to": ROBOT}, created_at=now, settled_at=now,
        next_attempt_at=now,
    )  # fmt: skip
    text = eva.get(f"/admin/loops/{broken().pk}/").text
    assert "Ticket closed" in text
    assert "Stopped: Nothing was sent to" in text
    assert "Came from there" in text
    assert "/receipts/" in text


def test_resume_closes_it_and_is_recorded(eva: Client, admin: Agent) -> None:
    row = broken()
    assert eva.post(f"/admin/loops/{row.pk}/resumption/").status_code == 302
    row.refresh_from_db()
    assert (row.closed_by, row.is_blocked, Blocked.objects.exists()) == (admin, False, False)
    assert AuditEntry.objects.filter(kind="loopbreak", action="changed").count() == 1
    assert eva.post(f"/admin/loops/{row.pk}/resumption/").status_code == 404, "somebody was faster"
    assert "Eva Admin resumed" in eva.get("/admin/loops/").text


def test_always_ignore_puts_the_address_on_the_block_list(eva: Client, admin: Agent) -> None:
    row = broken()
    eva.post(f"/admin/loops/{row.pk}/ignoring/")
    row.refresh_from_db()
    assert row.is_blocked
    assert (Blocked.objects.get().pattern, Blocked.objects.get().created_by) == (ROBOT, admin)
    assert {entry.kind for entry in AuditEntry.objects.all()} == {"loopbreak", "blocked"}


def test_one_that_ended_by_itself_stands_below(eva: Client) -> None:
    broken(last_at=timezone.now() - timedelta(hours=25), opened_at=timezone.now() - timedelta(hours=30))
    text = eva.get("/admin/loops/").text
    assert "Nothing is stopped at the moment" in text
    assert "By itself: nothing was stopped for a day" in text


# ---- block list ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Ann@Customer.EXAMPLE", "ann@customer.example"),
        ("@Shop.example", "@shop.example"),
        ("order-*@shop.example ", "order-*@shop.example"),
    ],
)
def test_an_address_a_domain_or_a_pattern_is_added_in_small_letters(
    eva: Client, admin: Agent, typed: str, kept: str
) -> None:
    assert eva.post(f"{LIST}new/", {"pattern": typed, "comment": "Answers everything"}).status_code == 302
    row = Blocked.objects.get()
    assert (row.pattern, row.created_by, row.comment) == (kept, admin, "Answers everything")
    text = eva.get(LIST).text
    assert kept in text
    assert "Eva Admin" in text
    assert eva.post(f"{LIST}new/", {"pattern": typed.upper()}).status_code == 422
    eva.post(f"{LIST}{row.pk}/deletion/")
    assert not Blocked.objects.exists()


@pytest.mark.parametrize(
    "typed", ["", "*", "*@*", "@", "shop", "two words@x.example", "a@b.example, c@d.example", "a\x00b", "x" * 400]
)
def test_what_is_none_of_these_is_refused_and_stays_in_the_field(eva: Client, typed: str) -> None:
    answer = eva.post(f"{LIST}new/", {"pattern": typed, "comment": "Kept"})
    assert answer.status_code == 422
    assert 'value="Kept"' in answer.text
    assert not Blocked.objects.exists()


def test_our_own_addresses_are_always_on_it_and_can_be_searched(eva: Client, support: Queue) -> None:
    assert "support@example.org" in eva.get(LIST).text
    Blocked.objects.bulk_create(
        Blocked(pattern=f"@shop{number:03}.example", created_at=timezone.now()) for number in range(120)
    )
    assert "@shop119.example" in eva.get(f"{LIST}?page=2").text
    assert "@shop007.example" in eva.get(f"{LIST}?q=SHOP007").text
    assert "Nothing in this list has" in eva.get(f"{LIST}?q=xyzzy").text
