"""Commands at the top of an agent's mail."""

import pytest

from postvak.mail.commands import split_commands


@pytest.mark.parametrize(
    ("text", "commands", "rest"),
    [
        ("", (), ""),
        ("Hello", (), "Hello"),
        ("#close", (("close", ""),), ""),
        ("\n #Close \n#assign  Me\n\nHello\n\nBye\n", (("close", ""), ("assign", "Me")), "Hello\n\nBye"),
        ("Hello\n#close", (), "Hello\n#close"),
        ("#closed doors", (), "#closed doors"),
        ("#1 first\n#close", (), "#1 first\n#close"),
        ("#tag " + "x" * 101, (), "#tag " + "x" * 101),
    ],
)
def test_lines_at_the_top_are_commands_until_one_is_none(
    text: str, commands: tuple[tuple[str, str], ...], rest: str
) -> None:
    assert split_commands(text) == (commands, rest)
