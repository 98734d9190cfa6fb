"""Tables of customers and organisations: out and in again, whatever a spreadsheet made of them."""

import csv
import io
from collections.abc import Mapping

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from postvak.bring.sheet import BadSheet, guessed, read_sheet
from postvak.bring.sheet_work import KIND, path_of, preview, take_sheet
from postvak.bring.work import incoming_directory
from postvak.jobs import queue
from postvak.jobs.queue import directory
from postvak.jobs.run import work_due
from postvak.jobs.said import said_by
from postvak.models import Agent, Customer, CustomerAddress, CustomField, Job, Mailbox, Organisation, SearchAgain
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.tickets.field_sets import fields_of
from postvak.tickets.sheets import BOM, HOLDERS, guarded, lines, unguarded
from tests.mails import mail

TOKEN = "0123456789abcdef"


def cells(raw: bytes) -> list[tuple[str, ...]]:
    sheet = read_sheet(raw)
    return [sheet.heads, *(row.cells for row in sheet.rows)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_what_a_spreadsheet_writes_is_read(encoding: str, separator: str) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter=separator).writerows([["Naam", "Notiz"], ["Jürgen Groß", 'says "a, b; c"\nand more']])
    assert cells(out.getvalue().encode(encoding)) == [("Naam", "Notiz"), ("Jürgen Groß", 'says "a, b; c"\nand more')]


def test_nul_broken_bytes_and_ragged_rows_are_read() -> None:
    assert cells(b"name,email\nA\x00nn\n\n\xff\xfe\x81,x@y.example,more\n")[1:] == [
        ("Ann",),
        ("ÿþ\ufffd", "x@y.example", "more"),
    ]
    for empty in (b"", b"name\n", b"\x00\n", b"\n\n\n"):
        with pytest.raises(BadSheet):
            read_sheet(empty)


@pytest.mark.parametrize("table", ["name,{long}\nAnn,x\n", "name,note\nAnn,{long}\n"])
def test_a_field_that_is_too_long_is_a_bad_sheet_in_whichever_line(table: str) -> None:
    with pytest.raises(BadSheet):
        read_sheet(table.format(long="x" * 140_000).encode())


@pytest.mark.parametrize("cell", ["=1+1", "'=1", "''-2", "+49 30", "-", "@x", "'quoted'", "", "plain", "\t=x"])
def test_no_cell_is_a_formula_and_each_comes_back(cell: str) -> None:
    assert guarded(cell)[:1] not in {"=", "+", "-", "@", "\t"}
    assert unguarded(guarded(cell)) == cell


@pytest.mark.parametrize(
    "heads",
    [
        ["E-Mail-Adresse", "Vorname", "Nachname", "Firma", "Kundennummer", "Sprache", "Bemerkung"],
        ["e-mailadres", "voornaam", "achternaam", "bedrijf", "klantnummer", "taal", "opmerking"],
        ["Email", "First name", "Last Name", "Company", "customer no.", "language", "Notes"],
    ],
)
def test_columns_are_known_by_their_heads_in_three_languages(heads: list[str]) -> None:
    expected = ["addresses", "first", "last", "organisation", "number", "language", "note"]
    assert guessed([*heads, "Shoe size"], "customers", []) == [*expected, ""]


# -- in ----------------------------------------------------------------------------


def bring(raw: bytes | str, what: str = "customers", by: Agent | None = None) -> Job:
    """The job with the columns that are guessed."""
    raw = raw.encode() if isinstance(raw, str) else raw
    path = path_of(TOKEN)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    columns = guessed(read_sheet(raw).heads, what, fields_of(HOLDERS[what]))
    job = queue.enqueue(KIND, {"what": what, "token": TOKEN, "columns": columns, "name": "t.csv"}, by=by)
    work_due("test:1:x", {KIND: take_sheet})
    job.refresh_from_db()
    assert job.state == "done", job.said
    assert not path.exists()
    return job


