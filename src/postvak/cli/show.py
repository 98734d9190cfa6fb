"""Text and JSON forms of what the commands print."""

import json
from textwrap import wrap

from postvak.log.problems import sentence
from postvak.log.sentences import trace_line
from postvak.models import Mailbox
from postvak.process.plan import Facts, Plan
from postvak.receive.fetch import Fetch
from postvak.receive.reconcile import Comparison
from postvak.receive.unreadable import keys_of


def plan_text(facts: Facts, plan: Plan) -> str:
    lines = [f"{facts.mail.subject or '(no subject)'} – {facts.mail.author.email if facts.mail.author else '?'}", ""]
    for reason in plan.reasons:
        line = trace_line(reason.as_json())
        lines.append(f"  {line.title}")
        if line.detail:
            lines.append(f"      {line.detail}")
        if line.folded:
            lines += wrap(line.folded, 100, initial_indent=" " * 6, subsequent_indent=" " * 6)
    outcome = plan.outcome.label if plan.outcome else ""
    return "\n".join([*lines, "", f"Outcome: {outcome}. Nothing was written."])


def fetch_text(mailbox: Mailbox, fetch: Fetch, *, as_lines: bool) -> str:
    problem = fetch.problem
    if as_lines:
        return json.dumps(
            {
                "mailbox": mailbox.name,
                "seen": fetch.seen,
                "stored": fetch.stored,
                "unreadable": [key for unreadable in fetch.unreadable for key in keys_of(unreadable)],
                "busy": fetch.busy,
                "problem": problem.problem.value if problem else None,
                "said": problem.said if problem else None,
            }
        )
    if problem:
        what, to_do = sentence(problem.problem.value, problem.details)
        return f"{mailbox.name}: {what} {to_do}\n  The server said: {problem.said}"
    if fetch.busy:
        return f"{mailbox.name}: another worker is fetching it right now."
    lines = [f"{mailbox.name}: {fetch.stored} new of {fetch.seen} mails on the server."]
    lines += [f"  Can't be read: {', '.join(keys_of(problem))} ({problem.said})" for problem in fetch.unreadable]
    return "\n".join(lines)


def comparison_text(mailbox: Mailbox, result: Comparison, *, as_lines: bool) -> str:
    problem = result.problem
    if as_lines:
        return json.dumps(
            {
                "mailbox": mailbox.name,
                "compared": result.compared,
                "missing": list(result.missing),
                "problem": problem.problem.value if problem else None,
                "said": problem.said if problem else None,
            }
        )
    if problem:
        what, to_do = sentence(problem.problem.value, problem.details)
        return f"{mailbox.name}: {what} {to_do}\n  The server said: {problem.said}"
    listed = "".join(f"\n  {key}" for key in result.missing)
    return f"{mailbox.name}: {len(result.missing)} missing of {result.compared} mails on the server.{listed}"
