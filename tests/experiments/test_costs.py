"""What a run will cost: tokens and time by hand, the time on a clock that the test turns, and a model that stays as it was."""

from types import SimpleNamespace

import pytest
import torch

from bertnotes.classifier import BERTClassifier
from bertnotes.experiments import costs
from bertnotes.experiments.costs import cost_report, duration, estimate_cost
from bertnotes.models import load_tokenizer
from bertnotes.training import TrainConfig

TEXTS, LABELS = ["film", "a good film", "the cast is bad", "a film"] * 3, [0, 1, 0, 1] * 3  # 3, 5, 6 and 4 tokens


@pytest.fixture(scope="module")
def cost(tiny_checkpoint):
    """The cost of two epochs in batches of 12: all reviews at once."""
    model, tokenizer = BERTClassifier(str(tiny_checkpoint), 2), load_tokenizer(tiny_checkpoint)
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    cost = estimate_cost(model, tokenizer, (TEXTS, LABELS), (TEXTS[:4], LABELS[:4]), TrainConfig(2, 12, max_length=16))
    assert all(torch.equal(weight, before[name]) for name, weight in model.named_parameters())
    assert all(weight.grad is None for weight in model.parameters())
    return cost


def test_tokens_and_steps_are_counted(cost):
    assert cost["reviews"] == 12 and cost["tokens"] == 3 * (3 + 5 + 6 + 4)
    assert cost["computed_tokens"] == 12 * 6, "each padded to the longest of its batch"
    assert cost["steps"] == 2


def test_time_by_hand(tiny_checkpoint, monkeypatch):
    """Three epochs of three batches, 20, 16 and 24 positions, of which two are tried; a third, to warm up, does not count.

    Training takes 18 seconds for 36 positions and reading 36: (60 / 2 + 18 / 1) seconds an epoch, 18 tokens to validate on.
    """
    moments = iter([100, 136, 7, 12, 25])  # before and after reading, then after each of the three steps
    monkeypatch.setattr(costs, "time", SimpleNamespace(perf_counter=lambda: next(moments)))
    model, tokenizer = BERTClassifier(str(tiny_checkpoint), 2), load_tokenizer(tiny_checkpoint)
    data, config = ((TEXTS, LABELS), (TEXTS[:4], LABELS[:4])), TrainConfig(3, 4, max_length=16)
    found = estimate_cost(model, tokenizer, *data, config, steps=2)
    assert next(moments, None) is None
    assert (found["computed_tokens"], found["steps"]) == (20 + 16 + 24, 9)
    assert (found["tokens_per_second"], found["seconds"]) == (2, 3 * (30 + 18))


def test_a_frozen_run_reads_each_review_once(tiny_checkpoint, monkeypatch):
    """Whatever the number of epochs, as `fit` does: 36 positions were read in 36 seconds, 60 to train on and 18 to judge by."""
    moments = iter([100, 136])
    monkeypatch.setattr(costs, "time", SimpleNamespace(perf_counter=lambda: next(moments)))
    model, tokenizer = BERTClassifier(str(tiny_checkpoint), 2), load_tokenizer(tiny_checkpoint)
    config = TrainConfig(3, 4, max_length=16, frozen=True)
    found = estimate_cost(model, tokenizer, (TEXTS, LABELS), (TEXTS[:4], LABELS[:4]), config, steps=2)
    assert (found["tokens_per_second"], found["seconds"]) == (1, 60 + 18)


def test_memory_is_measured(cost):
    assert cost["memory_mb"] is None or cost["memory_mb"] > 100


def test_the_report_says_all_of_it():
    cost = {"reviews": 20000, "tokens": 4_600_000, "computed_tokens": 4_700_000, "steps": 2500, "tokens_per_second": 2400}
    text = cost_report(cost | {"seconds": 4000, "memory_mb": None})
    assert "20,000 reviews, 4,600,000 tokens an epoch (4,700,000 with padding), 2,500 steps" in text
    assert "about 67 minutes at 2,400 tokens a second" in text and "unknown here" in text
    assert "5,000 MB" in cost_report(cost | {"seconds": 4000, "memory_mb": 5000})


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 seconds"), (1.2, "1 second"), (119, "119 seconds"), (120, "2 minutes"), (7200, "2 h 00 min")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text
