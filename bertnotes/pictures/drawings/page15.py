"""Drawings of what goes wrong in training: nine loss curves, three tests before, three orders, batches, two scores, memory."""

from collections.abc import Callable
from math import exp, sin

from bertnotes.pictures.charts import FIRST, SECOND
from bertnotes.pictures.drawings import NORMAL, PALE, QUIET, TINTS, Drawing, opened
from bertnotes.pictures.style import INK

TINT = "#f8e8f0"  # a pale ground for what the second colour marks

# --- nine curves ------------------------------------------------------------------------------------------------------

HIGHEST = 1.5  # loss that a panel shows
STEPS = [at / 40 for at in range(41)]


def wiggle(t: float, size: float = 1) -> float:
    """The same unrest every time."""
    return size * (0.035 * sin(47 * t) + 0.03 * sin(83 * t + 1))


def learns(t: float) -> float:
    """A training loss as one wishes it: at first it hardly moves, like the page's own."""
    return 0.1 + 0.58 / (1 + exp(12 * (t - 0.5)))


def settles(t: float) -> float:
    """A validation loss as one wishes it."""
    return 0.36 + 0.33 / (1 + exp(12 * (t - 0.45)))


CURVES: dict[str, tuple[Callable, Callable | None]] = {
    "A  falls, and levels off": (lambda t: learns(t) + wiggle(t), settles),
    "B  stays at ln 2": (lambda t: 0.69 + wiggle(t), None),
    "C  hardly moves": (lambda t: 0.69 - 0.02 * t + wiggle(t, 0.5), None),
    "D  jumps, then stays at ln 2": (
        lambda t: 0.69 + (1.1 * abs(sin(20 * t)) if 0.05 < t < 0.4 else 0) + wiggle(t, 2),
        None,
    ),
    "E  ends in the middle": (lambda t: learns(t) + wiggle(t) if t <= 0.5 else float("nan"), None),
    "F  falls, jumps, falls": (
        lambda t: 0.05 + 0.6 * exp(-14 * t) if t < 0.5 else 0.05 + 1.35 * exp(-9 * (t - 0.5)),
        None,
    ),
    "G  validation turns up": (lambda t: 0.02 + 0.67 * exp(-5 * t), lambda t: 0.69 - 0.9 * t + 1.35 * t * t),
    "H  validation is lower": (lambda t: learns(t) + wiggle(t), lambda t: 0.8 * learns(t)),
    "I  both go to 0": (lambda t: 0.02 + 0.67 * exp(-6 * t) + wiggle(t, 0.3), lambda t: 0.04 + 0.64 * exp(-6.5 * t)),
}


