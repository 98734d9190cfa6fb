"""The language model that is asked as well: its address and key, how much it may do, and a trial with an invented mail. Spec 08."""

import json
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from postvak.classify.text import Text
from postvak.learn.language_model import ask
from postvak.models import Brand, Queue
from postvak.setup.classification import language_model
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.forms.classification import LanguageModelForm, TrialForm
from postvak.web.admin.recording import save
from postvak.web.flash import say


@admin_only
def edit(request: HttpRequest) -> HttpResponse:
    form = LanguageModelForm(request.POST or None, instance=language_model())
    if request.method == "POST" and form.is_valid():
        save(request, form)
        say(request, _("The options are saved."))
        return redirect("admin_language_model")
    return page(request, form)


@require_POST
@admin_only
def attempt(request: HttpRequest) -> HttpResponse:
    """What is sent, and what comes back. Nothing is kept."""
    row = language_model()
    asked = TrialForm(request.POST)
    context: dict[str, Any] = {}
    if asked.is_valid():
        answer = ask(row, Text(asked.cleaned_data["subject"], asked.cleaned_data["text"]))
        queue = Queue.objects.filter(pk=answer.label).first() if answer.label else None
        pretty = json.dumps(json.loads(answer.sent), ensure_ascii=False, indent=2)
        context = {
            "answer": answer,
            "problem": _(answer.problem) if answer.problem else "",
            "queue": queue,
            "sent": pretty,
        }
    response = page(request, LanguageModelForm(instance=row), asked, context)
    response.status_code = 200 if context else 422
    return response


def page(
    request: HttpRequest, form: LanguageModelForm, asked: TrialForm | None = None, context: dict[str, Any] | None = None
) -> HttpResponse:
    everywhere = {"form": form, "asked": asked or TrialForm(), "service": language_model(), "brands": allowing()}
    return admin_page(request, "language_model.html", "classification", {**everywhere, **(context or {})})


def allowing() -> "QuerySet[Brand]":
    """Brands whose customers' mails may be shown to it."""
    return Brand.objects.filter(asks_language_model=True).order_by("name")
