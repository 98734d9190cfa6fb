"""The audit in the reader's words: what kind of thing it was, which field, and its values before and after."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, Model
from django.urls import NoReverseMatch, reverse
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postvak.models import AuditEntry, Receipt
from postvak.web.formats import when

Words = str | Promise
Action = AuditEntry.Action

LONG = 120  # letters; a longer value is folded

# kind: (its word, the name of its page's address)
KINDS: Mapping[str, tuple[Words, str]] = {
    "mailbox": (gettext_lazy("Mailbox"), "admin_mailbox"),
    "channel": (gettext_lazy("Sending channel"), "admin_channel"),
    "signingkey": (gettext_lazy("Signing key"), ""),
    "cryptokey": (gettext_lazy("Certificate or key"), "admin_key"),
    "revocation": (gettext_lazy("Revocation list"), ""),
    "grant": (gettext_lazy("Connected account"), "admin_grant"),
    "address": (gettext_lazy("E-mail address"), "admin_address"),
    "queue": (gettext_lazy("Queue"), "admin_queue"),
    "brand": (gettext_lazy("Brand"), "admin_brand"),
    "answertemplate": (gettext_lazy("Template"), "admin_answer_template"),
    "rule": (gettext_lazy("Automatic mail"), "admin_rule"),
    "blocked": (gettext_lazy("Block list"), "admin_blocked"),
    "loopbreak": (gettext_lazy("Loop breaker"), "admin_loop"),
    "agent": (gettext_lazy("Agent"), "admin_agent"),
    "role": (gettext_lazy("Role"), "admin_role"),
    "team": (gettext_lazy("Team"), "admin_team"),
    "invitation": (gettext_lazy("Invitation"), ""),
    "loginprovider": (gettext_lazy("Way to log in"), "admin_login_provider"),
    "status": (gettext_lazy("Status"), "admin_status"),
    "priority": (gettext_lazy("Priority"), "admin_priority"),
    "tickettype": (gettext_lazy("Type"), "admin_ticket_type"),
    "tag": (gettext_lazy("Tag"), "admin_tag"),
    "customfield": (gettext_lazy("Custom field"), "admin_custom_field"),
    "sla": (gettext_lazy("Service level"), "admin_sla"),
    "calendar": (gettext_lazy("Calendar"), "admin_calendar"),
    "filter": (gettext_lazy("Filter"), "admin_filter"),
    "externalnumber": (gettext_lazy("External number"), "admin_external_number"),
    "webhook": (gettext_lazy("Web hook"), "admin_webhook"),
    "classifier": (gettext_lazy("Classification"), "admin_classifier"),
    "classifiermodel": (gettext_lazy("Version of the classification"), ""),
    "languagemodel": (gettext_lazy("Language model"), ""),
    "groupingexclusion": (gettext_lazy("Grouping exclusion"), "admin_exclusion"),
    "job": (gettext_lazy("Job"), "admin_job"),
    "apitoken": (gettext_lazy("Token of a program"), ""),
    "options": (gettext_lazy("Options"), ""),
    "retention": (gettext_lazy("Retention"), ""),
    "ticket": (gettext_lazy("Ticket"), ""),
    "message": (gettext_lazy("Message"), ""),
    "customer": (gettext_lazy("Customer"), ""),
    "customers": (gettext_lazy("Customers"), ""),
    "organisations": (gettext_lazy("Organisations"), ""),
    "erasure": (gettext_lazy("Erasing of a person"), ""),
    "everything": (gettext_lazy("Everything"), ""),
    "backup": (gettext_lazy("Backup"), ""),
    "keys": (gettext_lazy("Keys of the installation"), ""),
    "report": (gettext_lazy("Report"), ""),
    "config": (gettext_lazy("Set-up as a file"), ""),
    "audit": (gettext_lazy("Audit"), ""),
    "history": (gettext_lazy("History of a ticket"), ""),
    "ledger": (gettext_lazy("Ledger"), ""),
}
SINGLE = {"options": "admin_options", "retention": "admin_retention", "languagemodel": "admin_language_model"}
PAGE_OF = {page: kind for kind, (_words, page) in KINDS.items() if page} | {page: kind for kind, page in SINGLE.items()}
FIELDS: Mapping[str, Words] = {
    "password": gettext_lazy("password"),
    "second_factor": gettext_lazy("second factor"),
    "reason": gettext_lazy("reason"),
    "digest": gettext_lazy("secret"),
    "sealed_password": gettext_lazy("password or token"),
    "sealed_client_secret": gettext_lazy("client secret"),
    "sealed_refresh_token": gettext_lazy("token"),
    "sealed_settings": gettext_lazy("settings of the provider"),
    "sealed_key": gettext_lazy("private key"),
    "sealed_private": gettext_lazy("private key"),
    "content": gettext_lazy("content"),
    "leads": gettext_lazy("leads"),
    "queues": gettext_lazy("queues"),
    "members": gettext_lazy("members"),
    "roles": gettext_lazy("roles"),
    "teams": gettext_lazy("teams"),
    "connected_at": gettext_lazy("connected"),
    "public": gettext_lazy("public key"),
    "endpoints": gettext_lazy("server addresses"),
    "conditions": gettext_lazy("conditions"),
    "actions": gettext_lazy("actions"),
}
PARTS: Mapping[str, Words] = {
    "salutation": gettext_lazy("salutation"),
    "signature": gettext_lazy("signature"),
    "footer": gettext_lazy("footer"),
    "texts": gettext_lazy("text"),
    "files": gettext_lazy("file"),
}


def kind_words(kind: str) -> str:
    return str(KINDS[kind][0]) if kind in KINDS else kind


def page_of(entry: AuditEntry) -> str:
    """Where the thing itself stands; "" for what is gone or has no page."""
    if entry.kind in SINGLE:
        return reverse(SINGLE[entry.kind])
    page = KINDS[entry.kind][1] if entry.kind in KINDS else ""
    is_gone = entry.action == Action.DELETED or "after" not in (entry.earlier or {"after": None})
    if not page or entry.key is None or is_gone:
        return ""
    try:
        return reverse(page, args=[entry.key])
    except NoReverseMatch:
        return ""


def changes_in_words(entry: AuditEntry) -> Iterator[tuple[str, str, str]]:
    """(field, before, after), in the order of the model's fields."""
    model = model_of(entry.kind)
    for name, pair in entry.changes.items():
        before, after = pair if isinstance(pair, list) and len(pair) == 2 else (None, pair)
        field = field_of(model, name)
        yield field_words(entry.kind, name, field), value_words(before, field), value_words(after, field)


