"""The guard of the notebooks: what must hold for each, and that the guard notices where it does not.

nbval, which runs the notebooks themselves, compares outputs. It says nothing of a cell that was never run, of a warning
that was stored, or of a notebook that no longer is what its source says: that is looked at here, without running a cell.
"""

import json
import re
import subprocess
import sys

import build_notebooks
import check
import nbformat
import pytest
from build_notebooks import (
    NOTEBOOKS,
    build,
    complaints_about,
    complaints_about_texts,
    deck_of,
    editions,
    label,
    not_run,
    put_in_place,
    read_source,
    sources,
    target,
    texts_of,
    texts_path,
)
from form import is_new, tags
from guard import complaints, repeated
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

FOLDER = re.compile(r"(?<![\w.])/(?:home|Users|root|tmp|usr|opt|work|mnt)/[\w./-]+|[A-Z]:\\Users")
LARGEST_FILE, LONGEST_CODE, LONGEST_PROSE = 1_000_000, 15, 10


# --- the guard: each function returns complaints, none where all is well ---------------------------------------------


def bad_outputs(notebook):
    """Complain of errors, but where the cell is meant to raise one, and of warnings (all that went to stderr)."""
    complaints = []
    for number, cell in enumerate(notebook.cells, start=1):
        for output in cell.get("outputs", []):
            if output.output_type == "error" and "raises-exception" not in tags(cell):
                complaints.append(f"cell {number}: its output is an error, {output.ename}: {output.evalue}")
            if output.get("name") == "stderr":
                complaints.append(f"cell {number}: its output is a warning: {output.text.strip()}")
            if "image/png" in output.get("data", {}) and not output.metadata.get("image/png", {}).get("alt"):
                complaints.append(f"cell {number}: its picture has no alternative text")
            words = [output.get("text", ""), output.get("data", {}).get("text/plain", ""), *output.get("traceback", [])]
            if found := FOLDER.search(" ".join(words)):
                complaints.append(f"cell {number}: its output names a folder of the machine that made it: {found[0]}")
    return complaints


def prose_lines(markdown):
    """Count the non-blank lines, without tables and without formulas that stand between $$ and $$."""
    text = re.sub(r"\$\$.*?\$\$", "", markdown, flags=re.DOTALL)
    return sum(1 for line in text.splitlines() if line.strip() and not line.lstrip().startswith("|"))


def long_cells(notebook):
    """Complain of cells that hold more than one idea, going by their length."""
    complaints = []
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "code" and (lines := len(cell.source.splitlines())) > LONGEST_CODE:
            complaints.append(f"cell {number}: {lines} lines of code, at most {LONGEST_CODE}")
        if cell.cell_type == "markdown" and (lines := prose_lines(cell.source)) > LONGEST_PROSE:
            complaints.append(f"cell {number}: {lines} lines of prose, at most {LONGEST_PROSE}")
    return complaints


def escapes(notebook):
    """Complain of cells that nbval would not compare: the output may be ignored only where it is HTML or a timing."""
    complaints = []
    for number, cell in enumerate(notebook.cells, start=1):
        html = any("text/html" in output.get("data", {}) for output in cell.get("outputs", []))
        if "nbval-ignore-output" in tags(cell) and not html and "timing" not in tags(cell):
            complaints.append(f"cell {number}: tagged nbval-ignore-output, but neither HTML nor tagged timing")
        if "nbval-skip" in tags(cell) or (cell.cell_type == "code" and re.search(r"#\s*(NBVAL_|PYTEST_VALIDATE)", cell.source)):
            complaints.append(f"cell {number}: nbval may not be told to skip it, nor by a comment to ignore its output")
    return complaints


def file_complaints(path, notebook):
    """Complain of a file that is too large to open quickly, and of stored widgets, which are blank offline."""
    complaints = []
    if (size := path.stat().st_size) > LARGEST_FILE:
        complaints.append(f"{size:,} bytes, at most {LARGEST_FILE:,}")
    if "widgets" in notebook.metadata:
        complaints.append("widgets in the metadata")
    return complaints


