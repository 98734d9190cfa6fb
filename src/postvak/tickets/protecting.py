"""How an agent's mail goes out: signed, encrypted, or as it is; and what he is asked before a secret is answered in clear. Spec 05."""

from collections.abc import Sequence
from dataclasses import replace

from django.utils.translation import gettext as _

from postvak.crypto.values import Act
from postvak.keys.security import layers_of, security_of
from postvak.models import Encrypt, Message, Queue, Sign
from postvak.send.protect import CannotBeProtected, Wish, plan, policy_of
from postvak.send.protection import Protection, is_encrypted
from postvak.send.sender import CannotAnswer, Sender
from postvak.tickets.posting import Sending

IN_CLEAR = "in_clear"  # what an agent accepts who answers an encrypted mail without encrypting
QUOTE_UNPROVEN = "quote_unproven"  # what he wants who quotes one of which it isn't sure who wrote it (keys.authors)


class InClear(CannotAnswer):
    """An encrypted mail would be answered unencrypted."""

    despite = (IN_CLEAR,)

    def __init__(self) -> None:
        super().__init__(
            "encrypt",
            _(
                "The mail that you answer was encrypted, and your answer is not. Nothing of it is quoted. Encrypt it, or send it all the same."
            ),
        )


def protection_for(
    queue: Queue, sender: Sender, recipients: Sequence[str], how: Sending, about: Message | None = None
) -> Protection | None:
    """`about`: the mail that it answers, continues or passes on. Raises CannotAnswer, and nothing was written."""
    wish = Wish(how.sign, how.encrypt, about_encrypted=is_encrypted(about))
    found = plan(sender, recipients, policy_of(queue, sender.address), wish)
    is_open = found is None or not found.encrypt
    if is_open and wish.about_encrypted and how.known is not None and IN_CLEAR not in how.despite:
        raise InClear
    return found


def protection_again(
    queue: Queue, sender: Sender, recipients: Sequence[str], how: Sending, first: Message
) -> Protection | None:
    """Of a mail that goes out once more: at least as it did the first time."""
    before = first.outgoing.protection if hasattr(first, "outgoing") else None
    wish = Wish(
        how.sign or (True if before and before.get("sign") is not None else None),
        how.encrypt or (True if is_encrypted(first) else None),
    )
    return plan(sender, recipients, policy_of(queue, sender.address), wish)


def check_travels(queue: Queue, sender: Sender, about: Message) -> None:
    """A redirected mail goes out as it came: nothing of ours is put around it. Raises CannotBeProtected."""
    policy = policy_of(queue, sender.address)
    if policy.encrypt == Encrypt.ALWAYS and not is_all_encrypted(about):
        text = _("Mails from here must be encrypted, and a redirected mail goes out as it came. Forward it instead.")
        raise CannotBeProtected("encrypt", text)
    if policy.sign == Sign.ALWAYS:
        text = _("Mails from here must be signed, and a redirected mail goes out as it came. Forward it instead.")
        raise CannotBeProtected("sign", text)


def is_all_encrypted(about: Message) -> bool:
    """Not only a part of it."""
    security = security_of(about)
    layers = layers_of(security.report) if security else []
    return any(layer.act is Act.encrypted and layer.covers_all for layer in layers)


def for_preview(queue: Queue, sender: Sender, recipients: Sequence[str], how: Sending, about: Message | None) -> bool:
    """Would it go out encrypted? What is impossible is shown as it would be if it were possible."""
    try:
        found = protection_for(queue, sender, recipients, replace(how, known=None), about)
    except CannotBeProtected as problem:
        return problem.field == "encrypt"
    return found is not None and found.encrypt
