"""What Ann writes: a mail with everything a careless or hostile customer can put into one, and her answer."""

import struct
import zlib
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

TRACKER = "http://tracker.customer.example"
INVOICE = b"%PDF-1.4\n" + bytes(range(256)) * 40
HTML = f"""<html><head><title>Lamp</title><style>p {{ color: #204080 }}</style></head><body>
<p>Hello team,</p>
<p>since yesterday the <b>lamp in the hall</b> flickers. This is how it looks:</p>
<p><img src="cid:lamp@customer.example" alt="The lamp" width="320" height="120"></p>
<table border="1" cellpadding="4"><tr><th>Lamp</th><th>Bought</th></tr><tr><td>Luna 3</td><td>2026-02-11</td></tr></table>
<script>document.title = "taken over"; fetch("{TRACKER}/script")</script>
<p><img src="{TRACKER}/hall.png" alt="The hall" width="40" height="40"></p>
<img src="{TRACKER}/pixel.png" width="1" height="1" onerror="document.title = 'taken over'">
<p onclick="alert(1)">The invoice is attached. Could you send me a new one?</p>
<p>Kind regards,<br>Ann Archer</p></body></html>"""


def first_mail() -> bytes:
    """HTML and text, an inline picture, a remote one, a tracking pixel, a script, an attachment with a name beyond ASCII."""
    mail = headers("The lamp flickers", "first@customer.example")
    mail.set_content("Hello team,\n\nsince yesterday the lamp in the hall flickers.\n\nKind regards,\nAnn Archer\n")
    mail.add_alternative(HTML, subtype="html")
    html = mail.get_payload()[1]  # type: ignore[index,union-attr]
    html.add_related(picture(320, 120), "image", "png", cid="<lamp@customer.example>", filename="lamp.png")  # type: ignore[union-attr,call-arg]
    mail.add_attachment(INVOICE, "application", "pdf", filename="Rechnung № 5 – März.pdf")
    return mail.as_bytes()


def answer_to(raw: bytes) -> bytes:
    """Ann presses "reply" in her mail program."""
    ours = message_from_bytes(raw, policy=SMTP)
    mail = headers(f"Re: {ours['Subject']}", "second@customer.example")
    mail["In-Reply-To"] = ours["Message-ID"]
    mail["References"] = f"{ours['References'] or ''} {ours['Message-ID']}".strip()
    quoted = "\n".join(f"> {line}" for line in ours.get_body(("plain",)).get_content().splitlines())  # type: ignore[union-attr]
    mail.set_content(f"Thank you, that would be great!\n\nOn Saturday Example Support wrote:\n{quoted}\n")
    return mail.as_bytes()


def headers(subject: str, message_id: str) -> EmailMessage:
    mail = EmailMessage(policy=SMTP)
    mail["From"] = "Ann Archer <ann@customer.example>"
    mail["To"] = "lamps@example.org"
    mail["Subject"] = subject
    mail["Date"] = "Sat, 21 Nov 2026 10:00:00 +0100"
    mail["Message-ID"] = f"<{message_id}>"
    return mail


def picture(width: int, height: int) -> bytes:
    """A PNG: a warm light that fades to both sides."""
    rows = b"".join(
        b"\x00" + bytes(c for x in range(width) for c in colour(abs(x - width / 2) / width, y / height))
        for y in range(height)
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def colour(distance: float, depth: float) -> tuple[int, int, int]:
    light = max(0.0, 1 - 2 * distance) * (1 - 0.6 * depth)
    return int(30 + 220 * light), int(28 + 180 * light), int(40 + 80 * light)
