"""The raw mails of the small installation's customers, with HTML, pictures and files."""

import struct
import zlib
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from html import escape

FRAME = """<html><body style="font-family: Georgia, serif"><p>{words}</p>
<table border="1" cellpadding="4"><tr><td style="background: #eef">Typ</td><td>LD-200</td></tr><tr><td>Watt</td><td>3–60</td></tr></table>
<p><img src="https://pixel.example/open.gif" alt=""></p></body></html>"""
TEXT = "Art.-Nr.;Menge;Bezeichnung\r\nHS-9;6;Hallenstrahler\r\nLD-200;3;Dimmer\r\n"


def letter(
    *,
    name: str,
    email: str,
    to: str,
    subject: str,
    text: str,
    message_id: str,
    at: datetime,
    answers: Sequence[str] = (),
) -> EmailMessage:
    """`answers`: Message-IDs of the conversation so far, without <>."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = formataddr((name, email))
    mail["To"], mail["Subject"] = to, subject
    mail["Message-ID"], mail["Date"] = f"<{message_id}>", format_datetime(at)
    if answers:
        mail["In-Reply-To"] = f"<{answers[-1]}>"
        mail["References"] = " ".join(f"<{one}>" for one in answers)
    mail.set_content(text + "\n", cte="quoted-printable")
    return mail


def add_html(mail: EmailMessage, text: str) -> None:
    words = escape(text).replace("\n\n", "</p><p>").replace("\n", "<br>")
    mail.add_alternative(FRAME.format(words=words), subtype="html", cte="quoted-printable")


def add_files(mail: EmailMessage, names: Sequence[str]) -> None:
    """Pictures by their name, else text."""
    for number, name in enumerate(names):
        if name.endswith(".png"):
            mail.add_attachment(picture(number), maintype="image", subtype="png", filename=name)
        else:
            mail.add_attachment(TEXT.encode(), maintype="text", subtype="plain", filename=name)


def picture(number: int, width: int = 480, height: int = 320) -> bytes:
    """A lamp in the dark, more or less: PNG, 8 bits RGB (ISO/IEC 15948)."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            light = max(0, 255 - int(((x - width / 2) ** 2 + (y - height / 3) ** 2) ** 0.5 * (1.1 + number / 4)))
            rows += bytes((40 + light * 5 // 6, 36 + light * 3 // 4, 48 + light // 3))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(kind, data)
        for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b""))
    )


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
