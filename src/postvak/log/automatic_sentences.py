"""The vocabulary of automatic mail in traces and histories: which rule of the message centre fires, and why nothing goes out. Spec 06.

`which` is the name of a rule, `condition` one of its conditions; both in English where Postvak itself has named them.
"""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from postvak.log.sentence import Sentence, Text

NOT_SENT: Mapping[str, Text] = {
    "restored": _(
        "Nothing was sent: the installation was restored from a backup, and this mail may have gone out before."
    ),
    "refused_no_address": _("Nothing was sent to “%(to)s”: this is no e-mail address."),
    "refused_own_address": _("Nothing was sent to %(to)s: it is an address of ours."),
    "refused_machine_address": _("Nothing was sent to %(to)s: nobody reads what is sent to such an address."),
    "refused_loop": _("Nothing was sent to %(to)s: an automatic mail of ours had come back."),
    "refused_author": _("Nothing was sent to %(to)s: that is who wrote the mail."),
    "refused_silenced": _("Nothing was sent to %(to)s: automatic mail is switched off for this mail."),
    "refused_spam": _("Nothing was sent to %(to)s: the ticket is marked as spam."),
    "refused_forged": _("Nothing was sent to %(to)s: perhaps somebody else wrote under this address."),
    "refused_unverified": _(
        "Nothing was sent to %(to)s: nothing proves who wrote, and the queue answers nobody unproven."
    ),
    "refused_automatic": _("Nothing was sent to %(to)s: a machine wrote the mail, or it forbids automatic answers."),
    "refused_old": _("Nothing was sent to %(to)s: the mail is too old to be answered automatically."),
    "refused_limit": _("Nothing was sent to %(to)s: %(count)s automatic mails went there within the last hour."),
    "refused_suppressed": _("Nothing was sent to %(to)s: earlier mail came back, or its reader complained."),
    "refused_blocked": _("Nothing was sent to %(to)s: “%(pattern)s” is on the block list."),
    "refused_null_sender": _(
        "Nothing was sent to %(to)s: the mail came without a return address, as machines send it."
    ),
    "refused_import": _("Nothing was sent to %(to)s: the mailbox takes over old mail as closed tickets."),
    "refused_looked_only": _("Nothing was sent to %(to)s: the mail came while its mailbox only looked."),
    "refused_mailbox": _("Nothing was sent to %(to)s: mail of this mailbox is not answered automatically."),
    "refused_broken": _("Nothing was sent to %(to)s: the loop breaker is open. Automatic mail went to and fro."),
    "refused_per_pair": _(
        "Nothing was sent to %(to)s: %(count)s automatic mails went there from the same address within ten minutes."
    ),
    "refused_per_day": _("Nothing was sent to %(to)s: %(count)s automatic mails went there within 24 hours."),
    "refused_unanswered": _(
        "Nothing was sent to %(to)s: %(count)s automatic mails went there since one of us last wrote to this customer."
    ),
    "refused_once": _("Nothing was sent to %(to)s: the rule writes once for a ticket, and has done so."),
    "refused_once_a_day": _("Nothing was sent to %(to)s: the rule writes once a day for a ticket, and has done so."),
    "refused_rule_limit": _("Nothing was sent to %(to)s: the rule has written there often enough within 24 hours."),
    "refused_rule_off": _("Nothing was sent to %(to)s: the rule was switched off meanwhile."),
    "refused_trashed": _("Nothing was sent to %(to)s: the ticket is in the trash."),
    "refused_no_longer": _("Nothing was sent to %(to)s: what it would have told is no longer so."),
    "refused_unencrypted": _(
        "Nothing was sent to %(to)s: it must be encrypted, and not every recipient has a valid certificate or key here."
    ),
    "refused_unsigned": _(
        "Nothing was sent to %(to)s: it must be signed, and our address has no valid certificate or key for signing."
    ),
    "no_recipient": _("Nothing was sent: there is no recipient."),
    "nothing_to_relay": _("Nothing was sent to %(to)s: the agent's mail has neither words of his own nor files."),
    "nothing_to_say": _("Nothing was sent to %(to)s: there is nothing to say, or nobody there to read it."),
    "failed": _("Nothing was sent to %(to)s: the mail couldn't be written, three times. Postvak said: %(error)s"),
}

AUTOMATIC: Mapping[str, Sentence] = {
    "rule_planned": Sentence(_("“%(which)s” goes to %(email)s"), _("A rule of the message centre."), "robot"),
    "rule_stopped": Sentence(
        _("“%(which)s” does not go to %(email)s"), _("Its rule fires, but something forbids it:"), "robot", "skip"
    ),
    "rule_unmet": Sentence(
        _("“%(which)s” does not go out"), _("This condition is not met: %(condition)s."), "robot", "skip"
    ),
    "rule_without_recipient": Sentence(
        _("“%(which)s” goes to nobody"), _("Nobody whom the rule writes to is to be found."), "robot", "skip"
    ),
    "rejection_off": Sentence(
        _("Nobody is told"), _("The message centre has no rule for it that is switched on."), "robot", "skip"
    ),
    "held_loop": Sentence(
        _("Too many new tickets of %(email)s"),
        _(
            "%(count)s were opened within an hour, so perhaps two machines answer each other. Look at the mail and let it "
            "through, or put it aside."
        ),
        "hand",
        "warn",
    ),
}
