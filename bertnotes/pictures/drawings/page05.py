"""Drawings of the whole model and of one layer, with the shape on every arrow; of three tables that are added; of pieces that
grow together. And the sentences in which a word has two meanings."""

from collections.abc import Callable
from functools import partial

from bertnotes.pictures.drawings import LARGE, NORMAL, QUIET, number, opened
from bertnotes.pictures.style import INK, KEY, QUERY, VALUE

SENSES = {  # frames in which the word has the same position and neighbours in both meanings
    "cast": [
        "The [director/doctor] was pleased with the cast.",
        "After the [premiere/accident] we all looked at the cast.",
        "In the [theatre/hospital] she waited for the cast.",
        "The [actress/nurse] took one more look at the cast.",
        "For this [film/leg] they needed a better cast.",
        "The [comedy/injury] was bad, and so was the cast.",
        "The [audition/operation] was over, but the cast was not ready.",
        "It was the [script/bone] that needed a good cast.",
    ],
    "score": [
        "The [composer/coach] was proud of the score.",
        "After the [concert/match] everyone talked about the score.",
        "The [orchestra/team] did not deserve that score.",
        "In this [opera/game] the score is what I remember.",
        "The [pianist/player] wrote down the score.",
        "With such a [melody/goal] no wonder we love the score.",
        "The [music/football] was dull, and so was the score.",
        "It was the [singer/boxer] who asked about the score.",
    ],
    "star": [
        "Next to the [actor/moon] we saw the star.",
        "In that [musical/galaxy] there was only one star.",
        "Every [fan/ship] was following the star.",
        "The [studio/planet] has lost its star.",
        "The [interview/night] began, and we looked for the star.",
        "Across the [stage/sky] we watched the star.",
        "In all of [hollywood/space] there is no brighter star.",
        "A [movie/universe] like this needs no star.",
    ],
}
TOKENS = ("[CLS]", "the", "cast", "saved", "a", "thin", "plot", ".", "[SEP]")
IDS = (2, 107, 1514, 3232, 43, 2708, 3147, 18, 3)
SHAPE, FAINT = 22, 0.16  # letters of a shape; how much is seen of what is not lit
PARTS = ("pieces", "embeddings", "layers", "ends")
ROWS = [150 + 50 * row for row in range(9)]  # heights of the tokens
MIDDLE = 350


def model(lit: str | None = None) -> str:
    """The whole model from left to right. lit: the one of PARTS that is not faint."""
    text = (
        "From left to right: the text The cast saved a thin plot.; its 9 pieces, [CLS] the cast saved a thin plot . [SEP]; "
        "their ids; embeddings, which make 9 vectors of 384; layers 1 to 6, each of which takes and gives 9 vectors of 384; at "
        "the end the vector of [CLS] goes to the pooler. A bracket joins the rows of the words: the vector of any of them that "
        "is a [MASK] goes to the head, which gives 10,000 scores."
    )
    drawing = opened(620, "mini, from the text to the last layer", text)
    for name, draw in zip(PARTS, (_pieces, _embedded, _layers, _ends), strict=True):
        with drawing.faded(1 if lit in (None, name) else FAINT):
            draw(drawing)
    return str(drawing)


def _pieces(drawing):
    """The text, its pieces and their ids."""
    for y, word in zip((250, 290, 330, 370, 410), ("The", "cast", "saved", "a thin", "plot."), strict=True):
        drawing.write(40, y, word, NORMAL, anchor="start")
    drawing.arrow((112, MIDDLE), (150, MIDDLE))
    for y, token, row in zip(ROWS, TOKENS, IDS, strict=True):
        drawing.box(205, y, 100, 40, token, size=SHAPE).arrow((257, y), (283, y), width=2)
        drawing.write(318, y, f"{row:,}", NORMAL)
    drawing.write(205, 102, "9 pieces", SHAPE, QUIET).write(318, 102, "9 ids", SHAPE, QUIET)


def _embedded(drawing):
    """Ids become vectors."""
    drawing.arrow((360, MIDDLE), (392, MIDDLE)).box(466, MIDDLE, 146, 150)
    for y, line in ((MIDDLE - 34, "embed-"), (MIDDLE - 4, "dings"), (MIDDLE + 36, "sum, norm")):
        drawing.write(466, y, line, NORMAL if y < MIDDLE + 20 else 20, bold=y < MIDDLE + 20)
    drawing.arrow((541, MIDDLE), (575, MIDDLE))
    _vectors(drawing, 580)
    drawing.write(617, 102, "9 × 384", SHAPE, QUIET)


