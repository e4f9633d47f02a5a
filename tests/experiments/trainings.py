"""Both trainings on toys, for the tests of what they share. Each is called with a checkpoint, the folder of its run, callbacks
and the seconds between checkpoints, and gives the model and the lines of its epochs."""

from dataclasses import replace
from pathlib import Path

import torch
from toy import LABELS, TEXTS

from bertnotes.classifier import BERTClassifier
from bertnotes.experiments.engine import Machine, fit_in
from bertnotes.experiments.pretrain import Recipe, pretrain
from bertnotes.experiments.vocabulary import trim_encoder
from bertnotes.files import read_lines
from bertnotes.masked_lm import pack
from bertnotes.models import load_encoder, load_tokenizer
from bertnotes.training import Callback, TrainConfig

DATA = TEXTS, LABELS
HELD_OUT = DATA[0][::3], DATA[1][::3]
CONFIG = TrainConfig(epochs=3, batch_size=7, learning_rate=1e-3, max_length=16, seed=5)  # 6 batches an epoch, the last of 5
ON_WINDOWS = {  # two or three windows a review, of which those of class 1 are rare
    "config": replace(CONFIG, epochs=2, max_length=7, truncation="windows", class_weights="balanced"),
    "data": (DATA[0][:30], [0] * 24 + [1] * 6),
    "micro_batch_size": 3,
}
RECIPE = Recipe(steps=18, batch_size=7, length=12, learning_rate=1e-2, precision="fp32", seed=5)  # three rounds of six


class Stopped(Exception):  # noqa: N818 (it is no error)
    """The lid was closed."""


class StopAfter(Callback):
    """Ends a run at its count-th step or epoch."""

    def __init__(self, count):
        self.left = count

    def step(self, loss, count):
        self.left -= 1
        if self.left == 0:
            raise Stopped

    def epoch(self, entry):
        self.step(None, None)


def fine_tune(checkpoint, out, callbacks=(), save_every=120.0, config=CONFIG, data=DATA, resume=True, micro_batch_size=None):
    """Fine-tuning on sentences that one word decides."""
    torch.manual_seed(0)
    model, machine = BERTClassifier(str(checkpoint), 2), Machine(micro_batch_size, save_every=save_every)
    tokenizer = load_tokenizer(str(checkpoint))
    return model, fit_in(out, model, tokenizer, data, HELD_OUT, config, machine, "cpu", resume, callbacks)


def pre_train(checkpoint, out, callbacks=(), save_every=120.0):
    """Pre-training on the same sentences."""
    torch.manual_seed(0)
    tokenizer = load_tokenizer(str(checkpoint))
    model = trim_encoder(load_encoder(str(checkpoint), "sdpa"), list(range(len(tokenizer))))
    model.bert.pooler.requires_grad_(False)  # masked words give it no gradient
    rows = pack(tokenizer, TEXTS * 3, RECIPE.length)
    choice = {"device": "cpu", "save_every": save_every, "callbacks": callbacks}
    pretrain(model, tokenizer, rows, rows[:4], out, RECIPE, every=6, **choice)
    return model, read_lines(Path(out) / "log.jsonl")


TRAININGS = {"fine-tuning": fine_tune, "pre-training": pre_train}
