"""The program behind mail.pdf: `python -m postvak.mail.pdf_reader WHAT < file.pdf` writes the `text` in UTF-8, the `count` of
pages, or the page with that number, from 0, as PNG."""

import contextlib
import struct
import sys
import zlib

import pypdfium2

from postvak.mail.pdf import MOST_LETTERS, MOST_PAGES, SECONDS

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]

MEMORY = 1024 * 1024 * 1024  # bytes
WIDTH = 1240  # pixels; sharp in the dialog, readable on a phone
MOST_PIXELS = 6_000_000
WHITE = (255, 255, 255, 255)


def main() -> None:
    """Standard input to standard output; what goes wrong ends the process with one line."""
    limit_process()
    raw, what = sys.stdin.buffer.read(), sys.argv[1]
    try:
        with contextlib.closing(pypdfium2.PdfDocument(raw)) as document:
            answer = answer_to(what, document)
    except (pypdfium2.PdfiumError, IndexError) as error:
        sys.exit(str(error) or "no such page")
    sys.stdout.buffer.write(answer)


def answer_to(what: str, document: pypdfium2.PdfDocument) -> bytes:
    if what == "text":
        return text_of(document).encode("utf-8", "replace")
    return str(len(document)).encode() if what == "count" else drawn(document, int(what))


def text_of(document: pypdfium2.PdfDocument) -> str:
    found: list[str] = []
    for number in range(min(len(document), MOST_PAGES)):
        found.append(document[number].get_textpage().get_text_bounded())
        if sum(map(len, found)) >= MOST_LETTERS:
            break
    return "\n\n".join(found)[:MOST_LETTERS]


def drawn(document: pypdfium2.PdfDocument, number: int) -> bytes:
    if not 0 <= number < len(document):
        raise IndexError("no such page")
    page = document[number]
    width, height = (max(side, 1.0) for side in page.get_size())
    scale = min(WIDTH / width, (MOST_PIXELS / (width * height)) ** 0.5)
    bitmap = page.render(scale=scale, fill_color=WHITE, rev_byteorder=True, prefer_bgrx=False)
    return as_png(bytes(bitmap.buffer), bitmap.width, bitmap.height, bitmap.stride, bitmap.n_channels)


def as_png(pixels: bytes, width: int, height: int, stride: int, channels: int) -> bytes:
    """A picture as PNG (RFC 2083): rows of `stride` bytes, of which width × channels are pixels (grey, RGB or RGBA)."""
    colours = {1: 0, 3: 2, 4: 6}[channels]
    rows = b"".join(b"\0" + pixels[at * stride : at * stride + width * channels] for at in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, colours, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(name, data) for name, data in parts)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def limit_process() -> None:
    if resource is None:
        return
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


if __name__ == "__main__":
    main()
