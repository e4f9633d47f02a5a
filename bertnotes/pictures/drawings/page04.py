"""Drawings of who may see whom: the three readers, the leak in two hops, masks, and two guesses that are joined."""

from collections.abc import Callable
from functools import partial
from itertools import product

import torch

from bertnotes.pictures.charts import FIRST, SECOND
from bertnotes.pictures.drawings import LARGE, NORMAL, PALE, QUIET, SMALL, Drawing, opened
from bertnotes.pictures.style import GRID, INK, LIGHT

WORDS = ("a", "critic", "loves", "films")
LOOKS = 1  # the word whose sight is lit
PANELS = ("ELMo", "GPT", "BERT")
UNDER = {
    "ELMo": "two chains that meet only at the top",
    "GPT": "in every layer only back",
    "BERT": "in every layer both ways",
}
LEVELS = (540, 400, 260)  # heights: words, first layer, second layer


def node(drawing: Drawing, x, y, color=INK, filled=False) -> Drawing:
    """One position in one layer."""
    return drawing.add("circle", cx=x, cy=y, r=15, fill=color if filled else LIGHT["ground"], stroke=color, stroke_width=2.5)


def link(drawing: Drawing, start, end, color=PALE, width=1.5) -> Drawing:
    """An arrow from node to node, which leaves both free."""
    (x0, y0), (x1, y1) = start, end
    long = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
    part = 19 / long
    a = (x0 + part * (x1 - x0), y0 + part * (y1 - y0))
    b = (x1 - part * (x1 - x0), y1 - part * (y1 - y0))
    return drawing.arrow(a, b, color=color, width=width)


def panels(lit: str | None = None) -> str:
    """The three readers side by side, what reaches the word *critic* drawn strong. lit: the one that is not faint."""
    text = (
        "Three readers of the words a critic loves films, drawn as arrows from the words up to each word's output. "
        "ELMo: a chain "
        "that runs to the right and one that runs to the left; only the output at the top takes both. GPT: each word looks at "
        "itself and the words before it, in each of two layers. BERT: each word looks at all words, in each of two layers."
    )
    drawing = opened(640, "Who may see whom: what reaches the output of “critic”", text)
    for at, name in enumerate(PANELS):
        left = 80 + 420 * at
        with drawing.faded(1 if lit in (None, name) else 0.13):
            drawing.write(left - 40, 104, name, LARGE, bold=True, anchor="start")
            drawing.write(left - 40, 140, UNDER[name], 20, QUIET, "start")
            places = [left + 96 * column for column in range(len(WORDS))]
            (_chains if name == "ELMo" else _layers)(drawing, places, name == "BERT")
            for x, word in zip(places, WORDS, strict=True):
                drawing.write(x, 580, word, NORMAL, bold=word == WORDS[LOOKS])
    drawing.line((440, 90), (440, 600), color=GRID, width=2).line((860, 90), (860, 600), color=GRID, width=2)
    for x, color, name in ((260, FIRST, "from the left, or the word itself"), (760, SECOND, "from the right")):
        drawing.line((x - 50, 618), (x - 10, 618), color=color, width=5).write(x, 618, name, SMALL, color, "start", bold=True)
    return str(drawing)


def _chains(drawing, places, _):
    """ELMo: every word feeds two chains, and its output takes one state of each."""
    words, right, left, top = 540, 430, 320, 200
    for x in places:
        strong = x == places[LOOKS]
        drawing.line((x - 8, words - 18), (x - 8, right + 16), color=FIRST if x <= places[LOOKS] else PALE, width=2)
        drawing.line(
            (x + 8, words - 18),
            (x + 22, right),
            (x + 22, left + 26),
            (x + 8, left + 12),
            color=SECOND if x >= places[LOOKS] else PALE,
            width=2,
        )
        drawing.line((x, left - 16), (x, top + 16), color=SECOND if strong else PALE, width=3 if strong else 1.5)
        drawing.line(
            (x - 10, right - 12),
            (x - 22, right - 30),
            (x - 22, top + 30),
            (x - 12, top + 12),
            color=FIRST if strong else PALE,
            width=3 if strong else 1.5,
        )
    for column in range(len(places) - 1):
        a, b = places[column], places[column + 1]
        strong = column < LOOKS
        link(drawing, (a, right), (b, right), FIRST if strong else PALE, 3.5 if strong else 1.5)
        strong = column >= LOOKS
        link(drawing, (b, left), (a, left), SECOND if strong else PALE, 3.5 if strong else 1.5)
    for column, x in enumerate(places):
        node(drawing, x, words, filled=True)
        node(drawing, x, right, FIRST)
        node(drawing, x, left, SECOND)
        node(drawing, x, top, INK, filled=column == LOOKS)


