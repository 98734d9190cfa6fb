"""The vocabulary of signatures and encryption in traces, on cards and in refusals. Spec 05.

`LAYERS`: why a layer of a mail is what it is (crypto.values.Layer.code). `VERDICTS` and `STATES`: how a card of the ticket says it in a
few words. What can't be protected and so isn't sent is in REFUSED (crypto.values.CannotProtect.code), revocation lists that aren't
taken in LISTS.
"""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from postvak.crypto.values import CannotProtect
from postvak.log.sentence import Sentence, Text

TRACE_OF_CRYPTO: Mapping[str, Sentence] = {
    "mail_opened": Sentence(
        _("Encrypted (%(protection)s), and decrypted with the key of %(key)s"),
        _(
            "It is stored as it came. Filters and rules saw what is inside; it is decrypted again for whoever reads it. %(why)s"
        ),
        "lock",
    ),
    "mail_no_key": Sentence(
        _("Encrypted (%(protection)s), and no key for it is here"),
        _(
            "It is encrypted for: %(names)s. Add the key under Certificates & keys, then try again; nothing is lost. %(why)s"
        ),
        "lock",
        "warn",
    ),
    "mail_damaged": Sentence(
        _("Encrypted (%(protection)s), and it can't be decrypted"),
        _("The original is kept and can be tried again. %(why)s"),
        "lock",
        "warn",
    ),
    "mail_opened_later": Sentence(
        _("Decrypted later, with the key of %(key)s"),
        _("A key for it has come since. Filters and rules did not run again."),
        "lock",
    ),
    "signature_good": Sentence(
        _("Signed by %(signer)s"),
        _("%(protection)s: the content is untouched and the signer is who the mail is from. %(why)s"),
        "shield",
    ),
    "signature_untrusted": Sentence(
        _("Signed by %(signer)s, for whom nobody that we trust vouches"),
        _("%(protection)s: the content is untouched, but anybody could have made such a key. %(why)s"),
        "shield",
    ),
    "signature_other_signer": Sentence(
        _("Signed by somebody else: %(signer)s"),
        _("%(protection)s: the signature is good, but it is not of the one in From. %(why)s"),
        "shield",
        "warn",
    ),
    "signature_expired": Sentence(
        _("Signed by %(signer)s with a key that was not valid then"), _("%(protection)s. %(why)s"), "shield", "warn"
    ),
    "signature_revoked": Sentence(
        _("Signed by %(signer)s with a key that was revoked"), _("%(protection)s. %(why)s"), "shield", "warn"
    ),
    "signature_weak": Sentence(
        _("Signed by %(signer)s in a way that anybody could forge today"),
        _("%(protection)s. %(why)s"),
        "shield",
        "warn",
    ),
    "signature_changed": Sentence(
        _("The content is not what was signed"),
        _("%(protection)s: somebody or something changed the mail on its way. %(why)s"),
        "shield",
        "warn",
    ),
    "signature_unknown": Sentence(
        _("Signed, but the signature can't be checked"), _("%(protection)s: %(signer)s. %(why)s"), "shield"
    ),
    "signature_partial": Sentence(
        _("Only a part is signed"),
        _(
            "%(protection)s: a signature of %(signer)s covers a part of the mail, so it says nothing about the rest. %(why)s"
        ),
        "shield",
        "warn",
    ),
    "keys_found": Sentence(
        _("Certificates or keys came with the mail: %(count)s"),
        _("New ones are listed under Certificates & keys, unless collecting is switched off."),
        "key",
    ),
}

