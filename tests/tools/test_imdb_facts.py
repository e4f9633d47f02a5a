"""What is said of IMDB is counted rightly, on eight reviews that are easy to count."""

import imdb_facts
import pandas as pd
import pytest

from bertnotes.experiments.records import pack_flags, unpack_flags
from bertnotes.models import load_tokenizer


@pytest.fixture(scope="module")
def tokenizer(tiny_checkpoint):
    return load_tokenizer(tiny_checkpoint)


TRAIN = pd.DataFrame({"review": ["good<br />film", "bad", "bad", "good " * 98], "sentiment": ["positive", "negative"] * 2})
TEST = pd.DataFrame(
    {"review": ["bad", "film", "not good", "good"], "sentiment": ["negative", "positive"] * 2, "rating": [1, 10, 4, 10]}
)


def test_facts_by_hand(tokenizer):
    """Lengths with [CLS] and [SEP]: 4, 3, 3, 100."""
    found = imdb_facts.facts(TRAIN, TEST, tokenizer)
    assert found["reviews"] == {"train": 4, "test": 4} and found["with_br"] == 0.25 and found["longest"] == 100
    assert found["copies_within_train"] == 1 and found["copies_within_test"] == 0 and found["test_reviews_in_train"] == 1
    assert found["reviews_cut"][64] == 0.25 and found["reviews_cut"][128] == 0
    assert found["tokens_lost"][64] == pytest.approx(36 / 110, abs=1e-4) and found["tokens_lost"][512] == 0


def test_traits_of_reviews():
    texts = ["I didn't like it.", "Good, but long.", "Noted.", "Never dull; nonetheless NOT good although short."]
    traits = imdb_facts.review_traits(texts, [5, 128, 129, 600], max_length=128)
    assert traits["with negation"].tolist() == [True, False, False, True]
    assert traits["with contrast"].tolist() == [False, True, False, True]
    assert traits["1 to 128 tokens"].tolist() == [True, True, False, False]
    assert traits["129 to 256 tokens"].tolist() == [False, False, True, False]
    assert traits["over 512 tokens"].tolist() == [False, False, False, True]
    assert traits["cut"].tolist() == [False, False, True, True]
    assert (traits["cut"] ^ traits["read whole"]).all()


def test_every_review_is_in_one_length_bucket():
    lengths = [1, 128, 129, 256, 257, 512, 513, 9000]
    traits = imdb_facts.review_traits(["x"] * len(lengths), lengths, 256)
    buckets = [name for name in traits if "token" in name]
    assert traits[buckets].sum(axis=1).eq(1).all() and traits[buckets].sum().eq(2).all()


def test_traits_come_back(tokenizer):
    found = imdb_facts.traits(TEST, tokenizer, max_length=3)
    flags = {name: unpack_flags(text, found["reviews"]).tolist() for name, text in found["slices"].items()}
    assert unpack_flags(found["labels"], 4).tolist() == [False, True, False, True]
    assert flags["with negation"] == [False, False, True, False] and flags["cut"] == [False, False, True, False]
    assert flags["rated 10"] == [False, True, False, True] and "rated 2" not in flags


@pytest.mark.parametrize("count", [0, 1, 8, 9, 17])
def test_flags_survive_packing(count):
    flags = [number % 3 == 0 for number in range(count)]
    assert unpack_flags(pack_flags(flags), count).tolist() == flags
