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
import course
import nbformat
import pytest
import stamps
from build_notebooks import (
    NOTEBOOKS,
    build,
    complaints_about,
    complaints_about_texts,
    editions,
    faults_of_deck,
    faults_of_source,
    label,
    not_run,
    put_in_place,
    read_source,
    sources,
    target,
    texts_of,
    texts_path,
)
from cells import LARGEST_FILE, bad_outputs, long_cells, not_compared, of_outputs
from guard import repeated
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

# --- the guard: each function returns complaints, none where all is well ---------------------------------------------


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
    notebook, out_of_step = nbformat.read(path, as_version=4), complaints_about(source, edition)
    found = faults_of_source(notebook, edition) + of_outputs(notebook, path.stat().st_size, edition == "solutions")
    if not out_of_step:  # a deck is made from what is in step
        found += faults_of_deck(notebook, source, edition)
    return list(dict.fromkeys(out_of_step + found))


def guard_all(source):
    """Return all complaints about everything that a source made."""
    return [complaint for edition in editions(source) for complaint in guard(source, edition)] + complaints_about_texts(source)


# --- the course's own notebooks --------------------------------------------------------------------------------------


def test_every_source_has_its_notebook_and_the_other_way_round():
    assert sources(), "notebooks/src holds no source"
    if found := unpaired(NOTEBOOKS):
        pytest.fail("\n".join([*found, "make notebooks builds what has a source; delete what has none"]), pytrace=False)


@pytest.mark.parametrize("source", sources(), ids=lambda path: path.stem)
def test_notebook(source):
    if found := guard_all(source):
        number = source.name[:2]
        remedy = (
            f"mend it in {source.relative_to(NOTEBOOKS.parent)}, then: make notebooks ONLY={number}, make check ONLY={number}"
        )
        pytest.fail("\n".join([f"page {number}:", *found, remedy]), pytrace=False)


def test_every_check_of_the_course_has_a_name_of_its_own():
    if found := repeated(read_source(source) for source in sources()):
        pytest.fail("\n".join([*found, "give each check in notebooks/src a name of its own"]), pytrace=False)


def test_the_map_of_the_course_has_every_page_and_its_minutes():
    """Notebook 00 links each other notebook, once, and gives the time that the page itself gives."""
    start = next(path for path in sources() if path.name.startswith("00"))
    text = "\n".join(cell.source for cell in read_source(start).cells)
    assert course.MARK not in text
    for source in set(sources()) - {start}:
        minutes = re.search(r"\*\*Time:\*\* about (\d+) minutes", read_source(source).cells[0].source)
        assert minutes, f"{source.name} does not say how long it takes: **Time:** about NN minutes"
        row = rf"^\| {source.name[:2]} \| \[[^\]]+\]\({target(source).name}\) \| {minutes[1]} \|"
        assert len(re.findall(row, text, re.MULTILINE)) == 1, f"page 00 has no row, or two, for {source.name}: tools/course.py"


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
    "bytes, at most 1,500,000": lambda nb: nb.cells[2].outputs[0].update(text="x" * LARGEST_FILE),
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
        "cell 3: what it prints differs from run to run; let a check follow that names a variable of it",
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
    assert build_notebooks.main(["--stamp"], folder=source.parent.parent) == 0
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
    assert bad_outputs(notebook) + not_compared(notebook) + long_cells(notebook) == []


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
    assert notebook.metadata == build_notebooks.KERNEL | {"bertnotes": {"code": stamps.digest([])}}


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
    source.write_text(source.read_text().replace("1 + 1", "1 + 1  # two").replace("# The end.", "# The very end."))
    assert rebuild() == 0
    assert guard(source) == []
    rebuilt = nbformat.read(target(source), as_version=4)
    assert rebuilt.cells[1].outputs[0].data["text/plain"] == "as stored"
    source.write_text(source.read_text().replace("1 + 1", "1 + 2"))
    assert rebuild() == 0
    assert nbformat.read(target(source), as_version=4).cells[1].outputs[0].data["text/plain"] == "3"


TIMED = """\
# %%
import time

# %% tags=["timing", "nbval-ignore-output"]
print(time.time_ns())

# %% [markdown]
# The end.

# %%
print("last")
"""


def test_a_timing_stays_until_what_comes_before_it_changes_or_it_is_measured_anew(pair, rebuild):
    source, _ = pair

    def timing(text, *options):
        source.write_text(text)
        assert rebuild(*options) == 0
        return nbformat.read(target(source), as_version=4).cells[1].outputs[0].text

    first = timing(TIMED)
    assert timing(TIMED.replace('print("last")', 'print("later")').replace("import time", "import time  # a comment")) == first
    second = timing(TIMED.replace("import time", "import time as other\nimport time"))
    assert second != first
    forced = timing(source.read_text(), "--force")
    assert forced != second
    notebook = nbformat.read(target(source), as_version=4)
    notebook.metadata["bertnotes"]["code"] = "of another library"
    write(notebook, target(source))
    assert timing(source.read_text().replace('print("last")', 'print("least")')) != forced


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("1 + 1", "1 / 0\n" * 16, "cell 2: 16 lines of code, at most 15"),  # told before it is run
        ("1 + 1", "import sys\n\nprint('hm', file=sys.stderr)", "cell 2: its output is a warning: hm"),
        ("# # A toy", "# # A toy\n" + "#\n# a line\n" * 11, "cell 1: 12 lines of prose, at most 10"),  # outputs would stay
    ],
)
def test_what_the_guard_rejects_is_not_built(pair, rebuild, capsys, old, new, said):
    source, _ = pair
    before = target(source).read_bytes()
    source.write_text(SOURCE.replace(old, new))
    assert rebuild() == 1
    told = capsys.readouterr().err
    assert told.startswith("07_toy.ipynb, not replaced, for the tests would reject it:\n") and said in told
    assert target(source).read_bytes() == before and "ZeroDivisionError" not in told


def test_outputs_that_hold_are_stamped_and_nothing_else_changes(pair, rebuild, capsys):
    source, _ = pair
    assert build_notebooks.out_of_step(source) == ["code"]
    before = target(source).read_text().splitlines()
    assert rebuild("--stamp") == 0 and "07_toy.ipynb: now rests on today's code" in capsys.readouterr().out
    after = target(source).read_text().splitlines()
    assert [line.strip() for line in after if line not in before] == ['"bertnotes": {', f'"code": "{stamps.digest([])}"']
    assert build_notebooks.out_of_step(source) == []
    assert rebuild("--stamp") == 0 and target(source).read_text().splitlines() == after
    source.write_text(SOURCE.replace("1 + 1", "1 + 2"))
    assert rebuild("--stamp") == 1 and "is not what its source makes; first: make notebooks" in capsys.readouterr().err


def test_a_source_that_is_elsewhere_altogether_is_told_in_a_few_lines(pair):
    source, _ = pair
    source.write_text("# %% [markdown]\n# New.\n\n" + SOURCE)
    found = complaints_about(source)
    assert found[0] == "3 cells, the source has 4" and len(found) == 6 and found[-1].startswith("and ")


def test_a_notebook_that_agrees_is_skipped(pair, rebuild, capsys):
    assert rebuild("--only", "07") == 0
    assert "07_toy.ipynb: agrees with its source, skipped" in capsys.readouterr().out
    assert rebuild("--check") == 0
    assert rebuild("--only", "99") == 2
    assert "begins with 99" in capsys.readouterr().err
