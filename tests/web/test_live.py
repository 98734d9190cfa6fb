"""What a browser hears: what happened, soon, once, and only about tickets that its agent may read now."""

import asyncio
import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from postvak.models import Agent, Change, Mailbox, Membership, Notification, Queue, Status, Ticket
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.tickets import change
from postvak.tickets.presence import be_gone, be_here, forget_silent
from postvak.web.live import changes, hub
from postvak.web.live.changes import Changes, Flood
from postvak.web.live.hub import Full, Hub
from postvak.web.live.sessions import agents_of
from postvak.web.live.watcher import Watcher
from tests.mails import mail
from tests.servers import wait_until

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(mailbox: Mailbox, support: Queue) -> Ticket:
    accept(mailbox, [Arrived("live/1", mail())])
    process_due("test:1:x")
    return Ticket.objects.get()


@pytest.fixture
def watcher(ticket: Ticket, monkeypatch: pytest.MonkeyPatch) -> Watcher:
    """Watches from now on. What it is asked for here was committed by its own connection, which it wouldn't notice."""
    monkeypatch.setattr(Watcher, "is_due", lambda self: True)
    watcher = Watcher()
    watcher.start()
    return watcher


def heard(watcher: Watcher, *agents: Agent) -> dict[str, list[dict[str, Any]]]:
    """E-mail address: the events that this agent gets, with their name as "event"."""
    found: dict[str, list[dict[str, Any]]] = {agent.email: [] for agent in agents}
    for letter in watcher.look({agent.pk for agent in agents}):
        for agent in agents:
            if letter.agents is None or agent.pk in letter.agents:
                found[agent.email] += events(letter.data)
    return {email: what for email, what in found.items() if what}


def events(data: bytes) -> Iterable[dict[str, Any]]:
    for block in data.decode().strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines())
        yield {"event": lines["event"], **json.loads(lines["data"])}


def test_a_change_is_heard_once_by_those_who_may_read_the_ticket(
    watcher: Watcher, ticket: Ticket, bob: Agent, cas: Agent, admin: Agent
) -> None:
    change.assign(ticket, bob, by=admin)
    told = {"event": "change", "ticket": ticket.number, "kind": "changed", "queue": ticket.queue_id}
    assert heard(watcher, bob, cas, admin) == {
        bob.email: [told | {"mine": True}],
        admin.email: [told | {"mine": False}],
    }
    assert heard(watcher, bob, cas, admin) == {}


def test_many_changes_of_a_ticket_are_one_event_of_the_strongest_kind(
    watcher: Watcher, ticket: Ticket, bob: Agent
) -> None:
    change.assign(ticket, bob, by=bob)
    change.note(ticket, "Look at this", by=bob)
    change.set_status(ticket, Status.objects.get(key="closed"), by=bob)
    ((event,),) = heard(watcher, bob).values()
    assert event["kind"] == "message"


def test_of_a_private_ticket_only_assignee_leads_and_administrators_hear(
    watcher: Watcher, ticket: Ticket, bob: Agent, admin: Agent
) -> None:
    lead = Agent.objects.create_user("lea@example.org", "correct horse battery", name="Lea Lead")
    other = Agent.objects.create_user("oda@example.org", "correct horse battery", name="Oda Other")
    Membership.objects.create(queue=ticket.queue, agent=lead, is_lead=True)
    Membership.objects.create(queue=ticket.queue, agent=other)
    Ticket.objects.update(is_private=True, assignee=bob)
    assert set(heard(watcher, bob, lead, other, admin)) == {bob.email, lead.email, admin.email}


def test_whoever_loses_sight_of_a_ticket_hears_that_it_is_gone(
    watcher: Watcher, ticket: Ticket, bob: Agent, cas: Agent, sales: Queue
) -> None:
    change.assign(ticket, None, by=bob)
    Ticket.objects.update(subject="Told of it")
    heard(watcher, bob, cas)
    Ticket.objects.update(queue=sales)
    found = heard(watcher, bob, cas)
    assert [event["kind"] for event in found[bob.email]] == ["gone"]
    assert [event["queue"] for event in found[cas.email]] == [sales.pk]


