"""The text of PDFs: read apart, with limits; a broken one has none."""

import pytest

from postvak.mail import pdf as module
from postvak.mail.pdf import NoText, pdf_text
from tests.tickets.papers import pdf


def test_the_text_of_a_pdf_is_read() -> None:
    assert "three floodlights" in pdf_text(pdf("Invoice for three floodlights"))


@pytest.mark.parametrize("raw", [b"", b"%PDF-1.4 nothing", b"\x00" * 5000, pdf("cut off")[:40]])
def test_a_broken_pdf_has_no_text(raw: bytes) -> None:
    with pytest.raises(NoText, match="PDF"):
        pdf_text(raw)


def test_only_so_many_pages_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pdf_text(pdf("again", pages=80)).count("again") == module.MOST_PAGES


def test_what_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.01)
    with pytest.raises(NoText, match="slow"):
        pdf_text(pdf("slow"))


def test_what_is_too_large_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 100)
    with pytest.raises(NoText, match="large"):
        pdf_text(pdf("large"))
