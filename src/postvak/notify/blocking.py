"""What may stand on the block list: an address, a domain, a pattern; as it is compared. Spec 06."""

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from postvak.mail.addresses import is_valid_recipient, normalise

DOMAIN = re.compile(r"@[^\s@*,;]+\.[^\s@*,;]+")
PATTERN = re.compile(r"[^\s,;]*\*[^\s,;]*")


def read_pattern(typed: str) -> str:
    """In small letters, a domain as it stands in mails. Raises ValidationError with a sentence."""
    pattern = typed.strip().lower()
    if not any(letter.isalnum() for letter in pattern.replace("*", "")):
        raise ValidationError(_("That would stop all automatic mail. Switch the rules off instead, one by one."))
    if is_valid_recipient(pattern):
        return normalise(pattern)
    if not DOMAIN.fullmatch(pattern) and not PATTERN.fullmatch(pattern):
        raise ValidationError(_("Write an address, a domain with @ before it, or a pattern with *."))
    return pattern