def everything() -> list[object]:
    fields = ("name", "organisation__name", "organisation__number", "language", "note", "fields")
    people = Customer.objects.order_by("pk").values_list("pk", *fields)
    return [*people, *CustomerAddress.objects.order_by("pk").values_list("customer", "email")]


def counts(job: Job) -> Mapping[str, int]:
    return {key: value for key, value in job.counts.items() if value}


@pytest.fixture
def fields(db: None) -> None:
    CustomField.objects.create(key="since", label="Kunde seit", kind="date", holder="customer")
    CustomField.objects.create(key="likes", label="Mag", kind="choices", options="Tee, grün\nKaffee", holder="customer")


TABLE = """E-Mail;Name;Firma;Kundennummer;Sprache;Notiz;Kunde seit;Mag
jürg@müller.example, j2@m.example;"Groß, Jürg";Müller GmbH;K-7;Deutsch;"says ""hi""
twice";3.4.2020;Tee, grün | Kaffee
ann@customer.example;Ann Abel;müller gmbh;;nl;;;
"""


@pytest.mark.django_db
def test_rows_become_customers_with_all_they_have(fields: None) -> None:
    job = bring(TABLE)
    jurg, ann = Customer.objects.order_by("pk")
    assert (jurg.name, jurg.language, jurg.note) == ("Groß, Jürg", "de", 'says "hi"\ntwice')
    assert jurg.fields == {"since": ["2020-04-03"], "likes": ["Tee, grün", "Kaffee"]}
    assert [one.email for one in jurg.addresses.order_by("pk")] == ["jürg@xn--mller-kva.example", "j2@m.example"]
    assert ann.organisation == jurg.organisation == Organisation.objects.get(name="Müller GmbH", number="K-7")
    assert counts(job) == {"new": 2, "organisations": 1}


@pytest.mark.django_db
def test_the_same_table_again_and_our_own_export_change_nothing(fields: None) -> None:
    bring(TABLE)
    Customer.objects.create(name="=cmd|calc", note="-1")
    before = everything()
    assert counts(bring(TABLE)) == {"same": 2}
    for separator in (",", ";", "\t"):
        table = "".join(lines("customers", separator=separator))
        assert "'=cmd|calc" in table
        assert counts(bring(BOM + table)) == {"same": 3}
    assert everything() == before


@pytest.mark.django_db
def test_an_address_finds_its_customer_and_an_empty_cell_takes_nothing_away() -> None:
    acme = Organisation.objects.create(name="Acme", number="1")
    ann = Customer.objects.create(name="Ann", note="old friend", language="nl", organisation=acme)
    ann.addresses.create(email="ann@customer.example")
    job = bring("email,name,note,company,language\nANN@customer.example new@customer.example,Ann Abel,,,\n")
    ann.refresh_from_db()
    assert (ann.name, ann.note, ann.language, ann.organisation) == ("Ann Abel", "old friend", "nl", acme)
    assert ann.addresses.count() == 2
    assert counts(job) == {"changed": 1}


@pytest.mark.django_db
def test_what_cannot_be_taken_over_is_left_out_with_its_reason(support: object) -> None:
    for name in ("one", "two"):
        Customer.objects.create(name=name).addresses.create(email=f"{name}@c.example")
    CustomField.objects.create(key="contract", label="Contract", holder="customer", is_required=True)
    job = bring(
        "email,name,company,customer number,language,contract\n"
        "no address,A,,,,c\n,,,7,,c\none@c.example two@c.example,,,,,c\nsupport@example.org,,,,,c\n"
        "a@c.example,,,404,,c\nb@c.example,,,,Klingon,c\nd@c.example,=HYPERLINK(1),,,,\nok@c.example,Fine,,,,c\n"
    )
    assert counts(job) == {"new": 1, "wrong": 7}
    report = (directory(job) / job.file).read_text(encoding="utf-8-sig")
    rows = list(csv.reader(io.StringIO(report)))
    assert [row[0] for row in rows] == ["Line", "2", "3", "4", "5", "6", "7", "8"]
    assert rows[7][1:4] == ["“Contract” has to be filled in.", "d@c.example", "'=HYPERLINK(1)"]
    assert set(job.result["reasons"]) == {f"row:{code}" for code in (
        "bad_address", "nobody", "two_customers", "ours", "no_organisation", "language", "field")}  # fmt: skip


