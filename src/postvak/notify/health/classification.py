"""Health of classification: models that can't be read, those that have to forget something (they do it by themselves, so only “doctor”
speaks of it), and a language model that doesn't answer.

`said` of an active version says why it can't be used (learn.lessons.note_troubles).
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from django.db.models import Exists, OuterRef, Subquery

from postvak.models import Classifier, ClassifierModel, LanguageModel, Mode
from postvak.notify.health.finding import Finding, Severity


def classification(now: datetime) -> Iterator[Finding]:
    """Two queries."""
    active = ClassifierModel.objects.filter(classifier=OuterRef("pk"), is_active=True)
    rows = Classifier.objects.annotate(
        version=Subquery(active.values("version")[:1]),
        said=Subquery(active.values("said")[:1]),
        has_models=Exists(ClassifierModel.objects.filter(classifier=OuterRef("pk"))),
    )
    for row in rows:
        if row.said and row.mode != Mode.OFF:
            facts = {"target": row.get_target_display(), "version": row.version, "said": row.said}
            yield finding(row, "model_broken", facts, Severity.warning)
        if row.is_stale and row.has_models:
            yield finding(row, "model_stale", {"target": row.get_target_display()}, Severity.notice)
    yield from silent()


def finding(row: Classifier, code: str, facts: Mapping[str, object], severity: Severity) -> Finding:
    return Finding(code, facts, severity, about=f"classifier:{row.pk}", page=("admin_classifier", str(row.pk)))


def silent() -> Iterator[Finding]:
    for row in LanguageModel.objects.exclude(mode=Mode.OFF).exclude(last_problem=""):
        yield Finding(
            "language_model_silent",
            {"said": row.last_problem},
            Severity.warning,
            page=("admin_language_model",),
            since=row.last_problem_at,
        )
