"""The administration of filters: the list, the editor by plain forms and by htmx, its test bench, history and undo."""

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from postvak.conditions.condition import Condition
from postvak.conditions.operators import OPERATORS
from postvak.models import CustomField, Filter, FilterVersion, Queue, Receipt, Ticket
from postvak.process.filters.actions import ACTIONS
from postvak.process.filters.draft import Action, Draft
from postvak.process.filters.fields import FIELDS
from postvak.process.filters.store import draft_of, save_filter
from postvak.web.admin.condition_kit import NEGATED
from postvak.web.admin.filters_bench import take_turn
from postvak.web.admin.filters_choices import ACTION_GROUPS, FIELD_GROUPS
from tests.mails import mail
from tests.process.test_pipeline import receive

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
INVOICES = Draft(
    "10 Invoices", (Condition("subject", "contains", "invoice"),), (Action("queue", "Sales"),), comment="money"
)


@pytest.fixture
def eva(client, admin):
    """Eva's browser."""
    client.force_login(admin)
    return client


@pytest.fixture
def invoices(sales: Queue) -> Filter:
    return save_filter(INVOICES, by=None)


def form(**changes: object) -> dict[str, object]:
    """What the editor sends: one condition, one action. `__` stands for `-`; None leaves a control out."""
    facts: dict[str, object] = {
        "name": "20 Bills",
        "scope": "all",
        "match": "all",
        "valid": "on",
        "c0-field": "subject",
        "c0-operator": "contains",
        "c0-value": "bill",
        "a0-set": "queue",
        "a0-value": "Sales",
        "a0-on": "",
    }
    facts |= {name.replace("__", "-"): value for name, value in changes.items()}
    return {name: value for name, value in facts.items() if value is not None}


def page(answer) -> str:
    """Its words, blanks made one."""
    return " ".join(answer.text.split())


def row_of(text: str, row: str) -> str:
    """The HTML of one row of the editor."""
    found = re.search(rf'<div class="rule" id="{row}".*?\n</div>', text, re.DOTALL)
    assert found, text
    return found.group()


def chosen(text: str, name: str) -> str:
    select = re.search(rf'<select[^>]*name="{name}".*?</select>', text, re.DOTALL)
    assert select, text
    return re.search(r'value="([^"]*)" selected', select.group()).group(1)


# ---- the list ------------------------------------------------------------


def test_without_filters_the_list_offers_examples_that_can_be_saved_as_they_are(eva, support):
    text = eva.get("/admin/filters/").text
    links = re.findall(r"/admin/filters/new/\?example=\w+", text)
    assert len(links) == 3
    for link in links:
        sent = {}
        opened = eva.get(link)
        html = opened.text
        sent["name"] = re.search(r'id="name" name="name" value="([^"]+)"', html).group(1)
        for row in ("c0", "a0", "a1"):
            if f'id="{row}"' in html:
                inner = row_of(html, row)
                for name in re.findall(r'<select[^>]*name="([^"]+)"', inner):
                    sent[name] = chosen(inner, name)
                for name, value in re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', inner):
                    sent[name] = value
        assert (
            eva.post("/admin/filters/new/", {**sent, "scope": "all", "match": "all", "valid": "on"}).status_code == 302
        )
    assert Filter.objects.count() == 3


def test_the_list_says_in_words_what_filters_do_in_the_order_in_which_they_run(eva, invoices, sales):
    save_filter(Draft("9 first", (Condition("follow_up", "is", "yes"),), (Action("keep_status"),), stop=True), by=None)
    Filter.objects.filter(pk=invoices.pk).update(hits=1312, last_hit_at=timezone.now() - timedelta(minutes=5))
    text = page(eva.get("/admin/filters/"))
    assert text.index("9 first") < text.index("10 Invoices")
    for said in ("Belongs to a ticket: yes", "Leave the status as it is", "stops", "Subject contains “invoice”"):
        assert said in text
    for said in ("Put into the queue: Sales", "1,312", "5 min", "money"):
        assert said in text


def test_the_list_warns_of_names_that_are_gone_and_of_filters_that_never_fire(eva, invoices, sales):
    save_filter(Draft("05 all", INVOICES.conditions, (), stop=True), by=None)
    Queue.objects.filter(pk=sales.pk).update(name="Verkoop")
    text = page(eva.get("/admin/filters/"))
    assert "There is no valid queue “Sales”." in text
    assert "It can never fire: “05 all” runs before it, fires for the same mails, and stops." in text


