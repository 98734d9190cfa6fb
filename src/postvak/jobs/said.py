"""What a job says, for whoever reads it later in his own language: the English text and its parameters are kept, not the sentence."""

from collections.abc import Mapping

from django.utils.translation import gettext

from postvak.models import Job

TOLD = "told"  # in Job.result: [text, parameters] of the failure in Job.said


class Told(Exception):
    """`text`: English, marked for translation, with %(name)s for each of `parameters`. As a string: filled, in English."""

    def __init__(self, text: str, **parameters: object) -> None:
        self.text, self.parameters = text, {name: str(value) for name, value in parameters.items()}
        super().__init__(filled(text, self.parameters))

    @property
    def kept(self) -> list[object]:
        return [self.text, self.parameters]

    @property
    def in_words(self) -> str:
        """In the active language, for who reads it now."""
        return filled(gettext(self.text), self.parameters)


def filled(text: str, parameters: Mapping[str, str]) -> str:
    """A text without parameters may hold any sign."""
    return text % parameters if parameters else text


def said_by(job: Job) -> str:
    """What it is doing just now or why it failed, in the active language. What isn't known as a text of ours stays as it is."""
    kept = job.result.get(TOLD)
    if isinstance(kept, list) and len(kept) == 2 and filled(str(kept[0]), kept[1]) == job.said:
        return filled(gettext(str(kept[0])), kept[1])
    return str(gettext(job.said)) if job.said else ""
