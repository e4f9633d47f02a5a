"""Pictures of results: curves of training, accuracies with their intervals, confidence against accuracy.

Pages 00 to 04, 06, 08 to 13.

Each function draws one picture and returns its Axes, or its Figure where it fills one.
"""

import time
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from bertnotes.pictures.style import AMOUNT, INK, finish, matrix, new_axes, own_style, plain, write_numbers, written

PALE = "#d8d8d8"  # for what is not there
FIRST, SECOND = "#44546a", "#a8326e"  # slate and magenta: blue and orange are queries and keys
STYLES = ((FIRST, "o", "-"), (SECOND, "s", "--"), (INK, "^", ":"), (FIRST, "v", "-."), (SECOND, "D", ":"), ("#8b949e", "", "-"))


@own_style
def estimate_chart(groups, xlabel: str, title: str | None = None, marks=None) -> Figure:
    """Draw shares with their intervals, in per cent: a panel for each group, a row for each name, the first at the top.

    groups: {group: {name: [Estimate, ...]}}, several of a name, such as seeds, one below the other; marks: {name: share},
    vertical lines.
    """
    rows = [len(found) for found in groups.values()]
    size, shape = (10, 1.4 + 0.4 * sum(rows) + 0.4 * len(rows)), {"height_ratios": rows, "layout": "constrained"}
    figure, axes = plt.subplots(len(rows), sharex=True, squeeze=False, figsize=size, **shape)
    for ax, (group, named) in zip(axes[:, 0], groups.items(), strict=True):
        for row, found in enumerate(named.values()):
            places = row + 0.24 * (np.arange(len(found)) - (len(found) - 1) / 2)
            value, low, high = 100 * np.array(found).T
            ax.errorbar(value, places, xerr=[value - low, high - value], fmt="o", markersize=5, color=FIRST, capsize=3)
        for at, share in enumerate((marks or {}).values()):
            ax.axvline(100 * share, color=SECOND, linewidth=1.5, linestyle=("-", "--")[at % 2])
        ax.set_yticks(range(len(named)), written(*named))
        ax.set_ylim(len(named) - 0.5, -0.5)
        above = 22 if marks and ax is axes[0, 0] else 6  # room for their names
        finish(ax).set_title(written(group)[0], loc="left", fontsize=15, color=INK, fontweight="bold", pad=above)
        ax.tick_params(labelsize=14)
    for name, share in (marks or {}).items():
        place = {"xy": (100 * share, -0.5), "xytext": (3, 4), "textcoords": "offset points"}
        axes[0, 0].annotate(written(name)[0], **place, color=SECOND, fontsize=13)
    axes[-1, 0].set_xlabel(xlabel, fontsize=15, color=INK)
    figure.suptitle(written(title or "")[0], x=0.01, ha="left", fontsize=16, color=INK)
    return figure


@own_style
def reliability_chart(tables, title: str | None = None) -> Figure:
    """Draw how often answers are right against how sure the system was, and under it how many answers there are.

    tables: {name: DataFrame with confidence, accuracy and count}, as `evaluation.reliability` gives it, a column for each.
    """
    shape = {"height_ratios": (3, 1.2), "layout": "constrained", "sharex": True, "sharey": "row", "squeeze": False}
    figure, axes = plt.subplots(2, len(tables), figsize=(1 + 4.4 * len(tables), 6), **shape)
    for (above, below), (name, table) in zip(axes.T, tables.items(), strict=True):
        above.plot([0.5, 1], [0.5, 1], color="#8b949e", linewidth=1.5)
        above.plot(table["confidence"], table["accuracy"], color=FIRST, marker="o", markersize=8, linewidth=2)
        shares = table["count"] / table["count"].sum()
        below.bar(table.index / 10 + 0.05, shares, width=0.09, color=SECOND)
        for at, share in shares.items():
            below.text(at / 10 + 0.05, share, f" {share:.0%}", ha="center", va="bottom", fontsize=13, color=INK)
        below.set_ylim(0, 1.2)
        finish(above).set_title(written(name)[0], loc="left", fontsize=16, color=INK)
        finish(below).set_xlabel("probability of the class that was named", fontsize=14, color=INK)
        for ax in (above, below):
            ax.tick_params(labelsize=13)
    axes[0, 0].set_ylabel("share of them right", fontsize=14, color=INK)
    axes[1, 0].set_ylabel("share of answers", fontsize=14, color=INK)
    figure.suptitle(written(title or "")[0], x=0.01, ha="left", fontsize=16, color=INK)
    return figure


