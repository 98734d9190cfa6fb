"""Statuses, priorities, types, tags and custom fields: what may be changed, and that nothing tickets use goes away."""

import pytest
from django.utils import timezone

from postvak.models import CustomField, ExternalNumber, Priority, Queue, Status, Tag, Tagging, Ticket, TicketType

NOUNS = ("statuses", "priorities", "ticket-types", "tags", "custom-fields", "exclusions", "external-numbers")


@pytest.fixture
def eva(client, admin):
    """Eva's browser."""
    client.force_login(admin)
    return client


@pytest.fixture
def tickets(support: Queue) -> list[Ticket]:
    now = timezone.now()
    return [
        Ticket.objects.create(
            number=str(number), subject="Lamp", queue=support, status=Status.objects.get(key="open"),
            created_at=now, changed_at=now,
        )
        for number in range(3)
    ]  # fmt: skip


@pytest.mark.parametrize("noun", NOUNS)
def test_only_administrators_come_in(client, bob, noun):
    client.force_login(bob)
    for page in (f"/admin/{noun}/", f"/admin/{noun}/new/", f"/admin/{noun}/1/"):
        assert client.get(page).status_code == 403
    assert client.post(f"/admin/{noun}/1/deletion/").status_code == 403


@pytest.mark.parametrize("noun", NOUNS)
def test_every_list_and_empty_form_opens(eva, noun):
    assert eva.get(f"/admin/{noun}/").status_code == 200
    page = eva.get(f"/admin/{noun}/new/")
    assert page.status_code == 200
    assert "style=" not in page.text
    assert eva.get(f"/admin/{noun}/999/").status_code == 404
    assert eva.get(f"/admin/{noun}/1/deletion/").status_code == 405


# ---- statuses ------------------------------------------------------------


def status_of(key: str) -> Status:
    return Status.objects.get(key=key)


def keys() -> list[str]:
    return list(Status.objects.values_list("key", flat=True))


def post_status(eva, status: Status, **changes: object):
    before = Status.objects.filter(position__lt=status.position).last()
    facts = {"name": status.name, "after": before.pk if before else "", "is_valid": "on", **changes}
    return eva.post(f"/admin/statuses/{status.pk}/", {name: v for name, v in facts.items() if v is not None})


def test_a_new_status_gets_a_key_and_its_place_in_the_order(eva, db):
    facts = {"name": "Bei der Werkstatt", "type": "pending", "after": status_of("internal").pk, "is_valid": "on"}
    assert eva.post("/admin/statuses/new/", facts)["Location"] == "/admin/statuses/"
    assert keys() == ["new", "open", "customer", "internal", "bei-der-werkstatt", "clarify", "closed", "trash"]
    assert (status_of("bei-der-werkstatt").type, status_of("bei-der-werkstatt").is_open) == ("pending", True)


def test_two_statuses_whose_names_make_the_same_key_are_kept_apart(eva, db):
    for name in ("In Arbeit!", "In Arbeit?", "今"):
        assert eva.post("/admin/statuses/new/", {"name": name, "type": "open", "is_valid": "on"}).status_code == 302
    assert {"in-arbeit", "in-arbeit-2", "status"} <= set(keys())


def test_a_status_moves_to_the_beginning_and_stays_put_when_saved_again(eva, db):
    post_status(eva, status_of("clarify"), after="")
    assert keys()[:2] == ["clarify", "new"]
    post_status(eva, status_of("open"))
    assert keys() == ["clarify", "new", "open", "customer", "internal", "closed", "trash"]


def test_the_form_knows_the_place_of_a_status(eva, db):
    page = eva.get(f"/admin/statuses/{status_of('internal').pk}/").text
    assert f'<option value="{status_of("customer").pk}" selected>' in page


def test_a_shipped_status_gets_another_name_and_its_own_one_back(eva, db):
    assert post_status(eva, status_of("clarify"), name="Rückfrage").status_code == 302
    assert "Rückfrage" in eva.get("/admin/statuses/").text
    post_status(eva, status_of("clarify"), name="")
    assert "To clarify" in eva.get("/admin/statuses/").text


@pytest.mark.parametrize("name", ["open", "Waiting for CUSTOMER", "customer"])
def test_two_statuses_never_show_the_same_name(eva, db, name):
    answer = post_status(eva, status_of("clarify"), name=name)
    assert (answer.status_code, "There is already a status" in answer.text) == (422, True)


def test_the_type_of_a_status_stays(eva, db):
    assert post_status(eva, status_of("clarify"), type="closed").status_code == 302
    assert status_of("clarify").type == "open"


@pytest.mark.parametrize("key", ["new", "open", "customer", "closed", "trash"])
def test_a_status_that_postvak_sets_stays_valid(eva, db, key):
    assert post_status(eva, status_of(key), is_valid=None).status_code == 302
    assert status_of(key).is_valid


def test_other_statuses_can_be_made_invalid(eva, db):
    post_status(eva, status_of("internal"), is_valid=None)
    assert not status_of("internal").is_valid


