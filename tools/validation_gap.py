"""Write data/results/validation-gap.json: by how much a drawn validation set flatters a model. Notebook 09.

    python tools/validation_gap.py [--data data/imdb]

No film is in both splits of IMDB, but reviews of one film lie on both sides of a split that is drawn. Each review is judged
twice by TF-IDF: fitted on four fifths of its own split, it being in the last, and on four fifths of the other split. The
reviews and the number that was learned from are the same; only the first knows other reviews of the same film.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold

from bertnotes.baselines import tfidf_logistic_regression
from bertnotes.data import read_reviews
from bertnotes.evaluation import bootstrap_mean
from bertnotes.experiments.records import write_record
from bertnotes.files import DATA, RESULTS

FOLDS = 5


def judge(frame, other):
    """Fit on four fifths of a frame, five times; which reviews are judged rightly: 0 or 1 for each of the frame, where it was
    left out, and for each of the other, on average over the five."""
    held, elsewhere = np.zeros(len(frame)), np.zeros(len(other))
    for rest, out in StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(frame["review"], frame["sentiment"]):
        model = tfidf_logistic_regression().fit(frame["review"].iloc[rest], frame["sentiment"].iloc[rest])
        held[out] = model.predict(frame["review"].iloc[out]) == frame["sentiment"].iloc[out]
        elsewhere += (model.predict(other["review"]) == other["sentiment"]).to_numpy() / FOLDS
    return held, elsewhere


def gaps(train, test):
    """What knowing its own split is worth to a review, in each split: {name: {"own", "other", "difference", "low", "high"}}."""
    (own_train, other_test), (own_test, other_train) = judge(train, test), judge(test, train)
    found = {}
    for name, own, other in (("train", own_train, other_train), ("test", own_test, other_test)):
        gap = bootstrap_mean(own - other)
        numbers = {"own": own.mean(), "other": other.mean(), "difference": gap.value, "low": gap.low, "high": gap.high}
        found[name] = {key: round(float(number), 4) for key, number in numbers.items()}
    return found


def without_copies(train, test):
    """The two frames, without texts that stand in them twice or in both."""
    frame = pd.concat({"train": train, "test": test}).drop_duplicates("review", keep=False)
    return tuple(frame[frame.index.get_level_values(0) == name] for name in ("train", "test"))


def main(words=None):
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA / "imdb", help="folder that `bertnotes data` wrote")
    folder = parser.parse_args(words).data
    train, test = without_copies(*(read_reviews(folder / f"{split}.csv.xz") for split in ("train", "test")))
    found = gaps(train, test)
    path, counts = RESULTS / "validation-gap.json", {"train": len(train), "test": len(test)}
    write_record(path, command="python tools/validation_gap.py", reviews=counts, gaps=found)
    print(found)


if __name__ == "__main__":
    main()
