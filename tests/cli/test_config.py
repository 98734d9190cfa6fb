"""`postvak config`: the set-up as a file that can be applied again and again, whole or not at all."""

import base64
import json
import sqlite3
import tomllib
from pathlib import Path

import pytest

from postvak.crypto.sealing import unseal
from tests.cli.program import Done, Program

COMPLETE = """
[[channel]]
name = "Relay"
kind = "smtp"
host = "smtp.example.org"
port = 465
security = "tls"
verify_tls = false
username = "relay"
password = { env = "RELAY_PASSWORD" }
default = true

[[brand]]
name = "Example"
signature = "{agent}\\nExample Inc."
salutation = { all = "Dear {{ customer.name }}", nl = { html = "<p>Beste <b>klant</b></p>" } }
look = { accent = "#123456", reply_line = true, logo = { file = "logo.png" } }
name_mode = "both"
stacks_signatures = true
language = "nl"
channel = "Relay"

[[agent]]
email = "Bob@example.org"
name = "Bob Baker"
admin = true
language = "de"
time_zone = "Europe/Berlin"
password = { file = "bob.txt" }
signature = { de = "Bob aus Berlin" }

[[queue]]
name = "Support"
colour = "sea"
brand = "Example"
default = true
address = "support@example.org"
members = ["bob@example.org"]

[[address]]
email = "Support@example.org"
display_name = "Example Support"
queue = "Support"
channel = "Relay"
comment = "the main one"
name_mode = "agent"
signature = { html = "<b>Support</b>" }

[[mailbox]]
name = "Support"
kind = "imap"
host = "imap.example.org"
port = 143
security = "starttls"
username = "support"
password = { env = "MAILBOX_PASSWORD" }
folders = "INBOX,Lists/Grüße"
queue = "Support"
reply_via = "Relay"
start_at = 2026-11-01T08:00:00Z
after_storing = "move"
move_to = "Done"
interval = 30
size_limit = 25
comment = "old account"
"""
SECRETS = {"RELAY_PASSWORD": "geheim", "MAILBOX_PASSWORD": "ook geheim"}
NOTHING = "Nothing to change.\n"


