"""Settings of common mail providers, known offline: found by the domain of an address, or by its mail exchangers.

Ports: IMAP 993 and POP3 995 with TLS everywhere; SMTP as the table says. Facts as in Thunderbird's ISPDB
(github.com/thunderbird/autoconfig) and the providers' help pages; see `checked` in tests/net/test_providers.py.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from postvak.net.connection import Security

TLS, STARTTLS = Security.tls, Security.starttls


class Hint(StrEnum):
    """What a person has to do at the provider first; the sentences are in web.admin.providers."""

    none = ""
    connect = "connect"  # takes no passwords any more: connect the account (OAuth 2)
    app_password = "app_password"  # noqa: S105 - the name of a hint
    mail_password = "mail_password"  # noqa: S105 - an own password for mail programs, made in the customer centre
    switch_on = "switch_on"  # POP3 and IMAP are off until switched on


@dataclass(frozen=True, slots=True)
class Server:
    host: str
    port: int
    security: Security


@dataclass(frozen=True, slots=True)
class MailProvider:
    """`domains` are whole domains of addresses, `exchangers` endings of MX names. The user name is the address."""

    name: str
    domains: tuple[str, ...]
    exchangers: tuple[str, ...]
    imap: Server
    pop3: Server | None
    smtp: Server
    hint: Hint = Hint.none
    grant: str = ""  # the Grant.Provider by which it can be connected

    def server(self, protocol: str) -> Server | None:
        """For "imap", "pop3" or "smtp"."""
        servers: Mapping[str, Server | None] = {"imap": self.imap, "pop3": self.pop3, "smtp": self.smtp}
        return servers.get(protocol)


def _provider(
    name: str, imap: str, pop3: str, smtp: str, domains: str, exchangers: str, hint: Hint = Hint.none, grant: str = ""
) -> MailProvider:
    """`smtp` without a port is 465 with TLS, with ":587" STARTTLS."""
    host, _, port = smtp.partition(":")
    outgoing = Server(host, int(port), STARTTLS) if port else Server(host, 465, TLS)
    incoming = Server(pop3, 995, TLS) if pop3 else None
    found = tuple(domains.split()), tuple(exchangers.split())
    return MailProvider(name, *found, Server(imap, 993, TLS), incoming, outgoing, hint, grant)


PROVIDERS: tuple[MailProvider, ...] = (
    _provider(
        "Outlook.com", "outlook.office365.com", "outlook.office365.com", "smtp-mail.outlook.com:587",
        "outlook.com outlook.de outlook.fr outlook.be hotmail.com hotmail.de hotmail.nl hotmail.be hotmail.co.uk live.com "
        "live.de live.nl live.be msn.com",
        ".olc.protection.outlook.com", Hint.connect, "microsoft",
    ),
    _provider(
        "Microsoft 365", "outlook.office365.com", "outlook.office365.com", "smtp.office365.com:587",
        "", ".mail.protection.outlook.com .mx.microsoft", Hint.connect, "microsoft",
    ),
    _provider(
        "Gmail", "imap.gmail.com", "pop.gmail.com", "smtp.gmail.com:587", "gmail.com googlemail.com",
        ".google.com .googlemail.com", Hint.app_password, "google",
    ),
    _provider(
        "GMX", "imap.gmx.net", "pop.gmx.net", "mail.gmx.net:587",
        "gmx.de gmx.net gmx.at gmx.ch gmx.eu gmx.biz gmx.org gmx.info", ".gmx.net", Hint.switch_on,
    ),
    _provider("GMX", "imap.gmx.com", "pop.gmx.com", "mail.gmx.com:587", "gmx.com gmx.us", ".gmx.com", Hint.switch_on),
    _provider("WEB.DE", "imap.web.de", "pop3.web.de", "smtp.web.de:587", "web.de", ".web.de", Hint.switch_on),
    _provider(
        "T-Online", "secureimap.t-online.de", "securepop.t-online.de", "securesmtp.t-online.de",
        "t-online.de magenta.de", ".t-online.de", Hint.mail_password,
    ),
    _provider(
        "IONOS", "imap.ionos.de", "pop.ionos.de", "smtp.ionos.de", "online.de onlinehome.de",
        ".ionos.de .kundenserver.de .schlund.de .1und1.de",
    ),
    _provider("IONOS", "imap.ionos.com", "pop.ionos.com", "smtp.ionos.com", "", ".ionos.com .1and1.com .perfora.net"),
    _provider("STRATO", "imap.strato.de", "pop3.strato.de", "smtp.strato.de", "", ".rzone.de .strato.de"),
    _provider(
        "freenet", "mx.freenet.de", "mx.freenet.de", "mx.freenet.de:587", "freenet.de", ".freenet.de", Hint.switch_on
    ),
    _provider("mailbox.org", "imap.mailbox.org", "pop3.mailbox.org", "smtp.mailbox.org", "mailbox.org", ".mailbox.org"),
    _provider(
        "Posteo", "posteo.de", "posteo.de", "posteo.de", "posteo.de posteo.net posteo.org posteo.eu posteo.nl posteo.at",
        ".posteo.de",
    ),
    _provider(
        "XS4ALL", "imap.kpnmail.nl", "pop.kpnmail.nl", "smtp.kpnmail.nl", "xs4all.nl", ".xs4all.nl"
    ),
    _provider(
        "KPN", "imap.kpnmail.nl", "pop.kpnmail.nl", "smtp.kpnmail.nl",
        "kpnmail.nl kpnplanet.nl planet.nl hetnet.nl wxs.nl freeler.nl telfort.nl tip.nl tiscali.nl onsnet.nu onsmail.nl",
        ".kpnmail.nl .kpnxchange.com",
    ),
    _provider(
        "Ziggo", "imap.ziggo.nl", "pop.ziggo.nl", "smtp.ziggo.nl:587",
        "ziggo.nl ziggomail.com casema.nl zeggis.nl upcmail.nl chello.nl multiweb.nl home.nl quicknet.nl", ".ziggo.nl",
    ),
    _provider(
        "TransIP", "imap.transip.email", "pop3.transip.email", "smtp.transip.email", "", ".transip.email .transip.nl"
    ),
    _provider("Hostnet", "imap.hostnet.nl", "pop3.hostnet.nl", "smtp.hostnet.nl:587", "", ".hostnet.nl"),
    _provider("Freedom", "imap.freedom.nl", "", "smtp.freedom.nl", "freedom.nl", ".freedom.nl"),
    _provider(
        "Yahoo", "imap.mail.yahoo.com", "pop.mail.yahoo.com", "smtp.mail.yahoo.com",
        "yahoo.com yahoo.de yahoo.fr yahoo.co.uk ymail.com rocketmail.com", ".yahoodns.net", Hint.app_password,
    ),
    _provider(
        "iCloud", "imap.mail.me.com", "", "smtp.mail.me.com:587", "icloud.com me.com mac.com", ".mail.icloud.com",
        Hint.app_password,
    ),
    _provider(
        "Fastmail", "imap.fastmail.com", "pop.fastmail.com", "smtp.fastmail.com", "fastmail.com fastmail.fm",
        ".messagingengine.com", Hint.app_password,
    ),
    _provider(
        "Zoho Mail", "imap.zoho.eu", "pop.zoho.eu", "smtp.zoho.eu", "zoho.eu zohomail.eu", ".zoho.eu", Hint.switch_on
    ),
    _provider(
        "Zoho Mail", "imap.zoho.com", "pop.zoho.com", "smtp.zoho.com", "zoho.com zohomail.com", ".zoho.com", Hint.switch_on
    ),
    _provider("OVHcloud", "ssl0.ovh.net", "ssl0.ovh.net", "ssl0.ovh.net", "", ".mail.ovh.net"),
    _provider("Infomaniak", "mail.infomaniak.com", "mail.infomaniak.com", "mail.infomaniak.com", "", ".infomaniak.ch"),
)  # fmt: skip


def provider_of(address: str, exchangers: Iterable[str] = ()) -> MailProvider | None:
    """By the domain of the address; else by its mail exchangers (MX), if the caller looked them up."""
    domain = address.rpartition("@")[2].strip().lower().rstrip(".")
    if not domain:
        return None
    if domain.endswith(".onmicrosoft.com"):
        return next(provider for provider in PROVIDERS if provider.name == "Microsoft 365")
    by_domain = next((provider for provider in PROVIDERS if domain in provider.domains), None)
    return by_domain or _by_exchangers(tuple(name.lower().rstrip(".") for name in exchangers))


def provider_with(host: str, address: str = "") -> MailProvider | None:
    """Whose server for incoming mail this is; that of the address, where several providers share it."""
    known = provider_of(address)
    candidates = (known, *PROVIDERS) if known else PROVIDERS
    name = host.strip().lower().rstrip(".")
    return next((found for found in candidates if name in _incoming(found)), None)


def _incoming(provider: MailProvider) -> set[str]:
    return {server.host for server in (provider.imap, provider.pop3) if server}


def _by_exchangers(names: tuple[str, ...]) -> MailProvider | None:
    return next((found for found in PROVIDERS if found.exchangers and _ends(names, found.exchangers)), None)


def _ends(names: tuple[str, ...], endings: tuple[str, ...]) -> bool:
    return any(f".{name}".endswith(endings) for name in names)


def cleaned_app_password(host: str, password: str) -> str:
    """Google shows its 16 letters in four groups; the blanks between them are not part of the password."""
    letters = "".join(password.split())
    is_googles = host.lower().endswith((".gmail.com", ".googlemail.com"))
    return letters if is_googles and len(letters) == 16 and letters.isascii() and letters.isalpha() else password
