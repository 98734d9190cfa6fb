"""What understanding a mail costs: CPU in ms for made-up mails of four sizes.

python benchmarks/describe.py            # parse, describe without and with language
"""

import base64
import random
import time

from postvak.mail.inspect import describe
from postvak.mail.parse import parse

SIZES = {"2 KB": 2_000, "20 KB": 20_000, "300 KB": 300_000, "5 MB": 5_000_000}
WORDS = "de het een printer werkt niet meer sinds gisteren graag hulp met vriendelijke groet klant bestelling factuur".split()
chance = random.Random(1)


def text(size: int) -> str:
    lines: list[str] = []
    while sum(map(len, lines[-1:])) + 70 * len(lines) < size:
        lines.append(" ".join(chance.choices(WORDS, k=11)))
    return "\r\n".join(lines)


def head() -> str:
    hops = "".join(
        f"Received: from mx{n}.klant.example (mx{n}.klant.example [192.0.2.{n}])\r\n\tby mx.desk.example with ESMTPS id abc{n}\r\n"
        f"\tfor <help@desk.example>; Sat, 21 Nov 2026 10:15:0{n} +0100\r\n"
        for n in range(4)
    )
    return (
        f"{hops}From: Ann Jansen <ann@klant.example>\r\nTo: Help <help@desk.example>\r\nSubject: =?utf-8?Q?Printer_kapot_=C3=A9?=\r\n"
        "Date: Sat, 21 Nov 2026 10:15:00 +0100\r\nMessage-ID: <1@klant.example>\r\nMIME-Version: 1.0\r\n"
    )


def alternative(size: int) -> str:
    rows = "".join(
        f"<p style='margin:0'>{line} <a href='https://x.example/'>link</a></p>\r\n"
        for line in text(size // 2).split("\r\n")
    )
    return (
        'Content-Type: multipart/alternative; boundary="=_alt"\r\n\r\n--=_alt\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n'
        f"{text(size // 4)}\r\n--=_alt\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body>{rows}</body></html>\r\n--=_alt--\r\n"
    )


def mail(size: int) -> bytes:
    """Plain text, then text with HTML, then the same with a file."""
    if size <= 2_000:
        return f"{head()}Content-Type: text/plain; charset=utf-8\r\n\r\n{text(size - 900)}".encode()
    if size <= 20_000:
        return f"{head()}{alternative(size)}".encode()
    content = base64.encodebytes(chance.randbytes(int((size - 20_000) / 1.37))).replace(b"\n", b"\r\n").decode()
    return (
        f"{head()}Content-Type: multipart/mixed; boundary=mix\r\n\r\n--mix\r\n{alternative(18_000)}\r\n--mix\r\n"
        "Content-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n"
        f"Content-Transfer-Encoding: base64\r\n\r\n{content}--mix--\r\n"
    ).encode()


def milliseconds(raw: bytes, run: object) -> float:
    assert callable(run)
    times = max(3, min(200, 2_000_000 // len(raw)))
    best = float("inf")
    for _ in range(5):
        started = time.process_time()
        for _ in range(times):
            run(raw)
        best = min(best, (time.process_time() - started) / times)
    return 1000 * best


if __name__ == "__main__":
    runs = {
        "parse": parse,
        "describe without language": lambda raw: describe(raw, with_language=False),
        "describe": describe,
    }
    for name, size in SIZES.items():
        raw = mail(size)
        print(f"{name:>7}", *(f"{label} {milliseconds(raw, run):.2f}" for label, run in runs.items()), sep="   ")
