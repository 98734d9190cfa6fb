"""Static files and pages on their way to the browser: addresses, what is kept for how long, gzip."""

import gzip
import re

import pytest
from django.test import Client

from postvak.models import Agent

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client):
    client.force_login(Agent.objects.create_user(email="bob@example.org", name="Bob", password="x" * 12))
    return client.get("/preferences/").text


def address(page, name):
    return re.search(rf'/static/[0-9a-f]{{8}}/{re.escape(name)}(?=")', page)[0]


def test_what_a_page_loads_is_kept_for_a_year_under_an_address_of_its_content(client, page):
    script = client.get(address(page, "app.js"))
    assert script.status_code == 200
    assert script["Cache-Control"] == "public, max-age=31536000, immutable"
    assert script["Content-Type"] == "text/javascript; charset=utf-8"


def test_modules_that_import_each_other_are_under_the_same_address(client, page):
    script = address(page, "live.js")
    imported = re.findall(r'from "\./([a-z/.]+)"', client.get(script).text)
    assert imported
    for name in imported:
        assert "immutable" in client.get(script.replace("live.js", name))["Cache-Control"]


def test_an_address_of_another_release_or_of_none_is_answered_and_asked_for_anew(client):
    for path in ("/static/00000000/app.js", "/static/app.js"):
        script = client.get(path)
        assert (script.status_code, script["Cache-Control"]) == (200, "no-cache")
        assert client.get(path, headers={"If-None-Match": script["ETag"]}).status_code == 304
        assert client.get(path, headers={"If-None-Match": '"another"'}).status_code == 200


@pytest.mark.parametrize("path", ["../settings.py", "00000000/../settings.py", "nothing.css", "", "css", "/etc/passwd"])
def test_nothing_else_is_there(client, path):
    assert client.get(f"/static/{path}").status_code == 404


def test_one_style_sheet_holds_those_of_every_page(client, page):
    sheet = client.get(address(page, "all.css")).text
    assert page.count('rel="stylesheet"') == 1
    assert sheet.index("@layer reset, tokens") < sheet.index("@layer components")
    assert "/*" not in sheet


def test_what_shrinks_goes_out_by_gzip_to_whoever_takes_it(client, page):
    for path in (address(page, "all.css"), address(page, "app.js"), "/preferences/"):
        plain, packed = client.get(path), client.get(path, headers={"Accept-Encoding": "br, gzip"})
        assert "Content-Encoding" not in plain
        assert packed["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in packed["Vary"]
        assert len(packed.content) < len(plain.content) / 2
        assert len(gzip.decompress(packed.content)) == pytest.approx(len(plain.content), abs=300)


def test_the_icon_that_browsers_ask_for_by_themselves_is_there_without_a_log_in(client: Client) -> None:
    answer = client.get("/favicon.ico", follow=True)
    assert answer.redirect_chain[-1][0].endswith("/favicon.svg")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("image/svg+xml")
