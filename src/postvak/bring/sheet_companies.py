"""The organisations that rows of customers name: by customer number, by name, or new ones."""

from collections.abc import Mapping

from django.utils.translation import gettext as _

from postvak.bring.sheet_rows import Refused
from postvak.models import Organisation
from postvak.tickets.field_sets import Holder, fields_of


class Companies:
    """Rows of Organisation; those that are new have no key before save()."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.is_loaded = False
        self.by_key: dict[int, Organisation] = {}
        self.by_number: dict[str, list[Organisation]] = {}
        self.by_name: dict[str, list[Organisation]] = {}
        self.fresh: list[Organisation] = []
        self.numbered: list[Organisation] = []
        self.needed: list[str] = []  # fields that an organisation must have

    def load(self) -> None:
        """All of them: one query whatever the rows name, and letter case makes no difference on any database."""
        self.forget()
        for row in Organisation.objects.only("pk", "name", "number").order_by("pk"):
            self.by_key[row.pk] = row
            self.put(row)
        self.needed = [field.label for field in fields_of(Holder.ORGANISATION) if field.is_required]
        self.is_loaded = True

    def put(self, row: Organisation) -> None:
        self.by_name.setdefault(row.name.casefold(), []).append(row)
        if row.number:
            self.by_number.setdefault(row.number.casefold(), []).append(row)

    def of(self, cells: Mapping[str, str], before: Organisation | None) -> tuple[Organisation | None, bool]:
        """The one that the row names, and whether it got its number by that; null: it names none. Raises Refused."""
        name, number = cells.get("organisation", ""), cells.get("number", "")
        named = self.by_name.get(name.casefold(), []) if name else []
        if number:
            return self.numbered_one(name, number, named, before)
        if not name:
            return None, False
        if before is not None and before in named:
            return before, False
        return (named[0] if named else self.made(name)), False

    def numbered_one(
        self, name: str, number: str, named: list[Organisation], before: Organisation | None
    ) -> tuple[Organisation, bool]:
        found = self.by_number.get(number.casefold(), [])
        if before is not None and before in found:
            return before, False
        if found:
            return found[0], False
        if not name:
            raise Refused(
                "no_organisation", _("No organisation has the customer number %(number)s.") % {"number": number}
            )
        free = [row for row in named if not row.number]
        if free:
            free[0].number = number
            self.by_number.setdefault(number.casefold(), []).append(free[0])
            self.numbered += [] if free[0] in self.fresh else [free[0]]
            return free[0], True
        return self.made(name, number), False

    def made(self, name: str, number: str = "") -> Organisation:
        if self.needed:
            values = {"name": name, "fields": ", ".join(self.needed)}
            text = _("There is no organisation “%(name)s” yet, and a new one needs more: %(fields)s. Make it first.")
            raise Refused("no_organisation", text % values)
        row = Organisation(name=name, number=number)
        self.fresh.append(row)
        self.put(row)
        return row

    def save(self) -> None:
        Organisation.objects.bulk_create(self.fresh)
        Organisation.objects.bulk_update(self.numbered, ["number"])
