"""The ledger's pages: for every way a mail can end, the right words; who sees what; what a page costs."""

import csv
import re
from collections.abc import Iterator
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from postvak.log.ledger import numbers
from postvak.models import (
    Agent,
    Channel,
    Delivery,
    DeliveryEvent,
    Filter,
    LedgerEntry,
    Mailbox,
    OutgoingMail,
    Queue,
    Suppression,
    Ticket,
)
from postvak.tickets.answer import Answer, answer
from postvak.tickets.search.index import index_due
from tests.mails import mail
from tests.process.arrivals import condition, make_filter, receive
from tests.web.ledger_mails import ANN, IN, OUT, Make, World
from tests.web.test_desk import page

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(mailbox: Mailbox, support: Queue, bob: Agent, channel: Channel, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(mailbox, support, bob, channel, monkeypatch.setattr)


@pytest.fixture
def eva(client: Client, admin: Agent) -> Client:
    client.force_login(admin)
    return client


def main_of(html: str) -> str:
    return html.partition('<main id="main"')[2].partition("</main>")[0]


def row_of(html: str, line: LedgerEntry) -> str:
    """The table row of a line."""
    rows: list[str] = re.findall(r"<tr[ >].*?</tr>", main_of(html), re.DOTALL)
    return next(row for row in rows if f'id="line-{line.pk}"' in row)


def links(html: str) -> Iterator[str]:
    """Addresses of this site that the page itself leads to."""
    for href in dict.fromkeys(re.findall(r'href="(/[^"#]*)', main_of(html))):
        yield href.replace("&amp;", "&")


def check_links(client: Client, html: str) -> None:
    for url in links(html):
        assert client.get(url).status_code in {200, 302}, url


def words(html: str) -> str:
    """Without tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


# -- every way that a mail can end -------------------------------------------------------------


@pytest.mark.parametrize(("make", "state", "sentence"), [row[1:] for row in IN], ids=[row[0] for row in IN])
def test_each_incoming_mail_says_what_became_of_it(
    eva: Client, world: World, make: Make, state: str, sentence: str
) -> None:
    line = make(world)
    html = page(eva, "/ledger/?direction=in")
    row = row_of(html, line)
    assert state in words(row)
    assert f'href="/receipts/{line.receipt_id}/"' in row
    detail = page(eva, f"/receipts/{line.receipt_id}/")
    assert sentence in detail
    assert (f'href="/tickets/{line.ticket.number}/' in row) if line.ticket else ("/tickets/" not in row)
    check_links(eva, row.join(['<main id="main"', "</main>"]))
    check_links(eva, detail)
    assert eva.get(f"/ledger/{line.pk}/").headers["Location"] == f"/receipts/{line.receipt_id}/"


def test_the_ways_in_are_all_outcomes_that_there_are() -> None:
    assert {row[2] for row in IN} == {
        "ticket created", "added to ticket", "grouped with recent ticket", "new ticket instead of closed one", "rejected",
        "delivery report", "ignored", "duplicate", "before start date", "held", "in progress",
    }  # fmt: skip
    assert {row[0] for row in OUT} == set(Delivery.State.values)


def deliver(world: World, state: str, code: int | None, said: str) -> LedgerEntry:
    """Bob's answer to Ann, whose delivery became this."""
    outgoing = answer(world.first(), Answer(to=(ANN,), text="Try a new bulb."), by=world.bob).outgoing
    delivery = outgoing.deliveries.get()
    if state not in {"queued", "sending"}:
        DeliveryEvent.objects.create(delivery=delivery, at=timezone.now(), kind=state, code=code, said=said)
    Delivery.objects.filter(pk=delivery.pk).update(state=state, code=code, said=said, remote_id="4XyZ")
    OutgoingMail.objects.filter(pk=outgoing.pk).update(next_attempt_at=None, attempts=1)
    return LedgerEntry.objects.get(delivery=delivery)


@pytest.mark.parametrize(
    ("state", "code", "said", "shown"), OUT, ids=[f"{row[0]}-{number}" for number, row in enumerate(OUT)]
)
def test_each_outgoing_mail_says_where_it_is(
    eva: Client, world: World, state: str, code: int | None, said: str, shown: str
) -> None:
    line = deliver(world, state, code, said)
    row = row_of(page(eva, "/ledger/?direction=out"), line)
    assert state.replace("_", " ") in words(row)
    assert f'href="/ledger/{line.pk}/"' in row
    detail = page(eva, f"/ledger/{line.pk}/")
    assert shown.lower() in detail.lower()
    assert "4XyZ" in detail
    assert line.delivery
    check_links(eva, row.join(['<main id="main"', "</main>"]))
    check_links(eva, detail)


# -- finding -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["ann@customer.example", "<m1@customer.example>", "lamp flick", "NUMBER", "4XyZ", "REMOTE"]
)
def test_a_mail_is_found_by_what_people_know_of_it(eva: Client, world: World, text: str) -> None:
    line = deliver(world, "accepted", 250, "250 ok")
    assert line.ticket
    text = text.replace("NUMBER", line.ticket.number).replace("REMOTE", "4xyz")
    html = page(eva, f"/ledger/?q={text}")
    assert f'id="line-{line.pk}"' in html or "m1@" in text
    assert "The lamp flickers" in html
    assert "No mail fits" in page(eva, f"/ledger/?q={text}zzzz")


