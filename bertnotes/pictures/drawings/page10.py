"""Drawings of fine-tuning: the classifier, three piles of reviews, padding with and without buckets, the learning rate of a
run, and the steps of one batch."""

from collections.abc import Callable

from bertnotes.pictures.charts import FIRST, SECOND
from bertnotes.pictures.drawings import LARGE, NORMAL, PALE, QUIET, Drawing, opened
from bertnotes.pictures.style import GRID, INK, KEY, QUERY, VALUE

# --- the classifier ---------------------------------------------------------------------------------------------------


def classifier() -> str:
    """Encoder, pooler and the new layer."""
    text = (
        "From left to right: the tokens CLS, superb, acting, SEP; six layers, pre-trained; four vectors of 384 numbers come "
        "out. Only the first, that of CLS, goes on; the pooler makes 384 numbers of it; the new layer makes two, 0.2 for "
        "negative and 1.9 for positive; softmax makes 15 and 85 percent of them. The new layer has 770 numbers of 15 million; "
        "the pooler was not trained either."
    )
    drawing = opened(520, "A classifier: a pre-trained BERT and one new layer", text)
    rows = [150 + 80 * row for row in range(4)]
    for y, token in zip(rows, ("[CLS]", "superb", "acting", "[SEP]"), strict=True):
        drawing.box(112, y, 124, 52, token).arrow((176, y), (220, y))
        drawing.add("rect", x=530, y=y - 18, width=96, height=36, fill="#e4e8ec", stroke=INK, stroke_width=2, rx=3)
    for layer in range(6):
        drawing.box(248 + 42 * layer, 270, 36, 300).write(248 + 42 * layer, 270, str(layer + 1), NORMAL, bold=True)
    drawing.line((482, 270), (494, 270), width=2.5).arrow((484, 270), (522, 270))
    drawing.write(353, 448, "encoder: pre-trained", NORMAL, bold=True).write(578, 448, "4 × 384", 20, QUIET)
    drawing.arrow((630, rows[0]), (676, rows[0])).box(742, rows[0], 124, 60, "pooler")
    drawing.write(742, rows[0] + 52, "384 → 384", 20, QUIET)
    drawing.arrow((808, rows[0]), (856, rows[0])).box(934, rows[0], 148, 76, "new layer", SECOND, fill="#f7e6ee")
    drawing.write(934, rows[0] + 60, "384 → 2", 20, QUIET)
    for y, name, logit, share in ((rows[0] - 28, "negative", "0.2", 15), (rows[0] + 28, "positive", "1.9", 85)):
        drawing.arrow((1012, rows[0]), (1060, y)).write(1072, y, f"{logit}  {name}", NORMAL, anchor="start")
        low = 330 if name == "negative" else 390
        drawing.write(886, low, name, NORMAL, anchor="start")
        drawing.add("rect", x=990, y=low - 18, width=2 * share, height=36, fill=SECOND if share > 50 else FIRST)
        drawing.write(1000 + 2 * share, low, f"{share} %", NORMAL, anchor="start")
    drawing.write(886, 276, "softmax:", NORMAL, QUIET, "start")
    return str(
        drawing.write(
            640,
            490,
            "new: 770 of 15 million numbers. (mini's pooler has learned nothing yet either.)",
            NORMAL,
            SECOND,
            bold=True,
        )
    )


# --- three piles ------------------------------------------------------------------------------------------------------

PILES = (
    ("train", 365, "learn from these", QUERY),
    ("validation", 122, "choose by these", VALUE),
    ("test", 209, "look once", SECOND),
)


def piles() -> str:
    """Training, validation and test reviews, and what each is for."""
    text = (
        "696 plain reviews are dealt into three piles. Train, 365: the weights are changed by these, many times. Validation, "
        "122: after each epoch we look at these, to choose. Test, 209: behind a closed door, looked at once, at the end."
    )
    drawing = opened(500, "Three piles, and what each is for", text)
    for at, (name, count, use, color) in enumerate(PILES):
        x = 230 + 410 * at
        for sheet in range(round(count / 26)):
            drawing.add(
                "rect", x=x - 90, y=330 - 15 * sheet, width=180, height=26, rx=4, fill="#ffffff", stroke=color, stroke_width=2.5
            )
        drawing.write(x, 392, f"{name}: {count}", LARGE, color, bold=True).write(x, 432, use, NORMAL)
        if name == "test":
            drawing.add("rect", x=x - 112, y=190, width=224, height=176, rx=8, fill="none", stroke=INK, stroke_width=4)
            drawing.add("circle", cx=x + 96, cy=278, r=7, fill=INK)
    for x, words in ((230, "every epoch, all of them"), (640, "after every epoch"), (1050, "at the very end")):
        drawing.write(x, 466, words, 20, QUIET)
    return str(drawing)


# --- padding ----------------------------------------------------------------------------------------------------------

TOKENS = (40, 62, 48, 230, 55, 110, 44, 70)  # of eight reviews


