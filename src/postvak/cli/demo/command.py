"""`postvak demo`: fills an empty installation with believable data and runs it."""

import secrets
from enum import StrEnum
from typing import Annotated

import typer
from django.conf import settings
from rich.console import Console
from rich.progress import Progress

from postvak.cli import serving
from postvak.cli.demo import large, mail_server, small
from postvak.cli.demo.house import ADMIN, BOB
from postvak.cli.demo.index import read_all, tidy
from postvak.cli.failing import fail
from postvak.cli.prepare import prepare_database
from postvak.models import Agent, Channel, Customer, Receipt, Ticket


class Amount(StrEnum):
    SMALL = "small"
    LARGE = "large"


def demo(
    size: Annotated[
        Amount, typer.Option(help="small: 60 tickets, some seconds. large: 200,000 tickets for measuring, an hour.")
    ] = Amount.SMALL,
    tickets: Annotated[int, typer.Option(help="How many tickets the large one has.", min=1)] = large.TICKETS,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    only_fill: Annotated[bool, typer.Option("--only-fill", help="Fill it, and don't run it.")] = False,
) -> None:
    """Fill an empty installation with invented customers, tickets and agents, and run it with a mail server of its own: what it
    sends stays on this machine."""
    prepare_database()
    if settings.CONFIGURATION.demo.is_dir() and not only_fill:
        serving.serve(host, port)
        return
    fill(size, tickets)
    if not only_fill and size == Amount.SMALL:
        make_mail_server()
        serving.serve(host, port)


def fill(size: Amount, tickets: int) -> None:
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


def make_mail_server() -> None:
    """From now on the channel sends to the demonstration's own server; its port is chosen at each start."""
    settings.CONFIGURATION.demo.mkdir(mode=0o700, exist_ok=True)
    Channel.objects.filter(kind=Channel.Kind.FILE).update(
        kind=Channel.Kind.SMTP, host=mail_server.HOST, port=25, security=Channel.Encryption.NONE
    )


def is_empty() -> bool:
    return not any(rows.objects.exists() for rows in (Agent, Customer, Ticket, Receipt))
