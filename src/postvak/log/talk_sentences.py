"""The vocabulary of the communication log: one translatable sentence per code, rendered in the reader's language.

What a server said stands in it as it said it. What went wrong with a connection has its sentences in log.problems.
"""

from collections.abc import Mapping

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from postvak.log import problems
from postvak.log.sentence import Line, Sentence
from postvak.log.sentences import as_parameters, fill
from postvak.models import CommunicationEntry

Priority = CommunicationEntry.Priority
PROBLEM = "problem"  # its sentence depends on the parameter `problem`
SAID = _("The server said: %(said)s")
IT_SAID = _("It said: %(said)s")
ICONS: Mapping[int, str] = {Priority.WARNING: "warn", Priority.ERROR: "warn"}
TONES: Mapping[int, str] = {Priority.DEBUG: "skip", Priority.WARNING: "warn", Priority.ERROR: "warn"}

CONNECTING: Mapping[str, Sentence] = {
    "connected": Sentence(_("Connected to %(host)s, port %(port)s"), IT_SAID),
    "encrypted": Sentence(_("Encrypted: %(cipher)s")),
    "not_encrypted": Sentence(_("Not encrypted")),
    "logged_in": Sentence(_("Logged in as %(user)s")),
    "kept_open": Sentence(_("The open connection to %(host)s is used again")),
    "token_ran_out": Sentence(
        _("The access to the connected account ran out in the middle"),
        _("Once more from the beginning, with a new one."),
    ),
    "dialogue": Sentence(_("What was said"), "%(dialogue)s"),
    "cannot_open": Sentence(_("The stored password can't be opened"), _("Enter it again. Postvak said: %(said)s")),
    PROBLEM: Sentence(_("The connection failed"), SAID),
}

FETCHING: Mapping[str, Sentence] = {
    "listed": Sentence(_("Mails on the server: %(there)s, new ones: %(new)s"), _("Folders: %(folders)s")),
    "listed_nothing_new": Sentence(_("Nothing new. Mails on the server: %(there)s"), _("Folders: %(folders)s")),
    "listed_large": Sentence(
        _("New mails over the size limit of %(limit)s: %(large)s"), _("They are fetched and held for a person.")
    ),
    "stored": Sentence(_("Stored safely: %(size)s")),
    "unreadable": Sentence(
        _("This mail can't be read on the server"),
        _("It is tried three times and then held; other mails go on. The server said: %(said)s"),
    ),
    "settled_seen": Sentence(_("Marked as seen on the server: %(count)s")),
    "settled_move": Sentence(_("Moved to folder %(folder)s on the server: %(count)s")),
    "settled_delete": Sentence(_("Deleted on the server: %(count)s")),
    "move_unanswered": Sentence(
        _("Not moved yet: %(count)s"), _("The server has not answered to an earlier move; a later run does it.")
    ),
    "lease_lost": Sentence(_("Another worker has taken over this mailbox"), _("This run ends here; nothing is lost.")),
    "not_stored": Sentence(
        _("What came could not be stored"), _("It is still on the server and tried again. Postvak said: %(said)s")
    ),
    "watching_began": Sentence(_("Postvak watches the mailbox: the server tells when mail comes (IDLE)")),
    "watching_ended": Sentence(
        _("Postvak no longer watches the mailbox"), _("Its settings were changed, or the worker was stopped.")
    ),
    "watching_broke": Sentence(
        _("Watching the mailbox broke off"),
        _("The mailbox is fetched at once and watched anew. The server said: %(said)s"),
    ),
    "cannot_watch": Sentence(
        _("The server can't tell when mail comes (no IDLE)"), _("The mailbox is fetched in its interval.")
    ),
}