def test_the_list_says_how_many_tickets_have_a_status(eva, tickets):
    row = eva.get("/admin/statuses/").text.split("<code>open</code>")[1].split("</tr>")[0]
    assert ">3</a></td>" in row


def test_a_shipped_status_can_not_be_deleted(eva, db):
    eva.post(f"/admin/statuses/{status_of('clarify').pk}/deletion/")
    assert Status.objects.filter(key="clarify").exists()
    assert "It comes with Postvak" in eva.get("/admin/statuses/").text


def test_a_status_goes_only_when_no_ticket_has_it(eva, tickets):
    own = Status.objects.create(key="own", name="Own", type="open", position=9)
    Ticket.objects.filter(pk=tickets[0].pk).update(status=own)
    assert "1 ticket has it" in eva.get(f"/admin/statuses/{own.pk}/").text
    assert eva.post(f"/admin/statuses/{own.pk}/deletion/")["Location"] == f"/admin/statuses/{own.pk}/"
    assert Status.objects.filter(pk=own.pk).exists()
    Ticket.objects.update(status=status_of("open"))
    assert eva.post(f"/admin/statuses/{own.pk}/deletion/")["Location"] == "/admin/statuses/"
    assert not Status.objects.filter(pk=own.pk).exists()


# ---- priorities and types ------------------------------------------------------------


def test_a_priority_takes_a_free_level_and_needs_a_name(eva, db):
    assert eva.post("/admin/priorities/new/", {"level": 6, "is_valid": "on", "name": ""}).status_code == 422
    assert eva.post("/admin/priorities/new/", {"level": 5, "is_valid": "on", "name": "Fire"}).status_code == 422
    assert eva.post("/admin/priorities/new/", {"level": 10, "is_valid": "on", "name": "Fire"}).status_code == 422
    assert eva.post("/admin/priorities/new/", {"level": 6, "is_valid": "on", "name": "Fire"}).status_code == 302
    assert str(Priority.objects.get(level=6)) == "Fire"


def test_all_levels_taken_means_no_button_for_another(eva, db):
    assert "/admin/priorities/new/" in eva.get("/admin/priorities/").text
    Priority.objects.bulk_create(Priority(level=level, name=f"P{level}") for level in range(6, 10))
    assert "/admin/priorities/new/" not in eva.get("/admin/priorities/").text


def test_a_priority_keeps_its_level_and_level_3_stays_valid(eva, db):
    assert eva.post("/admin/priorities/3/", {"name": "Usual", "level": "8"}).status_code == 302
    assert (str(Priority.objects.get(level=3)), Priority.objects.get(level=3).is_valid) == ("Usual", True)
    assert not Priority.objects.filter(level=8).exists()
    eva.post("/admin/priorities/4/", {"name": ""})
    assert not Priority.objects.get(level=4).is_valid


def test_a_priority_that_tickets_have_stays(eva, tickets):
    Priority.objects.create(level=7, name="Fire")
    Ticket.objects.update(priority=7)
    eva.post("/admin/priorities/7/deletion/")
    assert "3 tickets have it" in eva.get("/admin/priorities/").text
    Ticket.objects.update(priority=3)
    eva.post("/admin/priorities/7/deletion/")
    eva.post("/admin/priorities/2/deletion/")
    assert list(Priority.objects.values_list("level", flat=True)) == [1, 2, 3, 4, 5]


def test_a_type_is_once_whatever_its_letter_case_and_stays_while_used(eva, tickets):
    assert eva.post("/admin/ticket-types/new/", {"name": "Complaint", "is_valid": "on"}).status_code == 302
    again = eva.post("/admin/ticket-types/new/", {"name": "COMPLAINT", "is_valid": "on"})
    assert "There is already a type" in again.text
    complaint = TicketType.objects.get()
    Ticket.objects.update(type=complaint)
    eva.post(f"/admin/ticket-types/{complaint.pk}/deletion/")
    assert TicketType.objects.exists()
    Ticket.objects.update(type=None)
    eva.post(f"/admin/ticket-types/{complaint.pk}/deletion/")
    assert not TicketType.objects.exists()


# ---- tags ------------------------------------------------------------


@pytest.fixture
def urgent(tickets: list[Ticket]) -> Tag:
    """On tickets 0 and 1."""
    tag = Tag.objects.create(name="urgent")
    Tagging.objects.bulk_create(Tagging(ticket=ticket, tag=tag) for ticket in tickets[:2])
    return tag


def test_a_tag_is_renamed_and_coloured(eva, urgent):
    assert eva.post(f"/admin/tags/{urgent.pk}/", {"name": "Urgent", "colour": "brick"}).status_code == 302
    urgent.refresh_from_db()
    assert (urgent.name, urgent.colour, urgent.taggings.count()) == ("Urgent", "brick", 2)


def test_a_tag_is_once_whatever_its_letter_case(eva, urgent):
    answer = eva.post("/admin/tags/new/", {"name": "URGENT", "colour": "sea"})
    assert (answer.status_code, "There is already a tag “urgent”" in answer.text) == (422, True)
    assert "tag_name_once" not in answer.text


