"""The mail providers whose API a sending channel can use: what each wants to know and what it can do. Spec 04.

django-anymail speaks the dialects; here stands what a channel's page asks for and what our session must know. A
channel's settings are JSON, sealed as a whole, in `Channel.sealed_settings`.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from postvak.crypto.sealing import seal, unseal
from postvak.log.sentence import Text
from postvak.models import Channel

MEGABYTE = 1024 * 1024
PASSWORD = "webhook_secret"  # noqa: S105 (the key of the setting)
USER = "postvak"
WHERE = ("api_url", "endpoint_url", "region")  # settings that say where the API is


class Proof(StrEnum):
    """How the provider proves that an event is his: he signs it, he names the password that stands in the address that
    we gave him, or he reports none."""

    SIGNATURE = "signature"
    PASSWORD = "password"  # noqa: S105
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Setting:
    """One field of the form: `key` as django-anymail names it; `default` counts when it is left empty."""

    key: str
    label: Text
    is_secret: bool = False
    is_required: bool = True
    default: str = ""
    help: Text = ""


@dataclass(frozen=True, slots=True)
class Provider:
    """`backend`, `webhook`: dotted paths. `takes_raw`: the frozen bytes go out as they are; else the provider builds the
    mail anew from its parts, and only ordinary mails can go this way. `keeps_message_id`: replies refer to our own
    Message-ID; else only the number in the subject and the rest of the thread tie them. `max_size`: bytes of a mail.
    `takes_metadata`: a mark of ours comes back with each event. `can_track`: it has a switch for reports of opened mails.
    `refused_headers`: lower case, what the provider doesn't let anybody set. `proof_key`: the setting that checks events.
    `needs`: a package that isn't always there.
    """

    name: str
    settings: tuple[Setting, ...]
    backend: str
    webhook: str
    max_size: int
    proof: Proof = Proof.PASSWORD
    proof_key: str = PASSWORD
    takes_raw: bool = False
    takes_inline: bool = True
    keeps_message_id: bool = False
    takes_metadata: bool = True
    can_track: bool = False
    extra_headers: tuple[tuple[str, str], ...] = ()
    refused_headers: tuple[str, ...] = ()
    needs: str = ""

    @property
    def reports_events(self) -> bool:
        return self.proof is not Proof.NONE

    @property
    def is_installed(self) -> bool:
        return not self.needs or find_spec(self.needs) is not None


API_KEY = Setting("api_key", _("API key"), is_secret=True)
API_TOKEN = Setting("api_token", _("API token"), is_secret=True)


def address(default: str, hint: Text = "") -> Setting:
    return Setting("api_url", _("Address of the API"), is_required=not default, default=default, help=hint)


def signing(key: str, label: Text, hint: Text = "") -> Setting:
    """Without it no event is believed; mails go out all the same."""
    return Setting(key, label, is_secret=True, is_required=False, help=hint)


PROVIDERS: Mapping[str, Provider] = {
    "amazon_ses": Provider(
        name="Amazon SES",
        settings=(
            Setting("access_key", _("Access key ID")),
            Setting("secret_key", _("Secret access key"), is_secret=True),
            Setting("region", _("Region"), default="eu-west-1", help=_("Where your identity is verified.")),
            Setting(
                "configuration_set_name",
                _("Configuration set"),
                is_required=False,
                help=_("It sends the events to an SNS topic; without one Postvak learns nothing after the hand-over."),
            ),
            Setting("endpoint_url", _("Address of the API"), is_required=False, help=_("Only for a private endpoint.")),
        ),
        backend="anymail.backends.amazon_ses.EmailBackend",
        webhook="anymail.webhooks.amazon_ses.AmazonSESTrackingWebhookView",
        max_size=40 * MEGABYTE,
        takes_metadata=False,
        takes_raw=True,
        needs="boto3",
    ),
    "mailgun": Provider(
        name="Mailgun",
        settings=(
            API_KEY,
            Setting("sender_domain", _("Sending domain"), help=_("The domain as it is called at Mailgun.")),
            address("https://api.mailgun.net/v3", _("For domains in the EU: https://api.eu.mailgun.net/v3")),
            signing(
                "webhook_signing_key", _("Webhook signing key"), _("Stands in the control panel beside the webhooks.")
            ),
        ),
        backend="postvak.send.provider_dialects.MailgunRaw",
        webhook="anymail.webhooks.mailgun.MailgunTrackingWebhookView",
        max_size=25 * MEGABYTE,
        can_track=True,
        proof=Proof.SIGNATURE,
        proof_key="webhook_signing_key",
        takes_raw=True,
        keeps_message_id=True,
    ),
    "postmark": Provider(
        name="Postmark",
        settings=(
            Setting("server_token", _("Server API token"), is_secret=True),
            Setting("message_stream", _("Message stream"), is_required=False, default="outbound"),
            address("https://api.postmarkapp.com/"),
        ),
        backend="anymail.backends.postmark.EmailBackend",
        webhook="anymail.webhooks.postmark.PostmarkTrackingWebhookView",
        max_size=10 * MEGABYTE,
        can_track=True,
        keeps_message_id=True,
        extra_headers=(("X-PM-KeepID", "true"),),
    ),
    "sendgrid": Provider(
        name="SendGrid",
        settings=(
            API_KEY,
            address("https://api.sendgrid.com/v3/", _("For accounts in the EU: https://api.eu.sendgrid.com/v3/")),
            signing("tracking_webhook_verification_key", _("Verification key of the event webhook")),
        ),
        backend="anymail.backends.sendgrid.EmailBackend",
        webhook="anymail.webhooks.sendgrid.SendGridTrackingWebhookView",
        max_size=30 * MEGABYTE,
        can_track=True,
        proof=Proof.SIGNATURE,
        proof_key="tracking_webhook_verification_key",
        keeps_message_id=True,
    ),
    "brevo": Provider(
        name="Brevo",
        settings=(API_KEY, address("https://api.brevo.com/v3/")),
        backend="anymail.backends.brevo.EmailBackend",
        webhook="anymail.webhooks.brevo.BrevoTrackingWebhookView",
        max_size=20 * MEGABYTE,
        takes_inline=False,
    ),
    "mailjet": Provider(
        name="Mailjet",
        settings=(
            API_KEY,
            Setting("secret_key", _("Secret key"), is_secret=True),
            address("https://api.mailjet.com/v3.1/"),
        ),
        backend="anymail.backends.mailjet.EmailBackend",
        webhook="anymail.webhooks.mailjet.MailjetTrackingWebhookView",
        max_size=15 * MEGABYTE,
        can_track=True,
        refused_headers=("message-id",),
    ),
    "scaleway": Provider(
        name="Scaleway",
        settings=(
            Setting("secret_key", _("Secret key"), is_secret=True),
            Setting("project_id", _("Project ID")),
            Setting("region", _("Region"), default="fr-par"),
            address("https://api.scaleway.com/transactional-email/v1alpha1/regions/{region}/"),
        ),
        backend="anymail.backends.scaleway.EmailBackend",
        webhook="",
        max_size=2 * MEGABYTE,
        takes_metadata=False,
        proof=Proof.NONE,
        proof_key="",
        takes_inline=False,
    ),
    "sparkpost": Provider(
        name="SparkPost",
        settings=(
            API_KEY,
            address(
                "https://api.sparkpost.com/api/v1/", _("For accounts in the EU: https://api.eu.sparkpost.com/api/v1/")
            ),
        ),
        backend="anymail.backends.sparkpost.EmailBackend",
        webhook="anymail.webhooks.sparkpost.SparkPostTrackingWebhookView",
        max_size=20 * MEGABYTE,
        can_track=True,
    ),
    "mailtrap": Provider(
        name="Mailtrap",
        settings=(
            API_TOKEN,
            address("https://send.api.mailtrap.io/api/"),
            signing("signing_secret", _("Signing secret of the webhook")),
        ),
        backend="anymail.backends.mailtrap.EmailBackend",
        webhook="anymail.webhooks.mailtrap.MailtrapTrackingWebhookView",
        max_size=10 * MEGABYTE,
        proof=Proof.SIGNATURE,
        proof_key="signing_secret",
    ),
    "mailersend": Provider(
        name="MailerSend",
        settings=(
            Setting(
                "api_token",
                _("API token"),
                is_secret=True,
                help=_("Your plan must allow custom headers: answers need them to stay in their thread."),
            ),
            address("https://api.mailersend.com/v1/"),
            signing("signing_secret", _("Signing secret of the webhook")),
        ),
        backend="anymail.backends.mailersend.EmailBackend",
        webhook="anymail.webhooks.mailersend.MailerSendTrackingWebhookView",
        max_size=25 * MEGABYTE,
        takes_metadata=False,
        can_track=True,
        proof=Proof.SIGNATURE,
        proof_key="signing_secret",
        refused_headers=("message-id",),
    ),
    "resend": Provider(
        name="Resend",
        settings=(API_KEY, address("https://api.resend.com/")),
        backend="anymail.backends.resend.EmailBackend",
        webhook="anymail.webhooks.resend.ResendTrackingWebhookView",
        max_size=40 * MEGABYTE,
    ),
    "postal": Provider(
        name="Postal",
        settings=(
            API_KEY,
            address("", _("Of your own Postal server, as in https://postal.example.org")),
            signing("webhook_key", _("Public key of the server"), _("The text in p= of the server's DKIM record.")),
        ),
        backend="postvak.send.provider_dialects.PostalRaw",
        webhook="anymail.webhooks.postal.PostalTrackingWebhookView",
        max_size=14 * MEGABYTE,
        takes_metadata=False,
        proof=Proof.SIGNATURE,
        proof_key="webhook_key",
        takes_raw=True,
        keeps_message_id=True,
    ),
}


def provider_of(channel: Channel) -> Provider | None:
    """None for a channel of another kind, or a provider that this version doesn't know."""
    return PROVIDERS.get(channel.provider) if channel.kind == Channel.Kind.PROVIDER else None


