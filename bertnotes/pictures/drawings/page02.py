"""Drawings of self- and cross-attention: one function fed in two ways, a bottleneck, looking back, and steps that learn."""

import json
import math
import re
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import torch
from matplotlib.colors import to_hex

from bertnotes.attention import scaled_dot_product_attention
from bertnotes.files import RESULTS
from bertnotes.pictures.charts import FIRST, SECOND
from bertnotes.pictures.drawings import LARGE, NORMAL, PALE, QUIET, TINTS, Drawing, number, short
from bertnotes.pictures.style import AMOUNT, GRID, INK, KEY, QUERY, VALUE

WITH, WITHOUT = FIRST, SECOND  # the two translators, as in every chart of the page: magenta means nothing else here


class Untitled(Drawing):
    """A drawing whose title is not written: in the lesson and on slides a heading stands above it. Nothing is above y = 60."""

    def __str__(self) -> str:
        return str(Drawing(self.high - 50, self.title, self.text, [_higher(part) for part in self.parts]))


def _higher(part: str) -> str:
    """An element, moved up to where the title would be."""
    part = re.sub(r' (c?y)="([\d.-]+)"', lambda found: f' {found[1]}="{short(float(found[2]) - 50)}"', part)
    return re.sub(r"(?<=\d),([\d.-]+)(?=[ \"])", lambda found: f",{short(float(found[1]) - 50)}", part)


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
        "2 by 3, a row for each word that asks. Q and K are compared, which gives the weights; the weights average the rows of "
        "V, an output vector for each row."
    )
    drawing = Untitled(710, "One function, fed in two ways", text)
    drawing.line((640, 90), (640, 686), color=GRID, width=2)
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
        drawing.box(place, 254, 64, 48, name, color, LARGE)
    asks, keys, values = (place for place, _, _ in places)
    for place, color in ((asks, QUERY), (keys, KEY)):
        drawing.arrow((place, 280), (place, 318), color=color)
    drawing.box((asks + keys) / 2, 346, keys - asks + 170, 54, "compare, softmax").arrow((x, 374), (x, 412))
    left, top, cell = x - 120, 460, 84
    for column, word in enumerate(words):
        drawing.write(left + (column + 0.5) * cell, top - 18, word, NORMAL, KEY, bold=True)
    for row, word in enumerate(asking):
        drawing.write(left - 12, top + (row + 0.5) * 48, word, NORMAL, QUERY, "end", bold=True)
        for column in range(len(words)):
            _cell(drawing, left + column * cell, top + row * 48, (cell, 48), float(weights[row, column]))
    bottom = top + 48 * len(asking)
    drawing.write(left + cell * len(words) + 16, (top + bottom) / 2, "weights", NORMAL, QUIET, "start")
    drawing.arrow((x, bottom + 4), (x, bottom + 36)).box(x, bottom + 62, 440, 50, f"weights × V: {len(asking)} output vectors")
    side = x + 270
    drawing.arrow((values, 280), (values, 300), (side, 300), (side, bottom + 62), (x + 222, bottom + 62), color=VALUE)


def _cell(drawing, x, y, size, weight, digits=2):
    """A cell of weights: darker is more."""
    shade = to_hex(AMOUNT(0.55 * weight))  # as in the heatmaps, paler, so that ink is legible on all of them
    drawing.add("rect", x=x, y=y, width=size[0], height=size[1], fill=shade, stroke=GRID, stroke_width=1.5)
    drawing.write(x + size[0] / 2, y + size[1] / 2, number(weight, digits), 22, INK, bold=weight > 0.5)


DIGITS, SPOKEN = ("2", "1", "4", "7"), ("ein", "und", "zwanzig", "sieben", "und", "vierzig")
AT_DIGIT, AT_WORD, SAYS = (66, 184, 302, 420), (694, 796, 898, 1000, 1102, 1204), 0  # the word whose look is drawn


