"""Log-in: who comes in, who is slowed down, and where one lands."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from postvak.models import Agent, FailedLogin, OutgoingMail
from postvak.tickets.login.throttle import FREE_BY_IP, remaining_wait

PASSWORD = "correct horse battery"


def try_login(client: Client, email: str = "bob@example.org", password: str = PASSWORD, **more):
    return client.post("/login/", {"email": email, "password": password, **more})


def test_before_there_is_an_agent_every_page_leads_to_the_set_up_link(client, db):
    assert client.get("/")["Location"] == "/setup/"
    assert client.get("/login/")["Location"] == "/setup/"
    assert "set-up link" in client.get("/setup/").text


@pytest.mark.parametrize("page", ["/", "/held/", "/admin/", "/admin/agents/", "/preferences/", "/tickets/1/"])
def test_pages_need_a_log_in_and_lead_back_afterwards(client, bob, page):
    answer = client.get(page)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/?next=%2F")


def test_a_fragment_that_needs_a_log_in_sends_the_whole_page_there(client, bob):
    answer = client.get("/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Redirect"]) == (401, "/login/")


def test_health_needs_no_log_in(client, db):
    assert client.get("/health").content == b"ok"


def test_an_agent_logs_in_whatever_the_case_of_the_address(client, bob):
    answer = try_login(client, "Bob@Example.ORG")
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get("/preferences/").status_code == 200


def test_the_session_gets_a_new_key_at_the_log_in(client, bob):
    client.get("/login/")
    session = client.session
    session["before"] = "1"
    session.save()
    before = session.session_key
    client.cookies["postvak_session"] = before
    try_login(client)
    assert client.session.session_key != before


def test_without_staying_the_session_ends_with_the_browser(client, bob):
    try_login(client)
    assert client.session.get_expire_at_browser_close()
    client.logout()
    try_login(client, stay="on")
    assert not client.session.get_expire_at_browser_close()


@pytest.mark.parametrize(
    "wanted", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", r"/\evil.example"]
)
def test_the_log_in_leads_nowhere_else(client, bob, wanted):
    assert try_login(client, next=wanted)["Location"] == "/"


def test_the_log_in_leads_back_to_the_page_that_was_wanted(client, bob):
    assert try_login(client, next="/held/?a=b")["Location"] == "/held/?a=b"


def test_wrong_password_unknown_address_and_invalid_agent_read_the_same(client, bob, cas):
    Agent.objects.filter(pk=cas.pk).update(is_active=False)
    answers = [
        try_login(client, password="wrong"),
        try_login(client, email="nobody@example.org"),
        try_login(client, email="cas@example.org"),
    ]
    assert {answer.status_code for answer in answers} == {422}
    assert all("is wrong, or the account is not valid any more" in answer.text for answer in answers)


def test_what_was_typed_stays_but_never_the_password(client, bob):
    page = try_login(client, password="my secret guess").text
    assert 'value="bob@example.org"' in page
    assert "my secret guess" not in page


def test_after_five_failures_even_the_right_password_has_to_wait(client, bob):
    for _ in range(5):
        try_login(client, password="wrong")
    answer = try_login(client)
    assert answer.status_code == 422
    assert "Wait 1 minute, then try again" in answer.text
    FailedLogin.objects.update(at=timezone.now() - timedelta(seconds=61))
    assert try_login(client).status_code == 302


def test_a_success_forgets_the_failures(client, bob):
    for _ in range(4):
        try_login(client, password="wrong")
    try_login(client)
    assert not FailedLogin.objects.exists()


def test_attempts_during_the_wait_do_not_lengthen_it(client, bob):
    for _ in range(9):
        try_login(client, password="wrong")
    assert FailedLogin.objects.count() == 5


def test_the_wait_doubles_with_every_further_failure():
    now = timezone.now()
    waits = [remaining_wait([now] * failures, 5, now) for failures in range(4, 9)]
    assert waits == [timedelta(minutes=minutes) for minutes in (0, 1, 2, 4, 8)]


def test_failures_far_apart_are_forgiven():
    now = timezone.now()
    assert not remaining_wait([now - timedelta(minutes=11 * age) for age in range(9, -1, -1)], 5, now)


def test_guessing_many_addresses_from_one_ip_is_slowed_down(client, bob):
    for number in range(FREE_BY_IP):
        try_login(client, email=f"a{number}@example.org", password="wrong")
    assert "too many wrong attempts" in try_login(client).text
    assert try_login(Client(REMOTE_ADDR="192.0.2.7")).status_code == 302


def test_old_failures_are_deleted(client, bob):
    try_login(client, password="wrong")
    FailedLogin.objects.update(at=timezone.now() - timedelta(days=2))
    try_login(client, password="wrong")
    assert FailedLogin.objects.count() == 1


def test_log_out_needs_a_post(client, bob):
    try_login(client)
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/")["Location"] == "/login/"
    assert client.get("/preferences/").status_code == 302


def test_the_language_of_the_log_in_page_is_chosen_by_a_link(client, bob):
    answer = client.get("/language/nl/?next=/login/")
    assert answer["Location"] == "/login/"
    assert '<html lang="nl"' in client.get("/login/").text
    assert client.get("/language/xx/?next=//evil.example")["Location"] == "/"


def test_the_agents_language_wins_over_cookie_and_browser(client, bob):
    Agent.objects.filter(pk=bob.pk).update(language="de")
    client.get("/language/nl/")
    client.force_login(bob)
    page = client.get("/preferences/", headers={"Accept-Language": "en"})
    assert page["Content-Language"] == "de"


def test_pages_allow_nothing_but_our_own_files(client, bob):
    client.force_login(bob)
    page = client.get("/preferences/")
    policy = page["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for forbidden in (" style=", "<style", " onclick=", "javascript:"):
        assert forbidden not in page.text


def test_preferences_are_the_agents_own(client, bob):
    client.force_login(bob)
    facts = {"language": "nl", "time_zone": "Europe/Berlin", "theme": "dark", "undo_seconds": "30"}
    assert client.post("/preferences/", facts).status_code == 302
    bob.refresh_from_db()
    assert (bob.language, bob.time_zone, bob.theme, bob.undo_seconds) == ("nl", "Europe/Berlin", "dark", 30)
    assert client.post("/preferences/", facts | {"undo_seconds": "61"}).status_code == 422
    assert 'data-theme="dark"' in client.get("/preferences/").text


def test_changing_the_password_needs_the_present_one_and_ends_other_sessions(client, bob):
    other = Client()
    other.force_login(bob)
    client.force_login(bob)
    wrong = client.post("/preferences/password/", {"old": "wrong", "new": "seven green lamps"})
    assert "This is not your present password" in wrong.text
    short = client.post("/preferences/password/", {"old": PASSWORD, "new": "short"})
    assert "too short" in short.text
    assert client.post("/preferences/password/", {"old": PASSWORD, "new": "seven green lamps"}).status_code == 302
    assert client.get("/preferences/").status_code == 200
    assert other.get("/preferences/").status_code == 302


def test_without_a_public_address_no_link_goes_out_that_a_stranger_could_point_elsewhere(client, bob, settings):
    settings.ALLOWED_HOSTS = ["*"]
    page = client.post("/login/forgotten/", {"email": "bob@example.org"}, headers={"Host": "evil.example"})
    assert "Ask your administrator for a link" in page.text
    assert not OutgoingMail.objects.exists()
