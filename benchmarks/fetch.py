"""How fast a mailbox is fetched: a real Dovecot on loopback, every batch stored durably before the next.

    python benchmarks/fetch.py --mails 5000 --json

Prints one object: mails_per_s (wall clock, Dovecot takes its share of the same machine), cpu_ms_per_mail (this
process: IMAP, hashing, compressing, database), peak_mb (resident memory). The mails lie in the mailbox before the
clock starts; processing them is not part of it. With --profile the most expensive functions go to standard error.
"""

import argparse
import cProfile
import pstats
import resource
import sys
import time
from contextlib import nullcontext
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # tests.servers

from ingest import small
from report import data_directory, show
from tests.servers.dovecot import Dovecot

USER, PASSWORD = "bench", "secret"


def main() -> None:
    options = read_options()
    with data_directory(), Dovecot.running() as dovecot:
        result = measure(dovecot, options)
    show(result, as_json=options.json)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mails", type=int, default=5000)
    parser.add_argument("--security", choices=("none", "starttls", "tls"), default="tls")
    parser.add_argument("--after", choices=("leave", "seen", "delete"), default="leave")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def measure(dovecot: Dovecot, options: argparse.Namespace) -> dict[str, float | int | str]:
    import django

    django.setup()
    from postvak.cli.prepare import prepare_database
    from postvak.models import Receipt
    from postvak.receive.fetch import fetch_mailbox

    prepare_database()
    size = fill(dovecot, options.mails)
    mailbox = make_mailbox(dovecot, options)
    profile = cProfile.Profile() if options.profile else None
    wall, cpu = time.perf_counter(), time.process_time()
    with profile or nullcontext():
        fetch = fetch_mailbox(mailbox, worker="bench:1:x")
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if profile:
        pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(35)
    if fetch.stored != options.mails or Receipt.objects.count() != options.mails:
        sys.exit(f"only {fetch.stored} of {options.mails} mails were stored: {fetch.problem}")
    return {
        "mails": options.mails,
        "bytes_per_mail": size // options.mails,
        "security": options.security,
        "after": options.after,
        "mails_per_s": round(options.mails / wall, 1),
        "cpu_ms_per_mail": round(cpu * 1000 / options.mails, 3),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def fill(dovecot: Dovecot, mails: int) -> int:
    """Put the mails into the mailbox and let Dovecot index it; returns their bytes."""
    dovecot.add_user(USER, PASSWORD)
    size = 0
    for number in range(mails):
        raw = small(number)
        size += len(raw)
        dovecot.deliver(USER, raw)
    return size


def make_mailbox(dovecot: Dovecot, options: argparse.Namespace):
    from postvak.models import Mailbox

    ports = {"none": dovecot.imap, "starttls": dovecot.imap, "tls": dovecot.imaps}
    mailbox = Mailbox(
        name="Bench",
        kind=Mailbox.Kind.IMAP,
        host="localhost",
        port=ports[options.security],
        security=options.security,
        username=USER,
        ca_pem=dovecot.ca_pem,
        after_storing=options.after,
    )
    mailbox.password = PASSWORD
    mailbox.save()
    return mailbox


if __name__ == "__main__":
    main()
