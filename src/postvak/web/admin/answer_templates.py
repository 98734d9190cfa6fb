"""Administration of answer templates: the tree of all, the editor with its languages and files, copies, deletion. Who administers
queues finds those of his queues here."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from postvak.blobs import store
from postvak.log.audit import recording
from postvak.mail.outgoing_html import for_editor
from postvak.models import AnswerTemplate, AnswerTemplateFile
from postvak.notify.templates import matching
from postvak.tickets.answer_templates import BETWEEN, delete_template, save_template, templates_of
from postvak.tickets.texts import LIMIT, Text
from postvak.web.admin.access import admin_page, queue_administrators
from postvak.web.admin.forms.answer_templates import LANGUAGES, TemplateForm
from postvak.web.admin.searching import Column, asked_by, listed_here
from postvak.web.desk.downloads import download
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.placeholders import PLACEHOLDERS
from postvak.web.session import agent_of, asking

FIRST = Text("", "", "")
is_valid = attrgetter("is_valid")
COLUMNS = {
    "name": Column(gettext_lazy("Template"), attrgetter("name")),
    "used": Column(gettext_lazy("Used"), attrgetter("times_used")),
    "last": Column(gettext_lazy("Last used"), attrgetter("last_used_at")),
}


@dataclass(frozen=True, slots=True)
class Branch:
    """A category of the tree with its own templates; `depth` counts from 1, 0 is for those without category."""

    label: str
    path: str
    depth: int
    templates: Sequence[AnswerTemplate]


@dataclass(frozen=True, slots=True)
class Variant:
    """One language as the editor shows it."""

    text: Text
    label: str
    problem: str = ""
    is_fresh: bool = False

    @property
    def html(self) -> str:
        return for_editor(self.text.html, {})


@queue_administrators
def listing(request: HttpRequest) -> HttpResponse:
    """In the order of a column there are no branches: each has its category before its name."""
    mine = templates_of(agent_of(request))
    rows = mine.select_related("status").prefetch_related("queues", "brands", "tags", "texts")
    query = asked_by(request, COLUMNS, has_validity=True).query
    fits = {row.pk for row in matching(rows, query)} if query else set()
    found = listed_here(request, rows, lambda row: query if row.pk in fits else "", COLUMNS, valid=is_valid)
    shown = list(found.page)
    branches = [Branch("", "", 0, shown)] if found.asked.sort else list(tree(shown))
    context = {"list": found, "branches": branches if found else [], "languages": LANGUAGES}
    return admin_page(request, "answer_templates.html", "answer_templates", context)


def tree(templates: Iterable[AnswerTemplate]) -> Iterator[Branch]:
    """In the order of the rows, which come by category; a category without own templates is there for its children."""
    by_category: dict[str, list[AnswerTemplate]] = {}
    for template in templates:
        by_category.setdefault(template.category, []).append(template)
    shown: set[str] = {""}
    for path, rows in by_category.items():
        parts = path.split(BETWEEN) if path else []
        for depth in range(1, len(parts)):
            above = BETWEEN.join(parts[:depth])
            if above not in shown and above not in by_category:
                yield Branch(parts[depth - 1], above, depth, ())
            shown.add(above)
        shown.add(path)
        yield Branch(parts[-1] if parts else "", path, len(parts), rows)


@queue_administrators
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    agent = agent_of(request)
    template = get_object_or_404(templates_of(agent), pk=pk) if pk else None
    source = template or source_of(request)
    if request.method != "POST":
        form = TemplateForm(instance=template, initial=initial_of(source, is_copy=template is None), by=agent)
        return page(request, form, template, variants(texts_of(source)), files_of(source))
    form = TemplateForm(request.POST, request.FILES, instance=template, by=agent)
    added = request.POST.get("new_language", "") if "add" in request.POST else ""
    if not added and form.is_valid():
        return saved(request, form)
    kept = list(AnswerTemplateFile.objects.filter(pk__in=form.kept))
    return page(request, form, template, [*typed(form), *fresh(added, form.texts)], kept)


def saved(request: HttpRequest, form: TemplateForm) -> HttpResponseRedirect:
    template: AnswerTemplate = form.save(commit=False)
    with recording(asking(request), template):
        save_template(template, form.belongings(), timezone.now())
    say(request, _("The template “%(name)s” is saved.") % {"name": template.name})
    return redirect("admin_answer_templates")


def page(
    request: HttpRequest,
    form: TemplateForm,
    template: AnswerTemplate | None,
    shown: Sequence[Variant],
    files: Sequence[AnswerTemplateFile],
) -> HttpResponse:
    context = {
        "form": form,
        "template": template,
        "variants": shown,
        "left": languages_left([variant.text for variant in shown]),
        "stored": files,
        "limit": LIMIT,
        "placeholders": PLACEHOLDERS,
        "categories": AnswerTemplate.objects.exclude(category="").values_list("category", flat=True).distinct().order_by("category"),
    }  # fmt: skip
    return admin_page(request, "answer_template.html", "answer_templates", context)


# ---- what the form starts with ----------------------------------------------------------------


def source_of(request: HttpRequest) -> AnswerTemplate | None:
    """The template that a new one is a copy of."""
    wanted = request.GET.get("copy", "")
    is_key = wanted.isdecimal() and len(wanted) < 10
    return templates_of(agent_of(request)).filter(pk=wanted).first() if is_key else None


def initial_of(source: AnswerTemplate | None, *, is_copy: bool) -> dict[str, object]:
    if source is None:
        return {}
    tags: dict[str, object] = {"tags": ", ".join(source.tags.values_list("name", flat=True))}
    if not is_copy:
        return tags
    return tags | {
        "name": _("%(name)s (copy)") % {"name": source.name},
        "category": source.category,
        "queues": list(source.queues.values_list("pk", flat=True)),
        "brands": list(source.brands.values_list("pk", flat=True)),
        "position": source.position,
        "status": source.status_id,
    }


def texts_of(source: AnswerTemplate | None) -> list[Text]:
    rows = source.texts.all() if source else ()
    return [Text(row.language, row.subject, row.html) for row in rows] or [FIRST]


def files_of(source: AnswerTemplate | None) -> list[AnswerTemplateFile]:
    return list(source.files.all()) if source else []


# ---- languages ----------------------------------------------------------------


def variants(texts: Sequence[Text]) -> list[Variant]:
    return [Variant(text, label_of(text.language)) for text in texts]


def typed(form: TemplateForm) -> list[Variant]:
    """What came with the form, each with what is wrong with it."""
    texts = form.texts or (FIRST,)
    return [Variant(text, label_of(text.language), form.problems.get(place, "")) for place, text in enumerate(texts)]


def fresh(language: str, texts: Sequence[Text]) -> list[Variant]:
    """A variant for `language`, "" among the values of the form is "all": none when it is there already."""
    code = "" if language == "all" else language
    if not language or (code and code not in LANGUAGES) or code in {text.language for text in texts}:
        return []
    return [Variant(Text(code, "", ""), label_of(code), is_fresh=True)]


def label_of(language: str) -> str:
    return LANGUAGES.get(language, language) if language else _("Standard text")


def languages_left(texts: Sequence[Text]) -> dict[str, str]:
    """Value and label of those that have no text yet; our own pages' languages first."""
    there = {text.language for text in texts}
    left = {code: label for code, label in LANGUAGES.items() if code not in there}
    return left if "" in there else {"all": label_of(""), **left}


@require_POST
@queue_administrators
def add_language(request: HttpRequest) -> HttpResponse:
    """The fields for one more language, for htmx; without it the form itself comes back with them."""
    form = TemplateForm(request.POST, by=agent_of(request))
    shown = fresh(request.POST.get("new_language", ""), form.texts)
    left = languages_left([*form.texts, *(variant.text for variant in shown)])
    return render(request, "admin/answer_template_text.html", {"variants": shown, "left": left, "is_part": True})


# ---- files, deletion ----------------------------------------------------------------


@require_GET
@queue_administrators
def file(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(AnswerTemplateFile, pk=pk, template__in=templates_of(agent_of(request)))
    return download(store.get(str(row.blob_id)), row.name, row.content_type)


@require_POST
@queue_administrators
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    template = get_object_or_404(templates_of(agent_of(request)), pk=pk)
    with recording(asking(request), template):
        delete_template(template, timezone.now())
    say(request, _("“%(name)s” is deleted.") % {"name": template.name})
    return redirect("admin_answer_templates")
