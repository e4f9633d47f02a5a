"""Token ids are worked out once, found by content, and never wrong: whatever lies in the cache."""

import pytest

from bertnotes import tokens
from bertnotes.batching import TextClassificationDataset
from bertnotes.models import load_tokenizer
from bertnotes.tokens import content_hash, keep, read_kept, token_ids

TEXTS = ["a good film", "film", "the cast is bad , bad"]
EXPECTED_LENGTHS = [5, 3, 8]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, and three reviews are many."""
    monkeypatch.setenv("BERTNOTES_CACHE", str(tmp_path))
    monkeypatch.setattr(tokens, "MANY", 3)
    return tmp_path / "tokens"


@pytest.fixture
def tokenizer(tiny_checkpoint):
    """A tokenizer of its own, for tests that change it."""
    return load_tokenizer(tiny_checkpoint)


def uncalled(*_, **__):
    raise AssertionError("tokenised again")


def test_ids_are_the_tokenizers_and_come_from_disk_the_second_time(cache, tokenizer, monkeypatch):
    first = token_ids(TEXTS, tokenizer)
    assert first == tokenizer(TEXTS)["input_ids"] and list(map(len, first)) == EXPECTED_LENGTHS
    assert [path.stem for path in cache.iterdir()] == [content_hash(TEXTS, tokenizer)]
    monkeypatch.setattr(type(tokenizer), "__call__", uncalled)
    assert token_ids(TEXTS, tokenizer) == first
    assert TextClassificationDataset(TEXTS, [0, 1, 0], tokenizer, 16).ids == first
    with pytest.raises(AssertionError, match="tokenised again"):
        token_ids(TEXTS[::-1], tokenizer)


def test_few_texts_leave_nothing_behind(cache, tokenizer):
    assert token_ids(TEXTS[:2], tokenizer) == tokenizer(TEXTS[:2])["input_ids"] and token_ids([], tokenizer) == []
    assert not cache.exists()


def test_another_tokenizer_has_another_hash(tokenizer):
    before = content_hash(TEXTS, tokenizer)
    tokenizer.add_tokens(["film!"])
    assert content_hash(TEXTS, tokenizer) != before != content_hash(TEXTS[:2], tokenizer)


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_damaged_file_is_made_anew(cache, tokenizer, damage):
    first = token_ids(TEXTS, tokenizer)
    (path,) = cache.iterdir()
    path.write_bytes(path.read_bytes()[:-3] if damage is None else damage)
    assert read_kept(path) is None
    assert token_ids(TEXTS, tokenizer) == first == read_kept(path)


def test_a_folder_that_cannot_be_made_costs_nothing_but_time(tmp_path, tokenizer, monkeypatch):
    monkeypatch.setattr(tokens, "MANY", 1)
    (tmp_path / "file").touch()
    monkeypatch.setenv("BERTNOTES_CACHE", str(tmp_path / "file"))
    assert token_ids(TEXTS, tokenizer) == tokenizer(TEXTS)["input_ids"]


def test_the_oldest_go(tmp_path, monkeypatch):
    monkeypatch.setattr(tokens, "KEPT", 2)
    for number in range(4):
        keep(tmp_path / f"{number}.safetensors", [[number]])
        assert read_kept(tmp_path / f"{number}.safetensors") == [[number]]
    assert len(list(tmp_path.iterdir())) == 2