class Setup:
    """A file and the program that it is applied to."""

    def __init__(self, program: Program, folder: Path) -> None:
        self.program, self.path = program, folder / "setup.toml"
        (folder / "bob.txt").write_text("correct horse battery\n")
        (folder / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n a logo")

    def apply(self, text: str, *options: str, **environment: str) -> Done:
        self.path.write_text(text)
        return self.program.run("config", "apply", self.path, *options, **environment)

    def refused(self, text: str, **environment: str) -> str:
        """The one sentence; everything is as before."""
        before = self.program.contents()
        done = self.apply(text, **environment)
        assert (done.code, done.out) == (1, ""), done
        assert done.err.startswith(f"postvak: {self.path}")
        assert done.err.count("\n") == 1, done.err
        assert self.program.contents() == before
        return done.err


@pytest.fixture
def setup(program: Program, tmp_path: Path) -> Setup:
    return Setup(program, tmp_path)


def rows(program: Program, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(program.sqlite) as database:
        return database.execute(query).fetchall()


def test_a_complete_file_is_applied_once_and_then_changes_nothing(setup: Setup) -> None:
    first = setup.apply(COMPLETE, **SECRETS)
    assert (first.code, first.err) == (0, "")
    assert first.out.startswith("~ brand “Example”: name 'Postvak' → 'Example'\n")
    assert "+ channel “Relay”\n" in first.out
    assert first.out.endswith("Done.\n")
    before = setup.program.contents()
    assert setup.apply(COMPLETE, **SECRETS).out == NOTHING
    assert setup.program.contents() == before


def test_what_is_exported_changes_nothing_when_applied(setup: Setup) -> None:
    setup.apply(COMPLETE, **SECRETS)
    exported = setup.program.ok("config", "export")
    assert setup.apply(exported).out == NOTHING
    assert setup.program.ok("config", "export") == exported


def test_an_export_makes_the_same_setup_elsewhere(setup: Setup, installed: Program, tmp_path: Path) -> None:
    setup.apply(COMPLETE, **SECRETS)
    exported = setup.program.ok("config", "export")
    other = Setup(installed.copied_to(tmp_path / "elsewhere"), tmp_path)
    assert other.apply(exported).err == ""
    assert other.program.ok("config", "export") == exported


def test_the_export_of_a_new_installation_changes_nothing(setup: Setup) -> None:
    assert setup.apply(setup.program.ok("config", "export")).out == NOTHING


def test_wordings_and_look_are_written_and_exported(setup: Setup) -> None:
    setup.apply(COMPLETE, **SECRETS)
    query = "SELECT part, language, text, html FROM postvak_wording ORDER BY part, language, text"
    assert rows(setup.program, query) == [
        ("salutation", "", "Dear {{ customer.name }}", ""),
        ("salutation", "nl", "", "<p>Beste <b>klant</b></p>"),
        ("signature", "", "", "<b>Support</b>"),
        ("signature", "", "{{ agent.name }}\nExample Inc.", ""),
        ("signature", "de", "Bob aus Berlin", ""),
    ]
    exported = tomllib.loads(setup.program.ok("config", "export"))
    brand = next(one for one in exported["brand"] if one["name"] == "Example")
    assert brand["signature"] == "{{ agent.name }}\nExample Inc."
    assert brand["salutation"]["nl"] == {"html": "<p>Beste <b>klant</b></p>"}
    assert (brand["look"]["accent"], brand["look"]["reply_line"]) == ("#123456", True)
    assert base64.b64decode(brand["look"]["logo"]).endswith(b" a logo")


def test_a_text_that_the_file_no_longer_names_goes_and_the_logo_stays(setup: Setup) -> None:
    setup.apply(COMPLETE, **SECRETS)
    changed = setup.apply('[[brand]]\nname = "Example"\nsalutation = "Hi"\nlook = { accent = "#654321" }\n')
    assert "salutation" in changed.out
    assert "look" in changed.out
    query = "SELECT language, text FROM postvak_wording WHERE part = 'salutation'"
    assert rows(setup.program, query) == [("", "Hi")]
    assert rows(setup.program, "SELECT accent, logo_type FROM postvak_look") == [("#654321", "image/png")]
    setup.apply('[[brand]]\nname = "Example"\nsignature = ""\nlook = false\n')
    assert rows(setup.program, "SELECT count(*) FROM postvak_look") == [(0,)]
    assert rows(
        setup.program, "SELECT count(*) FROM postvak_wording WHERE part = 'signature' AND brand_id IS NOT NULL"
    ) == [(0,)]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ('signature = "{{ agent.salary }}"', "Nothing fills {{ agent.salary }}."),
        ("signature = 3", "write a text"),
        ('signature = { nl = { htlm = "x" } }', "write a text"),
        ('signature = { dutch = "x" }', "“dutch” is no language"),
        ('look = { colour = "#123456" }', "write a table with accent"),
        ('look = { accent = "red" }', "accent: A colour is"),
        ('look = { width = "wide" }', "width"),
        ('look = { logo = { file = "missing.png" } }', "logo.png"),
        ('look = { logo = "!!" }', "base64"),
        ('look = { logo = "QUJD" }', "PNG, JPEG or GIF"),
        ('name_mode = "nobody"', "name_mode"),
    ],
)
def test_a_wrong_wording_or_look_is_refused(setup: Setup, setting: str, words: str) -> None:
    assert words in setup.refused(f'[[brand]]\nname = "Example"\n{setting}\n')


def test_no_secret_is_exported(setup: Setup) -> None:
    setup.apply(COMPLETE, **SECRETS)
    exported = setup.program.ok("config", "export")
    for secret in (*SECRETS.values(), "correct horse battery", "gAAAA", "argon2"):
        assert secret not in exported