def provider_settings(channel: Channel) -> dict[str, str]:
    """What was typed, secrets in clear; without what was left empty. Raises crypto.sealing.CannotOpen."""
    opened = unseal(channel.sealed_settings, settings.CONFIGURATION.sealing_keys)
    return dict(json.loads(opened)) if opened else {}


def set_provider_settings(channel: Channel, values: Mapping[str, str]) -> None:
    """Seal `values` into `channel`, which the caller saves. The password for events is made once and stays."""
    kept = {key: value.strip() for key, value in values.items() if value.strip()}
    provider = PROVIDERS.get(channel.provider)
    channel.announced_size = provider.max_size if provider else None
    if provider is not None and provider.proof is Proof.PASSWORD:
        before = provider_settings(channel) if channel.sealed_settings else {}
        kept.setdefault(PASSWORD, before.get(PASSWORD) or secrets.token_urlsafe(24))
    channel.sealed_settings = seal(json.dumps(kept), settings.CONFIGURATION.sealing_keys)


def is_elsewhere(provider: Provider, before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    """Is the provider's API somewhere else now? Then a stored secret isn't for it."""
    places = [setting for setting in provider.settings if setting.key in WHERE]
    return any((after.get(one.key) or one.default) != (before.get(one.key) or one.default) for one in places)


def with_defaults(provider: Provider, values: Mapping[str, str]) -> dict[str, str]:
    """The settings of the provider's own form, each filled or by default; empty ones left out."""
    filled = {setting.key: values.get(setting.key) or setting.default for setting in provider.settings}
    return {key: value for key, value in filled.items() if value}


def webhook_address(channel: Channel, origin: str) -> str:
    """What the administrator pastes at the provider, so that he reports what became of the mails; "" where he can't.

    `origin`: where we are reached, as in "https://desk.example.org". Contains a password. Raises CannotOpen.
    """
    provider = provider_of(channel)
    if provider is None or not provider.reports_events:
        return ""
    path = f"/hooks/{channel.pk}/"
    if provider.proof is Proof.SIGNATURE:
        return origin.rstrip("/") + path
    scheme, _colon, host = origin.rstrip("/").partition("://")
    return f"{scheme}://{USER}:{provider_settings(channel).get(PASSWORD, '')}@{host}{path}"
