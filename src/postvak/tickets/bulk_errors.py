"""LeftAlone: why one of many tickets was not changed."""

from django.utils.translation import gettext as _


class LeftAlone(Exception):
    """The ticket stays as it is; the text says why, to the agent."""


def changed_meanwhile(is_so: bool) -> None:
    """Taking back never tramples what came after."""
    if is_so:
        raise LeftAlone(_("Somebody changed it meanwhile."))
