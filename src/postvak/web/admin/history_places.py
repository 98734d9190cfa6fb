"""Where a kind of thing stands in the administration: its area and its list."""

from collections.abc import Mapping

from django.urls import NoReverseMatch, reverse

AREAS: Mapping[str, str] = {
    "mailbox": "mailboxes", "channel": "channels", "signingkey": "signing", "grant": "grants", "address": "addresses",
    "queue": "queues", "brand": "brands", "answertemplate": "answer_templates", "rule": "messages", "blocked": "block_list",
    "agent": "agents", "status": "statuses", "priority": "priorities", "tickettype": "ticket_types", "tag": "tags",
    "customfield": "custom_fields", "sla": "slas", "calendar": "calendars", "filter": "filters",
    "externalnumber": "external_numbers", "groupingexclusion": "exclusions", "options": "options", "retention": "retention",
    "role": "roles", "team": "teams", "webhook": "webhooks", "loginprovider": "login",
    "classifier": "classification", "classifiermodel": "classification", "languagemodel": "classification",
}  # fmt: skip
WITHIN = {"block_list": "messages"}  # pages that the navigation has no area of their own for


# name of a list's address: its kind; the page of the filters has its own history
LISTS = {f"admin_{area}": kind for kind, area in AREAS.items() if kind != "filter"}


def area_of(kind: str) -> str:
    area = AREAS.get(kind, "audit")
    return WITHIN.get(area, area)


def listing_of(kind: str) -> str:
    """The address of its list; "" for what has none."""
    try:
        return reverse(f"admin_{AREAS.get(kind, 'audit')}")
    except NoReverseMatch:
        return ""
