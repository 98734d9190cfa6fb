"""The vocabulary of traces and histories: one translatable sentence per code; those of rules are in rule_sentences.

The database keeps codes and parameters; the sentence is made in the reader's language. Spec 07.
"""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from postvak.log.automatic_sentences import AUTOMATIC, NOT_SENT
from postvak.log.crypto_sentences import TRACE_OF_CRYPTO
from postvak.log.learn_sentences import LEARNED, LEARNED_HISTORY
from postvak.log.reason import Parameter
from postvak.log.rule_sentences import RULES
from postvak.log.sentence import Line, Sentence, Text
from postvak.log.trust_sentences import TRUST
from postvak.log.wording import in_words
from postvak.models.priority import SHIPPED_PRIORITIES
from postvak.models.status import SHIPPED_NAMES

TRACE: Mapping[str, Sentence] = {
    **{code: Sentence(text, "", "robot", "skip") for code, text in NOT_SENT.items()},
    **AUTOMATIC,
    **RULES,
    **TRACE_OF_CRYPTO,
    **TRUST,
    **LEARNED,
    "received": Sentence(
        _("Received by mailbox “%(mailbox)s”"),
        _("%(size)s, stored safely before anything else happened."),
        "in",
    ),
    "imported": Sentence(
        _("Taken over from “%(source)s”"), _("An import brought it, with its date; nothing was sent or told."), "in"
    ),
    "kind_personal": Sentence(_("Read: a mail from a person"), _("Attachments: %(attachments)s."), "mail"),
    "kind_auto_reply": Sentence(_("Read: an automatic reply"), _("Recognised by %(found)s."), "robot"),
    "kind_bulk": Sentence(_("Read: a mail to many people"), _("Recognised by %(found)s."), "people"),
    "kind_bounce": Sentence(_("Read: a delivery report of another server"), _("Recognised by %(found)s."), "bounce"),
    "kind_complaint": Sentence(_("Read: a complaint about a mail of ours"), _("Recognised by %(found)s."), "bounce"),
    "kind_receipt": Sentence(_("Read: a reading confirmation"), _("Recognised by %(found)s."), "robot"),
    "kind_loop": Sentence(_("Read: an automatic mail of ours that came back"), _("Recognised by %(found)s."), "redo"),
    "kind_invitation": Sentence(_("Read: an invitation"), _("Recognised by %(found)s."), "cal"),
    "defects": Sentence(
        _("The mail is not quite in order"),
        _("What could be read is shown, the original is kept. Found: %(list)s."),
        "warn",
    ),
    "before_start": Sentence(
        _("Older than the start date of its mailbox"),
        _("It came on %(arrived)s, the mailbox starts on %(start)s. It is kept and makes no ticket."),
        "clock",
        "key",
    ),
    "too_large": Sentence(
        _("Larger than this mailbox allows"),
        _("%(size)s; %(limit)s are allowed. Raise the limit of the mailbox, then try again."),
        "hand",
        "warn",
    ),
    "empty_mail": Sentence(
        _("The mail is empty"),
        _("There are no bytes in it at all. Ask the sender, or leave it here."),
        "hand",
        "warn",
    ),
    "not_a_mail": Sentence(
        _("This can't be read as a mail"),
        _("It has neither sender nor recipient nor subject. Look at the source and decide."),
        "hand",
        "warn",
    ),
    "duplicate": Sentence(
        _("The same mail was received before"),
        _("Message-ID and content are those of receipt %(receipt)s (ticket %(ticket)s). Nothing was changed."),
        "copy",
        "key",
    ),
    "same_id_other_content": Sentence(
        _("Another mail has the same Message-ID"),
        _("Its content is different, so this one is handled as a mail of its own: <%(message_id)s>."),
        "info",
    ),
    "own_mail_back": Sentence(
        _("This is a mail of ours that came back"),
        _("We sent it as %(author)s; it is on ticket %(ticket)s already. Nothing was changed."),
        "copy",
        "key",
    ),
    "report_unmatched": Sentence(
        _("The delivery report fits no mail of ours"),
        _("It names no mail that was sent from here. A person should look at it."),
        "hand",
        "warn",
    ),
    "report_without_recipient": Sentence(
        _("The delivery report belongs to ticket %(ticket)s"),
        _("It doesn't say clearly which recipient it means. Read it on the ticket."),
        "bounce",
        "key",
    ),
    "report_of_notice": Sentence(
        _("The delivery report speaks of a mail to an agent"),
        _("Postvak had told the agent of something. Nothing changes on the ticket."),
        "bounce",
        "key",
    ),
    "report_bounced": Sentence(_("Not delivered to %(recipient)s"), "%(said)s", "mailx", "warn"),
    "report_blocked": Sentence(_("Refused as unwanted for %(recipient)s"), "%(said)s", "mailx", "warn"),
    "report_complained": Sentence(_("%(recipient)s complained about the mail"), "%(said)s", "mailx", "warn"),
    "report_delayed": Sentence(_("Delayed on the way to %(recipient)s"), "%(said)s", "clock"),
    "report_not_out": Sentence(
        _("The report about %(recipient)s changes nothing"),
        _("The mail to this address isn't out, or its end is known already. The report says: %(said)s"),
        "hand",
        "warn",
    ),
    "report_delivered": Sentence(_("Delivered to %(recipient)s"), "%(said)s", "ticks"),
    "by_address": Sentence(
        _("Belongs to ticket %(ticket)s"),
        _("It came to an address that names this ticket and bears our signature."),
        "branch",
        "key",
    ),
    "by_token": Sentence(
        _("Belongs to ticket %(ticket)s"),
        _("It answers a mail that we sent for this ticket: our signed mark is in its references."),
        "branch",
        "key",
    ),
    "by_reference": Sentence(
        _("Belongs to ticket %(ticket)s"),
        _("It refers to a mail that is on this ticket: <%(message_id)s>."),
        "branch",
        "key",
    ),
    "by_number": Sentence(
        _("Belongs to ticket %(ticket)s"),
        _("The number stands in the subject, its check digit is right, and the sender belongs to the ticket."),
        "branch",
        "key",
    ),
    "stranger_knows_number": Sentence(
        _("Not put on ticket %(ticket)s"),
        _(
            "Its number stands in the subject, but the sender has nothing to do with that ticket. Numbers can be guessed."
        ),
        "branch",
        "warn",
    ),
    "ticket_in_trash": Sentence(
        _("Ticket %(ticket)s is in the trash"), _("It stays there; this mail starts a new one."), "trash"
    ),
    "erased": Sentence(
        _("Its customer was erased"),
        _("That the mail came and what became of it is all that is kept of it."),
        "shield",
        "key",
    ),
    "redacted": Sentence(_("Words in it were made unreadable"), _("Places: %(places)s."), "ink", "key"),
    "ticket_removed": Sentence(
        _("Ticket %(ticket)s was deleted"),
        _(
            "It lay in the trash until its time was over (%(until)s). The mail itself is gone with it; this record stays."
        ),
        "trash",
        "key",
    ),
    "no_ticket_found": Sentence(
        _("Belongs to no ticket yet"),
        _("No mark of ours, no known mail among its references, no ticket number that counts."),
        "branch",
    ),
    "queue_fixed": Sentence(_("Queue “%(queue)s”"), _("Mailbox “%(mailbox)s” puts all its mails there."), "slots"),
    "queue_by_address": Sentence(_("Queue “%(queue)s”"), _("The mail was sent to %(address)s."), "slots"),
    "queue_default": Sentence(
        _("Default queue “%(queue)s”"), _("None of our addresses is among the recipients."), "slots"
    ),
    "customer_known": Sentence(_("Customer found by address"), "%(email)s", "user"),
    "customer_new": Sentence(_("New customer"), _("%(email)s wrote for the first time."), "user"),
    "no_author": Sentence(
        _("No sender to be found"), _("The mail names no author; it can't be answered."), "user", "warn"
    ),
    "joins_as_participant": Sentence(
        _("Takes part from now on"),
        _("%(email)s is not the one who asked. The requester stays, the sender becomes a participant."),
        "people",
    ),
    "automatic_keeps_status": Sentence(
        _("The status stays as it is"), _("An automatic reply doesn't reopen a ticket."), "robot", "skip"
    ),
    "reopened": Sentence(_("The ticket is open again"), _("The customer answered, so it waits for us."), "redo"),
    "reopened_by_third_party": Sentence(
        _("The ticket is open again"), _("A third party answered on a closed ticket, so somebody should look."), "redo"
    ),
    "third_party_keeps_status": Sentence(
        _("The status stays as it is"),
        _("It isn't the customer who answered. The ticket is marked as unread."),
        "people",
        "skip",
    ),
    "status_kept": Sentence(_("The status stays as it is"), _("The ticket was open already."), "tick"),
    "in_side_conversation": Sentence(
        _("Belongs to the side conversation “%(subject)s”"),
        _(
            "It answers a mail to a third party. It stays apart from the customer's conversation, and nobody waits for us because of it."
        ),
        "people",
        "key",
    ),
    "not_aside_of_customer": Sentence(
        _("Not put into the side conversation “%(subject)s”"),
        _("The customer of this ticket wrote it: that always stands in the main conversation."),
        "people",
    ),
    "agent_in_side_conversation": Sentence(
        _("Written by %(agent)s, an agent"),
        _("Kept in the side conversation “%(subject)s”. It is not sent on to the customer."),
        "note",
        "key",
    ),
    "released": Sentence(
        _("Let through by a person"), _("It was held; somebody looked at it and released it."), "hand"
    ),
    "queue_by_person": Sentence(_("Queue “%(queue)s”"), _("Chosen by the person who released the mail."), "slots"),
    "discarded": Sentence(
        _("Put aside by %(agent)s"), _("Reason: %(reason)s. No ticket was made; the mail stays here."), "trash", "key"
    ),
    "ticket_opened_for_machine": Sentence(
        _("A new ticket was opened"), _("A machine wrote the mail: nobody waits for an answer."), "plus", "key"
    ),
    "ticket_imported_closed": Sentence(
        _("A closed ticket was made"), _("This mailbox imports its mails as closed."), "plus", "key"
    ),
    "ticket_opened": Sentence(_("A new ticket was opened"), "", "plus", "key"),
    "unreadable_on_server": Sentence(
        _("The server lists the mail, but doesn't hand it out"),
        _("Asked three times by mailbox “%(mailbox)s” for %(source)s. The server said: %(said)s"),
        "hand",
        "warn",
    ),
    "failed_three_times": Sentence(
        _("Processing failed three times"),
        _("Postvak said: %(error)s. The mail is safe. Try again; if it fails again, report this error."),
        "hand",
        "warn",
    ),
}

