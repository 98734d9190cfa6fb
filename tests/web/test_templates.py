"""Answer templates in the composer: what "/" offers to whom, and what putting one into a mail gives and does."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from postvak.mail.compose import File
from postvak.models import (
    Agent,
    AnswerTemplate,
    AnswerTemplateFile,
    AnswerTemplateText,
    Blob,
    Brand,
    Channel,
    Draft,
    DraftFile,
    Mailbox,
    Queue,
    Status,
    Ticket,
)
from postvak.receive.retention import bury
from postvak.tickets.answer_templates import Belongings, delete_template, save_template
from postvak.tickets.texts import Text
from tests.clock import Clock
from tests.mails import mail
from tests.web.test_desk import receive

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client: Client, bob: Agent, channel: Channel) -> Client:
    """Bob's browser."""
    client.force_login(bob)
    return client


@pytest.fixture
def ticket(mailbox: Mailbox, support: Queue) -> Ticket:
    return receive(mailbox, mail())


def make(
    name: str, html: str = "<p>Hello</p>", *, category: str = "", language: str = "", **more: object
) -> AnswerTemplate:
    queues, tags, files = more.pop("queues", ()), more.pop("tags", ()), more.pop("files", ())
    template = AnswerTemplate(name=name, category=category, **more)
    texts = [Text(language, "", html)]
    belongings = Belongings(queues=[one.pk for one in queues], tags=tags, texts=texts, files=files)  # type: ignore[arg-type, attr-defined]
    save_template(template, belongings, timezone.now())
    return template


def add_text(template: AnswerTemplate, language: str, html: str, subject: str = "") -> None:
    AnswerTemplateText.objects.create(template=template, language=language, html=html, subject=subject)


def offered(desk: Client, ticket: Ticket | str, query: str = "", **more: object) -> list[str]:
    number = ticket if isinstance(ticket, str) else ticket.number
    answer = desk.get("/templates/", {"q": query, "ticket": number, **more})
    return [row["name"] for row in answer.json()["templates"]]


def use(desk: Client, template: AnswerTemplate, ticket: Ticket, **more: object) -> dict[str, object]:
    answer = desk.post(f"/templates/{template.pk}/uses/", {"ticket": ticket.number, **more})
    assert answer.status_code == 200, answer.content
    return answer.json()


# ---- what is offered ----------------------------------------------------------------


def test_without_a_word_the_most_used_ones_come_first_each_with_its_beginning(desk: Client, ticket: Ticket) -> None:
    make("Rare", times_used=1)
    make("Usual", "<p>Dear {{ customer.name }},</p><p>we have&nbsp;your mail.</p>", category="Start", times_used=9)
    rows = desk.get("/templates/", {"ticket": ticket.number}).json()["templates"]
    assert [row["name"] for row in rows] == ["Usual", "Rare"]
    assert (rows[0]["category"], rows[0]["beginning"]) == ("Start", "Dear {{ customer.name }}, we have your mail.")


def test_only_valid_ones_of_the_tickets_queue_or_of_all_queues(
    desk: Client, ticket: Ticket, support: Queue, sales: Queue
) -> None:
    make("For all")
    make("For support", queues=(support,))
    make("For both", queues=(support, sales))
    make("For sales", queues=(sales,))
    make("Not valid", is_valid=False)
    assert sorted(offered(desk, ticket)) == ["For all", "For both", "For support"]


def test_those_of_a_brand_are_offered_in_all_its_queues_also_in_later_ones(
    desk: Client, ticket: Ticket, support: Queue, sales: Queue
) -> None:
    other = Brand.objects.create(name="Lumen")
    sales.brand = other
    sales.save()
    make("Ours").brands.add(support.brand)
    make("Theirs").brands.add(other)
    both = make("Theirs and support")
    both.brands.add(other)
    both.queues.add(support)
    make("All")
    assert sorted(offered(desk, ticket)) == ["All", "Ours", "Theirs and support"]
    support.brand = other
    support.save()
    assert sorted(offered(desk, ticket)) == ["All", "Theirs", "Theirs and support"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("ruck", ["Rücksendung", "Zurück an Absender", "Label"]),
        ("RÜCK sendung", ["Rücksendung"]),
        ("zuruck absender", ["Zurück an Absender"]),
        ("retouren", ["Label"]),
        ("strasse", ["Anschrift"]),
        ("café", ["Anschrift"]),
        ("nothing like it", []),
        ("p", []),
    ],
)
def test_words_are_found_in_name_category_and_text_whatever_their_case_and_accents(
    desk: Client, ticket: Ticket, query: str, names: list[str]
) -> None:
    make("Zurück an Absender", "<div>x</div>", times_used=5)
    make("Rücksendung", "<div>x</div>")
    make("Label", "<div>x</div>", category="Retouren::Rücknahme", times_used=8)
    make("Anschrift", "<div>Große Straße 1, Cafe&eacute;</div>".replace("Cafe&eacute;", "Caf&eacute;"))
    assert offered(desk, ticket, query) == names