def test_a_change_of_members_counts_at_once(watcher: Watcher, ticket: Ticket, bob: Agent, admin: Agent) -> None:
    Membership.objects.all().delete()
    change.note(ticket, "Words", by=admin)
    assert heard(watcher, bob) == {}


def test_too_much_at_once_is_told_as_one_reload_to_everybody(
    watcher: Watcher, ticket: Ticket, bob: Agent, cas: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "AT_ONCE", 3)
    made(ticket, 5)
    assert heard(watcher, bob, cas) == {bob.email: [{"event": "reload"}], cas.email: [{"event": "reload"}]}
    assert heard(watcher, bob, cas) == {}


def made(ticket: Ticket, number: int) -> list[int]:
    rows = [Change(kind="changed", ticket_id=ticket.pk, at=timezone.now()) for _time in range(number)]
    return [row.pk for row in Change.objects.bulk_create(rows)]


def test_a_row_that_becomes_visible_late_is_told_all_the_same(ticket: Ticket) -> None:
    feed = Changes()
    feed.start()
    first, late, last = made(ticket, 3)
    Change.objects.filter(pk=late).delete()  # not committed yet
    assert [pk for pk, *_ in feed.fresh()] == [first, last]
    assert feed.fresh() == []
    Change.objects.create(pk=late, kind="changed", ticket_id=ticket.pk, at=timezone.now())
    assert [pk for pk, *_ in feed.fresh()] == [late]
    assert feed.fresh() == []


