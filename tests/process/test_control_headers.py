"""Every control header of spec 03 × new ticket and follow-up × valid and invalid × trusted or not × by mail or filter.

The table CASES is the spec; everything else is generated from it.
"""

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone

from postvak.conditions.condition import Condition
from postvak.log.sentences import history_line
from postvak.models import (
    Agent,
    CustomerAddress,
    CustomField,
    Mailbox,
    Options,
    Organisation,
    Queue,
    Receipt,
    Status,
    Ticket,
    TicketType,
)
from postvak.models.customer import Customer
from postvak.process.controls import COMPUTED, CONTROLS
from postvak.process.filters.check import names, problems
from postvak.process.filters.draft import Action, Draft
from tests.mails import mail
from tests.process.arrivals import codes, condition, looks, make_filter, parameters, receive, said

pytestmark = pytest.mark.django_db
NEW, FOLLOW_UP = "new", "follow-up"
PREFIXES = ("X-Postvak-", "X-OTOBO-", "X-Znuny-", "X-OTRS-")
NEITHER = "neither"  # for headers whose every value is valid
AGENT_5 = "the number of Cas"  # known only at run time


@dataclass(frozen=True)
class Case:
    """`effect`: what changes on a ticket by the valid value, on a new one and on a follow-up (None: it doesn't apply)."""

    header: str
    valid: str
    invalid: str
    new: dict[str, Any] | None
    follow_up: dict[str, Any] | None
    warning: str = "unknown_value"
    more: dict[str, str] = field(default_factory=dict)


def both(header: str, valid: str, invalid: str, effect: dict[str, Any], **more: Any) -> Case:
    return Case(header, valid, invalid, effect, effect, **more)


WINTER = datetime(2026, 12, 24, 17, 0, tzinfo=UTC)  # 18:00 on the clock of the installation
CASES = [
    both("Queue", "Sales", "Nowhere", {"queue": "Sales"}, warning="unknown_queue"),
    both("Queue", "Company::Sales", "Sales::Nowhere", {"queue": "Sales"}, warning="unknown_queue"),
    both("State", "to clarify", "flying", {"status": "clarify"}),
    both("State", "closed successful", "closed happily", {"status": "closed"}),
    both("State-PendingTime", "2026-12-24 18:00:00", "soon", {"pending": WINTER, "status": "internal"}),
    Case("State-Keep", "1", NEITHER, None, {"status": "customer"}),
    both("Priority", "5", "99", {"priority": 5}),
    both("Priority", "4 high", "4 hoch hinaus", {"priority": 4}),
    both("Priority", "sehr hoch", "sehr", {"priority": 5}),
    both("Type", "incident", "riddle", {"type": "Incident"}),
    both("Service", "gold", "lead", {"fields": {"Service": ["Gold"]}}),
    both("SLA", "Fast", "slow", {"fields": {"SLA": ["Fast"]}}),
    both("Title", "A better title", NEITHER, {"title": "A better title"}),
    both("Owner", "CAS@example.org", "nobody@example.org", {"assignee": "cas@example.org"}),
    both("OwnerID", AGENT_5, "999999", {"assignee": "cas@example.org"}),
    both("Responsible", "bob@example.org", "nobody@example.org", {"followers": ["bob@example.org"]}),
    both("ResponsibleID", AGENT_5, "999999", {"followers": ["cas@example.org"]}),
    both("Lock", "lock", "maybe", {}),
    Case("Lock", "unlocked", "unloved", {}, {"assignee": None}),
    Case("CustomerNo", "k-100", "k-999", {"organisation": "Customer plc"}, None),
    Case("CustomerUser", "amy@customer.example", "amy", {"customer": "amy@customer.example"}, None),
    both("SenderType", "system", "robot", {"author": "system"}),
    both("IsVisibleForCustomer", "0", "perhaps", {"internal": True}),
    both("DynamicField-Count", "0", "many", {"fields": {"Count": ["0"]}}),
    both("DynamicField-COUNT", "12,5", "12 1/2", {"fields": {"Count": ["12.5"]}}),
    both("DynamicField-Machine", "X7", NEITHER, {"fields": {"Machine": ["X7"]}}),
    both("DynamicField-Riddle", NEITHER, "X7", {}, warning="unknown_field"),
    both("TicketValue1", "X7", NEITHER, {"fields": {"Machine": ["X7"]}}, more={"TicketKey1": "Machine"}),
    both("TicketValue16", NEITHER, "X7", {}, more={"TicketKey16": "Riddle"}, warning="unknown_field"),
    both("ArticleValue3", "7", "many", {"fields": {"Count": ["7"]}}, more={"ArticleKey3": "Count"}),
    both("TicketTime6", "2026-12-24 18:00:00", "soon", {"fields": {"TicketTime6": ["2026-12-24"]}}),
]  # fmt: skip
ROWS = [
    (case, sort, is_valid, is_trusted, by_filter)
    for case, sort, is_valid, is_trusted, by_filter in itertools.product(
        CASES, (NEW, FOLLOW_UP), (True, False), (True, False), (False, True)
    )
    if (case.valid if is_valid else case.invalid) != NEITHER
]


