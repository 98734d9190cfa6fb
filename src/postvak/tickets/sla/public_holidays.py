"""Public holidays of countries and their regions, by the library `holidays`.

The library takes 10 MB and 90 ms, so it is loaded when the first calendar with a country is looked at, here only.
"""

from collections.abc import Mapping
from datetime import date
from functools import cache, lru_cache
from importlib import import_module
from typing import Any

LONGEST_REGION = 8  # Calendar.region
NONE: Mapping[date, str] = {}


def library() -> Any:
    return import_module("holidays")


@lru_cache(maxsize=200)
def public_holidays(country: str, region: str, year: int) -> Mapping[date, str]:
    """The free days of a year with their names, as people there call them. None for a place that the library doesn't
    know (any more): a clock must not stop for it; forms say so (is_known)."""
    if not country:
        return NONE
    try:
        days = library().country_holidays(country, subdiv=region or None, years=year, language=language_of(country))
    except NotImplementedError:
        return NONE
    return dict(sorted(days.items()))


@cache
def language_of(country: str) -> str | None:
    language: str | None = library().country_holidays(country).default_language
    return language


@cache
def countries() -> Mapping[str, tuple[str, ...]]:
    """ISO 3166-1 codes with those regions (ISO 3166-2 without the country, or the library's name)."""
    known: Mapping[str, list[str]] = library().list_supported_countries(include_aliases=False)
    return {
        code: tuple(region for region in regions if len(region) <= LONGEST_REGION)
        for code, regions in sorted(known.items())
    }


def is_known(country: str, region: str = "") -> bool:
    return country in countries() and (not region or region in countries()[country])


@lru_cache(maxsize=50)
def regions(country: str, year: int) -> Mapping[str, str]:
    """Code and name of each region, when it matters there: holidays differ in one of them at least."""
    codes = countries().get(country, ())
    nation = set(public_holidays(country, "", year))
    if all(set(public_holidays(country, code, year)) == nation for code in codes):
        return {}
    names: dict[str, str] = {}
    for name, code in library().country_holidays(country).subdivisions_aliases.items():
        names.setdefault(code, name)
    return dict(sorted(((code, names.get(code, code)) for code in codes), key=lambda pair: pair[1]))
