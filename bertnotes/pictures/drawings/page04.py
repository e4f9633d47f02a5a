"""Drawings of who may see whom: the readers, four of them in a table, the leak in two hops, masks, and two guesses joined."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise, product

import torch

from bertnotes.pictures.charts import FIRST, SECOND
from bertnotes.pictures.drawings import LARGE, PALE, QUIET, Drawing, opened
from bertnotes.pictures.style import GRID, INK, LIGHT

# one meaning for each colour, on the whole page: from the left, from the right, from both, and the word that is to be named
LEFT, RIGHT, BOTH, ANSWER = FIRST, SECOND, INK, "#a06f00"
MAY = "#8b949e"  # a cell of a mask
SMALL = 22  # a slide shows a drawing in a frame: smaller letters are not read from the last row

WORDS = ("a", "critic", "loves", "films")
LOOKS = 1  # the word whose sight is lit
PANELS = ("ELMo", "GPT", "BERT")
UNDER = {
    "ELMo": "two chains, one each way",
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
    """The three readers side by side, or one of them alone and wide; what reaches the word *critic* is drawn strong."""
    text = (
        "Readers of the words a critic loves films, drawn as arrows from the words up to each word's output. "
        "ELMo: a chain "
        "that runs to the right and one that runs to the left; only the output at the top takes both. GPT: each word looks at "
        "itself and the words before it, in each of two layers. BERT: each word looks at all words, in each of two layers."
    )
    drawing = opened(670, "Who may see whom: what reaches the output of “critic”", text)
    for at, name in enumerate([lit] if lit else PANELS):
        left, step = (200, 290) if lit else (80 + 420 * at, 96)
        drawing.write(40 if lit else left - 40, 104, name, LARGE, bold=True, anchor="start")
        drawing.write(160 if lit else left - 40, 104 if lit else 142, UNDER[name], 24, QUIET, "start")
        places = [left + step * column for column in range(len(WORDS))]
        (_chains if name == "ELMo" else _layers)(drawing, places, name == "BERT")
        for x, word in zip(places, WORDS, strict=True):
            drawing.write(x, 580, word, LARGE if lit else 26, bold=word == WORDS[LOOKS])
    if not lit:
        drawing.line((440, 90), (440, 600), color=GRID, width=2).line((860, 90), (860, 600), color=GRID, width=2)
    legend = {LEFT: "from “critic” and left of it", RIGHT: "from “critic” and right of it", BOTH: "from both sides"}
    shown = {"GPT": (LEFT,), "ELMo": (LEFT, RIGHT)}.get(lit or "", tuple(legend))
    for x, color in zip((40, 500, 980), shown, strict=False):
        drawing.line((x, 640), (x + 40, 640), color=color, width=5).write(
            x + 52, 640, legend[color], 24, color, "start", bold=True
        )
    return str(drawing)


def _chains(drawing, places, _):
    """ELMo: every word feeds two chains, and its output takes one state of each."""
    right, left = 430, 320
    for column, x in enumerate(places):
        _to_chains(drawing, x, LEFT if column <= LOOKS else PALE, RIGHT if column >= LOOKS else PALE)
        _to_output(drawing, x, column == LOOKS)
    for column in range(len(places) - 1):
        a, b = places[column], places[column + 1]
        for strong, start, end, color in (
            (column < LOOKS, (a, right), (b, right), LEFT),
            (column >= LOOKS, (b, left), (a, left), RIGHT),
        ):
            link(drawing, start, end, color if strong else PALE, 3 if strong else 1.5)
    for column, x in enumerate(places):
        node(drawing, x, 540, filled=True)
        node(drawing, x, right, LEFT)
        node(drawing, x, left, RIGHT)
        node(drawing, x, 200, BOTH, filled=column == LOOKS)


def _to_chains(drawing, x, right, left):
    """The arrows from a word to its states in the chain to the right and in that to the left. right, left: their colours."""
    drawing.arrow((x - 8, 523), (x - 8, 446), color=right, width=1.5 if right == PALE else 2.5)
    drawing.arrow((x + 8, 523), (x + 24, 430), (x + 24, 350), (x + 11, 333), color=left, width=1.5 if left == PALE else 2.5)


def _to_output(drawing, x, strong):
    """The arrows from a word's two states to its output."""
    width = 3 if strong else 1.5
    drawing.arrow((x, 304), (x, 218), color=RIGHT if strong else PALE, width=width)
    drawing.arrow((x - 10, 417), (x - 26, 395), (x - 26, 235), (x - 11, 214), color=LEFT if strong else PALE, width=width)