def test_the_text_that_is_shown_and_searched_is_that_of_the_customers_language(desk: Client, ticket: Ticket) -> None:
    template = make("Thanks", "<p>Thank you</p>")
    add_text(template, "nl", "<p>Bedankt</p>")
    ticket.customer.language = "nl"
    ticket.customer.save()
    assert desk.get("/templates/", {"ticket": ticket.number}).json()["templates"][0]["beginning"] == "Bedankt"
    assert offered(desk, ticket, "bedankt") == ["Thanks"]
    assert offered(desk, ticket, "thank you") == []


def test_a_new_mail_gets_those_of_its_queue_or_of_all_queues_of_the_agent(
    desk: Client, support: Queue, sales: Queue, bob: Agent
) -> None:
    make("Everywhere"), make("Support's", queues=(support,)), make("Sales'", queues=(sales,))
    assert sorted(offered(desk, "", queue=support.pk)) == ["Everywhere", "Support's"]
    assert sorted(offered(desk, "")) == ["Everywhere", "Support's"]
    assert desk.get("/templates/", {"queue": sales.pk}).status_code == 404


def test_a_thousand_templates_are_searched_in_a_few_queries(desk: Client, ticket: Ticket) -> None:
    templates = [AnswerTemplate(name=f"Template {number}", category=f"C{number % 7}") for number in range(1000)]
    AnswerTemplate.objects.bulk_create(templates)
    rows = AnswerTemplate.objects.all()
    AnswerTemplateText.objects.bulk_create(
        AnswerTemplateText(template=one, html=f"<p>Word{one.pk}</p>") for one in rows
    )
    with CaptureQueriesContext(connection) as queries:
        assert len(offered(desk, ticket, "template")) == 20
        assert offered(desk, ticket, f"word{rows[500].pk}") == [rows[500].name]
    assert len(queries) <= 30


# ---- putting one into a mail ----------------------------------------------------------------


def test_the_text_comes_filled_and_what_is_missing_is_named(desk: Client, ticket: Ticket, bob: Agent) -> None:
    template = make(
        "Hello",
        "<p>Dear {{ customer.name }} &lt;{{ ticket.number }}&gt;,</p><p>{{ customer.organisation }}</p>"
        '<p>{{ customer.organisation or "your company" }} – {{ agent.first_name }}</p>',
    )
    template.texts.update(subject="About {{ ticket.subject }}, {{customer.organisation}}")
    answer = use(desk, template, ticket)
    assert answer["html"] == (
        f"<p>Dear Ann Archer &lt;{ticket.number}&gt;,</p><p>{{{{ customer.organisation }}}}</p><p>your company – Bob</p>"
    )
    assert answer["subject"] == "About The lamp flickers, {{customer.organisation}}"
    assert answer["missing"] == ["{{ customer.organisation }}", "{{customer.organisation}}"]


def test_a_value_can_bring_no_markup_of_its_own(desk: Client, ticket: Ticket) -> None:
    ticket.customer.name = "<img src=x onerror=alert(1)>"
    ticket.customer.save()
    answer = use(desk, make("Hello", "<p>{{ customer.name }}</p>"), ticket)
    assert answer["html"] == "<p>&lt;img src=x onerror=alert(1)&gt;</p>"


def test_the_customers_language_decides_with_the_text_for_all_others_behind_it(desk: Client, ticket: Ticket) -> None:
    template = make("Thanks", "<p>Thank you</p>")
    add_text(template, "de", "<p>Danke</p>", "Betreff")
    for language, html in (("de", "<p>Danke</p>"), ("de-at", "<p>Danke</p>"), ("fr", "<p>Thank you</p>")):
        ticket.customer.language = language
        ticket.customer.save()
        assert use(desk, template, ticket)["html"] == html


def test_a_template_in_one_other_language_only_is_better_than_nothing(desk: Client, ticket: Ticket) -> None:
    assert use(desk, make("Danke", "<p>Danke</p>", language="de"), ticket)["html"] == "<p>Danke</p>"


def test_status_and_tags_come_along_but_no_status_that_is_not_valid_any_more(desk: Client, ticket: Ticket) -> None:
    closed = Status.objects.get(key="closed")
    template = make("Done", status=closed, tags=("Return", "Paid"))
    answer = use(desk, template, ticket)
    assert (answer["status"], answer["tags"]) == ("closed", ["Paid", "Return"])
    Status.objects.filter(pk=closed.pk).update(is_valid=False)
    assert use(desk, template, ticket)["status"] == ""


def test_each_use_is_counted_with_its_time(desk: Client, ticket: Ticket, clock: Clock) -> None:
    template = make("Hello")
    use(desk, template, ticket)
    clock.advance(minutes=1)
    use(desk, template, ticket)
    template.refresh_from_db()
    assert (template.times_used, template.last_used_at) == (2, clock.now)


