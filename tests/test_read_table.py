"""Any table of texts and classes: which columns, which classes, what is wrong."""

import pytest

from bertnotes.data import read_table


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
    assert "mine.csv: 2 rows left out, such as: row 2 has no text; row 3 has no label" in told


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
