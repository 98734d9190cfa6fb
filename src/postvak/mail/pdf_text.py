"""The text of a PDF, read in a process of its own: a PDF that crashes, fills or stops the reader costs nothing else.

`python -m postvak.mail.pdf_text < file.pdf` writes the text in UTF-8. Who doesn't trust the file calls `pdf_text`.
"""

import contextlib
import subprocess
import sys

import pypdfium2

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]

MOST_PAGES = 60
MOST_LETTERS = 100_000
MOST_BYTES = 30 * 1024 * 1024
SECONDS = 20
MEMORY = 1024 * 1024 * 1024


class NoText(Exception):
    """The PDF is broken, locked, too large or too slow; the text says which."""


def pdf_text(raw: bytes) -> str:
    """At most MOST_LETTERS of the first MOST_PAGES pages. Raises NoText."""
    if len(raw) > MOST_BYTES:
        raise NoText("too large")
    command = [sys.executable, "-P", "-m", "postvak.mail.pdf_text"]
    try:
        done = subprocess.run(command, input=raw, capture_output=True, timeout=SECONDS, check=True)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise NoText("too slow") from error
    except subprocess.CalledProcessError as error:
        raise NoText(error.stderr.decode("utf-8", "replace").strip()[-200:] or f"exit {error.returncode}") from error
    return done.stdout.decode("utf-8", "replace")


def main() -> None:
    """Standard input to standard output; what goes wrong ends the process with one line."""
    limit_process()
    raw = sys.stdin.buffer.read()
    try:
        text = read_pages(raw)
    except pypdfium2.PdfiumError as error:
        sys.exit(str(error))
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))


def read_pages(raw: bytes) -> str:
    found: list[str] = []
    with contextlib.closing(pypdfium2.PdfDocument(raw)) as document:
        for number in range(min(len(document), MOST_PAGES)):
            page = document[number]
            found.append(page.get_textpage().get_text_bounded())
            if sum(map(len, found)) >= MOST_LETTERS:
                break
    return "\n\n".join(found)[:MOST_LETTERS]


def limit_process() -> None:
    if resource is None:
        return
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


if __name__ == "__main__":
    main()