def test_its_files_are_in_the_draft_without_a_copy_of_their_bytes(desk: Client, ticket: Ticket, bob: Agent) -> None:
    template = make("Label", files=(File("label.pdf", "application/pdf", b"%PDF-1.4"),))
    draft = Draft.objects.create(agent=bob, ticket=ticket, changed_at=timezone.now())
    blobs = Blob.objects.count()
    answer = use(desk, template, ticket, draft=draft.pk)
    row = DraftFile.objects.get()
    assert answer["files"] == [
        {
            "id": row.pk, "name": "label.pdf", "size": 8, "size_text": "8 B", "content_type": "application/pdf",
            "content_id": "", "url": f"/drafts/{draft.pk}/files/{row.pk}/", "total": answer["files"][0]["total"], "limit": 25 * 1024 * 1024,
        }
    ]  # fmt: skip
    assert answer["files"][0]["total"] >= 8
    assert (row.draft, row.blob_id, Blob.objects.count()) == (draft, template.files.get().blob_id, blobs)
    assert use(desk, template, ticket, draft=draft.pk)["files"] == [], "they are there already"
    assert DraftFile.objects.count() == 1


def test_files_make_the_draft_that_an_empty_mail_does_not_have_yet(desk: Client, ticket: Ticket, bob: Agent) -> None:
    assert use(desk, make("Plain"), ticket)["draft"] is None
    template = make("Label", files=(File("label.pdf", "application/pdf", b"%PDF-1.4"),))
    answer = use(desk, template, ticket, kind="all")
    draft = Draft.objects.get()
    assert (answer["draft"], draft.kind, draft.agent, draft.ticket) == (draft.pk, "all", bob, ticket)
    assert draft.files.count() == 1


def test_files_that_do_not_fit_are_refused_and_nothing_is_changed(
    desk: Client, ticket: Ticket, bob: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = make("Label", files=(File("label.pdf", "application/pdf", b"x" * 1000),))
    Channel.objects.update(size_limit=1200)
    draft = Draft.objects.create(agent=bob, ticket=ticket, changed_at=timezone.now())
    answer = desk.post(f"/templates/{template.pk}/uses/", {"ticket": ticket.number, "draft": draft.pk})
    assert answer.status_code == 413
    assert "“Label” don't fit" in answer.json()["text"]
    template.refresh_from_db()
    assert (template.times_used, DraftFile.objects.count()) == (0, 0)


def test_deleting_a_template_leaves_the_drafts_their_files(desk: Client, ticket: Ticket, clock: Clock) -> None:
    template = make("Label", files=(File("label.pdf", "application/pdf", b"%PDF"), File("b.txt", "text/plain", b"b")))
    use(desk, template, ticket)
    DraftFile.objects.filter(name="b.txt").delete()
    digests = {one.name: one.blob_id for one in template.files.all()}
    delete_template(template, clock.now)
    clock.advance(minutes=11)
    bury(clock.now)
    assert set(Blob.objects.filter(pk__in=digests.values()).values_list("pk", flat=True)) == {digests["label.pdf"]}
    assert not AnswerTemplateFile.objects.exists()


# ---- who may ----------------------------------------------------------------


def test_other_peoples_tickets_drafts_and_templates_are_not_found(
    desk: Client, ticket: Ticket, cas: Agent, bob: Agent, sales: Queue
) -> None:
    everywhere, in_sales = make("Everywhere"), make("Sales", queues=(sales,))
    draft = Draft.objects.create(agent=bob, ticket=ticket, changed_at=timezone.now())
    assert desk.post(f"/templates/{in_sales.pk}/uses/", {"ticket": ticket.number}).status_code == 404
    assert desk.post(f"/templates/{everywhere.pk}/uses/", {"ticket": ticket.number, "draft": 999}).status_code == 404
    desk.force_login(cas)
    assert desk.get("/templates/", {"ticket": ticket.number}).status_code == 404
    assert desk.post(f"/templates/{everywhere.pk}/uses/", {"ticket": ticket.number}).status_code == 404
    assert desk.post(f"/templates/{everywhere.pk}/uses/", {"draft": draft.pk}).status_code == 404
    everywhere.refresh_from_db()
    assert everywhere.times_used == 0


def test_numbers_that_are_none_are_not_found(desk: Client, ticket: Ticket) -> None:
    template = make("Hello")
    for ticket_number in ("x", "9" * 30, "1\0"):
        assert desk.get("/templates/", {"ticket": ticket_number}).status_code == 404
    assert desk.post(f"/templates/{template.pk}/uses/", {"ticket": ticket.number, "draft": "x"}).status_code == 200
    assert desk.post("/templates/999999/uses/", {"ticket": ticket.number}).status_code == 404


def test_the_queue_of_a_new_mail_is_that_of_its_draft(desk: Client, support: Queue, sales: Queue, bob: Agent) -> None:
    sales.members.add(bob)
    template = make("Support's", "<p>{{ brand.name }} {{ ticket.number }}</p>", queues=(support,))
    draft = Draft.objects.create(agent=bob, kind="new", queue=support, changed_at=timezone.now())
    answer = desk.post(f"/templates/{template.pk}/uses/", {"ticket": "", "draft": draft.pk}).json()
    assert answer["html"] == f"<p>{support.brand.name} {{{{ ticket.number }}}}</p>"
    assert answer["missing"] == ["{{ ticket.number }}"]
    Draft.objects.update(queue=sales)
    assert desk.post(f"/templates/{template.pk}/uses/", {"ticket": "", "draft": draft.pk}).status_code == 404
