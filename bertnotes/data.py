"""Texts with their labels: read a table of them, check it, and split it without leaking.

data/reviews.csv holds the course's own reviews; the full IMDB data set (Maas et al. 2011, "Learning Word Vectors for
Sentiment Analysis") is fetched by `bertnotes data`, see imdb.py. Pages 09 and 10.
"""

import math
import re
import sys
import unicodedata
from collections import Counter

import pandas as pd
from sklearn.model_selection import train_test_split

from bertnotes.files import REVIEWS  # noqa: F401  (found here by who reads them)
from bertnotes.tables import as_labels, as_pairs, open_table, shown

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
    Raises FileNotFoundError or ValueError as `open_table` does, and where a column is missing, a review is empty, or a label
    is neither "positive" nor "negative".
    """
    table = open_table(data_file, wanted=columns)
    path = table.path
    check_columns(table, columns)
    frame = pd.DataFrame([row for _, row in table], columns=table.columns, dtype=str)
    if frame.empty:
        raise ValueError(f"{path} has a header but no reviews")
    frame["review"] = frame["review"].map(clean_review)
    _complain(path, frame, frame["review"] == "", "review", "an empty review")
    if "sentiment" in columns:
        _complain(path, frame, ~frame["sentiment"].isin(LABELS), "sentiment", 'a sentiment other than "positive" or "negative"')
    for note in table.notes:
        print(f"{path.name}: {note}", file=sys.stderr)
    return frame


def load_imdb_data(data_file, sample=None, seed=42, plain=False, voice=None):
    """Read reviews and their labels from a CSV with the columns review and sentiment.

    sample: how many reviews to draw (a count such as 500, or a fraction such as 0.1), the same ones for the same seed.
    plain: leave out the hard cases, which a column `note` marks in the course's own reviews.
    voice: only the reviews of one voice, such as "various", which their column `voice` names.
    Returns (texts, labels): lists of str and of int, 1 = positive, 0 = negative.
    Raises FileNotFoundError or ValueError as `read_reviews` does; ValueError where the sample is larger than the file,
    where no review is left, or where all are of one class.
    """
    frame = read_reviews(data_file, ("review", "sentiment", *["note"] * plain, *["voice"] * bool(voice)))
    if plain:
        frame = frame[frame["note"] == ""]
    if voice:
        frame = frame[frame["voice"] == voice]
    texts, labels = draw(frame["review"], frame["sentiment"].map(LABELS.index), sample, seed, data_file)
    if not labels:
        raise ValueError(
            f"no review in {data_file} is left: none is plain (has an empty note), or none has the voice {voice!r}"
        )
    if len(set(labels)) == 1:
        raise ValueError(
            f"all {len(labels)} reviews taken from {data_file} are {LABELS[labels[0]]}: there is nothing to tell apart; "
            f"give a file with both, or a larger sample"
        )
    return texts, labels


def split_validation(texts, labels, size=0.2, seed=42, source="the data", class_names=None):
    """Carve a validation set out of training data: stratified, seeded, copies of one text all on one side.

    size: a fraction, or a count of distinct texts. Returns (train_texts, validation_texts, train_labels,
    validation_labels), in the order of scikit-learn's train_test_split. source, class_names: what an error calls the data and
    the classes. Raises ValueError where both sides cannot have a text of each class.
    """
    texts, labels = as_pairs(texts, labels, or_names=True)
    label_of = dict(zip(texts, labels, strict=True))
    try:
        _, held = sides = train_test_split([*label_of], test_size=size, random_state=seed, stratify=[*label_of.values()])
        if any(len({label_of[text] for text in side}) < len(set(labels)) for side in sides):  # scikit-learn may lose one
            raise ValueError
    except ValueError:
        counts = Counter(label_of.values())
        few = [class_names[label] if class_names else label for label, count in sorted(counts.items()) if count < 3]
        why = f"each of the {len(counts)} classes needs a text on either side" + (f"; {shown(few)} has too few" if few else "")
        what = f"cannot carve a validation set of {size} out of {len(label_of)} distinct reviews"
        raise ValueError(f"{source}: {what}: {why}") from None
    rows, inside = pd.DataFrame({"text": texts, "label": labels}), pd.Series(texts).isin(held)
    return tuple(rows.loc[side, name].tolist() for name in ("text", "label") for side in (~inside, inside))


def default_names(num_classes):
    """The names of classes that nobody named: negative and positive or, of more, as transformers has it, LABEL_0, LABEL_1."""
    return LABELS if num_classes == len(LABELS) else tuple(f"LABEL_{label}" for label in range(num_classes))


def majority_accuracy(labels):
    """The accuracy of always naming the commonest class: what any model has to beat."""
    labels = as_labels(labels, or_names=True)
    return max(Counter(labels).values()) / len(labels)


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


# --- any table of texts and classes ------------------------------------------------------------------------------------------

TEXT_COLUMNS = ("review", "text", "comment", "sentence", "message", "content", "body", "tweet", "post", "description")
LABEL_COLUMNS = ("sentiment", "label", "labels", "class", "category", "topic", "target", "rating", "stars")


def read_table(path, text_column=None, label_column=None, encoding=None, drop_bad_rows=False, class_names=None, tell=print):
    """Read texts and their classes from a table that anyone made: CSV, Excel, Parquet or JSON lines (see tables.py).

    text_column, label_column: their names [default: well known ones, or the only two that there are]. Classes are whatever
    stands in the label column: words, numbers, stars. drop_bad_rows: leave out rows that lack something. class_names: the only
    ones that there may be, in order, such as a model's. tell: is given a sentence on everything that had to be found out, such
    as the columns, and on what looks wrong.
    Returns (texts, labels, class_names): a label is an index into class_names, which are in the order of their numbers, or of
    the alphabet. Raises FileNotFoundError or ValueError with file, row and value where something is missing or not plain.
    """
    asked = text_column, label_column
    table = open_table(path, encoding, asked)
    text_column, label_column = choose_columns(table, text_column, label_column)
    table.bad = [] if drop_bad_rows else None
    texts, names = [], []
    for number, row in table:
        text, name = clean_review(row[text_column]), row[label_column].strip()
        if not text or not name:
            table.complain(number, f"has no {'label' if text else 'text'}")
        elif class_names and name not in class_names:
            table.complain(number, f"has the label {name[:40]!r}; known are {shown(class_names)}")
        else:
            texts.append(text)
            names.append(name)
    guessed = {text_column, label_column} - {*asked, "review", "sentiment"}
    columns = [f"texts are in the column {text_column!r}, labels in {label_column!r}"] if guessed else []
    for note in [*table.notes, *columns]:
        tell(f"{table.path.name}: {note}")
    if table.bad:
        tell(f"{table.path.name}: {table.left_out()}")
    if not texts:
        raise ValueError(f"{table.path} has a header but no row with a text and a label")
    if twice := len(set(zip(texts, names, strict=True))) - len(set(texts)):
        tell(f"{table.path.name}: {twice} texts stand there with two labels; decide which one holds")
    if absent := [name for name in class_names or () if name not in names]:
        tell(f"{table.path.name}: no text of {shown(absent)}; of these nothing is measured")
    class_names = tuple(class_names or name_classes(table.path, label_column, names, tell))
    return texts, [class_names.index(name) for name in names], class_names


def draw(texts, labels, sample=None, seed=42, source="the data"):
    """Some of the texts with their labels, drawn at random: a count or a fraction of them [default: all, in their order], the
    same ones for the same seed."""
    rows = pd.DataFrame({"text": texts, "label": labels})
    if sample is not None:
        rows = rows.sample(n=_sample_size(sample, len(rows), source), random_state=seed)
    return rows["text"].tolist(), rows["label"].tolist()


def choose_columns(table, text_column=None, label_column=None):
    """The columns of texts and of labels: those asked for, else well known ones; of two columns, the other one.

    Raises ValueError where the table has no such column, or it cannot be told.
    """
    check_columns(table, filter(None, (text_column, label_column)))
    text_column = text_column or well_known(TEXT_COLUMNS, table.columns, but=label_column)
    label_column = label_column or well_known(LABEL_COLUMNS, table.columns, but=text_column)
    if len(table.columns) == 2 and (text_column is None) != (label_column is None):
        text_column = text_column or next(name for name in table.columns if name != label_column)
        label_column = label_column or next(name for name in table.columns if name != text_column)
    for name, kind, option in ((text_column, "text", "--text-column"), (label_column, "label", "--label-column")):
        if name is None:
            raise ValueError(f"{table.path} has the columns {shown(table.columns)}; say which of them is the {kind}: {option}")
    return text_column, label_column


def check_columns(table, names):
    """Raise ValueError where a table lacks one of these columns."""
    if missing := [name for name in names if name not in table.columns]:
        raise ValueError(f"{table.path} has no column {missing[0]!r}; it has {shown(table.columns)}")


def find_texts(table, text_column=None):
    """The column of texts in a table that needs no labels. Raises ValueError where it cannot be told."""
    if len(table.columns) == 1 and text_column is None:
        return table.columns[0]
    found = text_column or well_known(TEXT_COLUMNS, table.columns, but=None)
    if found not in table.columns:
        raise ValueError(f"{table.path} has the columns {shown(table.columns)}; say which of them is the text: --text-column")
    return found


def well_known(names, columns, but):
    """The first of some names that a column has, in small letters or capitals, or None. but: the column that it is not."""
    found = [column for name in names for column in columns if column.casefold() == name and column != but]
    return found[0] if found else None


def name_classes(path, column, names, tell):
    """The classes in a column of labels, a tuple of names in order. Raises ValueError where there are fewer than two, or nearly
    as many as rows, or where a label holds several."""
    counts = Counter(names)
    if several := next((name for name in counts if holds_several(name, counts)), None):
        raise ValueError(
            f"{path}: a label such as {several[:60]!r} holds several classes; one class a text is what is learned here, and "
            f"multi-label data is not: leave each text one label"
        )
    if len(counts) < 2:
        raise ValueError(f"{path}: all {len(names)} labels in {column!r} are {shown(counts)}: there is nothing to tell apart")
    if len(counts) > 20 and len(counts) > len(names) / 2:
        what = f"{column!r} holds {len(counts)} different values in {len(names)} rows"
        raise ValueError(f"{path}: {what}; is it the column of labels?")
    more = f" and {len(counts) - 20} more" if len(counts) > 20 else ""
    tell(f"{len(counts)} classes: " + ", ".join(f"{name[:40]} {count}" for name, count in counts.most_common(20)) + more)
    for same in alike(counts)[:10]:
        tell(f"are these one class? {shown(same)}: mend the labels in the file if so")
    return tuple(sorted(counts, key=class_order(counts)))


def holds_several(name, names):
    """Whether a label is several classes: a list in brackets, or names that are all labels by themselves, joined by commas,
    semicolons or bars. "food, drink" is one class where there is no class "food".

    >>> [name for name in ("food", "drink", "food|drink", "food, fish") if holds_several(name, ("food", "drink"))]
    ['food|drink']
    """
    parts = [part.strip() for part in re.split("[,;|]", name)]
    in_brackets = re.match(r"[\[({].*[,;]", name) or re.fullmatch(r"\[[\d.]+(\s+[\d.]+)+\s*\]", name)
    return bool(in_brackets) or (len(parts) > 1 and all(part in names for part in parts))


def alike(names):
    """Classes that may be one, in groups: names that differ in capitals, spaces and hyphens alone, or by one slip of the pen.

    Two names whose `slips` share a word differ by a letter that is missing, wrong or in the wrong place.

    >>> alike(["Billing", "billing", "biling", "refund", "refunds", "group 1", "group 2", "likely", "unlikely"])
    [['Billing', 'billing', 'biling'], ['refund', 'refunds']]
    """
    same, near = {}, {}
    for name in names:
        same.setdefault(plain(name).replace(" ", ""), []).append(name)
    for last in (False, True):
        for name in names:
            for shorter in slips(plain(name), last):
                if not last or shorter in near or shorter in same:
                    near.setdefault(shorter, [*same.get(shorter, ())]).append(name)
    groups = list(dict.fromkeys(frozenset(group) for group in [*same.values(), *near.values()] if len(set(group)) > 1))[:100]
    places = {name: place for place, name in enumerate(names)}
    return [sorted(group, key=places.__getitem__) for group in groups if not any(group < other for other in groups)]


def plain(name):
    """A name in small letters, with one space for any run of spaces, hyphens and underscores."""
    return re.sub(r"[\s_-]+", " ", unicodedata.normalize("NFKC", name).casefold())


def slips(name, last):
    """A name without one letter, for each inside a word of five or more letters, or for the last letter of each such word.

    Shorter words, and numbers, are near each other anyway. So are words that differ in their first letter (typical, atypical)
    or in their last (class a, class b): without the last one a name counts where another one comes to the same in another way.
    """
    found = set()
    for word in re.finditer(r"[^\W\d_]{5,}", name):
        for place in range(word.end() - 1, word.end()) if last else range(word.start() + 1, word.end() - 1):
            found.add((name[:place] + name[place + 1 :]).replace(" ", ""))
    return found


def class_order(names):
    """A key to sort classes by: by number where all are numbers, otherwise by the alphabet."""
    try:
        numbers = {name: float(name) for name in names}
    except ValueError:
        return str.casefold
    return numbers.__getitem__
