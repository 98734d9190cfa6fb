"""POST /api/v1/mail: only with a token, stored before it is acknowledged, the same mail once."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import pytest
from django.db import connection
from django.test import Client

from postvak.blobs import store
from postvak.models import Agent, Blob, Mailbox, Queue, Receipt
from postvak.process.run import process_due
from tests.mails import mail

TOKEN = "a-token-of-the-shop"


@pytest.fixture
def door(support: Queue) -> Mailbox:
    box = Mailbox(name="Shop", kind="http", queue=support, size_limit=1)
    box.password = TOKEN
    box.save()
    return box


def post(raw: bytes = b"", token: str = TOKEN, **headers: str):  # type: ignore[no-untyped-def]
    """A program without cookies; Django's test client would switch CSRF checks off."""
    client = Client(enforce_csrf_checks=True)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        named["Authorization"] = f"Bearer {token}"
    return client.post("/api/v1/mail", raw or mail(), content_type="message/rfc822", headers=named)


@pytest.mark.django_db
def test_a_mail_over_http_is_stored_exactly_and_becomes_a_ticket(door: Mailbox) -> None:
    raw = b"\x00\xff lone\nlf\r\n" + mail()
    answer = post(
        raw, X_Postvak_Envelope_From="<ann@customer.example>", X_Postvak_Envelope_To="a@x.example, <b@x.example>"
    )
    receipt = Receipt.objects.get()
    assert (answer.status_code, answer.json()) == (201, {"receipt": receipt.pk, "source": receipt.source})
    assert store.get(receipt.blob_id) == raw
    assert (receipt.mailbox, receipt.envelope_from, receipt.envelope_to, receipt.remote_ip) == (
        door, "ann@customer.example", ["a@x.example", "b@x.example"], "127.0.0.1",
    )  # fmt: skip
    while process_due("test:1:x"):
        pass
    receipt.refresh_from_db()
    assert receipt.outcome in {"new_ticket", "held"}


@pytest.mark.django_db
@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], TOKEN + "x", "töken"])
def test_without_the_right_token_nothing_is_stored(door: Mailbox, token: str) -> None:
    Mailbox.objects.create(name="Without token", kind="http")
    answer = post(token=token)
    assert (answer.status_code, answer.headers["Content-Type"]) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json()["status"] == 401
    assert not Receipt.objects.exists()


@pytest.mark.django_db
def test_a_password_of_another_kind_of_mailbox_is_no_token(door: Mailbox) -> None:
    Mailbox.objects.filter(pk=door.pk).update(kind="imap")
    assert post().status_code == 401


@pytest.mark.django_db
def test_a_paused_mailbox_asks_to_come_later_and_an_invalid_one_refuses(door: Mailbox) -> None:
    Mailbox.objects.filter(pk=door.pk).update(validity="temporarily")
    assert post(token="wrong").status_code == 401
    answer = post()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    Mailbox.objects.filter(pk=door.pk).update(validity="invalid")
    assert post(token="wrong").status_code == 401
    assert post().status_code == 403
    assert not Receipt.objects.exists()
    Mailbox.objects.filter(pk=door.pk).update(validity="valid")
    assert post().status_code == 201


@pytest.mark.django_db
def test_a_token_that_cannot_be_opened_lets_nobody_in(door: Mailbox) -> None:
    Mailbox.objects.filter(pk=door.pk).update(sealed_password="sealed with a lost key")
    assert post().status_code == 401


@pytest.mark.django_db
def test_only_post_and_the_scheme_bearer(door: Mailbox) -> None:
    assert Client().get("/api/v1/mail").status_code == 405
    assert post(token="", Authorization=f"Basic {TOKEN}").status_code == 401


@pytest.mark.django_db
def test_a_mail_over_the_limit_is_refused(door: Mailbox) -> None:
    answer = post(b"x" * (1024 * 1024 + 1))
    assert (answer.status_code, answer.headers["Content-Type"]) == (413, "application/problem+json")
    assert post(b"x" * 1024 * 1024).status_code == 201
    assert Receipt.objects.count() == 1


@pytest.mark.django_db
def test_a_body_that_is_missing_or_cut_is_refused(door: Mailbox) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    client = Client()
    empty = client.generic("POST", "/api/v1/mail", b"", headers=headers, CONTENT_LENGTH="0")
    cut = client.generic(
        "POST", "/api/v1/mail", mail(), headers=headers, CONTENT_LENGTH="100000", **{"wsgi.input": BytesIO(mail())}
    )
    unknown = client.generic("POST", "/api/v1/mail", mail(), headers=headers, CONTENT_LENGTH="")
    assert (empty.status_code, cut.status_code, unknown.status_code) == (400, 400, 411)
    assert not Receipt.objects.exists()


@pytest.mark.django_db
def test_the_same_key_is_the_same_mail(door: Mailbox) -> None:
    first, again = post(Idempotency_Key="order-7"), post(Idempotency_Key="order-7")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json() == {"receipt": Receipt.objects.get().pk, "source": "HTTP/order-7"}
    other = post(mail(text="something else"), Idempotency_Key="order-7")
    assert (other.status_code, other.headers["Content-Type"]) == (422, "application/problem+json")
    assert post(Idempotency_Key="k" * 5000).status_code == 201
    assert Receipt.objects.count() == 2


