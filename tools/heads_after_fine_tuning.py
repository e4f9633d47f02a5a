"""Write data/results/heads-after-imdb.json: what fine-tuning on IMDB changed in the heads of a model. Notebook 07 shows it.

    python tools/heads_after_fine_tuning.py runs/imdb --record-of data/results/imdb-25000-mini.json

The folder is one that `bertnotes train --out` wrote, and the record that of the same run. Read are the course's own reviews.
"""

import argparse
import json
import sys
from pathlib import Path

from check import ROOT

from bertnotes.data import REVIEWS, load_imdb_data
from bertnotes.heads import attention_moved, measure_heads
from bertnotes.models import load_encoder, load_tokenizer
from bertnotes.record import write_record

MEASURES = ("entropy", "[CLS]", "[SEP]", "token before", "token after", "same word elsewhere")


def compare(before, after, reviews, tokens):
    """What moved and what was measured before and after, as numbers for a record."""
    tokenizer, old, new = load_tokenizer(before), load_encoder(before), load_encoder(after)
    texts, _ = load_imdb_data(REVIEWS, sample=reviews, seed=7)
    measured = {name: measure_heads(model, tokenizer, texts, tokens) for name, model in (("before", old), ("after", new))}
    return {
        "reviews": reviews,
        "tokens": tokens,
        "moved": rounded(attention_moved(old, new, tokenizer, texts, tokens)),
        **{name: {key: rounded(scores[key]) for key in MEASURES} for name, scores in measured.items()},
    }


def rounded(scores):
    """A tensor (layer, head) as lists, four digits behind the point."""
    return [[round(value, 4) for value in row] for row in scores.tolist()]


def main(arguments=None):
    """Read the command line and do what it says; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the fine-tuned model")
    parser.add_argument("--record-of", type=Path, required=True, help="the record of the run that made it")
    parser.add_argument("--before", default="mini", help="the model that it was fine-tuned from")
    parser.add_argument("--reviews", type=int, default=200)
    parser.add_argument("--tokens", type=int, default=64, help="a review is cut to so many")
    parser.add_argument("--out", type=Path, default=ROOT / "data" / "results" / "heads-after-imdb.json")
    options = parser.parse_args(arguments)
    try:
        run = json.loads(options.record_of.read_text(encoding="utf-8"))
        found = compare(options.before, options.folder, options.reviews, options.tokens)
    except (OSError, ValueError) as error:
        print(f"heads_after_fine_tuning: {error}", file=sys.stderr)
        return 2
    command = f"python tools/heads_after_fine_tuning.py {options.folder} --record-of {options.record_of}"
    told = {key: run[key] for key in ("train_reviews", "accuracy")}
    write_record(options.out, command=command, run=options.record_of.name, **told, **found)
    print(f"{options.out}: moved most {max(map(max, found['moved']))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