def unsolved(notebook):
    """Complain of checks that do not call a solution right."""
    return [
        f"cell {number}: its check does not say that it is right"
        for number, cell in enumerate(notebook.cells, start=1)
        if cell.source.rpartition("\n")[2].startswith("check(")
        and [output.get("data", {}).get("text/plain", "").split(" ")[0] for output in cell.outputs] != ["Right."]
    ]


def unpaired(folder):
    """Complain of sources without a notebook, and of notebooks without a source."""
    made = {label(source, edition) for source in sources(folder) for edition in editions(source)}
    found = [path for part in ("", "exercises", "solutions") for path in (folder / part).glob("*.ipynb")]
    stored = {path.relative_to(folder).as_posix() for path in found}
    return [f"{name}: no notebook for this source" for name in sorted(made - stored)] + [
        f"{name}: no source for this notebook" for name in sorted(stored - made)
    ]


def guard(source, edition="lesson"):
    """Return all complaints about a notebook that a source made."""
    path = target(source, edition)
    if not path.exists():
        return [f"{label(source, edition)} does not exist: make notebooks"]
    notebook = nbformat.read(path, as_version=4)
    found = complaints_about(source, edition) + file_complaints(path, notebook)
    found += unsolved(notebook) if edition == "solutions" else []
    if is_new(notebook) and not found:  # a deck is made from what is in step
        found += complaints(notebook, deck_of(source))
    return found + bad_outputs(notebook) + long_cells(notebook) + escapes(notebook)


def guard_all(source):
    """Return all complaints about everything that a source made."""
    return [complaint for edition in editions(source) for complaint in guard(source, edition)] + complaints_about_texts(source)


# --- the course's own notebooks --------------------------------------------------------------------------------------


def test_every_source_has_its_notebook_and_the_other_way_round():
    assert sources(), "notebooks/src holds no source"
    assert unpaired(NOTEBOOKS) == []


@pytest.mark.parametrize("source", sources(), ids=lambda path: path.stem)
def test_notebook(source):
    assert guard_all(source) == [], "after a change in the source: make notebooks"


def test_every_check_of_the_course_has_a_name_of_its_own():
    assert repeated(read_source(source) for source in sources()) == []


def test_the_map_of_the_course_has_every_page_and_its_minutes():
    """Notebook 00 links each other notebook, once, and gives the time that the page itself gives."""
    start = next(path for path in sources() if path.name.startswith("00"))
    cells = read_source(start).cells
    rows = re.findall(r"^\| (\d\d) \| \[.+?\]\((.+?)\) \| (\d+) \|", "\n".join(cell.source for cell in cells), re.MULTILINE)
    pages = {}
    for source in sources():
        opening = read_source(source).cells[0].source
        time = re.search(r"\*\*Time:\*\* about (\d+) minutes", opening)
        assert time, f"{source.name} does not say how long it takes"
        pages[target(source).name] = time[1]
    del pages[target(start).name]
    assert [(name[:2], name, minutes) for name, minutes in pages.items()] == rows


# --- the guard, on notebooks that are broken on purpose --------------------------------------------------------------

SOURCE = """\
# %% [markdown] slideshow={"slide_type": "slide"}
# # A toy

# %%
1 + 1

# %% tags=["timing", "nbval-ignore-output"]
print("3 ms")
"""


def take_over(notebook, run):
    """A notebook with the outputs of another."""
    assert build_notebooks.take_over_outputs(notebook, run)
    return notebook


def write(notebook, path):
    """Write a notebook to a path."""
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")


@pytest.fixture
def pair(tmp_path):
    """A source and its notebook with outputs, as a build would leave them; returns the source's path and the notebook."""
    source = tmp_path / "src" / "07_toy.py"
    source.parent.mkdir()
    source.write_text(SOURCE)
    notebook = read_source(source)
    _, addition, timing = notebook.cells
    addition.execution_count, timing.execution_count = 1, 2
    addition.outputs = [new_output("execute_result", {"text/plain": "2"}, execution_count=1)]
    timing.outputs = [new_output("stream", text="3 ms\n")]
    write(notebook, target(source))
    return source, notebook