def test_words_of_the_text_find_a_mail_with_the_rights_of_who_asks(
    client: Client, eva: Client, bob: Agent, cas: Agent, mailbox: Mailbox
) -> None:
    (receipt,) = receive(mailbox, mail(text="It happens with the xylophone nearby."))
    while index_due("test:1:x"):
        pass
    assert "With these words in the text" in page(eva, "/ledger/?q=xylophone")
    for agent, sees in ((bob, True), (cas, False)):
        client.force_login(agent)
        assert (f"/receipts/{receipt.pk}/" in page(client, "/ledger/?q=xylophone")) == sees


def test_the_sums_add_up_and_lead_to_their_lines(eva: Client, mailbox: Mailbox) -> None:
    receive(mailbox, mail(), mail(), mail(message_id="o@x.example", subject="Other", text="x"), b"")
    html = page(eva, "/ledger/")
    sums = re.findall(r'class="sum" href="([^"]+)"><span>[^<]+</span><b>(\d+)</b>', html)
    assert [number for _url, number in sums] == ["4", "0"]
    slots = re.findall(r'<a href="(/ledger/\?[^"]+)"[^>]*><b>(\d+)</b>', html)
    assert sum(int(number) for _url, number in slots) == 4
    for url, number in slots:
        rows = main_of(page(eva, url.replace("&amp;", "&"))).count('id="line-')
        assert rows == int(number), url


def test_the_sums_of_a_long_time_come_when_the_page_is_there(eva: Client, mailbox: Mailbox) -> None:
    receive(mailbox, mail())
    html = page(eva, "/ledger/?period=all")
    later = re.search(r'hx-get="([^"]+sums=1)" hx-trigger="load"', html)
    assert later
    assert 'class="sum"' not in html
    url = later[1].replace("&amp;", "&")
    for answer_to in (eva.get(url, headers={"HX-Request": "true"}).content.decode(), page(eva, url)):
        assert re.findall(r'class="sum"[^>]*><span>[^<]+</span><b>(\d+)</b>', answer_to) == ["1", "0"]
    assert "data-look" not in main_of(html)
    assert "sums=1" not in page(eva, "/ledger/?period=week")


