"""Rows of a sheet become organisations: the customer number finds one, else the name. Domains are added, none is taken away."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from postvak.bring.sheet import Row
from postvak.bring.sheet_rows import Fate, Refused, cells_of, field_changes, is_other, own_fields, refused
from postvak.models import CustomField, Organisation, OrganisationDomain
from postvak.tickets.customers import CannotChange
from postvak.tickets.organisations import checked_domain

PLAIN = ("name", "number", "note")


@dataclass(eq=False, slots=True)
class Draft:
    """An organisation as it will be. `domains`: its new ones."""

    row: Organisation
    is_changed: bool = False
    domains: list[str] = field(default_factory=list)

    @property
    def is_new(self) -> bool:
        return self.row.pk is None


class Organisations:
    """As Customers does it: plan() some rows, then save()."""

    made_beside = 0

    def __init__(self, columns: Sequence[str], fields: Sequence[CustomField], *, is_dry: bool = False) -> None:
        self.columns, self.fields, self.is_dry = columns, fields, is_dry
        self.is_loaded = False

    def load(self) -> None:
        """All of them: letter case makes no difference, on any database."""
        self.by_number: dict[str, list[Draft]] = {}
        self.by_name: dict[str, list[Draft]] = {}
        self.drafts: list[Draft] = []
        rows = Organisation.objects.all() if self.is_dry else Organisation.objects.select_for_update()
        drafts = {row.pk: Draft(row) for row in rows.order_by("pk")}
        for draft in drafts.values():
            self.put(draft)
        links = OrganisationDomain.objects.values_list("domain", "organisation")
        self.domains = {domain: drafts[key] for domain, key in links if key in drafts}
        self.is_loaded = True

    def put(self, draft: Draft) -> None:
        self.by_name.setdefault(draft.row.name.casefold(), []).append(draft)
        if draft.row.number:
            self.by_number.setdefault(draft.row.number.casefold(), []).append(draft)

    def plan(self, rows: Sequence[Row]) -> list[Fate]:
        if not self.is_dry or not self.is_loaded:
            self.load()
        fates = []
        for row in rows:
            try:
                fates.append(self.fate(row, cells_of(row, self.columns)))
            except Refused as refusal:
                fates.append(refused(row, refusal))
        return fates

    def fate(self, row: Row, cells: Mapping[str, str]) -> Fate:
        """Whatever may be refused comes before anything is set."""
        there = self.found(cells)
        draft = there or Draft(Organisation())
        fields = own_fields(draft.row, cells, self.fields)
        named = [domain_of(word) for word in re.split(r"[\s,;|]+", cells.get("domains", "")) if word]
        for domain in named:
            owner = self.domains.get(domain)
            if owner is not None and owner is not draft:
                values = {"domain": domain, "name": owner.row.name}
                raise Refused("domain", _("%(domain)s belongs to %(name)s already.") % values)
        domains = [domain for domain in dict.fromkeys(named) if domain not in self.domains]
        changes = [name for name in PLAIN if name in cells and is_other(getattr(draft.row, name), cells[name])]
        changes += [*(["domains"] if domains else []), *field_changes(draft.row.fields, fields)]
        if changes or there is None:
            self.take(draft, cells, changes, domains)
            draft.row.fields = fields
        return Fate(row, "changed" if changes and there else "same" if there else "new", tuple(changes))

    def found(self, cells: Mapping[str, str]) -> Draft | None:
        """Raises Refused when nothing, or too much, says which one it is."""
        name, number = cells.get("name", ""), cells.get("number", "")
        numbered = self.by_number.get(number.casefold(), []) if number else []
        if len(numbered) == 1:
            return numbered[0]
        if not name:
            raise Refused("nobody", _("It has no name."))
        alike = [one for one in numbered or self.by_name.get(name.casefold(), []) if fits(one.row, name, number)]
        if len(alike) > 1:
            raise Refused("same_name", _("There are several organisations of this name. Give a customer number."))
        return alike[0] if alike else None

    def take(self, draft: Draft, cells: Mapping[str, str], changes: Sequence[str], domains: Sequence[str]) -> None:
        if not draft.is_changed:
            draft.is_changed = True
            self.drafts.append(draft)
        for name in set(PLAIN) & set(changes):
            setattr(draft.row, name, cells[name])
        draft.domains += domains
        self.domains |= dict.fromkeys(domains, draft)
        if draft.is_new or {"name", "number"} & set(changes):
            self.put(draft)

    def save(self) -> None:
        """What plan() said. Raises IntegrityError when somebody made one of the domains just now: plan anew."""
        Organisation.objects.bulk_update(
            [draft.row for draft in self.drafts if not draft.is_new], ["name", "number", "note", "fields"]
        )
        Organisation.objects.bulk_create(draft.row for draft in self.drafts if draft.is_new)
        OrganisationDomain.objects.bulk_create(
            OrganisationDomain(organisation=draft.row, domain=domain)
            for draft in self.drafts
            for domain in draft.domains
        )


def fits(row: Organisation, name: str, number: str) -> bool:
    """Of the same name, and without a number that is another one."""
    return row.name.casefold() == name.casefold() and (not number or row.number.casefold() in {"", number.casefold()})


def domain_of(typed: str) -> str:
    try:
        return checked_domain(typed)
    except CannotChange as refusal:
        raise Refused("domain", str(refusal)) from refusal