def test_a_long_list_can_be_searched_also_by_what_filters_do(eva, sales):
    for number in range(21):
        save_filter(
            Draft(f"{number} x", (Condition("subject", "contains", f"word{number}."),), (Action("spam"),)), by=None
        )
    assert 'type="search"' in eva.get("/admin/filters/").text
    found = eva.get("/admin/filters/", {"q": "WORD7."}).text
    assert ("7 x" in found, "8 x" in found) == (True, False)
    assert "Nothing in this list" in eva.get("/admin/filters/", {"q": "nowhere"}).text


def test_a_switch_in_the_list_turns_a_filter_off_and_on_and_can_be_undone(eva, invoices):
    eva.post(f"/admin/filters/{invoices.pk}/validity/", {"valid": "no"})
    assert Filter.objects.get().is_valid is False
    undo = re.search(r"/admin/filters/versions/\d+/undo/", eva.get("/admin/filters/").text)
    eva.post(undo.group())
    assert Filter.objects.get().is_valid is True


def test_a_filter_that_nobody_can_read_is_listed_and_can_be_deleted(eva, invoices):
    Filter.objects.update(conditions=[{"strange": 1}])
    assert "can&#39;t be read" in eva.get("/admin/filters/").text
    assert eva.get(f"/admin/filters/{invoices.pk}/").status_code == 200
    assert eva.post(f"/admin/filters/{invoices.pk}/", form()).status_code == 422
    eva.post(f"/admin/filters/{invoices.pk}/validity/", {"valid": "no"})
    eva.post(f"/admin/filters/{invoices.pk}/deletion/")
    assert not Filter.objects.exists()


# ---- the editor ------------------------------------------------------------


def test_a_filter_is_made(eva, sales, mailbox, admin):
    sent = form(
        scope="some",
        mailboxes=[mailbox.name],
        match="any",
        stop="on",
        comment=" why ",
        c1__field="header:",
        c1__header=" List-Id ",
        c1__operator="not:empty",
        a1__set="note",
        a1__value="line 1\r\nline 2",
        a1__on="both",
    )
    assert eva.post("/admin/filters/new/", sent).status_code == 302
    row = Filter.objects.get()
    assert draft_of(row) == Draft(
        name="20 Bills",
        conditions=(Condition("subject", "contains", "bill"), Condition("header:List-Id", "empty", "", True)),
        actions=(Action("queue", "Sales"), Action("note", "line 1\nline 2", "both")),
        comment="why",
        mailboxes=(mailbox.name,),
        match="any",
        stop=True,
    )
    assert row.changed_by == admin


def test_what_was_saved_is_shown_and_saving_it_again_changes_nothing(eva, invoices):
    Filter.objects.update(hits=3, last_hit_at=timezone.now() - timedelta(minutes=5))
    shown = eva.get(f"/admin/filters/{invoices.pk}/").text
    assert re.search(r"3 hits, the last one <time [^>]*>5 min ago</time>\.", shown)
    assert (chosen(shown, "c0-operator"), chosen(shown, "a0-value")) == ("contains", "Sales")
    seen = re.search(r'name="seen" value="([^"]+)"', shown).group(1)
    sent = form(name="10 Invoices", c0__value="invoice", comment="money", seen=seen)
    assert eva.post(f"/admin/filters/{invoices.pk}/", sent).status_code == 302
    assert FilterVersion.objects.count() == 1
    assert "/undo/" not in eva.get("/admin/filters/").text


