"""While an address is typed: do we know its provider's settings? A table knows its domain, or its mail exchangers.

These are looked up beside the request: the page asks again until they are there, or until it is plain that none come.
"""

import json
from collections.abc import Mapping
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from postvak.net.connection import Security
from postvak.net.exchangers import Exchangers
from postvak.net.providers import Hint, MailProvider, Server, provider_of
from postvak.web.admin.access import admin_only
from postvak.web.pages import render

HINTS: Mapping[Hint, str | Promise] = {
    Hint.connect: _("It takes no passwords from programs any more: connect the account instead."),
    Hint.app_password: _("It needs an app password, which you make in the settings of the account there."),
    Hint.mail_password: _("It needs a password of its own for mail programs, which you make in its customer centre."),
    Hint.switch_on: _("IMAP and POP3 have to be switched on first in the settings of the account there."),
}
PROTOCOLS = {"in": ("imap", "pop3"), "out": ("smtp",)}
PATIENCE = 0.2  # seconds; most name servers answer sooner
ROUNDS = 4  # questions half a second apart: longer than a look-up takes

exchangers = Exchangers()


@admin_only
def recognise(request: HttpRequest) -> HttpResponse:
    """`?address=…&way=in|out`: the fragment with what was found, empty if nothing was. `round`: asked so often before."""
    address, way = request.GET.get("address", "").strip(), request.GET.get("way", "in")
    provider, again = provider_of(address) if "@" in address else None, ""
    if provider is None and "@" in address:
        names = exchangers.of(address.rpartition("@")[2], patience=PATIENCE)
        provider = provider_of(address, names or ())
        again = next_question(address, way, request.GET.get("round", "")) if names is None else ""
    ways = PROTOCOLS.get(way, PROTOCOLS["in"])
    offers = [offer for way in ways if (offer := offer_of(provider, way, address))] if provider else []
    hint = HINTS.get(provider.hint, "") if provider else ""
    context = {"provider": provider, "hint": hint, "offers": offers, "again": again}
    return render(request, "admin/provider.html", context)


def next_question(address: str, way: str, asked: str) -> str:
    """What the page asks in half a second; "" once it is enough."""
    number = int(asked) + 1 if asked.isdecimal() and len(asked) < 4 else 1
    return urlencode({"address": address, "way": way, "round": number}) if number <= ROUNDS else ""


def offer_of(provider: MailProvider, protocol: str, address: str) -> dict[str, object] | None:
    server = provider.server(protocol)
    if server is None:
        return None
    return {"protocol": protocol.upper(), "server": server, "fill": json.dumps(values(protocol, server, address))}


def values(protocol: str, server: Server, address: str) -> dict[str, str | int]:
    """As the fields of the form are called."""
    security = Security(server.security).value
    return {"kind": protocol, "security": security, "host": server.host, "port": server.port, "username": address}
