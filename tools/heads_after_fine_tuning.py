"""Write data/results/heads-after-imdb.json: what fine-tuning on IMDB changed in the heads of a model.

    python tools/heads_after_fine_tuning.py runs/imdb --record-of data/results/imdb-25000-mini.json

The folder is one that `bertnotes train --out` wrote, and the record that of the same run. Read are the course's own reviews.
"""

import sys

from of_a_run import carry_out, parser_of, rounded

from bertnotes.data import FIRST_REVIEWS, load_imdb_data
from bertnotes.heads import attention_moved, measure_heads
from bertnotes.models import load_encoder, load_tokenizer

MEASURES = ("entropy", "[CLS]", "[SEP]", "token before", "token after", "same word elsewhere")


def compare(before, after, reviews, tokens):
    """What moved and what was measured before and after, as numbers for a record."""
    tokenizer, old, new = load_tokenizer(before), load_encoder(before), load_encoder(after)
    texts, _ = load_imdb_data(FIRST_REVIEWS, sample=reviews, seed=7)
    measured = {name: measure_heads(model, tokenizer, texts, tokens) for name, model in (("before", old), ("after", new))}
    return {
        "reviews": reviews,
        "tokens": tokens,
        "moved": rounded(attention_moved(old, new, tokenizer, texts, tokens)),
        **{name: {key: rounded(scores[key]) for key in MEASURES} for name, scores in measured.items()},
    }


def find(options, run):
    """What the options ask for."""
    found = compare(options.before, options.folder, options.reviews, options.tokens)
    print(f"moved most {max(map(max, found['moved']))}")
    return found


def main(arguments=None):
    """Read the command line and do what it says; returns the exit status."""
    parser = parser_of(__doc__, "heads-after-imdb.json")
    parser.add_argument("--before", default="mini", help="the model that it was fine-tuned from")
    parser.add_argument("--reviews", type=int, default=200)
    parser.add_argument("--tokens", type=int, default=64, help="a review is cut to so many")
    return carry_out("heads_after_fine_tuning", parser, arguments, find)


if __name__ == "__main__":
    sys.exit(main())