@own_style
def deletion_chart(shares, curves, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw deletion curves: what becomes of a verdict's probability when ever more tokens are hidden, the first-ranked first.

    shares: of the tokens; curves: {name: probabilities (text, share)}, whose means are drawn, six at most.
    """
    ax = ax or new_axes(8, 3.6)
    for (name, rows), (color, marker, line) in zip(curves.items(), STYLES, strict=False):
        ax.plot(shares, np.asarray(rows).mean(axis=0), color=color, marker=marker, linestyle=line, label=written(name)[0])
    ax.set_ylabel("probability of the verdict", color=INK)
    ax.legend(frameon=False, labelcolor=INK, loc="center left", bbox_to_anchor=(1, 0.5))  # beside: the curves are everywhere
    return finish(ax, "share of the tokens that is hidden", title)


@own_style
def learning_curve(history, majority: float | None = None) -> Figure:
    """Draw a fine-tuning run: loss on training and validation reviews, and accuracy, epoch by epoch.

    history: as `fit` returns it; majority: the accuracy of always naming the commonest class, drawn as a line.
    """
    epochs = [entry["epoch"] for entry in history]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    for key, color, name in (("train_loss", FIRST, "training"), ("validation_loss", SECOND, "validation")):
        values = [entry[key] for entry in history]
        left.plot(epochs, values, color=color, marker="o", linewidth=2)
        left.annotate(name, (epochs[-1], values[-1]), xytext=(8, 0), textcoords="offset points", color=color, va="center")
    right.plot(epochs, [entry["accuracy"] for entry in history], color=SECOND, marker="o", linewidth=2)
    if majority is not None:
        right.axhline(majority, color=INK, linestyle=":", linewidth=1.5)
        right.annotate("commonest class", (epochs[0], majority), xytext=(0, 5), textcoords="offset points", color=INK)
    right.set_ylim(min(0.4, right.get_ylim()[0]), 1)
    for ax, title in ((left, "loss (nats)"), (right, "accuracy on validation")):
        finish(ax, "epoch", title).set_xticks(epochs)
    left.set_xlim(epochs[0] - 0.1, epochs[-1] + max(0.6, 0.3 * len(epochs)))
    return figure


@own_style
def pretraining_curve(log, references=None, control=()) -> Figure:
    """Draw a pre-training run: loss and top-1 on held-out rows against the tokens read so far.

    log: entries of the log.jsonl that `bertnotes pretrain` wrote; where their "run" changes, a line marks the new start.
    references: {name: loss}, dotted lines beside the loss; control: entries of a run from a random start, in another colour.
    """
    tokens = [entry["tokens"] / 1e6 for entry in log]
    starts = [tokens[at - 1] for at in range(1, len(log)) if log[at].get("run") != log[at - 1].get("run")]
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.4), layout="constrained")
    left.plot(tokens, [entry["held_out_loss"] for entry in log], color=FIRST, linewidth=2)
    right.plot(tokens, [100 * entry["held_out_top1"] for entry in log], color=FIRST, linewidth=2)
    for ax, name, scale in ((left, "held_out_loss", 1), (right, "held_out_top1", 100)) if control else ():
        ax.plot([one["tokens"] / 1e6 for one in control], [scale * one[name] for one in control], color=SECOND, linewidth=2)
        ax.text(control[-1]["tokens"] / 1e6, 1.03 * scale * control[-1][name], " random start", color=SECOND, fontsize=16)
        ax.text(tokens[len(log) // 2], 1.08 * scale * log[len(log) // 2][name], "mini", color=FIRST, fontsize=16, ha="right")
    for name, loss in (references or {}).items():
        left.axhline(loss, color=INK, linestyle=":", linewidth=1.5)
        left.annotate(written(name)[0], (tokens[-1], loss), xytext=(0, 5), textcoords="offset points", ha="right", fontsize=14)
    for ax, title in ((left, "loss on held-out rows (nats)"), (right, "asked tokens guessed right (%)")):
        finish(ax, "tokens read (millions)").set_title(title, loc="left", fontsize=18, color=INK)
        ax.xaxis.label.set_fontsize(16)
        ax.tick_params(labelsize=14)
        for start in starts:
            ax.axvline(start, color="#8b949e", linestyle="--", linewidth=1.2, zorder=0)
    return figure


@own_style
def line_chart(
    x, lines, xlabel: str, title: str | None = None, logarithmic: str = "x", ax: Axes | None = None, bands=None
) -> Axes:
    """Draw what a quantity does as x grows, each line with its name at its end, or, where ends meet, in a legend.

    x: numbers, each a tick on the axis; lines: {name: values}, four at most; logarithmic: "x", "xy" or "" says which
    axes grow by doubling; bands: {name of a line: (lowest, highest)}, the room around it. Raises ValueError where there are
    more lines, or values are missing.
    """
    if not 1 <= len(lines) <= 4 or any(len(values) != len(x) for values in lines.values()):
        found = {name: len(values) for name, values in lines.items()}
        raise ValueError(f"a chart has one to four lines, each with a value for each of {len(x)} x; got {found}")
    ax = ax or new_axes(7, 3.4)
    ends = sorted(float(values[-1]) for values in lines.values())
    apart = 0.06 * (max(max(values) for values in lines.values()) - min(min(values) for values in lines.values()))
    meet = any(high - low < apart for low, high in pairwise(ends))
    for (name, values), (color, marker, style) in zip(lines.items(), STYLES, strict=False):
        ax.plot(x, values, color=color, marker=marker, linestyle=style, linewidth=2, label=written(name)[0])
        if name in (bands or {}):
            ax.fill_between(x, *bands[name], color=color, alpha=0.15, linewidth=0)
        place: dict = {"xytext": (9, 0), "textcoords": "offset points", "va": "center"}
        if not meet:
            ax.annotate(written(name)[0], (x[-1], values[-1]), color=color, fontsize=11, **place)
    if meet:
        ax.legend(frameon=False, labelcolor=INK, fontsize=11)
    if "x" in logarithmic:
        ax.set_xscale("log", base=2)
    if "y" in logarithmic:
        ax.set_yscale("log", base=2)
        ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    ax.set_xticks(x, [f"{value:,}" for value in x])
    ax.minorticks_off()
    finish(ax, xlabel, title).xaxis.label.set_fontsize(11)
    return ax


@own_style
def similarity_grid(similarities, names, least: float = 0.5, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw how alike things are, each with each: a square of numbers, darker = more alike, `least` and below white.

    similarities: (thing, thing), from -1 to 1; names: of the things; the columns are named by their first letters.
    """
    values = matrix(similarities)
    ax = ax or new_axes(2.4 + 0.85 * len(names) + 0.11 * max(map(len, names)), 0.7 + 0.75 * len(names))
    ax.imshow(values, cmap=AMOUNT, vmin=least, vmax=1)
    write_numbers(ax, values, (1 + least) / 2, 16)
    ax.set_xticks(range(len(names)), written(*(name[0] for name in names)), fontsize=16)
    ax.set_yticks(range(len(names)), written(*names), fontsize=16)
    ax.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0)
    ax.spines[:].set_visible(False)
    if title:
        ax.set_title(written(title)[0], loc="left", color=INK)
    return ax


