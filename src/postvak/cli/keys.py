"""`postvak keys …`: certificates and keys of this installation."""

import json
from pathlib import Path
from typing import Annotated

import typer
from django.utils import timezone

from postvak.cli.failing import fail
from postvak.cli.prepare import prepare_database
from postvak.crypto.key_files import read_keys
from postvak.crypto.values import CannotRead
from postvak.keys import store
from postvak.keys.adding import NoCertificate
from postvak.keys.files import FORMS, public_file
from postvak.keys.status import Status, status_of
from postvak.keys.uses import mails_behind
from postvak.log.audit import COMMAND, recording
from postvak.models import CryptoKey, KeyName
from postvak.setup import crypto_keys

keys = typer.Typer(help="Certificates and keys: for signing, encrypting and opening mails.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Which = Annotated[int, typer.Argument(metavar="ID", help="As the list shows it.")]


@keys.command("list")
def list_command(
    text: Annotated[str, typer.Option("--text", help="Only those with this in their name or an address.")] = "",
    as_object: Json = False,
) -> None:
    """Show them. Exit 0 also when there are none."""
    prepare_database()
    rows = CryptoKey.objects.prefetch_related("names").defer("public").order_by("subject", "pk")
    if text:
        named = KeyName.objects.filter(kind=KeyName.Kind.ADDRESS, value__icontains=text).values("key_id")
        rows = rows.filter(subject__icontains=text) | rows.filter(pk__in=named)
    shown = [described(row) for row in rows]
    if as_object:
        print(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    for one in shown:
        private = ", private key" if one["has_private"] else ""
        print(f"{one['id']:>6}  {one['kind']}  {one['subject']}")
        print(
            f"        {one['fingerprint']}  {one['role']}, {one['status']}{private}, until {one['valid_to'] or 'for ever'}"
        )
    if not shown:
        print("There is no such certificate or key." if text else "There is no certificate and no key.")


def described(row: CryptoKey) -> dict[str, object]:
    status = status_of(row, timezone.now())
    return {
        "id": row.pk,
        "kind": row.kind,
        "role": row.role,
        "subject": row.subject,
        "addresses": [one.value for one in row.names.all() if one.kind == KeyName.Kind.ADDRESS],
        "fingerprint": row.fingerprint,
        "valid_from": row.valid_from.isoformat() if row.valid_from else None,
        "valid_to": row.valid_to.isoformat() if row.valid_to else None,
        "status": "offered" if row.state == CryptoKey.State.OFFERED and status == Status.valid else status.value,
        "has_private": row.has_private,
        "source": row.source,
    }


@keys.command("add")
def add_command(
    file: Annotated[Path, typer.Argument(help="PEM, DER, P7B, P12 or OpenPGP.", exists=True, dir_okay=False)],
    password: Annotated[
        str, typer.Option(envvar="POSTVAK_KEY_PASSWORD", help="Of the file. Better in POSTVAK_KEY_PASSWORD.")
    ] = "",
    is_trusted: Annotated[bool, typer.Option("--trust", help="Authorities in it are trusted.")] = False,
    as_object: Json = False,
) -> None:
    """Add every certificate and key in a file."""
    prepare_database()
    try:
        rows = crypto_keys.add(read_keys(file.read_bytes(), password), COMMAND, is_trusted=is_trusted)
    except CannotRead as problem:
        fail(f"{file}: {PROBLEMS.get(problem.code, problem.code)}")
    except NoCertificate:
        fail(f"{file}: a private key is in it, but its certificate is not. Add the certificate first.")
    shown = [described(row) for row in CryptoKey.objects.filter(pk__in=[row.pk for row in rows])]
    print(json.dumps(shown, indent=2, ensure_ascii=False) if as_object else f"Added: {len(shown)}.")


PROBLEMS = {
    "no_key": "there is no certificate and no key in it that Postvak can read.",
    "needs_password": "it is locked. Put its password into POSTVAK_KEY_PASSWORD.",
    "wrong_password": "the password doesn't open it.",
    "unusable": "what is in it is damaged, or of a kind that Postvak can't use.",
}


@keys.command("export")
def export_command(key: Which) -> None:
    """Print the public part, as PEM or ASCII armour."""
    prepare_database()
    row = found_row(key)
    print(public_file(row, FORMS[row.kind][0]).decode("ascii"), end="")


@keys.command("delete")
def delete_command(
    key: Which, is_sure: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False, as_object: Json = False
) -> None:
    """Delete one. Without its private part, mails that are encrypted to it can't be read any more."""
    prepare_database()
    row = found_row(key)
    number = mails_behind(row) if row.has_private else 0
    if not is_sure:
        lost = f" {number} mails here are encrypted to it." if number else ""
        typer.confirm(f"Delete {row}?{lost}", abort=True)
    with recording(COMMAND, row):
        store.delete(row)
    print(json.dumps({"id": key, "deleted": True, "mails": number}) if as_object else f"{row} is deleted.")


def found_row(key: int) -> CryptoKey:
    row = CryptoKey.objects.filter(pk=key).first()
    if row is None:
        fail(f"There is no certificate or key {key}.")
    return row
