"""Write data/results/verdicts-on-reviews.json: what a model fine-tuned on IMDB says of the course's own reviews. Notebook 10.

    python tools/verdicts_on_reviews.py runs/imdb --record-of data/results/imdb-mini-256-head+tail-seed0.json

The folder is one that `bertnotes train --out` wrote, and the record that of the same run. Unlike IMDB's, these reviews may be
shown.
"""

import argparse
import json
import sys
from pathlib import Path

from check import ROOT

from bertnotes.classifier import BERTClassifier, predict_probabilities
from bertnotes.data import REVIEWS, load_imdb_data
from bertnotes.files import hash_of
from bertnotes.record import pack_probabilities, write_record


def main(arguments=None):
    """Read the command line and do what it says; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the fine-tuned model")
    parser.add_argument("--record-of", type=Path, required=True, help="the record of the run that made it")
    parser.add_argument("--data", type=Path, default=REVIEWS, help="CSV with the columns review and sentiment")
    parser.add_argument("--out", type=Path, default=ROOT / "data" / "results" / "verdicts-on-reviews.json")
    options = parser.parse_args(arguments)
    try:
        run = json.loads(options.record_of.read_text(encoding="utf-8"))
        told = {name: run[name] for name in ("train_reviews", "accuracy")}
        length, keep = run["config"]["max_length"], run["config"]["keep"]
        model, tokenizer = BERTClassifier.from_pretrained(options.folder)
        texts, labels = load_imdb_data(options.data)
    except KeyError as error:
        print(f"verdicts_on_reviews: {options.record_of} has no {error}; `bertnotes train --record` writes it", file=sys.stderr)
        return 2
    except (OSError, ValueError) as error:
        print(f"verdicts_on_reviews: {error}", file=sys.stderr)
        return 2
    positive = predict_probabilities(texts, model, tokenizer, max_length=length, keep=keep)[:, 1].numpy()
    right = int(((positive > 0.5) == labels).sum())
    command = f"python tools/verdicts_on_reviews.py {options.folder} --record-of {options.record_of}"
    found = {"data": hash_of(options.data), "reviews": len(texts), "right": right, "positive": pack_probabilities(positive)}
    write_record(options.out, command=command, run=options.record_of.name, **told, **found)
    print(f"{options.out}: {right} of {len(texts)} right")
    return 0


if __name__ == "__main__":
    sys.exit(main())
