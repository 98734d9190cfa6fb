"""A small osTicket as mysqldump writes it: umlauts, NULs, text and HTML, a file in chunks, a prefix of its own, rows that are broken."""

from tests.bring.otobo_dump import Rows, mysql_value

PREFIX = "hd_"
AT, LATER, LAST = "2023-03-06 08:00:05", "2023-03-06 10:30:00", "2023-03-06 11:00:00"  # in Berlin, an hour before UTC
HEADERS = (
    "Received: from mx.kunde.example\r\n by mail.firma.example; Mon, 6 Mar 2023 08:00:02 +0100\r\n"
    "From: =?utf-8?q?J=C3=B6rg?= <joerg@kunde.example>\r\nTo: Hilfe <hilfe@firma.example>\r\nCc: chef@kunde.example\r\n"
    "Subject: Drucker\r\nDate: Mon, 06 Mar 2023 08:00:00 +0100\r\nMessage-ID: <a1@kunde.example>\r\n"
    'Content-Type: multipart/mixed; boundary="x"\r\nMIME-Version: 1.0\r\n'
)
CHUNKS = (b"%PDF\0'\\;", b"1234", b"\r\n\xff")
TABLES: dict[str, tuple[tuple[str, ...], Rows]] = {
    "attachment": (
        ("id", "object_id", "type", "file_id", "name", "inline", "lang"),
        ((1, 10, "H", 1, None, 0, None), (2, 10, "H", 2, None, 1, None), (3, 11, "H", 3, "lost.txt", 0, None), (4, 10, "C", 1, None, 0, None)),
    ),
    "config": (
        ("id", "namespace", "key", "value"),
        ((1, "core", "helpdesk_url", "https://Hilfe.firma.example/"), (2, "core", "default_timezone", "Europe/Berlin")),
    ),
    "department": (("id", "pid", "email_id", "name"), ((1, 0, 1, "Hilfe"), (2, 1, 1, "Größe"))),
    "email": (("email_id", "dept_id", "email", "name"), ((1, 1, "Hilfe@firma.example", "Hilfe"), (2, 0, "kaputt", ""))),
    "file": (
        ("id", "bk", "type", "size", "key", "name"),
        ((1, "D", "application/pdf", 15, "kEy1", "Ä Plan.pdf"), (2, "D", "image/png", 3, "kEy2", "b.png"), (3, "F", "text/plain", 4, "kEy3", "lost.txt")),
    ),
    "file_chunk": (("file_id", "chunk_id", "filedata"), ((1, 1, CHUNKS[1]), (1, 0, CHUNKS[0]), (1, 2, CHUNKS[2]), (2, 0, b"png"))),
    "form": (("id", "type", "title"), ((1, "U", "Contact"), (2, "T", "Ticket"), (3, "O", "Company"), (4, "G", "Device"))),
    "form_entry": (
        ("id", "form_id", "object_id", "object_type"),
        ((1, 1, 1, "U"), (2, 2, 1, "T"), (3, 3, 1, "O"), (4, 4, 1, "T"), (5, 2, 2, "T")),
    ),
    "form_entry_values": (
        ("entry_id", "field_id", "value", "value_id"),
        ((1, 3, "+49 1", None), (1, 4, "VIP\0", None), (2, 5, "Drucker druckt; nicht", None), (3, 7, "Straße 1", None),
         (4, 8, '{"p":"Drucker"}', None), (4, 9, '{"2":"Süd"}', 2), (4, 10, "2023-04-01 00:00:00", None), (5, 5, "Frage O'Neill", None)),
    ),
    "form_field": (
        ("id", "form_id", "type", "label", "name", "configuration", "sort"),
        (
            (1, 1, "text", "Email", "email", None, 1), (2, 1, "text", "Name", "name", None, 2), (3, 1, "phone", "Phone", "phone", None, 3),
            (4, 1, "text", "Art", "art", None, 4), (5, 2, "text", "Issue", "subject", None, 1), (6, 2, "priority", "Priority", "priority", None, 3),
            (7, 3, "memo", "Address", "address", None, 1), (8, 4, "choices", "Gerät", "geraet", '{"choices":"p:Drucker\\r\\nc:PC"}', 1),
            (9, 4, "list-7", "Ort", "", '{"multiselect":true}', 2), (10, 4, "datetime", "Fällig", "faellig", None, 3),
            (11, 4, "files", "Anlage", "anlage", None, 4), (12, 4, "info", "Hint", "", None, 5),
        ),
    ),
    "help_topic": (("topic_id", "topic"), ((1, "Störung"),)),
    "list_items": (("id", "list_id", "value"), ((1, 7, "Nord"), (2, 7, "Süd"))),
    "organization": (("id", "name", "domain"), ((1, "Kunde & Söhne", "kunde.example"),)),
    "staff": (
        ("staff_id", "dept_id", "username", "firstname", "lastname", "email", "isactive"),
        ((1, 1, "bob", "Bob", "Baker", "Bob@example.org", 1), (2, 2, "zoë", "Zoë", "Weg", "zoe@firma.example", 1)),
    ),
    "thread": (
        ("id", "object_id", "object_type", "extra"),
        ((1, 1, "T", None), (2, 2, "T", None), (3, 3, "T", None), (4, 1, "A", None), (5, 4, "T", None)),
    ),
    "thread_entry": (
        ("id", "pid", "thread_id", "staff_id", "user_id", "type", "poster", "source", "title", "body", "format", "recipients", "created"),
        (
            (10, 0, 1, 0, 1, "M", "Jörg Müller", "Email", None, '<p>Er sagt: &quot;kein Papier&quot; <img src="cid:kEy2"></p>', "html", None, AT),
            (11, 10, 1, 1, 0, "R", "Bob Baker", "", None, "<p>Papier <b>nachlegen</b>.</p>", "html", '{"to":{"1":"J <joerg@kunde.example>"}}', LATER),
            (12, 0, 1, 1, 0, "N", "Bob Baker", "", "Notiz", "Kunde ist nett\0", "text", None, LAST),
            (20, 0, 2, 0, 2, "M", "New", "Phone", "Frage", "Wann?", "text", None, "2024-05-01 14:00:00"),
            (21, 0, 2, 0, 2, "M", "New", "Web", "Frage", "Nun?", "text", None, "2024-05-02 14:00:00"),
            (30, 0, 3, 0, 1, "M", "Jörg", "Email", None, "Doppelt", "text", None, AT),
            (40, 0, 4, 1, 0, "N", "Bob", "", None, "Of a task", "text", None, AT),
            (50, 0, 5, 0, 1, "X", "Bob", "", None, "What is this?", "text", None, AT),
        ),
    ),
    "thread_entry_email": (("id", "thread_entry_id", "mid", "headers"), ((1, 10, "<a1@kunde.example>", HEADERS), (2, 11, "<o1@firma.example>", None))),
    "ticket": (
        ("ticket_id", "ticket_pid", "number", "user_id", "status_id", "dept_id", "topic_id", "staff_id", "email_id", "flags", "source", "closed", "lastupdate", "created"),
        (
            (1, None, "100017", 1, 3, 2, 1, 1, 1, 0, "Email", "2023-03-07 09:00:00", "2023-03-07 09:00:00", AT),
            (2, None, "100023", 2, 1, 1, 0, 0, 1, 0, "Phone", None, "2024-05-02 14:00:00", "2024-05-01 14:00:00"),
            (3, 1, "100031", 1, 3, 1, 0, 0, 1, 2, "Email", AT, AT, AT),
            (4, None, "100049", 1, 1, 1, 0, 0, 1, 0, "Email", None, AT, AT),
        ),
    ),
    "ticket__cdata": (("ticket_id", "subject", "priority"), ((1, "Drucker druckt; nicht", "3"),)),
    "ticket_priority": (("priority_id", "priority", "priority_desc", "priority_urgency"), ((2, "normal", "Normal", 3), (3, "high", "High", 2))),
    "ticket_status": (("id", "name", "state"), ((1, "Open", "open"), (3, "Closed", "closed"))),
    "user": (
        ("id", "org_id", "default_email_id", "name"),
        ((1, 1, 2, "Jörg Müller"), (2, 0, 3, "New"), (3, 0, 0, "Nobody")),
    ),
    "user_email": (("id", "user_id", "address"), ((1, 1, "jm@kunde.example"), (2, 1, "Joerg@Kunde.example"), (3, 2, "new@neu.example"))),
}  # fmt: skip
OTHERS = {"user_account": ("id", "passwd"), "canned_response": ("id", "response")}  # nobody needs them


def mysqldump(*, prefix: str = PREFIX, is_broken: bool = False) -> bytes:
    lines = [b"-- MySQL dump 10.13  Distrib 8.0.36", b"/*!40101 SET NAMES utf8mb4 */;", b""]
    for table, columns in OTHERS.items():
        lines += [created(prefix + table, columns), f"INSERT INTO `{prefix}{table}` VALUES (1,'x');".encode()]
    for table, (columns, rows) in TABLES.items():
        lines.append(created(prefix + table, columns))
        values = [b"(" + b",".join(map(mysql_value, row)) + b")" for row in rows]
        if is_broken and table == "ticket":
            values.insert(1, b"(5,'2023\x00...', NONSENSE,1)")
        lines.append(f"INSERT INTO `{prefix}{table}` VALUES ".encode() + b",".join(values) + b";")
    return b"\n".join(lines) + b"\n-- Dump completed\n"


def created(table: str, columns: tuple[str, ...]) -> bytes:
    listed = ",\n".join(f"  `{name}` text" for name in columns)
    return f"CREATE TABLE `{table}` (\n{listed},\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB;".encode()
