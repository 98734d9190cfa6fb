"""Putting a mail into an IMAP folder (APPEND, RFC 3501 section 6.3.11), once: a mail that is there already isn't put again."""

import imaplib
from datetime import datetime

from imapclient import IMAPClient
from imapclient.imapclient import SENT

from postvak.net.connection import Endpoint, Problem, problem_at, problems, words
from postvak.net.imap_session import close_session, folder_names, open_session
from postvak.net.time_limit import ANSWER, LISTING, seconds_for, time_limit

USUAL = "Sent"


class Shelf:
    """A logged-in session that puts mails into folders. Raises `ConnectionProblem` from the constructor on."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._client: IMAPClient = open_session(endpoint)

    def close(self) -> None:
        close_session(self._client)

    def put(self, raw: bytes, folder: str, *, header: str, message_id: str, at: datetime) -> str:
        """Returns the folder that the mail is in now, marked as read and dated `at`. `folder`: "" is the one that the
        server has for sent mail; a missing one is made. `header` and `message_id` (if it has one) tell whether it is there already."""
        within = ANSWER + LISTING + seconds_for(len(raw))
        with time_limit(self._endpoint, within, self._client.socket()), problems(self._endpoint):
            name = folder or self._sent_folder()
            self._enter(name)
            if not message_id or not self._client.search(["HEADER", header, message_id]):
                self._append(name, raw, at)
            return name

    def _sent_folder(self) -> str:
        """As the server marks it (RFC 6154), or by its usual names."""
        return str(self._client.find_special_folder(SENT) or USUAL)

    def _enter(self, folder: str) -> None:
        """Read-only: looking changes nothing there. Made where it is missing."""
        try:
            self._client.select_folder(folder, readonly=True)
            return
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            known = folder_names(self._client)
            if folder in known:
                raise problem_at(self._endpoint, Problem.rejected, words(error), folder=folder) from error
        self._make(folder, known)

    def _make(self, folder: str, known: tuple[str, ...]) -> None:
        try:
            self._client.create_folder(folder)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            folders = ", ".join(known)
            problem = Problem.no_such_folder
            raise problem_at(self._endpoint, problem, words(error), folder=folder, folders=folders) from error
        self._client.subscribe_folder(folder)
        self._client.select_folder(folder, readonly=True)

    def _append(self, folder: str, raw: bytes, at: datetime) -> None:
        try:
            self._client.append(folder, raw, flags=[rb"\Seen"], msg_time=at)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            raise problem_at(self._endpoint, Problem.rejected, words(error), folder=folder) from error