@pytest.mark.parametrize("sort", ["time", "-time", "sender", "-sender", "state", "-state", "ticket", "-ticket", "mailbox", "-mailbox", "subject", "-subject"])  # fmt: skip
def test_pages_follow_each_other_in_every_order_without_gap(eva: Client, mailbox: Mailbox, sort: str) -> None:
    raws = [mail(message_id=f"n{n}@x.example", sender=f"c{n % 7}@x.example", subject=f"S {n % 5}", text=str(n)) for n in range(120)]  # fmt: skip
    receive(mailbox, *raws, *raws[:5])
    seen: list[int] = []
    url = f"/ledger/?direction=in&sort={sort}"
    while url:
        html = page(eva, url)
        seen += [int(key) for key in re.findall(r'id="line-(\d+)"', html)]
        following = re.search(r'rel="next" href="([^"]+)"', html)
        url = following[1].replace("&amp;", "&") if following else ""
    lines = LedgerEntry.objects.in_bulk(seen)
    column = {"time": "pk", "ticket": "ticket_id", "mailbox": "mailbox_id"}.get(sort.strip("-"), sort.strip("-"))
    keys = [(getattr(lines[key], column), key) for key in seen]
    assert keys == sorted(keys, reverse=sort.startswith("-"))
    assert len(set(seen)) == len(seen) == 125


@pytest.mark.parametrize("sort", ["direction", "-direction"])
def test_sorted_by_direction_one_comes_behind_the_other_without_gap(eva: Client, mailbox: Mailbox, sort: str) -> None:
    now = timezone.now()
    LedgerEntry.objects.bulk_create(
        LedgerEntry(direction="in" if n % 3 else "out", at=now, state="held", subject=str(n)) for n in range(170)
    )
    seen: list[int] = []
    url = f"/ledger/?sort={sort}"
    while url:
        html = page(eva, url)
        seen += [int(key) for key in re.findall(r'id="line-(\d+)"', html)]
        following = re.search(r'rel="next" href="([^"]+)"', html)
        url = following[1].replace("&amp;", "&") if following else ""
    lines = LedgerEntry.objects.in_bulk(seen)
    keys = [(lines[key].direction, key) for key in seen]
    assert keys == sorted(keys, reverse=sort.startswith("-"))
    assert len(set(seen)) == len(seen) == 170
    assert 'aria-sort="' in html


@pytest.mark.parametrize(
    ("query", "finds"),
    [
        ("", 3), ("direction=in", 2), ("direction=out", 1), ("state=held", 1), ("state=queued", 1), ("state=bounced", 0),
        ("mailbox=MAILBOX", 2), ("channel=CHANNEL", 1), ("queue=QUEUE", 2), ("queue=999", 0), ("mailbox=x", 3), ("period=day", 3),
        ("period=all", 3), ("period=own&first=2020-01-01&last=2020-12-31", 0), ("period=own&first=2020-01-01", 3),
        ("period=own&last=2020-01-01", 0), ("period=own&first=nonsense&last=2020-02-31", 3), ("direction=in&state=queued", 2),
        ("sort=nonsense&after=x", 3), ("after=99999999999999999999999", 3), ("q=lamp&direction=out", 1), ("q=lamp&sort=sender", 2),
        ("state=%00&q=%00", 3), ("period=own&first=9999-12-31&last=9999-12-31", 3),
    ],
)  # fmt: skip
def test_what_the_address_asks_for_is_shown(eva: Client, world: World, query: str, finds: int) -> None:
    answer(world.first(), Answer(to=(ANN,), text="Hi"), by=world.bob)
    world.comes(b"")
    query = query.replace("MAILBOX", str(world.mailbox.pk)).replace("CHANNEL", str(world.channel.pk))
    html = page(eva, f"/ledger/?{query.replace('QUEUE', str(world.support.pk))}")
    assert main_of(html).count('id="line-') == finds


def test_the_lines_come_anew_while_the_first_page_is_seen(eva: Client, mailbox: Mailbox) -> None:
    assert 'data-look="10"' in page(eva, "/ledger/?direction=in")
    receive(mailbox, mail())
    html = eva.get("/ledger/?direction=in", headers={"HX-Request": "true"}).content.decode()
    assert "The lamp flickers" in html
    assert "<html" not in html
    assert "data-look" not in main_of(page(eva, "/ledger/?after=5"))


# -- rights --------------------------------------------------------------------------------------