LAYERS: Mapping[str, Text] = {
    "opening_failed": _("Postvak said: %(error)s"),
    "failed": _("The mail is built in a way that can't be understood."),
    # S/MIME
    "cbc_unsigned": _(
        "Encrypted in a way that doesn't notice changes, and not signed: somebody may have changed it on its way."
    ),
    "cipher_old": _("The way of encrypting is old and weak."),
    "cipher_unknown": _("The way of encrypting is not known here."),
    "damaged": _("The encrypted content is damaged, or the key doesn't fit."),
    "too_large": _("Unpacked it would be too large."),
    "too_many_layers": _("Too many layers lie in each other."),
    "unreadable": _("The structure is damaged."),
    "content_missing": _("What was signed is not in the mail."),
    "content_changed": _("The digest of the content is another one than the signed one."),
    "signature_wrong": _("The signature doesn't fit the key and the content."),
    "signer_unknown": _("The certificate of the signer is neither in the mail nor here. Ask the sender for it."),
    "signed_outside": _("Who signed this saw only the encrypted mail, not what is in it."),
    "weak_signature": _("%(algorithm)s is broken or too short."),
    "other_signer": _("The signature is of %(signer)s, the mail says it is from %(sender)s."),
    "untrusted_issuer": _("Issued by %(issuer)s, which is none of the trusted authorities and none of theirs."),
    "self_signed": _("Who signed issued the certificate to himself."),
    "cert_expired": _("The certificate of %(subject)s had expired."),
    "cert_not_yet": _("The certificate of %(subject)s was not valid yet."),
    "cert_revoked": _("The certificate of %(subject)s was revoked."),
    "not_for_mail": _("The certificate of %(subject)s is not meant for mail."),
    "names_not_allowed": _("The authority %(subject)s may not issue certificates for such addresses."),
    "weak_chain": _("A certificate of the chain is signed in a way that is broken: %(subject)s."),
    # OpenPGP
    "no_openpgp": _("There is no OpenPGP message in it."),
    "pgp_damaged": _("The OpenPGP message is damaged."),
    "pgp_unsupported": _("This kind of OpenPGP message is not understood here."),
    "pgp_unprotected": _("The message has no protection against changes, so it isn't shown."),
    "pgp_password": _("It is encrypted with a password, not with a key."),
    "signature_no_key": _("The key of the signer is not here: %(names)s. Ask the sender for it."),
    "signature_unreadable": _("The signature is damaged or of a kind that is not understood."),
    "signature_changed": _("The signature doesn't fit the content."),
    "clear_text_forged": _(
        "The marks of the signed text are not as they must be: what is shown may be more than what was signed."
    ),
    "key_not_for_signing": _("The key is not meant for signing."),
    "key_revoked": _("The key was revoked."),
    "key_expired": _("The key had expired."),
    "key_not_taken_over": _(
        "Nobody here has taken this key over yet: compare its fingerprint with the owner, then take it over."
    ),
    "weak_hash": _("The signature is made with a digest that is broken."),
    "weak_key": _("The key is too short or of a kind that is broken."),
    "signature_expired": _("The signature itself had expired."),
    "signed_in_future": _("The signature says that it was made later than the mail came."),
    "no_single_sender": _("The mail doesn't have exactly one sender."),
}

VERDICTS: Mapping[str, Text] = {
    "good": _("Signed by %(signer)s"),
    "untrusted": _("Signed by %(signer)s, nobody vouches for it"),
    "other_signer": _("Signed by somebody else: %(signer)s"),
    "expired": _("Signed with a key that was not valid: %(signer)s"),
    "revoked": _("Signed with a revoked key: %(signer)s"),
    "weak": _("Weak signature: %(signer)s"),
    "changed": _("Changed after it was signed"),
    "unknown": _("Signature can't be checked"),
    "partial": _("Only a part is signed"),
}

STATES: Mapping[str, Text] = {
    "open": _("Encrypted"),
    "part": _("Partly encrypted"),
    "sealed": _("Sent encrypted"),
    "no_key": _("Encrypted, no key here"),
    "damaged": _("Encrypted, can't be decrypted"),
}

REFUSED: Mapping[str, Text] = {
    "signer_unusable": _("The key for signing can't be read: %(subject)s."),
    "signer_without_private": _("The private part of the key for signing is not here: %(subject)s."),
    "signer_unfit": _("The key is not meant for signing: %(subject)s."),
    "signer_revoked": _("The key for signing was revoked: %(subject)s."),
    "signer_expired": _("The key for signing has expired: %(subject)s."),
    "signer_not_yet": _("The key for signing is not valid yet: %(subject)s."),
    "recipient_unusable": _("The key of %(address)s can't be read."),
    "recipient_unfit": _("The key of %(address)s can't be used for encrypting."),
    "recipient_revoked": _("The key of %(address)s was revoked."),
    "recipient_expired": _("The key of %(address)s has expired."),
    "recipient_not_yet": _("The key of %(address)s is not valid yet."),
    "no_recipients": _("There is nobody to encrypt it for."),
    "other_kind": _("S/MIME and OpenPGP keys can't be used for one mail: %(subject)s."),
}
LISTS: Mapping[str, Text] = {
    "unreadable": _("This is no revocation list."),
    "unknown": _(
        "It is of “%(name)s”, an authority that isn’t here, or for which no trusted authority vouches. Add its certificate first."
    ),
    "unsigned": _("It says that it is of “%(name)s”, but that authority didn’t sign it."),
    "old": _("A newer list of “%(name)s” is here already."),
    "future": _("The list of “%(name)s” says that it will be issued only in the future."),
    "partial": _(
        "The list of “%(name)s” holds only changes, or certificates of others. Add the complete list of the authority."
    ),
}
UNKNOWN = _("Something unexpected went wrong (%(error)s).")


def layer_sentence(code: str, parameters: Mapping[str, str]) -> str:
    """Why a layer is what it is; "" where its verdict says it all."""
    text = LAYERS.get(code)
    return str(text) % Known(parameters) if text else ""


def refused_sentence(problem: CannotProtect) -> str:
    """Why a mail can't be signed or encrypted, for people."""
    return str(REFUSED.get(problem.code, UNKNOWN)) % Known({"error": problem.code} | problem.parameters)


def list_sentence(code: str, name: str) -> str:
    """Why a revocation list isn't taken (keys.revocations.CannotTake); `name`: of its authority."""
    return str(LISTS[code]) % {"name": name}


class Known(dict[str, str]):
    """What an older row doesn't have shows as a dash."""

    def __missing__(self, key: str) -> str:
        return "–"
