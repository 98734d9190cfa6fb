"""What a person calls a certificate or key, and how fingerprints are written."""

import re

from django.db.models import Case, F, TextField, Value, When
from django.db.models.functions import Lower, Substr

from postvak.models import CryptoKey

COMMON_NAME = re.compile(r"(?:^|[,+])CN=((?:\\.|[^,+\\])*)")
MAIL = re.compile(r"(?:^|,)(?:email|emailAddress|1\.2\.840\.113549\.1\.9\.1)=([^,\\]+)", re.IGNORECASE)
ESCAPED = re.compile(r"\\([0-9A-Fa-f]{2}|.)")
# As title_of(), near enough for putting many in order: most certificates say their common name first (RFC 4514).
IN_ORDER = Lower(
    Case(
        When(subject__startswith="CN=", then=Substr(F("subject"), Value(4))),
        default=F("subject"),
        output_field=TextField(),
    )
)


def title_of(row: CryptoKey) -> str:
    """The common name of a certificate; the name in the first user id of an OpenPGP key; else the fingerprint."""
    if row.kind == CryptoKey.Kind.PGP:
        name, _mark, _address = row.subject.partition(" <")
        return name.strip() or row.subject or spaced(row.fingerprint)
    found = COMMON_NAME.search(row.subject)
    return unescaped(found[1]) if found and found[1] else row.subject or spaced(row.fingerprint)


def in_words(subject: str) -> str:
    """The name in a certificate as people write it; a user id of OpenPGP is written so already."""
    name, mail = COMMON_NAME.search(subject), MAIL.search(subject)
    if name is None:
        return subject
    text = unescaped(name[1])
    return f"{text} <{mail[1]}>" if mail else text


def unescaped(text: str) -> str:
    r"""RFC 4514 section 2.4: \, and \C4\8D."""
    if not re.search(r"\\[0-9A-Fa-f]{2}", text):
        return ESCAPED.sub(lambda found: found[1], text)
    raw = ESCAPED.sub(lambda found: chr(int(found[1], 16)) if len(found[1]) > 1 else found[1], text)
    try:
        return raw.encode("latin-1").decode()
    except UnicodeError:  # letters stand beside bytes: then nobody can tell
        return text


def spaced(fingerprint: str) -> str:
    letters = fingerprint.upper()
    return " ".join(letters[at : at + 4] for at in range(0, len(letters), 4))
