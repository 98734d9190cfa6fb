"""What a watched mailbox (IDLE) takes in memory beyond its connection: a real Dovecot, a user for each mailbox.

    python benchmarks/idle_memory.py --mailboxes 200 --json

Three processes one after the other, each with the same imports: `nothing` holds no connection; `connections` holds
one TLS connection per mailbox, all with one TLS context, and has read the greeting; `watching` is the worker's Idler
with the same number of mailboxes in IDLE. Prints one object: connection_kb and mailbox_kb are private memory
(USS) per mailbox, beyond_kb the difference, which is what Postvak itself adds.
"""

import argparse
import gc
import json
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # tests.servers

from report import data_directory, show
from tests.servers.dovecot import Dovecot

PASSWORD = "secret"
WATCH_WITHIN = 120.0


def main() -> None:
    options = read_options()
    if options.phase:
        print(json.dumps(PHASES[options.phase](options)))
        return
    with data_directory(), Dovecot.running() as dovecot:
        result = measure(dovecot, options)
    show(result, as_json=options.json)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mailboxes", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--own-ca", action="store_true", help="each mailbox with the CA's certificate in its settings")
    parser.add_argument("--phase", default="", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


def measure(dovecot: Dovecot, options: argparse.Namespace) -> dict[str, float | int]:
    for number in range(options.mailboxes):
        dovecot.add_user(user(number), PASSWORD)
    set_up(dovecot, options)
    kilobytes = {phase: run(phase, dovecot, options) for phase in PHASES}
    per_mailbox = {phase: (kb - kilobytes["nothing"]) / options.mailboxes for phase, kb in kilobytes.items()}
    return {
        "mailboxes": options.mailboxes,
        "own_ca": options.own_ca,
        "process_mb": round(kilobytes["watching"] / 1024, 1),
        "connection_kb": round(per_mailbox["connections"], 1),
        "mailbox_kb": round(per_mailbox["watching"], 1),
        "beyond_kb": round(per_mailbox["watching"] - per_mailbox["connections"], 1),
    }


def run(phase: str, dovecot: Dovecot, options: argparse.Namespace) -> int:
    command = [sys.executable, __file__, "--phase", phase, "--port", str(dovecot.imaps)]
    command += ["--mailboxes", str(options.mailboxes), *(["--own-ca"] if options.own_ca else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return int(json.loads(done.stdout.splitlines()[-1]))


def set_up(dovecot: Dovecot, options: argparse.Namespace) -> None:
    """The rows, as if each had been fetched once."""
    import django

    django.setup()
    from django.utils import timezone

    from postvak.cli.prepare import prepare_database
    from postvak.models import Mailbox

    prepare_database()
    trusted = {"ca_pem": dovecot.ca_pem} if options.own_ca else {"verify_tls": False}
    for number in range(options.mailboxes):
        name, now = user(number), timezone.now()
        mailbox = Mailbox(
            name=name, host="localhost", port=dovecot.imaps, username=name, last_success_at=now, **trusted
        )
        mailbox.password = PASSWORD
        mailbox.save()


def user(number: int) -> str:
    return f"idle{number}"


# -- in a process of their own ------------------------------------------------------------


def start() -> None:
    """What every phase has in memory, and one connection, so that all of TLS is loaded."""
    import django

    django.setup()
    from postvak.models import Mailbox
    from postvak.receive.fetch import imap_source

    imap_source(Mailbox.objects.fetched()[0]).close()


def nothing(options: argparse.Namespace) -> int:
    start()
    return private_kilobytes()


def connections(options: argparse.Namespace) -> int:
    start()
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    held = []
    for _number in range(options.mailboxes):
        plain = socket.create_connection(("127.0.0.1", options.port))
        held.append(context.wrap_socket(plain))
        held[-1].recv(4096)
    return private_kilobytes()


def watching(options: argparse.Namespace) -> int:
    start()
    from postvak.receive.fetch import imap_source
    from postvak.receive.idle import Idler

    idler = Idler(imap_source, "bench:1:x")
    deadline = time.monotonic() + WATCH_WITHIN
    while len(idler.watches) < options.mailboxes:
        if time.monotonic() > deadline:
            sys.exit(f"only {len(idler.watches)} of {options.mailboxes} mailboxes are watched")
        idler.round()
    for _round in range(3):  # as it is when nothing has happened for a while
        idler.round()
    found = private_kilobytes()
    idler.close()
    return found


def private_kilobytes() -> int:
    """Memory that is this process's alone."""
    gc.collect()
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Clean:", "Private_Dirty:")))


PHASES = {"nothing": nothing, "connections": connections, "watching": watching}


if __name__ == "__main__":
    main()
