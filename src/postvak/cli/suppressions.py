"""`postvak suppressions …`: addresses to which mail came back or whose owner complained."""

import json
from typing import Annotated

import typer
from django.utils import timezone

from postvak.cli.failing import fail
from postvak.cli.prepare import prepare_database
from postvak.log.status_codes import explanation
from postvak.mail.addresses import normalise
from postvak.models import Suppression
from postvak.send.suppress import listed, release

suppressions = typer.Typer(help="Addresses that get no automatic mail, because mail came back.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@suppressions.command("list")
def list_command(
    text: Annotated[
        str, typer.Option("--text", help="Only those with this in the address or in the server's words.")
    ] = "",
    limit: Annotated[int, typer.Option(help="How many at most, newest first.", min=1)] = 1000,
    as_object: Json = False,
) -> None:
    """Show suppressed addresses. Exit 0 also when there are none."""
    prepare_database()
    found = list(listed(text).select_related("delivery")[:limit])
    if as_object:
        print(json.dumps([as_json(row) for row in found], indent=2, ensure_ascii=False))
        return
    for row in found:
        print(
            f"{row.address}  {row.reason}, since {row.since:%Y-%m-%d %H:%M} UTC{f' – {row.said}' if row.said else ''}"
        )
        if meaning(row):
            print(f"    {meaning(row)}")
    if not found:
        print("No address is suppressed." if not text else "No such address is suppressed.")


def as_json(row: Suppression) -> dict[str, object]:
    return {
        "address": row.address,
        "reason": row.reason,
        "since": row.since.isoformat(),
        "said": row.said,
        "means": meaning(row),
    }


def meaning(row: Suppression) -> str:
    if row.reason == Suppression.Reason.COMPLAINED:
        return ""
    return explanation(row.said, code=row.delivery.code if row.delivery else None)


@suppressions.command("release")
def release_command(
    addresses: Annotated[list[str], typer.Argument(metavar="ADDRESS...", help="As the list shows them.")],
    as_object: Json = False,
) -> None:
    """These addresses get mail as any other again. Exit 1: one of them is not on the list; then nothing is changed."""
    prepare_database()
    wanted = {normalise(address): address for address in addresses}
    known = set(Suppression.objects.filter(address__in=wanted).values_list("address", flat=True))
    missing = [typed for address, typed in wanted.items() if address not in known]
    if missing:
        fail(f"Not on the list: {', '.join(missing)}. Nothing was changed.")
    now = timezone.now()
    done = {address: release(address, None, now, by=None) for address in wanted}
    if as_object:
        print(json.dumps([{"address": address, "released": is_done} for address, is_done in done.items()]))
        return
    for address in done:
        print(f"{address} gets mail again.")
