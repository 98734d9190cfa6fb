"""Brand: a face to the outside (name, channel, look, wordings). A small company has one."""

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

is_colour = RegexValidator(
    r"^#[0-9a-fA-F]{6}\Z", _("A colour is # and six digits or letters from a to f, as in #0a5c5a.")
)


class NameMode(models.TextChoices):
    """Whose name stands before the address of an agent's mail."""

    ADDRESS = "address", _("name of the address")
    AGENT = "agent", _("name of the agent")
    BOTH = "both", _("agent via name of the address")


class Brand(models.Model):
    """Salutation, signature and footer are rows of Wording. `stacks_signatures`: all levels one below the other
    (agent, address, brand) instead of the most specific one that is filled.

    `tracks_opening`: providers may report that a mail was opened or a link in it followed. `asks_language_model`: its customers' mails
    may be shown to the language model (models.LanguageModel).
    """

    name = models.CharField(_("name"), max_length=100, unique=True)
    channel = models.ForeignKey(
        "Channel", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("sending channel")
    )
    language = models.CharField(_("language"), max_length=8, default="en")
    name_mode = models.CharField(_("name of the sender"), max_length=8, choices=NameMode, default=NameMode.ADDRESS)
    stacks_signatures = models.BooleanField(_("put the signatures of all levels below each other"), default=False)
    tracks_opening = models.BooleanField(_("let providers report opened mails and clicked links"), default=False)
    asks_language_model = models.BooleanField(_("customers’ mails may be shown to the language model"), default=False)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class Look(models.Model):
    """How the HTML of a brand's mails looks; a brand without one sends plain, unadorned HTML.

    `width` in CSS pixels. `reply_line`: "reply above this line" on top. `quotes_history`: quote the mail that is
    answered. `logo`: an image (PNG, JPEG or GIF) that goes along as cid.
    """

    class Font(models.TextChoices):
        SYSTEM = "system", _("of the reader's system")
        SANS = "sans", _("Arial, Helvetica")
        SERIF = "serif", _("Georgia, Times")
        MONO = "mono", _("Courier")

    brand = models.OneToOneField(Brand, models.CASCADE, related_name="look")
    logo = models.ForeignKey("Blob", models.PROTECT, null=True, blank=True, related_name="+")
    logo_type = models.CharField(max_length=32, blank=True, default="")
    logo_width = models.PositiveSmallIntegerField(
        _("width of the logo"), default=160, validators=[MinValueValidator(16), MaxValueValidator(600)]
    )
    accent = models.CharField(_("colour of links and lines"), max_length=7, default="#0a5c5a", validators=[is_colour])
    background = models.CharField(_("background"), max_length=7, default="#ffffff", validators=[is_colour])
    width = models.PositiveSmallIntegerField(
        _("width of the mail"), default=640, validators=[MinValueValidator(320), MaxValueValidator(960)]
    )
    font = models.CharField(_("font"), max_length=8, choices=Font, default=Font.SYSTEM)
    reply_line = models.BooleanField(_("“Reply above this line” on top"), default=False)
    quotes_history = models.BooleanField(_("quote the mail that is answered"), default=True)

    def __str__(self) -> str:
        return f"look of {self.brand}"
