"""A load that never changes: how quick is this machine just now?

    python benchmarks/reference.py

Prints {"cpu_ms": …}. It does what Postvak does most, with the standard library only: reads mails, works on words and numbers,
packs, hashes, writes rows. What other programs take from caches and cores slows it as it slows Postvak, so a ratio to it compares
between machines.
"""

import hashlib
import json
import sqlite3
import time
import zlib
from email import message_from_bytes, policy

from ingest import small

ROUNDS = 300


MAILS = [small(number) for number in range(20)]


def main() -> None:
    measured(20)  # what is imported late, and caches
    print(json.dumps({"cpu_ms": round(measured(), 1)}))


def measured(rounds: int = ROUNDS) -> float:
    """Milliseconds of processor time."""
    began = time.process_time()
    load(MAILS, rounds)
    return (time.process_time() - began) * 1000


def load(mails: list[bytes], rounds: int) -> None:
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE TABLE row (id INTEGER PRIMARY KEY, name TEXT, content BLOB)")
        database.execute("CREATE INDEX row_by_name ON row (name)")
        for number in range(rounds):
            raw = mails[number % len(mails)]
            message = message_from_bytes(raw, policy=policy.default)
            words: dict[str, int] = {}
            for word in str(message.get_content()).lower().split():
                words[word] = words.get(word, 0) + len(word)
            packed = zlib.compress(json.dumps(sorted(words.items())).encode() + raw)
            name = hashlib.sha256(packed).hexdigest()
            database.execute("INSERT INTO row (name, content) VALUES (?, ?)", (name, packed))
            database.execute(
                "SELECT id, content FROM row WHERE name >= ? ORDER BY name LIMIT 5", (name[:2],)
            ).fetchall()


if __name__ == "__main__":
    main()
