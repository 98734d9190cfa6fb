"""Filters of OTOBO, Znuny and OTRS: read from every form that they come in, and then the same on the same mails."""

from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postvak.conditions.condition import Condition
from postvak.conditions.operators import matches
from postvak.models import CustomField, Filter, Mailbox, Queue, Receipt
from postvak.process.filters.draft import BOTH, FOLLOW_UP, NEW, Action
from postvak.process.filters.imports import Entry, Report, Result, import_text, save
from postvak.process.filters.otobo_expressions import translated
from postvak.process.filters.otobo_files import OldRow, filters_of_rows, rows_of_csv
from postvak.process.filters.otobo_sql import BadDump, rows_of
from postvak.process.filters.store import ordered_filters
from tests.mails import mail
from tests.process.old_filters import (
    FORMS,
    NAMES,
    Row,
    mysql,
    objects,
    postgresql_copy,
    postgresql_inserts,
    table,
)
from tests.process.test_pipeline import receive

ORDER: Sequence[Row] = [
    ("10 Order's “Ü”", "1", "Match", "Subject", r"it's order; (\d+)\.", "NULL"),
    ("10 Order's “Ü”", "1", "Match", "From", r"EMAILADDRESS:.*@customer\.example", "0"),
    ("10 Order's “Ü”", "1", "Match", "X-Spam-Flag", "yes", "1"),
    ("10 Order's “Ü”", "1", "Set", "X-OTOBO-Queue", "Support", "NULL"),
    ("10 Order's “Ü”", "1", "Set", "X-OTOBO-FollowUp-Queue", "Support", "NULL"),
    ("10 Order's “Ü”", "1", "Set", "X-OTOBO-Title", "Order [***]", "NULL"),
    ("20 Loop", "0", "Match", "Body", "no", "NULL"),
    ("20 Loop", "0", "Set", "X-OTRS-Loop", "yes", "NULL"),
]
values = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).filter(lambda v: v not in {"NULL", "0", "1"})
values |= st.text(st.sampled_from("\\'\"\n\r\t;,`()-#/*N.x"), max_size=8)
rows = st.lists(
    st.tuples(
        values,
        st.sampled_from(["0", "1", "NULL"]),
        st.sampled_from(["Match", "Set"]),
        values,
        values,
        st.sampled_from(["0", "1", "NULL"]),
    ),
    min_size=1,
    max_size=4,
)


def read(rows: Sequence[Row]) -> list[dict[str, str]]:
    return [{name: "" if value == "NULL" else value for name, value in zip(NAMES, row, strict=True)} for row in rows]


@given(rows)
def test_rows_of_a_mysql_dump_are_what_was_dumped(rows: list[Row]) -> None:
    assert list(rows_of(mysql(rows).decode())) == read(rows)


@given(rows)
def test_rows_of_postgresql_inserts_are_what_was_dumped(rows: list[Row]) -> None:
    assert list(rows_of(postgresql_inserts(rows).decode())) == read(rows)


@given(rows)
def test_rows_of_postgresql_copy_are_what_was_dumped(rows: list[Row]) -> None:
    assert list(rows_of(postgresql_copy(rows).decode())) == read(rows)


@given(
    rows.filter(lambda rows: all(row[0] and row[3] and "\0" not in "".join(row) for row in rows)),
    st.sampled_from(",;\t"),
)
def test_rows_of_a_csv_file_are_what_was_written(rows: list[Row], separator: str) -> None:
    assert rows_of_csv(table(rows, separator).decode("utf-8-sig")) == [
        dict(zip(NAMES, row, strict=True)) for row in rows
    ]


