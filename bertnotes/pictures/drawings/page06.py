"""Drawings of pre-training: a gap, masking step by step, what a view shows, a student and its teacher, a pair."""

from collections.abc import Callable
from functools import partial

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from bertnotes.pictures.charts import FIRST, PALE, SECOND
from bertnotes.pictures.drawings import LARGE, NORMAL, QUIET, TINTS, Drawing, opened
from bertnotes.pictures.style import AMOUNT, GRID, INK, finish, own_style

ROSE = "#f6e3ed"  # the ground of what is hidden or chosen


# --- a gap ------------------------------------------------------------------------------------------------------------


def gap() -> str:
    """Hide a word, let the model guess, compare with what stood there, change the parameters a little."""
    text = (
        "Four steps in a circle. One: a word is hidden, the film is MASK on a true story. Two: BERT gives every piece "
        "of its vocabulary a probability. Three: the text says what stood there, based; the loss is minus the logarithm of its "
        "probability. Four: every parameter of BERT is changed a little, so that based gets more probable. Then the next text."
    )
    drawing = opened(600, "Pre-training: the text is the question and the answer", text)
    drawing.box(330, 128, 560, 60, "the film is based on a true story .", INK, NORMAL)
    drawing.arrow((330, 160), (330, 226)).write(352, 192, "1  hide a word", NORMAL, INK, "start", bold=True)
    drawing.box(330, 262, 560, 60, "the film is [MASK] on a true story .", SECOND, NORMAL, fill=ROSE)
    drawing.arrow((330, 294), (330, 370)).box(330, 430, 300, 110, "", INK).write(330, 430, "BERT", LARGE, bold=True)
    drawing.arrow((482, 430), (700, 430)).write(590, 404, "2  guess", NORMAL, bold=True)
    for row, (word, width) in enumerate((("based", 220), ("focused", 3), ("set", 2), ("...", 2))):
        y = 366 + 44 * row
        drawing.write(820, y, word, NORMAL, SECOND if not row else INK, "end", bold=not row)
        drawing.add("rect", x=834, y=y - 13, width=width, height=26, fill=SECOND if not row else "#8b949e")
    drawing.write(870, 432, "a probability", 20, QUIET, "start").write(870, 460, "for every piece", 20, QUIET, "start")
    drawing.line((612, 128), (1110, 128)).arrow((1110, 128), (1110, 226))
    drawing.write(860, 100, "what stood there: based", NORMAL, SECOND, bold=True)
    drawing.box(1110, 264, 270, 70, "loss = −ln p(based)", INK, NORMAL).arrow((960, 340), (1010, 306))
    drawing.write(1000, 190, "3  compare", NORMAL, bold=True)
    drawing.line((1200, 300), (1200, 560), (330, 560)).arrow((330, 560), (330, 490))
    drawing.write(352, 530, "4  change every parameter a little", NORMAL, INK, "start", bold=True)
    return str(drawing)


# --- masking ----------------------------------------------------------------------------------------------------------


class Masked:
    """A sentence, its two random numbers for each token (seed 7665), and what masking makes of it."""

    tokens = ("the", "last", "scene", "made", "me", "laugh", "and", "cry", ".")
    chance = (0.29, 0.04, 0.28, 0.96, 0.56, 0.08, 0.09, 0.69, 0.56)
    fate = (None, 0.50, None, None, None, 0.91, 0.89, None, None)
    reads = ("the", "[MASK]", "scene", "made", "me", "specially", "and", "cry", ".")


ROWS = (("the text", 122), ("first number", 206), ("second number", 310), ("the model reads", 430), ("the labels", 534))
MASKING = ("choose", "a second number for each chosen one", "what the model reads", "the labels: what it is asked")