def test_a_row_that_never_comes_is_waited_for_some_minutes_only(
    ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = Changes()
    feed.start()
    _first, never, _last = made(ticket, 3)
    Change.objects.filter(pk=never).delete()
    feed.fresh()
    assert list(feed.gaps) == [never]
    monkeypatch.setattr(changes, "LATE", 0.0)
    feed.fresh()
    assert not feed.gaps


def test_a_browser_that_comes_back_hears_what_it_missed_or_reloads(ticket: Ticket) -> None:
    feed = Changes()
    feed.start()
    seen, *missed = made(ticket, 4)
    feed.fresh()
    assert [pk for pk, *_ in feed.since(seen)][-3:] == missed
    assert feed.since(missed[-1])[-1][0] == missed[-1]
    Change.objects.filter(pk__lte=missed[1]).delete()  # forgotten by now
    with pytest.raises(Flood):
        feed.since(seen)
    with pytest.raises(Flood):
        feed.since(missed[-1] + 1000)  # of another database
    Change.objects.all().delete()
    assert feed.since(missed[-1]) == []  # nothing happened since


def test_a_page_that_just_loaded_hears_what_happened_meanwhile(ticket: Ticket) -> None:
    Change.objects.update(at=timezone.now() - timedelta(minutes=1))
    (new,) = made(ticket, 1)
    assert [pk for pk, *_ in Changes().since(None)] == [new]


def test_colleagues_hear_who_comes_writes_and_goes_but_not_of_themselves(
    watcher: Watcher, ticket: Ticket, bob: Agent, cas: Agent, admin: Agent
) -> None:
    be_here(ticket, bob, is_typing=False)
    assert [event["event"] for event in heard(watcher, bob, cas, admin).pop(admin.email)] == ["presence"]
    be_here(ticket, bob, is_typing=False)
    assert heard(watcher, bob, cas, admin) == {}  # says the same again: nothing new
    be_here(ticket, bob, is_typing=True)
    assert set(heard(watcher, bob, cas, admin)) == {admin.email}
    be_here(ticket, admin, is_typing=False)
    assert set(heard(watcher, bob, cas, admin)) == {bob.email}
    be_gone(ticket, bob)
    assert set(heard(watcher, bob, cas, admin)) == {admin.email}


def test_who_falls_silent_is_gone_after_a_minute(watcher: Watcher, ticket: Ticket, bob: Agent, admin: Agent) -> None:
    be_here(ticket, bob, is_typing=False)
    heard(watcher, admin)
    ticket.present.update(seen_at=timezone.now() - timedelta(seconds=61))
    assert [event["event"] for event in heard(watcher, admin)[admin.email]] == ["presence"]
    assert forget_silent(timezone.now()) == 0
    assert forget_silent(timezone.now() + timedelta(minutes=10)) == 1


def test_a_notice_is_announced_to_its_agent_alone(watcher: Watcher, ticket: Ticket, bob: Agent, admin: Agent) -> None:
    Notification.objects.create(agent=bob, ticket=ticket, kind="assigned", at=timezone.now())
    assert heard(watcher, bob, admin) == {bob.email: [{"event": "notice"}]}
    assert heard(watcher, bob, admin) == {}


# -- who may listen ----------------------------------------------------------------------------


def session_of(agent: Agent) -> str:
    client = Client()
    client.force_login(agent)
    return str(client.session.session_key)


def test_only_sessions_that_are_logged_in_listen(bob: Agent, cas: Agent) -> None:
    mine, his = session_of(bob), session_of(cas)
    assert agents_of([mine, his, "nonsense"]) == {mine: bob.pk, his: cas.pk}
    cas.is_active = False
    cas.save()
    assert agents_of([mine, his]) == {mine: bob.pk}
    bob.set_password("another horse battery")
    bob.save()
    assert agents_of([mine]) == {}


def test_a_session_that_ran_out_listens_no_more(bob: Agent) -> None:
    mine = session_of(bob)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert agents_of([mine]) == {}
    assert Watcher().admit(mine, None) is None


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_stream_ends_soon_after_the_log_out(bob: Agent, ticket: Ticket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "CHECK", 0.0)
    mine = session_of(bob)

    async def listen() -> list[bytes]:
        streams = Hub()
        stream = await streams.admit(mine, None)
        assert stream is not None
        heard = [await stream.next()]
        await streams.ask(forget_session, mine)
        while data := await asyncio.wait_for(stream.next(), 10):
            heard.append(data)
        streams.remove(stream)
        await streams.ask(streams.watcher.close)
        streams.close()
        return heard

    assert b"event: hello" in asyncio.run(listen())[0]


def forget_session(key: str) -> None:
    Session.objects.filter(session_key=key).delete()


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_the_oldest_stream_of_an_agent_makes_room_and_a_full_house_refuses(
    bob: Agent, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "MOST_EACH", 2)
    monkeypatch.setattr(hub, "MOST_STREAMS", 3)
    mine = session_of(bob)

    async def crowd() -> list[bool]:
        streams = Hub()
        made = [await streams.admit(mine, None) for _time in range(3)]
        with pytest.raises(Full):
            await streams.admit(mine, None)
        streams.close()
        await asyncio.gather(*(stream.next() for stream in made if stream))
        await asyncio.wait_for(asyncio.gather(*[streams.running] if streams.running else []), 10)
        return [stream.ended for stream in made if stream]

    assert asyncio.run(crowd()) == [True, True, True]


def test_a_browser_that_reads_nothing_is_given_up() -> None:
    async def deaf() -> bytes:
        stream = hub.Stream("key", hub.Admission(1, b"hello"))
        for _time in range(hub.MOST_WAITING + 1):
            stream.put(b"event")
        return await stream.next()

    assert asyncio.run(deaf()) == b""


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_an_idle_look_reads_no_rows_and_a_commit_of_somebody_else_wakes_it(ticket: Ticket, bob: Agent) -> None:
    watcher = Watcher()
    with ThreadPoolExecutor(1) as thread:
        thread.submit(watcher.start).result()
        wait_until(
            lambda: not thread.submit(watcher.is_due).result(), seconds=10, what="quiet"
        )  # a server has others, too
        change.note(ticket, "Words", by=bob)
        assert thread.submit(watcher.is_due).result()
        assert thread.submit(watcher.changes.fresh).result()
        thread.submit(watcher.close).result()
