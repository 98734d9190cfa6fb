"""Where somebody is logged in: the list, ending sessions, and what ends them by itself."""

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from postvak.models import Agent
from postvak.tickets.login.devices import device_of
from postvak.tickets.login.sessions import sessions_of

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


def logged_in(email: str = "bob@example.org", browser: str = FIREFOX) -> Client:
    client = Client(headers={"User-Agent": browser})
    assert client.post("/login/", {"email": email, "password": PASSWORD}).status_code == 302
    return client


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (FIREFOX, "Firefox on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0", "Edge on macOS"),
        ("curl/8.5", "unknown browser"),
        ("", "unknown browser"),
    ],
)  # fmt: skip
def test_browsers_in_words(said, name):
    assert device_of(said).name == name


def test_the_list_shows_each_browser_and_which_one_is_this(bob):
    here, _there = logged_in(), logged_in(browser="curl/8.5")
    page = here.get("/preferences/login/").text
    assert page.count("this browser") == 1
    assert "Firefox on Windows" in page
    assert "unknown browser" in page
    assert "127.0.0.1" in page


def test_one_browser_is_logged_out_and_all_others(bob):
    here, there, elsewhere = logged_in(), logged_in(), logged_in()
    key = UserSession.objects.get(session_key=there.session.session_key).pk
    here.post(f"/preferences/login/sessions/{key}/end/")
    assert there.get("/preferences/").status_code == 302
    assert elsewhere.get("/preferences/").status_code == 200
    here.post("/preferences/login/sessions/end/")
    assert elsewhere.get("/preferences/").status_code == 302
    assert here.get("/preferences/").status_code == 200


def test_nobody_ends_a_colleagues_session(bob, cas):
    mine, his = logged_in("cas@example.org"), logged_in()
    key = UserSession.objects.get(user=bob).pk
    mine.post(f"/preferences/login/sessions/{key}/end/")
    mine.post("/preferences/login/sessions/end/")
    assert his.get("/preferences/").status_code == 200


def test_an_administrator_logs_an_agent_out_everywhere(bob, admin):
    his, eva = logged_in(), logged_in("eva@example.org")
    assert "Firefox on Windows" in eva.get(f"/admin/agents/{bob.pk}/").text
    eva.post(f"/admin/agents/{bob.pk}/sessions/end/")
    assert his.get("/preferences/").status_code == 302
    assert eva.get("/preferences/").status_code == 200


def test_a_changed_password_ends_the_others_and_keeps_this_one_under_a_new_key(bob):
    here, there = logged_in(), logged_in()
    before = here.session.session_key
    here.post("/preferences/password/", {"old": PASSWORD, "new": "seven green lamps"})
    assert there.get("/preferences/").status_code == 302
    assert here.get("/preferences/").status_code == 200
    assert [row.session_key for row in UserSession.objects.filter(user=bob)] == [here.session.session_key]
    assert not Session.objects.filter(session_key=before).exists()


def test_an_agent_who_is_made_invalid_is_out_at_once(bob):
    his = logged_in()
    Agent.objects.filter(pk=bob.pk).update(is_active=False)
    assert his.get("/preferences/").status_code == 302


def test_a_log_out_takes_the_line_away(bob):
    client = logged_in()
    client.post("/logout/")
    assert not UserSession.objects.exists()


def test_a_session_that_began_before_has_its_line_with_its_next_page(client, bob):
    client.force_login(bob)
    client.get("/preferences/")
    assert len(sessions_of(bob)) == 1


def test_ten_thousand_sessions_of_others_are_not_read(bob, cas):
    client = logged_in()
    UserSession.objects.bulk_create(
        UserSession(user=cas, ip="192.0.2.1", session_key=f"key-{number}", user_agent="") for number in range(10_000)
    )
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert len(sessions_of(bob, client.session.session_key)) == 1
    assert len(asked) == 2
    assert len(sessions_of(bob)) == 1
    for query in asked:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {'QUERY PLAN ' if connection.vendor == 'sqlite' else ''}{query['sql']}")
            plan = str(cursor.fetchall())
        assert "SCAN" not in plan.replace("Index Scan", "").replace("SCAN CONSTANT", "")


def test_what_a_browser_calls_itself_may_be_anything(bob):
    client = logged_in(browser="\x01é<script>" + "a" * 500)
    assert "<script>a" not in client.get("/preferences/login/").text
