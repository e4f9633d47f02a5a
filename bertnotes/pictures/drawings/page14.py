"""Drawings of data of one's own: rows that fall out, copies, macro-F1, a new layer, windows, a threshold."""

from collections.abc import Callable

from bertnotes.pictures.charts import FIRST, SECOND
from bertnotes.pictures.drawings import LARGE, NORMAL, PALE, QUIET, opened
from bertnotes.pictures.style import GRID, INK, KEY, QUERY, VALUE

# --- the way ----------------------------------------------------------------------------------------------------------

STEPS = (
    ("look", "what is", "in the file?"),
    ("clean", "which labels", "are one?"),
    ("split", "are copies on", "one side?"),
    ("count", "how far do", "words get?"),
    ("train", "which class", "suffers?"),
    ("choose", "what goes to", "a person?"),
    ("serve", "is it the same", "elsewhere?"),
)


def way() -> str:
    """From a file to a service in seven steps, with the question of each."""
    text = (
        "Seven steps from a file to a service. Look: what is in the file? Clean: which labels are one? Split: are copies on "
        "one side? Count: how far do words get? Train: which class suffers? Choose: what goes to a person? Serve: is it "
        "the same elsewhere? Only train has BERT in it."
    )
    drawing = opened(400, "From a file to a service", text)
    for at, (name, first, second) in enumerate(STEPS):
        x = 106 + 178 * at
        color = QUERY if name == "train" else INK
        drawing.box(x, 160, 138, 84, name, color, LARGE)
        drawing.write(x, 244, first, 20, INK).write(x, 272, second, 20, INK)
        if at:
            drawing.arrow((x - 107, 160), (x - 72, 160))
    drawing.line((50, 320), (50, 330), (568, 330), (568, 320), color=QUIET)
    drawing.write(310, 358, "before BERT: the file decides", NORMAL, QUIET)
    drawing.line((930, 320), (930, 330), (1240, 330), (1240, 320), color=QUIET)
    return str(drawing.write(1085, 358, "after it: you decide", NORMAL, QUIET))


# --- rows that fall out -----------------------------------------------------------------------------------------------


class Rows:
    """What becomes of the rows of data/messages.csv."""

    at_first = 649
    dropped = (("empty rows", 6), ("no message", 3), ("no topic", 4), ("copies", 15))
    left = (643, 640, 636, 621)


def rows() -> str:
    """How many rows are left after each step of cleaning, and what falls out."""
    text = (
        "649 rows in the file. 6 are empty: 643 are left. 3 have no message: 640. 4 have no topic: 636. 15 are copies of "
        "others: 621 different messages are left. Beside them, 14 spellings of labels become 8 topics."
    )
    drawing = opened(420, "From 649 rows to 621 messages", text)
    drawing.box(110, 150, 150, 76, str(Rows.at_first), INK, LARGE).write(110, 216, "rows", NORMAL, QUIET)
    for at, ((why, many), left) in enumerate(zip(Rows.dropped, Rows.left, strict=True)):
        x = 110 + 265 * (at + 1)
        drawing.arrow((x - 190, 150), (x - 77, 150)).box(x, 150, 150, 76, str(left), VALUE if at == 3 else INK, LARGE)
        drawing.arrow((x - 140, 150), (x - 140, 232), color=SECOND)
        drawing.write(x - 140, 256, f"{many} {why}", NORMAL, SECOND, bold=True)
    drawing.write(1170, 216, "messages", NORMAL, VALUE, bold=True)
    drawing.box(450, 350, 300, 60, "14 spellings of labels", INK, NORMAL).arrow((605, 350), (735, 350))
    return str(drawing.box(830, 350, 180, 60, "8 topics", VALUE, NORMAL))


# --- copies -----------------------------------------------------------------------------------------------------------


WASH = {SECOND: "#fbeef4", VALUE: "#dff2ec"}


def _text(drawing, x, y, letter, color):
    """A text of the drawing `copies`; A, which is there twice, in a colour."""
    marked = letter == "A"
    drawing.box(x, y, 60, 60, letter, color if marked else INK, LARGE, WASH[color] if marked else None)


def copies() -> str:
    """A split by rows puts two copies on two sides; a split by texts keeps them together."""
    text = (
        "Seven rows, of which two have the same text, A. Split by rows: one A is trained on, the other one is in the exam, and "
        "the model has seen the answer. Split by texts: both rows of A are on the side of the training."
    )
    drawing = opened(480, "Two ways to split seven rows, two of them copies", text)
    for y, name, train, exam, said, color in (
        (170, "by rows", "ABCDE", "AF", "A was seen: leak", SECOND),
        (350, "by texts", "ABACDE", "F", "A is on one side", VALUE),
    ):
        drawing.write(40, y, name, LARGE, INK, "start", bold=True)
        for at, letter in enumerate(train):
            _text(drawing, 250 + 74 * at, y, letter, color)
        for at, letter in enumerate(exam):
            _text(drawing, 800 + 74 * at, y, letter, color)
        drawing.write(1000, y, said, NORMAL, color, "start", bold=True)
    drawing.write(435, 96, "to train on", NORMAL, QUIET).write(836, 96, "exam", NORMAL, QUIET)
    drawing.line((730, 84), (730, 410), color=GRID, width=4)
    return str(drawing.write(40, 446, "The letters stand for texts. A copy of A is no new question.", NORMAL, INK, "start"))


