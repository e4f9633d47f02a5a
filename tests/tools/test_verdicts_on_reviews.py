"""The tool that has a model fine-tuned on IMDB judge the course's own reviews."""

import csv
import json

import numpy as np
import pytest
import torch
import verdicts_on_reviews as tool
from check import ROOT

from bertnotes.classifier import BERTClassifier, predict_probabilities
from bertnotes.data import REVIEWS, load_imdb_data
from bertnotes.experiments.engine import lines_of
from bertnotes.experiments.records import unpack_probabilities
from bertnotes.files import hash_of
from bertnotes.models import load_tokenizer

LOSSES = {"epoch": 1, "train_loss": 0.7, "accuracy": 0.5}
TEXTS = ["good cast", "bad film", "the story is good", "a bad ending , and a bad cast"]


RECORD = json.loads((ROOT / "data" / "results" / "verdicts-on-reviews.json").read_text(encoding="utf-8"))


def test_the_record_is_of_today_s_reviews_and_of_the_run_that_it_names():
    run = json.loads((ROOT / "data" / "results" / RECORD["run"]).read_text(encoding="utf-8"))
    assert all(RECORD[key] == run[key] for key in ("train_reviews", "accuracy"))
    assert RECORD["data"] == hash_of(REVIEWS), "python tools/verdicts_on_reviews.py: the reviews have changed"
    said, (_, labels) = unpack_probabilities(RECORD["positive"]) > 0.5, load_imdb_data(REVIEWS)
    assert (said == labels).sum() == RECORD["right"] and len(said) == RECORD["reviews"]


@pytest.fixture
def run(tiny_checkpoint, tmp_path):
    """A folder with a classifier, reviews, and the record of its run, as command-line arguments."""
    with open(tmp_path / "reviews.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("review", "sentiment"), *zip(TEXTS, ["positive", "negative"] * 2, strict=True)])
    config = {"max_length": 5, "keep": "tail"}
    (tmp_path / "run.json").write_text(
        json.dumps({"config": config, "train_reviews": 22, "accuracy": 0.5, "history": [LOSSES]})
    )
    torch.manual_seed(0)
    BERTClassifier(str(tiny_checkpoint)).save_pretrained(tmp_path / "model", load_tokenizer(tiny_checkpoint))
    (tmp_path / "model/history.jsonl").write_text(lines_of([LOSSES]))
    options = {"record-of": "run.json", "data": "reviews.csv", "out": "found.json"}
    return [str(tmp_path / "model"), *(word for name, file in options.items() for word in (f"--{name}", str(tmp_path / file)))]


def test_reviews_are_read_as_the_run_read_its_own(run, tmp_path):
    assert tool.main(run) == 0
    found = json.loads((tmp_path / "found.json").read_text())
    model, tokenizer = BERTClassifier.from_pretrained(tmp_path / "model")
    expected = predict_probabilities(TEXTS, model, tokenizer, max_length=5, truncation="tail")[:, 1].numpy()
    assert unpack_probabilities(found["positive"]) == pytest.approx(expected, abs=1e-3)
    assert found["right"] == int((np.array([1, 0, 1, 0]) == (expected > 0.5)).sum())
    assert found["data"] == hash_of(tmp_path / "reviews.csv") and found["run"] == "run.json" and found["reviews"] == 4


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("run.json", '{"train_reviews": 3}', "run.json has no field 'accuracy'"),
        ("reviews.csv", "text\nx\n", "reviews.csv"),
        ("model/history.jsonl", lines_of([LOSSES | {"train_loss": 0.6}]), "is not the run that run.json tells of"),
        ("model/history.jsonl", "", "is not the run that run.json tells of"),
    ],
)
def test_the_tool_says_what_is_missing(run, tmp_path, capsys, name, text, complaint):
    (tmp_path / name).write_text(text)
    assert tool.main(run) == 2
    assert complaint in capsys.readouterr().err and not (tmp_path / "found.json").exists()
