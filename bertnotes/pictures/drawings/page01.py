"""Drawings of query, key and value: the soft look-up, one word that looks, the triangle of the values, the cost."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from bertnotes.attention import scaled_dot_product_attention
from bertnotes.pictures.drawings import LARGE, NORMAL, PALE, QUIET, SMALL, TINTS, WIDE, number, opened, plane, short, tuple_of
from bertnotes.pictures.style import GRID, INK, KEY, LIGHT, QUERY, VALUE


class Chase:
    """*cats chase mice*, with numbers that one can work out by hand; *chase* is the word that looks."""

    words = ("cats", "chase", "mice")
    looks = 1
    X = torch.tensor([[2.0, 0.0], [0.0, 2.0], [1.0, -1.0]])
    W_Q = torch.tensor([[0.0, 0.5], [1.0, 0.0]])
    W_K = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    W_V = torch.tensor([[1.0, 2.0], [2.0, 0.0]])
    Q, K, V = X @ W_Q, X @ W_K, X @ W_V
    scores = Q @ K.T
    scaled = scores / 2**0.5
    output, weights = scaled_dot_product_attention(Q, K, V)

    @classmethod
    def with_dogs(cls):
        """The values, weights and outputs of *cats chase dogs*."""
        vectors = torch.tensor([[2.0, 0.0], [0.0, 2.0], [2.0, 1.0]])
        query, key, value = (vectors @ matrix for matrix in (cls.W_Q, cls.W_K, cls.W_V))
        output, weights = scaled_dot_product_attention(query, key, value)
        return value, weights, output


class Films:
    """Three films and a wish, by how funny and how frightening they are; what is looked up is their length in minutes."""

    names = ("comedy", "thriller", "black comedy")
    keys = torch.tensor([[2.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    minutes = torch.tensor([90.0, 120.0, 105.0])
    wish = torch.tensor([2.0, 0.0])
    weights = (keys @ wish).softmax(dim=0)
    answer = weights @ minutes


def soft_lookup() -> str:
    """A dictionary, which finds an exact key or nothing, beside attention, which takes something of every value."""
    text = (
        "Left: a dictionary with three films. The query “something funny” equals none of its keys and gets nothing. Right: the "
        f"same films with keys of two numbers. The query {tuple_of(Films.wish)} takes {number(Films.weights[0], 3)} of the "
        f"comedy, {number(Films.weights[1], 3)} of the thriller and {number(Films.weights[2], 3)} of the black comedy: "
        f"{number(Films.answer, 1)} minutes."
    )
    drawing = opened(600, "Exact look-up, soft look-up", text)
    drawing.line((534, 90), (534, 570), color=GRID, width=2)
    drawing.write(280, 106, "dictionary: the key must be equal", NORMAL, QUIET)
    drawing.write(920, 106, "attention: the key may fit more or less", NORMAL, QUIET)
    heights = (250, 330, 410)
    drawing.box(280, 170, 260, 52, "“something funny”", QUERY).write(118, 170, "query", NORMAL, QUERY, "end", bold=True)
    drawing.arrow((200, 197), (200, 222), color=QUERY)
    for name, minutes, y in zip(Films.names, Films.minutes, heights, strict=True):
        drawing.box(200, y, 210, 52, f"“{name}”", KEY).box(450, y, 100, 52, number(minutes), VALUE)
        drawing.line((305, y), (400, y), color=GRID)
        drawing.write(352, y, "≠", LARGE, QUIET, halo=True)
    drawing.write(200, 468, "keys", NORMAL, KEY, bold=True).write(450, 468, "values", NORMAL, VALUE, bold=True)
    drawing.box(280, 536, 260, 52, "nothing: None", INK)
    _soft_side(drawing, heights)
    return str(drawing)


def _soft_side(drawing, heights):
    """The right half of the soft look-up: a query, keys and values as vectors, and arrows as wide as the weights."""
    drawing.box(790, 170, 100, 52, tuple_of(Films.wish), QUERY).write(726, 170, "query", NORMAL, QUERY, "end", bold=True)
    drawing.write(856, 170, "very funny; fright does not matter", SMALL, QUIET, "start").arrow(
        (790, 197), (790, 222), color=QUERY
    )
    rows = zip(Films.names, Films.keys, Films.minutes, Films.keys @ Films.wish, Films.weights, heights, strict=True)
    for name, key, minutes, score, weight, y in rows:
        drawing.write(726, y, name, SMALL, INK, "end").box(790, y, 100, 52, tuple_of(key), KEY)
        drawing.line((840, y), (1010, y), color=INK, width=2 + 24 * float(weight))
        drawing.write(925, y - 28, f"{number(score)} → {number(weight, 3)}", NORMAL, bold=True)
        drawing.box(1060, y, 100, 52, number(minutes), VALUE)
        drawing.arrow((1112, y), (1176, y), (1176, 536), (1124, 536), color=VALUE, width=2)
    drawing.write(790, 468, "keys", NORMAL, KEY, bold=True).write(1060, 468, "values", NORMAL, VALUE, bold=True)
    drawing.write(925, 468, "score → weight", SMALL, bold=True)
    drawing.box(1030, 536, 184, 52, f"{number(Films.answer, 1)} minutes", INK)
    sums = " + ".join(f"{number(w, 3)} · {number(m)}" for w, m in zip(Films.weights, Films.minutes, strict=True))
    drawing.write(928, 536, f"{sums} =", SMALL, QUIET, "end")


STEPS = ("three vectors for each word", "the scores", "from scores to weights", "the weighted values add up")


def flow(step: int | None = None) -> str:
    """From the words to the output of *chase*, with its numbers in the boxes, from left to right.

    step: the one of STEPS that is lit, from 1, with what it takes in; what came before is paler, what comes after faint. None:
    all is lit."""
    chase, me = Chase, Chase.looks
    rows = zip(chase.words, chase.scores[me], chase.weights[me], strict=True)
    found = ", ".join(f"{word} scores {number(score)} and gets the weight {number(weight, 3)}" for word, score, weight in rows)
    text = (
        f"The query of chase, {tuple_of(chase.Q[me])}, meets the key of each word: {found}. The weighted sum of the values is "
        f"its output, {tuple_of(chase.output[me], 2)}."
    )
    title = "One word looks: what becomes of “chase”" if step is None else f"“chase” looks: {STEPS[step - 1]}"
    drawing = opened(720, title, text)
    for draw, lit in FLOW.items():
        with drawing.faded(1 if step is None or step in lit else 0.5 if step > lit[0] else 0.1):
            draw(drawing)
    return str(drawing)


FLOW_ROWS = (290, 400, 510)  # the heights of the three words


def _flow_vectors(drawing):
    """The words, the query of one of them, and the key of each."""
    chase, me = Chase, Chase.looks
    drawing.write(60, 130, "chase", NORMAL, bold=True, anchor="start").box(196, 130, 100, 54, tuple_of(chase.X[me]))
    drawing.arrow((248, 130), (338, 130), color=QUERY).write(292, 106, "× W_Q", NORMAL, QUERY, bold=True)
    drawing.box(392, 130, 104, 54, tuple_of(chase.Q[me]), QUERY).write(392, 86, "query", NORMAL, QUERY, bold=True)
    drawing.write(196, 226, "word", NORMAL, bold=True).write(392, 226, "key", NORMAL, KEY, bold=True)
    for row, y in enumerate(FLOW_ROWS):
        drawing.write(60, y, chase.words[row], NORMAL, bold=row == me, anchor="start")
        drawing.box(196, y, 100, 54, tuple_of(chase.X[row]))
        drawing.arrow((248, y), (338, y), color=KEY).box(392, y, 104, 54, tuple_of(chase.K[row]), KEY)
    drawing.write(292, FLOW_ROWS[0] - 24, "× W_K", NORMAL, KEY, bold=True)


def _flow_values(drawing):
    """The value of each word."""
    drawing.write(1010, 226, "value", NORMAL, VALUE, bold=True)
    for y, value in zip(FLOW_ROWS, Chase.V, strict=True):
        drawing.line((196, y + 27), (196, y + 48), (1010, y + 48), color=VALUE)
        drawing.arrow((1010, y + 48), (1010, y + 28), color=VALUE).box(1010, y, 104, 54, tuple_of(value), VALUE)
    drawing.write(292, FLOW_ROWS[2] + 66, "× W_V", NORMAL, VALUE, bold=True)


def _flow_scores(drawing):
    """The query meets the key of each word."""
    drawing.line((446, 130), (500, 130), (500, FLOW_ROWS[2] - 16), color=QUERY)
    drawing.write(590, 226, "score", NORMAL, bold=True).write(590, 194, "query · key", SMALL, QUIET)
    for row, y in enumerate(FLOW_ROWS):
        drawing.line((446, y), (486, y), color=KEY).arrow((514, y), (548, y))
        drawing.add("circle", cx=500, cy=y, r=15, fill=LIGHT["ground"], stroke=INK, stroke_width=2)
        drawing.write(500, y, "·", LARGE, bold=True).box(590, y, 80, 54, number(Chase.scores[Chase.looks, row]))


def _flow_weights(drawing):
    """Scores are scaled, and softmax makes weights of them."""
    drawing.write(720, 226, "÷ √d_k", NORMAL, bold=True)
    drawing.write(862, 226, "weight", NORMAL, bold=True).write(862, 194, "softmax", SMALL, QUIET)
    for row, y in enumerate(FLOW_ROWS):
        weight = Chase.weights[Chase.looks, row]
        drawing.arrow((632, y), (672, y)).box(720, y, 92, 54, number(Chase.scaled[Chase.looks, row], 2))
        drawing.arrow((768, y), (808, y)).box(862, y, 104, 54)
        drawing.add("rect", x=811, y=y - 26, width=102 * float(weight), height=52, rx=6, fill=GRID)
        drawing.write(862, y, number(weight, 3), bold=True)
    drawing.write(60, 652, "√d_k = √2 ≈ 1.41; the three weights add up to 1", NORMAL, QUIET, "start")


def _flow_output(drawing):
    """Each value times its weight, and their sum."""
    chase, me = Chase, Chase.looks
    drawing.write(1178, 226, "its share", NORMAL, VALUE, bold=True).write(1178, 194, "weight × value", SMALL, QUIET)
    for row, y in enumerate(FLOW_ROWS):
        drawing.arrow((916, y), (956, y)).arrow((1064, y), (1096, y), color=VALUE)
        drawing.box(1178, y, 160, 54, tuple_of(chase.weights[me, row] * chase.V[row], 2), VALUE, size=20)
    for above, below in pairwise(FLOW_ROWS):
        drawing.line((1178, above + 27), (1178, below - 27), color=VALUE)
    drawing.arrow((1178, FLOW_ROWS[2] + 27), (1178, 622), color=VALUE).write(1160, 586, "add up", SMALL, QUIET, "end")
    drawing.box(1160, 652, 170, 58, tuple_of(chase.output[me], 2), INK, size=24, fill=TINTS[VALUE])
    drawing.write(1056, 652, "output of “chase”", NORMAL, bold=True, anchor="end")


FLOW = {  # what draws a part: the steps in which it is lit
    _flow_vectors: (1, 2),
    _flow_values: (1, 4),
    _flow_scores: (2, 3),
    _flow_weights: (3, 4),
    _flow_output: (4,),
}


def matrices() -> str:
    """The same for all words at once: matrices with their shapes, the row of *chase* marked."""
    chase, me = Chase, Chase.looks
    text = (
        "X times three matrices gives Q, K and V, each 3 by 2. Q times K transposed is a 3 by 3 matrix of scores, a row for "
        "each word that looks. Divided by the root of d_k and through softmax, row by row, they are weights; weights times V "
        "is the output, 3 by 2 as X was. The row of chase is marked everywhere."
    )
    drawing = opened(640, "All words at once: the same as matrices", text)
    parts = ((50, "Q", QUERY, chase.W_Q, chase.Q), (463, "K", KEY, chase.W_K, chase.K), (876, "V", VALUE, chase.W_V, chase.V))
    for x, name, color, weights, result in parts:
        drawing.matrix(x, 130, chase.X.tolist(), name="X", mark=me if name == "Q" else None)
        drawing.write(x + 123, 199, "×", LARGE).matrix(x + 142, 153, weights.tolist(), color, name=f"W_{name}", cell=(42, 46))
        drawing.write(x + 246, 199, "=", LARGE)
        drawing.matrix(x + 266, 130, result.tolist(), color, name=name, mark=me if name == "Q" else None)
    y = 400
    drawing.matrix(50, y, chase.Q.tolist(), QUERY, name="Q", mark=me).write(173, y + 69, "×", LARGE)
    drawing.matrix(192, y + 23, chase.K.T.tolist(), KEY, name="K^T", cell=(48, 46)).write(355, y + 69, "=", LARGE)
    drawing.matrix(374, y, chase.scores.tolist(), name="scores", mark=me, cell=(57, 46))
    drawing.arrow((548, y + 69), (678, y + 69)).write(609, y + 42, "÷ √d_k", NORMAL).write(609, y + 96, "softmax", NORMAL)
    drawing.write(609, y + 120, "row by row", SMALL, QUIET)
    drawing.matrix(690, y, chase.weights.tolist(), name="weights", mark=me, cell=(78, 46), digits=3)
    drawing.write(944, y + 69, "×", LARGE).matrix(964, y, chase.V.tolist(), VALUE, name="V").write(1088, y + 69, "=", LARGE)
    drawing.matrix(1108, y, chase.output.tolist(), INK, name="output", mark=me, cell=(66, 46), digits=2)
    drawing.write(
        50, 604, "Rows: cats, chase, mice. The columns of scores and weights are these words, too.", SMALL, QUIET, "start"
    )
    return str(drawing)


def values_triangle() -> str:
    """The plane of the values: every output lies in the triangle between them."""
    chase, me = Chase, Chase.looks
    shares = ", ".join(f"{number(w, 3)} of {word}" for w, word in zip(chase.weights[me], chase.words, strict=True))
    text = (
        f"The values of cats {tuple_of(chase.V[0])}, chase {tuple_of(chase.V[1])} and mice {tuple_of(chase.V[2])} are the "
        f"corners of a triangle. The output of chase, {tuple_of(chase.output[me], 2)}, lies inside it, near cats: "
        f"{shares}."
    )
    drawing = opened(660, "An output lies in the triangle of the values", text)

    def place(point):
        return 300 + 85 * float(point[0]), 540 - 85 * float(point[1])

    for step in range(-2, 6):
        drawing.line(place((step, -0.7)), place((step, 4.5)), color=GRID, width=1)
    for step in range(5):
        drawing.line(place((-2, step)), place((5, step)), color=GRID, width=1)
    drawing.line(place((-2, 0)), place((5, 0)), color=QUIET, width=1.5).line(
        place((0, -0.7)), place((0, 4.5)), color=QUIET, width=1.5
    )
    corners = " ".join(f"{short(x)},{short(y)}" for x, y in map(place, chase.V))
    drawing.add("polygon", points=corners, fill=TINTS[VALUE], stroke=VALUE, stroke_width=2)
    for value in chase.V:
        drawing.arrow(place((0, 0)), place(value), color=VALUE, width=3)
    x, y = place(chase.output[me])
    drawing.line((300, 150), (x, y), width=1.5).add("circle", cx=x, cy=y, r=11, fill=INK)
    drawing.write(60, 136, f"output of chase {tuple_of(chase.output[me], 2)}", NORMAL, bold=True, anchor="start", halo=True)
    labels = ((16, -22, "start"), (0, 28, "middle"), (-14, 0, "end"))
    for word, value, (right, down, anchor) in zip(chase.words, chase.V, labels, strict=True):
        a, b = place(value)
        drawing.write(a + right, b + down, f"{word} {tuple_of(value)}", NORMAL, VALUE, anchor, bold=True, halo=True)
    _sum_of_values(drawing, 800, 150)
    return str(drawing)


def neighbours() -> str:
    """*chase* with two neighbours: the same vector goes in, another one comes out."""
    chase, dogs = Chase, Chase.with_dogs()
    parts = ((200, chase.words, chase.V, chase.weights, chase.output), (820, ("cats", "chase", "dogs"), *dogs))
    outputs = [tuple_of(output[chase.looks], 2) for *_, output in parts]
    text = f"chase goes in as (0, 2). Beside cats and mice it comes out as {outputs[0]}, beside cats and dogs as {outputs[1]}."
    drawing = opened(680, "The same word with another neighbour: another vector comes out", text)
    for left, words, values, weights, output in parts:
        _neighbours_side(drawing, left, words, values, weights[chase.looks], output[chase.looks])
    drawing.line((WIDE / 2, 90), (WIDE / 2, 650), color=GRID, width=2)
    return str(drawing)


def _neighbours_side(drawing, left, words, values, weights, output):
    """The triangle of the values of three words, with the output of the second."""

    def place(point):
        return left + 84 * float(point[0]), 530 - 84 * float(point[1])

    drawing.line(place((-1.2, 0)), place((4.6, 0)), color=GRID).line(place((0, -0.4)), place((0, 4.6)), color=GRID)
    corners = " ".join(f"{short(x)},{short(y)}" for x, y in map(place, values))
    drawing.add("polygon", points=corners, fill=TINTS[VALUE], stroke=VALUE, stroke_width=2)
    for word, value in zip(words, values, strict=True):
        (x, y), low = place(value), float(value[1]) == 0
        drawing.add("circle", cx=x, cy=y, r=6, fill=VALUE)
        drawing.write(x, y + (26 if low else -22), f"{word} {tuple_of(value)}", 20, VALUE, bold=True, halo=True)
    x, y = place(output)
    drawing.add("circle", cx=x, cy=y, r=12, fill=INK).write(x, y + 32, tuple_of(output, 2), NORMAL, bold=True, halo=True)
    shares = " + ".join(f"{number(share, 2)} {word}" for share, word in zip(weights, words, strict=True))
    drawing.write(left + 160, 96, " ".join(words), LARGE, bold=True)
    drawing.write(left + 160, 606, f"chase: (0, 2) in, {tuple_of(output, 2)} out", NORMAL, bold=True)
    drawing.write(left + 160, 642, f"= {shares}", NORMAL, QUIET)


def _sum_of_values(drawing, x, y):
    """How the output of *chase* is added up, a line a word, and what that means."""
    chase, me = Chase, Chase.looks
    drawing.write(x, y, "weight", NORMAL, bold=True, anchor="start").write(x + 180, y, "value", NORMAL, VALUE, bold=True)
    for row, (word, weight, value) in enumerate(zip(chase.words, chase.weights[me], chase.V, strict=True), start=1):
        at = y + 58 * row
        drawing.write(x, at, f"{number(weight, 3)}  ×", NORMAL, anchor="start").box(
            x + 180, at, 110, 46, tuple_of(value), VALUE
        )
        drawing.write(x + 254, at, word, NORMAL, QUIET, "start")
    drawing.line((x, y + 212), (x + 330, y + 212), width=2)
    drawing.box(x + 180, y + 250, 160, 50, tuple_of(chase.output[me], 2), INK).write(
        x, y + 250, "sum", NORMAL, bold=True, anchor="start"
    )
    lines = (
        "The weights are above 0 and add up to 1.",
        "So the output always lies inside",
        "the triangle, never outside.",
    )
    for row, line in enumerate(lines):
        drawing.write(x, y + 330 + 32 * row, line, 20, anchor="start")


def cost() -> str:
    """Twice the words, four times the weights; but in a layer of BERT-base the square is the smaller part for long."""
    hidden, lengths = 768, (512, 1024, 2048, 4096)
    linear, square = ([f(n) / 1e9 for n in lengths] for f in (lambda n: 24 * n * hidden**2, lambda n: 4 * n**2 * hidden))
    shares = [b / (a + b) for a, b in zip(linear, square, strict=True)]
    named = ", ".join(f"{share:.0%} at {n:,}" for n, share in zip(lengths, shares, strict=True))
    text = (
        "Left: 4 words have 16 weights, 8 words have 64. Right: operations of one layer of BERT-base by the number of tokens. "
        f"The part that grows with the square, 4 n² d, is {named} tokens; the rest, 24 n d², grows with their number."
    )
    drawing = opened(660, "What it costs: a square beside a line", text)
    drawing.write(250, 106, "weights of one attention", NORMAL, QUIET).write(
        890, 106, "one layer of BERT-base, d = 768", NORMAL, QUIET
    )
    for count, x in ((4, 50), (8, 220)):
        for row in range(count):
            for column in range(count):
                drawing.add("rect", x=x + 30 * column, y=450 - 30 * row, width=28, height=28, fill=INK)
        drawing.write(x + 15 * count, 512, f"{count} words").write(x + 15 * count, 544, f"{count**2} weights", bold=True)
    drawing.line((510, 90), (510, 620), color=GRID, width=2)
    for n, a, b, share, x in zip(lengths, linear, square, shares, (620, 800, 980, 1160), strict=True):
        wide, ground, middle, top = 110, 560, 560 - 3.3 * a, 560 - 3.3 * (a + b)
        drawing.add("rect", x=x - wide / 2, y=middle, width=wide, height=ground - middle, fill=PALE)
        drawing.add("rect", x=x - wide / 2, y=top, width=wide, height=middle - top, fill=INK)
        drawing.write(x, top - 20, f"{share:.0%}", bold=True).write(x, top - 46, f"{a + b:.0f} billion", SMALL, QUIET)
        drawing.write(x, ground + 22, f"{n:,}")
    drawing.line((550, 560), (1230, 560), width=2).write(890, 616, "tokens", NORMAL, QUIET)
    for y, color, name in ((150, INK, "4 n² d: scores and weighted sum"), (188, PALE, "24 n d²: projections and feed-forward")):
        drawing.add("rect", x=550, y=y, width=24, height=24, fill=color).write(588, y + 12, name, SMALL, anchor="start")
    drawing.write(588, 238, "on each bar: operations, and the share of 4 n² d", SMALL, QUIET, "start")
    return str(drawing)


# --- in motion -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Moment:
    """What the animation shows at one time, for so many milliseconds."""

    words: str
    milliseconds: int = 70
    meets: int | None = None  # the key that the query is compared with
    drop: float = 0.0  # how far that key has come down to the line of the query
    scores: int = 0  # how many are known
    filled: float = 0.0  # how much of the weights
    added: float = 0.0  # how many of the weighted values


def attention_moments() -> list[Moment]:
    """The animation in time: the query meets the keys, the weights fill, the output moves to its place."""
    chase, me = Chase, Chase.looks
    found = [Moment("chase looks: its query, and the keys of all words", 1200)]
    for row, word in enumerate(chase.words):
        factors = [number(k) if k >= 0 else f"({number(k)})" for k in chase.K[row]]
        products = " + ".join(f"{number(q)} · {k}" for q, k in zip(chase.Q[me], factors, strict=True))
        words = f"query · key of {word} = {products}"
        found += [Moment(words, meets=row, drop=step / 6, scores=row) for step in range(1, 7)]
        found.append(Moment(f"{words} = {number(chase.scores[me, row])}", 1000, row, 1.0, row + 1))
    words = "÷ √2, then softmax: scores become weights"
    found += [Moment(words, scores=3, filled=step / 8) for step in range(1, 8)] + [Moment(words, 1200, scores=3, filled=1)]
    for row, word in enumerate(chase.words):
        words = f"take {number(chase.weights[me, row], 3)} of the value of {word}"
        found += [Moment(words, scores=3, filled=1, added=row + step / 6) for step in range(1, 6)]
        found.append(Moment(words, 700, scores=3, filled=1, added=row + 1))
    return [*found, Moment("the output of chase, in the triangle of the values", 1500, scores=3, filled=1, added=3)]


def attention_frame(moment: Moment) -> Image.Image:
    """One frame of the animation, 1280 by 580."""
    figure = Figure(figsize=(12.8, 5.8), dpi=100, facecolor=LIGHT["ground"])
    canvas = FigureCanvasAgg(figure)
    figure.text(0.03, 0.915, moment.words, fontsize=20, color=INK, fontweight="bold", va="center")
    _keys_in_motion(figure.add_axes((0.03, 0.04, 0.32, 0.74)), moment)
    _weights_in_motion(figure.add_axes((0.42, 0.08, 0.21, 0.60)), moment)
    _values_in_motion(figure.add_axes((0.67, 0.04, 0.32, 0.74)), moment)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def _keys_in_motion(ax, moment):
    """The query and the keys; the one that it meets comes down to the query's line."""
    chase, query = Chase, Chase.Q[Chase.looks]
    plane(ax, "query and keys", INK, (-1.2, 3.4), (-1.8, 2.6))
    wide = {"width": 0.2, "head_width": 0.46, "head_length": 0.36, "length_includes_head": True}
    ax.arrow(0, 0, *query.tolist(), facecolor=TINTS[QUERY], edgecolor=QUERY, linewidth=2, **wide)
    ax.text(0.95, 0.36, "query", color=QUERY, fontsize=15, fontweight="bold", ha="center")
    places = ((2.12, 0.2, "left"), (0.16, 2.0, "left"), (1.14, -1.2, "left"))
    for row, (word, key, (x, y, align)) in enumerate(zip(chase.words, chase.K, places, strict=True)):
        clear = 1.0 if moment.meets in (None, row) else 0.3
        style = {"arrowstyle": "-|>,head_length=0.55,head_width=0.28", "mutation_scale": 16, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", key.tolist(), (0, 0), arrowprops={**style, "color": KEY, "linewidth": 3, "alpha": clear})
        ax.text(x, y, word, color=KEY, fontsize=15, ha=align, alpha=clear)
    if moment.meets is not None:
        key = chase.K[moment.meets]
        foot = (key @ query / (query @ query)) * query
        point = key + moment.drop * (foot - key)
        ax.plot(*zip(key.tolist(), point.tolist(), strict=True), color=INK, linestyle=":", linewidth=2)
        ax.plot(*point.tolist(), "o", color=INK, markersize=10)


def _weights_in_motion(ax, moment):
    """A score and a bar for each word."""
    chase, me = Chase, Chase.looks
    ax.set(xlim=(0, 1), ylim=(2.6, -0.6), xticks=[], yticks=[], facecolor=LIGHT["ground"])
    ax.spines[:].set_visible(False)
    ax.text(-0.22, -0.95, "scores", color=INK, fontsize=16, fontweight="bold", ha="center", va="center")
    ax.text(0.5, -0.95, "weights", color=INK, fontsize=16, fontweight="bold", ha="center", va="center")
    for row, word in enumerate(chase.words):
        ax.text(0.0, row - 0.36, word, color=INK, fontsize=14, va="center")
        ax.barh(row, 1, height=0.36, color=TINTS[INK], edgecolor=GRID)
        ax.barh(row, moment.filled * float(chase.weights[me, row]), height=0.36, color=INK)
        if row < moment.scores:
            ax.text(-0.22, row, number(chase.scores[me, row]), color=INK, fontsize=20, ha="center", va="center")
        if moment.filled == 1:
            ax.text(1.0, row - 0.36, number(chase.weights[me, row], 3), color=INK, fontsize=15, ha="right", va="center")


def _values_in_motion(ax, moment):
    """The triangle of the values, and the output, which grows by one weighted value after the other."""
    chase, me = Chase, Chase.looks
    plane(ax, "values and output", VALUE, (-1.7, 4.7), (-0.9, 4.9))
    ax.fill(*chase.V.T.tolist(), color=TINTS[VALUE], zorder=0)
    ax.plot(*torch.cat([chase.V, chase.V[:1]]).T.tolist(), color=VALUE, linewidth=1.5)
    for word, value, (x, y) in zip(chase.words, chase.V, ((0.15, 0.2), (-0.5, -0.6), (-0.6, 0.25)), strict=True):
        ax.plot(*value.tolist(), "o", color=VALUE, markersize=8)
        ax.text(*(value + torch.tensor([x, y])).tolist(), word, color=VALUE, fontsize=15)
    point = torch.zeros(2)
    for row in range(3):
        share = min(max(moment.added - row, 0), 1)
        if share > 0:
            step = point + share * chase.weights[me, row] * chase.V[row]
            ax.plot(*torch.stack([point, step]).T.tolist(), color=VALUE, linewidth=4, marker="o", markersize=5)
            point = step
    if moment.added > 0:
        ax.plot(*point.tolist(), "o", color=INK, markersize=13)
    if moment.added == 3:
        ax.text(2.45, float(point[1]) - 0.1, tuple_of(point, 2), color=INK, fontsize=16, fontweight="bold")


DRAWINGS: dict[str, Callable[[], str]] = {
    "01_soft_lookup.svg": soft_lookup,
    "01_flow.svg": flow,
    **{f"01_flow_{step}.svg": partial(flow, step) for step in range(1, len(STEPS) + 1)},
    "01_matrices.svg": matrices,
    "01_values_triangle.svg": values_triangle,
    "01_neighbours.svg": neighbours,
    "01_cost.svg": cost,
}
ANIMATIONS: dict[str, tuple] = {"01_attention.png": (attention_moments, attention_frame)}
