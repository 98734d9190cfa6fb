"""What recognising queues costs and reaches, on mails of a table or on invented ones. Prints JSON.

    python benchmarks/classification.py [FILE.csv.gz --text subject,body --label label --split split] [--mails 2000] --json

Learns 50, 200, 1,000 and 5,000 mails and is asked about those held back: the learning curve; then the processor time of
features, of a prediction with its explanation and of learning one mail, the size of the model, and the memory at its peak.
"""

import argparse
import random
import resource
import sys
import time
from pathlib import Path
from statistics import fmean

from report import show

sys.path.insert(0, str(Path(__file__).parent))
STEPS = (50, 200, 1000, 5000)
ASKED = 1000
QUEUES = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--text", default="subject,body")
    parser.add_argument("--label", default="label")
    parser.add_argument("--time", default="", dest="at")
    parser.add_argument("--split", default="")
    parser.add_argument("--mails", type=int, default=2000, help="of the invented ones")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    show(measure(mails_of(options)), as_json=options.json)


def mails_of(options: argparse.Namespace) -> list:
    from postvak.classify.measure import Labelled
    from postvak.classify.text import Text
    from postvak.cli.classify_files import Columns, read_labelled

    if options.file:
        columns = Columns(options.text.split(","), options.label, at=options.at, split=options.split)
        return read_labelled(options.file, columns)
    chance = random.Random(1)
    words = ["".join(chance.choices("abcdefghijklmnoprstuvwz", k=chance.randint(3, 11))) for _word in range(6000)]
    mails = []
    for _mail in range(options.mails):
        label = chance.randrange(QUEUES)
        own = words[label * 40 : label * 40 + 40]
        body = [*chance.choices(own, k=6), *chance.choices(words, k=90)]
        chance.shuffle(body)
        mails.append(Labelled(Text(" ".join(chance.choices(own, k=2)), " ".join(body)), f"queue {label}"))
    return mails


def measure(mails: list) -> dict[str, float | int]:
    from postvak.classify.features import features_of
    from postvak.classify.measure import parts
    from postvak.classify.model import Model
    from postvak.classify.storing import load, save

    learned, asked = parts([mail for mail in mails if mail.label != "oos"])
    asked = asked[:: max(1, len(asked) // ASKED)]
    result: dict[str, float | int] = {"mails": len(mails), "labels": len({mail.label for mail in mails})}
    model, seconds = Model(), 0.0
    for number, mail in enumerate(learned, 1):
        started = time.process_time()
        model.learn(mail.text, mail.label)
        seconds += time.process_time() - started
        if number in STEPS:
            result[f"accuracy_{number}"] = fmean(
                model.predict(one.text, explain=False).label == one.label for one in asked
            )
    predicted, features = [], []
    for mail in asked:
        started = time.process_time()
        model.predict(mail.text)
        between = time.process_time()
        features_of(mail.text)
        predicted.append(1000 * (between - started))
        features.append(1000 * (time.process_time() - between))
    raw = save(model)
    started = time.process_time()
    again = load(raw)
    result["load_ms"] = 1000 * (time.process_time() - started)
    result |= {
        "accuracy_all": fmean(model.predict(one.text, explain=False).label == one.label for one in asked),
        "accuracy_loaded": fmean(again.predict(one.text, explain=False).label == one.label for one in asked),
        "learn_ms": 1000 * seconds / len(learned),
        "features_ms": fmean(features),
        "predict_ms": fmean(predicted),
        "predict_ms_p99": sorted(predicted)[int(len(predicted) * 0.99)],
        "model_mb": len(raw) / 1e6,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    return result


if __name__ == "__main__":
    main()
