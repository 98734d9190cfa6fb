"""A browser and its system in words, from what it says of itself. For the eye only: anybody can say anything."""

import re
from dataclasses import dataclass

from django.utils.translation import gettext as _

# First match wins: most browsers claim to be others, too.
BROWSERS = (
    ("Edge", r"\bEdgA?(?:iOS)?/"),
    ("Opera", r"\bOPR/"),
    ("Vivaldi", r"\bVivaldi/"),
    ("Samsung Internet", r"\bSamsungBrowser/"),
    ("Firefox", r"\b(?:Firefox|FxiOS)/"),
    ("Chrome", r"\b(?:Chrome|CriOS|Chromium|HeadlessChrome)/"),
    ("Safari", r"\bVersion/\S+ (?:Mobile/\S+ )?Safari/"),
)
SYSTEMS = (
    ("iPhone", r"\biPhone\b"),
    ("iPad", r"\biPad\b"),
    ("Android", r"\bAndroid\b"),
    ("Windows", r"\bWindows\b"),
    ("macOS", r"\bMac OS X\b"),
    ("ChromeOS", r"\bCrOS\b"),
    ("Linux", r"\bLinux\b|\bX11\b"),
)
SMALL = frozenset({"iPhone", "Android"})


@dataclass(frozen=True, slots=True)
class Device:
    """`icon`: of our sheet."""

    name: str
    icon: str


def device_of(user_agent: str) -> Device:
    """ "Firefox on Windows"."""
    browser, system = first_of(BROWSERS, user_agent), first_of(SYSTEMS, user_agent)
    icon = "mobile" if system in SMALL else "screen"
    if browser and system:
        return Device(_("%(browser)s on %(system)s") % {"browser": browser, "system": system}, icon)
    return Device(browser or system or _("unknown browser"), icon)


def first_of(table: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for name, pattern in table if re.search(pattern, text)), "")
