"""What the words of another mail server mean, in one sentence for an agent, with what to do. Spec 04.

First the enhanced status code (RFC 3463, the IANA registry), then words that servers use in its place, then the reply
code (RFC 5321 section 4.2). The server's own words are always shown beside it.
"""

import re
from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from postvak.log.sentence import Text

ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3}\.\d{1,3})(?!\.?\d)")
REPLY = re.compile(r"\A\s*([245]\d\d)\b")
HTTP = re.compile(r"\AHTTP (\d\d\d)\b")  # as send.provider_answers writes what a provider answered

UNKNOWN_ADDRESS = _("This address doesn't exist at the other server: check its spelling, or ask for the right one.")
UNKNOWN_DOMAIN = _("The part after the @ doesn't exist or takes no mail: check its spelling.")
FULL = _("The recipient's mailbox is full: try again in some days, or reach the recipient in another way.")
TOO_LARGE = _("The mail is too large for the other server: send the files in another way, or in several mails.")
UNWANTED = _(
    "The other server takes the mail for spam: write it differently or ask the recipient to allow our address."
)
BLOCKED_SENDER = _(
    "The other server refuses mail of our sending server: an administrator should ask why (block lists)."
)
NOT_ALLOWED = _("The other server's rules don't allow this mail: ask the recipient's administrator.")
PROOF = _("The other server can't verify that the mail is ours: an administrator should check SPF, DKIM and DMARC.")
RELAY = _(
    "Our sending server doesn't pass mail on to this address: an administrator should check the channel's log-in."
)
LOG_IN = _("Our sending server wants another log-in: an administrator should check the sending channel.")
GREYLISTED = _("The other server asks unknown senders to come again: Postvak does so by itself, nothing is to be done.")
BUSY = _("The other server has no time or room at the moment: Postvak tries again by itself.")
TOO_MANY = _("The other server gets too much mail from us at once: Postvak tries again by itself, later.")
CONNECTION = _("The connection to our sending server broke: Postvak tries again by itself.")
LOOP = _("The mail was going round in circles between servers: the recipient's administrator should look at it.")
WRITTEN_WRONG = _("This can't be an address: check its spelling.")
NOT_ASCII = _("Our sending server can't handle letters like ü or é in addresses: ask for another address.")
ENCODING = _("The other server can't handle the form of the mail: send it without unusual files.")
FILE_REFUSED = _(
    "The other server refuses a file of this mail, because such files can do harm: send it in another way."
)
TLS_WANTED = _("The other server wants an encrypted mail or connection: an administrator should look at it.")
OUR_DOMAIN = _("The other server doesn't know the domain of our sending address: an administrator should check it.")
LISTED = _(
    "Our provider sends nothing to this address, because mail to it came back or somebody complained: an administrator can take it off the provider's list."
)
UNVERIFIED = _("Our provider doesn't know our sending address: an administrator should have its domain verified there.")
CANNOT_CARRY = _(
    "Our provider can't carry this mail unchanged: an administrator should send such mails through an SMTP server."
)
NO_KEY = _(
    "There is no valid certificate or key of the recipient here any more, so nothing was sent: add the new one under Certificates & keys, then try again."
)
NO_SIGNER = _(
    "The key that signs this mail is missing, expired or revoked, so nothing was sent: an administrator should add a valid one under Certificates & keys, then try again."
)
SEALED = _(
    "The mail lies here sealed and can't be opened with the keys of this installation, so nothing was sent: an administrator should restore the sealing keys from the backup."
)
NOT_PROTECTED = _(
    "The mail could not be signed or encrypted, and nothing of it was sent: try again, and tell an administrator if it fails once more."
)
PROTOCOL = _("The servers didn't understand each other: an administrator should look at the server's words.")

