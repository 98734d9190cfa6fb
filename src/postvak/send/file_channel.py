"""A channel that writes each mail as an .eml file into the data directory: for trying out, nothing leaves the machine."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from django.conf import settings

from postvak.log.talk_notes import Topic
from postvak.models import Channel, Delivery, OutgoingMail
from postvak.send.record import Result

State = Delivery.State


class FileChannel:
    dialogue = ()

    def __init__(self, channel: Channel) -> None:
        self.folder: Path = settings.CONFIGURATION.data / "sent" / str(channel.pk)

    def __enter__(self) -> Self:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        pass

    def note_opening(self, connection: Topic) -> None:
        connection.debug("folder_opened", folder=self.folder)

    def hand_over(self, mail: OutgoingMail, recipients: Sequence[str], raw: bytes) -> Mapping[str, Result]:
        path = self.folder / f"{mail.pk}.eml"
        try:
            path.write_bytes(raw)
        except OSError as error:
            return dict.fromkeys(recipients, Result(State.DEFERRED, None, str(error)))
        return dict.fromkeys(recipients, Result(State.ACCEPTED, None, str(path)))
