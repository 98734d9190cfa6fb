"""Many machines and a bad network: `unshare --net python -m tests.torture.machines [ROUNDS]`, as root; prints JSON. 0: the short story. Spec 11.

Machines in network namespaces (tests.torture.site); mail comes and goes all the time. Meanwhile frames are lost, machines are cut off, killed
with -9 and stopped in good order, the database is restarted, and at last its machine vanishes and the replica is promoted. Afterwards:
each mail is one ticket, each answer was taken once or is shown as doubt, the ledger adds up.
"""

import json
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from email import message_from_bytes
from pathlib import Path

from tests.servers import wait_until
from tests.servers.network import why_not
from tests.torture.site import SMTP, SYNCHRONOUS, Agents, Customers, Loop, Node, Site, is_well

LOSS, DELAY = 0.02, 0.003
LEASE = 60.0  # seconds: mailboxes and the like (models.lease)
Found = dict[str, object]


def main(rounds: int) -> Found:
    """`rounds` of all faults (0: one of them), then the failover; everything that was counted."""
    with tempfile.TemporaryDirectory(prefix="pvm-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        with Site.running(folder) as site:
            return tell(site, rounds)


def tell(site: Site, rounds: int) -> Found:
    began = time.monotonic()
    customers, agents = Customers(site), Agents(site)
    loops = [Loop(customers.write, 0.1 if rounds else 0.5), Loop(agents.answer, 0.1)]
    story: list[tuple[str, float]] = []
    restarts = rolling_restart(site, site.nodes if rounds else ())
    site.network.lose(LOSS, DELAY)
    for fault in (*(FAULTS * rounds or SHORT), fail_over):
        story.append((fault.__name__, recovery(site, customers, fault)))
    loops[0].end()
    site.network.lose(0, 0)
    settle(site, customers, agents)
    loops[1].end()
    found = check(site, customers, agents)
    return {
        "seconds": round(time.monotonic() - began),
        "mails": len(customers.subjects),
        "attempts to hand in": customers.attempts,
        "attempts to answer": agents.attempts,
        "loss": LOSS,
        "rolling restart": restarts,
        "seconds until a new mail is a ticket, after": [(name, round(seconds, 1)) for name, seconds in story],
        **found,
    }


def recovery(site: Site, customers: Customers, fault: Callable[[Site], None]) -> float:
    """Seconds from the end of the fault until a mail that came after it is a ticket. Mails come in order, roughly."""
    fault(site)
    ended = time.monotonic()
    wanted = len(customers.subjects)
    wait_until(lambda: tickets_from(site, wanted) > 0, seconds=180, what=f"a new ticket after {fault.__name__}")
    seconds = time.monotonic() - ended
    print(f"{fault.__name__}: a new ticket after {seconds:.1f} s", file=sys.stderr, flush=True)
    return seconds


def tickets_from(site: Site, number: int) -> int:
    return int(str(site.value(f"SELECT count(*) FROM postvak_ticket WHERE subject >= 'Mail {number:05}'")))


# -- faults ------------------------------------------------------------------------------------


def worker_cut_off_from_database(site: Site) -> None:
    cut_for(site, "worker", "db1", 8)


def web_cut_off_from_database(site: Site) -> None:
    cut_for(site, "web", "db1", 8)


def replica_cut_off(site: Site) -> None:
    """No commit is acknowledged meanwhile."""
    cut_for(site, "db1", "db2", 5)


def cut_for(site: Site, one: str, other: str, seconds: float) -> None:
    site.network.cut([one], [other])
    time.sleep(seconds)
    site.network.heal()


def worker_killed(site: Site) -> None:
    site.worker.kill()
    time.sleep(2)
    site.worker.start()


def everything_killed_on_one_machine(site: Site) -> None:
    site.both.kill()
    time.sleep(2)
    site.both.start()


def database_restarted(site: Site) -> None:
    site.first.kill()
    time.sleep(2)
    site.first.start(SYNCHRONOUS)


def fail_over(site: Site) -> None:
    """The machine of the database vanishes without a word, and never comes back."""
    site.network.isolate("db1")
    time.sleep(3)
    site.second.promote()
    site.database = site.second
    site.first.kill()


FAULTS = (
    worker_cut_off_from_database,
    worker_killed,
    database_restarted,
    web_cut_off_from_database,
    everything_killed_on_one_machine,
    replica_cut_off,
)
SHORT = (worker_killed,)

# -- one after the other ----------------------------------------------------------------------------


def rolling_restart(site: Site, nodes: Sequence[Node]) -> Found:
    """Each machine is stopped in good order and started again; somebody reads pages on the others all the time."""
    found: Found = {}
    for node in nodes:
        others = [one for one in (site.web, site.both) if one is not node]
        own = [node] if node is not site.worker else []
        with reading(site, own) as itself, reading(site, others) as readers:
            time.sleep(2)
            seconds = node.stop()
            time.sleep(2)
            node.start()
            time.sleep(2)
        refused = [error for reader in readers for error in reader.errors]
        broken = [error for reader in itself for error in reader.errors if "refused" not in error]
        found[node.machine.name] = {
            "seconds to stop": round(seconds, 1),
            "pages of the others": sum(reader.done for reader in readers),
            "refused": len(refused),
            "broken off by itself": len(broken),
        }
        assert not refused, refused[:3]
        assert not broken, broken[:3]
        wait_until(lambda node=node: is_back(site, node), seconds=60, what=f"return of {node.machine.name}")
    return found


def is_back(site: Site, node: Node) -> bool:
    if node is not site.worker:
        return is_well(node)
    try:
        socket.create_connection((node.machine.address, SMTP), timeout=2).close()
    except OSError:
        return False
    return True


@contextmanager
def reading(site: Site, nodes: list[Node]) -> Iterator[list[Loop]]:
    readers = [Loop(lambda node=node: site.ask(node, "/tickets?limit=5"), 0.02) for node in nodes]
    try:
        yield readers
    finally:
        for reader in readers:
            reader.end()


# -- afterwards --------------------------------------------------------------------------------


def settle(site: Site, customers: Customers, agents: Agents) -> None:
    """Until nothing is under way; what waits for minutes because of a doubt or a pause is tried now."""
    count = len(customers.subjects)

    def is_done() -> bool:
        site.change("UPDATE postvak_mailbox SET next_fetch_at = NULL")
        site.change("UPDATE postvak_receipt SET next_attempt_at = received_at WHERE state = 'received'")
        site.change("UPDATE postvak_outgoingmail SET next_attempt_at = created_at WHERE next_attempt_at IS NOT NULL")
        site.change("UPDATE postvak_channel SET paused_until = NULL")
        time.sleep(0.5)
        return len(agents.answered) == count and not site.value(UNDER_WAY)

    try:
        wait_until(is_done, seconds=400, what=f"{count} tickets and answers")
    except TimeoutError as error:
        raise AssertionError(f"{error}; {len(agents.answered)} answered; {[site.rows(sql) for sql in LEFT]}") from error


LEFT = (
    "SELECT now()::text",
    "SELECT id, state, error, claimed_by, claimed_until::text FROM postvak_receipt WHERE state <> 'done' LIMIT 5",
    "SELECT d.state, o.claimed_by, o.claimed_until::text, o.next_attempt_at::text FROM postvak_delivery d JOIN postvak_outgoingmail o "
    "ON d.outgoing_id = o.id WHERE d.state IN ('queued', 'sending', 'deferred') LIMIT 5",
    "SELECT name, owner, until::text FROM postvak_lease",
    "SELECT name, last_problem, failures FROM postvak_mailbox",
)
UNDER_WAY = (
    "SELECT (SELECT count(*) FROM postvak_receipt WHERE state <> 'done') + "
    "(SELECT count(*) FROM postvak_delivery WHERE state IN ('queued', 'sending', 'deferred'))"
)
DOUBTED = (
    "SELECT DISTINCT t.subject FROM postvak_deliveryevent e JOIN postvak_delivery d ON e.delivery_id = d.id JOIN postvak_outgoingmail o "
    "ON d.outgoing_id = o.id JOIN postvak_message m ON o.message_id = m.id JOIN postvak_ticket t ON m.ticket_id = t.id "
    "WHERE e.kind = 'in_doubt'"
)
ANSWERS = (
    "SELECT m.message_id, t.subject FROM postvak_message m JOIN postvak_ticket t ON m.ticket_id = t.id "
    "WHERE m.kind = 'outgoing' AND m.author_kind = 'agent'"
)
WAITED = (
    "SELECT percentile_cont(ARRAY[0.5, 0.99, 1]) WITHIN GROUP (ORDER BY extract(epoch FROM t.created_at - r.received_at)) "
    "FROM postvak_receipt r JOIN postvak_ticket t ON r.ticket_id = t.id WHERE r.outcome = 'new_ticket'"
)


def check(site: Site, customers: Customers, agents: Agents) -> Found:
    """The promises. Raises AssertionError."""
    tickets = Counter(str(subject) for (subject,) in site.rows("SELECT subject FROM postvak_ticket"))
    assert tickets == Counter(customers.subjects), (
        tickets - Counter(customers.subjects),
        Counter(customers.subjects) - tickets,
    )
    outcomes = Counter(
        {str(name): int(str(n)) for name, n in site.rows("SELECT outcome, count(*) FROM postvak_receipt GROUP BY 1")}
    )
    assert set(outcomes) <= {"new_ticket", "duplicate"}, outcomes
    written = int(
        str(site.value("SELECT count(*) FROM postvak_message WHERE kind = 'outgoing' AND author_kind = 'agent'"))
    )
    assert written == len(customers.subjects), written
    names = {str(name): str(subject) for name, subject in site.rows(ANSWERS)}
    seen = (message_from_bytes(mail.raw)["Message-ID"].strip("<> \r\n") for mail in site.smtp.mails)
    taken = Counter(names[name] for name in seen if name in names)
    doubted = {str(subject) for (subject,) in site.rows(DOUBTED)}
    states = Counter(
        {str(name): int(str(n)) for name, n in site.rows("SELECT state, count(*) FROM postvak_delivery GROUP BY 1")}
    )
    missing = set(customers.subjects) - set(taken) - doubted
    assert not missing, f"answers that nobody got, and no doubt about it: {sorted(missing)[:5]} of {len(missing)}"
    twice = {subject for subject, times in taken.items() if times > 1}
    assert twice <= doubted, f"sent twice without doubt: {twice - doubted}"
    assert not site.dovecot.messages("inbox")
    examined = json.loads(doctor(site.web))
    ledger = next(one for one in examined["checks"] if one["name"] == "ledger_equation")
    assert ledger["findings"] == [], ledger
    median, p99, longest = site.value(WAITED)  # type: ignore[misc]
    return {
        "tickets": sum(tickets.values()),
        "receipts": dict(outcomes),
        "deliveries": dict(states),
        "answers in doubt": len(doubted),
        "answers that came twice (all in doubt)": len(twice),
        "seconds from store to ticket: median, 99 %, longest": [round(float(n), 2) for n in (median, p99, longest)],
    }


def doctor(node: Node) -> str:
    script = "from postvak.__main__ import main; import sys; sys.argv = ['postvak', 'doctor', '--offline', '--json']\ntry: main()\nexcept SystemExit: pass"
    return node.run("-c", script)


if __name__ == "__main__":
    if problem := why_not():
        sys.exit(problem)
    print(json.dumps(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1), indent=2))
