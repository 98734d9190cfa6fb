"""`postvak keys …`: certificates and keys of this installation."""

import json
from pathlib import Path
from typing import Annotated

import typer
from django.utils import timezone

from postvak.cli import keys_waiting
from postvak.cli.failing import fail
from postvak.cli.prepare import prepare_database
from postvak.crypto.key_files import read_keys
from postvak.crypto.making import CannotMake
from postvak.crypto.values import CannotRead
from postvak.keys import store
from postvak.keys.adding import NoCertificate
from postvak.keys.files import FORMS, public_file
from postvak.keys.status import Status, status_of
from postvak.keys.uses import mails_behind
from postvak.log.audit import COMMAND, recording
from postvak.mail.addresses import normalise
from postvak.models import Address, CryptoKey, KeyName
from postvak.setup import crypto_keys
from postvak.setup.key_lookup import look_up

keys = typer.Typer(help="Certificates and keys: for signing, encrypting and opening mails.", no_args_is_help=True)
for name, command in keys_waiting.COMMANDS.items():
    keys.command(name)(command)
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Which = Annotated[int, typer.Argument(metavar="ID", help="As the list shows it.")]


@keys.command("list")
def list_command(
    text: Annotated[str, typer.Option("--text", help="Only those with this in their name or an address.")] = "",
    is_offered: Annotated[bool, typer.Option("--offered", help="Only those that nobody has taken over.")] = False,
    as_object: Json = False,
) -> None:
    """Show them. Exit 0 also when there are none."""
    prepare_database()
    rows = CryptoKey.objects.prefetch_related("names").defer("public").order_by("subject", "pk")
    if text:
        named = KeyName.objects.filter(kind=KeyName.Kind.ADDRESS, value__icontains=text).values("key_id")
        rows = rows.filter(subject__icontains=text) | rows.filter(pk__in=named)
    if is_offered:
        rows = rows.filter(state=CryptoKey.State.OFFERED)
    shown = [described(row) for row in rows.distinct()]
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
        "ciphers": row.ciphers,
        "comment": row.comment,
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


@keys.command("make")
def make_command(
    address: Annotated[str, typer.Argument(help="One of your own addresses.")],
    what: Annotated[str, typer.Option("--kind", help="pgp, or rsa and ec for the request for a certificate.")] = "pgp",
    name: Annotated[str, typer.Option(help="Instead of the display name of the address.")] = "",
    as_object: Json = False,
) -> None:
    """Make a key, its private part sealed at once. Of a certificate the request is printed; `add` the certificate that comes of it."""
    prepare_database()
    own = Address.objects.filter(email=normalise(address)).first()
    if own is None:
        fail(f"{address} is none of your addresses.")
    if what not in {"pgp", "rsa", "ec"}:
        fail(f"There is no kind “{what}”. There are: pgp, rsa, ec.")
    try:
        row = crypto_keys.make(own.email, name or own.display_name, COMMAND, what=what)
    except CannotMake as problem:
        fail(f"No certificate can be asked for {own.email}: {problem}")
    text = public_file(row, FORMS[row.kind][0]).decode("ascii")
    print(json.dumps(described(row) | {"public": text}, indent=2, ensure_ascii=False) if as_object else text, end="")


@keys.command("lookup")
def lookup_command(
    address: Annotated[str, typer.Argument(help="Somebody's address.")], as_object: Json = False
) -> None:
    """Ask the provider of an address for its OpenPGP key (Web Key Directory). What is found is only offered."""
    prepare_database()
    shown = [described(row) for row in look_up(address, COMMAND)]
    if as_object:
        print(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    for one in shown:
        print(f"{one['id']:>6}  {one['kind']}  {one['subject']}  {one['fingerprint']}, {one['status']}")
    if not shown:
        print("Its provider publishes no key for it.")


@keys.command("accept")
def accept_command(key: Which, as_object: Json = False) -> None:
    """One that was only offered counts from now on. Compare its fingerprint with its owner before."""
    prepare_database()
    row = found_row(key)
    with recording(COMMAND, row):
        is_new = store.take_over(row)
    said = "is used from now on" if is_new else "is in use already"
    print(json.dumps({"id": key, "accepted": is_new}) if as_object else f"{row} {said}.")


@keys.command("revoke")
def revoke_command(
    key: Which, is_sure: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False, as_object: Json = False
) -> None:
    """Sign nothing with it and encrypt nothing to it any more; what came before is still opened. This can't be undone."""
    prepare_database()
    row = found_row(key)
    if not is_sure:
        typer.confirm(f"Mark {row} as revoked? This can't be undone.", abort=True)
    with recording(COMMAND, row):
        is_new = store.revoke(row)
    said = "is revoked" if is_new else "was revoked already"
    print(json.dumps({"id": key, "revoked": is_new}) if as_object else f"{row} {said}.")


@keys.command("set")
def set_command(
    key: Which,
    role: Annotated[str | None, typer.Option(help="Of an authority: anchor (trusted) or intermediate.")] = None,
    along: Annotated[
        str | None, typer.Option(help='IDs of the certificates that go along with its signatures: "3,4", or "".')
    ] = None,
    comment: Annotated[str | None, typer.Option(help="For the one who wonders next year.")] = None,
    as_object: Json = False,
) -> None:
    """Change what its page sets."""
    prepare_database()
    row = found_row(key)
    try:
        chosen = None if along is None else [int(one) for one in along.split(",") if one.strip()]
    except ValueError:
        fail("--along takes IDs with commas between them.")
    try:
        crypto_keys.change(row, COMMAND, role=role, along=chosen, comment=comment)
    except crypto_keys.CannotSet as problem:
        fail(str(problem))
    print(json.dumps(described(row), indent=2, ensure_ascii=False) if as_object else f"{row} is saved.")


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