@pytest.mark.parametrize(
    ("changes", "row", "said"),
    [
        ({"name": ""}, "", "Give the filter a name"),
        ({"name": "10 Invoices"}, "", "Another filter has this name."),
        ({"c0__value": ""}, "c0", "Give a value."),
        ({"c0__operator": "matches", "c0__value": "a(?=b)"}, "c0", "looking ahead or behind"),
        ({"c0__operator": "matches", "c0__value": "(a"}, "c0", "missing )"),
        ({"c0__field": "size"}, "c0", "can&#39;t be compared by"),
        ({"c0__field": "header:", "c0__header": ""}, "c0", "There is no field"),
        ({"c0__field": "", "c0__operator": ""}, "c0", "There is no field"),
        ({"a0__value": "Nowhere"}, "a0", "There is no valid queue “Nowhere”."),
        ({"a0__value": ""}, "a0", "Give a value."),
        ({"a0__set": "pending", "a0__value": "soon"}, "a0", "is no time"),
        ({"a0__set": "field:gone", "a0__value": "x"}, "a0", "There is no valid custom field"),
        ({"scope": "some"}, "", "Choose at least one mailbox"),
        ({"c0__field": None}, "", "Give at least one condition"),
        ({"a0__set": None}, "", "Say what the filter does"),
    ],
)
def test_what_is_wrong_is_said_beside_its_row_and_what_was_typed_stays(eva, invoices, changes, row, said):
    answer = eva.post("/admin/filters/new/", form(**changes))
    assert answer.status_code == 422
    assert said in page(answer)
    if row:
        assert said in " ".join(row_of(answer.text, row).split())
        assert "data-bad" in row_of(answer.text, row)
    for name, value in changes.items():
        assert not value or value in answer.text, name
    assert Filter.objects.count() == 1


def test_what_somebody_else_changed_meanwhile_is_not_overwritten_unseen(eva, invoices, admin):
    seen = re.search(r'name="seen" value="([^"]+)"', eva.get(f"/admin/filters/{invoices.pk}/").text).group(1)
    save_filter(Draft("10 Invoices", INVOICES.conditions, (Action("spam"),)), by=admin, row=invoices)
    answer = eva.post(f"/admin/filters/{invoices.pk}/", form(seen=seen))
    assert (answer.status_code, "Eva Admin changed this filter meanwhile" in answer.text) == (422, True)
    seen = re.search(r'name="seen" value="([^"]+)"', answer.text).group(1)
    assert eva.post(f"/admin/filters/{invoices.pk}/", form(seen=seen)).status_code == 302


def test_rows_come_and_go_by_plain_buttons_and_nothing_that_was_typed_is_lost(eva, invoices):
    sent = form(c1__field="body", c1__operator="not:contains", c1__value="<b>", comment="kept")
    answer = eva.post("/admin/filters/new/", {**sent, "add": "condition"})
    assert answer.status_code == 200
    assert 'id="c2"' in answer.text
    assert "&lt;b&gt;" in row_of(answer.text, "c1")
    assert chosen(row_of(answer.text, "c1"), "c1-operator") == "not:contains"
    answer = eva.post("/admin/filters/new/", {**sent, "remove": "c0"})
    assert 'id="c0"' not in answer.text
    assert "&lt;b&gt;" in row_of(answer.text, "c1")
    answer = eva.post("/admin/filters/new/", {**sent, "add": "action"})
    assert 'id="a1"' in answer.text
    assert ">kept<" in answer.text
    assert Filter.objects.count() == 1


def test_enter_in_a_field_saves_and_does_not_remove_a_row(eva, invoices):
    text = eva.get(f"/admin/filters/{invoices.pk}/").text
    form_html = text[text.index('id="filter-form"') :]
    first = re.search(r"<button[^>]*>", form_html).group()
    assert "name=" not in first
    assert "hx-post" not in first


def test_another_field_brings_its_own_comparisons_and_input(eva, sales):
    """(field, the operator before) -> (the operator after, a sign of its input)"""
    for field, sign in {
        "weekday": "Monday",
        "follow_up": '<option value="yes" selected>yes',
        "size": 'placeholder="5 MB"',
        "time": 'type="time"',
        "ticket_queue": '<option value="Sales"',
        "ticket_status": "waiting for customer",
        "language": "German",
        "header:": 'name="c0-header"',
    }.items():
        answer = eva.post("/admin/filters/rows/", form(c0__field=field, row="c0"), headers=HTMX)
        assert answer.status_code == 200
        assert sign in answer.text, field
        assert "<html" not in answer.text


def test_a_row_for_htmx_is_only_that_row_as_it_stands_in_the_form(eva, sales):
    sent = form(c7__field="body", c7__operator="contains", c7__value="typed")
    again = eva.post("/admin/filters/rows/", {**sent, "row": "c7"}, headers=HTMX).text
    assert ('id="c7"' in again, 'id="c0"' in again, "typed" in again) == (True, False, True)
    new = eva.post("/admin/filters/rows/", {**sent, "add": "condition"}, headers=HTMX).text
    assert ('id="c8"' in new, "autofocus" in new) == (True, True)
    assert 'id="a1"' in eva.post("/admin/filters/rows/", {**sent, "add": "action"}, headers=HTMX).text
    assert eva.post("/admin/filters/rows/", {**sent, "row": "c99"}, headers=HTMX).status_code == 204


