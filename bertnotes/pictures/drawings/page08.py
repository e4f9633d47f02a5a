"""Drawings of measuring heads: four questions to a claim, a noun at four distances, weight and contribution, three cuts."""

from collections.abc import Callable

from bertnotes.pictures.charts import FIRST, SECOND
from bertnotes.pictures.drawings import LARGE, NORMAL, QUIET, Drawing, opened
from bertnotes.pictures.style import GRID, INK, KEY, QUERY, VALUE

# --- four questions ---------------------------------------------------------------------------------------------------

QUESTIONS = (
    ("How much?", "over many sentences"),
    ("More than what?", "beside controls"),
    ("Does it add much?", "weight times value"),
    ("Is it missed?", "cut it, and see"),
)


def claim() -> str:
    """A claim about a head, and the four questions that this page asks of it."""
    text = (
        "A claim: this head looks at the token before. Four questions follow. One: how much, over many sentences; dots around "
        "a mean. Two: more than what; a long bar beside two short ones, the controls. Three: does it add much; a thick line "
        "and a short arrow, weight times value. Four: is it missed; the loss with the head and without it."
    )
    drawing = opened(520, "A claim about a head, and four questions", text)
    drawing.box(640, 120, 660, 64, "“This head looks at the token before.”", INK, LARGE)
    for at, (question, how) in enumerate(QUESTIONS):
        x = 170 + 313 * at
        drawing.arrow((640, 154), (x, 206)).box(x, 350, 290, 280, "", INK)
        drawing.write(x, 246, f"{at + 1}  {question}", NORMAL, bold=True).write(x, 466, how, 20, QUIET)
    for at, y in enumerate((-20, 34, -46, 8, 22, -8, -30, 44, 14)):
        drawing.add("circle", cx=72 + 19 * at, cy=350 + y, r=7, fill=FIRST)
    drawing.line((60, 352), (236, 352), color=SECOND, width=5).write(242, 352, "mean", 20, SECOND, "start", bold=True)
    for at, (name, long) in enumerate((("trained", 150), ("fresh", 22), ("shuffled", 30))):
        y = 300 + 50 * at
        drawing.write(448, y, name, 20, INK, "end").add(
            "rect", x=460, y=y - 14, width=long, height=28, fill=SECOND if not at else FIRST
        )
    drawing.line((680, 350), (770, 350), color=QUERY, width=22).write(725, 310, "weight", 20, QUERY)
    drawing.write(797, 350, "×", LARGE, bold=True).arrow((822, 350), (874, 350), color=VALUE, width=5)
    drawing.write(848, 310, "value", 20, VALUE)
    drawing.write(1078, 284, "loss", 20, QUIET, "start")
    for at, (name, long) in enumerate((("with it", 110), ("without", 150))):
        y = 320 + 60 * at
        drawing.write(1066, y, name, 20, INK, "end").add(
            "rect", x=1078, y=y - 16, width=long, height=32, fill=SECOND if at else FIRST
        )
    return str(drawing)


# --- a sentence of the test -------------------------------------------------------------------------------------------

SENTENCE = "the dark child found the quiet lovely house and was really sold by the quiet big river .".split()


def offsets() -> str:
    """One sentence of the test: which word asks, which is the answer, and what changes from sentence to sentence."""
    text = (
        "One sentence of the test, word by word: the dark child found the quiet lovely house and was really sold by the quiet "
        "big river. The second the, at position 5, asks; house, at position 8, is the answer, three tokens on. Before the "
        "first noun stand up to three adjectives, so the asking word stands at position 4 to 7. Before the answer stand zero "
        "to three as well, so the answer is one to four tokens away. Adverbs and adjectives at the end fill the sentence up."
    )
    drawing = opened(430, "One sentence of the test: the asking word, and its noun", text)
    for at, word in enumerate(SENTENCE[:9]):
        x, color = 92 + 136 * at, QUERY if at == 4 else KEY if at == 7 else INK
        drawing.box(x, 200, 124, 56, word, color, NORMAL).write(x, 250, f"{at + 1}", 20, QUIET)
    drawing.line((636, 170), (636, 130), (1044, 130), color=INK).arrow((1044, 130), (1044, 171), color=INK)
    drawing.write(840, 108, "3 tokens further on", NORMAL, INK, bold=True)
    for left, right, said in ((172, 284, "0 to 3 adjectives"), (716, 964, "0 to 3 adjectives")):
        drawing.line((left, 280), (left, 292), (right, 292), (right, 280), color=SECOND)
        drawing.write((left + right) / 2, 316, said, 20, SECOND, bold=True)
    drawing.write(228, 346, "so “the” stands at 4 to 7", 20, INK).write(840, 346, "so the noun is 1 to 4 tokens away", 20, INK)
    rest = " ".join(SENTENCE[9:])
    return str(drawing.write(40, 396, f"… {rest}   The end fills up, so that all are of one length.", 20, QUIET, "start"))


