"""Make notebooks/NN_name.ipynb from notebooks/src/NN_name.py (jupytext py:percent), with the outputs of a fresh kernel.

From the exercises in a source: notebooks/exercises/NN.ipynb, not run; notebooks/solutions/NN.ipynb; what `hint` shows. What the
tags of a cell mean stands in form.py.

    python tools/build_notebooks.py [--only 07] [--force] [--check] [--stamp]

The same source gives the same file, byte for byte: nothing random and nothing about the time or the machine is kept. How long
a notebook took and how much memory its kernel held is printed; one that held too much is not built. What it rests on stands in
its metadata, a line for each kind (stamps.py), so that stale.py can tell; --stamp says that stored outputs hold as they are.
"""

import argparse
import base64
import hashlib
import os
import re
import sys
import time
from collections import Counter

import cells
import course
import exercises
import form
import guard
import jupytext
import nbformat
from check import ROOT, go_offline
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from stamps import bare, code_of, stamp

from bertnotes.experiments.meter import peak_of_process
from bertnotes.files import write_whole
from bertnotes.pictures.style import small_png

NOTEBOOKS = ROOT / "notebooks"
KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},  # no version: it would change with the machine
}
KERNEL_OPTIONS = [
    "--log-level=ERROR",  # or each kernel warns that it listens on loopback
    "--InlineBackend.figure_formats=retina",  # a projector shows pictures large: twice the pixels, at the same size in a page
]
MOST_MEMORY = 1500  # MB that a kernel may hold; Binder gives 2 GB to JupyterLab and all its kernels
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def sources(folder=NOTEBOOKS, only=()):
    """Return the paths of the text sources, in order; `only` holds beginnings of their names, such as "07"."""
    found = sorted((folder / "src").glob("[0-9]*.py"))
    return [path for path in found if not only or path.name.startswith(tuple(only))]


def target(source, edition="lesson"):
    """Return the path of the notebook that a source makes: the lesson, or the "exercises" or "solutions" of it."""
    folder = source.parent.parent
    return folder / f"{source.stem}.ipynb" if edition == "lesson" else folder / edition / f"{source.stem[:2]}.ipynb"


def texts_path(source):
    """Return the path where the library keeps the texts of a page's exercises."""
    return source.parents[2] / "bertnotes" / "exercises" / f"page{source.stem[:2]}.json"


def editions(source):
    """Name the editions that a source makes."""
    return ("lesson", "exercises", "solutions") if exercises.has_exercises(read_master(source)) else ("lesson",)


def read_source(path, edition="lesson"):
    """Read an edition of a text source, or its "slides", as a notebook with no outputs, whose cell ids come from what the cells
    say."""
    master = read_master(path)
    if edition in ("exercises", "solutions"):
        notebook = exercises.edition(master, path, edition == "solutions")
    else:
        notebook = form.shaped(exercises.lesson(master), path, edition == "slides")
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen = Counter()
    for cell in notebook.cells:
        digest = hashlib.sha256(f"{cell.cell_type}:{cell.source}".encode()).hexdigest()[:8]
        cell.id = f"{digest}-{seen[digest]}"
        seen[digest] += 1
    return notebook


def read_master(path):
    """Read a text source with everything that is made from it."""
    notebook = jupytext.read(path, fmt="py:percent")
    header = {key: value for key, value in notebook.metadata.items() if key not in {"jupytext", *KERNEL}}
    notebook.metadata = nbformat.from_dict({**header, **KERNEL})
    for cell in notebook.cells:
        cell.source = cell.source.strip("\n")
        cell.metadata.pop("question", None)  # for the tables alone
        if course.MARK in cell.source:
            cell.source = cell.source.replace(course.MARK, course.course_table(path.parent, skip=[path.name[:2]]))
        cell.metadata.pop("lines_to_next_cell", None)  # blank lines between cells of the source are no business of a reader's
    return notebook


def differences(expected, stored):
    """Say where a stored notebook departs from its source: number, type, text and metadata of the cells. Returns complaints."""
    complaints = []
    if len(expected.cells) != len(stored.cells):
        complaints.append(f"{len(stored.cells)} cells, the source has {len(expected.cells)}")
    for number, (wanted, cell) in enumerate(zip(expected.cells, stored.cells, strict=False), start=1):
        complaints += [
            f"cell {number}: its {part} is not the source's"
            for part in ("cell_type", "source", "metadata")
            if wanted[part] != cell[part]
        ]
    return complaints if len(complaints) <= 6 else [*complaints[:5], f"and {len(complaints) - 5} more"]