BY_STATUS: Mapping[str, Text] = {
    "1.0": UNKNOWN_ADDRESS,
    "1.1": UNKNOWN_ADDRESS,
    "1.2": UNKNOWN_DOMAIN,
    "1.3": WRITTEN_WRONG,
    "1.4": _("Several people have this address at the other server: ask for a more exact one."),
    "1.6": _("The recipient has moved and left no new address: ask for it."),
    "1.7": _("The other server doesn't like our sending address: an administrator should check it."),
    "1.8": OUR_DOMAIN,
    "1.9": PROTOCOL,
    "1.10": _("The recipient's domain says that it takes no mail: ask for another address."),
    "2.0": _("The recipient's mailbox can't be reached: ask the recipient in another way."),
    "2.1": _("The recipient's mailbox is switched off: ask for another address."),
    "2.2": FULL,
    "2.3": TOO_LARGE,
    "2.4": _("The address is a mailing list that doesn't work: ask who looks after it."),
    "3.1": BUSY,
    "3.2": BUSY,
    "3.3": NOT_ASCII,
    "3.4": TOO_LARGE,
    "3.5": _("The other server is set up wrongly: the recipient's administrator should look at it."),
    "4.1": _("The other server doesn't answer at present: it may be down."),
    "4.2": CONNECTION,
    "4.3": _("The other mail server can't be found, because a name server doesn't answer: ask an administrator."),
    "4.4": UNKNOWN_DOMAIN,
    "4.5": BUSY,
    "4.6": LOOP,
    "4.7": _("The mail couldn't be delivered in time: the other server wasn't to be reached for days."),
    "5.3": _("The mail has too many recipients for the other server: send it to fewer at once."),
    "6.1": ENCODING,
    "6.3": ENCODING,
    "6.7": NOT_ASCII,
    "6.9": NOT_ASCII,
    "7.0": NOT_ALLOWED,
    "7.1": NOT_ALLOWED,
    "7.2": _("Only certain people may write to this list: ask the recipient."),
    "7.3": NOT_ALLOWED,
    "7.4": TLS_WANTED,
    "7.5": PROOF,
    "7.7": PROOF,
    "7.8": LOG_IN,
    "7.9": LOG_IN,
    "7.10": TLS_WANTED,
    "7.13": _("The account at the other server is switched off: ask for another address."),
    "7.17": _("This address belongs to somebody else now: ask the recipient for the new one."),
    "7.18": _("The recipient's domain belongs to somebody else now: ask the recipient for the new address."),
    "7.20": PROOF,
    "7.21": PROOF,
    "7.22": PROOF,
    "7.23": PROOF,
    "7.24": PROOF,
    "7.25": BLOCKED_SENDER,
    "7.26": PROOF,
    "7.27": _("The other server says that our sending address takes no mail: an administrator should check it."),
    "7.28": TOO_MANY,
    "7.29": PROOF,
    "7.30": TLS_WANTED,
    "7.57": LOG_IN,
    "7.64": NOT_ALLOWED,
}

# Words that say more than the code beside them: some servers give these codes another meaning. First match wins.
BEFORE_CODES: tuple[tuple[re.Pattern[str], Text], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), sentence)
    for pattern, sentence in (
        # Ours, as send.sealed and send.deliver write them.
        (r"\ANot sent unencrypted: no valid", NO_KEY),
        (r"\ANot sent unsigned: no valid", NO_SIGNER),
        (r"\ANot sent: .{0,200} can't be opened with the sealing keys", SEALED),
        (r"\ANot sent: .{0,200} can't carry a part of this mail", CANNOT_CARRY),
        (r"\ANot sent", NOT_PROTECTED),
        (r"gr[ea]y-?list", GREYLISTED),
        (r"recipient address rejected: access denied", UNKNOWN_ADDRESS),  # Microsoft's 5.4.1
        (r"not accepted for policy reasons", NOT_ALLOWED),  # Yahoo's 5.7.9
        (r"deferred due to (user complaints|unexpected volume)", TOO_MANY),
        (r"potential security issue|\b(virus|malware)\b.{0,40}(found|detected)|infected (file|with|mail|message)", FILE_REFUSED),
        (r"can't carry a part of this mail|\A[a-z ]{3,20} does not support ", CANNOT_CARRY),
        (
            r"inactive (recipient|address)|marked as inactive|suppress(ion|ed)|previously (bounced|unsubscribed|complained)|preblocked|"
            r"^(bounced|unsubscribed|spam reporting) address|blacklist(ed)? user|user.{0,20}blacklisted",
            LISTED,
        ),
    )
)  # fmt: skip

