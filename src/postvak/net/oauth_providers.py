"""Where Microsoft and Google ask people to sign in, what we ask for, and which servers may see the tokens.

`overrides` (Grant.endpoints, set by the TOML file only) replaces any of it: `authorize`, `token`, `scopes`, `imap`,
`pop3`, `smtp` ("host:port"), `hosts` (further servers that may see the token, with blanks). For national clouds such
as login.microsoftonline.us, and for tests.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from postvak.net.oauth import Registration

_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")  # a GUID, a domain, "common" or "organizations"
_OUTLOOK = "https://outlook.office.com"


@dataclass(frozen=True, slots=True)
class OAuthProvider:
    """`app_scopes` is empty where an application can't act without a person. `hosts` are name endings."""

    authorize: str
    token: str
    scopes: tuple[str, ...]
    app_scopes: tuple[str, ...]
    hosts: tuple[str, ...]
    servers: Mapping[str, str]
    asks_also: Mapping[str, str] = field(default_factory=dict)
    registrations: str = ""  # where an administrator registers us


# Scopes of one resource only, Microsoft refuses a mixture; the OpenID ones go with every resource.
OAUTH_PROVIDERS: Mapping[str, OAuthProvider] = {
    "microsoft": OAuthProvider(
        "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize",
        "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
        (
            f"{_OUTLOOK}/IMAP.AccessAsUser.All",
            f"{_OUTLOOK}/POP.AccessAsUser.All",
            f"{_OUTLOOK}/SMTP.Send",
            "offline_access",
            "openid",
            "email",
            "profile",
        ),
        ("https://outlook.office365.com/.default",),
        (".office365.com", ".office365.us", ".outlook.com", ".outlook.cn", ".office.com"),
        {"imap": "outlook.office365.com:993", "pop3": "outlook.office365.com:995", "smtp": "smtp.office365.com:587"},
        {"prompt": "select_account"},
        "https://entra.microsoft.com/",
    ),
    # Google gives a refresh token only with these two, and after the first time only when consent is asked again.
    "google": OAuthProvider(
        "https://accounts.google.com/o/oauth2/v2/auth",
        "https://oauth2.googleapis.com/token",
        ("https://mail.google.com/", "openid", "email"),
        (),
        (".gmail.com", ".googlemail.com", ".google.com"),
        {"imap": "imap.gmail.com:993", "pop3": "pop.gmail.com:995", "smtp": "smtp.gmail.com:587"},
        {"access_type": "offline", "prompt": "consent"},
        "https://console.cloud.google.com/apis/credentials",
    ),
}


def is_tenant(text: str) -> bool:
    """Can stand in the path of the provider's addresses without changing where they lead."""
    return bool(_TENANT.fullmatch(text)) and ".." not in text


def registration(
    provider: str, *, tenant: str, client_id: str, client_secret: str, for_app: bool, overrides: Mapping[str, str]
) -> Registration:
    """Our application at `provider`; `for_app`: without a person. Raises ValueError for a tenant that is none."""
    if not is_tenant(tenant):
        raise ValueError(f"{tenant!r} can't be the name of a tenant")
    known = OAUTH_PROVIDERS[provider]
    scopes = known.app_scopes if for_app else known.scopes
    return Registration(
        overrides.get("authorize") or known.authorize.format(tenant=tenant),
        overrides.get("token") or known.token.format(tenant=tenant),
        client_id,
        client_secret,
        tuple(overrides["scopes"].split()) if overrides.get("scopes") else scopes,
        known.asks_also,
    )


def server(provider: str, protocol: str, overrides: Mapping[str, str]) -> tuple[str, int]:
    """(host, port) for "imap", "pop3" or "smtp"."""
    host, _, port = (overrides.get(protocol) or OAUTH_PROVIDERS[provider].servers[protocol]).partition(":")
    return host, int(port)


def may_see_token(provider: str, host: str, overrides: Mapping[str, str]) -> bool:
    """A token is handed to the provider's own servers only, and to those that the set-up names."""
    named = [overrides.get(protocol, "").partition(":")[0] for protocol in ("imap", "pop3", "smtp")]
    host = host.lower().rstrip(".")
    return host in {*named, *overrides.get("hosts", "").split()} or host.endswith(OAUTH_PROVIDERS[provider].hosts)
