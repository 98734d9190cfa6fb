"""The form of an answer template: its columns, and beside them as many languages and files as one likes."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.conf.locale import LANG_INFO
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from postvak.mail.language import SCRIPTS, SMALL_WORDS
from postvak.models import Agent, AnswerTemplate, AnswerTemplateFile, Brand, Status
from postvak.tickets.access import queues_to
from postvak.tickets.answer_templates import Belongings, category_of, check_template, templates_of
from postvak.tickets.tags import words
from postvak.tickets.texts import LIMIT, Text, check_text
from postvak.web.admin.forms.queue_choice import queues_as_tree
from postvak.web.desk.writing import as_file
from postvak.web.formats import size

LONGEST_SUBJECT = 500
CHINESE = "zh-hans"  # as Django calls it
LANGUAGES = {
    code: str(LANG_INFO[CHINESE if code == "zh" else code]["name_local"]).capitalize()
    for code in [*SMALL_WORDS, *(code for code, _pattern in SCRIPTS)]
}


class TemplateForm(forms.ModelForm):  # type: ignore[type-arg]
    """`texts`, `files` and `problems` (position of a text -> sentence) are read and checked along with the columns."""

    position = forms.IntegerField(
        label=_("position"),
        required=False,
        min_value=0,
        max_value=9999,
        help_text=_("Within the category, small numbers first. The same number: by name."),
    )
    tags = forms.CharField(
        label=_("tags"),
        required=False,
        max_length=500,
        help_text=_("With commas between them. The ticket gets them when the mail is sent."),
    )

    class Meta:
        model = AnswerTemplate
        fields = ("name", "category", "is_valid", "queues", "brands", "position", "status")
        widgets: ClassVar = {
            "category": forms.TextInput(attrs={"list": "categories", "autocomplete": "off"}),
            "queues": forms.CheckboxSelectMultiple,
            "brands": forms.CheckboxSelectMultiple,
        }
        help_texts: ClassVar = {
            "category": _("Levels with :: between them, such as “Orders::Returns”."),
            "queues": _("Offered on tickets of these queues. No queue and no brand chosen: in all of them."),
            "brands": _("Offered in all queues of these brands, too, also in those that come later."),
            "is_valid": _("Agents are offered valid templates only."),
            "status": _("The composer proposes it for the ticket."),
        }

    def __init__(self, *args: Any, by: Agent, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        chosen, status_id = self.chosen_queues(), self.instance.status_id or self.initial.get("status")
        queues_as_tree(self.fields["queues"], queues_to(by, "administer").filter(Q(is_valid=True) | Q(pk__in=chosen)))
        self.hide_lone_brand()
        self.keep_to_own_queues()
        status: Any = self.fields["status"]
        status.queryset = Status.objects.filter(Q(is_valid=True) | Q(pk=status_id))
        status.empty_label = _("as the agent chooses")
        typed = self.data if isinstance(self.data, QueryDict) else QueryDict()
        self.texts = texts_in(typed)
        self.kept = self.files_kept(typed.getlist("kept"))
        self.uploads = self.files.getlist("files") if isinstance(self.files, MultiValueDict) else []
        self.problems: dict[int, str] = {}

    def hide_lone_brand(self) -> None:
        """Where there is one brand only, there is nothing to choose."""
        is_chosen = self.instance.pk and self.instance.brands.exists()
        if not is_chosen and Brand.objects.count() < 2:
            del self.fields["brands"]
            self.fields["queues"].help_text = _("Offered on tickets of these queues only. None chosen: in all of them.")

    def keep_to_own_queues(self) -> None:
        """Who administers queues only writes for these and no others."""
        if self.by.is_admin:
            return
        self.fields.pop("brands", None)
        self.fields["queues"].required = True
        self.fields["queues"].help_text = _("Offered on tickets of these queues only: those that you administer.")

    def files_kept(self, typed: Sequence[str]) -> list[int]:
        """Of this template, or of the one that it is a copy of; none that he may not read."""
        keys = [int(key) for key in typed if key.isdecimal() and len(key) < 10]
        rows = AnswerTemplateFile.objects.filter(pk__in=keys, template__in=templates_of(self.by)) if keys else ()
        return [row.pk for row in rows]

    def chosen_queues(self) -> list[int]:
        return list(self.instance.queues.values_list("pk", flat=True)) if self.instance.pk else []

    def clean_category(self) -> str:
        return category_of(self.cleaned_data["category"])

    def clean_position(self) -> int:
        return int(self.cleaned_data["position"] or 0)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "name" in cleaned and "category" in cleaned:
            try:
                check_template(AnswerTemplate(pk=self.instance.pk, name=cleaned["name"], category=cleaned["category"]))
            except ValidationError as error:
                self.add_error(None, error)
        self.clean_texts()
        self.clean_files()
        return cleaned

    def clean_texts(self) -> None:
        """Each kept language once; at least one text."""
        if all(text.is_empty for text in self.texts):
            self.add_error(None, gettext("The template has no text yet."))
        for place, text in enumerate(self.texts):
            try:
                check_text(text)
            except ValidationError as error:
                self.problems[place] = " ".join(error.messages)
        if self.problems:
            self.add_error(None, gettext("A text has placeholders that Postvak doesn't know."))

    def clean_files(self) -> None:
        kept = AnswerTemplateFile.objects.filter(pk__in=self.kept).values_list("size", flat=True)
        total = sum(kept) + sum(upload.size or 0 for upload in self.uploads)
        if total > LIMIT:
            values = {"total": size(total), "limit": size(LIMIT)}
            self.add_error(
                None, gettext("The files are %(total)s together; a template can have %(limit)s of files.") % values
            )

    def belongings(self) -> Belongings:
        """Of a valid form."""
        return Belongings(
            queues=[queue.pk for queue in self.cleaned_data["queues"]],
            brands=[brand.pk for brand in self.cleaned_data.get("brands", ())],
            tags=words(self.cleaned_data["tags"]),
            texts=self.texts,
            kept=self.kept,
            files=[as_file(upload) for upload in self.uploads],
        )


def texts_in(data: QueryDict) -> Sequence[Text]:
    """The posted texts in their order; a language that comes twice counts once, the last one."""
    languages, subjects, html = data.getlist("language"), data.getlist("subject"), data.getlist("html")
    rows = zip(languages, subjects, html, strict=False)
    known = {
        language: Text(language, subject[:LONGEST_SUBJECT], one)
        for language, subject, one in rows
        if language in LANGUAGES or not language
    }
    return tuple(known.values())