def name_of(row: Any) -> str:
    case, sort, is_valid, is_trusted, by_filter = row
    value = case.valid if is_valid else case.invalid
    where = "filter" if by_filter else "mail"
    return f"{case.header}={value}-{sort}-by-{where}-{'trusted' if is_trusted else 'untrusted'}"


@pytest.fixture(autouse=True)
def desk(mailbox: Mailbox, support: Queue, sales: Queue, bob: Agent, cas: Agent) -> None:
    TicketType.objects.create(name="Incident")
    CustomField.objects.bulk_create(
        [
            CustomField(key="Machine", label="Machine"),
            CustomField(key="Count", label="Count", kind="number"),
            CustomField(key="Service", label="Service", kind="choice", options="Gold\nSilver"),
            CustomField(key="SLA", label="SLA", kind="choice", options="Fast"),
            CustomField(key="Colours", label="Colours", kind="choices", options="Red\nGreen\nBlue"),
            CustomField(key="TicketTime6", label="When", kind="date"),
        ]
    )
    Organisation.objects.create(name="Customer plc", number="K-100")
    CustomerAddress.objects.create(customer=Customer.objects.create(name="Amy"), email="amy@customer.example")
    support.members.add(cas)
    sales.members.add(bob)


@pytest.fixture
def waiting(mailbox: Mailbox, bob: Agent) -> Ticket:
    """Ann's ticket, which is Bob's and waits for her."""
    receive(mailbox, mail())
    Ticket.objects.update(status=Status.objects.get(key="customer"), assignee=bob)
    return Ticket.objects.get()


def trust(mailbox: Mailbox, is_trusted: bool = True, **more: str) -> None:
    Mailbox.objects.filter(pk=mailbox.pk).update(is_trusted=is_trusted, **more)


def answer(*, message_id: str = "m2@customer.example", **headers: str) -> bytes:
    return mail(message_id=message_id, in_reply_to="<m1@customer.example>", text="And now?", **headers)


def arrival(mailbox: Mailbox, sort: str, headers: dict[str, str], *, by_filter: bool) -> Receipt:
    """A mail that asks for something by its headers, or a plain mail for which a filter asks for the same."""
    if by_filter:
        make_filter("10 asks", *((f"header:{name}", value) for name, value in headers.items()))
        headers = {}
    (receipt,) = receive(mailbox, (mail if sort == NEW else answer)(**headers))
    return receipt