def _vectors(drawing, x, color=INK, width=74):
    """A row for each token: its vector."""
    for y in ROWS:
        drawing.add("rect", x=x, y=y - 15, width=width, height=30, fill="#e4e8ec", stroke=color, stroke_width=1.5, rx=3)
        for part in range(1, 6):
            drawing.line((x + part * width / 6, y - 15), (x + part * width / 6, y + 15), color=color, width=0.6)


def _layers(drawing):
    """Six layers, each of which keeps the shape."""
    drawing.arrow((660, MIDDLE), (694, MIDDLE))
    for layer in range(6):
        x = 718 + 42 * layer
        drawing.box(x, MIDDLE, 36, 420).write(x, MIDDLE, str(layer + 1), NORMAL, bold=True)
    drawing.write(823, 102, "6 layers", NORMAL, bold=True)
    drawing.write(823, 588, "9 × 384 → 9 × 384", SHAPE, QUIET).arrow((950, MIDDLE), (984, MIDDLE))
    _vectors(drawing, 990)
    drawing.write(1027, 102, "9 × 384", SHAPE, QUIET)


def _ends(drawing):
    """What stands on the last layer."""
    drawing.arrow((1068, ROWS[0]), (1104, ROWS[0])).box(1172, ROWS[0], 134, 56, "pooler")
    drawing.write(1172, ROWS[0] + 48, "384 → 384", SHAPE, QUIET)
    top, middle, bottom = ROWS[1], ROWS[4], ROWS[7]  # any word can be a [MASK], but not the marks at the two ends
    drawing.line((1070, top), (1082, top), (1082, bottom), (1070, bottom)).arrow((1082, middle), (1106, middle))
    drawing.box(1172, middle, 130, 56, "head")
    for line, words in enumerate(("any that is", "a [MASK]:", "384 →", "10,000 scores")):
        drawing.write(1176, middle + 50 + 30 * line, words, SHAPE, QUIET)


LAYER_STEPS = ("attention, add, LayerNorm", "feed-forward, add, LayerNorm")
UPPER, LOWER = 235, 505  # heights of the two halves of a layer


def layer(step: int | None = None) -> str:
    """One layer, its two halves one below the other, with the shape on every arrow. step: of LAYER_STEPS, from 1."""
    text = (
        "First half: x, 9 by 384, goes into attention with 12 heads, whose weights are 12 by 9 by 9; what it found, 9 by 384, "
        "is added to x; LayerNorm gives what was seen. Second half: expand to 9 by 1,536; GELU; contract to 9 by 384; added to "
        "what was seen; LayerNorm; out, 9 by 384."
    )
    name = "One layer" if step is None else f"Step {step} of {len(LAYER_STEPS)}: {LAYER_STEPS[step - 1]}"
    drawing = opened(640, name, text)
    for at, draw in enumerate((_looks, _thinks), start=1):
        with drawing.faded(1 if step in (None, at) else 0.45 if step > at else FAINT):
            draw(drawing)
    return str(drawing)


def _step(drawing, start, end, y, shape="9 × 384"):
    """An arrow with a shape under it."""
    return drawing.arrow((start, y), (end, y)).write((start + end) / 2 - 4, y + 28, shape, SHAPE, QUIET)


def _plus(drawing, x, y):
    """A circle with a plus."""
    drawing.add("circle", cx=x, cy=y, r=24, fill="#ffffff", stroke=VALUE, stroke_width=3)
    return drawing.write(x, y, "+", 32, VALUE, bold=True)


def _looks(drawing):
    """Attention, what goes into it, the first addition and LayerNorm."""
    drawing.write(52, UPPER, "x", 32, bold=True)
    _step(drawing, 76, 250, UPPER).box(370, UPPER, 236, 110, fill="#e3eef8", color=QUERY)
    drawing.write(370, UPPER - 18, "attention", LARGE, bold=True).write(370, UPPER + 22, "12 heads", NORMAL)
    drawing.write(370, UPPER + 82, "weights 12 × 9 × 9", SHAPE, QUIET)
    drawing.arrow((110, UPPER), (110, UPPER - 105), (660, UPPER - 105), (660, UPPER - 27), color=VALUE, width=4)
    drawing.write(385, UPPER - 130, "x itself", NORMAL, VALUE, bold=True)
    _step(_plus(_step(drawing, 490, 634, UPPER), 660, UPPER), 686, 830, UPPER)
    drawing.box(930, UPPER, 196, 90, "LayerNorm", size=LARGE)
    drawing.arrow((1030, UPPER), (1104, UPPER)).write(1166, UPPER, "seen", LARGE, bold=True)


