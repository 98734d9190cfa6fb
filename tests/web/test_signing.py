"""The pages of signing: domains, keys, the record for DNS, switching on; as an administrator sees them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from postvak.crypto.sealing import seal
from postvak.mail.dkim_record import record_text
from postvak.models import Address, Queue, SigningKey
from postvak.net import dns_records
from postvak.send.signing_keys import DailyCheck
from tests.send.test_signing import names, published
from tests.servers import free_port
from tests.servers.nameserver import asking

pytestmark = pytest.mark.django_db
PAGE = "/admin/signing/example.org/"


@pytest.fixture
def eva(client, admin, support: Queue):
    """Eva's browser; support@example.org is there."""
    client.force_login(admin)
    return client


def make(eva) -> SigningKey:
    assert eva.post(PAGE + "keys/").status_code == 302
    return SigningKey.objects.latest("pk")


def test_each_domain_of_our_addresses_is_listed_once_and_without_any_there_is_a_hint(eva, sales: Queue) -> None:
    page = eva.get("/admin/signing/").text
    assert page.count(PAGE) == 1
    assert "not signed by Postvak" in page
    Address.objects.update(is_valid=False)
    assert "No sending domain yet" in eva.get("/admin/signing/").text


def test_a_domain_that_is_not_ours_has_no_page_and_gets_no_key(eva) -> None:
    for url in ("/admin/signing/other.example/", "/admin/signing/other.example/policies/"):
        assert eva.get(url).status_code == 404
    assert eva.post("/admin/signing/other.example/keys/").status_code == 404
    assert not SigningKey.objects.exists()


def test_the_page_shows_the_record_to_copy_whole_and_in_strings_and_never_the_secret(eva) -> None:
    key = make(eva)
    page = eva.get(PAGE).text
    assert f'data-copy="{key.selector}._domainkey.example.org"' in page
    assert f'data-copy="{record_text(key.public)}"' in page
    assert f"&#34;{record_text(key.public)[:255]}&#34; &#34;" in page
    assert "PRIVATE" not in page
    assert key.sealed_key not in page


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([], "DNS has no such record."),
        (["v=DKIM1; p=MIIBother"], "DNS has another key under this name."),
        (["one", "two"], "DNS has several text records"),
        (["v=DKIM1; p="], "this key is withdrawn"),
    ],
)
def test_a_check_says_what_is_wrong_and_the_key_cannot_be_switched_on(
    eva, monkeypatch: pytest.MonkeyPatch, records: list[str], said: str
) -> None:
    key = make(eva)
    with names({str(key): records} if records else {}, monkeypatch):
        assert said in eva.post(f"/admin/signing-keys/{key.pk}/check/", follow=True).text
        page = eva.post(f"/admin/signing-keys/{key.pk}/on/", follow=True).text
    assert "The key stays off." in page
    assert said in page
    assert all(record in page for record in records)
    assert not SigningKey.objects.get().is_on


def test_a_key_that_dns_has_is_switched_on_and_off(eva, monkeypatch: pytest.MonkeyPatch) -> None:
    key = make(eva)
    with names(published(key), monkeypatch):
        assert "are signed from now on" in eva.post(f"/admin/signing-keys/{key.pk}/on/", follow=True).text
    assert "Mails from this domain go out signed." in eva.get(PAGE).text
    assert "Switch it off first" in eva.post(f"/admin/signing-keys/{key.pk}/deletion/", follow=True).text
    eva.post(f"/admin/signing-keys/{key.pk}/off/")
    assert not SigningKey.objects.get().is_on
    eva.post(f"/admin/signing-keys/{key.pk}/deletion/")
    assert not SigningKey.objects.exists()


def test_the_flag_for_testing_is_told_and_harmless(eva, monkeypatch: pytest.MonkeyPatch) -> None:
    key = make(eva)
    with names({str(key): [f"v=DKIM1; t=y; p={key.public}"]}, monkeypatch):
        eva.post(f"/admin/signing-keys/{key.pk}/on/")
    assert SigningKey.objects.get().is_on
    assert "Take t=y out of the record" in eva.get(PAGE).text


def test_a_key_that_cannot_be_opened_is_told_everywhere(eva, monkeypatch: pytest.MonkeyPatch) -> None:
    key = make(eva)
    with names(published(key), monkeypatch):
        eva.post(f"/admin/signing-keys/{key.pk}/on/")
    SigningKey.objects.update(sealed_key=seal("x", (b"k" * 43 + b"=",)))
    assert "disturbed" in eva.get("/admin/signing/").text
    assert "wait, because they must not go out unsigned" in eva.get(PAGE).text


def test_a_record_that_was_lost_is_noticed_within_a_day_but_not_for_lack_of_an_answer(
    eva, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = make(eva)
    with names(published(key), monkeypatch):
        eva.post(f"/admin/signing-keys/{key.pk}/on/")
        assert DailyCheck().check_one(timezone.now()) == 0
    SigningKey.objects.update(checked_at=timezone.now() - timedelta(hours=25))
    silent = asking("127.0.0.1", free_port())
    monkeypatch.setattr(dns_records, "system_resolver", lambda: silent)
    watch = DailyCheck()
    assert (watch.check_one(timezone.now()), watch.check_one(timezone.now())) == (1, 0)
    assert "go out signed" in eva.get(PAGE).text
    with names({}, monkeypatch):
        assert DailyCheck().check_one(timezone.now()) == 1
    assert "something is wrong" in eva.get(PAGE).text


def test_spf_and_dmarc_are_shown_as_found_with_a_sentence(eva, monkeypatch: pytest.MonkeyPatch) -> None:
    records = {"example.org": ["v=spf1 mx ~all", "other=1"], "_dmarc.example.org": ["v=DMARC1; p=reject"]}
    with names(records, monkeypatch):
        page = eva.get(PAGE + "policies/").text
    assert "v=spf1 mx ~all" in page
    assert "looked at with mistrust" in page
    assert "v=DMARC1; p=reject" in page
    assert "is refused" in page
    with names({}, monkeypatch):
        page = eva.get(PAGE + "policies/").text
    assert "no SPF record" in page
    assert "no DMARC record" in page


def test_a_subdomain_lives_by_the_policy_of_its_domain(eva, support: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    Address.objects.create(email="x@mail.example.org", queue=support)
    with names({"_dmarc.example.org": ["v=DMARC1; p=quarantine"]}, monkeypatch):
        page = eva.get("/admin/signing/mail.example.org/policies/").text
    assert "_dmarc.example.org" in page
    assert "junk folder" in page
