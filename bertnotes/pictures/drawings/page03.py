"""Drawings of many heads: an average that forgets who was where, a vector in strips, a task with two answers, and one mix."""

from collections.abc import Callable
from functools import partial

import torch

from bertnotes.pictures.drawings import LARGE, NORMAL, QUIET, TINTS, Drawing, number, opened, tuple_of
from bertnotes.pictures.style import GRID, INK, KEY, QUERY, VALUE

SHADES = {QUERY: ("#e3eef8", "#93bde2"), KEY: ("#fbeadf", "#efb083"), VALUE: ("#dff2ec", "#84ccb6")}  # of head 1, of head 2


def cried() -> str:
    """The sentence of the page, and the two things that its verb needs."""
    drawing = Drawing(
        400,
        "“cried” needs two things",
        "The sister cried because the dog died. Arrows go from cried to sister, who?, and from cried to died, why?",
    )
    sentence, x, middles = ("The", "sister", "cried", "because", "the", "dog", "died."), 115.0, {}
    for word in sentence:
        wide = 22.5 * len(word)
        middles[word] = x + wide / 2
        drawing.write(middles[word], 290, word, 40, bold=word in ("sister", "cried", "died."))
        x += wide + 55
    start, who, why = (middles[word] for word in ("cried", "sister", "died."))
    drawing.arrow((start - 16, 252), (start - 16, 160), (who, 160), (who, 252), color=QUERY, width=6)
    drawing.arrow((start + 16, 252), (start + 16, 160), (why, 160), (why, 252), color=QUERY, width=6)
    drawing.write((start + who) / 2, 110, "who?", 40, QUERY, bold=True)
    return str(drawing.write((start + why) / 2, 110, "why?", 40, QUERY, bold=True))


# what *cried* looks at, as on the page; head 1 of two looks at the word before, head 2 at the last one
WORD_VALUES = {"sister": torch.tensor([8.0, 2.0]), "died": torch.tensor([4.0, 6.0])}
ONE_HEAD, TWO_HEADS = torch.tensor([0.5, 0.5]), torch.eye(2)
WORD_COLORS = {"sister": "#7b3294", "died": "#9a6700"}
WORD_TINTS = {"sister": ("#efe3f4", "#dcc3e6"), "died": ("#fbefcf", "#f2d894")}  # of a value's first number, of its second


def average() -> str:
    """Two words swapped: one head's even average stays as it is, what two heads give does not."""
    results = {order: torch.stack([WORD_VALUES[word] for word in order]) for order in (("sister", "died"), ("died", "sister"))}
    mixes = [tuple_of(ONE_HEAD @ values) for values in results.values()]
    apart = [tuple_of((TWO_HEADS @ values).diagonal()) for values in results.values()]
    text = (
        "sister has the value (8, 2), died (4, 6). One word stands before cried, the other comes last; below, the two are "
        f"swapped. Left, one head: half of each gives {mixes[0]}, swapped {mixes[1]}. Right, two heads: the first number of "
        f"the word before and the second one of the last word are {apart[0]}, and swapped {apart[1]}."
    )
    drawing = opened(540, "Swap “sister” and “died”: does it show?", text)
    drawing.line((512, 90), (512, 510), color=GRID, width=2).line((830, 90), (830, 510), color=GRID, width=2)
    for x, words, below in (
        (115, "word before", ""),
        (395, "last word", ""),
        (671, "one head", "half of each"),
        (1055, "two heads", "head 1: before · head 2: last"),
    ):
        drawing.write(x, 106, words, LARGE, bold=x > 500)
        if below:
            drawing.write(x, 146, below, NORMAL, QUIET)
    for y, ((before, last), values), mix in zip((228, 368), results.items(), mixes, strict=True):
        for x, word in ((115, before), (395, last)):
            _value(drawing, x, y, word)
        drawing.write(255, y, "cried", LARGE, bold=True).box(671, y, 200, 84, mix, INK, size=40)
        for head, (x, word) in enumerate(((980, before), (1130, last))):
            color, fill = WORD_COLORS[word], WORD_TINTS[word][head]
            drawing.box(x, y, 110, 84, number(values[head, head]), color, size=40, fill=fill)
    drawing.write(671, 470, "the same", 40, bold=True).write(1055, 470, "different", 40, bold=True)
    return str(drawing)