def _layers(drawing, places, both):
    """GPT and BERT: in each of two layers, arrows from the positions that may be seen."""
    may = [(j, i) for i, j in product(range(len(places)), repeat=2) if both or j <= i]
    for (low, high), last in (((LEVELS[0], LEVELS[1]), False), ((LEVELS[1], LEVELS[2]), True)):
        strong = [(j, i) for j, i in may if i == LOOKS or (not last and (i, LOOKS) in may)]
        for j, i in [pair for pair in may if pair not in strong] + strong:
            brings = BOTH if last and both else RIGHT if j > LOOKS else LEFT
            is_strong = (j, i) in strong
            link(drawing, (places[j], low), (places[i], high), brings if is_strong else PALE, 2.5 if is_strong else 1.5)
    for level, y in enumerate(LEVELS):
        for column, x in enumerate(places):
            node(drawing, x, y, filled=level == 0 or (level == 2 and column == LOOKS))


SENTENCE = "a critic loves the films but an actor hates them".split()
RULES = (  # who needs whom, and the height of the arc
    ((0,), (1,), 250),
    ((6,), (7,), 250),
    ((9,), (4,), 130),
    ((5,), (2, 8), 190),
)


def rules() -> str:
    """A sentence of the small language, and from each word that is decided an arrow to the words that decide it."""
    text = (
        "The sentence a critic loves the films but an actor hates them. Arrows: a is decided by critic, an by actor, both "
        "after it. them is decided by films, before it. but is decided by loves and hates, one on each side."
    )
    drawing = opened(470, "Which words decide which?", text)
    lengths = [19.5 * len(word) + 38 for word in SENTENCE]
    middles = [60 + sum(lengths[:at]) + lengths[at] / 2 for at in range(len(lengths))]
    decided = {at for places, _, _ in RULES for at in places}
    for at, (x, word) in enumerate(zip(middles, SENTENCE, strict=True)):
        drawing.write(x, 330, word, 38, bold=at in decided)
    for (start,), ends, high in RULES:
        for end in ends:
            color = RIGHT if end > start else LEFT
            x0, x1 = middles[start] + (6 if end > start else -6), middles[end]
            drawing.arrow((x0, 300), (x0, high), (x1, high), (x1, 302), color=color, width=4)
    for x, color, name in ((48, LEFT, "needs a word on its left"), (560, RIGHT, "needs a word on its right")):
        drawing.line((x, 420), (x + 40, 420), color=color, width=5).write(x + 52, 420, name, 26, color, "start", bold=True)
    return str(drawing)


LEAK_WORDS = ("a", "critic", "loves", "the", "film")
LEAK_STEPS = (
    ("“critic” has to name the next word,", "so it may not look at “loves”."),
    ("First layer: “the” looks at “loves”,", "and takes some of it along."),
    ("Second layer: “critic” looks at “the”,", "and finds some of “loves” there."),
)
LEAK_TEXTS = (
    "The position of critic has to name the next word, loves, and may not look at it. ",
    "In the first layer the position of the may look at loves, and takes some of it along. ",
    "In the second layer critic looks at the. So loves reaches critic in two hops.",
)
LEAK_PLACES, LEAK_HEIGHTS = [70 + 135 * column for column in range(5)], (480, 320, 160)
NAMES_NEXT, NEXT, BETWEEN = 1, 2, 3  # the position that names the next word, that word, and one that carries it


def leak(step: int = 3) -> str:
    """A word sees itself in two hops, though nobody may look at the word to be named. step: how far it is told, 1 to 3."""
    title = "Two hops: how a word comes to see itself" if step == 3 else "Everywhere, only not at the next word"
    drawing = opened(600, title, "Five words and two layers. " + "".join(LEAK_TEXTS[:step]))
    for (low, high), (j, i) in product(pairwise(LEAK_HEIGHTS), product(range(5), repeat=2)):
        if j != i + 1:
            link(drawing, (LEAK_PLACES[j], low), (LEAK_PLACES[i], high), GRID, 1.2)
    _hops(drawing, step)
    carriers = [NEXT, BETWEEN, NAMES_NEXT][:step]
    for level, column in product(range(3), range(5)):
        carries = level < step and column == carriers[level]
        node(drawing, LEAK_PLACES[column], LEAK_HEIGHTS[level], ANSWER if carries else INK, filled=carries)
    for column, word in enumerate(LEAK_WORDS):
        drawing.write(LEAK_PLACES[column], 528, word, LARGE, bold=column in carriers or column == NAMES_NEXT)
    for name, y in zip(("words", "layer 1", "layer 2"), LEAK_HEIGHTS, strict=True):
        drawing.write(636, y, name, 26, INK, "start")
    for number, lines in enumerate(LEAK_STEPS[:step], 1):
        y = 626 - 160 * number
        drawing.write(752, y, f"{number}", LARGE, ANSWER, "start", bold=True)
        for row, line in enumerate(lines):
            drawing.write(780, y + 34 * row, line, 26, INK, "start")
    return str(drawing)


