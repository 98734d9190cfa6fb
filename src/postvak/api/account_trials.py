"""Mailboxes and channels tried before they are saved, and a test mail; nothing is written. A server is asked, so none of it takes an
Idempotency-Key."""

from typing import Any, cast

from django.db.models import Model

from postvak.api.accounts import WRITE, CheckShown, check_shown, directions
from postvak.api.frame import ApiRequest, Body, Field, Problem, Router, agent_of, asking, found, refuse_key
from postvak.api.settings import told
from postvak.models import Channel, Mailbox
from postvak.setup.accounts import CHANNELS, MAILBOXES
from postvak.setup.checks import check_channel, send_test_mail
from postvak.setup.fields import SettingError
from postvak.setup.one import tried
from postvak.setup.section import Section

router = Router(tags=["Mailboxes and channels"])


class AccountToTry(Body):
    name: str = Field(
        min_length=1,
        max_length=200,
        description="Of one that there is: what isn't named is as it is stored, secrets too.",
    )
    settings: dict[str, Any] = Field(description="As for `/settings/mailbox` or `/settings/channel`.")


@router.post("/mailboxes/check", auth=WRITE, response=list[CheckShown])
def check_unsaved_mailbox(request: ApiRequest, given: AccountToTry) -> Any:
    """Log in for both directions with these settings, as they would be saved."""
    return directions(cast(Mailbox, row_with(request, MAILBOXES, given)))


@router.post("/channels/check", auth=WRITE, response=CheckShown)
def check_unsaved_channel(request: ApiRequest, given: AccountToTry) -> Any:
    """Connect and log in with these settings, as they would be saved; nothing is sent."""
    return check_shown("sending", check_channel(cast(Channel, row_with(request, CHANNELS, given))))


@router.post("/channels/mail", auth=WRITE, response=CheckShown)
def mail_by_unsaved_channel(request: ApiRequest, given: AccountToTry) -> Any:
    """A real mail to the agent of the token with these settings; `said` is the whole dialogue."""
    return mailed(request, cast(Channel, row_with(request, CHANNELS, given)))


@router.post("/channels/{int:pk}/mail", auth=WRITE, response=CheckShown)
def mail_by_channel(request: ApiRequest, pk: int) -> Any:
    """A real mail to the agent of the token with what is stored; `said` is the whole dialogue."""
    refuse_key(request)
    return mailed(request, found(Channel.objects.select_related("grant"), pk=pk))


def row_with(request: ApiRequest, section: Section, given: AccountToTry) -> Model:
    refuse_key(request)
    try:
        with tried(section, given.name, given.settings, asking(request)) as row:
            return row
    except SettingError as error:
        raise told(error) from error


def mailed(request: ApiRequest, channel: Channel) -> dict[str, Any]:
    if channel.kind == Channel.Kind.FILE:
        raise Problem(409, "Mails of this channel become files; it sends nothing.")
    return check_shown("sending", send_test_mail(channel, agent_of(request)))
