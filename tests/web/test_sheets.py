"""Pages: customers and organisations as tables; custom fields on tickets, customers and organisations."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from postvak.bring.sheet_work import KIND, take_sheet
from postvak.jobs.run import work_due
from postvak.models import (
    Agent,
    AuditEntry,
    Customer,
    CustomField,
    Job,
    Mailbox,
    Membership,
    Organisation,
    Queue,
    Ticket,
)
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from tests.mails import mail
from tests.web.filled_form import filled

pytestmark = pytest.mark.django_db
TABLE = "Naam;E-mail;Schoenmaat\nJürgen;j@c.example;44\n;broken;\n".encode("cp1252")


@pytest.fixture
def eva(client: Client, admin: Agent) -> Client:
    client.force_login(admin)
    return client


@pytest.fixture
def ticket(mailbox: Mailbox, support: Queue, bob: Agent) -> Ticket:
    accept(mailbox, [Arrived("fields/1", mail())])
    process_due("test:1:x")
    Ticket.objects.update(queue=support)
    return Ticket.objects.get()


def upload(eva: Client, raw: bytes, what: str = "customers") -> str:
    sent = SimpleUploadedFile("klanten\x00.csv", raw, "text/csv")
    answer = eva.post(f"/admin/{what}/", {"file": sent})
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


def test_a_table_is_looked_at_and_then_imported(eva: Client, admin: Agent) -> None:
    at = upload(eva, TABLE)
    page = eva.get(at).text
    assert "Windows-1252" in page
    assert "Jürgen" in page
    assert "is not an e-mail address" in page
    form = filled(page)
    assert (form["column-0"], form["column-1"], form["column-2"]) == (["name"], ["addresses"], [""])
    again = eva.post(at, {**form, "column-2": "note", "again": "1"})
    assert again.status_code == 200
    assert not Job.objects.exists()
    assert eva.post(at, {**form, "column-2": "note"}).status_code == 302
    work_due("test:1:x", {KIND: take_sheet})
    assert Customer.objects.get(addresses__email="j@c.example").note == "44"
    assert AuditEntry.objects.get(action="imported").agent == admin
    job = Job.objects.get()
    assert "1 row" in eva.get(f"/admin/jobs/{job.pk}/").text
    assert "klanten.csv" in eva.get("/admin/customers/").text
    assert eva.get(at).status_code == 404


def test_columns_that_name_nobody_are_not_imported(eva: Client) -> None:
    at = upload(eva, b"shoe,hat\n1,2\n")
    assert "Say which column" in eva.get(at).text
    eva.post(at, {"column-0": "note", "column-1": ""})
    assert not Job.objects.exists()


@pytest.mark.parametrize("raw", [b"", b"\x00", b"name\n", b"\xff\xfe\x00"])
def test_what_is_no_table_is_refused_beside_the_field(eva: Client, raw: bytes) -> None:
    answer = eva.post("/admin/organisations/", {"file": SimpleUploadedFile("a.csv", raw)})
    assert answer.status_code == 422
    assert eva.get("/admin/customers/import/0123456789abcdef/").status_code == 404
    assert eva.get("/admin/customers/import/none/").status_code == 404


def test_an_export_has_a_mark_when_one_wants_it_and_is_in_the_audit(eva: Client) -> None:
    CustomField.objects.create(key="since", label="Kunde seit", kind="date", holder="customer")
    acme = Organisation.objects.create(name="Acme", number="K1")
    customer = Customer.objects.create(name="Zoë", organisation=acme, language="nl", fields={"since": ["2020-04-03"]})
    customer.addresses.create(email="z@c.example")
    plain = b"".join(eva.get("/admin/customers/export.csv?separator=%3B").streaming_content).decode()  # type: ignore[arg-type]
    assert plain.splitlines() == [
        "Name;E-mail addresses;Organisation;Customer number;Language;Note;Kunde seit",
        "Zoë;z@c.example;Acme;K1;nl;;2020-04-03",
    ]
    marked = b"".join(eva.get("/admin/customers/export.csv?mark=1&separator=%00").streaming_content)  # type: ignore[arg-type]
    assert marked.startswith("\ufeffName,E-mail".encode())
    assert AuditEntry.objects.filter(action="exported", kind="customers").count() == 2


def test_only_administrators_get_all_customers(client: Client, bob: Agent) -> None:
    client.force_login(bob)
    for what in ("customers", "organisations"):
        for path in ("", "export.csv", "import/0123456789abcdef/"):
            assert client.get(f"/admin/{what}/{path}").status_code == 403
        assert "/admin/" not in client.get(f"/{what}/").text.partition("page-head")[2].partition("</header>")[0]


# -- custom fields ----------------------------------------------------------------------------


def test_a_field_is_of_customers_or_of_tickets_in_some_queues(eva: Client, support: Queue) -> None:
    facts = {"label": "Order", "key": "order", "kind": "link", "options": "", "is_valid": "on", "is_required": "on"}
    eva.post("/admin/custom-fields/new/", {**facts, "holder": "ticket", "queues": [support.pk]})
    eva.post("/admin/custom-fields/new/", {**facts, "key": "who", "holder": "customer", "queues": [support.pk]})
    order, who = CustomField.objects.get(key="order"), CustomField.objects.get(key="who")
    assert list(order.queues.all()) == [support]
    assert order.is_required
    assert (who.holder, list(who.queues.all())) == ("customer", [])
    Customer.objects.create(fields={"who": ["https://a.example"]})
    page = eva.get("/admin/custom-fields/").text
    assert "1 customer" in page
    assert "Support" in page
    eva.post(f"/admin/custom-fields/{who.pk}/", {**facts, "key": "other", "holder": "organisation", "label": "Who"})
    who.refresh_from_db()
    assert (who.key, who.holder, who.label) == ("who", "customer", "Who")


def test_closing_says_what_is_missing_and_readers_see_the_values(client: Client, bob: Agent, ticket: Ticket) -> None:
    field = CustomField.objects.create(key="shop", label="Shop order", kind="link", is_required=True)
    client.force_login(bob)
    answer = client.post(f"/tickets/{ticket.number}/status/", {"status": "closed"}, follow=True)
    assert "this field is empty: Shop order" in answer.text
    assert Ticket.objects.get().is_open
    assert "needed for closing" in client.get(f"/tickets/{ticket.number}/side/").text
    client.post(f"/tickets/{ticket.number}/fields/", {f"field-{field.key}": "https://shop.example/7"})
    Membership.objects.filter(agent=bob).update(
        may_answer=False, may_move=False, may_close=False, may_delete=False, may_administer=False
    )
    page = client.get(f"/tickets/{ticket.number}/side/").text
    assert 'href="https://shop.example/7"' in page
    assert "noreferrer" in page
    assert "field-shop" not in page


@pytest.mark.parametrize(("holder", "start"), [("customer", "/customers/"), ("organisation", "/organisations/")])
def test_the_card_has_its_own_fields_and_asks_for_the_required_one(
    client: Client, bob: Agent, holder: str, start: str
) -> None:
    CustomField.objects.create(key="since", label="Since", kind="date", holder=holder, is_required=True)
    CustomField.objects.create(key="likes", label="Likes", kind="choices", options="tea\ncoffee", holder=holder)
    model = Customer if holder == "customer" else Organisation
    row = model.objects.create(name="Acme", fields={"gone": ["stays"]})
    client.force_login(bob)
    page = f"{start}{row.pk}/"
    form = filled(client.get(page).text)
    assert "has to be filled in" in client.post(page, {**form, "note": "a\x00"}).text
    given = {**form, "note": "Big", "field-since": "2020-02-01", "field-likes": ["tea", "coffee"]}
    assert client.post(page, given).status_code == 302
    row.refresh_from_db()
    assert row.fields == {"gone": ["stays"], "since": ["2020-02-01"], "likes": ["tea", "coffee"]}
    assert row.note == "Big"
    assert 'value="2020-02-01"' in client.get(page).text