ERROR = new_output("error", ename="ValueError", evalue="no", traceback=[])
BREAKAGES = {
    "its source is not the source's": lambda nb: nb.cells[1].update(source="1 + 2"),
    "its metadata is not the source's": lambda nb: nb.cells[0].metadata.clear(),
    "its cell_type is not the source's": lambda nb: nb.cells.__setitem__(0, nbformat.v4.new_raw_cell("# A toy")),
    "2 cells, the source has 3": lambda nb: nb.cells.pop(),
    "run as [ ], expected [1]": lambda nb: nb.cells[1].update(execution_count=None),
    "run as [1], expected [2]": lambda nb: nb.cells[2].update(execution_count=1),
    "is an error, ValueError: no": lambda nb: nb.cells[1].outputs.append(ERROR),
    "is a warning: hm": lambda nb: nb.cells[1].outputs.append(new_output("stream", name="stderr", text="hm\n")),
    "names a folder of the machine that made it: /home/me/x.py": lambda nb: nb.cells[1].outputs.append(
        new_output("stream", text="File /home/me/x.py, line 3\n")
    ),
    "picture has no alternative text": lambda nb: nb.cells[1].outputs.append(new_output("display_data", {"image/png": "aGk="})),
    "bytes, at most 1,000,000": lambda nb: nb.cells[2].outputs[0].update(text="x" * LARGEST_FILE),
    "widgets in the metadata": lambda nb: nb.metadata.update(widgets={}),
    "16 lines of code": lambda nb: nb.cells[1].update(source="1\n" * 16),
    "11 lines of prose": lambda nb: nb.cells[0].update(source="a line\n\n" * 11),
    "neither HTML nor tagged timing": lambda nb: nb.cells[2].metadata.update(tags=["nbval-ignore-output"]),
    "cell 3: nbval may not be told": lambda nb: nb.cells[2].metadata.update(tags=["nbval-skip"]),
    "cell 2: nbval may not be told": lambda nb: nb.cells[1].update(source="# NBVAL_IGNORE_OUTPUT\n1 + 1"),
}


def test_guard_has_nothing_to_say_of_a_sound_notebook(pair):
    source, _ = pair
    assert guard(source) == []
    assert unpaired(target(source).parent) == []


@pytest.mark.parametrize("complaint", BREAKAGES)
def test_guard_notices(pair, complaint):
    source, notebook = pair
    BREAKAGES[complaint](notebook)
    write(notebook, target(source))
    assert any(complaint in found for found in guard(source)), guard(source)


def test_guard_of_the_new_form_reads_a_page_and_its_deck(pair):
    source, _ = pair
    source.write_text(SOURCE + '\n# %% tags=["check:sum"]\n# checked: it adds\nassert 1 + 1 == 2\n')
    notebook = read_source(source)
    for count, cell in enumerate(notebook.cells[1:], start=1):
        cell.execution_count = count
    put_in_place(notebook, source)
    assert guard(source) == [
        "it has no drawing from figures/",
        "3 cells in view, 40 to 60; a longer page is two",
        "write **Time:** about 2 minutes",
    ]
    source.write_text(source.read_text().replace("# # A toy", "# # A toy\n#\n# " + "word " * 61))
    put_in_place(take_over(read_source(source), notebook), source)
    assert "slide 1, '# A toy\\n\\nword word word word w': 61 words of prose, at most 60" in guard(source)


# --- the guard, on editions of exercises ------------------------------------------------------------------------------

MASTER = """\
# %% [markdown]
# # 07 · A toy

# %% [markdown] tags=["exercises"]
# ## Exercises
#
# Do [them](exercises/07.ipynb).

# %% tags=["exercises"]
class Verdict(str):
    __repr__ = str.__str__


def check(name, answer):
    return Verdict(answer)


# %% [markdown] tags=["exercise:double"]
# ### Twice · ●● · 3 minutes
#
# Write `double`.

# %% [markdown] tags=["hint:double"]
# Add it to itself.


# %% tags=["exercise:double"]
def double(x):
    # solution
    return "Right. " * x
    # instead:
    # return x
    # end of solution


def half(x):
    # solution
    return x / 2
    # end of solution


check("double", double(1))

# %% [markdown] tags=["reason:double"]
# Two are twice one.
"""


