"""The forms of certificates and keys: adding, what can be set for one, trust, and how mails are protected."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from postvak.crypto.key_files import read_keys
from postvak.crypto.values import CannotRead, Key
from postvak.keys.names import title_of
from postvak.models import Address, CryptoKey, Options
from postvak.setup.crypto_keys import may_go_along

LARGEST = 5 * 1024 * 1024
MOST_TEXT = 1_000_000
SHORTEST_PASSPHRASE = 12
Role = CryptoKey.Role
Sentences = Mapping[str, str | Promise]

PROBLEMS: Sentences = {
    "no_key": _("There is no certificate and no key in it that Postvak can read."),
    "needs_password": _("It is locked. Enter its password below, and choose the file once more."),
    "wrong_password": _("That password doesn’t open it. Enter it once more, and choose the file again."),
    "unusable": _("What is in it is damaged, or of a kind that Postvak can’t use."),
}
AUTHORITIES = [
    (Role.INTERMEDIATE, _("only help to build a chain")),
    (Role.ANCHOR, _("are trusted: whoever they vouch for is believed")),
]


class AddKeysForm(forms.Form):
    """`file` or `text`; `keys`: what was found in it, once the form is valid."""

    file = forms.FileField(label=_("file"), required=False)
    text = forms.CharField(
        label=_("or as text"),
        required=False,
        max_length=MOST_TEXT,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "autocapitalize": "off", "autocomplete": "off"}),
        help_text=_("From “-----BEGIN …” to “-----END …”, both lines with it."),
    )
    password = forms.CharField(
        label=_("password of the file"),
        required=False,
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_(
            "Only if it is locked, as private keys are. Postvak seals the key with its own and forgets the password."
        ),
    )
    authorities = forms.ChoiceField(
        label=_("authorities in it"),
        choices=AUTHORITIES,
        widget=forms.RadioSelect,
        initial=Role.INTERMEDIATE,
        required=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.keys: list[Key] = []

    def clean_authorities(self) -> str:
        return str(self.cleaned_data["authorities"] or Role.INTERMEDIATE)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        upload, text = cleaned.get("file"), cleaned.get("text", "")
        place = "file" if upload is not None else "text"
        if upload is not None and upload.size > LARGEST:
            self.add_error("file", _("The file is too large: at most 5 MB."))
        elif "file" in self.errors or "text" in self.errors:
            pass
        elif upload is None and not text.strip():
            self.add_error("file", _("Choose a file, or paste the text below."))
        else:
            self.read(upload.read() if upload is not None else text.encode(), cleaned.get("password", ""), place)
        return cleaned

    def read(self, content: bytes, password: str, place: str) -> None:
        try:
            self.keys = list(read_keys(content, password))
        except CannotRead as problem:
            is_about_password = problem.code in {"needs_password", "wrong_password"}
            self.add_error(
                "password" if is_about_password else place, str(PROBLEMS.get(problem.code, PROBLEMS["unusable"]))
            )
        else:
            if not self.keys:
                self.add_error(place, str(PROBLEMS["no_key"]))


class KeyForm(forms.ModelForm):  # type: ignore[type-arg]
    """Of one that is here: its comment; of an authority what it is for; of ours which certificates go along with signatures."""

    class Meta:
        model = CryptoKey
        fields = ("role", "intermediates", "comment")
        widgets: ClassVar = {"role": forms.RadioSelect, "intermediates": forms.CheckboxSelectMultiple}
        labels: ClassVar = {"role": _("what it is for"), "intermediates": _("sent along")}
        help_texts: ClassVar = {
            "comment": _("For the one who wonders next year."),
            "intermediates": _(
                "Receivers need them to follow the chain from your certificate to an authority that they trust."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row: CryptoKey = self.instance
        if row.kind == CryptoKey.Kind.PGP or row.role == Role.PERSON:
            del self.fields["role"]
        else:
            self.fields["role"].choices = AUTHORITIES  # type: ignore[attr-defined]
        rows = may_go_along(row)
        if row.kind == CryptoKey.Kind.SMIME and row.has_private and not row.is_request and rows.exists():
            self.fields["intermediates"].queryset = rows  # type: ignore[attr-defined]
            self.fields["intermediates"].label_from_instance = title_of  # type: ignore[attr-defined]
        else:
            del self.fields["intermediates"]


class TrustForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Options
        fields = ("trusts_system_cas",)
        help_texts: ClassVar = {
            "trusts_system_cas": _(
                "Those that web browsers and mail programs on this machine believe. Without them only your own authorities count."
            ),
        }


class ProtectionForm(forms.ModelForm):  # type: ignore[type-arg]
    """`hints`: a sentence per value of each choice, for the page."""

    class Meta:
        model = Options
        fields = ("first_kind", "smime_cipher", "hides_subject", "automatic_unprotected", "collects_keys")
        widgets: ClassVar = {
            name: forms.RadioSelect for name in ("first_kind", "smime_cipher", "automatic_unprotected")
        }
        help_texts: ClassVar = {
            "hides_subject": _(
                "Then “...” stands outside. Programs that don’t know this show the subject in the text."
            ),
            "collects_keys": _(
                "Certificates of signatures that are good are used for encrypted answers. Everything else is only offered here, "
                "and counts for nothing until you take it over."
            ),
        }

    hints: ClassVar[Mapping[str, Sentences]] = {
        "first_kind": {
            "smime": _("Certificates that an authority vouches for. Outlook and Apple Mail have it built in."),
            "pgp": _("Keys that people make themselves. Thunderbird and Proton Mail have it built in."),
        },
        "smime_cipher": {
            "auto": _(
                "AES-256-GCM where every recipient’s program has told in a signed mail that it reads it, else AES-256-CBC, which every "
                "program reads."
            ),
            "gcm": _("It also protects the encrypted text against changes. Some older programs can’t read it."),
            "cbc": _("Every program reads it."),
        },
        "automatic_unprotected": {
            "skip": _("The ticket says so, with the reason."),
            "bare": _("Never with a word of an encrypted mail, neither quoted nor by a placeholder."),
        },
    }


class RevocationListForm(forms.Form):
    list = forms.FileField(label=_("revocation list"))

    def clean_list(self) -> bytes:
        upload = self.cleaned_data["list"]
        if upload.size > LARGEST:
            raise forms.ValidationError(_("The file is too large: at most 5 MB."))
        return bytes(upload.read())


class PassphraseForm(forms.Form):
    """For a private key that leaves the house."""

    passphrase = forms.CharField(
        label=_("passphrase for the file"),
        min_length=SHORTEST_PASSPHRASE,
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_(
            "At least 12 characters. Whoever has the file and the passphrase reads your mail and signs in your name."
        ),
    )

    def clean_passphrase(self) -> str:
        passphrase = str(self.cleaned_data["passphrase"])
        if not passphrase.isprintable():
            raise forms.ValidationError(_("Use letters, digits, signs and blanks."))
        return passphrase


class MakeKeyForm(forms.Form):
    """`hints`: a sentence per kind, for the page."""

    KINDS: ClassVar = [
        ("pgp", _("OpenPGP key")),
        ("rsa", _("request for a certificate (RSA, 3072 bits)")),
        ("ec", _("request for a certificate (P-256)")),
    ]
    hints: ClassVar[Sentences] = {
        "pgp": _("Ready at once, for three years. Send its public part to your customers, or publish it."),
        "rsa": _("An authority makes a certificate of it, which you add here. Every program reads it."),
        "ec": _("The same, smaller and faster. Some older programs can’t read it."),
    }
    address = forms.ModelChoiceField(label=_("address"), queryset=Address.objects.none(), empty_label=None)
    name = forms.CharField(
        label=_("name"), required=False, max_length=100, help_text=_("Empty: the display name of the address.")
    )
    what = forms.ChoiceField(label=_("kind"), choices=KINDS, widget=forms.RadioSelect, initial="pgp")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["address"].queryset = Address.objects.filter(is_valid=True)  # type: ignore[attr-defined]
