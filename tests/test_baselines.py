"""The classical systems: naive Bayes ratios by hand, the paper's formula at its two ends, and verdicts on toy reviews."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.svm import LinearSVC
from toy import LABELS, TEXTS

from bertnotes.baselines import NaiveBayesSVM, majority_class, nbsvm, strongest_words, tfidf_logistic_regression

COUNTS = csr_matrix([[1, 0, 1], [1, 0, 0], [0, 1, 1], [0, 1, 0]])
SIDES = [1, 1, 0, 0]


def test_ratios_by_hand():
    """Feature 0 is in two positive reviews and no negative one: (2 + 1) / 6 over (0 + 1) / 6; feature 2 in one of each."""
    ratio = NaiveBayesSVM().fit(COUNTS, SIDES).ratio_
    assert ratio == pytest.approx([np.log(3), -np.log(3), 0])


def test_with_beta_0_only_the_ratios_speak():
    """All features then weigh the same: naive Bayes, but for its prior."""
    model = NaiveBayesSVM(beta=0).fit(COUNTS, SIDES)
    assert len(set(model.weights_)) == 1
    assert model.decision_function(COUNTS) == pytest.approx(COUNTS @ model.ratio_ * model.weights_[0])


def test_with_beta_1_it_is_the_machine():
    model = NaiveBayesSVM(beta=1).fit(COUNTS, SIDES)
    scaled = COUNTS.multiply(model.ratio_).tocsr()
    machine = LinearSVC(C=0.1).fit(scaled, [True, True, False, False])
    assert model.decision_function(COUNTS) == pytest.approx(machine.decision_function(scaled), abs=1e-6)


def test_one_class_alone():
    with pytest.raises(ValueError, match=r"tells classes apart; got one alone: \[.*1.*\]"):
        NaiveBayesSVM().fit(COUNTS, [1, 1, 1, 1])


@pytest.mark.parametrize("names", [(0, 1, 2), ("b", "a", "c")])
def test_of_more_classes_each_stands_against_the_rest(names):
    """The machine of a class is the one that tells it from all others, and the surest decides."""
    draw = np.random.default_rng(0)
    counts, kinds = csr_matrix(draw.integers(0, 2, (40, 6))), draw.integers(0, 3, 40)
    labels = np.array(names)[kinds]
    model = NaiveBayesSVM().fit(counts, labels)
    assert list(model.classes_) == sorted(names)
    alone = [NaiveBayesSVM().fit(counts, (labels == name).astype(int)).decision_function(counts) for name in model.classes_]
    assert model.decision_function(counts) == pytest.approx(np.stack(alone, axis=1))
    assert model.predict(counts).tolist() == model.classes_[np.stack(alone, axis=1).argmax(axis=1)].tolist()
    machine = LinearSVC(C=0.1).fit(
        counts.multiply(ratio_of(counts, labels == model.classes_[0])).tocsr(), labels == model.classes_[0]
    )
    weights, ratio = machine.coef_[0], ratio_of(counts, labels == model.classes_[0])
    by_hand = (counts.toarray() * ratio) @ (0.75 * np.abs(weights).mean() + 0.25 * weights) + 0.25 * machine.intercept_[0]
    assert model.decision_function(counts)[:, 0] == pytest.approx(by_hand, abs=1e-6)


def ratio_of(counts, inside):
    """The paper's r, with alpha 1: how much oftener each feature is in the class than in the rest, as a logarithm."""
    p, q = (1 + counts.toarray()[side].sum(axis=0) for side in (inside, ~inside))
    return np.log((p / p.sum()) / (q / q.sum()))


@pytest.mark.parametrize("make", [tfidf_logistic_regression, nbsvm])
def test_words_decide_among_five_classes(make):
    words = ["refund", "parcel", "login", "invoice", "colour"]
    texts = [f"{word} please {word} number {number}" for word in words for number in range(4)]
    labels = [label for label in range(5) for _ in range(4)]
    assert make().fit(texts, labels).predict([f"my {word}" for word in words]).tolist() == list(range(5))


@pytest.mark.parametrize("make", [tfidf_logistic_regression, nbsvm])
def test_words_decide_toy_reviews(make):
    model = make().fit(TEXTS, LABELS)
    assert model.score(TEXTS, LABELS) == 1 and list(model.predict(["a great film", "a dull film"])) == [1, 0]


def test_the_strongest_words_of_toy_reviews():
    found = strongest_words(tfidf_logistic_regression().fit(TEXTS, LABELS), count=4)
    assert set(found["negative"]) <= {"bad", "worst", "dull", "poor", "bad bad", "worst worst", "dull dull", "poor poor"}
    assert len(found["positive"]) == 4 and not set(found["positive"]) & set(found["negative"])


def test_the_strongest_words_of_three_classes():
    texts = ["good good cheap", "good good cheap", "bad bad dear", "bad bad dear", "so so fair", "so so fair"]
    model = tfidf_logistic_regression().fit(texts, [0, 0, 1, 1, 2, 2])
    found = strongest_words(model, ("praise", "blame", "neither"), count=2)
    assert {"good", "good good"} & set(found["praise"]) and {"bad", "bad bad"} & set(found["blame"])
    assert {"so", "so so"} & set(found["neither"]) and not set(found["praise"]) & set(found["blame"])
    with pytest.raises(ValueError, match="argument 2 is longer"):
        strongest_words(model, ("praise", "blame"))


def test_the_majority_is_named_whatever_the_text():
    assert majority_class().fit(["a", "b", "c"], [0, 1, 1]).predict(["d", "e"]).tolist() == [1, 1]


def test_punctuation_counts():
    words = nbsvm().fit(["good!", "bad?"], [1, 0])[-2].get_feature_names_out()
    assert {"!", "?", "good", "good !", "bad ?"} == set(words) - {"bad"}
