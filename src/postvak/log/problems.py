"""What went wrong with a mail server, and what to do: one sentence each for every net.connection.Problem.

The server's own words are shown beside these, never instead of them.
"""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from postvak.net.connection import Problem

Text = str | Promise

SENTENCES: Mapping[str, tuple[Text, Text]] = {
    Problem.unknown_host: (
        _("There is no server with the name %(host)s."),
        _(
            "Check the spelling of the server's name. If it is right, this machine can't look up names: ask "
            "who runs its network."
        ),
    ),
    Problem.refused: (
        _("Nothing answers at %(host)s, port %(port)s."),
        _("Check server and port, and whether a firewall lets this machine through to that port."),
    ),
    Problem.timeout: (
        _("%(host)s did not answer in time on port %(port)s."),
        _(
            "Often a firewall swallows the connection, or port and encryption don't fit together. Check "
            "these two; if they are right, the server is overloaded and Postvak tries again by itself."
        ),
    ),
    Problem.tls_untrusted: (
        _("The certificate of %(host)s is not trusted."),
        _(
            "Use the server name that stands in the certificate. If the server has a certificate of your "
            "own authority, put that authority's certificate into the field for own CA certificates. Switch "
            "the check off only inside your own network."
        ),
    ),
    Problem.tls_failed: (
        _("%(host)s and Postvak found no common way to encrypt on port %(port)s."),
        _(
            "Usually port and encryption don't fit together: TLS goes with 993, 995 and 465, STARTTLS with "
            "143, 110, 587 and 25."
        ),
    ),
    Problem.no_starttls: (
        _("%(host)s offers no encryption (STARTTLS) on port %(port)s."),
        _(
            "Choose TLS and its port. Choose no encryption only for a server on this machine or in your own "
            "network: the password would go over the line readable."
        ),
    ),
    Problem.login_refused: (
        _("%(host)s does not accept user and password."),
        _(
            "Check both. Where people log in with a second factor, mail needs an app password. Some "
            "providers first want IMAP, POP3 or SMTP switched on for the account."
        ),
    ),
    Problem.no_such_folder: (
        _("There is no folder %(folder)s in this mailbox."),
        _("Choose one of the folders that are there: %(folders)s."),
    ),
    Problem.closed: (
        _("%(host)s ended the connection."),
        _(
            "Many servers do this after too many log-ins, or when encryption and port don't fit. Postvak "
            "tries again by itself; if it goes on, ask the server's administrator."
        ),
    ),
    Problem.protocol: (
        _("%(host)s answered in a way that Postvak does not understand."),
        _(
            "Check that the port belongs to this kind of server (IMAP 993, POP3 995, SMTP 587 or 465). If "
            "it does, send us the server's words below."
        ),
    ),
    Problem.unavailable: (
        _("%(host)s takes no connections at the moment."),
        _(
            "It is overloaded, being serviced, or counts too many connections from this machine; its words below say "
            "which. Nothing has to be changed here: Postvak tries again by itself. If it goes on for hours, ask the "
            "server's administrator."
        ),
    ),
    Problem.not_stored: (
        _("Mail came, but Postvak could not store it."),
        _(
            "Look whether the disk is full or the database is down. The mails are still on the server; Postvak "
            "tries again by itself."
        ),
    ),
    Problem.rejected: (
        _("%(host)s understood, but refuses for now."),
        _(
            "Read the server's words below. Often a limit is reached or the account is locked for a while; "
            "Postvak tries again by itself."
        ),
    ),
}
GRANT_REFUSED: tuple[Text, Text] = (
    _("%(host)s does not accept the connected account “%(grant)s”."),
    _(
        "Open it under Administration, Connected accounts, and press “Connect again”. If it works there, IMAP, POP3 "
        "or SMTP is switched off for this account at the provider."
    ),
)
UNKNOWN: tuple[Text, Text] = (
    _("The connection to %(host)s failed."),
    _("Read the server's words below and check the settings."),
)


def sentence(problem: str, details: Mapping[str, str]) -> tuple[str, str]:
    """(what is wrong, what to do), in the active language. Missing details read as "?"."""
    facts = {
        "host": details.get("host") or "?",
        "port": details.get("port") or "?",
        "folder": details.get("folder") or "?",
        "folders": details.get("folders") or "?",
        "grant": details.get("grant") or "?",
    }
    by_token = problem == Problem.login_refused and "grant" in details
    what, remedy = GRANT_REFUSED if by_token else SENTENCES.get(problem, UNKNOWN)
    return str(what) % facts, str(remedy) % facts
