"""Who sent the mails of a wave: asked of name servers before any transaction begins, judged when the desk is known.

One slow domain costs its own mail at most some seconds: mails that need an answer are asked about at the same time.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache

from django.utils import timezone

from postvak.crypto.values import Opened, Verdict
from postvak.log.reason import Parameter, Reason
from postvak.mail.addresses import ascii_domain
from postvak.models import Mailbox, Options, Receipt
from postvak.net.answers import Names
from postvak.process.controls import PREFIX
from postvak.process.incoming import Incoming
from postvak.process.plan import KnownAgent, KnownCustomer
from postvak.process.set_up import Desk
from postvak.trust.examine import Handover, examine, needs_answers
from postvak.trust.judge import Case, Circle, folded, judge
from postvak.trust.values import Evidence, Level, Result, Trust, Why

AT_ONCE = 8
NAMES = Names()
STEP = "sender"
LINE = "trust_"


# ---- evidence ------------------------------------------------------------


def with_evidence(mails: Sequence[Incoming]) -> list[Incoming]:
    """What name servers and receiving hosts say. A mail that was processed is not asked about again: its trace knows."""
    fresh = [one for one in mails if one.receipt.state != Receipt.State.DONE]
    asking = [one for one in fresh if needs_answers(one.mail, handover_of(one.receipt))]
    is_on = bool(asking) and Options.objects.filter(pk=1, checks_senders=True).exists()
    asked = ask_about(asking) if is_on else {}
    return [replace(one, evidence=asked.get(id(one)) or offline(one)) for one in mails]


def ask_about(mails: Sequence[Incoming]) -> dict[int, Evidence]:
    """A thread for each, up to a limit; a lone mail needs none. The threads don't touch the database."""
    if len(mails) == 1:
        return {id(mails[0]): online(mails[0])}
    with ThreadPoolExecutor(min(AT_ONCE, len(mails)), thread_name_prefix="senders") as pool:
        return {id(one): found for one, found in zip(mails, pool.map(online, mails), strict=True)}


def online(one: Incoming) -> Evidence:
    return examine(one.raw, one.outer or one.mail, handover_of(one.receipt), NAMES.asker())


def offline(one: Incoming) -> Evidence:
    return examine(one.raw, one.outer or one.mail, handover_of(one.receipt), None)


def handover_of(receipt: Receipt) -> Handover:
    mailbox = receipt.mailbox
    is_direct = mailbox.kind == Mailbox.Kind.FORWARD
    return Handover(
        at=receipt.arrived_at or receipt.received_at or timezone.now(),
        is_direct=is_direct,
        ip=receipt.remote_ip,
        helo=receipt.helo or "",
        sender=receipt.envelope_from,
        host="" if is_direct else mailbox.receiving_host,
    )


# ---- judgement ------------------------------------------------------------


def judge_sender(
    incoming: Incoming,
    desk: Desk,
    *,
    customer: KnownCustomer | None,
    is_partner: bool,
    agent: KnownAgent | None,
    namesakes: Collection[str],
    is_ours: bool,
) -> Trust:
    """`namesakes`: names of agents among those of the writers, folded."""
    author = incoming.mail.author
    name = folded(author.name) if author else ""
    return judge(
        Case(
            mail=incoming.mail,
            evidence=incoming.evidence,
            circle=circle_of(frozenset(desk.addresses), desk.faces),
            is_known=customer is not None,
            is_partner=is_partner,
            is_agent=agent is not None,
            is_namesake=bool(name) and name in namesakes,
            is_ours=is_ours,
            is_believed=incoming.receipt.mailbox.is_trusted,
            is_direct=incoming.receipt.mailbox.kind == Mailbox.Kind.FORWARD,
            signer=signer_of(incoming.security),
        )
    )


@lru_cache(maxsize=8)
def circle_of(addresses: frozenset[str], faces: frozenset[str]) -> Circle:
    domains = frozenset(ascii_domain(email.rpartition("@")[2]) for email in addresses)
    return Circle(domains, addresses, frozenset(folded(name) for name in faces) - {""})


def signer_of(security: Opened | None) -> str:
    """Whose signature is good, is the author's, and covers the whole mail."""
    found = security.signature if security else None
    if found is None or found.verdict is not Verdict.good:
        return ""
    return found.signers[0] if found.signers else found.subject


# ---- traces ------------------------------------------------------------


def reason_of(trust: Trust) -> Reason | None:
    """The line of the trace: the level, why, and what the checks found, so that the mail can be looked at again without asking."""
    if trust.level is None:
        return None
    found = trust.evidence
    whys = json.dumps([why.as_json() for why in trust.why])
    parameters: dict[str, Parameter] = {
        "dmarc": found.dmarc.value,
        "spf": found.spf.value,
        "dkim": ", ".join(sorted(found.dkim)),
        "arc": found.arc.value,
        "policy": found.policy,
        "author": found.author if found.dkim else "",
        "vouched": ", ".join(sorted(filter(PREFIX.match, found.vouched))),
    }
    kept = {name: value for name, value in parameters.items() if value not in {"", "none"}}
    return Reason(STEP, f"trust_{trust.level.value}", {"whys": whys, **kept})


def trust_then(reasons: Mapping[str, Mapping[str, object]]) -> Trust | None:
    """As reason_of() wrote it down; None: nobody did."""
    code = next((code for code in reasons if code.startswith(LINE) and code.removeprefix(LINE) in set(Level)), "")
    if not code:
        return None
    told = {name: str(value) for name, value in reasons[code].items()}
    evidence = Evidence(
        spf=result(told.get("spf")),
        dmarc=result(told.get("dmarc")),
        arc=result(told.get("arc")),
        policy=told.get("policy", ""),
        author=told.get("author", ""),
        host_dkim=frozenset(filter(None, told.get("dkim", "").split(", "))),
        vouched=frozenset(filter(None, told.get("vouched", "").split(", "))),
    )
    whys = tuple(Why(str(each[0]), each[1]) for each in json.loads(told.get("whys", "[]")))
    return Trust(Level(code.removeprefix(LINE)), whys, evidence)


def result(text: str | None) -> Result:
    return Result(text) if text in set(Result) else Result.none
