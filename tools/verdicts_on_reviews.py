"""Write data/results/verdicts-on-reviews.json: what a model fine-tuned on IMDB says of the course's own reviews. Notebook 11.

    python tools/verdicts_on_reviews.py runs/imdb --record-of data/results/imdb-mini-256-head+tail-seed0.json

The folder is one that `bertnotes train --out` wrote, and the record that of the same run. Unlike IMDB's, these reviews may be
shown.
"""

import sys
from pathlib import Path

from of_a_run import carry_out, parser_of
from results_table import field

from bertnotes.classifier import BERTClassifier, predict_probabilities
from bertnotes.data import REVIEWS, load_imdb_data
from bertnotes.experiments.records import pack_probabilities
from bertnotes.files import hash_of


def find(options, run):
    """The verdicts, packed, and how many of them are right."""
    length, truncation = (
        field(options.record_of, run, "config.max_length"),
        field(options.record_of, run, "config.truncation", str),
    )
    model, tokenizer = BERTClassifier.from_pretrained(options.folder)
    texts, labels = load_imdb_data(options.data)
    judged = predict_probabilities(texts, model, tokenizer, max_length=length, truncation=truncation, precision="fp32")
    positive = judged[:, 1].numpy()
    right = int(((positive > 0.5) == labels).sum())
    print(f"{right} of {len(texts)} right")
    return {"data": hash_of(options.data), "reviews": len(texts), "right": right, "positive": pack_probabilities(positive)}


def main(arguments=None):
    """Read the command line and do what it says; returns the exit status."""
    parser = parser_of(__doc__, "verdicts-on-reviews.json")
    parser.add_argument("--data", type=Path, default=REVIEWS, help="CSV with the columns review and sentiment")
    return carry_out("verdicts_on_reviews", parser, arguments, find)


if __name__ == "__main__":
    sys.exit(main())
