"""Write data/results/attribution-imdb.json: ways to explain the verdicts of a model fine-tuned on IMDB, put to the test.

    python tools/attribution_on_imdb.py runs/imdb --record-of data/results/imdb-mini-256-head+tail-seed0.json

The folder is one that `bertnotes train --out` wrote, and the record that of the same run. Explained are reviews that it was
validated on, drawn from those that it can read whole: 15 minutes for 100 reviews on two cores. Notebook 10 shows what came out.
"""

import argparse
import json
import random
import sys
from pathlib import Path

from check import ROOT

from bertnotes.attribution import METHODS, agreement, deletion_curves, explain
from bertnotes.classifier import BERTClassifier
from bertnotes.data import load_imdb_data, split_validation
from bertnotes.record import pack_flags, write_record

SHARES = (0, 0.1, 0.2, 0.3, 0.5)
YARDSTICK = "occlusion"


def validation_reviews(data, size, run):
    """The reviews that a run was validated on. Raises ValueError where the record shows that it was validated on others."""
    _, texts, _, labels = split_validation(*load_imdb_data(data), size, run["config"]["seed"])
    if pack_flags(labels) != run["validation_labels"]:
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
    curves = deletion_curves(model, tokenizer, explained, SHARES)
    others = ["random", *(name for name in METHODS if name != YARDSTICK)]
    return {
        "tokens": [one.ids.shape[1] for one in explained],
        "shares": SHARES,
        "curves": {name: [rounded(row) for row in rows] for name, rows in curves.items()},
        f"agreement with {YARDSTICK}": {name: rounded(agreement(explained, name, YARDSTICK)) for name in others},
    }


def rounded(values):
    """A tensor (n,) as a list, four digits behind the point."""
    return [round(value, 4) for value in values.tolist()]


def main(arguments=None):
    """Read the command line and do what it says; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the fine-tuned model")
    parser.add_argument("--record-of", type=Path, required=True, help="the record of the run that made it")
    parser.add_argument("--data", type=Path, default=ROOT / "data" / "imdb" / "train.csv.xz", help="the reviews it was given")
    parser.add_argument("--validation", type=int, default=2000, help="how many of them were held out, as the run was told")
    parser.add_argument("--reviews", type=int, default=100)
    parser.add_argument("--tokens", type=int, default=256, help="the longest review to explain")
    parser.add_argument("--out", type=Path, default=ROOT / "data" / "results" / "attribution-imdb.json")
    options = parser.parse_args(arguments)
    try:
        run = json.loads(options.record_of.read_text(encoding="utf-8"))
        model, tokenizer = BERTClassifier.from_pretrained(options.folder)
        texts = validation_reviews(options.data, options.validation, run)
        texts = short_enough(texts, tokenizer, options.reviews, options.tokens)
    except KeyError as error:
        print(f"attribution_on_imdb: {options.record_of} has no {error}; `bertnotes train --record` writes it", file=sys.stderr)
        return 2
    except (OSError, ValueError) as error:
        print(f"attribution_on_imdb: {error}", file=sys.stderr)
        return 2
    found = put_to_the_test(model, tokenizer, texts, options.tokens)
    command = f"python tools/attribution_on_imdb.py {options.folder} --record-of {options.record_of}"
    told = {key: run[key] for key in ("train_reviews", "accuracy")}
    write_record(options.out, command=command, run=options.record_of.name, **told, reviews=len(texts), **found)
    print(f"{options.out}: {len(texts)} reviews, {sum(found['tokens'])} tokens")
    return 0


if __name__ == "__main__":
    sys.exit(main())