def encoder() -> str:
    """The encoder alone: a vector that each digit changes."""
    text = (
        "The encoder reads the digits 2 1 4 7 from left to right. After each digit it has a memory, a vector of 64 numbers, "
        "made from the memory before and the digit."
    )
    drawing = Untitled(520, "The encoder reads, and carries a vector along", text)
    places = (200, 440, 680, 920)
    drawing.write(60, 190, "zeros", NORMAL, QUIET).arrow((96, 190), (126, 190))
    for x, digit in zip(places, DIGITS, strict=True):
        drawing.box(x, 190, 140, 60, "memory").box(x, 330, 80, 60, digit, size=LARGE).arrow((x, 298), (x, 224))
        if x != places[-1]:
            drawing.arrow((x + 71, 190), (x + 168, 190))
    drawing.write(920, 130, "the last memory has read all digits", NORMAL, bold=True)
    drawing.write(200, 420, "new memory = GRU(memory before, digit)", NORMAL, anchor="start", bold=True)
    drawing.write(200, 458, "A memory has 64 numbers. The GRU learns how much of the old to keep.", 22, QUIET, "start")
    return str(drawing)


def translator(looks: bool) -> str:
    """An encoder and a decoder. looks: the decoder looks back at all memories; else it gets the last one alone."""
    text = "The encoder reads the digits 2 1 4 7 and has a memory after each. "
    text += (
        "When the decoder says ein, its state is the query and all memories are keys and values; the answer helps to "
        "choose the word. The decoder still starts from the last memory."
        if looks
        else "Only its last memory, one vector, reaches the decoder, at its start and again at every word."
    )
    title = "With attention: the decoder looks back" if looks else "The bottleneck: everything through one vector"
    drawing = Untitled(620, title, text)
    _encoder(drawing, looks)
    _decoder(drawing, looks)
    if not looks:
        drawing.write(
            90, 575, "Each digit changes the memory. What the last memory has lost, no word can use.", 22, QUIET, "start"
        )
    else:
        drawing.write(
            90,
            575,
            "Every state asks; one is drawn, before “ein”. The wider a green line, the more weight (made up).",
            22,
            QUIET,
            "start",
        )
    return str(drawing)


def _encoder(drawing, looks=True):
    """The digits, and the memory after each; where the decoder does not look back, the last one stands out."""
    drawing.write(255, 520, "encoder: reads", NORMAL, bold=True)
    for x, digit in zip(AT_DIGIT, DIGITS, strict=True):
        drawing.box(x, 455, 60, 50, digit, size=LARGE).arrow((x, 429), (x, 390))
        last = {} if looks or x != AT_DIGIT[-1] else {"color": WITHOUT, "fill": "#f7e3ec"}
        drawing.box(x, 360, 100, 54, "memory", size=21, **last)
        if x != AT_DIGIT[-1]:
            drawing.arrow((x + 51, 360), (x + 68, 360))


def _decoder(drawing, looks):
    """The states, the words that go in and those that come out; and how the encoder reaches them."""
    drawing.write(950, 520, "decoder: says", NORMAL, bold=True)
    before = ("<go>", *SPOKEN[:-1])
    for x, said, word in zip(AT_WORD, before, SPOKEN, strict=True):
        drawing.box(x, 455, 96, 50, said, size=22).arrow((x, 429), (x, 390))
        drawing.box(x, 360, 84, 54, "state", size=22).arrow((x, 332), (x, 291)).box(x, 264, 96, 50, word, size=22)
        if x != AT_WORD[-1]:
            drawing.arrow((x + 43, 360), (x + 59, 360))
    if looks:
        drawing.arrow((471, 360), (650, 360), width=2).write(556, 386, "start", 22, QUIET)
        _look(drawing)
    else:
        drawing.arrow((471, 360), (650, 360), width=5).write(556, 390, "start", 22, QUIET)
        drawing.write(400, 250, "the last memory:", 22, WITHOUT, "end", bold=True)
        drawing.write(400, 282, "the bottleneck", NORMAL, WITHOUT, "end", bold=True)
        drawing.line((AT_DIGIT[-1], 332), (AT_DIGIT[-1], 190), (AT_WORD[-1], 190), color=VALUE, width=3)
        for x in AT_WORD:
            drawing.arrow((x, 190), (x, 237), color=VALUE, width=3)
        drawing.write(874, 160, "the same vector for every word", NORMAL, VALUE, bold=True)


