"""The link in our mails by which a customer rates our help: signed, so that it names a ticket and nobody can guess it."""

from django.conf import settings
from django.core.signing import BadSignature, Signer

from postvak.models import Ticket


def rating_link(ticket: Ticket) -> str:
    """ "" when the installation has no public address (POSTVAK_URL): nobody could open it."""
    url = settings.CONFIGURATION.url
    return f"{url}/rating/{signer().sign(str(ticket.pk))}/" if url and ticket.pk else ""


def ticket_of(token: str) -> int | None:
    """Key of the ticket; None: the link was cut or invented."""
    try:
        return int(signer().unsign(token))
    except BadSignature:
        return None


def signer() -> Signer:
    return Signer(key=settings.SECRET_KEY, salt="rating")