@own_style
def dot_rows(rows, marks, xlabel: str, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw every value as a dot, a row for each group, and vertical lines at the marks.

    rows: {group: values}, the first at the top; dots of a row are spread upwards and downwards, so that they can be told apart.
    marks: {name: value}.
    """
    ax = ax or new_axes(9, 1.4 + 1.3 * len(rows))
    for row, (values, color) in enumerate(zip(rows.values(), (FIRST, SECOND) * len(rows), strict=False)):
        spread = 0.6 * (np.arange(len(values)) * 0.618 % 1 - 0.5)  # even, and in no order that the eye would see
        ax.plot(values, row + spread, marker="o", markersize=6, linestyle="none", color=color, alpha=0.6)
    for name, value in marks.items():
        ax.axvline(value, color=INK, linewidth=1.5, linestyle=":" if value == 0 else "-")
        ax.annotate(written(name)[0], (value, -0.5), xytext=(4, 4), textcoords="offset points", color=INK, fontsize=14)
    ax.set_yticks(range(len(rows)), written(*rows), fontsize=16)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.tick_params(labelsize=14)
    finish(ax, xlabel, title)
    ax.xaxis.label.set_fontsize(16)
    return ax


def display(figure, display_id):
    """Show a figure in the notebook; returns the handle that replaces it. ModuleNotFoundError without IPython."""
    try:
        import IPython.display
    except ModuleNotFoundError:
        raise ModuleNotFoundError("LiveCurve draws in a notebook: pip install 'bertnotes[lab]'") from None
    return IPython.display.display(figure, display_id=display_id)


class LiveCurve:
    """Draws the loss of every step and, after every epoch, the loss and the accuracy on validation.

    A callback of `fit`. every: seconds between two drawings; the end of an epoch is drawn at once.
    """

    def __init__(self, every: float = 2.0):
        self.every, self.drawn, self.handle = every, float("-inf"), None
        self.losses: list[float] = []  # one a step
        self.epochs: list[tuple[int, dict]] = []  # steps so far, entry

    def begin(self, run):
        """A training begins."""

    def step(self, loss: float, count: int = 1):
        """Take in the loss of a step."""
        self.losses.append(loss)
        if time.monotonic() - self.drawn >= self.every:
            self.show()

    def epoch(self, entry):
        """Take in what was measured after an epoch: a dict with validation_loss and accuracy."""
        self.epochs.append((len(self.losses), entry))
        self.show()

    def show(self):
        """Put the picture into the notebook, in the place of the one before."""
        if self.handle is None:
            self.handle = display(self.draw(), display_id=True)
        else:
            self.handle.update(self.draw())
        self.drawn = time.monotonic()

    @own_style
    def draw(self):
        """The curve so far: a Figure, with loss on the left axis and steps below."""
        figure = Figure(figsize=(9, 3.2), layout="constrained")
        FigureCanvasAgg(figure)  # pyplot does not know of it, so that it is not shown a second time
        ax = figure.add_subplot()
        steps = range(1, len(self.losses) + 1)
        ax.plot(steps, self.losses, color=FIRST, alpha=0.3, linewidth=1)
        ax.plot(steps, smoothed(self.losses), color=FIRST, linewidth=2, label="training")
        if self.epochs:
            places, entries = zip(*self.epochs, strict=True)
            losses = [entry["validation_loss"] for entry in entries]
            ax.plot(places, losses, color=SECOND, marker="o", linewidth=2, label="validation")
            for place, entry in self.epochs:
                text = f"{entry['accuracy']:.0%} right"
                ax.annotate(
                    text, (place, entry["validation_loss"]), xytext=(0, 8), textcoords="offset points", ha="right", color=INK
                )
        finish(ax, "step", "loss (nats)").legend(frameon=False, labelcolor=INK)
        return figure


def smoothed(values, keep=0.9):
    """A running mean in which each value counts for a tenth, and early ones for more.

    >>> smoothed([1.0, 1.0, 1.0])
    [1.0, 1.0, 1.0]
    """
    result, total, weight = [], 0.0, 0.0
    for value in values:
        total, weight = keep * total + value, keep * weight + 1
        result.append(total / weight)
    return result


@own_style
def dot_chart(x, y, errors, names, xlabel: str, ylabel: str, ax: Axes | None = None) -> Axes:
    """Draw a dot for each thing, with its error as a bar, and the names of some of them.

    names: {number of a dot: name}; a dot has its name at its left where another named one stands close at its right.
    """
    ax = ax or new_axes(9.6, 4.8)
    ax.errorbar(x, y, yerr=errors, fmt="o", color=SECOND, ecolor=PALE, markersize=7, elinewidth=2)
    for at, name in names.items():
        left = any(0 <= float(x[other] - x[at]) < 0.02 for other in names if other != at)
        place: dict = {"xytext": (-9 if left else 9, 0), "textcoords": "offset points", "ha": "right" if left else "left"}
        ax.annotate(written(name)[0], (x[at], y[at]), color=INK, fontsize=16, va="center", **place)
    ax.margins(x=0.1)
    finish(ax, xlabel).tick_params(labelsize=15)
    ax.xaxis.label.set_fontsize(16)
    ax.set_ylabel(ylabel, color=INK, fontsize=16)
    return ax


@own_style
def dependence_grid(tables, words, outlined: int | None = None) -> Figure:
    """Draw who depends on whom, a grid for each table: a row for each output, a column for each input. Light: exactly 0.

    tables: {name: (position, position)}, as `readers.who_sees_whom` gives it; outlined: draw a rim around the cells that are so
    many right of the diagonal. Raises ValueError where a table is not square, or does not fit the words.
    """
    arrays = {name: matrix(table) for name, table in tables.items()}
    if wrong := {name: array.shape for name, array in arrays.items() if array.shape != (len(words), len(words))}:
        raise ValueError(f"each table needs a row and a column for each of {len(words)} words; got {wrong}")
    figure, axes = plt.subplots(1, len(arrays), figsize=(1.6 + 4 * len(arrays), 6.9), layout="constrained", squeeze=False)
    for ax, (name, array) in zip(axes[0], arrays.items(), strict=True):
        dependence(ax, name, array, words, outlined)
    axes[0][0].set_yticks(range(len(words)), plain(words))
    how = "Row: an output. Column: an input.\nDark: the output depends on it. Light: 0."
    figure.supxlabel(how, fontsize=24, color=INK)
    return figure


def dependence(ax, name, array, words, outlined):
    """One grid of dependence_grid, without the names of its rows."""
    ax.imshow(array != 0, cmap=ListedColormap(["#ececec", "#8b949e"]), vmin=0, vmax=1)
    ax.hlines(np.arange(len(words)) - 0.5, -0.5, len(words) - 0.5, color="white", linewidth=1)
    ax.vlines(np.arange(len(words)) - 0.5, -0.5, len(words) - 0.5, color="white", linewidth=1)
    for row in range(len(words) - outlined if outlined else 0):
        ax.add_patch(Rectangle((row + outlined - 0.5, row - 0.5), 1, 1, fill=False, ec=INK, lw=4, zorder=3, clip_on=False))
    ax.set_xticks(range(len(words)), plain(words), rotation=90)
    ax.set_yticks([])
    ax.tick_params(length=0, labelsize=22, colors=INK)
    ax.set_title(written(name)[0], loc="left", fontsize=24, color=INK)
    ax.spines[:].set_visible(False)


@own_style
def score_chart(scores, best, rule=None, floor=None) -> Figure:
    """Draw how well readers fill blanks, a panel for each blank: a mark for each run, a bar at each reader's best possible.

    scores: {blank: {reader: [share right, from 0 to 1, one a run]}}, the same readers for each blank; best: {blank: {reader:
    share}}, for what it may see; rule: the same, for some, under the rule by which they are asked; floor: {blank: share}, of
    one word for all. Raises ValueError where a reader has no best.
    """
    pairs = [(blank, reader) for blank, rows in scores.items() for reader in rows]
    if missing := [f"{reader}, {blank}" for blank, reader in pairs if reader not in best.get(blank, {})]:
        raise ValueError(f"each reader needs its best possible score for each blank; there is none for {'; '.join(missing)}")
    figure, axes = plt.subplots(1, len(scores), figsize=(13.2, 5.6), sharey=True, layout="constrained", squeeze=False)
    for ax, (blank, rows) in zip(axes[0], scores.items(), strict=True):
        score_panel(ax, rows, best[blank], (rule or {}).get(blank, {}))
        if floor:
            ax.axhline(floor[blank], color=INK, linestyle=":", linewidth=2.5, label="always the more\nfrequent word")
        ax.set_title(written(blank)[0], loc="left", fontsize=22, color=INK)
    axes[0][0].set_ylabel("share named correctly", fontsize=20, color=INK)
    axes[0][-1].legend(frameon=False, labelcolor=INK, loc="center right", fontsize=19)
    return figure


def score_panel(ax, rows, best, rule):
    """One panel of score_chart: its marks and lines, a column for each reader."""
    finish(ax)
    for column, (reader, values) in enumerate(rows.items()):
        shifts = [column + min(0.2, 0.8 / len(values)) * (at - (len(values) - 1) / 2) for at in range(len(values))]
        names = ("best possible", "a run") if not column else (None, None)
        ax.hlines(best[reader], column - 0.46, column + 0.46, color=PALE, linewidth=11, label=names[0])
        if reader in rule:
            ax.hlines(rule[reader], column - 0.46, column + 0.46, color=INK, linestyle="--", linewidth=2.5)
            ax.text(column - 0.46, rule[reader] - 0.02, "best under\nour rule", va="top", fontsize=17, color=INK)
        ax.plot(shifts, values, color=INK, marker="o", markersize=7, linestyle="none", label=names[1])
    ax.set_xticks(range(len(rows)), written(*(name.replace(" ", "\n") for name in rows)), fontsize=19)
    ax.set(ylim=(0.42, 1.04), xlim=(-0.6, len(rows) - 0.4))
    ax.tick_params(labelsize=19)