@pytest.mark.django_db
def test_without_a_key_a_repeated_mail_is_a_duplicate(door: Mailbox) -> None:
    Mailbox.objects.filter(pk=door.pk).update(size_limit=50)
    assert [post().status_code, post().status_code] == [201, 201]
    while process_due("test:1:x"):
        pass
    assert sorted(Receipt.objects.values_list("outcome", flat=True)) == ["duplicate", "new_ticket"]


@pytest.mark.django_db
def test_a_key_holds_for_its_own_mailbox_only(door: Mailbox, sales: Queue) -> None:
    other = Mailbox(name="Other", kind="http", queue=sales)
    other.password = "another-token"
    other.save()
    assert post(Idempotency_Key="1").status_code == 201
    assert post(token="another-token", Idempotency_Key="1").status_code == 201
    assert Receipt.objects.count() == 2


@contextmanager
def hidden(table: str) -> Iterator[None]:
    """The database is there but fails: one of its tables has another name for a moment."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO away")
        try:
            yield
        finally:
            cursor.execute(f"ALTER TABLE away RENAME TO {table}")


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.parametrize("table", ["postvak_receipt", "postvak_blob", "postvak_mailbox"])
def test_when_storing_fails_the_sender_is_told_to_try_again(table: str) -> None:
    door = Mailbox(name="Shop", kind="http")
    door.password = TOKEN
    door.save()
    with hidden(table):
        answer = post()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert not Receipt.objects.exists()
    assert not Blob.objects.exists()
    assert post().status_code == 201


# ---- administration ------------------------------------------------------------


def facts(**changes: object) -> dict[str, object]:
    return {
        "name": "In", "kind": "forward", "port": 993, "security": "tls", "start": "all", "after_storing": "leave",
        "interval": 60, "size_limit": 50, "silence_limit": 15, "validity": "valid", "folders": "INBOX",
        "forward_addresses": "Support@In.example.org, help@in.example.org", **changes,
    }  # fmt: skip


@pytest.fixture
def eva(client: Client, admin: Agent) -> Client:
    client.force_login(admin)
    return client


@pytest.mark.django_db
def test_a_forwarding_mailbox_is_made_and_says_how_to_forward(eva: Client) -> None:
    assert eva.post("/admin/mailboxes/new/", {**facts(), "check": "1"}).status_code == 302
    box = Mailbox.objects.get(name="In")
    assert box.forward_list == ["support@in.example.org", "help@in.example.org"]
    page = eva.get(f"/admin/mailboxes/{box.pk}/").text
    assert "Let your provider forward" in page
    assert "POSTVAK_LISTEN_SMTP" in page
    assert "support@in.example.org" in eva.get("/admin/mailboxes/").text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("addresses", "said"),
    [
        ("", "Enter the address"),
        ("support", "support is no e-mail address"),
        ("new@in.example.org Support@in.example.org", "support@in.example.org belongs to the mailbox In already"),
    ],
)
def test_forwarding_addresses_are_checked(eva: Client, addresses: str, said: str) -> None:
    eva.post("/admin/mailboxes/new/", facts())
    answer = eva.post("/admin/mailboxes/new/", facts(name="Second", forward_addresses=addresses))
    assert answer.status_code == 422
    assert said in answer.text
    box = Mailbox.objects.get(name="In")
    assert eva.post(f"/admin/mailboxes/{box.pk}/", facts(comment="kept")).status_code == 302


@pytest.mark.django_db
def test_a_new_token_is_shown_once_and_works(eva: Client, support: Queue) -> None:
    eva.post("/admin/mailboxes/new/", facts(kind="http", forward_addresses=""))
    box = Mailbox.objects.get(name="In")
    assert box.sealed_password == ""
    shown = eva.post(f"/admin/mailboxes/{box.pk}/token/")
    box.refresh_from_db()
    assert box.password in shown.text
    assert "no-store" in shown.headers["Cache-Control"]
    page = eva.get(f"/admin/mailboxes/{box.pk}/").text
    assert box.password not in page
    assert "http://testserver/api/v1/mail" in page
    assert post(token=box.password).status_code == 201
    assert eva.post(f"/admin/mailboxes/{box.pk}/", facts(kind="http", forward_addresses="")).status_code == 302
    assert post(token=box.password).status_code == 201
    eva.post(f"/admin/mailboxes/{box.pk}/token/")
    assert post(token=box.password).status_code == 401


@pytest.mark.django_db
def test_a_password_never_becomes_a_token_nor_a_token_a_password(eva: Client) -> None:
    imap = facts(kind="imap", host="imap.example.org", username="ann", password="the password of ann")
    eva.post("/admin/mailboxes/new/", imap)
    box = Mailbox.objects.get(name="In")
    assert box.password == "the password of ann"
    eva.post(f"/admin/mailboxes/{box.pk}/", facts(kind="http"))
    box.refresh_from_db()
    assert (box.kind, box.sealed_password) == ("http", "")
    eva.post(f"/admin/mailboxes/{box.pk}/token/")
    eva.post(f"/admin/mailboxes/{box.pk}/", {**imap, "password": ""})
    box.refresh_from_db()
    assert (box.kind, box.sealed_password) == ("imap", "")
