"""Whatever a server does, each recipient ends in the state that is true, and gets a mail twice only where doubt shows."""

from collections import Counter
from dataclasses import dataclass

import pytest

from postvak.models import Channel, DeliveryEvent, OutgoingMail
from tests.clock import Clock
from tests.send.answering import AMY, ANN, BOSS, Write, parsed, send_everything, states
from tests.servers.smtpd import Behaviour, SmtpServer

pytestmark = [pytest.mark.django_db, pytest.mark.servers]
ALL = (ANN, AMY, BOSS)
FINE = dict.fromkeys(ALL, "accepted")


@dataclass(frozen=True)
class Case:
    """`first`: states after the first attempt of three mails; `last`: when the server has behaved for a day."""

    behaviour: Behaviour
    first: dict[str, str]
    last: dict[str, str]
    doubts: int = 0  # deliveries in doubt, all mails together
    twice: int = 0  # those of them that really came twice
    connections: int = 1  # for the first attempts


LATER = dict.fromkeys(ALL, "deferred")
CASES = {
    "takes everything": Case(Behaviour(), FINE, FINE),
    "refuses one of three": Case(
        Behaviour(recipients={AMY: "550 5.1.1 no such user"}), FINE | {AMY: "failed"}, FINE | {AMY: "failed"}
    ),
    "blocks one of three": Case(
        Behaviour(recipients={AMY: "550 5.7.1 we do not want you"}), FINE | {AMY: "blocked"}, FINE | {AMY: "blocked"}
    ),
    "can not take one of three now": Case(
        Behaviour(recipients={AMY: "452 4.2.2 mailbox full"}), FINE | {AMY: "deferred"}, FINE
    ),
    "answers 4xx to every MAIL": Case(Behaviour(sender="451 4.3.0 storm"), LATER, FINE),
    "answers 4xx to every DATA": Case(Behaviour(data_command="451 4.3.0 storm"), LATER, FINE),
    "answers 4xx to every mail": Case(Behaviour(data="451 4.3.0 storm"), LATER, FINE),
    "refuses the sender": Case(
        Behaviour(sender="550 5.1.8 unknown sender"), dict.fromkeys(ALL, "failed"), dict.fromkeys(ALL, "failed")
    ),
    "refuses the mail as spam": Case(
        Behaviour(data="554 spam"), dict.fromkeys(ALL, "blocked"), dict.fromkeys(ALL, "blocked")
    ),
    "greylists": Case(Behaviour(greylists=True), LATER, FINE),
    "is slow": Case(Behaviour(delay=0.2), FINE, FINE),
    "drops at MAIL": Case(Behaviour(drop="mail"), LATER, FINE, connections=3),
    "drops at RCPT": Case(Behaviour(drop="rcpt"), LATER, FINE, connections=3),
    "drops at DATA": Case(Behaviour(drop="data_command"), LATER, FINE, connections=3),
    "drops in the mail, all of which we wrote": Case(Behaviour(drop="content"), LATER, FINE, doubts=9, connections=3),
    "drops after the mail": Case(Behaviour(drop="before_reply"), LATER, FINE, doubts=9, twice=9, connections=3),
    "dies after each 250": Case(Behaviour(drop="after_reply"), FINE, FINE, connections=3),
    "closes in the middle": Case(Behaviour(data="421 4.3.2 shutting down"), LATER, FINE, connections=3),
    "takes one mail per connection": Case(Behaviour(mails_per_connection=1), FINE, FINE, connections=3),
}


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelining", "plain"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_every_recipient_ends_in_the_state_that_is_true(
    smtp: Channel, smtp_server: SmtpServer, write: Write, clock: Clock, case: Case, *, pipelining: bool
) -> None:
    smtp_server.pipelining = pipelining
    smtp_server.behaviour = case.behaviour
    mails = [write(*ALL) for _ in range(3)]
    greylisted = Behaviour(greylists=True) if case.behaviour.greylists else None
    send_everything()
    if greylisted is None:
        assert [states(mail) for mail in mails] == [case.first] * 3
    assert smtp_server.connections == case.connections
    smtp_server.behaviour = greylisted or Behaviour()
    for _hour in range(24):
        clock.advance(hours=1)
        send_everything()
    assert [states(mail) for mail in mails] == [case.last] * 3
    assert not OutgoingMail.objects.exclude(next_attempt_at=None).exists()
    assert DeliveryEvent.objects.filter(kind="in_doubt").count() == case.doubts
    accepted = [name for name, state in case.last.items() if state == "accepted"]
    check_copies(smtp_server, accepted=accepted, twice=case.twice)


def check_copies(server: SmtpServer, *, accepted: list[str], twice: int) -> None:
    """Each of three mails came once to each who accepted it, and once more where there was doubt."""
    came = Counter((parsed(mail.raw)["Message-ID"], who) for mail in server.mails for who in mail.recipients)
    assert {who for _mail, who in came} == set(accepted)
    assert len(came) == 3 * len(accepted)
    assert sum(times - 1 for times in came.values()) == twice


def test_a_hundred_recipients_each_get_their_own_answer(smtp: Channel, smtp_server: SmtpServer, write: Write) -> None:
    """More than go out in one group of commands."""
    everybody = [f"r{n}@customer.example" for n in range(120)]
    smtp_server.behaviour = Behaviour(recipients=dict.fromkeys(everybody[::7], "550 5.1.1 no such user"))
    outgoing = write(*everybody)
    send_everything()
    expected = {name: "failed" if n % 7 == 0 else "accepted" for n, name in enumerate(everybody)}
    assert states(outgoing) == expected
    assert set(smtp_server.mails[0].recipients) == set(everybody) - set(everybody[::7])
