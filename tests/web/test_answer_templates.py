"""Administration of answer templates: the tree, the editor with languages and files, preview, copies, deletion."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from postvak.blobs import store
from postvak.models import (
    Agent,
    AnswerTemplate,
    AnswerTemplateFile,
    Blob,
    Brand,
    Mailbox,
    Queue,
    Status,
)
from postvak.tickets import people
from postvak.tickets import texts as texts_and_files
from tests.mails import mail
from tests.web.test_desk import page, receive
from tests.web.test_templates import make

pytestmark = pytest.mark.django_db
LIST = "/admin/answer-templates/"
NEW = f"{LIST}new/"


@pytest.fixture
def eva(client: Client, admin: Agent) -> Client:
    """Eva's browser."""
    client.force_login(admin)
    return client


def facts(**changes: object) -> dict[str, object]:
    usual = {"name": "Label", "is_valid": "on", "language": [""], "subject": [""], "html": ["<p>Hello</p>"]}
    return {**usual, **changes}


def save(eva: Client, at: str = NEW, **changes: object) -> AnswerTemplate:
    answer = eva.post(at, facts(**changes))
    assert (answer.status_code, answer.headers.get("Location")) == (302, LIST), answer.text
    return AnswerTemplate.objects.latest("pk") if at == NEW else AnswerTemplate.objects.get(pk=at.split("/")[-2])


def texts(template: AnswerTemplate) -> dict[str, tuple[str, str]]:
    return {text.language: (text.subject, text.html) for text in template.texts.all()}


def upload(name: str, content: bytes = b"content", content_type: str = "application/pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type)


# ---- saving ----------------------------------------------------------------


def test_a_template_is_saved_with_all_that_belongs_to_it(eva: Client, support: Queue, sales: Queue) -> None:
    template = save(
        eva, category=" Orders ::  Returns::", queues=[support.pk], position="7", tags="Return, PAID",
        status=Status.objects.get(key="closed").pk, language=["", "de"], subject=["Your return", " Ihre  Rücksendung "],
        html=["<p>Dear {{ customer.name }},</p>", "<div>Guten Tag</div>"], files=[upload("label.pdf"), upload("b.txt", b"b", "text/plain")],
    )  # fmt: skip
    assert (str(template), template.position, template.status.key) == ("Orders::Returns::Label", 7, "closed")
    assert list(template.queues.all()) == [support]
    assert {tag.name for tag in template.tags.all()} == {"Return", "PAID"}
    assert texts(template) == {
        "": ("Your return", "<p>Dear {{ customer.name }},</p>"),
        "de": ("Ihre Rücksendung", "<div>Guten Tag</div>"),
    }
    files = {file.name: (file.content_type, file.size, store.get(file.blob_id)) for file in template.files.all()}
    assert files == {"label.pdf": ("application/pdf", 7, b"content"), "b.txt": ("text/plain", 1, b"b")}


def test_what_could_do_harm_in_a_mail_is_taken_out(eva: Client) -> None:
    html = '<p onclick="x()">Hi<script>alert(1)</script><img src="https://tracker.example/x.png"></p>'
    assert texts(save(eva, html=[html])) == {"": ("", "<p>Hi</p>")}


def test_a_language_that_is_taken_out_or_emptied_is_gone_and_others_change(eva: Client) -> None:
    template = save(eva, language=["", "de", "nl"], subject=["", "", ""], html=["<p>a</p>", "<p>b</p>", "<p>c</p>"])
    at = f"{LIST}{template.pk}/"
    save(eva, at, language=["", "nl"], subject=["", ""], html=["<p>A</p>", "<p><br></p>"])
    assert texts(template) == {"": ("", "<p>A</p>")}


def test_files_that_are_unticked_go_with_their_bytes_and_new_ones_come(eva: Client) -> None:
    template = save(eva, files=[upload("a.pdf", b"a"), upload("b.pdf", b"b")])
    a, b = template.files.all()
    save(eva, f"{LIST}{template.pk}/", kept=[b.pk], files=[upload("c.pdf", b"c")])
    assert [file.name for file in template.files.all()] == ["b.pdf", "c.pdf"]
    assert [Blob.objects.get(pk=one.blob_id).condemned_at is not None for one in (a, b)] == [True, False]


def test_a_file_can_be_looked_at_by_administrators_only(eva: Client, bob: Agent) -> None:
    row = save(eva, files=[upload("näme.html", b"<script>", "text/html")]).files.get()
    answer = eva.get(f"{LIST}files/{row.pk}/")
    assert (answer.content, answer.headers["Content-Type"]) == (b"<script>", "application/octet-stream")
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    eva.force_login(bob)
    assert eva.get(f"{LIST}files/{row.pk}/").status_code == 403


# ---- what is refused ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"html": ["<p>{{ customer.nmae }} and {{ x }}</p>"]}, "Nothing fills {{ customer.nmae }}, {{ x }}."),
        ({"subject": ["{{ ticket.numbr }}"]}, "Nothing fills {{ ticket.numbr }}."),
        ({"name": ""}, "This field is required."),
        ({"name": "thanks", "category": "Start"}, "There is already a template “Start::thanks”."),
        ({"position": "-1"}, "greater than or equal to 0"),
        ({"queues": ["999"]}, "not one of the available choices"),
    ],
)
def test_what_is_wrong_is_said_beside_it_and_nothing_typed_is_lost(
    eva: Client, changes: dict[str, object], said: str
) -> None:
    make("Thanks", category="Start")
    answer = eva.post(NEW, facts(**{"tags": "Paid", "language": ["", "de"], **both(changes)}))
    html = answer.text.replace("&#39;", "'")
    assert answer.status_code == 422
    assert said in html
    assert 'value="Paid"' in html
    assert "&lt;p&gt;Guten Tag&lt;/p&gt;" in html
    assert AnswerTemplate.objects.count() == 1


