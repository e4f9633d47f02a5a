"""Drawings of how sure one may be: four doubts about a score, reviews drawn again, pairs, an interaction, what 90 % means."""

from collections.abc import Callable
from typing import ClassVar

from bertnotes.pictures.charts import FIRST, SECOND
from bertnotes.pictures.drawings import LARGE, NORMAL, PALE, QUIET, Drawing, opened
from bertnotes.pictures.style import GRID, INK


class Stored:
    """Numbers of the records that drawings show; checks on page 11 hold them against the records."""

    score = 91.83  # of mini, seed 0, in per cent
    pairs = (21648, 1310, 1009, 1033)  # both right, only mini, only TF-IDF, neither
    halves: ClassVar = {"plain": (77, 99), "marked": (41, 21), "all": (54, 73)}  # right in the less sure half, in the surer one


TINT = "#e4e9f0"  # under what counts

# --- four doubts ------------------------------------------------------------------------------------------------------

DOUBTS = (
    ("Other reviews?", "an interval"),
    ("Another run?", "several seeds"),
    ("Which reviews?", "slices, in pairs"),
    ("Does it know?", "calibration"),
)


def score() -> str:
    """A score, and four questions that it leaves open."""
    text = (
        f"A score: mini is right on {Stored.score} % of 25,000 test reviews. Four questions follow. Other reviews: an interval "
        "of unknown width. Another run: a dot, and two dots whose places are not known. Which reviews: short ones and "
        "long ones, each with a question mark. Does it know: 92 % right, and how sure?"
    )
    drawing = opened(520, "One score, and four questions", text)
    drawing.box(640, 120, 720, 64, f"mini is right on {Stored.score} % of 25,000 reviews", INK, LARGE)
    for at, (question, how) in enumerate(DOUBTS):
        x = 170 + 313 * at
        drawing.arrow((640, 154), (x, 206)).box(x, 350, 290, 280, "", INK)
        drawing.write(x, 246, f"{at + 1}  {question}", NORMAL, bold=True).write(x, 466, how, 20, QUIET)
    drawing.line((80, 350), (260, 350), color=FIRST, width=4).write(170, 404, "± how much?", NORMAL)
    for x in (80, 260):
        drawing.line((x, 332), (x, 368), color=FIRST, width=4)
    drawing.add("circle", cx=170, cy=350, r=10, fill=FIRST)
    for at, (name, known) in enumerate((("seed 0", True), ("seed 1", False), ("seed 2", False))):
        y = 304 + 50 * at
        drawing.write(450, y, name, NORMAL, INK, "end")
        if known:
            drawing.add("circle", cx=500, cy=y, r=10, fill=SECOND).write(528, y, "91.83", NORMAL, INK, "start")
        else:
            drawing.line((470, y), (560, y), color=PALE, width=3, dash="6 6").write(
                515, y, "?", LARGE, SECOND, bold=True, halo=True
            )
    for at, name in enumerate(("short ones", "long ones")):
        drawing.box(796, 318 + 74 * at, 210, 54, f"{name}: ?", INK, NORMAL, "#ffffff")
    for at, (name, said) in enumerate((("right", "92 %"), ("sure", "?"))):
        y = 318 + 74 * at
        drawing.write(1050, y, name, NORMAL, INK, "end")
        drawing.add("rect", x=1066, y=y - 20, width=130, height=40, rx=6, fill="#ffffff", stroke=SECOND if at else FIRST)
        drawing.write(1131, y, said, NORMAL, SECOND if at else FIRST, bold=True)
    return str(drawing)


# --- the bootstrap ----------------------------------------------------------------------------------------------------

RIGHT = (1, 1, 1, 0, 1, 1, 1, 1, 0, 1)
DRAWN = ((3, 0, 7, 9, 9, 1, 8, 4, 5, 2), (6, 6, 0, 2, 8, 3, 3, 7, 4, 8), (1, 5, 7, 7, 0, 9, 2, 4, 6, 6))


def bootstrap() -> str:
    """Ten reviews, drawn again with replacement: each time another score."""
    text = (
        "Ten reviews, numbered 0 to 9; 3 and 8 are judged wrongly, so 8 of 10 are right. Three times ten are drawn from "
        "these ten, some twice and some never: 8, 6 and 10 of 10 are right. How far such scores spread is the score's error."
    )
    drawing = opened(500, "Draw the reviews again, some twice and some never (made up)", text)
    for row, (name, drawn) in enumerate(zip(("reviews", "draw 1", "draw 2", "draw 3"), (range(10), *DRAWN), strict=True)):
        y = 126 + 92 * row
        drawing.write(40, y, name, NORMAL, INK, "start", bold=not row)
        for at, review in enumerate(drawn):
            good = RIGHT[review]
            color = FIRST if good else SECOND
            x = 230 + 84 * at
            drawing.add(
                "rect",
                x=x - 34,
                y=y - 30,
                width=68,
                height=60,
                rx=6,
                fill=TINT if good else "#ffffff",
                stroke=color,
                stroke_width=4,
            )
            drawing.write(x, y, str(review), NORMAL, INK if good else SECOND, bold=True)
        drawing.write(1090, y, f"{sum(RIGHT[review] for review in drawn)} of 10", LARGE, INK, "start", bold=True)
    return str(drawing.write(40, 470, "filled: judged rightly · open: wrongly", 20, QUIET, "start"))


# --- pairs ------------------------------------------------------------------------------------------------------------