@pytest.fixture
def master(tmp_path, monkeypatch):
    """A source with an exercise, and all that a build makes of it."""
    monkeypatch.setattr(build_notebooks, "go_offline", lambda: None)
    source = tmp_path / "notebooks" / "src" / "07_toy.py"
    source.parent.mkdir(parents=True)
    source.write_text(MASTER, encoding="utf-8")
    for edition in editions(source):
        notebook = read_source(source, edition)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        if edition == "solutions":
            right = new_output("execute_result", {"text/plain": "Right. "}, execution_count=2)
            code[0].execution_count, code[1].execution_count, code[1].outputs = 1, 2, [right]
        put_in_place(notebook, source, edition)
    texts_path(source).parent.mkdir(parents=True)
    texts_path(source).write_text(texts_of(source), encoding="utf-8")
    return source


def cells_of(source, edition):
    """What the cells of a stored edition say."""
    return [cell.source for cell in nbformat.read(target(source, edition), as_version=4).cells]


def test_a_master_makes_a_lesson_stubs_solutions_and_texts(master):
    assert guard_all(master) == [] and unpaired(master.parent.parent) == []
    lesson, stubs, solutions = (cells_of(master, edition) for edition in editions(master))
    assert len(lesson) == 2 and lesson[1].endswith("|\n| Twice | ●● | 3 |")
    assert len(stubs) == 4 and stubs[0].startswith("# 07 · A toy: exercises") and stubs[2].startswith("### Twice")
    assert "    return x\n\n\ndef half(x):\n    ...  # your code\n" in stubs[3] and "solution" not in stubs[3]
    assert (
        '    return "Right. " * x\n\n' in solutions[3] and "return x\n" not in solutions[3] and "# solution" not in solutions[3]
    )
    assert solutions[4] == "Two are twice one."
    text = json.loads(texts_path(master).read_text(encoding="utf-8"))["double"]
    assert (text["title"], text["difficulty"], text["minutes"]) == ("Twice", "●●", 3)
    assert text["hints"] == ["Add it to itself."] and "check" not in text["solution"] + text["stub"]


def edit(path, old, new):
    """Change a text in a file."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def forget_run(path):
    """Leave a cell as if it had not been run."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[3].execution_count = None
    write(notebook, path)


BROKEN_EDITIONS = {
    "exercises/07.ipynb does not exist": lambda source: target(source, "exercises").unlink(),
    "solutions/07.ipynb does not exist": lambda source: target(source, "solutions").unlink(),
    "cell 4: its source is not the source's": lambda source: edit(
        target(source, "exercises"), "...  # your code", "return x / 2"
    ),
    "cell 5: its source is not the source's": lambda source: edit(target(source, "solutions"), "are twice one", "are one"),
    "it is not what its source makes": lambda source: edit(target(source, "exercises"), '"outputs": []', '"outputs":  []'),
    "check does not say that it is right": lambda source: edit(target(source, "solutions"), '"Right. "', '"Right, but"'),
    "run as [ ], expected [2]": lambda source: forget_run(target(source, "solutions")),
    "page07.json is not what the exercises of 07_toy.py say": lambda source: edit(texts_path(source), "itself", "another"),
}


@pytest.mark.parametrize("complaint", BROKEN_EDITIONS)
def test_guard_notices_editions_out_of_step(master, complaint):
    BROKEN_EDITIONS[complaint](master)
    assert any(complaint in found for found in guard_all(master)), guard_all(master)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("· ●● · 3 minutes", "· hard", "its first line is not"),
        ('tags=["hint:double"]', "", "one to three hints"),
        ('tags=["reason:double"]', "", "a reason"),
        ('check("double"', 'check("treble"', "as its last line, check"),
        ("# solution", "# my solution", '"# solution"'),
    ],
)
def test_a_master_that_lacks_something_is_not_built(master, capsys, old, new, complaint):
    edit(master, old, new)
    assert build_notebooks.main([], folder=master.parent.parent) == 1
    assert "07_toy.py: exercise double: " in (said := capsys.readouterr().err) and complaint in said


