"""The vocabulary of rules in traces: control headers, filters, follow-up policies, grouping, agents' mail. Specs 02, 03."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from postvak.log.sentence import Sentence, Text

RULES: Mapping[str, Sentence] = {
    "control_read": Sentence(
        _("Control headers are obeyed"), _("The mailbox is trusted. Found: %(list)s."), "gear", "key"
    ),
    "control_not_trusted": Sentence(
        _("Control headers are ignored"),
        _("Mailbox “%(mailbox)s” is not trusted, so nobody can steer tickets by: %(list)s."),
        "gear",
        "skip",
    ),
    "control_sender_not_trusted": Sentence(
        _("Control headers are ignored"),
        _("%(email)s is not among the trusted senders, or the mail did not pass their check. Present: %(list)s."),
        "gear",
        "skip",
    ),
    "control_not_signed": Sentence(
        _("Control headers are ignored"),
        _("The mail is from %(email)s, but no signature of that domain covers these headers. Present: %(list)s."),
        "gear",
        "skip",
    ),
    "control_unknown": Sentence(
        _("Unknown control headers"), _("Postvak doesn't know these and leaves them: %(list)s."), "gear", "skip"
    ),
    "filter_fired": Sentence(_("Filter “%(filter)s” fires"), _("Its conditions are met."), "filter", "key"),
    "filter_set": Sentence("%(set)s: %(value)s", _("Asked for by filter “%(filter)s”."), "filter"),
    "filter_value_empty": Sentence(
        _("Filter “%(filter)s” set nothing: %(set)s"),
        _("The part of the mail that it takes the value from is empty."),
        "filter",
        "warn",
    ),
    "filter_stopped": Sentence(_("No more filters"), _("Filter “%(filter)s” stops after a match."), "filter", "skip"),
    "no_filter_fired": Sentence(_("No filter fires"), _("Filters looked at: %(count)s."), "filter", "skip", "filters"),
    "filters_not_fired": Sentence(
        _("Other filters that were asked: %(count)s"), _("Their conditions are not met."), "filter", "skip", "filters"
    ),
    "ignored": Sentence(
        _("Ignored"), _("Asked for by %(origin)s. No ticket was made; the mail stays readable here."), "trash", "key"
    ),
    "ignored_not": Sentence(
        _("Not ignored"), _("%(origin)s asks for it, but a person wants the mail on a ticket."), "hand"
    ),
    "held_by_filter": Sentence(_("Held for a person"), _("Asked for by %(origin)s: %(reason)s"), "hand", "warn"),
    "agent_not_rejected": Sentence(
        _("Not rejected"), _("%(origin)s asks for it, but %(agent)s wrote the mail, an agent."), "hand", "skip"
    ),
    "rejected_by_filter": Sentence(_("Rejected"), _("Asked for by %(origin)s."), "hand", "key"),
    "loop_wished": Sentence(_("No automatic mail goes out"), _("Asked for by %(origin)s."), "robot", "skip"),
    "forward_planned": Sentence(_("Forwarded to %(email)s"), _("Asked for by %(origin)s."), "forward"),
    "by_named": Sentence(
        _("Belongs to ticket %(ticket)s"),
        _("Both answer the same mail, and the same people take part."),
        "branch",
        "key",
    ),
    "by_reply": Sentence(
        _("Belongs to ticket %(ticket)s"), _("Another mail on that ticket answers this one."), "branch", "key"
    ),
    "also_refers_to": Sentence(
        _("It refers to other tickets too: %(list)s"),
        _("The nearest mail that it answers decides."),
        "branch",
        "skip",
    ),
    "by_number_in_body": Sentence(
        _("Belongs to ticket %(ticket)s"),
        _("The number stands in the text, its check digit is right, and the sender belongs to the ticket."),
        "branch",
        "key",
    ),
    "by_number_in_attachment": Sentence(
        _("Belongs to ticket %(ticket)s"),
        _("The number stands in an attachment, its check digit is right, and the sender belongs to the ticket."),
        "branch",
        "key",
    ),
    "by_external": Sentence(
        _("Belongs to ticket %(ticket)s"),
        _("It bears the number %(value)s of another system, by rule “%(rule)s”, and that ticket has it."),
        "branch",
        "key",
    ),
    "merged_into": Sentence(_("Ticket %(merged)s was merged"), _("Its mails go to ticket %(ticket)s now."), "branch"),
    "external_number": Sentence(
        _("Number of another system: %(value)s"), _("Found by rule “%(rule)s”, kept with the ticket."), "tag"
    ),
    "closed_too_long": Sentence(
        _("Ticket %(ticket)s has been closed for too long"),
        _("Its queue ends tickets %(days)s days after they were closed, so a new one is opened and linked."),
        "clock",
        "key",
    ),
    "policy_new_ticket": Sentence(
        _("Ticket %(ticket)s is closed"), _("Queue “%(queue)s” wants a new ticket for such mail; it is linked."), "plus"
    ),
    "policy_reject": Sentence(
        _("Ticket %(ticket)s is closed"),
        _("Queue “%(queue)s” takes no more mail on closed tickets. The mail is kept there; the ticket stays closed."),
        "hand",
        "key",
    ),
    "rejection_sent": Sentence(_("%(email)s is told"), _("By an automatic mail."), "robot"),
    "rejection_not_sent": Sentence(
        _("Nobody is told"),
        _("The mail names no author."),
        "robot",
        "skip",
    ),
    "report_unmatched_taken": Sentence(
        _("The delivery report fits no mail of ours"), _("It is handled like any mail."), "bounce"
    ),
    "grouped": Sentence(
        _("Joins ticket %(ticket)s"),
        _("The same customer wrote to the same address within %(hours)s hours."),
        "branch",
        "key",
    ),
    "not_grouped_none": Sentence(
        _("Not grouped"), _("The sender has no open ticket at this address within %(hours)s hours."), "branch", "skip"
    ),
    "not_grouped_kind": Sentence(
        _("Not grouped"), _("Only mails that a person wrote are grouped by time."), "branch", "skip"
    ),
    "not_grouped_excluded": Sentence(
        _("Not grouped"), _("%(email)s is on the list of senders that are never grouped."), "branch", "skip"
    ),
    "queue_by_wish": Sentence(_("Queue “%(queue)s”"), _("Asked for by %(origin)s."), "slots", "key"),
    "unknown_queue": Sentence(
        _("There is no queue “%(value)s”"),
        _("%(origin)s asks for it. The queue is chosen as if it had not."),
        "slots",
        "warn",
    ),
    "invalid_queue": Sentence(
        _("The queue “%(value)s” is invalid"),
        _("%(origin)s asks for it. The queue is chosen as if it had not."),
        "slots",
        "warn",
    ),
    "assignee_blind": Sentence(_("Not assigned to %(agent)s, who may not read queue “%(queue)s”"), "", "warn", "warn"),
    "attribute_set": Sentence("%(control)s: %(value)s", _("Asked for by %(origin)s."), "tick"),
    "unknown_value": Sentence(
        _("%(control)s: “%(value)s” is left out"),
        _("%(origin)s asks for it, but there is no such valid value. Everything else is done."),
        "warn",
        "warn",
    ),
    "too_many_tags": Sentence(_("Only the first %(limit)s tags are taken"), _("More are asked for."), "tag", "warn"),
    "waits_until": Sentence(_("The ticket waits until then"), _("Only a ticket that waits has a reminder."), "clock"),
    "unknown_field": Sentence(
        _("There is no field “%(control)s”"), _("%(origin)s wants to fill it. Everything else is done."), "warn", "warn"
    ),
    "wishes_for_new_only": Sentence(
        _("Not for follow-ups: %(list)s"), _("These are asked for on new tickets only."), "info", "skip"
    ),
    "wishes_for_follow_ups_only": Sentence(
        _("Not for new tickets: %(list)s"), _("These are asked for on follow-ups only."), "info", "skip"
    ),
    "status_kept_by_wish": Sentence(
        _("The status stays as it is"), _("A control header or a filter asks for that."), "tick"
    ),
    "agent_not_believed": Sentence(
        _("The sender has an agent's address, but it isn't proven"),
        _("%(email)s could be forged: the mailbox isn't trusted and no DMARC check says so. Handled like any mail."),
        "people",
        "warn",
    ),
    "agents_note": Sentence(
        _("Written by %(agent)s, an agent"), _("Kept on ticket %(ticket)s as an internal note."), "note", "key"
    ),
    "agent_may_not_answer": Sentence(
        _("Written by %(agent)s, an agent who may not answer here"),
        _(
            "His roles don't let him answer in the queue “%(queue)s”: not sent on to the customer, kept on ticket %(ticket)s as an "
            "internal note."
        ),
        "lock",
        "warn",
    ),
    "command_not_allowed": Sentence(
        _("Command “%(command)s” is ignored"),
        _("The roles of %(agent)s don't allow it in the queue “%(queue)s”."),
        "lock",
        "skip",
    ),
    "agents_answer": Sentence(
        _("Written by %(agent)s, an agent"),
        _("Sent on to %(email)s as the answer of ticket %(ticket)s."),
        "reply",
        "key",
    ),
    "answer_has_arrived": Sentence(
        _("Written by %(agent)s, an agent"),
        _("%(email)s has got it already, so it is not sent on; kept on ticket %(ticket)s."),
        "reply",
        "key",
    ),
    "set_aside_before": Sentence(
        _("The same mail was received before and set aside"),
        _("Receipt %(receipt)s made no ticket. This copy is decided by itself."),
        "copy",
        "skip",
    ),
    "agent_as_customer": Sentence(
        _("Written by %(agent)s, an agent"),
        _("It answers no ticket and passes no mail on: handled like any mail."),
        "people",
    ),
    "agent_is_requester": Sentence(
        _("Written by %(agent)s, an agent"),
        _("Ticket %(ticket)s is his own matter: handled like any customer's mail."),
        "people",
    ),
    "forwarded_for": Sentence(
        _("%(agent)s passes on a mail of %(email)s"), _("The ticket is that customer's."), "forward", "key"
    ),
    "commands_not_allowed": Sentence(
        _("Commands in the mail are ignored"), _("The mailbox doesn't allow them. Found: %(count)s."), "gear", "skip"
    ),
    "command": Sentence(_("Command “%(command)s”"), _("Given by the agent in the mail."), "gear"),
}

CONTROL_WORDS: Mapping[str, Text] = {
    "queue": _("Queue"),
    "state": _("Status"),
    "status": _("Status"),
    "state-pendingtime": _("Wait until"),
    "pending": _("Wait until"),
    "state-keep": _("Leave the status as it is"),
    "keep_status": _("Leave the status as it is"),
    "priority": _("Priority"),
    "type": _("Type"),
    "title": _("Subject of the ticket"),
    "owner": _("Assignee"),
    "ownerid": _("Assignee"),
    "assignee": _("Assignee"),
    "unassign": _("Assignee"),
    "lock": _("Assignee"),
    "responsible": _("Follower"),
    "responsibleid": _("Follower"),
    "follower": _("Follower"),
    "customerno": _("Customer number"),
    "organisation": _("Customer number"),
    "customeruser": _("Requester"),
    "customer": _("Requester"),
    "sendertype": _("Author"),
    "isvisibleforcustomer": _("Visible for the customer"),
    "internal": _("Visible for the customer"),
    "tag": _("Add tags"),
    "add_tags": _("Add tags"),
    "tag-remove": _("Remove tags"),
    "remove_tags": _("Remove tags"),
    "note": _("Internal note"),
    "note-visible": _("Note"),
    "visible_note": _("Note"),
    "spam": _("Spam"),
    "trash": _("Status"),
    "ignore": _("Ignore"),
    "no_automatic_mail": _("No automatic mail"),
    "hold": _("Hold"),
    "reject": _("Reject"),
    "forward": _("Forward to"),
}