HISTORY: Mapping[str, Text] = {
    **NOT_SENT,
    **LEARNED_HISTORY,
    "rejection_written": _("Automatic mail to %(to)s: the mail was not taken up"),
    "rule_written": _("Automatic mail to %(to)s: %(rule)s"),
    "forward_written": _("Forwarded to %(to)s by a filter"),
    "relay_written": _("Answered by mail; the answer was sent on to %(to)s"),
    "imported": _("Taken over from “%(source)s” by an import"),
    "imported_status": _("In the old system: status changed from “%(old)s” to “%(new)s”"),
    "imported_queue": _("In the old system: moved from queue “%(old)s” to “%(new)s”"),
    "imported_priority": _("In the old system: priority changed from “%(old)s” to “%(new)s”"),
    "imported_type": _("In the old system: type changed from “%(old)s” to “%(new)s”"),
    "imported_title": _("In the old system: subject changed from “%(old)s” to “%(new)s”"),
    "imported_assignee": _("In the old system: assigned to %(new)s"),
    "new_ticket": _("Ticket opened by a mail from %(from)s"),
    "new_ticket_instead": _("Ticket opened by a mail from %(from)s, because its old ticket doesn't come back"),
    "follow_up": _("Mail from %(from)s added"),
    "grouped": _("Mail from %(from)s added, because the customer wrote recently"),
    "rejected": _("Mail from %(from)s kept, but not taken up"),
    "delivery_report": _("Delivery report received"),
    "answered": _("Answered to %(to)s"),
    "answered_later": _("Answered to %(to)s; the mail goes out at %(until)s"),
    "forwarded": _("Forwarded to %(to)s"),
    "forwarded_later": _("Forwarded to %(to)s; the mail goes out at %(until)s"),
    "redirected": _("Redirected to %(to)s as it came"),
    "redirected_later": _("Redirected to %(to)s as it came; it goes out at %(until)s"),
    "side_mail": _("Written to a third party: %(to)s"),
    "side_mail_later": _("Written to a third party: %(to)s; the mail goes out at %(until)s"),
    "sent_again": _("Sent again to %(to)s"),
    "first_mail": _("Ticket opened by a mail to %(to)s"),
    "first_mail_later": _("Ticket opened by a mail to %(to)s, which goes out at %(until)s"),
    "taken_back": _("Mail to %(to)s taken back before anybody got it"),
    "sending_cancelled": _("No further attempt to deliver to %(to)s"),
    "sending_retried": _("Sending to %(to)s started again"),
    "recipient_corrected": _("Sent again to %(new)s instead of %(old)s"),
    "suppressed_bounced": _("Mail to %(to)s comes back: automatic mail goes there no more, agents are warned"),
    "suppressed_complained": _("%(to)s complained: automatic mail goes there no more, agents are warned"),
    "suppression_released": _("Mail may go to %(to)s again"),
    "noted": _("Internal note written"),
    "status": _("Status changed from “%(old)s” to “%(new)s”"),
    "status_by_rule": _("Status changed from “%(old)s” to “%(new)s” by the rule “%(by_rule)s”"),
    "queue": _("Moved from queue “%(old)s” to “%(new)s”"),
    "assignee": _("Assigned to %(new)s (before: %(old)s)"),
    "assigned_in_turn": _("Given to %(new)s, whose turn it was among those who are in, in queue “%(queue)s”"),
    "assigned_fewest": _(
        "Given to %(new)s, who had the fewest open tickets (%(count)s) of those who are in, in queue “%(queue)s”"
    ),
    "assignee_blind": _("Not assigned to %(agent)s, who may not read queue “%(queue)s”"),
    "priority": _("Priority changed from “%(old)s” to “%(new)s”"),
    "type": _("Type changed from “%(old)s” to “%(new)s”"),
    "title": _("Subject changed from “%(old)s” to “%(new)s”"),
    "field": _("%(field)s changed from “%(old)s” to “%(new)s”"),
    "tagged": _("Tags added: %(tags)s"),
    "untagged": _("Tags removed: %(tags)s"),
    "spam": _("Marked as spam"),
    "no_spam": _("No longer marked as spam"),
    "personal": _("Marked as personal"),
    "no_personal": _("No longer marked as personal"),
    "private": _("Made private: only the assignee, leads and administrators can read it"),
    "no_private": _("No longer private"),
    "trashed": _("Moved to the trash (status before: “%(old)s”)"),
    "restored": _("Taken out of the trash, with the status “%(new)s” again"),
    "pending": _("Reminder set for %(until)s"),
    "pending_ended": _("Reminder taken off"),
    "woke": _("The reminder is due: status changed from “%(old)s” to “%(new)s”"),
    "late_first": _("Late: the first answer was due at %(until)s"),
    "late_next": _("Late: the next answer was due at %(until)s"),
    "late_solution": _("Late: it should have been solved until %(until)s"),
    "followed": _("%(agent)s follows the ticket"),
    "unfollowed": _("%(agent)s follows the ticket no longer"),
    "merged_into": _("Merged into ticket %(ticket)s"),
    "merged_from": _("Ticket %(ticket)s merged into this one"),
    "unmerged_from": _("Taken out of ticket %(ticket)s again"),
    "unmerged": _("Ticket %(ticket)s taken out again"),
    "message_moved_to": _("Message of %(author)s moved to ticket %(ticket)s"),
    "message_moved_from": _("Message of %(author)s moved here from ticket %(ticket)s"),
    "split_to": _("Part of it became ticket %(ticket)s"),
    "split_from": _("Split off from ticket %(ticket)s"),
    "linked": _("Linked with ticket %(ticket)s"),
    "unlinked": _("No longer linked with ticket %(ticket)s"),
    "part_of": _("Part of ticket %(ticket)s from now on"),
    "has_part": _("Ticket %(ticket)s is part of this one from now on"),
    "record_linked": _("Link to “%(title)s” added: %(url)s"),
    "record_unlinked": _("Link to “%(title)s” taken off: %(url)s"),
    "participant_added": _("%(name)s takes part from now on"),
    "participant_removed": _("%(name)s takes part no longer"),
    "customer": _("Customer changed from “%(old)s” to “%(new)s”"),
    "customers_merged": _("Customer “%(old)s” is “%(new)s” now: the two were merged"),
    "call_noted": _("Ticket opened by a call of %(name)s"),
    "redacted": _("%(places)s places of a message were made unreadable: %(reason)s"),
    "delivery_failed": _("Not delivered to %(recipient)s: %(said)s"),
    "delivery_in_doubt": _("Perhaps not delivered to %(recipient)s: the connection broke at the last moment, twice"),
}

