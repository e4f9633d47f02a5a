"""Intervals, tests and calibration: by hand first, then against scipy, statistics and simulation."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score

from bertnotes.evaluation import (
    Estimate,
    accuracy,
    best_temperature,
    bootstrap,
    bootstrap_mean,
    calibration_error,
    mcnemar,
    mean_interval,
    negative_log_likelihood,
    probabilities_of,
    reliability,
    slices,
    wilson_interval,
)

ANSWERS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=60)

# ---- intervals ----


def test_wilson_by_hand():
    """8 of 10, z = 1.96: centre (0.8 + z²/20) / (1 + z²/10) = 0.7166, half width 0.2264."""
    z = stats.norm.ppf(0.975)
    centre, half = (0.8 + z**2 / 20) / (1 + z**2 / 10), z * math.sqrt(0.8 * 0.2 / 10 + z**2 / 400) / (1 + z**2 / 10)
    found = wilson_interval(8, 10)
    assert (found.low, found.high) == pytest.approx((centre - half, centre + half))


@pytest.mark.parametrize(("count", "width"), [(10, 0.5), (100, 0.2), (1000, 0.06), (25_000, 0.012)])
def test_more_reviews_narrow_it(count, width):
    found = wilson_interval(round(0.7 * count), count)
    assert 0.8 * width < found.high - found.low < 1.1 * width


@pytest.mark.parametrize("right", [0, 10])
def test_never_outside_0_and_1(right):
    found = wilson_interval(right, 10)
    assert 0 <= found.low <= found.value <= found.high <= 1 and found.high - found.low > 0.2


@pytest.mark.parametrize(("right", "count"), [(-1, 10), (11, 10), (0, 0), (0.5, 10), (5, 10.5), (float("nan"), 10)])
def test_counts_that_cannot_be(right, count):
    with pytest.raises(ValueError, match="cannot be right"):
        wilson_interval(right, count)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """Of 2,000 sets of 60 answers from a system that is right four times in five."""
    right = np.random.default_rng(0).binomial(60, 0.8, size=2000)
    covers = [wilson_interval(count, 60).low <= 0.8 <= wilson_interval(count, 60).high for count in right]
    assert 0.93 < np.mean(covers) < 0.97


def test_bootstrap_agrees_with_wilson_where_both_hold():
    labels = np.ones(2000, dtype=int)
    predictions = (np.arange(2000) < 1500).astype(int)
    found, wilson = bootstrap(labels, predictions), wilson_interval(1500, 2000)
    assert (found.value, found.low, found.high) == pytest.approx((0.75, wilson.low, wilson.high), abs=0.003)
    assert bootstrap(labels, predictions) == found, "the seed decides"
    assert bootstrap(labels, predictions, seed=1) != found


def test_bootstrap_of_another_measure():
    labels, predictions = np.arange(400) % 2, np.repeat([0, 1], 200)
    found = bootstrap(labels, predictions, f1_score)
    assert found.low < found.value == 0.5 < found.high


def test_an_estimate_reads_well():
    assert str(Estimate(0.91234, 0.9, 0.925)) == "0.912 (0.900 to 0.925)"


# ---- measures ----


@settings(max_examples=80, deadline=None)
@given(ANSWERS)
def test_accuracy_is_that_of_scikit_learn(answers):
    labels, predictions = map(list, zip(*answers, strict=True))
    assert accuracy(labels, predictions) == pytest.approx(accuracy_score(labels, predictions))


def test_bootstrap_of_a_mean_agrees_with_students_t():
    values = np.random.default_rng(0).normal(0.3, 2, 1000)
    found, expected = bootstrap_mean(values), stats.t.interval(0.95, 999, values.mean(), stats.sem(values))
    assert found.value == values.mean() and (found.low, found.high) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("function", [accuracy, bootstrap, lambda a, b: mcnemar(a, b, b), reliability])
@pytest.mark.parametrize("columns", [([], []), ([1, 0], [1])])
def test_columns_that_do_not_fit(function, columns):
    with pytest.raises(ValueError, match="belong together one by one; got"):
        function(*columns)


@pytest.mark.parametrize("function", [accuracy, bootstrap])
def test_answers_that_are_none_or_names_beside_numbers(function):
    """Each would count as wrong, and nobody would hear of it."""
    for labels, predictions, said in (
        ([0, 1], [0, None], "got None or NaN"),
        ([0, float("nan")], [0, 1], "got None or NaN"),
        ([0, 1], ["bad", "good"], "both numbers or both names"),
        ("01", [0], "both numbers or both names"),
    ):
        with pytest.raises(ValueError, match=said):
            function(labels, predictions)


def test_answers_of_any_kind():
    """A Series with an index of its own, and a tensor with a graph on it."""
    labels, predictions = pd.Series([1, 0, 1], index=[5, 3, 4]), torch.tensor([1.0, 1.0, 1.0], requires_grad=True)
    assert accuracy(labels, predictions) == pytest.approx(2 / 3) and str(accuracy(["a"], ["a"])) == "1.0"


# ---- two systems ----


def test_mcnemar_by_hand():
    """Ours alone is right 4 times, theirs once: P(4 or 5 of 5 heads) + P(0 or 1) = 12/32."""
    labels = np.ones(10, dtype=int)
    ours = np.array([1, 1, 1, 1, 0, 1, 1, 1, 0, 0])
    theirs = np.array([0, 0, 0, 0, 1, 1, 1, 1, 0, 0])
    assert mcnemar(labels, ours, theirs) == (4, 1, pytest.approx(12 / 32))
    assert mcnemar(labels, theirs, ours) == (1, 4, pytest.approx(12 / 32))


def test_mcnemar_of_a_system_with_itself():
    assert mcnemar([1, 0, 1], [1, 1, 1], [1, 1, 1]) == (0, 0, 1.0)


def test_mcnemar_sees_what_two_intervals_do_not():
    """The same errors but for 20 reviews of 2,000: plain when paired, lost when each accuracy stands alone."""
    labels = np.ones(2000, dtype=int)
    theirs = (np.arange(2000) >= 200).astype(int)
    ours = (np.arange(2000) >= 180).astype(int)
    assert mcnemar(labels, ours, theirs)[2] < 1e-5
    assert wilson_interval(1820, 2000).low < 0.9, "the intervals overlap"


def test_mean_interval_of_differences_by_hand():
    """400 reviews of 2,000 tell them apart, 300 for ours: 0.1 more, and the variance of its mean is (0.2 - 0.1²) / 1,999."""
    difference = np.repeat([1, -1, 0], [300, 100, 1600])
    found, half = mean_interval(difference), stats.norm.ppf(0.975) * (0.19 / 1999) ** 0.5
    assert found.value == pytest.approx(0.1) and (found.low, found.high) == pytest.approx((0.1 - half, 0.1 + half))
    assert mean_interval(-difference).value == -found.value and mean_interval(0 * difference) == Estimate(0, 0, 0)
    narrower = mean_interval(difference, level=0.5)
    assert narrower.high - narrower.low < 0.4 * (found.high - found.low)


def test_mean_interval_agrees_with_the_bootstrap():
    values = np.random.default_rng(0).normal(0.3, 2, 1000)
    assert mean_interval(values) == pytest.approx(bootstrap_mean(values), abs=0.02)


@settings(max_examples=40, deadline=None)
@given(ANSWERS)
def test_mcnemar_does_not_care_which_class_is_called_1(answers):
    labels, ours = (np.array(column) for column in zip(*answers, strict=True))
    theirs = np.roll(ours, 1)
    assert mcnemar(labels, ours, theirs) == mcnemar(1 - labels, 1 - ours, 1 - theirs)


# ---- calibration ----

BINS = np.array([[0.4, 0.6], [0.4, 0.6], [0.1, 0.9], [0.1, 0.9]])  # says 1 each time, at 0.6 twice and at 0.9 twice


def test_calibration_error_by_hand():
    """At 0.6 one of two is right: off by 0.1; at 0.9 both: off by 0.1. The mean of 0.1, 0.1, 0.1, 0.1."""
    assert calibration_error([1, 0, 1, 1], BINS) == pytest.approx(0.1)
    table = reliability([1, 0, 1, 1], BINS)
    assert table["count"].tolist() == [2, 2] and table["accuracy"].tolist() == [0.5, 1.0]
    assert table["confidence"].tolist() == pytest.approx([0.6, 0.9])


def test_certain_answers_have_a_bin_too():
    assert calibration_error([0, 1], np.eye(2)) == 0
    assert calibration_error([1, 0], np.eye(2)) == 1
    assert reliability([0, 1], np.eye(2)).index.tolist() == [9], "the last of ten"


def test_answers_drawn_as_often_as_they_say_are_calibrated():
    generator = np.random.default_rng(0)
    positive = generator.uniform(size=50_000)
    labels = (generator.uniform(size=50_000) < positive).astype(int)
    assert calibration_error(labels, np.stack([1 - positive, positive], axis=1)) < 0.01


@pytest.mark.parametrize("probabilities", [np.ones((2, 2)), np.array([0.5, 0.5])])
def test_rows_that_are_no_probabilities(probabilities):
    with pytest.raises(ValueError, match="each row sums to 1"):
        reliability([0, 1], probabilities)


@pytest.mark.parametrize("times", [0.5, 1, 3])
def test_the_temperature_undoes_what_makes_it_too_sure(times):
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(40_000, 2)) * 1.5
    labels = (generator.uniform(size=40_000) < probabilities_of(logits)[:, 1]).astype(int)
    assert best_temperature(labels, logits * times) == pytest.approx(times, rel=0.05)
    cooled = probabilities_of(logits * times, best_temperature(labels, logits * times))
    assert calibration_error(labels, cooled) < 0.02
    assert (cooled.argmax(1) == logits.argmax(1)).all(), "no verdict changes"


def test_likelihood_by_hand():
    assert negative_log_likelihood([0], np.array([[math.log(3), 0.0]])) == pytest.approx(math.log(4 / 3))
    assert negative_log_likelihood([0], np.array([[1000.0, 0.0]])) == 0, "no overflow"


# ---- slices ----


def test_slices_by_hand():
    traits = {"short": [True, True, False, False], "one": [True, False, False, False], "none": [False] * 4, "all": [True] * 4}
    found = slices([1, 0, 1, 0], traits)
    assert list(found) == ["short", "all"], "a slice of one review, or of none, has no interval"
    assert found["short"] == mean_interval([1, 0]) and found["all"].value == 0.5
