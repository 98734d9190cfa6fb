"""Which chapter of the manual belongs to which page, by the name of its address: what "?" opens.

The longest beginning of the name counts, so that "admin_filter" stands for all pages of one filter.
"""

from django.http import HttpRequest
from django.urls import reverse

PAGES = {
    "list": "lists",
    "start": "lists",
    "view": "views",
    "bulk": "bulk",
    "ticket": "tickets",
    "message": "tickets",
    "message-redaction": "export-privacy",
    "new-ticket": "tickets",
    "new-mail": "answers",
    "compose": "answers",
    "drafts": "answers",
    "templates": "templates",
    "template": "templates",
    "search": "search",
    "notices": "notices",
    "preferences": "preferences",
    "password": "preferences",
    "own-login": "preferences",
    "authenticator-app": "preferences",
    "recovery-codes": "preferences",
    "passkeys": "preferences",
    "program": "programs",
    "customer": "customers",
    "new-customer": "customers",
    "organisation": "customers",
    "new-organisation": "customers",
    "ledger": "ledger",
    "receipt": "ledger",
    "held": "held-and-outbox",
    "outbox": "held-and-outbox",
    "suppression": "held-and-outbox",
    "report": "reports",
    "admin": "first-steps",
    "admin_mailbox": "mailboxes",
    "admin_channel": "sending",
    "admin_signing": "sending",
    "admin_key": "signing-encryption",
    "admin_grant": "microsoft-google",
    "admin_address": "addresses",
    "admin_classif": "classification",
    "admin_language_model": "classification",
    "admin_queue": "queues-people",
    "admin_brand": "brands",
    "admin_answer_template": "brands",
    "admin_message": "message-centre",
    "admin_rule": "message-centre",
    "admin_loop": "loops",
    "admin_block": "loops",
    "admin_agent": "queues-people",
    "admin_team": "queues-people",
    "admin_role": "queues-people",
    "admin_invitation": "log-in",
    "admin_login": "log-in",
    "admin_status": "ticket-settings",
    "admin_priorit": "ticket-settings",
    "admin_ticket_type": "ticket-settings",
    "admin_tag": "ticket-settings",
    "admin_custom_field": "ticket-settings",
    "admin_options": "ticket-settings",
    "admin_external_number": "ticket-settings",
    "admin_exclusion": "ticket-settings",
    "admin_sla": "service-levels",
    "admin_calendar": "service-levels",
    "admin_filter": "filters",
    "admin_mail_trial": "filters",
    "admin_import": "import",
    "admin_customers": "customers",
    "admin_organisations": "customers",
    "admin_job": "backup-upgrade",
    "admin_export": "export-privacy",
    "admin_privacy": "export-privacy",
    "admin_retention": "export-privacy",
    "admin_backup": "backup-upgrade",
    "admin_webhook": "programs",
    "admin_program": "programs",
    "admin_health": "trouble",
    "admin_communication": "trouble",
    "admin_audit": "trouble",
    "admin_history": "trouble",
    "admin_taking_back": "trouble",
}


def chapter_for(name: str) -> str:
    """The topic for a page; "" where none fits."""
    fitting = [beginning for beginning in PAGES if name.startswith(beginning)]
    return PAGES[max(fitting, key=len)] if fitting else ""


def manual_url(request: HttpRequest) -> str:
    """Where "?" leads from this page."""
    match = request.resolver_match
    topic = chapter_for(match.url_name or "") if match else ""
    return reverse("manual-chapter", args=[topic]) if topic else reverse("manual")