def _look(drawing):
    """One state asks all memories."""
    x = AT_WORD[SAYS]
    drawing.box(470, 150, 190, 60, "cross-attention", size=NORMAL)
    for at, weight in zip(AT_DIGIT, (0.1, 0.8, 0.05, 0.05), strict=True):
        end = 392 + 0.42 * (at - AT_DIGIT[0])
        drawing.arrow((at - 8, 332), (at - 8, 236), (end - 6, 181), color=KEY, width=2)
        drawing.arrow((at + 8, 332), (at + 8, 250), (end + 6, 181), color=VALUE, width=2 + 6 * weight)
    drawing.write(60, 130, "keys", NORMAL, KEY, "start", bold=True).write(60, 162, "values", NORMAL, VALUE, "start", bold=True)
    drawing.arrow((x - 24, 332), (x - 24, 312), (600, 312), (600, 164), (567, 164), color=QUERY, width=3)
    drawing.write(588, 244, "query", NORMAL, QUERY, "end", bold=True)
    drawing.arrow((566, 136), (x, 136), (x, 237), color=VALUE, width=3)
    drawing.write(720, 166, "what was found", NORMAL, VALUE, "start", bold=True)


def teacher_forcing() -> str:
    """The same mistake in training, where the right word goes in next, and alone, where the wrong one does."""
    text = (
        "Twice the decoder guesses vierzig where zwanzig is right. In training the right word, zwanzig, is what it reads next. "
        "On its own it reads what it said, vierzig, and then says acht where sieben is right: a second mistake."
    )
    drawing = Untitled(640, "Teacher forcing: what does the decoder read next?", text)
    alone = ("ein", "und", "vierzig", "acht", "und", "vierzig")
    for y, name, guesses in ((120, "in training", (*SPOKEN[:2], "vierzig", *SPOKEN[3:])), (400, "on its own", alone)):
        drawing.write(40, y, name, NORMAL, bold=True, anchor="start")
        drawing.write(200, y + 34, "guess", 22, QUIET, "end").write(200, y + 154, "reads", 22, QUIET, "end")
        read = ("<go>", *(alone if guesses is alone else SPOKEN)[:-1])
        for column, (said, guess, right) in enumerate(zip(read, guesses, SPOKEN, strict=True)):
            x, before = 290 + 172 * column, ("<go>", *SPOKEN)[column]
            _told(drawing, x, y + 34, guess, guess == right)
            drawing.arrow((x, y + 128), (x, y + 62))
            _told(drawing, x, y + 154, said, said == before)
            if guess != right:
                drawing.write(x + 66, y + 34, "✗", LARGE, INK, "start", bold=True)
            if guesses is alone and column < 5:
                drawing.arrow((x + 58, y + 52), (x + 86, y + 52), (x + 86, y + 154), (x + 112, y + 154), color=QUIET, width=2)
    drawing.write(100, 330, "The right word is read next, whatever was guessed.", 22, QUIET, "start")
    told = "Its own word is read next. These words no longer fit the digits, and one mistake can lead to another."
    drawing.write(100, 610, told, 22, QUIET, "start")
    return str(drawing)


def _told(drawing, x, y, word, is_right):
    """A word in a box; its rim is dashed where the word is wrong."""
    dash = None if is_right else "8 6"
    ground = {"fill": TINTS[INK] if is_right else "#ffffff", "stroke": INK, "stroke_width": 2 if is_right else 3}
    drawing.add("rect", x=x - 58, y=y - 24, width=116, height=48, rx=8, stroke_dasharray=dash, **ground)
    drawing.write(x, y, word)