def masking(step: int = 4) -> str:
    """A sentence, its random numbers, what the model reads and what it is asked. step: how far it is told, 1 to 4."""
    text = (
        "The last scene made me laugh and cry. Each token gets a number; last, 0.04, laugh, 0.08, and and, 0.09, are below "
        "0.15 and so chosen. A second number decides for each: last, 0.50, becomes MASK; laugh, 0.91, becomes a random piece, "
        "specially; and, 0.89, stays. The labels are last, laugh and and; everywhere else the label is minus 100."
    )
    drawing = opened(600, f"Step {step}: {MASKING[step - 1]}", text)
    for name, y in ROWS[: step + 1]:
        drawing.write(36, y, name, 20, QUIET, "start")
    for at, word in enumerate(Masked.tokens):
        x, second = 270 + 114 * at, Masked.fate[at]
        chosen = second is not None
        drawing.box(x, ROWS[0][1], 104, 52, word, SECOND if chosen else INK, 20, fill=ROSE if chosen else None)
        drawing.write(x, ROWS[1][1], f"{Masked.chance[at]:.2f}", NORMAL, SECOND if chosen else INK, bold=chosen)
        if step >= 2 and chosen:
            drawing.arrow((x, ROWS[1][1] + 22), (x, ROWS[2][1] - 22), color=SECOND)
            drawing.write(x, ROWS[2][1], f"{second:.2f}", NORMAL, SECOND, bold=True)
        if step >= 3:
            drawing.box(x, ROWS[3][1], 104, 52, Masked.reads[at], SECOND if chosen else INK, 20, fill=ROSE if chosen else None)
        if step >= 4:
            drawing.write(x, ROWS[4][1], word if chosen else "−100", 20, SECOND if chosen else QUIET, bold=chosen)
    drawing.write(612, 258, "below 0.15: chosen", 20, SECOND, bold=True)
    if step >= 2:
        drawing.write(36, 366, "its rule", 20, QUIET, "start")
        drawing.write(726, 366, "below 0.8: [MASK]  ·  0.8 to 0.9: stays  ·  from 0.9: a random piece", 20, bold=True)
    return str(drawing)


# --- a scale of losses ------------------------------------------------------------------------------------------------

LADDER = (("knows nothing", 9.21, "10,000"), ("counts, never looks", 6.53, "683"), ("mini", 4.26, "71"))


def ladder() -> str:
    """The losses of three candidates on one scale, with their perplexities."""
    text = (
        "A scale of losses from 0 to 10 nats. Random numbers, which know nothing, stand at 9.21, perplexity 10,000. "
        "Someone who counts how frequent each piece is and never looks at the sentence stands at 6.53, perplexity 683. "
        "mini stands at 4.26, perplexity 71. Sure and right would be 0."
    )
    drawing = opened(420, "Three candidates, one exam: the loss in nats", text)
    x = [100 + 108 * nats for nats in range(11)]
    drawing.line((x[0], 280), (x[-1], 280), width=4)
    for nats, place in enumerate(x):
        drawing.line((place, 270), (place, 290)).write(place, 316, str(nats), NORMAL, QUIET)
    drawing.write(x[0], 230, "sure and right", NORMAL, QUIET, "start").write(x[0], 356, "perplexity 1", NORMAL, QUIET, "start")
    for name, loss, perplexity in LADDER:
        at = x[0] + 108 * loss
        drawing.add("circle", cx=at, cy=280, r=14, fill=SECOND).line((at, 262), (at, 200), color=SECOND)
        drawing.write(at, 130, name, NORMAL, bold=True).write(at, 170, f"{loss:.2f}", LARGE, SECOND, bold=True)
        drawing.write(at, 356, perplexity, NORMAL, SECOND, bold=True)
    return str(drawing)


# --- views ------------------------------------------------------------------------------------------------------------

REACH = 12
SIGHTS: dict[str, tuple[int, ...]] = {
    "1 before": (-1,),
    "2 before": (-2, -1),
    "1 + 1": (-1, 1),
    "12 before": tuple(range(-REACH, 0)),
    "12 after": tuple(range(1, REACH + 1)),
    "11 + 1": (*range(1 - REACH, 0), 1),
    "6 + 6": (*range(-6, 0), *range(1, 7)),
    "touching, holes": tuple(range(1 - REACH, REACH, 2)),
    "not touching": (*range(-7, -1), *range(2, 8)),
    **{f"6 + 6 without {far}": tuple(at for at in range(-6, 7) if abs(at) not in (0, far)) for far in (1, 2)},
}


