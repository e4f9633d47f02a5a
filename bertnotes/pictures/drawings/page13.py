"""Drawings of what training costs: a step, the use of a weight, memory, softmax in blocks, a change of low rank."""

from collections.abc import Callable
from functools import partial
from math import exp

from bertnotes.pictures.drawings import NORMAL, PALE, QUIET, SMALL, TINTS, number, opened
from bertnotes.pictures.style import GRID, INK, KEY, QUERY, VALUE

# --- a step -----------------------------------------------------------------------------------------------------------


def step() -> str:
    """A training step, and what it costs."""
    text = (
        "One training step: a batch of texts goes forward through the model, the loss goes backward, AdamW changes the "
        "weights. Under it three questions: how many multiplications, how many bytes, how many seconds?"
    )
    drawing = opened(400, "What does one training step cost?", text)
    names = ("a batch of texts", "forward", "loss", "backward", "AdamW")
    for at, (name, color) in enumerate(zip(names, (INK, QUERY, INK, KEY, VALUE), strict=True)):
        x = 150 + 246 * at
        drawing.box(x, 136, 190, 70, name, color)
        if at < 4:
            drawing.arrow((x + 97, 136), (x + 147, 136), color=QUIET, width=4)
    for at, name in enumerate(("multiplications", "bytes", "seconds")):
        x = 240 + 400 * at
        drawing.write(x - 130, 280, "?", 80, QUERY, bold=True).write(x + 30, 280, name, 30, bold=True)
    return str(drawing.write(640, 360, "for mini, for a model seven times as large, for texts twice as long", NORMAL, QUIET))


# --- what a weight does -----------------------------------------------------------------------------------------------


def weight() -> str:
    """A token's vector times a matrix: each weight is used once."""
    text = (
        "A token's vector of three numbers times a matrix of three rows and four columns gives four numbers. "
        "Each of the twelve weights is multiplied once and added once: 24 operations."
    )
    drawing = opened(400, "Each weight: one multiplication, one addition", text)
    drawing.matrix(110, 170, [[2, 1, 3]], QUERY, name="a token")
    drawing.write(320, 193, "×", 40)
    drawing.matrix(390, 124, [[1, 0, 2, 1], [3, 1, 0, 2], [0, 2, 1, 1]], KEY, name="12 weights")
    drawing.write(660, 193, "=", 40)
    drawing.matrix(720, 170, [[5, 7, 7, 7]], VALUE, name="4 numbers")
    drawing.write(960, 176, "first: 2·1 + 1·3 + 3·0 = 5", 22, INK, "start")
    drawing.write(960, 214, "3 multiplications, 3 additions*", SMALL, QUIET, "start")
    drawing.write(640, 316, "12 weights, 24 operations. And for each further token 24 more.", NORMAL, bold=True)
    return str(drawing.write(640, 352, "* counting from 0, as is usual", SMALL, QUIET))


# --- memory -----------------------------------------------------------------------------------------------------------


class Memory:
    """MB of a training step of mini with 16 reviews of 256 tokens, as page 13 measures them; activations three ways."""

    weights, gradients, adamw = 59, 59, 119
    activations = (("weights of attention stored", 1611), ("attention in slices", 698), ("each layer computed again", 169))


def memory() -> str:
    """What a step holds, to scale: the same for the weights, three ways for the activations."""
    text = (
        "Memory of a training step of mini with 16 reviews of 256 tokens. Weights 59 megabytes, gradients 59, AdamW 119. "
        "Activations 1,611 where attention weights are stored, 698 with attention in slices, 169 if layers are computed again."
    )
    drawing = opened(430, "Memory of a step, in MB: mini, 16 reviews of 256 tokens", text)
    scale, fixed = 0.42, ((Memory.weights, INK), (Memory.gradients, KEY), (Memory.adamw, VALUE))
    for row, (name, size) in enumerate(Memory.activations):
        x, y = 360.0, 96 + 82 * row
        drawing.write(344, y + 25, name, SMALL, INK, "end")
        for part, color in (*fixed, (size, QUERY)):
            drawing.add("rect", x=x, y=y, width=part * scale, height=50, fill=color, fill_opacity=0.75, stroke="#ffffff")
            x += part * scale
        total = size + Memory.weights + Memory.gradients + Memory.adamw
        drawing.write(x + 14, y + 25, f"{total:,}", 26, INK, "start", bold=True)
    labels = (("weights 59", INK), ("gradients 59", KEY), ("AdamW 119", VALUE), ("activations: the rest", QUERY))
    for at, (name, color) in enumerate(labels):
        x = 180 + 250 * at
        drawing.add("rect", x=x, y=368, width=26, height=26, fill=color, fill_opacity=0.75)
        drawing.write(x + 38, 382, name, SMALL, INK, "start")
    return str(drawing)


# --- softmax in blocks ------------------------------------------------------------------------------------------------


class Running:
    """Four scores in two blocks, and their values."""

    scores, values = (2, 0, 3, 1), (10, 20, 30, 40)

    @classmethod
    def after(cls, count: int) -> tuple[float, float, float]:
        """Largest score, sum of powers, and sum of powers times values, of the first few."""
        top = max(cls.scores[:count])
        powers = [exp(score - top) for score in cls.scores[:count]]
        return top, sum(powers), sum(power * value for power, value in zip(powers, cls.values, strict=False))


