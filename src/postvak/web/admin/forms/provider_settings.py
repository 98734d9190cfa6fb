"""The settings of mail providers as fields of the channel's form: those of all providers, of which the page shows one's.

A secret is never shown again; left empty it stays as it is, unless the provider or the address of its API changes.
"""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from postvak.models import Channel
from postvak.send.channel_rules import stored
from postvak.send.providers import PROVIDERS, Setting, is_elsewhere, set_provider_settings
from postvak.web.admin.forms.connection import PLAIN_TEXT


def field_name(provider: str, setting: Setting) -> str:
    return f"{provider}-{setting.key}"


class ProviderSettingsMixin(forms.ModelForm):  # type: ignore[type-arg]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kept = stored(self.instance)
        self.kept_for = self.instance.provider
        choices = [("", gettext("choose")), *((key, provider.name) for key, provider in PROVIDERS.items())]
        if "provider" not in self.fields:
            kind: Any = self.fields["kind"]
            kind.choices = [choice for choice in kind.choices if choice[0] != Channel.Kind.PROVIDER]
        else:
            label = self.fields["provider"].label
            self.fields["provider"] = forms.ChoiceField(label=label, choices=choices, required=False)
            for key, setting in all_settings():
                self.fields[field_name(key, setting)] = self.field_of(key, setting)

    def field_of(self, provider: str, setting: Setting) -> forms.CharField:
        kept = self.kept.get(setting.key, "") if provider == self.kept_for else ""
        widget: forms.Widget = forms.TextInput(attrs={**PLAIN_TEXT, "placeholder": setting.default})
        help_text: Any = setting.help
        if setting.is_secret:
            widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
            help_text = _("Stored. Leave it empty to keep it.") if kept else setting.help
        return forms.CharField(
            label=str(setting.label),
            required=False,
            max_length=4000,
            initial="" if setting.is_secret else kept,
            widget=widget,
            help_text=help_text,
        )

    def can_connect(self) -> bool:
        can: bool = super().can_connect()  # type: ignore[misc]
        return can and not {"provider", *self.setting_names()} & set(self.errors)

    def setting_names(self) -> list[str]:
        return [field_name(key, setting) for key, setting in all_settings()]

    def groups(self) -> list[tuple[str, list[Any]]]:
        """For the page: (provider, [(bound field, is it secret, may it stay empty)])."""
        return [
            (
                key,
                [
                    (self[field_name(key, one)], one.is_secret, not one.is_required or bool(one.default))
                    for one in provider.settings
                ],
            )
            for key, provider in PROVIDERS.items()
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        provider = PROVIDERS.get(cleaned.get("provider") or "")
        if cleaned.get("kind") != Channel.Kind.PROVIDER:
            return cleaned
        if provider is None:
            self.add_error("provider", gettext("Choose the provider."))
            return cleaned
        for setting in provider.settings:
            name = field_name(cleaned["provider"], setting)
            if setting.is_required and not setting.default and not self.value_of(setting, cleaned):
                moved = setting.is_secret and self.kept.get(setting.key) and self.is_elsewhere(cleaned)
                self.add_error(name, self.moved() if moved else gettext("This is needed."))
        return cleaned

    @staticmethod
    def moved() -> str:
        return gettext("The server changed: enter it again. Postvak hands a stored secret to no other server.")

    def value_of(self, setting: Setting, cleaned: dict[str, Any]) -> str:
        typed = str(cleaned.get(field_name(cleaned["provider"], setting)) or "").strip()
        if typed or not setting.is_secret or self.is_elsewhere(cleaned):
            return typed
        return self.kept.get(setting.key, "")

    def is_elsewhere(self, cleaned: dict[str, Any]) -> bool:
        """Another provider than the one that the stored secrets are for, or another place of its API."""
        key = cleaned["provider"]
        if key != self.kept_for:
            return True
        typed = {one.key: str(cleaned.get(field_name(key, one)) or "").strip() for one in PROVIDERS[key].settings}
        return is_elsewhere(PROVIDERS[key], self.kept, typed)

    def seal_settings(self) -> None:
        """Into the row, after its other values; settings of another kind of channel go."""
        cleaned = self.cleaned_data
        provider = PROVIDERS.get(self.instance.provider)
        if provider is None:
            self.instance.sealed_settings = ""
        elif not {"provider", *self.setting_names()} & set(self.errors):
            if self.instance.provider != self.kept_for:
                self.instance.sealed_settings = ""
            set_provider_settings(self.instance, {one.key: self.value_of(one, cleaned) for one in provider.settings})


def all_settings() -> Iterator[tuple[str, Setting]]:
    return ((key, setting) for key, provider in PROVIDERS.items() for setting in provider.settings)