NAMES: Mapping[str, Mapping[str, Text]] = {
    "status": SHIPPED_NAMES,
    "status_by_rule": SHIPPED_NAMES,
    "woke": SHIPPED_NAMES,
    "trashed": SHIPPED_NAMES,
    "restored": SHIPPED_NAMES,
    "priority": {str(level): name for level, name in SHIPPED_PRIORITIES.items()},
}


def trace_line(entry: list[object]) -> Line:
    """Render one stored `[step, code, parameters]` in the active language; an unknown code shows as it is."""
    step, code, parameters = str(entry[0]), str(entry[1]), as_parameters(entry[2])
    sentence = TRACE.get(code, Sentence(code))
    folded = in_words(sentence.folded, parameters.get(sentence.folded))
    return Line(
        step,
        fill(sentence.title, parameters),
        fill(sentence.detail, parameters),
        sentence.icon,
        sentence.tone,
        str(folded or ""),
    )


def as_parameters(value: object) -> dict[str, Parameter]:
    return value if isinstance(value, dict) else {}


def history_line(code: str, parameters: Mapping[str, Parameter]) -> str:
    """Shipped statuses and priorities are stored by key, so that their names show in the reader's language. What a rule of
    the message centre did to the status is kept as any other change of it, with the rule besides."""
    code = "status_by_rule" if code == "status" and "by_rule" in parameters else code
    names = NAMES.get(code, {})
    named = {key: str(names.get(str(value), value)) for key, value in parameters.items()}
    return fill(HISTORY.get(code, code), named)


def fill(text: Text, parameters: Mapping[str, Parameter]) -> str:
    """Put parameters in, in words; one that an older row doesn't have shows as a dash instead of failing."""
    shown = {name: in_words(name, value) for name, value in parameters.items()}
    return str(text) % Lenient(shown) if text else ""


class Lenient(dict[str, Parameter]):
    def __missing__(self, key: str) -> str:
        return "–"