def not_run(notebook):
    """Say which code cells were not run in order 1, 2, 3, ... Returns complaints."""
    code = [(number, cell) for number, cell in enumerate(notebook.cells, start=1) if cell.cell_type == "code"]
    return [
        f"cell {number}: run as [{cell.execution_count or ' '}], expected [{count}]"
        for count, (number, cell) in enumerate(code, start=1)
        if cell.execution_count != count
    ]


def complaints_about(source, edition="lesson"):
    """Say what a stored notebook lacks to be what its source would make, as far as can be told without running it."""
    path = target(source, edition)
    if not path.exists():
        return [f"{path.name} does not exist"]
    stored, expected = nbformat.read(path, as_version=4), read_source(source, edition)
    if edition == "exercises":  # nothing is run, so every letter can be told
        found = differences(expected, stored)
        return found or ["it is not what its source makes"] * (path.read_text(encoding="utf-8") != as_text(expected))
    return differences(expected, stored) + not_run(stored)


def complaints_about_texts(source):
    """Say whether the texts that the library keeps are those of the exercises in a source."""
    path = texts_path(source)
    stored = path.read_text(encoding="utf-8") if path.exists() else ""
    return [] if stored == texts_of(source) else [f"{path.name} is not what the exercises of {source.name} say"]


def texts_of(source):
    """Return the texts of the exercises in a source as JSON, "" where it has none."""
    try:
        return exercises.stored_texts(read_master(source)) if "exercises" in editions(source) else ""
    except ValueError as error:
        raise ValueError(f"{source.name}: {error}") from None


def execute(notebook, folder):
    """Run every cell in a fresh kernel whose working folder is `folder`; a RuntimeError names the cell that failed. Returns the
    most memory that the kernel held, in MB, None where the system does not say."""
    running, held = 0, None

    def begin(cell, cell_index):
        nonlocal running
        running = cell_index

    def end(cell, cell_index, execute_reply):
        nonlocal held
        held = peak_of_process(client.km.provisioner.pid)

    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        extra_arguments=KERNEL_OPTIONS,
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        on_cell_start=begin,
        on_cell_executed=end,
    )
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        message = COLOURS.sub("", str(error))
        raise RuntimeError(f"cell {running + 1}: {type(error).__name__}\n{message}") from None
    return held


def shrink_pictures(notebook):
    """Store pictures in a third of the bytes; they look the same."""
    for data in (output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])):
        if "image/png" in data:
            data["image/png"] = base64.b64encode(small_png(base64.b64decode(data["image/png"]))).decode()


def describe_pictures(notebook):
    """Give each picture an alternative text, which an HTML export and a deck have beside it: the heading that it stands under
    and what its cell printed."""
    heading = ""
    for cell in notebook.cells:
        lines = [line for line in cell.source.splitlines() if line.startswith("#")] if cell.cell_type == "markdown" else []
        heading = lines[-1].lstrip("# ") if lines else heading
        outputs = cell.get("outputs", [])
        printed = " ".join("".join(output.get("text", "") for output in outputs).split())
        for output in outputs:
            if "image/png" in output.get("data", {}):
                size = output.metadata.get("image/png", {})
                output.metadata["image/png"] = size | {"alt": f"{heading}: {printed}" if printed else heading}


def stored_at(path):
    """The notebook at a path; an empty one where there is none."""
    return nbformat.read(path, as_version=4) if path.exists() else nbformat.v4.new_notebook()