def _thinks(drawing):
    """The network, the second addition and LayerNorm."""
    drawing.write(60, LOWER, "seen", LARGE, bold=True)
    _step(drawing, 100, 196, LOWER).box(250, LOWER, 104, 90, "expand", size=24, color=KEY)
    _step(drawing, 305, 429, LOWER, "9 × 1,536").box(474, LOWER, 84, 90, "GELU", size=24, color=KEY)
    _step(drawing, 519, 637, LOWER, "9 × 1,536").box(698, LOWER, 116, 90, "contract", size=24, color=KEY)
    drawing.write(478, LOWER + 76, "each token by itself", NORMAL, KEY, bold=True)
    drawing.arrow((124, LOWER), (124, LOWER - 96), (898, LOWER - 96), (898, LOWER - 27), color=VALUE, width=4)
    drawing.write(500, LOWER - 122, "what was seen, itself", NORMAL, VALUE, bold=True)
    _step(_plus(_step(drawing, 757, 872, LOWER), 898, LOWER), 924, 1010, LOWER)
    drawing.box(1092, LOWER, 158, 90, "LayerNorm", size=24).arrow((1173, LOWER), (1204, LOWER))
    drawing.write(1238, LOWER, "out", LARGE, bold=True)


TABLES = (("word", 10_000, 1514, 190), ("position", 512, 2, 330), ("token type", 2, 0, 470))


def embeddings() -> str:
    """Three tables, a row of each for the token cast, and their sum."""
    text = (
        "The token cast has the id 1,514, stands at position 2 and belongs to text 0. Row 1,514 of the word embeddings, 10,000 "
        "by 384, row 2 of the positions, 512 by 384, and row 0 of the token types, 2 by 384, are added; LayerNorm makes 384 "
        "numbers of the sum."
    )
    drawing = opened(580, "“cast” becomes a vector", text)
    for name, rows, row, y in TABLES:
        drawing.write(40, y - 16, name, NORMAL, anchor="start", bold=True)
        drawing.write(40, y + 16, f"row {row:,} of {rows:,}", SHAPE, QUIET, "start")
        drawing.add("rect", x=300, y=y - 46, width=250, height=104, fill="#f3f4f6", stroke=INK, stroke_width=2, rx=4)
        high, top = max(14, 104 / rows), y - 46 + 104 * row / rows  # where in the table the row lies
        drawing.add("rect", x=300, y=top, width=250, height=high, fill="#84ccb6", stroke=VALUE, stroke_width=2)
        drawing.write(425, y + 34, f"{rows:,} × 384", SHAPE, QUIET)
        at = top + high / 2
        drawing.arrow((554, at), (650, at), (650, at), (694, 330 + (y - 330) * 0.12), color=VALUE, width=4)
    drawing.add("circle", cx=724, cy=330, r=26, fill="#ffffff", stroke=VALUE, stroke_width=3).write(
        724, 330, "+", 32, VALUE, bold=True
    )
    drawing.arrow((752, 330), (830, 330)).box(910, 330, 150, 90, "LayerNorm").arrow((988, 330), (1050, 330))
    drawing.add("rect", x=1056, y=318, width=184, height=24, fill="#e4e8ec", stroke=INK, stroke_width=2)
    drawing.write(1148, 290, "x of “cast”", NORMAL, bold=True).write(1148, 372, "384 numbers", SHAPE, QUIET)
    return str(drawing)


NUMBERS = (9, 3, 3, 1)  # what is normed