def test_another_action_applies_where_it_usually_does_and_forgets_the_old_value(eva, sales):
    sent = form(a0__was="queue", a0__set="note", row="a0")
    row = eva.post("/admin/filters/rows/", sent, headers=HTMX).text
    assert ('value="" selected>on both' in row, "Sales" in row) == (True, False)
    row = eva.post("/admin/filters/rows/", {**sent, "a0-set": "ignore"}, headers=HTMX).text
    assert "on follow-ups" not in row
    row = eva.post("/admin/filters/rows/", form(a0__was="queue", a0__value="[***]", row="a0"), headers=HTMX).text
    assert re.search(r'<input[^>]*name="a0-value"[^>]*value="\[\*\*\*\]"', row)


def test_expressions_are_offered_to_experts_only_but_never_taken_from_a_filter_that_has_one(eva, sales):
    offered = '<option value="matches"'
    assert offered not in eva.get("/admin/filters/new/").text
    assert offered in eva.post("/admin/filters/new/", form(advanced="1", refresh="1")).text
    row = save_filter(Draft("x", (Condition("subject", "matches", "a.c"),), (Action("spam"),)), by=None)
    assert '<option value="matches" selected' in eva.get(f"/admin/filters/{row.pk}/").text


def test_a_value_that_is_gone_stays_and_says_so(eva, invoices, sales):
    Queue.objects.filter(pk=sales.pk).update(is_valid=False)
    text = eva.get(f"/admin/filters/{invoices.pk}/").text
    assert chosen(text, "a0-value") == "Sales"
    assert "Sales (not there any more)" in text


def test_several_ticked_words_are_one_condition(eva, sales):
    sent = form(c0__field="weekday", c0__operator="one_of", c0__value=["saturday", "sunday"])
    eva.post("/admin/filters/new/", sent)
    row = Filter.objects.get()
    assert draft_of(row).conditions[0].value == "saturday, sunday"
    assert eva.get(f"/admin/filters/{row.pk}/").text.count("checked><span>S") == 2


def test_custom_fields_are_filled_by_their_label(eva, sales):
    CustomField.objects.create(key="colour", label="Colour of the lamp", kind="choice", options="red\nblue")
    row = eva.post("/admin/filters/rows/", form(a0__was="queue", a0__set="field:colour", row="a0"), headers=HTMX).text
    assert ("Fill “Colour of the lamp”" in row, '<option value="blue"' in row) == (True, True)
    eva.post("/admin/filters/new/", form(a0__set="field:colour", a0__value="blue"))
    assert "Fill “Colour of the lamp”: blue" in eva.get("/admin/filters/").text


def test_everything_that_filters_know_can_be_chosen():
    assert {key for _label, keys in FIELD_GROUPS for key in keys} == set(FIELDS)
    assert {key for _label, keys in ACTION_GROUPS for key in keys} == set(ACTIONS)
    assert set(NEGATED) == set(OPERATORS)


def test_a_duplicate_is_a_new_filter_that_is_not_saved_yet(eva, invoices):
    text = eva.get("/admin/filters/new/", {"copy": invoices.pk}).text
    assert "10 Invoices (copy)" in text
    assert chosen(text, "a0-value") == "Sales"
    assert Filter.objects.count() == 1
    assert eva.get("/admin/filters/new/", {"copy": "x"}).status_code == 200


def test_a_filter_is_deleted_and_brought_back(eva, invoices, admin):
    eva.post(f"/admin/filters/{invoices.pk}/deletion/")
    assert not Filter.objects.exists()
    version = FilterVersion.objects.first()
    assert version.agent == admin
    eva.post(f"/admin/filters/versions/{version.pk}/undo/")
    assert draft_of(Filter.objects.get()) == INVOICES


# ---- history ------------------------------------------------------------


