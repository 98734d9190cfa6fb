"""A small OTOBO as mysqldump and as pg_dump write it: umlauts, NULs, line breaks, quotes, Base64, rows that are broken."""

import base64
from collections.abc import Sequence

Value = str | bytes | int | None
Rows = Sequence[Sequence[Value]]

RAW = (
    b"From: J\xc3\xb6rg M\xc3\xbcller <joerg@kunde.example>\r\nTo: support@firma.example\r\n"
    b"Subject: Drucker druckt; nicht\r\nDate: Mon, 06 Mar 2023 08:00:00 +0100\r\nMessage-ID: <a1@kunde.example>\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\nEr sagt: 'kein Papier';\r\nGr\xc3\xbc\xc3\x9fe \\n wirklich\r\n"
)
AT = "2023-03-06 07:00:05"
LATER = "2023-03-06 09:30:00"
TABLES: dict[str, tuple[tuple[str, ...], Rows]] = {
    "article": (
        ("id", "ticket_id", "article_sender_type_id", "communication_channel_id", "is_visible_for_customer", "create_time", "create_by"),
        (
            (10, 1, 3, 1, 1, AT, 1), (11, 1, 1, 1, 1, LATER, 2), (12, 1, 1, 3, 0, "2023-03-06 10:00:00", 2),
            (20, 2, 3, 1, 1, "2024-05-01 12:00:00", 1), (21, 2, 1, 2, 1, "2024-05-02 12:00:00", 3),
            (30, 3, 1, 3, 0, "2023-03-07 12:00:00", 2), (99, 77, 3, 1, 1, AT, 1),
        ),
    ),
    "article_data_mime": (
        ("id", "article_id", "a_from", "a_to", "a_cc", "a_subject", "a_message_id", "a_in_reply_to", "a_references", "a_body", "content_path", "create_time"),
        (
            (1, 10, "Jörg Müller <joerg@kunde.example>", "support@firma.example", None, "Drucker druckt; nicht", "<a1@kunde.example>", None, None, "Er sagt: 'kein Papier';\nGrüße", "2023/03/06", AT),
            (2, 11, '"Support" <support@firma.example>', "joerg@kunde.example", "chef@kunde.example", "AW: Drucker",
                "<o1@firma.example>", "<a1@kunde.example>", "<a1@kunde.example>", "Papier nachlegen.\nGruß", "2023/03/06", LATER),
            (3, 12, "Bob Baker <bob@example.org>", None, None, "Notiz", None, None, None, "Kunde ist nett\0", "2023/03/06", LATER),
            (4, 20, "new@neu.example", "support@firma.example", None, "Frage", "<f1@neu.example>", None, None, "Wann?", "2024/05/01", "2024-05-01 12:00:00"),
            (5, 21, "Agent", None, None, "Anruf", None, None, None, "Hat angerufen", "2024/05/02", "2024-05-02 12:00:00"),
            (6, 30, "Bob", None, None, "Merged", None, None, None, "Merged to 1", "2023/03/07", "2023-03-07 12:00:00"),
        ),
    ),
    "article_data_mime_attachment": (
        ("id", "article_id", "filename", "content_size", "content_type", "content_id", "disposition", "content"),
        (
            (1, 20, "Ä Plan.pdf", "6", "application/pdf", None, "attachment", b"%PDF\0'\\;"),
            (2, 20, "file-2", "20", "text/html; charset=utf-8", None, "inline", "<p>Wann? <b>Ä</b></p>".encode()),
        ),
    ),
    "article_data_mime_plain": (("id", "article_id", "body"), ((1, 10, RAW),)),
    "article_sender_type": (("id", "name"), ((1, "agent"), (2, "system"), (3, "customer"))),
    "communication_channel": (("id", "name"), ((1, "Email"), (2, "Phone"), (3, "Internal"))),
    "customer_company": (
        ("customer_id", "name", "street", "zip", "city", "country", "url", "comments", "valid_id"),
        (("K-7", "Kunde & Söhne", "Straße 1", "01234", "Döbeln", None, None, None, 1),),
    ),
    "customer_user": (
        ("id", "login", "email", "customer_id", "first_name", "last_name", "phone", "mobile", "comments", "valid_id"),
        (
            (1, "joerg", "Joerg@Kunde.example", "K-7", "Jörg", "Müller", "+49 1", None, None, 1),
            (2, "kaputt", "keine adresse", "K-7", "Ka", "Putt", None, None, None, 1),
        ),
    ),
    "dynamic_field": (
        ("id", "internal_field", "name", "label", "field_order", "field_type", "object_type", "config", "valid_id"),
        (
            (1, 1, "ProcessManagementProcessID", "Process", 1, "ProcessID", "Ticket", "---\n", 1),
            (2, 0, "Geraet", "Gerät", 2, "Dropdown", "Ticket", "---\nPossibleValues:\n  drucker: Drucker\n  pc: PC\n", 1),
            (3, 0, "Faellig", "Fällig", 3, "Date", "Ticket", "---\n", 1),
            (4, 0, "Anlage", "Anlage", 4, "Text", "Article", "---\n", 1),
        ),
    ),
    "dynamic_field_value": (
        ("id", "field_id", "object_id", "value_text", "value_date", "value_int"),
        ((1, 2, 1, "drucker", None, None), (2, 3, 1, None, "2023-04-01 00:00:00", None)),
    ),
    "group_user": (("user_id", "group_id", "permission_key"), ((2, 1, "rw"), (3, 1, "ro"))),
    "link_object": (("id", "name"), ((1, "Ticket"),)),
    "link_relation": (
        ("source_object_id", "source_key", "target_object_id", "target_key", "type_id", "state_id"),
        ((1, "1", 1, "2", 1, 1), (1, "1", 1, "3", 2, 1)),
    ),
    "link_type": (("id", "name"), ((1, "Normal"), (2, "ParentChild"))),
    "postmaster_filter": (
        ("f_name", "f_stop", "f_type", "f_key", "f_value", "f_not"),
        (("Rechnungen", 0, "Match", "Subject", "Rechnung|Mahnung", None), ("Rechnungen", 0, "Set", "X-OTOBO-Priority", "4 high", None)),
    ),
    "queue": (
        (
            "id", "name", "group_id", "system_address_id", "signature_id", "follow_up_id", "valid_id", "first_response_time", "update_time",
            "solution_time", "calendar_name",
        ),
        (
            (1, "Support", 1, 1, 1, 1, 1, 60, 0, 480, "1"), (2, "Support::Größe", 1, 1, 1, 3, 1, 60, 0, 480, "1"),
            (3, "Alt", 1, 1, 1, 2, 2, 15, 0, 0, ""),
        ),
    ),
    "queue_standard_template": (("queue_id", "standard_template_id"), ((2, 1),)),
    "secret_things": (("id", "value"), ((1, "INSERT INTO `ticket` VALUES (666,'x');\nCOPY ticket FROM stdin;\n"),)),
    "signature": (("id", "name", "text", "content_type", "valid_id"), ((1, "Standard", "<OTOBO_CURRENT_UserFullname>\nFirma GmbH", "text/plain", 1),)),
    "sla": (
        ("id", "name", "calendar_name", "first_response_time", "update_time", "solution_time", "valid_id"),
        ((1, "Gold", "", 30, 120, None, 1), (2, "Ohne Zeiten", "", 0, 0, 0, 1), (3, "Weg", "", 10, 0, 0, 2)),
    ),
    "standard_template": (
        ("id", "name", "text", "content_type", "template_type", "valid_id"),
        ((1, "Danke", "<p>Hallo &lt;OTOBO_CUSTOMER_REALNAME&gt;, danke.</p>", "text/html", "Answer", 1), (2, "Seltsam", "<OTOBO_CONFIG_X>", "text/plain", "Answer", 1)),
    ),
    "sysconfig_default": (
        ("id", "name", "effective_value"),
        (
            (1, "TimeWorkingHours", "---\nMon: ['8', '9']\n"), (2, "TimeWorkingHours::Calendar1", "---\nMon:\n- '8'\n"),
            (3, "Ticket::Hook", "--- Ticket#\n"),
        ),
    ),
    "sysconfig_modified": (
        ("id", "name", "effective_value"),
        (
            (1, "TimeWorkingHours::Calendar1", "---\nFri:\n- '8'\n- '9'\n- '13'\nMon:\n- '10'\nSun: []\n"),
            (2, "TimeZone::Calendar1Name", "--- Werkstatt\n"), (3, "TimeZone::Calendar1", "--- Europe/Berlin\n"),
            (4, "TimeVacationDays::Calendar1", "---\n'12':\n  '24': Heiligabend\n'2':\n  '30': Nie\n"),
        ),
    ),
    "system_address": (
        ("id", "value0", "value1", "comments", "valid_id", "queue_id"),
        ((1, "Support@Firma.example", "Firma Support", "", 1, 1), (2, "kaputt", "", "", 1, 1)),
    ),
    "ticket": (
        ("id", "tn", "title", "queue_id", "type_id", "user_id", "ticket_priority_id", "ticket_state_id", "customer_id", "customer_user_id", "until_time", "create_time", "change_time"),
        (
            (1, "2023030610000017", "Drucker druckt; nicht", 2, 2, 2, 4, 2, "K-7", "joerg", 0, AT, "2023-03-06 10:00:00"),
            (2, "2024050110000023", "Frage O'Neill \"x\" \\", 1, 1, 1, 3, 6, None, "new@neu.example", 4000000000 - 1, "2024-05-01 12:00:00", "2024-05-02 12:00:00"),
            (3, "2023030710000031", "Doppelt", 1, 1, 2, 3, 9, "K-7", "joerg", 0, "2023-03-07 12:00:00", "2023-03-07 12:00:00"),
            (4, "2023030710000049", "Leer", 1, 1, 2, 3, 1, None, None, 0, "2023-03-07 12:00:00", "2023-03-07 12:00:00"),
        ),
    ),
    "ticket_history": (
        ("id", "ticket_id", "history_type_id", "name", "create_time", "create_by"),
        (
            (1, 1, 1, "%%2023030610000017%%Support%%3 normal%%new%%1", AT, 1), (2, 1, 16, "%%Support::Größe%%2%%Support%%1", AT, 2),
            (3, 1, 27, "%%new%%closed successful", LATER, 2), (4, 1, 22, "%%3 normal%%3%%4 high%%4", LATER, 3),
            (5, 1, 27, "kaputt", LATER, 2), (6, 1, 23, "%%bob%%2", LATER, 1), (7, 1, 27, "%%open%%open", LATER, 2),
        ),
    ),
    "ticket_history_type": (("id", "name"), ((1, "NewTicket"), (16, "Move"), (22, "PriorityUpdate"), (23, "OwnerUpdate"), (27, "StateUpdate"))),
    "ticket_priority": (("id", "name"), ((1, "1 very low"), (2, "2 low"), (3, "3 normal"), (4, "4 high"))),
    "ticket_state": (("id", "name", "type_id"), ((1, "new", 1), (2, "closed successful", 3), (4, "open", 2), (6, "pending reminder", 4), (9, "merged", 7))),
    "ticket_state_type": (("id", "name"), ((1, "new"), (2, "open"), (3, "closed"), (4, "pending reminder"), (7, "merged"))),
    "ticket_type": (("id", "name"), ((1, "Unclassified"), (2, "Störung"))),
    "user_preferences": (("user_id", "preferences_key", "preferences_value"), ((2, "UserEmail", "bob@example.org"), (2, "UserTheme", "x"))),
    "users": (("id", "login", "first_name", "last_name", "valid_id"), ((1, "root@localhost", "Admin", "OTOBO", 1), (2, "bob", "Bob", "Baker", 1), (3, "zoë", "Zoë", "Weg", 2))),
}  # fmt: skip
ESCAPES = {"\\": "\\\\", "'": "\\'", '"': '\\"', "\0": "\\0", "\n": "\\n", "\r": "\\r", "\x1a": "\\Z"}
ENCODED = {"article_data_mime_attachment": "content", "article_data_mime_plain": "body"}


