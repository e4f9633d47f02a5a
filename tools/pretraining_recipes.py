"""Compare recipes for pre-training: each gets the same minutes on the same machine, from the same start.

    python tools/pretraining_recipes.py --start CHECKPOINT [--minutes 3] [--only NAME ...] [--fine-tune 2000]

Writes data/results/pretraining-recipes.json after every recipe and skips those that it holds already. Each row: tokens read,
loss and top-1 on held-out rows of 128 tokens with 15 % masked, and, if asked for, the accuracy on 2,000 validation reviews
after two epochs of fine-tuning on so many reviews of the training split. The test split is never opened. Run nothing beside it.
--finalist NAME FOLDER, as often as you like, does only the last, for models that are there: what the short runs were for.
"""

import argparse
import json
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import torch

from bertnotes.classifier import BERTClassifier
from bertnotes.data import load_imdb_data, split_validation
from bertnotes.devices import best_device
from bertnotes.experiments.pretrain import Recipe, pretrain, read_texts, save_masked_language_model, starting_model, steps_in
from bertnotes.experiments.records import environment
from bertnotes.files import DATA, RESULTS
from bertnotes.masked_lm import pack
from bertnotes.models import load_tokenizer
from bertnotes.training import TrainConfig, fit

RESULT = RESULTS / "pretraining-recipes.json"
BASE = Recipe()
VARIANTS = {
    "base": {},
    "base, again": {},  # how far the machine's own unrest goes
    "learning rate 6e-4": {"learning_rate": 6e-4},
    "muon": {"optimizer": "muon"},
    "mask 15 %": {"mask_rate": 0.15},
    "mask 30 %": {"mask_rate": 0.3},
    "batch 32": {"batch_size": 32},
    "whole words": {"whole_words": True},
    "length 256": {"length": 256, "batch_size": 8},
    "learning rate 1.2e-3": {"learning_rate": 1.2e-3},
    "muon, learning rate 1e-3": {"optimizer": "muon", "learning_rate": 1e-3},
    "vocabulary 16,000": {"vocabulary": 16_000},
}


def fine_tuned_accuracy(folder, data, count):
    """Fine-tune a saved model on reviews of the training split; the accuracy on 2,000 others of it, after two epochs."""
    texts, labels = load_imdb_data(data / "train.csv.xz", sample=count + 2000, seed=0)
    texts, held_texts, labels, held_labels = split_validation(texts, labels, 2000, seed=0)
    torch.manual_seed(0)
    model, config = BERTClassifier(str(folder), 2, "sdpa"), TrainConfig(2, learning_rate=1e-4, seed=0, precision="bf16")
    history = fit(model, load_tokenizer(str(folder)), (texts, labels), (held_texts, held_labels), config, best_device())
    return history[-1]["accuracy"]


def measure(recipe, texts, held_out, arguments, vocabulary=10_000):
    """Train one recipe for the given minutes and return its row of the table."""
    model, tokenizer = starting_model(arguments.start, texts, vocabulary, seed=recipe.seed)
    rows, held_out = pack(tokenizer, texts, recipe.length), pack(tokenizer, held_out)[:400]
    with tempfile.TemporaryDirectory() as folder:
        recipe = replace(recipe, steps=steps_in(arguments.minutes, model, tokenizer, rows, recipe, folder))
        entry = pretrain(model, tokenizer, rows, held_out, folder, recipe, every=recipe.steps)
        row = {"vocabulary": vocabulary, "recipe": asdict(recipe), **entry}
        if arguments.fine_tune:
            save_masked_language_model(model, tokenizer, folder)
            row["fine_tuned_on"] = arguments.fine_tune
            row["fine_tuned_accuracy"] = fine_tuned_accuracy(folder, arguments.data, arguments.fine_tune)
    return row


def main():
    """Measure each recipe that is not in the table yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--start", required=True)
    parser.add_argument("--called", help="the start's name in the table, where it is a folder")
    parser.add_argument("--data", type=Path, default=DATA / "imdb")
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--only", nargs="*", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--fine-tune", type=int, default=0)
    parser.add_argument("--finalist", nargs=2, action="append", default=[], metavar=("NAME", "FOLDER"), help="fine-tune only")
    arguments = parser.parse_args()
    table = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {"rows": {}}
    for name, folder in arguments.finalist:
        accuracy = fine_tuned_accuracy(folder, arguments.data, arguments.fine_tune)
        table.setdefault("finalists", {})[name] = {"fine_tuned_on": arguments.fine_tune, "accuracy": accuracy}
        RESULT.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
        print(name, table["finalists"][name], flush=True)
    if arguments.finalist:
        return
    texts, held_out = read_texts(arguments.data)
    for name in arguments.only:
        if name in table["rows"]:
            continue
        choice = dict(VARIANTS[name])
        vocabulary = choice.pop("vocabulary", 10_000)
        table["rows"][name] = measure(replace(BASE, **choice), texts, held_out, arguments, vocabulary)
        table |= {"start": arguments.called or arguments.start, "minutes_each": arguments.minutes, "environment": environment()}
        RESULT.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
        print(name, table["rows"][name], flush=True)


if __name__ == "__main__":
    main()
