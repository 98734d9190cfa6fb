"""What is exported makes the same set-up on a new installation: the demo's, and whatever may stand in the columns."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from postvak.cli.demo.house import Size, build
from postvak.models import (
    Address,
    Agent,
    AnswerTemplate,
    AnswerTemplateText,
    Blocked,
    Brand,
    Calendar,
    Channel,
    CustomField,
    Filter,
    LoginProvider,
    Look,
    Mailbox,
    Membership,
    Options,
    Priority,
    Queue,
    QueueTeam,
    Retention,
    Role,
    Rule,
    RuleText,
    SavedView,
    Sla,
    Status,
    Tag,
    Team,
    TicketType,
    Webhook,
    Wording,
)
from postvak.process.filters.draft import Draft
from postvak.process.filters.store import save_filter
from postvak.setup.file import apply, export
from postvak.tickets.people import settle

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def exported_elsewhere(make: Callable[[], object]) -> str:
    """The export of an installation that `make` set up; nothing of it is left here."""
    with transaction.atomic():
        make()
        text = export()
        transaction.set_rollback(True)
    return text


def test_the_demo_s_set_up_moves_to_a_new_installation(tmp_path: Path) -> None:
    size = Size(queues=8, agents=12, organisations=2, customers=2)
    text = exported_elsewhere(lambda: build(size, "secret words of a demo", random.Random(7)))
    assert "Lumière Licht" in text
    assert apply(text, base=tmp_path)
    assert export() == text
    assert apply(text, base=tmp_path) == []


# A key is found as it stands in the file, without blanks around it.
words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
line = words.filter(lambda text: "\n" not in text and "\r" not in text and text == " ".join(text.split()))
name = line.filter(lambda text: text and "::" not in text and "/" not in text)
flag = st.booleans()
number = st.integers(0, 60_000)


@st.composite
def houses(draw: st.DrawFn) -> dict[str, object]:
    """One of (nearly) everything, with values that nobody would think of."""
    names = draw(st.lists(name, min_size=12, max_size=12, unique_by=str.casefold))
    texts = draw(st.lists(words, min_size=12, max_size=12))
    lines = draw(st.lists(line, min_size=6, max_size=6))
    flags = draw(st.lists(flag, min_size=12, max_size=12))
    return {"names": names, "texts": texts, "lines": lines, "flags": flags, "number": draw(number)}


def build_house(names: list[str], texts: list[str], lines: list[str], flags: list[bool], number: int) -> None:
    Options.objects.update(
        hook="", trash_days=number or None, backup_hour=number % 24, second_factor="all", automatic_unanswered=number, held_hours=None
    )  # fmt: skip
    Role.objects.filter(key="lead").update(name=names[0], may_close=flags[0])
    role = Role.objects.create(name="agent" if flags[1] else names[1], may_answer=flags[2], position=3)
    brand = Brand.objects.get()
    Brand.objects.update(name=names[2], stacks_signatures=flags[3])
    Look.objects.create(brand=brand, reply_line=flags[4], font="mono")
    for language, text in (("", texts[0]), ("nl", texts[1])):
        if text.strip() and "{" not in text:
            Wording.objects.create(brand=brand, part="footer", language=language, text=text)
    agent = Agent.objects.create(email="bob@example.org", name=names[3], away_from=NOW, is_active=flags[5])
    other = Agent.objects.create(email="cas@example.org", name=names[4], substitute=agent)
    queue = Queue.objects.create(name=names[5], brand=brand, follow_up_days=number or None, colour="plum")
    queue.address = Address.objects.create(email="support@example.org", queue=queue, comment=lines[0])
    queue.save()
    Membership.objects.create(queue=queue, agent=agent, own_role=role)
    Membership.objects.create(queue=queue, agent=other, is_lead=flags[6])
    team = Team.objects.create(name=names[6], comment=lines[1], is_valid=flags[7])
    team.members.set([agent, other])
    QueueTeam.objects.create(queue=Queue.objects.get(is_default=True), team=team, role=role)
    settle()
    Channel.objects.create(name=names[7], kind="file", is_default=flags[8], rate_per_minute=None)
    Mailbox.objects.create(name=names[8], kind="imap", folders=lines[2], queue=queue, start_at=NOW, trusted_senders="")
    Mailbox.objects.filter(kind="local").update(name=names[9], agents_mail="answer")
    LoginProvider.objects.create(name=names[0], client_id="x", role=role, issuer="https://id.example.org/").queues.add(
        queue
    )
    fields_and_words(names, texts, lines, flags, queue)
    rules_and_programs(names, texts, lines, agent, queue)


def fields_and_words(names: list[str], texts: list[str], lines: list[str], flags: list[bool], queue: Queue) -> None:
    field = CustomField.objects.create(
        key="Order", label=names[0], kind="choice", options="\n".join(filter(str.strip, [names[1], names[2]])),
        is_required=flags[0], holder="ticket",
    )  # fmt: skip
    field.queues.add(queue)
    Status.objects.filter(key="open").update(name=names[0])
    Priority.objects.filter(level=2).update(name=names[1], is_valid=flags[9])
    kind, tag = TicketType.objects.create(name=names[2]), Tag.objects.create(name=names[3])
    calendar = Calendar.objects.create(
        name=names[4], hours={"0": [["08:00", "12:00"]]}, holidays={"2026-12-24": texts[2]}
    )
    Sla.objects.create(name=names[5], calendar=calendar, first_answer=5).queues.add(queue)
    template = AnswerTemplate.objects.create(name=names[6], category=names[7])
    template.brands.set(Brand.objects.all())
    AnswerTemplateText.objects.create(template=template, subject=lines[3], html="<p>Hallo</p>")
    condition = {
        "queues": [queue.pk],
        "types": [kind.pk],
        "tags": [tag.pk],
        "assignees": ["me", str(Agent.objects.earliest("pk").pk)],
    }
    owner = Agent.objects.earliest("pk")
    SavedView.objects.create(
        agent=owner, name=names[8], is_shared=True, condition=condition, columns=["queue"], order="-changed"
    )


def rules_and_programs(names: list[str], texts: list[str], lines: list[str], agent: Agent, queue: Queue) -> None:
    Rule.objects.filter(key="confirmation").update(is_on=False, comment=lines[4], per_day=3)
    conditions = [{"field": "subject", "operator": "contains", "value": texts[3] or "x", "not": True}]
    rule = Rule.objects.create(
        name="rejected" if "a" in names[9] else names[9], trigger="new_ticket", conditions=conditions,
        recipients=["requester", "address:boss@third.example"] + ([f"agent:{agent.pk}"] if agent.is_active else []),
    )  # fmt: skip
    RuleText.objects.create(rule=rule, subject=lines[5].replace("{", ""), html="<p>Hi</p>")
    Blocked.objects.create(pattern="*@shop.example", comment=lines[0], created_at=NOW)
    Retention.objects.create(outcome="duplicate", days=9)
    Webhook.objects.create(name=names[10], url="https://example.org/x", created_at=NOW).queues.add(queue)
    draft = {
        "name": names[11], "conditions": [{"field": "subject", "operator": "contains", "value": texts[4] or "x"}],
        "actions": [{"set": "header:X-Note", "value": texts[5] or "x"}], "valid": False, "comment": texts[6],
    }  # fmt: skip
    save_filter(Draft.from_json(draft), by=None)
    assert Filter.objects.count() == 1


@given(houses())
@settings(
    max_examples=12, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_stands_in_the_columns_moves_to_a_new_installation(tmp_path: Path, house: dict[str, object]) -> None:
    text = exported_elsewhere(lambda: build_house(**house))  # type: ignore[arg-type]
    with transaction.atomic():
        apply(text, base=tmp_path)
        assert export() == text
        transaction.set_rollback(True)
