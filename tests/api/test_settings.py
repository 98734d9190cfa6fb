"""Every setting by the API: lists, one row, make, replace, change, delete; what is wrong is said with its field."""

from typing import Any

import pytest

from postvak.models import AuditEntry, Channel, Classifier, LanguageModel, Mailbox, Options, Queue, Tag
from postvak.send.providers import provider_settings
from tests.api.conftest import Enter, problem

pytestmark = pytest.mark.django_db


def test_a_row_is_made_read_changed_replaced_and_deleted(enter: Enter, admin: Any) -> None:
    program = enter(admin)
    made = program.do("PUT", "/settings/tag/VIP", {"settings": {"colour": "plum"}})
    assert made == {"key": "VIP", "settings": {"colour": "plum"}}
    assert program.get("/settings/tag/vip")["settings"]["colour"] == "plum"
    program.do("PATCH", "/settings/tag/VIP", {"settings": {"colour": "moss"}})
    assert Tag.objects.get().colour == "moss"
    entry = AuditEntry.objects.latest("pk")
    assert (entry.origin, entry.agent, entry.earlier["before"]) == ("api", admin, {"colour": "plum"})  # type: ignore[index]
    program.do("PUT", "/settings/tag/VIP", {"settings": {}})
    assert Tag.objects.get().colour == "stone"
    program.do("DELETE", "/settings/tag/VIP")
    assert problem(program.ask("GET", "/settings/tag/VIP"), 404)


def test_what_is_wrong_is_said_with_its_field_and_nothing_is_changed(enter: Enter, admin: Any, support: Queue) -> None:
    program = enter(admin)
    told = problem(program.ask("PATCH", "/settings/queue/Support", {"settings": {"colour": "moss", "brand": "?"}}), 422)
    assert told["errors"][0]["field"] == "settings.brand"
    assert Queue.objects.get(pk=support.pk).colour == "sea"
    told = problem(program.ask("PATCH", "/settings/queue/Support", {"settings": {"color": "moss"}}), 422)
    assert "Did you mean “colour”?" in told["errors"][0]["message"]
    problem(program.ask("PATCH", f"/settings/agent/{admin.email}", {"settings": {"admin": False}}), 422)
    problem(program.ask("DELETE", "/settings/queue/Support"), 409)
    problem(program.ask("PATCH", "/settings/tag/nothing", {"settings": {}}), 404)
    problem(program.ask("GET", "/settings/nothing"), 404)


def test_a_secret_goes_in_and_never_comes_out(enter: Enter, admin: Any) -> None:
    program = enter(admin)
    given = {"kind": "imap", "host": "imap.example.org", "password": "geheim"}
    made = program.do("PUT", "/settings/mailbox/In", {"settings": given})
    assert "password" not in made["settings"]
    assert Mailbox.objects.get(name="In").password == "geheim"
    program.do("PUT", "/settings/mailbox/In", {"settings": {"kind": "imap"}})
    assert Mailbox.objects.get(name="In").password == "geheim"
    from_file = {"settings": {"password": {"file": "/etc/passwd"}}}
    assert (
        problem(program.ask("PATCH", "/settings/mailbox/In", from_file), 422)["errors"][0]["field"]
        == "settings.password"
    )


def test_a_stored_password_goes_to_no_other_server(enter: Enter, admin: Any) -> None:
    program, path = enter(admin), "/settings/mailbox/In"
    program.do("PUT", path, {"settings": {"kind": "imap", "host": "imap.example.org", "password": "geheim"}})
    for method in ("PATCH", "PUT"):
        answer = program.ask(method, path, {"settings": {"kind": "imap", "host": "imap.elsewhere.example"}})
        assert problem(answer, 422)["errors"][0]["field"] == "settings.password"
    trial = {"name": "In", "settings": {"host": "127.0.0.1", "port": 9}}
    assert problem(program.ask("POST", "/mailboxes/check", trial), 422)["errors"][0]["field"] == "settings.password"
    text = '[[mailbox]]\nname = "In"\nhost = "imap.elsewhere.example"\n'
    problem(program.ask("POST", "/configuration", {"toml": text}), 422)
    assert Mailbox.objects.get(name="In").host == "imap.example.org"
    program.do("PATCH", path, {"settings": {"host": "IMAP.example.org", "port": 143}})
    Mailbox.objects.filter(name="In").update(host="")
    problem(program.ask("PATCH", path, {"settings": {"host": "imap.elsewhere.example"}}), 422)
    program.do("PATCH", path, {"settings": {"host": "imap.elsewhere.example", "password": "other"}})
    row = Mailbox.objects.get(name="In")
    assert (row.host, row.password) == ("imap.elsewhere.example", "other")


