"""How fast mails become tickets: accept() and processing on a fresh, durable database.

    python benchmarks/ingest.py --kind small --mails 2000 --json

Prints one object: mails_per_s (wall clock), cpu_ms_per_mail (this process), peak_mb (resident memory). The mails
are generated before the clock starts. CPU time is what compares between runs; the rate depends on the disk.
"""

import argparse
import gc
import random
import resource
import sys
import time
from collections.abc import Sequence
from email.message import EmailMessage

from report import cpu_seconds, data_directory, show

WORDS = "lamp order invoice broken delivery thanks please question number colour switch dimmer cable".split()
NAMES = [f"word{n}" for n in range(400)]
KINDS = ("small", "multipart", "attachment", "followup")


def main() -> None:
    options = read_options()
    with data_directory(options.keep):
        result = measure(options.kind, options.mails, options.batch, options.queues)
    show(result, as_json=options.json)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kind", choices=KINDS, default="small")
    parser.add_argument("--mails", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=50, help="mails per call of accept()")
    parser.add_argument(
        "--queues", type=int, default=0, help="learn so many queues first, and move mails by classification"
    )
    parser.add_argument("--keep", default="", help="into the installation in this folder, e.g. of large.py")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def measure(kind: str, mails: int, batch: int, queues: int = 0) -> dict[str, float | int | str]:
    mailbox = prepared_mailbox()
    if queues:
        learn(queues)
    first = newest_receipt()  # of an installation that is kept; no mail comes twice
    ingest(mailbox, [MAKERS[kind](first + n) for n in range(2 * batch)], batch, f"warm/{first}")
    numbers = range(first + 2 * batch, first + 2 * batch + mails)
    if kind == "followup":
        ingest(mailbox, [small(n) for n in numbers], batch, f"first/{first}")
    raws = [MAKERS[kind](n) for n in numbers]
    if queues:
        raws = [raw.replace(b"\n\n", f"\n\n{names_in(n % queues)} ".encode(), 1) for n, raw in enumerate(raws)]
    gc.freeze()  # as `postvak serve` does
    wall, cpu = time.perf_counter(), cpu_seconds()
    ingest(mailbox, raws, batch, f"measured/{first}")
    wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
    return {
        "kind": kind,
        "mails": mails,
        "bytes_per_mail": sum(map(len, raws)) // mails,
        "mails_per_s": round(mails / wall, 1),
        "cpu_ms_per_mail": round(cpu * 1000 / mails, 3),
        **({"queues": queues, "moved": moved()} if queues else {}),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def prepared_mailbox():
    """Of a new installation, in the data directory that the environment names."""
    import django

    django.setup()
    from postvak.cli.prepare import prepare_database
    from postvak.models import Mailbox

    prepare_database()
    prepare_desk()
    return Mailbox.objects.get(kind="local")


def prepare_desk() -> None:
    """A few queues and addresses, as a real installation has."""
    from postvak.models import Address, Brand, Queue

    brand = Brand.objects.order_by("pk")[0]
    for name in ("support", "sales", "billing"):
        queue, _is_new = Queue.objects.get_or_create(name=name, brand=brand)
        Address.objects.get_or_create(email=f"{name}@desk.example", queue=queue)


def learn(queues: int) -> None:
    """A model that knows these queues by words of their own, in act mode; 40 mails of each."""
    from django.utils import timezone

    from postvak.blobs import store
    from postvak.classify.text import Text
    from postvak.learn.school import new_pupil
    from postvak.models import Brand, Classifier, ClassifierModel, Queue

    brand, pupil = Brand.objects.get(), new_pupil()
    keys = [Queue.objects.create(name=f"Queue {n}", brand=brand).pk for n in range(queues)]
    for n in range(queues * 40):
        body = f"{names_in(n % queues)} {text(1100, n)}"
        pupil.learn(Text(f"Question {n}", body, "ann@customer.example"), str(keys[n % queues]))
    raw = pupil.saved()
    blobs = store.prepare([raw])
    store.save(blobs)
    Classifier.objects.filter(target="queue").update(mode="act")
    ClassifierModel.objects.create(
        classifier=Classifier.objects.get(target="queue"), version=1, blob=blobs[0], size=len(raw), labels=pupil.counts,
        made_at=timezone.now(), learned_at=timezone.now(), is_active=True,
    )  # fmt: skip


def names_in(queue: int) -> str:
    """Words that only the mails of this queue have."""
    return " ".join(random.Random(queue).sample(NAMES, 4))


def moved() -> int:
    from postvak.models import Prediction

    return Prediction.objects.filter(role="acted").count()


def ingest(mailbox, raws: Sequence[bytes], batch: int, prefix: str) -> None:
    """In steady state: a batch arrives, is stored durably, and is processed. `prefix`: of their sources, another one each time."""
    from postvak.models import Receipt
    from postvak.process.run import process_due
    from postvak.receive.accept import Arrived, accept

    before = newest_receipt()
    for start in range(0, len(raws), batch):
        chunk = raws[start : start + batch]
        accept(mailbox, [Arrived(f"{prefix}/{start + n}", raw) for n, raw in enumerate(chunk)])
        while process_due("bench:1:x"):
            pass
    done = Receipt.objects.filter(pk__gt=before, state="done").count()
    if done != len(raws):
        sys.exit(f"only {done} of {len(raws)} mails were processed")


def newest_receipt() -> int:
    from postvak.models import Receipt

    return Receipt.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def text(size: int, seed: int) -> str:
    source = random.Random(seed)
    words, length = [], 0
    while length < size:
        word = source.choice(WORDS) if source.random() < 0.9 else "\n\n"
        words.append(word)
        length += len(word) + 1
    return " ".join(words)


def head(n: int, **more: str) -> EmailMessage:
    message = EmailMessage()
    message["Received"] = (
        f"from mx{n % 5}.customer.example by in.desk.example with ESMTPS id {n:08x}; Sat, 21 Nov 2026 10:00:00 +0000"
    )
    message["DKIM-Signature"] = (
        "v=1; a=rsa-sha256; c=relaxed/relaxed; d=customer.example; s=s1; bh=" + "A" * 43 + "=; b=" + "B" * 340
    )
    message["From"] = f"Customer Number {n % 500} <customer{n % 500}@customer{n % 50}.example>"
    message["To"] = f"{('support', 'sales', 'billing')[n % 3]}@desk.example"
    message["Subject"] = more.pop("subject", f"Question {n} about my order")
    message["Message-ID"] = more.pop("message_id", f"<first.{n}@customer.example>")
    message["Date"] = "Sat, 21 Nov 2026 10:00:00 +0000"
    for name, value in more.items():
        message[name.replace("_", "-")] = value
    return message


def small(n: int) -> bytes:
    message = head(n)
    message.set_content(text(1100, n))
    return message.as_bytes()


def multipart(n: int) -> bytes:
    message = head(n)
    message.set_content(text(3500, n))
    html = "".join(f"<p style='margin:0'>{line}</p>" for line in text(11000, n).split("\n\n"))
    message.add_alternative(f"<html><body>{html}</body></html>", subtype="html")
    return message.as_bytes()


def attachment(n: int) -> bytes:
    message = head(n)
    message.set_content(text(1200, n))
    message.add_attachment(
        random.Random(n).randbytes(215_000), maintype="application", subtype="pdf", filename="scan.pdf"
    )
    return message.as_bytes()


def followup(n: int) -> bytes:
    first = f"<first.{n}@customer.example>"
    message = head(
        n, message_id=f"<second.{n}@customer.example>", subject=f"Re: Question {n}", In_Reply_To=first, References=first
    )
    message.set_content(text(1100, n + 1))
    return message.as_bytes()


MAKERS = {"small": small, "multipart": multipart, "attachment": attachment, "followup": followup}

if __name__ == "__main__":
    main()
