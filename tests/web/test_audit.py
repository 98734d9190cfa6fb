"""The audit of the administration: nothing is saved without an entry, no secret is in one, and the page finds it again."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from postvak.conditions.condition import Condition
from postvak.log import audit
from postvak.models import (
    Address,
    Agent,
    AnswerTemplate,
    AuditEntry,
    Blocked,
    Brand,
    Calendar,
    Channel,
    CustomField,
    ExternalNumber,
    Grant,
    GroupingExclusion,
    Mailbox,
    Options,
    Priority,
    Queue,
    Retention,
    Role,
    Rule,
    Sla,
    Status,
    Tag,
    Team,
    TicketType,
    Webhook,
    Wording,
)
from postvak.process.filters.draft import Action, Draft
from postvak.process.filters.store import save_filter
from postvak.send.signing_keys import make_key
from postvak.web.admin.urls import admin_urls
from postvak.web.setup import setup_token
from tests.mails import mail
from tests.send.answering import receive
from tests.web.filled_form import Fields, filled

pytestmark = pytest.mark.django_db
SECRET = "correct horse battery staple 4711"  # noqa: S105 - to look for it

# name of the address: (kind in the audit, field to change, field that has to be another one in a new row)
NOUNS: Mapping[str, tuple[type[Model], str, str]] = {
    "mailbox": (Mailbox, "comment", "name"),
    "channel": (Channel, "return_path", "name"),
    "grant": (Grant, "client_id", "name"),
    "address": (Address, "display_name", "email"),
    "queue": (Queue, "name", "name"),
    "brand": (Brand, "name", "name"),
    "agent": (Agent, "name", "email"),
    "role": (Role, "name", "name"),
    "team": (Team, "name", "name"),
    "status": (Status, "name", "name"),
    "priority": (Priority, "name", "name"),
    "ticket_type": (TicketType, "name", "name"),
    "tag": (Tag, "name", "name"),
    "custom_field": (CustomField, "label", "label"),
    "calendar": (Calendar, "name", "name"),
    "sla": (Sla, "name", "name"),
    "exclusion": (GroupingExclusion, "comment", "sender"),
    "external_number": (ExternalNumber, "name", "name"),
    "filter": (type("Filter", (), {}), "name", "name"),  # type: ignore[dict-item]
    "answer_template": (AnswerTemplate, "name", "name"),
    "rule": (Rule, "name", "name"),
    "blocked": (Blocked, "comment", "pattern"),
    "webhook": (Webhook, "url", "name"),
}
KINDS = {"ticket_type": "tickettype", "custom_field": "customfield", "exclusion": "groupingexclusion"}
KINDS |= {"external_number": "externalnumber", "answer_template": "answertemplate"}
# They show something, try something, or wake a worker: no setting changes.
SAVES_NOTHING = {
    "admin_history",
    "admin_history_of_kind",
    "admin", "admin_mailbox_check_new", "admin_mailbox_check", "admin_mailbox_preview", "admin_channel_check_new",
    "admin_channel_check", "admin_channel_mail_new", "admin_channel_mail", "admin_signing", "admin_signing_domain",
    "admin_signing_policies", "admin_signing_key_check", "admin_providers", "admin_grant_connection", "admin_grant_callback",
    "admin_address_preview_new", "admin_address_preview", "admin_brand_preview_new", "admin_brand_preview",
    "admin_brand_logo", "admin_calendar_holidays", "admin_calendar_trial", "admin_sla_preview_new", "admin_sla_preview",
    "admin_external_number_trial", "admin_options_example", "admin_filter_rows", "admin_filter_bench_new",
    "admin_filter_bench", "admin_filter_trial_new", "admin_filter_trial", "admin_filter_import", "admin_filters_history",
    "admin_filter_history", "admin_answer_template_text", "admin_answer_template_preview", "admin_answer_template_file",
    "admin_queue_signature_preview", "admin_health", "admin_audit", "admin_audit_table", "admin_communications", "admin_communication",
    "admin_communication_figures", "admin_communication_text",
    "admin_messages", "admin_rule_mails", "admin_rule_rows", "admin_rule_text", "admin_rule_file", "admin_rule_preview_new",
    "admin_rule_preview", "admin_rule_test_new", "admin_rule_test", "admin_rule_import", "admin_loops", "admin_loop",
    "admin_webhook_test", "admin_webhook_log", "admin_webhook_delivery", "admin_webhook_again", "admin_invitations",
    "admin_jobs", "admin_job_look", "admin_job_stop", "admin_job_attempt", "admin_backup_progress", "admin_privacy",
    "admin_privacy_person", "admin_exports", "admin_export_end", "admin_login", "admin_programs", "admin_notice_original",
    "admin_customers_import", "admin_organisations_import", "admin_imports", "admin_backups",
    "admin_keys", "admin_keys_waiting", "admin_mail_trial",
    "admin_classification", "admin_language_model_trial", "admin_classifier_score", "admin_classifier_versions",
    "admin_block_list", "admin_mailbox_comparison", "admin_mailbox_due", "admin_channel_attempt", "admin_channel_copies",
}  # fmt: skip
OTHERS = {
    "admin_taking_back",  # each has a test of its own below, or in tests/setup
    "admin_mailbox_live", "admin_mailbox_token", "admin_signing_keys", "admin_signing_key_on", "admin_signing_key_off",
    "admin_signing_key_deletion", "admin_grant_disconnection", "admin_grant_deletion", "admin_tag_merge", "admin_options",
    "admin_filter_validity", "admin_filter_imports", "admin_filter_export", "admin_filter_undo", "admin_retention",
    "admin_rule_on", "admin_rule_off", "admin_message_limits", "admin_rule_imports", "admin_rule_export", "admin_rule_export_one",
    "admin_loop_resumption", "admin_loop_ignoring",  # of these: test_message_centre.py
    "admin_webhook_secret",  # test_webhooks.py
    "admin_queue_signature",  # test_queue_pages.py
    "admin_login_provider", "admin_login_provider_new", "admin_login_provider_deletion",  # test_login_provider.py
    "admin_invite", "admin_invitation_link", "admin_invitation_mail", "admin_invitation_withdrawal",  # test_invitations.py
    "admin_agent_factors_removal", "admin_agent_sessions_end",  # test_second_factor.py, test_own_sessions.py
    "admin_program_withdrawal",  # test_programs.py
    "admin_import_new", "admin_import_start", "admin_job", "admin_job_file",  # test_imports.py
    "admin_export_new", "admin_export_download", "admin_privacy_export",  # test_keeping.py
    "admin_key", "admin_key_new", "admin_key_acceptance", "admin_key_revocation", "admin_key_deletion", "admin_key_private", "admin_key_file",
    "admin_keys_trust", "admin_keys_protection", "admin_keys_again", "admin_keys_revocation_new", "admin_keys_revocation_deletion", "admin_keys_revocation_fetching",  # test_keys.py
    "admin_key_make",  # test_key_making.py
    "admin_key_lookup",  # setup/test_key_lookup.py
    "admin_classifier", "admin_classifier_training", "admin_classifier_version_new", "admin_classifier_version_activation",
    "admin_classifier_version_deletion", "admin_classifier_version_file", "admin_language_model",  # test_classification.py
    "admin_backup_new", "admin_backup_download", "admin_backup_keys", "admin_backup_deletion",  # test_keeping.py
    "admin_customers_export", "admin_customers_table", "admin_organisations_export", "admin_organisations_table",
}  # fmt: skip
NEW = sorted(
    str(pattern.name).removeprefix("admin_").removesuffix("_new")
    for pattern in admin_urls
    if str(pattern.pattern).endswith("/new/") and pattern.name not in OTHERS
)
DELETABLE = sorted(
    str(pattern.name).removeprefix("admin_").removesuffix("_deletion")
    for pattern in admin_urls
    if str(pattern.pattern).endswith("/deletion/") and pattern.name not in OTHERS
)


@pytest.fixture
def eva(client: Client, admin: Agent) -> Client:
    client.force_login(admin)
    return client


@pytest.fixture
def rows(support: Queue, channel: Channel, bob: Agent) -> Mapping[str, Callable[[], Model]]:
    """One of each noun, made when it is wanted."""

    def grant() -> Model:
        return Grant.objects.create(name="Office", provider="microsoft", client_id="abc", account="a@example.org")

    def field() -> CustomField:
        return CustomField.objects.create(key="order", label="Order", kind="text")

    def level() -> Model:
        calendar = Calendar.objects.create(name="Office", hours={"0": [["09:00", "17:00"]]})
        return Sla.objects.create(name="Usual", calendar=calendar, first_answer=60)

    def number() -> Model:
        return ExternalNumber.objects.create(
            name="Orders", sender="shop@example\\.org", number="Order (\\d+)", field=field()
        )

    def one_filter() -> Model:
        draft = Draft("10 Invoices", (Condition("subject", "contains", "invoice"),), (Action("priority", "high"),))
        return save_filter(draft, by=None)

    def template() -> Model:
        row = AnswerTemplate.objects.create(name="Thanks")
        row.texts.create(language="", subject="", html="<p>Thank you</p>")
        return row

    def rule() -> Model:
        row = Rule.objects.create(name="Boss", trigger="new_ticket", recipients=["leads"], position=500)
        row.texts.create(language="", subject="", html="<p>News</p>")
        return row

    return {
        "mailbox": lambda: Mailbox.objects.create(
            name="Mail", kind="imap", host="imap.example.org", username="u", queue=support
        ),
        "channel": lambda: Channel.objects.create(
            name="Relay", kind="smtp", host="smtp.example.org", return_path="bounce@example.org"
        ),
        "grant": grant,
        "address": lambda: Address.objects.get(email="support@example.org"),
        "queue": lambda: support,
        "brand": Brand.objects.get,
        "agent": lambda: bob,
        "role": lambda: Role.objects.create(name="Dispatcher"),
        "team": lambda: Team.objects.create(name="Service"),
        "status": lambda: Status.objects.create(key="parked", name="Parked", type="open", position=90),
        "priority": lambda: Priority.objects.create(level=9, name="Extreme"),
        "ticket_type": lambda: TicketType.objects.create(name="Complaint"),
        "tag": lambda: Tag.objects.create(name="vip"),
        "custom_field": field,
        "calendar": lambda: Calendar.objects.create(name="Office", hours={"0": [["09:00", "17:00"]]}),
        "sla": level,
        "exclusion": lambda: GroupingExclusion.objects.create(sender="shop.example"),
        "external_number": number,
        "filter": one_filter,
        "answer_template": template,
        "rule": rule,
        "webhook": lambda: Webhook.objects.create(
            name="Shop", url="https://shop.example/hook", created_at=timezone.now()
        ),
        "blocked": lambda: Blocked.objects.create(pattern="@shop.example", created_at=timezone.now()),
    }


def path_of(noun: str, pk: object = "new") -> str:
    route = next(
        str(p.pattern) for p in admin_urls if p.name == (f"admin_{noun}_new" if pk == "new" else f"admin_{noun}")
    )
    return "/" + route.replace("<int:pk>", str(pk))


def opened(eva: Client, path: str) -> Fields:
    page = eva.get(path)
    assert page.status_code == 200, path
    return filled(page.text)


def entries(**wanted: object) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(**wanted).order_by("pk"))


def kind_of(noun: str) -> str:
    return KINDS.get(noun, noun)


# ---- every form, generated from the addresses ----------------------------------------------


def test_every_address_of_the_administration_is_known_here() -> None:
    nouns = {f"admin_{noun}{end}" for noun in NEW for end in ("", "_new", "_deletion")}
    lists = {str(p.name) for p in admin_urls if str(p.pattern).count("/") == 2 and f"{p.pattern}new/" in all_routes()}
    unknown = {str(pattern.name) for pattern in admin_urls} - nouns - lists - SAVES_NOTHING - OTHERS
    assert not unknown, "does it save? then record it and test it here"
    assert set(NEW) == set(NOUNS)


def all_routes() -> set[str]:
    return {str(pattern.pattern) for pattern in admin_urls}


@pytest.mark.parametrize("noun", NEW)
def test_a_changed_row_has_an_entry_with_its_value_before_and_after(
    eva: Client, admin: Agent, rows: Mapping[str, Callable[[], Model]], noun: str
) -> None:
    row, field = rows[noun](), NOUNS[noun][1]
    path = path_of(noun, row.pk)
    typed = opened(eva, path)
    before = typed[field][0]
    others = {"return_path": "bounces@example.org", "url": "https://shop.example/other"}
    wanted = others.get(field, f"{before} anew".strip())
    answer = eva.post(path, typed | {field: [wanted]})
    assert answer.status_code == 302, answer.text[:3000]
    (entry,) = entries(action="changed", kind=kind_of(noun))
    assert entry.key == row.pk
    assert (entry.agent, entry.who, entry.origin, entry.remote_ip) == (admin, "Eva Admin", "browser", "127.0.0.1")
    assert entry.changes[field] == [before, wanted]


@pytest.mark.parametrize("noun", NEW)
def test_a_new_row_has_an_entry(eva: Client, rows: Mapping[str, Callable[[], Model]], noun: str) -> None:
    row, unique = rows[noun](), NOUNS[noun][2]
    typed = opened(eva, path_of(noun, row.pk))
    fresh = {"email": "fresh@example.org", "sender": "fresh.example", "pattern": "@fresh.example"}.get(
        unique, "Fresh one"
    )
    more = {
        "agent": {"password": [SECRET]},
        "custom_field": {"key": ["fresh"]},
        "priority": {"level": ["8"]},
        "status": {"type": ["open"]},
    }
    typed |= {unique: [fresh]} | more.get(noun, {}) | ({"key": ["fresh"]} if "key" in typed else {})
    typed.pop("is_default", None)
    answer = eva.post(path_of(noun), typed)
    assert answer.status_code == (200 if noun == "webhook" else 302), answer.text[:3000]  # its secret is shown once
    (entry,) = entries(action="created", kind=kind_of(noun))
    assert entry.changes[unique] == [None, fresh]
    assert entry.key != row.pk


@pytest.mark.parametrize("noun", DELETABLE)
def test_a_deleted_row_has_an_entry_with_all_that_it_was(
    eva: Client, rows: Mapping[str, Callable[[], Model]], noun: str
) -> None:
    row = rows[noun]()
    key, name = row.pk, str(row)
    assert eva.post(f"{path_of(noun, key)}deletion/").status_code == 302
    (entry,) = entries(action="deleted")
    assert (entry.kind, entry.key, entry.name) == (kind_of(noun), key, name)
    assert all(after is None or after == "" for _before, after in entry.changes.values())


@pytest.mark.parametrize("noun", NEW)
def test_saving_what_is_there_already_writes_nothing(
    eva: Client, rows: Mapping[str, Callable[[], Model]], noun: str
) -> None:
    path = path_of(noun, rows[noun]().pk)
    typed = opened(eva, path)
    eva.post(path, typed)
    AuditEntry.objects.all().delete()
    eva.post(path, opened(eva, path))
    assert entries() == []


@pytest.mark.parametrize("name", sorted(SAVES_NOTHING - {"admin_grant_connection"}))
def test_what_is_said_to_save_nothing_writes_no_setting(
    eva: Client, rows: Mapping[str, Callable[[], Model]], name: str
) -> None:
    """Posted to with nothing; settings are the tables whose rows the audit follows."""
    pattern = next(p for p in admin_urls if p.name == name)
    mailbox = rows["mailbox"]()
    Mailbox.objects.filter(pk=mailbox.pk).update(next_fetch_at=timezone.now())
    path = "/" + str(pattern.pattern).replace("<int:pk>", str(mailbox.pk)).replace("<str:domain>", "example.org")
    tables = {model._meta.db_table for model, _field, _unique in NOUNS.values() if hasattr(model, "_meta")}
    with CaptureQueriesContext(connection) as seen:
        eva.post(path)
    written = [query["sql"] for query in seen if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    runtime = ("next_fetch_at", "reconciled_at", "paused_until", "seen_at", "next_attempt_at")
    settings = [sql for sql in written if any(f'"{table}"' in sql.split("WHERE")[0] for table in tables)]
    assert [sql for sql in settings if not any(column in sql for column in runtime)] == []


# ---- the others ----------------------------------------------------------------------------


def test_options_and_retention_are_recorded(eva: Client) -> None:
    typed = opened(eva, "/admin/options/")
    assert (
        eva.post("/admin/options/", typed | {"held_hours": ["5"], "alarm_hook": ["http://10.0.0.7/hook"]}).status_code
        == 302
    )
    (entry,) = entries(kind="options")
    assert entry.changes == {"alarm_hook": ["", "http://10.0.0.7/hook"], "held_hours": [24, 5]}
    eva.post("/admin/retention/", {"ignored": "30"})
    eva.post("/admin/retention/", {"ignored": "30"})
    eva.post("/admin/retention/", {"ignored": ""})
    assert [(entry.action, entry.changes) for entry in entries(kind="retention")] == [
        ("created", {"outcome": [None, "ignored"], "days": [None, 30]}),
        ("deleted", {"outcome": ["ignored", None], "days": [30, None]}),
    ]
    assert not Retention.objects.exists()


def test_a_new_token_is_recorded_without_the_token(eva: Client) -> None:
    box = Mailbox.objects.create(name="Shop", kind="http")
    eva.post(f"/admin/mailboxes/{box.pk}/token/")
    (entry,) = entries(kind="mailbox")
    assert entry.changes == {"sealed_password": ["", "…"]}


def test_going_live_is_recorded(eva: Client) -> None:
    box = Mailbox.objects.create(name="Shop", kind="imap", is_look_only=True)
    eva.post(f"/admin/mailboxes/{box.pk}/live/", {"start": "all"})
    (entry,) = entries(kind="mailbox")
    assert entry.changes == {"is_look_only": [True, False]}


def test_signing_keys_are_recorded_without_the_key(eva: Client, support: Queue) -> None:
    eva.post("/admin/signing/example.org/keys/")
    key = make_key("example.org", timezone.now())
    type(key).objects.filter(pk=key.pk).update(is_on=True)
    eva.post(f"/admin/signing-keys/{key.pk}/off/")
    eva.post(f"/admin/signing-keys/{key.pk}/deletion/")
    made, off, gone = entries(kind="signingkey")
    assert made.changes["sealed_key"] == [None, "…"] or made.changes["sealed_key"] == ["", "…"]
    assert (off.changes, gone.action) == ({"is_on": [True, False]}, "deleted")
    assert "PRIVATE" not in json.dumps([made.changes, gone.changes])


def test_a_connected_account_that_is_given_up_is_recorded(eva: Client) -> None:
    grant = Grant.objects.create(name="Office", provider="microsoft", client_id="a", connected_at=timezone.now())
    Grant.objects.update(sealed_refresh_token="sealed")
    eva.post(f"/admin/grants/{grant.pk}/disconnection/")
    eva.post(f"/admin/grants/{grant.pk}/deletion/")
    gone, deleted = entries(kind="grant")
    assert gone.changes["sealed_refresh_token"] == ["…", ""]
    assert (deleted.action, deleted.name) == ("deleted", "Office")


def test_merged_tags_and_switched_filters_are_recorded(eva: Client, rows: Mapping[str, Callable[[], Model]]) -> None:
    one, other = Tag.objects.create(name="vip"), Tag.objects.create(name="VIP customer")
    eva.post(f"/admin/tags/{one.pk}/merge/", {"into": other.pk})
    assert [(entry.kind, entry.action, entry.name) for entry in entries()] == [("tag", "deleted", "vip")]
    row = rows["filter"]()
    eva.post(f"/admin/filters/{row.pk}/validity/", {"valid": "no"})
    (switched,) = entries(kind="filter")
    assert switched.changes == {"is_valid": [True, False]}
    eva.post(f"/admin/filters/versions/{row.versions.latest('pk').pk}/undo/")  # type: ignore[attr-defined]
    assert entries(kind="filter")[-1].changes == {"is_valid": [False, True]}


def test_filters_of_a_file_are_recorded_and_so_is_their_export(
    eva: Client, rows: Mapping[str, Callable[[], Model]]
) -> None:
    rows["filter"]()
    text = eva.get("/admin/filters/export/?format=json").text
    eva.post("/admin/filters/imports/", {"drafts": text.replace("10 Invoices", "20 Bills"), "take": ["20 Bills"]})
    exported, made = entries()
    assert (exported.action, exported.kind) == ("exported", "filter")
    assert (made.action, made.kind, made.name) == ("created", "filter", "20 Bills")


# ---- log-ins, secrets ----------------------------------------------------------------------


def test_log_ins_refusals_and_log_outs_are_recorded(client: Client, bob: Agent) -> None:
    client.post("/login/", {"email": "Bob@Example.org", "password": SECRET})
    client.post("/login/", {"email": "bob@example.org", "password": "correct horse battery"})
    client.post("/logout/")
    refused, came, left = entries()
    assert (refused.action, refused.name, refused.agent) == ("login_refused", "Bob@Example.org", None)
    assert (came.action, came.agent, came.remote_ip) == ("logged_in", bob, "127.0.0.1")
    assert (left.action, left.who) == ("logged_out", "Bob Baker")


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_no_password_that_was_typed_stands_anywhere_in_the_database(
    client: Client, admin: Agent, support: Queue, channel: Channel
) -> None:
    client.post("/login/", {"email": admin.email, "password": SECRET})
    client.force_login(admin)
    box = {"name": "Mail", "kind": "imap", "host": "imap.example.org", "port": "993", "security": "tls"}
    client.post(
        "/admin/mailboxes/new/", {**opened(client, "/admin/mailboxes/new/"), **box, "username": "u", "password": SECRET}
    )
    client.post("/admin/agents/new/", {**opened(client, "/admin/agents/new/"), "name": "Dee", "email": "dee@example.org", "password": SECRET})  # fmt: skip
    client.post("/admin/grants/new/", {**opened(client, "/admin/grants/new/"), "name": "G", "provider": "google", "flow": "code", "tenant": "common", "client_id": "i", "client_secret": SECRET})  # fmt: skip
    kinds = {(entry.action, entry.kind) for entry in entries()}
    assert {("created", "mailbox"), ("created", "agent"), ("created", "grant")} <= kinds
    dump = io.StringIO()
    call_command("dumpdata", "--all", "postvak", stdout=dump)
    assert SECRET not in dump.getvalue()
    assert "sealed_password" in json.dumps([entry.changes for entry in entries(kind="mailbox")])


def test_when_saving_fails_nothing_is_recorded(support: Queue, admin: Agent) -> None:
    def rename() -> None:
        with audit.recording(audit.By(admin), support):
            Queue.objects.filter(pk=support.pk).update(name="Other")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        rename()
    assert entries() == []
    support.refresh_from_db()
    assert support.name == "Support"


def test_names_stand_for_keys_and_texts_for_parts(support: Queue, bob: Agent, cas: Agent, brand: Brand) -> None:
    with audit.recording(audit.COMMAND, support, brand):
        support.members.set([cas])
        Wording.objects.create(brand=brand, part="signature", language="de", text="Grüße")
    queue, look = entries()
    assert queue.changes == {"members": [["Bob Baker"], ["Cas de Vries"]]}  # without a role of their own
    assert look.changes == {"wordings.signature.de": [None, "Grüße"]}
    assert (queue.origin, queue.who) == ("command", "")


# ---- the page ------------------------------------------------------------------------------


def test_the_page_says_in_the_readers_language_what_changed(eva: Client, admin: Agent, support: Queue) -> None:
    with audit.recording(audit.By(admin, "browser", "192.0.2.1"), support):
        Queue.objects.filter(pk=support.pk).update(is_valid=False, colour="ochre")
    page = eva.get("/admin/audit/").text
    assert all(
        text in page for text in ("Eva Admin", "192.0.2.1", "Valid", "yes", "no", f"/admin/queues/{support.pk}/")
    )
    Agent.objects.filter(pk=admin.pk).update(language="nl")
    assert "Actief" in eva.get("/admin/audit/").text


def test_filters_narrow_the_page_and_the_file_alike(eva: Client, admin: Agent, bob: Agent, support: Queue) -> None:
    audit.login_refused("evil@example.org", ip="203.0.113.5")
    with audit.recording(audit.COMMAND) as made:
        made.append(Tag.objects.create(name="from the file"))
    with audit.recording(audit.By(admin), support):
        Queue.objects.filter(pk=support.pk).update(name="=Renamed")
    AuditEntry.objects.filter(kind="tag").update(at=timezone.now() - timedelta(days=9))
    today = timezone.localdate().isoformat()

    def names(query: str) -> set[str]:
        page, file = eva.get(f"/admin/audit/?{query}").text, eva.get(f"/admin/audit.csv?{query}")
        cells = {row[7] for row in list(csv.reader(io.StringIO(file.getvalue().decode().removeprefix("\ufeff"))))[1:]}
        found = {name for name in ("evil@example.org", "from the file", "Renamed") if name in page}
        assert found == {cell.lstrip("'=") for cell in cells} & {"evil@example.org", "from the file", "Renamed"}
        return found

    assert names("who=command") == {"from the file"}
    assert names("who=nobody") == {"evil@example.org"}
    assert names(f"who={admin.pk}&kind=queue") == {"Renamed"}
    assert names("action=login_refused") == {"evil@example.org"}
    assert names(f"kind=queue&key={support.pk}") == {"Renamed"}
    assert names("q=203.0.113") == {"evil@example.org"}
    assert names(f"first={today}&kind=tag") == set()
    assert names("first=nonsense&kind=nonsense&who=nonsense&before=x") == {
        "evil@example.org",
        "from the file",
        "Renamed",
    }
    assert AuditEntry.objects.filter(action="exported", kind="audit").count() == 8


def test_no_cell_of_the_file_is_a_formula(eva: Client, admin: Agent, support: Queue) -> None:
    with audit.recording(audit.By(admin), support):
        Queue.objects.filter(pk=support.pk).update(name="=HYPERLINK(1)")
    lines = eva.get("/admin/audit.csv?kind=queue").getvalue().decode().splitlines()
    assert "'=HYPERLINK(1)" in lines[1]


def test_pages_go_on_where_the_last_one_ended(eva: Client) -> None:
    for number in range(120):
        audit.login_refused(f"n{number:03}@example.org", ip="192.0.2.1")
    first = eva.get("/admin/audit/").text
    assert "n119@" in first
    assert "n069@" not in first
    older = AuditEntry.objects.get(name="n070@example.org").pk
    assert f"before={older}" in first
    second = eva.get(f"/admin/audit/?before={older}").text
    assert "n069@" in second
    assert "n070@" not in second


def test_an_empty_audit_says_so_and_the_page_of_a_thing_links_to_its_changes(eva: Client, support: Queue) -> None:
    assert "Nothing was changed yet" in eva.get("/admin/audit/").text
    assert f"/admin/history/queue/{support.pk}/" in eva.get(f"/admin/queues/{support.pk}/").text
    assert "/admin/history/options/" in eva.get("/admin/options/").text
    assert Options.objects.exists()


# ---- exports, set-up -----------------------------------------------------------------------


def test_exports_of_tickets_and_reports_are_recorded(eva: Client, mailbox: Mailbox) -> None:
    ticket = receive(mailbox, mail()).ticket
    assert ticket is not None
    for path in (f"/tickets/{ticket.number}/export.zip", f"/tickets/{ticket.number}/history.csv", "/reports/days.csv"):
        answer = eva.get(path)
        assert answer.status_code == 200, path
        assert answer.getvalue(), path  # type: ignore[attr-defined]
    assert [(entry.action, entry.kind) for entry in entries()] == [
        ("exported", "ticket"), ("exported", "history"), ("exported", "report"),
    ]  # fmt: skip
    assert ticket.number in entries(kind="ticket")[0].name


def test_the_first_administrator_is_recorded_with_the_log_in_that_follows(client: Client, brand: Brand) -> None:
    facts = {"organisation": "Nordhof", "name": "Eva", "email": "eva@example.org", "password": SECRET}
    assert client.post(f"/setup/{setup_token()}/", facts).status_code == 302
    made, came = entries()
    assert (made.action, made.kind, made.origin, made.who) == ("created", "agent", "browser", "")
    assert made.changes["password"] == ["", "…"]
    assert (came.action, came.who) == ("logged_in", "Eva")
