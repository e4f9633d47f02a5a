"""Drawings of looking at attention: one row to all heads, kinds of pictures, pieces of words, limits."""

from collections.abc import Callable
from functools import partial

from bertnotes.pictures.drawings import NORMAL, QUIET, SMALL, Drawing, number, opened
from bertnotes.pictures.style import GRID, INK, KEY, QUERY, VALUE

SHADES = ("#ffffff", "#e3eef8", "#c6dbef", "#9ecae1", "#6baed6")  # light enough for dark letters
DARK = "#2171b5"


def shade(weight: float, darkest: str = SHADES[-1]) -> str:
    """The colour of a weight, in five steps."""
    return darkest if weight >= 0.8 else SHADES[min(3, int(weight * 5 + 0.5))]


def table(drawing: Drawing, x, y, weights, cell=60, names=(), numbers=False, darkest=SHADES[-1]) -> Drawing:
    """A heatmap whose left upper corner is (x, y). names: beside its rows and over its columns; numbers: in its cells."""
    for row, values in enumerate(weights):
        for column, weight in enumerate(values):
            place = x + column * cell, y + row * cell
            box = {"x": place[0], "y": place[1], "width": cell, "height": cell}
            drawing.add("rect", **box, fill=shade(weight, darkest), stroke=GRID, stroke_width=1)
            if numbers and weight:
                drawing.write(place[0] + cell / 2, place[1] + cell / 2, number(weight, 2).rstrip("0").rstrip("."), 20)
    for at, name in enumerate(names):
        drawing.write(x - 10, y + (at + 0.5) * cell, name, SMALL, anchor="end")
        if at < len(weights[0]) and cell >= 50:
            lift = 26 if at % 2 and max(map(len, names)) > 6 else 0  # or long names touch
            drawing.write(x + (at + 0.5) * cell, y - 18 - lift, name, SMALL)
    return drawing


# --- one row, one head, all heads -------------------------------------------------------------------------------------


class Zoom:
    """The sentence of the page, and the token whose row is framed."""

    tokens = ("[CLS]", "my", "sister", "cried", "at", "the", "end", "because", "she", "loved", "the", "dog", ".", "[SEP]")
    looks = 9  # loved


def zoom() -> str:
    """A row, the head that it is part of, and the head among all 72; what is in them is not told yet."""
    text = (
        "One row: the tokens of the sentence, where does loved look? One head: an empty table of 14 rows, "
        "in which the row of loved is framed. All heads: 6 layers of 12 empty frames."
    )
    drawing = opened(560, "One row, one head, all heads", text)
    for at, token in enumerate(Zoom.tokens):
        y = 92 + 30 * at
        drawing.write(130, y, token, SMALL, INK, "end", bold=at == Zoom.looks)
        drawing.add("rect", x=140, y=y - 10, width=2, height=20, fill=GRID)
    drawing.write(220, 290, "?", 90, QUERY, bold=True).write(200, 528, "where does loved look?", NORMAL, QUERY, bold=True)
    drawing.arrow((356, 290), (408, 290), color=QUIET, width=4)
    table(drawing, 424, 80, [[0.0] * 14] * 14, 29)
    drawing.add("rect", x=421, y=80 + 29 * 9 - 3, width=14 * 29 + 6, height=35, fill="none", stroke=INK, stroke_width=5)
    drawing.write(627, 220, "?", 90, QUERY, bold=True).write(627, 528, "one head", NORMAL, QUERY, bold=True)
    drawing.arrow((842, 290), (872, 290), color=QUIET, width=4)
    for layer in range(6):
        for head in range(12):
            x, y = 884 + 31 * head, 130 + 52 * layer
            drawing.add("rect", x=x, y=y, width=28, height=46, fill="#ffffff", stroke=GRID, stroke_width=1.5)
    drawing.write(1070, 104, "heads 1 to 12", SMALL, QUIET).write(1070, 466, "layers 1 to 6, from the top", SMALL, QUIET)
    return str(drawing.write(1070, 290, "?", 90, QUERY, bold=True).write(1070, 528, "all 72 heads", NORMAL, QUERY, bold=True))


# --- the kinds of pictures --------------------------------------------------------------------------------------------

KINDS = ("diagonal", "column", "both", "blocks", "mixed")


def pattern(kind: str, row: int, column: int) -> float:
    """A weight of a made-up head of that kind, of 8 tokens. Each row adds up to 1."""
    if kind == "diagonal":
        return float(column == max(0, row - 1))
    if kind == "column":
        return float(column == 0)
    if kind == "both":
        return 0.5 * (column == 0) + 0.5 * (column == max(0, row - 1))
    if kind == "blocks":
        return (0.3, 0.3, 0.1, 0.3)[(row + column) % 4] * ((row < 4) == (column < 4))
    return (0.4, 0.2, 0.2, 0.1, 0.1, 0.0, 0.0, 0.0)[((5 + 2 * row) * column + row * row + 3 * row) % 8]


