"""Pictures of results: accuracies with their intervals, confidence against accuracy, curves with their spread. Notebook 11.

In the style of plots.py; each returns its Axes.
"""

import matplotlib.pyplot as plt
import numpy as np

from bertnotes.plots import BLUE, INK, ORANGE, _quieten

STYLES = ((BLUE, "o", "-"), (ORANGE, "s", "--"), (INK, "^", ":"), (BLUE, "v", "-."), (ORANGE, "D", ":"), ("#8b949e", "", "-"))


def interval_chart(tables, title=None, ax=None):
    """Draw an accuracy and its interval for each slice of the reviews, one row a slice, one mark for each system.

    tables: {system: DataFrame with reviews, accuracy, low, high, a row for each slice}, as `evaluation.slices` gives it, two
    systems at most; the slices are those of the first. Raises ValueError where there are more systems.
    """
    if not 1 <= len(tables) <= 2:
        raise ValueError(f"the chart tells one or two systems apart; got {len(tables)}")
    first = next(iter(tables.values()))
    if ax is None:
        _, ax = plt.subplots(figsize=(8, 1 + 0.34 * len(first)), layout="constrained", facecolor="white")
    for number, ((name, table), (color, marker, _)) in enumerate(zip(tables.items(), STYLES, strict=False)):
        table = table.loc[first.index]
        places = np.arange(len(table)) + 0.22 * (number - (len(tables) - 1) / 2)
        errors = [table["accuracy"] - table["low"], table["high"] - table["accuracy"]]
        ax.errorbar(table["accuracy"], places, xerr=errors, fmt=marker, color=color, capsize=3, label=name)
    ax.set_yticks(range(len(first)), [f"{name} ({count:,})" for name, count in first["reviews"].items()])
    ax.invert_yaxis()
    if len(tables) > 1:
        ax.legend(frameon=False, labelcolor=INK, loc="lower left")
    return finished(ax, "accuracy, with its 95 % interval", title)


def difference_chart(differences, title=None, ax=None):
    """Draw by how many points of accuracy systems differ, with the intervals, one row each; the line at 0 is no difference.

    differences: {name: [Estimate, ...]}, one for each seed, in shares from -1 to 1, as `evaluation.paired_difference` gives
    them; the first name is at the top, and in its row the first seed.
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(8, 1 + 0.4 * len(differences)), layout="constrained", facecolor="white")
    ax.axvline(0, color="#8b949e", linewidth=1)
    for row, found in enumerate(differences.values()):
        places = row + 0.2 * (np.arange(len(found)) - (len(found) - 1) / 2)
        low, value, high = 100 * np.array([[one.low, one.value, one.high] for one in found]).T
        ax.errorbar(value, places, xerr=[value - low, high - value], fmt="o", markersize=4, color=BLUE, capsize=2)
    ax.set_yticks(range(len(differences)), list(differences))
    ax.set_ylim(len(differences) - 0.5, -0.5)
    return finished(ax, "points of accuracy, with the 95 % interval of the difference", title)


def reliability_chart(tables, title=None, ax=None):
    """Draw how often answers are right against how sure the system was; on the diagonal both agree.

    tables: {name: DataFrame with confidence and accuracy}, as `evaluation.reliability` gives it, three at most.
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(4.6, 4.2), layout="constrained", facecolor="white")
    ax.plot([0.5, 1], [0.5, 1], color="#8b949e", linewidth=1)
    for (name, table), (color, marker, line) in zip(tables.items(), STYLES, strict=False):
        ax.plot(table["confidence"], table["accuracy"], color=color, marker=marker, linestyle=line, label=name)
    ax.set_ylabel("share of them that is right", color=INK)
    ax.legend(frameon=False, labelcolor=INK)
    return finished(ax, "probability of the class that was named", title)


def deletion_chart(shares, curves, title=None, ax=None):
    """Draw deletion curves: what becomes of a verdict's probability when ever more tokens are hidden, the first-ranked first.

    shares: of the tokens; curves: {name: probabilities (text, share)}, whose means are drawn, six at most.
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(8, 3.6), layout="constrained", facecolor="white")
    for (name, rows), (color, marker, line) in zip(curves.items(), STYLES, strict=False):
        ax.plot(shares, np.asarray(rows).mean(axis=0), color=color, marker=marker, linestyle=line, label=name)
    ax.set_ylabel("probability of the verdict", color=INK)
    ax.legend(frameon=False, labelcolor=INK, loc="center left", bbox_to_anchor=(1, 0.5))  # beside: the curves are everywhere
    return finished(ax, "share of the tokens that is hidden", title)


def finished(ax, xlabel, title):
    """The Axes with its labels, and no more lines than needed."""
    ax.set_xlabel(xlabel, color=INK)
    if title:
        ax.set_title(title, loc="left", fontsize=12, color=INK)
    _quieten(ax)
    return ax