def code_cells(notebook):
    """The cells of code of a notebook."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def does_the_same(cell, stored):
    """Whether code differs from the stored one in comments and layout alone; where an error shows its lines, in nothing."""
    shows_lines = any(output.output_type == "error" for output in stored.outputs)
    return cell.source == stored.source or (not shows_lines and bare(cell.source) == bare(stored.source))


def keep_timings(notebook, stored):
    """Leave what a cell tagged `timing` printed as it is stored, where the code up to it does the same."""
    for cell, old in zip(code_cells(notebook), code_cells(stored), strict=False):
        if not does_the_same(cell, old):
            return
        if "timing" in form.tags(cell) and old.execution_count == cell.execution_count:
            cell.outputs = old.outputs


def take_over_outputs(notebook, stored):
    """Give a notebook the outputs of another, if that one ran the same code. Returns whether it did."""
    old, new = code_cells(stored), code_cells(notebook)
    if not old or len(old) != len(new) or not all(map(does_the_same, new, old)) or not_run(stored):
        return False
    for cell, run in zip(new, old, strict=True):
        cell.outputs, cell.execution_count = run.outputs, run.execution_count
    return True


def deck_of(source, lesson=None):
    """What the deck of a page is made of: the cells of its source, with the outputs of its lesson, by default the stored one.
    Raises ValueError where that one ran other code."""
    notebook = read_source(source, "slides")
    if not take_over_outputs(notebook, lesson or stored_at(target(source))):
        raise ValueError(f"{target(source).name} was not made from {source.name} as it is; first: make notebooks")
    return notebook


def build(source, edition="lesson", force=False):
    """Run a source and put the notebook in place in one step: a run that fails leaves the old one whole. Stored timings stay,
    but by force, or where the page rests on something else than they did. Returns the most memory that it held, in MB, None
    where the system does not say; a RuntimeError where that is more than MOST_MEMORY."""
    notebook = read_source(source, edition)
    refuse(faults_of_source(notebook, edition))
    rests = stamp(code_of(notebook))  # as it is when the cells are run
    target(source, edition).parent.mkdir(exist_ok=True)
    held = execute(notebook, target(source, edition).parent)
    if held is not None and held > MOST_MEMORY:
        raise RuntimeError(f"its kernel held {held:,} MB, at most {MOST_MEMORY:,}; let go of what it no longer needs")
    shrink_pictures(notebook)
    stored = stored_at(target(source, edition))
    if not force and stored.metadata.get("bertnotes") == rests:
        keep_timings(notebook, stored)
    finish(notebook, source, edition, rests)
    refuse(faults_of_outputs(notebook, source, edition))
    store(notebook, target(source, edition))
    return held


def faults_of_source(notebook, edition="lesson"):
    """What is wrong with a notebook before it is run. Returns complaints."""
    return cells.of_source(notebook) + (guard.complaints(notebook, nbformat.v4.new_notebook()) if edition == "lesson" else [])


def faults_of_deck(notebook, source, edition="lesson"):
    """What is wrong with a page in the new form, or with its deck. Returns complaints."""
    return guard.complaints(notebook, deck_of(source, notebook)) if edition == "lesson" and form.is_new(notebook) else []


def faults_of_outputs(notebook, source, edition="lesson"):
    """What is wrong with a notebook that was run. Returns complaints."""
    size = len(as_text(notebook).encode())
    return cells.of_outputs(notebook, size, edition == "solutions") + faults_of_deck(notebook, source, edition)


def refuse(faults):
    """RuntimeError with the faults, where there are any: what builds is what passes."""
    if faults:
        raise RuntimeError("\n  ".join(["not replaced, for the tests would reject it:", *faults]))


def as_text(notebook):
    """A notebook as its file."""
    return nbformat.writes(notebook) + "\n"


def put_in_place(notebook, source, edition="lesson"):
    """Write a notebook with its outputs, in one step."""
    finish(notebook, source, edition, stored_at(target(source, edition)).metadata.get("bertnotes"))
    store(notebook, target(source, edition))


def finish(notebook, source, edition, rests=None):
    """Give a notebook what its file has beside cells and outputs. rests: what these rest on, if that is known."""
    describe_pictures(notebook)
    notebook.metadata = read_source(source, edition).metadata  # running it has put the interpreter's version there
    if rests:
        notebook.metadata["bertnotes"] = rests


def store(notebook, path):
    """Write a notebook to a path, in one step."""
    path.parent.mkdir(exist_ok=True)
    unfinished = path.with_suffix(".ipynb.new")
    unfinished.write_text(as_text(notebook), encoding="utf-8", newline="\n")
    os.replace(unfinished, path)


def label(source, edition):
    """How a notebook is called in messages."""
    return target(source, edition).relative_to(source.parent.parent).as_posix()


def check(paths):
    """Print where stored notebooks and sources disagree; returns the exit status."""
    made = [(path, edition) for path in paths for edition in editions(path)]
    wrong = [f"{label(*one)}: {complaint}" for one in made for complaint in complaints_about(*one)]
    wrong += [complaint for path in paths for complaint in complaints_about_texts(path)]
    print("\n".join(wrong) or f"{len(paths)} notebooks agree with their sources", file=sys.stderr if wrong else sys.stdout)
    return 1 if wrong else 0


def out_of_step(source, edition="lesson"):
    """The kinds of things, of those that a stored notebook rests on, that are no longer as they were when it was run."""
    then, now = stored_at(target(source, edition)).metadata.get("bertnotes", {}), stamp(code_of(read_source(source, edition)))
    return sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))


def that_are_run(paths):
    """[(source, edition)] of the notebooks that have outputs."""
    return [(path, edition) for path in paths for edition in editions(path) if edition != "exercises"]


def stamp_all(paths):
    """Say in stored notebooks that their outputs hold for what is there today. Returns the exit status."""
    status = 0
    for path, edition in that_are_run(paths):
        if complaints_about(path, edition):
            print(f"{label(path, edition)} is not what its source makes; first: make notebooks", file=sys.stderr)
            status = 1
        elif changed := out_of_step(path, edition):
            notebook = stored_at(target(path, edition))
            notebook.metadata["bertnotes"] = stamp(code_of(notebook))
            store(notebook, target(path, edition))
            print(f"{label(path, edition)}: now rests on today's {', '.join(changed)}")
    return status


def build_all(paths, force=False):
    """Build what is out of date, or everything by force; stops at the first cell that fails. Returns the exit status."""
    go_offline()
    for path in paths:
        if texts := texts_of(path):
            write_whole(texts_path(path), texts)
        else:
            texts_path(path).unlink(missing_ok=True)
        try:
            for edition in editions(path):
                build_edition(path, edition, force)
        except RuntimeError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


def build_edition(path, edition, force):
    """Build a notebook if it is out of date, or by force. RuntimeError where a cell fails, or where the guard rejects it."""
    name = label(path, edition)
    if not force and not complaints_about(path, edition):
        print(f"{name}: agrees with its source, skipped (after a change in the library: --force)")
        return
    notebook = read_source(path, edition)
    if edition == "exercises":
        put_in_place(notebook, path, edition)
        print(f"{name}: written; stubs are not run")
        return
    started = time.monotonic()
    try:
        if not force and reuse_outputs(notebook, path, edition):
            print(f"{name}: only its prose has changed, or its comments, so its outputs stay")
            return
        print(f"{name}: running", flush=True)
        held = build(path, edition, force)
    except RuntimeError as error:
        raise RuntimeError(f"{name}, {error}") from None
    memory = "" if held is None else f", {held:,} MB"
    print(f"{name}: {time.monotonic() - started:.0f} s{memory}", flush=True)


def reuse_outputs(notebook, path, edition):
    """Put a notebook in place with the outputs that are stored, if its code does the same. Returns whether it does."""
    if not take_over_outputs(notebook, stored_at(target(path, edition))):
        return False
    finish(notebook, path, edition, stored_at(target(path, edition)).metadata.get("bertnotes"))
    refuse(faults_of_source(notebook, edition) + faults_of_outputs(notebook, path, edition))
    store(notebook, target(path, edition))
    return True


def main(arguments=None, folder=NOTEBOOKS):
    """Read the command line and do what it says; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=[], metavar="NN", help="only the notebooks whose names begin so")
    parser.add_argument("--force", action="store_true", help="also run notebooks that agree with their sources")
    parser.add_argument("--check", action="store_true", help="run nothing: say whether notebooks and sources agree")
    parser.add_argument("--stamp", action="store_true", help="run nothing: you have looked, and the stored outputs still hold")
    options = parser.parse_args(arguments)
    paths = sources(folder, options.only)
    if not paths:
        print(f"no source in {folder / 'src'} begins with {' or '.join(options.only) or 'a number'}", file=sys.stderr)
        return 2
    try:
        if options.stamp:
            return stamp_all(paths)
        return check(paths) if options.check else build_all(paths, options.force)
    except ValueError as error:  # of a source that lacks something
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