def test_merged_tags_are_one_on_every_ticket_and_no_ticket_has_it_twice(eva, urgent, tickets):
    asap = Tag.objects.create(name="asap")
    Tagging.objects.bulk_create(Tagging(ticket=ticket, tag=asap) for ticket in tickets[1:])
    assert eva.post(f"/admin/tags/{urgent.pk}/merge/", {"into": asap.pk})["Location"] == "/admin/tags/"
    assert "“urgent” is now “asap” on 2 tickets." in eva.get("/admin/tags/").text
    assert [list(ticket.tags.all()) for ticket in tickets] == [[asap], [asap], [asap]]
    assert list(Tag.objects.all()) == [asap]


@pytest.mark.parametrize("into", ["", "self", "999", "x"])
def test_a_tag_is_merged_only_into_another_one(eva, urgent, into):
    wanted = str(urgent.pk) if into == "self" else into
    assert eva.post(f"/admin/tags/{urgent.pk}/merge/", {"into": wanted})["Location"] == f"/admin/tags/{urgent.pk}/"
    assert urgent.taggings.count() == 2


def test_deleting_a_tag_says_from_how_many_tickets_it_is_taken(eva, urgent, tickets):
    assert "It is taken from 2 tickets." in eva.get(f"/admin/tags/{urgent.pk}/").text
    eva.post(f"/admin/tags/{urgent.pk}/deletion/")
    assert not Tag.objects.exists()
    assert Ticket.objects.count() == 3


def test_many_tags_come_in_pages_and_are_searched(eva, db):
    Tag.objects.bulk_create(Tag(name=f"tag {number:03}") for number in range(150))
    first = eva.get("/admin/tags/").text
    assert ("tag 099" in first, "tag 100" in first) == (True, False)
    assert "tag 149" in eva.get("/admin/tags/?page=2").text
    found = eva.get("/admin/tags/?q=TAG+14").text
    assert ("tag 149" in found, "tag 099" in found) == (True, False)
    assert "Nothing in this list has “&lt;b&gt;” in it." in eva.get("/admin/tags/?q=<b>").text


# ---- custom fields ------------------------------------------------------------


def field_facts(**changes: object) -> dict[str, object]:
    return {
        "label": "Order",
        "key": "order",
        "holder": "ticket",
        "kind": "text",
        "options": "",
        "is_valid": "on",
        **changes,
    }


def test_a_choice_has_each_of_its_values_once(eva, db):
    facts = field_facts(kind="choice", options=" red \n\nblue\nred\n")
    assert eva.post("/admin/custom-fields/new/", facts).status_code == 302
    assert CustomField.objects.get().option_list == ["red", "blue"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "choices", "options": " \n"}, "Enter at least one value"),
        ({"key": "2nd"}, "Letters, digits and _ only"),
        ({"key": "SIZE"}, "There is already a field with the key SIZE"),
        ({"label": ""}, "This field is required"),
    ],
)
def test_a_field_that_makes_no_sense_is_refused_with_a_sentence(eva, db, changes, said):
    CustomField.objects.create(key="size", label="Size")
    answer = eva.post("/admin/custom-fields/new/", field_facts(**changes))
    assert (answer.status_code, said in answer.text) == (422, True)
    assert CustomField.objects.count() == 1


def test_key_and_kind_stay_once_a_ticket_has_a_value(eva, tickets):
    order = CustomField.objects.create(key="order", label="Order")
    page = f"/admin/custom-fields/{order.pk}/"
    assert eva.post(page, field_facts(key="orders", kind="number")).status_code == 302
    Ticket.objects.filter(pk=tickets[0].pk).update(fields={"orders": ["4711"]})
    assert eva.post(page, field_facts(key="other", kind="date", label="Order no.")).status_code == 302
    order.refresh_from_db()
    assert (order.key, order.kind, order.label) == ("orders", "number", "Order no.")
    eva.post(f"{page}deletion/")
    assert "There are values in it" in eva.get(page).text
    assert CustomField.objects.exists()


def test_fields_stand_in_the_order_that_is_chosen(eva, db):
    for label in ("A", "B"):
        last = CustomField.objects.last()
        eva.post("/admin/custom-fields/new/", field_facts(label=label, key=label, after=last.pk if last else ""))
    eva.post("/admin/custom-fields/new/", field_facts(label="C", key="C", after=""))
    assert list(CustomField.objects.values_list("label", flat=True)) == ["C", "A", "B"]


def test_a_field_that_keeps_external_numbers_stays_a_text_and_stays(eva, db):
    order = CustomField.objects.create(key="order", label="Order")
    ExternalNumber.objects.create(name="Supplier", sender=".", number="(1)", field=order)
    answer = eva.post(f"/admin/custom-fields/{order.pk}/", field_facts(kind="number"))
    assert "so it has to stay a text" in answer.text
    eva.post(f"/admin/custom-fields/{order.pk}/deletion/")
    assert "The external number “Supplier” keeps its numbers in it" in eva.get("/admin/custom-fields/").text
    assert CustomField.objects.exists()