def _value(drawing, x, y, word):
    """A word over the two numbers of its value, which have two shades."""
    drawing.write(x, y - 24, word, LARGE, WORD_COLORS[word], bold=True)
    for part, value in enumerate(WORD_VALUES[word]):
        drawing.box(x - 36 + 72 * part, y + 22, 70, 48, number(value), WORD_COLORS[word], LARGE, fill=WORD_TINTS[word][part])


WIDE_CELL, HIGH_CELL, SHAPE = 16, 26, 20  # SHAPE: letters of a shape


def strips(step: int | None = None) -> str:
    """Three words of 8 numbers, two heads: split, attend, merge, mix, with the shape under each.

    step: the one of PARTS that is lit, from 1; what came before is paler, what comes after faint. None: all is lit."""
    text = (
        "X, 3 words of 8 numbers, becomes Q, K and V, each 3 by 8. Split: head 1 gets the first 4 columns of each, "
        "head 2 the last "
        "4. Each head attends on its own and gets 3 by 4. Merge: the two results side by side, 3 by 8. Times W_O: 3 "
        "by 8, in which "
        "the heads are mixed."
    )
    name = "Split, attend, merge, mix" if step is None else f"Step {step} of {len(PARTS)}"
    drawing = opened(600, name, text)
    for number_, draw in enumerate(PARTS, start=1):
        with drawing.faded(1 if step in (None, number_) else 0.85 if step > number_ else 0.1):
            draw(drawing)
    return str(drawing)


def strip(drawing, x, y, columns, color, fills, rows=3):
    """A small table whose left edge is x and whose middle is at the height y; fills: a colour for each equal part of "
    "the columns."""
    wide, top = columns * WIDE_CELL, y - rows * HIGH_CELL / 2
    for part, fill in enumerate(fills):
        drawing.add("rect", x=x + part * wide / len(fills), y=top, width=wide / len(fills), height=rows * HIGH_CELL, fill=fill)
    for row in range(1, rows):
        drawing.line((x, top + row * HIGH_CELL), (x + wide, top + row * HIGH_CELL), color=color, width=0.7)
    for column in range(1, columns):
        drawing.line((x + column * WIDE_CELL, top), (x + column * WIDE_CELL, top + rows * HIGH_CELL), color=color, width=0.7)
    return drawing.add("rect", x=x, y=top, width=wide, height=rows * HIGH_CELL, fill="none", stroke=color, stroke_width=2.5)


STACK, HEADS, FLOOR = (190, 320, 450), (240, 410), 560  # heights: of Q, K and V; of the two heads; of the shapes


def _projected(drawing):
    """X, and Q, K and V made of it."""
    strip(drawing, 30, 320, 8, INK, [TINTS[INK]]).write(94, 262, "X", NORMAL, bold=True).write(94, FLOOR, "3 × 8", SHAPE, QUIET)
    for name, color, y in zip("QKV", (QUERY, KEY, VALUE), STACK, strict=True):
        drawing.arrow((164, 320), (254, y), color=color).write(
            208, y + (320 - y) / 2 - 24, f"W_{name}", NORMAL, color, bold=True, halo=True
        )
        strip(drawing, 260, y, 8, color, SHADES[color]).write(324, y - 56, name, NORMAL, color, bold=True)
    drawing.write(324, FLOOR, "3 × 8 each", SHAPE, QUIET).write(120, 170, "1 make Q, K, V", NORMAL, bold=True)


