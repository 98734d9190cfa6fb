"""Mailboxes and sending channels at work: how they are, a look at their servers, fetch, compare, go live. Their settings: api.settings."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from postvak.api.frame import (
    ApiRequest,
    BaseModel,
    Body,
    Field,
    Page,
    Paging,
    Problem,
    Query,
    Router,
    Token,
    asking,
    by_key,
    found,
    page,
)
from postvak.api.ticket_lists import moment
from postvak.log.audit import recording
from postvak.models import Channel, Mailbox, OutgoingMail
from postvak.process.preview import LIMIT, preview
from postvak.receive.go_live import go_live
from postvak.send.copies import copy_again
from postvak.send.pace import wake
from postvak.setup.checks import Check, check_channel
from postvak.setup.directions import check_directions

router = Router(tags=["Mailboxes and channels"])
READ, WRITE = Token("settings:read", admin=True), Token("settings:write", admin=True)
PULLED = (Mailbox.Kind.IMAP, Mailbox.Kind.POP3)
NO_SERVER = "This mailbox has no server to ask: mail is brought to it."


class AccountShown(BaseModel):
    id: int
    name: str
    kind: str
    is_failing: bool
    problem: str = Field(description="A code such as login_refused; empty: none.")
    said: str = Field(description="The server's own words.")


class MailboxShown(AccountShown):
    validity: str = Field(description="valid, temporarily, invalid.")
    failing_since: datetime | None
    is_look_only: bool = Field(description="Mails are stored and not processed until it goes live.")
    next_fetch_at: datetime | None
    last_success_at: datetime | None
    compared_at: datetime | None
    missing: int = Field(description="Mails on the server that aren't here, at the last comparison.")


class ChannelShown(AccountShown):
    is_valid: bool
    paused_until: datetime | None
    waiting: int = Field(description="Mails that wait for it.")


class CopiesDue(BaseModel):
    due: int


class CheckShown(BaseModel):
    direction: str = Field(description="receiving or sending.")
    is_tested: bool = Field(description="False: there was nothing to test; `text` says why.")
    is_fine: bool
    text: str
    remedy: str = Field(description="What to do.")
    said: str = Field(description="The server's own words, in lines.")
    problem: str
    folders: list[str]


class WouldBe(BaseModel):
    receipt: int
    author: str
    subject: str
    outcome: str
    ticket: str = Field(description="The subject of its ticket.")
    queue: str


class PreviewShown(BaseModel):
    total: int = Field(description="Mails that wait in all.")
    items: list[WouldBe] = Field(description=f"The newest {LIMIT} of them.")


class PreviewWanted(BaseModel):
    start_at: datetime | None = Field(None, description="Only mails that arrived then or later become tickets.")


class LiveGiven(Body):
    start_at: datetime | None = Field(
        None, description="Only mails that arrived then or later become tickets; null: all."
    )


class Live(BaseModel):
    processed: int = Field(description="Stored mails that are processed now.")


# -- mailboxes ----------------------------------------------------------------------------


@router.get("/mailboxes", auth=READ, response=Page[MailboxShown])
def list_mailboxes(request: ApiRequest, paging: Query[Paging]) -> Any:
    """All mailboxes, and how they are."""
    slice = by_key(Mailbox.objects.all(), paging, newest_first=False)
    return page(request, [mailbox_shown(row) for row in slice.rows], slice.next)


@router.get("/mailboxes/{int:pk}", auth=READ, response=MailboxShown)
def get_mailbox(request: ApiRequest, pk: int) -> Any:
    """One mailbox."""
    return mailbox_shown(found(Mailbox.objects.all(), pk=pk))


@router.get("/mailboxes/{int:pk}/check", auth=READ, response=list[CheckShown])
def check_mailbox(request: ApiRequest, pk: int) -> Any:
    """Log in for both directions with what is stored; nothing is changed. It takes as long as the servers take."""
    return directions(found(Mailbox.objects.select_related("reply_via", "grant"), pk=pk))


def directions(mailbox: Mailbox) -> list[dict[str, Any]]:
    if mailbox.kind not in PULLED:
        return [check_shown("receiving", None, NO_SERVER)]
    receiving, sending = check_directions(mailbox)
    return [
        check_shown("receiving", receiving.check, receiving.note),
        check_shown("sending", sending.check, sending.note),
    ]


@router.post("/mailboxes/{int:pk}/fetch", auth=WRITE, response=MailboxShown)
def fetch_mailbox(request: ApiRequest, pk: int) -> Any:
    """A worker fetches it at once."""
    return due(pk, next_fetch_at=None)


@router.post("/mailboxes/{int:pk}/comparison", auth=WRITE, response=MailboxShown)
def compare_mailbox(request: ApiRequest, pk: int) -> Any:
    """A worker compares it with its server within a quarter of a minute."""
    return due(pk, reconciled_at=None)


@router.get("/mailboxes/{int:pk}/preview", auth=READ, response=PreviewShown)
def preview_mailbox(request: ApiRequest, pk: int, wanted: Query[PreviewWanted]) -> Any:
    """What would become of the mails of a mailbox that only looks; 404 when it is live."""
    start_at = moment(wanted.start_at, "start_at") if wanted.start_at else None
    seen = preview(found(Mailbox.objects.filter(is_look_only=True), pk=pk), start_at=start_at)
    plain = ("author", "subject", "outcome", "ticket", "queue")
    rows = [{name: getattr(row, name) for name in plain} | {"receipt": row.receipt.pk} for row in seen.rows]
    return {"total": seen.total, "items": rows}


@router.post("/mailboxes/{int:pk}/live", auth=WRITE, response=Live)
def take_mailbox_live(request: ApiRequest, pk: int, given: LiveGiven) -> Any:
    """A mailbox that only looks begins to work; what waits becomes tickets."""
    mailbox = found(Mailbox.objects.all(), pk=pk)
    if not mailbox.is_look_only:
        raise Problem(409, "This mailbox is live already.")
    with recording(asking(request), mailbox):
        return {"processed": go_live(mailbox, start_at=moment(given.start_at, "start_at") if given.start_at else None)}


def pulled(pk: int) -> Mailbox:
    mailbox = found(Mailbox.objects.all(), pk=pk)
    if mailbox.kind not in PULLED:
        raise Problem(409, NO_SERVER)
    return mailbox


def due(pk: int, **columns: None) -> dict[str, Any]:
    mailbox = pulled(pk)
    Mailbox.objects.filter(pk=mailbox.pk).update(**columns)
    mailbox.refresh_from_db()
    return mailbox_shown(mailbox)


def mailbox_shown(row: Mailbox) -> dict[str, Any]:
    plain = ("validity", "failing_since", "is_look_only", "next_fetch_at", "last_success_at")
    values = {name: getattr(row, name) for name in plain}
    return (
        account_shown(row, is_failing=row.failing_since is not None)
        | values
        | {"compared_at": row.reconciled_at, "missing": len(row.missing)}
    )


def account_shown(row: Mailbox | Channel, *, is_failing: bool) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": row.name,
        "kind": row.kind,
        "is_failing": is_failing,
        "problem": row.last_problem if is_failing else "",
        "said": row.last_said if is_failing else "",
    }


# -- channels ----------------------------------------------------------------------------


@router.get("/channels", auth=READ, response=Page[ChannelShown])
def list_channels(request: ApiRequest, paging: Query[Paging]) -> Any:
    """All sending channels, and how they are."""
    slice = by_key(Channel.objects.all(), paging, newest_first=False)
    return page(request, [channel_shown(row) for row in slice.rows], slice.next)


@router.get("/channels/{int:pk}", auth=READ, response=ChannelShown)
def get_channel(request: ApiRequest, pk: int) -> Any:
    """One sending channel."""
    return channel_shown(found(Channel.objects.all(), pk=pk))


@router.get("/channels/{int:pk}/check", auth=READ, response=CheckShown)
def check_sending_channel(request: ApiRequest, pk: int) -> Any:
    """Connect and log in with what is stored; nothing is sent."""
    return check_shown("sending", check_channel(found(Channel.objects.select_related("grant"), pk=pk)))


@router.post("/channels/{int:pk}/attempt", auth=WRITE, response=ChannelShown)
def try_channel(request: ApiRequest, pk: int) -> Any:
    """A pause ends; mails that wait for the channel are tried at once."""
    channel = found(Channel.objects.all(), pk=pk)
    wake(channel, timezone.now())
    channel.refresh_from_db()
    return channel_shown(channel)


@router.post("/channels/{int:pk}/copies", auth=WRITE, response=CopiesDue)
def copy_again_by_channel(request: ApiRequest, pk: int) -> Any:
    """Copies of sent mails that wait for the mailbox of the channel, or were given up, are put there at once."""
    return {"due": copy_again(found(Channel.objects.all(), pk=pk))}


def channel_shown(row: Channel) -> dict[str, Any]:
    count = OutgoingMail.objects.filter(channel=row, next_attempt_at__isnull=False).count()
    shown = account_shown(row, is_failing=row.failures > 0)
    return shown | {"is_valid": row.is_valid, "paused_until": row.paused_until, "waiting": count}


def check_shown(direction: str, check: Check | None, note: str = "") -> dict[str, Any]:
    if check is None:
        empty = {"remedy": "", "said": "", "problem": "", "folders": []}
        return {"direction": direction, "is_tested": False, "is_fine": False, "text": note, **empty}
    said = check.said if isinstance(check.said, str) else "\n".join(check.said)
    return {
        "direction": direction,
        "is_tested": True,
        "is_fine": check.ok,
        "text": check.what,
        "remedy": check.remedy,
        "said": said,
        "problem": check.problem,
        "folders": list(check.folders),
    }
