"""Two whole installations that confirm each other's confirmations, by SMTP: after the documented number of mails there is silence,
and the loop breaker says so. Spec 06."""

import smtplib
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.mails import mail
from tests.servers import wait_until
from tests.servers.smtpd import Received, SmtpServer
from tests.torture.plant import Plant

pytestmark = pytest.mark.servers
PER_PAIR = 3  # automatic mails from one address to another in ten minutes
SIGNS = ("Auto-Submitted", "Precedence", "X-Auto-Response-Suppress", "X-Postvak-Loop", "In-Reply-To", "References")
SETTINGS = """
[[queue]]
name = "Support"
address = "{address}"

[[address]]
email = "{address}"
queue = "Support"

[[mailbox]]
name = "Support"
kind = "forward"
forward_addresses = "{address}"

[[channel]]
name = "Line"
host = "127.0.0.1"
port = {port}
security = "none"
default = true
"""
NORTH, SOUTH = "support@north.example", "support@south.example"


class Post(threading.Thread):
    """Brings what each installation sends to the other one; `forgetful`: without anything that says that a machine wrote it, as
    a new mail with another subject and a sender in the envelope."""

    def __init__(self, server: SmtpServer, plants: dict[str, Plant], *, forgetful: bool) -> None:
        super().__init__(daemon=True)
        self.server, self.plants, self.forgetful = server, plants, forgetful
        self.carried: list[tuple[str, str]] = []
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.05):
            for received in self.server.mails[len(self.carried) :]:
                self.carry(received)

    def carry(self, received: Received) -> None:
        message = message_from_bytes(received.raw, policy=policy.SMTP)
        assert isinstance(message, EmailMessage)
        sender, (recipient,) = message["From"].addresses[0].addr_spec, received.recipients
        envelope_from = received.envelope_from
        if self.forgetful:
            envelope_from = sender
            for sign in SIGNS:
                del message[sign]
            for header, value in (("Message-ID", f"<{len(self.carried)}@relay.example>"), ("Subject", subject(self))):
                del message[header]
                message[header] = value
        with smtplib.SMTP("127.0.0.1", self.plants[recipient].smtp) as line:
            line.sendmail(envelope_from, [recipient], message.as_bytes())
        self.carried.append((sender, recipient))


def subject(post: Post) -> str:
    return f"Case {len(post.carried)} of ours"


@pytest.fixture
def plants(tmp_path: Path, smtp_server: SmtpServer) -> Iterator[dict[str, Plant]]:
    """North and South; both send by way of `smtp_server`."""
    with ExitStack() as stack:
        found: dict[str, Plant] = {}
        for address in (NORTH, SOUTH):
            folder = tmp_path / address
            folder.mkdir()
            plant = stack.enter_context(Plant.running(folder))
            assert isinstance(plant, Plant)
            path = plant.data / "setup.toml"
            path.write_text(SETTINGS.format(address=address, port=smtp_server.port))
            done = plant.cli("config", "apply", str(path))
            assert (done.returncode, done.stderr) == (0, b""), done
            found[address] = plant
        yield found


def is_quiet(plant: Plant) -> bool:
    """Nothing is to be processed, written or sent any more."""
    waiting = (
        "SELECT (SELECT count(*) FROM postvak_receipt WHERE state <> 'done')"
        " + (SELECT count(*) FROM postvak_automaticmail WHERE state = 'pending')"
        " + (SELECT count(*) FROM postvak_outgoingmail WHERE next_attempt_at IS NOT NULL)"
    )
    return plant.value(waiting) == 0


def begin(smtp: SmtpServer, plants: dict[str, Plant], *, forgetful: bool) -> Post:
    """South writes to North, as a person would; returns when nothing moves any more."""
    post = Post(smtp, plants, forgetful=forgetful)
    with smtplib.SMTP("127.0.0.1", plants[NORTH].smtp) as line:
        line.sendmail(SOUTH, [NORTH], mail(sender=SOUTH, to=NORTH, message_id="first@south.example"))
    wait_until(lambda: len(smtp.mails) > 0, seconds=60, what="a confirmation")
    post.start()

    def is_over() -> bool:
        return len(post.carried) == len(smtp.mails) and all(map(is_quiet, plants.values()))

    try:
        wait_until(lambda: is_over() and is_over(), seconds=120, what="silence")
    finally:
        post.over.set()
        post.join()
    return post


def test_a_confirmation_is_not_confirmed(smtp_server: SmtpServer, plants: dict[str, Plant]) -> None:
    post = begin(smtp_server, plants, forgetful=False)
    assert post.carried == [(NORTH, SOUTH)]
    ((reason,),) = plants[SOUTH].rows("SELECT reason FROM postvak_automaticmail")
    assert reason == "refused_loop"  # the mark of another Postvak is as good as our own


def test_two_that_do_not_know_each_other_for_machines_fall_silent_and_the_loop_breaker_says_so(
    smtp_server: SmtpServer, plants: dict[str, Plant]
) -> None:
    post = begin(smtp_server, plants, forgetful=True)
    assert post.carried.count((NORTH, SOUTH)) == PER_PAIR
    assert post.carried.count((SOUTH, NORTH)) == PER_PAIR
    ((ours, theirs, code, stopped),) = plants[NORTH].rows("SELECT ours, theirs, code, stopped FROM postvak_loopbreak")
    assert (ours, theirs, code, stopped) == (NORTH, SOUTH, "refused_per_pair", 1)
    assert plants[NORTH].value("SELECT count(*) FROM postvak_receipt WHERE outcome = 'new_ticket'") == PER_PAIR + 1
