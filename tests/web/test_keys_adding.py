"""What is in a file is shown before it is added, adding says how many came, and the list of waiting mails names people."""

import html
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from postvak.models import Agent, CryptoKey, Mailbox, MailSecurity, Message, Queue
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from tests.mails import mail
from tests.web.made_keys import made_once

pytestmark = pytest.mark.django_db
NEW = "/admin/keys/new/"


@pytest.fixture
def eva(client: Client, admin: Agent, support: Queue) -> Client:
    client.force_login(admin)
    return client


def file(name: str) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, (made_once() / name).read_bytes())


def inside(eva: Client, **form: object) -> str:
    answer = eva.post(NEW, {"look": "1", **form})
    assert answer.status_code == 200
    (found,) = re.findall(r'<div id="inside".*?</div>', answer.text, re.S)
    return html.unescape(found)


def test_what_is_in_a_file_is_shown_and_nothing_is_added(eva: Client) -> None:
    shown = inside(eva, file=file("support.p12"), password="geheim123")
    for words in (
        "Support Lamps",
        "support@example.org",
        "expires in 25 days",
        "private key",
        "Lamps Issuing",
        "authority",
    ):
        assert words in shown, words
    assert "here already" not in shown
    assert not CryptoKey.objects.exists()
    eva.post(NEW, {"file": file("support.pem")})
    assert "here already" in inside(eva, file=file("support.pem"))


def test_a_preview_says_what_is_wrong_with_the_file(eva: Client) -> None:
    assert "It is locked" in inside(eva, file=file("support.p12"))
    assert "no certificate and no key in it" in inside(eva, text="Hello")
    assert "its certificate is not" in inside(eva, file=file("support.key"))
    eva.post(NEW, {"file": file("support.pem")})
    assert "Support Lamps" in inside(eva, file=file("support.key"))


def test_adding_says_how_many_came_and_how_many_were_here(eva: Client) -> None:
    def said(**form: object) -> str:
        return html.unescape(eva.post(NEW, form, follow=True).text)

    assert "“Lamps Issuing” is added." in said(file=file("inter.pem"))
    text = said(file=file("support.p12"), password="geheim123")
    assert "1 certificate or key is added. 1 was here already." in text
    assert "“Lamps Issuing” was here already." in said(file=file("inter.pem"))


def test_the_list_of_waiting_mails_says_who_has_to_bring_his_key(eva: Client, mailbox: Mailbox) -> None:
    eva.post(NEW, {"file": file("support.pem")})
    issuer = CryptoKey.objects.get().names.get(kind="issuer").value
    for number, (kind, missing) in enumerate(
        (("smime", [issuer]), ("smime", ["cd" * 32]), ("pgp", ["03d5978bfd679b6c"])), 1
    ):
        accept(mailbox, [Arrived(f"w/{number}", mail(subject=f"Sealed {number}", message_id=f"{number}@c.example"))])
        process_due("test:1:x")
        message = Message.objects.latest("pk")
        MailSecurity.objects.create(
            message=message, encrypted=kind, state="no_key", missing=missing, looked_at=timezone.now()
        )
    text = html.unescape(eva.get("/admin/keys/waiting/").text)
    assert text.count("Support Lamps <support@example.org>") == 2  # of the mail, and among those that are wanted most
    assert "somebody whose certificate isn’t known here" in text
    assert "03D5 978B FD67 9B6C" in text
    assert "CDCD" not in text
    assert issuer[:16].upper() not in text.replace(" ", "")
