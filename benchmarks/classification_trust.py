"""Can classification be trusted? On mails of a table, in the order of time, learned one by one; prints JSON.

    python benchmarks/classification_trust.py unseen  FILE.csv.gz --text subject,body --label label --time t [--every 3]
    python benchmarks/classification_trust.py repairs FILE.csv.gz …
    python benchmarks/classification_trust.py spam    FILE.csv.gz … [--spam LABEL]

unseen: each label in turn (in folds) is never taught: how many of its mails are sent to another queue all the same? repairs: it acts by
itself, and people repair 0, 25 or 50 % of what was wrong; of the rest it learns nothing but the audit of 5 %: how much of what it does
is right then? spam: recall where one good mail of a thousand is taken for spam, and what marks_spam() really did.
"""

import argparse
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from report import show

WISHED = 0.95
FEWEST = 10
FOLDS = 5
FIRST_JUDGED = 200
REPAIRED = (0.0, 0.25, 0.5)
FALSE_POSITIVES = 0.001


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=sorted(MEASURES))
    parser.add_argument("file", type=Path)
    parser.add_argument("--text", default="subject,body")
    parser.add_argument("--label", default="label")
    parser.add_argument("--time", default="", dest="at")
    parser.add_argument("--every", type=int, default=1, help="take each n-th mail only")
    parser.add_argument("--spam", default="spam", help="label of spam; all others are good mail")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    show(MEASURES[options.what](mails_of(options), options), as_json=options.json)


def mails_of(options: argparse.Namespace) -> list:
    from postvak.classify.measure import in_order
    from postvak.cli.classify_files import Columns, read_labelled

    columns = Columns(options.text.split(","), options.label, at=options.at)
    return in_order(read_labelled(options.file, columns))[:: options.every]


# -- unseen ----------------------------------------------------------------------------


def unseen(mails: Sequence, options: argparse.Namespace) -> dict[str, object]:
    """Learns the oldest 80 %; of the newest fifth the taught labels are asked about and learned, the others asked about."""
    labels = sorted({mail.label for mail in mails})
    random.Random(1).shuffle(labels)
    folds = [one_fold(mails, frozenset(labels[fold::FOLDS])) for fold in range(FOLDS)]
    return {name: round(float(np.mean([fold[name] for fold in folds])), 4) for name in folds[0]} | {
        "unseen_routed_each": [round(fold["unseen_routed"], 3) for fold in folds]
    }


def one_fold(mails: Sequence, left_out: frozenset[str]) -> dict[str, float]:
    from postvak.classify.model import Model
    from postvak.classify.score import auroc

    model, known, strange = Model(), [], []
    for number, mail in enumerate(mails):
        if number >= len(mails) * 0.8:
            said = model.predict(mail.text, explain=False)
            asked = strange if mail.label in left_out else known
            asked.append((said.familiarity, model.acts(said, WISHED, fewest=FEWEST), said.label == mail.label))
        if mail.label not in left_out:
            model.learn(mail.text, mail.label)
    acted = [right for _familiarity, acts, right in known if acts]
    return {
        "unseen_routed": np.mean([acts for _familiarity, acts, _right in strange]),
        "known_routed": len(acted) / len(known),
        "precision": np.mean(acted),
        "auroc": auroc(np.array([one[0] for one in known]), np.array([one[0] for one in strange])),
    }


# -- repairs ----------------------------------------------------------------------------


def repairs(mails: Sequence, options: argparse.Namespace) -> dict[str, object]:
    found: dict[str, object] = {}
    for share in REPAIRED:
        acted = list(actions(mails, share))
        found[f"precision_{share:.0%}"] = round(float(np.mean([right for right in acted if right is not None])), 4)
        found[f"routed_{share:.0%}"] = round(float(np.mean([right is not None for right in acted])), 4)
    return found


def actions(mails: Sequence, repaired: float) -> Iterator[bool | None]:
    """Of each mail after the first: was what it did right? None: it did nothing, and a person decided."""
    from postvak.classify.model import Model, Source, is_audited

    model, chance = Model(), random.Random(2)
    for number, mail in enumerate(mails):
        said = model.predict(mail.text, explain=False)
        acts, right = model.acts(said, WISHED, fewest=FEWEST), said.label == mail.label
        if not acts:
            source = Source.PERSON
        elif is_audited(str(number)):
            source = Source.AUDIT
        else:
            source = Source.REPAIR if not right and chance.random() < repaired else Source.MODEL
        model.learn(mail.text, mail.label, source)
        if number >= FIRST_JUDGED:
            yield right if acts else None


# -- spam ----------------------------------------------------------------------------


def spam(mails: Sequence, options: argparse.Namespace) -> dict[str, object]:
    from postvak.classify.model import Model
    from postvak.classify.spam import HAM, SPAM, looked_like_spam, marks_spam, with_signs

    model, bad, good, marked = Model(), [], [], []
    for number, mail in enumerate(mails):
        text, label = with_signs(mail.text), SPAM if mail.label == options.spam else HAM
        if number >= FIRST_JUDGED:
            marked.append((label, marks_spam(model, model.predict(text, explain=False))))
        model.learn(text, label)
        if number >= FIRST_JUDGED:
            (bad if label == SPAM else good).append(looked_like_spam(model.gate.entries[-1]))
    limit = np.quantile(good, 1 - FALSE_POSITIVES)
    return {
        "good": len(good),
        "spam": len(bad),
        "recall_at_0.1%_false_positives": round(float(np.mean(np.array(bad) > limit)), 4),
        "marked_spam": round(float(np.mean([is_marked for label, is_marked in marked if label == SPAM])), 4),
        "marked_good": sum(is_marked for label, is_marked in marked if label == HAM),
    }


MEASURES = {"unseen": unseen, "repairs": repairs, "spam": spam}

if __name__ == "__main__":
    main()
