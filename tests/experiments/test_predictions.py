"""Verdicts beside the rows of a table: each its own, whatever stops the work."""

import csv
import io

import pytest
import torch

from bertnotes.classifier import BERTClassifier, predict_probabilities
from bertnotes.experiments import predictions
from bertnotes.experiments.predictions import predict_table
from bertnotes.models import load_tokenizer
from bertnotes.tables import open_table

TEXTS = ["a film", 'He said "no",\nand left', "dull; very", "", "great", "a\tb", "the end"]


@pytest.fixture(scope="module")
def judge(tiny_checkpoint):
    """A classifier with three classes, and its tokenizer."""
    names = ["bad", "fair", "good"]
    torch.manual_seed(0)
    model = BERTClassifier(str(tiny_checkpoint), 3, class_names=names).eval()
    torch.nn.init.normal_(model.classifier.weight, std=1.0)  # an opinion on each text
    return model, load_tokenizer(str(tiny_checkpoint))


@pytest.fixture
def table(tmp_path):
    """A function that opens a table of these texts anew."""
    path = tmp_path / "in.csv"
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([("id", "review"), *enumerate(TEXTS)])
    return lambda: open_table(path)


def rows(path):
    """The rows of a CSV as dicts."""
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("chunk", [1, 3, 100])
def test_all_columns_stay_and_each_row_gets_its_own_verdict(table, judge, tmp_path, chunk):
    model, tokenizer = judge
    out = tmp_path / "out.csv"
    assert predict_table(table(), "review", model, tokenizer, out, chunk) == len(TEXTS)
    found = rows(out)
    assert [(row["id"], row["review"]) for row in found] == [(str(number), text) for number, text in enumerate(TEXTS)]
    for text, row in zip(TEXTS, found, strict=True):
        if text:
            probabilities = predict_probabilities([text], model, tokenizer)[0]
            assert row["label"] == model.class_names[probabilities.argmax()]
            assert float(row["probability"]) == pytest.approx(probabilities.max().item(), abs=1e-4)
        else:
            assert (row["label"], row["probability"]) == ("", "")
    assert len({row["probability"] for row in found}) > 3


def test_it_goes_on_wherever_it_was_stopped(table, judge, tmp_path, monkeypatch):
    """At any byte behind the header: what is whole stays, the rest is made again, and the file is the same in the end."""
    out = tmp_path / "out.csv"
    predict_table(table(), "review", *judge, out)
    whole, judged = out.read_bytes(), []
    ends = [len(as_csv([("id", "review", "label", "probability"), *map(tuple, map(dict.values, rows(out)))][: number + 1]))
            for number in range(len(TEXTS) + 1)]  # fmt: skip
    assert ends[-1] == len(whole)
    plain = predictions.judge
    monkeypatch.setattr(predictions, "judge", lambda texts, *rest: judged.extend(texts) or plain(texts, *rest))
    for cut in range(ends[0], len(whole) + 1, 3):
        out.write_bytes(whole[:cut])
        judged.clear()
        predict_table(table(), "review", *judge, out)
        assert out.read_bytes() == whole
        assert judged == TEXTS[sum(end <= cut for end in ends) - 1 :]


def as_csv(lines):
    """Lines as Python's writer puts them, in bytes."""
    stream = io.StringIO()
    csv.writer(stream).writerows(lines)
    return stream.getvalue().encode()


def test_another_file_is_left_alone(table, judge, tmp_path):
    out = tmp_path / "out.csv"
    out.write_text("something,else\r\n1,2\r\n")
    with pytest.raises(ValueError, match="is another table than the one to be written; give a new file"):
        predict_table(table(), "review", *judge, out)
    assert out.read_text() == "something,else\n1,2\n"


def test_a_file_that_was_changed_in_the_middle_is_left_alone(table, judge, tmp_path):
    out = tmp_path / "out.csv"
    predict_table(table(), "review", *judge, out)
    changed = out.read_bytes().replace(b"0,a film", b"0,a,film")
    out.write_bytes(changed)
    with pytest.raises(ValueError, match="is another table"):
        predict_table(table(), "review", *judge, out)
    assert out.read_bytes() == changed


def test_columns_that_are_there_keep_their_names(judge, tmp_path):
    path, out = tmp_path / "in.csv", tmp_path / "out.csv"
    path.write_text("text,label\na film,good\n")
    predict_table(open_table(path), "text", *judge, out)
    assert list(rows(out)[0]) == ["text", "label", "predicted_label", "probability"]


def test_few_rows_are_held_at_a_time(table, judge, tmp_path, monkeypatch):
    sizes, plain = [], predictions.judge
    monkeypatch.setattr(predictions, "judge", lambda texts, *rest: sizes.append(len(texts)) or plain(texts, *rest))
    predict_table(table(), "review", *judge, tmp_path / "out.csv", chunk=3)
    assert sizes == [3, 3, 1]
