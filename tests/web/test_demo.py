"""The mailbox of a demonstration: there only where `postvak demo` made one, and a real way in for what is written there."""

from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from postvak.models import Agent, Queue, Receipt, Ticket
from postvak.process.run import process_due
from tests.mails import mail

pytestmark = pytest.mark.django_db
KEY = "00000000000000000001-0123abcd.eml"


@pytest.fixture
def eva(client: Client, admin: Agent, support: Queue) -> Client:
    client.force_login(admin)
    return client


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A demonstration that sent one mail."""
    monkeypatch.setattr(settings, "CONFIGURATION", replace(settings.CONFIGURATION, data=tmp_path))
    folder = tmp_path / "demo"
    folder.mkdir()
    raw = b"Delivered-To: ann@customer.example\r\n" + mail(
        sender="Support <support@example.org>",
        to="ann@customer.example",
        subject="Re: The lamp",
        message_id="our@example.org",
    )
    (folder / KEY).write_bytes(raw)
    return folder


@pytest.mark.parametrize("path", ["/demo/", "/demo/write/", f"/demo/{KEY}/"])
def test_there_is_none_in_a_real_installation(eva: Client, path: str) -> None:
    assert eva.get(path).status_code == 404
    assert "/demo/" not in eva.get("/preferences/").content.decode()


def test_an_answer_goes_in_by_the_ordinary_entrance_and_names_the_mail_that_it_answers(eva: Client, kept: Path) -> None:
    page = eva.get(f"/demo/{KEY}/").content.decode()
    assert 'value="ann@customer.example"' in page
    assert "Re: The lamp" in eva.get("/demo/").content.decode()
    values = {"sender": "ann@customer.example", "to": "support@example.org", "text": "Thanks", "answers": KEY}
    assert eva.post("/demo/write/", values | {"subject": "Re: The lamp\r\nBcc: eve@example.org"}).status_code == 302
    process_due("test:1:x")
    receipt = Receipt.objects.get()
    assert receipt.author_email == "ann@customer.example"
    message = Ticket.objects.get().messages.get()
    assert message.references == ["our@example.org"]
    assert message.subject == "Re: The lamp Bcc: eve@example.org"


@pytest.mark.parametrize(
    "key", ["../sealing.keys", ".hidden.eml", "00000000000000000009-0123abcd.eml", "%2e%2e%2fsecret.key"]
)
def test_only_mails_of_the_folder_are_shown(eva: Client, kept: Path, key: str) -> None:
    assert eva.get(f"/demo/{key}/").status_code == 404
    values = {"sender": "a@b.example", "to": "support@example.org", "subject": "x", "text": "y", "answers": key}
    assert eva.post("/demo/write/", values).status_code == 404
    assert not Receipt.objects.exists()


def test_an_address_of_nobody_is_refused_beside_the_field(eva: Client, kept: Path) -> None:
    values = {"sender": "nobody", "to": "eve@example.org", "subject": "x", "text": "y"}
    response = eva.post("/demo/write/", values)
    assert response.status_code == 422
    assert "id_sender_error" in response.content.decode()
    assert "id_to_error" in response.content.decode()