def running(shown: int = 3) -> str:
    """Softmax over four scores, two at a time. shown: how far it is told, 1 to 3."""
    text = (
        "Scores 2, 0, 3, 1 with values 10, 20, 30, 40, read two at a time. After the first block: largest 2, sum 1.14, mix "
        "12.7. The second block has a larger score, 3. So sum and mix are first multiplied by e to the minus 1, 0.37, "
        "then the new powers are added: sum 1.55, mix 40.1. Mix divided by sum is 25.8, as from all four at once."
    )
    drawing = opened(470, "Softmax, two scores at a time", text)
    names = ("score", "value")
    for row, (name, numbers) in enumerate(zip(names, (Running.scores, Running.values), strict=True)):
        drawing.write(150, 112 + 54 * row, name, NORMAL, QUIET, "end")
        for at, value in enumerate(numbers):
            lit = at < 2 * min(shown, 2)
            drawing.box(
                230 + 130 * at + 60 * (at > 1), 112 + 54 * row, 110, 46, str(value), QUERY if lit else PALE, fill="#ffffff"
            )
    for block in range(2):
        x = 295 + 320 * block
        drawing.write(x, 208, f"block {block + 1}", SMALL, QUIET)
    head = ("largest", "sum of powers", "mix: powers × values")
    for at, name in enumerate(head):
        drawing.write((420, 640, 950)[at], 256, name, NORMAL, QUIET)
    rows = (
        ("after block 1", "2", "1 + 0.14 = 1.14", "1 · 10 + 0.14 · 20 = 12.7"),
        ("after block 2", "3", "0.37 · 1.14 + 1.14 = 1.55", "0.37 · 12.7 + 35.4 = 40.1"),
    )
    for row, cells in enumerate(rows[:shown]):
        y = 306 + 52 * row
        for at, cell in enumerate(cells):
            drawing.write((130, 420, 640, 950)[at], y, cell, NORMAL, INK if at else QUIET, bold=at == 1)
    if shown >= 3:
        _, total, mix = Running.after(4)
        answer = f"{number(mix, 1)} / {number(total, 2)} = {number(mix / total, 1)}: as from all four at once"
        drawing.write(640, 424, answer, 26, VALUE, bold=True)
    return str(drawing)


def tiles() -> str:
    """The table of scores as a whole, and a block of it at a time."""
    text = (
        "Left: queries times keys gives a table of all scores, eight by eight, held in memory. Right: only one block of three "
        "columns is held at a time; of each row a largest score, a sum and a mix are kept."
    )
    drawing = opened(450, "Never the whole table", text)
    for x, title in ((110, "all scores in memory"), (690, "a block at a time")):
        drawing.write(x + 200, 92, title, NORMAL, INK, bold=True)
        for row in range(8):
            for column in range(8):
                held = x < 600 or 2 < column < 6
                place = {"x": x + 40 + 40 * column, "y": 120 + 32 * row}
                colors = {"fill": TINTS[QUERY] if held else "#ffffff", "stroke": QUERY if held else GRID}
                drawing.add("rect", None, **place, width=38, height=30, **colors, stroke_width=1.5)
        drawing.write(x + 200, 398, "keys", SMALL, QUIET).write(x + 30, 248, "queries", SMALL, QUIET, "end")
    drawing.arrow((810, 420), (1010, 420), color=QUIET, width=3)
    for row in range(8):
        drawing.box(1158, 135 + 32 * row, 190, 28, "largest, sum, mix", VALUE, SMALL)
    return str(drawing)


# --- low rank ---------------------------------------------------------------------------------------------------------


def lora() -> str:
    """A frozen matrix and a thin change of it."""
    text = (
        "A frozen matrix W of 384 by 384, 147,456 numbers, plus the product of B, 384 by 8, and A, 8 by 384, together 6,144 "
        "numbers, which are trained. The product is again 384 by 384."
    )
    drawing = opened(430, "LoRA: leave W alone, learn a thin change", text)
    drawing.box(210, 220, 240, 240, "W", INK, 44).write(210, 366, "384 × 384, frozen", SMALL, QUIET)
    drawing.write(210, 396, "147,456 numbers", SMALL, QUIET).write(385, 220, "+  2 ·", 36)
    drawing.box(500, 220, 36, 240, "B", KEY, 30).write(500, 366, "384 × 8", SMALL, QUIET)
    drawing.write(560, 220, "×", 36).box(710, 220, 240, 36, "A", VALUE, 26).write(710, 260, "8 × 384", SMALL, QUIET)
    drawing.write(620, 396, "trained: 2 · 8 · 384 = 6,144 numbers", SMALL, INK, bold=True)
    drawing.write(872, 220, "=", 36).box(1050, 220, 240, 240, "new W", QUERY, 34)
    return str(drawing.write(1050, 366, "384 × 384, as fast as before", SMALL, QUIET))


DRAWINGS: dict[str, Callable[[], str]] = {
    "13_step.svg": step,
    "13_weight.svg": weight,
    "13_memory.svg": memory,
    "13_tiles.svg": tiles,
    "13_running_1.svg": partial(running, 1),
    "13_running.svg": running,
    "13_lora.svg": lora,
}
ANIMATIONS: dict[str, tuple] = {}
