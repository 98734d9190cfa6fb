"""Words made unreadable in a raw mail: nothing else of it changes."""

import base64
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from postvak.mail.parse import attachment_content, parse
from postvak.mail.redact import MARK, Pattern, pattern_of, redact
from tests.mails import mail


def looking_for(*words: str, **shapes: bool) -> Pattern:
    found = pattern_of(words, **shapes)
    assert found is not None
    return found


def test_only_the_word_changes_and_every_other_byte_stays() -> None:
    raw = mail(text="My secret is Tulip.\r\nOdd   \t bytes \xe9 stay.")
    done = redact(raw, looking_for("tulip"))
    assert done.raw == raw.replace(b"Tulip", MARK.encode())
    assert done.places == 1


def test_a_mail_without_the_word_is_the_same_bytes() -> None:
    raw = b"\r\n" + mail(text="Nothing here")
    assert redact(raw, looking_for("tulip")).raw is raw


def test_a_name_isnt_found_inside_another_one() -> None:
    assert looking_for("Ann").hide("Annex, ann, Hann, Ann's") == (f"Annex, {MARK}, Hann, {MARK}'s", 2)


def test_words_are_found_across_lines_and_marks_of_quotes() -> None:
    text = "> my account is with\n> Ann\n> Archer now"
    assert looking_for("Ann Archer").hide(text) == (f"> my account is with\n> {MARK} now", 1)


@pytest.mark.parametrize("shown", ["Ann&nbsp;Archer", "<b>A</b>nn Archer", "Ann <i>Archer</i>", "ann\r\narcher"])
def test_in_html_tags_and_entities_hide_no_word(shown: str) -> None:
    hidden, count = looking_for("Ann Archer").hide(f"<p>{shown}</p>", is_html=True)
    assert count == 1
    assert "rcher" not in hidden


@pytest.mark.parametrize("shown", ["ann@customer.example", "ann&#64;customer.example", "ann&#x40;customer&#46;example"])
def test_in_html_an_address_is_found_however_it_is_written(shown: str) -> None:
    assert looking_for("ann@customer.example").hide(f"<a>{shown}</a>", is_html=True) == (f"<a>{MARK}</a>", 1)


def letter(**parts: str) -> EmailMessage:
    made = EmailMessage(policy=policy.SMTP)
    made["From"], made["To"] = "Jürgen Größe <jg@customer.example>", "support@example.org"
    made["Subject"] = "Für Jürgen Größe"
    made.set_content(parts.get("text", "Grüße von Jürgen Größe\n"), cte=parts.get("cte", "base64"))
    made.add_alternative("<p>Jürgen <b>Größe</b></p>", subtype="html", cte="quoted-printable")
    made.add_attachment(b"%PDF Jurgen", maintype="application", subtype="pdf", filename="Rechnung Jürgen Größe.pdf")
    return made


@pytest.mark.parametrize("cte", ["base64", "quoted-printable", "8bit"])
def test_encoded_parts_headers_and_names_of_files_are_read_and_encoded_again(cte: str) -> None:
    raw = letter(cte=cte).as_bytes()
    done = redact(raw, looking_for("Jürgen Größe"))
    now = parse(done.raw)
    assert "Größe" not in f"{now.subject} {now.text} {now.html} {now.author} {now.attachments}"
    assert now.subject == f"Für {MARK}"
    assert now.text.strip() == f"Grüße von {MARK}"
    assert now.attachments[0].name.startswith("Rechnung ")
    assert attachment_content(done.raw, now.attachments[0].index)[1] == b"%PDF Jurgen"
    assert [part.get_content_type() for part in message_from_bytes(done.raw).walk()] == [
        part.get_content_type() for part in message_from_bytes(raw).walk()
    ]


def test_a_mail_inside_the_mail_is_looked_through_too() -> None:
    made = letter()
    made.add_attachment(message_from_bytes(mail(text="My secret is Tulip."), policy=policy.SMTP))
    done = redact(made.as_bytes(), looking_for("tulip"))
    assert done.places == 1
    assert b"Tulip" not in done.raw


def test_a_file_goes_as_a_whole_and_its_name_says_so() -> None:
    raw = letter().as_bytes()
    index = parse(raw).attachments[0].index
    done = redact(raw, None, remove=frozenset({index}), note="It was removed.")
    (file,) = parse(done.raw).attachments
    assert done.removed == 1
    assert file.name.endswith(".pdf.removed.txt")
    assert attachment_content(done.raw, file.index)[1] == b"It was removed."
    assert base64.b64encode(b"%PDF Jurgen") not in done.raw
    assert parse(done.raw).text == parse(raw).text


@pytest.mark.parametrize(
    "text",
    ["NL91 ABNA 0417 1643 00", "DE89370400440532013000", "+31 (0)20 624 11 11", "020-6241111", "0049 30 1234567"],
)
def test_account_and_telephone_numbers_are_known_by_their_shape(text: str) -> None:
    hidden, count = looking_for(iban=True, phone=True).hide(f"It is {text}, thanks")
    assert (hidden, count) == (f"It is {MARK}, thanks", 1)


@pytest.mark.parametrize(
    "text",
    ["22.11.2026", "at 10:15", "order 12345", "€ 1.234,56", "2026-11-22 16:30", "01.02.2026", "01-02-26 at 09:15"],
)
def test_dates_and_prices_are_no_telephone_numbers(text: str) -> None:
    assert looking_for(phone=True).hide(f"It is {text}.")[1] == 0


@pytest.mark.parametrize(
    "raw", [b"", b"\0", b"\xff\xfe", b"Content-Type: multipart/mixed; boundary=x\n\n--x", b"--x\n\n--x--"]
)
def test_whatever_the_bytes_are_nothing_breaks(raw: bytes) -> None:
    assert redact(raw, looking_for("Ann", iban=True, phone=True)).places == 0
