"""Addresses of the administration. A new state is a new resource: POST …/due, …/attempt."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path

from postvak.web.admin import (
    addresses,
    agents,
    answer_template_preview,
    answer_templates,
    audit,
    blocked,
    brands,
    calendars,
    channels,
    communication_page,
    communications,
    custom_fields,
    exclusions,
    external_numbers,
    filters,
    filters_bench,
    filters_exchange,
    filters_history,
    grants,
    health,
    loops,
    mailboxes,
    options,
    preview,
    priorities,
    providers,
    queues,
    retention,
    rules,
    rules_edit,
    rules_exchange,
    rules_preview,
    signing,
    slas,
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
    path("admin/channels/<int:pk>/copies/", channels.copy_now, name="admin_channel_copies"),
    path("admin/signing/", signing.listing, name="admin_signing"),
    path("admin/signing/<str:domain>/", signing.domain_page, name="admin_signing_domain"),
    path("admin/signing/<str:domain>/policies/", signing.policies, name="admin_signing_policies"),
    path("admin/signing/<str:domain>/keys/", signing.make, name="admin_signing_keys"),
    path("admin/signing-keys/<int:pk>/check/", signing.check, name="admin_signing_key_check"),
    path("admin/signing-keys/<int:pk>/on/", signing.switch_on, name="admin_signing_key_on"),
    path("admin/signing-keys/<int:pk>/off/", signing.switch_off, name="admin_signing_key_off"),
    path("admin/signing-keys/<int:pk>/deletion/", signing.delete, name="admin_signing_key_deletion"),
    path("admin/providers/", providers.recognise, name="admin_providers"),
    *nouns("grants", "grant", grants),
    path("admin/grants/<int:pk>/connection/", grants.connect, name="admin_grant_connection"),
    path("admin/grants/<int:pk>/disconnection/", grants.disconnection, name="admin_grant_disconnection"),
    path("admin/grants/<int:pk>/deletion/", grants.deletion, name="admin_grant_deletion"),
    path("admin/grants/callback/", grants.callback, name="admin_grant_callback"),
    *nouns("addresses", "address", addresses),
    path("admin/addresses/preview/", addresses.preview, name="admin_address_preview_new"),
    path("admin/addresses/<int:pk>/preview/", addresses.preview, name="admin_address_preview"),
    *nouns("queues", "queue", queues),
    *nouns("brands", "brand", brands),
    path("admin/brands/preview/", brands.preview, name="admin_brand_preview_new"),
    path("admin/brands/<int:pk>/preview/", brands.preview, name="admin_brand_preview"),
    path("admin/brands/<int:pk>/logo/", brands.logo, name="admin_brand_logo"),
    *nouns("agents", "agent", agents),
    *deletable("statuses", "status", statuses),
    *deletable("priorities", "priority", priorities),
    *deletable("ticket types", "ticket_type", ticket_types),
    *deletable("tags", "tag", tags),
    path("admin/tags/<int:pk>/merge/", tags.merge, name="admin_tag_merge"),
    *deletable("custom fields", "custom_field", custom_fields),
    *deletable("calendars", "calendar", calendars),
    path("admin/calendars/holidays/", calendars.holidays, name="admin_calendar_holidays"),
    path("admin/calendars/trial/", calendars.try_it, name="admin_calendar_trial"),
    *deletable("slas", "sla", slas),
    path("admin/slas/preview/", slas.preview, name="admin_sla_preview_new"),
    path("admin/slas/<int:pk>/preview/", slas.preview, name="admin_sla_preview"),
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
    *deletable("answer templates", "answer_template", answer_templates),
    path("admin/answer-templates/texts/", answer_templates.add_language, name="admin_answer_template_text"),
    path("admin/answer-templates/preview/", answer_template_preview.preview, name="admin_answer_template_preview"),
    path("admin/answer-templates/files/<int:pk>/", answer_templates.file, name="admin_answer_template_file"),
    path("admin/messages/", rules.listing, name="admin_messages"),
    path("admin/messages/limits/", rules.limits, name="admin_message_limits"),
    path("admin/messages/new/", rules_edit.edit, name="admin_rule_new"),
    path("admin/messages/<int:pk>/", rules_edit.edit, name="admin_rule"),
    path("admin/messages/<int:pk>/deletion/", rules.delete, name="admin_rule_deletion"),
    path("admin/messages/<int:pk>/on/", rules.switch_on, name="admin_rule_on"),
    path("admin/messages/<int:pk>/off/", rules.switch_off, name="admin_rule_off"),
    path("admin/messages/<int:pk>/mails/", rules.mails, name="admin_rule_mails"),
    path("admin/messages/rows/", rules_edit.rows, name="admin_rule_rows"),
    path("admin/messages/texts/", rules_edit.add_language, name="admin_rule_text"),
    path("admin/messages/files/<int:pk>/", rules_edit.file, name="admin_rule_file"),
    path("admin/messages/preview/", rules_preview.show, name="admin_rule_preview_new"),
    path("admin/messages/<int:pk>/preview/", rules_preview.show, name="admin_rule_preview"),
    path("admin/messages/test/", rules_preview.send, name="admin_rule_test_new"),
    path("admin/messages/<int:pk>/test/", rules_preview.send, name="admin_rule_test"),
    path("admin/messages/import/", rules_exchange.upload, name="admin_rule_import"),
    path("admin/messages/imports/", rules_exchange.take, name="admin_rule_imports"),
    path("admin/messages/export/", rules_exchange.export, name="admin_rule_export"),
    path("admin/messages/<int:pk>/export/", rules_exchange.export, name="admin_rule_export_one"),
    path("admin/loops/", loops.listing, name="admin_loops"),
    path("admin/loops/<int:pk>/", loops.show, name="admin_loop"),
    path("admin/loops/<int:pk>/resumption/", loops.resumed, name="admin_loop_resumption"),
    path("admin/loops/<int:pk>/ignoring/", loops.ignored, name="admin_loop_ignoring"),
    path("admin/block-list/", blocked.listing, name="admin_block_list"),
    path("admin/block-list/new/", blocked.edit, name="admin_blocked_new"),
    path("admin/block-list/<int:pk>/", blocked.edit, name="admin_blocked"),
    path("admin/block-list/<int:pk>/deletion/", blocked.delete, name="admin_blocked_deletion"),
    path("admin/retention/", retention.edit, name="admin_retention"),
    path("admin/health/", health.show, name="admin_health"),
    path("admin/audit/", audit.listing, name="admin_audit"),
    path("admin/audit.csv", audit.table, name="admin_audit_table"),
    path("admin/communications/", communications.listing, name="admin_communications"),
    path("admin/communications/figures/", communications.figures, name="admin_communication_figures"),
    path("admin/communications/<int:pk>/", communication_page.show, name="admin_communication"),
    path("admin/communications/<int:pk>/text/", communication_page.text, name="admin_communication_text"),
]