def curves() -> str:
    """Nine training runs, as their loss curves look; what is wrong with them is not told."""
    text = (
        "Nine sketched loss curves, training solid, validation dashed, ln 2 dotted. A falls, and levels off. B stays at ln 2. "
        "C hardly moves. D jumps, then stays at ln 2. E falls and ends in the middle. F falls, jumps, and falls again. G: "
        "training falls, validation turns up. H: validation is lower than training. I: both go to 0."
    )
    drawing = opened(720, "Nine runs: which one is healthy?", text)
    for x, name, color, dash in (
        (700, "training", FIRST, None),
        (900, "validation", SECOND, "8 6"),
        (1110, "ln 2", QUIET, "2 6"),
    ):
        drawing.line((x, 44), (x + 50, 44), color=color, width=4, dash=dash).write(
            x + 60, 44, name, 20, color, "start", bold=True
        )
    for number, (name, (training, validation)) in enumerate(CURVES.items()):
        left, top = 50 + 410 * (number % 3), 122 + 206 * (number // 3)
        drawing.write(left, top - 26, name, NORMAL, INK, "start", bold=True)
        panel(drawing, left, top, training, validation)
    return str(drawing)


def panel(drawing: Drawing, left: float, top: float, training: Callable, validation: Callable | None):
    """One small chart of 360 by 140."""

    def points(curve):
        values = [(t, curve(t)) for t in STEPS]
        return [(left + 360 * t, top + 140 * (1 - min(loss, HIGHEST) / HIGHEST)) for t, loss in values if loss == loss]

    drawing.line((left, top), (left, top + 140), (left + 360, top + 140), color=PALE, width=2)
    middle = top + 140 * (1 - 0.693 / HIGHEST)
    drawing.line((left, middle), (left + 360, middle), color=QUIET, width=2, dash="2 6")
    if validation:
        drawing.line(*points(validation), color=SECOND, width=4, dash="8 6")
    found = points(training)
    drawing.line(*found, color=FIRST, width=3.5)
    if len(found) < len(STEPS):
        x, y = found[-1]
        for side in (-9, 9):
            drawing.line((x - 9, y - side), (x + 9, y + side), color=SECOND, width=5)


# --- three tests before training --------------------------------------------------------------------------------------

BEFORE = (
    ("1  Does it start at ln K?", "K classes: no opinion yet", "labels, new layer"),
    ("2  Can it learn one batch?", "by heart, down to about 0", "loop, optimizer"),
    ("3  Can you read its input?", "ids turned back into words", "tokenizer, texts, order"),
)


def three_tests() -> str:
    """What three short tests look at, before a training run begins."""
    text = (
        "Three tests before training. One: does the loss start at the logarithm of the number of classes? It looks at labels "
        "and the new layer. Two: can the model learn one batch by heart? It looks at loop and optimizer. Three: can you read "
        "what the model reads? It looks at tokenizer, texts and their order."
    )
    drawing = opened(470, "Before you train: three tests, a minute in all", text)
    for at, (question, how, parts) in enumerate(BEFORE):
        x = 230 + 410 * at
        drawing.box(x, 260, 384, 340, "", INK)
        drawing.write(x, 122, question, NORMAL, INK, bold=True).write(x, 356, how, 20, QUIET)
        drawing.write(x, 398, f"tests: {parts}", 20, SECOND, bold=True)
    drawing.line((80, 170), (80, 320), (390, 320), color=PALE, width=2).line((80, 236), (390, 236), color=QUIET, dash="2 6")
    drawing.add("circle", cx=80, cy=236, r=11, fill=SECOND).write(300, 212, "ln 2 = 0.69", 20, QUIET)
    drawing.line((490, 170), (490, 320), (800, 320), color=PALE, width=2)
    falling = [(490 + 300 * t, 316 - 120 * exp(-5 * t)) for t in STEPS]
    drawing.line(*falling, color=FIRST, width=5)
    drawing.write(1050, 190, "2, 43, 6155, 253, 3", NORMAL, QUIET).arrow((1050, 212), (1050, 262), color=INK)
    return str(drawing.write(1050, 290, "[CLS] a dull film [SEP]", NORMAL, INK))


# --- the order of three lines -----------------------------------------------------------------------------------------

ORDERS = (
    ("works", ("backward", "step", "zero_grad"), "step uses gradients, then they go"),
    ("works", ("zero_grad", "backward", "step"), "old gradients go first: as good"),
    ("learns nothing", ("backward", "zero_grad", "step"), "step finds no gradients"),
)


def orders() -> str:
    """Three lines of the loop in three orders; in one of them the gradients are gone before the step."""
    text = (
        "Three lines of the loop in three orders. Backward, step, zero_grad works. Zero_grad, backward, step works as well. "
        "Backward, zero_grad, step learns nothing: the gradients are gone before the step."
    )
    drawing = opened(480, "The same three lines in three orders", text)
    for row, (name, calls, why) in enumerate(ORDERS):
        y = 130 + 120 * row
        drawing.write(40, y, name, NORMAL, SECOND if row == 2 else INK, "start", bold=True)
        for at, call in enumerate(calls):
            x = 330 + 210 * at
            late = call == "zero_grad"
            drawing.box(
                x, y, 160, 60, call.replace("_", "_\u200b"), SECOND if late else FIRST, NORMAL, TINT if late else TINTS[INK]
            )
            if at:
                drawing.arrow((x - 130, y), (x - 82, y))
        drawing.write(860, y, why, 20, INK, "start")
    return str(drawing.write(40, 448, "Each line is right. No error is raised in any of the three.", NORMAL, INK, "start"))


# --- batches in the order of the file ---------------------------------------------------------------------------------


def batches() -> str:
    """The labels in eight batches of eight: sorted as in a file, and shuffled."""
    text = (
        "Two rows of eight batches with eight reviews each. Sorted, as in the file: four batches of negative reviews, then "
        "four of positive ones. Shuffled: every batch has both."
    )
    drawing = opened(440, "Eight batches: which labels does each one hold?", text)
    shuffled = "1101110010111111010100100001001000001001001010101110110111100001"
    for row, (name, labels) in enumerate((("sorted, as in the file", "0" * 32 + "1" * 32), ("shuffled", shuffled))):
        y = 120 + 160 * row
        drawing.write(40, y - 28, name, NORMAL, INK, "start", bold=True)
        for at, label in enumerate(labels):
            x, down = 40 + 152 * (at // 8) + 34 * (at % 4), y + 34 * (at % 8 // 4)
            color, ground = (FIRST, TINTS[INK]) if label == "0" else (SECOND, TINT)
            drawing.add("rect", x=x, y=down, width=30, height=30, fill=ground, stroke=color, stroke_width=2)
            drawing.write(x + 15, down + 15, "−" if label == "0" else "+", NORMAL, color, bold=True)
    for x, name, color, ground in ((40, "negative", FIRST, TINTS[INK]), (220, "positive", SECOND, TINT)):
        drawing.add("rect", x=x, y=392, width=26, height=26, fill=ground, stroke=color, stroke_width=2)
        drawing.write(x + 36, 405, name, 20, INK, "start")
    return str(drawing)


# --- two scores of one epoch ------------------------------------------------------------------------------------------


def two_scores() -> str:
    """The training loss is a mean over the epoch, with dropout; the validation loss is taken at its end, without."""
    text = (
        "One epoch from left to right. The loss falls from step to step. The training loss is the mean of all these steps, "
        "with dropout on. The validation loss is measured at the end of the epoch, with dropout off, so it can be lower."
    )
    drawing = opened(500, "One epoch: what the two losses measure", text)
    drawing.line((90, 90), (90, 400), (900, 400), color=PALE, width=2)
    heights = [120 + 210 * (1 - exp(-2.2 * at / 11)) + (14 if at % 2 else -10) for at in range(12)]
    for at, y in enumerate(heights):
        drawing.add("circle", cx=120 + 62 * at, cy=y, r=9, fill=FIRST)
    mean = sum(heights) / len(heights)
    drawing.line((90, mean), (890, mean), color=FIRST, width=4, dash="10 8")
    drawing.write(910, mean - 16, "training loss:", NORMAL, FIRST, "start", bold=True)
    drawing.write(910, mean + 16, "mean of all steps, dropout on", 20, FIRST, "start")
    drawing.add("rect", x=858, y=348, width=24, height=24, fill=SECOND)
    drawing.write(910, 346, "validation loss:", NORMAL, SECOND, "start", bold=True)
    drawing.write(910, 378, "after the last step, dropout off", 20, SECOND, "start")
    return str(drawing.write(490, 430, "steps of the epoch", 20, QUIET).write(78, 104, "loss", 20, QUIET, "end"))


# --- what fills the memory --------------------------------------------------------------------------------------------

MEMORY = (("weights", INK, 1), ("gradients", FIRST, 1), ("AdamW's two means", QUIET, 2))


def memory() -> str:
    """Four parts of what training keeps; only the last one shrinks with the batch."""
    text = (
        "What training keeps in memory. Weights, one part; gradients, as much again; AdamW's two running means, twice as much: "
        "these do not depend on the batch. Intermediate results for the backward pass: they grow with the size of the batch "
        "and the length of the texts."
    )
    drawing = opened(430, "What training keeps in memory", text)
    x = 40.0
    for name, color, share in MEMORY:
        wide = 130 * share
        drawing.add("rect", x=x, y=120, width=wide - 4, height=110, fill=color)
        drawing.line((x + wide / 2, 232), (x + wide / 2, 250), color=color)
        drawing.write(x + wide / 2, 270, name, 20, color, bold=True)
        x += wide
    drawing.add("rect", x=x, y=120, width=676, height=110, fill=SECOND)
    drawing.line((x + 338, 232), (x + 338, 250), color=SECOND)
    drawing.write(x + 338, 270, "intermediate results", 20, SECOND, bold=True)
    drawing.line((40, 300), (x - 6, 300), color=INK).write(300, 326, "4 × 4 bytes a weight, whatever the batch", 20, INK)
    drawing.line((x, 300), (x + 676, 300), color=INK).write(x + 338, 326, "× reviews in a batch × tokens, and more", 20, INK)
    return str(
        drawing.write(40, 396, "Half the batch: about half of the right part. The left one stays.", NORMAL, INK, "start")
    )


DRAWINGS: dict[str, Callable[[], str]] = {
    "15_curves.svg": curves,
    "15_three_tests.svg": three_tests,
    "15_orders.svg": orders,
    "15_batches.svg": batches,
    "15_two_scores.svg": two_scores,
    "15_memory.svg": memory,
}
ANIMATIONS: dict[str, tuple] = {}
