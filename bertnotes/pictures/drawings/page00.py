"""Drawings of the first page: what goes into BERT and what comes out, how it learns, its family, where mini comes from."""

from collections.abc import Callable

from bertnotes.pictures.drawings import LARGE, NORMAL, TINTS, opened
from bertnotes.pictures.style import GRID, INK

LIT = "#fff3c4"  # ground of what to look at: blue, orange and green mean query, key and value
WORDS = ("the", "plot", "makes", "no", "[MASK]")


def bert() -> str:
    """A text goes in, a vector for each word comes out, and two things are done with these; and one can look inside."""
    text = (
        "The words the, plot, makes, no and [MASK] go into BERT. In each of its layers, every word looks at every word. "
        "Out comes a vector for each word. One can compare words by their vectors (which plot is it, a story or a piece of "
        "land?). From the vector of [MASK] BERT fills the gap (sense). Who looks at whom inside can be drawn as a heatmap."
    )
    drawing = opened(640, "What goes in, and what comes out", text)
    for row, word in enumerate(WORDS):
        y = 150 + 92 * row
        drawing.box(130, y, 160, 60, word, size=LARGE, fill=LIT if word == "[MASK]" else None).arrow((214, y), (292, y))
        drawing.arrow((628, y), (690, y))
        for number in range(6):
            drawing.add("rect", x=696 + 30 * number, y=y - 15, width=28, height=30, fill=TINTS[INK], stroke=INK, rx=3)
        drawing.write(890, y, "…", LARGE)
    drawing.add("rect", x=296, y=104, width=330, height=464, rx=14, fill=TINTS[INK], stroke=INK, stroke_width=2)
    for left in range(5):
        for right in range(5):
            drawing.line((336, 150 + 92 * left), (586, 150 + 92 * right), color=GRID, width=1.5)
    drawing.add("rect", x=346, y=276, width=230, height=118, rx=10, fill="#ffffff", stroke=INK, stroke_width=1)
    drawing.write(461, 306, "BERT", 40, bold=True).write(461, 348, "every word", NORMAL).write(
        461, 376, "looks at every word", NORMAL
    )
    drawing.write(130, 606, "a text", LARGE).write(461, 606, "layers of attention", LARGE)
    drawing.write(790, 606, "a vector for each word", LARGE)
    drawing.line((908, 140), (922, 140), (922, 436), (908, 436)).arrow((922, 288), (964, 288))
    drawing.arrow((908, 518), (964, 518)).line((461, 104), (461, 92), (930, 92)).arrow((930, 92), (964, 92))
    for y, name, example in (
        (92, "who looks at whom", "a heatmap"),
        (288, "compare words", "which plot is meant?"),
        (518, "fill the gap", "“sense”"),
    ):
        drawing.box(1112, y, 290, 104).write(1112, y - 19, name, NORMAL + 3, bold=True)
        drawing.write(1112, y + 21, example, NORMAL + 2)
    return str(drawing)


STEPS = (  # name, how much of what, what goes in, what comes out
    ("1  pre-training", "masses of plain text, no labels", "the plot makes no [MASK]", "“sense”"),
    ("2  fine-tuning", "fewer texts, labelled", "I want my money back.", "“negative”"),
)


def steps() -> str:
    """Pre-training and fine-tuning: two rows, and one BERT that goes from the first to the second."""
    text = " ".join(f"{name}: {much}; {given} goes in, {found} shall come out." for name, much, given, found in STEPS)
    drawing = opened(460, "One BERT, trained twice", f"{text} The second step begins with what the first has learned.")
    for row, (name, much, given, found) in enumerate(STEPS):
        y = 190 + 190 * row
        drawing.write(50, y - 84, name, LARGE, bold=True, anchor="start").write(330, y - 84, much, LARGE, anchor="start")
        drawing.box(250, y, 420, 84, given, size=LARGE).box(700, y, 200, 84, "BERT", size=LARGE, fill=LIT)
        drawing.box(1090, y, 280, 84, found, size=LARGE).arrow((464, y), (596, y)).arrow((804, y), (946, y))
    drawing.arrow((700, 236), (700, 334))
    return str(drawing)


FAMILY = (  # model, month, what it is built of, how it reads, what became of it
    ("ELMo", "February 2018", "LSTM", "both ways, each by itself", "gave way to the other two"),
    ("GPT", "June 2018", "Transformer", "from left to right", "GPT-2 to ChatGPT: they write"),
    ("BERT", "October 2018", "Transformer", "both ways at once", "they read: search, sort, tag"),
)


def family() -> str:
    """ELMo, GPT and BERT in 2018: what each is built of, how it reads, what became of it."""
    text = " ".join(f"{name}, {when}: built of {built}, reads {reads}; {later}." for name, when, built, reads, later in FAMILY)
    drawing = opened(560, "2018: three models that learn from plain text", f"{text} All three learn from plain text first.")
    for x, name in ((340, "built of"), (640, "reads"), (1050, "what became of it")):
        drawing.write(x, 120, name, LARGE)
    for row, (name, when, built, reads, later) in enumerate(FAMILY):
        y = 200 + 120 * row
        drawing.write(60, y - 14, name, LARGE, bold=True, anchor="start").write(60, y + 20, when, NORMAL, INK, "start")
        drawing.box(340, y, 180, 60, built, fill=LIT if built == "Transformer" else None)
        drawing.box(640, y, 320, 60, reads, fill=LIT if name == "BERT" else None)
        drawing.box(1060, y, 380, 60, later, INK)
    drawing.write(60, 520, "Attention as in the Transformer: Vaswani et al., June 2017", NORMAL, INK, "start")
    return str(drawing)


ANCESTORS = (  # name, what was done, by whom
    ("a teacher", "a UniLM v2 as large as BERT-base,", "with twelve layers"),
    ("MiniLM, 12 layers", "learned to look where the", "teacher looks (distilled)"),
    ("6 layers", "every second layer", "was kept"),
    ("all-MiniLM-L6-v2", "trained further on pairs of", "sentences that belong together"),
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
        drawing.write(540, y - 15, first, NORMAL, INK, "start").write(540, y + 15, second, NORMAL, INK, "start")
        if row:
            drawing.arrow((300, y - 72), (300, y - 36))
    drawing.write(1240, 132, "Microsoft", NORMAL, INK, "end").write(1240, 238, "Microsoft, 2020", NORMAL, INK, "end")
    drawing.write(1240, 344, "N. Reimers", NORMAL, INK, "end").write(1240, 450, "2021", NORMAL, INK, "end")
    drawing.write(1240, 556, "this course", NORMAL, INK, "end")
    return str(drawing)


DRAWINGS: dict[str, Callable[[], str]] = {
    "00_bert.svg": bert,
    "00_steps.svg": steps,
    "00_family.svg": family,
    "00_ancestry.svg": ancestry,
}
ANIMATIONS: dict[str, tuple] = {}
