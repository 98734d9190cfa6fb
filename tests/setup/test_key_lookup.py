"""A key is looked up at a stand-in for the directory of a provider; what is found is offered."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.test import Client

from postvak.crypto.wkd import places
from postvak.keys import store
from postvak.log.audit import By
from postvak.models import Agent, AuditEntry, CryptoKey, Customer, CustomerAddress
from postvak.net import reach
from postvak.setup import key_lookup
from postvak.tickets.programs.tokens import Wish, make_token
from tests.web.made_keys import gpg, made_once

pytestmark = pytest.mark.django_db
BJORN = "bjorn@customer.example"


class Directory(BaseHTTPRequestHandler):
    """`published`: what stands at which path."""

    published: dict[str, bytes] = {}
    asked: list[str] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        content = self.published.get(urlsplit(self.path).path)
        self.send_response(200 if content is not None else 404)
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *_words: object) -> None:
        pass


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Directory]]:
    """Asked in place of https://…: a server that counts as one of the internet."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), Directory)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    monkeypatch.setattr(reach, "is_public", lambda address: True)
    monkeypatch.setitem(reach.PORTS, "http", http.server_port)
    Directory.published, Directory.asked = {}, []

    def local(email: str) -> list[str]:
        parts = [urlsplit(place) for place in places(email)]
        return [f"http://127.0.0.1:{http.server_port}{one.path}?{one.query}" for one in parts]

    monkeypatch.setattr(key_lookup, "places", local)
    yield Directory
    http.shutdown()
    http.server_close()


def path(email: str, place: int) -> str:
    return urlsplit(places(email)[place]).path


@pytest.fixture
def binary() -> bytes:
    return gpg(made_once() / "gnupg", "--export", BJORN)


def test_a_key_is_found_and_only_offered(directory: type[Directory], binary: bytes) -> None:
    directory.published[path(BJORN, 0)] = binary
    (row,) = key_lookup.look_up("Bjorn@Customer.example", By())
    assert (row.state, row.source, row.names.get(kind="address").value) == ("offered", "directory", BJORN)
    assert directory.asked == [f"{path(BJORN, 0)}?l=Bjorn"]
    assert AuditEntry.objects.get(kind="cryptokey").action == "created"


def test_the_second_place_is_asked_when_the_first_has_nothing(directory: type[Directory], binary: bytes) -> None:
    directory.published[path(BJORN, 1)] = binary
    assert len(key_lookup.look_up(BJORN, By())) == 1
    assert len(directory.asked) == 2


def test_a_key_of_somebody_else_rubbish_and_too_much_are_nothing(directory: type[Directory], binary: bytes) -> None:
    eve = "eve@elsewhere.example"
    for content in (binary, b"<html>Not found</html>", b"", b"\x99" * (key_lookup.LARGEST + 1)):
        directory.published = {path(eve, place): content for place in (0, 1)}
        assert key_lookup.look_up(eve, By()) == []
    assert not CryptoKey.objects.exists()


def test_what_is_used_here_already_isnt_changed(directory: type[Directory], binary: bytes) -> None:
    directory.published[path(BJORN, 0)] = binary
    (found,) = key_lookup.look_up(BJORN, By())
    store.take_over(found)
    (again,) = key_lookup.look_up(BJORN, By())
    assert (again.pk, again.state) == (found.pk, "in_use")
    assert AuditEntry.objects.filter(kind="cryptokey").count() == 1


def test_nothing_inside_our_own_network_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_lookup, "places", lambda email: ["https://127.0.0.1/x", "https://localhost/x"])
    assert key_lookup.look_up(BJORN, By()) == []


@pytest.fixture
def eva(client: Client, admin: Agent) -> Client:
    client.force_login(admin)
    return client


def test_from_the_page_for_adding_it_leads_to_the_key(eva: Client, directory: type[Directory], binary: bytes) -> None:
    directory.published[path(BJORN, 0)] = binary
    assert "Or look it up" in eva.get("/admin/keys/new/").text
    answer = eva.post("/admin/keys/lookup/", {"address": BJORN}, follow=True)
    assert "This one is only offered" in answer.text
    assert "A key of bjorn@customer.example was found" in answer.text
    assert "publishes no OpenPGP key" in eva.post("/admin/keys/lookup/", {"address": "x@y.example"}, follow=True).text
    assert "is no e-mail address" in eva.post("/admin/keys/lookup/", {"address": "x"}, follow=True).text


def test_from_the_card_of_a_customer_it_comes_back_there(
    eva: Client, bob: Agent, directory: type[Directory], binary: bytes
) -> None:
    customer = Customer.objects.create(name="Björn")
    CustomerAddress.objects.create(customer=customer, email=BJORN)
    directory.published[path(BJORN, 0)] = binary
    page = f"/customers/{customer.pk}/"
    assert "Look up its key" in eva.get(page).text
    answer = eva.post("/admin/keys/lookup/", {"address": BJORN, "customer": customer.pk}, follow=True)
    assert answer.redirect_chain[-1][0] == page
    assert "Only offered" in answer.text
    ann = Path(made_once() / "ann.pem").read_text()
    answer = eva.post("/admin/keys/new/", {"text": ann, "customer": customer.pk}, follow=True)
    assert answer.redirect_chain[-1][0] == page
    assert CryptoKey.objects.get(kind="smime").source == "customer"
    eva.force_login(bob)
    assert "Look up its key" not in eva.get(page).text
    assert eva.post("/admin/keys/lookup/", {"address": BJORN}).status_code == 403


def test_a_program_looks_up_without_a_transaction(
    admin: Agent, client: Client, directory: type[Directory], binary: bytes
) -> None:
    _row, secret = make_token(admin, Wish("Script", ("settings:write",), rate=1000), by=By())
    directory.published[path(BJORN, 0)] = binary

    def ask(address: str, **more: str) -> tuple[int, bytes]:
        headers = {"authorization": f"Bearer {secret}", **more}
        body = {"address": address}
        answer = client.post("/api/v1/keys/lookups", body, content_type="application/json", headers=headers)
        return answer.status_code, answer.content

    assert ask(BJORN, **{"Idempotency-Key": "a"})[0] == 422
    assert directory.asked == []
    status, content = ask(BJORN)
    assert (status, b'"state": "offered"' in content or b'"state":"offered"' in content) == (201, True)
    assert ask("nobody@customer.example")[1] == b"[]"
    assert ask("nobody")[0] == 422
