"""Does a rule make sense? Everything that is wrong with it, in sentences for the one who edits it. Spec 06."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from postvak.conditions.check import condition_problems
from postvak.conditions.condition import Malformed, condition_of
from postvak.mail.addresses import is_valid_recipient, normalise, without_subaddress
from postvak.mail.placeholders import unknown
from postvak.models import Address, Agent, Calendar, Encrypt, Rule, Sign
from postvak.models.rule import RuleText
from postvak.tickets.rules.fields import FIELDS

MOST = 100  # conditions, or recipients
LONGEST_TEXT = 100_000  # characters of one language
LONGEST_TIME = 10 * 366 * 24 * 60  # minutes
AGENT, ADDRESS = "agent:", "address:"
PEOPLE = frozenset(
    [
        "requester", "sender", "participants",
        "members", "leads", "assignee", "followers", "mentioned", "author", "responsible", "admins", "agents",
    ]
)  # fmt: skip
CUSTOMERS = frozenset({"requester", "sender", "participants"})
T = Rule.Trigger
TIMED = frozenset({T.DUE_NEAR, T.UNANSWERED, T.UNASSIGNED, T.SILENT})
OF_NO_TICKET = frozenset({T.ACCOUNT, T.CERTIFICATE, T.DIGEST})


@dataclass(frozen=True, slots=True)
class Problem:
    """`part` is "name", "trigger", "recipients", "match", "conditions", "minutes", "hour", "per_day" or "texts", `index` the
    row there (0 for the others); `text` says what is wrong and what to do."""

    part: str
    index: int
    text: str


def problems(rule: Rule, texts: Sequence[RuleText] = ()) -> list[Problem]:
    """Empty when it can be saved. `texts`: its own ones; neither it nor they need be stored."""
    return [
        *head_problems(rule),
        *time_problems(rule),
        *recipient_problems(rule),
        *conditions_problems(rule),
        *text_problems(rule, texts),
    ]


def head_problems(rule: Rule) -> Iterator[Problem]:
    if not rule.key and not rule.name.strip():
        yield Problem("name", 0, _("Give the rule a name."))
    if len(rule.name) > 100:
        yield Problem("name", 0, _("The name is longer than %(limit)s characters.") % {"limit": 100})
    if rule.trigger not in T.values:
        yield Problem("trigger", 0, _("Choose what has to happen before the mail goes out."))
    if rule.match not in {"all", "any"}:
        yield Problem("match", 0, _("“%(value)s” is neither all nor any.") % {"value": rule.match})
    for name, known in (("sign", Sign.values), ("encrypt", Encrypt.values)):
        if getattr(rule, name) not in {"", *known}:
            text = _("“%(value)s” is none of: %(names)s.")
            yield Problem(name, 0, text % {"value": getattr(rule, name), "names": ", ".join(known)})
    if rule.per_day is not None and rule.per_day < 1:
        yield Problem("per_day", 0, _("Give a number from 1 on, or leave it empty for no limit."))


def time_problems(rule: Rule) -> Iterator[Problem]:
    if rule.trigger in TIMED and not rule.minutes:
        yield Problem("minutes", 0, _("Say how long: this rule goes by time."))
    if rule.minutes is not None and rule.minutes > LONGEST_TIME:
        yield Problem("minutes", 0, _("That is longer than ten years."))
    if rule.trigger == T.DIGEST and rule.hour is None:
        yield Problem("hour", 0, _("Say at which hour the daily mail goes out."))
    if rule.hour is not None and not 0 <= rule.hour <= 23:
        yield Problem("hour", 0, _("Give an hour from 0 to 23."))


def recipient_problems(rule: Rule) -> Iterator[Problem]:
    words = [str(word) for word in rule.recipients]
    if not words and not (rule.status_id and rule.trigger == T.SILENT):
        yield Problem("recipients", 0, _("Choose at least one recipient."))
    if len(words) > MOST:
        yield Problem("recipients", 0, _("A rule has at most %(limit)s rows of a kind.") % {"limit": MOST})
        return
    for index, word in enumerate(words):
        for text in word_problems(rule, word):
            yield Problem("recipients", index, text)


def word_problems(rule: Rule, word: str) -> Iterator[str]:
    if word.startswith(ADDRESS):
        yield from address_problems(word.removeprefix(ADDRESS))
    elif word.startswith(AGENT):
        pk = word.removeprefix(AGENT)
        if not (pk.isdecimal() and len(pk) < 19 and Agent.objects.filter(pk=int(pk), is_active=True).exists()):
            yield _("This agent doesn't exist any more, or may not log in. Choose another one.")
    elif word not in PEOPLE:
        yield _("“%(value)s” is nobody that a rule can write to.") % {"value": word}
    elif rule.trigger in OF_NO_TICKET and word not in {"admins", "agents"}:
        yield _("This has to do with no ticket: only administrators, agents and fixed addresses can be told.")


def address_problems(email: str) -> Iterator[str]:
    """Not to ourselves: that mail would come in again."""
    if not is_valid_recipient(email):
        yield _("“%(value)s” is no e-mail address.") % {"value": email}
    elif Address.objects.filter(email__in={normalise(email), without_subaddress(normalise(email))}).exists():
        yield _("%(email)s is an address of ours: the mail would come in again.") % {"email": email}


def conditions_problems(rule: Rule) -> Iterator[Problem]:
    if len(rule.conditions) > MOST:
        yield Problem("conditions", 0, _("A rule has at most %(limit)s rows of a kind.") % {"limit": MOST})
    for index, stored in enumerate(rule.conditions[:MOST]):
        for text in stored_problems(stored):
            yield Problem("conditions", index, text)


def stored_problems(stored: object) -> Iterator[str]:
    try:
        condition = condition_of(stored)
    except Malformed as error:
        yield str(error)
        return
    yield from condition_problems(condition, FIELDS.get(condition.field))
    if condition.field == "time.business" and not Calendar.objects.exists():
        yield _("There are no business hours yet. Set up a calendar first.")


def text_problems(rule: Rule, texts: Sequence[RuleText]) -> Iterator[Problem]:
    """A shipped rule says what it was shipped with; one of our own must say something to whom it writes."""
    if not rule.key and rule.recipients and not any(text.html.strip() for text in texts):
        yield Problem("texts", 0, _("Write a text: this rule has none yet."))
    for index, text in enumerate(texts):
        wrong = [*unknown(text.subject), *unknown(text.html, is_html=True)]
        if wrong:
            named = ", ".join(dict.fromkeys(wrong))
            yield Problem("texts", index, _("Nothing can be put in for: %(placeholders)s") % {"placeholders": named})
        if len(text.html) > LONGEST_TEXT:
            yield Problem("texts", index, _("The text is longer than %(limit)s characters.") % {"limit": LONGEST_TEXT})
        if "\n" in text.subject or "\r" in text.subject:
            yield Problem("texts", index, _("The subject must be one line."))
