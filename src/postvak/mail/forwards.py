"""Whose mail is passed on here? In the text, or as an attached message. Pure."""

from postvak.mail.parse import attachment_content, parse
from postvak.mail.quotes import forwarded_from
from postvak.mail.values import Mail

ATTACHED = "message/rfc822"
LARGEST = 20_000_000  # bytes of an attached message that is still read


def original_author(raw: bytes, mail: Mail) -> str:
    """The e-mail address of the author of the mail that `mail` (read from `raw`) passes on; '' if it passes none on."""
    inline = forwarded_from(mail.text, subject=mail.subject)
    if inline:
        return inline
    attached = [a for a in mail.attachments if a.content_type == ATTACHED and a.size <= LARGEST]
    if len(attached) != 1:
        return ""
    author = parse(attachment_content(raw, attached[0].index)[1]).author
    return author.email if author else ""
