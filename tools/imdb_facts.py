"""Count what notebooks 09 and 11 say of full IMDB. Writes data/results/imdb_facts.json and imdb_test_traits.json.

The first: lengths, copies, what a cut throws away. The second: of each test review, in the order of the file, its label and
which slices it belongs to, so that stored verdicts can be taken apart without the reviews.

python tools/imdb_facts.py [--data data/imdb]
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from bertnotes.data import clean_review
from bertnotes.evaluation import review_traits
from bertnotes.experiments.records import pack_flags, write_record
from bertnotes.files import DATA, RESULTS
from bertnotes.models import load_tokenizer

LENGTHS = (64, 128, 256, 512)


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
