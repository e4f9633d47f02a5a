"""Drawings of why a verdict: three claims, a dimmer for a word, five answers, toy models, deletion curves."""

from collections.abc import Callable
from typing import ClassVar

from bertnotes.pictures.drawings import LARGE, NORMAL, QUIET, SMALL, number, opened
from bertnotes.pictures.style import BLUE, GRID, INK, ORANGE

FOR, AGAINST = BLUE, ORANGE  # what speaks for the verdict, and against it


class Verdict:
    """The sentence of the page, and what mini-imdb and five methods say of it; the page checks that they are its own."""

    words = ("the", "plot", "is", "thin", ",", "but", "the", "acting", "is", "superb", ".")
    percent = 94
    values: ClassVar = {
        "attention": (0.04, 0.07, 0.04, 0.06, 0.04, 0.05, 0.04, 0.04, 0.05, 0.24, 0.04),
        "rollout": (0.02, 0.02, 0.01, 0.02, 0.02, 0.02, 0.02, 0.01, 0.02, 0.03, 0.05),
        "occlusion": (-0.68, -0.69, -0.40, -1.49, -0.49, 2.44, -0.34, -0.96, -1.00, 3.90, -0.21),
        "gradient × input": (-0.26, 1.30, -0.91, -2.04, -0.20, -0.76, -0.61, 0.94, -1.40, 0.96, -0.08),
        "integrated gradients": (-0.24, -0.95, -0.09, -1.64, -0.22, 1.54, -0.34, -0.44, -0.77, 5.04, -0.31),
    }


# --- three claims -----------------------------------------------------------------------------------------------------


class Claims:
    """Another sentence, mini-imdb's verdict on it, and the two words that each method puts first."""

    words = ("a", "dull", "story", ",", "saved", "by", "a", "wonderful", "cast", ".")
    percent = 91  # negative
    first: ClassVar = {"attention": (1, 7), "occlusion": (1, 2), "gradient × input": (4, 8)}


def why() -> str:
    """One verdict, and three methods that name other words for it."""
    text = (
        "A dull story, saved by a wonderful cast. The classifier says negative, 91 %. Three methods mark two words each. "
        "Attention: dull and wonderful. Occlusion: dull and story. Gradient times input: saved and cast. Below: which of them "
        "is right, and how would we know?"
    )
    drawing = opened(500, f"The classifier says: negative, {Claims.percent} %. Because of which words?", text)
    for row, (name, marked) in enumerate(Claims.first.items()):
        x, y = 330.0, 140 + 100 * row
        drawing.write(300, y, name, NORMAL, INK, "end", bold=True)
        for at, word in enumerate(Claims.words):
            width, lit = 30 + 14 * len(word), at in marked
            drawing.box(x + width / 2, y, width, 46, word, FOR if lit else GRID, NORMAL, None if lit else "#ffffff")
            x += width + 6
    return str(drawing.write(640, 448, "Which of them is right? And how would we know?", LARGE, INK, bold=True))


# --- a dimmer ---------------------------------------------------------------------------------------------------------


class Dimmed:
    """The logit of positive as the vector of superb goes from that of [MASK] (0) to its own (1), in ten steps."""

    curve = (-2.5, -2.4, -2.3, -1.9, -1.0, 0.3, 0.9, 1.1, 1.2, 1.3, 1.4)
    slope = 0.96


