"""`postvak ingest`: every way to hand mails over, each mail once, and an answer for each."""

import json
import mailbox as mailboxes
import secrets
from pathlib import Path

import pytest

from tests.cli.program import Program
from tests.mails import mail
from tests.servers.postgres import Postgres


def numbered(count: int) -> list[bytes]:
    return [mail(subject=f"Mail {n}", message_id=f"n{n}@customer.example", text=str(n)) for n in range(count)]


def lines(out: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.splitlines()]


def outcomes(out: str) -> list[object]:
    return [line["outcome"] for line in lines(out)]


def test_a_file_becomes_a_ticket_and_the_line_says_which(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "mail.eml"
    path.write_bytes(mail())
    (line,) = lines(program.ok("ingest", "--json", path))
    assert line == {"receipt": 1, "outcome": "new_ticket", "ticket": line["ticket"]}
    assert len(str(line["ticket"])) == 14


def test_without_json_there_is_a_sentence_for_each_mail(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "mail.eml"
    path.write_bytes(mail())
    assert program.ok("ingest", path).startswith("receipt 1: ticket created, ticket 20")


def test_stdin_is_one_mail(program: Program) -> None:
    assert outcomes(program.ok("ingest", "--json", "-", stdin=mail())) == ["new_ticket"]


def test_what_is_no_mail_is_stored_and_held(program: Program) -> None:
    assert outcomes(program.ok("ingest", "--json", "-", stdin=b"\x00\xff" * 100)) == ["held"]


def test_a_directory_is_read_with_everything_below_it(program: Program, tmp_path: Path) -> None:
    folder = tmp_path / "mails"
    for n, raw in enumerate(numbered(3)):
        (folder / str(n % 2)).mkdir(parents=True, exist_ok=True)
        (folder / str(n % 2) / f"{n}.eml").write_bytes(raw)
    (folder / ".hidden").write_bytes(mail(message_id="hidden@x.example"))
    assert outcomes(program.ok("ingest", "--json", folder)) == ["new_ticket"] * 3


def test_a_maildir_is_read_without_what_is_still_being_written(program: Program, tmp_path: Path) -> None:
    maildir = mailboxes.Maildir(tmp_path / "Maildir")
    for raw in numbered(2):
        maildir.add(raw)
    (tmp_path / "Maildir" / "tmp" / "half").write_bytes(b"From: a@x.example\r\nSubject: ha")
    assert outcomes(program.ok("ingest", "--json", tmp_path / "Maildir")) == ["new_ticket"] * 2


def test_an_mbox_file_is_read_mail_by_mail(program: Program, tmp_path: Path) -> None:
    mbox = mailboxes.mbox(tmp_path / "old.mbox")
    for raw in (*numbered(2), mail(message_id="q@x.example", text="First\nFrom here on it flickers.")):
        mbox.add(raw)
    mbox.close()
    assert outcomes(program.ok("ingest", "--json", tmp_path / "old.mbox")) == ["new_ticket"] * 3


def test_the_same_mails_again_are_the_same_receipts(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "mail.eml"
    path.write_bytes(mail())
    first = program.ok("ingest", "--json", path)
    assert program.ok("ingest", "--json", path, path) == first * 2
    assert program.ok("ingest", "--json", "-", stdin=mail()) == first


def test_the_same_mail_by_another_route_is_a_duplicate_on_the_same_ticket(program: Program) -> None:
    (first,) = lines(program.ok("ingest", "--json", "-", stdin=mail()))
    other = b"Received: by mx2.example.org; Sat, 21 Nov 2026 10:00:05 +0100\r\n" + mail()
    (second,) = lines(program.ok("ingest", "--json", "-", stdin=other))
    assert (second["outcome"], second["ticket"]) == ("duplicate", first["ticket"])
    assert second["receipt"] != first["receipt"]


def test_many_mails_come_in_their_order(program: Program, tmp_path: Path) -> None:
    mbox = mailboxes.mbox(tmp_path / "many.mbox")
    for number, raw in enumerate(numbered(130)):  # a sender may not open so many tickets in an hour
        mbox.add(raw.replace(b"ann@customer.example", b"ann%d@customer.example" % number))
    mbox.close()
    found = lines(program.ok("ingest", "--json", tmp_path / "many.mbox"))
    assert [line["receipt"] for line in found] == sorted(line["receipt"] for line in found)  # type: ignore[type-var]
    assert len({line["ticket"] for line in found}) == 130


def test_a_missing_file_is_one_sentence_and_nothing_is_stored(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "mail.eml"
    path.write_bytes(mail())
    before = program.contents()
    done = program.run("ingest", "--json", path, tmp_path / "missing.eml")
    assert (done.code, done.out) == (1, "")
    assert done.err == f"postvak: There is no file {tmp_path / 'missing.eml'}.\n"
    assert program.contents() == before


def test_a_mail_that_can_not_be_stored_asks_the_mta_to_try_later(program: Program) -> None:
    (program.data / "blobs").write_text("a file where the directory of large mails should be")
    large = mail(text=secrets.token_hex(300_000))
    done = program.run("ingest", "-", stdin=large)
    assert done.code == 75
    assert done.err.startswith("postvak: Not everything could be stored: ")
    assert done.err.count("\n") == 1
    assert "Traceback" not in done.err
    (program.data / "blobs").unlink()
    assert outcomes(program.ok("ingest", "--json", "-", stdin=large)) == ["new_ticket"]


def test_a_named_mailbox_gets_the_mail_and_an_unknown_one_is_one_sentence(program: Program, tmp_path: Path) -> None:
    setup = tmp_path / "setup.toml"
    setup.write_text('[[queue]]\nname = "Web"\n[[mailbox]]\nname = "Shop"\nhost = "imap.x"\nqueue = "Web"\n')
    program.ok("config", "apply", setup)
    assert outcomes(program.ok("ingest", "--json", "--mailbox", "Shop", "-", stdin=mail())) == ["new_ticket"]
    done = program.run("ingest", "--mailbox", "Shpo", "-", stdin=mail())
    assert done.code == 1
    assert done.err == "postvak: There is no mailbox “Shpo”. There are: “Command line”, “Shop”.\n"


def test_ingest_without_a_path_is_wrong_usage(program: Program) -> None:
    assert program.run("ingest").code == 2


def test_it_works_on_postgresql(program: Program, postgres: Postgres) -> None:
    url = postgres.create_database("cli")
    try:
        other = Program(program.data, database=url)
        first = other.ok("ingest", "--json", "-", stdin=mail())
        assert outcomes(first) == ["new_ticket"]
        assert other.ok("ingest", "--json", "-", stdin=mail()) == first
    finally:
        postgres.drop_database("cli")


@pytest.mark.parametrize("option", ["--help", "ingest --help", "config --help"])
def test_help_needs_no_database(program: Program, option: str) -> None:
    done = program.run(*option.split(), POSTVAK_DATABASE="postgres://nobody@127.0.0.1:1/none")
    assert done.code == 0
    assert "Usage" in done.out
