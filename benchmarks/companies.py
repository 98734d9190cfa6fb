"""10,000 companies on one installation, one of which is flooded: how long do the others wait?

    python benchmarks/companies.py --workers 4 --rate 300 --flood 100000 --json

A simulation of claims as process.run makes them (up to 50 mails; half the oldest of all, half the oldest of mailboxes by chance), beside
claims of the oldest only. Mails come at random, to companies as uneven as they are (Zipf), twice as many in the middle of the hour;
the flood comes within one minute. `--mail-ms`, `--claim-ms`: what a mail and a claim cost a worker (ingest.py; on PostgreSQL).
Figures in seconds: from arrival to the end of the claim that the mail was in.
"""

import argparse
import heapq
import random
from collections import deque
from collections.abc import Callable, Iterator

from report import show

BATCH = 50
FLOODED = 0
Mail = tuple[int, float]  # number, arrival


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--companies", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--rate", type=float, default=300, help="mails per second, on average")
    parser.add_argument("--flood", type=int, default=100_000, help="mails to one company within a minute")
    parser.add_argument("--seconds", type=int, default=1800)
    parser.add_argument("--mail-ms", type=float, default=4.0)
    parser.add_argument("--claim-ms", type=float, default=8.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result: dict[str, object] = {}
    for name, claim in (("oldest", Waiting.oldest), ("shared", Waiting.shared)):
        result |= {f"{name}_{key}": value for key, value in simulate(options, claim).items()}
    show(result, as_json=options.json)


class Waiting:
    """Mails that nobody has in hand, by company and in the order of their arrival."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.companies: dict[int, deque[Mail]] = {}
        self.order: list[tuple[int, int]] = []
        self.size = 0

    def add(self, company: int, mail: Mail) -> None:
        self.companies.setdefault(company, deque()).append(mail)
        heapq.heappush(self.order, (mail[0], company))
        self.size += 1

    def take(self, company: int, most: int) -> Iterator[tuple[int, Mail]]:
        mails = self.companies[company]
        for _ in range(min(most, len(mails))):
            self.size -= 1
            yield company, mails.popleft()
        if not mails:
            del self.companies[company]

    def oldest(self, most: int = BATCH) -> list[tuple[int, Mail]]:
        found: list[tuple[int, Mail]] = []
        while self.order and len(found) < most:
            number, company = heapq.heappop(self.order)
            if company in self.companies and self.companies[company][0][0] == number:
                found += self.take(company, 1)
        return found

    def shared(self) -> list[tuple[int, Mail]]:
        if self.size <= BATCH:
            return self.oldest()
        found = self.oldest(BATCH // 2)
        names = list(self.companies)
        chosen = self.chance.sample(names, min(BATCH // 2, len(names)))
        for company in chosen:
            found += self.take(company, BATCH // 2 // len(chosen))
        return found


def simulate(options: argparse.Namespace, claim: Callable[[Waiting], list[tuple[int, Mail]]]) -> dict[str, float]:
    chance = random.Random(7)
    waiting, arrivals = Waiting(chance), come(options, chance)
    free = [0.0] * options.workers
    taken: dict[bool, list[float]] = {True: [], False: []}
    longest, number = 0, 0
    upcoming = next(arrivals, None)
    while upcoming is not None or waiting.size:
        now = heapq.heappop(free)
        if not waiting.size and upcoming is not None:
            now = max(now, upcoming[0])
        while upcoming is not None and upcoming[0] <= now:
            number += 1
            waiting.add(upcoming[1], (number, upcoming[0]))
            upcoming = next(arrivals, None)
        longest = max(longest, waiting.size)
        batch = claim(waiting)
        done = now + (options.claim_ms + options.mail_ms * len(batch)) / 1000
        for company, (_, arrived) in batch:
            taken[company == FLOODED].append(done - arrived)
        heapq.heappush(free, done)
    others, flooded = sorted(taken[False]), sorted(taken[True])
    at = lambda times, share: round(times[int((len(times) - 1) * share)], 2) if times else 0.0  # noqa: E731
    return {
        "mails": len(others) + len(flooded),
        "longest_queue": longest,
        "others_p50_s": at(others, 0.5),
        "others_p95_s": at(others, 0.95),
        "others_p99_s": at(others, 0.99),
        "others_max_s": at(others, 1),
        "flooded_max_s": at(flooded, 1),
    }


def come(options: argparse.Namespace, chance: random.Random) -> Iterator[tuple[float, int]]:
    """(second, company) in order. Company 0 has no other mails than its flood, in the second tenth of the time."""
    shares = [1 / (place + 1) for place in range(options.companies - 1)]
    usual = chance.choices(range(1, options.companies), shares, k=int(options.rate * options.seconds))
    moments = sorted(chance.triangular(0, options.seconds) for _ in usual)
    start = options.seconds / 10
    flood = ((start + 60 * place / max(options.flood, 1), FLOODED) for place in range(options.flood))
    return heapq.merge(zip(moments, usual, strict=True), flood)


if __name__ == "__main__":
    main()
