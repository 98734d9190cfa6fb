"""IMAP4rev1 (RFC 3501) as a `Source`: UIDs only, read-only until `settle`, never a foreign mail expunged.

Folders are EXAMINEd until something is settled, and bodies are read with BODY.PEEK[], so nothing we read gets
\\Seen.  CLOSE is never sent (it would expunge); EXPUNGE only when every \\Deleted mail is one of ours.
After a `ConnectionProblem` a session is only good for `close()`.
"""

import imaplib
import select
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from imapclient import IMAPClient

from postvak.net.connection import Endpoint, Problem, cipher_of, problem_at, problems, words
from postvak.net.imap_session import GOODBYE_SECONDS, close_session, folder_names, greeting, open_session
from postvak.net.time_limit import ANSWER, LISTING, seconds_for, time_limit
from postvak.receive.source import AfterStoring, Fetched, Item, Probe

FETCH_TOGETHER = 50  # mails per FETCH
FETCH_ALONE = 1_000_000  # bytes: a larger mail gets a FETCH of its own
IDLE_ANSWER = 20.0  # seconds for what surrounds IDLE: one thread waits for all mailboxes
UIDS_PER_COMMAND = 500  # keeps command lines below the 8,000 bytes that servers take (RFC 7162 section 4)


@dataclass(frozen=True, slots=True)
class _Place:
    """One folder in one incarnation; UIDs mean nothing outside it (RFC 3501 section 2.3.1.1)."""

    folder: str
    uidvalidity: int

    def key(self, uid: int) -> str:
        return f"{self.folder}/{self.uidvalidity}/{uid}"