@given(
    st.text(max_size=60)
    | st.text(st.sampled_from("INSERT into postmaster_filter values('a\\',);\n-/*`\""), max_size=60)
)
def test_whatever_stands_in_a_dump_it_is_read_or_refused(text: str) -> None:
    with suppress(BadDump):
        list(rows_of("INSERT INTO postmaster_filter VALUES " + text))


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        (r"INSERT INTO postmaster_filter VALUES ('n',0,'Set','k','a\\d\'b',0)", r"a\d'b"),
        (r"INSERT INTO postmaster_filter VALUES ('n',0,'Set','k','a\d''b',0)", r"a\d'b"),
        (r"insert into otobo.postmaster_filter values ('n',0,'Set','k',E'a\\d\'b',0)", r"a\d'b"),
        (r"INSERT IGNORE INTO `postmaster_filter` VALUES ('n',0,'Set','k',0xC3BC,0)", "ü"),
        (r"REPLACE INTO `postmaster_filter` VALUES ('n',0,'Set','k',_binary 'x\0y',0)", "x\0y"),
        (r"INSERT INTO [postmaster_filter] VALUES (N'n',0,N'Set',N'k',N'x''y',0)", "x'y"),
        (r"INSERT INTO postmaster_filter VALUES ('n',0,'Set','k','x'::character varying,0)", "x"),
        (r"INSERT INTO postmaster_filter (f_value, f_key, f_type, f_name) VALUES ('x', 'k', 'Set', 'n')", "x"),
        (r"INSERT INTO postmaster_filter VALUES ('n','Set','k','x')", "x"),
        (r"INSERT INTO postmaster_filter VALUES ('n',0,'Set','k','x',0) ON CONFLICT DO NOTHING", "x"),
        (
            r"CREATE TABLE postmaster_filter (id int, f_value text, f_key text, f_type text, f_name text);INSERT INTO postmaster_filter VALUES (7,'x','k','Set','n')",
            "x",
        ),
        (r"/* c ; ' */ -- ' x" "\n# '\nINSERT INTO postmaster_filter VALUES ('n',0,'Set','k','x',0)", "x"),
    ],
)
def test_sql_of_every_kind_is_read(statement: str, value: str) -> None:
    (row,) = rows_of(statement + ";\nINSERT INTO postmaster_filters VALUES ('other');\n")
    assert (row["f_name"], row["f_type"], row["f_key"], row["f_value"]) == ("n", "Set", "k", value)


def test_a_statement_that_can_not_be_read_is_named_by_its_line() -> None:
    with pytest.raises(BadDump) as error:
        list(rows_of("SET x = 1;\n\nINSERT INTO postmaster_filter VALUES (CONCAT('a', 'b'));"))
    assert error.value.line == 3


def test_rows_are_in_the_order_in_which_otobo_reads_them() -> None:
    (found,) = filters_of_rows(
        read(
            [
                ("n", "0", "Match", "To", "b", "0"),
                ("n", "0", "Match", "From", "z", "1"),
                ("n", "0", "Match", "From", "a", "0"),
            ]
        )
    )
    assert found.match == (OldRow("From", "a"), OldRow("From", "z", True), OldRow("To", "b"))


@pytest.mark.parametrize(
    ("perl", "text", "fits"),
    [
        (r"^\w+$", "Äpfel", True),
        (r"nr\.\s\d", "Nr.\u00a05", True),
        (r"^[\w.-]+$", "Ä.ö-ü", True),
        (r"a\hb", "a\tb", True),
        (r"a\Rb", "a\r\nb", True),
        (r"end\Z", "end\n", True),
        (r"end\z", "end\n", False),
        (r"end$", "end\n", True),
        (r"end$", "end\nmore", False),
        (r"(?m)^two$", "one\ntwo\nthree", True),
        (r"(?'n'x)", "x", True),
        (r"(?#why)x", "x", True),
        (r"\ü", "ü", True),
        (r"[[:alpha:]]", "ü", True),
        (r"[\s\S]", "x", True),
        (r"\$5", "$5", True),
        (r"a.b", "a\nb", False),
        (r"\cA", "\x01", True),
    ],
)
def test_an_expression_of_perl_means_the_same(perl: str, text: str, fits: bool) -> None:
    expression = translated(perl, has_lines=True)
    test = matches(expression.text).raw
    assert expression.faults == ()
    assert test is not None
    assert (test((text.encode(),)) is not None) == fits


pytestmark = pytest.mark.django_db


def imported(rows: Sequence[Row]) -> Report:
    """Saved, too."""
    report = import_text(objects(rows), "filters.json")
    save(report, by=None)
    return report


