"""`postvak outbox …`: what is in the outbox, and what can be done about it."""

import json
from collections.abc import Sequence
from typing import Annotated

import typer
from django.db.models import QuerySet

from postvak.cli.failing import fail
from postvak.cli.prepare import prepare_database
from postvak.log.status_codes import explanation
from postvak.models import Channel, Delivery, OutgoingMail
from postvak.send.by_hand import retry_channel, retry_now
from postvak.tickets.take_back import cancel

OPEN = [
    state.value
    for state in Delivery.State
    if state not in {Delivery.State.ACCEPTED, Delivery.State.DELIVERED, Delivery.State.CANCELLED}
]

outbox = typer.Typer(help="Mails that go out, and what became of them.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Numbers = Annotated[list[int] | None, typer.Argument(metavar="[NUMBER]...", help="Numbers as the list shows them.")]
ChannelName = Annotated[str, typer.Option("--channel", help="Name of a sending channel.")]


@outbox.command("list")
def list_command(
    state: Annotated[str, typer.Option(help=f"One of {', '.join(Delivery.State.values)}, or all.")] = "",
    channel: ChannelName = "",
    limit: Annotated[int, typer.Option(help="How many mails at most, newest first.", min=1)] = 100,
    as_object: Json = False,
) -> None:
    """Show mails that are not out yet or failed; with --state also others. Exit 0 also when there are none."""
    prepare_database()
    if state not in {"", "all", *Delivery.State.values}:
        fail(f"There is no state “{state}”. There are: {', '.join(Delivery.State.values)}, all.")
    mails = OutgoingMail.objects.all()
    if state != "all":
        mails = mails.filter(pk__in=Delivery.objects.filter(state__in=[state] if state else OPEN).values("outgoing"))
    if channel:
        mails = mails.filter(channel=find_channel(channel))
    rows = list(
        mails.select_related("channel", "message__ticket", "ticket")
        .prefetch_related("deliveries")
        .order_by("-pk")[:limit]
    )
    if as_object:
        print(json.dumps([as_json(row) for row in rows], indent=2, ensure_ascii=False))
        return
    for row in rows:
        print(as_text(row))
    if not rows:
        print("There are no such mails.")


def as_json(mail: OutgoingMail) -> dict[str, object]:
    return {
        "number": mail.pk,
        "ticket": mail.about.number if mail.about else None,
        "subject": mail.title,
        "channel": mail.channel.name,
        "attempts": mail.attempts,
        "next_attempt_at": mail.next_attempt_at.isoformat() if mail.next_attempt_at else None,
        "recipients": [
            {"address": one.recipient, "state": one.state, "code": one.code, "said": one.said, "means": meaning(one)}
            for one in mail.deliveries.all()
        ],
    }


def as_text(mail: OutgoingMail) -> str:
    due = f", next attempt {mail.next_attempt_at:%Y-%m-%d %H:%M} UTC" if mail.next_attempt_at else ""
    attempts = f"{mail.attempts} attempt{'' if mail.attempts == 1 else 's'}"
    head = f"{mail.pk}  {mail.title or '(no subject)'} – {mail.channel.name}, {attempts}{due}"
    return "\n".join([head, *(line for one in mail.deliveries.all() for line in lines_of(one))])


def lines_of(delivery: Delivery) -> list[str]:
    lines = [f"    {delivery.recipient}: {delivery.state}{f' – {delivery.said}' if delivery.said else ''}"]
    why = meaning(delivery)
    return [*lines, f"        {why}"] if why else lines


def meaning(delivery: Delivery) -> str:
    return "" if delivery.state == Delivery.State.CANCELLED else explanation(delivery.said, code=delivery.code)


@outbox.command("retry")
def retry_command(numbers: Numbers = None, channel: ChannelName = "", as_object: Json = False) -> None:
    """Send these mails now, or all deferred ones of a channel. Exit 1: one of them could not be."""
    prepare_database()
    if bool(numbers) == bool(channel):
        raise typer.BadParameter("give numbers of mails, or --channel")
    if channel:
        count = retry_channel(OutgoingMail.objects.all(), find_channel(channel))
        print(json.dumps({"retried": count}) if as_object else f"{count} mails go now.")
        return
    done = {mail.pk: retry_now(mail) for mail in find_mails(numbers or [])}
    tell(done, "goes now", "has nobody to go to, or a worker has it in hand", as_object=as_object)


@outbox.command("cancel")
def cancel_command(
    numbers: Annotated[list[int], typer.Argument(metavar="NUMBER...", help="Numbers as the list shows them.")],
    as_object: Json = False,
) -> None:
    """Try these mails no more; a mail that nobody got is taken back on its ticket. Exit 1: one could not be stopped."""
    prepare_database()
    done = {mail.pk: cancel(mail, by=None) for mail in find_mails(numbers)}
    tell(done, "is stopped", "has arrived or was stopped before, or a worker has it in hand", as_object=as_object)


def tell(done: dict[int, bool], yes: str, no: str, *, as_object: bool) -> None:
    if as_object:
        print(json.dumps([{"number": number, "done": is_done} for number, is_done in done.items()]))
    else:
        for number, is_done in done.items():
            print(f"{number} {yes if is_done else no}.")
    raise typer.Exit(0 if all(done.values()) else 1)


def find_mails(numbers: Sequence[int]) -> QuerySet[OutgoingMail]:
    """All of them, or none: a typing error changes nothing."""
    mails = OutgoingMail.objects.filter(pk__in=numbers).order_by("pk")
    missing = sorted(set(numbers) - set(mails.values_list("pk", flat=True)))
    if missing:
        fail(f"There is no mail {', '.join(map(str, missing))} in the outbox. Nothing was changed.")
    return mails


def find_channel(name: str) -> Channel:
    found = Channel.objects.filter(name=name).first()
    if found is None:
        names = ", ".join(f"“{one}”" for one in Channel.objects.values_list("name", flat=True))
        fail(f"There is no sending channel “{name}”. There are: {names or 'none'}.")
    return found
