"""A row of LoginProvider as the protocol wants it."""

from postvak.models import LoginProvider
from postvak.net import oidc
from postvak.net.oauth import Registration

Kind = LoginProvider.Kind
GOOGLE = "https://accounts.google.com"
MICROSOFT = "https://login.microsoftonline.com/{tenant}/v2.0"
SCOPES = ("openid", "email", "profile")


def issuer_of(provider: LoginProvider) -> str:
    if provider.kind == Kind.GOOGLE:
        return GOOGLE
    if provider.kind == Kind.MICROSOFT:
        return MICROSOFT.format(tenant=provider.tenant)
    return provider.issuer


def discovered(provider: LoginProvider) -> oidc.Provider | oidc.Trouble:
    return oidc.discover(issuer_of(provider), names_itself=provider.kind != Kind.MICROSOFT)


def registration_of(provider: LoginProvider, found: oidc.Provider, **asks_also: str) -> Registration:
    """Raises CannotOpen."""
    return Registration(found.authorize, found.token, provider.client_id, provider.client_secret, SCOPES, asks_also)
