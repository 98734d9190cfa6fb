"""The pages of the communication log: what they show, find and sort, and that their numbers are those of the rows."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from postvak.models import Agent, Channel, Communication, CommunicationEntry, CommunicationObject, Mailbox, Queue
from tests.mails import mail
from tests.send.answering import receive

pytestmark = pytest.mark.django_db
State, Direction, Priority = Communication.State, Communication.Direction, CommunicationEntry.Priority
COLUMNS = {
    "state": "state",
    "direction": "direction",
    "transport": "transport",
    "account": "account",
    "start": "started_at",
    "end": "ended_at",
    "duration": "duration_ms",
    "mails": "mails",
}


@pytest.fixture
def boss(client: Client, admin: Agent) -> Client:
    client.force_login(admin)
    return client


def talk(account: Mailbox | Channel, ago: timedelta = timedelta(minutes=5), **more: object) -> Communication:
    """A communication that is over, unless it says otherwise."""
    is_box = isinstance(account, Mailbox)
    started = timezone.now() - ago
    ms = more.pop("duration_ms", 120.0)
    values = {
        "direction": Direction.IN if is_box else Direction.OUT,
        "transport": "imap" if is_box else "smtp",
        "mailbox": account if is_box else None,
        "channel": None if is_box else account,
        "account": account.name,
        "state": State.SUCCESSFUL,
        "started_at": started,
        "duration_ms": ms,
        "ended_at": started + timedelta(milliseconds=float(ms)) if ms is not None else None,  # type: ignore[arg-type]
    }
    return Communication.objects.create(**(values | more))


def step(
    talked: Communication,
    code: str,
    priority: int = Priority.INFO,
    about: CommunicationObject | None = None,
    **parameters: object,
) -> CommunicationEntry:
    about = about or talked.objects_of.first() or topic(talked)
    return about.entries.create(
        at=talked.started_at, priority=priority, module="receive.imap", code=code, parameters=parameters
    )


def topic(
    talked: Communication, kind: str = "connection", name: str = "imap.example.org", **more: object
) -> CommunicationObject:
    return talked.objects_of.create(kind=kind, name=name, state=talked.state, started_at=talked.started_at, **more)


def html(client: Client, query: str = "") -> str:
    response = client.get(f"/admin/communications/?{query}")
    assert response.status_code == 200
    return response.content.decode()


def shown(client: Client, query: str = "") -> list[int]:
    """Keys of the communications in the table, in its order."""
    table = html(client, query).partition('<table class="table talks"')[2].partition("</table>")[0]
    return [int(key) for key in re.findall(r'href="/admin/communications/(\d+)/"', table)]


def page_of(client: Client, talked: Communication, query: str = "") -> str:
    response = client.get(f"/admin/communications/{talked.pk}/?{query}")
    assert response.status_code == 200
    return response.content.decode()


# -- who may ------------------------------------------------------------------------------------


def test_only_administrators_may_read_it(client: Client, bob: Agent, mailbox: Mailbox) -> None:
    talked = talk(mailbox)
    client.force_login(bob)
    for address in ("", "figures/", f"{talked.pk}/", f"{talked.pk}/text/"):
        assert client.get(f"/admin/communications/{address}").status_code == 403


def test_one_that_is_gone_is_not_found(boss: Client, mailbox: Mailbox) -> None:
    one, other = talk(mailbox), talk(mailbox)
    step(other, "connected")
    assert boss.get("/admin/communications/4711/").status_code == 404
    assert boss.get(f"/admin/communications/{one.pk}/?about={other.objects_of.get().pk}").status_code == 404


# -- the table ----------------------------------------------------------------------------------


def test_without_any_the_page_says_what_will_stand_here(boss: Client) -> None:
    assert "Nothing was talked yet" in html(boss)


def test_the_newest_stand_first_and_older_ones_than_a_day_are_asked_for(boss: Client, mailbox: Mailbox) -> None:
    old, new, middle = (talk(mailbox, timedelta(hours=hours)) for hours in (50, 0, 3))
    assert shown(boss) == [new.pk, middle.pk]
    assert shown(boss, "period=week") == [new.pk, middle.pk, old.pk]
    assert shown(boss, "period=hour") == [new.pk]
    day = timezone.localtime(old.started_at)
    edges = f"since={day - timedelta(hours=1):%Y-%m-%dT%H:%M}&until={day + timedelta(hours=1):%Y-%m-%dT%H:%M}"
    assert shown(boss, f"period=own&{edges}") == [old.pk]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("period=own", "Type from when on"),
        ("period=own&since=yesterday", "Type from when on"),
        ("period=own&since=0001-01-01T00:00", "Type from when on"),
        ("period=own&since=2026-02-30T00:00", "Type from when on"),
        ("period=own&since=2026-11-09T00:00&until=2026-11-02T00:00", "before its beginning"),
    ],
)
def test_a_period_without_sense_is_told_and_the_usual_one_shown(
    boss: Client, mailbox: Mailbox, query: str, words: str
) -> None:
    talked = talk(mailbox)
    page = html(boss, query)
    assert words in page
    assert '<option value="own" selected>' in page  # so that it can be corrected
    assert shown(boss, query) == [talked.pk]


def test_state_direction_and_account_are_filters_that_work_together(
    boss: Client, mailbox: Mailbox, channel: Channel
) -> None:
    fine, failed = talk(mailbox), talk(mailbox, state=State.FAILED)
    out, bad_out = talk(channel), talk(channel, state=State.FAILED)
    assert set(shown(boss, "state=failed")) == {failed.pk, bad_out.pk}
    assert set(shown(boss, "direction=out")) == {out.pk, bad_out.pk}
    assert set(shown(boss, f"account={mailbox.name}")) == {fine.pk, failed.pk}
    assert shown(boss, "direction=out&state=failed&account=Files") == [bad_out.pk]
    assert shown(boss, f"direction=out&account={mailbox.name}") == []
    assert "Nothing fits" in html(boss, f"direction=out&account={mailbox.name}")


@pytest.fixture
def different(mailbox: Mailbox, channel: Channel) -> list[Communication]:
    """Each value of every column differs somewhere; one still runs."""
    return [
        talk(mailbox, timedelta(minutes=9), transport="imap", mails=3, duration_ms=50.0),
        talk(channel, timedelta(minutes=1), state=State.FAILED, mails=1, duration_ms=2000.0),
        talk(mailbox, timedelta(minutes=5), transport="pop3", state=State.WARNING, mails=7, duration_ms=700.0),
        talk(channel, timedelta(minutes=7), transport="http", mails=0, duration_ms=3.5),
        talk(mailbox, timedelta(seconds=9), transport="lmtp", state=State.RUNNING, duration_ms=None, mails=2),
    ]


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("sign", ["", "-"])
def test_every_column_sorts_both_ways(boss: Client, different: list[Communication], column: str, sign: str) -> None:
    values = {row.pk: getattr(row, COLUMNS[column]) for row in different}
    found = [values[key] for key in shown(boss, f"sort={sign}{column}")]
    known = [value for value in found if value is not None]
    assert len(found) == 5
    assert known == sorted(known, reverse=bool(sign))
    assert found.index(None) == (len(found) - 1 if sign else 0) if None in found else True


def test_the_head_of_a_column_leads_to_its_order_and_back(boss: Client, different: list[Communication]) -> None:
    assert 'href="?sort=account#talks"' in html(boss)
    assert 'href="?sort=-account#talks"' in html(boss, "sort=account")
    assert 'aria-sort="ascending"' in html(boss, "sort=account")
    assert 'aria-sort="descending"' in html(boss)


def test_nonsense_in_the_address_is_the_usual_page(boss: Client, different: list[Communication]) -> None:
    usual = shown(boss)
    for query in ("sort=password", "state=broken", "direction=up", "page=-3", "page=x", "period=year", "receipt=x"):
        assert shown(boss, query) == usual
    assert shown(boss, "account=%00") == usual
    assert shown(boss, "text=%00") == usual


def test_a_page_has_fifty_and_the_next_one_goes_on(boss: Client, mailbox: Mailbox) -> None:
    talks = [talk(mailbox, timedelta(minutes=minute)) for minute in range(70)]
    keys = [one.pk for one in talks]
    assert shown(boss) == keys[:50]
    assert shown(boss, "page=2") == keys[50:]
    assert 'rel="next" href="?page=2#talks"' in html(boss)
    assert 'rel="next"' not in html(boss, "page=2")


# -- words --------------------------------------------------------------------------------------


def test_words_of_the_server_are_found_also_behind_a_new_line_and_beyond_ascii(boss: Client, mailbox: Mailbox) -> None:
    one, other = talk(mailbox), talk(mailbox)
    step(
        one,
        "connected",
        host="imap.example.org",
        port=993,
        said="* OK hello\n550-queue full\nGrüße vom Kundenübergabepunkt",
    )
    step(other, "connected", host="mail.third.example", port=993, said="* OK")
    assert shown(boss, "text=imap.example.org") == [one.pk]
    assert shown(boss, "text=550-queue") == [one.pk]
    assert shown(boss, "text=grüße+KUNDENÜBERGABEPUNKT") == [one.pk]
    assert shown(boss, "text=third") == [other.pk]
    assert shown(boss, "text=imap.example.org+third") == []


def test_words_of_the_sentence_are_found_in_the_readers_language(boss: Client, mailbox: Mailbox) -> None:
    one, other = talk(mailbox), talk(mailbox)
    step(one, "not_encrypted")
    step(other, "logged_in", user="service@example.org")
    assert shown(boss, "text=encrypted") == [one.pk]
    assert shown(boss, "text=logged+service") == [other.pk]  # one word of the sentence, one of its parameters
    assert shown(boss, "text=encrypted+service") == []


def test_a_trouble_is_found_by_its_own_sentence_only(boss: Client, mailbox: Mailbox) -> None:
    one, other = talk(mailbox, state=State.FAILED), talk(mailbox, state=State.FAILED)
    step(one, "problem", Priority.ERROR, problem="login_refused", host="imap.example.org", port=993, said="NO")
    step(other, "problem", Priority.ERROR, problem="timeout", host="imap.example.org", port=993, said="")
    assert shown(boss, "text=accept+password") == [one.pk]
    assert shown(boss, "text=answer+time") == [other.pk]


def test_debug_steps_are_not_searched(boss: Client, mailbox: Mailbox) -> None:
    step(talk(mailbox), "not_encrypted", Priority.DEBUG, said="secretword")
    assert shown(boss, "text=encrypted") == []
    assert shown(boss, "text=secretword") == []


@pytest.mark.parametrize(
    "typed", ['"', 'a"b', "OR", "NOT x", "NEAR(", "(", "*", "%", "'", "a' | 'b", "\\", "&", ":*", "😀"]
)
def test_what_means_something_to_a_database_is_only_a_word(boss: Client, mailbox: Mailbox, typed: str) -> None:
    step(talk(mailbox), "connected", said="ready")
    assert boss.get("/admin/communications/", {"text": typed}).status_code == 200


def test_very_many_hits_are_told(boss: Client, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postvak.log.talk_search.NEWEST", 3)
    talks = [talk(mailbox, timedelta(minutes=9 - number)) for number in range(5)]
    for one in talks:
        step(one, "connected", said="ready")
    assert shown(boss, "text=ready") == [one.pk for one in talks[:1:-1]]
    assert "the newest were looked through" in html(boss, "text=ready")


@pytest.mark.parametrize(("near", "few", "far"), [(2, 3, 4), (1, 50, 1), (3, 2, 500)])
def test_what_is_found_far_back_has_the_words_and_is_told_to_be_a_part(
    boss: Client, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, near: int, few: int, far: int
) -> None:
    for name, value in {"NEAR": near, "ENOUGH": 5, "FEW": few, "FAR": far}.items():
        monkeypatch.setattr(f"postvak.log.talk_search_postgresql.{name}", value)
    talks = [talk(mailbox, timedelta(minutes=30 - number)) for number in range(20)]
    for number, one in enumerate(talks):
        step(
            one, "connected", host="imap.example.org", port=993, said="mailer77 ready" if number in (3, 17) else "ready"
        )
    found = shown(boss, "text=mailer77.ready")
    assert set(found) <= {talks[3].pk, talks[17].pk}
    if len(found) < 2:
        assert "the newest were looked through" in html(boss, "text=mailer77.ready")
    assert not shown(boss, "text=ready.mailer77")


# -- numbers ------------------------------------------------------------------------------------


def test_the_states_add_up_and_are_those_of_the_table(boss: Client, different: list[Communication]) -> None:
    slots = html(boss).partition('class="slots')[2].partition("</div>\n<section")[0]
    total, successful, *others = [int(number) for number in re.findall(r"<b>(\d+)</b>", slots.replace("running", ""))]
    assert total == len(different) == successful + sum(others)
    for state in State:
        assert f"state={state}" in slots
        assert len(shown(boss, f"state={state}")) == sum(row.state == state for row in different)


def test_the_average_is_over_finished_ones_and_the_running_are_counted_apart(
    boss: Client, different: list[Communication]
) -> None:
    page = html(boss)
    assert "of 4 finished communications" in page
    assert "688 ms" in page  # (50 + 2000 + 700 + 3.5) / 4
    assert re.search(r"Running now</h2><b>1</b>", page)


def test_the_numbers_come_again_by_themselves(boss: Client, different: list[Communication]) -> None:
    assert 'hx-get="/admin/communications/figures/?account=Files"' in html(boss, "account=Files")
    again = boss.get("/admin/communications/figures/?account=Files").content.decode()
    assert "of 2 finished communications" in again
    assert "<html" not in again


def test_the_table_comes_again_by_itself_while_its_first_page_is_seen(
    boss: Client, different: list[Communication], mailbox: Mailbox
) -> None:
    assert 'hx-get="/admin/communications/?account=Files"' in html(boss, "account=Files")
    for calm in ("page=2", "text=ready"):
        assert 'id="talk-table">' in html(boss, calm)
    new = talk(mailbox)
    part = boss.get("/admin/communications/", headers={"HX-Request": "true"}).content.decode()
    assert f'id="talk-{new.pk}"' in part
    assert "<html" not in part
    assert "finished communications" not in part


def test_the_numbers_of_a_long_time_come_behind_the_table_or_when_asked_for(
    boss: Client, different: list[Communication]
) -> None:
    page = html(boss, "period=week")
    assert "finished communications" not in page
    assert 'hx-trigger="load, look"' in page
    assert 'href="?period=week&amp;numbers=1"' in page
    assert "of 4 finished communications" in html(boss, "period=week&numbers=1")
    assert "of 4 finished communications" in boss.get("/admin/communications/figures/?period=week").content.decode()


def test_an_account_in_trouble_stands_first_with_the_servers_words(
    boss: Client, mailbox: Mailbox, channel: Channel
) -> None:
    talk(mailbox)
    for minutes in (4, 2):
        failed = talk(channel, timedelta(minutes=minutes), state=State.FAILED)
        step(
            failed,
            "problem",
            Priority.ERROR,
            problem="login_refused",
            host="smtp.example.org",
            said="535 5.7.8 bad password",
        )
    cards = html(boss).partition('class="talk-accounts"')[2].partition("</ul>")[0]
    assert cards.index("Files") < cards.index(mailbox.name)
    assert "535 5.7.8 bad password" in cards
    assert f'href="/admin/communications/{failed.pk}/"' in cards
    assert f'href="/admin/channels/{channel.pk}/"' in cards


def test_many_rows_cost_as_many_queries_as_one(
    boss: Client, mailbox: Mailbox, channel: Channel, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    step(talk(mailbox), "connected", said="ready")
    with django_assert_max_num_queries(60) as few:
        html(boss, "text=ready")
    for number in range(40):
        box = Mailbox.objects.create(name=f"Box {number}", kind="imap")
        step(talk(box, state=State.FAILED), "connected", Priority.ERROR, said="ready")
    with django_assert_max_num_queries(len(few.captured_queries)):
        html(boss, "text=ready")


# -- one communication --------------------------------------------------------------------------


@pytest.fixture
def talked(mailbox: Mailbox, support: Queue) -> Communication:
    found = talk(mailbox, state=State.WARNING, mails=1)
    step(found, "encrypted", Priority.DEBUG, cipher="TLSv1.3")
    step(found, "connected", host="imap.example.org", port=993, said="* OK Dovecot ready.")
    receipt = receive(mailbox, mail())
    about = topic(found, "message", "Hello", receipt=receipt)
    step(found, "unreadable", Priority.WARNING, about, said="NO [UNAVAILABLE] later")
    step(found, "not_stored", Priority.ERROR, about, said="disk full")
    return found


@pytest.mark.parametrize(
    ("priority", "there", "gone"),
    [
        ("10", ["TLSv1.3", "Dovecot", "UNAVAILABLE", "disk full"], []),
        ("", ["Dovecot", "UNAVAILABLE", "disk full"], ["TLSv1.3"]),
        ("30", ["UNAVAILABLE", "disk full"], ["TLSv1.3", "Dovecot"]),
        ("40", ["UNAVAILABLE", "disk full"], ["TLSv1.3", "Dovecot"]),
        ("50", ["disk full"], ["TLSv1.3", "Dovecot", "UNAVAILABLE"]),
        ("35", ["Dovecot"], ["TLSv1.3"]),
    ],
)
def test_a_priority_shows_itself_and_what_is_above(
    boss: Client, talked: Communication, priority: str, there: list[str], gone: list[str]
) -> None:
    page = page_of(boss, talked, f"priority={priority}")
    text = b"".join(boss.get(f"/admin/communications/{talked.pk}/text/?priority={priority}").streaming_content).decode()  # type: ignore[attr-defined]
    for words in there:
        assert words in page
        assert words in text
    for words in gone:
        assert words not in page
        assert words not in text


def test_the_priority_stays_in_the_address_of_the_objects(boss: Client, talked: Communication) -> None:
    mail_key = talked.objects_of.get(kind="message").pk
    assert f'href="?about={mail_key}&amp;priority=40"' in page_of(boss, talked, "priority=40")
    assert "(2)" not in page_of(boss, talked)
    assert re.search(r"warning and above <b>2</b>", page_of(boss, talked))


def test_an_object_shows_only_its_own_steps(boss: Client, talked: Communication) -> None:
    connection, message = talked.objects_of.order_by("pk")
    assert "disk full" not in page_of(boss, talked, f"about={connection.pk}")
    page = page_of(boss, talked, f"about={message.pk}")
    assert "Dovecot" not in page
    assert "disk full" in page


def test_a_mail_leads_to_its_receipt_its_ticket_and_its_other_talks(
    boss: Client, talked: Communication, mailbox: Mailbox
) -> None:
    message = talked.objects_of.get(kind="message")
    page = page_of(boss, talked, f"about={message.pk}")
    receipt = message.receipt
    assert receipt is not None
    assert receipt.ticket is not None
    assert f'href="/receipts/{receipt.pk}/"' in page
    assert f'href="/tickets/{receipt.ticket.number}/"' in page
    assert "What Postvak decided about this mail" in page
    other = talk(mailbox, timedelta(days=20))
    topic(other, "message", receipt=receipt)
    talk(mailbox)
    assert shown(boss, f"receipt={receipt.pk}") == [talked.pk, other.pk]


def test_the_one_before_and_the_one_after_are_of_the_same_account(
    boss: Client, mailbox: Mailbox, channel: Channel
) -> None:
    first, middle, last = (talk(mailbox, timedelta(minutes=minutes)) for minutes in (9, 5, 1))
    talk(channel, timedelta(minutes=7))
    same_time = talk(mailbox, started_at=middle.started_at)
    page = page_of(boss, middle)
    assert f'rel="prev" href="/admin/communications/{first.pk}/"' in page
    assert f'rel="next" href="/admin/communications/{same_time.pk}/"' in page
    assert 'rel="next"' not in page_of(boss, last)
    assert 'rel="prev"' not in page_of(boss, first)


def test_long_talks_have_pages_and_are_downloaded_whole(boss: Client, mailbox: Mailbox) -> None:
    long = talk(mailbox)
    about = topic(long)
    CommunicationEntry.objects.bulk_create(
        CommunicationEntry(
            about=about, at=long.started_at, priority=20, module="m", code="logged_in", parameters={"user": f"user{n}"}
        )
        for n in range(1200)
    )
    assert "user499<" in page_of(boss, long)
    assert "user500<" not in page_of(boss, long)
    assert "user1199<" in page_of(boss, long, "page=3")
    response = boss.get(f"/admin/communications/{long.pk}/text/")
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    assert text.count("Logged in as") == 1200
    assert response["Content-Disposition"] == f'attachment; filename="communication-{long.pk}.txt"'


def test_the_text_has_the_times_of_the_readers_clock(boss: Client, admin: Agent, mailbox: Mailbox) -> None:
    Agent.objects.filter(pk=admin.pk).update(time_zone="Asia/Tokyo")
    long_ago = talk(mailbox, started_at=datetime(2026, 3, 1, 20, 15, 30, tzinfo=UTC), duration_ms=1500.0)
    step(long_ago, "logged_in", user="x")
    answer = boss.get(f"/admin/communications/{long_ago.pk}/text/")
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert "2026-03-02T05:15:30.000+09:00" in text
    assert "20:15" not in text
    assert "05:15:30.000" in page_of(boss, long_ago)


def test_mails_bear_their_subject_as_far_as_they_are_known(
    boss: Client, talked: Communication, channel: Channel
) -> None:
    topic(talked, "message", "INBOX/1699/4711")
    page = page_of(boss, talked)
    receipt = talked.objects_of.filter(receipt__isnull=False).get().receipt
    assert receipt is not None
    assert f"<span>{receipt.subject}<small>" in page
    assert ">Hello<" not in page
    assert "<span>INBOX/1699/4711<small>" in page
    answer = boss.get(f"/admin/communications/{talked.pk}/text/")
    assert f"\n{receipt.subject}\n" in b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]


def test_steps_of_a_mail_that_is_not_in_the_list_bear_its_name_too(
    boss: Client, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postvak.web.admin.communication_page.MOST_OBJECTS", 1)
    long = talk(mailbox)
    topic(long)
    step(long, "stored", about=topic(long, "message", "INBOX/1/2"), size=10)
    assert '<li class="talk-about">INBOX/1/2</li>' in page_of(boss, long)


def test_a_code_of_another_version_shows_as_it_is(boss: Client, mailbox: Mailbox) -> None:
    new = talk(mailbox)
    step(new, "teleported", to="<Mars>")
    assert "teleported" in page_of(boss, new)


def test_mailbox_and_channel_lead_to_their_log(boss: Client, mailbox: Mailbox, channel: Channel) -> None:
    named = Mailbox.objects.create(name="A & B", kind="imap")
    assert (
        'href="/admin/communications/?account=A%20%26%20B"'
        in boss.get(f"/admin/mailboxes/{named.pk}/").content.decode()
    )
    assert 'href="/admin/communications/?account=Files"' in boss.get(f"/admin/channels/{channel.pk}/").content.decode()


def test_the_menu_of_a_message_leads_administrators_to_the_talks_about_it(
    client: Client, admin: Agent, bob: Agent, talked: Communication
) -> None:
    receipt = talked.objects_of.get(kind="message").receipt
    assert receipt is not None
    there = f'href="/admin/communications/?receipt={receipt.pk}"'
    client.force_login(admin)
    assert there in client.get(f"/messages/{receipt.message_id}/menu/").content.decode()
    client.force_login(bob)
    assert there not in client.get(f"/messages/{receipt.message_id}/menu/").content.decode()