def model_of(kind: str) -> type[Model] | None:
    try:
        return apps.get_model("postvak", kind) if kind else None
    except LookupError:
        return None


def field_of(model: type[Model] | None, name: str) -> Any:
    """Of the row itself, or of its part ("look.font")."""
    if model is None:
        return None
    accessor, _dot, rest = name.partition(".")
    try:
        field: Any = model._meta.get_field(accessor)
        return field.related_model._meta.get_field(rest) if rest and field.related_model else field
    except FieldDoesNotExist:
        return None


def field_words(kind: str, name: str, field: Any) -> str:
    if kind == "retention" and name in Receipt.Outcome.values:  # older entries: one for all outcomes together
        return str(Receipt.Outcome(name).label)
    if name in FIELDS:
        return str(FIELDS[name])
    accessor, _dot, rest = name.partition(".")
    if accessor in {"wordings", "texts", "files"}:
        return part_words(accessor, rest)
    return str(field.verbose_name) if isinstance(field, Field) else name


def part_words(accessor: str, rest: str) -> str:
    """ "wordings.signature.de": signature (de)"""
    part, _dot, language = rest.partition(".") if accessor == "wordings" else (accessor, "", rest)
    words = str(PARTS.get(part, part))
    return _("%(part)s (%(name)s)") % {"part": words, "name": language} if language else words


def value_words(value: object, field: Any) -> str:
    if value is None or value in ("", [], {}):
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    choices = dict(getattr(field, "flatchoices", ()) or ())
    if choices and value in choices:
        return str(choices[value])
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return moment(str(value)) if field is not None and field.get_internal_type() == "DateTimeField" else str(value)


def moment(text: str) -> str:
    at = parse_datetime(text)
    return str(when(at, "medium")) if at and at.tzinfo else text


def origin_words(entry: AuditEntry) -> str:
    """Who: an agent, else the door it came through."""
    if entry.who:
        return entry.who
    return str(entry.get_origin_display()) if entry.origin != AuditEntry.Origin.ITSELF else "Postvak"
