"""How good is it, how sure may we be of that, and where does it fail? Numbers from labels and predictions. Page 11.

Intervals are at 95 % unless asked otherwise. Efron & Tibshirani 1993, "An Introduction to the Bootstrap"; Guo et al. 2017, "On
Calibration of Modern Neural Networks"; McNemar 1947; Dietterich 1998, "Approximate Statistical Tests for Comparing Supervised
Classification Learning Algorithms".
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy import stats
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

PerClass = Float[np.ndarray, "review class"]


class Estimate(NamedTuple):
    """A measured value and its interval."""

    value: float
    low: float
    high: float

    def __str__(self):
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def paired(*columns):
    """The columns as arrays. Raises ValueError where they are empty, differ in length, hold nothing somewhere, or only some of
    them hold names."""
    columns = [np.atleast_1d(column.detach().cpu() if hasattr(column, "detach") else column) for column in columns]
    lengths = [len(column) for column in columns]
    if len(set(lengths)) != 1 or lengths[0] == 0:
        raise ValueError(f"labels and predictions belong together one by one; got {' and '.join(map(str, lengths))}")
    if any(pd.isna(column).any() for column in columns):
        raise ValueError("labels and predictions are there for each review; got None or NaN among them")
    if len({column.dtype.kind in "US" for column in columns}) > 1:
        kinds = " and ".join(str(column.dtype) for column in columns)
        raise ValueError(f"labels and predictions are both numbers or both names; got {kinds}")
    return columns


# --- how good ----------------------------------------------------------------------------------------------------------------


def wilson_interval(right, count, level=0.95):
    """The share of right answers and Wilson's interval of it: what `right` out of `count` tell of all reviews of this kind.

    Wilson 1927; it holds for few answers too, and near 0 and 1. Raises ValueError where right is no count from 0 to count.

    >>> print(wilson_interval(7, 10))
    0.700 (0.397 to 0.892)
    """
    if not 0 <= right <= count or count < 1 or right % 1 or count % 1:
        raise ValueError(f"of {count} answers, {right} cannot be right")
    interval = stats.binomtest(int(right), int(count)).proportion_ci(level, "wilson")
    return Estimate(right / count, interval.low, interval.high)


def accuracy(labels, predictions):
    """The share of right predictions."""
    labels, predictions = paired(labels, predictions)
    return (labels == predictions).mean()


def bootstrap(labels, predictions, measure=accuracy, resamples=1000, level=0.95, seed=0):
    """A measure and its interval, by drawing as many reviews again and again from those that there are (percentile method).

    measure: a function of labels and predictions. Returns an Estimate.
    """
    labels, predictions = paired(labels, predictions)
    generator = np.random.default_rng(seed)
    draws = (generator.integers(len(labels), size=len(labels)) for _ in range(resamples))
    values = [measure(labels[draw], predictions[draw]) for draw in draws]
    return Estimate(measure(labels, predictions), *np.quantile(values, [(1 - level) / 2, (1 + level) / 2]))


def bootstrap_mean(values, resamples=1000, level=0.95, seed=0):
    """The mean of a number for each review, and its interval in the same way: an Estimate."""
    return bootstrap(values, values, lambda values, _: values.mean(), resamples, level, seed)


def mean_interval(values, level=0.95):
    """The mean of a number for each review, and its interval by the standard error: an Estimate. Of differences in pairs, with
    1 where only ours is right and -1 where only theirs is, that is the interval of the lead.

    >>> print(mean_interval([1, 0, 0, 1, 0, -1, 0, 1, 0, 0]))
    0.200 (-0.192 to 0.592)
    """
    (values,) = paired(values)
    half = stats.norm.ppf((1 + level) / 2) * values.std(ddof=1) / len(values) ** 0.5
    return Estimate(values.mean(), values.mean() - half, values.mean() + half)


def mcnemar(labels, ours, theirs):
    """Do two systems differ on the same reviews by more than chance? Only reviews count on which just one of them is right.

    Returns (ours_only, theirs_only, p): how many those are, and the exact two-sided p-value, the probability of a split at
    least so uneven if each were as likely.
    """
    labels, ours, theirs = paired(labels, ours, theirs)
    ours_only = int(((ours == labels) & (theirs != labels)).sum())
    theirs_only = int(((ours != labels) & (theirs == labels)).sum())
    split = ours_only + theirs_only
    return ours_only, theirs_only, float(stats.binomtest(ours_only, split).pvalue) if split else 1.0


# --- how sure of itself ------------------------------------------------------------------------------------------------------


def reliability(labels, probabilities: PerClass, bins=10):
    """Is it right as often as it says? Answers in bins of equal width by the probability of the class that was named.

    Returns a DataFrame, a row for each bin that holds any: confidence (the mean probability in it), accuracy and count. Raises
    ValueError where rows do not sum to 1.
    """
    labels, probabilities = paired(labels, probabilities)
    if probabilities.ndim != 2 or not np.allclose(probabilities.sum(axis=1), 1, atol=1e-3):
        raise ValueError(f"probabilities are (review, class), each row sums to 1; got shape {probabilities.shape}")
    confidence = probabilities.max(axis=1)
    answers = pd.DataFrame({"confidence": confidence, "accuracy": probabilities.argmax(axis=1) == labels})
    groups = answers.groupby(np.minimum((confidence * bins).astype(int), bins - 1))
    return groups.mean().assign(count=groups.size())


def calibration_error(labels, probabilities: PerClass, bins=10):
    """Expected calibration error: how far confidence and accuracy lie apart, on average over answers (Guo et al. 2017, 3)."""
    table = reliability(labels, probabilities, bins)
    return float((table["count"] * (table["confidence"] - table["accuracy"]).abs()).sum() / table["count"].sum())


def negative_log_likelihood(labels, logits: PerClass, temperature=1.0):
    """The mean surprise at the right class, in nats, when logits are divided by a temperature."""
    labels, logits = paired(labels, logits)
    return float(-log_softmax(logits.astype(float) / temperature, axis=1)[np.arange(len(labels)), labels].mean())


def best_temperature(labels, logits: PerClass):
    """The temperature that makes validation answers least surprising: above 1 where a model is too sure (Guo et al. 2017, 4.2).

    Dividing logits by it leaves every verdict as it is.
    """
    return float(minimize_scalar(lambda at: negative_log_likelihood(labels, logits, at), bounds=(0.05, 20)).x)


def probabilities_of(logits: PerClass, temperature=1.0) -> PerClass:
    """Logits as probabilities, softened or sharpened by a temperature."""
    return softmax(np.asarray(logits, dtype=float) / temperature, axis=1)


# --- where it fails ----------------------------------------------------------------------------------------------------------


def slices(values, traits):
    """The mean of a number for each review on each slice of the reviews: {slice: Estimate}, of slices that hold two or more.

    traits: {slice: bool, (review,)}.
    """
    (values,) = paired(values)
    groups = {name: values[np.asarray(members, dtype=bool)] for name, members in traits.items()}
    return {name: mean_interval(group) for name, group in groups.items() if len(group) > 1}
