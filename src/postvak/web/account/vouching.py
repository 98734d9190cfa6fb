"""Whom a provider's word lets in. Pure: claims in, an address or the reason against it out.

Only an address that the provider says it confirmed counts: whoever may write any address into his own profile elsewhere would be anybody
here. A private account at Google keeps the address of a former employer. Microsoft lets every tenant write any address into its tokens ("nOAuth"), so there only people of the one tenant that is set up count, no
guests of it, and their user principal name, whose domain the tenant had to prove.
"""

from dataclasses import dataclass

from postvak.models import LoginProvider
from postvak.net.oidc import Claims

Kind = LoginProvider.Kind


@dataclass(frozen=True, slots=True)
class Person:
    """`email`: confirmed, lower case. `is_of_house`: whose domain it is vouches for it now, not only who wrote there once: good for an
    account that nobody made for him."""

    email: str
    name: str = ""
    is_of_house: bool = True


@dataclass(frozen=True, slots=True)
class Doubt:
    """`code`: no_address, unconfirmed, other_tenant, guest; `email`: what the token says."""

    code: str
    email: str = ""


def person_in(claims: Claims, kind: str, issuer: str) -> Person | Doubt:
    if kind == Kind.MICROSOFT:
        return microsoft(claims, issuer)
    email = claims.text("email").strip().lower()
    if "@" not in email:
        return Doubt("no_address")
    if not claims.is_true("email_verified"):
        return Doubt("unconfirmed", email)
    return Person(email, claims.text("name"), kind != Kind.GOOGLE or is_of_workspace(claims, email))


def is_of_workspace(claims: Claims, email: str) -> bool:
    """Google confirms an address of any domain once, when somebody makes a private account with it; he keeps that when he leaves. Only "hd"
    says that the domain's own Google Workspace has the account."""
    return claims.text("hd").strip().lower() == email.rpartition("@")[2]


def microsoft(claims: Claims, issuer: str) -> Person | Doubt:
    """`issuer` names the tenant by its number: https://login.microsoftonline.com/<tid>/v2.0"""
    tenant, name = claims.text("tid"), claims.text("preferred_username").strip().lower()
    if not tenant or not claims.text("oid") or f"/{tenant}/" not in issuer:
        return Doubt("other_tenant", name)
    home = claims.text("idp")
    if (home and tenant not in home) or claims.is_true("acct") or "#ext#" in name:
        return Doubt("guest", name)
    confirmed = claims.text("email").strip().lower()
    if "@" in confirmed and claims.is_true("xms_edov"):
        return Person(confirmed, claims.text("name"))
    return Person(name, claims.text("name")) if "@" in name else Doubt("no_address")


def domains_of(provider: LoginProvider) -> set[str]:
    lines = provider.domains.replace(",", " ").split()
    return {line.strip().lstrip("@").rstrip(".").lower() for line in lines}


def is_of_domain(provider: LoginProvider, email: str) -> bool:
    return email.rpartition("@")[2] in domains_of(provider)
