"""What of OTOBO's tables an import needs, and how their values are read. OTRS 6, Znuny 6 and 7, OTOBO 10 and 11."""

import re
from datetime import UTC, datetime

from postvak.bring.staging import Record, Staging, number, text
from postvak.mail.addresses import normalise

TABLES = frozenset(
    {
        "queue", "system_address", "users", "user_preferences", "groups", "permission_groups", "group_user",
        "customer_user", "customer_company", "ticket", "ticket_state", "ticket_state_type", "ticket_priority", "ticket_type",
        "article", "article_sender_type", "communication_channel", "article_data_mime", "article_data_mime_attachment",
        "article_data_mime_plain", "dynamic_field", "dynamic_field_value", "postmaster_filter", "standard_template",
        "queue_standard_template", "signature", "link_relation", "link_type", "link_object", "ticket_history",
        "ticket_history_type", "sla", "sysconfig_default", "sysconfig_modified",
    }
)  # fmt: skip
INDEXES = (
    ("ticket", "id"),
    ("article", "ticket_id"),
    ("article_data_mime", "article_id"),
    ("article_data_mime_attachment", "article_id"),
    ("article_data_mime_plain", "article_id"),
    ("dynamic_field_value", "object_id"),
    ("ticket_history", "ticket_id"),
    ("customer_user", "login"),
)
MADE_FOR_ALL = {"unclassified", "default"}  # types that say nothing
STATUS_OF_TYPE = {
    "new": "new",
    "open": "open",
    "closed": "closed",
    "pending reminder": "internal",
    "pending auto": "customer",
    "removed": "trash",
    "merged": "closed",
}
TAG = re.compile(r"(?:<|&lt;)(?:OTOBO|OTRS|ZNUNY)_(?P<name>\w+)(?:\[\d+\])?(?:>|&gt;)")
PLACEHOLDERS = {
    "CURRENT_UserFirstname": "{{ agent.first_name }}",
    "CURRENT_UserFullname": "{{ agent.name }}",
    "CURRENT_UserEmail": "{{ agent.email }}",
    "Agent_UserFullname": "{{ agent.name }}",
    "CUSTOMER_REALNAME": "{{ customer.name }}",
    "CUSTOMER_DATA_UserFirstname": "{{ customer.first_name }}",
    "CUSTOMER_DATA_UserFullname": "{{ customer.name }}",
    "CUSTOMER_SUBJECT": "{{ ticket.subject }}",
    "TICKET_TicketNumber": "{{ ticket.number }}",
    "TICKET_NUMBER": "{{ ticket.number }}",
    "TICKET_Title": "{{ ticket.subject }}",
    "TICKET_Queue": "{{ ticket.queue }}",
}


def wanted(name: str) -> str:
    return name if name in TABLES else ""


def source_of(staging: Staging) -> str:
    """The same for every dump of one system: its first address."""
    first = next(staging.rows("system_address", "ORDER BY id LIMIT 1"), {})
    return f"otobo:{normalise(text(first, 'value0')) or 'unknown'}"[:100]


def moment(row: Record, column: str) -> datetime | None:
    """These systems keep times in UTC."""
    try:
        at = datetime.fromisoformat(text(row, column).strip())
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return at.astimezone(UTC) if 1970 < at.year < 9000 else None


def is_valid(row: Record) -> bool:
    return number(row, "valid_id") == 1


def with_placeholders(written: str) -> tuple[str, bool]:
    """Their tags as ours; whether one is left that we don't have."""
    done = TAG.sub(lambda found: PLACEHOLDERS.get(found["name"], found.group()), written)
    return done, TAG.search(done) is not None
