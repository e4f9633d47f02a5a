"""Any table of texts and classes: which columns, which classes, what is wrong."""

import json
import re
import time

import pandas as pd
import pytest

from bertnotes.data import alike, read_table

WORDS = "act bel cor dun est fal gor hul int jad kin lum".split()


def table(tmp_path, text, name="mine.csv"):
    """A file with that text."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def read(path, **choice):
    """(texts, labels, class_names, what was told)."""
    told = []
    return *read_table(path, tell=told.append, **choice), told


@pytest.mark.parametrize(
    "header, columns",
    [
        ("Review,Sentiment", ("Review", "Sentiment")),
        ("label,text", ("text", "label")),
        ("words,topic", ("words", "topic")),
        ("comment,what", ("comment", "what")),
    ],
)
def test_columns_are_found_and_said(tmp_path, header, columns):
    rows = [("a film", "good"), ("another", "good"), ("a third", "bad")]
    turned = header.split(",")[0] == columns[1]
    path = table(tmp_path, "\n".join([header, *(",".join(reversed(row) if turned else row) for row in rows)]))
    texts, labels, names, told = read(path)
    assert (texts, labels, names) == (["a film", "another", "a third"], [1, 1, 0], ("bad", "good"))
    assert f"mine.csv: texts are in the column {columns[0]!r}, labels in {columns[1]!r}" in told
    assert "2 classes: good 2, bad 1" in told


def test_a_text_with_two_labels_is_told(tmp_path):
    """A copy with the same label is none."""
    path = table(tmp_path, "text,label\na,x\nb,y\na,y\nb,y\n")
    assert "mine.csv: 1 texts stand there with two labels; decide which one holds" in read(path)[3]
    assert not any("two labels" in one for one in read(table(tmp_path, "text,label\na,x\nb,y\nb,y\n", "other.csv"))[3])


def test_columns_that_are_asked_for(tmp_path):
    path = table(tmp_path, "id,review,sentiment,comment,topic\n1,x,positive,so good,films\n2,y,negative,so bad,books\n")
    assert read(path, text_column="comment", label_column="topic")[:3] == (["so good", "so bad"], [1, 0], ("books", "films"))
    assert read(path)[0] == ["x", "y"]
    with pytest.raises(ValueError, match="has no column 'coment'; it has 'id', 'review'"):
        read(path, text_column="coment")


def test_columns_that_cannot_be_told(tmp_path):
    path = table(tmp_path, "a,b,label\n1,x,y\n")
    with pytest.raises(ValueError, match="has the columns 'a', 'b', 'label'; say which of them is the text: --text-column"):
        read(path)
    with pytest.raises(ValueError, match="which of them is the label: --label-column"):
        read(table(tmp_path, "text,a,b\nx,y,z\n"))


@pytest.mark.parametrize(
    "labels, names",
    [
        (["5", "1", "10"], ("1", "5", "10")),
        (["0", "1"], ("0", "1")),
        (["no", "Yes"], ("no", "Yes")),
        (["True", "False"], ("False", "True")),
        (["sports ", " World", "sports"], ("sports", "World")),
    ],
)
def test_classes_are_in_the_order_of_numbers_or_of_the_alphabet(tmp_path, labels, names):
    path = table(tmp_path, "text,label\n" + "".join(f"text {row},{label}\n" for row, label in enumerate(labels)))
    _, found, class_names, _ = read(path)
    assert class_names == names and [names[label] for label in found] == [label.strip() for label in labels]


def test_spellings_that_may_be_one_class_are_pointed_out(tmp_path):
    path = table(tmp_path, "text,label\na,Sci-Fi\nb,sci fi\nc,drama\nd,C\ne,C++\n")
    told = read(path)[3]
    assert "are these one class? 'Sci-Fi', 'sci fi': mend the labels in the file if so" in told
    assert any("'C', 'C++'" in line for line in told) is False


def test_what_is_missing(tmp_path):
    path = table(tmp_path, "text,label\na,x\n,y\nc,\nd,y\n")
    with pytest.raises(ValueError, match="row 2 has no text; mend it, or leave such rows out"):
        read(path)
    texts, labels, _, told = read(path, drop_bad_rows=True)
    assert (texts, labels) == (["a", "d"], [0, 1])
    assert "mine.csv: 2 rows left out: 1 with no text (row 2); 1 with no label (row 3)" in told


def test_rows_left_out_are_counted_by_reason(tmp_path):
    path = table(tmp_path, "text,label\na,x\n,y\nc,\n,y\ne,y,z\n,x\n ,x\nh,y\n")
    texts, _, _, told = read(path, drop_bad_rows=True)
    hint = ": a text that holds the separator stands in quotes"
    reasons = f"4 with no text (row 2, 4, 6, ...); 1 with no label (row 3); 1 with 3 fields, the header 2{hint} (row 5)"
    assert texts == ["a", "h"] and f"mine.csv: 6 rows left out: {reasons}" in told
    many = table(tmp_path, "text,label\na,x\n" + "".join(f"b,{letter}\n" for letter in "cdefghi"))
    (line,) = [line for line in read(many, drop_bad_rows=True, class_names=("x", "y"))[3] if "left out" in line]
    assert line.startswith("mine.csv: 7 rows left out: 1 with the label 'c'; known are 'x', 'y' (row 2); ")
    assert line.endswith("(row 6); and 2 other reasons")


def test_classes_that_a_test_set_lacks_are_named(tmp_path):
    path = table(tmp_path, "text,label\na,x\nb,y\n")
    assert "mine.csv: no text of 'w', 'z'; of these nothing is measured" in read(path, class_names=("w", "x", "y", "z"))[3]
    assert not any("no text of" in line for line in read(path, class_names=("x", "y"))[3])


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        (["Billing", "biling", "refund", "refnud"], [["Billing", "biling"], ["refund", "refnud"]]),
        (["shipping", "shippimg"], [["shipping", "shippimg"]]),
        (["order_status", "Order Status", "ordre status"], [["order_status", "Order Status", "ordre status"]]),
        (["refund", "refunds"], [["refund", "refunds"]]),
        (["caf\u00e9 order", "cafe\u0301 order"], [["caf\u00e9 order", "cafe\u0301 order"]]),
        (["1 star", "2 stars", "3 stars"], []),
        (["class A", "class B", "type i", "type ii", "type iii"], []),
        (["ClassA", "ClassB"], []),
        (["typical", "atypical", "likely", "unlikely", "relevant", "irrelevant", "import", "export"], []),
        (["positive", "negative", "neutral", "internal", "external", "male", "female", "ham", "spam"], []),
        (["label_0", "label_1", "topic10", "topic11", "v1.2 beta", "v2.2 beta"], []),
        (["house", "mouse", "good", "gold"], []),
    ],
)
def test_names_of_what_may_be_one_class(names, groups):
    assert alike(names) == groups


def test_thousands_of_classes_are_held_against_each_other_at_once():
    """Not each against each, which would be a million pairs and a half."""
    names = [f"{first}{second}{third}ation" for first in WORDS for second in WORDS for third in WORDS]
    assert len(names) == 1728
    started = time.perf_counter()
    alike(names)
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    ("labels", "several"),
    [
        (["a", "b", "a|b"], "a|b"),
        (["sport", "money", "money, sport"], "money, sport"),
        (["1", "2", "2;1"], "2;1"),
        (["a,b", "a", "b", "c"], "a,b"),
        (["[0 1 1]", "[1 0 0]"], "[0 1 1]"),
        (["['a', 'b']", "['a']"], "['a', 'b']"),
        (["food, drink", "food", "films"], None),  # a name like any other: nothing is "drink" alone
        (["US|politics", "US|sport", "UK|politics"], None),  # a path, not a set
        (["yes", "no", "yes/no"], None),
        (["(other)", "[none]", "R&B; soul"], None),
        (["|", "||"], None),
    ],
)
def test_multi_label_data_is_refused_by_name(tmp_path, labels, several):
    rows = [{"text": f"text {number}", "label": label} for number, label in enumerate(labels * 2)]
    path = table(tmp_path, "\n".join(map(json.dumps, rows)), "mine.jsonl")
    if several:
        with pytest.raises(
            ValueError, match=re.escape(f"a label such as {several!r} holds several classes; one class")
        ) as error:
            read(path)
        assert "multi-label data is not" in str(error.value)
    else:
        assert set(read(path)[2]) == set(labels)


def test_lists_of_labels_are_refused_from_json_and_parquet(tmp_path):
    """Where the one writes a list and the other an array."""
    frame = pd.DataFrame({"text": ["one", "two", "three"], "label": [["a", "b"], ["a"], ["b"]]})
    frame.to_json(tmp_path / "mine.jsonl", orient="records", lines=True)
    frame.to_parquet(tmp_path / "mine.parquet")
    for path in (tmp_path / "mine.jsonl", tmp_path / "mine.parquet"):
        with pytest.raises(ValueError, match="holds several classes"):
            read(path)


def test_many_classes_are_counted_and_not_all_shown(tmp_path):
    path = table(tmp_path, "text,label\n" + "".join(f"text {row},{row % 24}\n" for row in range(96)))
    (line,) = [line for line in read(path)[3] if "classes" in line]
    assert line.startswith("24 classes: 0 4, 1 4, ") and line.endswith(", 19 4 and 4 more")


@pytest.mark.parametrize(
    "rows, problem",
    [
        (["x"] * 5, "all 5 labels in 'label' are 'x': there is nothing to tell apart"),
        ([str(number) for number in range(40)], "'label' holds 40 different values in 40 rows; is it the column of labels"),
        (["\"['a', 'b']\"", "a"], "holds several classes; one class a text is what is learned here"),
    ],
)
def test_what_is_no_column_of_classes(tmp_path, rows, problem):
    path = table(tmp_path, "text,label\n" + "".join(f"text {number},{row}\n" for number, row in enumerate(rows)))
    with pytest.raises(ValueError, match=problem):
        read(path)
