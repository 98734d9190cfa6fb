"""A page of a PDF as a picture, drawn in a process of its own: a PDF that crashes, fills or stops it costs nothing else.

`python -m postvak.mail.pdf_pages 0 < file.pdf` writes the first page as PNG, with `count` the number of pages.
"""

import contextlib
import struct
import subprocess
import sys
import zlib

import pypdfium2

from postvak.mail.pdf_text import MOST_BYTES, SECONDS, NoText, limit_process

WIDTH = 1240  # pixels; sharp in the dialog, readable on a phone
MOST_PIXELS = 6_000_000
WHITE = (255, 255, 255, 255)


def page_count(raw: bytes) -> int:
    """Raises NoText when the PDF is broken, locked, too large or too slow; the text says which."""
    return int(asked(raw, "count"))


def page_picture(raw: bytes, number: int) -> bytes:
    """The page with this number, from 0, as PNG. Raises NoText, also when there is no such page."""
    return asked(raw, str(number))


def asked(raw: bytes, what: str) -> bytes:
    if len(raw) > MOST_BYTES:
        raise NoText("too large")
    command = [sys.executable, "-P", "-m", "postvak.mail.pdf_pages", what]
    try:
        done = subprocess.run(command, input=raw, capture_output=True, timeout=SECONDS, check=True)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise NoText("too slow") from error
    except subprocess.CalledProcessError as error:
        raise NoText(error.stderr.decode("utf-8", "replace").strip()[-200:] or f"exit {error.returncode}") from error
    return done.stdout


def main() -> None:
    """Standard input to standard output; what goes wrong ends the process with one line."""
    limit_process()
    raw, what = sys.stdin.buffer.read(), sys.argv[1]
    try:
        with contextlib.closing(pypdfium2.PdfDocument(raw)) as document:
            answer = str(len(document)).encode() if what == "count" else drawn(document, int(what))
    except (pypdfium2.PdfiumError, IndexError) as error:
        sys.exit(str(error) or "no such page")
    sys.stdout.buffer.write(answer)


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


if __name__ == "__main__":
    main()