def _split(drawing):
    """Each head gets its columns of all three."""
    drawing.arrow((400, 320), (470, 320)).write(432, 292, "2 split", NORMAL, bold=True)
    for head, y in enumerate(HEADS):
        drawing.write(484, y - 70, f"head {head + 1}", NORMAL, bold=True, anchor="start")
        for place, color in enumerate((QUERY, KEY, VALUE)):
            strip(drawing, 484 + 74 * place, y, 4, color, SHADES[color][head : head + 1])
    drawing.write(590, FLOOR, "2 × 3 × 4 each", SHAPE, QUIET).write(590, FLOOR - 26, "head, word, number", SHAPE, QUIET)


def _attended(drawing):
    """Each head has its own weights and its own result."""
    for head, y in enumerate(HEADS):
        drawing.line((486, y - 44), (620, y - 44)).arrow((553, y - 44), (553, y - 54), (782, y - 54), (782, y - 42))
        drawing.arrow((664, y + 42), (664, y + 54), (890, y + 54), (890, y + 44), color=VALUE)
        strip(drawing, 758, y, 3, INK, [TINTS[INK]]).arrow((812, y), (852, y))
        strip(drawing, 858, y, 4, VALUE, SHADES[VALUE][head : head + 1])
    drawing.write(790, HEADS[0] - 72, "weights", SHAPE, bold=True).write(890, HEADS[0] - 58, "result", SHAPE, VALUE, bold=True)
    drawing.write(778, FLOOR, "2 × 3 × 3", SHAPE, QUIET).write(896, FLOOR, "2 × 3 × 4", SHAPE, QUIET)
    drawing.write(824, HEADS[0] - 112, "3 attend", NORMAL, bold=True)


def _merged(drawing):
    """The results side by side."""
    for y in HEADS:
        drawing.arrow((926, y), (958, 320 + (y - 320) / 3))
    drawing.write(1028, 240, "4 merge", NORMAL, bold=True)
    strip(drawing, 964, 320, 8, VALUE, SHADES[VALUE]).write(1028, FLOOR, "3 × 8", SHAPE, QUIET)


def _mixed(drawing):
    """Every number of the output is made of all numbers of both heads."""
    drawing.arrow((1096, 320), (1124, 320)).write(1132, 180, "5 mix: × W_O", NORMAL, bold=True)
    strip(drawing, 1128, 320, 8, INK, [TINTS[INK]]).write(1200, 240, "output", NORMAL, bold=True)
    drawing.write(1192, FLOOR, "3 × 8", SHAPE, QUIET)


PARTS = (_projected, _split, _attended, _merged, _mixed)


LETTER_COLORS = {"h": "#7b3294", "g": "#9a6700"}  # of the two letters that are asked for
LETTER_TINTS = {"h": "#efe3f4", "g": "#fbefcf"}


def lettered(drawing, x, y, width, height, text, size):
    """A box in the colour of the letter with which its text ends."""
    color = LETTER_COLORS.get(text[-1], INK)
    return drawing.box(x, y, width, height, text, color, size=size, fill=LETTER_TINTS.get(text[-1], TINTS[INK]))


def task() -> str:
    """The toy task: a row of random letters, and what is asked at one of them; behind it the four models that are compared."""
    row, asked = "behfgacd", 3
    text = (
        "A row of random letters, b e h f g a c d. At the f the model has to name the letter before, h, and the "
        "letter after, g. "
        "Below: the model. Letters and positions become vectors; one attention, with one head or with two; then "
        "nothing or a small "
        "network; then scores for both letters."
    )
    drawing = opened(520, "Name both neighbours of the f", text)
    for place, letter in enumerate(row):
        x = 240 + 114 * place
        near = abs(place - asked) == 1
        lettered(drawing, x, 170, 84, 70, letter, LARGE)
        if near:
            drawing.arrow((240 + 114 * asked, 124), (240 + 114 * asked, 104), (x, 104), (x, 132))
            drawing.write(x, 232, "before: “h”" if place < asked else "after: “g”", NORMAL, LETTER_COLORS[letter], bold=True)
    drawing.write(240 + 114 * asked, 232, "asked", NORMAL, QUIET)
    boxes = ((150, 200, "letter + position"), (480, 260, "attention:|1 head or 2 heads"), (800, 220, "nothing,|or a network"))
    for x, wide, words in (*boxes, (1110, 260, "scores: before|scores: after")):
        drawing.box(x, 400, wide, 110)
        lines = words.split("|")
        for at, line in enumerate(lines):
            drawing.write(x, 400 + 32 * (at - (len(lines) - 1) / 2), line, NORMAL)
    for start, end in ((252, 346), (612, 686), (912, 976)):
        drawing.arrow((start, 400), (end, 400))
    drawing.write(480, 482, "what we change", SHAPE, QUIET).write(800, 482, "what we change", SHAPE, QUIET)
    return str(drawing)