# Words, where the code is missing or says only "not allowed". First match wins.
BY_WORDS: tuple[tuple[re.Pattern[str], Text], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), sentence)
    for pattern, sentence in (
        (r"sender address rejected: domain|domain of sender|sender('s)? domain.{0,20}(unknown|not found|not exist)", OUR_DOMAIN),
        (
            r"\AHTTP 4.{0,200}\b(sender|from|identity|email address|domain)\b.{0,80}(not|n't|unverified).{0,40}(verified|match|authori[sz]ed|registered|confirmed)",
            UNVERIFIED,
        ),
        (r"authentication level", PROOF),
        (r"(attachment|file).{0,40}(not allowed|blocked|prohibited|forbidden|denied|rejected)", FILE_REFUSED),
        (r"starttls|\btls (is )?required|requires? (tls|encryption)|encryption (is )?(required|needed)", TLS_WANTED),
        (r"relay(ing)? (access )?(is )?(denied|not permitted|not allowed)|unable to relay", RELAY),
        (r"authentication (is )?required|must authenticate|auth(entication)? credentials|535\b", LOG_IN),
        (r"(block|black|deny)[- ]?list|traffic not accepted from this ip|spamhaus|barracuda|\brbl\b|\bdnsbl\b|reputation|banned sending ip", BLOCKED_SENDER),
        (r"\b(spf|dkim|dmarc)\b|unauthenticated (email|mail)", PROOF),
        (r"\bspam\b|\bunsolicited\b|\bjunk\b|looks like|message content rejected", UNWANTED),
        (r"(mailbox|quota|storage).{0,30}(full|exceeded)|over ?quota|out of storage", FULL),
        (r"(message|mail|size|entity|payload).{0,30}(too (large|big)|exceeds)|size limit|^HTTP 413", TOO_LARGE),
        (r"too many (connections|messages|mails)|rate.?limit|throttl|sending rate|^HTTP 429", TOO_MANY),
        (r"\bno mx\b|mx lookup fail|no mail host|invalid domain", UNKNOWN_DOMAIN),
        (r"invalid '?(to|cc|bcc)'? address|not a valid (email )?address|bad ?email ?address", WRITTEN_WRONG),
        (r"(host|domain).{0,20}(not found|unknown|doesn't exist|does not exist)|nxdomain", UNKNOWN_DOMAIN),
        (
            r"(no such|unknown|invalid|non-?existent) (user|recipient|mailbox|address|account)|user (is )?unknown|"
            r"(user|recipient|mailbox|address|account).{0,30}(not found|unknown|unavailable|does(n't| not) exist|disabled|not exist)|"
            r"recipient (address )?rejected",
            UNKNOWN_ADDRESS,
        ),
        (r"\bloop\b|too many hops", LOOP),
        (r"connection (lost|refused|reset|broke|closed)|timed? ?out|unreachable|failed to establish", CONNECTION),
        (r"^HTTP 5\d\d", BUSY),
    )
)  # fmt: skip
VAGUE = {"0.0", "7.0", "7.1", "3.0", "5.0", "1.0", "2.0", "4.0", "6.0"}

BY_REPLY: Mapping[int, Text] = {
    421: BUSY,
    450: BUSY,
    451: BUSY,
    452: BUSY,
    454: LOG_IN,
    501: WRITTEN_WRONG,
    530: LOG_IN,
    535: LOG_IN,
    550: _("The other server refuses this recipient: check the address, or ask the recipient in another way."),
    551: _("The recipient isn't at this server any more: ask for the new address."),
    552: TOO_LARGE,
    553: WRITTEN_WRONG,
    554: _("The other server refuses the mail: its own words may say why."),
}
BY_CLASS: Mapping[str, Text] = {
    "2": _("The other server has taken the mail."),
    "4": _("The other server can't take the mail at the moment: Postvak tries again by itself."),
    "5": _("The other server refuses the mail for good: its own words may say why."),
}
DELAYED_FULL = _("The recipient's mailbox is full: Postvak tries again by itself for some days.")
DELAYED_ADDRESS = _("The other server can't check this address at the moment: Postvak tries again by itself.")

NO_MORE = _("The other server has no time or room for the mail: Postvak has given up, send it again by hand later.")
PROMISES = (GREYLISTED, BUSY, TOO_MANY, CONNECTION)  # to try again, which isn't true after a permanent refusal

