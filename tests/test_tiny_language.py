"""The language that we know all about: its rules, its best scores by hand, and an exam with the same shares."""

import math

import pytest
import torch

from bertnotes.readers import ElmoReader, causal_mask
from bertnotes.tiny_language import HIDES_WORDS, TinyLanguage, half_of_each, new_reader


@pytest.fixture(scope="module")
def language():
    return TinyLanguage()


def test_its_size_and_its_rules(language):
    texts = [language.decode(row) for row in language.ids.tolist()]
    assert len(set(texts)) == len(texts) == 12 * 2 * 2 * 12 * 2 and len(language.words) == 26
    assert "a critic loves the film but an actor hates it" in texts
    for text, times in zip(texts, language.times.tolist(), strict=True):
        words = text.split()
        assert (words[5] == "and") == (words[2] == words[8]) and times == 3 ** words.count("loves")
        assert (words[0] == "an") == (words[1][0] in "aeu") and (words[9] == "it") == (words[4] == "film")


def test_best_scores_by_hand(language):
    """a / an: a coin from the left. and / but: three in four. it / them: certain. With both sides in view all are certain."""
    assert [language.best_score(position, "left") for position in (1, 6, 10)] == [0.5, 0.75, 1.0]
    assert [language.best_score(position, "both") for position in (1, 6, 10)] == [1.0, 1.0, 1.0]


def test_the_lowest_loss_by_hand(language):
    """Of eleven words: two of twelve people (article and noun), two verbs, a thing; once they are known the rest is certain."""
    verb = -(3 / 4 * math.log(3 / 4) + 1 / 4 * math.log(1 / 4))
    assert language.best_loss() == pytest.approx((2 * math.log(12) + 2 * verb + math.log(2)) / 11)


def test_the_lowest_loss_of_one_word_by_hand(language):
    """A link: unknown with no verb in view 5 to 3, with one of them 3 to 1, with both certain."""

    def entropy(p):
        return -p * math.log(p) - (1 - p) * math.log(1 - p)

    assert language.surprise(6, []) == pytest.approx(entropy(5 / 8), abs=1e-6)
    assert language.surprise(6, [3]) == pytest.approx(entropy(3 / 4), abs=1e-6)
    assert language.surprise(6, range(6)) == pytest.approx(entropy(3 / 4), abs=1e-6)
    assert language.surprise(6, [9, 3]) == language.surprise(4, []) == 0
    assert language.surprise(2, []) == pytest.approx(math.log(12), abs=1e-6)


def test_the_exam_is_new_and_has_the_shares_of_the_language(language):
    read, exam = ({tuple(row) for row in part.tolist()} for part in (language.reading, language.exam))
    assert not read & exam and (len(read), len(exam)) == (576, 576)
    hates = (language.exam[:, [3, 9]] == language.number["hates"]).all(dim=1)
    assert hates.double().mean() == 1 / 16
    for position, word, share in ((1, "a", 1 / 2), (6, "and", 5 / 8), (10, "it", 1 / 2), (3, "loves", 3 / 4)):
        assert (language.exam[:, position] == language.number[word]).double().mean() == share
    assert torch.equal(half_of_each(["x"] * 4 + ["y"] * 2, 1), half_of_each(["x"] * 4 + ["y"] * 2, 1))
    assert int(half_of_each(["x"] * 4 + ["y"] * 2, 1)[:4].sum()) == 2


def test_what_may_be_seen_is_left_or_both(language):
    with pytest.raises(ValueError, match='"left" or "both"; got \'right\''):
        language.best_score(1, "right")


def test_new_readers_are_small_equal_and_drawn_by_seed(language):
    """All kinds have the same size within a tenth, and the same seed gives the same parameters."""
    readers = {kind: new_reader(kind, language, seed=1) for kind in ("ELMo", "GPT", *HIDES_WORDS)}
    sizes = [sum(parameter.numel() for parameter in reader.parameters()) for reader in readers.values()]
    assert max(sizes) < 1.1 * min(sizes) and isinstance(readers["ELMo"], ElmoReader)
    assert {type(reader) for reader in readers.values()} >= set(HIDES_WORDS.values())
    for kind, reader in readers.items():
        same, other = (new_reader(kind, language, seed=seed).word.weight for seed in (1, 2))
        assert torch.equal(reader.word.weight, same) and not torch.equal(reader.word.weight, other)
    assert torch.equal(readers["hybrid"].mask(12), causal_mask(12)) and len(readers["BERT"].layers) == 2
    assert len(new_reader("GPT", language, num_layers=1).layers) == 1
    with pytest.raises(ValueError, match=r"a reader is ELMo, GPT, BERT, .*; got 'XLNet'"):
        new_reader("XLNet", language)


def test_words_in_and_out(language):
    ids = language.encode("an actor hates the films and a critic hates them")
    assert language.words[ids[0]] == "[CLS]" and language.decode(ids) == "an actor hates the films and a critic hates them"
    with pytest.raises(ValueError, match="not in the language: dog; it has a, actor"):
        language.encode("a dog loves the film")
