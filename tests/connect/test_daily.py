"""Connected accounts that nothing uses are tested once a day; and an account can be given up while nothing uses it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from postvak.connect import disconnect
from postvak.connect.daily import DailyTest
from postvak.connect.sign_in import begin, connect_application, finish
from postvak.models import Agent, Channel, Grant, Lease, Mailbox
from tests.clock import Clock
from tests.servers.oauth import REVOKED, Provider

NewGrant = Callable[..., Grant]
BACK = "https://desk.example.org/admin/grants/callback/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def grant(new_grant: NewGrant, provider: Provider) -> Grant:
    grant = new_grant()
    start = begin(grant, BACK)
    code = provider.agree(start.url).split("&")[0].removeprefix("code=")
    assert finish(grant, code, start.verifier, BACK) is None
    grant.refresh_from_db()
    return grant


@pytest.fixture
def daily() -> DailyTest:
    return DailyTest()


def run(daily: DailyTest) -> int:
    return daily.test_one(timezone.now())


# -- the daily test ------------------------------------------------------------


def test_an_account_is_renewed_once_a_day_although_nothing_uses_it(
    grant: Grant, provider: Provider, daily: DailyTest, clock: Clock
) -> None:
    assert run(daily) == 0
    for _day in range(3):
        clock.advance(hours=25)
        asked = len(provider.asked)
        assert [run(daily), run(daily)] == [1, 0]
        assert len(provider.asked) == asked + 1
        grant.refresh_from_db()
        assert (grant.refreshed_at, grant.failing_since) == (timezone.now(), None)
        assert grant.refresh_token == provider.refresh_tokens[-1]


def test_an_application_without_an_agent_is_tested_too(
    new_grant: NewGrant, provider: Provider, daily: DailyTest, clock: Clock
) -> None:
    application = new_grant(flow="client", tenant="example.org")
    assert connect_application(application) is None
    clock.advance(hours=25)
    assert run(daily) == 1
    assert provider.asked[-1]["grant_type"] == "client_credentials"


def test_an_access_that_was_taken_back_is_noticed_and_shown_and_asked_for_every_hour(
    client: Client, admin: Agent, grant: Grant, provider: Provider, daily: DailyTest, clock: Clock
) -> None:
    provider.refusal = ("invalid_grant", REVOKED)
    clock.advance(hours=25)
    assert [run(daily), run(daily)] == [1, 0]
    grant.refresh_from_db()
    assert grant.failing_since == timezone.now()
    client.force_login(admin)
    assert REVOKED in client.get(f"/admin/grants/{grant.pk}/").content.decode()
    provider.refusal = None
    clock.advance(minutes=59)
    assert run(daily) == 0
    clock.advance(minutes=1)
    assert run(daily) == 1
    grant.refresh_from_db()
    assert grant.failing_since is None


def test_one_that_fails_holds_up_no_other(
    grant: Grant, new_grant: NewGrant, provider: Provider, daily: DailyTest, clock: Clock
) -> None:
    other = new_grant(name="Other", flow="client", tenant="example.org")
    assert connect_application(other) is None
    Grant.objects.filter(pk=grant.pk).update(sealed_refresh_token="rubbish")
    clock.advance(hours=25)
    assert [run(daily), run(daily), run(daily)] == [1, 1, 0]
    assert set(Grant.objects.filter(failing_since=None)) == {other}
    grant.refresh_from_db()
    assert "can't be opened" in grant.last_said


def test_who_never_signed_in_is_not_tested(new_grant: NewGrant, provider: Provider, daily: DailyTest) -> None:
    new_grant()
    assert run(daily) == 0
    assert not provider.asked


# -- giving up ------------------------------------------------------------


@pytest.fixture
def eva(client: Client, admin: Agent) -> Client:
    client.force_login(admin)
    return client


@pytest.mark.parametrize("way", ["disconnection", "deletion"])
@pytest.mark.parametrize("user", ["mailbox", "channel"])
def test_an_account_in_use_is_not_given_up_and_the_page_says_what_uses_it(
    eva: Client, grant: Grant, way: str, user: str
) -> None:
    if user == "mailbox":
        Mailbox.objects.create(name="Service box", kind="imap", grant=grant, validity="invalid")
    else:
        Channel.objects.create(name="Service box", grant=grant)
    page = eva.get(f"/admin/grants/{grant.pk}/").content.decode()
    assert "Not possible as long as" in page
    assert f"/admin/grants/{grant.pk}/{way}/" not in page
    page = eva.post(f"/admin/grants/{grant.pk}/{way}/", follow=True).content.decode()
    assert "Not possible: Service box still log in" in page
    grant.refresh_from_db()
    assert grant.sealed_refresh_token


def test_disconnecting_deletes_the_tokens_and_keeps_the_registration(eva: Client, grant: Grant) -> None:
    page = eva.get(f"/admin/grants/{grant.pk}/").content.decode()
    assert f'action="/admin/grants/{grant.pk}/disconnection/"' in page
    page = eva.post(f"/admin/grants/{grant.pk}/disconnection/", follow=True).content.decode()
    assert "is disconnected: its tokens are deleted here" in page.replace("&#39;", "'")
    grant.refresh_from_db()
    assert (grant.sealed_access_token, grant.sealed_refresh_token, grant.access_expires_at) == ("", "", None)
    assert (grant.is_connected, grant.client_id, bool(grant.sealed_client_secret)) == (False, "postvak-id", True)


def test_deleting_leaves_nothing_even_of_a_broken_account(eva: Client, grant: Grant) -> None:
    Grant.objects.update(sealed_refresh_token="rubbish", sealed_client_secret="rubbish", failing_since=timezone.now())
    answer = eva.post(f"/admin/grants/{grant.pk}/deletion/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/grants/")
    assert not Grant.objects.exists()


def test_giving_up_is_for_administrators_and_never_by_a_link(
    client: Client, eva: Client, bob: Agent, grant: Grant
) -> None:
    assert eva.get(f"/admin/grants/{grant.pk}/deletion/").status_code == 405
    client.force_login(bob)
    assert client.post(f"/admin/grants/{grant.pk}/deletion/").status_code == 403
    assert Grant.objects.exists()


def test_an_account_that_is_being_renewed_is_not_given_up_meanwhile(
    eva: Client, grant: Grant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postvak.connect.tokens.PATIENCE", 0.2)
    assert Lease.objects.take(f"grant:{grant.pk}", "another-machine:1:x")
    page = eva.post(f"/admin/grants/{grant.pk}/deletion/", follow=True).content.decode()
    assert "is just being renewed" in page
    Lease.objects.update(until=timezone.now() - timedelta(seconds=1))
    disconnect.remove(grant)
    assert not Grant.objects.exists()