def one_word() -> str:
    """What happens inside the decoder at one word: state, query, found, score."""
    text = (
        "Four steps. 1, encode: the digits become memories. 2, decode: the words become states. 3, cross-attention: the state "
        "after und is the query, it meets the keys of all memories, and the weighted average of their values, through one more "
        "matrix, is what is found. 4, score: state and found are added and scored, and sechzig is the highest of 20."
    )
    drawing = Untitled(650, "One word, inside the decoder", text)
    for x, digit in zip(AT_DIGIT, "6192", strict=True):
        drawing.box(x, 520, 60, 50, digit, size=LARGE).arrow((x, 494), (x, 455)).box(x, 428, 100, 50, "memory", size=21)
        drawing.arrow((x - 8, 402), (x - 8, 330), (150 + 0.4 * x, 252), color=KEY, width=2)
        drawing.arrow((x + 8, 402), (x + 8, 342), (162 + 0.4 * x, 252), color=VALUE, width=6 if digit == "6" else 2)
        if x != AT_DIGIT[-1]:
            drawing.arrow((x + 51, 428), (x + 68, 428))
    drawing.write(60, 140, "keys", NORMAL, KEY, "start", bold=True).write(140, 140, "values", NORMAL, VALUE, "start", bold=True)
    drawing.box(255, 220, 300, 60, "cross-attention")
    drawing.box(760, 520, 90, 50, "und", size=22).arrow((760, 494), (760, 455)).box(760, 428, 100, 50, "state", size=22)
    drawing.write(582, 428, "state before", 22, QUIET).arrow((664, 428), (706, 428))
    drawing.arrow((740, 402), (740, 330), (500, 330), (500, 232), (410, 232), color=QUERY, width=3)
    drawing.write(620, 306, "query", NORMAL, QUERY, bold=True)
    drawing.arrow((406, 206), (590, 206), color=VALUE, width=3).box(650, 206, 112, 54, "found", VALUE)
    drawing.write(300, 100, "3  cross-attention", NORMAL, VALUE, "start", bold=True)
    drawing.write(300, 140, "average of the values, × one matrix", 22, VALUE, "start")
    drawing.arrow((707, 206), (826, 206), color=VALUE, width=3)
    drawing.add("circle", cx=852, cy=206, r=24, fill="#ffffff", stroke=INK, stroke_width=2).write(
        852, 206, "+", LARGE, bold=True
    )
    drawing.line((811, 428), (852, 428)).arrow((852, 428), (852, 234)).arrow((852, 428), (930, 428))
    drawing.write(940, 428, "next state: from this state", 22, QUIET, "start")
    drawing.write(940, 460, "and the next word read", 22, QUIET, "start")
    drawing.write(872, 310, "state + found", NORMAL, anchor="start", bold=True)
    drawing.write(255, 570, "1  encode", NORMAL, bold=True).write(760, 570, "2  decode", NORMAL, bold=True)
    drawing.arrow((877, 206), (936, 206)).box(1000, 206, 124, 54, "score").arrow((1063, 206), (1112, 206))
    drawing.box(1176, 206, 124, 54, "sechzig")
    drawing.write(890, 100, "4  score", NORMAL, anchor="start", bold=True)
    drawing.write(890, 140, "the highest of 20 scores is said", 22, QUIET, "start")
    told = "What was found goes into the scores of this one word. (Made up: as after training.)"
    drawing.write(60, 620, told, 22, QUIET, "start")
    return str(drawing)