# Compared by identity: what is translated lazily has another hash in every language.
SOFTER = (
    (FULL, DELAYED_FULL),
    (UNKNOWN_ADDRESS, DELAYED_ADDRESS),
    (UNKNOWN_DOMAIN, DELAYED_ADDRESS),
    (WRITTEN_WRONG, DELAYED_ADDRESS),
)
TRUE_OF_BOTH = (
    GREYLISTED, BUSY, TOO_MANY, CONNECTION, LOG_IN, BLOCKED_SENDER, PROOF, TLS_WANTED, OUR_DOMAIN, UNVERIFIED, BY_STATUS["4.1"], BY_STATUS["4.3"],
)  # fmt: skip
NOT_WANTED = (UNWANTED, BLOCKED_SENDER, NOT_ALLOWED, PROOF, FILE_REFUSED)
GONE = re.compile(r"1\.(1|2|3|6|10)|2\.1|7\.(13|17|18)")


def explanation(said: str, *, code: int | None = None, is_final: bool | None = None) -> str:
    """One whole sentence for the server's words; "" when there is nothing to explain. `is_final`: nothing more is tried,
    whatever the words say (three days are over); None: they tell it."""
    kind, subject = enhanced(said)
    reply = code or reply_code(said)
    kind = kind or (str(reply)[0] if reply else http_class(said))
    if kind == "2" or not (said.strip() or reply):
        return ""
    sentence = by_words_and_codes(said, subject, reply)
    if sentence is None:
        return str(BY_CLASS.get("5" if is_final and kind == "4" else kind, ""))
    is_over = kind != "4" if is_final is None else is_final
    return str(hardened(sentence) if is_over else softened(sentence))


def by_words_and_codes(said: str, subject: str, reply: int | None) -> Text | None:
    before = next((sentence for pattern, sentence in BEFORE_CODES if pattern.search(said)), None)
    if before is not None:
        return before
    if subject in BY_STATUS and subject not in VAGUE:
        return BY_STATUS[subject]
    by_words = next((sentence for pattern, sentence in BY_WORDS if pattern.search(said)), None)
    return by_words or BY_STATUS.get(subject) or BY_REPLY.get(reply or 0)


def softened(sentence: Text) -> Text:
    """A temporary refusal isn't the end: no sentence may tell the agent to give up on the address."""
    for hard, soft in SOFTER:
        if sentence is hard:
            return soft
    return sentence if any(sentence is true for true in TRUE_OF_BOTH) else BY_CLASS["4"]


def hardened(sentence: Text) -> Text:
    return NO_MORE if any(sentence is promise for promise in PROMISES) else sentence


def is_address_gone(said: str, *, code: int | None = None) -> bool:
    """A permanent refusal because of the recipient's address itself: nothing that is sent there arrives (hard bounce)."""
    kind, subject = enhanced(said)
    reply = code or reply_code(said)
    if (kind or str(reply or http_class(said) or "5")[0]) != "5":
        return False
    if subject and subject not in VAGUE:
        return bool(GONE.fullmatch(subject))
    found = by_words_and_codes(said, subject, None)
    return found is UNKNOWN_ADDRESS or found is UNKNOWN_DOMAIN


def is_blocked(said: str, *, code: int | None = None) -> bool:
    """A permanent refusal because we, our server or our text aren't wanted: 5.7.x, or words that say so. An address that
    is gone and a server of our own that refuses us aren't meant."""
    kind, subject = enhanced(said)
    if (kind or str(code or reply_code(said) or "")[:1]) != "5" or is_address_gone(said, code=code):
        return False
    found = by_words_and_codes(said, subject, None)
    if any(found is ours for ours in (RELAY, LOG_IN, LISTED, UNVERIFIED, CANNOT_CARRY)):
        return False
    return subject.startswith("7.") or any(found is sentence for sentence in NOT_WANTED)


def enhanced(said: str) -> tuple[str, str]:
    """("5", "1.1") of the first enhanced status code in the words; ("", "") without one."""
    found = ENHANCED.search(said)
    return (found[1], found[2]) if found else ("", "")


def http_class(said: str) -> str:
    """2, 4 or 5, as a mail server would have said it: a provider who is asked too much means "later"."""
    found = HTTP.match(said)
    if found is None:
        return ""
    status = int(found[1])
    if status < 300:
        return "2"
    return "4" if status == 429 or status >= 500 else "5"


def reply_code(said: str) -> int | None:
    found = REPLY.match(said)
    return int(found[1]) if found else None
