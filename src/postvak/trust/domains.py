"""Which domains belong together: the part that somebody registered, by the Public Suffix List."""

from functools import lru_cache

from publicsuffixlist import PublicSuffixList

PROVIDERS = (
    "gmail.com googlemail.com outlook.com outlook.de outlook.nl hotmail.com hotmail.de hotmail.nl hotmail.co.uk live.com live.nl "
    "live.de live.be msn.com yahoo.com yahoo.de yahoo.co.uk ymail.com aol.com icloud.com me.com mac.com gmx.de gmx.net gmx.at "
    "gmx.ch gmx.com web.de freenet.de t-online.de arcor.de posteo.de mailbox.org mail.de proton.me protonmail.com pm.me "
    "ziggo.nl kpnmail.nl planet.nl hetnet.nl home.nl xs4all.nl telfort.nl casema.nl upcmail.nl online.nl zonnet.nl solcon.nl "
    "telenet.be skynet.be proximus.be bluewin.ch mail.com fastmail.com zoho.com yandex.com mail.ru qq.com 163.com orange.fr "
    "wanadoo.fr free.fr laposte.net libero.it"
)
FREE = frozenset(PROVIDERS.split())  # mail for everybody: an address there says nothing about its neighbours


@lru_cache(maxsize=1)
def suffixes() -> PublicSuffixList:
    """Read when it is first asked (30 ms): most programs never do."""
    return PublicSuffixList()


@lru_cache(maxsize=4096)
def registered(domain: str) -> str:
    """The organisational domain (RFC 7489 section 3.2) of a domain in ASCII; the domain itself where there is none above it."""
    name = domain.strip(".").lower()
    return suffixes().privatesuffix(name) or name


def label_and_suffix(domain: str) -> tuple[str, str]:
    """ "example", "co.uk" of www.example.co.uk."""
    label, _dot, suffix = registered(domain).partition(".")
    return label, suffix


def is_free(domain: str) -> bool:
    return registered(domain) in FREE or domain in FREE
