"""A learning curve that grows while training goes on: `fit(..., watch=LiveCurve())` in a notebook."""

import time

from IPython.display import display
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bertnotes.plots import BLUE, INK, ORANGE


class LiveCurve:
    """Draws the loss of every step and, after every epoch, the loss and the accuracy on validation.

    every: seconds between two drawings; the end of an epoch is drawn at once.
    """

    def __init__(self, every=2.0):
        self.every, self.drawn, self.handle = every, float("-inf"), None
        self.losses, self.epochs = [], []  # a loss for each step; (steps so far, entry) for each epoch

    def __call__(self, entry):
        """Take in what `fit` says of a step or an epoch."""
        if "accuracy" in entry:
            self.epochs.append((len(self.losses), entry))
        else:
            self.losses.append(entry["loss"])
        if "accuracy" in entry or time.monotonic() - self.drawn >= self.every:
            self.show()

    def show(self):
        """Put the picture into the notebook, in the place of the one before."""
        if self.handle is None:
            self.handle = display(self.draw(), display_id=True)
        else:
            self.handle.update(self.draw())
        self.drawn = time.monotonic()

    def draw(self):
        """The curve so far: a Figure, with loss on the left axis and steps below."""
        figure = Figure(figsize=(9, 3.2), layout="constrained", facecolor="white")
        FigureCanvasAgg(figure)  # pyplot does not know of it, so that it is not shown a second time
        ax = figure.add_subplot()
        steps = range(1, len(self.losses) + 1)
        ax.plot(steps, self.losses, color=BLUE, alpha=0.3, linewidth=1)
        ax.plot(steps, smoothed(self.losses), color=BLUE, linewidth=2, label="training")
        if self.epochs:
            places, entries = zip(*self.epochs, strict=True)
            losses = [entry["validation_loss"] for entry in entries]
            ax.plot(places, losses, color=ORANGE, marker="o", linewidth=2, label="validation")
            for place, entry in self.epochs:
                text = f"{entry['accuracy']:.0%} right"
                ax.annotate(
                    text, (place, entry["validation_loss"]), xytext=(0, 8), textcoords="offset points", ha="right", color=INK
                )
        ax.set_title("loss (nats)", loc="left", fontsize=12, color=INK)
        ax.set_xlabel("step", color=INK)
        ax.legend(frameon=False, labelcolor=INK)
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(colors=INK)
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