def test_an_agent_sees_the_lines_of_his_queues_only(client: Client, cas: Agent, bob: Agent, world: World) -> None:
    line = deliver(world, "bounced", 550, "550 5.1.1 no such user")
    held = world.comes(b"")
    world.comes(mail(to="sales@example.org", message_id="s@x.example", subject="For sales", text="x"))
    client.force_login(cas)
    for url in ("/ledger/", "/ledger/?q=lamp", "/ledger/?q=ann@customer.example&period=all", "/ledger/?sort=sender"):
        html = page(client, url)
        assert "The lamp flickers" not in html
        assert f'id="line-{held.pk}"' not in html
    assert "For sales" in page(client, "/ledger/")
    assert re.findall(r'class="sum"[^>]*><span>[^<]+</span><b>(\d+)</b>', page(client, "/ledger/")) == ["1", "0"]
    for url in (f"/ledger/{line.pk}/", f"/ledger/{held.pk}/", f"/receipts/{held.receipt_id}/again/"):
        assert client.get(url).status_code == 404
    client.force_login(bob)
    html = page(client, "/ledger/")
    assert f'id="line-{line.pk}"' in html
    assert f'id="line-{held.pk}"' not in html
    assert "For sales" not in html
    assert client.get("/admin/ledger.csv").status_code == 403


def test_held_mails_of_a_mailbox_with_a_fixed_queue_are_seen_by_its_agents(
    client: Client, cas: Agent, bob: Agent, world: World
) -> None:
    world.trust(queue=world.support)
    held = world.comes(b"")
    for agent, sees in ((bob, True), (cas, False)):
        client.force_login(agent)
        assert (f'id="line-{held.pk}"' in page(client, "/ledger/")) == sees


def test_a_private_ticket_is_no_line_for_colleagues(client: Client, world: World, bob: Agent, admin: Agent) -> None:
    line = world.comes(mail())
    Ticket.objects.update(is_private=True, assignee=admin)
    client.force_login(bob)
    assert f'id="line-{line.pk}"' not in page(client, "/ledger/")
    assert client.get(f"/ledger/{line.pk}/").status_code == 404


# -- what can be done ------------------------------------------------------------------------------


def test_the_decision_is_thought_over_without_changing_anything(eva: Client, world: World) -> None:
    line = world.comes(mail(subject="Lamps Weekly"))
    url = f"/receipts/{line.receipt_id}/again/"
    assert "The same would be decided today." in page(eva, url)
    from_filter = [row for row in IN if row[0] == "tagged by a filter"][0][1]
    from_filter(world)
    before = LedgerEntry.objects.count()
    html = page(eva, url)
    assert "Today it would be decided otherwise" in html
    assert "Filter “Newsletters” fires" in html
    assert re.search(r"Newsletters</span>\s*<small>fires", html)
    assert LedgerEntry.objects.count() == before


def test_a_new_filter_that_does_not_fire_is_no_other_decision(eva: Client, world: World) -> None:
    line = world.comes(mail())
    url = f"/receipts/{line.receipt_id}/again/"
    make_filter("Newsletters", ("add_tags", "x"), when=[condition("subject", "contains", "Weekly")])
    assert "The same would be decided today." in page(eva, url)
    make_filter("All", ("add_tags", "y"))
    assert "Today it would be decided otherwise" in page(eva, url)


def test_a_sender_is_blocked_by_a_filter_and_only_once(eva: Client, client: Client, world: World) -> None:
    line = world.comes(mail())
    url = f"/receipts/{line.receipt_id}/sender/"
    assert eva.post(url).status_code == 302
    rule = Filter.objects.get()
    assert rule.conditions[0]["value"] == ANN
    eva.post(url)
    assert Filter.objects.count() == 1
    client.force_login(world.bob)
    assert client.post(url).status_code == 403