# --- weight and contribution ------------------------------------------------------------------------------------------


class Contributed:
    """Made-up numbers: three tokens, the weights of one row, and how long each value is after W_O."""

    tokens = ("[CLS]", "good", "film")
    weights = (0.8, 0.1, 0.1)
    lengths = (0.5, 4.0, 2.0)


def contribution() -> str:
    """A large weight on a short value adds as much as a small one on a long value; lengths and contributions to one scale."""
    text = (
        "Made-up numbers. CLS has the weight 0.8 and a value that is 0.5 long after W O: it adds a vector 0.4 long. good has "
        "the weight 0.1 and a value 4 long: it adds 0.4, too. film has the weight 0.1 and a value 2 long: it adds 0.2. Lengths "
        "and contributions are drawn to one scale."
    )
    drawing = opened(420, "A weight is not a contribution (made-up numbers, drawn to scale)", text)
    for x, name, color in ((310, "weight", QUERY), (640, "length of value · W_O", VALUE), (1110, "contribution", SECOND)):
        drawing.write(x, 104, name, NORMAL, color, bold=True)
    unit = 90  # of lengths and contributions alike
    for row, (token, weight, length) in enumerate(
        zip(Contributed.tokens, Contributed.weights, Contributed.lengths, strict=True)
    ):
        y = 170 + 90 * row
        drawing.box(120, y, 150, 56, token, KEY, NORMAL)
        drawing.add("rect", x=240, y=y - 18, width=150 * weight, height=36, fill=QUERY)
        drawing.write(250 + 150 * weight, y, f"{weight:g}", NORMAL, INK, "start").write(460, y, "×", LARGE, bold=True)
        drawing.arrow((510, y), (510 + unit * length, y), color=VALUE, width=6)
        drawing.write(524 + unit * length, y, f"{length:g}", NORMAL, INK, "start").write(980, y, "=", LARGE, bold=True)
        drawing.arrow((1060, y), (1060 + unit * weight * length, y), color=SECOND, width=4)
        drawing.write(1074 + unit * weight * length, y, f"{weight * length:g}", NORMAL, INK, "start")
    return str(drawing)


# --- three ways to cut --------------------------------------------------------------------------------------------------


def _row(drawing: Drawing, y, name, weights, values):
    """One row of the drawing `cuts`: weights as bars, and what is added of each token."""
    drawing.write(40, y, name, NORMAL, INK, "start", bold=True)
    for at, (token, weight) in enumerate(zip(Contributed.tokens, weights, strict=True)):
        x = 480 + 270 * at
        drawing.box(x, y, 110, 52, token, KEY, NORMAL)
        drawing.add("rect", x=x + 64, y=y - 26, width=34, height=52, fill="#ffffff", stroke=GRID, stroke_width=2)
        drawing.add("rect", x=x + 64, y=y + 26 - 52 * weight, width=34, height=52 * weight, fill=QUERY)
        drawing.write(x + 108, y - 2, f"{weight:g}", NORMAL, QUERY, "start", bold=True)
        drawing.write(x, y + 48, values[at], 20, VALUE if values[at] == "value stays" else SECOND, bold=True)


def cuts() -> str:
    """Set the value of [CLS] to 0, put its mean there, or forbid looking at it: only then the other weights grow."""
    text = (
        "One row of attention, made up: CLS 0.8, good 0.1, film 0.1. First cut: the value of CLS becomes 0, and the weights "
        "stay 0.8, 0.1, 0.1. Second cut: the value of CLS becomes its mean over all sentences, and the weights stay. Third "
        "cut: no token may look at CLS, so the weights become 0, 0.5 and 0.5."
    )
    drawing = opened(580, "Three ways to take [CLS] away (made-up numbers)", text)
    stays = "value stays"
    _row(drawing, 130, "as it is", (0.8, 0.1, 0.1), (stays, stays, stays))
    _row(drawing, 250, "value to 0", (0.8, 0.1, 0.1), ("value = 0", stays, stays))
    _row(drawing, 370, "the mean", (0.8, 0.1, 0.1), ("value = its mean", stays, stays))
    _row(drawing, 490, "no looking", (0.0, 0.5, 0.5), ("not looked at", stays, stays))
    return str(drawing)


DRAWINGS: dict[str, Callable[[], str]] = {
    "08_claim.svg": claim,
    "08_offsets.svg": offsets,
    "08_contribution.svg": contribution,
    "08_cuts.svg": cuts,
}
ANIMATIONS: dict[str, tuple] = {}
