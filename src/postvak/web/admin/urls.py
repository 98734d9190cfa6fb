"""Addresses of the administration. A new state is a new resource: POST …/due, …/attempt."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path

from postvak.web.admin import (
    addresses,
    agents,
    brands,
    channels,
    custom_fields,
    exclusions,
    external_numbers,
    filters,
    filters_bench,
    filters_exchange,
    filters_history,
    grants,
    mailboxes,
    options,
    preview,
    priorities,
    providers,
    queues,
    retention,
    statuses,
    tags,
    ticket_types,
    tokens,
)
from postvak.web.admin.access import admin_only


@admin_only
def start(request: HttpRequest) -> HttpResponse:
    return redirect("admin_mailboxes")


def nouns(name: str, singular: str, module: object) -> list[URLPattern]:
    """List, new and edit of one noun. A blank between words is a hyphen in the address."""
    plural, name = name.replace(" ", "_"), name.replace(" ", "-")
    return [
        path(f"admin/{name}/", module.listing, name=f"admin_{plural}"),  # type: ignore[attr-defined]
        path(f"admin/{name}/new/", module.edit, name=f"admin_{singular}_new"),  # type: ignore[attr-defined]
        path(f"admin/{name}/<int:pk>/", module.edit, name=f"admin_{singular}"),  # type: ignore[attr-defined]
    ]


def deletable(name: str, singular: str, module: object) -> list[URLPattern]:
    """A noun whose rows can be deleted as long as nothing uses them."""
    at = f"admin/{name.replace(' ', '-')}/<int:pk>/deletion/"
    return [
        *nouns(name, singular, module),
        path(at, module.delete, name=f"admin_{singular}_deletion"),  # type: ignore[attr-defined]
    ]


admin_urls = [
    path("admin/", start, name="admin"),
    *nouns("mailboxes", "mailbox", mailboxes),
    path("admin/mailboxes/check/", mailboxes.check, name="admin_mailbox_check_new"),
    path("admin/mailboxes/<int:pk>/check/", mailboxes.check, name="admin_mailbox_check"),
    path("admin/mailboxes/<int:pk>/preview/", preview.show, name="admin_mailbox_preview"),
    path("admin/mailboxes/<int:pk>/live/", preview.live, name="admin_mailbox_live"),
    path("admin/mailboxes/<int:pk>/comparison/", mailboxes.compare, name="admin_mailbox_comparison"),
    path("admin/mailboxes/<int:pk>/token/", tokens.make, name="admin_mailbox_token"),
    path("admin/mailboxes/<int:pk>/due/", mailboxes.fetch_now, name="admin_mailbox_due"),
    *nouns("channels", "channel", channels),
    path("admin/channels/check/", channels.check, name="admin_channel_check_new"),
    path("admin/channels/<int:pk>/check/", channels.check, name="admin_channel_check"),
    path("admin/channels/mail/", channels.mail_me, name="admin_channel_mail_new"),
    path("admin/channels/<int:pk>/mail/", channels.mail_me, name="admin_channel_mail"),
    path("admin/channels/<int:pk>/attempt/", channels.try_now, name="admin_channel_attempt"),
    path("admin/providers/", providers.recognise, name="admin_providers"),
    *nouns("grants", "grant", grants),
    path("admin/grants/<int:pk>/connection/", grants.connect, name="admin_grant_connection"),
    path("admin/grants/<int:pk>/disconnection/", grants.disconnection, name="admin_grant_disconnection"),
    path("admin/grants/<int:pk>/deletion/", grants.deletion, name="admin_grant_deletion"),
    path("admin/grants/callback/", grants.callback, name="admin_grant_callback"),
    *nouns("addresses", "address", addresses),
    *nouns("queues", "queue", queues),
    *nouns("brands", "brand", brands),
    *nouns("agents", "agent", agents),
    *deletable("statuses", "status", statuses),
    *deletable("priorities", "priority", priorities),
    *deletable("ticket types", "ticket_type", ticket_types),
    *deletable("tags", "tag", tags),
    path("admin/tags/<int:pk>/merge/", tags.merge, name="admin_tag_merge"),
    *deletable("custom fields", "custom_field", custom_fields),
    *deletable("exclusions", "exclusion", exclusions),
    *deletable("external numbers", "external_number", external_numbers),
    path("admin/external-numbers/trial/", external_numbers.try_it, name="admin_external_number_trial"),
    path("admin/options/", options.edit, name="admin_options"),
    path("admin/options/example/", options.example, name="admin_options_example"),
    *deletable("filters", "filter", filters),
    path("admin/filters/rows/", filters.rows, name="admin_filter_rows"),
    path("admin/filters/bench/", filters_bench.bench, name="admin_filter_bench_new"),
    path("admin/filters/<int:pk>/bench/", filters_bench.bench, name="admin_filter_bench"),
    path("admin/filters/trial/", filters_bench.trial, name="admin_filter_trial_new"),
    path("admin/filters/<int:pk>/trial/", filters_bench.trial, name="admin_filter_trial"),
    path("admin/filters/<int:pk>/validity/", filters.switch, name="admin_filter_validity"),
    path("admin/filters/import/", filters_exchange.upload, name="admin_filter_import"),
    path("admin/filters/imports/", filters_exchange.take, name="admin_filter_imports"),
    path("admin/filters/export/", filters_exchange.export, name="admin_filter_export"),
    path("admin/filters/history/", filters_history.history, name="admin_filters_history"),
    path("admin/filters/<int:pk>/history/", filters_history.history, name="admin_filter_history"),
    path("admin/filters/versions/<int:pk>/undo/", filters_history.take_back, name="admin_filter_undo"),
    path("admin/retention/", retention.edit, name="admin_retention"),
]
