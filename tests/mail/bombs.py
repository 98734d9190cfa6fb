"""Mails that are made to cost much. Each a function of nothing, so that they are built only when needed."""

from __future__ import annotations

import base64
from collections.abc import Callable


def _nested(levels: int) -> bytes:
    return b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(levels))


def _closed(levels: int) -> bytes:
    return _nested(levels) + b"\nText\n" + b"".join(b"--b%d--\n" % n for n in reversed(range(levels)))


def _multipart(body: bytes) -> bytes:
    return b"From: ann@x.example\nContent-Type: multipart/mixed; boundary=b\n\n" + body


BOMBS: dict[str, Callable[[], bytes]] = {
    "10,000 parts": lambda: _multipart(b"--b\nContent-Type: text/plain\n\nHallo\n" * 10_000 + b"--b--\n"),
    "10,000 html parts": lambda: _multipart(b"--b\nContent-Type: text/html\n\n<p>Hallo <a href=x>x</a>\n" * 10_000),
    "10,000 files": lambda: _multipart(b'--b\nContent-Disposition: attachment; filename="a.b"\n\nHallo\n' * 10_000),
    "1,000 levels": lambda: _closed(1000),
    "1,000 levels unclosed": lambda: _nested(1000),
    "1,000 levels of one boundary": lambda: b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" * 1000,
    "1,000 messages": lambda: b"Content-Type: message/rfc822\n\n" * 1000,
    "a digest of digests": lambda: b"Content-Type: multipart/digest; boundary=b\n\n--b\n\n" * 1000,
    "digests in digests": lambda: b"".join(
        b"Content-Type: multipart/digest; boundary=b%d\n\n--b%d\n\n" % (n, n) for n in range(1000)
    ),
    "1,000 attached messages": lambda: _multipart(b"--b\nContent-Type: message/rfc822\n\nSubject: x\n\nText\n" * 1000),
    "10 MB in one header": lambda: b"Subject: " + b"x" * 10_000_000 + b"\n\nText",
    "10 MB of headers": lambda: b"X-Thing: something that is long\n" * 312_500 + b"\nText",
    "10 MB of folded header": lambda: b"Subject: x\n" + b" y\n" * 3_300_000 + b"\nText",
    "4 MB of odd lines": lambda: b"Subject: x\n" + b"odd line\n" * 400_000 + b"From: a@x.example\n\nText",
    "headers without end in all parts": lambda: _multipart((b"--b\n" + b"X: y\n" * 2000) * 1000),
    "100,000 addresses": lambda: b"To: " + b"a@x.example, " * 100_000 + b"\n\nText",
    "100,000 named addresses": lambda: b"To: " + b'"Ann, A." <a@x.example>,\n ' * 100_000 + b"\n\nText",
    "100,000 recipients in lines": lambda: b"To: a@x.example\n" * 100_000 + b"\nText",
    "encoded words": lambda: b"Subject: " + b"=?utf-8?Q?a?= " * 20_000 + b"\n\nText",
    "unfinished encoded words": lambda: b"Subject: " + b"=?utf-8?Q?" * 25_000 + b"\n\nText",
    "beginnings of encoded words": lambda: b"Subject: " + b"=?" * 125_000 + b"\n\nText",
    "encoded words of many charsets": lambda: b"From: " + b"=?utf-8?B?4pyT?= =?koi8-r?Q?=D0?= " * 8000 + b"\n\nText",
    "parentheses": lambda: b"From: " + b"(" * 250_000 + b"\n\nText",
    "pairs of parentheses": lambda: b"From: " + b"(" * 100_000 + b")" * 100_000 + b" a@x\n\nText",
    "quotes and backslashes": lambda: b"From: " + b'"\\' * 100_000 + b"\n\nText",
    "angles": lambda: b"From: " + b"<" * 250_000 + b"\n\nText",
    "at signs": lambda: b"From: " + b"@" * 250_000 + b"\n\nText",
    "references": lambda: b"References: " + b"<a@b> " * 40_000 + b"\n\nText",
    "parameters": lambda: b"Content-Type: text/plain" + b"".join(b"; n*%d=x" % n for n in range(20_000)) + b"\n\nText",
    "blanks in parameters": lambda: b"Content-Type: text/plain;" + b" " * 200_000 + b"x\n\nText",
    "delimiters of no part": lambda: _multipart(b"--bx\n" * 400_000),
    "dashes": lambda: _multipart(b"-" * 2_000_000),
    "lines of dashes": lambda: _multipart(b"--\n" * 700_000),
    "closing delimiters": lambda: _multipart(b"--b\n\n--b--\n" * 100_000),
    "2 MB of line ends": lambda: b"Subject: x\n\n" + b"\n" * 2_000_000,
    "5 MB in one line": lambda: b"Subject: x\n\n" + b"x" * 5_000_000,
    "2 MB of flowed quotes": lambda: b"Content-Type: text/plain; format=flowed\n\n" + b"> > > x \n" * 200_000,
    "2 MB of broken base64": lambda: b"Content-Type: a/b\nContent-Transfer-Encoding: base64\n\n" + b"QUJ=\n" * 400_000,
    "5 MB of equal signs": lambda: b"Content-Type: a/b\nContent-Transfer-Encoding: base64\n\nQ" + b"=" * 5_000_000 + b"Q",
    "soft line breaks": lambda: b"Content-Transfer-Encoding: quoted-printable\n\n" + b"= \n" * 400_000,
    "blanks after equal signs": lambda: b"Content-Transfer-Encoding: quoted-printable\n\n=" + b" " * 1_000_000,
    "uuencoded files": lambda: b"Subject: x\n\n" + b"begin 644 a\n#0V%T\n`\nend\n" * 40_000,
    "uuencoded without end": lambda: b"Subject: x\n\n" + b"begin 644 a\n" * 100_000,
    "one uuencoded without end": lambda: b"Subject: x\n\nbegin 644 a\n" + b"#0V%T\n" * 300_000,
    "deep html": lambda: b"Content-Type: text/html\n\n" + b"<div>" * 100_000 + b"Text",
    "deep html, closed": lambda: b"Content-Type: text/html\n\n" + b"<b>" * 100_000 + b"x" + b"</b>" * 100_000,
    "unfinished tags": lambda: b"Content-Type: text/html\n\n" + b"<a href=" * 100_000,
    "100,000 links": lambda: b"Content-Type: text/html\n\n" + b"<a href=//x.example/>y.example</a>" * 30_000,
    "100,000 images": lambda: b"Content-Type: text/html\n\n" + b"<img src=//x.example/p width=1>" * 30_000,
    "style addresses": lambda: b"Content-Type: text/html\n\n<style>" + b"url(" * 200_000 + b"</style>",
    "entities": lambda: b"Content-Type: text/html\n\n" + b"&amp;" * 300_000,
    "calendar": lambda: b"Content-Type: text/calendar\n\n" + b"BEGIN:VEVENT\nSUMMARY:x\n" * 50_000,
    "calendar parameters": lambda: b"Content-Type: text/calendar\n\nBEGIN:VEVENT\nSUMMARY" + b';a="b"' * 100_000,
    "tnef of lengths": lambda: b"Content-Type: application/ms-tnef; name=winmail.dat\n\n\x78\x9f\x3e\x22"
    + b"\0\0" + b"\x02\x02\x90\x06\x00\x00\x00\x00\x00\x00\x00" * 100_000,
    "tnef of properties": lambda: b"Content-Type: application/ms-tnef; name=winmail.dat\n"
    b"Content-Transfer-Encoding: base64\n\n" + base64.b64encode(
        b"\x78\x9f\x3e\x22\0\0\x01\x03\x90\x06\x00" + (400_004).to_bytes(4, "little") + b"\xff\xff\xff\xff"
        + b"\x03\x10\x01\x30\xff\xff\xff\xff" * 50_000
    ),
    "nul bytes": lambda: b"\0" * 1_000_000,
    "escape sequences": lambda: b"Content-Type: text/plain; charset=iso-2022-jp\n\n" + b"\x1b$B!!\x1b(B" * 200_000,
    "utf-7": lambda: b"Content-Type: text/plain; charset=utf-7\n\n" + b"+" * 1_000_000,
}  # fmt: skip
