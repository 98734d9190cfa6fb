"""CryptoKey: an S/MIME certificate or OpenPGP key, ours (with its private part), somebody's, or an authority's. Spec 05."""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class CryptoKey(models.Model):
    """`fingerprint`: SHA-256 of a certificate, the OpenPGP fingerprint of a key; hex in small letters. `subject`: distinguished
    name (RFC 4514) or first user id. `public`: the certificate as DER, or the OpenPGP key as binary packets.

    `sealed_private`: its private part (PKCS #8, or packets, in base64), sealed with the key of the installation (crypto.sealing)
    and without a passphrase of its own; "" for other people's. `role`: an anchor vouches for others, an intermediate is sent
    along; a certificate of a person never becomes an anchor by itself.

    `state`: what was found in mails by itself and nobody has taken over is only offered; it counts for nothing.
    An S/MIME row of source made is the request for a certificate (`is_request`): `public` is it as DER, `fingerprint` the SHA-256 of
    the public key.
    `valid_to` null: for ever. `revoked_at`: by its owner, by a revocation list, or by an administrator here.
    `ciphers`: what its owner's program reads, as it said in a signed mail (SMIMECapabilities, RFC 8551 2.5.2), names as in
    crypto.values.Key; empty: unknown.
    `warned_days`: the last of the warnings before it expires that went out (60, 30, 7, 1 days).
    """

    class Kind(models.TextChoices):
        SMIME = "smime", _("S/MIME")
        PGP = "pgp", _("OpenPGP")

    class Role(models.TextChoices):
        PERSON = "person", _("person")
        INTERMEDIATE = "intermediate", _("intermediate authority")
        ANCHOR = "anchor", _("trusted authority")

    class State(models.TextChoices):
        IN_USE = "in_use", _("in use")
        OFFERED = "offered", _("offered")

    class Source(models.TextChoices):
        UPLOADED = "uploaded", _("uploaded")
        MADE = "made", _("made here")
        SIGNED_MAIL = "signed_mail", _("from a signed mail")
        ATTACHED = "attached", _("attached to a mail")
        AUTOCRYPT = "autocrypt", _("Autocrypt header")
        DIRECTORY = "directory", _("directory")
        CUSTOMER = "customer", _("added at the customer")

    kind = models.CharField(_("kind"), max_length=5, choices=Kind)
    role = models.CharField(_("role"), max_length=12, choices=Role, default=Role.PERSON)
    state = models.CharField(_("state"), max_length=7, choices=State, default=State.IN_USE)
    source = models.CharField(_("source"), max_length=11, choices=Source, default=Source.UPLOADED)
    fingerprint = models.CharField(_("fingerprint"), max_length=64)
    subject = models.TextField(_("subject"), blank=True, default="")
    issuer = models.TextField(_("issuer"), blank=True, default="")
    algorithm = models.CharField(_("algorithm"), max_length=60, blank=True, default="")
    valid_from = models.DateTimeField(_("valid from"), null=True, blank=True)
    valid_to = models.DateTimeField(_("valid to"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    can_sign = models.BooleanField(default=True)
    can_encrypt = models.BooleanField(default=True)
    public = models.BinaryField()
    sealed_private = models.TextField(blank=True, default="")
    intermediates: "models.ManyToManyField[CryptoKey, models.Model]" = models.ManyToManyField(
        "self", symmetrical=False, blank=True, related_name="used_with", verbose_name=_("sent along")
    )
    ciphers = models.JSONField(default=list, blank=True)
    comment = models.CharField(_("comment"), max_length=500, blank=True, default="")
    created_at = models.DateTimeField()
    warned_days = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["subject", "id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["kind", "fingerprint"], name="crypto_key_once")]
        indexes: ClassVar = [
            models.Index(fields=["valid_to"], condition=models.Q(valid_to__isnull=False), name="crypto_key_by_end")
        ]

    def __str__(self) -> str:
        return self.subject or self.fingerprint

    @property
    def is_request(self) -> bool:
        """A private key that was made here and whose certificate hasn't come yet (keys.requests)."""
        return self.kind == self.Kind.SMIME and self.source == self.Source.MADE

    @property
    def has_private(self) -> bool:
        return bool(self.sealed_private)

    def is_expired(self, now: datetime) -> bool:
        return self.valid_to is not None and self.valid_to < now


class KeyName(models.Model):
    """How a key is found. `kind`: address (normalised), id (OpenPGP key id or fingerprint of the key or a subkey), issuer
    (`crypto.values.issuer_id`), ski (subject key identifier), subject (SHA-256 of the DER of its name: who issued a certificate);
    hex in small letters."""

    class Kind(models.TextChoices):
        ADDRESS = "address"
        ID = "id"
        ISSUER = "issuer"
        SKI = "ski"
        SUBJECT = "subject"

    key = models.ForeignKey(CryptoKey, models.CASCADE, related_name="names")
    kind = models.CharField(max_length=7, choices=Kind)
    value = models.CharField(max_length=320)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["kind", "value", "key"], name="key_name_once")]

    def __str__(self) -> str:
        return self.value


class Revocation(models.Model):
    """A certificate revocation list (RFC 5280 section 5) that an administrator handed in, or that was fetched. `issuer`: the first
    half of the SHA-256 of the DER of the name, then half a SHA-256 of the key that signed it and the scope of the list
    (keys.revocations.place_of). The newest of each counts; those of the same name together."""

    issuer = models.CharField(max_length=64, unique=True)
    name = models.TextField()
    content = models.BinaryField()
    issued_at = models.DateTimeField()
    next_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name