@pytest.mark.django_db
def test_a_row_that_comes_twice_is_one_customer_and_the_preview_says_the_same() -> None:
    raw = b"email,name,company\na@c.example,A,New Ltd\n" + b"x,\n" * 600 + b"A@c.example b@c.example,A,new ltd\n"
    found = preview(read_sheet(raw), "customers", ["addresses", "name", "organisation"], shown=20)
    assert not Customer.objects.exists()
    assert not Organisation.objects.exists()
    assert (found.counts["new"], found.counts["changed"], found.made_beside) == (1, 1, 1)
    assert counts(bring(raw)) == {"new": 1, "changed": 1, "organisations": 1, "wrong": 600}
    assert Customer.objects.get().addresses.count() == 2


@pytest.mark.django_db
def test_ten_thousand_rows_cost_few_queries() -> None:
    table = "email,name,company\n" + "".join(f"p{n}@c.example,Person {n},Firm {n % 50}\n" for n in range(10_000))
    with CaptureQueriesContext(connection) as asked:
        bring(table)
    assert Customer.objects.count() == 10_000
    assert Organisation.objects.count() == 50
    assert len(asked) < 20 * 30
    with CaptureQueriesContext(connection) as asked:
        found = preview(read_sheet(table.encode()), "customers", ["addresses", "name", "organisation"], shown=20)
    assert found.counts == {"same": 10_000}
    assert len(asked) < 20 * 8


@pytest.mark.django_db
def test_a_new_name_is_searched_for(mailbox: Mailbox) -> None:
    accept(mailbox, [Arrived("sheets/1", mail())])
    process_due("test:1:x")
    customer = Customer.objects.get()
    SearchAgain.objects.all().delete()
    bring(f"email,name\n{customer.addresses.get().email},Another Name\n")
    assert SearchAgain.objects.filter(message__customer=customer).exists()


@pytest.mark.django_db
def test_organisations_come_and_go_as_a_table_too() -> None:
    CustomField.objects.create(key="level", label="Level", kind="number", holder="organisation")
    Organisation.objects.create(name="Acme", number="1", note="stays").domains.create(domain="acme.example")
    table = "Firma;Kundennummer;Domänen;Level\nAcme Ltd;1;acme.example, acme.test;2,5\nNeu & Söhne;;neu.example;\nX;9;acme.example;\n"
    job = bring(table, "organisations")
    assert counts(job) == {"new": 1, "changed": 1, "wrong": 1}
    acme = Organisation.objects.get(number="1")
    assert (acme.name, acme.note, acme.fields, acme.domains.count()) == ("Acme Ltd", "stays", {"level": ["2.5"]}, 2)
    assert counts(bring("".join(lines("organisations")), "organisations")) == {"same": 2}


def test_why_a_table_cannot_be_read_is_told_in_the_language_of_the_reader(client: Client, admin: Agent) -> None:
    incoming_directory().mkdir(parents=True, exist_ok=True)
    path_of(TOKEN).write_bytes(b"name\n")
    job = queue.enqueue(KIND, {"what": "customers", "token": TOKEN, "columns": ["name"], "name": "x.csv"}, by=None)
    work_due("test:1:x", {KIND: take_sheet})
    job.refresh_from_db()
    assert job.said.startswith("The table needs a line")
    client.force_login(admin)
    with translation.override("de"):
        assert said_by(job) not in {"", job.said}
    admin.language = "de"
    admin.save()
    page = client.post("/admin/customers/", {"file": SimpleUploadedFile("x.csv", b"name\n")}).content.decode()
    assert said_by(job) not in page
    with translation.override("de"):
        assert said_by(job) in page