def layer_norm() -> str:
    """LayerNorm of four numbers in two steps: take off the mean, divide by the standard deviation."""
    mean = sum(NUMBERS) / len(NUMBERS)
    distances = [value - mean for value in NUMBERS]
    spread = (sum(value**2 for value in distances) / len(NUMBERS)) ** 0.5
    text = (
        f"The numbers 9, 3, 3, 1. Their mean is {mean:g}; taken off, 5, −1, −1, −3 are left. Divided by "
        f"the standard deviation, {spread:g}, they are 1.67, −0.33, −0.33, −1."
    )
    drawing = opened(500, "LayerNorm of (9, 3, 3, 1)", text)
    panels = (NUMBERS, distances, [value / spread for value in distances])
    for at, (values, digits, name) in enumerate(
        zip(panels, (0, 0, 2), ("the numbers", "minus the mean, 4", "divided by 3"), strict=True)
    ):
        left, floor = 90 + 420 * at, 340
        drawing.write(left + 138, 104, name, 26, QUIET).line((left - 30, floor), (left + 306, floor), width=2)
        for place, value in enumerate(values):
            x, high = left + 92 * place, 20 * value
            drawing.add(
                "rect",
                x=x - 22,
                y=floor - max(high, 0),
                width=44,
                height=abs(high),
                fill="#84ccb6",
                stroke=VALUE,
                stroke_width=2,
            )
            drawing.write(x, floor - high + (-20 if value > 0 else 22), number(value, digits), 24, bold=True)
        if at < 2:
            drawing.arrow((left + 318, 230), (left + 372, 230), width=4)
    return str(drawing)


SHARES = {  # parts of the parameters in percent; the page counts them
    "mini, 14.8 million": {"words": 26, "attention": 24, "feed-forward": 48, "the rest": 2},
    "BERT-base, 109.5 million": {"words": 21, "attention": 26, "feed-forward": 52, "the rest": 1},
}


def shares() -> str:
    """Where the parameters of two models are: a strip for each, cut into parts."""
    told = "; ".join(
        f"{name}: " + ", ".join(f"{part} {share} %" for part, share in parts.items()) for name, parts in SHARES.items()
    )
    drawing = opened(440, "Where the parameters are", told + ".")
    fills = {"words": "#e4e8ec", "attention": "#e3eef8", "feed-forward": "#fbeadf", "the rest": "#ffffff"}
    for row, (name, parts) in enumerate(SHARES.items()):
        x, y = 40.0, 170 + 170 * row
        drawing.write(x, y - 62, name, LARGE, anchor="start")
        for part, share in parts.items():
            wide = 12 * share
            drawing.add("rect", x=x, y=y - 36, width=wide, height=80, fill=fills[part], stroke=INK, stroke_width=2)
            if share > 5:
                drawing.write(x + wide / 2, y - 10, part, 26, bold=part == "feed-forward").write(
                    x + wide / 2, y + 22, f"{share} %", 24
                )
            x += wide
    return str(drawing)


MERGES = (  # how many pieces the list has, and the word in them
    ("100 at first", "u ##n ##f ##o ##r ##g ##e ##t ##t ##a ##b ##l ##e"),
    ("150 pieces", "u ##n ##f ##or ##g ##et ##t ##a ##b ##le"),
    ("600 pieces", "un ##f ##or ##ge ##t ##t ##able"),
    ("3,000 pieces", "unf ##or ##get ##t ##able"),
    ("mini’s own 10,000", "un ##for ##get ##table"),
)
GROWING = [
    *"abefglnortu",
    *("##" + letter for letter in "abefglnortu"),
    "##or",
    "##le",
    "##ge",
    "un",
    "##able",
    "##for",
    "##get",
]


def merges() -> str:
    """How the pieces of a word grow: a row for each length of the list."""
    text = "The word unforgettable in pieces: " + "; ".join(f"{name}: {pieces}" for name, pieces in MERGES) + "."
    drawing = opened(120 + 92 * len(MERGES), "“unforgettable”, as the list of pieces grows; below, another list", text)
    drawing.line((40, 132 + 92 * 3.5), (1240, 132 + 92 * 3.5), color=QUIET, dash="8 8")
    for row, (name, pieces) in enumerate(MERGES):
        y, x = 130 + 92 * row, 262
        drawing.write(40, y, name, NORMAL, QUIET, "start")
        for piece in pieces.split():
            wide = 66 + 14 * max(0, len(piece) - 3)
            new = len(piece.removeprefix("##")) > 1
            drawing.box(x + wide / 2, y, wide, 54, piece, VALUE if new else INK)
            x += wide + 10
    return str(drawing)


DRAWINGS: dict[str, Callable[[], str]] = {
    "05_model.svg": model,
    **{f"05_model_{part}.svg": partial(model, part) for part in PARTS},
    "05_layer.svg": layer,
    **{f"05_layer_{step}.svg": partial(layer, step) for step in range(1, len(LAYER_STEPS) + 1)},
    "05_embeddings.svg": embeddings,
    "05_layer_norm.svg": layer_norm,
    "05_merges.svg": merges,
    "05_shares.svg": shares,
}
ANIMATIONS: dict[str, tuple] = {}