def _hops(drawing, step):
    """What is forbidden, and the hops that are told so far."""
    (target, low), (names, high) = (LEAK_PLACES[NEXT], 480), (LEAK_PLACES[NAMES_NEXT], 320)
    drawing.line((target - 14, low - 14), (names + 14, high + 14), color=INK, width=3, dash="9 7")
    x, y = (target + names) / 2, (low + high) / 2
    for side in (-1, 1):
        drawing.line((x - 14, y - 14 * side), (x + 14, y + 14 * side), width=5)
    if step > 1:
        link(drawing, (target, low), (LEAK_PLACES[BETWEEN], high), ANSWER, 6)
    if step > 2:
        link(drawing, (LEAK_PLACES[BETWEEN], high), (names, 160), ANSWER, 6)


def grid(drawing: Drawing, x, y, may, words=(), cell=44) -> Drawing:
    """A mask: a dark cell where the word of the row may look at that of the column. words: names of its rows and columns."""
    for row, column in product(range(len(may)), repeat=2):
        place = {"x": x + cell * column, "y": y + cell * row, "width": cell, "height": cell}
        drawing.add("rect", fill=MAY if may[row][column] else LIGHT["ground"], stroke=PALE, stroke_width=1.5, **place)
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


SEEN = ("critic", "loves", "films")
WAYS = (  # the reader, its way, what its rows name, its costs
    (
        "ELMo",
        "two chains",
        ("Each is scored on what", "it cannot see: slate on", "the next word, magenta", "on the one before."),
        ("in pre-training the", "sides never meet"),
    ),
    ("GPT", "look back only", ("Each row names the", "word after it."), ("in one pass,", "the right side")),
    (
        "BERT",
        "hide it in the text",
        ("The [MASK] row names", "the word that stood", "there."),
        ("few words to name,", "odd [MASK] tokens"),
    ),
    ("XLNet", "another order", ("A row names its own", "word. The order: films,", "critic, loves."), ("more to compute",)),
)


def ways() -> str:
    """Four ways to keep a word from seeing itself: two chains, look back only, hide it in the text, go by another order."""
    text = (
        "Four ways so that no word sees the word that it names. ELMo: two chains, each scored on what it cannot see, the "
        "next word or the one before; the sides never meet in pre-training. GPT: each word looks back, and names the next "
        "one; it has no right side in one pass. BERT: all look at all, but the word to be named, loves, is replaced by MASK in "
        "the text; few words to name, odd MASK tokens. XLNet: the words are named in a random order, here films, critic, "
        "loves, each from those before it in that order; more to compute."
    )
    drawing = opened(676, "Four ways to keep the answer out of sight: dark = may look", text)
    order = (2, 0, 1)  # films, critic, loves
    may = {
        "ELMo": [[False] * 3] * 3,
        "GPT": [[j <= i for j in range(3)] for i in range(3)],
        "BERT": [[True] * 3] * 3,
        "XLNet": [[order.index(j) < order.index(i) for j in range(3)] for i in range(3)],
    }
    for at, (name, way, lines, costs) in enumerate(WAYS):
        x, cell = 98 + 316 * at, 70
        drawing.write(x - 84, 96, name, LARGE, bold=True, anchor="start").write(x - 84, 132, way, 24, INK, "start")
        grid(drawing, x, 190, may[name], ("critic", "[MASK]", "films") if name == "BERT" else SEEN, cell)
        if name == "ELMo":
            _two_colours(drawing, x, 190, cell)
        for row, line in enumerate(lines):
            drawing.write(x - 84, 436 + 31 * row, line, 24, INK, "start")
        drawing.write(x - 84, 574, "Costs:", 24, INK, "start", bold=True)
        for row, line in enumerate(costs):
            drawing.write(x - 84, 605 + 31 * row, line, 24, INK, "start")
        if at:
            drawing.line((x - 95, 80), (x - 95, 652), color=GRID, width=2)
    return str(drawing)


def _two_colours(drawing, x, y, cell):
    """What ELMo's chains see in three words: back and ahead of each row's word, the word itself in both."""
    for row, column in product(range(3), repeat=2):
        (a, b), (c, d) = (x + cell * column, y + cell * row), (x + cell * (column + 1), y + cell * (row + 1))
        for color, may, corner in ((LEFT, column <= row, f"{a},{d}"), (RIGHT, column >= row, f"{c},{b}")):
            if may:
                third = f" {c},{b}" if column < row else f" {a},{d}" if column > row else ""
                drawing.add("polygon", points=f"{a},{b} {corner} {c},{d}{third}", fill=color, stroke=PALE, stroke_width=1.5)


def product_of(left: str, right: str) -> dict[str, float]:
    """What the product rule makes of two guesses: left and right guess 3/4 for their word; and has 5/8 of all links."""
    joined = {word: (3 if left == word else 1) * (3 if right == word else 1) / 16 / SHARE[word] for word in SHARE}
    return {word: value / sum(joined.values()) for word, value in joined.items()}