def mysqldump(*, is_broken: bool = False) -> bytes:
    lines = [b"-- MySQL dump 10.13  Distrib 8.0.36", b"/*!40101 SET NAMES utf8mb4 */;", b""]
    for table, (columns, rows) in TABLES.items():
        lines.append(f"DROP TABLE IF EXISTS `{table}`;\nCREATE TABLE `{table}` (".encode())
        lines.append(b",\n".join(f"  `{name}` text COLLATE utf8mb4_unicode_ci".encode() for name in columns) + b",")
        lines.append(b"  PRIMARY KEY (`id`),\n  KEY `x` (`id`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;")
        lines.append(b"LOCK TABLES `%s` WRITE;" % table.encode())
        values = [b"(" + b",".join(map(mysql_value, row)) + b")" for row in rows]
        if is_broken and table == "ticket":
            values.insert(1, b"(5,'2023\x00...', NONSENSE,1)")
        lines.append(b"INSERT INTO `%s` VALUES " % table.encode() + b",".join(values) + b";\nUNLOCK TABLES;")
    return b"\n".join(lines) + b"\n-- Dump completed\n"


def mysql_value(value: Value) -> bytes:
    if value is None:
        return b"NULL"
    if isinstance(value, int):
        return str(value).encode()
    if isinstance(value, bytes):
        text = value.decode("latin-1")
        return b"_binary '" + "".join(ESCAPES.get(sign, sign) for sign in text).encode("latin-1") + b"'"
    return b"'" + "".join(ESCAPES.get(sign, sign) for sign in value).encode() + b"'"