def _layers(drawing, places, both):
    """GPT and BERT: in each of two layers, arrows from the positions that may be seen."""
    may = [(j, i) for i, j in product(range(len(places)), repeat=2) if both or j <= i]
    for (low, high), last in (((LEVELS[0], LEVELS[1]), False), ((LEVELS[1], LEVELS[2]), True)):
        strong = [(j, i) for j, i in may if i == LOOKS or (not last and (i, LOOKS) in may)]
        for j, i in [pair for pair in may if pair not in strong] + strong:
            color = PALE if (j, i) not in strong else SECOND if j > LOOKS else FIRST
            link(drawing, (places[j], low), (places[i], high), color, 2.5 if (j, i) in strong else 1.5)
    for level, y in enumerate(LEVELS):
        for column, x in enumerate(places):
            node(drawing, x, y, filled=level == 0 or (level == 2 and column == LOOKS))


LEAK_WORDS = ("a", "critic", "loves", "the", "film")
LEAK_STEPS = (
    ("“critic” must name the next word.", "So it may not look at “loves”."),
    ("First layer: “the” looks at “loves”,", "and takes some of it along."),
    ("Second layer: “critic” looks at “the”,", "and finds some of “loves” there."),
)


def leak(step: int | None = None) -> str:
    """A word sees itself in two hops, though nobody may look at the word to be named. step: the one that is lit, from 1."""
    text = (
        "Five words and two layers. The position of critic has to name the next word, loves, and may not look at it. "
        "In the first "
        "layer the position of the may look at loves. In the second, critic looks at the. So loves reaches critic in two hops."
    )
    drawing = opened(600, "Two hops: how a word comes to see itself", text)
    places, heights = [110 + 150 * column for column in range(5)], (480, 320, 160)
    for low, high in ((480, 320), (320, 160)):
        for j, i in product(range(5), repeat=2):
            if j != i + 1:
                link(drawing, (places[j], low), (places[i], high), GRID, 1.2)
    i, j, target = 1, 3, 2

    def strength(number):
        return 1 if step is None or step == number else 0.5 if step > number else 0.08

    with drawing.faded(strength(1)):
        drawing.line((places[target] - 14, 466), (places[i] + 14, 334), color=INK, width=3, dash="9 7")
        middle = ((places[target] + places[i]) / 2, 400)
        for side in (-1, 1):
            drawing.line((middle[0] - 14, middle[1] - 14 * side), (middle[0] + 14, middle[1] + 14 * side), width=5)
    with drawing.faded(strength(2)):
        link(drawing, (places[target], 480), (places[j], 320), SECOND, 6)
    with drawing.faded(strength(3)):
        link(drawing, (places[j], 320), (places[i], 160), SECOND, 6)
    for level, y in enumerate(heights):
        for column, x in enumerate(places):
            carries = (level == 0 and column == target) or (level == 1 and column == j) or (level == 2 and column == i)
            late = step is not None and step < level + (level > 0)
            node(drawing, x, y, SECOND if carries and not late else INK, filled=carries and not late)
    for x, word, name in zip(places, LEAK_WORDS, ("", "i", "i + 1", "j", ""), strict=True):
        drawing.write(x, 524, word, NORMAL, bold=bool(name)).write(x, 556, name, NORMAL, QUIET, bold=True)
    for name, y in zip(("words", "layer 1", "layer 2"), heights, strict=True):
        drawing.write(790, y, name, SMALL, QUIET, "start")
    for number, lines in enumerate(LEAK_STEPS, 1):
        y = 480 - 160 * (number - 1)
        with drawing.faded(1 if step in (None, number) else 0.35):
            drawing.write(890, y - 14, f"{number}", LARGE, SECOND, "start", bold=True)
            for row, line in enumerate(lines):
                drawing.write(922, y - 14 + 30 * row, line, 20, INK, "start")
    return str(drawing)


