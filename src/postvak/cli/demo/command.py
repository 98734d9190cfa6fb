"""`postvak demo`: fills an empty installation with believable data."""

import secrets
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from postvak.cli.demo import large, small
from postvak.cli.demo.house import ADMIN, BOB
from postvak.cli.demo.index import read_all, tidy
from postvak.cli.failing import fail
from postvak.cli.prepare import prepare_database
from postvak.models import Agent, Customer, Receipt, Ticket


class Amount(StrEnum):
    SMALL = "small"
    LARGE = "large"


def demo(
    size: Annotated[
        Amount, typer.Option(help="small: 60 tickets, some seconds. large: 200,000 tickets for measuring, an hour.")
    ] = Amount.SMALL,
    tickets: Annotated[int, typer.Option(help="How many tickets the large one has.", min=1)] = large.TICKETS,
) -> None:
    """Fill an empty installation with invented customers, tickets and agents, for looking around. Nothing is sent."""
    prepare_database()
    if not is_empty():
        fail(
            "This installation has agents, customers or tickets already, so it is left as it is. "
            "Set POSTVAK_DATA (and POSTVAK_DATABASE) to a new place for a demonstration."
        )
    password = secrets.token_urlsafe(9)
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("Tickets")

        def tell(done: int, of: int) -> None:
            progress.update(task, completed=done, total=of)

        if size == Amount.SMALL:
            small.fill(password, tell)
        else:
            large.fill(tickets, password, tell)
            task = progress.add_task("Search")
            read_all(tell)
            tidy()
    print(f"Done. Log in as {ADMIN} (administrator) or {BOB} (agent), both with the password {password}")


def is_empty() -> bool:
    return not any(rows.objects.exists() for rows in (Agent, Customer, Ticket, Receipt))