def test_a_blocked_sender_is_allowed_again_by_the_filters_that_name_him(
    eva: Client, client: Client, world: World
) -> None:
    line = world.comes(mail())
    url = f"/receipts/{line.receipt_id}/"
    eva.post(f"{url}sender/")
    make_filter(
        "91 Both",
        ("spam", ""),
        when=[condition("from.address", "equals", ANN), condition("from.address", "equals", "eve@x.example")],
        match="any",
    )
    make_filter("92 Not her", ("spam", ""), when=[condition("from.address", "equals", ANN, negated=True)], match="any")
    assert "Allow the sender again" in page(eva, url)
    client.force_login(world.bob)
    assert client.post(f"{url}sender/allowance/").status_code == 403
    assert Filter.objects.count() == 3
    client.force_login(Agent.objects.get(is_admin=True))
    assert client.post(f"{url}sender/allowance/").status_code == 302
    left = dict(Filter.objects.values_list("name", "conditions"))
    assert sorted(left) == ["91 Both", "92 Not her"]
    assert [one["value"] for one in left["91 Both"]] == ["eve@x.example"]
    assert "Block the sender" in page(eva, url)


def test_agents_choose_among_the_accounts_whose_mails_they_read(
    client: Client, world: World, bob: Agent, admin: Agent
) -> None:
    world.comes(mail())
    Mailbox.objects.create(name="Secret", kind="forward")
    own = Mailbox.objects.create(name="Fixed", kind="forward", queue=world.support)
    hidden = Channel.objects.create(name="Hidden", kind="smtp", host="smtp.example.org")
    client.force_login(bob)
    html = main_of(page(client, "/ledger/"))
    for name, is_there in ((world.mailbox.name, True), (own.name, True), ("Secret", False), (hidden.name, False)):
        assert (f">{name}</option>" in html) == is_there, name
    client.force_login(admin)
    html = main_of(page(client, "/ledger/"))
    assert ">Secret</option>" in html
    assert ">Hidden</option>" in html


def test_numbers_of_a_long_time_that_took_long_are_good_for_a_minute_and_say_so(
    eva: Client, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbers, "_slow", {})
    monkeypatch.setattr(numbers, "SLOW", -1.0)
    url = "/ledger/?period=all&direction=in&sums=1"
    receive(mailbox, mail())
    assert "<b>1</b>" in page(eva, url)
    receive(mailbox, mail(message_id="two@x.example", text="another"))
    lately = page(eva, url)
    assert "<b>2</b>" not in lately
    assert "Counted at" in lately
    assert "<b>2</b>" in page(eva, "/ledger/?direction=in")
    monkeypatch.setattr(numbers, "GOOD_FOR", 0.0)
    assert "<b>2</b>" in page(eva, url)


def test_a_suppressed_recipient_can_be_released_from_the_line(eva: Client, world: World) -> None:
    line = deliver(world, "bounced", 550, "550 5.1.1 no such user")
    Suppression.objects.create(address=ANN, reason="bounced", since=timezone.now())
    html = page(eva, f"/ledger/{line.pk}/")
    assert "Allow mail to this address again" in html
    assert line.ticket
    eva.post(f"/tickets/{line.ticket.number}/released-addresses/", {"address": ANN})
    assert not Suppression.objects.exists()


def test_the_report_of_another_server_is_linked_from_the_line_of_our_mail(eva: Client, world: World) -> None:
    bounce = next(row[1] for row in IN if row[0] == "bounce")(world)
    line = LedgerEntry.objects.get(direction="out")
    assert f'href="/receipts/{bounce.receipt_id}/"' in page(eva, f"/ledger/{line.pk}/")


def test_a_line_stays_when_its_mail_is_gone(eva: Client, world: World) -> None:
    line = deliver(world, "accepted", 250, "250 ok")
    Delivery.objects.all().delete()
    html = page(eva, f"/ledger/{line.pk}/")
    assert "The mail itself is gone" in html
    assert f'href="/ledger/{line.pk}/"' in page(eva, "/ledger/")


