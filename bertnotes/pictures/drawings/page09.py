"""Drawings of reviews and baselines: the bars, lengths, counting, folds, a ratio, intervals, two systems, leaks."""

from collections.abc import Callable
from math import log, sqrt
from typing import ClassVar

from bertnotes.pictures.charts import FIRST, SECOND
from bertnotes.pictures.drawings import LARGE, NORMAL, QUIET, Drawing, number, opened
from bertnotes.pictures.style import GRID, INK

Z = 1.96  # standard errors on each side of a 95 % interval


def error(share: float, count: int) -> float:
    """The standard error of a share of so many answers."""
    return sqrt(share * (1 - share) / count)


def wilson(share: float, count: int) -> tuple[float, float]:
    """Wilson's interval of a share of so many answers."""
    grown = 1 + Z**2 / count
    middle = (share + Z**2 / (2 * count)) / grown
    half = Z * sqrt(error(share, count) ** 2 + Z**2 / (4 * count**2)) / grown
    return middle - half, middle + half


# --- the bars ---------------------------------------------------------------------------------------------------------


def hurdles() -> str:
    """BERT before three hurdles, each higher than the one before."""
    text = (
        "BERT stands before three hurdles, each higher than the one before: always the same answer, TF-IDF, NBSVM. Behind them "
        "a question: by how much is it over, and how sure is that?"
    )
    drawing = opened(500, "How high is the bar?", text)
    drawing.line((40, 420), (1240, 420), color=INK, width=3)
    drawing.box(120, 380, 140, 64, "BERT", INK, LARGE).arrow((205, 380), (280, 380), color=INK, width=5)
    for at, (name, how, high) in enumerate(
        (
            ("always the same answer", "knows nothing", 120),
            ("TF-IDF", "counts words", 235),
            ("NBSVM", "counts them by class", 275),
        )
    ):
        x = 400 + 270 * at
        color = SECOND if at == 2 else FIRST
        for side in (-90, 90):
            drawing.line((x + side, 420), (x + side, 420 - high), color=color, width=8)
        drawing.add("rect", x=x - 104, y=420 - high - 12, width=208, height=24, fill=color, rx=4)
        drawing.write(x, 420 - high - 36, name, NORMAL, color, bold=True).write(x, 456, how, 20, QUIET)
    drawing.write(1160, 220, "by how much?", NORMAL, INK, bold=True).write(1160, 256, "how sure?", NORMAL, INK, bold=True)
    return str(drawing)


# --- lengths ----------------------------------------------------------------------------------------------------------


class Lengths:
    """IMDB's 25,000 training reviews, in tokens: by share of reviews, and what is behind a cut (imdb_facts.json)."""

    tokens: ClassVar = {"10%": 121, "25%": 166, "50%": 230, "75%": 375, "90%": 610}
    lost: ClassVar = {"128": 0.6007, "256": 0.3337, "512": 0.1218}


def lengths() -> str:
    """Reviews of five lengths, and three cuts."""
    text = (
        "Five bars, the lengths of IMDB's training reviews. A tenth has at most 121 tokens, a quarter 166, half 230, three "
        "quarters 375, nine tenths 610. Three lines cut them at 128, 256 and 512 tokens; the part to the right of a line is "
        "not read."
    )
    drawing = opened(520, "How long are IMDB's reviews? Bars are lengths in tokens", text)
    for row, (share, tokens) in enumerate(Lengths.tokens.items()):
        y = 130 + 64 * row
        drawing.write(340, y, f"{share[:-1]} % have at most {tokens}", NORMAL, INK, "end")
        drawing.add("rect", x=360, y=y - 20, width=1.4 * tokens, height=40, fill=FIRST)
    for cut in (128, 256, 512):
        x = 360 + 1.4 * cut
        drawing.line((x, 86), (x, 430), color=SECOND, width=4, dash="10 6")
        drawing.write(x, 462, f"cut at {cut}", NORMAL, SECOND, bold=True)
    return str(drawing.write(40, 496, "What lies to the right of a line is never read.", 20, QUIET, "start"))


# --- intervals --------------------------------------------------------------------------------------------------------

COUNTS = (10, 100, 1_000, 25_000)


