"""Everything that a person sees exists in Dutch and German, too."""

import re

import pytest

from tests.catalogues import LANGUAGES, from_source, read, untranslated

PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|\{(\w+)\}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_translated(language: str) -> None:
    assert untranslated(read(language), from_source()) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_keep_the_placeholders(language: str) -> None:
    """A missing one would lose a fact, a foreign one would break the page."""
    wrong = []
    for message in read(language):
        if not message.id or not message.string:
            continue
        sources = [message.id] if isinstance(message.id, str) else list(message.id)
        texts = [message.string] if isinstance(message.string, str) else list(message.string)
        wanted = [set(PLACEHOLDER.findall(source)) for source in sources]  # "the oldest one", "the oldest %(num)s"
        wrong += [text for text in texts if set(PLACEHOLDER.findall(text)) not in wanted]
    assert wrong == []