PLAIN = {
    "queue": "Support", "status": "new", "pending": None, "priority": 3, "type": None, "fields": {},
    "title": "The lamp flickers", "assignee": None, "followers": [], "organisation": None,
    "customer": "ann@customer.example", "tags": [], "spam": False, "author": "customer", "internal": False, "notes": [],
    "messages": 1,
}  # fmt: skip
ANSWERED = PLAIN | {"status": "open", "assignee": "bob@example.org", "messages": 2}


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_a_control_header_does_what_it_says_or_nothing_at_all(
    request: pytest.FixtureRequest, mailbox: Mailbox, cas: Agent, row: tuple[Case, str, bool, bool, bool]
) -> None:
    case, sort, is_valid, is_trusted, by_filter = row
    if sort == FOLLOW_UP:
        request.getfixturevalue("waiting")
    trust(mailbox, is_trusted)
    value = case.valid if is_valid else case.invalid
    value = str(cas.pk) if value == AGENT_5 else value
    effect = case.new if sort == NEW else case.follow_up
    form = "FollowUp-" if sort == FOLLOW_UP and effect is not None else ""
    prefix = PREFIXES[CASES.index(case) % 4]
    headers = {f"{prefix}{form}{name}": text for name, text in {**case.more, case.header: value}.items()}

    receipt = arrival(mailbox, sort, headers, by_filter=by_filter)

    plain = PLAIN if sort == NEW else ANSWERED
    obeyed = is_trusted or by_filter
    assert receipt.outcome == ("new_ticket" if sort == NEW else "follow_up")
    assert receipt.ticket is not None
    assert looks(receipt.ticket) == plain | (effect or {} if obeyed and is_valid else {})
    assert (case.warning in codes(receipt)) == (obeyed and not is_valid and effect is not None)
    assert ("control_not_trusted" in codes(receipt)) == (not is_trusted and not by_filter)
    if not obeyed:
        assert f"{prefix}{form}{case.header}".lower() in said(receipt).lower()
    if obeyed and effect is None and case.header != "State-Keep":
        assert "wishes_for_new_only" in codes(receipt)


def test_the_table_names_every_control_header_that_there_is() -> None:
    told_apart = {"ignore", "loop"}
    legacy = {name for name in CONTROLS if name.startswith(("ticketkey", "ticketvalue", "tickettime", "article"))}
    assert {case.header.lower() for case in CASES} >= set(CONTROLS) - told_apart - legacy
    assert len(legacy) == 16 + 16 + 6 + 3 + 3


@pytest.mark.parametrize("sort", [NEW, FOLLOW_UP])
def test_all_legacy_fields_at_once(request: pytest.FixtureRequest, mailbox: Mailbox, sort: str) -> None:
    if sort == FOLLOW_UP:
        request.getfixturevalue("waiting")
    trust(mailbox)
    form = "FollowUp-" if sort == FOLLOW_UP else ""
    keys = [f"Ticket{n}" for n in range(1, 17)] + [f"Article{n}" for n in range(1, 4)]
    CustomField.objects.bulk_create(CustomField(key=f"Of{key}", label=key) for key in keys)
    CustomField.objects.bulk_create(
        CustomField(key=f"TicketTime{n}", label=f"Time {n}", kind="date") for n in range(1, 6)
    )
    headers = {}
    for key in keys:
        place, number = key.rstrip("0123456789"), key.lstrip("TicketArl")
        headers |= {f"X-OTRS-{form}{place}Key{number}": f"Of{key}", f"X-OTRS-{form}{place}Value{number}": key}
    headers |= {f"X-OTRS-{form}TicketTime{n}": f"2026-12-0{n}" for n in range(1, 7)}
    (receipt,) = receive(mailbox, (mail if sort == NEW else answer)(**headers))
    assert receipt.ticket is not None
    assert receipt.ticket.fields == {f"Of{key}": [key] for key in keys} | {
        f"TicketTime{n}": [f"2026-12-0{n}"] for n in range(1, 7)
    }


@pytest.mark.parametrize("spelling", [str, str.lower, str.upper, str.swapcase])
@pytest.mark.parametrize("prefix", PREFIXES)
def test_prefix_and_letter_case_make_no_difference(mailbox: Mailbox, prefix: str, spelling: Any) -> None:
    trust(mailbox)
    raw = mail().replace(b"Subject:", f"{spelling(prefix + 'Priority')}: 5\r\nSubject:".encode())
    (receipt,) = receive(mailbox, raw)
    assert receipt.ticket is not None
    assert receipt.ticket.priority_id == 5


