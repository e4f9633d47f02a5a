"""The language that we know all about: its rules, its best scores by hand, and an exam with the same shares."""

import math

import pytest
import torch

from bertnotes.tiny_language import TinyLanguage, half_of_each


@pytest.fixture(scope="module")
def language():
    return TinyLanguage()


def test_its_size_and_its_rules(language):
    texts = [language.decode(row) for row in language.ids.tolist()]
    assert len(set(texts)) == len(texts) == 6 * 2 * 2 * 6 * 2 and len(language.words) == 20
    assert "a critic loves the film but an actor hates it" in texts
    for text, times in zip(texts, language.times.tolist(), strict=True):
        words = text.split()
        assert (words[5] == "and") == (words[2] == words[8]) and times == 3 ** words.count("loves")
        assert (words[0] == "an") == (words[1][0] in "ae") and (words[9] == "it") == (words[4] == "film")


def test_best_scores_by_hand(language):
    """a / an: a coin from the left. and / but: three in four. it / them: certain. With both sides in view all are certain."""
    assert [language.best_score(position, "left") for position in (1, 6, 10)] == [0.5, 0.75, 1.0]
    assert [language.best_score(position, "both") for position in (1, 6, 10)] == [1.0, 1.0, 1.0]


def test_the_lowest_loss_by_hand(language):
    """Of eleven words: two of six people (article and noun), a verb, a thing, a link; the rest is certain."""
    verb = -(3 / 4 * math.log(3 / 4) + 1 / 4 * math.log(1 / 4))
    assert language.best_loss() == pytest.approx((2 * math.log(6) + 2 * verb + math.log(2)) / 11)


def test_the_exam_is_new_and_has_the_shares_of_the_language(language):
    read, exam = ({tuple(row) for row in part.tolist()} for part in (language.reading, language.exam))
    assert not read & exam and (len(read), len(exam)) == (160, 128)
    hates = (language.exam[:, [3, 9]] == language.number["hates"]).all(dim=1)
    assert hates.double().mean() == 1 / 16
    for position, word, share in ((1, "a", 1 / 2), (6, "and", 5 / 8), (10, "it", 1 / 2), (3, "loves", 3 / 4)):
        assert (language.exam[:, position] == language.number[word]).double().mean() == share
    assert torch.equal(half_of_each(["x"] * 4 + ["y"] * 2, 1), half_of_each(["x"] * 4 + ["y"] * 2, 1))
    assert int(half_of_each(["x"] * 4 + ["y"] * 2, 1)[:4].sum()) == 2


def test_words_in_and_out(language):
    ids = language.encode("an actor hates the films and a critic hates them")
    assert language.words[ids[0]] == "[CLS]" and language.decode(ids) == "an actor hates the films and a critic hates them"
    with pytest.raises(ValueError, match="not in the language: dog; it has a, actor"):
        language.encode("a dog loves the film")
