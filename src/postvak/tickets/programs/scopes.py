"""What a token may be used for: the scopes of the API, each with a sentence for the one who gives it. Spec 10.

A scope never gives more than the agent has: it only says which of his rights a program may use.
"""

from collections.abc import Iterable, Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SCOPES: Mapping[str, str | Promise] = {
    "tickets:read": _("Read tickets, their messages, files and history, and search them."),
    "tickets:write": _("Change tickets, write notes, and send mail to customers."),
    "customers:read": _("Read customers and organisations."),
    "customers:write": _("Make, change and merge customers and organisations."),
    "mail:read": _("See what came in and what goes out: held mails, the outbox, suppressed addresses."),
    "mail:write": _("Decide about held mails, stop mails or send them again, release addresses."),
    "ledger:read": _("Read the ledger and what became of each mail."),
    "reports:read": _("Read the numbers of the reports."),
    "logs:read": _("Read the communication log, the audit and the state of health; for administrators."),
    "settings:read": _("Read the settings; for administrators."),
    "settings:write": _("Change the settings; for administrators."),
    "people:read": _("Read agents, teams, roles and queues."),
    "people:write": _("Invite agents and change them; for administrators."),
    "account:read": _("See your preferences, where you are logged in, and which second factors you have."),
    "account:write": _(
        "Change your preferences, log you out, and remove a second factor with your password or a code."
    ),
    "exports:write": _("Export everything, make backups, and fetch the files; for administrators."),
}


def known(names: Iterable[object]) -> list[str]:
    """Those that there are, each once, in our order."""
    wanted = {name for name in names if isinstance(name, str)}
    return [scope for scope in SCOPES if scope in wanted]