def sights(names: tuple[str, ...], title: str) -> str:
    """Rows of squares: which tokens around a gap may be seen in each view."""
    text = f"Rows of 25 squares: the gap in the middle, tokens that may be seen dark, hidden ones pale. {', '.join(names)}."
    drawing = opened(420 if len(names) < 4 else 640, title, text)
    high = 110 if len(names) < 4 else 500 / len(names)
    for row, name in enumerate(names):
        y = 124 + high * row
        drawing.write(24, y, name, 24, bold=True, anchor="start")
        for offset in range(-REACH, REACH + 1):
            x = 752 + 41 * offset
            seen = offset in SIGHTS[name]
            color = SECOND if not offset else INK if seen else GRID
            fill = ROSE if not offset else "#6b7684" if seen else "#ffffff"
            drawing.add("rect", x=x - 17, y=y - 19, width=34, height=38, rx=4, fill=fill, stroke=color, stroke_width=2)
            if not offset:
                drawing.write(x, y, "?", 24, SECOND, bold=True)
    drawing.write(752, (396 if len(names) < 4 else 616), "dark: may be seen", 20, QUIET)
    return str(drawing)


@own_style
def sight_chart(losses: dict) -> Figure:
    """The rows of `sights` with the mean loss and twice its error beside each. losses: {a name of SIGHTS: one for each gap}."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12.5, 0.56 * len(losses) + 0.9), sharey=True, layout="constrained")
    for row, (name, values) in enumerate(losses.items()):
        mean, error = float(values.mean()), float(values.std()) / len(values) ** 0.5
        for offset in range(-REACH, REACH + 1):
            color = SECOND if not offset else FIRST if offset in SIGHTS[name] else PALE
            left.add_patch(plt.Rectangle((offset - 0.42, row - 0.32), 0.84, 0.64, color=color))
        right.errorbar(mean, row, xerr=2 * error, fmt="o", color=FIRST, capsize=4, markersize=9, linewidth=2.5)
        right.annotate(f"{mean:.2f}", (mean, row), xytext=(0, 9), textcoords="offset points", ha="center", fontsize=17)
    left.set(xlim=(-13, 13), ylim=(len(losses) - 0.5, -0.7), xticks=[])
    left.set_yticks(range(len(losses)), list(losses), fontsize=20)
    finish(left).grid(False)
    left.spines[:].set_visible(False)
    finish(right, "loss, with twice its error (lower is better)").xaxis.label.set_fontsize(20)
    right.tick_params(labelsize=18)
    return figure


# --- a student and a pair ---------------------------------------------------------------------------------------------

TEACHER = ((0.7, 0.2, 0.1, 0.0), (0.1, 0.2, 0.6, 0.1), (0.5, 0.1, 0.1, 0.3), (0.1, 0.1, 0.7, 0.1))
STUDENT = ((0.5, 0.3, 0.1, 0.1), (0.2, 0.2, 0.4, 0.2), (0.3, 0.2, 0.2, 0.3), (0.2, 0.2, 0.4, 0.2))


def _looks(drawing: Drawing, x, y, table):
    """A small table of weights, darker = more."""
    for row, weights in enumerate(table):
        for column, weight in enumerate(weights):
            shade = "#{:02x}{:02x}{:02x}".format(*(round(255 * part) for part in AMOUNT(weight)[:3]))
            drawing.add("rect", x=x + 40 * column, y=y + 40 * row, width=40, height=40, fill=shade, stroke=GRID, stroke_width=1)


def distillation() -> str:
    """A student learns to look where its teacher looks."""
    text = (
        "Distillation. The same text goes into a large teacher, which stays as it is, and into a smaller student. The table of "
        "attention weights of the teacher's last layer is compared with the student's, and the student is changed so that its "
        "table becomes more like the teacher's. No labels are needed. The tables are made up."
    )
    drawing = opened(560, "Distillation: a student learns to look where its teacher looks", text)
    drawing.box(160, 290, 220, 70, "the same text", INK, NORMAL)
    for y, name, size, table in (
        (180, "the teacher", "BERT-base’s size; stays as it is", TEACHER),
        (410, "the student, MiniLM", "12 layers, half as wide; learns", STUDENT),
    ):
        drawing.arrow((272, 290), (392, y)).box(560, y, 330, 110, "").write(560, y - 18, name, NORMAL, bold=True)
        drawing.write(560, y + 20, size, 20, QUIET).arrow((727, y), (806, y))
        _looks(drawing, 812, y - 80, table)
    drawing.write(800, 295, "where the last layer looks", 20, QUIET, "end")
    drawing.line((980, 180), (1120, 180), (1120, 262)).line((980, 410), (1120, 410), (1120, 328))
    drawing.write(1120, 295, "how different?", NORMAL, SECOND, bold=True)
    drawing.line((1190, 328), (1190, 524), (560, 524), color=SECOND).arrow((560, 524), (560, 468), color=SECOND)
    drawing.write(880, 506, "change the student a little", 20, SECOND, bold=True)
    return str(drawing)


PAIRS = (
    ("B follows A in the text", "[CLS] i read the book . [SEP] so i knew the end . [SEP]", "yes"),
    ("B comes from elsewhere", "[CLS] i read the book . [SEP] cats like warm milk . [SEP]", "no"),
)


def pair() -> str:
    """Next-sentence prediction: two pairs, the token types, and the answer that [CLS] is asked for."""
    text = (
        "Two inputs. CLS i read the book SEP so i knew the end SEP: B follows A, the answer is yes. CLS i read the book SEP "
        "cats like warm milk SEP: B comes from elsewhere, the answer is no. Up to the first SEP the token type is 0, then 1. "
        "The answer is read from CLS."
    )
    drawing = opened(520, "The second task: does B really follow A?", text)
    for row, (name, line, answer) in enumerate(PAIRS):
        y, kind = 170 + 200 * row, 0
        drawing.write(40, y - 62, f"{name}: {answer}", NORMAL, SECOND, "start", bold=True)
        x = 40.0
        for token in line.split():
            wide, first = 30 + 14.5 * len(token), token == "[CLS]"
            ground = ROSE if first else TINTS[INK]
            drawing.box(x + wide / 2, y, wide, 56, token, SECOND if first else INK, 24, fill=ground)
            drawing.write(x + wide / 2, y + 50, str(kind), NORMAL, QUIET)
            kind, x = kind or int(token == "[SEP]"), x + wide + 6
    drawing.write(
        40, 486, "Below each token: its token type, 0 for A and 1 for B. The answer is read from [CLS].", 20, QUIET, "start"
    )
    return str(drawing)


# --- for the things to drag -------------------------------------------------------------------------------------------

LINE = "i went in with no hopes at all , and by the end i wanted to see the whole film again .".split()
PIECES = ("apple", "quiet", "##ing", "seven", "wrote", "##est", "blue", "under")

DRAWINGS: dict[str, Callable[[], str]] = {
    "06_gap.svg": gap,
    "06_masking.svg": masking,
    **{f"06_masking_{step}.svg": partial(masking, step) for step in (1, 2, 3)},
    "06_ladder.svg": ladder,
    "06_sights.svg": partial(sights, ("2 before", "1 + 1", "12 before"), "Which tokens may be seen?"),
    "06_twelve.svg": partial(
        sights,
        ("12 before", "12 after", "11 + 1", "6 + 6", "touching, holes", "not touching"),
        "Twelve tokens each: which helps most?",
    ),
    "06_distillation.svg": distillation,
    "06_pair.svg": pair,
}
ANIMATIONS: dict[str, tuple] = {}
