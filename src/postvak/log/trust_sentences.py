"""The vocabulary of sender trust: the level in a word, and each reason in a sentence. Traces and the badge of a mail use the same."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from postvak.log.sentence import Sentence

LEVELS: Mapping[str, tuple[str | Promise, str, str]] = {
    "verified": (_("Sender verified"), "shield", "good"),
    "signed": (_("Signed by the sender"), "shield", "good"),
    "unverified": (_("Sender not verified"), "shieldq", ""),
    "suspicious": (_("Suspicious sender"), "warn", "warn"),
    "spoofed": (_("Our own domain is forged"), "warn", "alert"),
}
"""(words, icon, tone of the badge)"""

REASONS: Mapping[str, str | Promise] = {
    "sender_signed": _("%(signer)s signed it, and the signature is good."),
    "sender_by_dkim": _("It bears a good signature of %(domain)s (DKIM)."),
    "sender_by_spf": _("%(domain)s allows the server that sent it (SPF)."),
    "sender_by_host": _("The receiving server %(host)s checked it: it is from %(domain)s (DMARC)."),
    "own_domain_spoofed": _("It bears our own domain %(domain)s, but nothing proves that it comes from us."),
    "dmarc_failed": _("%(domain)s says that such mail isn't from there (DMARC failed)."),
    "looks_like_letters": _("%(domain)s looks the same as our domain %(own)s, but is another one."),
    "looks_like_letter": _("%(domain)s differs from our domain %(own)s in a single letter."),
    "looks_like_word": _("%(domain)s is our domain %(own)s with something added."),
    "looks_like_ending": _("%(domain)s is our domain %(own)s with another ending."),
    "looks_like_inside": _("%(domain)s only begins like our domain %(own)s."),
    "name_of_agent": _("The name “%(name)s” is that of a colleague, the address isn't."),
    "name_of_ours": _("The name “%(name)s” is ours, the address isn't."),
    "name_holds_address": _("The name shows the address %(written)s, but the mail is from %(email)s."),
    "reply_elsewhere": _("It is from %(domain)s, but answers go to %(reply)s."),
    "names_silent": _("It couldn't be checked: the name servers didn't answer."),
    "dmarc_failed_watched": _(
        "%(domain)s doesn't vouch for this mail (DMARC failed), and asks for nothing to be done about it."
    ),
    "dkim_body": _("Its text was changed after %(domain)s had signed it (DKIM)."),
    "dkim_header": _("The signature of %(domain)s doesn't fit (DKIM)."),
    "dkim_expired": _("The signature of %(domain)s had run out when it came (DKIM)."),
    "dkim_partial": _("The signature of %(domain)s covers only the beginning of the text (DKIM)."),
    "dkim_no_key": _("%(domain)s doesn't publish the key of the signature (DKIM)."),
    "dkim_weak": _("The key of %(domain)s is so short that anybody could have signed (DKIM)."),
    "dkim_bad": _("The signature of %(domain)s can't be used (DKIM)."),
    "nothing_proven": _("Nothing proves who sent it, and nothing speaks against it."),
    "first_mail": _("The first mail from %(email)s."),
}

LEVEL_LINES: Mapping[str, Sentence] = {
    f"trust_{level}": Sentence(label, "%(whys)s", icon, {"good": "", "": "skip"}.get(tone, "warn"))
    for level, (label, icon, tone) in LEVELS.items()
}
TRUST: Mapping[str, Sentence] = {
    **LEVEL_LINES,
    "held_suspicious": Sentence(
        _("Held for a person: suspicious"),
        _("Queue “%(queue)s” holds mails whose sender isn't who he seems to be. Let it through if you know him."),
        "hand",
        "warn",
    ),
    "commands_unproven": Sentence(
        _("Commands in the mail are ignored"),
        _("Queue “%(queue)s” obeys %(agent)s only by mail that passes DMARC or is signed. Commands: %(count)s."),
        "people",
        "warn",
    ),
}


def trust_reason(code: str, parameters: Mapping[str, object]) -> str:
    """In the reader's language; a code that nobody knows any more shows as it is."""
    try:
        return str(REASONS.get(code, code)) % dict(parameters)
    except (KeyError, TypeError, ValueError):
        return code
