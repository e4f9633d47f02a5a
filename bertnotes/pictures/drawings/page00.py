"""Drawings of the first page: what goes into BERT and what comes out, its family, and where mini comes from."""

from collections.abc import Callable

from bertnotes.pictures.drawings import LARGE, NORMAL, QUIET, SMALL, TINTS, opened
from bertnotes.pictures.style import GRID, INK

LIT = "#fff3c4"  # ground of what to look at: blue, orange and green mean query, key and value
WORDS = ("the", "plot", "makes", "no", "[MASK]")


def bert() -> str:
    """A text goes in, a vector for each word comes out, and three things are done with these."""
    text = (
        "The words the, plot, makes, no and [MASK] go into BERT. In each of its layers, every word looks at every word. "
        "Out comes a vector for each word. From that of [MASK] it fills the gap (sense); from all it judges the text. Who "
        "looks at whom inside can be drawn as a heatmap."
    )
    drawing = opened(640, "What goes in, and what comes out", text)
    for row, word in enumerate(WORDS):
        y = 150 + 92 * row
        drawing.box(130, y, 150, 56, word, fill=LIT if word == "[MASK]" else None).arrow((208, y), (292, y))
        drawing.arrow((628, y), (700, y))
        for number in range(6):
            drawing.add("rect", x=706 + 30 * number, y=y - 15, width=28, height=30, fill=TINTS[INK], stroke=INK, rx=3)
        drawing.write(898, y, "…", LARGE, QUIET)
    drawing.add("rect", x=296, y=104, width=330, height=464, rx=14, fill=TINTS[INK], stroke=INK, stroke_width=2)
    for left in range(5):
        for right in range(5):
            drawing.line((350, 150 + 92 * left), (572, 150 + 92 * right), color=GRID, width=1.5)
    drawing.write(461, 334, "BERT", 40, bold=True, halo=True).write(461, 384, "every word looks", NORMAL, QUIET, halo=True)
    drawing.write(461, 412, "at every word", NORMAL, QUIET, halo=True)
    drawing.write(130, 606, "a text", NORMAL, QUIET).write(461, 606, "layers of attention", NORMAL, QUIET)
    drawing.write(800, 606, "a vector for each word", NORMAL, QUIET)
    drawing.line((914, 140), (928, 140), (928, 436), (914, 436)).arrow((928, 288), (976, 288))
    drawing.arrow((918, 518), (976, 518)).line((461, 104), (461, 92), (940, 92)).arrow((940, 92), (976, 92))
    for y, name, example in (
        (92, "who looks at whom", "a heatmap"),
        (288, "judge the text", "“negative”"),
        (518, "fill the gap", "“sense”"),
    ):
        drawing.box(1112, y, 264, 92).write(1112, y - 17, name, NORMAL, bold=True).write(1112, y + 17, example, NORMAL, QUIET)
    return str(drawing)


FAMILY = (  # model, month, what it is built of, how it reads, what became of it
    ("ELMo", "February 2018", "LSTM", "both ways, each by itself", "its vectors serve other models"),
    ("GPT", "June 2018", "Transformer", "from left to right", "GPT-2 to ChatGPT: they write"),
    ("BERT", "October 2018", "Transformer", "both ways at once", "they read: search, sort, tag"),
)


def family() -> str:
    """ELMo, GPT and BERT in 2018: what each is built of, how it reads, what became of it."""
    text = " ".join(f"{name}, {when}: built of {built}, reads {reads}; {later}." for name, when, built, reads, later in FAMILY)
    drawing = opened(560, "2018: three models that learn from plain text", f"{text} All three learn from plain text first.")
    for x, name in ((340, "built of"), (640, "reads"), (1050, "what became of it")):
        drawing.write(x, 120, name, NORMAL, QUIET)
    for row, (name, when, built, reads, later) in enumerate(FAMILY):
        y = 200 + 120 * row
        drawing.write(60, y - 14, name, LARGE, bold=True, anchor="start").write(60, y + 20, when, SMALL, QUIET, "start")
        drawing.box(340, y, 180, 60, built, fill=LIT if built == "Transformer" else None)
        drawing.box(640, y, 320, 60, reads, fill=LIT if name == "BERT" else None).arrow((804, y), (866, y))
        drawing.box(1060, y, 380, 60, later, INK)
    drawing.write(60, 520, "Attention as in the Transformer: Vaswani et al., June 2017", NORMAL, QUIET, "start")
    return str(drawing)


ANCESTORS = (  # name, what was done, by whom
    ("a teacher", "a UniLM v2 as large as BERT-base,", "with twelve layers"),
    ("MiniLM, 12 layers", "learned to look where the", "teacher looks (distilled)"),
    ("6 layers", "every second layer", "was kept"),
    ("all-MiniLM-L6-v2", "learned from over a billion pairs", "which sentences belong together"),
    ("mini", "10,000 of 30,522 word pieces kept,", "then read 31.5 million tokens of reviews"),
)


def ancestry() -> str:
    """Where mini comes from, step by step."""
    text = "; ".join(f"{name}: {first} {second}" for name, first, second in ANCESTORS)
    drawing = opened(
        640, "Where mini comes from", f"Each model begins with the weights or the behaviour of the one before. {text}."
    )
    for row, (name, first, second) in enumerate(ANCESTORS):
        y = 132 + 106 * row
        drawing.box(300, y, 400, 66, fill=LIT if name == "mini" else None).write(300, y, name, NORMAL, bold=True)
        drawing.write(540, y - 15, first, NORMAL, QUIET, "start").write(540, y + 15, second, NORMAL, QUIET, "start")
        if row:
            drawing.arrow((300, y - 72), (300, y - 36))
    drawing.write(1240, 132, "Microsoft", NORMAL, QUIET, "end").write(1240, 238, "Microsoft, 2020", NORMAL, QUIET, "end")
    drawing.write(1240, 344, "N. Reimers", NORMAL, QUIET, "end").write(1240, 450, "2021", NORMAL, QUIET, "end")
    drawing.write(1240, 556, "this course", NORMAL, QUIET, "end")
    return str(drawing)


DRAWINGS: dict[str, Callable[[], str]] = {"00_bert.svg": bert, "00_family.svg": family, "00_ancestry.svg": ancestry}
ANIMATIONS: dict[str, tuple] = {}