def surprise() -> str:
    """The loss of a guessed word over the probability of the right one."""
    marks = (0.01, 0.1, 0.5, 1.0)
    told = "; ".join(f"p = {mark:g}: {number(-math.log(mark), 2)}" for mark in marks)
    text = f"The loss, minus the logarithm of p, falls as the probability p of the right word grows. {told}."
    drawing = Untitled(560, "The less probable the right word was, the more it costs", text)

    def place(p, loss):
        return 160 + 640 * p, 470 - 74 * loss

    drawing.line(place(0, 5), place(0, 0), place(1.06, 0), color=QUIET, width=2)
    for loss in range(6):
        drawing.write(place(0, loss)[0] - 14, place(0, loss)[1], str(loss), 22, QUIET, "end")
    for p in (0, 0.25, 0.5, 0.75, 1):
        drawing.write(place(p, 0)[0], 496, f"{p:g}", 22, QUIET)
    drawing.write(480, 530, "p, the probability of the right word", NORMAL).write(
        60, 90, "loss", NORMAL, anchor="start", bold=True
    )
    drawing.line(
        *(place(p, -math.log(p)) for p in (0.0075 * 1.08**step for step in range(64)) if p < 1), place(1, 0), color=INK, width=4
    )
    for mark in marks:
        x, y = place(mark, -math.log(mark))
        drawing.add("circle", cx=x, cy=y, r=9, fill=INK)
    for at, mark in enumerate(marks):
        drawing.write(920, 170 + 52 * at, f"p = {mark:g}", NORMAL, anchor="start")
        drawing.write(1070, 170 + 52 * at, f"loss {number(-math.log(mark), 2)}", NORMAL, anchor="start", bold=True)
    return str(drawing)


def to_bert() -> str:
    """Three networks: with cross-attention between recurrent parts, with three kinds of attention, and the encoder alone."""
    text = (
        "2014: a recurrent encoder and decoder; the decoder asks the encoder, by cross-attention. 2017, the Transformer: the "
        "encoder has self-attention, the decoder masked self-attention, and asks the encoder. 2018, BERT: the encoder alone."
    )
    drawing = Untitled(480, "From attention to BERT", text)
    columns = (
        (60, "2014: attention is added", ("recurrent",), ("recurrent",)),
        (520, "2017: Transformer", ("self-attention",), ("masked", "self-attention")),
        (980, "2018: BERT", ("self-attention",), ()),
    )
    for left, name, reads, says in columns:
        drawing.write(left, 110, name, NORMAL, anchor="start", bold=True)
        middle = left + 85
        drawing.box(middle, 240, 160, 120).write(middle, 330, "encoder", NORMAL, bold=True)
        for row, line in enumerate(reads):
            drawing.write(middle, 240 + 28 * row - 14 * (len(reads) - 1), line, 22)
        if says:
            drawing.box(middle + 230, 240, 160, 120).write(middle + 230, 330, "decoder", NORMAL, bold=True)
            for row, line in enumerate(says):
                drawing.write(middle + 230, 240 + 28 * row - 14 * (len(says) - 1), line, 22)
            drawing.arrow((middle + 149, 222), (middle + 82, 222), color=QUERY, width=3)
            drawing.arrow((middle + 81, 258), (middle + 148, 258), color=VALUE, width=4)
            drawing.write(middle + 115, 204, "asks", 22, QUERY).write(middle + 115, 280, "found", 22, VALUE)
            drawing.write(middle + 115, 160, "cross-attention", 22, VALUE, bold=True)
    drawing.write(
        60,
        400,
        "Here attention came in as cross-attention. In the Transformer self-attention replaces recurrence.",
        NORMAL,
        anchor="start",
    )
    drawing.write(
        60, 440, "BERT keeps the encoder and leaves the decoder out, and with it cross-attention.", NORMAL, anchor="start"
    )
    return str(drawing)