def test_secrets_come_from_environment_and_file_and_are_sealed(setup: Setup) -> None:
    setup.apply(COMPLETE, **SECRETS)
    keys = tuple((setup.program.data / "sealing.keys").read_bytes().split())
    ((sealed,),) = rows(setup.program, "SELECT sealed_password FROM postvak_channel")
    assert unseal(str(sealed), keys) == "geheim"
    ((sealed,),) = rows(setup.program, "SELECT sealed_password FROM postvak_mailbox WHERE name = 'Support'")
    assert unseal(str(sealed), keys) == "ook geheim"
    ((hashed,),) = rows(setup.program, "SELECT password FROM postvak_agent")
    assert str(hashed).startswith("argon2$")
    assert not any("geheim" in row or "correct horse" in row for row in setup.program.contents())


def test_a_new_secret_is_shown_as_a_change_but_not_what_it_is(setup: Setup) -> None:
    setup.apply(COMPLETE, **SECRETS)
    done = setup.apply(COMPLETE, **SECRETS | {"RELAY_PASSWORD": "nieuw"})
    assert done.out == "~ channel “Relay”: password '(secret)' → '(new secret)'\nDone.\n"


def test_what_the_file_does_not_name_stays(setup: Setup) -> None:
    setup.apply(COMPLETE, **SECRETS)
    done = setup.apply('[[mailbox]]\nname = "Support"\ninterval = 90\n')
    assert done.out == "~ mailbox “Support”: interval 30 → 90\nDone.\n"
    query = "SELECT host, \"interval\", sealed_password <> '' FROM postvak_mailbox WHERE name = 'Support'"
    assert rows(setup.program, query) == [("imap.example.org", 90, 1)]
    assert len(rows(setup.program, "SELECT 1 FROM postvak_channel")) == 1


def test_a_dry_run_shows_the_differences_and_writes_nothing(setup: Setup) -> None:
    before = setup.program.contents()
    dry = setup.apply(COMPLETE, "--dry-run", **SECRETS)
    assert setup.program.contents() == before
    assert dry.out.endswith("Nothing was written (dry run).\n")
    real = setup.apply(COMPLETE, **SECRETS)
    assert dry.out.splitlines()[:-1] == real.out.splitlines()[:-1]


def test_the_differences_as_json(setup: Setup) -> None:
    done = setup.apply('[[queue]]\nname = "Inbox"\ncolour = "moss"\n[[queue]]\nname = "New"\n', "--json")
    assert json.loads(done.out) == [
        {"section": "queue", "key": "Inbox", "field": "colour", "old": "petrol", "new": "moss"},
        {"section": "queue", "key": "New", "field": "", "old": None, "new": None},
    ]


def test_the_default_queue_can_be_another_one(setup: Setup) -> None:
    setup.apply('[[queue]]\nname = "New"\ndefault = true\n')
    assert rows(setup.program, "SELECT name FROM postvak_queue WHERE is_default") == [("New",)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[qeue]]\nname = 'x'\n", "unknown section: “qeue”. Did you mean “queue”?"),
        ("[[queue]]\nname = 'x'\ncolor = 'sea'\n", "unknown setting in [[queue]]: “color”. Did you mean “colour”?"),
        ("[[queue]]\nname = 'x'\nqqq = 1\n", "unknown setting in [[queue]]: “qqq”. There are: name, colour,"),
        ("[queue]\nname = 'x'\n", "write [[queue]] with double brackets"),
        ("[[queue]]\ncolour = 'sea'\n", "each [[queue]] needs a name."),
        ("[[queue]]\nname = 'x'\ncolour = 'pink'\n", "[[queue]] “x”, colour: "),
        ("[[queue]]\nname = 'x'\nvalid = 'yes'\n", "[[queue]] “x”, valid: write true or false, not 'yes'."),
        ("[[queue]]\nname = 'x'\nmembers = ['dan@x.example']\n", "there is no agent “dan@x.example”."),
        ("[[queue]]\nname = 'Inbox'\ndefault = false\n", "one queue must be the default one"),
        ("[[queue]]\nname = 'Inbox'\nvalid = false\n", "[[queue]] “Inbox” contradicts another setting"),
        (
            "[[mailbox]]\nname = 'Command line'\n[[mailbox]]\nname = 'x'\nkind = 'local'\n",
            "[[mailbox]] “x” contradicts another setting",
        ),
        ("[[mailbox]]\nname = 'x'\nport = -1\n", "[[mailbox]] “x”, port: write a whole number, not -1."),
        ("[[mailbox]]\nname = 'x'\nqueue = 'Suport'\n", "there is no queue “Suport” (there are: Before, Inbox)."),
        ("[[mailbox]]\nname = 'x'\nstart_at = 2026-11-21\n", "write a date and time such as"),
        ("[[mailbox]]\nname = 'x'\npassword = 'clear'\n", "never in clear."),
        ("[[address]]\nemail = 'no address'\nqueue = 'Inbox'\n", "[[address]] “no address”, email: "),
        ("[[queue]\nname", "this is no valid TOML: "),
        ("= without a table", "this is no valid TOML: "),
    ],
)
def test_a_mistake_is_one_sentence_that_names_the_place_and_nothing_is_changed(
    setup: Setup, text: str, said: str
) -> None:
    err = setup.refused(f"[[queue]]\nname = 'Before'\n{text}" if text.startswith("[[") else text)
    assert said in err
    assert err.endswith("Nothing was changed.\n")


