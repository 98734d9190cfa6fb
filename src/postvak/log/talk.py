"""The recorder of the communication log: one `with` around a talk with a mail server, one line for each step of it.

    with talk(Direction.IN, "imap", mailbox=mailbox, worker=worker, module="receive.fetch") as communication:
        connection = communication.connection(mailbox.host)
        connection.info("listed", there=12, new=3)
        communication.message("INBOX/1/4711", source="INBOX/1/4711").info("stored", size=2048)

Codes stand in log.talk_sentences. What a receipt's trace says isn't said here again: a mail links its receipt. Nothing of
this ever raises what the database says (log.talk_writing).
"""

import os
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from django.utils import timezone

from postvak.crypto.sealing import CannotOpen
from postvak.log.talk_notes import State, Talk, Topic
from postvak.log.talk_writing import DESK
from postvak.models import Channel, Communication, Mailbox
from postvak.net.connection import ConnectionProblem

Direction = Communication.Direction
DETAILS = ("host", "port", "folder", "folders", "grant")  # what the sentences of log.problems name


@contextmanager
def talk(
    direction: Communication.Direction,
    transport: str,
    *,
    module: str,
    mailbox: Mailbox | None = None,
    channel: Channel | None = None,
    worker: str = "",
) -> Iterator[Talk]:
    """What leaves it as an exception has failed."""
    communication = begin_talk(direction, transport, module=module, mailbox=mailbox, channel=channel, worker=worker)
    state: State | None = State.FAILED
    try:
        yield communication
        state = None
    except Exception as error:
        communication.broke(error)
        raise
    finally:
        end_talk(communication, state)


def begin_talk(
    direction: Communication.Direction,
    transport: str,
    *,
    module: str,
    mailbox: Mailbox | None = None,
    channel: Channel | None = None,
    worker: str = "",
    is_hidden: bool = False,
) -> Talk:
    """For a talk that no `with` can hold; end_talk() must follow. `is_hidden`: nothing of it is written before its end, or before
    show_talk()."""
    account = mailbox or channel
    row = Communication(
        direction=direction,
        transport=transport,
        mailbox=mailbox,
        channel=channel,
        account=account.name if account else "",
        started_at=timezone.now(),
        worker=worker or f"{socket.gethostname()[:40]}:{os.getpid()}",
    )
    communication = Talk(row, module, DESK.turn_in)
    if not is_hidden:
        DESK.begin(communication)
    return communication


def show_talk(communication: Talk) -> None:
    """What was hidden is shown while it runs, like others."""
    DESK.begin(communication)


def end_talk(communication: Talk, state: Communication.State | None = None) -> None:
    communication.end(state)
    DESK.end(communication)


def written_beside() -> AbstractContextManager[None]:
    """While it lasts, a thread writes the talks of this process: who talks never waits for the log."""
    return DESK.written_beside()


def note_opening(connection: Topic, mailbox_or_channel: Mailbox | Channel, *, said: str, cipher: str) -> None:
    """A session was opened: where, how encrypted ("" when it isn't) and as whom."""
    account = mailbox_or_channel
    connection.debug("connected", host=account.host, port=account.port, said=said)
    if cipher:
        connection.debug("encrypted", cipher=cipher)
    else:
        connection.debug("not_encrypted")
    if account.username or account.grant_id:
        connection.debug("logged_in", user=account.username or account.grant)


def note_problem(connection: Topic, problem: ConnectionProblem | CannotOpen) -> None:
    """With the server's words, and what was said before, where that is known."""
    if isinstance(problem, CannotOpen):
        connection.error("cannot_open", said=problem)
        return
    details = {name: problem.details[name] for name in DETAILS if name in problem.details}
    if "dialogue" in problem.details:
        connection.debug("dialogue", dialogue=problem.details["dialogue"])
    connection.error("problem", problem=problem.problem.value, said=problem.said, **details)
