"""Communication → Classification: what may be proposed or done by itself, how good it is, and learning anew. Spec 08.

Score cards are in classification_score.py, versions in classification_versions.py, the language model in language_model.py.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from postvak.learn.training import enqueue_training, training_of
from postvak.log import audit
from postvak.models import Classifier
from postvak.setup.classification import language_model
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.classification_state import state_of, states
from postvak.web.admin.forms.classification import ClassifierForm
from postvak.web.admin.recording import save
from postvak.web.flash import say
from postvak.web.session import agent_of, asking

AREA = "classification"


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    """The three targets and the language model, each with its state in a sentence."""
    context = {"states": states(), "service": language_model()}
    return admin_page(request, "classification.html", AREA, context)


@admin_only
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """What one target may do."""
    row = get_object_or_404(Classifier, pk=pk)
    form = ClassifierForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        save(request, form)
        say(request, _("The options are saved."))
        return redirect("admin_classifier", pk)
    return classifier_page(request, "classifier.html", Classifier.objects.get(pk=pk), {"form": form})


def classifier_page(request: HttpRequest, template: str, row: Classifier, context: dict[str, Any]) -> HttpResponse:
    """One of the pages of a target; all of them show its state."""
    return admin_page(request, template, AREA, {"classifier": row, "state": state_of(row), **context})


@require_POST
@admin_only
def train(request: HttpRequest, pk: int) -> HttpResponse:
    """Learn anew from all tickets: a job."""
    row = get_object_or_404(Classifier, pk=pk)
    if training_of(row) is not None:
        say(request, _("It is learning already."))
    else:
        job = enqueue_training(row, by=agent_of(request))
        audit.record(asking(request), audit.Action.CREATED, job, name=f"train {row}")
        say(request, _("It learns anew. This page shows how far it is."))
    return redirect("admin_classifier", pk)