# --- macro-F1 ---------------------------------------------------------------------------------------------------------


class Lazy:
    """Made up: a model that always names the commoner of two classes. Class, texts, precision, recall, F1."""

    rows = (("common", 18, 0.9, 1.0, 0.947), ("rare", 2, 0.0, 0.0, 0.0))
    accuracy, macro = 0.9, 0.474


def macro() -> str:
    """A model that always names the common class: accuracy 0.90, macro-F1 0.47."""
    text = (
        "Made up: 18 texts of a common class, 2 of a rare one, and a model that always names the common class. Common: "
        "precision 0.90, recall 1.00, F1 0.95. Rare: never named, F1 0. The accuracy is 18 of 20, 0.90. Macro-F1, the mean of "
        "the two F1, is 0.47."
    )
    drawing = opened(440, "Always naming the common class (made-up numbers)", text)
    for x, name in ((250, "texts"), (420, "precision"), (590, "recall"), (760, "F1")):
        drawing.write(x, 100, name, NORMAL, QUIET)
    for at, (name, texts, precision, recall, f1) in enumerate(Lazy.rows):
        y, color = 160 + 90 * at, QUERY if not at else KEY
        drawing.write(40, y, name, LARGE, color, "start", bold=True).write(250, y, str(texts), LARGE)
        drawing.write(
            420, y, f"{precision:.2f}" if not at else "never named", NORMAL if at else LARGE, INK if not at else QUIET
        )
        drawing.write(590, y, f"{recall:.2f}", LARGE).write(760, y, f"{f1:.2f}", LARGE, color, bold=True)
    drawing.box(1050, 160, 340, 70, "accuracy 18 / 20 = 0.90", INK, NORMAL)
    drawing.box(1050, 250, 340, 70, "macro-F1 = 0.47", INK, NORMAL)
    drawing.line((720, 282), (720, 300), (800, 300), (800, 282), color=QUIET)
    drawing.arrow((800, 296), (870, 264), color=QUIET)
    drawing.write(40, 350, "Accuracy counts texts: the two rare ones hardly matter.", NORMAL, INK, "start")
    return str(drawing.write(40, 394, "Macro-F1 counts classes: each has the same say.", NORMAL, INK, "start"))


# --- first the new layer, then all ------------------------------------------------------------------------------------


def head_first() -> str:
    """Two steps of training: the new layer alone, at a high rate; then all, at a low one."""
    text = (
        "Two steps. First: a frozen encoder, which reads each message once, and a new layer that learns at a rate of 1e-2 from "
        "its vectors. Then: encoder and layer learn together, at 1e-4. Blue is what learns."
    )
    drawing = opened(430, "First the new layer, then all", text)
    for x, step, rate, learns in ((40, "1. the new layer alone", "1e-2", False), (680, "2. then all", "1e-4", True)):
        drawing.write(x, 100, step, LARGE, INK, "start", bold=True)
        drawing.box(x + 155, 200, 310, 96, "encoder" if learns else "encoder, frozen", QUERY if learns else INK, LARGE)
        drawing.arrow((x + 312, 200), (x + 372, 200)).box(x + 455, 200, 160, 96, "new layer", QUERY, LARGE)
        drawing.write(x, 296, f"learning rate {rate}", NORMAL, QUERY, "start", bold=True)
        said = "the encoder reads each message every time" if learns else "the encoder reads each message once"
        drawing.write(x, 334, said, NORMAL, INK, "start")
    drawing.line((630, 84), (630, 350), color=GRID, width=4)
    return str(drawing.write(40, 392, "Blue learns.", NORMAL, QUERY, "start", bold=True))


# --- windows ----------------------------------------------------------------------------------------------------------


class Long:
    """A text of so many tokens, read in windows with room for so many."""

    tokens, room = 558, 62