class ImapSource:
    """A logged-in session.  Raises `ConnectionProblem` from the constructor on."""

    def __init__(self, endpoint: Endpoint, folders: Sequence[str]) -> None:
        self._endpoint = endpoint
        self._folders = tuple(folders) or ("INBOX",)
        self._client: IMAPClient = open_session(endpoint)
        self._here: _Place | None = None
        self._is_writable = False

    def items(self, skip: Container[str] = ()) -> list[Item]:
        """All mails of the folders, folder by folder, each in order of arrival (= of UID)."""
        return [item for folder in self._folders for item in self._items_in(folder, skip)]

    def _items_in(self, folder: str, skip: Container[str]) -> list[Item]:
        with self._within(LISTING):
            place = self._enter(folder)
            uids = [uid for uid in sorted(self._client.search("ALL")) if place.key(uid) not in skip]
        items = []
        for some in _chunks(uids):
            with self._within(ANSWER):
                answers = self._client.fetch(some, ["RFC822.SIZE"])
                sizes = [(uid, int(answers[uid][b"RFC822.SIZE"])) for uid in some if uid in answers]
            items += [Item(place.key(uid), size) for uid, size in sizes]
        return items

    @contextmanager
    def _within(self, seconds: float) -> Iterator[None]:
        """One command and its answer, or some that belong together, in time and with every error as our own."""
        with time_limit(self._endpoint, seconds, self._client.socket()), problems(self._endpoint):
            yield

    def greeting(self) -> str:
        return greeting(self._client)

    def cipher(self) -> str:
        return cipher_of(self._client.socket())

    # -- fetching ------------------------------------------------------------

    def fetch(self, items: Sequence[Item]) -> Iterator[Fetched]:
        """The mails, in the order of `items` within a folder; none after a new UIDVALIDITY."""
        unreadable: dict[str, str] = {}
        for place, waiting in _by_place(items).items():
            sizes = dict(waiting)
            for some in _loads(waiting):
                with self._within(seconds_for(sum(sizes[uid] for uid in some))):
                    mails = self._read(place, some, unreadable) if self._is_in(place) else []
                yield from mails
        if unreadable:
            said = next(iter(unreadable.values()))
            raise problem_at(self._endpoint, Problem.protocol, said, keys=", ".join(unreadable))

    def _read(self, place: _Place, uids: Sequence[int], unreadable: dict[str, str]) -> list[Fetched]:
        """One FETCH.  If the server refuses it, one per mail, so that a broken mail stops no other."""
        try:
            answers = self._client.fetch(uids, ["INTERNALDATE", "BODY.PEEK[]"])
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            if len(uids) > 1:
                return [mail for uid in uids for mail in self._read(place, [uid], unreadable)]
            return self._not_read(place, uids[0], words(error), unreadable)
        return [mail for uid in uids for mail in self._mail(place, uid, answers.get(uid, {}), unreadable)]

    def _mail(
        self, place: _Place, uid: int, answer: Mapping[bytes, object], unreadable: dict[str, str]
    ) -> list[Fetched]:
        raw, arrived_at = answer.get(b"BODY[]"), answer.get(b"INTERNALDATE")
        if not isinstance(raw, bytes):
            return self._not_read(place, uid, "no BODY[] in the answer to FETCH", unreadable)
        aware = arrived_at.astimezone(UTC) if isinstance(arrived_at, datetime) else None
        return [Fetched(place.key(uid), raw, aware)]

    def _not_read(self, place: _Place, uid: int, said: str, unreadable: dict[str, str]) -> list[Fetched]:
        """Vanished meanwhile is fine; there but not readable is noted."""
        if self._client.search(["UID", str(uid)]):
            unreadable[place.key(uid)] = said
        return []

    # -- settling ------------------------------------------------------------

    def settle(self, keys: Sequence[str], action: AfterStoring, folder: str = "") -> None:
        """Do the action with those of the mails that are still there.

        move: MOVE (RFC 6851), else COPY and delete.  delete: \\Deleted and UID EXPUNGE (RFC 4315); on a
        server without it EXPUNGE, provided that no other mail is marked \\Deleted – otherwise ours stay
        marked.
        """
        if action is AfterStoring.leave:
            return
        for place, items in _by_place(Item(key, 0) for key in keys).items():
            for some in _chunks([uid for uid, _ in items]):
                with self._within(ANSWER + len(some)):
                    if self._is_in(place, writable=True):
                        self._settle(some, action, folder)

    def _settle(self, uids: Sequence[int], action: AfterStoring, folder: str) -> None:
        if action is AfterStoring.seen:
            self._client.add_flags(uids, [rb"\Seen"], silent=True)
        elif action is AfterStoring.move:
            self._move(uids, folder)
        else:
            self._delete(uids)

    def _move(self, uids: Sequence[int], folder: str) -> None:
        try:
            if self._client.has_capability("MOVE"):
                self._client.move(uids, folder)
                return
            # A mail already marked \Deleted was copied by an earlier, interrupted call.
            uncopied = sorted(set(self._client.search("UNDELETED")) & set(uids))
            if uncopied:
                self._client.copy(uncopied, folder)
        except imaplib.IMAP4.error as error:
            raise self._folder_problem(folder, error) from error
        self._delete(uids)

    def _delete(self, uids: Sequence[int]) -> None:
        self._client.add_flags(uids, [rb"\Deleted"], silent=True)
        if self._client.has_capability("UIDPLUS"):
            self._client.uid_expunge(uids)
        elif set(self._client.search("DELETED")) <= set(uids):
            self._client.expunge()

    # -- waiting ------------------------------------------------------------

    def wait(self, seconds: float) -> bool:
        """IDLE (RFC 2177) in the first folder: True as soon as the server says anything, False after
        `seconds`.

        True means "look again", not more: servers also say that they are still there.  What the server told
        us during an earlier command is not told again, so list now and then in any case; stay below 29
        minutes.  False at once on a server without IDLE.
        """
        if not self.can_idle():
            return False
        if self.start_idle():
            return True
        readable, _, _ = select.select([self.fileno()], [], [], seconds)
        return self.stop_idle() or bool(readable)

    def can_idle(self) -> bool:
        with problems(self._endpoint):
            return bool(self._client.has_capability("IDLE"))

    def start_idle(self) -> bool:
        """Enter IDLE in the first folder; True: there was news before it, and IDLE was not entered."""
        with self._within(IDLE_ANSWER):
            if self._here is None or self._here.folder != self._folders[0]:
                self._enter(self._folders[0])
            if self._client.noop()[1]:  # what came since the last command; after IDLE it may hide in a buffer
                return True
            self._client.idle()
            return False

    def fileno(self) -> int:
        """For `select`: readable while in IDLE means that the server said something."""
        return int(self._client.socket().fileno())

    def stop_idle(self) -> bool:
        """Leave IDLE; True: the server said something meanwhile."""
        with self._within(IDLE_ANSWER):
            _, told = self._client.idle_done()
            return bool(told)

    def hang_up(self) -> None:
        """End a session that is in IDLE, politely but without waiting: there may be hundreds of them."""
        with suppress(OSError, imaplib.IMAP4.error):
            self._client.socket().settimeout(GOODBYE_SECONDS)
            self._client.socket().sendall(b"DONE\r\nbye LOGOUT\r\n")
        with suppress(OSError, imaplib.IMAP4.error):
            self._client.shutdown()

    # -- folders ------------------------------------------------------------

    def look(self) -> Probe:
        """What is there, for the test button; changes nothing."""
        with self._within(ANSWER):
            return Probe(greeting(self._client), sum(map(self._count, self._folders)), folder_names(self._client))

    def _count(self, folder: str) -> int:
        self._enter(folder)
        return len(self._client.search("ALL"))

    def _is_in(self, place: _Place, *, writable: bool = False) -> bool:
        """The folder is open and still the one whose UIDs we know. Once it had to be opened for writing, it stays so:
        reading (BODY.PEEK[]) changes nothing there either."""
        if self._here == place and (self._is_writable or not writable):
            return True
        return place == self._enter(place.folder, writable=writable)

    def _enter(self, folder: str, *, writable: bool = False) -> _Place:
        self._here = None
        try:
            answer = self._client.select_folder(folder, readonly=not writable)
        except imaplib.IMAP4.error as error:
            raise self._folder_problem(folder, error) from error
        self._here, self._is_writable = _Place(folder, int(answer.get(b"UIDVALIDITY", 0))), writable
        return self._here

    def _folder_problem(self, folder: str, error: imaplib.IMAP4.error) -> Exception:
        """Is the folder missing (then with the list of those that exist) or refused?"""
        if isinstance(error, imaplib.IMAP4.abort) and not isinstance(error, imaplib.IMAP4.readonly):
            return error
        folders = folder_names(self._client)
        known = folder in folders or folder.upper() == "INBOX"
        problem = Problem.rejected if known else Problem.no_such_folder
        said = words(error)
        return problem_at(self._endpoint, problem, said, folder=folder, folders=", ".join(folders))

    def close(self) -> None:
        """LOGOUT; expunges nothing, raises nothing."""
        close_session(self._client)


