"""Addresses to which mail comes back: put on the list once, warned of, left out by automatic mail, released."""

import pytest

from postvak.models import Agent, AutomaticMail, Channel, Delivery, OutgoingMail, Suppression, Ticket
from postvak.notify.automatic import write_due
from postvak.send.by_hand import retry_now
from postvak.send.suppress import release, suppress_returned
from postvak.tickets.answer import Answer, answer
from postvak.tickets.second_look import ComesBack
from tests.clock import Clock
from tests.send.answering import AMY, ANN, BOSS, Write, send_everything
from tests.servers.smtpd import Behaviour, SmtpServer

pytestmark = [pytest.mark.django_db, pytest.mark.servers]


def listed() -> dict[str, str]:
    return dict(Suppression.objects.values_list("address", "reason"))


def test_only_an_address_that_does_not_exist_goes_on_the_list(
    smtp: Channel, smtp_server: SmtpServer, ticket: Ticket, write: Write, clock: Clock
) -> None:
    smtp_server.behaviour = Behaviour(
        recipients={AMY: "550 5.1.1 no such user", ANN: "552 5.2.2 mailbox full", BOSS: "451 4.1.1 later"}
    )
    write(ANN, AMY, BOSS)
    send_everything()
    while suppress_returned(clock.now):
        pass
    assert listed() == {AMY: "bounced"}
    row = Suppression.objects.get()
    assert (row.said, row.since, row.delivery.recipient) == ("550 5.1.1 no such user", clock.now, AMY)
    assert ticket.history.get(code="suppressed_bounced").parameters == {"to": AMY}
    assert suppress_returned(clock.now) == 0


@pytest.mark.parametrize(
    ("state", "said", "reason"),
    [
        ("bounced", "5.1.1 smtp; 550 5.1.1 User unknown", "bounced"),
        ("bounced", "4.4.7 expired", ""),
        ("bounced", "5.4.7 delivery time expired", ""),
        ("complained", "", "complained"),
        ("blocked", "5.7.1 spam", ""),
    ],
)
def test_a_delivery_report_that_came_in_counts_too(
    smtp: Channel, write: Write, clock: Clock, state: str, said: str, reason: str
) -> None:
    write(ANN.upper())
    send_everything()
    Delivery.objects.update(state=state, said=said)
    suppress_returned(clock.now)
    assert listed() == ({ANN: reason} if reason else {})


def test_an_agent_is_warned_once_and_may_send_all_the_same(
    smtp: Channel, ticket: Ticket, bob: Agent, clock: Clock
) -> None:
    Suppression.objects.create(address=ANN, reason="bounced", since=clock.now)
    with pytest.raises(ComesBack) as caught:
        answer(ticket, Answer(to=(ANN.title(),), cc=(AMY,), text="Hello"), by=bob)
    assert [row.address for row in caught.value.suppressions] == [ANN]
    assert not OutgoingMail.objects.exists()
    answer(ticket, Answer(to=(ANN.title(),), cc=(AMY,), text="Hello", despite=frozenset({ANN})), by=bob)
    assert OutgoingMail.objects.count() == 1


def test_automatic_mail_leaves_it_out_and_says_so_but_an_agents_own_words_go(
    no_automatic_mail: None, smtp: Channel, smtp_server: SmtpServer, ticket: Ticket, clock: Clock
) -> None:
    Suppression.objects.create(address=AMY, reason="bounced", since=clock.now)
    trigger = ticket.messages.get()
    AutomaticMail.objects.create(
        ticket=ticket, trigger=trigger, kind="forward", recipients=[AMY.upper(), BOSS], created_at=clock.now,
        next_attempt_at=clock.now,
    )  # fmt: skip
    write_due("test:1:x")
    send_everything()
    assert [sent.recipients for sent in smtp_server.mails] == [(BOSS,)]
    assert ticket.history.get(code="refused_suppressed").parameters == {"to": AMY.upper()}


def test_a_released_address_is_as_any_other_until_mail_comes_back_again(
    smtp: Channel, smtp_server: SmtpServer, ticket: Ticket, bob: Agent, write: Write, clock: Clock
) -> None:
    smtp_server.behaviour = Behaviour(recipients={ANN: "550 5.1.1 no such user"})
    outgoing = write()
    send_everything()
    suppress_returned(clock.now)
    assert release(ANN.upper(), ticket, clock.now, by=bob)
    assert not release(ANN, ticket, clock.now, by=bob)
    assert listed() == {}
    assert ticket.history.get(code="suppression_released").agent == bob
    assert suppress_returned(clock.now) == 0, "the old failure was judged"
    assert retry_now(outgoing, by=bob)
    send_everything()
    suppress_returned(clock.now)
    assert listed() == {ANN: "bounced"}
