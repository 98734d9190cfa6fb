"""The form of a rule: its columns, whom it writes to, its conditions, and as many languages and files as one likes."""

import re
from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from postvak.mail.outgoing_html import clean as clean_html
from postvak.models import Agent, Options, Rule, RuleFile, RuleText, Status
from postvak.tickets.rules.check import Problem, problems
from postvak.tickets.rules.store import TIMED, Contents
from postvak.tickets.texts import LIMIT, Text
from postvak.web.admin.condition_kit import Conditions
from postvak.web.admin.forms.answer_templates import texts_in
from postvak.web.admin.forms.queues import offer_protection
from postvak.web.admin.rules_choices import (
    ADDRESS,
    AGEING,
    AGENT,
    DELAYED,
    ONLY_SHIPPED,
    RECIPIENTS,
    fits,
)
from postvak.web.admin.rules_words import DAY, HOUR, amount_and_unit
from postvak.web.desk.writing import as_file
from postvak.web.formats import size

UNITS = [("1", _("minutes")), (str(HOUR), _("hours")), (str(DAY), _("days"))]
PLACES = {"minutes": "amount", "recipients": "recipients"}  # part of a Problem -> field that shows it
MOST_ADDRESSES = 100


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """`texts`, `conditions` and `uploads` are read along with the columns; `text_problems` (place of a text -> sentence) and
    `row_problems` (place of a condition -> sentences) say what is wrong with them."""

    amount = forms.IntegerField(label=_("how long"), required=False, min_value=1, max_value=1_000_000)
    unit = forms.ChoiceField(label=_("unit"), choices=UNITS, required=False)
    recipients = forms.MultipleChoiceField(
        label=_("to whom"),
        choices=list(RECIPIENTS.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    agents = forms.ModelMultipleChoiceField(
        label=_("to these agents, too"),
        queryset=Agent.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Only those get it who may read the ticket."),
    )
    addresses = forms.CharField(
        label=_("to these addresses, too"),
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}),
        help_text=_("One on each line, or with commas between them."),
    )

    class Meta:
        model = Rule
        fields = (
            "name", "trigger", "calendar", "hour", "status", "delivery", "sign", "encrypt", "once", "per_day", "is_on", "comment",
        )  # fmt: skip
        widgets: ClassVar = {"delivery": forms.RadioSelect, "once": forms.RadioSelect}
        help_texts: ClassVar = {
            "calendar": _("Then only these hours count."),
            "hour": _("On each agent's own clock, 0 to 23."),
            "status": _("The history of the ticket names this rule."),
            "per_day": _("Empty: no limit of its own. The limits for all automatic mail hold in any case."),
            "is_on": _("What happened before it is switched on is none of its business."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        typed = self.data if isinstance(self.data, QueryDict) else QueryDict()
        self.conditions = Conditions.read(typed)
        self.texts: Sequence[Text] = texts_in(typed)
        self.own_texts = [text for text in self.texts if typed.get(f"own-{text.language or 'all'}", "yes") == "yes"]
        self.kept = [int(key) for key in typed.getlist("kept") if key.isdecimal() and len(key) < 10]
        self.uploads = self.files.getlist("files") if isinstance(self.files, MultiValueDict) else []
        self.text_problems: dict[int, str] = {}
        self.row_problems: dict[int, tuple[str, ...]] = {}
        self.other_problems: list[str] = []
        self.prepare()

    def prepare(self) -> None:
        rule: Rule = self.instance
        if rule.key:
            del self.fields["name"], self.fields["trigger"]
        else:
            triggers: Any = self.fields["trigger"]
            triggers.choices = [choice for choice in Rule.Trigger.choices if choice[0] not in ONLY_SHIPPED]
            triggers.label = _("what happens")
            self.fields["name"].required = True
        calendar: Any = self.fields["calendar"]
        calendar.empty_label = _("around the clock")
        status: Any = self.fields["status"]
        status.queryset = Status.objects.filter(is_valid=True) | Status.objects.filter(pk=rule.status_id or 0)
        status.empty_label = _("stays as it is")
        agents: Any = self.fields["agents"]
        agents.queryset = Agent.objects.filter(is_active=True).order_by("name")
        offer_protection(self, _("as the address has it"))
        self.fill()

    def fill(self) -> None:
        """What is no column by itself, from the rule, or from the one that this is a copy of."""
        words = [str(word) for word in self.initial.get("words", self.instance.recipients)]
        minutes = self.initial.get("minutes", self.instance.minutes)
        amount, unit = amount_and_unit(minutes) if minutes else (None, HOUR)
        keys = [word.removeprefix(AGENT) for word in words if word.startswith(AGENT)]
        own: dict[str, Any] = {
            "amount": amount,
            "unit": str(unit),
            "recipients": [word for word in words if word in RECIPIENTS],
            "agents": [int(key) for key in keys if key.isdecimal()],
            "addresses": "\n".join(word.removeprefix(ADDRESS) for word in words if word.startswith(ADDRESS)),
        }
        self.initial = {**self.initial, **own}

    @property
    def trigger(self) -> str:
        return str(self.cleaned_data.get("trigger") or self.instance.trigger)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "name" in cleaned and self.is_taken(cleaned["name"]):
            self.add_error("name", gettext("Another rule has this name."))
        self.clean_files()
        return cleaned

    def is_taken(self, name: str) -> bool:
        others = Rule.objects.exclude(pk=self.instance.pk).exclude(name="").values_list("name", flat=True)
        return name.casefold() in {other.casefold() for other in others}

    def clean_files(self) -> None:
        kept = RuleFile.objects.filter(pk__in=self.kept).values_list("size", flat=True)
        total = sum(kept) + sum(upload.size or 0 for upload in self.uploads)
        if total > LIMIT:
            text = gettext("The files are %(total)s together; a rule can have %(limit)s of files.")
            self.add_error(None, text % {"total": size(total), "limit": size(LIMIT)})

    def _post_clean(self) -> None:
        """The columns are in the instance now; with the rest the rule is whole and can be checked."""
        super()._post_clean()  # type: ignore[misc]
        rule: Rule = self.instance
        rule.recipients, rule.minutes = self.words(), self.minutes()
        rule.match = self.conditions.match
        rule.conditions = [condition.as_json() for condition in self.conditions.rows]
        if rule.trigger not in AGEING:
            rule.status = None
        if rule.trigger not in TIMED:
            rule.calendar = None
        texts = [
            RuleText(language=text.language, subject=text.subject, html=clean_html(text.html))
            for text in self.own_texts
        ]
        for problem in problems(rule, [text for text in texts if text.subject.strip() or text.html.strip()]):
            self.note(problem)

    def words(self) -> list[str]:
        """Whom the form says; those that can't be meant when this happens are left out."""
        cleaned = self.cleaned_data
        typed = re.split(r"[,;\s]+", cleaned.get("addresses", ""))
        words = [
            *cleaned.get("recipients", ()),
            *(f"{AGENT}{agent.pk}" for agent in cleaned.get("agents", ())),
            *(f"{ADDRESS}{email}" for email in dict.fromkeys(email.lower() for email in typed if email)),
        ]
        return [word for word in words if fits(word, self.instance.trigger)]

    def minutes(self) -> int | None:
        amount, unit = self.cleaned_data.get("amount"), self.cleaned_data.get("unit") or "1"
        goes_by_time = self.instance.trigger in TIMED or self.instance.trigger in DELAYED
        return int(amount) * int(unit) if amount and goes_by_time else None

    def note(self, problem: Problem) -> None:
        """Beside the field that it is about."""
        if problem.part == "conditions":
            known = self.row_problems.get(problem.index, ())
            self.row_problems[problem.index] = (*known, problem.text)
            self.flag()
        elif problem.part == "texts":
            self.text_problems[self.place_of(problem.index)] = problem.text
            self.flag()
        elif problem.part == "recipients" and self.has_address(problem.index):
            self.add_error("addresses", problem.text)
        else:
            field = PLACES.get(problem.part, problem.part)
            field = field if field in self.fields else None  # type: ignore[assignment]
            if field is None or field not in self.errors:
                self.add_error(field, problem.text)

    def has_address(self, place: int) -> bool:
        words = self.instance.recipients
        return place < len(words) and words[place].startswith(ADDRESS)

    def place_of(self, place: int) -> int:
        """Of a text among all that came with the form; empty and shipped ones were not checked."""
        checked = [text for text in self.own_texts if text.subject.strip() or clean_html(text.html).strip()]
        return self.texts.index(checked[place]) if place < len(checked) else 0

    def flag(self) -> None:
        """The form is not valid, though the sentence stands beside a row that is no field of it."""
        said = gettext(gettext_noop("A condition or a text is not right yet."))
        if said not in self.errors.get("__all__", []):
            self.add_error(None, said)

    def contents(self) -> Contents:
        """Of a valid form."""
        return Contents(texts=self.own_texts, kept=self.kept, files=[as_file(upload) for upload in self.uploads])


class LimitsForm(forms.ModelForm):  # type: ignore[type-arg]
    """How much automatic mail is too much."""

    class Meta:
        model = Options
        fields = (
            "automatic_per_day", "automatic_per_pair", "automatic_unanswered", "tickets_per_hour", "automatic_hours",
        )  # fmt: skip
        widgets: ClassVar = {name: forms.NumberInput(attrs={"min": 1}) for name in fields}
        help_texts: ClassVar = {
            "automatic_per_day": _(
                "More than that, and nothing automatic goes to the address until there is room again."
            ),
            "automatic_per_pair": _("More than that is two programs that answer each other: the loop breaker opens."),
            "automatic_unanswered": _(
                "More than that, and nobody there reads them: the loop breaker opens until one of us answers the customer."
            ),
            "tickets_per_hour": _("Further mails of the sender are held, with a warning."),
            "automatic_hours": _("Who wrote last week is not surprised by a confirmation after a long outage."),
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name, most in {
            "automatic_per_day": 1000,
            "automatic_per_pair": 100,
            "automatic_unanswered": 10_000,
            "tickets_per_hour": 10_000,
            "automatic_hours": 8760,
        }.items():
            value = cleaned.get(name)
            if value is not None and not 1 <= value <= most:
                self.add_error(name, gettext("Enter a number from 1 to %(most)s.") % {"most": most})
        return cleaned
