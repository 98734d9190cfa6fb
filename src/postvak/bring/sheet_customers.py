"""Rows of a sheet become customers: an address finds its customer, what is not there yet is new, nothing is taken away.

Some rows at a time: plan() says what becomes of each and changes nothing in the database, save() writes it. Both cost the same few
queries for any number of rows.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.utils.translation import gettext as _

from postvak.bring.sheet import Row
from postvak.bring.sheet_companies import Companies
from postvak.bring.sheet_rows import Fate, Refused, cells_of, field_changes, is_other, own_fields, refused
from postvak.mail.addresses import is_valid_recipient, normalise
from postvak.models import Customer, CustomerAddress, CustomField, Organisation, Ticket
from postvak.tickets.customers import LONGEST_ADDRESS, messages_of_tickets
from postvak.tickets.recipients import ours
from postvak.tickets.search.index import read_again

PLAIN = ("name", "language", "note")
WRITTEN = ["name", "organisation", "language", "note", "fields"]
TONGUES = {
    "nl": "nl nld dutch niederländisch nederlands holländisch",
    "de": "de deu ger german deutsch duits",
    "en": "en eng english englisch engels",
}
LANGUAGES = {word: code for code, words in TONGUES.items() for word in words.split()}


@dataclass(frozen=True, slots=True)
class Given:
    """One row, read."""

    row: Row
    cells: Mapping[str, str]
    emails: tuple[str, ...]


@dataclass(eq=False, slots=True)
class Draft:
    """A customer as he will be. `company`: his organisation, perhaps a new one; `emails`: his new addresses."""

    row: Customer
    company: Organisation | None = None
    is_changed: bool = False
    is_renamed: bool = False
    emails: list[str] = field(default_factory=list)

    @property
    def is_new(self) -> bool:
        return self.row.pk is None


class Customers:
    """`is_dry`: nothing is saved, so what one portion would make is remembered for the next."""

    written = WRITTEN

    def __init__(self, columns: Sequence[str], fields: Sequence[CustomField], *, is_dry: bool = False) -> None:
        self.columns, self.fields, self.is_dry = columns, fields, is_dry
        self.companies = Companies()
        self.owners: dict[str, Draft] = {}
        self.nameless: dict[str, list[Draft]] = {}  # those without an address, by name
        self.drafts: list[Draft] = []  # to be written

    @property
    def made_beside(self) -> int:
        """How many organisations come along."""
        return len(self.companies.fresh)

    def plan(self, rows: Sequence[Row]) -> list[Fate]:
        fates: dict[int, Fate] = {}
        given: list[Given] = []
        for row in rows:
            try:
                given.append(read(row, self.columns))
            except Refused as refusal:
                fates[row.line] = refused(row, refusal)
        self.load(given)
        mine = ours([email for one in given for email in one.emails])
        for one in given:
            try:
                if own := mine.intersection(one.emails):
                    raise Refused("ours", _("%(address)s is an address of ours.") % {"address": min(own)})
                fates[one.row.line] = self.fate(one)
            except Refused as refusal:
                fates[one.row.line] = refused(one.row, refusal)
        return [fates[row.line] for row in rows]

    def load(self, given: Sequence[Given]) -> None:
        """Customers by their addresses, or without any by their names; locked in one order."""
        if not self.is_dry:
            self.owners, self.nameless, self.drafts = {}, {}, []
        if not self.is_dry or not self.companies.is_loaded:
            self.companies.load()
        wanted = {email for one in given for email in one.emails} - set(self.owners)
        names = {one.cells["name"] for one in given if not one.emails} - set(self.nameless)
        links = list(CustomerAddress.objects.filter(email__in=wanted).values_list("email", "customer"))
        bare = set(
            Customer.objects.filter(name__in=names, addresses=None).values_list("pk", flat=True) if names else []
        )
        keys = {key for _email, key in links} | bare
        known = {draft.row.pk: draft for draft in self.owners.values() if not draft.is_new}
        all_rows = Customer.objects.all() if self.is_dry else Customer.objects.select_for_update()
        rows = all_rows.filter(pk__in=keys).order_by("pk")
        found = {row.pk: known.get(row.pk) or self.draft_of(row) for row in rows}
        self.owners |= {email: found[key] for email, key in links if key in found}
        for key in sorted(bare & set(found)):
            self.nameless.setdefault(found[key].row.name, []).append(found[key])

    def draft_of(self, row: Customer) -> Draft:
        return Draft(row, self.companies.by_key.get(row.organisation_id or 0))

    def fate(self, one: Given) -> Fate:
        """Whatever may be refused comes before anything is set."""
        there = self.owner(one)
        draft = there or Draft(Customer())
        fields = own_fields(draft.row, one.cells, self.fields)
        company, has_number = self.companies.of(one.cells, draft.company)
        changes = [name for name in PLAIN if name in one.cells and is_other(getattr(draft.row, name), one.cells[name])]
        emails = [email for email in one.emails if email not in self.owners]
        changes += [*(["addresses"] if emails else []), *(["number"] if has_number else [])]
        changes += ["organisation"] if company is not None and company is not draft.company else []
        changes += field_changes(draft.row.fields, fields)
        if changes or there is None:
            self.take(draft, one, changes, emails)
            draft.row.fields, draft.company = fields, company or draft.company
        return Fate(one.row, "changed" if changes and there else "same" if there else "new", tuple(changes))

    def owner(self, one: Given) -> Draft | None:
        """Raises Refused when there are several."""
        if not one.emails:
            alike = self.nameless.get(one.cells["name"], [])
            if len(alike) > 1:
                raise Refused("same_name", _("There are several customers of this name. Give an address."))
            return alike[0] if alike else None
        found = {id(self.owners[email]): self.owners[email] for email in one.emails if email in self.owners}
        if len(found) > 1:
            raise Refused("two_customers", _("Its addresses belong to different customers. Merge them first."))
        return next(iter(found.values()), None)

    def take(self, draft: Draft, one: Given, changes: Sequence[str], emails: Sequence[str]) -> None:
        if not draft.is_changed:
            draft.is_changed = True
            self.drafts.append(draft)
        draft.is_renamed = draft.is_renamed or "name" in changes
        for name in set(PLAIN) & set(changes):
            setattr(draft.row, name, one.cells[name])
        draft.emails += emails
        self.owners |= dict.fromkeys(emails, draft)
        if not one.emails and draft.is_new:
            self.nameless.setdefault(draft.row.name, []).append(draft)

    def save(self) -> None:
        """What plan() said. Raises IntegrityError when a mail made one of the addresses just now: plan anew."""
        self.companies.save()
        for draft in self.drafts:
            draft.row.organisation = draft.company
        new = [draft.row for draft in self.drafts if draft.is_new]
        renamed = [draft.row.pk for draft in self.drafts if draft.is_renamed and not draft.is_new]
        Customer.objects.bulk_update([draft.row for draft in self.drafts if not draft.is_new], WRITTEN)
        Customer.objects.bulk_create(new)
        CustomerAddress.objects.bulk_create(
            CustomerAddress(customer=draft.row, email=email) for draft in self.drafts for email in draft.emails
        )
        if renamed:
            read_again(messages_of_tickets(Ticket.objects.filter(customer__in=renamed).values_list("pk", flat=True)))


# -- one row ----------------------------------------------------------------------------


def read(row: Row, columns: Sequence[str]) -> Given:
    """Raises Refused."""
    cells = cells_of(row, columns)
    words = [word for word in re.split(r"[\s,;|]+", cells.get("addresses", "")) if word]
    for word in words:
        if not is_valid_recipient(word) or len(normalise(word)) > LONGEST_ADDRESS:
            raise Refused("bad_address", _("“%(typed)s” is not an e-mail address.") % {"typed": word[:LONGEST_ADDRESS]})
    if not words and not cells.get("name"):
        raise Refused("nobody", _("It has neither a name nor an address."))
    if "language" in cells:
        cells["language"] = language_of(cells["language"])
    return Given(row, cells, tuple(dict.fromkeys(normalise(word) for word in words)))


def language_of(typed: str) -> str:
    """Its code. Raises Refused."""
    codes = dict(settings.LANGUAGES)
    code = LANGUAGES.get(typed.casefold()) or typed.casefold().replace("_", "-").partition("-")[0]
    if code not in codes:
        values = {"typed": typed[:100], "languages": ", ".join(codes)}
        raise Refused("language", _("“%(typed)s” is no language. Languages are: %(languages)s.") % values)
    return code