def kinds() -> str:
    """Five made-up heads, one of each kind."""
    text = (
        "Five small pictures. Diagonal: each token looks at its neighbour. Column: all look at one token. Both at once. "
        "Blocks: tokens look at those of their own sentence. Mixed: no simple shape."
    )
    drawing = opened(400, "Five kinds of picture (Kovaleva et al. 2019)", text)
    said = ("to a neighbour", "all to one token", "a bit of each", "within a sentence", "no simple shape")
    for at, kind in enumerate(KINDS):
        x = 56 + 240 * at
        table(drawing, x, 100, [[pattern(kind, row, column) for column in range(8)] for row in range(8)], 25, darkest=DARK)
        drawing.write(x + 100, 336, kind, NORMAL, bold=True).write(x + 100, 368, said[at], SMALL, QUIET)
    return str(drawing)


# --- pieces of words --------------------------------------------------------------------------------------------------


class Pieces:
    """Six tokens of *The soundtrack is unforgettable.* in a made-up head that always looks at the token before."""

    tokens = ("is", "un", "##for", "##get", "##table", ".")
    back = tuple(tuple(float(column == row - 1) for column in range(6)) for row in range(6))


def pieces(step: int = 3) -> str:
    """A table of pieces, its columns summed, its rows averaged. step: how far it is told, 1 to 3."""
    text = (
        "A head that always looks at the token before, over is, un, for, get, table and a full stop. First the four columns of "
        "unforgettable are added up: un gives 0 to the word, the three other pieces 1 each, and so does the full stop. "
        "Then its four rows are averaged: unforgettable gives 0.25 to is and 0.75 to itself."
    )
    names = ("pieces", "1  sum the columns", "2  average the rows")
    drawing = opened(590, "From pieces to words", text)
    summed = [[row[0], sum(row[1:5]), row[5]] for row in Pieces.back]
    averaged = [summed[0], [sum(row[at] for row in summed[1:5]) / 4 for at in range(3)], summed[5]]
    table(drawing, 96, 120, Pieces.back, 66, Pieces.tokens, numbers=True)
    drawing.add("rect", x=158, y=116, width=4 * 66 + 8, height=6 * 66 + 8, fill="none", stroke=KEY, stroke_width=4)
    if step >= 2:
        drawing.arrow((510, 318), (560, 318), color=QUIET, width=4)
        _words(table(drawing, 650, 120, summed, 66, numbers=True), 650, 120, Pieces.tokens)
        drawing.add("rect", x=646, y=182, width=3 * 66 + 8, height=4 * 66 + 8, fill="none", stroke=QUERY, stroke_width=4)
    if step >= 3:
        drawing.arrow((866, 318), (916, 318), color=QUIET, width=4)
        _words(table(drawing, 1060, 219, averaged, 66, numbers=True), 1060, 219, ("is", "unforgettable", "."))
    for x, name, color in zip((294, 749, 1120), names[:step], (INK, KEY, QUERY), strict=False):
        drawing.write(x, 556, name, NORMAL, color, bold=True)
    return str(drawing.write(294, 528, "(is looks at soundtrack, not drawn here)", SMALL, QUIET))


def _words(drawing, x, y, rows):
    """The names of three columns, the middle one of which is a long word, and of the rows."""
    for at, (name, up) in enumerate((("is", 18), ("unforgettable", 44), (".", 18))):
        drawing.write(x + (at + 0.5) * 66, y - up, name, SMALL)
    drawing.line((x + 99, y - 30), (x + 99, y - 6), color=QUIET, width=2)
    for at, name in enumerate(rows):
        drawing.write(x - 10, y + (at + 0.5) * 66, name, SMALL, anchor="end")


# --- the pronoun ------------------------------------------------------------------------------------------------------


def pronoun() -> str:
    """One frame, two pronouns, and the noun that fits each."""
    text = (
        "The mother called the boy because she was worried: she fits mother. The mother called the boy because he was worried: "
        "he fits boy. A head that only goes by position is right in one of the two."
    )
    drawing = opened(420, "One sentence, asked twice", text)
    words = ("the", "mother", "called", "the", "boy", "because")
    for row, (word, fits, color) in enumerate((("she", 1, QUERY), ("he", 4, KEY))):
        y = 190 + 130 * row
        for at, name in enumerate([*words, word, "was", "worried", "."]):
            x = 90 + 122 * at
            lit = at in (fits, 6)
            drawing.box(x, y, 110, 52, name, color if lit else INK, 20)
        start, end = 90 + 122 * 6, 90 + 122 * fits
        drawing.line((start, y - 28), (start, y - 54), (end, y - 54), color=color, width=4)
        drawing.arrow((end, y - 54), (end, y - 28), color=color, width=4)
    return str(
        drawing.write(40, 390, "A head that goes by position alone is right in exactly one of the two.", 20, QUIET, "start")
    )


# --- a score, number by number ----------------------------------------------------------------------------------------


