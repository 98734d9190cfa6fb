"""Who sent a mail, on its way through the pipeline: name servers are asked, what came out stands in trace and message, and queues
have their own rules about it."""

from typing import Any

import pytest

from postvak.models import (
    Agent,
    Mailbox,
    Message,
    Options,
    Organisation,
    OrganisationDomain,
    Queue,
    Receipt,
    Ticket,
)
from postvak.process import senders
from postvak.process.again import think_again
from postvak.process.held import release
from postvak.process.run import process_due
from tests.mails import mail
from tests.process.arrivals import codes, condition, make_filter, receive, said
from tests.trust.letters import names, published, sign

pytestmark = pytest.mark.django_db
POLICY = {"_dmarc.customer.example": "v=DMARC1; p=reject"}
OWN = "Support <support@example.org>"
DIRECT = {"envelope_from": "ann@customer.example", "remote_ip": "8.8.8.8", "helo": "mx.customer.example"}


class Known:
    """In place of the name servers; `asked` are the names."""

    def __init__(self, records: dict[str, Any]) -> None:
        self.answers, self.asked = names(records), list[str]()

    def asker(self, seconds: float = 3.0) -> Any:
        def ask(name: str, kind: str = "TXT") -> Any:
            self.asked.append(name)
            return self.answers(name, kind)

        return ask


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Known:
    found = Known({**published(), **POLICY, "customer.example": "v=spf1 ip4:8.8.8.8 -all"})
    monkeypatch.setattr(senders, "NAMES", found)
    return found


@pytest.fixture
def listener(support: Queue) -> Mailbox:
    return Mailbox.objects.create(name="Listener", kind="forward", queue=support)


def message_of(receipt: Receipt) -> Message:
    assert receipt.message is not None
    return receipt.message


def level(receipt: Receipt) -> str:
    return str((message_of(receipt).trust or {})["level"])


def test_a_signed_mail_is_verified_and_says_why(mailbox: Mailbox, known: Known) -> None:
    (receipt,) = receive(mailbox, sign())
    assert message_of(receipt).trust == {
        "level": "verified",
        "why": [["sender_by_dkim", {"domain": "customer.example"}], ["first_mail", {"email": "ann@customer.example"}]],
    }
    assert "It bears a good signature of customer.example (DKIM)." in said(receipt)


def test_a_fetched_mail_without_a_signature_asks_nobody(mailbox: Mailbox, known: Known) -> None:
    (receipt,) = receive(mailbox, mail())
    assert level(receipt) == "unverified"
    assert not known.asked


def test_the_listener_checks_for_itself(listener: Mailbox, known: Known) -> None:
    (receipt,) = receive(listener, mail(), **DIRECT)
    assert level(receipt) == "verified"
    (forged,) = receive(listener, mail(message_id="m2@evil.example"), **{**DIRECT, "remote_ip": "9.9.9.9"})
    assert level(forged) == "suspicious"
    assert "DMARC failed" in said(forged)


def test_nobody_is_asked_when_the_administrator_doesnt_want_it(listener: Mailbox, known: Known) -> None:
    Options.objects.update(checks_senders=False)
    (receipt,) = receive(listener, sign(), **DIRECT)
    assert level(receipt) == "unverified"
    assert not known.asked


def test_silent_name_servers_stop_no_mail(listener: Mailbox) -> None:
    (receipt,) = receive(listener, sign(), **DIRECT)
    assert (receipt.outcome, level(receipt)) == ("new_ticket", "unverified")
    assert "names_silent" in str(receipt.trace.entries)


def test_a_colleagues_name_and_our_own_domain_from_outside(mailbox: Mailbox, bob: Agent) -> None:
    (namesake,) = receive(mailbox, mail(sender='"Baker, Bob" <bob.baker@gmail.com>'))
    assert level(namesake) == "suspicious"
    (again,) = receive(mailbox, mail(sender='"Baker, Bob" <bob.baker@gmail.com>', message_id="m2@gmail.com"))
    assert level(again) == "unverified", "he is known now"
    (forged,) = receive(mailbox, mail(sender=OWN, message_id="m3@evil.example"))
    assert level(forged) == "spoofed"


