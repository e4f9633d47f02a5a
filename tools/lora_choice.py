"""Write data/results/lora-choice.json: which rank, layers and learning rate suit a low-rank change of mini, by validation.

    python tools/lora_choice.py [--only r8-all]

Each setting learns from the same 2,000 reviews of IMDB's training split and is scored on 2,000 others of it: 128 tokens, from
both ends, 2 epochs, one seed. Five to nine minutes each on two cores with bf16 units. What is measured is kept.
"""

import argparse
from pathlib import Path

import pandas as pd
import torch

from bertnotes.classifier import BERTClassifier
from bertnotes.data import LABELS
from bertnotes.experiments.records import read_record, write_record
from bertnotes.files import DATA, RESULTS
from bertnotes.lora import add_lora, low_rank_layers, replace_layer
from bertnotes.models import load_tokenizer
from bertnotes.training import TrainConfig, fit

REVIEWS = 2000
SETTINGS = {  # rank, the layers whose names end so, learning rate
    "r8-all": (8, "", 1e-3),
    "r4-all": (4, "", 1e-3),
    "r16-query-value": (16, (".query", ".value"), 1e-3),
    "r8-all-2e-3": (8, "", 2e-3),
}


def score(rank, layers, rate, texts, labels):
    """Train with low-rank changes of some layers alone; what is known after each epoch, and how many numbers were trained."""
    torch.manual_seed(0)
    model = BERTClassifier("mini", 2, attention="bertnotes")
    add_lora(model.bert, rank)
    for name, layer in low_rank_layers(model.bert).items():
        if not name.endswith(layers):
            replace_layer(model.bert, name, layer.base)
    config = TrainConfig(epochs=2, learning_rate=rate, max_length=128, truncation="head+tail", seed=0, precision="bf16")
    halves = [(texts[part], labels[part]) for part in (slice(REVIEWS, None), slice(REVIEWS))]
    history = fit(model, load_tokenizer("mini"), *halves, config)
    trained = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    return {"rank": rank, "layers": layers or "all", "learning_rate": rate, "trained": trained, "history": history}


def main(words=None):
    """Measure what the record does not hold yet, and write after each setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA / "imdb" / "train.csv.xz")
    parser.add_argument("--only", choices=SETTINGS, action="append")
    parser.add_argument("--out", type=Path, default=RESULTS / "lora-choice.json")
    options = parser.parse_args(words)
    frame = pd.read_csv(options.data).drop_duplicates("review").sample(n=2 * REVIEWS, random_state=0)
    texts, labels = frame["review"].tolist(), frame["sentiment"].map(LABELS.index).tolist()
    found = read_record(options.out)["settings"] if options.out.exists() else {}
    for name in options.only or SETTINGS:
        if name not in found:
            found[name] = score(*SETTINGS[name], texts, labels)
            write_record(options.out, command="python tools/lora_choice.py", model="mini", reviews=REVIEWS, settings=found)


if __name__ == "__main__":
    main()