@pytest.mark.parametrize("form", ["", "FollowUp-"])
def test_the_form_for_the_other_sort_of_mail_does_nothing_and_the_trace_says_so(
    mailbox: Mailbox, waiting: Ticket, form: str
) -> None:
    trust(mailbox)
    headers = {f"X-OTOBO-{form}Priority": "5", f"X-OTOBO-{form}Queue": "Sales"}
    if form:
        (receipt,) = receive(mailbox, mail(message_id="m3@customer.example", subject="Else", **headers))
        assert "wishes_for_follow_ups_only" in codes(receipt)
    else:
        (receipt,) = receive(mailbox, answer(**headers))
        assert "wishes_for_new_only" in codes(receipt)
    assert receipt.ticket is not None
    assert (receipt.ticket.priority_id, receipt.ticket.queue.name) == (3, "Support")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("+2h", 7200), ("-30m", -1800), ("90", 90), ("+45s", 45), ("3d", 3 * 86400), ("+1w", 7 * 86400), ("+ 2H", 7200),
        ("+2y", None), ("2h30m", None), ("+", None), ("2026-13-01", None), ("+999999999w", None), ("", None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("sort", [NEW, FOLLOW_UP])
def test_pending_times(
    request: pytest.FixtureRequest, mailbox: Mailbox, sort: str, value: str, seconds: int | None
) -> None:
    if sort == FOLLOW_UP:
        request.getfixturevalue("waiting")
    trust(mailbox)
    form = "FollowUp-" if sort == FOLLOW_UP else ""
    receipt = arrival(mailbox, sort, {f"X-OTOBO-{form}State-PendingTime": value}, by_filter=False)
    assert receipt.ticket is not None
    found = receipt.ticket.pending_until
    assert (None if found is None else (found - receipt.received_at).total_seconds()) == seconds


YES = ["yes", "true", "1", "YES", " True "]
NO = ["no", "false", "0", "No"]


@pytest.mark.parametrize("by_filter", [False, True])
@pytest.mark.parametrize("is_trusted", [True, False])
@pytest.mark.parametrize("sort", [NEW, FOLLOW_UP])
@pytest.mark.parametrize(
    ("value", "is_ignored"), [*((v, True) for v in YES), *((v, False) for v in NO), ("maybe", False)]
)
def test_ignore(
    request: pytest.FixtureRequest,
    mailbox: Mailbox,
    sort: str,
    value: str,
    is_ignored: bool,
    is_trusted: bool,
    by_filter: bool,
) -> None:
    if sort == FOLLOW_UP:
        request.getfixturevalue("waiting")
    trust(mailbox, is_trusted)
    receipt = arrival(mailbox, sort, {"X-Znuny-Ignore": value}, by_filter=by_filter)
    obeyed = is_trusted or by_filter
    if obeyed and is_ignored:
        assert (receipt.outcome, receipt.ticket) == ("ignored", None)
        assert receipt.blob_id
    else:
        assert receipt.outcome == ("new_ticket" if sort == NEW else "follow_up")
    assert ("unknown_value" in codes(receipt)) == (obeyed and value == "maybe")


@pytest.mark.parametrize("by_filter", [False, True])
@pytest.mark.parametrize("is_trusted", [True, False])
@pytest.mark.parametrize("sort", [NEW, FOLLOW_UP])
@pytest.mark.parametrize(
    ("value", "is_silent"), [*((v, True) for v in YES), *((v, False) for v in NO), ("Whatever", True)]
)
def test_loop(
    request: pytest.FixtureRequest,
    mailbox: Mailbox,
    sort: str,
    value: str,
    is_silent: bool,
    is_trusted: bool,
    by_filter: bool,
) -> None:
    if sort == FOLLOW_UP:
        request.getfixturevalue("waiting")
    trust(mailbox, is_trusted)
    receipt = arrival(mailbox, sort, {"X-Postvak-Loop": value}, by_filter=by_filter)
    assert receipt.outcome == ("new_ticket" if sort == NEW else "follow_up")
    assert ("loop_wished" in codes(receipt)) == (is_silent and (is_trusted or by_filter))
    machine = is_silent and not by_filter  # such a header is a sign of a machine, from wherever it comes
    assert ("kind_auto_reply" in codes(receipt)) == machine


def test_a_loop_header_with_an_address_is_our_own_mark(mailbox: Mailbox) -> None:
    (receipt,) = receive(mailbox, mail(x_postvak_loop="support@example.org"))
    assert "kind_loop" in codes(receipt)


def test_several_headers_of_a_field_are_several_values_and_of_others_the_last_counts(mailbox: Mailbox) -> None:
    trust(mailbox)
    lines = [("DynamicField-Colours", "red"), ("DynamicField-Colours", "Blue"), ("Priority", "1"), ("Priority", "5")]
    extra = "".join(f"X-OTOBO-{name}: {value}\r\n" for name, value in lines).encode()
    (receipt,) = receive(mailbox, extra + mail())
    assert receipt.ticket is not None
    assert receipt.ticket.fields == {"Colours": ["Red", "Blue"]}
    assert receipt.ticket.priority_id == 5


def test_a_login_wins_over_a_number(mailbox: Mailbox, bob: Agent, cas: Agent) -> None:
    trust(mailbox)
    headers = {
        "X-OTRS-OwnerID": str(cas.pk),
        "X-OTRS-Owner": bob.email,
        "X-OTRS-ResponsibleID": str(bob.pk),
        "X-OTRS-Responsible": cas.email,
    }
    (receipt,) = receive(mailbox, mail(**headers))
    assert receipt.ticket is not None
    assert receipt.ticket.assignee == bob
    assert list(receipt.ticket.followers.all()) == [cas]


def test_customer_headers_of_mails_that_come_together_are_each_their_own(mailbox: Mailbox) -> None:
    Organisation.objects.create(name="Other plc", number="K-200")
    trust(mailbox)
    receipts = receive(
        mailbox,
        *(
            mail(message_id=f"n{number}@x.example", text=number, **{"X-OTOBO-CustomerNo": number})
            for number in ("K-100", "K-200", "K-100")
        ),
    )
    found = [receipt.ticket.organisation.name for receipt in receipts if receipt.ticket and receipt.ticket.organisation]
    assert found == ["Customer plc", "Other plc", "Customer plc"]


def test_a_requester_that_nobody_knows_is_made_with_the_organisation_of_his_domain(mailbox: Mailbox) -> None:
    organisation = Organisation.objects.get()
    organisation.domains.create(domain="client.example")
    trust(mailbox)
    (receipt,) = receive(mailbox, mail(sender="form@example.org", **{"X-Postvak-CustomerUser": "Zoe@Client.example"}))
    assert receipt.ticket is not None
    assert receipt.ticket.customer is not None
    assert receipt.ticket.customer.addresses.get().email == "zoe@client.example"
    assert receipt.ticket.customer.organisation == organisation


@pytest.mark.parametrize("is_trusted", [True, False])
@pytest.mark.parametrize("prefix", PREFIXES)
def test_computed_headers_are_always_there_and_never_from_outside(
    mailbox: Mailbox, prefix: str, is_trusted: bool
) -> None:
    trust(mailbox, is_trusted)
    when = [
        condition(f"header:{prefix}AttachmentCount", "equals", "1"),
        condition(f"header:{prefix}AttachmentExists", "equals", "yes"),
        condition(f"header:{prefix}Bounce", "empty"),
        condition(f"header:{prefix}BodyDecrypted", "empty"),
        condition(f"header:{prefix}RecognizedTicketNumber", "empty"),
        condition(f"header:{prefix}FollowUp-RecognizedTicketNumber", "empty"),
    ]
    make_filter("10", ("add_tags", "right"), when=when)
    lies = {"AttachmentCount": "99", "AttachmentExists": "no", "Bounce": "yes", "BodyDecrypted": "x"}
    numbers = {"RecognizedTicketNumber": "1", "FollowUp-RecognizedTicketNumber": "1"}
    extra = "".join(f"{prefix}{name}: {value}\r\n" for name, value in {**lies, **numbers}.items())
    (receipt,) = receive(mailbox, extra.encode() + with_file())
    assert receipt.ticket is not None
    assert [tag.name for tag in receipt.ticket.tags.all()] == ["right"]


def with_file() -> bytes:
    return (
        b"From: ann@customer.example\r\nTo: support@example.org\r\nSubject: File\r\nMessage-ID: <f@customer.example>\r\n"
        b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n'
        b'See.\r\n--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename="a.pdf"\r\n\r\nx\r\n--b--\r\n'
    )


def test_the_recognised_number_is_there_for_conditions(mailbox: Mailbox, waiting: Ticket) -> None:
    seen = condition("header:X-OTRS-FollowUp-RecognizedTicketNumber", "equals", waiting.number)
    make_filter("10", ("add_tags", "seen"), when=[seen])
    receive(mailbox, answer())
    assert [tag.name for tag in waiting.tags.all()] == ["seen"]


@pytest.mark.parametrize("name", COMPUTED)
def test_no_filter_can_set_what_we_compute(name: str) -> None:
    draft = Draft("10", (Condition("subject", "empty"),), (Action(f"header:X-OTOBO-{name}", "1"),))
    assert [problem.part for problem in problems(draft, names())] == ["actions"]


def test_filters_dont_see_what_an_untrusted_mail_asks_for(mailbox: Mailbox) -> None:
    asked = condition("header:X-Postvak-Queue", "equals", "Sales")
    make_filter("10", ("add_tags", "seen"), when=[asked])
    untrusted = receive(mailbox, mail(**{"X-Postvak-Queue": "Sales"}))[0].ticket
    trust(mailbox)
    trusted = receive(mailbox, mail(message_id="m2@customer.example", **{"X-Postvak-Queue": "Sales"}))[0].ticket
    assert untrusted is not None
    assert trusted is not None
    assert (untrusted.tags.count(), trusted.tags.count()) == (0, 1)


def test_unknown_control_headers_are_named_and_left(mailbox: Mailbox) -> None:
    trust(mailbox)
    (receipt,) = receive(mailbox, mail(**{"X-Postvak-Forward": "eve@evil.example", "X-OTRS-Wombat": "1"}))
    assert receipt.outcome == "new_ticket"
    assert parameters(receipt, "control_unknown")[0]["list"].lower() == "x-postvak-forward, x-otrs-wombat"


PASSED = "mx.example.org; dkim=pass header.d=customer.example; dmarc=pass header.from=customer.example"
COVERS = "v=1; d=customer.example; h=from:subject:x-postvak-priority; b=abc"
SIGNED = "mx.example.org; dkim=pass header.d=customer.example"


@pytest.mark.parametrize(
    ("senders", "host", "found", "is_obeyed"),
    [
        ("ann@customer.example", "mx.example.org", PASSED, True),
        ("customer.example", "mx.example.org", PASSED, True),
        ("@customer.example other.example", "MX.example.org", PASSED, True),
        ("example", "mx.example.org", PASSED, True),
        ("customer.example", "mx.example.org", SIGNED, True),
        ("customer.example", "mx.example.org", "mx.example.org; dkim=pass header.d=evil.example", False),
        ("customer.example", "mx.example.org", "mx.example.org; dmarc=fail header.from=customer.example", False),
        ("customer.example", "mx.example.org", "mx.example.org; dkim=fail header.d=customer.example", False),
        ("customer.example", "mx.example.org", "mx.evil.example; dmarc=pass", False),
        ("customer.example", "mx.example.org", "", False),
        ("customer.example", "", PASSED, False),
        ("other.example", "mx.example.org", PASSED, False),
        ("bob@customer.example", "mx.example.org", PASSED, False),
        ("mer.example", "mx.example.org", PASSED, False),
        ("", "", "", True),
    ],
)
def test_trust_can_be_limited_to_senders_whose_mail_is_proven(
    mailbox: Mailbox, senders: str, host: str, found: str, is_obeyed: bool
) -> None:
    Options.objects.update(checks_senders=False)
    trust(mailbox, trusted_senders=senders, receiving_host=host)
    headers = {"authentication_results": found} if found else {}
    headers |= {"dkim_signature": COVERS} if "dkim=pass" in found else {}
    (receipt,) = receive(mailbox, mail(**headers, **{"X-Postvak-Priority": "5"}))
    assert receipt.ticket is not None
    assert receipt.ticket.priority_id == (5 if is_obeyed else 3)
    assert ("control_sender_not_trusted" in codes(receipt)) == (not is_obeyed)
    if not is_obeyed:
        assert "X-Postvak-Priority" in said(receipt)


@pytest.mark.parametrize(
    ("signatures", "priorities"),
    [
        (["h=from:subject"], ["5"]),  # a genuine mail, sent once more with a line in front
        (["h=from:subject:x-postvak-priority"], ["5", "4"]),  # one line is signed, the other one isn't
        (["h=from:subject", "h=from:x-postvak-priority"], ["5"]),  # the host doesn't say which of them is good
        ([], ["5"]),
    ],
)
def test_control_headers_that_the_sender_did_not_sign_are_ignored(
    mailbox: Mailbox, signatures: list[str], priorities: list[str]
) -> None:
    Options.objects.update(checks_senders=False)
    trust(mailbox, trusted_senders="customer.example", receiving_host="mx.example.org")
    lines = [f"X-Postvak-Priority: {one}" for one in priorities]
    lines += [f"DKIM-Signature: v=1; d=customer.example; {one}; b=abc" for one in signatures]
    raw = "".join(f"{line}\r\n" for line in lines).encode() + mail(authentication_results=PASSED)
    (receipt,) = receive(mailbox, raw)
    assert receipt.ticket is not None
    assert receipt.ticket.priority_id == 3
    assert "control_not_signed" in codes(receipt)


def test_a_trusted_sender_with_an_international_domain_is_recognised(mailbox: Mailbox) -> None:
    trust(mailbox, trusted_senders="ann@müller.example", receiving_host="mx.example.org")
    Options.objects.update(checks_senders=False)
    passed = "mx.example.org; dkim=pass header.d=xn--mller-kva.example; dmarc=pass header.from=müller.example"
    covers = COVERS.replace("customer", "xn--mller-kva")
    headers = {"authentication_results": passed, "dkim_signature": covers, "X-Postvak-Priority": "5"}
    raw = mail(sender="ann@müller.example", **headers)
    (receipt,) = receive(mailbox, raw)
    assert receipt.ticket is not None
    assert receipt.ticket.priority_id == 5


def test_a_wish_that_closes_a_follow_up_leaves_nobody_waiting(mailbox: Mailbox, waiting: Ticket) -> None:
    trust(mailbox)
    receive(mailbox, answer(**{"X-OTOBO-FollowUp-State": "closed"}))
    waiting.refresh_from_db()
    assert (waiting.status.key, waiting.is_open, waiting.waiting_since) == ("closed", False, None)
    assert waiting.closed_at is not None
    assert waiting.closed_at <= timezone.now()


def test_keeping_the_status_wins_over_setting_it(mailbox: Mailbox, waiting: Ticket) -> None:
    trust(mailbox)
    (receipt,) = receive(mailbox, answer(**{"X-OTOBO-FollowUp-State": "closed", "X-OTOBO-FollowUp-State-Keep": "1"}))
    waiting.refresh_from_db()
    assert waiting.status.key == "customer"
    assert "status_kept_by_wish" in codes(receipt)


def test_a_status_asked_for_counts_for_automatic_replies_too(mailbox: Mailbox, waiting: Ticket) -> None:
    trust(mailbox)
    (receipt,) = receive(mailbox, answer(auto_submitted="auto-replied", **{"X-OTOBO-FollowUp-State": "to clarify"}))
    waiting.refresh_from_db()
    assert waiting.status.key == "clarify"
    assert "automatic_keeps_status" not in codes(receipt)


def test_what_a_follow_up_changes_stands_in_the_history_in_words(mailbox: Mailbox, waiting: Ticket) -> None:
    trust(mailbox)
    wishes = {
        "Queue": "Sales", "Priority": "5", "Type": "Incident", "Title": "Better", "Owner": "cas@example.org",
        "State-PendingTime": "2026-12-24 18:00", "DynamicField-Count": "7",
    }  # fmt: skip
    (receipt,) = receive(mailbox, answer(**{f"X-OTOBO-FollowUp-{name}": value for name, value in wishes.items()}))
    said = [history_line(row.code, row.parameters) for row in waiting.history.filter(receipt=receipt)]
    assert said == [
        "Mail from ann@customer.example added",
        "Status changed from “waiting for customer” to “waiting internally”",
        "Moved from queue “Support” to “Sales”",
        "Priority changed from “normal” to “very high”",
        "Type changed from “–” to “Incident”",
        "Assigned to Cas de Vries (before: Bob Baker)",
        "Subject changed from “The lamp flickers” to “Better”",
        "Reminder set for 12/24/2026 6 p.m.",
        "Count changed from “–” to “7”",
    ]


def test_a_follow_up_that_changes_nothing_adds_one_line(mailbox: Mailbox, support: Queue) -> None:
    receive(mailbox, mail())
    (receipt,) = receive(mailbox, answer())
    assert [row.code for row in Ticket.objects.get().history.filter(receipt=receipt)] == ["follow_up"]