def dimmer() -> str:
    """A word turned up like a light, and three questions to the curve."""
    text = (
        "Left: the vector of superb is mixed from that of MASK and its own; a dimmer goes from 0, hidden, to 1, there. Right: "
        "the logit of positive over the dimmer, a curve that rises in the middle and is far flatter at 1. Occlusion is the "
        "whole rise from 0 to 1. Gradient times input is the slope at 1."
    )
    drawing = opened(560, "A dimmer for a word: 0 is hidden, 1 is there", text)
    drawing.line((90, 300), (430, 300), color=GRID, width=8)
    for at, (place, name) in enumerate(((90, "[MASK]"), (260, "half"), (430, "superb"))):
        drawing.add("circle", cx=place, cy=300, r=15, fill=INK, opacity=(0.2, 0.5, 1)[at])
        drawing.write(place, 254, name, NORMAL, INK, bold=at == 2).write(place, 344, ("0", "0.5", "1")[at], NORMAL)
    drawing.write(260, 410, "vector = [MASK] + dimmer · (superb − [MASK])", SMALL, QUIET)
    left, low, across, up = 620, 440, 480, 70.0
    points = [(left + across * at / 10, low - up * (value + 2.9)) for at, value in enumerate(Dimmed.curve)]
    drawing.line((left, low), (left + across + 30, low), color=GRID).line((left, low), (left, 110), color=GRID)
    drawing.line(*points, color=INK, width=5)
    (x, y), first = points[-1], points[0]
    drawing.line((left, first[1]), (x + 70, first[1]), color=GRID, dash="6 6")
    drawing.arrow((x + 70, first[1]), (x + 70, y), color=FOR, width=5)
    drawing.write(x + 62, 330, "occlusion:", NORMAL, FOR, "end", bold=True).write(
        x + 62, 360, "the whole rise", NORMAL, FOR, "end", bold=True
    )
    drawing.line((x - 130, y + 0.271 * up * Dimmed.slope), (x + 40, y - 0.083 * up * Dimmed.slope), color=AGAINST, width=5)
    drawing.write(x - 140, 96, "gradient: the slope at 1", NORMAL, AGAINST, bold=True)
    drawing.write(left + across / 2, 482, "dimmer of superb (all other words at 1)", SMALL, QUIET)
    drawing.write(left - 14, first[1], number(Dimmed.curve[0], 1), SMALL, INK, "end")
    drawing.write(left - 14, y, number(Dimmed.curve[-1], 1), SMALL, INK, "end")
    drawing.write(left - 14, 96, "logit", SMALL, QUIET, "end")
    return str(
        drawing.write(640, 528, "Integrated gradients: turn up all words together, and average the slopes on the way.", NORMAL)
    )


# --- five answers -----------------------------------------------------------------------------------------------------


def five() -> str:
    """What five methods say of each word of the sentence."""
    text = (
        "A table of five methods and eleven words, with a bar for each number, up for the verdict, down against it. "
        "Attention: superb far above all others. Rollout: all nearly alike, the full stop highest. Occlusion: superb, then "
        "but; thin lowest. Gradient times input: plot, superb, acting; thin lowest. Integrated gradients: superb, then but; "
        "thin lowest."
    )
    drawing = opened(700, "One sentence, five answers (each row has its own scale)", text)
    for at, word in enumerate(Verdict.words):
        drawing.write(340 + 84 * at, 92, word, NORMAL, INK, bold=True)
    for row, (name, values) in enumerate(Verdict.values.items()):
        y, most = 180 + 116 * row, max(map(abs, values))
        drawing.write(40, y, name, NORMAL, INK, "start", bold=True).line((306, y), (1232, y), color=GRID, width=2)
        for at, value in enumerate(values):
            x, high = 340 + 84 * at, 42 * abs(value) / most
            top = y - high if value > 0 else y
            drawing.add("rect", x=x - 20, y=top, width=40, height=max(high, 1), fill=FOR if value > 0 else AGAINST)
            drawing.write(x, y + 18 if value > 0 else y - 16, number(value, 2), SMALL, INK)
    return str(drawing)


# --- toy models -------------------------------------------------------------------------------------------------------

TOYS = (  # name, rule, two words, what a fair share is
    ("sum", "3 points for great, −2 for slow", ("great", "slow"), (3, -2)),
    ("either", "3 points if there is great or superb", ("great", "superb"), (1.5, 1.5)),
    ("both", "3 points if there are not and bad", ("not", "bad"), (1.5, 1.5)),
    ("block", "3 points for great, unless there is hardly", ("great", "hardly"), (1.5, -1.5)),
    ("look", "looks at film with 0.8, at great with 0.2, and adds 0.8 · 0 + 0.2 · 15 points", ("film", "great"), (0, 3)),
)


