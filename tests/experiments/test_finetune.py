"""Fine-tuning as a function: what it returns, what it looks up, and a record that gives the run's settings back."""

import json
import shlex
from dataclasses import replace

import pandas as pd
import pytest
import tyro
from toy import LABELS, TEXTS

from bertnotes import __version__, devices
from bertnotes.classifier import BERTClassifier
from bertnotes.cli import STYLE
from bertnotes.data import LABELS as NAMES
from bertnotes.experiments.engine import Machine
from bertnotes.experiments.finetune import Entry, Finetune, Special, Variant, finetune, score
from bertnotes.files import hash_of
from bertnotes.models import load_tokenizer
from bertnotes.training import TrainConfig

TRAINING, TEST = (TEXTS, LABELS), ([f"{text} !" for text in TEXTS], LABELS)


@pytest.fixture
def settings(tmp_path, tiny_checkpoint, monkeypatch):
    """A run of one epoch on forty reviews, with a test set."""
    monkeypatch.setattr(devices, "best_device", lambda: "cpu")
    for name, (texts, labels) in {"train": TRAINING, "test": TEST}.items():
        frame = pd.DataFrame({"review": texts, "sentiment": [NAMES[label] for label in labels]})
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    return Finetune(
        data=tmp_path / "train.csv",
        model=str(tiny_checkpoint),
        out=tmp_path / "run",
        test=tmp_path / "test.csv",
        validation=8,
        config=TrainConfig(epochs=1, max_length=16, precision="auto"),
        machine=Machine(micro_batch_size=4),
    )


def test_a_record_gives_the_settings_back(settings):
    """Its command is that of the run, whoever began it; beside it stands what was left to the machine."""
    record = finetune(settings)
    again = tyro.cli(Finetune, args=shlex.split(record["command"])[2:], config=STYLE)
    assert again == settings and record["config"]["precision"] == "fp32" and again.config.precision == "auto"
    assert record["attention"] == devices.training_attention("cpu") and record["attention_dropout"] is None
    assert record["machine"] == vars(settings.machine) and record["model"] == settings.model
    assert not {"row", "name", "jobs", "copy_of"} & record.keys() and settings.variant.attention is None


def test_a_run_writes_its_own_row_into_its_record(settings, tmp_path):
    path = tmp_path / "record.json"
    entry = Entry("a row", "a name", "some/model", 3)
    record = finetune(replace(settings, special=Special(record=path), entry=entry))
    written = json.loads(path.read_text())
    assert written.pop("environment")["bertnotes"] == __version__
    assert written == json.loads(json.dumps(record))
    assert [written[name] for name in ("row", "name", "jobs", "model")] == ["a row", "a name", 3, "some/model"]
    assert "--model some/model" in written["command"] and "--row" not in written["command"]


def test_without_a_test_set_there_is_no_record(settings):
    assert finetune(replace(settings, test=None)) is None and (settings.out / "model.safetensors").exists()


def test_another_form_of_the_model_is_what_was_asked_for(settings, tmp_path):
    """An attention of one's own is kept, and another form of the model is what was asked for."""
    other = replace(settings, out=tmp_path / "other", variant=Variant(random_init=True, attention="sdpa"))
    records = [finetune(settings), finetune(replace(other, special=Special(another_look="a control")))]
    assert [record["random_init"] for record in records] == [False, True] and records[1]["attention"] == "sdpa"
    weights = [hash_of(run.out / "model.safetensors") for run in (settings, other)]
    assert weights[0] != weights[1]


def test_scoring_says_nothing_and_its_report_all(tiny_checkpoint, capfd):
    classifier = BERTClassifier(str(tiny_checkpoint), 2).eval()
    classifier.read_as(16)
    found, told = score(classifier, load_tokenizer(tiny_checkpoint), TEST, TRAINING, TRAINING)
    assert capfd.readouterr().out == "" and found["test_reviews"] == 40 and found["tfidf_accuracy"] == 1
    assert told.startswith(f"test: accuracy {found['accuracy']:.4f}, TF-IDF 1.0000, majority class 0.5000\n")
    assert "f1-score" in told
