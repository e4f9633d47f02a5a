"""Drawings of measuring heads: four questions to a claim, a noun at four distances, weight and contribution, two cuts."""

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


# --- a noun at four distances -----------------------------------------------------------------------------------------

PHRASES = ("the boat", "the old boat", "the old green boat", "the big old green boat")


def offsets() -> str:
    """The noun of a determiner stands one to four tokens after it."""
    text = (
        "Four phrases: the boat, the old boat, the old green boat, the big old green boat. An arrow goes from the to boat, "
        "one, two, three and four tokens further on. Always looking one token ahead finds boat in one of the four."
    )
    drawing = opened(560, "Where is the noun? One to four tokens further on, equally often", text)
    for row, phrase in enumerate(PHRASES):
        words, y = phrase.split(), 150 + 96 * row
        last = len(words) - 1
        for at, word in enumerate(words):
            color = QUERY if not at else KEY if at == last else INK
            drawing.box(160 + 170 * at, y, 140, 52, word, color, NORMAL)
        drawing.line((160, y - 26), (160, y - 46), (160 + 170 * last, y - 46), color=INK)
        drawing.arrow((160 + 170 * last, y - 46), (160 + 170 * last, y - 27), color=INK)
        drawing.write(1010, y, f"+{last}", LARGE, INK, bold=True)
    drawing.write(1010, 84, "distance", 20, QUIET)
    return str(
        drawing.write(
            40, 520, "A head that always looks one ahead, and knows no grammar, is right in 1 of 4.", NORMAL, INK, "start"
        )
    )


# --- weight and contribution ------------------------------------------------------------------------------------------


class Contributed:
    """Made-up numbers: three tokens, the weights of one row, and how long each value is after W_O."""

    tokens = ("[CLS]", "good", "film")
    weights = (0.8, 0.1, 0.1)
    lengths = (0.5, 4.0, 4.0)


def contribution() -> str:
    """A large weight on a short value adds as much as a small one on a long value."""
    text = (
        "Made-up numbers. CLS has the weight 0.8 and a value that is 0.5 long after W O: it adds a vector 0.4 long. good and "
        "film have weights of 0.1 and values 4 long: each adds a vector 0.4 long. So CLS has four fifths of the weight and a "
        "third of the lengths."
    )
    drawing = opened(470, "A weight is not a contribution (made-up numbers)", text)
    for x, name, color in ((360, "weight", QUERY), (690, "length of value · W_O", VALUE), (1070, "contribution", SECOND)):
        drawing.write(x, 104, name, NORMAL, color, bold=True)
    for row, (token, weight, length) in enumerate(
        zip(Contributed.tokens, Contributed.weights, Contributed.lengths, strict=True)
    ):
        y = 170 + 90 * row
        drawing.box(130, y, 150, 56, token, KEY, NORMAL)
        drawing.add("rect", x=250, y=y - 18, width=200 * weight, height=36, fill=QUERY)
        drawing.write(260 + 200 * weight, y, f"{weight:g}", NORMAL, INK, "start").write(520, y, "×", LARGE, bold=True)
        drawing.arrow((570, y), (586 + 50 * length, y), color=VALUE, width=6)
        drawing.write(600 + 50 * length, y, f"{length:g}", NORMAL, INK, "start").write(900, y, "=", LARGE, bold=True)
        drawing.add("rect", x=970, y=y - 18, width=300 * weight * length, height=36, fill=SECOND)
        drawing.write(984 + 300 * weight * length, y, f"{weight * length:g}", NORMAL, INK, "start")
    drawing.write(
        40, 428, "[CLS] has 80 % of the weight and a third of what is added up, length by length.", NORMAL, INK, "start"
    )
    return str(drawing)


# --- two ways to cut --------------------------------------------------------------------------------------------------


def _row(drawing: Drawing, y, name, weights, kept):
    """One row of the drawing `cuts`: weights as bars, and which values are still added."""
    drawing.write(40, y, name, NORMAL, INK, "start", bold=True)
    for at, (token, weight) in enumerate(zip(Contributed.tokens, weights, strict=True)):
        x = 480 + 270 * at
        drawing.box(x, y, 110, 52, token, KEY, NORMAL)
        drawing.add("rect", x=x + 64, y=y - 26, width=34, height=52, fill="#ffffff", stroke=GRID, stroke_width=2)
        drawing.add("rect", x=x + 64, y=y + 26 - 52 * weight, width=34, height=52 * weight, fill=QUERY)
        drawing.write(x + 108, y - 2, f"{weight:g}", NORMAL, QUERY, "start", bold=True)
        said = "not looked at" if not weight else "value stays" if kept[at] else "value = 0"
        drawing.write(x, y + 48, said, 20, VALUE if said == "value stays" else SECOND, bold=True)


def cuts() -> str:
    """Set the value of [CLS] to 0, or forbid looking at it: in one the other weights stay, in the other they grow."""
    text = (
        "One row of attention, made up: CLS 0.8, good 0.1, film 0.1. First cut: the value of CLS becomes 0, and the weights "
        "stay 0.8, 0.1, 0.1. Second cut: no token may look at CLS, so the weights become 0, 0.5 and 0.5: good and film now "
        "count five times as much."
    )
    drawing = opened(560, "Two ways to take [CLS] away (made-up numbers)", text)
    _row(drawing, 140, "as it is", (0.8, 0.1, 0.1), (1, 1, 1))
    _row(drawing, 280, "value to 0", (0.8, 0.1, 0.1), (0, 1, 1))
    _row(drawing, 420, "no looking", (0.0, 0.5, 0.5), (1, 1, 1))
    return str(drawing.write(40, 520, "No looking: the others count five times as much.", NORMAL, INK, "start"))


DRAWINGS: dict[str, Callable[[], str]] = {
    "08_claim.svg": claim,
    "08_offsets.svg": offsets,
    "08_contribution.svg": contribution,
    "08_cuts.svg": cuts,
}
ANIMATIONS: dict[str, tuple] = {}
