"""Mails that no key opens, and revocation lists: further commands of `postvak keys …` (cli.keys)."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from django.utils import translation

from postvak.cli.failing import fail
from postvak.cli.prepare import prepare_database
from postvak.keys.again import waiting
from postvak.keys.revocations import CannotTake, keep, number_in, take
from postvak.keys.wanted import Wanted, wanted_by
from postvak.log.audit import COMMAND, recording
from postvak.log.crypto_sentences import list_sentence
from postvak.models import MailSecurity, Revocation
from postvak.setup import crypto_keys

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def waiting_command(
    limit: Annotated[int, typer.Option(help="How many mails at most, newest first.", min=1, max=200)] = 100,
    as_object: Json = False,
) -> None:
    """Show the encrypted mails that no key here opens, and which keys would open them."""
    prepare_database()
    rows = list(waiting().select_related("message__ticket").order_by("-message_id")[:limit])
    found = list(zip(rows, wanted_by(rows), strict=True))
    if as_object:
        print(json.dumps([as_json(row, wanted) for row, wanted in found], indent=2, ensure_ascii=False))
        return
    for row, wanted in found:
        names = [f"{key.owner} {key.key_id}".strip() or "a certificate that isn't known here" for key in wanted]
        about = f"ticket {row.message.ticket.number}, message {row.message_id}, from {row.message.author_email}"
        print(f"{about}: {', '.join(names) or row.state}")
    if not found:
        print("No mail waits for a key.")


def as_json(row: MailSecurity, wanted: Sequence[Wanted]) -> dict[str, object]:
    return {
        "message": row.message_id,
        "ticket": row.message.ticket.number,
        "from": row.message.author_email,
        "kind": row.encrypted,
        "state": row.state,
        "keys": [{"owner": one.owner, "key_id": one.key_id} for one in wanted],
    }


def try_again_command(as_object: Json = False) -> None:
    """Let a worker try once more to open the mails that wait for a key."""
    prepare_database()
    job = crypto_keys.try_again(COMMAND)
    if as_object:
        print(json.dumps({"job": job.pk if job else None}))
    else:
        print(f"A worker tries them (job {job.pk})." if job else "No mail waits for a key.")


def lists_command(as_object: Json = False) -> None:
    """Show the revocation lists."""
    prepare_database()
    shown = [list_described(row) for row in Revocation.objects.order_by("name", "pk")]
    if as_object:
        print(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    for one in shown:
        until = f", next one {one['next_at']}" if one["next_at"] else ""
        print(f"{one['id']:>6}  {one['authority']}: {one['revoked']} revoked, issued {one['issued_at']}{until}")
    if not shown:
        print("There is no revocation list.")


def add_list_command(
    file: Annotated[Path, typer.Argument(help="PEM or DER.", exists=True, dir_okay=False)], as_object: Json = False
) -> None:
    """Add a revocation list; only if a trusted authority signed it."""
    prepare_database()
    try:
        row = take(file.read_bytes())
    except CannotTake as problem:
        with translation.override("en"):
            said = list_sentence(problem.code, problem.name)
        fail(f"{file}: {said}")
    with recording(COMMAND, row):
        keep(row)
    shown = list_described(row)
    print(json.dumps(shown, ensure_ascii=False) if as_object else f"Added: it revokes {shown['revoked']}.")


def delete_list_command(
    number: Annotated[int, typer.Argument(metavar="ID", help="As `lists` shows it.")], as_object: Json = False
) -> None:
    """Delete a revocation list. What it has withdrawn stays revoked."""
    prepare_database()
    row = Revocation.objects.filter(pk=number).first()
    if row is None:
        fail(f"There is no revocation list {number}.")
    with recording(COMMAND, row):
        Revocation.objects.filter(pk=number).delete()
    print(json.dumps({"id": number, "deleted": True}) if as_object else f"The list of {row} is deleted.")


def list_described(row: Revocation) -> dict[str, object]:
    return {
        "id": row.pk,
        "authority": row.name,
        "revoked": number_in(row) or 0,
        "issued_at": row.issued_at.isoformat(),
        "next_at": row.next_at.isoformat() if row.next_at else None,
    }


COMMANDS: Mapping[str, Callable[..., None]] = {
    "waiting": waiting_command,
    "try-again": try_again_command,
    "lists": lists_command,
    "add-list": add_list_command,
    "delete-list": delete_list_command,
}
