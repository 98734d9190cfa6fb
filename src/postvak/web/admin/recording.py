"""How the administration saves: every form and deletion goes through here, so that the audit has it. Spec 07."""

from typing import Any

from django.db.models import Model
from django.forms import ModelForm
from django.http import HttpRequest

from postvak.log.audit import recording
from postvak.web.session import asking


def save(request: HttpRequest, form: "ModelForm[Any]", *others: Model) -> Any:
    """form.save() with an entry of the audit for its row, and for those of `others` that it changes, too."""
    with recording(asking(request), form.instance, *others):
        return form.save()
