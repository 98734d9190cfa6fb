"""What must hold when settings were changed, and what follows from them; inside the transaction of the change."""

from collections.abc import Collection

from django.utils.translation import gettext as _

from postvak.models import Agent, Queue
from postvak.setup.fields import SettingError
from postvak.setup.sections import DUE_TIMES
from postvak.tickets.sla.again import reckon_again


def finish(sections: Collection[str], *, needs_admin: bool = False) -> None:
    """`sections`: names of those that were changed. Raises SettingError."""
    if not Queue.objects.filter(is_default=True).exists():
        raise SettingError(_("one queue must be the default one (default = true)."), section="queue", field="default")
    if needs_admin and "agent" in sections and not Agent.objects.filter(is_admin=True, is_active=True).exists():
        raise SettingError(_("one valid administrator must stay."), section="agent", field="admin")
    if DUE_TIMES & set(sections):
        reckon_again()
