"""The card beside a trained model says what it was made of, and what it scored."""

from pathlib import Path

import pytest
import yaml

from bertnotes.classifier import BERTClassifier
from bertnotes.experiments.card import model_card
from bertnotes.experiments.finetune import Finetune
from bertnotes.training import TrainConfig

TRAINING, VALIDATION = (["a", "b", "c"], [0, 1, 1]), (["d", "e"], [0, 1])
HISTORY = [
    {"epoch": 1, "accuracy": 0.5, "validation_loss": 0.6, "macro_f1": 0.3},
    {"epoch": 2, "accuracy": 0.5, "validation_loss": 0.4, "macro_f1": 0.4},
]
FOUND = {"test_reviews": 7, "accuracy": 0.91234, "macro_f1": 0.9}


@pytest.fixture
def card(tiny_checkpoint):
    """A function from a TrainConfig and what was found on a test set to the card."""

    def write(found=None, **config):
        settings = Finetune(
            data=Path("/home/me/mails.csv"), out=Path("run"), model=str(tiny_checkpoint), test=Path("later.csv"),
            config=TrainConfig(**config),
        )  # fmt: skip
        classifier = BERTClassifier(str(tiny_checkpoint), 2, class_names=("bill", "other"))
        return model_card(settings, classifier, TRAINING, VALIDATION, HISTORY, found, "  TF-IDF: 0.8\n")

    return write


def test_a_card(card):
    """Data, recipe, scores and limits; the hub can read its first lines, and no folder of the user's is told."""
    text = card(FOUND, max_length=200, truncation="tail")
    top, rest = text.split("---\n")[1:]
    assert yaml.safe_load(top)["library_name"] == "transformers"
    assert yaml.safe_load(top)["base_model"].startswith("tiny_checkpoint")
    assert "mails.csv: 3 texts to train on, 2 to validate on. Of those to train on: bill 1, other 2." in rest
    assert "number 2" in rest and "learning_rate 0.0001" in rest
    assert "- test (later.csv), 7 texts: accuracy 0.9123, macro-F1 0.9000." in rest and "  TF-IDF: 0.8\n" in rest
    assert "reads 200 tokens (tail)" in rest and "pipeline(" in rest


def test_a_card_without_a_test_set(card):
    """Says nothing of one."""
    assert "- test" not in card() and "validation, 2 texts: accuracy 0.5000" in card()


def test_a_card_of_a_delta(card):
    """Names the base that it needs, and how to be rid of it."""
    text = card(lora=4)
    assert yaml.safe_load(text.split("---\n")[1])["library_name"] == "peft"
    assert "rank 4" in text and "bertnotes export" in text and "pipeline(" not in text


def test_a_card_tells_of_the_epoch_that_was_kept(card, monkeypatch):
    """Which macro-F1 chooses where classes are weighed."""
    monkeypatch.setitem(HISTORY[0], "accuracy", 0.6)
    assert "was kept: number 1." in card() and "accuracy 0.6000" in card()
    assert "was kept: number 2." in card(class_weights="balanced")
