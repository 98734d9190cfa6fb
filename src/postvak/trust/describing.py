"""What `describe` says of a mail's sender, with the answers of a name server from a file: auth_dkim, auth_dmarc, auth_arc.

The file: `{name: {"txt": […], "a": […], "mx": […]} or {"rcode": "nxdomain" | "norec" | "timeout" | …}}`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from postvak.mail.parse import parse
from postvak.net.answers import NONE, UNREACHABLE, Answer, Ask
from postvak.net.dns_records import Lookup
from postvak.trust.arc import check_chain
from postvak.trust.canonical import letter_of
from postvak.trust.dmarc import author_domain
from postvak.trust.examine import Handover, domain_of, examine
from postvak.trust.values import Result

FILE = "dns.json"
NOT_THERE = frozenset({"nxdomain", "norec", "noerror"})
ELSEWHERE = "1.0.0.7"  # some server of the Internet that nobody lets send


@lru_cache(maxsize=4)
def answers_in(folder: Path) -> Ask | None:
    """None where the folder has no such file."""
    path = folder / FILE
    if not path.is_file():
        return None
    records: Mapping[str, Any] = {name.lower().rstrip("."): row for name, row in json.loads(path.read_text()).items()}

    def ask(name: str, kind: str = "TXT") -> Answer:
        return answer_of(records.get(name.strip().lower().rstrip(".")), kind)

    return ask


def answer_of(row: Any, kind: str) -> Answer:
    if isinstance(row, Sequence) and not isinstance(row, str):
        row = {"txt": row}
    if not isinstance(row, Mapping):
        return NONE
    code = str(row.get("rcode", "noerror")).lower()
    if code not in NOT_THERE:
        return UNREACHABLE
    found = row.get(kind.lower(), ())
    values = tuple(str(value) for value in ([found] if isinstance(found, str) else found))
    return Answer(Lookup.found, values) if values else NONE


def sender(raw: bytes, _fields: object, folder: str) -> dict[str, str]:
    """For `mail.inspect.describe`; nothing where the folder has no answers."""
    ask = answers_in(Path(folder))
    return describe_sender(raw, ask) if ask else {}


def describe_sender(raw: bytes, ask: Ask, *, at: datetime | None = None) -> dict[str, str]:
    """As if the mail came when it says that it was written, from a server that nobody knows."""
    mail, letter = parse(raw), letter_of(raw)
    at = at or mail.date or datetime.now(UTC)
    author = author_domain(letter, domain_of(mail))
    handover = Handover(at=at, is_direct=True, ip=ELSEWHERE, helo="", sender=f"nobody@{author}" if author else "")
    found = examine(raw, mail, handover, ask)
    return {
        "auth_dkim": said(found.dkim_result),
        "auth_dmarc": said(found.dmarc),
        "auth_arc": said(check_chain(letter, ask, at=at)),
    }


def said(result: Result) -> str:
    """A signature that can't be checked because of how it or its key is written proves as little as a wrong one."""
    return Result.failed.value if result is Result.permerror else result.value
