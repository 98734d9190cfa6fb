"""Every trouble that a health check can find: what it is called, and what it means and what to do, in whole sentences.

Codes and parameters are in the findings (notify.health); the paragraphs of a text are divided by an empty line, and the
last one says what to do.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Words:
    title: Text
    text: Text


WORDS: Mapping[str, Words] = {
    "model_broken": Words(
        _("What classification has learned can’t be read: %(target)s"),
        _(
            "Version %(version)s can’t be used, so nothing is proposed; mails go their way as without it.\n\n"
            "The reason: %(said)s\n\n"
            "Open Classification in the administration, and activate another version or let it learn anew."
        ),
    ),
    "model_stale": Words(
        _("Classification has to forget something: %(target)s"),
        _(
            "A ticket or words that it had learned were deleted since.\n\n"
            "It learns anew by itself within the next hours; you can also start that in the administration."
        ),
    ),
    "language_model_silent": Words(
        _("The language model gives no answers"),
        _(
            "Tickets go their way without its proposals; Postvak asks again each minute.\n\nIt said: %(said)s\n\n"
            "Look at its page under Classification in the administration: there you can try it."
        ),
    ),
    "listener_failed": Words(
        _("Mails that come in by SMTP could not be stored"),
        _(
            "The listener could not store a mail within the last minute.\n\n"
            "Senders are told so and try again by themselves, usually for several days: nothing is lost.\n\n"
            "Look whether the database and the place of large mails can be reached; the program’s log has the reason."
        ),
    ),
    "listener_slow": Words(
        _("Mails that come in by SMTP are stored very slowly"),
        _(
            "Storing mails takes longer than ten seconds, so the listener takes no more for now.\n\n"
            "Senders are told so and try again by themselves, usually for several days: nothing is lost.\n\n"
            "Look at the load of the database and its disk."
        ),
    ),
    "listener_disk": Words(
        _("No mail is taken by SMTP: the disk is nearly full"),
        _(
            "Less than 200 MB are left on the disk of the data folder, so the listener takes no more mail for now.\n\n"
            "Senders are told so and try again by themselves, usually for several days: nothing is lost.\n\n"
            "Make room, or give the data folder a larger disk."
        ),
    ),
    "listener_backlog": Words(
        _("No mail is taken by SMTP: too many wait to be processed"),
        _(
            "%(most)s mails of the listener wait to be processed, so it takes no more for now.\n\n"
            "Senders are told so and try again by themselves, usually for several days: nothing is lost.\n\n"
            "Look whether enough workers run (postvak worker). The limit is POSTVAK_LISTEN_BACKLOG."
        ),
    ),
    "listener_room": Words(
        _("Too many large mails came in by SMTP at once"),
        _(
            "The mails that arrived at the same time needed all the memory that is meant for them, so further ones were refused for now.\n\n"
            "Senders are told so and try again by themselves, usually for several days: nothing is lost.\n\n"
            "If this happens often, let a second machine listen."
        ),
    ),
    "listener_crowd": Words(
        _("Too many senders came by SMTP at once"),
        _(
            "All connections of the listener were taken, so further ones were refused for now.\n\n"
            "Senders are told so and try again by themselves, usually for several days: nothing is lost.\n\n"
            "If this happens often, let a second machine listen."
        ),
    ),
    "mailbox_silent": Words(
        _("Mailbox “%(mailbox)s” is silent"),
        _(
            "Postvak has fetched no mail from the mailbox “%(mailbox)s” for more than %(limit)s minutes. "
            "Mail may be waiting on the server; nothing is lost there.\n\nThe server said: %(said)s\n\n"
            "Look at the page of the mailbox in the administration: it says what to do."
        ),
    ),
    "backup_failed": Words(
        _("The last backup failed"),
        _(
            "No backup was made at %(at)s; earlier ones are still there.\n\nThe reason: %(said)s\n\n"
            "Open Backups in the administration, and make one by hand when the reason is gone."
        ),
    ),
    "backup_old": Words(
        _("The daily backup is missing"),
        _(
            "A backup is to be made each day, but the newest one is of %(at)s.\n\n"
            "Open Backups in the administration: it says what happened, and you can make one by hand."
        ),
    ),
    "mailbox_failing": Words(
        _("Fetching from the mailbox “%(mailbox)s” fails"),
        _(
            "The last attempts failed; Postvak tries again by itself.\n\nThe server said: %(said)s\n\n"
            "Look at the page of the mailbox in the administration: it says what to do."
        ),
    ),
    "channel_broken": Words(
        _("Nothing goes out by the channel “%(channel)s”"),
        _(
            "No mail goes out by the channel “%(channel)s”: the last %(times)s attempts failed. Its mails wait in the outbox, and "
            "Postvak tries again by itself; nothing is lost.\n\nThe server said: %(said)s\n\n"
            "Look at the page of the channel in the administration: it says what to do."
        ),
    ),
    "channel_failing": Words(
        _("Sending by the channel “%(channel)s” fails"),
        _(
            "The last attempt failed; Postvak tries again by itself.\n\nThe server said: %(said)s\n\n"
            "Look at the page of the channel in the administration: it says what to do."
        ),
    ),
    "grant_broken": Words(
        _("The connected account “%(grant)s” is not accepted any more"),
        _(
            "The provider refuses to renew the access, so mailboxes and channels that log in with it stop working.\n\n"
            "It said: %(said)s\n\nOpen the connected account in the administration and press “Connect again”."
        ),
    ),
    "loop_broken": Words(
        _("Automatic mail to %(address)s is stopped"),
        _(
            "Two programs answer each other, or too much automatic mail went there, so Postvak stopped. Open cases: %(number)s. "
            "Mail of people is not affected.\n\n"
            "Open the loop breaker in the message centre: look at the mails, then resume, or ignore the address for good."
        ),
    ),
    "held_old": Words(
        _("Held mails wait for a person: %(number)s"),
        _(
            "%(number)s mails are held for longer than %(hours)s hours. They are on no ticket, and nobody answers them.\n\n"
            "Open “Held”, look at them, and make each a ticket or set it aside."
        ),
    ),
    "outbox_stuck": Words(
        _("Mails are not sent: %(number)s"),
        _(
            "%(number)s mails have been due for more than %(minutes)s minutes, and did not go out.\n\n"
            "Check that “postvak serve” runs, or a worker with the job “send”, and look at its output."
        ),
    ),
    "outbox_old": Words(
        _("Mails wait in the outbox: %(number)s"),
        _(
            "%(number)s mails have waited for more than %(minutes)s minutes, because the other server refused them for now. "
            "Postvak tries for three days.\n\nOpen the outbox: it shows what each server said."
        ),
    ),
    "receipts_waiting": Words(
        _("Mails came in, but are not processed: %(number)s"),
        _(
            "%(number)s mails have been due for more than %(minutes)s minutes. They are stored; nothing is lost.\n\n"
            "Check that “postvak serve” runs, or a worker with the job “process”, and look at its output."
        ),
    ),
    "worker_gone": Words(
        _("No worker runs"),
        _(
            "Nothing is fetched, processed or sent. The last sign of a worker: %(seen)s.\n\n"
            "Start “postvak serve”, or “postvak worker” where web and worker run apart."
        ),
    ),
    "disk_low": Words(
        _("The disk is nearly full"),
        _(
            "The data folder %(folder)s has %(free)s left, %(percent)s %% of its disk. Without room no mail can be stored; it "
            "then stays on its server.\n\nMake room, or move the data folder to a larger disk."
        ),
    ),
    "certificate_ends": Words(
        _("A certificate ends soon: %(name)s"),
        _(
            "It is valid until %(until)s. After that, servers refuse the connection.\n\n"
            "Renew it and put it in place; where it renews itself, look why it did not."
        ),
    ),
    "certificate_unreadable": Words(
        _("The listener's certificate can't be read: %(name)s"),
        _("%(said)s\n\nCheck POSTVAK_LISTEN_CERT and the rights of the file."),
    ),
    "key_ends": Words(
        _("A certificate or key of yours ends soon: %(name)s"),
        _(
            "It is valid until %(until)s; days left: %(days)s. After that nothing can be signed with it, and nobody should encrypt "
            "to it.\n\nGet a new one and add it under “Certificates & keys” in the administration. Keep the old one there: mails "
            "that came before are opened with it."
        ),
    ),
    "key_ended": Words(
        _("A certificate or key of yours has ended: %(name)s"),
        _(
            "It was valid until %(until)s. Mails from these addresses can’t be signed with it any more: %(addresses)s. Where they "
            "have to be signed, they aren’t sent.\n\nAdd a new one under “Certificates & keys” in the administration."
        ),
    ),
    "authority_ends": Words(
        _("A trusted authority ends soon: %(name)s"),
        _(
            "Its certificate is valid until %(until)s; days left: %(days)s. After that signatures that it vouches for are no longer "
            "good.\n\nAdd its new certificate under “Certificates & keys” in the administration."
        ),
    ),
    "signing_lost": Words(
        _("Mails from %(domain)s are signed wrong"),
        _(
            "The DKIM key “%(selector)s” signs, but its record is not in DNS as it should be, so other servers count our mails as "
            "forged or as spam.\n\nOpen “Signing” in the administration: it shows the record and what DNS says."
        ),
    ),
    "clock_off": Words(
        _("The clocks of this machine and of the database differ"),
        _(
            "They are %(seconds)s seconds apart. Due times and the order of mails become wrong.\n\n"
            "Let both machines set their clocks by NTP."
        ),
    ),
    "replica_down": Words(
        _("The replica of the database can’t be reached"),
        _(
            "Reports, search and the ledger are answered by the database itself meanwhile; nothing is missing, it only has more to "
            "do.\n\nThe replica said: %(said)s\n\nLook at its machine, and at POSTVAK_REPLICA."
        ),
    ),
    "replica_late": Words(
        _("The replica of the database lags behind"),
        _(
            "Its newest data are %(seconds)s seconds old, and %(limit)s are allowed. Reports, search and the ledger are answered by "
            "the database itself meanwhile.\n\nLook at the load of its machine and at the network between the two; "
            "pg_stat_replication on the database shows how far each replica is."
        ),
    ),
    "replica_is_none": Words(
        _("What POSTVAK_REPLICA names is no replica"),
        _(
            "That server takes no changes from another one, so it isn’t asked: what it has may be old. Perhaps it was promoted.\n\n"
            "Set POSTVAK_REPLICA to a replica of the database that is used now, or leave it out, and start Postvak again."
        ),
    ),
    "ledger_unequal": Words(
        _("The numbers of the ledger don't add up"),
        _(
            "The mails themselves and the ledger differ: %(differences)s. Each mail is there; it is the counting that is wrong.\n\n"
            "Somebody may have changed the database by hand, or a backup was restored in parts. Run “postvak doctor”, keep what "
            "it prints, and ask us."
        ),
    ),
    "blobs_missing": Words(
        _("Contents of mails are missing or damaged: %(number)s"),
        _(
            "They lie in %(place)s. The mails are still in the list, but can't be opened.\n\n"
            "Restore them from your backup; “postvak blobs check” lists them."
        ),
    ),
    "blobs_unreachable": Words(
        _("The place of large mails can't be reached"),
        _("%(said)s\n\nUntil it works again, large mails stay on their server."),
    ),
    "blobs_orphaned": Words(
        _("Contents that no mail needs: %(number)s"),
        _("They lie in %(place)s. It is a waste of space, and no harm.\n\n“postvak blobs check” lists them."),
    ),
    "mailbox_refused": Words(
        _("The mailbox “%(mailbox)s” can't be opened"),
        _("%(what)s\n\nThe server said: %(said)s\n\n%(remedy)s"),
    ),
    "channel_refused": Words(
        _("The channel “%(channel)s” can't be opened"),
        _("%(what)s\n\nThe server said: %(said)s\n\n%(remedy)s"),
    ),
    "spf_bad": Words(
        _("The SPF record of %(domain)s should be looked at"),
        _(
            "%(what)s\n\nThe records of a domain are changed where its DNS is run; “Signing” in the administration shows them."
        ),
    ),
    "dmarc_bad": Words(
        _("The DMARC record of %(domain)s should be looked at"),
        _(
            "%(what)s\n\nThe records of a domain are changed where its DNS is run; “Signing” in the administration shows them."
        ),
    ),
    "dkim_bad": Words(_("The DKIM record of %(domain)s is not as it should be"), _("%(what)s\n\n%(remedy)s")),
    "dkim_none": Words(
        _("Mails from %(domain)s are not signed by Postvak"),
        _(
            "That is fine where the sending server or provider signs them itself.\n\n"
            "Otherwise open “Signing” in the administration and make a key."
        ),
    ),
    "url_missing": Words(
        _("Postvak doesn't know under which address people reach it"),
        _("Links in alarms and notices are left out, and any host name is accepted.\n\nSet POSTVAK_URL."),
    ),
    "debug_on": Words(
        _("Postvak runs in debug mode"),
        _("Pages of errors show what is inside.\n\nLeave POSTVAK_DEBUG out, and start Postvak again."),
    ),
    "channel_missing": Words(
        _("There is no sending channel"),
        _("Answers wait until there is one.\n\nMake one under “Sending channels” in the administration."),
    ),
    "password_sealed": Words(
        _("The stored password of “%(name)s” can't be opened"),
        _("%(said)s\n\nRestore the file sealing.keys from your backup, or enter the password again."),
    ),
    "check_failed": Words(
        _("A health check could not be done: %(name)s"),
        _("It ended with: %(said)s\n\nThe other checks were done. Look at the output of Postvak for the details."),
    ),
}


def title_of(code: str, parameters: Mapping[str, object]) -> str:
    words = WORDS.get(code)
    return str(words.title) % parameters if words else code


def text_of(code: str, parameters: Mapping[str, object]) -> str:
    """Several paragraphs; the last one says what to do."""
    words = WORDS.get(code)
    return str(words.text) % parameters if words else ""