def pg_dump(*, has_inserts: bool = False) -> bytes:
    lines = ["--\n-- PostgreSQL database dump\n--\n\nSET standard_conforming_strings = on;\n"]
    for table, (columns, rows) in TABLES.items():
        lines.append(f"CREATE TABLE public.{table} (\n" + ",\n".join(f"    {name} text" for name in columns) + "\n);\n")
        values = [[pg_stored(table, name, value) for name, value in zip(columns, row, strict=True)] for row in rows]
        if has_inserts:
            lines += [f"INSERT INTO public.{table} VALUES ({', '.join(map(pg_literal, row))});" for row in values]
        else:
            lines.append(f"COPY public.{table} ({', '.join(columns)}) FROM stdin;")
            lines += ["\t".join(map(pg_copied, row)) for row in values] + ["\\.\n"]
    return ("\n".join(lines) + "\n-- PostgreSQL database dump complete\n").encode()


def pg_stored(table: str, column: str, value: Value) -> str | None:
    if isinstance(value, bytes) and ENCODED.get(table) == column:
        return base64.encodebytes(value).decode()
    return None if value is None else str(value).replace("\0", "")


def pg_literal(value: str | None) -> str:
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"


def pg_copied(value: str | None) -> str:
    if value is None:
        return "\\N"
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
