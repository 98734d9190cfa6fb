"""Links between tickets, and to records elsewhere."""

import pytest

from postvak.models import Agent, Ticket, TicketLink
from postvak.tickets.links import CannotLink, link, link_record, unlink, unlink_record
from postvak.tickets.merge import merge
from tests.tickets.conftest import Receive

pytestmark = pytest.mark.django_db
Kind = TicketLink.Kind


@pytest.fixture
def three(receive: Receive) -> list[Ticket]:
    return [receive(subject=subject, sender=f"{subject}@customer.example") for subject in ("house", "kitchen", "lamp")]


def codes(ticket: Ticket) -> list[tuple[str, str]]:
    lines = ticket.history.exclude(code="new_ticket").values_list("code", "parameters")
    return [(code, str(parameters.get("ticket", ""))) for code, parameters in lines]


def test_a_link_is_noted_on_both_tickets_and_taken_off_again(three: list[Ticket], bob: Agent) -> None:
    house, kitchen, _lamp = three
    link(house, kitchen, Kind.RELATED, by=bob)
    assert codes(house) == [("linked", kitchen.number)]
    assert codes(kitchen) == [("linked", house.number)]
    gone = unlink(kitchen, house, by=bob)  # from either side
    assert (gone.ticket, gone.origin, gone.kind) == (house, kitchen, Kind.RELATED)
    assert not TicketLink.objects.exists()
    assert codes(house)[-1] == ("unlinked", kitchen.number)


def test_a_part_says_what_it_is_a_part_of(three: list[Ticket], bob: Agent) -> None:
    house, kitchen, _lamp = three
    link(kitchen, house, Kind.PART, by=bob)
    assert codes(kitchen) == [("part_of", house.number)]
    assert codes(house) == [("has_part", kitchen.number)]


def test_a_ticket_never_contains_what_contains_it(three: list[Ticket], bob: Agent) -> None:
    house, kitchen, lamp = three
    link(lamp, kitchen, Kind.PART, by=bob)
    link(kitchen, house, Kind.PART, by=bob)
    with pytest.raises(CannotLink, match="can't contain"):
        link(house, lamp, Kind.PART, by=bob)
    link(house, lamp, Kind.RELATED, by=bob)  # to have to do with each other is no circle


def test_a_ring_that_is_there_already_doesnt_hang_the_check(three: list[Ticket], bob: Agent) -> None:
    house, kitchen, lamp = three
    for part, whole in ((house, kitchen), (kitchen, house)):
        TicketLink.objects.create(ticket=part, origin=whole, kind=Kind.PART)
    link(house, lamp, Kind.PART, by=bob)


def test_two_tickets_are_linked_once_whichever_way_round(three: list[Ticket], bob: Agent) -> None:
    house, kitchen, _lamp = three
    link(house, kitchen, Kind.RELATED, by=bob)
    for pair in ((house, kitchen), (kitchen, house)):
        with pytest.raises(CannotLink, match="linked already"):
            link(*pair, Kind.PART, by=bob)


@pytest.mark.parametrize("kind", ["merged", "", "sibling"])
def test_only_kinds_that_a_person_may_say_are_taken(three: list[Ticket], bob: Agent, kind: str) -> None:
    with pytest.raises(CannotLink):
        link(three[0], three[1], kind, by=bob)


def test_a_ticket_isnt_linked_with_itself(three: list[Ticket], bob: Agent) -> None:
    with pytest.raises(CannotLink, match="itself"):
        link(three[0], three[0], Kind.RELATED, by=bob)


def test_the_link_of_a_merge_stays_until_the_merge_is_undone(three: list[Ticket], bob: Agent) -> None:
    house, kitchen, _lamp = three
    merge(kitchen, house, by=bob)
    with pytest.raises(CannotLink, match="undoing"):
        unlink(house, kitchen, by=bob)


def test_a_record_elsewhere_is_called_by_its_title_or_its_address(three: list[Ticket], bob: Agent) -> None:
    invoice = link_record(three[0], " https://erp.example/invoices/7 ", " Invoice   7 ", by=bob)
    assert (invoice.url, invoice.title, invoice.agent) == ("https://erp.example/invoices/7", "Invoice 7", bob)
    assert link_record(three[0], "http://shop.example/o/9", "", by=bob).title == "shop.example/o/9"
    unlink_record(invoice, by=bob)
    assert [code for code, _ticket in codes(three[0])] == ["record_linked", "record_linked", "record_unlinked"]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://files.example/a",
        "//files.example/a",
        "invoice 7",
        "",
        "https://bank.example@evil.example/",
        "https://bob:secret@erp.example/",
        "https://x.example/\x00",
        f"https://x.example/{'a' * 2000}",
    ],
)
def test_only_plain_web_addresses_are_linked(three: list[Ticket], bob: Agent, url: str) -> None:
    with pytest.raises(CannotLink):
        link_record(three[0], url, "x", by=bob)
    assert not three[0].external_links.exists()


def test_the_same_record_is_linked_once(three: list[Ticket], bob: Agent) -> None:
    link_record(three[0], "https://erp.example/7", "", by=bob)
    with pytest.raises(CannotLink, match="already"):
        link_record(three[0], "https://erp.example/7", "Again", by=bob)