SHARES = {"before": 0.4, "after": 0.5}  # of the only head's weight, rounded


def swap() -> str:
    """The neighbours of a letter swapped: one head's two mixes are nearly the same, the results of two heads are not."""
    text = (
        "Two rows, h f g and g f h. Left, one head: 0.5 g and 0.4 h make a mix, and 0.4 g and 0.5 h make nearly the same one. "
        "Right, two heads: g, then h, against h, then g, side by side: the two differ."
    )
    drawing = opened(540, "What arrives at f when its neighbours are swapped?", text)
    drawing.line((808, 90), (808, 510), color=GRID, width=2)
    drawing.write(545, 112, "one head: one mix", 32, bold=True).write(1045, 112, "two heads: two results", 32, bold=True)
    drawing.write(940, 162, "head 1: after", NORMAL, QUIET).write(1150, 162, "head 2: before", NORMAL, QUIET)
    for y, (before, after) in ((228, "hg"), (368, "gh")):
        for x, letter in zip((72, 152, 232), (before, "f", after), strict=True):
            lettered(drawing, x, y, 72, 84, letter, 40)
        left = 320.0
        for letter, share in sorted(zip((before, after), SHARES.values(), strict=True)):
            wide = 500 * share  # as long as its share
            lettered(drawing, left + wide / 2, y, wide, 84, f"{share} {letter}", 40)
            left += wide
        for x, letter in ((940, after), (1150, before)):
            lettered(drawing, x, y, 200, 84, f"1.0 {letter}", 40)
    drawing.write(545, 470, "nearly the same", 40, bold=True).write(1045, 470, "different", 40, bold=True)
    return str(drawing)


def line() -> str:
    """The score that a letter would need, so that the one with the smaller share wins, beside what a straight line can do."""
    text = (
        "The score of a letter against its share in the mix: 0, 0.4 or 0.5. Left, as needed to name the letter with 0.4: the "
        "score rises from 0 to 0.4 and falls again at 0.5. Right, a straight line: who rises up to 0.4 rises on to 0.5."
    )
    drawing = opened(500, "A score that should be highest at 0.4", text)
    drawing.line((640, 90), (640, 480), color=GRID, width=2)
    for left, title, heights in ((130, "needed: up, then down", (380, 170, 280)), (760, "linear: on and on", (380, 212, 170))):
        drawing.write(left + 220, 106, title, LARGE, bold=True).write(left - 20, 140, "score", NORMAL, QUIET)
        drawing.arrow((left, 400), (left + 440, 400)).arrow((left, 400), (left, 160))
        points = [(left + x, y) for x, y in zip((0, 296, 370), heights, strict=True)]
        drawing.line(*points, color=QUERY, width=5)
        for (x, y), share in zip(points, (0, *SHARES.values()), strict=True):
            drawing.add("circle", cx=x, cy=y, r=10, fill=QUERY).write(x, 426, f"{share}", NORMAL)
        drawing.write(left + 220, 462, "share of the letter in the mix", NORMAL, QUIET)
    return str(drawing)


DRAWINGS: dict[str, Callable[[], str]] = {
    "03_cried.svg": cried,
    "03_average.svg": average,
    "03_strips.svg": strips,
    **{f"03_strips_{step}.svg": partial(strips, step) for step in range(1, len(PARTS) + 1)},
    "03_task.svg": task,
    "03_swap.svg": swap,
    "03_line.svg": line,
}
ANIMATIONS: dict[str, tuple] = {}
