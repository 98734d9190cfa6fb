"""Message catalogues: what the source says must be translated, and what is (bin/messages [--check] [nl|de], test_catalogues).

English is the language of the source and needs no catalogue.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "postvak"
LANGUAGES = ("nl", "de")
BEGINNING = datetime(2026, 11, 21, tzinfo=UTC)  # always the same, so that a catalogue changes only with its messages
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
OPTIONS = {"templates/**.html": {"extensions": "jinja2.ext.i18n,jinja2.ext.do", "trimmed": "true", "silent": "false"}}
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}


def from_source() -> Catalog:
    """Every message of the Python files and templates."""
    catalogue = Catalog(project="Postvak", charset="utf-8")
    for path, _line, message, comments, context in extract_from_dir(
        PACKAGE, METHODS, OPTIONS, keywords=KEYWORDS, comment_tags=("Translators:",), strip_comment_tags=True
    ):
        catalogue.add(message, None, [(path, 1)], auto_comments=comments, context=context)
    return catalogue


def path_of(language: str) -> Path:
    return PACKAGE / "locale" / language / "LC_MESSAGES" / "django.po"


def read(language: str) -> Catalog:
    path = path_of(language)
    if not path.exists():
        return Catalog(locale=language, project="Postvak", charset="utf-8", fuzzy=False, header_comment="# Postvak")
    with path.open("rb") as file:
        return read_po(file, locale=language)


def update(language: str) -> Catalog:
    """Bring the catalogue of a language up to the source and write it; obsolete messages go."""
    catalogue = read(language)
    catalogue.update(from_source(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    catalogue.creation_date = catalogue.revision_date = BEGINNING
    path = path_of(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalogue, width=120, sort_output=True, include_lineno=False, omit_header=False)
    return catalogue


def untranslated(catalogue: Catalog, source: Catalog) -> list[str]:
    """Messages of the source without a (complete, not fuzzy) translation."""
    return [str(message.id) for message in source if message.id and not is_translated(catalogue, message)]


def is_translated(catalogue: Catalog, message: Message) -> bool:
    found = catalogue.get(message.id if isinstance(message.id, str) else message.id[0], message.context)
    if found is None or found.fuzzy or not found.string:
        return False
    texts = [found.string] if isinstance(found.string, str) else list(found.string)
    return bool(texts) and all(texts)


def main() -> None:
    source, bad = from_source(), 0
    wanted = [language for language in LANGUAGES if language in sys.argv] or LANGUAGES
    for language in wanted:
        catalogue = read(language) if "--check" in sys.argv else update(language)
        missing = untranslated(catalogue, source)
        bad += len(missing)
        print(f"{language}: {len(missing)} of {len(source)} messages are not translated")
        for text in missing[:20]:
            print(f"    {text}")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