def test_a_change_in_the_master_reaches_all_editions(master, capsys):
    edit(master, "Two are twice one.", "One and one are two.")
    edit(master, "return x / 2", "return 0.5 * x")
    assert build_notebooks.main(["--check"], folder=master.parent.parent) == 1
    assert "page07.json" in capsys.readouterr().err
    assert build_notebooks.main([], folder=master.parent.parent) == 0
    assert guard_all(master) == []
    first = {path: path.read_bytes() for path in master.parents[2].rglob("*07*.*")}
    assert build_notebooks.main(["--force"], folder=master.parent.parent) == 0
    assert {path: path.read_bytes() for path in master.parents[2].rglob("*07*.*")} == first


def test_guard_notices_editions_of_exercises_that_are_gone(master):
    master.write_text("# %% [markdown]\n# # 07 · A toy\n", encoding="utf-8")
    assert unpaired(master.parent.parent) == [
        "exercises/07.ipynb: no source for this notebook",
        "solutions/07.ipynb: no source for this notebook",
    ]
    assert complaints_about_texts(master) == ["page07.json is not what the exercises of 07_toy.py say"]
    assert build_notebooks.main([], folder=master.parent.parent) == 0 and complaints_about_texts(master) == []


def test_guard_notices_what_has_no_partner(pair):
    source, _ = pair
    target(source).rename(target(source).with_name("08_other.ipynb"))
    assert guard(source) == ["07_toy.ipynb does not exist: make notebooks"]
    assert unpaired(source.parent.parent) == [
        "07_toy.ipynb: no notebook for this source",
        "08_other.ipynb: no source for this notebook",
    ]


def test_a_picture_is_described_by_its_heading_and_what_was_printed():
    printed = new_output("stream", text='cats look\nmost at "mice"\n')
    first, second = (new_output("display_data", {"image/png": "aGk="}) for _ in range(2))
    cells = [new_markdown_cell("# Page\n\n## 2. A <head>"), new_code_cell("draw()", outputs=[printed, first])]
    cells += [new_markdown_cell("no heading"), new_code_cell("draw()", outputs=[second])]
    build_notebooks.describe_pictures(nbformat.v4.new_notebook(cells=cells))
    alts = [picture.metadata["image/png"]["alt"] for picture in (first, second)]
    assert alts == ['2. A <head>: cats look most at "mice"', "2. A <head>"]


def test_guard_lets_pass_what_is_meant():
    raising = new_code_cell("1 / 0", metadata={"tags": ["raises-exception"]}, outputs=[ERROR])
    html = new_output("display_data", {"text/html": "<b>x</b>"})
    drawing = new_code_cell("draw()", metadata={"tags": ["nbval-ignore-output"]}, outputs=[html])
    table = new_markdown_cell("| a | b |\n" * 20 + "$$\n" + "x\n" * 20 + "$$\n" + "ten lines\n" * 10)
    notebook = nbformat.v4.new_notebook(cells=[raising, drawing, table])
    assert bad_outputs(notebook) + escapes(notebook) + long_cells(notebook) == []


# --- nbval, and what it leaves to the guard --------------------------------------------------------------------------


def test_nbval_compares_what_was_run_and_passes_what_was_not(pair):
    source, notebook = pair
    folder = source.parent.parent
    notebook.cells[1].outputs[0].data["text/plain"] = "3"
    write(notebook, folder / "08_changed.ipynb")
    notebook.cells[1].update(execution_count=None, outputs=[])
    write(notebook, folder / "09_never_run.ipynb")
    command = [*check.PYTEST, "--nbval", "-rA", "-p", "no:cacheprovider"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240)
    assert run.returncode == 1, run.stdout + run.stderr
    assert "PASSED 07_toy.ipynb::Cell 0" in run.stdout
    assert "FAILED 08_changed.ipynb::Cell 0" in run.stdout
    assert "PASSED 09_never_run.ipynb::Cell 0" in run.stdout
    assert not_run(notebook) == ["cell 2: run as [ ], expected [1]"]