def test_a_missing_environment_variable_is_one_sentence_and_nothing_is_half_written(setup: Setup) -> None:
    err = setup.refused(COMPLETE, RELAY_PASSWORD="geheim")
    assert "[[mailbox]] “Support”, password: the environment variable MAILBOX_PASSWORD is not set." in err


def test_a_missing_secret_file_is_one_sentence_and_nothing_is_half_written(setup: Setup) -> None:
    (setup.path.parent / "bob.txt").unlink()
    err = setup.refused(COMPLETE, **SECRETS)
    assert "[[agent]] “bob@example.org”, password: the file bob.txt can't be read: No such file" in err


def test_a_file_in_another_encoding_is_one_sentence(setup: Setup) -> None:
    setup.path.write_bytes("[[queue]]\nname = 'Grüße'\n".encode("latin-1"))
    done = setup.program.run("config", "apply", setup.path)
    assert done.err == f"postvak: {setup.path} is not in UTF-8, as TOML must be. Save it in that encoding.\n"


def test_a_missing_file_is_one_sentence(program: Program, tmp_path: Path) -> None:
    done = program.run("config", "apply", tmp_path / "none.toml")
    assert (done.code, done.err) == (
        1,
        f"postvak: {tmp_path / 'none.toml'} can't be read: No such file or directory.\n",
    )


def test_a_file_can_repair_a_password_that_can_not_be_opened_any_more(setup: Setup) -> None:
    setup.apply(COMPLETE, **SECRETS)
    (setup.program.data / "sealing.keys").unlink()
    done = setup.apply(COMPLETE, **SECRETS)
    assert "channel “Relay”: password" in done.out
    keys = tuple((setup.program.data / "sealing.keys").read_bytes().split())
    ((sealed,),) = rows(setup.program, "SELECT sealed_password FROM postvak_channel")
    assert unseal(str(sealed), keys) == "geheim"


OPTIONS = """
[options]
numbers = "counter"
hook = ""
subject_place = "left"
stranger = "hold"
number_in_body = true
"""


def test_the_options_are_one_table(setup: Setup) -> None:
    assert "~ options “1”: numbers 'date' → 'counter'" in setup.apply(OPTIONS).out
    query = "SELECT numbers, hook, subject_place, stranger, number_in_body, number_in_attachments FROM postvak_options"
    assert rows(setup.program, query) == [("counter", "", "left", "hold", 1, 0)]
    assert setup.apply(OPTIONS).out == NOTHING
    exported = setup.program.ok("config", "export")
    assert 'hook = ""' in exported
    assert setup.apply(exported).out == NOTHING


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[options]]\nhook = '#'\n", "write [options] with single brackets"),
        ("[options]\nid = 2\n", "unknown setting in [options]: “id”"),
        ("[options]\nhok = '#'\n", "Did you mean “hook”?"),
        ("[options]\nhook = 'T1'\n", "[options], hook: "),
        ("[options]\nnumbers = 'roman'\n", "[options], numbers: "),
    ],
)
def test_wrong_options_are_refused_with_the_place(setup: Setup, text: str, said: str) -> None:
    assert said in setup.refused(text)
