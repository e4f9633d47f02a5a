"""The guard of pages in the new form: it has nothing to say of a sound page, and notices whatever is broken on purpose."""

import guard
import pytest
from build_notebooks import read_source, sources
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

PICTURE = new_output("display_data", {"image/png": "aGk="}, metadata={"image/png": {"alt": "it goes up"}})
OPENING = "# 07 · A toy\n\n![Two dots](figures/07_dots.svg)\n\n**Time:** about 14 minutes, and 9 more for the exercises."
EXERCISES = "| exercise | difficulty | minutes |\n| --- | --- | --- |\n| a sum | ● | 4 |\n| a product | ●●● | 5 |"


def printed(text):
    """The output of a cell that prints."""
    return [new_output("stream", text=text)]


def placed(kind, cell):
    """A cell with its part in the deck."""
    cell.metadata["slideshow"] = {"slide_type": kind}
    return cell


def page():
    """A sound page: 31 cells of Markdown, one of them notes, and 11 of code, one of them a check; its deck has three slides."""
    cells = [
        placed("slide", new_markdown_cell(OPENING)),
        placed("notes", new_markdown_cell("Let them guess.")),
        placed("skip", new_code_cell("guess = None  # your number\nguess_of_another = None")),
        placed("slide", new_code_cell("print(guess, guess_of_another, 4)", outputs=printed("None None 4\n"))),
        placed("-", new_markdown_cell("## Four")),
        placed("skip", new_code_cell("assert [1] == [1]  # a sum", metadata={"tags": ["teaches"]}, outputs=printed("0.5\n"))),
        placed("subslide", new_code_cell("draw()", metadata={"tags": ["show-code"]}, outputs=[PICTURE])),
        placed("fragment", new_markdown_cell("- " + "word " * 70 + "\n\n$$\n" + "x " * 70 + "\n$$\n\n" + "word " * 60)),
        placed("skip", new_code_cell("# checked: it is so\nassert True", metadata={"tags": ["check:so", "check"]})),
    ]
    cells += [placed("skip", new_markdown_cell("word " * 10)) for _ in range(27)]
    cells += [placed("skip", new_markdown_cell(EXERCISES, metadata={"tags": ["exercises"]}))]
    cells += [placed("skip", new_code_cell("1 + 1", outputs=printed("mask: [True, False]\n"))) for _ in range(7)]
    return new_notebook(cells=cells)


def complaints(notebook):
    """What the guard says of a page whose deck has the same cells."""
    return guard.complaints(notebook, notebook)


def say(number, **changes):
    """A change of a cell."""
    return lambda notebook: notebook.cells[number].update(**changes)


def tag(number, *tags):
    """Other tags for a cell."""
    return lambda notebook: notebook.cells[number].metadata.update(tags=[*tags])


def put(number, kind):
    """Another place in the deck for a cell."""
    return lambda notebook: placed(kind, notebook.cells[number])


def add(count):
    """More cells in view."""
    return lambda notebook: notebook.cells.extend(placed("skip", new_markdown_cell("x")) for _ in range(count))


def lend(notebook):
    """A check that makes what others may want: by a loop, a function and an import."""
    code = "# checked: it is so\nfrom x import sums\n\n\ndef f(a):\n    return a\n\n\nfor rest in [1]:\n    assert rest"
    notebook.cells[8].source = code