# --- building --------------------------------------------------------------------------------------------------------


@pytest.fixture
def rebuild(pair, monkeypatch):
    """A function that runs the builder on the toy with the given options, in the network that the tests have."""
    monkeypatch.setattr(build_notebooks, "go_offline", lambda: None)
    return lambda *options: build_notebooks.main(options, folder=pair[0].parent.parent)


def test_building_twice_gives_the_same_file(pair):
    source, _ = pair
    source.write_text(SOURCE + '\n# %%\nprint("a")\nprint("b")\n')
    build(source)
    first = target(source).read_bytes()
    build(source)
    assert target(source).read_bytes() == first
    assert guard(source) == []
    notebook = nbformat.reads(first.decode(), as_version=4)
    nbformat.validate(notebook)
    assert [len(cell.outputs) for cell in notebook.cells[1:]] == [1, 1, 1]
    assert notebook.metadata == build_notebooks.KERNEL


def test_a_failing_cell_is_named_and_the_old_notebook_stays(pair, rebuild, capsys):
    source, _ = pair
    before = target(source).read_bytes()
    source.write_text(SOURCE.replace("1 + 1", "1 / 0"))
    assert rebuild("--check") == 1
    assert "07_toy.ipynb: cell 2: its source is not the source's" in capsys.readouterr().err
    assert rebuild() == 1
    said = capsys.readouterr().err
    assert "07_toy.ipynb, cell 2" in said and "ZeroDivisionError" in said
    assert target(source).read_bytes() == before


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what another process holds")
def test_a_notebook_that_holds_too_much_is_not_built(pair, rebuild, capsys, monkeypatch):
    source, _ = pair
    before = target(source).read_bytes()
    source.write_text(SOURCE.replace("1 + 1", "held = bytearray(300_000_000)\ndel held\n1 + 1"))
    monkeypatch.setattr(build_notebooks, "MOST_MEMORY", 300)
    assert rebuild() == 1
    found = re.search(r"07_toy.ipynb, its kernel held (\d+) MB, at most 300", capsys.readouterr().err)
    assert found and 300 < int(found[1]) < 600
    assert target(source).read_bytes() == before
    monkeypatch.setattr(build_notebooks, "MOST_MEMORY", 600)
    assert rebuild() == 0
    assert re.search(r"07_toy.ipynb: \d+ s, [3-5]\d\d MB", capsys.readouterr().out)


def test_a_change_of_prose_alone_keeps_the_outputs(pair, rebuild, capsys):
    source, notebook = pair
    notebook.cells[1].outputs[0].data["text/plain"] = "as stored"
    write(notebook, target(source))
    source.write_text(SOURCE.replace("# # A toy", "# # A better toy") + "\n# %% [markdown]\n# The end.\n")
    assert rebuild() == 0
    assert "only its prose has changed" in capsys.readouterr().out
    assert guard(source) == []
    rebuilt = nbformat.read(target(source), as_version=4)
    assert rebuilt.cells[1].outputs[0].data["text/plain"] == "as stored"
    source.write_text(source.read_text().replace("1 + 1", "1 + 2"))
    assert rebuild() == 0
    assert nbformat.read(target(source), as_version=4).cells[1].outputs[0].data["text/plain"] == "3"


def test_a_notebook_that_agrees_is_skipped(pair, rebuild, capsys):
    assert rebuild("--only", "07") == 0
    assert "07_toy.ipynb: agrees with its source, skipped" in capsys.readouterr().out
    assert rebuild("--check") == 0
    assert rebuild("--only", "99") == 2
    assert "begins with 99" in capsys.readouterr().err
