"""Options: what is set once for the whole installation. One row."""

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _


class Options(models.Model):
    """`hook` stands before the number in subjects ("#", "Ticket#"); `subject_place` says where both stand. `trash_days`: how long
    tickets in the trash are kept; null: for ever. `log_days`, `failed_log_days`: how long the communication log keeps what went well
    and what failed. `outbox_minutes`, `held_hours`: after which waiting mail is an alarm; null: never.
    `automatic_per_day`, `automatic_per_pair`: most automatic mails to an address in 24 hours, and from one of ours to it within ten
    minutes; `automatic_unanswered`: most to an address until a person writes to it; `tickets_per_hour`: most tickets of a sender,
    further mails are held; `automatic_hours`: older mails are not answered.
    `second_factor`: who has to log in with one. `backup_hour`: of the installation's day, null: no backup by itself; `backups_kept`:
    how many of them. `automatic_unprotected`: what becomes of automatic mail about an encrypted one where encrypting isn't possible.
    """

    class Numbers(models.TextChoices):
        DATE = "date", _("date, counter and check digit")
        COUNTER = "counter", _("counter")
        RANDOM = "random", _("random")

    class Place(models.TextChoices):
        RIGHT = "right", _("at the end")
        LEFT = "left", _("at the beginning")
        NONE = "none", _("not at all")

    class Stranger(models.TextChoices):
        NEW_TICKET = "new_ticket", _("open a new ticket that is linked")
        HOLD = "hold", _("hold the mail for a person")

    class Unmatched(models.TextChoices):
        HOLD = "hold", _("hold the mail for a person")
        NEW_TICKET = "new_ticket", _("open a ticket")

    class SecondFactor(models.TextChoices):
        NOBODY = "nobody", _("nobody has to")
        ADMINS = "admins", _("administrators")
        ALL = "all", _("everybody")

    class Cipher(models.TextChoices):
        AUTO = "auto", _("as each recipient can read it")
        GCM = "gcm", _("AES-256-GCM")
        CBC = "cbc", _("AES-256-CBC")

    class Protection(models.TextChoices):
        SMIME = "smime", _("S/MIME")
        PGP = "pgp", _("OpenPGP")

    class Unprotected(models.TextChoices):
        SKIP = "skip", _("is not sent")
        BARE = "bare", _("is sent without what the customer wrote")

    numbers = models.CharField(_("ticket numbers"), max_length=8, choices=Numbers, default=Numbers.DATE)
    hook = models.CharField(_("mark before the number"), max_length=20, blank=True, default="#")
    subject_place = models.CharField(_("number in the subject"), max_length=5, choices=Place, default=Place.RIGHT)
    stranger = models.CharField(
        _("when a stranger names a ticket"), max_length=10, choices=Stranger, default=Stranger.NEW_TICKET
    )
    unmatched_report = models.CharField(
        _("delivery reports that fit no mail of ours"), max_length=10, choices=Unmatched, default=Unmatched.HOLD
    )
    number_in_body = models.BooleanField(_("look for the number in the text"), default=False)
    number_in_attachments = models.BooleanField(_("look for the number in attachments"), default=False)

    trash_days = models.PositiveIntegerField(_("days until the trash is emptied"), null=True, blank=True)

    log_days = models.PositiveIntegerField(_("days that the communication log is kept"), default=7)
    failed_log_days = models.PositiveIntegerField(_("days that failed communications are kept"), default=31)
    alarm_hook = models.URLField(_("web hook for alarms"), max_length=500, blank=True, default="")
    outbox_minutes = models.PositiveIntegerField(
        _("minutes until waiting mail is an alarm"), null=True, blank=True, default=60
    )
    held_hours = models.PositiveIntegerField(_("hours until held mail is an alarm"), null=True, blank=True, default=24)

    automatic_per_day = models.PositiveIntegerField(_("automatic mails to an address in 24 hours"), default=10)
    automatic_per_pair = models.PositiveIntegerField(
        _("automatic mails between two addresses in 10 minutes"), default=3
    )
    automatic_unanswered = models.PositiveIntegerField(
        _("automatic mails to an address until a person writes to it"), default=20
    )
    tickets_per_hour = models.PositiveIntegerField(_("new tickets of a sender in an hour"), default=20)
    automatic_hours = models.PositiveIntegerField(
        _("hours after which a mail is not answered automatically"), default=24
    )

    second_factor = models.CharField(
        _("log-in with a second factor"), max_length=6, choices=SecondFactor, default=SecondFactor.NOBODY
    )
    trusts_system_cas = models.BooleanField(_("trust the authorities of the operating system"), default=True)
    smime_cipher = models.CharField(_("S/MIME encryption"), max_length=4, choices=Cipher, default=Cipher.AUTO)
    first_kind = models.CharField(
        _("when both are possible"), max_length=5, choices=Protection, default=Protection.SMIME
    )
    hides_subject = models.BooleanField(_("encrypt the subject, too (OpenPGP)"), default=True)
    collects_keys = models.BooleanField(_("collect certificates and keys from mails"), default=True)
    automatic_unprotected = models.CharField(
        _("automatic mail that can't be encrypted"), max_length=4, choices=Unprotected, default=Unprotected.SKIP
    )
    checks_senders = models.BooleanField(_("check who sent a mail (SPF, DKIM, DMARC)"), default=True)
    backup_hour = models.PositiveSmallIntegerField(
        _("hour of the daily backup"), null=True, blank=True, validators=[MaxValueValidator(23)]
    )
    backups_kept = models.PositiveSmallIntegerField(
        _("backups that are kept"), default=7, validators=[MinValueValidator(1)]
    )

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(pk=1), name="one_row_of_options")]

    def __str__(self) -> str:
        return "options"
