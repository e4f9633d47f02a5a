"""Reading reviews as they circulate, one clear error for each way a file can be wrong, and splits that do not leak."""

import csv
import lzma
import re

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import cross_val_score

from bertnotes.baselines import majority_class, nbsvm, tfidf_logistic_regression
from bertnotes.data import (
    LABELS,
    REVIEWS,
    clean_review,
    default_names,
    load_imdb_data,
    majority_accuracy,
    read_reviews,
    read_table,
    split_validation,
)
from bertnotes.tables import as_pairs

CIRCULATING = (  # as `IMDB Dataset.csv` does: quotes doubled, `<br />` and real line breaks, no quotes where not needed
    "review,sentiment\r\n"
    '"One of the other reviewers said ""watch it"".<br /><br />I did, twice.",positive\r\n'
    "Dull.,negative\r\n"
    '"Café au lait,\nand no plot<br/>at all. ",negative\r\n'
    "NA,positive\r\n"
)
READ = ['One of the other reviewers said "watch it".\n\nI did, twice.', "Dull.", "Café au lait,\nand no plot\nat all.", "NA"]


@pytest.fixture
def write(tmp_path):
    """A function that writes text or bytes to a file and returns its path."""

    def write(content, name="reviews.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def hundred(write):
    """A file with a hundred reviews, every other one positive."""
    return write("review,sentiment\n" + "".join(f"review {row},{LABELS[row % 2]}\n" for row in range(100)))


# ---- reading ----


def test_reads_the_circulating_file(write):
    """Quotes, commas, line breaks, `<br />` and a review "NA" come through; 1 is positive."""
    assert load_imdb_data(write(CIRCULATING)) == (READ, [1, 0, 0, 1])


@pytest.mark.parametrize(
    ("name", "encode"),
    [
        ("byte order mark.csv", lambda text: text.encode("utf-8-sig")),
        ("compressed.csv.xz", lambda text: lzma.compress(text.encode())),
        ("unix line ends.csv", lambda text: text.replace("\r\n", "\n").encode()),
        ("columns turned round.csv", lambda text: pd.DataFrame({"sentiment": ["positive", "negative", "negative", "positive"],
                                                                "note": "", "review": READ}).to_csv().encode()),
    ],
)  # fmt: skip
def test_reads_every_form_of_it(write, name, encode):
    """A byte order mark, compression, other line ends and further columns change nothing."""
    assert load_imdb_data(write(encode(CIRCULATING), name)) == (READ, [1, 0, 0, 1])


@pytest.mark.parametrize(("encoding", "said"), [("cp1252", "not UTF-8, so read as Windows-1252"), ("utf-16", "")])
def test_other_encodings_are_read_and_what_was_guessed_is_said(write, capsys, encoding, said):
    """Each review comes through whole."""
    assert load_imdb_data(write(CIRCULATING.encode(encoding))) == (READ, [1, 0, 0, 1])
    assert said in capsys.readouterr().err


def test_a_path_may_be_text(write):
    """As the original script gives it."""
    assert load_imdb_data(str(write(CIRCULATING)))[0] == READ


def test_reviews_alone_need_no_sentiment(write):
    """What is to be predicted has no label yet."""
    assert read_reviews(write("review\nDull.\n"), ("review",))["review"].tolist() == ["Dull."]


@pytest.mark.parametrize("web", ["a<br />b", "a<br>b", "a<br/>b", " a<br />b\n"])
def test_clean_review(web):
    """Each way to write a line break becomes one."""
    assert clean_review(web) == "a\nb"


# ---- sampling ----


@pytest.mark.parametrize(("sample", "count"), [(10, 10), (0.1, 10), (1.0, 100), (100, 100), (np.int64(7), 7)])
def test_sample_is_a_count_or_a_fraction(hundred, sample, count):
    """Each review at most once, and with its own label."""
    texts, labels = load_imdb_data(hundred, sample=sample)
    assert len(texts) == len(set(texts)) == len(labels) == count
    assert labels == [int(text.split()[1]) % 2 for text in texts]


def test_sample_goes_by_its_seed(hundred):
    """The same seed gives the same reviews, another seed others; without one the seed is 42."""
    assert load_imdb_data(hundred, 20, seed=1) == load_imdb_data(hundred, 20, seed=1)
    assert load_imdb_data(hundred, 20) == load_imdb_data(hundred, 20, seed=42)
    assert set(load_imdb_data(hundred, 20, seed=1)[0]) != set(load_imdb_data(hundred, 20, seed=2)[0])


def test_without_sample_the_order_is_the_files(hundred):
    """All of it, as it stands."""
    assert load_imdb_data(hundred)[0] == [f"review {row}" for row in range(100)]


# ---- what may be wrong ----

BAD_FILES = {
    "empty": ("", "is empty; expected a table with a header"),
    "blank lines only": ("\n\n", "is empty"),
    "header only": ("review,sentiment\n", "has a header but no reviews"),
    "no review": ("text,sentiment\nDull.,negative\n", "has no column 'review'; it has 'text', 'sentiment'"),
    "no sentiment": ("review,label\nDull.,0\n", "has no column 'sentiment'; it has 'review', 'label'"),
    "unknown label": ("review,sentiment\nDull.,negative\nFun.,Positive\nHm.,\n", "in row 2 ('Positive'), 3 ('')"),
    "many unknown labels": ("review,sentiment\n" + "Dull.,0\n" * 8, "5 ('0') and 3 more"),
    "empty review": ('review,sentiment\nDull.,negative\n"  ",positive\n', "an empty review in row 2"),
    "nothing but <br />": ("review,sentiment\n<br />,negative\nFun.,positive\n", "an empty review in row 1"),
    "half a row": ("review,sentiment\nDull.\nFun.,positive\n", "row 1 has 1 fields, the header 2; mend it"),
    "unbalanced quote": ('review,sentiment\n"Dull.,negative\nFun.,positive\n', "a quote that does not fit near line 3"),
    "one unquoted comma": (
        "review,sentiment\nDull.,negative\nFun, fun,positive\n",
        "the header 2: a text that holds the separator",
    ),
    "unquoted commas everywhere": ("review,sentiment\nSo, so,negative\nFun, fun,positive\n", "row 1 has 3 fields, the header"),
    "one class": ("review,sentiment\nDull.,negative\nPoor.,negative\n", "all 2 reviews taken from"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_gives_one_clear_error(write, case):
    """It names the file and what is wrong in it, in one line."""
    content, message = BAD_FILES[case]
    path = write(content)
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        load_imdb_data(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["xz", "gz", "zip", "bz2"])
def test_a_file_that_is_not_compressed_as_its_name_says(write, suffix):
    """Such as a web page that was saved in place of the data."""
    with pytest.raises(ValueError, match="is a document, not a table; save the table as CSV"):
        load_imdb_data(write("<html>404 not found</html>" * 9, f"reviews.csv.{suffix}"))


def test_a_truncated_file(write):
    """A download that broke off."""
    with pytest.raises(ValueError, match=r"is damaged or not whole \(Compressed file ended"):
        load_imdb_data(write(lzma.compress(CIRCULATING.encode() * 100)[:120], "reviews.csv.xz"))


@pytest.mark.parametrize("name", ["none.csv", ""])
def test_no_file(tmp_path, name):
    """No file, or a folder in its place: the error says where reviews are to be had."""
    with pytest.raises(FileNotFoundError, match=r"no file .*`bertnotes data` fetches full IMDB"):
        load_imdb_data(tmp_path / name)


@pytest.mark.parametrize("sample", [0, -1, True, False, 1.5, -0.5, 0.0, float("nan"), float("inf"), "ten"])
def test_sample_that_is_no_size(hundred, sample):
    """The error shows what was given."""
    with pytest.raises(ValueError, match=re.escape(f"sample is a count (500) or a fraction (0.1); got {sample!r}")):
        load_imdb_data(hundred, sample)


def test_sample_larger_than_the_file(hundred):
    """Both numbers stand in the error."""
    with pytest.raises(ValueError, match=r"a sample of 101 was asked for, but .* has only 100 reviews"):
        load_imdb_data(hundred, 101)


def test_sample_of_one_class(hundred):
    """A single review tells nothing apart."""
    with pytest.raises(ValueError, match=r"all 1 reviews .* or a larger sample"):
        load_imdb_data(hundred, 1)


# ---- a validation set ----

REVIEW_LISTS = st.lists(st.tuples(st.integers(0, 40), st.booleans()), min_size=20, max_size=80)


@settings(max_examples=40, deadline=None)
@given(REVIEW_LISTS, st.sampled_from([0.2, 0.5, 8]), st.integers(0, 5))
def test_split_is_stratified_and_leaks_nothing(rows, size, seed):
    """No text on both sides, no review lost, classes in proportion, the same again for the same seed."""
    texts = [f"review {number}" for number, _ in rows]
    labels = [number % 2 for number, _ in rows]
    distinct = set(texts)
    assume(min(sum(int(text.split()[1]) % 2 == label for text in distinct) for label in (0, 1)) >= 5)
    train_texts, validation_texts, train_labels, validation_labels = split_validation(texts, labels, size, seed)
    assert not set(train_texts) & set(validation_texts)
    assert sorted(train_texts + validation_texts) == sorted(texts)
    assert all(int(text.split()[1]) % 2 == label for text, label in zip(train_texts, train_labels, strict=True))
    assert all(int(text.split()[1]) % 2 == label for text, label in zip(validation_texts, validation_labels, strict=True))
    held = set(validation_texts)
    positive = sum(int(text.split()[1]) % 2 for text in distinct) / len(distinct)
    assert abs(sum(int(text.split()[1]) % 2 for text in held) - positive * len(held)) <= 1
    assert abs(len(held) - (size * len(distinct) if size < 1 else size)) < 1
    assert split_validation(texts, labels, size, seed)[1] == validation_texts


def test_split_goes_by_its_seed():
    """Another seed holds out other reviews."""
    texts, labels = [f"review {number}" for number in range(50)], [0, 1] * 25
    assert split_validation(texts, labels)[1] == split_validation(texts, labels, 0.2, 42)[1]
    assert split_validation(texts, labels, seed=1)[1] != split_validation(texts, labels, seed=2)[1]


@pytest.mark.parametrize("size", [0, 1, -1, 1.0, 1.5, 8, 9, 0.01])
def test_split_of_an_impossible_size(size):
    """The error says what was asked of how many."""
    with pytest.raises(ValueError, match=rf"cannot carve a validation set of {size} out of 8 distinct reviews"):
        split_validation(list("abcdefgh"), [0, 1] * 4, size)


def test_no_class_falls_off_a_side_in_silence():
    """Of two texts a fifth is none: scikit-learn would leave the class out of the validation set."""
    texts, labels = [f"text {number}" for number in range(30)], [0] * 28 + [1] * 2
    with pytest.raises(ValueError, match=r"needs a text on either side; 'rare' has too few$"):
        split_validation(texts, labels, 0.2, class_names=("common", "rare"))
    with pytest.raises(ValueError, match="needs a text on either side"):
        split_validation(texts, labels, 0.8)  # none is left to learn from
    assert split_validation(texts, labels, 0.5)[3].count(1) == 1


def test_split_of_one_class_member():
    """A class with one review cannot stand on both sides; the error names all such classes, and counts no copy."""
    with pytest.raises(
        ValueError, match=r"cannot carve a validation set of 2 out of 4 .* needs a text on either side; '1' has too few$"
    ):
        split_validation(list("abcd"), [0, 0, 0, 1], 2)
    texts, labels, names = ["a", "b", "c", "d", "d", "e"], [0, 0, 0, 1, 1, 2], ["fair", "fine", "poor"]
    with pytest.raises(ValueError, match=r"needs a text on either side; 'fine', 'poor' has too few$"):
        split_validation(texts, labels, class_names=names)


def test_a_split_that_cannot_be_names_the_file_and_the_class():
    """In our words, whatever scikit-learn says."""
    message = r"r.csv: cannot carve .*: each of the 2 classes needs a text on either side; 'good' has too few$"
    with pytest.raises(ValueError, match=message):
        split_validation(list("abcd"), [0, 0, 0, 1], 2, source="r.csv", class_names=("bad", "good"))


# ---- texts and labels in any sequence ----

SOME_TEXTS, SOME_LABELS = ["a film", "good", "bad", "dull"], [0, 1, 0, 1]
FRAME = pd.DataFrame({"text": SOME_TEXTS, "label": SOME_LABELS}, index=[7, 3, 5, 1])


@pytest.mark.parametrize(
    ("texts", "labels"),
    [
        (tuple(SOME_TEXTS), (False, True, False, True)),
        (FRAME["text"], FRAME["label"]),
        (FRAME["text"].to_numpy(), FRAME["label"].to_numpy(dtype="int8")),
        (FRAME["text"].to_numpy(dtype=str), torch.tensor(SOME_LABELS)),
        (iter(SOME_TEXTS), [torch.tensor(0.0), np.float32(1), np.int64(0), 1.0]),
        (FRAME["text"].astype("category"), FRAME["label"].astype("Int64")),
    ],
)
def test_any_sequence_of_texts_and_labels(texts, labels):
    found = as_pairs(texts, labels)
    assert found == (SOME_TEXTS, SOME_LABELS) and {type(label) for label in found[1]} == {int}


NO_TEXTS = ["a film", b"a film", FRAME, {"a film": 1}, None, 3, np.array([["a film"]]), ["a", None], ["a", " "], [["a"]]]
NO_LABELS = ["0101", FRAME, None, torch.zeros(4, 1), [0, 1, 0.5, 1], [0, None, 1, 0], [0, float("nan"), 1, 0], ["0"] * 4]
TAKES_BOTH = {
    "as_pairs": as_pairs,
    "a split": split_validation,
    "TF-IDF": lambda texts, labels: tfidf_logistic_regression().fit(texts, labels),
    "NBSVM": lambda texts, labels: nbsvm().fit(texts, labels),
    "the majority": lambda texts, labels: majority_class().fit(texts, labels),
}


@pytest.mark.parametrize("function", TAKES_BOTH)
def test_what_is_no_sequence_of_texts_or_labels(function):
    """A string would give an answer for each letter, and half a label would be class 0."""
    for texts in NO_TEXTS:
        with pytest.raises(ValueError, match=r"texts come in a list.*give \[text\]|text \d is no review"):
            TAKES_BOTH[function](texts, SOME_LABELS)
    for labels in NO_LABELS if function == "as_pairs" else NO_LABELS[:-1]:  # scikit-learn's take names
        with pytest.raises(ValueError, match=r"labels come in a list.*got|label \d is .*; a label is a whole number"):
            TAKES_BOTH[function](SOME_TEXTS, labels)
    with pytest.raises(ValueError, match="each text needs its label; got 4 texts and 3 labels"):
        TAKES_BOTH[function](SOME_TEXTS, [0, 1, 0])


@pytest.mark.parametrize("make", [tfidf_logistic_regression, nbsvm, majority_class])
def test_no_baseline_answers_letter_by_letter(make):
    model = make().fit(["good film", "good film", "bad film", "bad film"], ["yes", "yes", "no", "no"])
    with pytest.raises(ValueError, match=r"texts come in a list.*got 'good film'"):
        model.predict("good film")
    assert list(model.predict(FRAME["text"])) == list(model.predict(SOME_TEXTS))


# ---- the course's own reviews ----


@pytest.fixture(scope="module")
def own():
    """data/reviews.csv as a table."""
    return pd.read_csv(REVIEWS, dtype=str, keep_default_na=False)


def test_own_reviews_hold_to_their_contract(own):
    """The first 968 and at least 300 more, balanced, 30 to 250 words, no copies, each hard case marked with a known note."""
    assert list(own.columns) == ["review", "sentiment", "note", "voice"]
    assert len(own) >= 968 + 300
    counts = own["sentiment"].value_counts()
    assert set(counts.index) == set(LABELS) and counts["positive"] == counts["negative"]
    assert own["review"].str.split().str.len().between(30, 250).all()
    assert not own["review"].str.casefold().str.replace(r"\W+", " ", regex=True).duplicated().any()
    assert set(own["note"]) == {"", "negation", "concession", "irony", "plot", "turn", "implied"}
    texts, labels = load_imdb_data(REVIEWS)
    assert len(texts) == len(own) and sum(labels) * 2 == len(labels)


@pytest.mark.parametrize("column", ["note", "voice"])
def test_each_note_and_each_voice_stands_beside_both_sentiments(own, column):
    """Else it would give the answer away, and a slice by it would hold one class."""
    assert (pd.crosstab(own[column], own["sentiment"]) >= 10).all(axis=None)


def test_voices_are_balanced_and_large_enough_to_compare(own):
    """Seven beside that of the first reviews, of 30 or more, neither label more than three fifths of any."""
    counts = pd.crosstab(own["voice"], own["sentiment"])
    assert set(counts.index) == {"various", "flat", "rambling", "lukewarm", "misspelt", "young", "old", "not British"}
    assert (counts.sum(axis=1) >= 30).all()
    assert (counts.max(axis=1) / counts.sum(axis=1) <= 0.6).all()


def test_the_first_reviews_come_in_no_one_voice(own):
    """Records of heads switched off were made with them."""
    assert (own["voice"] == "various").equals(pd.Series(range(len(own))) < 968)
    texts, labels = load_imdb_data(REVIEWS, voice="various")
    assert texts == own["review"].map(clean_review)[:968].tolist()
    assert labels == (own["sentiment"] == "positive").astype(int)[:968].tolist()
    with pytest.raises(ValueError, match="none has the voice 'loud'"):
        load_imdb_data(REVIEWS, voice="loud")


def test_no_own_review_is_nearly_another(own):
    """No two share a fifth of the shorter one's runs of five words."""
    runs = CountVectorizer(ngram_range=(5, 5), binary=True, token_pattern=r"\w+").fit_transform(own["review"].map(clean_review))
    sizes, shared = runs.sum(axis=1).A1, (runs @ runs.T).tocoo()
    other = shared.row < shared.col
    shorter = np.minimum(sizes[shared.row], sizes[shared.col])
    assert (shared.data / shorter)[other].max() < 0.2


def test_own_reviews_cannot_be_guessed_from_words_alone(own):
    """TF-IDF and logistic regression stay under 85 % in five-fold cross-validation."""
    scores = cross_val_score(tfidf_logistic_regression(), own["review"], own["sentiment"], cv=5)
    assert 0.5 < scores.mean() < 0.85


def test_own_reviews_are_read_as_any_table_is(own):
    """As the command does: two columns more are no reason to ask which are meant, nor to tell of it."""
    told = []
    texts, labels, class_names = read_table(REVIEWS, tell=told.append)
    assert (texts, labels) == load_imdb_data(REVIEWS) and class_names == LABELS
    assert told == [f"2 classes: positive {sum(labels)}, negative {sum(labels)}"]


def test_hard_cases_can_be_left_out(own, tmp_path):
    """Those without a note, in their order; an error where there is no such column, or no such review."""
    texts, labels = load_imdb_data(REVIEWS, plain=True)
    expected = own[own["note"] == ""]
    assert texts == expected["review"].map(clean_review).tolist()
    assert labels == [LABELS.index(name) for name in expected["sentiment"]]
    own.drop(columns="note").to_csv(tmp_path / "bare.csv", index=False)
    with pytest.raises(ValueError, match="no column 'note'"):
        load_imdb_data(tmp_path / "bare.csv", plain=True)
    own[own["note"] != ""].to_csv(tmp_path / "hard.csv", index=False)
    with pytest.raises(ValueError, match="none is plain"):
        load_imdb_data(tmp_path / "hard.csv", plain=True)


def test_the_data_readme_counts_the_reviews_right(own):
    """The tables of notes and of voices in data/README.md, and the number of reviews above them."""
    readme = (REVIEWS.parent / "README.md").read_text(encoding="utf-8")
    assert f"| {len(own):,} film reviews, half positive" in readme
    for name, count in [*own["note"].value_counts().items(), *own["voice"].value_counts().items()]:
        assert f"| `{name}` | {count} |" in readme or (name == "" and f"| empty | {count} |" in readme)


def test_own_reviews_are_plain_csv(own):
    """UTF-8 without a mark, unix line ends between rows, read alike by Python's own reader."""
    content = REVIEWS.read_bytes()
    assert not content.startswith(b"\xef\xbb\xbf") and b"\r" not in content
    with open(REVIEWS, encoding="utf-8", newline="") as file:
        assert [row["review"] for row in csv.DictReader(file)] == own["review"].tolist()


# ---- classes ----


@pytest.mark.parametrize(("labels", "share"), [([1], 1.0), ([0, 0, 1], 2 / 3), (np.array([1, 1, 1, 0]), 0.75)])
def test_majority_accuracy(labels, share):
    """Of a list or an array."""
    assert majority_accuracy(labels) == pytest.approx(share)


def test_names_of_classes_that_nobody_named():
    assert default_names(2) == ("negative", "positive") and default_names(3) == ("LABEL_0", "LABEL_1", "LABEL_2")


# ---- the course's own export of many classes ----

MESSAGES = REVIEWS.with_name("messages.csv")
SPELLED = {
    "Refund": "refund",
    "refunds": "refund",
    "Booking": "booking",
    "Lost property": "lost property",
    "lost proprety": "lost property",
}


def test_messages_have_the_dirt_that_their_description_counts():
    """A byte order mark, semicolons, Windows' line ends, gaps, labels spelled in other ways, messages that came twice."""
    raw = MESSAGES.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbfid;received;channel;message;topic\r\n") and raw.count(b"\r\n") == 650
    rows = pd.read_csv(MESSAGES, sep=";", dtype=str, keep_default_na=False, skip_blank_lines=False)
    none, no_message, no_topic = (rows == "").all(axis=1), rows["message"] == "", rows["topic"] == ""
    assert (len(rows), none.sum(), (no_message & ~none).sum(), (no_topic & ~none).sum()) == (649, 6, 3, 4)
    full = rows[~no_message & ~no_topic]
    topic = full["topic"].str.strip().replace(SPELLED)
    assert (full["topic"] != topic).sum() == 45
    found = topic.groupby(full["message"]).agg(["size", "nunique"])
    assert ((found["size"] == 2).sum(), (found["size"] > 2).sum(), (found["nunique"] == 2).sum()) == (15, 0, 3)


def test_messages_are_read_with_a_word_on_all_that_is_wrong():
    said = []
    texts, labels, names = read_table(MESSAGES, "message", "topic", drop_bad_rows=True, tell=said.append)
    counts = pd.Series([SPELLED.get(names[label], names[label]) for label in labels])[
        ~pd.Series(texts).duplicated()
    ].value_counts()
    assert len(texts) == 636 and counts.sum() == 621 and len(counts) == 8 and counts.min() < 30 and counts.max() > 110
    said = " ".join(said)
    for part in ("semicolons", "13 rows left out", "'refund', 'Refund', 'refunds'", "'booking', 'Booking'", "'lost proprety'"):
        assert part in said
    words = [len(text.split()) for text in texts]
    assert sum(count > 400 for count in words) == 6 and max(words) == 493
