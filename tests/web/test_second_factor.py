"""A second factor: setting it up, being asked for it, losing it, and who has to have one."""

import time
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.utils import timezone

from postvak.models import Agent, AuditEntry, FailedLogin, Options
from postvak.tickets.login import factors, totp
from postvak.web.session import CONFIRMED_AT

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
APP = "/preferences/login/app/"


def log_in(client: Client, email: str = "bob@example.org"):
    return client.post("/login/", {"email": email, "password": PASSWORD})


def code(secret: str, periods: int = 0) -> str:
    return totp.code_at(secret, int(time.time()) // totp.PERIOD + periods)


def set_up(client: Client, periods: int = 0) -> tuple[str, list[str]]:
    """(secret, recovery codes), by the pages. The code of the period before: that of now is for the log-in."""
    client.get(APP)
    secret = client.session["totp_secret"]
    assert client.post(APP, {"code": code(secret, periods - 1)})["Location"] == "/preferences/login/codes/"
    codes = client.session["new_recovery_codes"]
    page = client.get("/preferences/login/codes/").text
    assert all(one in page for one in codes)
    return secret, codes


@pytest.fixture
def protected(client: Client, bob: Agent) -> tuple[str, list[str]]:
    log_in(client)
    made = set_up(client)
    client.post("/logout/")
    return made


def test_the_codes_are_those_of_rfc_6238():
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    at = {59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"}
    assert {second: totp.code_at(secret, second // 30) for second in at} == at


def test_after_the_password_comes_the_code_and_only_then_a_session(client, protected):
    secret, _codes = protected
    assert log_in(client)["Location"] == "/login/second/"
    assert client.get("/preferences/")["Location"].startswith("/login/")
    assert client.post("/login/second/", {"code": "000000"}).status_code == 422
    assert client.post("/login/second/", {"code": f" {code(secret)[:3]} {code(secret)[3:]}"})["Location"] == "/"
    assert client.get("/preferences/").status_code == 200


def test_each_step_gets_a_new_session_key(client, protected):
    secret, _codes = protected
    client.get("/login/forgotten/")
    session = client.session
    session["planted"] = "1"
    session.save()
    client.cookies["postvak_session"] = session.session_key
    keys = [session.session_key]
    log_in(client)
    keys.append(client.session.session_key)
    client.post("/login/second/", {"code": code(secret)})
    keys.append(client.session.session_key)
    assert len(set(keys)) == 3


def test_a_code_works_once(client, protected):
    secret, _codes = protected
    now = code(secret)
    log_in(client)
    client.post("/login/second/", {"code": now})
    client.post("/logout/")
    log_in(client)
    assert "was used already" in client.post("/login/second/", {"code": now}).text


def test_a_recovery_code_works_once_however_it_is_typed(client, protected, bob):
    _secret, codes = protected
    log_in(client)
    assert client.post("/login/second/", {"code": codes[0].upper().replace("-", " ")}).status_code == 302
    assert factors.factors_of(bob).codes_left == 9
    client.post("/logout/")
    log_in(client)
    assert client.post("/login/second/", {"code": codes[0]}).status_code == 422


def test_neither_secret_nor_codes_stand_in_the_database_or_the_audit(client, protected):
    secret, codes = protected
    kept = str([row.data for row in Authenticator.objects.all()]) + str(list(AuditEntry.objects.values()))
    assert secret not in kept
    assert not any(one in kept or one.replace("-", "") in kept for one in codes)
    assert AuditEntry.objects.filter(changes__has_key="second_factor").count() == 2


def test_guessing_codes_is_slowed_down_also_for_the_right_one(client, protected):
    secret, _codes = protected
    log_in(client)
    for _ in range(5):
        client.post("/login/second/", {"code": "000000"})
    assert "Wait 1 minute" in client.post("/login/second/", {"code": code(secret)}).text
    FailedLogin.objects.update(at=timezone.now() - timedelta(seconds=61))
    assert client.post("/login/second/", {"code": code(secret)}).status_code == 302


def test_the_second_step_belongs_to_the_password_that_was_typed(client, protected, bob):
    secret, _codes = protected
    log_in(client)
    bob.set_password("quite another password")
    bob.save()
    assert client.post("/login/second/", {"code": code(secret)})["Location"] == "/login/"
    assert client.get("/preferences/").status_code == 302


@pytest.mark.parametrize("typed", ["\0", "\ud800", "٠٠٠٠٠٠", "a" * 40, "1 2 3"])
def test_odd_codes_are_wrong_codes(client, protected, typed):
    log_in(client)
    body = urlencode({"code": typed}, errors="surrogatepass")
    answer = client.post("/login/second/", body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 422


def test_who_logged_in_long_ago_confirms_that_it_is_him_before_changes(client, bob):
    log_in(client)
    session = client.session
    session[CONFIRMED_AT] = time.time() - 601
    session.save()
    assert client.get(APP)["Location"] == "/preferences/confirmation/?next=%2Fpreferences%2Flogin%2Fapp%2F"
    assert client.post("/preferences/login/codes/renewal/")["Location"].startswith("/preferences/confirmation/")
    assert client.post("/preferences/confirmation/", {"proof": "wrong", "next": APP}).status_code == 422
    assert client.post("/preferences/confirmation/", {"proof": PASSWORD, "next": APP})["Location"] == APP
    assert client.get(APP).status_code == 200


def test_without_a_factor_nothing_but_setting_one_up_where_all_must_have_one(client, bob):
    Options.objects.update(second_factor="all")
    assert log_in(client)["Location"] == "/login/second/set-up/"
    assert client.get("/preferences/")["Location"] == "/login/second/set-up/"
    assert client.get("/", headers={"HX-Request": "true"})["HX-Redirect"] == "/login/second/set-up/"
    assert "authenticator app" in client.get("/login/second/set-up/").text
    set_up(client)
    assert client.get("/preferences/").status_code == 200


def test_the_rule_for_administrators_leaves_others_alone(client, bob, admin):
    Options.objects.update(second_factor="admins")
    assert log_in(client)["Location"] == "/"
    client.post("/logout/")
    assert log_in(client, "eva@example.org")["Location"] == "/login/second/set-up/"


def test_who_must_have_a_factor_keeps_the_last_one(client, bob):
    log_in(client)
    set_up(client)
    row = Authenticator.objects.get(type="totp")
    Options.objects.update(second_factor="all")
    client.post(f"/preferences/login/factors/{row.pk}/removal/")
    assert factors.has_factor(bob)
    Options.objects.update(second_factor="nobody")
    client.post(f"/preferences/login/factors/{row.pk}/removal/")
    assert not Authenticator.objects.exists()


def test_a_colleagues_factor_is_none_of_mine(client, protected, cas):
    log_in(client, "cas@example.org")
    row = Authenticator.objects.get(type="totp")
    assert client.post(f"/preferences/login/factors/{row.pk}/removal/").status_code == 404


def test_an_administrator_removes_the_factors_of_a_colleague_and_the_audit_says_so(client, protected, admin, bob):
    client.force_login(admin)
    assert "Remove second factors" in client.get(f"/admin/agents/{bob.pk}/").text
    client.post(f"/admin/agents/{bob.pk}/factors/removal/")
    assert not factors.has_factor(bob)
    entry = AuditEntry.objects.latest("pk")
    assert (entry.agent, entry.key, entry.changes["second_factor"][1]) == (admin, bob.pk, "")
    client.logout()
    assert log_in(client)["Location"] == "/"


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "{}",
        "[1]",
        "\0",
        '{"response": {"userHandle": 7}}',
        '{"response": {"userHandle": "YWdlbnQgMQ"}}',
        "[" * 9999,
    ],
)
def test_what_is_no_passkey_opens_nothing(client, bob, answer):
    options = client.post("/login/passkey/options/").json()["publicKey"]
    assert options["userVerification"] == "required"
    assert client.post("/login/passkey/", {"answer": answer}).status_code == 422
    assert client.get("/preferences/").status_code == 302


def test_the_rule_is_saved_with_a_line_in_the_audit(client, admin):
    client.force_login(admin)
    client.post("/admin/login/", {"second_factor": "all"})
    assert AuditEntry.objects.latest("pk").changes == {"second_factor": ["nobody", "all"]}


def test_no_device_is_asked_for_a_passkey_before_its_owner_confirmed(client, bob):
    log_in(client)
    assert client.post("/preferences/login/passkeys/options/").json()["publicKey"]["challenge"]
    session = client.session
    session[CONFIRMED_AT] = time.time() - 700
    session.save()
    answer = client.post("/preferences/login/passkeys/options/")
    assert answer["Location"].startswith("/preferences/confirmation/")
    assert "passkey" not in answer.content.decode()
