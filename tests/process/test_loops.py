"""Which mails count as a machine's: the loop table of OTOBO with our additions, and what follows from it."""

import pytest

from postvak.models import AutomaticMail, Mailbox, Queue, Status, Ticket
from tests.mails import mail
from tests.process.arrivals import make_filter, receive

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_confirmation")]

LOOPS = [
    ({}, "personal"),
    ({"precedence": "bulk"}, "bulk"),
    ({"precedence": "list"}, "bulk"),
    ({"precedence": "junk"}, "bulk"),
    ({"precedence": "auto_reply"}, "auto_reply"),
    ({"precedence": "first-class"}, "personal"),  # OTOBO: any value is a loop
    ({"mailing_list": "contact lamps"}, "bulk"),
    ({"list_id": "<lamps.example>"}, "bulk"),  # OTOBO: none
    ({"x_loop": "ann@customer.example"}, "auto_reply"),
    ({"x_loop": "yes"}, "auto_reply"),
    ({"x_otobo_loop": "yes"}, "auto_reply"),
    ({"x_otrs_loop": "true"}, "auto_reply"),
    ({"x_znuny_loop": "1"}, "auto_reply"),
    ({"x_postvak_loop": "yes"}, "auto_reply"),
    ({"x_otobo_loop": "no"}, "personal"),
    ({"x_postvak_loop": "no"}, "personal"),
    ({"x_postvak_loop": "support@example.org"}, "loop"),
    ({"auto_submitted": "auto-generated"}, "auto_reply"),
    ({"auto_submitted": "auto-replied (vacation)"}, "auto_reply"),
    ({"auto_submitted": "no"}, "personal"),
    ({"return_path": "<>"}, "auto_reply"),
]


@pytest.mark.parametrize(("headers", "kind"), LOOPS)
def test_signs_of_a_machine(mailbox: Mailbox, support: Queue, headers: dict[str, str], kind: str) -> None:
    (receipt,) = receive(mailbox, mail(**headers))
    assert receipt.message is not None
    assert receipt.message.mail_kind == kind


@pytest.mark.parametrize(("headers", "kind"), LOOPS)
def test_only_what_a_person_wrote_reopens_and_waits(
    mailbox: Mailbox, support: Queue, headers: dict[str, str], kind: str
) -> None:
    receive(mailbox, mail())
    Ticket.objects.update(status=Status.objects.get(key="closed"), is_open=False, waiting_since=None)
    receive(mailbox, mail(message_id="m2@x.example", in_reply_to="<m1@customer.example>", text="Now?", **headers))
    ticket = Ticket.objects.get()
    by_person = kind in {"personal", "bulk"}
    assert (ticket.status.key, ticket.waiting_since is not None) == (("open", True) if by_person else ("closed", False))


def test_our_own_mail_by_another_address_is_not_forwarded_again(mailbox: Mailbox, support: Queue) -> None:
    make_filter("10", ("forward", "boss@elsewhere.example"), ("forward", "Support+x@example.org"))
    receive(mailbox, mail(x_postvak_loop="support@example.org"))
    assert not AutomaticMail.objects.exists()
    receive(mailbox, mail(message_id="m2@x.example"))
    assert AutomaticMail.objects.get().recipients == ["boss@elsewhere.example"]