class Neurons:
    """The query of she and the keys of sister and [CLS], in layer 2, head 4 of mini, rounded to a tenth."""

    she = """
    2.3 2.1 0.3 -3.3 -0.6 0.8 1.2 -2.6 -0.9 -2.8 -1.9 -1.5 -2.1 -0.9 1.0 2.0 -2.3 0.4 0.0 0.3 -0.9 -1.0 -1.1 1.0
    0.7 0.6 0.9 -0.8 0.6 -0.4 -1.5 -0.4
    """
    sister = """
    1.6 0.3 1.5 0.0 0.5 -1.2 1.6 -1.2 -1.0 -3.2 -1.3 -2.2 0.1 -1.6 1.9 0.7 -1.7 -0.1 0.9 -1.8 -0.7 1.1 0.4 -0.4
    -0.9 1.5 3.2 -0.4 -0.3 -0.2 -1.8 -0.4
    """
    cls = """
    -0.2 1.9 1.0 -2.6 -1.2 -0.6 -1.1 -0.7 -0.7 0.0 -1.0 -1.0 -3.0 1.5 -0.3 0.8 -0.9 -1.2 -0.8 0.5 -0.4 -0.7 -0.9
    -0.4 3.1 -0.2 -0.9 -0.5 1.0 -2.4 2.2 2.0
    """
    scores = (6.45, 4.68)

    @staticmethod
    def numbers(text: str) -> list[float]:
        return [float(number) for number in text.split()]


def strip(drawing: Drawing, y: float, name: str, values) -> None:
    """A row of 32 numbers as colours: blue above 0, orange below, darker where larger."""
    drawing.write(196, y + 17, name, SMALL, INK, "end")
    for at, value in enumerate(values):
        strength = min(1.0, abs(value) / 4) ** 0.7
        color = "#2171b5" if value > 0 else "#d95f0e"
        x, paint = 208 + 27 * at, {"fill": color, "fill_opacity": round(strength, 2)}
        drawing.add("rect", None, x=x, y=y, width=26, height=34, stroke=GRID, stroke_width=1, **paint)


def neurons() -> str:
    """The query of she times two keys, number by number, and the scores that the sums give."""
    text = (
        "The query of she, as 32 colours, times the key of sister: 20 of the products are above 0 and blue; their sum, divided "
        "by the square root of 32, is the score 6.45. Times the key of [CLS] the score is 4.68."
    )
    drawing = opened(452, "Query times key, number by number: layer 2, head 4", text)
    query = Neurons.numbers(Neurons.she)
    strip(drawing, 92, "query of she", query)
    rows = zip((158, 290), ("sister", "[CLS]"), (Neurons.sister, Neurons.cls), Neurons.scores, strict=True)
    for y, name, key, score in rows:
        numbers = Neurons.numbers(key)
        strip(drawing, y, f"key of {name}", numbers)
        strip(drawing, y + 46, "products", [one * other for one, other in zip(query, numbers, strict=True)])
        drawing.write(1090, y + 30, "sum, divided by", SMALL, QUIET, "start").write(1090, y + 54, "√32:", SMALL, QUIET, "start")
        drawing.write(1140, y + 56, number(score, 2), 30, QUERY, "start", bold=True)
    for x, color, name in ((420, "#2171b5", "above 0"), (620, "#d95f0e", "below 0")):
        drawing.add("rect", x=x, y=402, width=26, height=26, fill=color).write(x + 40, 416, name, SMALL, INK, "start")
    return str(drawing)


# --- what a picture shows ---------------------------------------------------------------------------------------------


def limits() -> str:
    """The way from a weight to the model's answer, of which a picture shows the first box."""
    text = (
        "The way from a weight to the answer. The weight, which the picture shows, is multiplied by the value, goes with the "
        "other heads through a matrix, is added to the vector that was there, goes through the feed-forward network, and then "
        "through all later layers, before the answer is made."
    )
    drawing = opened(430, "What comes after a weight", text)
    boxes = (
        "weight",
        "times the value",
        "all heads, a matrix",
        "plus what was there",
        "feed-forward",
        "later layers",
        "answer",
    )
    drawing.add("rect", x=34, y=116, width=196, height=148, rx=14, fill="none", stroke=QUERY, stroke_width=6)
    for at, name in enumerate(boxes):
        row, column = divmod(at, 4)
        x, y = 132 + 316 * column + 158 * row, 190 + 150 * row
        first = at == 0
        drawing.box(x, y, 168 if first else 220, 64, name, QUERY if first else VALUE if at == 1 else INK, 20)
        if at not in (3, 6):
            drawing.arrow((x + (88 if first else 112), y), (x + 316 - 112, y), color=QUIET, width=3)
    drawing.line((1080, 224), (1080, 265), (290, 265), color=QUIET, width=3).arrow((290, 265), (290, 306), color=QUIET, width=3)
    return str(drawing.write(132, 140, "what we see", 20, QUERY, bold=True))


DRAWINGS: dict[str, Callable[[], str]] = {
    "07_zoom.svg": zoom,
    "07_kinds.svg": kinds,
    **{f"07_pieces_{step}.svg": partial(pieces, step) for step in (1, 2)},
    "07_pieces.svg": pieces,
    "07_pronoun.svg": pronoun,
    "07_neurons.svg": neurons,
    "07_limits.svg": limits,
}
ANIMATIONS: dict[str, tuple] = {}