def test_the_history_says_who_changed_what_and_undoes_it(eva, invoices, admin):
    seen = invoices.changed_at.isoformat()
    sent = form(name="11 Invoices", stop="on", a1__set="priority", a1__value="4", a1__on="new", seen=seen)
    eva.post(f"/admin/filters/{invoices.pk}/", sent)
    text = page(eva.get(f"/admin/filters/{invoices.pk}/history/"))
    for said in (
        "Eva Admin",
        "Renamed from “10 Invoices” to “11 Invoices”",
        "Stops the filters after it",
        "Taken out: Subject contains “invoice”",
        "Added: Subject contains “bill”",
        "Added: Set the priority: high",
        "Comment: –",
    ):
        assert said in text
    version = FilterVersion.objects.first()
    eva.post(f"/admin/filters/versions/{version.pk}/undo/")
    assert draft_of(Filter.objects.get()) == INVOICES
    assert "“10 Invoices” is again what it was." in eva.get("/admin/filters/history/").text


def test_an_undo_that_is_not_possible_any_more_says_why(eva, invoices, sales):
    eva.post(f"/admin/filters/{invoices.pk}/deletion/")
    deleted = FilterVersion.objects.first()
    save_filter(INVOICES, by=None)
    eva.post(f"/admin/filters/versions/{deleted.pk}/undo/")
    assert "Another filter is called “10 Invoices” now." in eva.get("/admin/filters/").text
    assert Filter.objects.count() == 1


# ---- the test bench ------------------------------------------------------------


def test_the_bench_shows_what_the_form_would_change_and_writes_nothing(eva, invoices, mailbox, support):
    (receipt, _other) = receive(mailbox, mail(subject="The bill"), mail(message_id="m2@x.example", subject="Lamp"))
    text = page(eva.post("/admin/filters/bench/", form(), headers=HTMX))
    for said in ("The bill", "<del>Support</del>", "<ins>Sales</ins>", "The last 2 mails", f"/receipts/{receipt.pk}/"):
        assert said in text
    assert "Lamp" not in text
    assert "Runs last, after “10 Invoices”." in text
    assert Filter.objects.count() == 1
    changed = page(eva.post(f"/admin/filters/{invoices.pk}/bench/", form(name="10 Invoices"), headers=HTMX))
    assert "It is the only filter." in changed


def test_the_bench_names_what_is_just_missed_and_what_was_moved_by_hand(eva, sales, mailbox, support):
    receive(mailbox, mail(subject="The bill"), mail(message_id="m2@x.example", subject="bill 2", text="please"))
    Ticket.objects.filter(subject="bill 2").update(queue=Queue.objects.get(is_default=True))
    sent = form(c1__field="body", c1__operator="contains", c1__value="please")
    text = page(eva.post("/admin/filters/bench/", sent, headers=HTMX))
    assert "1 mail is just missed" in text
    assert "Text contains “please”" in text
    assert "Its ticket is in “Inbox” today." in text


def test_the_bench_leaves_out_what_is_not_complete_yet(eva, sales, mailbox, support):
    receive(mailbox, mail(subject="The bill"))
    sent = form(c1__field="body", c1__operator="contains", c1__value="")
    text = page(eva.post("/admin/filters/bench/", sent, headers=HTMX))
    assert "1 row is not complete or not right yet and was left out." in text
    assert "The bill" in text
    assert "Complete a condition" in eva.post("/admin/filters/bench/", form(c0__value=""), headers=HTMX).text


def test_a_newer_question_to_the_bench_takes_the_place_of_an_older_one_of_the_same_agent(admin, bob):
    first, other = take_turn(admin), take_turn(bob)
    assert (first(), other()) == (True, True)
    second = take_turn(admin)
    assert (first(), second(), other()) == (False, True, True)


def test_the_bench_without_mails_or_javascript(eva, sales, mailbox, support):
    assert "No mail has come in yet" in eva.post("/admin/filters/bench/", form(), headers=HTMX).text
    receive(mailbox, mail(subject="The bill"))
    whole = eva.post("/admin/filters/new/", form() | {"try": "1"})
    assert ("<html" in whole.text, "The bill" in whole.text) == (True, True)