def test_an_organisation_with_that_domain_is_no_look_alike(mailbox: Mailbox, support: Queue) -> None:
    (receipt,) = receive(mailbox, mail(sender="Ann <ann@exampel.org>"))
    assert level(receipt) == "suspicious"
    OrganisationDomain.objects.create(organisation=Organisation.objects.create(name="Exampel"), domain="exampel.org")
    (receipt,) = receive(mailbox, mail(sender="Ann <ann@exampel.org>", message_id="m2@exampel.org"))
    assert level(receipt) == "unverified"


# ---- policies of queues ------------------------------------------------------------


def test_a_queue_holds_what_is_suspicious_until_a_person_lets_it_through(mailbox: Mailbox, support: Queue) -> None:
    Queue.objects.update(holds_suspicious=True)
    (receipt,) = receive(mailbox, mail(sender=OWN))
    assert (receipt.outcome, codes(receipt)[-1]) == ("held", "held_suspicious")
    assert not Ticket.objects.exists()
    release([receipt], queue=None)
    process_due("test:1:x")
    receipt.refresh_from_db()
    assert (receipt.outcome, level(receipt)) == ("new_ticket", "spoofed")
    (quiet,) = receive(mailbox, mail())
    assert quiet.outcome == "new_ticket"


def test_a_queue_answers_only_whom_it_can_verify(mailbox: Mailbox, support: Queue, known: Known) -> None:
    Queue.objects.update(answers_unverified=False)
    (receipt,) = receive(mailbox, mail())
    assert "refused_unverified" in codes(receipt)
    assert "rule_planned" not in codes(receipt)
    (receipt,) = receive(mailbox, sign(mail(message_id="m2@customer.example")))
    assert "refused_unverified" not in codes(receipt)
    assert "rule_planned" in codes(receipt)


@pytest.mark.parametrize(("demands", "headers", "is_obeyed"), [
    (True, {}, False),
    (True, {"authentication_results": "mx.example.org; dmarc=pass header.from=example.org"}, True),
    (False, {}, True),
])  # fmt: skip
def test_commands_need_more_than_a_trusted_mailbox_where_the_queue_says_so(
    mailbox: Mailbox, bob: Agent, support: Queue, demands: bool, headers: dict[str, str], is_obeyed: bool
) -> None:
    Mailbox.objects.update(
        is_trusted=True, agents_mail="note", agents_commands=True, receiving_host="mx.example.org", queue=support
    )
    Queue.objects.update(commands_need_dmarc=demands)
    mailbox.refresh_from_db()
    receive(mailbox, mail())
    (receipt,) = receive(
        mailbox,
        mail(
            sender="Bob Baker <bob@example.org>",
            message_id="m2@example.org",
            in_reply_to="<m1@customer.example>",
            text="#close\n\nDone.",
            **headers,
        ),
    )
    assert ("commands_unproven" in codes(receipt)) is not is_obeyed
    assert (Ticket.objects.get().status.type == "closed") is is_obeyed


def test_filters_see_the_sender(mailbox: Mailbox, support: Queue, known: Known) -> None:
    for field, operator, value in (
        ("trust", "equals", "verified"),
        ("dkim", "equals", "customer.example"),
        ("dmarc", "equals", "pass"),
    ):
        make_filter(field, ("add_tags", field), when=[condition(field, operator, value)])
    make_filter("others", ("add_tags", "others"), when=[condition("trust", "equals", "spoofed")])
    (receipt,) = receive(mailbox, sign())
    assert receipt.ticket is not None
    assert {tag.name for tag in receipt.ticket.tags.all()} == {"trust", "dkim", "dmarc"}


def test_a_stored_mail_is_looked_at_again_without_asking_anybody(mailbox: Mailbox, known: Known) -> None:
    raw = sign()
    receive(mailbox, raw)
    receipt = Receipt.objects.select_related("mailbox", "first__ticket").get()
    known.asked.clear()
    again = think_again(receipt, raw, receipt.trace.entries)
    assert not known.asked
    assert again.is_same