def descent(steps: int = 4) -> str:
    """The loss over one number, and the steps downhill. steps: 0 draws the start alone."""
    path, right = Steps.path(steps), Steps.right
    text = "The loss is (w − 3)², a valley with its lowest point at 3. At w = 0 the loss is 9 and the slope −6."
    if steps:
        told = "; ".join(f"w = {number(w, 2)}" for w in path)
        text += f" Steps against the gradient, a tenth of it each: {told}."
    drawing = Untitled(640, "Downhill in small steps: the loss is (w − 3)²", text)

    def place(w, loss):
        return 130 + 96 * w, 560 - 44 * loss

    drawing.line(place(-0.3, 10.4), place(-0.3, 0), place(6.4, 0), color=QUIET, width=2)
    for tick in range(7):
        drawing.write(place(tick, 0)[0], 584, str(tick), 22, QUIET)
    for loss in (0, 3, 6, 9):
        drawing.write(place(-0.3, 0)[0] - 12, place(0, loss)[1], str(loss), 22, QUIET, "end")
    drawing.write(place(6.4, 0)[0] + 20, 560, "w", NORMAL, bold=True).write(40, 92, "loss", NORMAL, anchor="start", bold=True)
    drawing.line(*(place(w / 10, (w / 10 - right) ** 2) for w in range(-1, 62)), color=PALE, width=5)
    drawing.line(place(0, 9), place(0.9, 9 - 6 * 0.9), color=INK, width=3, dash="8 6")
    drawing.write(310, 156, "slope at 0: −6", NORMAL, anchor="start", bold=True).line((304, 160), place(0.1, 8.6), width=1.5)
    for before, after in pairwise(path):
        drawing.arrow(place(before, (before - right) ** 2), place(after, (after - right) ** 2), width=3)
    for at in path:
        x, y = place(at, (at - right) ** 2)
        drawing.add("circle", cx=x, cy=y, r=8, fill=INK)
    if steps:
        _steps(drawing, path)
    else:
        drawing.write(800, 130, "loss = (w − 3)²", LARGE, anchor="start", bold=True)
        drawing.write(800, 200, "start: w = 0", NORMAL, anchor="start").write(800, 246, "loss: 9", NORMAL, anchor="start")
        drawing.write(800, 292, "gradient: −6", NORMAL, anchor="start").write(
            800, 338, "learning rate: 0.1", NORMAL, anchor="start"
        )
    return str(drawing)


def _steps(drawing, path):
    """The steps as a table, with the loss above."""
    drawing.write(775, 90, "loss = (w − 3)²", LARGE, anchor="start", bold=True)
    columns = (800, 900, 1010, 1150)
    for x, head in zip(columns, ("step", "w", "gradient", "new w"), strict=True):
        drawing.write(x, 150, head, NORMAL, QUIET)
    for step, (before, after) in enumerate(pairwise(path)):
        told = (str(step + 1), number(before, 2), number(2 * (before - Steps.right), 2), number(after, 2))
        for x, cell in zip(columns, told, strict=True):
            drawing.write(x, 200 + 46 * step, cell, NORMAL, bold=x == columns[-1])
    drawing.write(775, 420, "gradient = 2 (w − 3); all rounded", NORMAL, QUIET, "start")
    drawing.write(775, 462, "new w = w − 0.1 × gradient", NORMAL, bold=True, anchor="start")
    drawing.write(775, 504, "0.1 is the learning rate", NORMAL, QUIET, "start")


def pair() -> str:
    """Self-attention over two sentences laid end to end: four quadrants under one softmax."""
    weights, words = Two.pair_weights, (*Two.english, *Two.german)
    inside, across = float(weights[3, 3:].sum()), float(weights[3, :3].sum())
    text = (
        "Five words, two sentences, one table of weights. Each row adds up to 1 over both sentences: Katzen keeps "
        f"{number(inside, 2)} in its own sentence and sends {number(across, 2)} across."
    )
    drawing = Untitled(600, "Two sentences in one input: self-attention over both", text)
    left, top, wide, high = 170, 160, 92, 70
    for at, word in enumerate(words):
        drawing.write(left + (at + 0.5) * wide, top - 20, word, 22, KEY, bold=True)
        drawing.write(left - 14, top + (at + 0.5) * high, word, 22, QUERY, "end", bold=True)
        for column in range(5):
            _cell(drawing, left + column * wide, top + at * high, (wide, high), float(weights[at, column]))
    for x, y, columns, rows in ((3, 0, 2, 3), (0, 3, 3, 2)):
        place: dict = {"x": left + x * wide, "y": top + y * high, "width": columns * wide, "height": rows * high}
        drawing.add("rect", fill="none", stroke=INK, stroke_width=5, **place)
    drawing.write(664, 190, "In a frame: a word looks", NORMAL, anchor="start", bold=True)
    drawing.write(664, 232, "at the other sentence.", NORMAL, anchor="start", bold=True)
    drawing.write(664, 310, "One softmax a row, over all five words.", NORMAL, anchor="start")
    drawing.write(664, 352, "The row of “Katzen”:", NORMAL, QUIET, "start")
    drawing.write(664, 394, f"{number(across, 2)} goes across, {number(inside, 2)} stays,", NORMAL, anchor="start")
    drawing.write(664, 436, "together 1.", NORMAL, anchor="start")
    return str(drawing)