def test_a_mail_is_pasted_or_uploaded(eva, sales, mailbox, support):
    raw = mail(subject="The bill <b>").decode()
    text = page(eva.post("/admin/filters/trial/", form(mail=raw, as_of=mailbox.pk), headers=HTMX))
    for said in ("The filter fires", "The bill &lt;b&gt;", "Subject contains “bill”", "Filter “20 Bills” fires"):
        assert said in text
    file = SimpleUploadedFile("x.eml", mail(subject="Lamp"))
    text = page(eva.post("/admin/filters/trial/", form(file=file), headers=HTMX))
    assert ("The filter does not fire" in text, "not true" in text) == (True, True)
    assert not Receipt.objects.exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"mail": " "}, "Paste a mail with its header lines"), ({"mail": "x", "c0__value": ""}, "complete condition")],
)
def test_a_trial_without_a_mail_or_a_condition_says_what_is_missing(eva, sales, changes, said):
    assert said in eva.post("/admin/filters/trial/", form(**changes), headers=HTMX).text


def test_without_javascript_a_mail_is_tried_with_the_draft_of_the_page(eva, invoices, mailbox, support):
    text = eva.get(f"/admin/filters/{invoices.pk}/").text
    kept = re.search(r'name="draft" value="([^"]*)"', text).group(1)
    draft = kept.replace("&#34;", '"').replace("&quot;", '"')
    answer = eva.post(
        f"/admin/filters/{invoices.pk}/trial/", {"draft": draft, "mail": mail(subject="invoice").decode()}
    )
    assert ("<html" in answer.text, "The filter fires" in answer.text) == (True, True)


# ---- the way of a mail ------------------------------------------------------------


def test_the_trace_of_a_mail_leads_administrators_to_the_filter(eva, client, bob, invoices, mailbox, support, sales):
    sales.members.add(bob)
    (receipt,) = receive(mailbox, mail(subject="Invoice 1"))
    link = f'<a href="/admin/filters/{invoices.pk}/">Filter “10 Invoices” fires</a>'
    assert link in eva.get(f"/receipts/{receipt.pk}/").text
    Filter.objects.update(name="renamed")
    assert link not in eva.get(f"/receipts/{receipt.pk}/").text
    Filter.objects.update(name="10 Invoices")
    client.force_login(bob)
    text = client.get(f"/receipts/{receipt.pk}/").text
    assert ("Filter “10 Invoices” fires" in text, link in text) == (True, False)


# ---- rights ------------------------------------------------------------


def test_agents_who_are_no_administrators_come_nowhere_here(client: Client, bob, invoices, mailbox):
    client.force_login(bob)
    pk, version = invoices.pk, FilterVersion.objects.get().pk
    for url in ("", "new/", f"{pk}/", "history/", f"{pk}/history/"):
        assert client.get(f"/admin/filters/{url}").status_code == 403
    posted = ("new/", f"{pk}/", "rows/", "bench/", f"{pk}/bench/", "trial/", f"{pk}/trial/", f"{pk}/validity/")
    for url in (*posted, f"{pk}/deletion/", f"versions/{version}/undo/"):
        assert client.post(f"/admin/filters/{url}", form()).status_code == 403
    assert draft_of(Filter.objects.get()) == INVOICES


def test_what_changes_something_needs_a_post(eva, invoices):
    for url in (
        f"{invoices.pk}/validity/",
        f"{invoices.pk}/deletion/",
        "versions/1/undo/",
        "rows/",
        "bench/",
        "trial/",
    ):
        assert eva.get(f"/admin/filters/{url}").status_code == 405


# ---- a mail of one's own, with all of today's rules ----------------------------------------------------------------


def test_a_pasted_or_uploaded_mail_is_explained_with_all_rules_and_nothing_is_written(
    eva: Client, invoices: Filter, mailbox
) -> None:
    url = "/admin/filters/mail-trial/"
    assert url in eva.get("/admin/filters/").text
    assert eva.get(url).status_code == 200
    raw = mail(subject="Your invoice <b>7</b>")
    pasted = eva.post(url, {"mail": raw.decode(), "as_of": mailbox.pk}).text
    assert "10 Invoices" in pasted
    assert "Sales" in pasted
    assert "&lt;b&gt;7" in pasted, "what was pasted stays"
    assert "10 Invoices" in eva.post(url, {"file": SimpleUploadedFile("a.eml", raw), "as_of": mailbox.pk}).text
    assert "Paste a mail with its header lines" in eva.post(url, {"mail": " "}).text
    assert not Receipt.objects.exists()
    assert not Ticket.objects.exists()
