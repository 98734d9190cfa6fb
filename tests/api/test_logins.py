"""Where agents are logged in and their second factors, by the API: a token alone never weakens a log-in."""

import time

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from postvak.log.audit import By
from postvak.models import Agent, AuditEntry, FailedLogin, Options
from postvak.tickets.login import factors, totp
from tests.api.conftest import Enter, problem

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def logged_in(agent: Agent) -> Client:
    client = Client(headers={"User-Agent": "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/140.0"})
    assert client.post("/login/", {"email": agent.email, "password": PASSWORD}).status_code == 302
    return client


def is_in(client: Client) -> bool:
    return client.get("/preferences/").status_code == 200


@pytest.fixture
def app(bob: Agent) -> Authenticator:
    factors.keep_app(bob, totp.new_secret(), 0, By())
    return Authenticator.objects.get(user=bob, type="totp")


@pytest.fixture
def codes(bob: Agent, app: Authenticator) -> list[str]:
    return factors.renew_codes(bob, By())


def test_an_agent_sees_his_browsers_and_ends_them(enter: Enter, bob: Agent, cas: Agent) -> None:
    first, second, foreign = logged_in(bob), logged_in(bob), logged_in(cas)
    program = enter(bob)
    rows = program.get("/me/sessions")
    assert [row["browser"] for row in rows] == ["Firefox on Windows"] * 2
    problem(program.ask("DELETE", f"/me/sessions/{enter(cas).get('/me/sessions')[0]['id']}"), 404)
    program.do("DELETE", f"/me/sessions/{rows[0]['id']}")
    assert (is_in(first), is_in(second)) == (True, False)
    assert program.do("DELETE", "/me/sessions") == {"ended": 1}
    assert not is_in(first)
    assert is_in(foreign)


def test_a_factor_is_removed_only_with_a_code_never_with_the_password(
    enter: Enter, bob: Agent, app: Authenticator, codes: list[str]
) -> None:
    program = enter(bob)
    shown = program.get("/me/second-factors")
    assert [(row["kind"], row["name"]) for row in shown["items"]] == [("totp", "authenticator app")]
    assert (shown["recovery_codes"], shown["must_have_one"]) == (10, False)
    path = f"/me/second-factors/{app.pk}/removal"
    problem(program.ask("POST", path, {}), 422)
    for wrong in ("wrong", PASSWORD):
        assert problem(program.ask("POST", path, {"proof": wrong}), 422)["errors"][0]["field"] == "proof"
    assert FailedLogin.objects.filter(email=f"code:{bob.email}").count() == 2
    assert factors.has_factor(bob)
    program.do("POST", path, {"proof": codes[0]})
    assert not Authenticator.objects.filter(user=bob).exists(), "the recovery codes went with it"
    entry = AuditEntry.objects.get(origin="api", action="changed")
    assert entry.changes == {"second_factor": ["authenticator app", ""]}


def test_guessing_a_proof_is_slowed_down_with_whatever_key(
    enter: Enter, bob: Agent, app: Authenticator, codes: list[str]
) -> None:
    program, path = enter(bob), f"/me/second-factors/{app.pk}/removal"
    problem(program.ask("POST", path, {"proof": codes[0]}, Idempotency_Key="k"), 422)
    for _attempt in range(5):
        problem(program.ask("POST", path, {"proof": "wrong"}), 422)
    told = problem(program.ask("POST", path, {"proof": codes[0]}), 422)
    assert "too many wrong attempts" in told["detail"]
    assert factors.has_factor(bob)