def probe(endpoint: Endpoint, folders: Sequence[str]) -> Probe:
    """The test button: log in, look, change nothing.  Raises `ConnectionProblem`."""
    source = ImapSource(endpoint, folders)
    try:
        return source.look()
    finally:
        source.close()


def _by_place(items: Iterable[Item]) -> dict[_Place, list[tuple[int, int]]]:
    """(UID, size) of each mail, per folder in the order of the folders' first mail."""
    places: dict[_Place, list[tuple[int, int]]] = {}
    for item in items:
        folder, uidvalidity, uid = item.key.rsplit("/", 2)
        places.setdefault(_Place(folder, int(uidvalidity)), []).append((int(uid), item.size))
    return places


def _loads(mails: Sequence[tuple[int, int]]) -> Iterator[list[int]]:
    """UIDs as they go into one FETCH: large mails alone, others `FETCH_TOGETHER`."""
    together: list[int] = []
    for uid, size in mails:
        if together and (size > FETCH_ALONE or len(together) == FETCH_TOGETHER):
            yield together
            together = []
        if size > FETCH_ALONE:
            yield [uid]
        else:
            together.append(uid)
    if together:
        yield together


def _chunks(uids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (uids[start : start + UIDS_PER_COMMAND] for start in range(0, len(uids), UIDS_PER_COMMAND))