BREAKAGES = [
    ("cell 9: a check's first line is for readers", say(8, source="assert True")),
    ("cell 9: a check that asserts nothing", say(8, source="# checked: it is so\nprint('assert')")),
    ("cell 9: a check that prints", say(8, outputs=printed("so\n"))),
    ("cell 4: it prints a verdict", say(3, outputs=printed("True"))),
    ("cell 4: it prints a verdict", say(3, outputs=printed("4\nwithin 0.3 of it: True\n"))),
    ("cell 4: it prints a verdict", say(3, outputs=[new_output("execute_result", {"text/plain": "False"})])),
    (
        "cell 4: it prints a verdict or an object",
        say(3, outputs=[new_output("execute_result", {"text/plain": "Text(8.1, 5.85, 'a')"})]),
    ),
    (
        "cell 4: it prints a verdict or an object",
        say(3, outputs=[new_output("execute_result", {"text/plain": "[<Line2D at 0x7f1>]"})]),
    ),
    ("cell 7: it draws and asserts", say(6, source="draw()\nassert 1")),
    ("cell 6: it prints and asserts", tag(5)),
    ("7 asserts in view, at most 6", say(5, source="assert 1\n" * 7)),
    ("cell 3: 11 lines of code in view, at most 10", say(2, source="x = 1\n\n" * 11)),
    ("cell 1: a picture without alternative text", say(0, source=OPENING.replace("Two dots", " "))),
    ("it has no drawing from figures/", say(0, source=OPENING.replace("figures/", "pictures/"))),
    ("39 cells in view, 40 to 60", lambda notebook: notebook.cells.__delitem__(slice(-3, None))),
    ("61 cells in view, 40 to 60", add(19)),
    ("write **Time:** about 14 minutes", say(0, source=OPENING.replace("14", "17"))),
    ("write **Time:** about 14 minutes", say(0, source=OPENING.replace("14", "11"))),
    ("write **Time:** about 14 minutes", say(0, source=OPENING.replace("**Time:**", "Time:"))),
    ("write: 9 more for the exercises", say(0, source=OPENING.replace(" 9 more", " 8 more"))),
    ("cell 7: what it prints differs from run to run", tag(6, "show-code", "timing")),
    ("cell 7: what it prints differs", lambda notebook: [tag(6, "timing")(notebook), say(6, source="took = 1")(notebook)]),
    ("write: 9 more for the exercises", say(0, source=OPENING.replace(", and 9 more for the exercises", ""))),
    ("after guess = None does not use it", say(3, source="print(guess_of_another)")),
    ("after guess_of_another = None does not use it", say(3, source="print(guess)")),
    ("after guess = None does not use it", say(-1, source="guess = None")),
    (
        "cell 38: rest, sums comes out of a check",
        lambda notebook: [lend(notebook), say(37, source="print(sums(rest))")(notebook)],
    ),
    ("slide 2, 'print(guess, guess_of_another,': neither a heading nor a picture", say(4, source="Four")),
    ("slide 2, '## Four': a title alone", lambda notebook: [put(3, "skip")(notebook), put(4, "slide")(notebook)]),
    ("slide 2, 'print(guess, guess_of_another,': more than one cell of code", put(5, "fragment")),
    ("slide 3, 'draw()\\nimport torch': code with an assert or an import", say(6, source="draw()\nimport torch")),
    ("slide 3, 'draw()\\nassert 1': code with an assert or an import", say(6, source="draw()\nassert 1")),
    ("slide 3, 'draw()': a picture without alternative text", say(7, source="![](figures/07_dots.svg)")),
    ("slide 3, 'draw()': 61 words of prose, at most 60", say(7, source="word " * 61)),
]


def test_guard_has_nothing_to_say_of_a_sound_page():
    assert complaints(page()) == []


@pytest.mark.parametrize(("complaint", "change"), BREAKAGES)
def test_guard_notices(complaint, change):
    notebook = page()
    change(notebook)
    assert any(complaint in found for found in complaints(notebook)), complaints(notebook)


def test_code_in_view_may_make_again_what_a_check_made():
    notebook = page()
    lend(notebook)
    say(37, source="def f(a):\n    return a\n\n\nprint([f(rest) for rest in range(3)])")(notebook)
    assert complaints(notebook) == []


def test_guard_has_nothing_to_say_of_a_page_in_the_old_form():
    assert complaints(new_notebook(cells=page().cells[3:8])) == []


def test_guard_notices_a_name_that_two_checks_have():
    assert guard.repeated([page()]) == []
    assert guard.repeated([page(), page()]) == ["check:so stands 2 times in the course"]


def test_words_are_those_that_one_reads():
    assert guard.words("![alt text](a/b.svg) It's **well-read**: $x + y$, [a link](https://x.org/y) <b>twice</b>.") == 5
    assert guard.words("$$\n\\frac{a}{b}\n$$\n\nNo more") == 2


def test_the_slides_of_a_deck_are_those_of_nbconvert():
    """What stands before the first slide begins one; notes and what is skipped are on none."""
    kinds = ["skip", "-", "notes", "fragment", "subslide", "-", "slide"]
    cells = [placed(kind, new_markdown_cell(str(number))) for number, kind in enumerate(kinds)]
    found = guard.grouped(new_notebook(cells=cells))
    assert [[cell.source for cell in slide] for slide in found] == [["1", "3"], ["4", "5"], ["6"]]


def test_minutes_can_be_asked_of_any_page_of_the_course():
    assert all(guard.minutes(read_source(source)) > 5 for source in sources())


def test_a_check_of_what_differs_between_processors_names_what_was_computed():
    """A timing without the check behind it, or with one of something else, is told; with one of its own it is not."""
    notebook = page()
    timing = placed("skip", new_code_cell("took = 3.1\nprint(took)", metadata={"tags": ["timing", "nbval-ignore-output"]}))
    timing.outputs = printed("3.1\n")
    check = placed(
        "skip", new_code_cell("# checked: it is quick\nassert took < 60", metadata={"tags": ["check:quick", "check"]})
    )
    notebook.cells[9:10] = [timing, check]
    assert complaints(notebook) == []
    check.source = "# checked: it is quick\ntook = 1\nassert 3 < 60"
    assert [found for found in complaints(notebook) if "differs from run to run" in found] != []