def toys() -> str:
    """Five toy models, what each does, and the fair share of each word."""
    text = (
        "Five toy models of two words. sum: 3 points for great, minus 2 for slow; fair shares 3 and minus 2. either: 3 points "
        "if there is great or superb; 1.5 each. both: 3 points if there are not and bad; 1.5 each. block: 3 points for great, "
        "unless there is hardly; 1.5 and minus 1.5. look: looks at film with 0.8 and at great with 0.2, and adds 0.8 times "
        "0 and 0.2 times 15 points; 0 and 3."
    )
    drawing = opened(640, "Five models whose reasons we know, because we made them", text)
    drawing.write(1060, 98, "fair shares", SMALL, QUIET)
    for row, (name, rule, words, shares) in enumerate(TOYS):
        y = 160 + 98 * row
        drawing.write(40, y, name, LARGE, INK, "start", bold=True)
        lines = rule.split(", and ") if len(rule) > 60 else [rule]
        for at, line in enumerate(lines):
            drawing.write(180, y + 30 * (at - (len(lines) - 1) / 2), line, NORMAL, INK, "start")
        for at, (word, share) in enumerate(zip(words, shares, strict=True)):
            x = 970 + 180 * at
            color = FOR if share > 0 else AGAINST if share < 0 else INK
            drawing.box(x, y, 150, 64, "", color).write(x, y - 13, word, 20).write(
                x, y + 15, f"{share:g}".replace("-", "−"), NORMAL, bold=True
            )
    return str(drawing)


# --- deletion curves --------------------------------------------------------------------------------------------------


class Deleted:
    """Made-up numbers: a verdict's probability with 0, 1, 2, 3 words hidden, by a ranking and at random."""

    ranked, random = (0.95, 0.40, 0.15, 0.08), (0.95, 0.90, 0.84, 0.75)


def deletion() -> str:
    """Hide words in the order of a ranking, and in random order; the lead is the mean gap between both curves."""
    text = (
        "Left: hide the first word of a ranking, its first two, its first three; and as many drawn at random. "
        "Right: the probability of the verdict over the share of words hidden, made-up numbers. The random curve falls slowly "
        "from 0.95 to 0.75, that of the ranking fast, from 0.95 to 0.08. The lead is the mean gap: the area over the width."
    )
    drawing = opened(560, "A deletion curve: hide what a ranking puts first", text)
    orders = (("by the ranking", "its first", FOR), ("at random", "any", QUIET))
    for block, (name, hidden, color) in enumerate(orders):
        y = 118 + 220 * block
        drawing.write(40, y, name, NORMAL, color, "start", bold=True)
        for step in (1, 2, 3):
            drawing.write(40, y + 8 + 42 * step, f"{step}.", 20, QUIET, "start")
            drawing.write(80, y + 8 + 42 * step, f"hide {hidden} {('one', 'two', 'three')[step - 1]}", 20, INK, "start")
    left, low, across, up = 640, 430, 500, 310.0

    def curve(values):
        return [(left + across * at / 3, low - up * value) for at, value in enumerate(values)]

    ranked, random = curve(Deleted.ranked), curve(Deleted.random)
    path = " ".join(f"{x:.0f},{y:.0f}" for x, y in [*random, *reversed(ranked)])
    drawing.add("polygon", points=path, fill="#e3eef8")
    drawing.line((left, low), (left + across + 20, low), color=GRID).line((left, low), (left, 110), color=GRID)
    drawing.line(*random, color=QUIET, width=5, dash="10 8").line(*ranked, color=FOR, width=5)
    drawing.write(1150, random[-1][1], "random", 20, QUIET, "start", bold=True)
    drawing.write(1150, ranked[-1][1], "ranking", 20, FOR, "start", bold=True)
    drawing.write(930, 240, "lead: the mean gap", NORMAL, INK, bold=True).write(930, 272, "(area / width)", SMALL, INK)
    drawing.write(left - 12, 136, "0.95", SMALL, INK, "end").write(left - 12, low, "0", SMALL, INK, "end")
    drawing.write(left + across / 2, 470, "share of the words that is hidden", SMALL, QUIET)
    return str(
        drawing.write(
            640, 526, "Probability of the verdict (made-up numbers): the faster it falls, the better the ranking.", NORMAL
        )
    )


DRAWINGS: dict[str, Callable[[], str]] = {
    "12_why.svg": why,
    "12_dimmer.svg": dimmer,
    "12_five.svg": five,
    "12_toys.svg": toys,
    "12_deletion.svg": deletion,
}
ANIMATIONS: dict[str, tuple] = {}