def test_a_providers_secret_is_not_kept_when_the_place_of_its_api_changes(enter: Enter, admin: Any) -> None:
    program, path = enter(admin), "/settings/channel/Out"
    usual = {"kind": "provider", "provider": "brevo", "provider_settings": {"api_key": "geheim"}}
    program.do("PUT", path, {"settings": usual})
    program.do("PATCH", path, {"settings": {"provider_settings": {"api_url": "https://api.brevo.com/v3/"}}})
    assert provider_settings(Channel.objects.get(name="Out"))["api_key"] == "geheim", "it is where it was"
    elsewhere = {"api_url": "https://elsewhere.example/v3/"}
    problem(program.ask("PATCH", path, {"settings": {"provider_settings": elsewhere}}), 422)
    program.do("PATCH", path, {"settings": {"provider_settings": {**elsewhere, "api_key": "other"}}})
    assert provider_settings(Channel.objects.get(name="Out"))["api_key"] == "other"


def test_the_options_are_one_row(enter: Enter, admin: Any) -> None:
    program = enter(admin)
    program.do("PATCH", "/settings/options/1", {"settings": {"second_factor": "admins", "backup_hour": "03:00"}})
    options = Options.objects.get()
    assert (options.second_factor, options.backup_hour) == ("admins", 3)


def test_lists_have_search_validity_order_and_pages(enter: Enter, admin: Any, support: Queue, sales: Queue) -> None:
    program = enter(admin)
    Queue.objects.filter(pk=sales.pk).update(is_valid=False)
    names = [row["key"] for row in program.get("/settings/queue?order=-key")["items"]]
    assert names == ["Support", "Sales", "Inbox"]
    assert [row["key"] for row in program.get("/settings/queue?valid=false")["items"]] == ["Sales"]
    assert [row["key"] for row in program.get("/settings/queue?q=supp")["items"]] == ["Support"]
    first = program.get("/settings/queue?limit=2")
    assert [row["key"] for row in program.get(f"/settings/queue?limit=2&after={first['next']}")["items"]] == ["Support"]


def test_every_section_has_a_schema_and_can_be_listed(enter: Enter, admin: Any, support: Queue) -> None:
    program = enter(admin)
    sections = program.get("/settings?limit=200")["items"]
    assert {"queue", "rule", "filter", "options", "webhook", "role", "view"} <= {one["name"] for one in sections}
    for one in sections:
        for row in program.get(f"/settings/{one['name']}?limit=200")["items"]:
            assert set(row["settings"]) <= set(one["settings"]["properties"])


def test_only_administrators_with_the_scope(enter: Enter, admin: Any, bob: Any) -> None:
    problem(enter(bob).ask("GET", "/settings/queue"), 403)
    problem(enter(admin, "settings:read").ask("PUT", "/settings/tag/x", {"settings": {}}), 403)


def test_classification_and_the_language_model_whose_key_never_comes_out(
    enter: Enter, admin: Any, support: Queue
) -> None:
    program = enter(admin)
    program.do("PATCH", "/settings/classifier/queue", {"settings": {"mode": "shadow"}})
    assert Classifier.objects.get(target="queue").mode == "shadow"
    assert AuditEntry.objects.latest("pk").earlier["before"] == {"mode": "off"}  # type: ignore[index]
    made = program.do(
        "PATCH", "/settings/language_model/1", {"settings": {"url": "http://x.example", "key": "sk-4711"}}
    )
    assert "key" not in made["settings"]
    assert LanguageModel.objects.get().secret == "sk-4711"  # noqa: S105 - of a test
    entry = AuditEntry.objects.latest("pk")
    assert "sk-4711" not in f"{entry.changes}{entry.earlier}"
    assert LanguageModel.objects.get().key not in f"{entry.changes}{entry.earlier}"
    problem(program.ask("PATCH", "/settings/language_model/1", {"settings": {"mode": "act"}}), 422)
    problem(program.ask("PUT", "/settings/classifier/mood", {"settings": {"mode": "act"}}), 422)
    problem(program.ask("DELETE", "/settings/classifier/queue"), 409)
    problem(program.ask("GET", "/settings/language_model/2"), 404)
    program.do("PATCH", "/settings/queue/Support", {"settings": {"proposed": False}})
    assert not Queue.objects.get(pk=support.pk).is_proposed