def grid(drawing: Drawing, x, y, may, words=(), cell=44) -> Drawing:
    """A mask: a dark cell where the word of the row may look at that of the column. words: names of its rows and columns."""
    for row, column in product(range(len(may)), repeat=2):
        fill = FIRST if may[row][column] else LIGHT["ground"]
        drawing.add(
            "rect", x=x + cell * column, y=y + cell * row, width=cell, height=cell, fill=fill, stroke=PALE, stroke_width=1.5
        )
    for at, word in enumerate(words):
        drawing.write(x - 10, y + cell * (at + 0.5), word, SMALL, INK, "end")
        drawing.write(x + cell * (at + 0.5), y - 18, word, SMALL, INK)
    return drawing


def masks_of_pictures(length=6) -> dict[str, torch.Tensor]:
    """The four masks of the exercise, by the letter that they have there."""
    rows, columns = torch.arange(length)[:, None], torch.arange(length)
    return {"A": columns != rows + 1, "B": columns >= rows, "C": columns > -1 + 0 * rows, "D": columns <= rows}


def whose() -> str:
    """Four masks, for the reader to say whose they are."""
    text = (
        "Four masks of six words, a dark cell where the word of the row may look at the word of the column. A: all "
        "cells but those "
        "one right of the diagonal. B: the diagonal and all to the right of it. C: all cells. D: the diagonal and all "
        "to the left."
    )
    drawing = opened(480, "Four masks: row = the word that looks, dark = may look", text)
    for at, (name, may) in enumerate(masks_of_pictures().items()):
        x = 60 + 306 * at
        drawing.write(x + 120, 112, name, LARGE, bold=True)
        grid(drawing, x, 150, may.tolist(), cell=40)
        drawing.write(x, 414, "first word", SMALL, QUIET, "start").write(x + 240, 414, "last", SMALL, QUIET, "end")
    drawing.write(
        60, 450, "Columns: the words that are looked at, first to last. Rows: first at the top.", SMALL, QUIET, "start"
    )
    return str(drawing)


SEEN = ("a", "critic", "loves", "films")


def ways() -> str:
    """Three ways to keep a word from seeing itself: look back only, hide it in the text, go by another order."""
    text = (
        "Three ways so that no word sees the word that it names. GPT: each word looks back, and names the next one. "
        "BERT: all look "
        "at all, but the word to be named, loves, is replaced by MASK in the text. XLNet: the words are named in a "
        "random order, here films, "
        "a, loves, critic, and each is named from those that came before it in that order."
    )
    drawing = opened(560, "Three ways to keep the answer out of sight", text)
    order = (3, 0, 2, 1)  # films, a, loves, critic
    rank = {word: at for at, word in enumerate(order)}
    back = [[j <= i for j in range(4)] for i in range(4)]
    shuffled = [[rank[j] < rank[i] for j in range(4)] for i in range(4)]
    parts = (
        ("GPT: look back only", SEEN, back, ("Each row names the word", "after it.")),
        (
            "BERT: hide it in the text",
            ("a", "critic", "[MASK]", "films"),
            [[True] * 4] * 4,
            ("The row of [MASK] names", "the word that stood there."),
        ),
        (
            "XLNet: another order",
            SEEN,
            shuffled,
            ("Order: films, a, loves, critic.", "Each row names its own word;", "that of “films” sees none."),
        ),
    )
    for at, (name, words, may, lines) in enumerate(parts):
        x = 130 + 420 * at
        drawing.write(x - 90, 106, name, 24, bold=True, anchor="start")
        cell = 64
        for row, column in product(range(4), repeat=2):
            fill = FIRST if may[row][column] else LIGHT["ground"]
            drawing.add(
                "rect",
                x=x + cell * column,
                y=190 + cell * row,
                width=cell,
                height=cell,
                fill=fill,
                stroke=PALE,
                stroke_width=1.5,
            )
        for place, word in enumerate(words):
            drawing.write(x - 10, 190 + cell * (place + 0.5), word, SMALL, INK, "end")
            drawing.write(x + cell * (place + 0.5), 172, word, SMALL, INK)
        for row, line in enumerate(lines):
            drawing.write(x - 90, 482 + 27 * row, line, 20, QUIET, "start")
    drawing.line((440, 90), (440, 530), color=GRID, width=2).line((860, 90), (860, 530), color=GRID, width=2)
    return str(drawing)