def signed(value: float) -> str:
    """A number with its sign, a true minus; 0 has none."""
    return number(value, 1) if round(value, 1) <= 0 else f"+{number(value, 1)}"


def _interval(drawing: Drawing, y, at: Callable, low, value, high, color):
    """An interval with its value as a dot. at: from a number to x."""
    drawing.line((at(low), y), (at(high), y), color=color, width=8)
    for end in (low, high):
        drawing.line((at(end), y - 14), (at(end), y + 14), color=color, width=4)
    drawing.add("circle", cx=at(value), cy=y, r=11, fill=color)


def _axis(drawing: Drawing, y, at: Callable, ticks, digits=1):
    """An axis with its ticks."""
    drawing.line((at(ticks[0]), y), (at(ticks[-1]), y), color=QUIET)
    for tick in ticks:
        drawing.line((at(tick), y), (at(tick), y + 10), color=QUIET)
        drawing.write(at(tick), y + 30, f"{tick:.{digits}f}", 20, QUIET)


def intervals() -> str:
    """70 % right, of ever more reviews."""
    text = (
        "Four 95 % intervals around the accuracy 0.70. Of 10 reviews it goes from 0.40 to 0.89, of 100 from 0.60 to 0.78, of "
        "1,000 from 0.67 to 0.73; of 25,000 it is hardly wider than its dot. A dotted line marks the coin, 0.5: only the first "
        "interval holds it."
    )
    drawing = opened(500, "70 % are right: of how many?", text)

    def at(share):
        return 280 + 860 * (share - 0.3) / 0.7

    drawing.line((at(0.5), 96), (at(0.5), 410), color=INK, dash="4 6").write(at(0.5), 78, "a coin", 20, INK)
    for row, count in enumerate(COUNTS):
        low, high = wilson(0.7, count)
        y = 130 + 74 * row
        drawing.write(250, y, f"{count:,} reviews", NORMAL, INK, "end")
        _interval(drawing, y, at, low, 0.7, high, SECOND if not row else FIRST)
        drawing.write(at(0.7), y - 30, f"{low:.2f} to {high:.2f}", 20, INK, halo=True)
    _axis(drawing, 414, at, [tick / 10 for tick in range(3, 11)])
    return str(drawing.write(at(0.65), 476, "accuracy, with its 95 % interval", 20, QUIET))


# --- counting ---------------------------------------------------------------------------------------------------------


class Counted:
    """A review as counts, and weights that are made up."""

    words = ("a", "but", "dull", "film", "start", "superb")
    counts = (2, 1, 1, 1, 1, 1)
    weights = (0.0, -0.2, -1.6, 0.1, 0.0, 1.9)


def counting() -> str:
    """A review becomes counts, each counts with a weight, and the sum decides."""
    total = sum(count * weight for count, weight in zip(Counted.counts, Counted.weights, strict=True))
    text = (
        "The review: a dull start but a superb film. Its words are thrown into a bag and counted: a 2, but 1, dull 1, "
        "film 1, start 1, superb 1. Each count is multiplied with the weight of its word: a 0, but minus 0.2, dull minus 1.6, "
        f"film 0.1, start 0, superb 1.9. The sum is {total:.1f}, above 0, so: positive."
    )
    drawing = opened(500, "Counting words (made-up weights)", text)
    drawing.box(640, 106, 560, 56, "“a dull start but a superb film”", INK, NORMAL)
    drawing.arrow((640, 136), (640, 174)).write(660, 156, "count, forget the order", 20, QUIET, "start")
    for row, name in enumerate(("word", "count", "× weight", "=")):
        drawing.write(190, 206 + 62 * row, name, NORMAL, QUIET, "end")
    for at, (word, count, weight) in enumerate(zip(Counted.words, Counted.counts, Counted.weights, strict=True)):
        x = 280 + 128 * at
        part = count * weight
        color = FIRST if weight > 0.5 else SECOND if weight < -0.5 else INK
        drawing.box(x, 206, 116, 48, word, INK, NORMAL).write(x, 268, f"{count}", NORMAL)
        drawing.write(x, 330, signed(weight), NORMAL, color, bold=True)
        drawing.write(x, 392, signed(part), LARGE, color, bold=True)
    drawing.write(1012, 392, "sum", 20, QUIET).box(1140, 392, 190, 60, f"{total:+.1f}", INK, LARGE)
    return str(drawing.write(1140, 446, "above 0: positive", NORMAL, FIRST, bold=True))


