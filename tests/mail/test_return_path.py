"""Addresses that name a mail of ours: made short, read back only with our signature."""

import pytest

from postvak.mail.return_path import Kind, Named, is_policy, make, make_token, read

KEY, OTHER = b"secret", b"another"


@pytest.mark.parametrize("number", [0, 1, 35, 36, 10**9, 2**63 - 1])
@pytest.mark.parametrize(
    "policy", ["bounces@example.org", "@bounce.example.org", "a.very.long.local.part.indeed@example.org"]
)
def test_a_return_path_names_its_mail(policy: str, number: int) -> None:
    address = make(policy, number, key=KEY)
    assert len(address.rpartition("@")[0]) <= 64
    assert address == address.lower()
    assert address.endswith("@" + policy.rpartition("@")[2])
    assert read(address, key=KEY) == Named(Kind.MESSAGE, number)


def test_a_return_path_survives_what_servers_do_to_it() -> None:
    address = make("Bounces@Example.org", 4711, key=KEY)
    assert address.startswith("bounces+pv-m")
    for spelt in (address.upper(), f"<{address}>", f" {address} "):
        assert read(spelt, key=KEY) == Named(Kind.MESSAGE, 4711)


def test_nobody_else_can_make_one() -> None:
    address = make("bounces@example.org", 1, key=KEY)
    assert read(address, key=OTHER) is None
    assert read(address.replace("-m1-", "-m2-"), key=KEY) is None
    assert read(address.replace("-m1-", "-t1-"), key=KEY) is None


def test_a_ticket_is_named_behind_the_plus_of_any_address() -> None:
    token = make_token(Named(Kind.TICKET, 99), key=KEY)
    assert read(f"support+{token}@example.org", key=KEY) == Named(Kind.TICKET, 99)
    assert read(f"support+shop+{token}@example.org", key=KEY) == Named(Kind.TICKET, 99)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@",
        "support@example.org",
        "pv-m1@example.org",
        "x-pv-m1-aaaaaaaaaaaaaaaa@example.org",
        "pv-" + "m" * 200_000 + "@x",
    ],
)
def test_other_addresses_name_nothing(address: str) -> None:
    assert read(address, key=KEY) is None


def test_without_a_policy_there_is_no_return_path() -> None:
    assert make("", 1, key=KEY) == ""


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("", True),
        ("bounces@example.org", True),
        ("@bounce.example.org", True),
        ("@bounce", False),
        ("bounces", False),
        ("bounces+x@example.org", False),
        ("b" * 40 + "@example.org", False),
        ("a b@example.org", False),
        ("@", False),
        ("bücher@example.org", False),
    ],
)
def test_a_policy_is_an_address_or_a_domain(text: str, fits: bool) -> None:
    assert is_policy(text) is fits
