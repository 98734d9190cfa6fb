"""Everything that can be set stands in a section of the set-up, or here, with the reason why not."""

from collections.abc import Iterator

from django.apps import apps
from django.db.models import Model

from postvak.setup.section import Section
from postvak.setup.sections import SECTIONS, by_model

NO_SETTINGS = {  # models of which no column is one
    "state: of the work": [
        "AlarmState", "AutomaticMail", "BulkChange", "Digest", "FailedLogin", "IdempotencyKey", "Imported", "Job", "Lease", "LoopBreak",
        "ClassifierModel", "ViewCount", "WebhookDelivery", "SearchEntry", "SearchText", "SearchAgain", "SearchState", "AttachmentText", "TicketCounter",
    ],
    "records of what happened": [
        "AuditEntry", "Change", "Tally", "TallyDelta", "Communication", "CommunicationObject", "CommunicationEntry", "History",
        "FilterVersion", "LedgerEntry", "LedgerTally", "LedgerDelta", "Prediction", "Redaction", "RemovedTicket", "Trace", "Suppression",
    ],
    "content: mails, tickets and customers": [
        "Blob", "Attachment", "Customer", "CustomerAddress", "Delivery", "DeliveryEvent", "Draft", "DraftFile", "ExternalLink",
        "ExternalReference", "MailSecurity", "Message", "Organisation", "OrganisationDomain", "OutgoingMail", "Participant", "Rating", "Receipt",
        "ReferencedId", "SentCopy", "SideConversation", "Tagging", "Ticket", "TicketLink",
    ],
    "content: files; a backup has them": ["AnswerTemplateFile", "RuleFile"],
    "personal: what an agent chose for himself, or is told": [
        "Mention", "Notification", "Presence", "RemoteContent", "RuleChoice",
    ],
    "content: private ones can't be written down, the others come with mails; a backup has them": [
        "CryptoKey", "KeyName", "Revocation",
    ],
    "secret: a token can't be written down, and is made where it is used": ["ApiToken"],
    "a letter on its way; what came of it is an agent": ["Invitation"],
}  # fmt: skip
PARTS = {"AnswerTemplateText": "template", "Look": "brand", "Membership": "queue", "QueueTeam": "queue", "RuleText": "rule", "Wording": "brand"}  # fmt: skip
IN_THE_KEY = {
    "answertemplate": {"name", "category"}, "rule": {"key", "name"}, "role": {"key", "name"}, "savedview": {"agent", "name", "is_shared"},
    "signingkey": {"domain", "selector"},
}  # fmt: skip
PERSONAL = {"theme", "undo_seconds", "density", "newest_first", "after_sending", "has_shortcuts", "has_desktop_notices", "has_sound", "lists"}  # fmt: skip
STATE = {
    "id", "last_login", "seen_at", "created_at", "created_by", "changed_at", "changed_by", "times_used", "last_used_at", "hits", "last_hit_at",
    "failing_since", "last_said", "last_problem", "last_details", "last_success_at", "last_error_at", "failures", "unreadable",
    "next_fetch_at", "move_begun_at", "reconciled_at", "compared", "missing", "rate_from", "rate_used", "announced_size", "paused_until",
    "access_expires_at", "connected_at", "refreshed_at", "checked_at", "found", "on_since", "looked_until", "is_stale", "last_problem_at",
}  # fmt: skip
OTHERWISE = {
    "address.signing_key": "a private key of this installation; elsewhere the newest valid one of the address signs",
    "channel.sealed_settings": "written by provider_settings",
    "filter.is_everywhere": "written by mailboxes",
    "grant.sealed_access_token": "a token of this installation; somebody signs in again",
    "grant.sealed_refresh_token": "a token of this installation; somebody signs in again",
    "signingkey.sealed_key": "a private key; another installation makes one of its own",
    "signingkey.public": "belongs to the private key",
    "signingkey.is_on": "signs when DNS has been seen to have the key",
}


def settings_of(section: Section) -> set[str]:
    return {section.key} | {column for field in section.settings.values() for column in field.columns}


def left_out(model: type[Model]) -> Iterator[str]:
    """Columns that are neither covered nor excused."""
    section, name = by_model().get(model), str(model._meta.model_name)
    if section is None:
        known = {one for names in NO_SETTINGS.values() for one in names} | set(PARTS)
        yield from [] if model.__name__ in known else [model.__name__]
        return
    excused = settings_of(section) | IN_THE_KEY.get(name, set()) | STATE | (PERSONAL if name == "agent" else set())
    for field in [*model._meta.concrete_fields, *model._meta.many_to_many]:
        if field.name not in excused and f"{name}.{field.name}" not in OTHERWISE:
            yield f"{name}.{field.name}"


def models() -> list[type[Model]]:
    return list(apps.get_app_config("postvak").get_models())


def test_every_column_is_a_setting_or_says_why_not() -> None:
    assert [column for model in models() for column in left_out(model)] == []


def test_the_reasons_are_of_models_that_are_there() -> None:
    named = {one for names in NO_SETTINGS.values() for one in names} | set(PARTS)
    assert named <= {model.__name__ for model in models()}
    assert not named & {section.model.__name__ for section in SECTIONS}


def test_a_setting_names_a_column_that_is_there() -> None:
    for section in SECTIONS:
        names = {field.name for field in section.model._meta.get_fields()} | {"password", "client_secret", "secret"}
        wrong = [field.attribute for field in section.settings.values() if field.attribute not in names | set(WORDINGS)]
        assert not wrong, section.name


WORDINGS = ("salutation", "signature", "footer")
