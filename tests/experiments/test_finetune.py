"""Fine-tuning as a function: what it returns, what it looks up, and a record that gives the run's settings back."""

import json
import shlex
from dataclasses import replace

import pandas as pd
import pytest
import tyro
from sklearn.metrics import f1_score
from toy import LABELS, TEXTS

from bertnotes import __version__, devices
from bertnotes.classifier import BERTClassifier, predict_probabilities
from bertnotes.cli import STYLE
from bertnotes.data import LABELS as NAMES
from bertnotes.data import read_table
from bertnotes.experiments.engine import Machine, load_checkpoint, save_checkpoint
from bertnotes.experiments.finetune import Entry, Finetune, Special, Variant, finetune, say_rivals, score, score_rivals
from bertnotes.files import hash_of
from bertnotes.models import load_tokenizer
from bertnotes.tables import Columns
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
    assert again == settings and again.config.precision == "auto"
    assert record["config"]["precision"] == devices.fast_precision("cpu")
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
    first, *rivals = told.splitlines()[:4]
    assert first == f"test: accuracy {found['accuracy']:.4f}, macro-F1 {found['macro_f1']:.4f}"
    assert rivals == [
        "  TF-IDF: accuracy 1.0000, macro-F1 1.0000",
        "  NBSVM: accuracy 1.0000, macro-F1 1.0000",
        "  majority class: accuracy 0.5000, macro-F1 0.3333",
    ]
    assert "f1-score" in told


def test_rivals_by_hand():
    """Of five classes; the majority is that of the test set. One that has no words to go by costs nothing."""
    words = ["refund", "parcel", "login", "invoice", "colour"]
    texts = [f"{word} please {word} number {number}" for word in words for number in range(4)]
    training = texts, [label for label in range(5) for _ in range(4)]
    test = [f"my {word}" for word in ["refund", "refund", "parcel", "login", "colour"]], [0, 0, 1, 2, 3]
    found = score_rivals(test, training)
    assert found["tfidf_accuracy"] == found["nbsvm_accuracy"] == 0.8 and found["majority_accuracy"] == 0.4
    assert found["tfidf_macro_f1"] == round((1 + 1 + 1 + 0 + 0) / 5, 4)  # classes 3 and 4 are taken for each other
    assert found["majority_macro_f1"] == round((2 * 0.4 / 1.4) / 4, 4)
    strange = score_rivals((["eins", "zwei"], [0, 1]), (["drei", "vier"], [0, 1]))
    assert strange["tfidf_accuracy"] is None and "  TF-IDF: no word is in several texts" in say_rivals(strange)


FIVE = {"refund": 120, "parcel": 90, "login": 50, "colour": 28, "invoice": 12}


def test_five_uneven_classes_from_a_table_to_a_record(settings, tmp_path, capfd):
    """With weights, on windows: what is said, what the record holds, and a model that knows its classes and how it reads."""
    rows = [(f"{word} film " + "bad good " * (number % 12), word) for word, count in FIVE.items() for number in range(count)]
    rows = [(f"{text} {number}", word) for number, (text, word) in enumerate(rows)]
    for name, some in (("five", rows[::2]), ("rest", rows[1::2])):
        pd.DataFrame(some, columns=["message", "queue"]).to_csv(tmp_path / f"{name}.csv", index=False)
    config = replace(settings.config, max_length=12, truncation="windows", class_weights="balanced")
    data = {"data": tmp_path / "five.csv", "test": tmp_path / "rest.csv", "columns": Columns("message", "queue")}
    record = finetune(replace(settings, **data, validation=0.2, config=config, special=Special(record=tmp_path / "r.json")))
    out = capfd.readouterr().out.splitlines()
    assert out[0] == "5 classes: refund 60, parcel 45, login 25, colour 14, invoice 6"
    assert record["class_names"] == sorted(FIVE) and record["config"]["class_weights"] == "balanced"
    assert "--class-weights balanced" in record["command"] and "--truncation windows" in record["command"]
    model, tokenizer = BERTClassifier.from_pretrained(settings.out)
    assert (model.truncation, model.max_length, model.class_names) == ("windows", 12, tuple(sorted(FIVE)))
    texts, labels, _ = read_table(tmp_path / "rest.csv", "message", "queue", class_names=sorted(FIVE))
    verdicts = predict_probabilities(texts, model, tokenizer).argmax(-1)
    assert record["verdicts"] == verdicts.tolist() and record["macro_f1"] == round(
        f1_score(labels, verdicts, average="macro"), 4
    )
    assert record["tfidf_accuracy"] == record["nbsvm_accuracy"] == 1.0


def test_a_class_with_one_text_is_named_before_anything_is_written(settings, tmp_path):
    frame = pd.DataFrame({"text": [f"a {number}" for number in range(12)], "label": ["x", "y"] * 5 + ["z", "w"]})
    frame.to_csv(tmp_path / "few.csv", index=False)
    with pytest.raises(ValueError, match="needs a text on either side; 'w', 'z' has too few"):
        finetune(replace(settings, data=tmp_path / "few.csv", test=None, validation=0.4))
    assert not settings.out.exists()


def test_a_line_of_an_earlier_version_has_no_macro_f1(settings, capfd):
    """A run that it began goes on, and is told of."""
    finetune(replace(settings, test=None))
    path = settings.out / "state.safetensors"
    tensors, record = load_checkpoint(path)
    for entry in record["progress"]["history"]:
        del entry["macro_f1"]
    save_checkpoint(path, tensors, record)
    known = json.loads((settings.out / "train_config.json").read_text())
    del known["class_weights"]
    (settings.out / "train_config.json").write_text(json.dumps(known))
    capfd.readouterr()
    finetune(replace(settings, test=None, resume=True))
    assert "macro-F1 nan" in capfd.readouterr().out
