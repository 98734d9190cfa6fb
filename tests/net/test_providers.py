"""The table of mail providers: found by domain or mail exchanger, never by half a name."""

import pytest

from postvak.net.connection import Security
from postvak.net.providers import PROVIDERS, Hint, Server, cleaned_app_password, provider_of


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("info@gmail.com", "Gmail"),
        ("Info@GMX.de", "GMX"),
        ("a@web.de", "WEB.DE"),
        ("a@t-online.de", "T-Online"),
        ("a@outlook.com", "Outlook.com"),
        ("a@contoso.onmicrosoft.com", "Microsoft 365"),
        ("a@xs4all.nl", "XS4ALL"),
        ("a@planet.nl", "KPN"),
        ("a@ziggo.nl", "Ziggo"),
        ("a@icloud.com", "iCloud"),
        ("a@posteo.de", "Posteo"),
    ],
)
def test_a_provider_is_found_by_the_domain(address: str, name: str) -> None:
    found = provider_of(address)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    ("exchanger", "name"),
    [
        ("example-org.mail.protection.outlook.com.", "Microsoft 365"),
        ("ASPMX.L.GOOGLE.COM", "Gmail"),
        ("smtp.google.com", "Gmail"),
        ("mx00.ionos.de", "IONOS"),
        ("mx00.kundenserver.de", "IONOS"),
        ("smtpin.rzone.de", "STRATO"),
        ("mx.transip.email", "TransIP"),
        ("in1-smtp.messagingengine.com", "Fastmail"),
        ("mxext1.mailbox.org", "mailbox.org"),
    ],
)
def test_a_domain_of_ones_own_is_found_by_its_mail_exchangers(exchanger: str, name: str) -> None:
    assert provider_of("info@example.org") is None
    found = provider_of("info@example.org", [exchanger])
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("address", ["", "ann", "a@notgmail.com", "a@gmail.com.evil.example", "@", "a@"])
def test_half_a_name_finds_nothing(address: str) -> None:
    assert provider_of(address, ["mx.evilgoogle.com"]) is None


def test_no_domain_belongs_to_two_providers_and_every_server_is_encrypted() -> None:
    domains = [domain for provider in PROVIDERS for domain in provider.domains]
    assert len(domains) == len(set(domains))
    for provider in PROVIDERS:
        servers = [server for server in (provider.imap, provider.pop3, provider.smtp) if server]
        assert all(server.security in {Security.tls, Security.starttls} for server in servers)


# As in Thunderbird's ISPDB and the providers' pages.
checked = {
    "a@gmx.de": (Server("imap.gmx.net", 993, Security.tls), Server("mail.gmx.net", 587, Security.starttls)),
    "a@t-online.de": (
        Server("secureimap.t-online.de", 993, Security.tls),
        Server("securesmtp.t-online.de", 465, Security.tls),
    ),
    "a@kpnmail.nl": (Server("imap.kpnmail.nl", 993, Security.tls), Server("smtp.kpnmail.nl", 465, Security.tls)),
    "a@ziggo.nl": (Server("imap.ziggo.nl", 993, Security.tls), Server("smtp.ziggo.nl", 587, Security.starttls)),
    "a@gmail.com": (Server("imap.gmail.com", 993, Security.tls), Server("smtp.gmail.com", 587, Security.starttls)),
}


@pytest.mark.parametrize("address", checked)
def test_the_settings_are_those_that_the_providers_publish(address: str) -> None:
    found = provider_of(address)
    assert found is not None
    assert (found.imap, found.smtp) == checked[address]


def test_microsoft_takes_no_passwords_and_gmail_an_app_password() -> None:
    microsoft, gmail = provider_of("a@outlook.com"), provider_of("a@gmail.com")
    assert microsoft is not None
    assert gmail is not None
    assert (microsoft.hint, microsoft.grant) == (Hint.connect, "microsoft")
    assert (gmail.hint, gmail.grant) == (Hint.app_password, "google")


@pytest.mark.parametrize(
    ("host", "typed", "kept"),
    [
        ("imap.gmail.com", "abcd efgh ijkl mnop", "abcdefghijklmnop"),
        ("smtp.gmail.com", " abcd efgh ijkl mnop ", "abcdefghijklmnop"),
        ("imap.gmail.com", "my own pass word 12", "my own pass word 12"),
        ("imap.example.org", "abcd efgh ijkl mnop", "abcd efgh ijkl mnop"),
    ],
)
def test_blanks_in_googles_app_password_are_ignored_and_in_no_other(host: str, typed: str, kept: str) -> None:
    assert cleaned_app_password(host, typed) == kept
