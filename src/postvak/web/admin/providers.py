"""While an address is typed: do we know its provider's settings? Answers from a table, asks nobody."""

import json
from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from postvak.net.connection import Security
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


@admin_only
def recognise(request: HttpRequest) -> HttpResponse:
    """`?address=…&way=in|out`: the fragment with what was found, empty if nothing was."""
    address = request.GET.get("address", "").strip()
    provider = provider_of(address) if "@" in address else None
    ways = PROTOCOLS.get(request.GET.get("way", "in"), PROTOCOLS["in"])
    offers = [offer for way in ways if (offer := offer_of(provider, way, address))] if provider else []
    hint = HINTS.get(provider.hint, "") if provider else ""
    return render(request, "admin/provider.html", {"provider": provider, "hint": hint, "offers": offers})


def offer_of(provider: MailProvider, protocol: str, address: str) -> dict[str, object] | None:
    server = provider.server(protocol)
    if server is None:
        return None
    return {"protocol": protocol.upper(), "server": server, "fill": json.dumps(values(protocol, server, address))}


def values(protocol: str, server: Server, address: str) -> dict[str, str | int]:
    """As the fields of the form are called."""
    security = Security(server.security).value
    return {"kind": protocol, "security": security, "host": server.host, "port": server.port, "username": address}
