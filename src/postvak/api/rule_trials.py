"""Filters and rules of the message centre, tried before they are saved: what would be different, and which mail would go out."""

from datetime import datetime
from typing import Any, cast

from postvak.api.frame import (
    ApiRequest,
    BaseModel,
    Body,
    Field,
    Problem,
    Router,
    Token,
    Wrong,
    agent_of,
    asking,
    created,
    invalid,
)
from postvak.api.settings import told
from postvak.conditions.condition import Malformed
from postvak.conditions.operators import BadValue
from postvak.models import Agent, Filter, Rule, Ticket
from postvak.notify.look import logo_of, look_of
from postvak.notify.preview import Preview, preview, send_test
from postvak.notify.rule_words import TooLong
from postvak.notify.setting import language_for
from postvak.notify.shipped import is_for_agents, is_written_by_postvak
from postvak.process.filters.bench import LAST, try_draft
from postvak.process.filters.bench_json import bench_as_json
from postvak.process.filters.check import names, problems
from postvak.process.filters.draft import Draft
from postvak.setup.fields import LANGUAGE_CODE, SettingError
from postvak.setup.one import found, tried
from postvak.setup.rules import RULES
from postvak.tickets.access import visible_tickets

router = Router(tags=["Trials"])
EVERYWHERE = "all"  # mailboxes of a filter, as the settings say it


class FilterToTry(Body):
    name: str = Field(
        min_length=1,
        max_length=200,
        description="Its place in the order. A saved one of this name is replaced in the trial.",
    )
    settings: dict[str, Any] = Field(description="As for `/settings/filter`, at least `conditions`.")
    last: int = Field(200, ge=1, le=LAST, description="So many of the newest stored mails are looked at.")


class Difference(BaseModel):
    what: str
    before: str
    after: str


class TriedMail(BaseModel):
    receipt: int
    received_at: datetime
    author: str
    subject: str
    fired: bool
    changes: list[Difference] = Field(description="None: it fires, and all stays as it is.")


class FilterTried(BaseModel):
    asked: int
    looked_at: int = Field(description="Fewer than `asked`, when the time was over before or mails can't be read.")
    unreadable: int
    fired: int
    changed: int
    mails: list[TriedMail] = Field(description="On which it fires, or which it changes; newest first.")


class RuleTest(Body):
    name: str = Field(min_length=1, max_length=200, description="Its key, as `/settings/rule` has it.")
    ticket: str = Field(
        "", max_length=32, description="The number of a ticket; empty: the newest one that the agent sees."
    )
    language: str = Field("", pattern=f"^(?:{LANGUAGE_CODE})?$", description="Empty: that of the ticket's customer.")


class RuleToTry(RuleTest):
    settings: dict[str, Any] = Field(
        {},
        description="As for `/settings/rule`; what isn't named is as it is stored. `on` may be false: the rule may be unfinished.",
    )


class RuleMail(BaseModel):
    ticket: str
    language: str
    subject: str
    text: str
    html: str = Field(description="The whole mail; its pictures are named as cid:.")
    missing: list[str] = Field(description="Placeholders of which the ticket knows nothing: their lines are left out.")


class TestSent(BaseModel):
    outgoing: int = Field(description="The mail in the outbox, to the agent of the token.")


# -- filters ----------------------------------------------------------------------------


@router.post("/filters/trial", auth=Token("mail:read", admin=True), response=FilterTried)
def try_filter(request: ApiRequest, given: FilterToTry) -> Any:
    """What the filter would have changed on the newest mails, as `postvak filters test`. Nothing is written."""
    draft = draft_in(given)
    try:
        bench = try_draft(draft, last=given.last, row=Filter.objects.filter(name=draft.name).first())
    except BadValue as error:
        raise invalid("settings", str(error)) from error
    said = cast(dict[str, Any], bench_as_json(bench))
    return said | {"mails": [mail | {"author": mail["from"]} for mail in said["mails"]]}


def draft_in(given: FilterToTry) -> Draft:
    boxes = given.settings.get("mailboxes")
    written = {**given.settings, "name": given.name, "mailboxes": None if boxes == EVERYWHERE else boxes}
    try:
        draft = Draft.from_json(written)
    except Malformed as error:
        raise invalid("settings", f"{error}.") from error
    wrong = [Wrong(place_of(one.part, one.index), one.text) for one in problems(draft, names())]
    if wrong:
        raise Problem(422, "This filter can't run: see errors.", errors=wrong)
    return draft


def place_of(part: str, index: int) -> str:
    if part == "name":
        return part
    return f"settings.{part}.{index}" if part in {"conditions", "actions"} else f"settings.{part}"


# -- rules ----------------------------------------------------------------------------


@router.post("/rules/preview", auth=Token("tickets:read", admin=True), response=RuleMail)
def preview_rule(request: ApiRequest, given: RuleToTry) -> Any:
    """The mail that the rule would write on a ticket. Nothing is written, and nothing goes out."""
    ticket = ticket_of(request, given)
    language = given.language or language_for(ticket)
    stored = None if given.settings else found(RULES, given.name)
    if stored is not None:  # as it is: no transaction waits while the logo is fetched
        made = mail_of(cast(Rule, stored), ticket, language, agent_of(request))
    else:
        made = mail_of_draft(request, given, ticket, language)
    plain = {"subject": made.subject, "text": made.text, "html": made.html, "missing": list(made.missing)}
    return {"ticket": ticket.number, "language": language} | plain


def mail_of_draft(request: ApiRequest, given: RuleToTry, ticket: Ticket, language: str) -> Preview:
    logo_of(look_of(ticket.queue.brand), "")  # it is cached then: the transaction doesn't wait for where it lies
    try:
        with tried(RULES, given.name, given.settings, asking(request)) as row:
            return mail_of(cast(Rule, row), ticket, language, agent_of(request))
    except SettingError as error:
        raise told(error) from error


def mail_of(rule: Rule, ticket: Ticket, language: str, agent: Agent) -> Preview:
    refuse_alarm(rule)
    try:
        return preview(rule, "", "", ticket, language, agent if is_for_agents(rule) else None)
    except TooLong as error:
        raise Problem(409, str(error)) from error


def refuse_alarm(rule: Rule) -> None:
    if is_written_by_postvak(rule):
        raise Problem(409, "Postvak writes the mails of this rule itself, by what is broken.")


@router.post("/rules/test", auth=Token("settings:write", admin=True), response={201: TestSent})
def test_rule(request: ApiRequest, given: RuleTest) -> Any:
    """A real mail of a stored rule to the agent of the token, on a ticket; nothing of it belongs to the ticket."""
    row, ticket = RULES.find(given.name), ticket_of(request, given)
    if row is None:
        raise invalid("name", "There is no such rule.")
    rule = cast(Rule, row)
    refuse_alarm(rule)
    try:
        sent = send_test(rule, "", "", ticket, given.language or language_for(ticket), agent_of(request))
    except TooLong as error:
        raise Problem(409, str(error)) from error
    return created({"outgoing": sent.pk})


def ticket_of(request: ApiRequest, given: RuleTest) -> Ticket:
    seen = visible_tickets(agent_of(request)).select_related(
        "queue__brand", "queue__address", "customer__organisation", "reply_address"
    )
    rows = seen.filter(number=given.ticket) if given.ticket else seen.filter(merged_into=None).order_by("-pk")
    ticket = rows.first()
    if ticket is None:
        raise invalid("ticket", "There is no such ticket, or none yet.")
    return ticket