CASES = {("and", "and"): "9/16", ("and", "but"): "3/16", ("but", "and"): "3/16", ("but", "but"): "1/16"}


def product_of(left: str, right: str) -> dict[str, float]:
    """What the product rule makes of two guesses: left and right guess 3/4 for their word; and has 5/8 of all links."""
    share = {"and": 5 / 8, "but": 3 / 8}
    joined = {word: (3 if left == word else 1) * (3 if right == word else 1) / 16 / share[word] for word in share}
    return {word: value / sum(joined.values()) for word, value in joined.items()}


def truth_of(left: str, right: str) -> str:
    """The link: the left half guesses *and* where it saw *loves*, *but* where it saw *hates*; so does the right half."""
    return "and" if left == right else "but"


def joins() -> str:
    """Two rules for the same two guesses, cell by cell: the product, and a table of what was met."""
    text = (
        "Two tables of two by two: rows are the guess of the left half, columns that of the right half. The product "
        "rule says and "
        "where both say and, otherwise but; where both say but it is wrong, in 1 sentence of 16, and is correct in "
        "15/16. The table "
        "says and where both guesses are the same and but where they differ: it is always right."
    )
    drawing = opened(620, "Two guesses, two rules to join them", text)
    for x, name, score in ((140, "the product rule", "15/16 correct"), (760, "a table of what was met", "16/16 correct")):
        drawing.write(x + 265, 106, name, 24, bold=True).write(x + 265, 574, score, 24, bold=True)
        for (row, left), (column, right) in product(enumerate(("and", "but")), repeat=2):
            values = product_of(left, right)
            said = max(values, key=values.get) if x == 140 else truth_of(left, right)
            wrong = said != truth_of(left, right)
            center = (x + 170 + 190 * column, 270 + 170 * row)
            drawing.box(*center, 178, 158, color=SECOND if wrong else INK, fill="#f6e3ed" if wrong else "#f3f4f6")
            drawing.write(center[0], center[1] - 26, said, LARGE, bold=True)
            drawing.write(
                center[0], center[1] + 12, "wrong" if wrong else "correct", NORMAL, SECOND if wrong else QUIET, bold=wrong
            )
            drawing.write(center[0], center[1] + 46, f"{CASES[left, right]} of all", SMALL, QUIET)
        for at, word in enumerate(("and", "but")):
            drawing.write(x + 170 + 190 * at, 168, f"from the right: {word}", NORMAL, SECOND, bold=True)
            drawing.write(x + 70, 270 + 170 * at, f"from the left: {word}", NORMAL, FIRST, "end", bold=True)
    return str(drawing)


DRAWINGS: dict[str, Callable[[], str]] = {
    "04_panels.svg": panels,
    **{f"04_panels_{name.lower()}.svg": partial(panels, name) for name in PANELS},
    "04_leak.svg": leak,
    **{f"04_leak_{step}.svg": partial(leak, step) for step in (1, 2, 3)},
    "04_joins.svg": joins,
    "04_ways.svg": ways,
    "04_whose.svg": whose,
}
ANIMATIONS: dict[str, tuple] = {}