def _rows(drawing: Drawing, x, groups, limit, name):
    """Batches of reviews, each padded to the longest in its batch, or to a limit; returns the share that is padding."""
    drawing.write(x, 92, name, NORMAL, bold=True, anchor="start")
    y, filled, all_of_it = 128, 0, 0
    for group in groups:
        wide = limit or max(group)
        for tokens in group:
            drawing.add("rect", x=x, y=y, width=wide * 1.4, height=22, fill="#e9ebee", stroke=PALE, stroke_width=1)
            drawing.add("rect", x=x, y=y, width=tokens * 1.4, height=22, fill=FIRST)
            y, filled, all_of_it = y + 27, filled + tokens, all_of_it + wide
        y += 20
    share = round(100 * (1 - filled / all_of_it))
    drawing.write(x, y + 8, f"{share} % is padding", LARGE, SECOND, "start", bold=True)


def padding() -> str:
    """Eight reviews in two batches: padded to the maximum, to the longest in the batch, and put with others of like length."""
    text = (
        "Eight reviews of 40 to 230 tokens, in two batches of four; dark is text, pale is padding. Padded to 256 tokens: 68 "
        "percent is padding. Padded to the longest review of each batch: 52 percent. Sorted into batches of like length "
        "first: 42 percent."
    )
    drawing = opened(430, "Eight reviews, two batches: dark is text, pale is padding", text)
    pair, sort = [TOKENS[:4], TOKENS[4:]], sorted(TOKENS)
    _rows(drawing, 40, pair, 256, "to a maximum of 256")
    _rows(drawing, 458, pair, None, "to the longest of the batch")
    _rows(drawing, 860, [sort[:4], sort[4:]], None, "and in batches of like length")
    return str(drawing)


# --- the learning rate of a run ---------------------------------------------------------------------------------------


def schedule() -> str:
    """The learning rate climbs for a tenth of the steps, then falls in a straight line to zero."""
    text = (
        "The learning rate over the 92 steps of a run. It starts at 0, climbs in a straight line for the first 9 steps, the "
        "warm-up, to its peak of 2e-4, and falls in a straight line to 0 at the last step."
    )
    drawing = opened(440, "The learning rate of a run of 92 steps", text)
    left, right, low, high = 150, 1180, 360, 120
    peak = left + (right - left) * 9 / 92
    drawing.add("rect", x=left, y=high, width=peak - left, height=low - high, fill="#fbeadf")
    drawing.arrow((left, low), (right + 50, low), color=QUIET).arrow((left, low), (left, 84), color=QUIET)
    drawing.line((left, low), (peak, high), (right, low), color=SECOND, width=5)
    drawing.line((left - 8, high), (peak, high), color=GRID, width=2, dash="6 6").write(
        left - 16, high, "2e-4", NORMAL, anchor="end"
    )
    drawing.write(left - 16, low, "0", NORMAL, anchor="end").write(left, low + 28, "0", NORMAL).write(
        peak, low + 28, "9", NORMAL
    )
    drawing.write(right, low + 28, "92", NORMAL).write(660, low + 40, "step", NORMAL, QUIET)
    drawing.write(left + 16, high - 26, "warm-up: a tenth of the steps", NORMAL, KEY, "start", bold=True)
    return str(drawing.write(790, 210, "then smaller and smaller steps", NORMAL, SECOND, "start", bold=True))


# --- one step ---------------------------------------------------------------------------------------------------------

STEPS = (
    ("predict", "model(batch)", "two numbers a review"),
    ("measure", "cross_\u200bentropy", "the loss"),
    ("trace back", "loss.backward()", "a gradient a weight"),
    ("step", "optimizer.step()", "all weights, a little"),
)


def loop() -> str:
    """The four parts of a training step, in a circle."""
    text = (
        "Four boxes from left to right, and an arrow back to the first. Predict: model of batch gives two numbers a review. "
        "Measure: cross entropy gives the loss. Trace back: loss backward gives a gradient for each weight. Step: optimizer "
        "step moves all weights a little. Then zero grad, and the next batch."
    )
    drawing = opened(430, "One training step", text)
    for at, (name, code, result) in enumerate(STEPS):
        x = 180 + 305 * at
        drawing.box(x, 180, 240, 130, "", SECOND if at == 3 else INK, fill="#f7e6ee" if at == 3 else None)
        drawing.write(x, 150, f"{at + 1}  {name}", LARGE, bold=True).write(x, 204, code, NORMAL, FIRST)
        drawing.write(x, 276, result, NORMAL, QUIET)
        if at < 3:
            drawing.arrow((x + 124, 180), (x + 180, 180))
    drawing.arrow((1095, 300), (1095, 356), (180, 356), (180, 300))
    return str(drawing.write(640, 388, "zero_\u200bgrad(), and the next batch", NORMAL, INK))


DRAWINGS: dict[str, Callable[[], str]] = {
    "10_classifier.svg": classifier,
    "10_piles.svg": piles,
    "10_padding.svg": padding,
    "10_schedule.svg": schedule,
    "10_step.svg": loop,
}
ANIMATIONS: dict = {}