def test_both_ways_from_a_message_to_its_line(eva: Client, world: World) -> None:
    line = deliver(world, "accepted", 250, "250 ok")
    assert f'href="/ledger/{line.pk}/"' in page(eva, f"/messages/{line.message_id}/deliveries/")
    incoming = LedgerEntry.objects.get(direction="in")
    assert f'href="/receipts/{incoming.receipt_id}/"' in page(eva, f"/messages/{incoming.message_id}/menu/")


def test_the_header_lines_alone_are_shown(eva: Client, world: World) -> None:
    line = world.comes(mail(text="The body stands here."))
    html = page(eva, f"/receipts/{line.receipt_id}/source/?part=headers")
    assert "Message-ID" in html
    assert "The body stands here." not in html


def test_the_export_has_the_filtered_lines_and_no_formulas(eva: Client, world: World) -> None:
    deliver(world, "bounced", 550, "550 5.1.1 no such user")
    world.comes(mail(subject="=cmd()", message_id="f@x.example", text="formula"))
    text = b"".join(eva.get("/admin/ledger.csv?direction=in").streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    rows = list(csv.reader(StringIO(text)))
    assert len(rows) == 3
    assert rows[1][4] == "'=cmd()"
    assert rows[2][2:6] == [ANN, "support@example.org", "The lamp flickers", "ticket created"]


def test_the_export_goes_over_all_pages(eva: Client, mailbox: Mailbox) -> None:
    LedgerEntry.objects.bulk_create(
        LedgerEntry(direction="in", at=timezone.now(), state="held", sender=f"s{n}@x.example") for n in range(1203)
    )
    for query, rows in (("", 1203), ("q=x.example", 1203), ("sort=sender", 1203), ("q=s77@x.example", 1)):
        text = b"".join(eva.get(f"/admin/ledger.csv?{query}").streaming_content).decode()  # type: ignore[attr-defined]
        assert text.count("\n") == rows + 1, query


# -- what it costs -----------------------------------------------------------------------------------


def test_more_lines_cost_no_more_queries(
    eva: Client, world: World, django_assert_max_num_queries: object, client: Client
) -> None:
    receive(world.mailbox, *(mail(message_id=f"n{n}@x.example", subject=f"N {n}", text=str(n)) for n in range(30)))
    world.comes(b"")
    htmx = {"HX-Request": "true"}
    eva.get("/ledger/", headers=htmx)  # the first request of a session notes that it was used
    for query in ("", "direction=out", "sort=sender", "period=all"):
        with django_assert_max_num_queries(9):  # type: ignore[operator]
            assert eva.get(f"/ledger/?{query}", headers=htmx).status_code == 200
    with django_assert_max_num_queries(18):  # type: ignore[operator]
        page(eva, "/ledger/?q=number")
    client.force_login(world.bob)
    client.get("/ledger/", headers=htmx)
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        assert client.get("/ledger/", headers=htmx).status_code == 200


def test_the_export_is_on_the_agents_clock_though_it_is_read_after_the_request(
    client: Client, admin: Agent, world: World
) -> None:
    line = world.comes(mail())
    Agent.objects.filter(pk=admin.pk).update(time_zone="Asia/Tokyo", language="de")
    client.force_login(admin)
    answered = client.get("/admin/ledger.csv")
    text = b"".join(answered.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    row = list(csv.reader(StringIO(text)))[1]
    there = LedgerEntry.objects.get(pk=line.pk).at.astimezone(ZoneInfo("Asia/Tokyo"))
    assert row[:2] == [there.isoformat(sep=" ", timespec="seconds"), "eingehend"]


def test_a_ticket_that_moves_to_another_queue_takes_its_lines_along(
    client: Client, world: World, bob: Agent, sales: Queue
) -> None:
    line = world.comes(mail())
    client.force_login(bob)
    assert f'id="line-{line.pk}"' in page(client, "/ledger/")
    Ticket.objects.update(queue=sales)
    assert LedgerEntry.objects.get(pk=line.pk).queue == sales
    assert f'id="line-{line.pk}"' not in page(client, "/ledger/")
