"""The pages of programs: an agent's own tokens, and all of them in the administration."""

from time import time

import pytest
from django.test import Client

from postvak.log.audit import By
from postvak.models import Agent, ApiToken, AuditEntry
from postvak.tickets.programs.tokens import Wish, make_token
from postvak.web.session import CONFIRMED_AT

pytestmark = pytest.mark.django_db
FORM = {"name": "Shop", "scopes": ["tickets:read"], "days": "90"}


@pytest.fixture
def bobs_browser(client: Client, bob: Agent) -> Client:
    """Logged in, and he proved a moment ago who he is."""
    client.force_login(bob)
    session = client.session
    session[CONFIRMED_AT] = int(time())
    session.save()
    return client


def test_a_token_is_shown_once_and_works(bobs_browser: Client) -> None:
    page = bobs_browser.post("/preferences/programs/new/", FORM).content.decode()
    row = ApiToken.objects.get()
    secret = page.partition('data-copy="')[2].partition('"')[0]
    assert secret.startswith(row.beginning)
    assert row.expires_at is not None
    headers = {"authorization": f"Bearer {secret}"}
    assert Client().get("/api/v1/me", headers=headers).json()["token"] == "Shop"
    listing = bobs_browser.get("/preferences/programs/").content.decode()
    assert "Shop" in listing
    assert secret not in listing
    assert secret not in str(list(AuditEntry.objects.values_list()))


def test_without_a_proof_of_who_it_is_no_token_is_made(client: Client, bob: Agent) -> None:
    client.force_login(bob)
    assert client.post("/preferences/programs/new/", FORM).status_code == 302
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("wrong", [{"name": ""}, {"scopes": []}, {"scopes": ["settings:write"]}, {"days": "1000"}])
def test_what_makes_no_token_is_told(wrong: dict[str, object], bobs_browser: Client) -> None:
    """Scopes of administrators are not his to give."""
    assert bobs_browser.post("/preferences/programs/new/", FORM | wrong).status_code == 422
    assert not ApiToken.objects.exists()


def test_one_withdraws_ones_own_tokens_and_administrators_all(
    bobs_browser: Client, cas: Agent, admin: Agent, client: Client
) -> None:
    other, _secret = make_token(cas, Wish("Of Cas", ["tickets:read"]), by=By())
    assert bobs_browser.post(f"/preferences/programs/{other.pk}/withdrawal/").status_code == 404
    assert bobs_browser.post(f"/admin/programs/{other.pk}/withdrawal/").status_code == 403
    client.force_login(admin)
    assert "Of Cas" in client.get("/admin/programs/?q=cas").content.decode()
    assert client.post(f"/admin/programs/{other.pk}/withdrawal/").status_code == 302
    assert ApiToken.objects.get(pk=other.pk).withdrawn_at is not None
    assert AuditEntry.objects.filter(kind="apitoken", action="changed", agent=admin).exists()