def one(*pairs: tuple[str, str, str], stop: str = "0") -> Entry:
    """A filter of (Match or Set, key, value) rows, imported."""
    return imported([("10 x", stop, kind, key, value, "0") for kind, key, value in pairs]).entries[0]


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_the_same_filters_come_out_of_every_form(form: str, support: Queue) -> None:
    report = import_text(FORMS[form](ORDER))
    order, loop = report.entries
    assert order.draft is not None
    assert order.draft.name == "10 Order's “Ü”"
    assert order.draft.stop
    assert order.draft.valid
    assert order.draft.conditions == (
        Condition("from", "address_matches", r".*@customer\.example"),
        Condition("subject", "matches", r"it's order; (\d+)\."),
        Condition("header:X-Spam-Flag", "matches", "yes", negated=True),
    )
    assert order.draft.actions == (Action("queue", "Support", BOTH), Action("title", "Order [***]", NEW))
    assert (order.result, order.notes, order.faults) == (Result.taken_over, (), ())
    assert loop.draft is not None
    assert not loop.draft.stop
    assert loop.draft.conditions == (Condition("body", "matches", "no"),)
    assert loop.draft.actions == (Action("no_automatic_mail", "", BOTH),)


def test_an_imported_filter_does_what_it_did(mailbox: Mailbox, support: Queue) -> None:
    imported(ORDER)
    (receipt,) = receive(mailbox, mail(subject="It's ORDER; 4711. please", to="elsewhere@example.org"))
    assert receipt.ticket is not None
    assert (receipt.ticket.queue, receipt.ticket.subject) == (support, "Order 4711")
    (other,) = receive(mailbox, mail(subject="It's order; 1.", sender="eve@other.example", message_id="m2@x"))
    assert other.ticket is not None
    assert other.ticket.subject == "It's order; 1."
    (spam,) = receive(mailbox, mail(subject="It's order; 2.", message_id="m3@x", x_spam_flag="YES"))
    assert spam.ticket is not None
    assert spam.ticket.subject == "It's order; 2."


def test_the_first_group_of_the_last_condition_by_key_and_value_is_filled_in(mailbox: Mailbox, support: Queue) -> None:
    one(
        ("Match", "Subject", r"lamp (\w+)"),
        ("Match", "Cc", r"(nobody)?"),
        ("Match", "Body", r"my (\w+)"),
        ("Set", "X-OTOBO-Title", "[***] and [***]"),
    )
    (receipt,) = receive(mailbox, mail())
    assert receipt.ticket is not None
    assert receipt.ticket.subject == "flickers and flickers"


def test_named_groups_of_all_conditions_are_filled_in(mailbox: Mailbox, support: Queue) -> None:
    CustomField.objects.create(key="Thing", label="Thing")
    CustomField.objects.create(key="Verb", label="Verb")
    one(
        ("Match", "Subject", r"(?<thing>lamp) (?<verb>\w+)"),
        ("Set", "X-OTOBO-DynamicField-Thing", r"[**\thing**]!"),
        ("Set", "X-OTOBO-DynamicField-Verb", r"[**\verb**][**\none**]"),
    )
    (receipt,) = receive(mailbox, mail())
    assert receipt.ticket is not None
    assert receipt.ticket.fields == {"Thing": ["lamp!"], "Verb": ["flickers"]}


def test_after_emailaddress_the_capture_is_the_address_that_was_found(mailbox: Mailbox, support: Queue) -> None:
    one(("Match", "To", r"EMAILADDRESS:su.*"), ("Set", "X-OTOBO-Title", r"[***] [**\email**]"))
    (receipt,) = receive(mailbox, mail(to="x@example.org, Support <Support@example.org>"))
    assert receipt.ticket is not None
    assert receipt.ticket.subject == "support@example.org support@example.org"


def test_a_negated_condition_is_true_for_a_header_that_is_not_there(mailbox: Mailbox, support: Queue) -> None:
    imported([("x", "0", "Match", "X-Spam-Flag", "YES", "1"), ("x", "0", "Set", "X-OTOBO-Title", "clean", "")])
    (receipt,) = receive(mailbox, mail())
    assert receipt.ticket is not None
    assert receipt.ticket.subject == "clean"


def test_filters_see_what_earlier_ones_set_until_one_stops(mailbox: Mailbox, support: Queue) -> None:
    imported(
        [
            ("1", "0", "Match", "Subject", ".", "0"),
            ("1", "0", "Set", "X-OTOBO-Priority", "5 very high", "0"),
            ("2", "1", "Match", "X-OTRS-Priority", "^5", "0"),
            ("2", "1", "Set", "X-OTOBO-Title", "second", "0"),
            ("3", "0", "Match", "Subject", ".", "0"),
            ("3", "0", "Set", "X-OTOBO-Title", "third", "0"),
        ]
    )
    (receipt,) = receive(mailbox, mail())
    assert receipt.ticket is not None
    assert (receipt.ticket.subject, receipt.ticket.priority.level) == ("second", 5)


