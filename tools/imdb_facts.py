"""Count what notebooks 09 and 11 say of full IMDB. Writes data/results/imdb_facts.json and imdb_test_traits.json.

The first: lengths, copies, what a cut throws away. The second: of each test review, in the order of the file, its label and
which slices it belongs to, so that stored verdicts can be taken apart without the reviews.

python tools/imdb_facts.py [--data data/imdb]
"""

import argparse
import re
from pathlib import Path

import numpy as np
import pandas as pd

from bertnotes.data import clean_review
from bertnotes.experiments.records import pack_flags, write_record
from bertnotes.files import DATA, RESULTS
from bertnotes.models import load_tokenizer

LENGTHS = (64, 128, 256, 512)
NEGATION = re.compile(r"\b(?:not|no|never|nothing|nobody|none|neither|nor|hardly|without)\b|n't\b", re.IGNORECASE)
CONTRAST = re.compile(r"\b(?:but|however|although|though|despite|yet|still|nevertheless|while)\b", re.IGNORECASE)


def facts(train, test, tokenizer):
    """What is to be said of both splits, frames with a column review as the original has it: a dict."""
    texts = {name: frame["review"].map(clean_review).tolist() for name, frame in (("train", train), ("test", test))}
    tokens = np.array([len(ids) for ids in tokenizer(texts["train"], verbose=False)["input_ids"]])
    within = {f"copies_within_{name}": len(found) - len(set(found)) for name, found in texts.items()}
    known = set(texts["train"])
    return {
        "reviews": {name: len(found) for name, found in texts.items()},
        "with_br": round(float(train["review"].str.contains("<br", regex=False).mean()), 4),
        "tokens": {f"{share}%": int(np.percentile(tokens, share)) for share in (1, 10, 25, 50, 75, 90, 99)},
        "longest": int(tokens.max()),
        "reviews_cut": {length: round(float((tokens > length).mean()), 4) for length in LENGTHS},
        "tokens_lost": {length: round(float(1 - np.minimum(tokens, length).sum() / tokens.sum()), 4) for length in LENGTHS},
        **within,
        "test_reviews_in_train": sum(text in known for text in texts["test"]),
    }


def review_traits(texts, lengths, max_length, ratings=None):
    """What may make a review hard: a DataFrame of bool, a row for each review, a column for each slice.

    lengths: tokens of each review before truncation to max_length. ratings: the stars that its author gave, from 1 to 10.
    """
    texts, lengths = list(texts), np.asarray(lengths)
    buckets = ((0, 128), (128, 256), (256, 512))
    traits = {f"{low + 1} to {high} tokens": (low < lengths) & (lengths <= high) for low, high in buckets}
    traits |= {"over 512 tokens": lengths > 512, "read whole": lengths <= max_length, "cut": lengths > max_length}
    for name, pattern in (("negation", NEGATION), ("contrast", CONTRAST)):
        found = np.array([bool(pattern.search(text)) for text in texts])
        traits |= {f"with {name}": found, f"without {name}": ~found}
    if ratings is not None:
        ratings = np.asarray(ratings)
        traits |= {f"rated {stars}": ratings == stars for stars in sorted(set(ratings.tolist()))}
    return pd.DataFrame(traits)


def traits(test, tokenizer, max_length=256):
    """The labels and the slices of the test reviews, packed: a dict."""
    texts = test["review"].map(clean_review).tolist()
    lengths = [len(ids) for ids in tokenizer(texts, verbose=False)["input_ids"]]
    ratings = test["rating"].astype(int) if "rating" in test else None
    found = review_traits(texts, lengths, max_length, ratings)
    labels = test["sentiment"].eq("positive")
    slices = {name: pack_flags(found[name]) for name in found}
    return {"reviews": len(texts), "max_length": max_length, "labels": pack_flags(labels), "slices": slices}


def main(words=None):
    """Count and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA / "imdb")
    folder = parser.parse_args(words).data
    train, test = (pd.read_csv(folder / f"{split}.csv.xz", keep_default_na=False) for split in ("train", "test"))
    tokenizer = load_tokenizer("mini")
    found, said = facts(train, test, tokenizer), {"command": "python tools/imdb_facts.py", "model": "mini"}
    write_record(RESULTS / "imdb_facts.json", **said, **found)
    write_record(RESULTS / "imdb_test_traits.json", **said, **traits(test, tokenizer))
    print(found)


if __name__ == "__main__":
    main()
