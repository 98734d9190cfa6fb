"""Small mails for tests, written out as bytes."""


def mail(
    *,
    sender: str = "Ann Archer <ann@customer.example>",
    to: str = "support@example.org",
    subject: str = "The lamp flickers",
    message_id: str = "m1@customer.example",
    text: str = "Hello, my lamp flickers.",
    **headers: str,
) -> bytes:
    """A plain text mail; further headers by keyword, `_` for `-` (`in_reply_to="<x@y>"`)."""
    lines = [f"From: {sender}", f"To: {to}", f"Subject: {subject}"]
    if message_id:
        lines.append(f"Message-ID: <{message_id}>")
    lines.append("Date: Sat, 21 Nov 2026 10:00:00 +0100")
    lines += [f"{name.replace('_', '-').title()}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "Content-Type: text/plain; charset=utf-8", "", text, ""]).encode()
