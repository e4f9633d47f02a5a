"""Drawings of self- and cross-attention: one function fed in two ways, a bottleneck, looking back, and steps that learn."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import torch

from bertnotes.attention import scaled_dot_product_attention
from bertnotes.pictures.drawings import LARGE, NORMAL, PALE, QUIET, SMALL, number, opened
from bertnotes.pictures.style import GRID, INK, KEY, LIGHT, QUERY, VALUE

WRONG = "#a8326e"  # a word that was guessed wrong: the second colour of charts


class Two:
    """Two German words that ask, three English ones that are asked; queries, keys and values are the vectors themselves."""

    english, german = ("cats", "chase", "mice"), ("Katzen", "jagen")
    E = torch.tensor([[2.0, 0.0], [0.0, 2.0], [1.0, -1.0]])
    G = torch.tensor([[2.0, 0.5], [0.0, 2.5]])
    itself, self_weights = scaled_dot_product_attention(E, E, E)
    across, cross_weights = scaled_dot_product_attention(G, E, E)
    both = torch.cat([E, G])
    _, pair_weights = scaled_dot_product_attention(both, both, both)


class Steps:
    """One number that should become 3, and the steps that a gradient makes it take: the loss is (w - 3)²."""

    right, rate, start = 3.0, 0.1, 0.0

    @classmethod
    def path(cls, count: int, rate: float | None = None) -> list[float]:
        """The number at the start and after each step."""
        found = [cls.start]
        for _ in range(count):
            found.append(found[-1] - (cls.rate if rate is None else rate) * 2 * (found[-1] - cls.right))
        return found


def two_ways() -> str:
    """One function: fed from one sentence, or with queries from one and keys and values from another."""
    text = (
        "Left, self-attention: queries, keys and values all come from cats chase mice; the weights are a square, 3 by 3. "
        "Right, cross-attention: the queries come from Katzen jagen, keys and values from cats chase mice; the weights are "
        "2 by 3, a row for each word that asks."
    )
    drawing = opened(700, "One function, fed in two ways", text)
    drawing.line((640, 90), (640, 670), color=GRID, width=2)
    drawing.write(320, 100, "self-attention: one sentence", NORMAL, bold=True)
    drawing.write(960, 100, "cross-attention: one asks, another is asked", NORMAL, bold=True)
    _fed(drawing, 320, Two.english, (320, Two.english), Two.self_weights)
    _fed(drawing, 960, Two.german, (1040, Two.english), Two.cross_weights)
    return str(drawing)


def _fed(drawing, x, asking, asked, weights):
    """What goes into attention, and the shape of its weights, around the middle x. asked: (its middle, the words)."""
    middle, words = asked
    if asking != words:
        drawing.box(x - 190, 165, 190, 50, " ".join(asking)).arrow((x - 190, 190), (x - 190, 228), color=QUERY)
        drawing.box(middle, 165, 220, 50, " ".join(words))
        places = ((x - 190, "Q", QUERY), (middle - 60, "K", KEY), (middle + 60, "V", VALUE))
    else:
        drawing.box(middle, 165, 220, 50, " ".join(words)).arrow((x - 110, 165), (x - 160, 165), (x - 160, 228), color=QUERY)
        places = ((x - 160, "Q", QUERY), (middle - 50, "K", KEY), (middle + 70, "V", VALUE))
    for place, _, color in places[1:]:
        drawing.arrow((place, 190), (place, 228), color=color)
    for place, name, color in places:
        drawing.box(place, 254, 64, 48, name, color, LARGE).arrow((place, 280), (place, 318), color=color)
    drawing.box(x, 346, 440, 54, "attention(Q, K, V)").arrow((x, 374), (x, 412))
    left, top, cell = x - 90, 460, 62
    for column, word in enumerate(words):
        drawing.write(left + (column + 0.5) * cell, top - 18, word, SMALL, KEY, bold=True)
    for row, word in enumerate(asking):
        drawing.write(left - 12, top + (row + 0.5) * 48, word, SMALL, QUERY, "end", bold=True)
        for column in range(len(words)):
            _cell(drawing, left + column * cell, top + row * 48, (cell, 48), float(weights[row, column]))
    rows, columns = weights.shape
    shape = "a square" if rows == columns else "a row for each word that asks"
    drawing.write(x, top + 48 * rows + 32, f"weights: {rows} × {columns}, {shape}", NORMAL, QUIET)


def _cell(drawing, x, y, size, weight, digits=2):
    """A cell of weights: darker is more."""
    drawing.add("rect", x=x, y=y, width=size[0], height=size[1], fill=LIGHT["ground"], stroke=GRID, stroke_width=1.5)
    drawing.add("rect", x=x, y=y, width=size[0], height=size[1], fill=PALE, opacity=round(weight, 1))
    drawing.write(x + size[0] / 2, y + size[1] / 2, number(weight, digits), 20, bold=weight > 0.5)


DIGITS, SPOKEN = ("2", "1", "4", "7"), ("ein", "und", "zwanzig", "sieben", "und", "vierzig")
AT_DIGIT, AT_WORD, SAYS = (90, 200, 310, 420), (694, 796, 898, 1000, 1102, 1204), 2  # the word whose look is drawn


def translator(looks: bool, lit: str = "all") -> str:
    """An encoder and a decoder. looks: the decoder looks back at all memories; else it gets the last one alone.

    lit: "encoder" draws the decoder faint, as it has not begun."""
    text = "The encoder reads the digits 2 1 4 7 and has a memory after each. "
    text += (
        "When the decoder says zwanzig, its state is the query and all memories are keys and values; the answer helps to "
        "choose the word."
        if looks
        else "Only its last memory, one vector, reaches the decoder, at its start and again at every word."
    )
    title = "With attention: the decoder looks back" if looks else "Without attention: everything through one vector"
    drawing = opened(620, title, text)
    _encoder(drawing, looks)
    with drawing.faded(0.15 if lit == "encoder" else 1):
        _decoder(drawing, looks)
    if not looks:
        drawing.write(
            90, 575, "Each digit changes the memory. What the last memory has lost, no word can use.", 20, QUIET, "start"
        )
    else:
        drawing.write(
            90, 575, "“zwanzig” needs the 2 again. The bolder the line, the more weight (here made up).", 20, QUIET, "start"
        )
    return str(drawing)


def _encoder(drawing, looks):
    """The digits, and the memory after each."""
    drawing.write(255, 520, "encoder: reads", NORMAL, bold=True)
    for x, digit in zip(AT_DIGIT, DIGITS, strict=True):
        drawing.box(x, 455, 60, 50, digit, size=LARGE).arrow((x, 429), (x, 390))
        whole = looks or x == AT_DIGIT[-1]
        drawing.box(x, 360, 84, 54, "memory", size=18, fill=None if whole else LIGHT["ground"])
        if x != AT_DIGIT[-1]:
            drawing.arrow((x + 43, 360), (x + 67, 360))


def _decoder(drawing, looks):
    """The states, the words that go in and those that come out; and how the encoder reaches them."""
    drawing.write(950, 520, "decoder: says", NORMAL, bold=True)
    before = ("<go>", *SPOKEN[:-1])
    for x, said, word in zip(AT_WORD, before, SPOKEN, strict=True):
        drawing.box(x, 455, 90, 50, said, size=20).arrow((x, 429), (x, 390))
        drawing.box(x, 360, 84, 54, "state", size=18).arrow((x, 332), (x, 291)).box(x, 264, 90, 50, word, size=20)
        if x != AT_WORD[-1]:
            drawing.arrow((x + 43, 360), (x + 59, 360))
    if looks:
        drawing.arrow((463, 360), (650, 360), width=2)
        _look(drawing)
    else:
        drawing.arrow((463, 360), (504, 360), width=5).box(548, 360, 84, 84, "", fill="#ffffff")
        drawing.write(548, 348, "one", 20, bold=True).write(548, 374, "vector", 20, bold=True)
        drawing.arrow((592, 360), (650, 360), width=5)
        drawing.write(548, 426, "the bottleneck", NORMAL, WRONG, bold=True)
        drawing.line((548, 318), (548, 190), (AT_WORD[-1], 190), color=VALUE, width=3)
        for x in AT_WORD:
            drawing.arrow((x, 190), (x, 237), color=VALUE, width=3)
        drawing.write(874, 160, "the same vector for every word", NORMAL, VALUE, bold=True)


def _look(drawing):
    """One state asks all memories."""
    x = AT_WORD[SAYS]
    drawing.box(470, 150, 190, 60, "attention", size=NORMAL)
    for at, weight in zip(AT_DIGIT, (0.8, 0.1, 0.05, 0.05), strict=True):
        for side, color in ((-5, KEY), (5, VALUE)):
            path = (at + side, 332), (at + side, 240 + side), (404 + side + 0.16 * at, 182)
            drawing.line(*path, color=color, width=2 + 6 * weight)
    drawing.write(60, 130, "keys", NORMAL, KEY, "start", bold=True).write(60, 162, "values", NORMAL, VALUE, "start", bold=True)
    drawing.arrow((x - 24, 332), (x - 24, 312), (600, 312), (600, 164), (567, 164), color=QUERY, width=3)
    drawing.write(616, 216, "query", NORMAL, QUERY, "start", bold=True)
    drawing.arrow((566, 136), (x, 136), (x, 237), color=VALUE, width=3)
    drawing.write(740, 112, "what was found", NORMAL, VALUE, bold=True)


def teacher_forcing() -> str:
    """The same mistake in training, where the right word goes in next, and alone, where the wrong one does."""
    text = (
        "Twice the decoder guesses vierzig where zwanzig is right. In training the right word, zwanzig, is what it reads next. "
        "On its own it reads what it said, vierzig, and goes on from the mistake."
    )
    drawing = opened(640, "Teacher forcing: what does the decoder read next?", text)
    guesses = ("ein", "und", "vierzig", "sieben", "und", "vierzig")
    for y, name, forced in ((120, "in training", True), (400, "on its own", False)):
        drawing.write(40, y, name, NORMAL, bold=True, anchor="start")
        drawing.write(200, y + 34, "guess", 20, QUIET, "end").write(200, y + 154, "reads", 20, QUIET, "end")
        read = ("<go>", *(SPOKEN if forced else guesses)[:-1])
        for column, (said, guess, right) in enumerate(zip(read, guesses, SPOKEN, strict=True)):
            x = 290 + 172 * column
            drawing.box(x, y + 34, 116, 48, guess, INK if guess == right else WRONG, fill=None if guess == right else "#f7e3ec")
            drawing.arrow((x, y + 128), (x, y + 62)).box(
                x,
                y + 154,
                116,
                48,
                said,
                WRONG if said not in ("<go>", *SPOKEN[:column]) else INK,
                fill="#f7e3ec" if said not in ("<go>", *SPOKEN[:column]) else None,
            )
            if column == SAYS:
                drawing.write(x + 66, y + 34, "✗", LARGE, WRONG, "start", bold=True)
            if not forced and column < 5:
                drawing.arrow((x + 58, y + 52), (x + 86, y + 52), (x + 86, y + 154), (x + 112, y + 154), color=QUIET, width=2)
    drawing.write(
        290, 330, "The right word is read next, whatever was guessed: every guess is a fresh task.", 20, QUIET, "start"
    )
    drawing.write(
        290, 610, "Its own word is read next: after one mistake it reads what training never showed it.", 20, QUIET, "start"
    )
    return str(drawing)


def descent() -> str:
    """The loss over one number, and the steps downhill."""
    path, right = Steps.path(4), Steps.right
    told = "; ".join(f"w = {number(w, 2)}" for w in path[:4])
    text = f"The loss is (w − 3)², a valley with its lowest point at 3. Steps against the gradient, a tenth of it each: {told}."
    drawing = opened(640, "Downhill in small steps: the loss is (w − 3)²", text)

    def place(w, loss):
        return 90 + 100 * w, 560 - 44 * loss

    drawing.line(place(-0.3, 0), place(6.4, 0), color=QUIET, width=2)
    for tick in range(7):
        drawing.write(place(tick, 0)[0], 584, str(tick), 20, QUIET)
    drawing.write(place(6.4, 0)[0] + 20, 560, "w", NORMAL, bold=True)
    drawing.line(*(place(w / 10, (w / 10 - right) ** 2) for w in range(-1, 62)), color=PALE, width=5)
    w = path[0]
    drawing.line(place(w, 9), place(w + 0.9, 9 - 6 * 0.9), color=WRONG, width=2, dash="8 6")
    drawing.write(place(0.1, 0)[0] + 170, 156, "slope at 0: −6", 20, WRONG, "start", bold=True)
    drawing.line((place(0.1, 0)[0] + 165, 160), place(w + 0.1, 8.6), color=WRONG, width=1.5)
    for before, after in pairwise(path):
        drawing.arrow(place(before, (before - right) ** 2), place(after, (after - right) ** 2), width=3)
    for at in path:
        x, y = place(at, (at - right) ** 2)
        drawing.add("circle", cx=x, cy=y, r=8, fill=INK)
    columns = (800, 900, 1010, 1150)
    for x, head in zip(columns, ("step", "w", "gradient", "new w"), strict=True):
        drawing.write(x, 150, head, NORMAL, QUIET)
    for step, (before, after) in enumerate(pairwise(path)):
        y = 200 + 46 * step
        for x, cell in zip(
            columns, (str(step + 1), number(before, 2), number(2 * (before - right), 2), number(after, 2)), strict=True
        ):
            drawing.write(x, y, cell, NORMAL, bold=x == columns[-1])
    drawing.write(775, 420, "gradient = 2 (w − 3)", NORMAL, QUIET, "start")
    drawing.write(775, 462, "new w = w − 0.1 × gradient", NORMAL, bold=True, anchor="start")
    drawing.write(775, 504, "0.1 is the learning rate", NORMAL, QUIET, "start")
    return str(drawing)


def pair() -> str:
    """Self-attention over two sentences laid end to end: four quadrants under one softmax."""
    weights, words = Two.pair_weights, (*Two.english, *Two.german)
    inside, across = float(weights[3, 3:].sum()), float(weights[3, :3].sum())
    text = (
        "Five words, two sentences, one table of weights. Each row adds up to 1 over both sentences: Katzen keeps "
        f"{number(inside, 2)} in its own sentence and sends {number(across, 2)} across."
    )
    drawing = opened(600, "Two sentences in one input: self-attention over both", text)
    left, top, wide, high = 170, 160, 92, 70
    for at, word in enumerate(words):
        drawing.write(left + (at + 0.5) * wide, top - 20, word, 20, KEY, bold=True)
        drawing.write(left - 14, top + (at + 0.5) * high, word, 20, QUERY, "end", bold=True)
        for column in range(5):
            _cell(drawing, left + column * wide, top + at * high, (wide, high), float(weights[at, column]))
    for x, y, columns, rows in ((0, 0, 3, 3), (3, 0, 2, 3), (0, 3, 3, 2), (3, 3, 2, 2)):
        cross = x != y
        drawing.add(
            "rect",
            x=left + x * wide,
            y=top + y * high,
            width=columns * wide,
            height=rows * high,
            fill="none",
            stroke=WRONG if cross else INK,
            stroke_width=4,
        )
    lines = (
        ("dark frames: a word looks at its own sentence", INK),
        ("red frames: a word looks at the other one", WRONG),
    )
    for row, (line, color) in enumerate(lines):
        drawing.write(664, 190 + 44 * row, line, NORMAL, color, "start", bold=True)
    drawing.write(664, 310, "One softmax a row, over all five words.", NORMAL, anchor="start")
    drawing.write(664, 352, "The row of “Katzen”:", NORMAL, QUIET, "start")
    drawing.write(664, 394, f"{number(across, 2)} goes across, {number(inside, 2)} stays,", NORMAL, anchor="start")
    drawing.write(664, 436, "together 1.", NORMAL, anchor="start")
    return str(drawing)


DRAWINGS: dict[str, Callable[[], str]] = {
    "02_two_ways.svg": two_ways,
    "02_encoder.svg": partial(translator, looks=False, lit="encoder"),
    "02_bottleneck.svg": partial(translator, looks=False),
    "02_looks_back.svg": partial(translator, looks=True),
    "02_descent.svg": descent,
    "02_teacher_forcing.svg": teacher_forcing,
    "02_pair.svg": pair,
}
ANIMATIONS: dict[str, tuple] = {}
