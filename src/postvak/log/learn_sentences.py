"""The vocabulary of classification: what a model said of a mail and what was done with it (process.proposed). Spec 08."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from postvak.log.sentence import Sentence, Text

WORDS = _("It is %(percent)s %% sure, because of: %(words)s. Version %(version)s.")

LEARNED: Mapping[str, Sentence] = {
    "proposal_broken": Sentence(
        _("Classification is left out"),
        _("Its model can't be used: %(said)s The mail goes its way as without it. The health page says what to do."),
        "warn",
        "warn",
    ),
    "proposal_foreign": Sentence(
        _("Classification doesn't know mails like this one"),
        _("Nothing like it was learned so far, so nothing is proposed. Version %(version)s."),
        "info",
        "skip",
    ),
    "queue_sounds_acted": Sentence(_("Sounds like “%(queue)s”, so it goes there"), WORDS, "brain", "key"),
    "queue_sounds_offered": Sentence(_("Sounds like “%(queue)s”: proposed on the ticket"), WORDS, "brain"),
    "queue_sounds_unsure": Sentence(
        _("Sounds like “%(queue)s”, but not surely enough to put it there: proposed on the ticket"), WORDS, "brain"
    ),
    "queue_sounds_counted": Sentence(
        _("Sounds like “%(queue)s”; that is only counted for now"), WORDS, "brain", "skip"
    ),
    "queue_sounds_otherwise": Sentence(
        _("Sounds like “%(queue)s”, but its queue was chosen by a person, a rule or the mailbox"),
        WORDS,
        "brain",
        "skip",
    ),
    "queue_sounds_audited": Sentence(
        _("A person decides about the queue without a proposal"),
        _("One mail of twenty is left alone, to measure how often classification is right."),
        "brain",
        "skip",
    ),
    "queue_sounds_closed": Sentence(
        _("Sounds like “%(queue)s”, which takes no part in classification"), WORDS, "brain", "skip"
    ),
    "queue_sounds_vague": Sentence(
        _("Sounds a little like “%(queue)s”, too little to propose it"), WORDS, "brain", "skip"
    ),
    "queue_sounds_right": Sentence(_("Sounds like “%(queue)s”, where it is"), WORDS, "brain", "skip"),
    "priority_sounds_acted": Sentence(
        _("Sounds like the priority “%(priority)s”, so it gets it"), WORDS, "brain", "key"
    ),
    "priority_sounds_offered": Sentence(
        _("Sounds like the priority “%(priority)s”: proposed on the ticket"), WORDS, "brain"
    ),
    "priority_sounds_unsure": Sentence(
        _("Sounds like the priority “%(priority)s”, but not surely enough to set it: proposed on the ticket"),
        WORDS,
        "brain",
    ),
    "priority_sounds_counted": Sentence(
        _("Sounds like the priority “%(priority)s”; that is only counted for now"), WORDS, "brain", "skip"
    ),
    "priority_sounds_otherwise": Sentence(
        _("Sounds like the priority “%(priority)s”, but a rule has set another one"), WORDS, "brain", "skip"
    ),
    "priority_sounds_audited": Sentence(
        _("A person decides about the priority without a proposal"),
        _("One mail of twenty is left alone, to measure how often classification is right."),
        "brain",
        "skip",
    ),
    "priority_sounds_vague": Sentence(
        _("Sounds a little like the priority “%(priority)s”, too little to propose it"), WORDS, "brain", "skip"
    ),
    "priority_sounds_right": Sentence(
        _("Sounds like the priority “%(priority)s”, which it has"), WORDS, "brain", "skip"
    ),
    "spam_sounds_acted": Sentence(_("Looks like spam, so it is marked"), WORDS, "brain", "key"),
    "spam_sounds_offered": Sentence(_("Looks like spam: proposed on the ticket"), WORDS, "brain"),
    "spam_sounds_unsure": Sentence(
        _("Looks like spam, but not surely enough to mark it: proposed on the ticket"), WORDS, "brain"
    ),
    "spam_sounds_counted": Sentence(_("Looks like spam; that is only counted for now"), WORDS, "brain", "skip"),
    "spam_sounds_otherwise": Sentence(_("Looks like spam, but an agent sent it"), WORDS, "brain", "skip"),
    "spam_sounds_marked": Sentence(_("Looks like spam, as a rule says"), WORDS, "brain", "skip"),
    "spam_sounds_audited": Sentence(
        _("A person decides whether it is spam, without a proposal"),
        _("One mail of twenty is left alone, to measure how often classification is right."),
        "brain",
        "skip",
    ),
    "spam_sounds_vague": Sentence(_("Looks a little like spam, too little to say so"), WORDS, "brain", "skip"),
    "spam_sounds_right": Sentence(_("Doesn’t look like spam"), WORDS, "brain", "skip"),
}

LEARNED_HISTORY: Mapping[str, Text] = {
    "queue_by_model": _("Put into “%(queue)s” by classification, which was %(percent)s %% sure (version %(version)s)"),
    "priority_by_model": _(
        "Priority set to “%(priority)s” by classification, which was %(percent)s %% sure (version %(version)s)"
    ),
    "spam_by_model": _("Marked as spam by classification, which was %(percent)s %% sure (version %(version)s)"),
    "queue_by_service": _("Put into “%(queue)s” by the language model, which was %(percent)s %% sure"),
}