def pairs() -> str:
    """The same reviews, judged by both: only those count on which one alone is right."""
    both, mini, tfidf, neither = Stored.pairs
    text = (
        f"A table of 25,000 reviews. Both right: {both:,}. Only mini right: {mini:,}. Only TF-IDF right: {tfidf:,}. Neither: "
        f"{neither:,}. The two fields on which they differ are filled: {mini + tfidf:,} reviews; a coin would give "
        f"{(mini + tfidf) / 2:,.1f} to each."
    )
    drawing = opened(520, "25,000 reviews, both judged each: who is right where they differ?", text)
    names = (("TF-IDF right", 500), ("TF-IDF wrong", 860))
    for name, x in names:
        drawing.write(x, 110, name, NORMAL, INK, bold=True)
    cells = (("mini right", 200, (both, mini)), ("mini wrong", 350, (tfidf, neither)))
    for name, y, counts in cells:
        drawing.write(290, y, name, NORMAL, INK, "end", bold=True)
        for (_, x), count in zip(names, counts, strict=True):
            differs = count in (mini, tfidf)
            color = SECOND if count == tfidf else FIRST if count == mini else GRID
            drawing.add(
                "rect",
                x=x - 170,
                y=y - 66,
                width=340,
                height=132,
                rx=6,
                fill=TINT if differs else "#ffffff",
                stroke=color,
                stroke_width=5,
            )
            drawing.write(x, y - 14, f"{count:,}", LARGE, color if differs else QUIET, bold=True)
            said = "only mini right" if count == mini else "only TF-IDF right" if count == tfidf else "no difference"
            drawing.write(x, y + 30, said, 20, color if differs else QUIET, bold=differs)
    coin = f"They differ on {mini + tfidf:,}. Were they equally good, each of these would be the toss of a coin."
    return str(drawing.write(40, 474, coin, NORMAL, INK, "start"))


# --- an interaction ---------------------------------------------------------------------------------------------------

SKETCH = {"one group": (92, 70), "the other": (35, 13), "all": (45, 60)}


def _panel(drawing: Drawing, x, title, lines, labels):
    """Lines from the less sure half to the surer half; the axis goes from 0 to 100 %."""
    drawing.write(x, 100, title, NORMAL, INK, "start", bold=True).line((x, 140), (x, 430), (x + 400, 430), color=QUIET)
    for at, sure in ((60, "less sure"), (340, "surer")):
        drawing.write(x + at, 458, f"{sure} half" if labels else sure, 20, QUIET)
    for (name, (low, high)), (color, dash) in zip(lines.items(), ((FIRST, None), (SECOND, None), (INK, "10 8")), strict=True):
        ends = [(x + 60, 430 - 2.8 * low), (x + 340, 430 - 2.8 * high)]
        drawing.line(*ends, color=color, width=5, dash=dash)
        for at, (end, share) in enumerate(zip(ends, (low, high), strict=True)):
            drawing.add("circle", cx=end[0], cy=end[1], r=8, fill=color)
            if labels:
                drawing.write(
                    end[0] + (16 if at else -14),
                    end[1] - (0 if at else 16),
                    f"{share} %",
                    20,
                    color,
                    "start" if at else "middle",
                    bold=True,
                    halo=True,
                )
        far = 76 if labels else 18
        drawing.write(ends[1][0] + far, ends[1][1], name, 20, color, "start", bold=True)


def interaction() -> str:
    """On plain reviews the surer half is right more often, on marked ones less: an interaction, and no Simpson's paradox."""
    plain, marked, whole = Stored.halves["plain"], Stored.halves["marked"], Stored.halves["all"]
    text = (
        f"Share of correct verdicts, in the less sure half and in the surer half. Left, our 968 reviews: plain ones rise "
        f"from {plain[0]} to {plain[1]} %, marked ones fall from {marked[0]} to {marked[1]} %, all together rise from "
        f"{whole[0]} to {whole[1]} %. That is an interaction. Right, a sketch of Simpson's paradox: both groups fall, and all "
        "together rise."
    )
    drawing = opened(500, "Are surer verdicts better? It depends on the review", text)
    _panel(drawing, 70, "ours: an interaction", Stored.halves, True)
    _panel(drawing, 720, "a sketch of Simpson's paradox", SKETCH, False)
    return str(drawing)


# --- what 90 % means --------------------------------------------------------------------------------------------------


def ninety() -> str:
    """1,000 answers at 90 %: 900 right is calibrated, 700 is too sure, all is not sure enough."""
    text = (
        "Three rows of 1,000 answers, each given with 90 % probability; a dot is 100 answers. 900 right: calibrated. "
        "700 right: overconfident. All 1,000 right: underconfident."
    )
    drawing = opened(440, "1,000 answers, each of them “90 % sure” (made up)", text)
    for row, (name, good) in enumerate((("calibrated", 9), ("overconfident", 7), ("underconfident", 10))):
        y = 130 + 106 * row
        drawing.write(40, y, name, NORMAL, INK, "start", bold=True)
        for at in range(10):
            fill, color = (FIRST, FIRST) if at < good else ("#ffffff", SECOND)
            drawing.add("circle", cx=280 + 72 * at, cy=y, r=28, fill=fill, stroke=color, stroke_width=4)
        drawing.write(974, y, f"{100 * good:,} of 1,000 right", NORMAL, INK, "start", bold=True)
    return str(drawing.write(40, 410, "a dot is 100 answers · filled: right · open: wrong", 20, QUIET, "start"))


DRAWINGS: dict[str, Callable[[], str]] = {
    "11_score.svg": score,
    "11_bootstrap.svg": bootstrap,
    "11_pairs.svg": pairs,
    "11_ninety.svg": ninety,
    "11_interaction.svg": interaction,
}
ANIMATIONS: dict[str, tuple] = {}
