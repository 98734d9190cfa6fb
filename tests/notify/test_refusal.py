"""When no automatic mail may go out: the table of checks, without a database."""

from dataclasses import replace
from datetime import timedelta

import pytest

from postvak.log.sentences import history_line, trace_line
from postvak.mail.parse import parse
from postvak.mail.values import Mail
from postvak.models import AutomaticMail
from postvak.notify.refusal import CHECKS, LIMITS, Occasion, refusal
from tests.mails import mail

Kind = AutomaticMail.Kind
OWN = frozenset({"support@example.org", "hilfe@xn--bcher-kva.example"})
ANN = "ann@customer.example"


def occasion(kind: Kind = Kind.REJECTION, to: str = ANN, raw: bytes = b"", **given: object) -> Occasion:
    whole = {"kind": kind, "recipient": to, "own": OWN, "mail": parse(raw) if raw else parse(mail())}
    return Occasion(**(whole | given))  # type: ignore[arg-type]


def code(asked: Occasion) -> str:
    reason = refusal(asked)
    return reason.code if reason else ""


@pytest.mark.parametrize("kind", Kind)
def test_a_person_outside_gets_every_kind_of_mail(kind: Kind) -> None:
    assert refusal(occasion(kind, to="someone@else.example")) is None


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize(
    "to", ["support@example.org", "SUPPORT@Example.ORG", "support+lamp@example.org", "Hilfe@Bücher.example"]
)
def test_nothing_goes_to_an_address_of_ours_however_it_is_spelt(kind: Kind, to: str) -> None:
    assert code(occasion(kind, to=to)) == "refused_own_address"


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("to", ["", "ann", "ann@", "a b@customer.example", "ann@customer.example\r\nBcc: x@y.example"])
def test_nothing_goes_to_what_is_no_address(kind: Kind, to: str) -> None:
    assert code(occasion(kind, to=to)) == "refused_no_address"


@pytest.mark.parametrize("kind", [Kind.REJECTION, Kind.FORWARD])
@pytest.mark.parametrize(
    "to",
    ["MAILER-DAEMON@customer.example", "postmaster@customer.example", "no-reply@customer.example",
     "shop.noreply@customer.example", "niet-beantwoorden@customer.example", "bounces+12=3@customer.example"],
)  # fmt: skip
def test_no_automatic_mail_goes_where_nobody_reads(kind: Kind, to: str) -> None:
    assert code(occasion(kind, to=to)) == "refused_machine_address"


def test_an_agents_answer_may_go_to_such_an_address() -> None:
    assert refusal(occasion(Kind.RELAY, to="no-reply@customer.example")) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"auto_submitted": "auto-replied"},
        {"auto_submitted": "auto-generated"},
        {"precedence": "bulk"},
        {"precedence": "list"},
        {"list_id": "<lamps.lists.example>"},
        {"x_auto_response_suppress": "All"},
        {"return_path": "<>"},
        {"x_autoreply": "yes"},
        {"subject": "Undelivered Mail Returned to Sender", "sender": "MAILER-DAEMON@mx.example"},
        {"sender": "noreply@shop.example"},
        {"sender": "lamps-owner@lists.example"},
    ],
)
def test_machines_lists_and_bounces_are_never_told_anything(headers: dict[str, str]) -> None:
    assert code(occasion(raw=mail(**headers))) == "refused_automatic"


def test_what_a_machine_wrote_may_be_forwarded_to_somebody_else() -> None:
    report = mail(auto_submitted="auto-generated", sender="monitor@machines.example")
    assert refusal(occasion(Kind.FORWARD, to="admin@else.example", raw=report)) is None


@pytest.mark.parametrize("kind", [Kind.REJECTION, Kind.FORWARD])
def test_our_own_automatic_mail_that_comes_back_ends_the_loop(kind: Kind) -> None:
    back = mail(x_postvak_loop="support@example.org")
    assert code(occasion(kind, to="someone@else.example", raw=back)) == "refused_loop"


def test_a_mail_is_not_forwarded_to_its_own_author() -> None:
    assert code(occasion(Kind.FORWARD, to="Ann@Customer.example")) == "refused_author"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"is_silenced": True}, "refused_silenced"),
        ({"is_spam": True}, "refused_spam"),
        ({"is_forged": True}, "refused_forged"),
        ({"age": timedelta(hours=24, seconds=1)}, "refused_old"),
    ],
)
def test_a_rejection_is_withheld_where_an_answer_would_do_harm(given: dict[str, object], expected: str) -> None:
    asked = occasion(**given)
    assert code(asked) == expected
    assert refusal(replace(asked, kind=Kind.FORWARD, recipient="someone@else.example")) is None


@pytest.mark.parametrize("kind", [Kind.REJECTION, Kind.FORWARD])
def test_the_limit_per_hour_is_the_last_one_that_goes_out(kind: Kind) -> None:
    to = "someone@else.example"
    assert refusal(occasion(kind, to=to, lately=LIMITS[kind] - 1)) is None
    assert code(occasion(kind, to=to, lately=LIMITS[kind])) == "refused_limit"


def test_five_rejections_an_hour_are_the_limit() -> None:
    assert LIMITS[Kind.REJECTION] == 5


def test_an_unknown_original_forbids_nothing_by_itself() -> None:
    none: Mail | None = None
    assert all(refusal(occasion(kind, to="someone@else.example", mail=none)) is None for kind in Kind)


def test_every_refusal_is_a_sentence_in_traces_and_histories() -> None:
    for refused, _kinds, _check in CHECKS:
        parameters = {"to": ANN, "count": 5}
        assert trace_line(["automatic mail", refused, parameters]).title.startswith("Nothing was sent to ")
        assert ANN in history_line(refused, parameters)
