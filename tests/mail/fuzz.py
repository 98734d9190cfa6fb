"""Mails with wounds: real ones (our corpus, and the shared corpora where they are) cut, flipped, repeated, nested.

    python -m tests.mail.fuzz 100000 [SEED]      # reports exceptions, and mails that cost more than they may

Every mutation depends only on the seed and its number, so a finding can be repeated: `mutated(seed, number)`.
"""

from __future__ import annotations

import json
import random
import re
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from postvak.mail.inspect import describe
from postvak.mail.parse import attachment_content, parse
from tests.mail.corpora import CORPORA

OWN = Path(__file__).parent / "corpus"
MAX_SEED_SIZE = 200_000
CPU_SECONDS = 2.0
SNIPPETS = [
    b"\0", b"\xff\xfe", b"=?utf-8?Q?=", b"?=", b"\r\n", b"\n\n", b"\r", b"--", b"<", b'"', b"((", b";", b"\xed\xa0\x80", b"\x1b$B",
    b"Content-Type: multipart/mixed; boundary=b\r\n", b"charset=utf-7", b"charset=utf-16", b"filename*1*='", b"&#xD800;", b"+AAA-",
    b"Content-Transfer-Encoding: base64\r\n", b"Content-Transfer-Encoding: x-uuencode\r\n", b"message/rfc822", b"begin 644 a\n",
    b"Content-Type: text/html\r\n", b"<style>@import url(", b"<a href=", b"BEGIN:VCALENDAR\r\n", b"\x78\x9f\x3e\x22", b"~{", b"=",
]  # fmt: skip
Mutation = Callable[[random.Random, bytes], bytes]


@cache
def seeds() -> tuple[bytes, ...]:
    """Our own mails, then those of the shared corpora in the order of their names."""
    paths = sorted(OWN.glob("*/mail.eml"))
    if CORPORA is not None:
        paths += sorted(CORPORA.glob("*/mails/*"))
    return tuple(path.read_bytes() for path in paths if path.stat().st_size <= MAX_SEED_SIZE)


def flip(chance: random.Random, raw: bytes) -> bytes:
    changed = bytearray(raw)
    for _ in range(chance.randint(1, 20) if raw else 0):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def cut(chance: random.Random, raw: bytes) -> bytes:
    start, end = sorted((chance.randint(0, len(raw)), chance.randint(0, len(raw))))
    return raw[:start] + raw[end:] if chance.random() < 0.7 else raw[:end]


def repeat(chance: random.Random, raw: bytes) -> bytes:
    start = chance.randint(0, len(raw))
    piece = raw[start : start + chance.randint(1, 300)]
    return raw[:start] + piece * chance.randint(2, 30) + raw[start:]


def nest(chance: random.Random, raw: bytes) -> bytes:
    for level in range(chance.randint(1, 5)):
        kind = chance.choice([b"mixed", b"alternative", b"related", b"digest", b"report", b"signed"])
        inside = chance.choice([b"", b"Content-Type: message/rfc822\r\n\r\n"])
        boundary = b"n%d" % (level if chance.random() < 0.7 else 0)
        raw = b"Content-Type: multipart/%b; boundary=%b\r\n\r\n--%b\r\n%b%b\r\n--%b--\r\n" % (
            kind, boundary, boundary, inside, raw, boundary,
        )  # fmt: skip
    return raw


def swap_boundaries(chance: random.Random, raw: bytes) -> bytes:
    found = list(re.finditer(rb"^--[^\r\n]{1,100}", raw, re.M))
    if len(found) < 2:
        return insert(chance, raw)
    one, other = chance.sample(found, 2)
    changed = raw[: one.start()] + other.group() + raw[one.end() :]
    return changed.replace(one.group(), one.group().upper(), 1) if chance.random() < 0.3 else changed


def insert(chance: random.Random, raw: bytes) -> bytes:
    for _ in range(chance.randint(1, 8)):
        at = chance.randint(0, len(raw))
        raw = raw[:at] + chance.choice(SNIPPETS) + raw[at + chance.randint(0, 12) :]
    return raw


def mix(chance: random.Random, raw: bytes) -> bytes:
    other = chance.choice(seeds())
    return raw[: chance.randint(0, len(raw))] + other[chance.randint(0, len(other)) :]


def change_line_ends(chance: random.Random, raw: bytes) -> bytes:
    return re.sub(rb"\r?\n", chance.choice([b"\n", b"\r", b"\r\n", b"\r\r\n", b"\n\r"]), raw)


MUTATIONS: tuple[Mutation, ...] = (flip, cut, repeat, nest, swap_boundaries, insert, mix, change_line_ends)


def mutated(seed: int, number: int) -> bytes:
    """The mail with this number: one to three mutations of one of the seeds."""
    chance = random.Random(f"{seed}/{number}")
    raw = chance.choice(seeds())
    for _ in range(chance.randint(1, 3)):
        raw = chance.choice(MUTATIONS)(chance, raw)[: 4 * MAX_SEED_SIZE]
    return raw


def problem_of(raw: bytes) -> str:
    """What is wrong with our understanding of these bytes: '' for nothing."""
    started = time.process_time()
    fields = describe(raw)
    spent = time.process_time() - started
    failed = [code for code in fields["defects"] if str(code).startswith("failed:")]  # type: ignore[union-attr]
    if failed:
        return f"{failed[0]}"
    json.dumps(fields, ensure_ascii=False).encode("utf-8")  # no lone surrogates
    return "" if spent <= CPU_SECONDS else f"{spent:.1f} s for {len(raw)} bytes"


def cuttable(raw: bytes) -> bool:
    """Is every attachment found again by its number?"""
    return all(attachment_content(raw, info.index)[0] == info for info in parse(raw).attachments[:3])


def problems(seed: int, count: int, seconds: float = float("inf")) -> Iterator[tuple[int, str]]:
    """(number, problem) of all mutated mails in which there is one, until the time is over."""
    started = time.monotonic()
    for number in range(count):
        if time.monotonic() - started > seconds:
            return
        raw = mutated(seed, number)
        problem = problem_of(raw) or ("" if number % 10 or cuttable(raw) else "attachment not found again")
        if problem:
            yield number, problem


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    found = 0
    for number, problem in problems(seed, count):
        found += 1
        print(f"mutated({seed}, {number}): {problem}", flush=True)
    print(f"{count} mails, {found} problems")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