def test_ignored_mail_stays_ignored(mailbox: Mailbox) -> None:
    one(("Match", "From", "ann@"), ("Set", "X-OTOBO-Ignore", "yes"))
    (receipt,) = receive(mailbox, mail())
    assert Receipt.objects.get(pk=receipt.pk).outcome == "ignored"


@pytest.mark.parametrize(
    ("key", "value", "actions", "result"),
    [
        ("X-OTOBO-State", "closed successful", (Action("status", "closed", NEW),), Result.adapted),
        ("X-OTOBO-FollowUp-State", "open", (Action("status", "open", FOLLOW_UP),), Result.taken_over),
        ("X-OTOBO-State-PendingTime", "+2d", (Action("pending", "+2d", NEW),), Result.taken_over),
        ("X-OTOBO-FollowUp-State-Keep", "1", (Action("keep_status", "", FOLLOW_UP),), Result.taken_over),
        ("X-OTRS-Priority", "5 sehr hoch", (Action("priority", "5 sehr hoch", NEW),), Result.taken_over),
        ("X-OTRS-Priority", "5 brandeilig", (Action("priority", "5", NEW),), Result.adapted),
        ("X-OTOBO-Owner", "eva@example.org", (Action("assignee", "eva@example.org", NEW),), Result.taken_over),
        ("X-OTOBO-Owner", "eva", (Action("assignee", "eva", NEW),), Result.off),
        ("X-OTOBO-Queue", "Nowhere", (Action("queue", "Nowhere", NEW),), Result.off),
        ("X-OTOBO-OwnerID", "3", (Action("header:X-Postvak-OwnerID", "3", BOTH),), Result.off),
        ("X-OTOBO-Lock", "unlock", (Action("unassign", "", NEW),), Result.adapted),
        ("X-OTOBO-IsVisibleForCustomer", "0", (Action("internal", "", NEW),), Result.taken_over),
        ("X-OTRS-ArticleType", "note-internal", (Action("internal", "", NEW),), Result.adapted),
        ("X-OTOBO-SenderType", "system", (Action("header:X-Postvak-SenderType", "system", BOTH),), Result.taken_over),
        ("X-OTOBO-DynamicField-Case", "7", (Action("field:Case", "7", NEW),), Result.taken_over),
        ("X-OTOBO-DynamicField-Unknown", "7", (Action("field:Unknown", "7", NEW),), Result.off),
        ("X-OTOBO-Service", "Gold", (Action("field:Service", "Gold", NEW),), Result.off),
        ("X-OTOBO-CustomerUser", "jdoe", (Action("customer", "jdoe", NEW),), Result.off),
        ("X-OTOBO-Loop", "true", (Action("no_automatic_mail", "", BOTH),), Result.taken_over),
        ("X-OTOBO-Frobnicate", "1", (Action("header:X-Postvak-Frobnicate", "1", BOTH),), Result.off),
        ("X-OTOBO-Title", "{urgent} x", (Action("header:X-Postvak-Title", "{urgent} x", BOTH),), Result.off),
        ("X-OTOBO-Queue", "", (), Result.off),
        ("Subject", "x", (), Result.off),
        ("X-OTOBO-AttachmentExists", "yes", (), Result.off),
    ],
)
def test_what_a_filter_sets_becomes_our_action(
    key: str, value: str, actions: tuple[Action, ...], result: Result, admin: object
) -> None:
    CustomField.objects.create(key="case", label="Case")
    entry = one(("Match", "Subject", "x"), ("Set", key, value))
    assert entry.draft is not None
    assert (entry.draft.actions, entry.result) == (actions, result)
    row = Filter.objects.get()
    assert row.is_valid == (result is not Result.off)
    assert bool(row.comment) == (result is Result.off)
    assert bool(entry.faults) == (result is Result.off)


def test_what_has_no_effect_there_is_left_out_and_said(support: Queue) -> None:
    entry = one(
        ("Match", "Subject", "x"),
        ("Set", "X-OTOBO-AttachmentCount", "1"),
        ("Set", "X-OTOBO-FollowUp-CustomerNo", "1"),
        ("Set", "X-OTOBO-Queue", "Support"),
        ("Set", "x-otobo-queue", "Inbox"),
    )
    assert entry.draft is not None
    assert entry.draft.actions == (Action("queue", "Support", NEW),)
    assert entry.result is Result.adapted
    assert len(entry.notes) == 3


