"""Search as agents use it: the same hits on SQLite and PostgreSQL, only what one may read, and nothing left out."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings

from postvak.mail.lexemes import Lexemes
from postvak.models import (
    Agent,
    AttachmentText,
    CustomField,
    ExternalNumber,
    ExternalReference,
    Lease,
    Message,
    Queue,
    SearchAgain,
    SearchEntry,
    SearchState,
    SearchText,
    Status,
    Ticket,
)
from postvak.tickets.change import note
from postvak.tickets.merge import merge, unmerge
from postvak.tickets.move import split_off
from postvak.tickets.properties import set_spam, set_title
from postvak.tickets.search import files, index
from postvak.tickets.search.files import read_files_due
from postvak.tickets.search.find import Found, find
from postvak.tickets.search.index import index_due, left_to_read, start_anew
from postvak.tickets.search.keys import first_key
from postvak.tickets.search.store import PostgresqlStore
from postvak.tickets.search.suggest import known, suggest
from postvak.tickets.tags import add_tags
from tests.clock import Clock
from tests.tickets.papers import pdf
from tests.tickets.test_search_query import TYPED

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_automatic_mail")]
Receive = Callable[..., Ticket]
WORKER = "test:1:search"


@pytest.fixture(autouse=True)
def nobody_known() -> None:
    """People are remembered for a minute, and the queues of the next test have the same keys."""
    known.clear()


def read_all() -> None:
    while index_due(WORKER) or read_files_due():
        pass


def subjects(text: str, by: Agent | None = None, **more: object) -> list[str]:
    return [hit.ticket.subject for hit in find(text, by=by, **more).hits]  # type: ignore[arg-type]


def marked(found: Found) -> list[str]:
    return [piece.text for hit in found.hits for piece in hit.part if piece.is_marked]


def with_files(*papers: tuple[str, str, bytes], subject: str = "Files") -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Ann <ann@customer.example>", "support@example.org", subject
    mail["Message-ID"] = f"<{subject.replace(' ', '')}@customer.example>"
    mail.set_content("See the attachment.")
    for name, content_type, content in papers:
        kind, _, sub = content_type.partition("/")
        mail.add_attachment(content, maintype=kind, subtype=sub, filename=name)
    return mail.as_bytes()


DOCUMENTS = [
    ("Anneke de Wit <anneke@dewit.example>", "Lamp knippert", "De nieuwe lampen knipperen, ik wil de rekening niet betalen."),
    ("Jörg Müller <j.mueller@firma.example>", "Rechnung 4711", "Die Häuser in der Großen Straße haben die Lampe nicht, und ich warte."),
    ("Harriet Osei <harriet@osei.example>", "Invoice for the pendant", "We have not received the invoices for LD-200 and it is urgent."),
    ("Mueller Bau <info@mueller-bau.example>", "Angebot", "Bitte ein Angebot für die Beleuchtung und den Dimmer."),
    ("Νίκος <nikos@ellada.example>", "Λάμπα", "Η λάμπα δεν ανάβει."),
]  # fmt: skip
NIKOS, ANGEBOT, INVOICE, RECHNUNG, LAMP = (
    "Λάμπα",
    "Angebot",
    "Invoice for the pendant",
    "Rechnung 4711",
    "Lamp knippert",
)
FOUND = [
    ("lamp", [RECHNUNG, LAMP]),
    ("LAMPEN", [RECHNUNG, LAMP]),
    ("rekeningen", [LAMP]),
    ("Muller", [ANGEBOT, RECHNUNG]),
    ("müller", [ANGEBOT, RECHNUNG]),
    ("mueller", [ANGEBOT, RECHNUNG]),
    ("strasse", [RECHNUNG]),
    ("grosse", [RECHNUNG]),
    ("haus ", [RECHNUNG]),
    ("belecht", []),
    ("beleuch", [ANGEBOT]),
    ('"nieuwe lampen"', [LAMP]),
    ('"lampen nieuwe"', []),
    ('"knippert de"', []),
    ('"Große Straße"', []),
    ('"grossen strasse"', [RECHNUNG]),
    ("LD-200", [INVOICE]),
    ("invoice -urgent", []),
    ("-lamp", [NIKOS, ANGEBOT, INVOICE]),
    ("lamp -knipperen", [RECHNUNG]),
    ("λαμπα", [NIKOS]),
    ("from:osei", [INVOICE]),
    ("from:j.mueller@firma.example", [RECHNUNG]),
    ("von:mull", [ANGEBOT, RECHNUNG]),
    ("from:lamp", []),
    ("-from:mueller from:info", []),
    ("subject:lamp", [LAMP]),
    ("betreff:rechnungen", [RECHNUNG]),
    ("to:support@example.org dimmer", [ANGEBOT]),
    ("to:sales", []),
    ("queue:support lamp", [RECHNUNG, LAMP]),
    ("queue:sales lamp", []),
    ("is:unanswered status:neu urgent", [INVOICE]),
    ("is:closed", []),
    ("assignee:none lamp", [RECHNUNG, LAMP]),
    ("has:attachment", []),
    ("before:2020", []),
    ("after:2020 lamp", [RECHNUNG, LAMP]),
]


@pytest.fixture
def desk(receive: Receive) -> dict[str, Ticket]:
    tickets = {subject: receive(sender=sender, subject=subject, text=text) for sender, subject, text in DOCUMENTS}
    for place, ticket in enumerate(tickets.values()):  # a second apart, so that newest first is certain
        at = timezone.now() + timedelta(seconds=place)
        Message.objects.filter(ticket=ticket).update(created_at=at)
    read_all()
    return tickets


def test_the_same_table_of_searches_finds_the_same_on_both_databases(desk: dict[str, Ticket]) -> None:
    """Runs on SQLite and PostgreSQL; expected hits stand in one table, newest first."""
    wrong = {text: subjects(text) for text, expected in FOUND if subjects(text) != expected}
    assert wrong == {}


def test_each_beginning_of_each_word_finds_its_mail(desk: dict[str, Ticket]) -> None:
    for word in ("beleuchtung", "angebot", "knipperen", "pendant"):
        for length in range(4, len(word) + 1):
            assert subjects(word[:length]), word[:length]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TYPED)
def test_nothing_that_is_typed_is_an_error_of_the_database(desk: dict[str, Ticket], text: str) -> None:
    with transaction.atomic():
        find(text, by=None)


def test_found_words_are_marked_in_the_text_that_shows_them(desk: dict[str, Ticket]) -> None:
    assert marked(find("lampen", by=None)) == ["Lampe", "lampen"]
    assert marked(find("mueller angebot", by=None)) == ["Angebot"]


# ---- rights ------------------------------------------------------------------------------


def test_an_agent_finds_only_what_he_may_read(desk: dict[str, Ticket], bob: Agent, cas: Agent) -> None:
    number = desk[LAMP].number
    for text in (
        "lamp",
        "from:anneke",
        number,
        "is:open",
        "-nothing",
        f"number:{number[-4:]}",
        "queue:support",
        "after:2020",
    ):
        assert subjects(text, by=bob), text
        assert subjects(text, by=cas) == [], text


def test_a_ticket_that_moves_to_another_queue_changes_who_finds_it(
    desk: dict[str, Ticket], bob: Agent, cas: Agent, sales: Queue
) -> None:
    Ticket.objects.filter(pk=desk[LAMP].pk).update(queue=sales)
    assert subjects("knipperen", by=bob) == []
    assert subjects("knipperen", by=cas) == [LAMP]


def test_another_queue_than_ones_own_does_not_exist(desk: dict[str, Ticket], cas: Agent) -> None:
    assert "support" in find("queue:support", by=cas).problems[0]


def test_suggestions_name_only_people_of_tickets_that_one_may_see(
    desk: dict[str, Ticket], bob: Agent, cas: Agent
) -> None:
    assert [each.label for each in suggest("annek", by=bob)] == ["Anneke de Wit"]
    assert suggest("annek", by=cas) == []


def test_agents_find_internal_notes(desk: dict[str, Ticket], bob: Agent) -> None:
    note(desk[LAMP], "Der Dimmer verträgt keinen Phasenanschnitt.", by=bob)
    read_all()
    (hit,) = find("phasenanschnitt", by=bob).hits
    assert hit.message is not None
    assert hit.message.kind == Message.Kind.NOTE


def test_a_note_is_found_by_the_customer_it_is_about(desk: dict[str, Ticket], bob: Agent) -> None:
    note(desk[LAMP], "Called back.", by=bob)
    read_all()
    assert subjects("anneke called") == [LAMP]


# ---- what is searched ----------------------------------------------------------------------


def test_numbers_are_found_whole_by_their_end_and_by_their_beginning(desk: dict[str, Ticket]) -> None:
    number = desk[LAMP].number
    for text in (number, f"#{number}", number[-6:], number[-4:], f"number:{number[-5:]}", f"nummer:{number[:12]}"):
        assert LAMP in subjects(text), text
    assert subjects(number)[0] == LAMP


def test_a_number_of_another_system_finds_its_ticket(desk: dict[str, Ticket]) -> None:
    field = CustomField.objects.create(key="rma", label="RMA")
    rule = ExternalNumber.objects.create(name="RMA", sender=".", number="(RMA.*)", field=field)
    ExternalReference.objects.create(external=rule, value="RMA-2026-118", ticket=desk[LAMP])
    start_anew()
    read_all()
    for text in ("number:RMA-2026-118", "number:2026118", "rma-2026-118", "number:118"):
        assert subjects(text) == [LAMP], text


def test_attachments_are_found_by_name_and_by_text(receive: Receive) -> None:
    receive(
        with_files(
            ("Kassenbon.pdf", "application/pdf", pdf("Three floodlights")),
            ("list.csv", "text/csv", "artikel;Größe\nstehlampe;12".encode()),
        )
    )
    read_all()
    for text in ("kassenbon", "floodlights", "stehlampen", "grosse", "has:attachment"):
        assert subjects(text) == ["Files"], text
    (hit,) = find("floodlight", by=None).hits
    assert "".join(piece.text for piece in hit.files[0].name) == "Kassenbon.pdf"
    assert [piece.text for piece in hit.files[0].part if piece.is_marked] == ["floodlights"]


def test_a_broken_pdf_only_has_no_text(receive: Receive) -> None:
    receive(with_files(("broken.pdf", "application/pdf", b"%PDF-1.7 not really")))
    read_all()
    assert subjects("broken") == ["Files"]
    assert AttachmentText.objects.get().state == AttachmentText.State.NONE


def test_a_file_that_ends_its_reader_is_given_up(receive: Receive, monkeypatch: pytest.MonkeyPatch) -> None:
    receive(with_files(("deadly.pdf", "application/pdf", pdf("x"))))
    while index_due(WORKER):
        pass

    def die(file: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "text_of", die)
    for _attempt in range(files.ATTEMPTS):
        with pytest.raises(KeyboardInterrupt):
            read_files_due()
        assert read_files_due() == 0  # claimed
        AttachmentText.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert read_files_due() == 0
    assert AttachmentText.objects.get().state == AttachmentText.State.NONE


def test_spam_and_trash_are_found_only_on_request(desk: dict[str, Ticket], bob: Agent) -> None:
    set_spam(desk[LAMP], True, by=bob)
    trash = Status.objects.get(key="trash")
    Ticket.objects.filter(pk=desk[RECHNUNG].pk).update(status=trash, is_open=False)
    assert subjects("lamp") == []
    assert subjects("lamp is:spam") == [LAMP]
    assert subjects("lamp is:papierkorb") == [RECHNUNG]
    assert subjects("lamp status:trash") == [RECHNUNG]


def test_tags_assignees_and_several_queues(desk: dict[str, Ticket], bob: Agent, sales: Queue) -> None:
    add_tags(desk[LAMP], ["Spoed"], by=bob)
    Ticket.objects.filter(pk=desk[RECHNUNG].pk).update(assignee=bob, queue=sales)
    assert subjects("tag:spoed") == [LAMP]
    assert subjects("lamp -tag:spoed") == [RECHNUNG]
    assert subjects("assignee:me", by=bob) == []  # the queue Sales isn't his
    assert subjects("assignee:bob") == [RECHNUNG]
    assert subjects("lamp queue:sales queue:support") == [RECHNUNG, LAMP]
    assert "There is no tag “nosuch”." in find("tag:nosuch", by=None).problems


# ---- where messages are now ---------------------------------------------------------------


def test_messages_of_a_merged_ticket_are_found_on_the_other_at_once(desk: dict[str, Ticket], bob: Agent) -> None:
    old = desk[LAMP].number
    merge(desk[LAMP], desk[INVOICE], by=bob)
    assert subjects("knipperen") == [INVOICE]
    read_all()
    assert subjects("knipperen") == [INVOICE]
    assert INVOICE in subjects(f"number:{old[-5:]}")
    assert subjects("pendant knipperen") == [INVOICE]  # it has the subject of the other now
    assert subjects(old)[0] == LAMP  # the merged ticket itself, which leads to the other
    unmerge(Ticket.objects.get(pk=desk[LAMP].pk), by=bob)
    assert subjects("knipperen") == [LAMP]


def test_a_split_off_message_is_found_on_its_own_ticket(desk: dict[str, Ticket], bob: Agent) -> None:
    note(desk[LAMP], "separate matter", by=bob)
    message = Message.objects.get(kind="note")
    read_all()
    split_off([message], by=bob)
    (hit,) = find("separate", by=None).hits
    assert hit.ticket.pk != desk[LAMP].pk


def test_a_changed_subject_is_found(desk: dict[str, Ticket], bob: Agent) -> None:
    set_title(desk[LAMP], "Kronleuchter", by=bob)
    read_all()
    assert subjects("kronleuchter") == ["Kronleuchter"]
    assert subjects("subject:kronleuchter knipperen") == ["Kronleuchter"]


def test_deleting_a_message_removes_its_words(desk: dict[str, Ticket]) -> None:
    message = desk[LAMP].messages.get()
    message.receipts.all().delete()
    message.delete()
    assert not SearchEntry.objects.filter(message_id=message.pk).exists()
    assert subjects("anneke") == []
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT count(*) FROM postvak_searchwords WHERE postvak_searchwords MATCH 'anneke'")
        else:
            cursor.execute("SELECT count(*) FROM postvak_searchtext WHERE words @@ 'anneke'::tsquery")
        assert cursor.fetchone() == (0,)


# ---- pages ----------------------------------------------------------------------------------


@pytest.fixture
def many(receive: Receive) -> list[Ticket]:
    """Thirty tickets of two messages each; the second messages are newer than all first ones."""
    tickets = [receive(subject=f"Many {n}", text="abundance", message_id=f"many{n}@x.example") for n in range(30)]
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for place, ticket in enumerate(tickets):
        Message.objects.filter(ticket=ticket).update(created_at=at + timedelta(minutes=place))
    source = Message.objects.filter(ticket=tickets[0]).values("blob_id", "kind", "text")[0]
    Message.objects.bulk_create(
        Message(ticket=ticket, created_at=at + timedelta(days=1, minutes=-place), **source)
        for place, ticket in enumerate(tickets)
    )
    read_all()
    return tickets


def test_pages_show_each_ticket_once_newest_message_first(many: list[Ticket]) -> None:
    seen: list[str] = []
    before = ""
    while True:
        found = find("abundance", by=None, before=before, size=7)
        seen += [hit.ticket.subject for hit in found.hits]
        before = found.older
        if not before:
            break
    assert seen == [f"Many {n}" for n in range(30)]


def test_pages_hold_when_windows_are_small(many: list[Ticket], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postvak.tickets.search.places.WINDOWS", (4, 8))
    test_pages_show_each_ticket_once_newest_message_first(many)
    assert not find("abundance", by=None, size=7).is_exact


def test_pages_hold_when_the_index_is_asked_span_by_span(many: list[Ticket], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("SLICE", 2), ("ENOUGH", 3), ("MANY", 0), ("GROWTH", 2)):
        monkeypatch.setattr(PostgresqlStore, name, value)
    test_pages_show_each_ticket_once_newest_message_first(many)
    assert [hit.ticket for hit in find('"abundance" -"scarcity it"', by=None, size=50).hits] == many


def test_a_scope_of_many_tickets_finds_the_same_as_one_of_few(
    many: list[Ticket], monkeypatch: pytest.MonkeyPatch
) -> None:
    one_by_one = subjects("abundance is:open", size=50)
    assert len(one_by_one) == 30
    monkeypatch.setattr("postvak.tickets.search.places.FEW_TICKETS", 3)
    assert subjects("abundance is:open", size=50) == one_by_one
    assert subjects("abundance is:unanswered", size=50) == one_by_one


def test_new_mail_does_not_shift_the_next_page(many: list[Ticket], receive: Receive) -> None:
    first = find("abundance", by=None, size=10)
    receive(subject="Newest", text="abundance", message_id="newest@x.example")
    read_all()
    second = find("abundance", by=None, before=first.older, size=10)
    assert [hit.ticket.subject for hit in second.hits] == [f"Many {n}" for n in range(10, 20)]


@pytest.mark.parametrize("before", ["x", "-1", "9" * 40, "１２", ""])
def test_a_broken_cursor_is_none(many: list[Ticket], before: str) -> None:
    assert find("abundance", by=None, before=before).hits


def test_times_limit_the_messages(many: list[Ticket]) -> None:
    assert len(subjects("abundance before:2026-01-01 ", size=50)) == 0
    assert len(subjects("abundance before:2026-01-02 ", size=50)) == 30
    assert len(subjects("abundance after:2026-01-03 ", size=50)) == 0


def test_the_number_of_queries_does_not_grow_with_the_hits(many: list[Ticket], bob: Agent) -> None:
    def queries(size: int) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            find("abundance", by=bob, size=size)
        return len(captured)

    assert queries(2) == queries(30) <= 10


def test_best_puts_subjects_first(desk: dict[str, Ticket]) -> None:
    assert subjects("lamp") == [RECHNUNG, LAMP]
    assert subjects("lamp", best=True) == [LAMP, RECHNUNG]


# ---- the index --------------------------------------------------------------------------------


def test_what_came_in_is_read_and_nothing_twice(receive: Receive) -> None:
    receive(subject="One")
    assert index_due(WORKER) == 1
    assert index_due(WORKER) == 0
    assert SearchText.objects.count() == SearchEntry.objects.count() == 1


def test_only_one_worker_reads(receive: Receive) -> None:
    receive(subject="One")
    Lease.objects.take(index.LEASE, "other:1:x")
    assert index_due(WORKER) == 0
    Lease.objects.give_back(index.LEASE, "other:1:x")
    assert index_due(WORKER) == 1


def test_who_lost_the_lease_writes_nothing(receive: Receive, monkeypatch: pytest.MonkeyPatch) -> None:
    receive(subject="One")
    understand = index.understand

    def slowly(keys: list[int]) -> list[index.Understood]:
        found = understand(keys)
        Lease.objects.update(owner="other:1:x")
        return found

    monkeypatch.setattr(index, "understand", slowly)
    with pytest.raises(index.LeaseLost):
        index_due(WORKER)
    assert not SearchEntry.objects.exists()


def test_a_message_that_appears_below_one_that_was_read_is_read_too(receive: Receive, clock: Clock) -> None:
    """Two transactions of PostgreSQL: the one with the smaller key ended later."""
    first, second = receive(subject="First", text="early"), receive(subject="Second", text="late")
    early = Message.objects.get(ticket=first)
    Message.objects.filter(ticket=first).update(ticket=second)
    row = Message.objects.filter(pk=early.pk).values().get()
    early.receipts.all().delete()
    early.referenced.all().delete()
    Message.objects.filter(pk=early.pk).delete()
    read_all()
    Message.objects.create(**row)
    read_all()
    assert subjects("early") == ["Second"]


def test_the_mark_moves_only_over_what_was_read(receive: Receive, clock: Clock) -> None:
    for n in range(3):
        receive(subject=f"One {n}")
    read_all()
    newest = Message.objects.latest("pk").pk
    clock.advance(minutes=20)
    index_due(WORKER)
    clock.advance(minutes=20)
    index_due(WORKER)
    assert SearchState.objects.get().mark == newest
    receive(subject="Later", text="afterwards")
    read_all()
    assert subjects("afterwards") == ["Later"]


def test_reading_anew_goes_on_from_where_it_was_and_finds_meanwhile(many: list[Ticket]) -> None:
    start_anew()
    assert left_to_read() == 60
    index_due(WORKER, 25)
    assert left_to_read() == 35
    assert len(subjects("abundance", size=50)) == 30
    read_all()
    assert left_to_read() == 0
    assert SearchText.objects.count() == 60


def test_a_new_analyser_reads_everything_anew_by_itself(desk: dict[str, Ticket]) -> None:
    SearchState.objects.update(analyser=0)
    assert index_due(WORKER) == len(DOCUMENTS)
    assert index_due(WORKER) == 0


def test_two_messages_of_the_same_second_and_number_get_two_keys(desk: dict[str, Ticket]) -> None:
    message = desk[LAMP].messages.get()
    at = message.created_at
    entry = SearchEntry.objects.get(message=message)
    SearchEntry.objects.exclude(pk=entry.pk).delete()
    SearchText.objects.filter(pk=entry.pk).delete()
    other = desk[RECHNUNG].messages.get()
    Message.objects.update(created_at=at)
    SearchEntry.objects.filter(pk=entry.pk).update(id=first_key(at) + other.pk % 4096)
    SearchText.objects.create(entry_id=first_key(at) + other.pk % 4096, words=Lexemes(("x",), ()))
    read_all()
    assert SearchEntry.objects.get(message=other).pk > first_key(at) + other.pk % 4096
    assert SearchEntry.objects.count() == len(DOCUMENTS)


def test_a_change_while_a_message_is_read_is_read_afterwards(
    desk: dict[str, Ticket], bob: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_title(desk[LAMP], "Second title", by=bob)
    understand = index.understand

    def meanwhile(keys: list[int]) -> list[index.Understood]:
        found = understand(keys)
        monkeypatch.setattr(index, "understand", understand)
        set_title(Ticket.objects.get(pk=desk[LAMP].pk), "Third title", by=bob)
        return found

    monkeypatch.setattr(index, "understand", meanwhile)
    read_all()
    assert subjects("third") == ["Third title"]
    assert not SearchAgain.objects.exists()


@pytest.fixture
def sound() -> Iterator[None]:
    """FTS5's own check: index and words agree."""
    yield
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO postvak_searchwords(postvak_searchwords, rank) VALUES ('integrity-check', 1)")


def test_the_index_agrees_with_the_words_after_changes_and_deletions(
    sound: None, desk: dict[str, Ticket], bob: Agent
) -> None:
    set_title(desk[LAMP], "Other", by=bob)
    merge(desk[RECHNUNG], desk[ANGEBOT], by=bob)
    read_all()
    start_anew()
    read_all()
    SearchEntry.objects.filter(message__ticket=desk[INVOICE]).delete()
