"""What rules cost: processor time of decide() and of filters on mails of 2 KB, without the database.

    python benchmarks/rules.py --filters 200 --conditions 5 --json

Prints milliseconds per mail: `decide_ms` without filters, `all_ms` and `any_ms` what filters add whose conditions must
all or may any hold (none fires, so the latter asks every condition), `gather_ms` the facts of one mail (SQLite).
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from report import data_directory, show

sys.path.insert(0, str(Path(__file__).parent))
MAILS = 200


def main() -> None:
    options = read_options()
    with data_directory():
        result = measure(options.filters, options.conditions, options.rounds)
    show(result, as_json=options.json)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--filters", type=int, default=200)
    parser.add_argument("--conditions", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5, help="the quickest counts")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def measure(filters: int, conditions: int, rounds: int) -> dict[str, float | int]:
    import django

    django.setup()
    from dataclasses import replace

    from ingest import small

    from postvak.cli.prepare import prepare_database
    from postvak.mail.parse import parse
    from postvak.process.decide import decide
    from postvak.process.facts import gather

    prepare_database()
    raws = [small(n) for n in range(MAILS)]
    receipts = make_receipts(raws)
    facts = [gather([incoming])[0] for incoming in receipts]
    fresh = [replace(fact, mail=parse(raw)) for fact, raw in zip(facts, raws, strict=True)]
    plain = best(rounds, lambda: [decide(fact) for fact in fresh])
    result: dict[str, float | int] = {
        "filters": filters,
        "conditions": conditions,
        "bytes_per_mail": sum(map(len, raws)) // MAILS,
        "gather_ms": best(rounds, lambda: [gather([incoming]) for incoming in receipts]),
        "decide_ms": plain,
    }
    for match in ("all", "any"):
        rules = make_rules(filters, conditions, match)
        loaded = [replace(fact, desk=replace(fact.desk, filters=rules)) for fact in fresh]
        result[f"{match}_ms"] = best(rounds, lambda loaded=loaded: [decide(fact) for fact in loaded]) - plain
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in result.items()}


def best(rounds: int, work: Callable[[], object]) -> float:
    """Milliseconds of processor time per mail, of the quickest round."""
    found = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found) * 1000 / MAILS


def make_receipts(raws: list[bytes]) -> list:
    from django.utils import timezone
    from ingest import prepare_desk

    from postvak.mail.parse import parse
    from postvak.models import Mailbox, Receipt
    from postvak.process.incoming import Incoming

    prepare_desk()
    mailbox = Mailbox.objects.get(kind="local")
    now = timezone.now()
    return [
        Incoming(Receipt(mailbox=mailbox, source=f"x/{n}", size=len(raw), received_at=now), parse(raw), raw)
        for n, raw in enumerate(raws)
    ]


def make_rules(filters: int, conditions: int, match: str) -> tuple:
    """As administrators write them: mostly subject, sender and headers, some expressions on the text."""
    from postvak.conditions.condition import Condition
    from postvak.process.filters.compiled import compile_filter
    from postvak.process.filters.draft import Action, Draft

    def condition(n: int, place: int) -> Condition:
        kinds = (
            ("subject", "contains", f"zz invoice {n}"),
            ("from", "in_domain", f"nowhere{n}.example"),
            ("header:X-Spam-Flag", "equals", f"yes{n}"),
            ("body", "contains", f"zz number {n}"),
            ("subject", "matches", rf"(?:rma|zz return) (\d{{4}}){n}$"),
            ("from", "is_address", f"zz{n}@customer.example"),
            ("body", "matches", rf"zz order {n} (\d+)"),
            ("to", "contains", f"zz{n}@desk.example"),
            ("attachment_count", "above", "3"),
            ("header:X-Postvak-Queue", "equals", f"zz{n}"),
        )
        return Condition(*kinds[(n + place) % len(kinds)])

    return tuple(
        compile_filter(
            Draft(
                f"{n}",
                tuple(condition(n, place) for place in range(conditions)),
                (Action("queue", "support"), Action("add_tags", "x")),
                match=match,
            ),
            id=n,
        )
        for n in range(filters)
    )


if __name__ == "__main__":
    main()