def test_a_code_of_the_app_is_a_proof(enter: Enter, bob: Agent) -> None:
    secret = totp.new_secret()
    factors.keep_app(bob, secret, 0, By())
    app = Authenticator.objects.get(user=bob, type="totp")
    program, path = enter(bob), f"/me/second-factors/{app.pk}/removal"
    problem(program.ask("POST", path, {"proof": PASSWORD}), 422)
    program.do("POST", path, {"proof": totp.code_at(secret, int(time.time()) // totp.PERIOD)})
    assert not factors.has_factor(bob)


def test_a_passkey_alone_needs_a_browser_and_the_last_factor_of_who_must_have_one_stays(
    enter: Enter, bob: Agent, app: Authenticator
) -> None:
    program = enter(bob)
    Options.objects.update(second_factor="all")
    problem(program.ask("POST", f"/me/second-factors/{app.pk}/removal", {"proof": PASSWORD}), 409)
    Options.objects.update(second_factor="none")
    key = Authenticator.objects.create(user=bob, type="webauthn", data={"name": "Key"})
    app.delete()
    path = f"/me/second-factors/{key.pk}/removal"
    assert "browser" in problem(program.ask("POST", path, {"proof": PASSWORD}), 409)["detail"]
    assert program.get("/me/second-factors")["items"][0]["name"] == "Key"
    program.do("POST", path, {"proof": factors.renew_codes(bob, By())[0]})
    assert not factors.has_factor(bob)


def test_nobody_removes_a_colleagues_factor_or_his_codes_alone(
    enter: Enter, bob: Agent, cas: Agent, app: Authenticator, codes: list[str]
) -> None:
    problem(enter(cas).ask("POST", f"/me/second-factors/{app.pk}/removal", {"proof": codes[0]}), 404)
    row = Authenticator.objects.get(user=bob, type="recovery_codes")
    problem(enter(bob).ask("POST", f"/me/second-factors/{row.pk}/removal", {"proof": codes[0]}), 404)


def test_an_administrator_helps_a_colleague_who_lost_everything(
    enter: Enter, admin: Agent, bob: Agent, app: Authenticator
) -> None:
    Authenticator.objects.filter(user=bob).delete()
    browser = logged_in(bob)
    factors.keep_app(bob, totp.new_secret(), 0, By())
    root = enter(admin)
    assert len(root.get(f"/agents/{bob.pk}/second-factors")["items"]) == 1
    assert len(root.get(f"/agents/{bob.pk}/sessions")) == 1
    root.do("DELETE", f"/agents/{bob.pk}/second-factors")
    assert not factors.has_factor(bob)
    assert not is_in(browser)
    again = logged_in(bob)
    assert root.do("DELETE", f"/agents/{bob.pk}/sessions") == {"ended": 1}
    assert not is_in(again)
    entries = AuditEntry.objects.filter(origin="api", agent=admin).order_by("pk")
    assert list(entries.values_list("action", flat=True)) == ["changed", "logged_out"]


def test_factors_of_administrators_are_never_removed_for_them(enter: Enter, admin: Agent, cas: Agent) -> None:
    Agent.objects.filter(pk=cas.pk).update(is_admin=True)
    for agent, word in ((admin, "proof"), (cas, "browser")):
        factors.keep_app(agent, totp.new_secret(), 0, By())
        told = problem(enter(admin).ask("DELETE", f"/agents/{agent.pk}/second-factors"), 409)
        assert word in told["detail"]
        assert factors.has_factor(agent)


def test_the_scopes_are_apart_from_all_others(enter: Enter, bob: Agent) -> None:
    problem(enter(bob, "tickets:write", "people:write").ask("DELETE", "/me/sessions"), 403)
    problem(enter(bob, "account:read").ask("DELETE", "/me/sessions"), 403)


def test_an_agent_changes_what_is_his_own_and_nothing_else(enter: Enter, bob: Agent, cas: Agent, admin: Agent) -> None:
    program = enter(bob)
    away = {"away_from": "2026-12-01T00:00:00Z", "away_until": "2026-12-24T00:00:00Z", "substitute": cas.email}
    made = program.do("PATCH", "/me/preferences", {"settings": {"language": "nl", **away}})
    assert (made["settings"]["language"], made["settings"]["substitute"]) == ("nl", cas.email)
    assert program.get("/me/preferences") == made
    assert AuditEntry.objects.filter(kind="agent", origin="api", agent=bob).exists()
    for name, value in (("admin", True), ("password", "x"), ("valid", False), ("queues", {})):
        told = problem(program.ask("PATCH", "/me/preferences", {"settings": {name: value}}), 422)
        assert told["errors"][0]["field"] == f"settings.{name}"
    assert not Agent.objects.get(pk=bob.pk).is_admin


def test_an_agent_sets_of_himself_only_what_his_page_would_take(
    enter: Enter, bob: Agent, cas: Agent, admin: Agent
) -> None:
    program = enter(bob)
    before = program.do("PATCH", "/me/preferences", {"settings": {"time_zone": "Europe/Amsterdam"}})
    Agent.objects.filter(pk=cas.pk).update(is_active=False)
    for name, value in (
        ("language", "xx"),
        ("time_zone", "Mars/Olympus"),
        ("substitute", bob.email),
        ("substitute", cas.email),
        ("substitute", "nobody@example.org"),
    ):
        told = problem(program.ask("PATCH", "/me/preferences", {"settings": {name: value}}), 422)
        assert told["errors"][0]["field"] == f"settings.{name}"
    away = {"away_from": "2026-12-24T00:00:00Z", "away_until": "2026-12-24T00:00:00Z"}
    told = problem(program.ask("PATCH", "/me/preferences", {"settings": away}), 422)
    assert told["errors"][0]["field"] == "settings.away_until"
    assert program.get("/me/preferences") == before
