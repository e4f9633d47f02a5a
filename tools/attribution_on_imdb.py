"""Write data/results/attribution-imdb.json: ways to explain the verdicts of a model fine-tuned on IMDB, put to the test.

    python tools/attribution_on_imdb.py runs/imdb --record-of data/results/imdb-mini-256-head+tail-seed0.json

The folder is one that `bertnotes train --out` wrote, and the record that of the same run. Explained are reviews that it was
validated on, drawn from those that it can read whole: 15 minutes for 100 reviews on two cores. Notebook 11 shows what came out.
"""

import random
import sys
from pathlib import Path

from of_a_run import carry_out, parser_of, rounded
from results_table import field

from bertnotes.attribution import METHODS, SHARES, agreement, deletion_curves, explain
from bertnotes.classifier import BERTClassifier
from bertnotes.data import load_imdb_data, split_validation
from bertnotes.experiments.records import pack_flags
from bertnotes.files import DATA

YARDSTICK = "occlusion"


def validation_reviews(data, size, seed, expected):
    """The reviews that a run was validated on. expected: their labels, as its record packs them. Raises ValueError where these
    show that it was validated on others."""
    _, texts, _, labels = split_validation(*load_imdb_data(data), size, seed)
    if pack_flags(labels) != expected:
        raise ValueError(f"the run was not validated on {size} reviews of {data}; give the file and number that it was given")
    return texts


def short_enough(texts, tokenizer, count, tokens):
    """So many texts, drawn from those that have no more than `tokens` tokens. Raises ValueError where there are too few."""
    lengths = [len(ids) for ids in tokenizer(texts, truncation=True, max_length=tokens + 1)["input_ids"]]
    fitting = [text for text, length in zip(texts, lengths, strict=True) if length <= tokens]
    if len(fitting) < count:
        raise ValueError(f"{len(fitting)} of {len(texts)} reviews have no more than {tokens} tokens; {count} are asked for")
    return random.Random(0).sample(fitting, count)


def put_to_the_test(model, tokenizer, texts, tokens):
    """Deletion curves of every way and how it agrees with occlusion, review by review, as numbers for a record."""
    explained = explain(model, tokenizer, texts, max_length=tokens)
    curves = deletion_curves(model, tokenizer, explained)
    others = ["random", *(name for name in METHODS if name != YARDSTICK)]
    return {
        "tokens": [one.ids.shape[1] for one in explained],
        "shares": SHARES,
        "curves": {name: rounded(rows) for name, rows in curves.items()},
        f"agreement with {YARDSTICK}": {name: rounded(agreement(explained, name, YARDSTICK)) for name in others},
    }


def find(options, run):
    """What the options ask for."""
    model, tokenizer = BERTClassifier.from_pretrained(options.folder)
    seed, labels = field(options.record_of, run, "config.seed"), field(options.record_of, run, "validation_labels", str)
    texts = validation_reviews(options.data, options.validation, seed, labels)
    texts = short_enough(texts, tokenizer, options.reviews, options.tokens)
    return {"reviews": len(texts), **put_to_the_test(model, tokenizer, texts, options.tokens)}


def main(arguments=None):
    """Read the command line and do what it says; returns the exit status."""
    parser = parser_of(__doc__, "attribution-imdb.json")
    parser.add_argument("--data", type=Path, default=DATA / "imdb" / "train.csv.xz", help="the reviews it was given")
    parser.add_argument("--validation", type=int, default=2000, help="how many of them were held out, as the run was told")
    parser.add_argument("--reviews", type=int, default=100)
    parser.add_argument("--tokens", type=int, default=256, help="the longest review to explain")
    return carry_out("attribution_on_imdb", parser, arguments, find)


if __name__ == "__main__":
    sys.exit(main())
