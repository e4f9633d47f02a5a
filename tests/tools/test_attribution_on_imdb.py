"""The tool that puts ways to explain a verdict to the test, on a run of its own."""

import csv
import json

import attribution_on_imdb as tool
import pytest
import torch
from check import ROOT

from bertnotes.classifier import BERTClassifier
from bertnotes.data import load_imdb_data, split_validation
from bertnotes.experiments.engine import lines_of
from bertnotes.experiments.records import pack_flags
from bertnotes.models import load_tokenizer

LOSSES = {"epoch": 1, "train_loss": 0.7, "accuracy": 0.5}
WORDS = ("good", "bad", "film", "cast", "the", "is", "story", "and", "a", "ending")


@pytest.mark.parametrize("name", ["attribution-imdb", "attribution-imdb-whole"])
def test_the_record_is_of_the_run_that_it_names_and_of_enough_reviews(name):
    record = json.loads((ROOT / "data" / "results" / f"{name}.json").read_text(encoding="utf-8"))
    run = json.loads((ROOT / "data" / "results" / record["run"]).read_text(encoding="utf-8"))
    assert all(record[key] == run[key] for key in ("train_reviews", "accuracy"))
    assert record["reviews"] == len(record["tokens"]) >= 100 and tuple(record["shares"]) == tool.SHARES
    assert record["curves"].keys() == {"random", *tool.METHODS}


@pytest.fixture
def run(tiny_checkpoint, tmp_path):
    """A folder with a classifier, the reviews that it was given, and the record of its run, as command-line arguments."""
    rows = [(f"{one} {other} film", ("negative", "positive")[n % 2]) for n, one in enumerate(WORDS) for other in WORDS[:3]]
    with open(tmp_path / "train.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("review", "sentiment"), *rows])
    _, _, _, held = split_validation(*load_imdb_data(tmp_path / "train.csv"), 8, seed=3)
    told = {"train_reviews": 22, "accuracy": 0.5, "history": [LOSSES]}
    record = {"config": {"seed": 3}, "validation_labels": pack_flags(held), **told}
    (tmp_path / "run.json").write_text(json.dumps(record))
    torch.manual_seed(0)
    BERTClassifier(str(tiny_checkpoint)).save_pretrained(tmp_path / "model", load_tokenizer(tiny_checkpoint))
    (tmp_path / "model/history.jsonl").write_text(lines_of([LOSSES]))
    options = {"record-of": "run.json", "data": "train.csv", "out": "found.json"}
    return [str(tmp_path / "model"), *(word for name, file in options.items() for word in (f"--{name}", str(tmp_path / file)))]


def test_the_record_holds_what_a_chart_and_an_interval_need(run, tmp_path):
    assert tool.main([*run, "--validation", "8", "--reviews", "4", "--tokens", "6"]) == 0
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["tokens"] == [5] * 4 and found["run"] == "run.json" and found["reviews"] == 4
    shapes = {(name, len(rows), len(rows[0])) for name, rows in found["curves"].items()}
    assert shapes == {(name, 4, len(tool.SHARES)) for name in ("random", *tool.METHODS)}
    assert len({rows[0][0] for rows in found["curves"].values()}) == 1  # nothing is hidden yet
    taus = found["agreement with occlusion"]
    assert len(taus) == 5 and all(-1 <= tau <= 1 for row in taus.values() for tau in row)


def test_texts_are_drawn_from_those_that_fit(tokenizer):
    texts = ["good " * length for length in range(1, 9)]
    assert sorted(tool.short_enough(texts, tokenizer, 3, 5)) == texts[:3]
    with pytest.raises(ValueError, match="3 of 8 reviews have no more than 5 tokens; 4 are asked for"):
        tool.short_enough(texts, tokenizer, 4, 5)


@pytest.mark.parametrize(
    ("more", "complaint"),
    [(["--validation", "9"], "not validated on 9"), (["--validation", "8", "--reviews", "9"], "9 are asked for")],
)
def test_the_tool_says_what_does_not_fit(run, tmp_path, capsys, more, complaint):
    assert tool.main([*run, *more]) == 2
    assert complaint in capsys.readouterr().err and not (tmp_path / "found.json").exists()


def test_the_tool_names_what_is_missing(run, tmp_path, capsys):
    (tmp_path / "run.json").write_text('{"accuracy": 0.5}')
    assert tool.main(run) == 2
    assert "run.json has no field 'train_reviews'" in capsys.readouterr().err