@pytest.mark.parametrize(
    "expression",
    [
        r"a(?=b)",
        r"(?<!a)b",
        r"(a)\1",
        r"a++",
        r"(?>a)b",
        r"(?x) a b",
        r"a{,3}",
        r"\bÜ",
        r"[\W_]",
        r"\Qa.b\E",
        r"(",
        r"\K",
        r"EMAILADDRESS:(?!x).*",
        "",
    ],
)
def test_an_expression_that_would_mean_something_else_switches_the_filter_off(expression: str, support: Queue) -> None:
    entry = one(("Match", "Subject", expression), ("Set", "X-OTOBO-Queue", "Support"))
    row = Filter.objects.get()
    assert entry.result is Result.off
    assert not row.is_valid
    assert entry.faults
    assert all(fault in row.comment for fault in entry.faults)


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("X-OTRS-AttachmentExists", "header:X-Postvak-AttachmentExists"),
        ("X-OTRS-FollowUp-RecognizedTicketNumber", "header:X-Postvak-RecognizedTicketNumber"),
        ("X-Znuny-FollowUp-Queue", "header:X-Postvak-FollowUp-Queue"),
        ("List-Id", "header:List-Id"),
        ("Reply-To", "reply_to"),
    ],
)
def test_conditions_look_at_the_same_thing(key: str, field: str, support: Queue) -> None:
    entry = one(("Match", key, "x"), ("Set", "X-OTOBO-Queue", "Support"))
    assert entry.draft is not None
    assert entry.draft.conditions == (Condition(field, "matches", "x"),)


@pytest.mark.parametrize(
    ("key", "expression", "is_said"),
    [
        ("From", r"@shop\.example", False),
        ("From", r"^ann@", False),
        ("From", r"<ann@", True),
        ("From", r"(?<who>ann)@", False),
        ("From", r"Doe, Jane", True),
        ("To", r"support@", False),
        ("To", r"^support@", True),
        ("To", r"^$", False),
        ("Envelope-To", r"example$", True),
        ("Subject", r"^a, <b>$", False),
    ],
)
def test_an_expression_that_sees_how_addresses_are_written_is_pointed_out(
    key: str, expression: str, is_said: bool, support: Queue
) -> None:
    entry = one(("Match", key, expression), ("Set", "X-OTOBO-Queue", "Support"))
    assert any("each address by itself" in note for note in entry.notes) == is_said


def test_a_changed_order_is_said(support: Queue) -> None:
    report = imported([(name, "0", "Match", "Subject", "x", "0") for name in ("10 a", "9 b", "B", "a")])
    assert [entry.name for entry in report.entries] == ["10 a", "9 b", "B", "a"]
    assert [row.name for row in ordered_filters()] == ["9 b", "10 a", "a", "B"]
    assert "“9 b”" in report.notes[0]
    assert imported([("1 a", "0", "Match", "Subject", "x", "0")]).notes == ()


CONFIGURATION = """---
Modified:
  PostMaster::PreFilterModule###1-Match:
    EffectiveValue:
      Match:
        From: noreply@
        Subject: ^yes
      Module: Kernel::System::PostMaster::Filter::Match
      Set:
        X-OTOBO-Ignore: yes
    IsValid: 1
  PostMaster::PreFilterModule###3-NewTicketReject:
    EffectiveValue:
      Match: [{Key: To, Value: 'old@'}]
      Module: Kernel::System::PostMaster::Filter::NewTicketReject
      Set: {X-OTOBO-Ignore: yes}
    IsValid: 1
  PostMaster::PreFilterModule###4-CMD:
    EffectiveValue: {CMD: '/usr/bin/spamc', Module: 'Kernel::System::PostMaster::Filter::CMD', Set: {X-OTOBO-Ignore: yes}}
  Ticket::Hook: {EffectiveValue: 'Ticket#'}
"""


def test_filters_of_the_configuration_are_taken_over_too() -> None:
    report = import_text(CONFIGURATION.encode(), "Export_Current_System_Configuration.yml")
    match, reject, command = report.entries
    assert match.draft is not None
    assert match.draft.conditions == (Condition("from", "matches", "noreply@"), Condition("subject", "matches", "^yes"))
    assert match.draft.actions == (Action("ignore", "", BOTH),)
    assert match.result is Result.adapted
    assert reject.result is Result.off
    assert (command.result, command.draft) == (Result.refused, None)
