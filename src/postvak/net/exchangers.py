"""Mail exchangers (MX, RFC 5321 section 5.1) of a domain: asked in the background, with short patience, remembered.

No answer is no disturbance: without network, name server or record there are simply none. Not here: whose names they
are (providers.py).
"""

from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from threading import Lock
from time import monotonic

from dns.exception import DNSException
from dns.resolver import Resolver

SECONDS = 2.0  # for one question, all name servers and repetitions together
AT_ONCE = 4
REMEMBERED = 500  # domains
FRESH_SECONDS, RETRY_SECONDS = 600.0, 60.0  # how long an answer and the lack of one hold
LONGEST_DOMAIN = 253  # RFC 1035 section 2.3.4


class Exchangers:
    """Any thread may ask. `resolver`: for tests; default: the system's name servers."""

    def __init__(self, resolver: Resolver | None = None) -> None:
        self.resolver = resolver
        self.pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="mx")
        self.answers: OrderedDict[str, tuple[float, Future[tuple[str, ...]]]] = OrderedDict()
        self.lock = Lock()

    def of(self, domain: str, *, patience: float = SECONDS) -> tuple[str, ...] | None:
        """Host names, the preferred first; None: not known yet after `patience` seconds, ask again."""
        try:
            return self.asked(domain.strip().lower().rstrip(".")).result(patience)
        except NotYet:
            return None

    def asked(self, domain: str) -> "Future[tuple[str, ...]]":
        """The question that is under way or was answered lately, or a new one."""
        with self.lock:
            at, known = self.answers.get(domain, (0.0, None))
            if known is not None and (not known.done() or monotonic() - at < lifetime(known)):
                return known
            question = self.pool.submit(look_up, domain, self.resolver)
            self.answers[domain] = (monotonic(), question)
            self.answers.move_to_end(domain)
            while len(self.answers) > REMEMBERED:
                self.answers.popitem(last=False)
            return question


def lifetime(answer: "Future[tuple[str, ...]]") -> float:
    return FRESH_SECONDS if answer.result() else RETRY_SECONDS


def look_up(domain: str, resolver: Resolver | None = None) -> tuple[str, ...]:
    """Ask now; () for whatever goes wrong. A single dot says "takes no mail" (RFC 7505)."""
    if "." not in domain or len(domain) > LONGEST_DOMAIN:
        return ()
    try:
        answer = (resolver or Resolver()).resolve(f"{domain}.", "MX", lifetime=SECONDS)
    except (DNSException, OSError, ValueError):  # ValueError: what is no name at all
        return ()
    records = sorted((record.preference, record.exchange.to_text(omit_final_dot=True).lower()) for record in answer)
    return tuple(name for _preference, name in records if name and name != ".")
