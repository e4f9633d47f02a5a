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