TAKING: Mapping[str, Sentence] = {
    "came_in": Sentence(_("%(peer)s connected by %(protocol)s")),
    "came_in_local": Sentence(_("A program on this machine connected by %(protocol)s")),
    "greeted": Sentence(_("It calls itself %(name)s")),
    "mail_taken": Sentence(
        _("Stored safely: %(size)s from %(sender)s for %(recipients)s"), _("We answered: %(reply)s")
    ),
    "mail_not_stored": Sentence(
        _("The mail from %(sender)s could not be stored; its sender will try again"), _("We answered: %(reply)s")
    ),
    "refused": Sentence(_("Refused"), _("We answered: %(reply)s")),
    "refused_mail": Sentence(_("Refused, in a mail from %(sender)s"), _("We answered: %(reply)s")),
    "refused_more": Sentence(_("Refused in this connection: %(count)s times more"), _("We answered last: %(reply)s")),
    "refused_together": Sentence(
        _("More connections of this minute that were only refused: %(count)s"),
        _("In this communication so far: %(sum)s, from %(peers)s addresses, the last one %(peer)s. We answered: %(reply)s"),
    ),
    "broke_off": Sentence(
        _("The connection broke off before the mail was acknowledged"),
        _("Its sender tries again, and what was stored by then is recognised."),
    ),
    "request_came": Sentence(_("A request from %(peer)s")),
    "request_known": Sentence(_("This mail is here already"), _("It came with the same name before: nothing was stored twice.")),
    "request_refused": Sentence(_("The request was refused (%(status)s)"), _("We answered: %(reply)s")),
    "request_failed": Sentence(
        _("The mail could not be stored; its sender will try again"), _("Postvak said: %(said)s")
    ),
}  # fmt: skip

SENDING: Mapping[str, Sentence] = {
    "batch": Sentence(_("Mails to hand over: %(count)s")),
    "folder_opened": Sentence(_("Mails are written into the folder %(folder)s")),
    "provider_ready": Sentence(_("Ready to hand mails over to %(provider)s")),
    "delivery_accepted": Sentence(_("%(recipient)s: accepted"), IT_SAID),
    "delivery_deferred": Sentence(_("%(recipient)s: not now, Postvak tries again"), IT_SAID),
    "delivery_failed": Sentence(_("%(recipient)s: refused"), IT_SAID),
    "delivery_blocked": Sentence(_("%(recipient)s: refused, mail from us isn't wanted"), IT_SAID),
    "delivery_in_doubt": Sentence(
        _("%(recipient)s: in doubt"),
        _("The connection broke before the answer came, the mail may have arrived. %(said)s"),
    ),
}

LOOSE_ENDS: Mapping[str, Sentence] = {
    "unexpected": Sentence(_("It ended with an error that nobody expected"), _("Postvak said: %(said)s")),
    "worker_died": Sentence(_("The worker ended in the middle"), _("It was killed, or its machine went down. What it had in hand is done again.")),
    "no_end": Sentence(_("No end was seen within a day"), _("The worker is gone, or no longer reaches the database.")),
}  # fmt: skip

TALK: Mapping[str, Sentence] = {**CONNECTING, **FETCHING, **TAKING, **SENDING, **LOOSE_ENDS}


def talk_line(entry: CommunicationEntry) -> Line:
    """An entry in the active language; a code that this version doesn't know shows as it is. `step` is the module."""
    parameters = as_parameters(entry.parameters)
    icon, tone = ICONS.get(entry.priority, "info"), TONES.get(entry.priority, "")
    if entry.code == PROBLEM:
        details = {name: str(value) for name, value in parameters.items()}
        what, _remedy = problems.sentence(details.get("problem", ""), details)
        said = details.get("said", "")
        return Line(
            entry.module, what, gettext("The server said: %(said)s") % {"said": said} if said else "", icon, tone
        )
    sentence = TALK.get(entry.code, Sentence(entry.code))
    title, detail = fill(sentence.title, parameters), fill(sentence.detail, parameters)
    empty = (sentence.detail is SAID or sentence.detail is IT_SAID) and not parameters.get("said")
    return Line(entry.module, title, "" if empty else detail, icon, tone)
