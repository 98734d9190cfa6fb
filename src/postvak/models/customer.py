"""Customer: a person who writes to us, with one or more addresses; Organisation: the company behind."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Organisation(models.Model):
    """`fields`: values of custom fields, as of tickets; a customer has some, too."""

    name = models.CharField(_("name"), max_length=200)
    number = models.CharField(_("customer number"), max_length=64, blank=True, default="")
    note = models.TextField(_("note"), blank=True, default="")
    fields = models.JSONField(blank=True, default=dict)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class OrganisationDomain(models.Model):
    """Senders of this domain belong to the organisation (spec 02, step 10)."""

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="domains")
    domain = models.CharField(max_length=253, unique=True)


class Customer(models.Model):
    name = models.CharField(_("name"), max_length=200, blank=True, default="")
    organisation = models.ForeignKey(
        Organisation, models.SET_NULL, null=True, blank=True, related_name="customers", verbose_name=_("organisation")
    )
    language = models.CharField(_("language"), max_length=8, blank=True, default="")
    note = models.TextField(_("note"), blank=True, default="")
    fields = models.JSONField(blank=True, default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name

    @property
    def initials(self) -> str:
        words = [word for word in self.name.replace("@", " ").split() if word[0].isalnum()] or ["?"]
        return "".join(word[0] for word in (words[0], *words[1:][-1:])).upper()


class CustomerAddress(models.Model):
    """`email` in the form of mail.addresses.normalise; one address belongs to one customer."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="addresses")
    email = models.CharField(max_length=320, unique=True)

    def __str__(self) -> str:
        return self.email
