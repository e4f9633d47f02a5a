"""Reviews: read a CSV of them, check it, and split it without leaking.

data/reviews.csv holds the course's own reviews; the full IMDB data set (Maas et al. 2011, "Learning Word Vectors for
Sentiment Analysis") is fetched by `bertnotes data`, see imdb.py. Pages 09 and 10.
"""

import lzma
import math
import re
import zipfile
import zlib
from collections import Counter
from pathlib import Path

import pandas as pd
from sklearn.model_selection import train_test_split

from bertnotes.files import REVIEWS  # noqa: F401  (found here by who reads them)

LABELS = ("negative", "positive")  # a label is an index into this


def clean_review(text):
    """Turn the `<br />` of a web page into line breaks, and strip the ends.

    >>> clean_review("Fine.<br /><br />But long. ")
    'Fine.\\n\\nBut long.'
    """
    return re.sub(r"<br\s*/?>", "\n", text).strip()


def read_reviews(data_file, columns=("review", "sentiment")):
    """Read a CSV of reviews, compressed or not, as it circulates: UTF-8, quoted, line breaks inside reviews.

    Returns a DataFrame of strings with at least `columns`, cleaned by `clean_review`.
    Raises FileNotFoundError or ValueError with what is wrong and where: no file, an empty one, not UTF-8, not a CSV, a
    column missing, an empty review, a label that is neither "positive" nor "negative".
    """
    path = Path(data_file).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}; data/reviews.csv comes with the course, `bertnotes data` fetches full IMDB")
    frame = _read_csv(path)
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise ValueError(f"{path} has no column {missing[0]!r}; it has {list(frame.columns)}, expected {list(columns)}")
    if frame.empty:
        raise ValueError(f"{path} has a header but no reviews")
    frame["review"] = frame["review"].map(clean_review)
    _complain(path, frame, frame["review"] == "", "review", "an empty review")
    if "sentiment" in columns:
        _complain(path, frame, ~frame["sentiment"].isin(LABELS), "sentiment", 'a sentiment other than "positive" or "negative"')
    return frame


def load_imdb_data(data_file, sample=None, seed=42, plain=False):
    """Read reviews and their labels from a CSV with the columns review and sentiment.

    sample: how many reviews to draw (a count such as 500, or a fraction such as 0.1), the same ones for the same seed.
    plain: leave out the hard cases, which a column `note` marks in the course's own reviews.
    Returns (texts, labels): lists of str and of int, 1 = positive, 0 = negative.
    Raises FileNotFoundError or ValueError as `read_reviews` does; ValueError where the sample is larger than the file
    or where all reviews are of one class.
    """
    frame = read_reviews(data_file, ("review", "sentiment", "note") if plain else ("review", "sentiment"))
    if plain:
        frame = frame[frame["note"] == ""]
    if sample is not None:
        frame = frame.sample(n=_sample_size(sample, len(frame), data_file), random_state=seed)
    labels = [LABELS.index(sentiment) for sentiment in frame["sentiment"]]
    if not labels:
        raise ValueError(f"every review in {data_file} has a note, so that none is plain; leave plain out")
    if len(set(labels)) == 1:
        raise ValueError(
            f"all {len(labels)} reviews taken from {data_file} are {LABELS[labels[0]]}: there is nothing to tell apart; "
            f"give a file with both, or a larger sample"
        )
    return frame["review"].tolist(), labels


def split_validation(texts, labels, size=0.2, seed=42):
    """Carve a validation set out of training data: stratified, seeded, copies of one text all on one side.

    size: a fraction, or a count of distinct texts. Returns (train_texts, validation_texts, train_labels,
    validation_labels), in the order of scikit-learn's train_test_split.
    """
    label_of = dict(zip(texts, labels, strict=True))
    try:
        _, held = train_test_split(list(label_of), test_size=size, random_state=seed, stratify=list(label_of.values()))
    except ValueError as error:
        raise ValueError(f"cannot carve a validation set of {size} out of {len(label_of)} distinct reviews: {error}") from None
    rows = pd.DataFrame({"text": texts, "label": labels})
    inside = rows["text"].isin(held)
    train, validation = rows[~inside], rows[inside]
    return train["text"].tolist(), validation["text"].tolist(), train["label"].tolist(), validation["label"].tolist()


def default_names(num_classes):
    """The names of classes that nobody named: negative and positive or, of more, as transformers has it, LABEL_0, LABEL_1."""
    return LABELS if num_classes == len(LABELS) else tuple(f"LABEL_{label}" for label in range(num_classes))


def majority_accuracy(labels):
    """The accuracy of always naming the commonest class: what any model has to beat."""
    return max(Counter(map(int, labels)).values()) / len(labels)


def _read_csv(path):
    try:
        # utf-8-sig also reads the mark that some spreadsheets put first; "NA" is a review like any other
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 (byte {error.start}: {error.reason}); save it as UTF-8 and try again") from None
    except pd.errors.EmptyDataError:
        raise ValueError(f"{path} is empty; expected a CSV with the columns review and sentiment") from None
    except (pd.errors.ParserError, OSError, EOFError, lzma.LZMAError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} cannot be read as a CSV: {str(error).strip()}") from None
    if not isinstance(frame.index, pd.RangeIndex):  # pandas takes what is over for row names, and a review loses its start
        raise ValueError(f"{path} has more fields than its header names; put quotes around a review that holds commas")
    return frame


def _complain(path, frame, wrong, column, what):
    """Raise where any row is wrong, with the first few rows' numbers (1 is the first after the header) and values."""
    if wrong.any():
        rows = [f"{index + 1} ({value[:30]!r})" for index, value in frame.loc[wrong, column].head(5).items()]
        more = f" and {wrong.sum() - 5} more" if wrong.sum() > 5 else ""
        raise ValueError(f"{path} has {what} in row {', '.join(rows)}{more}")


def _sample_size(sample, available, data_file):
    if isinstance(sample, float) and 0 < sample <= 1:
        return max(1, round(sample * available))
    if isinstance(sample, (bool, str)) or not math.isfinite(sample) or sample != int(sample) or sample < 1:
        raise ValueError(f"sample is a count (500) or a fraction (0.1); got {sample!r}")
    if sample > available:
        raise ValueError(f"a sample of {int(sample)} was asked for, but {data_file} has only {available} reviews")
    return int(sample)