def three_seeds() -> str:
    """From a record: the share right of each number of a row, by the length of the row, for both models."""
    text = (
        "The share of numbers that are right, by their place in rows of 2, 4 and 6 numbers, each the mean of three runs with "
        "bars for their range. With attention, after 4 epochs, all are 0.97 or more. Without, the first number falls "
        "from 0.60 to 0.32 as rows get longer; after 12 epochs, from 0.98 to 0.84. The last of 6 is at 0.07 both times."
    )
    drawing = Untitled(670, "Which numbers of a row are right?", text)
    record = json.loads((RESULTS / "translators-in-three-seeds.json").read_text(encoding="utf-8"))
    for share in (0, 0.25, 0.5, 0.75, 1):
        drawing.line((96, _height(share)), (1250, _height(share)), color=GRID, width=1.5)
        drawing.write(84, _height(share), f"{share:g}", NORMAL, QUIET, "end")
    drawing.write(40, 84, "share right", NORMAL, anchor="start", bold=True)
    legend = (
        (232, "with attention", WITH, WITH),
        (464, "without, 4 epochs", WITHOUT, WITHOUT),
        (732, "12 epochs", WITHOUT, "#ffffff"),
    )
    for x, name, color, fill in legend:
        drawing.add("circle", cx=x, cy=84, r=9, fill=fill, stroke=color, stroke_width=3)
        drawing.write(x + 18, 84, name, NORMAL, color, "start", bold=True)
    drawing.write(920, 84, "bar: lowest to highest of 3 runs", 22, QUIET, "start")
    left = 150.0
    for length in (2, 4, 6):
        places = [left + 78 * at for at in range(length)]
        drawn = (("without", "12", WITHOUT), ("without", "4", WITHOUT), ("with attention", "4", WITH))
        for model, epochs, color in drawn:
            runs = [run[model]["numbers"]["own words"][str(length)] for run in record["epochs"][epochs]]
            _shares(drawing, places, list(zip(*runs, strict=True)), color, epochs == "4")
        for at, place in enumerate(places):
            drawing.write(place, 580, str(at + 1), NORMAL)
        drawing.write((places[0] + places[-1]) / 2, 616, f"{length} numbers", NORMAL, bold=True)
        left = places[-1] + 160
    drawing.write(640, 652, "place of the number in its row", NORMAL, QUIET)
    return str(drawing)


def _height(share):
    """Where a share stands in the chart."""
    return 550 - 420 * share


def _shares(drawing, places, shares, color, full):
    """A line through the means, with a bar from the lowest to the highest run at each place."""
    heights = [_height(sum(one) / len(one)) for one in shares]
    drawing.line(*zip(places, heights, strict=True), color=color, width=2.5, dash=None if full else "7 6")
    for x, y, one in zip(places, heights, shares, strict=True):
        drawing.line((x, _height(min(one))), (x, _height(max(one))), color=color, width=3)
        drawing.add("circle", cx=x, cy=y, r=8, fill=color if full else "#ffffff", stroke=color, stroke_width=3)


DRAWINGS: dict[str, Callable[[], str]] = {
    "02_two_ways.svg": two_ways,
    "02_encoder.svg": encoder,
    "02_bottleneck.svg": partial(translator, looks=False),
    "02_looks_back.svg": partial(translator, looks=True),
    "02_one_word.svg": one_word,
    "02_three_seeds.svg": three_seeds,
    "02_valley.svg": partial(descent, steps=0),
    "02_descent.svg": descent,
    "02_surprise.svg": surprise,
    "02_teacher_forcing.svg": teacher_forcing,
    "02_pair.svg": pair,
    "02_to_bert.svg": to_bert,
}
ANIMATIONS: dict[str, tuple] = {}
