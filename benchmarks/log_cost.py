"""What the communication log costs: fetching and processing mails with it and without it, in turn.

    python benchmarks/log_cost.py --mails 2000 --rounds 3 --json

A real Dovecot on loopback, every batch stored durably, then processed; the log is written as a worker does it, from a thread
of its own. Without it: the recorder of this process notes and writes nothing. Also how long a fetch takes that finds nothing
new. CPU is that of this process, in milliseconds per mail; the lowest of the rounds. Aim: at most 15 % of ingest.
"""

import argparse
import sys
import time
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # tests.servers

from fetch import USER, fill, make_mailbox
from ingest import prepare_desk
from report import data_directory, show
from tests.servers.dovecot import Dovecot

POLLS = 50


def main() -> None:
    options = read_options()
    with data_directory(), Dovecot.running() as dovecot:
        result = measure(dovecot, options)
    show(result, as_json=options.json)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mails", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--security", default="tls")
    parser.add_argument("--after", default="leave")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def measure(dovecot: Dovecot, options: argparse.Namespace) -> dict[str, float | int]:
    import django

    django.setup()
    from postvak.cli.prepare import prepare_database
    from postvak.models import Mailbox

    prepare_database()
    prepare_desk()
    fill(dovecot, options.mails)
    first = make_mailbox(dovecot, options)
    runs: dict[bool, list[tuple[float, float, float]]] = {True: [], False: []}
    for number in range(options.rounds):
        for is_on in (True, False):
            forget_mails()
            mailbox = Mailbox.objects.get(pk=first.pk)
            with without_log(not is_on):
                runs[is_on].append(one_round(mailbox, options.mails))
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
    return figures(options.mails, *(tuple(map(min, zip(*runs[is_on], strict=True))) for is_on in (True, False)))


def figures(mails: int, logged: tuple[float, ...], bare: tuple[float, ...]) -> dict[str, float | int]:
    ingest, ingest_bare = logged[0] + logged[1], bare[0] + bare[1]
    return {
        "mails": mails,
        "fetch_ms": round(logged[0], 3),
        "fetch_ms_without": round(bare[0], 3),
        "ingest_ms": round(ingest, 3),
        "ingest_ms_without": round(ingest_bare, 3),
        "cost_percent": round(100 * (ingest / ingest_bare - 1), 1),
        "empty_fetch_ms": round(logged[2], 2),
        "empty_fetch_ms_without": round(bare[2], 2),
    }


def one_round(mailbox, mails: int) -> tuple[float, float, float]:
    """CPU per mail of fetching and of processing; wall clock of a fetch that finds nothing, in milliseconds."""
    from postvak.log.talk import written_beside
    from postvak.process.run import process_due
    from postvak.receive.fetch import fetch_mailbox

    began = time.process_time()
    with written_beside():
        fetch = fetch_mailbox(mailbox, worker="bench:1:x")
    fetched = time.process_time()
    while process_due("bench:1:x"):
        pass
    processed = time.process_time()
    if fetch.stored != mails:
        sys.exit(f"only {fetch.stored} of {mails} mails of {USER} were stored: {fetch.problem}")
    wall = time.perf_counter()
    for _ in range(POLLS):
        fetch_mailbox(mailbox, worker="bench:1:x")  # written by itself, as outside of a worker
    wall = time.perf_counter() - wall
    per_mail = 1000 / mails
    return (fetched - began) * per_mail, (processed - fetched) * per_mail, wall * 1000 / POLLS


def forget_mails() -> None:
    """So that the next round finds them new; tickets of earlier rounds stay, for both kinds of round alike."""
    from postvak.models import Communication, Receipt

    Communication.objects.all().delete()
    for receipt in Receipt.objects.only("pk", "source"):
        Receipt.objects.filter(pk=receipt.pk).update(source=f"earlier/{receipt.pk}", fingerprint=None)


@contextmanager
def without_log(is_off: bool):
    """The product has no such switch."""
    from postvak.log import talk_notes, talk_writing

    if not is_off:
        yield
        return
    note, write = talk_notes.Topic.note, talk_writing.write
    talk_notes.Topic.note = lambda *_args, **_more: None
    talk_writing.write = lambda _talks: []
    try:
        yield
    finally:
        talk_notes.Topic.note, talk_writing.write = note, write


if __name__ == "__main__":
    main()
