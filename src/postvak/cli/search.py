"""`postvak search`: as agents search, on the whole installation. `postvak reindex`: read all messages once more."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from postvak.cli.failing import fail
from postvak.cli.prepare import prepare_database
from postvak.models import Agent
from postvak.tickets.search.find import Found, Hit, find
from postvak.tickets.search.index import index_due, left_to_read, start_anew
from postvak.tickets.search.snippet import Pieces
from postvak.worker.identity import own_name

Words = Annotated[list[str], typer.Argument(help='Words and operators, e.g. lamp from:jansen "not yet" -invoice.')]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Email = Annotated[str, typer.Option("--agent", help="Search as this agent (log-in address); default: all tickets.")]
Limit = Annotated[int, typer.Option(help="How many tickets at most, newest first.", min=1, max=1000)]


def search(words: Words, as_object: Json = False, agent: Email = "", limit: Limit = 25) -> None:
    """Find tickets. Exit 0 also when there are none. Put -- before words that begin with a minus."""
    prepare_database()
    by = Agent.objects.filter(email=agent.strip().lower()).first() if agent else None
    if agent and by is None:
        fail(f"There is no agent {agent}.")
    found = find(" ".join(words), by=by, size=limit)
    if as_object:
        print(json.dumps(as_json(found), indent=2, ensure_ascii=False))
        return
    for problem in found.problems:
        print(problem)
    for hit in found.hits:
        print(as_text(hit))
    print(f"{found.count} tickets." if found.is_exact else f"{found.count} tickets or more.")


def as_text(hit: Hit) -> str:
    number, subject = hit.ticket.number, plain(hit.subject)
    who = hit.message.author_name or hit.message.author_email if hit.message else ""
    return f"{number}  {subject}\n    {who}: {plain(hit.part)}"


def as_json(found: Found) -> dict[str, object]:
    return {
        "count": found.count,
        "is_exact": found.is_exact,
        "problems": list(found.problems),
        "tickets": [
            {
                "number": hit.ticket.number,
                "subject": hit.ticket.subject,
                "queue": hit.ticket.queue.name,
                "status": hit.ticket.status.key,
                "customer": hit.ticket.customer.name if hit.ticket.customer else None,
                "message": hit.message.pk if hit.message else None,
                "at": hit.message.created_at.isoformat() if hit.message else None,
                "text": plain(hit.part),
                "files": [plain(file.name) for file in hit.files],
            }
            for hit in found.hits
        ],
    }


def plain(pieces: Pieces) -> str:
    return "".join(piece.text for piece in pieces)


def reindex() -> None:
    """Read all messages for the search once more, newest first, while Postvak runs. Interrupted, it goes on by itself."""
    prepare_database()
    start_anew()
    left = total = left_to_read()
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("Reading", total=total)
        while left:
            if not index_due(own_name(), batch=200):  # a running worker has it in hand, or reads beside us
                progress.stop()
                break
            left = left_to_read()
            progress.update(task, completed=total - left)
    print("Done." if not left else f"{left} messages are left; the running worker reads them.")