def reading() -> str:
    """A long text: what is read of it by head, by tail, and in overlapping windows."""
    text = (
        "A text of 558 tokens as a strip. Head: the first 62 tokens are read, a ninth of it. Tail: the last 62. Windows: "
        "overlapping parts of 62 tokens, each beginning 31 tokens after the one before, 17 in all, cover everything; the mean "
        "of their logits decides."
    )
    drawing = opened(520, "A text of 558 tokens, and room for 62", text)
    left, unit = 200, 1040 / Long.tokens

    def strip(y, name, parts, color):
        drawing.write(40, y, name, NORMAL, INK, "start", bold=True)
        drawing.add("rect", x=left, y=y - 16, width=Long.tokens * unit, height=32, fill="#ffffff", stroke=PALE, stroke_width=2)
        for start, end in parts:
            drawing.add("rect", x=left + start * unit, y=y - 16, width=(end - start) * unit, height=32, fill=color)

    strip(120, "head", [(0, Long.room)], QUERY)
    strip(190, "tail", [(Long.tokens - Long.room, Long.tokens)], KEY)
    strip(260, "windows", [], VALUE)
    starts = [*range(0, Long.tokens - Long.room, Long.room // 2), Long.tokens - Long.room]
    for at, start in enumerate(starts):
        y = 246 + 28 * (at % 2)
        drawing.add("rect", x=left + start * unit + 1, y=y - 12, width=Long.room * unit - 2, height=24, fill=VALUE)
    drawing.write(left, 330, f"{len(starts)} windows, each half a window further on", NORMAL, VALUE, "start", bold=True)
    drawing.arrow((left + 560, 330), (left + 640, 330), color=INK)
    drawing.write(left + 660, 330, "logits of each, then their mean", NORMAL, INK, "start")
    drawing.write(40, 410, "Head reads a ninth of this text. What the writer wants may stand at its end.", NORMAL, INK, "start")
    drawing.write(40, 450, "Windows read all of it. Here that is 17 times as much work.", NORMAL, INK, "start")
    return str(drawing)


# --- a threshold ------------------------------------------------------------------------------------------------------

SURE = (0.2, 0.26, 0.3, 0.34, 0.41, 0.45, 0.52, 0.56, 0.61, 0.66, 0.7, 0.75, 0.79, 0.83, 0.87, 0.9, 0.93, 0.96)
WRONG = (0.2, 0.26, 0.34, 0.41, 0.45, 0.56, 0.7)
RIGHT = tuple(one not in WRONG for one in SURE)


def desk() -> str:
    """Answers by how sure the model is: from a threshold on it answers alone, the others go to a person."""
    kept = [one for one in SURE if one >= 0.6]
    wrong = sum(one in WRONG for one in kept)
    text = (
        f"Eighteen made-up answers on an axis of confidence from 0 to 1; most of the unsure ones are wrong. At the threshold "
        f"0.6 a line: the {len(kept)} answers to its right are given, {len(kept) - wrong} of them right. The "
        f"{len(SURE) - len(kept)} to its left go to a person."
    )
    drawing = opened(440, "A threshold: which answers go to a person? (made-up numbers)", text)
    left, unit = 80, 1120
    drawing.line((left, 250), (left + unit, 250), color=INK)
    for tick in (0, 0.2, 0.4, 0.6, 0.8, 1):
        drawing.line((left + unit * tick, 250), (left + unit * tick, 260), color=INK)
        drawing.write(left + unit * tick, 282, f"{tick:g}", 20, QUIET)
    for one in SURE:
        x = left + unit * one
        if one in WRONG:
            drawing.line((x - 12, 188), (x + 12, 212), color=SECOND, width=5).line(
                (x - 12, 212), (x + 12, 188), color=SECOND, width=5
            )
        else:
            drawing.add("circle", cx=x, cy=200, r=12, fill=FIRST)
    x = left + unit * 0.6
    drawing.line((x - 12, 110), (x - 12, 250), color=INK, width=5)
    drawing.write(x - 30, 130, f"{len(SURE) - len(kept)} go to a person", NORMAL, INK, "end", bold=True)
    drawing.write(
        x + 10, 130, f"{len(kept)} are answered: {len(kept) - wrong} right, {wrong} wrong", NORMAL, INK, "start", bold=True
    )
    drawing.write(left, 322, "confidence: the probability of the class that is named", 20, QUIET, "start")
    drawing.add("circle", cx=92, cy=374, r=12, fill=FIRST).write(116, 374, "right", NORMAL, INK, "start")
    drawing.line((228, 362), (252, 386), color=SECOND, width=5).line((228, 386), (252, 362), color=SECOND, width=5)
    return str(drawing.write(266, 374, "wrong", NORMAL, INK, "start"))


DRAWINGS: dict[str, Callable[[], str]] = {
    "14_way.svg": way,
    "14_rows.svg": rows,
    "14_copies.svg": copies,
    "14_macro.svg": macro,
    "14_head_first.svg": head_first,
    "14_reading.svg": reading,
    "14_desk.svg": desk,
}
ANIMATIONS: dict[str, tuple] = {}
