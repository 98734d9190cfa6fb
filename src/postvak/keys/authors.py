"""Is it sure that whoever stands in From wrote what was encrypted? Encryption proves nothing of an author: somebody may have caught the
mail of another one and sent it again under his own name, or with his own address in Reply-To, so that it comes back decrypted in
our answer. Spec 05."""

from postvak.crypto.values import Act, Verdict
from postvak.keys.reading import reply_to
from postvak.keys.security import MOST_LAYERS, layers_of, security_of
from postvak.mail.addresses import normalise
from postvak.models import MailSecurity, Message
from postvak.trust.values import Level


def may_be_anothers(message: Message) -> bool:
    """Encrypted, opened here, and neither signed inside by the author nor vouched for by his domain (DMARC), or signed, but answers
    would go elsewhere, and his domain doesn't vouch for that: nothing of it is quoted unless an agent wants that. Costs a query
    unless `security` came with the message."""
    security = security_of(message)
    if message.kind != Message.Kind.INCOMING or security is None or not security.encrypted:
        return False
    if security.state != MailSecurity.State.OPEN:
        return False
    if not is_wholly_encrypted(message):  # then nothing that was decrypted is quoted anyway
        return False
    if security.verdict == Verdict.good:
        return not is_vouched_for(message) and wants_answers_elsewhere(message)
    return is_signed_by_another(message, security) or not is_vouched_for(message)


def is_wholly_encrypted(message: Message) -> bool:
    """Everything that is read lay in all its encryptions; or we encrypted it."""
    security = security_of(message)
    if security is None or security.state == MailSecurity.State.SEALED:
        return True
    encrypted = [layer for layer in layers_of(security.report) if layer.act is Act.encrypted]
    is_all_told = len(security.report) < MOST_LAYERS
    return is_all_told and bool(encrypted) and all(layer.covers_all for layer in encrypted)


def is_signed_by_another(message: Message, security: MailSecurity) -> bool:
    """However good that signature is: the domain of the author vouches for the mail, not for having written what was put into it."""
    author = normalise(message.author_email)
    signed = [layer for layer in layers_of(security.report) if layer.act is Act.signed and layer.signers]
    return any(author not in layer.signers for layer in signed)


def wants_answers_elsewhere(message: Message) -> bool:
    """No signature of a mail's content covers its Reply-To."""
    author = normalise(message.author_email)
    return any(normalise(email) != author for email in reply_to(message))


def is_vouched_for(message: Message) -> bool:
    """By the domain of its author. What signatures say stands in `security`."""
    return (message.trust or {}).get("level") == Level.verified.value
