"""The settings of sending channels in the TOML file."""

from pathlib import Path

import pytest

from tests.cli.program import Program
from tests.cli.test_config import Setup

CHANNELS = """
[[mailbox]]
name = "Service"
host = "imap.example.org"

[[channel]]
name = "Relay"
host = "smtp.example.org"
connections = 4
rate_per_minute = 60
size_limit = 25
return_path = "Bounces@example.org"
copies_to = "Service"
copies_folder = "Sent"
default = true

[[channel]]
name = "Mailgun"
kind = "provider"
provider = "mailgun"

[channel.provider_settings]
sender_domain = "example.org"
api_key = { env = "MAILGUN_KEY" }
"""


@pytest.fixture
def setup(program: Program, tmp_path: Path) -> Setup:
    return Setup(program, tmp_path)


def test_all_settings_of_channels_are_applied_and_exported_without_secrets(setup: Setup) -> None:
    done = setup.apply(CHANNELS, MAILGUN_KEY="top-secret")
    assert (done.code, done.err) == (0, "")
    exported = setup.program.run("config", "export").out
    for line in (
        "connections = 4", "rate_per_minute = 60", "size_limit = 25", 'return_path = "bounces@example.org"',
        'copies_to = "Service"', 'copies_folder = "Sent"', 'provider = "mailgun"', 'sender_domain = "example.org"',
    ):  # fmt: skip
        assert line in exported, line
    assert "top-secret" not in exported
    assert "api_key" not in exported
    again = setup.apply(CHANNELS, MAILGUN_KEY="top-secret")
    assert again.out == "Nothing to change.\n", again.out


def test_the_exported_file_changes_nothing_and_keeps_secrets(setup: Setup) -> None:
    setup.apply(CHANNELS, MAILGUN_KEY="top-secret")
    exported = setup.program.run("config", "export").out
    before = setup.program.contents()
    done = setup.apply(exported)
    assert (done.code, done.err) == (0, "")
    assert setup.program.contents() == before


def test_a_new_secret_and_another_setting_of_a_provider_are_told(setup: Setup) -> None:
    setup.apply(CHANNELS, MAILGUN_KEY="top-secret")
    done = setup.apply(CHANNELS, MAILGUN_KEY="newer")
    assert "channel “Mailgun”: provider_settings '(secret)' → '(new secret)'" in done.out
    done = setup.apply(
        CHANNELS.replace('sender_domain = "example.org"', 'sender_domain = "mg.org"'), MAILGUN_KEY="newer"
    )
    assert "mg.org" in done.out


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('return_path = "Bounces@example.org"', 'return_path = "bounces"', "return_path"),
        ("connections = 4", "connections = 40", "connections"),
        ('provider = "mailgun"', 'provider = "mailgnu"', "there is no provider “mailgnu”"),
        ("sender_domain = ", "sender_domian = ", "Mailgun has no setting “sender_domian”"),
        ('api_key = { env = "MAILGUN_KEY" }', 'api_key = "clear"', "never in clear"),
        ('sender_domain = "example.org"\n', "", "Fill in for Mailgun: Sending domain."),
        ('host = "imap.example.org"', 'kind = "http"', "copies_to"),
    ],
)
def test_wrong_settings_are_refused_with_the_place(setup: Setup, before: str, after: str, said: str) -> None:
    assert before in CHANNELS
    assert said in setup.refused(CHANNELS.replace(before, after), MAILGUN_KEY="x")
