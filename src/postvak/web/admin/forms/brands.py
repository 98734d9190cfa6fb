"""The forms of a brand: what it is, and how its mails look."""

import re
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from postvak.blobs import store
from postvak.models import Brand, Channel, Look
from postvak.notify.colours import READABLE, contrast
from postvak.notify.look import LARGEST_LOGO, picture_type
from postvak.web.formats import size

COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
BEST = ("#000000", "#ffffff")


class BrandForm(forms.ModelForm):  # type: ignore[type-arg]
    language = forms.ChoiceField(
        label=_("language"), choices=settings.LANGUAGES, help_text=_("When that of the customer is unknown.")
    )

    class Meta:
        model = Brand
        fields = (
            "name",
            "channel",
            "language",
            "name_mode",
            "stacks_signatures",
            "tracks_opening",
            "asks_language_model",
        )
        widgets: ClassVar = {"name_mode": forms.RadioSelect}
        help_texts: ClassVar = {
            "name": _("The name that customers and your colleagues know."),
            "stacks_signatures": _(
                "That of the agent, then that of the address, then that of the brand. Otherwise only the first one of them."
            ),
            "tracks_opening": _(
                "Only mail providers can do this, with invisible pictures and changed links. Ask whoever looks after data "
                "protection first."
            ),
            "asks_language_model": _(
                "Subject and text of new tickets are sent to the service that stands under Classification. With a hosted one these data leave your "
                "house: ask whoever looks after data protection first."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        channel: Any = self.fields["channel"]
        channel.queryset = Channel.objects.filter(Q(is_valid=True) | Q(pk=self.instance.channel_id))
        channel.empty_label = _("the default channel")
        self.fields["name_mode"].required = False  # a post without it leaves it as it is

    def clean_name_mode(self) -> str:
        return str(self.cleaned_data["name_mode"] or self.instance.name_mode)


class LookForm(forms.ModelForm):  # type: ignore[type-arg]
    """`is_on`: without it the brand's mails are plain. `logo`: (bytes, type) of what was uploaded, else null."""

    is_on = forms.BooleanField(
        label=_("give the mails a look"),
        required=False,
        help_text=_("Logo, colours, width and font. Otherwise they are plain, as of any mail program."),
    )
    upload = forms.FileField(
        label=_("logo"),
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/gif"}),
        help_text=_("PNG, JPEG or GIF of at most 500 kB. Twice as wide as shown looks sharp everywhere."),
    )
    drops_logo = forms.BooleanField(label=_("take the logo away"), required=False)

    class Meta:
        model = Look
        fields = ("logo_width", "accent", "background", "width", "font", "reply_line", "quotes_history")
        widgets: ClassVar = {
            "accent": forms.TextInput(attrs={"type": "color"}),
            "background": forms.TextInput(attrs={"type": "color"}),
        }
        help_texts: ClassVar = {
            "logo_width": _("In pixels. The height follows."),
            "width": _("In pixels, at most. On phones mails are as wide as the screen."),
            "background": _("Of the whole mail. White is what most mails have. Readers who prefer dark get a dark one."),
            "reply_line": _("What customers write above the line is taken as their answer. Most mail programs mark it well enough without."),
            "quotes_history": _("Below every answer. Without it customers see only what you wrote."),
        }  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["is_on"].initial = self.instance.pk is not None
        self.logo: tuple[bytes, str] | None = None

    @property
    def is_wanted(self) -> bool:
        return bool(self.cleaned_data.get("is_on"))

    @property
    def contrast(self) -> float:
        """Of the colour on the background, as they are now; the best there is where one of them is none."""
        colours = (self.instance.accent, self.instance.background)
        return contrast(*colours) if all(COLOUR.fullmatch(one) for one in colours) else contrast(*BEST)

    @property
    def is_unreadable(self) -> bool:
        return self.contrast < READABLE

    def clean_upload(self) -> None:
        upload: UploadedFile[Any] | None = self.cleaned_data["upload"]
        if upload is None:
            return
        if (upload.size or 0) > LARGEST_LOGO:
            raise ValidationError(
                gettext("The picture has %(size)s. At most %(limit)s go along with every mail.")
                % {"size": size(upload.size or 0), "limit": size(LARGEST_LOGO)}
            )
        content = upload.read()
        kind = picture_type(content)
        if not kind:
            raise ValidationError(
                gettext("This is no PNG, JPEG or GIF picture. Mail programs show no others everywhere.")
            )
        self.logo = (content, kind)

    def store_logo(self) -> None:
        """Before the transaction begins, because storing may need the network. Raises VaultUnreachable."""
        self.blobs = store.prepare([self.logo[0]]) if self.logo and self.is_wanted else []

    @transaction.atomic
    def save_for(self, brand: Brand) -> None:
        """After store_logo(), in the transaction that saves the brand."""
        look: Look = self.instance
        before = look.logo_id
        if not self.is_wanted:
            Look.objects.filter(brand=brand).delete()
        else:
            look.brand = brand
            if self.logo and self.blobs:
                store.save(self.blobs)
                look.logo, look.logo_type = self.blobs[0], self.logo[1]
            elif self.cleaned_data["drops_logo"]:
                look.logo, look.logo_type = None, ""
            look.save()
        if before and before != (look.logo_id if self.is_wanted else None):
            store.condemn([before], timezone.now())
