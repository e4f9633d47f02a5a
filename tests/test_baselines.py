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


@pytest.mark.parametrize("labels", [[1, 1, 1, 1], [0, 1, 2, 0]])
def test_other_than_two_classes(labels):
    with pytest.raises(ValueError, match="tells two classes apart; got"):
        NaiveBayesSVM().fit(COUNTS, labels)


@pytest.mark.parametrize("make", [tfidf_logistic_regression, nbsvm])
def test_words_decide_toy_reviews(make):
    model = make().fit(TEXTS, LABELS)
    assert model.score(TEXTS, LABELS) == 1 and list(model.predict(["a great film", "a dull film"])) == [1, 0]


def test_the_strongest_words_of_toy_reviews():
    found = strongest_words(tfidf_logistic_regression().fit(TEXTS, LABELS), count=4)
    assert set(found["negative"]) <= {"bad", "worst", "dull", "poor", "bad bad", "worst worst", "dull dull", "poor poor"}
    assert len(found["positive"]) == 4 and not set(found["positive"]) & set(found["negative"])


def test_the_majority_is_named_whatever_the_text():
    assert majority_class().fit(["a", "b", "c"], [0, 1, 1]).predict(["d", "e"]).tolist() == [1, 1]


def test_punctuation_counts():
    words = nbsvm().fit(["good!", "bad?"], [1, 0])[-2].get_feature_names_out()
    assert {"!", "?", "good", "good !", "bad ?"} == set(words) - {"bad"}
