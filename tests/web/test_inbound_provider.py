"""Mail that a provider passes on: only with the mailbox's token, only as it came, and the same one once."""

import base64
import json

import pytest
from django.test import Client

from postvak.blobs import store
from postvak.models import Mailbox, Queue, Receipt
from tests.mails import mail

pytestmark = pytest.mark.django_db
TOKEN = "a-token-of-the-provider"
ODD = mail() + b"8 bit: \xff\xfe \xe4\r\n"


@pytest.fixture
def door(support: Queue) -> Mailbox:
    box = Mailbox(name="Provider", kind="http", queue=support, size_limit=1)
    box.password = TOKEN
    box.save()
    return box


def basic(password: str = TOKEN) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"postvak:{password}".encode()).decode()}


def post_json(provider: str, values: object, **more: str) -> int:
    client = Client(enforce_csrf_checks=True)
    headers = more or basic()
    path = f"/api/v1/mail/{provider}"
    return client.post(path, json.dumps(values), content_type="application/json", headers=headers).status_code


def post_form(provider: str, **fields: bytes) -> int:
    parts = [
        b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (k.encode(), v) for k, v in fields.items()
    ]
    body = b"".join(parts) + b"--b--\r\n"
    client = Client(enforce_csrf_checks=True)
    path = f"/api/v1/mail/{provider}"
    return client.post(path, body, content_type="multipart/form-data; boundary=b", headers=basic()).status_code


def stored() -> tuple[bytes, str, list[str]]:
    receipt = Receipt.objects.get()
    return store.get(receipt.blob_id), receipt.envelope_from, receipt.envelope_to


def test_postmark_passes_on_the_original(door: Mailbox) -> None:
    values = {"RawEmail": mail().decode(), "OriginalRecipient": "in@inbound.example", "Subject": "parsed"}
    for _told_again in range(2):
        assert post_json("postmark", values) == 200
    assert stored() == (mail(), "", ["in@inbound.example"])


def test_sparkpost_passes_on_several_and_pings(door: Mailbox) -> None:
    content = {"email_rfc822": base64.b64encode(ODD).decode(), "email_rfc822_is_base64": True}
    relay = {"content": content, "msg_from": "ann@customer.example", "rcpt_to": "support@example.org"}
    assert post_json("sparkpost", [{"msys": {}}]) == 200
    assert not Receipt.objects.exists()
    assert post_json("sparkpost", [{"msys": {"relay_message": relay}}, {"msys": {}}]) == 200
    assert stored() == (ODD, "ann@customer.example", ["support@example.org"])


def test_postal_passes_on_the_original(door: Mailbox) -> None:
    values = {"message": base64.b64encode(ODD).decode(), "base64": True, "mail_from": "ann@customer.example"}
    assert post_json("postal", values | {"rcpt_to": "support@example.org"}) == 200
    assert stored() == (ODD, "ann@customer.example", ["support@example.org"])


def test_forms_keep_every_byte_of_the_mail(door: Mailbox) -> None:
    envelope = b'{"from": "ann@customer.example", "to": ["support@example.org"]}'
    assert post_form("sendgrid", email=ODD, envelope=envelope) == 200
    assert stored() == (ODD, "ann@customer.example", ["support@example.org"])
    Receipt.objects.all().delete()
    assert (
        post_form("mailgun", **{"body-mime": ODD, "sender": b"ann@customer.example", "recipient": b"x@y.example"})
        == 200
    )
    assert stored() == (ODD, "ann@customer.example", ["x@y.example"])


def test_without_the_token_nothing_is_read(door: Mailbox) -> None:
    values = {"RawEmail": mail().decode()}
    for headers in (basic("wrong"), basic(""), {"Authorization": "Basic %%%"}, {"Authorization": "Digest x"}):
        assert post_json("postmark", values, **headers) == 401
    assert post_json("postmark", values, **{"Authorization": f"Bearer {TOKEN}"}) == 200
    assert Receipt.objects.count() == 1


@pytest.mark.parametrize(
    ("provider", "values", "status"),
    [
        ("postmark", {"TextBody": "parsed only"}, 422),
        ("postmark", [], 422),
        ("postmark", {"RawEmail": 7}, 422),
        ("sparkpost", {"msys": 1}, 422),
        ("postal", {"message": None}, 422),
        ("sendgrid", {}, 422),
        ("carrier-pigeon", {}, 404),
        ("postmark", {"RawEmail": "x" * 2_000_000}, 413),
        ("postmark", {"RawEmail": "x" * 4_000_000}, 413),
    ],
    ids=str,
)
def test_what_is_no_original_is_refused_with_a_reason(
    door: Mailbox, provider: str, values: object, status: int
) -> None:
    assert post_json(provider, values) == status
    assert not Receipt.objects.exists()