# --- folds ------------------------------------------------------------------------------------------------------------


def folds() -> str:
    """Five rounds; in each another fifth is judged by a model that learned from the other four."""
    text = (
        "Five rows, five rounds. Each row is cut in five parts. In round 1 the first part is judged and the other four are "
        "learned from; in round 2 the second part is judged, and so on. So each review is judged once, by a model that has not "
        "learned from it."
    )
    drawing = opened(480, "Five rounds, so that every review is judged once", text)
    for row in range(5):
        y = 116 + 62 * row
        drawing.write(170, y, f"round {row + 1}", NORMAL, INK, "end")
        for part in range(5):
            judged = part == row
            color, fill = (SECOND, "#f6e4ed") if judged else (GRID, "#f3f4f6")
            drawing.add(
                "rect", x=200 + 200 * part, y=y - 24, width=190, height=48, rx=6, fill=fill, stroke=color, stroke_width=3
            )
            said = ("judged", SECOND) if judged else ("learn", QUIET)
            drawing.write(295 + 200 * part, y, said[0], NORMAL, said[1], bold=judged)
    return str(drawing.write(40, 444, "Each round trains a new model from zero.", 20, QUIET, "start"))


# --- a ratio ----------------------------------------------------------------------------------------------------------


class Ratio:
    """Words, and in how many of 100 positive and of 100 negative reviews each stands: made up."""

    words = ("superb", "film", "dull", "asleep")
    positive = (19, 59, 4, 0)
    negative = (4, 59, 15, 3)

    @classmethod
    def ratios(cls):
        """The logarithm of the ratio of the two counts, each plus 1; here both classes have counts of about the same sum."""
        return [log((p + 1) / (q + 1)) for p, q in zip(cls.positive, cls.negative, strict=True)]


def ratio() -> str:
    """For each word its counts in both classes, and the logarithm of their ratio."""
    found = Ratio.ratios()
    text = (
        "Four words, with made-up counts in 100 positive and 100 negative reviews. superb: 19 and 4, a log ratio of "
        f"{found[0]:.1f}. film: 59 and 59, log ratio 0. dull: 4 and 15, log ratio {found[2]:.1f}. asleep: 0 and 3, log ratio "
        f"{found[3]:.1f}. Bars to the right speak for positive, bars to the left for negative."
    )
    drawing = opened(500, "Which class does a word speak for? (made-up counts)", text)
    for x, name, color in (
        (330, "in positive", FIRST),
        (500, "in negative", SECOND),
        (900, "logarithm of (count + 1) / (count + 1)", INK),
    ):
        drawing.write(x, 104, name, NORMAL, color, bold=True)
    drawing.line((900, 130), (900, 446), color=INK)
    for row, (word, p, q, value) in enumerate(zip(Ratio.words, Ratio.positive, Ratio.negative, found, strict=True)):
        y = 170 + 76 * row
        drawing.box(140, y, 170, 52, word, INK, NORMAL)
        drawing.write(330, y, f"{p} of 100", NORMAL).write(500, y, f"{q} of 100", NORMAL)
        long = 150 * abs(value)
        color = FIRST if value > 0 else SECOND
        drawing.add("rect", x=900 if value > 0 else 900 - long, y=y - 20, width=long, height=40, fill=color)
        side = 1 if value >= 0 else -1
        drawing.write(
            900 + side * (long + 14),
            y,
            signed(value),
            LARGE,
            INK,
            "start" if side > 0 else "end",
        )
    drawing.write(660, 470, "speaks for negative", 20, QUIET).write(1110, 470, "speaks for positive", 20, QUIET)
    return str(drawing)


# --- two systems ------------------------------------------------------------------------------------------------------


class Two:
    """Two systems that judged so many reviews each."""

    better, worse, count = 0.92, 0.91, 8_000

    @classmethod
    def half(cls):
        """Half the width of the interval of the difference."""
        return Z * sqrt(error(cls.better, cls.count) ** 2 + error(cls.worse, cls.count) ** 2)


