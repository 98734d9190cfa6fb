"""The form of a calendar: a grid of the week with spans, a country whose holidays are free, and days of one's own."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from babel import Locale
from babel.dates import get_day_names
from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from postvak.models import Calendar
from postvak.tickets.sla.public_holidays import countries, public_holidays, regions
from postvak.tickets.sla.rules import ALWAYS, WEEK, check_calendar
from postvak.web.admin.forms.checked import CheckedForm
from postvak.web.formats import locale
from postvak.web.preferences import zone_choices

SPANS = 2  # fields of a day that are always there
MOST = 6
MIDNIGHT = "24:00"
LINE = re.compile(r"(\S+)\s*(.*)")
ORDERS = (
    re.compile(r"(?P<y>\d{4})-(?P<m>\d\d?)-(?P<d>\d\d?)"),
    re.compile(r"(?P<d>\d\d?)[./-](?P<m>\d\d?)[./-](?P<y>\d{4})"),
)


@dataclass(frozen=True, slots=True)
class Day:
    """A row of the grid. `spans`: what the fields show, empty ones too; `name`: the beginning of the fields' names."""

    number: int
    label: str
    spans: list[tuple[str, str]]

    @property
    def name(self) -> str:
        return f"hours-{self.number}"


@dataclass(frozen=True, slots=True)
class Holiday:
    day: date
    name: str
    is_worked: bool


class CalendarForm(CheckedForm):
    is_always = forms.BooleanField(label=_("round the clock"), required=False, help_text=_("24 hours on seven days; holidays below are still free."))  # fmt: skip
    time_zone = forms.ChoiceField(label=_("time zone"), required=False, choices=zone_choices)
    country = forms.ChoiceField(label=_("country"), required=False, help_text=_("Its public holidays are free."))
    region = forms.CharField(label=_("region"), required=False, max_length=8)
    free_days = forms.CharField(
        label=_("own free days"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text=_("One day on each line, with a name if you like: 2026-12-24 company outing"),
    )

    class Meta:
        model = Calendar
        fields = ("name", "time_zone", "country", "region")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        country: Any = self.fields["country"]
        country.choices = [("", gettext("none: no holidays")), *country_choices()]
        country.widget.attrs["data-place"] = True
        row = self.instance
        self.fields["is_always"].initial = bool(row.pk) and row.hours == ALWAYS
        self.fields["free_days"].initial = "\n".join(
            f"{day} {name}".strip() for day, name in sorted(row.holidays.items())
        )
        if row.pk is None:
            row.hours = {str(day): [["09:00", "17:00"]] for day in range(5)}

    # ---- what the page shows

    def week(self) -> list[Day]:
        names = get_day_names("wide", "stand-alone", locale())
        return [Day(number, names[number], self.shown(number)) for number in range(WEEK)]

    def shown(self, number: int) -> list[tuple[str, str]]:
        if self.is_bound:
            found = list(self.typed(number))
        elif self.instance.hours == ALWAYS:
            found = []
        else:
            found = [(start, end.replace(MIDNIGHT, "00:00")) for start, end in self.instance.hours.get(str(number), [])]
        return found + [("", "")] * (SPANS - len(found))

    def typed(self, number: int) -> Iterator[tuple[str, str]]:
        values = self.data
        if hasattr(values, "getlist"):
            starts, ends = (values.getlist(f"hours-{number}-{side}")[:MOST] for side in ("from", "to"))
            yield from ((a.strip(), b.strip()) for a, b in zip(starts, ends, strict=False) if a.strip() or b.strip())

    def regions(self) -> dict[str, str]:
        return dict(regions(self.chosen_country(), timezone.localdate().year))

    def holidays(self) -> list[Holiday]:
        """Of this and the next year, in the country's own words."""
        year, worked = timezone.localdate().year, set(self.worked())
        country, region = self.chosen_country(), str(self["region"].value() or "")
        region = region if region in self.regions() else ""
        return [
            Holiday(day, name, day.isoformat() in worked)
            for one in (year, year + 1)
            for day, name in public_holidays(country, region, one).items()
        ]

    def chosen_country(self) -> str:
        code = str(self["country"].value() or "")
        return code if code in countries() else ""

    def worked(self) -> list[str]:
        if self.is_bound and hasattr(self.data, "getlist"):
            return [day for day in self.data.getlist("open_days") if len(day) <= 10]
        return list(self.instance.open_days)

    # ---- what was typed

    def clean_region(self) -> str:
        """One of another country goes by itself."""
        region = str(self.cleaned_data["region"])
        return region if region in regions(self.cleaned_data.get("country") or "", timezone.localdate().year) else ""

    def clean_free_days(self) -> dict[str, str]:
        lines = [LINE.fullmatch(line.strip()) for line in self.cleaned_data["free_days"].splitlines()]
        return {read_day(line[1]): line[2].strip()[:100] for line in lines if line}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        self.instance.hours = ALWAYS if cleaned.get("is_always") else self.hours()
        if "free_days" in cleaned:
            self.instance.holidays = cleaned["free_days"]
        past = [
            day for day in self.instance.open_days if day < timezone.localdate().replace(month=1, day=1).isoformat()
        ]
        self.instance.open_days = sorted({*past, *self.worked()})
        return cleaned

    def hours(self) -> dict[str, list[list[str]]]:
        """A day that ends at 00:00 ends at midnight."""
        week = {}
        for number in range(WEEK):
            spans = [[start, MIDNIGHT if end in {"00:00", "0:00"} else end] for start, end in self.typed(number)]
            if spans:
                week[str(number)] = sorted(spans)
        return week

    def check(self, row: Calendar) -> None:
        """What is wrong with the grid stands above it."""
        try:
            check_calendar(row)
        except ValidationError as error:
            shown = {"hours": "is_always", "holidays": "free_days", "open_days": "country"}
            raise ValidationError({shown.get(name, name): said for name, said in error.message_dict.items()}) from error


def read_day(text: str) -> str:
    for order in ORDERS:
        found = order.fullmatch(text)
        if found:
            try:
                return date(int(found["y"]), int(found["m"]), int(found["d"])).isoformat()
            except ValueError:
                break
    raise ValidationError(gettext("“%(day)s” is no day. Write it as 2026-12-24.") % {"day": text[:40]})


def country_choices() -> list[tuple[str, str]]:
    """In the reader's language and its order."""
    names = Locale.parse(str(locale())).territories
    return sorted(((code, names.get(code, code)) for code in countries()), key=lambda pair: pair[1])
