"""What holds for the settings of a sending channel beyond its columns; the form and `postvak config apply` ask the same."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from postvak.crypto.sealing import CannotOpen
from postvak.mail.return_path import is_policy
from postvak.models import Channel
from postvak.send.copies import can_take_copies
from postvak.send.providers import PROVIDERS, Provider, provider_settings


def check_channel_settings(channel: Channel) -> None:
    """Raises ValidationError by field."""
    check_return_path(channel.return_path)
    if channel.copies_to is not None and not can_take_copies(channel.copies_to):
        raise ValidationError({"copies_to": _("Only a mailbox of the kind IMAP can take copies.")})
    if channel.kind == Channel.Kind.PROVIDER:
        check_provider(channel)


def check_return_path(text: str) -> None:
    if not is_policy(text):
        raise ValidationError(
            {
                "return_path": _(
                    "Write an address such as bounces@example.org (without a +, at most 29 characters before the @), or "
                    "a domain of its own with an @ before it: @bounce.example.org."
                )
            }
        )


def check_provider(channel: Channel) -> None:
    provider = PROVIDERS.get(channel.provider)
    if provider is None:
        raise ValidationError({"provider": _("Choose the provider.")})
    missing = missing_settings(provider, stored(channel))
    if missing:
        said = _("Fill in for %(provider)s: %(names)s.") % {"provider": provider.name, "names": ", ".join(missing)}
        raise ValidationError({"provider": said})


def missing_settings(provider: Provider, values: dict[str, str]) -> list[str]:
    """Labels of required settings that have neither a value nor a default."""
    needed = (one for one in provider.settings if one.is_required and not one.default)
    return [str(one.label) for one in needed if not values.get(one.key)]


def stored(channel: Channel) -> dict[str, str]:
    """The provider's settings; {} when they can't be opened: they must be entered again."""
    try:
        return provider_settings(channel)
    except CannotOpen:
        return {}
