"""What administrators write down so that mails are recognised: senders, and numbers of other systems.

Checks raise ValidationError with a sentence, for forms and for `postvak config apply`.
"""

import re
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from postvak.conditions.operators import BadValue, expression
from postvak.mail.addresses import ascii_domain, is_valid_recipient, normalise, read_author
from postvak.models import CustomField, ExternalNumber
from postvak.process.evidence import first_group


@dataclass(frozen=True, slots=True)
class Trial:
    """What an external number would find. `sender_fits` is None when no sender was given."""

    sender_fits: bool | None
    number: str


def read_sender(typed: str) -> str:
    """A whole address, or a domain ("example.org", "@example.org", "*.example.org"), as it is compared."""
    text = typed.strip().removeprefix("*").removeprefix(".")
    is_domain = "@" not in text.removeprefix("@")
    sender = ascii_domain(text.removeprefix("@").lower()) if is_domain else normalise(text)
    if not is_valid_recipient(f"x@{sender}" if is_domain else sender):
        raise ValidationError(_("“%(text)s” is neither an e-mail address nor a domain.") % {"text": typed.strip()})
    return sender


def read_senders(typed: str) -> str:
    """One on each line, each as it is compared, none twice; typed with commas, blanks or lines between them."""
    return "\n".join(dict.fromkeys(read_sender(word) for word in re.split(r"[\s,;]+", typed) if word))


def check_external_number(external: ExternalNumber) -> None:
    """The expressions work, there is a place to look and a text field to keep the number in."""
    check_expressions(external)
    if not (external.in_subject or external.in_body):
        raise ValidationError({"in_subject": _("Choose where to look: in the subject, in the text, or in both.")})
    if external.field.kind != CustomField.Kind.TEXT:
        raise ValidationError({"field": _("Choose a field of the kind “text”: numbers may have letters in them.")})
    if external.field.holder != CustomField.Holder.TICKET:
        raise ValidationError({"field": _("Choose a field of tickets.")})


def check_expressions(external: ExternalNumber) -> None:
    """Both can be read, and the number is in the one group of its own."""
    groups = 0
    for name in ("sender", "number"):
        try:
            groups = expression(getattr(external, name)).groups
        except BadValue as error:
            raise ValidationError({name: str(error)}) from error
    if groups != 1:
        raise ValidationError({"number": sentence_of_groups(groups)})


def sentence_of_groups(count: int) -> str:
    if not count:
        return _("Put brackets around the number, so that Postvak knows which part it is: Order ([0-9]+)")
    return _("Only the number itself may stand in brackets. For other brackets write (?:…).")


def try_number(external: ExternalNumber, *, sender: str, text: str) -> Trial:
    """What a mail from `sender` ("Ann <ann@example.org>" or the address) with `text` would give, as process.evidence
    finds it; only expressions that check_expressions lets through."""
    number = first_group(expression(external.number), text)
    author = read_author(sender)
    fits = expression(external.sender).search(normalise(author.email).encode()) is not None if author else None
    return Trial(fits, number)