def both(changes: dict[str, object]) -> dict[str, object]:
    """With a second, German text."""
    html = [*changes.get("html", ["<p>Hello</p>"]), "<p>Guten Tag</p>"]  # type: ignore[misc]
    subjects = [*changes.get("subject", [""]), ""]  # type: ignore[misc]
    return {**changes, "html": html, "subject": subjects}


def test_a_template_without_any_text_is_none(eva: Client) -> None:
    answer = eva.post(NEW, facts(html=["<p> <br></p><script>x</script>"]))
    assert (answer.status_code, "The template has no text yet." in answer.text) == (422, True)


def test_an_unknown_placeholder_names_those_that_are_known(eva: Client) -> None:
    html = eva.post(NEW, facts(html=["<p>{{ customer.age }}</p>"])).text
    assert "These placeholders are known: {{ address.email }}, {{ address.name }}, {{ agent.email }}" in html


def test_files_over_the_limit_are_refused_together(eva: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postvak.web.admin.forms.answer_templates.LIMIT", 2000)
    template = save(eva, files=[upload("a.pdf", b"a" * 1500)])
    kept = template.files.get().pk
    answer = eva.post(f"{LIST}{template.pk}/", facts(kept=[kept], files=[upload("b.pdf", b"b" * 600)]))
    assert answer.status_code == 422
    assert re.search(r"together; a template can have 2\skB of files\.", answer.text)
    assert "Choose the new files again" in answer.text
    assert f'name="kept" value="{kept}" checked' in answer.text
    save(eva, f"{LIST}{template.pk}/", files=[upload("b.pdf", b"b" * 600)])


# ---- languages ----------------------------------------------------------------


def test_a_language_is_added_with_what_was_typed_so_far(eva: Client) -> None:
    part = eva.post(f"{LIST}texts/", facts(new_language="de"), headers={"HX-Request": "true"}).text
    assert 'name="language" value="de"' in part
    assert 'name="language" value=""' not in part
    assert '<option value="de">' not in part.partition("hx-swap-oob")[2]
    assert '<option value="nl">' in part.partition("hx-swap-oob")[2]
    whole = eva.post(NEW, facts(name="", add="1", new_language="de", html=["<p>Typed</p>"])).text
    assert "&lt;p&gt;Typed&lt;/p&gt;" in whole
    assert 'name="language" value="de"' in whole
    assert not AnswerTemplate.objects.exists()


@pytest.mark.parametrize("language", ["xx", "", "all"])
def test_what_is_no_language_or_there_already_adds_nothing(eva: Client, language: str) -> None:
    part = eva.post(f"{LIST}texts/", facts(new_language=language)).text
    assert "<fieldset" not in part


# ---- preview ----------------------------------------------------------------


def preview(eva: Client, **changes: object) -> str:
    answer = eva.post(f"{LIST}preview/", facts(preview="", **changes))
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    return answer.text


def test_the_preview_fills_examples_or_the_values_of_a_ticket(eva: Client, mailbox: Mailbox, support: Queue) -> None:
    html = ["<p>Dear {{ customer.name }}, {{ ticket.number }}</p><p>{{ customer.organisation }}</p>"]
    assert "<p>Dear Ann Archer, 2026112100017</p><p>Archer &amp; Sons</p>" in preview(eva, html=html)
    ticket = receive(mailbox, mail(sender="Joe Doe <joe@x.example>"))
    real = preview(eva, html=html, preview_ticket=f"#{ticket.number}")
    assert f"<p>Dear Joe Doe, {ticket.number}</p><p>{{{{ customer.organisation }}}}</p>" in real
    assert "Nothing to fill in for {{ customer.organisation }}" in real
    for number in ("77", "7\0x"):
        assert "These are example values." in preview(eva, html=html, preview_ticket=number)


def test_the_preview_shows_the_language_that_was_asked_for_and_nothing_that_runs(eva: Client) -> None:
    languages = {
        "language": ["", "de"],
        "subject": ["A", "B"],
        "html": ["<p>Hello</p>", "<p>Hallo<script>1</script></p>"],
    }
    answer = eva.post(f"{LIST}preview/", facts(**languages, preview="de")).text
    assert '<p class="subject">B</p>' in answer
    assert "<p>Hallo</p>" in answer
    assert "Hello" not in answer


# ---- the list ----------------------------------------------------------------


def names(html: str) -> list[str]:
    return re.findall(r'<a href="/admin/answer-templates/\d+/">([^<]+)</a>', html)


def test_the_list_is_a_tree_in_its_order_with_what_is_used(eva: Client, support: Queue) -> None:
    make("Late", category="Orders", position=2)
    make("Early", category="Orders", position=1, times_used=1234)
    make("Label", category="Orders::Returns::Abroad", queues=(support,))
    make("Loose", is_valid=False)
    html = page(eva, LIST)
    assert names(html) == ["Loose", "Early", "Late", "Label"]
    branches = re.findall(r'data-depth="(\d)">\s*(?:<tr class="branch"><th[^>]*><span><svg.*?</svg>([^<]+))?', html)
    assert branches == [("0", ""), ("1", "Orders"), ("2", "Returns"), ("3", "Abroad")]
    assert "1,234" in html
    assert "not valid" in html
    assert "Support" in html


def test_the_list_is_searched_in_names_categories_and_texts_of_all_languages(eva: Client) -> None:
    make("Label", category="Rücksendung")
    make("Danke", "<p>Schöne Grüße</p>", language="de")
    make("Other")
    assert names(page(eva, f"{LIST}?q=RUCK")) == ["Label"]
    assert names(page(eva, f"{LIST}?q=schöne+grüsse")) == ["Danke"]
    assert "Nothing in this list has" in page(eva, f"{LIST}?q=nowhere")


def test_many_templates_are_pages_and_no_template_costs_a_query(
    eva: Client, django_assert_max_num_queries: object
) -> None:
    AnswerTemplate.objects.bulk_create(
        AnswerTemplate(name=f"T{number:04}", category=f"A::B{number // 50:02}") for number in range(1000)
    )
    with django_assert_max_num_queries(26):  # type: ignore[operator]
        html = page(eva, LIST)
    assert len(names(html)) == 100
    assert names(page(eva, f"{LIST}?page=10"))[-1] == "T0999"


# ---- copies, deletion, rights ----------------------------------------------------------------


def test_a_copy_begins_with_everything_and_shares_the_bytes(eva: Client, support: Queue) -> None:
    source = save(
        eva, category="Orders", queues=[support.pk], tags="Paid", language=["de"], html=["<p>Danke</p>"],
        files=[upload("a.pdf", b"a"), upload("b.pdf", b"b")],
    )  # fmt: skip
    html = page(eva, f"{NEW}?copy={source.pk}")
    for part in ('value="Label (copy)"', 'value="Orders"', 'value="Paid"', "&lt;p&gt;Danke&lt;/p&gt;", "a.pdf"):
        assert part in html
    kept = source.files.get(name="a.pdf").pk
    copy = save(eva, name="Label (copy)", language=["de"], html=["<p>Danke</p>"], kept=[kept])
    assert copy.pk != source.pk
    assert [(one.name, one.blob_id) for one in copy.files.all()] == [("a.pdf", source.files.get(name="a.pdf").blob_id)]
    assert source.files.count() == 2
    assert (copy.times_used, source.queues.count()) == (0, 1)


def test_brands_are_chosen_where_there_are_several_and_stand_in_the_list_and_in_a_copy(
    eva: Client, support: Queue
) -> None:
    assert 'name="brands"' not in page(eva, NEW)
    other = Brand.objects.create(name="Lumen")
    template = save(eva, queues=[support.pk], brands=[other.pk])
    assert (list(template.queues.all()), list(template.brands.all())) == ([support], [other])
    assert "All queues of the brand “Lumen”" in page(eva, LIST)
    assert re.search(rf'name="brands" value="{other.pk}"[^>]* checked', page(eva, f"{NEW}?copy={template.pk}"))
    save(eva, f"{LIST}{template.pk}/", queues=[support.pk])
    assert not template.brands.exists()


def test_a_template_is_deleted_with_its_files(eva: Client) -> None:
    template = save(eva, files=[upload("a.pdf")])
    assert eva.post(f"{LIST}{template.pk}/deletion/").headers["Location"] == LIST
    assert not AnswerTemplate.objects.exists()
    assert not AnswerTemplateFile.objects.exists()
    assert Blob.objects.exclude(condemned_at=None).count() == 1


def test_only_administrators_come_in(client: Client, bob: Agent) -> None:
    template = make("Label")
    client.force_login(bob)
    for at in (LIST, NEW, f"{LIST}{template.pk}/"):
        assert client.get(at).status_code == 403
    for at in (f"{LIST}{template.pk}/deletion/", f"{LIST}texts/", f"{LIST}preview/"):
        assert client.post(at).status_code == 403
    assert AnswerTemplate.objects.exists()


def test_pages_have_no_inline_code_and_open_empty_too(eva: Client) -> None:
    assert "No templates yet" in page(eva, LIST)
    for html in (page(eva, NEW), page(eva, f"{LIST}{make('Label').pk}/"), page(eva, f"{NEW}?copy=99999")):
        assert "style=" not in html
        assert "onclick" not in html
    assert eva.get(f"{LIST}999/").status_code == 404


def test_the_limit_is_the_one_that_is_told() -> None:
    assert texts_and_files.LIMIT == 25_000_000


# ---- who administers a queue ----------------------------------------------------------------


def test_who_administers_queues_writes_templates_for_these_and_no_others(
    client: Client, eva: Client, bob: Agent, support: Queue, sales: Queue
) -> None:
    theirs = save(eva, name="Theirs", queues=[sales.pk], files=[upload("secret.pdf")])
    both = save(eva, name="Both", queues=[support.pk, sales.pk])
    everywhere = save(eva, name="Everywhere")
    mine = save(eva, name="Mine", queues=[support.pk])
    client.force_login(bob)
    assert client.get(LIST).status_code == 403
    people.give(support, bob, "administrator")
    listed = client.get(LIST).text
    assert "Mine" in listed
    assert not any(name in listed for name in ("Theirs", "Both", "Everywhere"))
    assert f"{LIST}{mine.pk}/" in client.get(f"/admin/queues/{support.pk}/").text
    for other in (theirs, both, everywhere):
        assert client.get(f"{LIST}{other.pk}/").status_code == 404
        assert client.post(f"{LIST}{other.pk}/deletion/").status_code == 404
    page = client.get(NEW).text
    assert "Sales" not in page
    assert client.post(NEW, facts(queues=[sales.pk])).status_code == 422
    assert client.post(NEW, facts(queues=[])).status_code == 422, "without a queue it would be for all"
    stolen = theirs.files.get().pk
    assert client.get(f"{LIST}files/{stolen}/").status_code == 404
    made = save(client, name="Fresh", queues=[support.pk], kept=[stolen])
    assert (list(made.queues.all()), made.files.count()) == ([support], 0)
    save(client, f"{LIST}{mine.pk}/", name="Mine", queues=[support.pk], html=["<p>Changed</p>"])
    assert texts(mine) == {"": ("", "<p>Changed</p>")}
    assert client.post(f"{LIST}{mine.pk}/deletion/").status_code == 302
    assert "Everywhere" not in client.get(f"{NEW}?copy={everywhere.pk}").text