def overlap() -> str:
    """Two intervals overlap, and yet the interval of the difference leaves out 0."""
    (low, high), (under, over) = wilson(Two.better, Two.count), wilson(Two.worse, Two.count)
    half, difference = Two.half(), Two.better - Two.worse
    text = (
        f"8,000 reviews each. System A: 0.92, interval {low:.3f} to {high:.3f}. System B: 0.91, interval {under:.3f} to "
        f"{over:.3f}. The two overlap. Below, the difference: 1.0 points, interval {100 * (difference - half):.1f} to "
        f"{100 * (difference + half):.1f}, which leaves out 0."
    )
    drawing = opened(540, "They overlap, and yet they differ (8,000 reviews each)", text)

    def at(share):
        return 300 + 900 * (share - 0.900) / 0.030

    drawing.add("rect", x=at(low), y=96, width=at(over) - at(low), height=160, fill=GRID, opacity=0.7)
    for y, name, (bottom, value, top), color in (
        (130, "system A", (low, Two.better, high), FIRST),
        (210, "system B", (under, Two.worse, over), SECOND),
    ):
        drawing.write(250, y, name, NORMAL, color, "end", bold=True)
        _interval(drawing, y, at, bottom, value, top, color)
    _axis(drawing, 266, at, [0.90, 0.91, 0.92, 0.93], 2)
    drawing.write(at(0.925), 324, "accuracy", 20, QUIET)

    def from_zero(points):
        return 420 + 300 * points

    drawing.line((from_zero(0), 366), (from_zero(0), 440), color=INK, dash="4 6")
    drawing.write(250, 404, "A minus B", NORMAL, INK, "end", bold=True)
    _interval(drawing, 404, from_zero, 100 * (difference - half), 100 * difference, 100 * (difference + half), INK)
    _axis(drawing, 446, from_zero, [0.0, 0.5, 1.0, 1.5, 2.0])
    return str(drawing.write(from_zero(1.5), 506, "points of accuracy; 0 is no difference", 20, QUIET))


# --- leaks ------------------------------------------------------------------------------------------------------------


def leak() -> str:
    """A copy on both sides, and reviews of one film on both sides."""
    text = (
        "Two boxes, train and test, with cards for reviews. One card is in both boxes: a copy, so the answer is known. Two "
        "other cards are different reviews of the same film, one in each box: its names and its fame are known."
    )
    drawing = opened(500, "Two ways to leak from training into test", text)
    for x, name in ((340, "train"), (940, "test")):
        drawing.add("rect", x=x - 260, y=100, width=520, height=350, rx=14, fill="none", stroke=INK, stroke_width=3)
        drawing.write(x, 128, name, LARGE, INK, bold=True)
    for y, left, right, color, said in (
        (210, ("“I laughed twice …”", "positive"), ("“I laughed twice …”", "?"), SECOND, "a copy"),
        (310, ("Tin Roof Serenade:", "“a joy”, positive"), ("Tin Roof Serenade:", "“I sang along”, ?"), FIRST, "same film"),
    ):
        for x, (first, second) in ((340, left), (940, right)):
            drawing.add("rect", x=x - 200, y=y - 40, width=400, height=80, rx=10, fill="#ffffff", stroke=color, stroke_width=4)
            drawing.write(x, y - 16, first, NORMAL).write(x, y + 18, second, NORMAL, INK, bold=True)
        drawing.arrow((542, y), (738, y), color=color, width=4).write(640, y - 22, said, NORMAL, color, bold=True, halo=True)
    for x in (340, 940):
        drawing.add("rect", x=x - 200, y=374, width=400, height=56, rx=10, fill="#ffffff", stroke=GRID, stroke_width=3)
        drawing.write(x, 402, "other reviews", 20, QUIET)
    return str(drawing)


DRAWINGS: dict[str, Callable[[], str]] = {
    "09_hurdles.svg": hurdles,
    "09_lengths.svg": lengths,
    "09_intervals.svg": intervals,
    "09_counting.svg": counting,
    "09_folds.svg": folds,
    "09_ratio.svg": ratio,
    "09_overlap.svg": overlap,
    "09_leak.svg": leak,
}
ANIMATIONS: dict[str, tuple] = {}