HALF = {"and": 1 / 4, "but": 3 / 4}  # what a half of ELMo guesses that has seen one “hates”
SHARE = {"and": 5 / 8, "but": 3 / 8}
FRACTIONS = {1 / 4: "1/4", 3 / 4: "3/4", 5 / 8: "5/8", 3 / 8: "3/8"}


def product_bars() -> str:
    """The product rule for a sentence with two hates, in bars: left times right, divided by the share of the word."""
    text = (
        "Bars for the words and and but. The left half saw hates: and 1/4, but 3/4. So did the right half: and 1/4, but 3/4. "
        "The shares of all links: and 5/8, but 3/8. Left times right divided by share: and 0.1, but 1.5. So the product "
        "says but, 15 to 1; the link is and."
    )
    drawing = opened(600, "a critic hates the film … an actor hates it", text)
    joined = {word: HALF[word] ** 2 / SHARE[word] for word in HALF}
    columns = (
        (70, "the left half", LEFT, HALF),
        (370, "the right half", RIGHT, HALF),
        (670, "share of all links", QUIET, SHARE),
        (970, "the product", BOTH, joined),
    )
    for (x, name, color, values), sign in zip(columns, ("×", "÷", "=", ""), strict=True):
        drawing.write(x + 105, 120, name, 24, color, bold=True)
        for at, (word, value) in enumerate(values.items()):
            middle, high = x + 50 + 110 * at, 185 * value
            drawing.add("rect", x=middle - 40, y=490 - high, width=80, height=high, fill=color)
            drawing.write(middle, 466 - high, FRACTIONS.get(value, f"{value:.1f}"), LARGE, bold=True)
            drawing.write(middle, 518, word, 24)
        if sign:
            drawing.write(x + 252, 380, sign, 44, bold=True)
    drawing.write(640, 568, "Only the ratio counts: “but”, 15 to 1. The link is “and”.", 26, INK, bold=True)
    return str(drawing)


FOUR = {  # attention mask and objective: the reader, its result in the exam or what it did instead, and its loss
    ("back", "next"): ("GPT", "links: 0.75", "loss: 0.65, at best 0.62"),
    ("back", "hidden"): ("hybrid", "links: 0.75", "loss: 0.76, at best 0.74"),
    ("all", "next"): ("leaky", "copies the answer", "loss: 0.00"),
    ("all", "hidden"): ("BERT", "links: 1.00 in 3 of 4 runs", "loss: 0.51, at best 0.50"),
}


def four() -> str:
    """Four readers in a table of two by two, attention mask by objective, each with its result."""
    text = (
        "A table. Rows: the attention mask. Columns: what the reader has to name. Only back, the next word: GPT, 0.75 of "
        "the links, loss 0.65, at best 0.62. Only back, hidden words: the hybrid, 0.75, loss 0.76, at best 0.74. All words, "
        "the next word: leaky, copies the answer, loss 0.00. All words, hidden words: BERT, 1.00 in 3 of 4 runs, loss 0.51, at "
        "best 0.50."
    )
    drawing = opened(640, "Four readers: attention mask × objective", text)
    for x, name in ((550, "names the next word"), (1010, "names hidden words")):
        drawing.write(x, 112, name, LARGE, bold=True)
    for y, name, may in ((245, "looks only back", "back"), (475, "looks at all words", "all")):
        drawing.write(175, y - 72, name, LARGE, bold=True)
        grid(drawing, 113, y - 40, [[may == "all" or j <= i for j in range(4)] for i in range(4)], cell=31)
        for x, objective in ((550, "next"), (1010, "hidden")):
            reader, result, loss = FOUR[may, objective]
            drawing.box(
                x, y, 436, 206, color=ANSWER if reader == "leaky" else INK, fill="#f8efd8" if reader == "leaky" else "#f3f4f6"
            )
            drawing.write(x, y - 58, reader, 34, bold=True).write(x, y + 4, result, 32).write(x, y + 58, loss, 32)
    drawing.write(640, 612, "In a column the losses compare: both readers name the same words.", LARGE)
    return str(drawing)


DRAWINGS: dict[str, Callable[[], str]] = {
    "04_panels.svg": panels,
    **{f"04_panels_{name.lower()}.svg": partial(panels, name) for name in PANELS},
    "04_leak.svg": leak,
    **{f"04_leak_{step}.svg": partial(leak, step) for step in (1, 2)},
    "04_product.svg": product_bars,
    "04_rules.svg": rules,
    "04_four.svg": four,
    "04_ways.svg": ways,
    "04_whose.svg": whose,
}
ANIMATIONS: dict[str, tuple] = {}
